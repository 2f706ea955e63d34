"""Who is left out of a message in bulk because of what happens meanwhile: a payment, an agent who
has the donor on the line, a refusal. Looked at when it is shown, when it is sent, and when a part
of it leaves."""

import base64
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, User
from calls.models import Call
from integrations import actions as deliveries
from integrations import delivery
from integrations.models import Delivery
from integrations.sandbox import names
from pledges.models import Batch, LeftOut, MessageScript, Organization, PayLink, Person, TextMessage
from tests.calls.bulk import BulkForm, day, english, form, offered, open_calls, script
from tests.calls.two_steps import signed_in
from tests.conftest import Sandbox
from tests.factories import (
    AlphacommLinkFactory,
    CallFactory,
    HoldFactory,
    PayLinkFactory,
    PersonFactory,
    now,
)
from tests.pledges.browsing import words_of

__all__ = ["english", "form", "offered", "script"]  # the fixtures

REASON = LeftOut.Reason


def unpaid(organization: Organization, **columns: Any) -> PayLink:
    """A donor's link of two days ago that nobody paid."""
    made: PayLink = PayLinkFactory(
        person=PersonFactory(owning_organization=organization),
        at=now() - timedelta(days=2),
        **columns,
    )
    return made


def take_in_hand(person: Person, belcentrum: Organization, user: User, **columns: Any) -> None:
    call = Call.objects.filter(person=person).first() or CallFactory(
        person=person, pledge=None, calling_organization=belcentrum
    )
    HoldFactory(call=call, user=user, **columns)


def pay(link: PayLink, **columns: Any) -> None:
    AlphacommLinkFactory(pay_link=link, status="paid", **columns)


def reasons() -> dict[str, int]:
    return dict(Counter(LeftOut.objects.values_list("reason", flat=True)))


class TestShownAndSent:
    def test_who_paid_since_and_who_is_with_an_agent_are_told_apart_and_left_out(
        self,
        form: BulkForm,
        script: MessageScript,
        helder_water: Organization,
        belcentrum: Organization,
        alice: User,
    ) -> None:
        fine, paid, paid_another, in_hand = (unpaid(helder_water) for _ in range(4))
        pay(paid)
        another = PayLinkFactory(person=paid_another.person, at=now() - timedelta(days=1))
        pay(another)
        take_in_hand(in_hand.person, belcentrum, alice)
        said = form.said(script, kind="unpaid", from_date=day(7), until_date=day(1))
        assert "1 donor of Stichting Helder Water gets" in said
        assert "2 paid since" in said
        assert "1 on the desk of an agent" in said
        form.send(send="yes")
        assert [message.person for message in TextMessage.objects.all()] == [fine.person]
        assert reasons() == {REASON.PAID: 2, REASON.IN_HAND: 1}

    def test_a_link_that_was_made_after_the_payment_is_unpaid(
        self, form: BulkForm, script: MessageScript, helder_water: Organization
    ) -> None:
        link = unpaid(helder_water)
        pay(link, paid_at=link.at + timedelta(hours=1))
        PayLinkFactory(person=link.person, at=link.at + timedelta(hours=2))
        said = form.said(script, kind="unpaid", from_date=day(7), until_date=day(1))
        assert "1 donor of Stichting Helder Water gets" in said
        assert "paid since" not in said

    def test_who_pays_or_is_taken_in_hand_after_the_look_gets_none(
        self,
        form: BulkForm,
        script: MessageScript,
        helder_water: Organization,
        belcentrum: Organization,
        alice: User,
    ) -> None:
        links = [unpaid(helder_water) for _ in range(3)]
        form.ask(script, kind="unpaid", from_date=day(7), until_date=day(1))
        pay(links[0])
        take_in_hand(links[1].person, belcentrum, alice)
        form.send(send="yes")
        assert [message.person for message in TextMessage.objects.all()] == [links[2].person]
        assert reasons() == {REASON.PAID: 1, REASON.IN_HAND: 1}

    def test_a_hold_that_lapsed_holds_nobody(
        self,
        form: BulkForm,
        script: MessageScript,
        helder_water: Organization,
        belcentrum: Organization,
        alice: User,
    ) -> None:
        (person,) = open_calls(1, belcentrum, helder_water)
        take_in_hand(person, belcentrum, alice, lease_until=now() - timedelta(seconds=1))
        assert "1 donor of Stichting Helder Water gets" in form.said(script)

    def test_a_payment_matters_to_a_call_only_where_the_message_asks_for_one(
        self,
        form: BulkForm,
        script: MessageScript,
        helder_water: Organization,
        belcentrum: Organization,
    ) -> None:
        (person,) = open_calls(1, belcentrum, helder_water)
        pay(PayLinkFactory(person=person))
        assert "1 donor of Stichting Helder Water gets" in form.said(script)
        MessageScript.objects.filter(pk=script.pk).update(carries="paylink")
        said = form.said(script, amount_rule="fixed", amount="10,00")
        assert "1 paid since" in said


class TestWhenItLeaves:
    """Behind the undo window, another part, or an Alphacomm that is away, hours may pass."""

    @pytest.fixture(autouse=True)
    def _at_the_sandbox(self, sandbox: Sandbox, settings: Settings) -> None:
        settings.ALPHACOMM_URL = sandbox.base_url
        settings.ALPHACOMM_TOKEN = names.TOKEN
        settings.LEAST_FOR_FILE = 2

    @pytest.fixture
    def sent(
        self, form: BulkForm, script: MessageScript, helder_water: Organization
    ) -> Callable[..., list[PayLink]]:
        """So many donors with an unpaid link, and a message to them that waits to leave."""

        def send(count: int, **typed: Any) -> list[PayLink]:
            links = [unpaid(helder_water) for _ in range(count)]
            typed = {"kind": "unpaid", "from_date": day(7), "until_date": day(1), **typed}
            form.ask(script, **typed)
            assert form.send(send="yes").status_code == 302
            return links

        return send

    @pytest.mark.parametrize("way", ["rows", "file"])
    def test_they_are_taken_out_with_their_reason_and_the_rest_leaves(
        self,
        sent: Callable[..., list[PayLink]],
        form: BulkForm,
        sandbox: Sandbox,
        belcentrum: Organization,
        alice: User,
        way: str,
    ) -> None:
        paid, in_hand, unwilling, objected, *fine = sent(6, way=way)
        pay(paid)
        take_in_hand(in_hand.person, belcentrum, alice)
        said_no = signed_in(alice).post(
            f"/persons/{objected.person_id}/objections/",
            {
                "token": uuid.uuid4(),
                "channel": "all",
                "reason": "asked",
                "source": "letter",
                "send": "yes",
            },
        )
        assert said_no.status_code == 302, said_no.content.decode()
        Person.objects.filter(pk=unwilling.person_id).update(opt_in_sms=False)
        leave()
        left = set(TextMessage.objects.values_list("person", flat=True))
        assert left == {link.person_id for link in fine}
        (effect,) = sandbox.effects("add-rows" if way == "rows" else "add-file")
        told = str(effect["body"]) if way == "rows" else contents(effect)
        for message in TextMessage.objects.all():
            assert message.reference in told
        assert told.count("+31") == 2
        assert reasons() == {REASON.PAID: 1, REASON.IN_HAND: 1, REASON.REFUSED: 2}
        batch = Batch.objects.get()
        assert (batch.size, batch.delivery.outcome) == (2, "done")
        shown = words_of(form.client.get(reverse("batch", args=[batch.pk])))
        assert "Left out (4)" in shown
        assert "1 paid since" in shown
        assert AuditEntry.objects.get(action="batch.left_out").facts["left_out"]["paid"] == 1

    def test_when_nobody_is_left_nothing_is_asked(
        self, sent: Callable[..., list[PayLink]], sandbox: Sandbox
    ) -> None:
        for link in sent(2):
            pay(link)
        leave()
        assert sandbox.effects("add-rows") == []
        assert Delivery.objects.get(operation="alphacomm.add_rows").outcome == "done"
        assert (Batch.objects.get().size, reasons()) == (0, {REASON.PAID: 2})

    def test_a_payment_that_was_read_late_counts_by_when_it_was_made(
        self, sent: Callable[..., list[PayLink]]
    ) -> None:
        link, *_ = sent(2)
        # Before the message was made, and after the link was.
        pay(link, paid_at=link.at + timedelta(minutes=1))
        leave()
        assert reasons() == {REASON.PAID: 1}

    def test_what_may_have_arrived_is_not_taken_out_when_a_person_sends_it_once_more(
        self, sent: Callable[..., list[PayLink]], sandbox: Sandbox, english: User
    ) -> None:
        link, *_ = sent(2)
        with sandbox.world.lock:
            sandbox.app.faults.add({"kind": "reset_after", "operation": "add-rows", "times": 1})
        leave()
        pay(link)
        waiting = Delivery.objects.get(operation="alphacomm.add_rows")
        for _ in range(20):
            if waiting.state == "needs_decision":
                break
            leave(waiting.not_before - timezone.now() + timedelta(seconds=1))
            waiting.refresh_from_db()
        deliveries.send_once_more(
            delivery_id=waiting.pk, version=waiting.version, user=english, at=timezone.now()
        )
        leave()
        assert TextMessage.objects.count() == 2
        assert reasons() == {}


def leave(after: timedelta = timedelta(seconds=11)) -> None:
    """A worker comes by, once the undo window is over."""
    delivery.sweep(
        clock=lambda: timezone.now() + after, until=timezone.now() + after + timedelta(minutes=1)
    )


def contents(effect: dict[str, Any]) -> str:
    return base64.b64decode(effect["body"]["file"]["contents"]).decode()
