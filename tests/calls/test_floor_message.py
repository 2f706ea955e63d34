"""A supervisor tells the floor something; agents see it where they are, and put it away."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from calls.models import Call, FloorMessage, Receipt
from pledges.models import Organization
from tests.calls.conftest import Desk
from tests.calls.two_steps import Inputs, signed_in
from tests.factories import (
    AttemptFactory,
    CallFactory,
    CompletionFactory,
    FloorMessageFactory,
    HoldFactory,
    StreamFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

LIST = "/floor/messages/"
CAKE = "Om drie uur is er taart."


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[Any]:
    """A Wednesday, an hour past noon in Amsterdam; time passes when a story says so."""
    with time_machine.travel(datetime(2026, 11, 25, 12, 0, tzinfo=UTC), tick=False) as clock:
        yield clock


class Writer:
    """A supervisor at the page of messages, in a browser that may run no scripts."""

    def __init__(self, user: User) -> None:
        self.client = signed_in(user)
        self.token = Inputs(self.look()).hidden["token"]

    def look(self, query: str = "") -> str:
        answer = self.client.get(f"{LIST}{query}")
        assert answer.status_code == 200, answer.status_code
        page: str = answer.content.decode()
        return page

    def write(self, text: str = CAKE, **fields: str) -> Any:
        typed = {
            "token": self.token,
            "text": text,
            "organization": "all",
            "until": "hour",
            "time": "",
            "tone": "calm",
        }
        return self.client.post(LIST, {**typed, **fields})


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def shown_on(page: str) -> list[str]:
    """The message that stands there, if there is one."""
    return re.findall(r'<p class="spoken">([^<]*)</p>', page)


def start_of(user: User) -> str:
    page: str = signed_in(user).get("/").content.decode()
    return page


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────


def test_agents_see_on_their_start_page_what_a_supervisor_tells(
    alice: User, bob: User, carol: User, dirk: User
) -> None:
    answer = Writer(carol).write()

    assert (answer.status_code, answer["Location"]) == (302, LIST)
    for agent in (alice, bob):
        assert shown_on(start_of(agent)) == [CAKE]
        assert "Carol, 13:00" in words(start_of(agent))
    for somebody_else in (carol, dirk):
        assert shown_on(start_of(somebody_else)) == []


def test_what_is_told_is_text_and_nothing_else(alice: User, carol: User) -> None:
    Writer(carol).write("<b>Let op</b> & {{ token }}")

    assert shown_on(start_of(alice)) == ["&lt;b&gt;Let op&lt;/b&gt; &amp; {{ token }}"]


def test_one_organisation_can_be_told_alone(
    alice: User, carol: User, helder_water: Organization, belcentrum: Organization
) -> None:
    only_there = UserFactory(organizations=[belcentrum])

    Writer(carol).write(organization=str(helder_water.pk))

    assert shown_on(start_of(alice)) == [CAKE]
    assert shown_on(start_of(only_there)) == []


@pytest.mark.parametrize(
    ("fields", "until"),
    [
        ({"until": "hour"}, datetime(2026, 11, 25, 13, 0, tzinfo=UTC)),
        ({"until": "today"}, datetime(2026, 11, 25, 23, 0, tzinfo=UTC)),
        ({"until": "time", "time": "14:30"}, datetime(2026, 11, 25, 13, 30, tzinfo=UTC)),
    ],
)
def test_it_holds_until_the_moment_that_was_chosen(
    alice: User,
    carol: User,
    at_noon: Any,
    fields: dict[str, str],
    until: datetime,
) -> None:
    Writer(carol).write(**fields)

    assert FloorMessage.objects.get().until_at == until
    at_noon.move_to(until - timedelta(seconds=1))
    # Nobody works that long in one session.
    assert shown_on(start_of(alice)) == [CAKE]
    at_noon.move_to(until)
    assert shown_on(start_of(alice)) == []


def test_what_is_urgent_is_shown_before_what_is_newer(alice: User, carol: User) -> None:
    Writer(carol).write("Bel niet naar Utrecht.", tone="urgent")
    Writer(carol).write()

    page = start_of(alice)

    assert shown_on(page) == ["Bel niet naar Utrecht."]
    assert "Urgent · Carol" in words(page)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"text": "   "}, "Write what you want to tell."),
        ({"text": "a" * 201}, "Ensure this value has at most 200 characters"),
        ({"until": ""}, "Choose until when it holds."),
        ({"until": "time"}, "Fill in a time, as 14:30."),
        ({"until": "time", "time": "12:59"}, "That time is over today."),
        ({"until": "time", "time": "soon"}, "Enter a valid time."),
        ({"tone": "shrill"}, "Select a valid choice."),
    ],
)
def test_what_is_refused_is_said_at_the_field_and_stays_as_typed(
    carol: User, fields: dict[str, str], complaint: str
) -> None:
    answer = Writer(carol).write(**fields)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert complaint in page
    if "text" not in fields:
        assert f"{CAKE}</textarea>" in page
    if fields.get("time"):
        assert f'value="{fields["time"]}"' in page
    assert not FloorMessage.objects.exists()


def test_an_organisation_of_somebody_else_cannot_be_told(
    carol: User, dierenhulp: Organization
) -> None:
    assert Writer(carol).write(organization=str(dierenhulp.pk)).status_code == 422
    assert not FloorMessage.objects.exists()


def test_sent_twice_it_is_told_once(carol: User, at_noon: Any) -> None:
    writer = Writer(carol)
    writer.write()
    at_noon.shift(1)

    assert writer.write().status_code == 302
    assert FloorMessage.objects.count() == 1

    # The same form with something else in it is another message.
    changed = writer.write("Iets anders.")
    assert changed.status_code == 409
    assert "Iets anders.</textarea>" in changed.content.decode()
    assert writer.write(until="today").status_code == 409
    assert Inputs(changed.content.decode()).hidden["token"] != writer.token


def test_what_looks_like_a_national_number_is_masked(carol: User) -> None:
    Writer(carol).write("Nummer 123456782 belde.")

    assert "123456782" not in FloorMessage.objects.get().text


def test_who_wrote_it_and_who_took_it_back_is_on_the_trail(carol: User) -> None:
    writer = Writer(carol)
    writer.write()
    message = FloorMessage.objects.get()
    for _n in range(2):
        writer.client.post(f"{LIST}{message.pk}/withdrawal/")

    entries = AuditEntry.objects.filter(subject=f"floor_message:{message.pk}").order_by("pk")
    assert [(one.action, one.user) for one in entries] == [
        ("floor_message.written", carol),
        ("floor_message.withdrawn", carol),
    ]
    assert CAKE not in str([one.facts for one in entries])


def test_an_agent_writes_nothing(alice: User) -> None:
    client = signed_in(alice)

    assert client.get(LIST).status_code == 404
    assert client.post(LIST, {"text": CAKE}).status_code == 404
    assert "/floor/messages/" not in start_of(alice)


def test_the_floor_leads_to_it(carol: User) -> None:
    assert f'href="{LIST}"' in signed_in(carol).get("/floor/").content.decode()


# ── Seeing ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def told(carol: User, helder_water: Organization, belcentrum: Organization) -> FloorMessage:
    made: FloorMessage = FloorMessageFactory(user=carol, organizations=[helder_water, belcentrum])
    return made


def put_away(client: Client, message: FloorMessage, *, htmx: bool = False, **fields: str) -> Any:
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(f"/floor-messages/{message.pk}/receipt/", fields, headers=headers)


def test_who_puts_it_away_is_not_shown_it_again_and_others_are(
    alice: User, bob: User, carol: User, told: FloorMessage
) -> None:
    client = signed_in(alice)
    for _n in range(2):
        answer = put_away(client, told, next="/calls/")
        assert (answer.status_code, answer["Location"]) == (302, "/calls/")

    assert shown_on(start_of(alice)) == []
    assert shown_on(start_of(bob)) == [told.text]
    assert Receipt.objects.count() == 1
    page = words(Writer(carol).look())
    assert "Seen by Alice 13:00. Not yet by Bob." in page


def test_the_next_one_takes_the_place_of_what_is_put_away(
    alice: User, carol: User, told: FloorMessage, helder_water: Organization
) -> None:
    urgent = FloorMessageFactory(
        user=carol, organizations=[helder_water], is_urgent=True, text="Bel niet naar Utrecht."
    )

    part = put_away(signed_in(alice), urgent, htmx=True).content.decode()

    assert shown_on(part) == [told.text]
    assert shown_on(put_away(signed_in(alice), told, htmx=True).content.decode()) == []


def test_the_way_back_stays_in_the_house(alice: User, told: FloorMessage) -> None:
    answer = put_away(signed_in(alice), told, next="https://elsewhere.example/")

    assert answer["Location"] == "/"


def test_nobody_elsewhere_can_put_it_away(dirk: User, told: FloorMessage) -> None:
    assert put_away(signed_in(dirk), told).status_code == 404
    assert not Receipt.objects.exists()


def test_the_desk_shows_it_and_its_poll_brings_it(
    call: Call,
    alice: User,
    carol: User,
    at_desk: Callable[[User], Desk],
    helder_water: Organization,
) -> None:
    HoldFactory(call=call, user=alice)
    desk = at_desk(alice)
    assert shown_on(desk.look(call)) == []
    pulse = f"/calls/{call.pk}/pulse/"
    assert "floor-message" not in desk.client.get(f"{pulse}?message=").content.decode()

    message = FloorMessageFactory(user=carol, organizations=[helder_water])

    brought = desk.client.get(f"{pulse}?message=").content.decode()
    assert 'hx-swap-oob="innerHTML:#floor-message"' in brought
    assert shown_on(brought) == [message.text]
    # What stands there is not put there again: its button may have the focus.
    again = desk.client.get(f"{pulse}?message={message.pk}").content.decode()
    assert "floor-message" not in again
    assert shown_on(desk.look(call)) == [message.text]

    Writer(carol).client.post(f"{LIST}{message.pk}/withdrawal/")
    gone = desk.client.get(f"{pulse}?message={message.pk}").content.decode()
    assert 'hx-swap-oob="innerHTML:#floor-message"' in gone
    assert shown_on(gone) == []


def test_the_poll_of_the_start_page_brings_it(alice: User, told: FloorMessage) -> None:
    client = signed_in(alice)

    assert shown_on(client.get("/pulse/?still&message=").content.decode()) == [told.text]
    still = client.get(f"/pulse/?still&message={told.pk}").content.decode()
    assert still.strip() == ""
    moving = client.get("/pulse/?message=").content.decode()
    assert 'id="last-calls"' in moving
    assert shown_on(moving) == [told.text]


@pytest.mark.parametrize("is_told", [False, True])
def test_polls_ask_little(
    call: Call,
    alice: User,
    carol: User,
    at_desk: Callable[[User], Desk],
    helder_water: Organization,
    is_told: bool,
) -> None:
    StreamFactory(feed="calls", last_finished_at=now())
    HoldFactory(call=call, user=alice)
    desk = at_desk(alice)
    desk.look(call)
    for _n in range(3 if is_told else 0):
        FloorMessageFactory(user=carol, organizations=[helder_water])
    # A day on which something was done asks no more than one on which nothing was.
    for _n in range(3):
        AttemptFactory(call=CallFactory(person=call.person), user=alice, at=now())
        CompletionFactory(call=CallFactory(person=call.person), user=alice, completed_at=now())

    polls = (f"/calls/{call.pk}/pulse/?message=", "/pulse/?still&message=", "/pulse/?message=")
    for address in polls:
        with CaptureQueriesContext(connection) as seen:
            assert desk.client.get(address).status_code == 200
        assert len(seen) <= 5, address


# ── Looking back, and taking back ─────────────────────────────────────────────────────────────────


def test_nothing_told_yet_says_what_to_do(carol: User) -> None:
    assert "Nothing was told yet." in Writer(carol).look()


def test_what_is_taken_back_is_shown_to_nobody_and_stays_in_the_list(
    alice: User, carol: User, told: FloorMessage
) -> None:
    writer = Writer(carol)

    answer = writer.client.post(f"{LIST}{told.pk}/withdrawal/")

    assert answer["Location"] == LIST
    assert shown_on(start_of(alice)) == []
    page = words(writer.look())
    assert told.text in page
    assert "taken back by Carol, 25-11 13:00" in page
    assert "Take back" not in page


def test_a_supervisor_of_some_of_its_organisations_only_looks_on(
    carol: User, told: FloorMessage, helder_water: Organization, dierenhulp: Organization
) -> None:
    other = UserFactory(role=User.Role.SUPERVISOR, organizations=[helder_water, dierenhulp])
    UserFactory(first_name="Zoe", organizations=[dierenhulp])
    writer = Writer(other)

    page = words(writer.look())
    assert told.text in page
    assert "Take back" not in page
    assert "Zoe" not in page
    writer.client.post(f"{LIST}{told.pk}/withdrawal/")
    told.refresh_from_db()
    assert told.withdrawn_at is None


def test_elsewhere_it_is_not_there(told: FloorMessage, dierenhulp: Organization) -> None:
    door = UserFactory(role=User.Role.SUPERVISOR, organizations=[dierenhulp])
    writer = Writer(door)

    assert told.text not in writer.look()
    assert writer.client.post(f"{LIST}{told.pk}/withdrawal/").status_code == 404


def test_earlier_ones_follow_a_page_at_a_time_at_the_same_cost(
    alice: User, carol: User, helder_water: Organization, told: FloorMessage
) -> None:
    StreamFactory(feed="calls", last_finished_at=now())
    writer = Writer(carol)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            writer.look()
        return len(seen)

    few = asked()
    for n in range(44):
        message = FloorMessageFactory(
            user=carol, organizations=[helder_water], text=f"Bericht {n}."
        )
        Receipt.objects.create(message=message, user=alice, at=now())
    assert asked() == few <= 12

    told_of, query = [], ""
    while True:
        page = writer.look(query)
        told_of += re.findall(r"<b>([^<]*)</b></p>", page)
        further = re.search(r'rel="next" href="([^"]+)"', page)
        if further is None:
            break
        query = further[1].replace("&amp;", "&")
    assert told_of == [*(f"Bericht {n}." for n in range(43, -1, -1)), told.text]
