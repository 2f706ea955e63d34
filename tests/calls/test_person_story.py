"""The story of a donor: all that happened here and there, by whom, in the order of time."""

import re
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import audit
from accounts.models import AuditEntry, User
from calls.models import RingBack, Saying
from calls.story import telling
from pledges.models import Organization, Person
from tests.calls.history import History, Moment, proven
from tests.calls.two_steps import signed_in
from tests.factories import (
    AttemptFactory,
    CallFactory,
    CorrectionFactory,
    HoldFactory,
    MessageScriptFactory,
    NewCallFactory,
    PersonFactory,
    PledgeFactory,
    SkipFactory,
    StreamFactory,
    TextMessageFactory,
    TransactionFactory,
    now,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def donor(helder_water: Organization) -> Person:
    made: Person = PersonFactory(owning_organization=helder_water)
    return made


@pytest.fixture
def minute() -> Moment:
    """The nth minute of a history that began two days ago."""
    begin = now().replace(second=0, microsecond=0) - timedelta(days=2)
    return lambda n: begin + timedelta(minutes=n)


def open_story(user: User, person: Person, query: str = "") -> Any:
    return signed_in(user).get(f"/persons/{person.pk}/story/{query}")


def entries_on(page: str) -> list[str]:
    """What stands on it, the newest first: the words, and by whom."""
    found = re.findall(r'<li data-which="\w*">(.*?)</li>', page, re.DOTALL)
    told = []
    for one in found:
        words, source = re.findall(r"<p[^>]*>(.*?)</p>", one, re.DOTALL)[:2]
        by = re.sub(r"<[^>]+>", "", source).split(" · ")[0]
        told.append(unescape(f"{words.strip()} – {by.strip()}"))
    return told


def told(user: User, person: Person, query: str = "") -> list[str]:
    answer = open_story(user, person, query)
    assert answer.status_code == 200, answer.status_code
    return entries_on(answer.content.decode())


def read(answer: Any) -> str:
    """The page as it is read: words with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def history(
    donor: Person, alice: User, bob: User, carol: User, belcentrum: Organization, minute: Moment
) -> History:
    tried = {"user": str(uuid.uuid4()), "attempt_at": minute(2).isoformat(), "created_at": None}
    call = CallFactory(
        person=donor,
        pledge=PledgeFactory(person=donor, created_at=minute(0)),
        calling_organization=belcentrum,
        requested_at=minute(1),
        notes="Belt liever 's avonds.",
        attempts=[tried],
    )
    return History(donor, call, alice, bob, carol, minute)


def test_everything_is_told_in_the_order_of_time_with_who_did_it(
    history: History, carol: User
) -> None:
    happened = history.tell()

    assert told(carol, history.donor) == happened


def test_an_agent_is_not_told_what_is_of_supervisors(history: History, alice: User) -> None:
    happened = history.tell()
    of_supervisors = ("Skipped", "Looked at what is masked", "Saw that it was refused")

    assert told(alice, history.donor) == [
        line for line in happened if not line.startswith(of_supervisors)
    ]
    page = open_story(alice, history.donor).content.decode()
    assert "Bad Request" not in page


def test_what_was_sent_and_what_came_back_unfolds(history: History, carol: User) -> None:
    history.tell()

    page = read(open_story(carol, history.donor))

    assert "Complete a call, TapRaise Result confirmed Rating 8 Sent" in page
    assert "It was refused, and looked for: it is not there." in page
    assert "TapRaise said: Bad Request" in page


def test_notes_and_reasons_stand_with_what_they_are_about(history: History, carol: User) -> None:
    history.tell()

    page = open_story(carol, history.donor).content.decode()

    for note in ("Belt liever &#x27;s avonds.", "minder te besteden", "dubbel gevraagd"):
        assert f"<q>{note}</q>" in page


def test_nothing_that_the_donor_said_or_that_is_masked_stands_there(
    history: History, carol: User
) -> None:
    history.tell()

    page = open_story(carol, history.donor).content.decode()

    assert "nieuw@example.org" not in page
    assert str(history.donor.mobile_e164) not in page


@pytest.mark.parametrize(
    ("kind", "first", "n"),
    [
        ("calls", "Call requested – Carol", 19),
        ("payments", "Pledge made: € 12,50 a month – Carol", 9),
        ("messages", "Voice message: finished, success point reached – Alphacomm", 5),
        ("traffic", "Saw that it was refused: Complete a call – Carol", 8),
    ],
)
def test_the_address_says_which_kind_is_shown(
    history: History, carol: User, kind: str, first: str, n: int
) -> None:
    happened = history.tell()

    shown = told(carol, history.donor, f"?kind={kind}")

    assert shown == [line for line in happened if line in shown]
    assert (shown[0], len(shown)) == (first, n)


def test_a_kind_that_is_none_shows_everything(history: History, carol: User) -> None:
    assert told(carol, history.donor, "?kind=gossip&after=nowhere") == told(carol, history.donor)


def test_a_donor_with_whom_nothing_happened_has_an_empty_story(donor: Person, alice: User) -> None:
    page = open_story(alice, donor).content.decode()
    assert "Nothing is known to have happened with this donor" in page

    page = open_story(alice, donor, "?kind=messages").content.decode()
    assert "Nothing of this kind happened with this donor." in page


def test_another_organisation_has_no_such_story(history: History, dirk: User) -> None:
    assert open_story(dirk, history.donor).status_code == 404


def test_what_happened_with_a_call_of_somebody_else_is_not_told(
    history: History, carol: User, dirk: User, overkant: Organization
) -> None:
    donor, minute = history.donor, history.minute
    pledge = PledgeFactory(person=donor, created_at=minute(0))
    theirs = CallFactory(
        person=donor, pledge=pledge, calling_organization=overkant, requested_at=minute(1)
    )
    before = told(carol, donor)
    AttemptFactory(call=theirs, user=dirk, at=minute(2), **proven(minute(2)))
    audit.record(
        "callback.cancelled", user=dirk, at=minute(3), subject=theirs.subject, person_uuid=donor.pk
    )
    CorrectionFactory(person=donor, call_uuid=theirs.pk, user=dirk, at=minute(4))
    NewCallFactory(person=donor, user=dirk, requested_at=minute(5), calling_organization=overkant)

    assert told(carol, donor) == before


def test_nothing_is_told_of_a_donor_who_may_be_somebody_else(
    history: History, alice: User, carol: User
) -> None:
    history.tell()
    HoldFactory(call=history.call, user=alice)
    for n in range(3):
        Saying.objects.create(
            call=history.call, item="account", is_right=False, user=alice, at=history.minute(n)
        )

    page = open_story(alice, history.donor).content.decode()

    assert entries_on(page) == []
    assert "nothing of them is shown" in page
    assert told(carol, history.donor)


def test_that_it_was_read_is_on_the_trail(donor: Person, alice: User) -> None:
    open_story(alice, donor)

    entry = AuditEntry.objects.get(action="person.read")
    assert (entry.user, entry.person_uuid) == (alice, donor.pk)


class TestPages:
    @pytest.fixture
    def busy(self, history: History) -> History:
        """Very much happened, in three seconds."""
        for n in range(130):
            at = history.minute(100) + timedelta(seconds=n % 3, milliseconds=n)
            match n % 4:
                case 0:
                    TransactionFactory(person=history.donor, created_at=at, status=f"s{n}")
                case 1:
                    name = MessageScriptFactory(
                        organization=history.donor.owning_organization, name=f"n{n}"
                    )
                    TextMessageFactory(
                        person=history.donor, script=name, at=at, delivery__closed_at=at,
                        delivery__first_sent_at=at,
                    )  # fmt: skip
                case 2:
                    SkipFactory(call=history.call, user=history.bob, at=at, note=f"n{n}")
                case 3:
                    RingBack.objects.create(call=history.call, user=history.alice, at=at)
        return history

    def test_they_follow_on_each_other_without_gaps_or_doubles(
        self, busy: History, carol: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(telling, "PAGE", 1000)
            everything = told(carol, busy.donor)
        assert len(everything) > 150

        walked, query, pages = [], "", []
        while True:
            page = open_story(carol, busy.donor, query).content.decode()
            walked += entries_on(page)
            pages.append(entries_on(page))
            further = re.search(r'rel="next" href="([^"]+)"', page)
            if further is None:
                break
            query = further[1].replace("&amp;", "&")
        assert walked == everything

        # And back the same way.
        back = re.search(r'rel="prev" href="([^"]+)"', page)
        for shown in pages[-2::-1]:
            assert back is not None
            page = open_story(carol, busy.donor, back[1].replace("&amp;", "&")).content.decode()
            assert entries_on(page) == shown
            back = re.search(r'rel="prev" href="([^"]+)"', page)
        assert back is None

    @pytest.mark.parametrize("who", ["alice", "carol"])
    def test_a_page_asks_as_much_whatever_happened(
        self, history: History, request: pytest.FixtureRequest, who: str
    ) -> None:
        reader = request.getfixturevalue(who)
        client = signed_in(reader)
        StreamFactory(feed="calls", last_finished_at=now())
        client.get(f"/persons/{history.donor.pk}/story/")

        def asked() -> int:
            with CaptureQueriesContext(connection) as seen:
                assert client.get(f"/persons/{history.donor.pk}/story/").status_code == 200
            return len(seen)

        history.tell()
        little = asked()
        request.getfixturevalue("busy")
        assert asked() == little
        assert little <= 12
