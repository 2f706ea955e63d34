"""What the start page shows of one person's day, read from rows alone."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from accounts.models import User, spoken_name_of
from calls import queue
from calls.floor_messages import Shown, column_for
from calls.insight.today import Day
from calls.models import Attempt, Call, Completion, Hold, ResultCode, TakenAway
from calls.ordering import midnight_after
from calls.story import attempt_text
from integrations.chips import Chip, chip
from integrations.models import Delivery

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
    """One agent's own day: numbers and last calls, by Amsterdam's midnight."""

    day: Day
    last_calls: Sequence[LastCall]
    hold: Hold | None
    # What a supervisor tells the floor.
    shown: Shown | None = None

    @property
    def is_moving(self) -> bool:
        return any(not last.chip.is_settled for last in self.last_calls)


def read_my_day(user: User, *, at: datetime) -> MyDay:
    midnight = midnight_after(at, days=0)
    taken = (
        TakenAway.objects.filter(call=OuterRef("call"), user=user, at__gte=OuterRef("at"))
        .annotate(who=spoken_name_of("by"))
        .order_by("-at")
    )
    attempts = list(
        Attempt.objects.filter(user=user, at__gte=midnight)
        .annotate(taken_by=Subquery(taken.values("who")[:1]))
        .select_related("call__person", "delivery")
        .order_by("-at")
    )
    completions = list(
        Completion.objects.living()
        .filter(user=user, completed_at__gte=midnight)
        .select_related("call__person", "delivery")
        .order_by("-completed_at")
    )
    # In one query, for a poll asks for both.
    mine = User.objects.select_related("hold__call__person")
    told: dict[str, Any] = {
        "floor_message": column_for(user, at=at, is_supervisor=user.is_supervisor),
        "has_open_call": Exists(Call.objects.open().filter(hold__user=OuterRef("pk"))),
    }
    me: Any = mine.annotate(**told).get(pk=user.pk)
    return MyDay(
        day=Day(
            outcomes=Counter(attempt.outcome for attempt in attempts),
            results=Counter(completion.result_code for completion in completions),
        ),
        last_calls=_last_calls(user, attempts, completions, at=at),
        # One that is over keeps nobody from the next call.
        hold=me.hold if me.has_open_call else None,
        shown=Shown.of(me.floor_message),
    )


def _last_calls(
    user: User, attempts: Sequence[Attempt], completions: Sequence[Completion], *, at: datetime
) -> list[LastCall]:
    latest: dict[uuid.UUID, tuple[datetime, Call, str, Delivery]] = {}
    taken_by: dict[uuid.UUID, str] = {}
    for attempt in attempts:
        if attempt.call_id not in latest and attempt.outcome == Attempt.Outcome.OPEN:
            taken_by[attempt.call_id] = getattr(attempt, "taken_by", "") or ""
        text = attempt_text(attempt)
        latest.setdefault(attempt.call_id, (attempt.at, attempt.call, text, attempt.delivery))
    for completion in completions:
        label = str(ResultCode(completion.result_code).label)
        latest[completion.call_id] = (
            completion.completed_at,
            completion.call,
            label,
            completion.delivery,
        )
    newest = sorted(latest.values(), key=lambda row: row[0], reverse=True)[:LAST_CALLS]
    shown = [call.pk for _moment, call, _label, _delivery in newest]
    workable = set(queue.workable(user).filter(pk__in=shown).values_list("pk", flat=True))
    return [
        LastCall(
            call=call,
            at=moment,
            text=label,
            delivery=delivery,
            chip=chip(delivery, at=at),
            can_take_up=call.pk in workable,
            taken_by=taken_by.get(call.pk, ""),
        )
        for moment, call, label, delivery in newest
    ]
