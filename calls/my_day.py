"""What the start page shows of one person's day, read from rows alone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from django.db.models import (
    BigIntegerField,
    DateTimeField,
    Exists,
    OuterRef,
    QuerySet,
    Subquery,
)

from accounts.models import User, spoken_name_of
from accounts.prepared import Prepared
from calls import queue
from calls.floor_messages import Shown, column_for
from calls.insight import tallies
from calls.insight import today as of_today
from calls.insight.today import Day
from calls.models import Attempt, Call, Completion, Hold, ResultCode, TakenAway
from calls.story import attempt_text
from integrations.chips import Chip, chip
from integrations.models import Delivery

Row = TypeVar("Row", Attempt, Completion)

# How much of the past fits below the work.
LAST_CALLS = 8


@dataclass(frozen=True)
class LastCall:
    """A call that the person worked today, and how that ended."""

    call: Call
    at: datetime
    text: str
    delivery: Delivery
    chip: Chip
    can_take_up: bool
    # Who took it out of this person's hands; empty: nobody.
    taken_by: str = ""


@dataclass(frozen=True)
class MyDay:
    """One agent's own day: the last calls of it, and what is theirs to do now."""

    last_calls: Sequence[LastCall]
    hold: Hold | None
    # What a supervisor tells the floor.
    shown: Shown | None = None

    @property
    def is_moving(self) -> bool:
        return any(not last.chip.is_settled for last in self.last_calls)


def _counts(*, user: Any, midnight: Any, next_midnight: Any) -> Any:
    return tallies.union(of_today.my_branches(user, midnight=midnight, next_midnight=next_midnight))


def _last_dials(*, user: Any, midnight: Any, next_midnight: Any) -> "QuerySet[Attempt]":
    """Of each call the last one: nobody's day is read to its end for the few that are shown."""
    dials = of_today.dials_of_day(midnight, next_midnight).filter(user=user)
    later = dials.filter(call=OuterRef("call"), at__gt=OuterRef("at"))
    taken = (
        TakenAway.objects.filter(call=OuterRef("call"), user=user, at__gte=OuterRef("at"))
        .annotate(who=spoken_name_of("by"))
        .order_by("-at")
    )
    found = dials.filter(~Exists(later)).annotate(taken_by=Subquery(taken.values("who")[:1]))
    return _with_donor(found, user).order_by("-at")[:LAST_CALLS]


def _last_ends(*, user: Any, midnight: Any, next_midnight: Any) -> "QuerySet[Completion]":
    ends = of_today.ends_of_day(midnight, next_midnight).filter(user=user)
    return _with_donor(ends, user).order_by("-completed_at")[:LAST_CALLS]


def _with_donor(rows: "QuerySet[Row]", user: Any) -> "QuerySet[Row]":
    """Whom it was about, what became of it, and whether this user may take it up again. What was
    sent and the account number are encrypted, and not shown."""
    workable = queue.workable(user).filter(pk=OuterRef("call"))
    return (
        rows.annotate(can_take_up=Exists(workable))
        .select_related("call__person", "delivery")
        .defer("delivery__payload", *Call.sealed("call"))
    )


def _me(*, user: Any, at: Any, is_supervisor: bool) -> "QuerySet[User]":
    """Whom this person has in hand, and what they are told: in one, for a poll asks for both."""
    return (
        User.objects.filter(pk=user)
        .select_related("hold__call__person")
        .annotate(
            floor_message=column_for(user, at=at, is_supervisor=is_supervisor),
            has_open_call=Exists(Call.objects.open().filter(hold__user=OuterRef("pk"))),
        )
    )


# A page that everybody comes back to, and that asks every few seconds while anything is on its way.
_TODAY: Final[dict[str, Any]] = {
    "user": BigIntegerField(),
    "midnight": DateTimeField(),
    "next_midnight": DateTimeField(),
}
_COUNTS: Final[Prepared[Any]] = Prepared(_counts, **_TODAY)
_LAST_DIALS: Final = Prepared(_last_dials, **_TODAY)
_LAST_ENDS: Final = Prepared(_last_ends, **_TODAY)
_ME: Final = Prepared(_me, user=BigIntegerField(), at=DateTimeField())


def read_day(user: User, *, at: datetime) -> Day:
    """The numbers of this person's day: one query."""
    return of_today.together(
        of_today.by_person(tallies.read(_COUNTS.ask(**_today(user, at)))).values()
    )


def read_my_day(user: User, *, at: datetime) -> MyDay:
    """What of this person's day can change by itself: three queries."""
    today = _today(user, at)
    (me,) = cast("list[Any]", _ME.ask(user=user.pk, at=at, is_supervisor=user.is_supervisor))
    return MyDay(
        last_calls=_last_calls(_LAST_DIALS.ask(**today), _LAST_ENDS.ask(**today), at=at),
        # One that is over keeps nobody from the next call.
        hold=me.hold if me.has_open_call else None,
        shown=Shown.of(me.floor_message),
    )


def _today(user: User, at: datetime) -> dict[str, Any]:
    return {"user": user.pk, **of_today.two_ends(at)}


def _last_calls(
    attempts: Sequence[Attempt], completions: Sequence[Completion], *, at: datetime
) -> list[LastCall]:
    latest: dict[uuid.UUID, LastCall] = {}
    for attempt in attempts:
        is_open = attempt.outcome == Attempt.Outcome.OPEN
        taken_by = getattr(attempt, "taken_by", None) if is_open else None
        latest[attempt.call_id] = _last(
            attempt, attempt.at, attempt_text(attempt), at=at, taken_by=taken_by or ""
        )
    for one in completions:
        label = str(ResultCode(one.result_code).label)
        latest[one.call_id] = _last(one, one.completed_at, label, at=at)
    newest = sorted(latest.values(), key=lambda last: last.at, reverse=True)
    return newest[:LAST_CALLS]


def _last(done: Any, moment: datetime, text: str, *, at: datetime, taken_by: str = "") -> LastCall:
    return LastCall(
        call=done.call,
        at=moment,
        text=text,
        delivery=done.delivery,
        chip=chip(done.delivery, at=at),
        can_take_up=done.can_take_up,
        taken_by=taken_by,
    )
