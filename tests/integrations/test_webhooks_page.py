"""The page of the inbox: what came in and what became of it, and working an event off again."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import keyset
from accounts.models import AuditEntry, User
from calls.models import Call
from integrations import inbox_page
from integrations.models import WebhookEvent
from pledges.models import Organization, Person
from tests.calls.two_steps import signed_in
from tests.factories import (
    AlphacommLinkFactory,
    CallFactory,
    PayLinkFactory,
    PersonFactory,
    TextMessageFactory,
    WebhookEventFactory,
    now,
)
from tests.pledges.browsing import words_of

pytestmark = pytest.mark.django_db

PAGE = "/webhooks/"
State = WebhookEvent.State


@pytest.fixture
def supervisor(carol: User) -> Client:
    return signed_in(carol)


@pytest.fixture
def verhoeven(helder_water: Organization) -> Person:
    person: Person = PersonFactory(owning_organization=helder_water)
    return person


@pytest.fixture
def call(verhoeven: Person, belcentrum: Organization) -> Call:
    made: Call = CallFactory(person=verhoeven, calling_organization=belcentrum)
    return made


@pytest.fixture(autouse=True)
def _known_kinds(settings: Any) -> None:
    settings.EVENTS = {"PayLinkPaid": "pledges.events.pay_link"}


def shown(client: Client, **asked: str) -> list[str]:
    """The ids of the events on a page, in its order."""
    page = client.get(PAGE, asked)
    assert page.status_code == 200
    listed = page.content.decode().partition('id="list-title"')[2]
    return re.findall(r"event-\d+", listed)


def event(number: int, **columns: Any) -> WebhookEvent:
    made: WebhookEvent = WebhookEventFactory(
        event_id=f"event-{number}", received_at=now() - timedelta(minutes=number), **columns
    )
    return made


def test_to_an_agent_it_is_not_there(alice: User) -> None:
    made = event(1)
    client = signed_in(alice)
    assert client.get(PAGE).status_code == 404
    assert client.post(f"{PAGE}{made.pk}/work/").status_code == 404
    assert WebhookEvent.objects.get().state == State.NEW


def test_the_newest_stands_first_and_nothing_of_what_it_said(supervisor: Client) -> None:
    event(2, payload={"data": "geheim"}, service_id="link-1", reference="20261103-x")
    event(1, state=State.WAITING, reason="not_known_here", tries=3, times=2)
    page = supervisor.get(PAGE)
    assert "geheim" not in page.content.decode()
    assert re.findall(r"event-\d+", page.content.decode().partition("list-title")[2])[0] == (
        "event-1"
    )
    words = words_of(page)
    for said in (
        "what it speaks of is not known here yet",
        "tried 3 times",
        "2 times",
        "about link-1",
        "reference 20261103-x",
    ):
        assert said in words, said


def test_a_state_and_an_id_narrow_it(supervisor: Client) -> None:
    event(1)
    event(2, state=State.WAITING, reason="unclear", service_id="link-2")
    event(3, is_given_up=True, reference="20261103-y")
    assert set(shown(supervisor)) == {"event-1", "event-2", "event-3"}
    assert set(shown(supervisor, state="waiting")) == {"event-2"}
    assert set(shown(supervisor, state="failed")) == {"event-3"}
    assert set(shown(supervisor, about="link-2")) == {"event-2"}
    assert set(shown(supervisor, about=" 20261103-y ")) == {"event-3"}
    assert set(shown(supervisor, about="event-1")) == {"event-1"}
    assert shown(supervisor, about="link") == []
    assert set(shown(supervisor, state="nothing known")) == {"event-1", "event-2", "event-3"}
    assert supervisor.get(PAGE, {"about": "\0"}).status_code == 200


def test_it_turns_by_place_and_counts_nothing(
    supervisor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 6):
        event(number)
    monkeypatch.setattr(keyset.page_of, "__kwdefaults__", {"size": 2})
    with CaptureQueriesContext(connection) as queries:
        first = supervisor.get(PAGE).content.decode()
    asked = [query["sql"] for query in queries if "webhookevent" in query["sql"]]
    assert asked
    assert not any("OFFSET" in query or "COUNT(" in query for query in asked)
    onwards = re.search(r'rel="next" href="([^"]+)"', first)
    assert onwards
    event(0)
    second = supervisor.get(PAGE + onwards[1].replace("&amp;", "&")).content.decode()
    listed = re.findall(r'mono">(event-\d+)', second)
    assert listed == ["event-3", "event-4"]


def test_kinds_that_nobody_knows_are_counted(
    supervisor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, times in enumerate((3, 2)):
        event(number, event="PayLinkDreamt", state=State.UNKNOWN, times=times)
    event(2, event="VoiceDreamt", state=State.UNKNOWN)
    page = words_of(supervisor.get(PAGE))
    assert "Kept, of kinds that Belbord does not know: PayLinkDreamt 5×, VoiceDreamt 1×" in page
    monkeypatch.setattr(inbox_page, "MOST_COUNTED", 2)
    assert "(the newest are counted)" in words_of(supervisor.get(PAGE))


def test_an_empty_inbox_says_what_that_means(supervisor: Client) -> None:
    assert "Nothing came in yet" in words_of(supervisor.get(PAGE))
    assert "No event fits this" in words_of(supervisor.get(PAGE, {"state": "failed"}))


def test_one_that_was_given_up_is_worked_off_again(supervisor: Client) -> None:
    made = event(1, is_given_up=True)
    back = f"{PAGE}?state=failed"
    page = supervisor.get(back).content.decode()
    assert f'action="{PAGE}{made.pk}/work/"' in page
    answer = supervisor.post(f"{PAGE}{made.pk}/work/", {"next": back})
    assert answer["Location"] == back
    made.refresh_from_db()
    assert (made.state, made.tries, made.reason) == (State.NEW, 0, "")
    assert AuditEntry.objects.get(action="event.worked_again").user is not None
    assert "A worker looks again" in words_of(supervisor.get(back))


def test_one_that_is_in_hand_or_not_known_is_left_alone(supervisor: Client) -> None:
    in_hand = event(1, lease="0b70c81c-3ec4-4a70-9afb-10163b9028f9")
    WebhookEvent.objects.update(not_before=now() + timedelta(minutes=1))
    supervisor.post(f"{PAGE}{in_hand.pk}/work/", {"next": PAGE})
    assert "in hand right now" in words_of(supervisor.get(PAGE))
    unknown = event(2, event="PayLinkDreamt", state=State.UNKNOWN)
    assert f"{PAGE}{unknown.pk}/work/" not in supervisor.get(PAGE).content.decode()
    supervisor.post(f"{PAGE}{unknown.pk}/work/", {"next": PAGE})
    assert WebhookEvent.objects.get(pk=unknown.pk).state == State.UNKNOWN


def test_a_look_changes_nothing_and_only_a_button_does(supervisor: Client) -> None:
    made = event(1)
    assert supervisor.get(f"{PAGE}{made.pk}/work/").status_code == 405
    assert supervisor.post(f"{PAGE}999999/work/").status_code == 404
    elsewhere = {"next": "https://elsewhere.example/"}
    assert supervisor.post(f"{PAGE}{made.pk}/work/", elsewhere)["Location"] == "/"


# ── What there is to see of what it speaks of ─────────────────────────────────────────────────────


def test_an_event_leads_to_its_pay_link_and_to_the_call(
    supervisor: Client, call: Call, verhoeven: Person
) -> None:
    made = PayLinkFactory(person=verhoeven, call_uuid=call.pk)
    there = AlphacommLinkFactory(pay_link=made)
    text = TextMessageFactory(person=verhoeven, call_uuid=call.pk, script__medium="voice")
    event(1, service_id=there.pk)
    event(2, service="voice", service_id="18301", reference=text.reference)
    event(3, service_id="nobody-knows-it")
    page = supervisor.get(PAGE).content.decode().partition('id="list-title"')[2]
    first, second, third = page.split("<li>")[1:4]
    assert f'href="/paylinks/{made.pk}/"' in first
    assert f'href="/calls/{call.pk}/"' in first
    assert f'href="/calls/{call.pk}/"' in second
    assert "/paylinks/" not in second
    assert "href=" not in third


def test_our_own_reference_finds_what_speaks_of_it(supervisor: Client, verhoeven: Person) -> None:
    made = PayLinkFactory(person=verhoeven)
    there = AlphacommLinkFactory(pay_link=made)
    event(1, service_id=there.pk)
    event(2)
    assert set(shown(supervisor, about=made.invoice_reference)) == {"event-1"}


def test_what_another_organisation_asked_for_is_not_led_to(dirk: User, verhoeven: Person) -> None:
    made = PayLinkFactory(person=verhoeven)
    there = AlphacommLinkFactory(pay_link=made)
    event(1, service_id=there.pk)
    User.objects.filter(pk=dirk.pk).update(role=User.Role.SUPERVISOR)
    theirs = signed_in(User.objects.get(pk=dirk.pk))
    assert f"/paylinks/{made.pk}/" not in theirs.get(PAGE).content.decode()
    assert shown(theirs, about=made.invoice_reference) == []


def test_the_page_costs_the_same_however_many_events(
    supervisor: Client, call: Call, verhoeven: Person
) -> None:
    supervisor.get(PAGE)
    counts = []
    for number in (1, 2, 3):
        made = PayLinkFactory(person=verhoeven, call_uuid=call.pk)
        event(number, service_id=AlphacommLinkFactory(pay_link=made).pk, reference="r")
        with CaptureQueriesContext(connection) as queries:
            supervisor.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2] <= 12
