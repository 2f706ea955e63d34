"""Insight: when donors are reached, who may look, what narrows it; all counted by hand here."""

import html
import itertools
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from calls.daybook import count_day
from calls.insight.wilson import wilson
from calls.models import Attempt, Call
from pledges.contact import AMSTERDAM
from pledges.models import Organization
from tests.calls.counted import (
    ADDRESSES,
    MONDAY,
    THOSE_DAYS,
    TUESDAY,
    count,
    dialled,
    look,
    moment,
    page,
    told,
)
from tests.calls.two_steps import signed_in
from tests.factories import (
    CallFactory,
    CompletionFactory,
    PersonFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
Outcome = Attempt.Outcome


@pytest.fixture
def two_days(alice: User, bob: User, new_call: NewCall) -> None:
    """Monday at ten: 25 dials that ended, 10 of which reached the donor, and one still open.
    Tuesday at seven in the evening: 3, all reached, in each of the three ways."""
    for place in range(25):
        outcome = Outcome.REACHED if place < 10 else Outcome.VOICEMAIL
        dialled(new_call(), alice, moment(MONDAY, 10, place), outcome)
    dialled(new_call(), bob, moment(MONDAY, 10, 59), Outcome.OPEN)
    for place, outcome in enumerate([Outcome.REACHED, Outcome.CUT_OFF, Outcome.NOT_CONVENIENT]):
        dialled(new_call(type=Call.Type.WINBACK), bob, moment(TUESDAY, 19, place), outcome)


# ── Who may look, at what ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_agent_does_not_see_insight(alice: User, address: str) -> None:
    assert signed_in(alice).get(address).status_code == 404


def test_what_was_done_for_others_is_not_told(
    carol: User, alice: User, dierenhulp: Organization, two_days: None
) -> None:
    theirs = CallFactory(person=PersonFactory(owning_organization=dierenhulp))
    dialled(theirs, alice, moment(MONDAY, 10, 30), Outcome.REACHED)
    count()

    door = UserFactory(role=User.Role.SUPERVISOR, organizations=[dierenhulp])

    assert told(page(carol, f"/insight/{THOSE_DAYS}"))[-1][1:4] == ["29", "28", "13"]
    assert told(page(door, f"/insight/{THOSE_DAYS}"))[-1][1:4] == ["1", "1", "1"]


# ── When donors are reached ───────────────────────────────────────────────────────────────────────


def test_reach_by_hour_and_weekday_is_that_which_was_counted_by_hand(
    carol: User, two_days: None
) -> None:
    count()

    said = page(carol, f"/insight/{THOSE_DAYS}")

    assert told(said)[1:] == [
        ["Monday", "10–11", "26", "25", "10", "40 %", "23–59 %"],
        ["Tuesday", "19–20", "3", "3", "3", "100 %", "44–100 %"],
        ["Together", "29", "28", "13", "46 %", "30–64 %"],
    ]
    # The picture says the same: a shade for what has cases enough, and the cases where not.
    assert 'data-shade="3">40<' in said
    assert 'data-shade="0">(3)<' in said
    words = look(carol, f"/insight/{THOSE_DAYS}")
    assert "13 of 28 attempts that ended reached the donor: 46 % (95 % sure: 30–64 %)" in words
    assert "Of 1 nobody has said how it ended." in words
    assert "02-11-2026 to 03-11-2026" in words


def test_a_day_begins_at_midnight_in_amsterdam(carol: User, alice: User, new_call: NewCall) -> None:
    # In summer that is at ten in the evening in London's winter time, two hours before UTC's own.
    first = date(2026, 7, 6)
    dialled(new_call(), alice, moment(first, 0, 5), Outcome.REACHED)
    dialled(new_call(), alice, moment(first, 23, 55), Outcome.BUSY)
    dialled(new_call(), alice, moment(date(2026, 7, 7), 0, 5), Outcome.REACHED)
    count()

    lines = told(page(carol, "/insight/?since=06-07-2026&until=06-07-2026"))
    assert [row[:5] for row in lines[1:]] == [
        ["Monday", "0–1", "1", "1", "1"],
        ["Monday", "23–24", "1", "1", "0"],
        ["Together", "2", "2", "1", "50 %"],
    ]


# ── What narrows it ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "dials"),
    [
        ("since=02-11-2026&until=03-11-2026", "29"),
        ("since=03-11-2026&until=03-11-2026", "3"),
        ("since=2026-11-02&until=2026-11-02", "26"),
        ("since=02-11-2026&until=03-11-2026&type=winback", "3"),
        ("since=02-11-2026&until=03-11-2026&agent={bob}", "4"),
        ("since=02-11-2026&until=03-11-2026&organization={helder_water}", "29"),
        ("until=05-11-2026", "29"),
    ],
)
def test_a_view_can_be_narrowed_and_sent_to_somebody(
    carol: User,
    bob: User,
    helder_water: Organization,
    two_days: None,
    asked: str,
    dials: str,
) -> None:
    count()
    address = f"/insight/?{asked.format(bob=bob.pk, helder_water=helder_water.pk)}"

    assert told(page(carol, address))[-1][1] == dials


@pytest.mark.parametrize(
    ("wrong", "sentence", "kept"),
    [
        ("since=soon", "Write the day as day-month-year", 'value="soon"'),
        ("since=03-11-2026&until=02-11-2026", "This day is before the first one.", "03-11-2026"),
        ("since=02-11-2020&until=02-11-2026", "Choose two years at most.", "02-11-2020"),
        ("type=survey", "Choose one from this list.", ""),
        ("agent=999999", "Choose one from this list.", ""),
        ("agent=%00", "Choose one from this list.", ""),
        ("organization={dierenhulp}", "Choose one from this list.", ""),
    ],
)
def test_what_is_no_filter_is_told_once_and_not_answered(
    carol: User, dierenhulp: Organization, two_days: None, wrong: str, sentence: str, kept: str
) -> None:
    """A link that broke off must not read as an answer about everybody."""
    count()

    said = page(carol, f"/insight/?{wrong.format(dierenhulp=dierenhulp.pk)}")

    assert said.count(sentence) == 1
    assert kept in said
    assert "so no numbers are shown" in said
    assert "<table" not in said
    assert "table.csv" not in said
    assert "data-copy" not in said
    assert '<a class="button small" href="?">Show this without filters</a>' in said


def test_a_view_is_sent_as_it_is_with_its_days(
    carol: User, bob: User, helder_water: Organization, new_call: NewCall
) -> None:
    """Who opens it tomorrow sees the same days, not those of tomorrow."""
    dialled(new_call(), bob, now(), Outcome.REACHED)
    count()
    today = now().astimezone(AMSTERDAM).date()
    days = f"since={today - timedelta(days=29):%d-%m-%Y}&until={today:%d-%m-%Y}"

    said = html.unescape(page(carol, f"/insight/?agent={bob.pk}&organization={helder_water.pk}"))

    address = f"/insight/?{days}&organization={helder_water.pk}&agent={bob.pk}"
    assert f'data-copy="http://testserver{address}"' in said
    assert f'<a href="http://testserver{address}">' in said
    assert told(page(carol, address)) == told(said)


def test_thirty_days_are_shown_where_none_are_asked_for(
    carol: User, alice: User, new_call: NewCall
) -> None:
    today = now().astimezone(AMSTERDAM).date()
    for ago in (0, 29, 30):
        begun = min(moment(today - timedelta(days=ago), 0, 1), now())
        dialled(new_call(), alice, begun, Outcome.REACHED)
    count()

    said = page(carol, "/insight/")

    assert told(said)[-1][1] == "2"
    assert f'value="{today - timedelta(days=29):%d-%m-%Y}"' in said


@pytest.mark.parametrize("address", ADDRESSES)
def test_where_nothing_was_done_it_says_so(carol: User, address: str) -> None:
    said = look(carol, f"{address}{THOSE_DAYS}")

    assert "in these days: choose others." in said
    assert "The same in a table" not in said


# ── How many dials it takes ───────────────────────────────────────────────────────────────────────


def test_the_dials_that_it_takes_are_counted_from_the_first_one_on(
    carol: User, alice: User, new_call: NewCall
) -> None:
    """Four donors: reached at once, at the third dial, never in two, and, after a dial of a week
    before, at the second. What follows the first conversation is no dial that it took."""
    missed, reached = Outcome.NO_ANSWER, Outcome.REACHED
    for story in ([reached, reached], [missed, missed, reached], [missed, missed]):
        call = new_call()
        for place, outcome in enumerate(story):
            dialled(call, alice, moment(MONDAY, 10 + place), outcome)
    late = new_call()
    dialled(late, alice, moment(MONDAY - timedelta(days=7), 12), missed)
    dialled(late, alice, moment(MONDAY, 12), Outcome.CUT_OFF)
    # Still on the line, and one whose ninth dial reached her.
    dialled(new_call(), alice, moment(MONDAY, 13), Outcome.OPEN)
    patient = new_call()
    for place in range(9):
        day = MONDAY - timedelta(days=8 - place)
        dialled(patient, alice, moment(day, 15), missed if place < 8 else reached)
    count()

    said = page(carol, "/insight/dials/?since=02-11-2026&until=02-11-2026")

    assert [[row[0], row[1], row[2], row[5]] for row in told(said)[1:]] == [
        ["attempt 1", "3", "1", "25 %"],
        ["attempt 2", "3", "1", "50 %"],
        ["attempt 3", "1", "1", "75 %"],
        ["attempt 4", "0", "0", "75 %"],
        ["attempt 5", "0", "0", "75 %"],
        ["attempt 6", "0", "0", "75 %"],
        ["attempt 7", "0", "0", "75 %"],
        ["attempt 8 and later", "1", "1", "100 %"],
        ["Together", "8", "4", ""],
    ]
    assert "8 attempts to reach donors whom the call had not reached before; 4 did." in look(
        carol, "/insight/dials/?since=02-11-2026&until=02-11-2026"
    )


# ── How sure, and at what cost ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # R: binom::binom.wilson, and Newcombe (1998), table I.
        (8, 10, 0.4902, 0.9433),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_the_interval_is_that_of_the_tables(part: int, whole: int, low: float, high: float) -> None:
    assert wilson(part, whole) == pytest.approx((low, high), abs=0.00006)


def test_of_nothing_there_is_no_interval() -> None:
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="no part"):
        wilson(3, 2)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_costs_twelve_queries_however_much_was_done(
    carol: User, alice: User, new_call: NewCall, helder_water: Organization, address: str
) -> None:
    client, look_number = signed_in(carol), itertools.count()

    def queries() -> int:
        # Another address each time: a page that was looked at just now is not made anew.
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address, {"look": next(look_number)}).status_code == 200
        return len(seen.captured_queries)

    queries()
    bare = queries()
    for place in range(12):
        user = UserFactory(organizations=[helder_water])
        dialled(new_call(), user, now() - timedelta(days=place), Outcome.REACHED)
        CompletionFactory(call=new_call(), user=user, completed_at=now() - timedelta(days=place))
    count()

    assert queries() == bare <= 12


# ── A page that was looked at just now ────────────────────────────────────────────────────────────


def dials_told(user: User) -> str:
    return told(page(user, f"/insight/{THOSE_DAYS}"))[-1][1]


def test_a_page_is_made_once_until_a_day_is_counted_anew(
    carol: User, alice: User, new_call: NewCall, two_days: None
) -> None:
    count()
    assert dials_told(carol) == "29"
    client = signed_in(carol)

    with CaptureQueriesContext(connection) as anew:
        client.get(f"/insight/{THOSE_DAYS}&look=1")
    with CaptureQueriesContext(connection) as again:
        client.get(f"/insight/{THOSE_DAYS}&look=1")
    assert len(again) < len(anew)

    dialled(new_call(), alice, moment(TUESDAY, 12), Outcome.BUSY)
    assert dials_told(carol) == "29"
    count_day(TUESDAY, at=now() + timedelta(seconds=1))
    assert dials_told(carol) == "30"


def test_days_that_one_worker_counts_in_a_row_are_all_seen(
    carol: User, alice: User, new_call: NewCall, two_days: None
) -> None:
    at = now()
    count_day(MONDAY, at=at)
    assert dials_told(carol) == "26"
    count_day(TUESDAY, at=at)
    assert dials_told(carol) == "29"


def test_a_page_that_was_made_is_nobody_elses(
    carol: User, dierenhulp: Organization, helder_water: Organization, two_days: None
) -> None:
    count()
    assert dials_told(carol) == "29"
    stranger = UserFactory(role=User.Role.SUPERVISOR, organizations=[dierenhulp])
    assert "No attempts in these days" in look(stranger, f"/insight/{THOSE_DAYS}")
    colleague = UserFactory(role=User.Role.SUPERVISOR, organizations=[*carol.organizations.all()])
    assert dials_told(colleague) == "29"

    colleague.organizations.remove(helder_water)
    assert "No attempts in these days" in look(colleague, f"/insight/{THOSE_DAYS}")


def test_a_page_that_was_made_is_made_again_in_another_language(
    carol: User, two_days: None
) -> None:
    count()
    said = "attempts that ended reached the donor"
    assert said in look(carol, f"/insight/{THOSE_DAYS}")
    carol.language = "nl"
    carol.save()
    assert said not in look(carol, f"/insight/{THOSE_DAYS}")
