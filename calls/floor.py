"""What `/floor/` shows: who does what, the numbers of today, the queue, and what asks for
attention. Read from rows alone, at a cost that does not grow with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import BigIntegerField, DateField, DateTimeField
from django.utils.timezone import localdate

from accounts.models import User
from accounts.prepared import Prepared
from calls.insight import attention, tallies, targets, waiting
from calls.insight import today as of_today
from calls.insight.attention import Line
from calls.insight.people import AgentLine, agents
from calls.insight.targets import Goal
from calls.insight.today import Day
from calls.insight.waiting import Waiting, read_waiting


@dataclass(frozen=True)
class Desk:
    """What the floor says of one person and nothing else, so that two that are equal are written
    alike: what they are doing, and what they did today."""

    agent: AgentLine
    attempts: int
    completed: int


@dataclass(frozen=True)
class Floor:
    """The floor at one moment."""

    at: datetime
    desks: Sequence[Desk]
    day: Day
    waiting: Waiting
    lines: Sequence[Line]
    # What is to be reached today; none: nobody has set any.
    goals: Sequence[Goal]

    @property
    def at_work(self) -> int:
        return sum(desk.agent.state not in ("away", "paused") for desk in self.desks)

    @property
    def to_look_into(self) -> int:
        return sum(line.n for line in self.lines)

    @property
    def urgent(self) -> int:
        """Those of them that may be lost if nobody looks."""
        return sum(line.n for line in self.lines if line.tone == "stop")

    @property
    def oldest(self) -> datetime | None:
        """Since when the oldest of what waits for somebody lies there."""
        moments = [line.oldest for line in self.lines if line.oldest and line.oldest <= self.at]
        return min(moments, default=None)


def _counts(
    *, user: Any, sees_all: bool, at: Any, midnight: Any, next_midnight: Any, today: Any
) -> Any:
    """All that is counted, as one question."""
    return tallies.union(
        [
            *of_today.branches(user, midnight=midnight, next_midnight=next_midnight),
            *waiting.branches(user),
            *attention.branches(user, sees_all=sees_all, at=at, today=today),
            *targets.branches(user, today=today),
        ]
    )


# Putting so many counts together took three quarters of what the floor cost.
_COUNTS: Final = Prepared(
    _counts,
    user=BigIntegerField(),
    at=DateTimeField(),
    midnight=DateTimeField(),
    next_midnight=DateTimeField(),
    today=DateField(),
)


def read_floor(user: User, *, at: datetime) -> Floor:
    """The floor of this supervisor's organisations: two queries."""
    counted = tallies.read(
        _COUNTS.ask(
            user=user.pk,
            sees_all=user.is_superuser,
            at=at,
            today=localdate(at),
            **of_today.two_ends(at),
        )
    )
    days = of_today.by_person(counted)
    people = agents(user, at=at)
    return Floor(
        at=at,
        desks=[
            Desk(one, attempts=day.attempts, completed=day.completed)
            for one in people
            for day in [days.get(one.user, Day())]
        ],
        day=of_today.together(days.values()),
        waiting=read_waiting(counted),
        lines=attention.lines(counted),
        goals=targets.goals(counted),
    )
