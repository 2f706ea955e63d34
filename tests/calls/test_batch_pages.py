"""The pages of what was sent in bulk: how far each is, and what became of whom."""

import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from integrations.models import Delivery
from pledges.models import Batch, MessageScript, Organization, TextMessage
from tests.calls.bulk import BulkForm, english, form, offered, open_calls, script
from tests.calls.two_steps import signed_in
from tests.factories import (
    AlphacommLinkFactory,
    BatchFactory,
    DeliveryFactory,
    LeftOutFactory,
    PayLinkFactory,
    PersonFactory,
    TextMessageFactory,
)
from tests.pledges.browsing import words_of

__all__ = ["english", "form", "offered", "script"]  # the fixtures


def test_an_undone_batch_is_gone(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    open_calls(2, belcentrum, helder_water)
    form.ask(script)
    at = form.send(send="yes")["Location"]
    assert "undo/" in form.client.get(at).content.decode()
    assert form.client.post(f"{at}undo/")["Location"] == reverse("batches")
    assert form.client.get(at).status_code == 404
    # The same form once more finds that it was sent and taken back.
    assert form.send(send="yes")["Location"] == reverse("batches")
    assert not TextMessage.objects.exists()


def test_what_has_left_is_not_undone(form: BulkForm, english: User, script: MessageScript) -> None:
    batch = BatchFactory(script=script, user=english, size=1)
    answer = form.client.post(reverse("undo_batch", args=[batch.pk]))
    assert answer.status_code == 409
    assert "too late" in words_of(answer)


def test_refused_ones_are_shown_with_alphacomms_words(
    form: BulkForm, english: User, script: MessageScript
) -> None:
    batch = BatchFactory(script=script, user=english, size=3, way=Batch.Way.ROWS)
    for status, ended in (("accepted", None), ("rejected", timezone.now()), ("updated", None)):
        TextMessageFactory(
            script=script,
            person=PersonFactory(owning_organization=script.organization),
            batch=batch,
            delivery=batch.delivery,
            record_status=status,
            ended_badly_at=ended,
            record_messages=[{"context": "x", "message": "This is no phone.", "level": "error"}],
        )
    address = reverse("batch", args=[batch.pk])
    shown = words_of(form.client.get(address))
    assert "Refused (1)" in shown
    assert "This is no phone." in shown
    assert "1 accepted 1 rejected 1 joined with an earlier one" in shown
    everybody = form.client.get(f"{address}?show=all")
    assert everybody.content.decode().count("/persons/") == 3


def test_it_is_asked_for_as_long_as_it_moves(
    form: BulkForm, english: User, script: MessageScript
) -> None:
    batch = BatchFactory(script=script, user=english, size=1, way=Batch.Way.FILE, status="running")
    TextMessageFactory(script=script, batch=batch, delivery=batch.delivery, record_status="")
    pulse = reverse("batch_pulse", args=[batch.pk])
    shown = form.client.get(pulse).content.decode()
    assert 'max="4" value="3"' in shown
    assert "hx-get" in shown
    Batch.objects.update(status="done")
    shown = form.client.get(pulse).content.decode()
    assert 'value="4"' in shown
    assert "hx-get" not in shown
    assert not re.search(r"\sstyle=", shown)


def test_while_it_runs_its_numbers_come_by_themselves_and_at_its_end_the_list(
    form: BulkForm, english: User, script: MessageScript
) -> None:
    MessageScript.objects.filter(pk=script.pk).update(carries="paylink")
    batch = BatchFactory(script=script, user=english, size=30, way=Batch.Way.ROWS)
    waiting = DeliveryFactory(
        operation="alphacomm.add_rows", subject=batch.subject, seq=2, state="ready"
    )
    for place in range(30):
        message = TextMessageFactory(
            script=script,
            person=PersonFactory(owning_organization=script.organization),
            batch=batch,
            delivery=waiting if place < 10 else batch.delivery,
            record_status="" if place < 10 else "rejected" if place < 12 else "accepted",
            ended_badly_at=timezone.now() if 10 <= place < 12 else None,
        )
        link = PayLinkFactory(person=message.person, message=message, delivery=None, amount="7.50")
        if place > 27:
            # Paid twice is one PayLink paid.
            AlphacommLinkFactory(pay_link=link, status="paid")
            AlphacommLinkFactory(pay_link=link, status="paid")
    LeftOutFactory(batch=batch, reason="paid")
    address = reverse("batch_pulse", args=[batch.pk])
    form.client.get(address)
    with CaptureQueriesContext(connection) as asked:
        answer = form.client.get(address, headers={"Belbord-Poll": "true"})
    assert len(asked) <= 5
    shown = words_of(answer)
    assert "20 of 30 messages have their answer." in shown
    assert "saved, being handed over 10" in shown
    assert "handed over 18" in shown
    assert "refused 2" in shown
    assert "18 accepted 2 rejected" in shown
    assert "left out 1" in shown
    assert "paid by their PayLink 2" in shown
    assert "paid together € 15,00" in shown
    assert "Refused (2)" in shown
    page = answer.content.decode()
    assert "hx-get" in page
    assert 'id="shows"' in page
    assert 'id="listed"' not in page

    TextMessage.objects.filter(delivery=waiting).update(record_status="accepted")
    Delivery.objects.filter(pk=waiting.pk).update(
        state="closed", outcome="done", closed_at=timezone.now()
    )
    page = form.client.get(f"{address}?show=all").content.decode()
    assert "hx-get" not in page
    assert page.count("/persons/") == 30


def test_a_part_that_needs_a_person_is_shown(
    form: BulkForm, english: User, script: MessageScript
) -> None:
    number = uuid.uuid4()
    waiting = DeliveryFactory(
        operation="alphacomm.add_rows",
        subject=f"batch:{number}",
        state="needs_decision",
        reason="nothing_to_read",
    )
    batch = BatchFactory(
        uuid=number, script=script, user=english, size=1, way=Batch.Way.ROWS, delivery=waiting
    )
    TextMessageFactory(script=script, batch=batch, delivery=batch.delivery, record_status="")
    shown = form.client.get(reverse("batch", args=[batch.pk])).content.decode()
    assert "Needs a decision" in shown
    assert "hx-get" not in shown


def test_the_list_goes_on_page_by_page_and_asks_as_much_for_each(
    form: BulkForm, english: User, script: MessageScript, django_assert_num_queries: Any
) -> None:
    for _ in range(30):
        batch = BatchFactory(script=script, user=english, size=1, way=Batch.Way.ROWS)
        TextMessageFactory(script=script, batch=batch, delivery=batch.delivery)
    first = form.client.get(reverse("batches")).content.decode()
    assert first.count("/batches/") - first.count("/batches/new/") >= 25
    further = re.search(r'rel="next" href="([^"]+)"', first)
    assert further
    second = form.client.get(f"{reverse('batches')}{further[1].replace('&amp;', '&')}")
    assert second.status_code == 200
    assert len(re.findall(r"/batches/[0-9a-f-]{36}/", second.content.decode())) == 5


@pytest.mark.parametrize("name", ["batches", "new_batch", "batch", "batch_pulse"])
def test_to_an_agent_and_to_another_organisation_it_is_not_there(
    alice: User, dirk: User, carol: User, script: MessageScript, name: str
) -> None:
    batch = BatchFactory(script=script, user=carol)
    address = reverse(name, args=[batch.pk] if name.startswith("batch_") or name == "batch" else [])
    assert signed_in(alice).get(address).status_code == 404
    User.objects.filter(pk=dirk.pk).update(role=User.Role.SUPERVISOR)
    dirk.refresh_from_db()
    expected = 404 if "/" + str(batch.pk) in address else 200
    assert signed_in(dirk).get(address).status_code == expected


def test_supervisors_find_the_way_there(english: User, alice: User) -> None:
    assert reverse("batches") in signed_in(english).get("/").content.decode()
    assert reverse("batches") not in signed_in(alice).get("/").content.decode()
