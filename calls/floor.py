"""What `/floor/` shows: who does what, the numbers of today, the queue, and what asks for
attention. Read from rows alone, at a cost that does not grow with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from calls.insight import attention, tallies, targets, today, waiting
from calls.insight.attention import Line
from calls.insight.people import AgentLine, agents
from calls.insight.targets import Goal
from calls.insight.today import Day
from calls.insight.waiting import Waiting, read_waiting


@dataclass(frozen=True)
class Desk:
    """One person of the floor, with their day."""

    agent: AgentLine
    day: Day


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
    def is_urgent(self) -> bool:
        return any(line.tone == "stop" for line in self.lines)

    @property
    def oldest(self) -> datetime | None:
        """Since when the oldest of what waits for somebody lies there."""
        moments = [line.oldest for line in self.lines if line.oldest and line.oldest <= self.at]
        return min(moments, default=None)


def read_floor(user: User, *, at: datetime) -> Floor:
    """The floor of this supervisor's organisations: two queries."""
    counted = tallies.read(
        [
            *today.branches(user, at=at),
            *waiting.branches(user),
            *attention.branches(user, at=at),
            *targets.branches(user, at=at),
        ]
    )
    days = today.by_person(counted)
    people = agents(user, at=at)
    return Floor(
        at=at,
        desks=[Desk(one, days.get(one.user.pk, Day())) for one in people],
        day=today.together(days.values()),
        waiting=read_waiting(counted),
        lines=attention.lines(counted),
        goals=targets.goals(counted),
    )
