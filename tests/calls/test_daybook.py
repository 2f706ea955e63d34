"""How a worker counts the days that insight reads."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from calls import daybook
from calls.models import Attempt, Call, DayCount, DayCounting
from pledges.contact import AMSTERDAM
from tests.calls.counted import MONDAY, TUESDAY, count, dialled, look, moment
from tests.factories import (
    CompletionFactory,
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


# ── How the days are counted ──────────────────────────────────────────────────────────────────────


def rows() -> set[tuple[Any, ...]]:
    return set(DayCount.objects.values_list("pk", "day", "kind", "code", "n", "a", "b"))


def test_counting_twice_writes_no_row_twice(two_days: None) -> None:
    count()
    once = rows()
    assert once
    for day in (MONDAY, TUESDAY):
        daybook.count_day(day, at=now())

    assert rows() == once


def test_what_changes_afterwards_is_found_by_itself(
    carol: User, alice: User, new_call: NewCall
) -> None:
    """A result that TapRaise refuses, a dial that a supervisor settles, one that is undone."""
    today = now().astimezone(AMSTERDAM).date()
    settled, undone = new_call(), new_call()
    for place, call in enumerate((settled, undone)):
        dialled(call, alice, now() - timedelta(seconds=place), Outcome.OPEN)
    completion = CompletionFactory(call=new_call(), user=alice)
    count()
    assert {row[2:] for row in rows()} >= {("result", "confirmed", 1, 1, 8)}

    Attempt.objects.filter(call=settled).update(outcome=Outcome.REACHED)
    Attempt.objects.filter(call=undone).delete()
    completion.ended_badly_at = now()
    completion.save()
    count()

    assert {(day, kind, *counts) for _, day, kind, _, *counts in rows()} == {
        (today, "hour", 1, 1, 0),
        (today, "nth", 1, 1, 0),
    }


def test_today_is_counted_every_minute_lately_every_hour_and_the_rest_every_day(
    alice: User, new_call: NewCall
) -> None:
    at = now()
    today = at.astimezone(AMSTERDAM).date()
    first = today - timedelta(days=20)
    dialled(new_call(), alice, moment(first, 12), Outcome.REACHED)
    midday = moment(today, 12)

    assert len(daybook.count_days(at=midday, at_a_time=timedelta(minutes=10))) == 21
    assert daybook.due_days(at=midday + timedelta(minutes=1)) == [today]
    lately = daybook.due_days(at=midday + timedelta(minutes=61))
    assert len(lately) == 15
    assert lately[0] == today
    assert min(lately) == today - timedelta(days=14)
    assert first in daybook.due_days(at=midday + timedelta(days=1, minutes=1))


def test_after_a_stop_the_newest_days_come_first_and_all_of_them_come(
    alice: User, new_call: NewCall, carol: User
) -> None:
    today = now().astimezone(AMSTERDAM).date()
    dialled(new_call(), alice, moment(today - timedelta(days=4), 12), Outcome.REACHED)

    assert "5 days are still to be counted" in look(carol, "/insight/")
    done = [daybook.count_days(at=now(), at_a_time=timedelta(0)) for _ in range(2)]
    assert done == [[today], [today]]
    assert "4 days are still to be counted" in look(carol, "/insight/")
    count()
    assert DayCounting.objects.exclude(counted_at=None).count() == 5
    assert "still to be counted" not in look(carol, "/insight/")
