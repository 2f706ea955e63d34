"""What waits in the queue: how soon it is released, and what is in the way of a call now."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Max, Q, Sum

from calls.insight.tallies import Tally, apart, branch, several
from calls.models import Call, QueueCount, QueueCounting
from pledges.models import Organization

Why = QueueCount.Why
Deadline = QueueCount.Deadline

WAITING: Final = "waiting"

# What stops these is not a matter of time.
FOR_GOOD = (Why.OBJECTED, Why.NO_NUMBER, Why.REFUSED, Why.SPENT, Why.OTHER_TYPE)


@dataclass(frozen=True)
class Segment:
    deadline: Deadline
    calls: int
    x: float
    width: float

    @property
    def label(self) -> str:
        return str(self.deadline.label)


@dataclass
class OfType:
    """The open calls of one type, and those of them that can be made now."""

    call_type: str
    now: int = 0
    calls: int = 0

    @property
    def words(self) -> str:
        known = self.call_type in Call.Type.values
        return str(Call.Type(self.call_type).label) if known else self.call_type


@dataclass
class Part:
    """The open calls of one organisation."""

    name: str
    types: dict[str, OfType] = field(default_factory=dict)
    by_why: Counter[str] = field(default_factory=Counter)
    # Of those that can still be made, now or later.
    by_deadline: Counter[str] = field(default_factory=Counter)

    def add(self, call_type: str, why: str, deadline: str, calls: int) -> None:
        self.by_why[why] += calls
        if why not in FOR_GOOD:
            self.by_deadline[deadline] += calls
        of_type = self.types.setdefault(call_type, OfType(call_type))
        of_type.calls += calls
        of_type.now += calls if why == Why.NOW else 0

    @property
    def calls(self) -> int:
        return self.by_why.total()

    @property
    def now(self) -> int:
        return self.by_why[Why.NOW]

    @property
    def by_type(self) -> list[OfType]:
        """The type with most calls first."""
        return sorted(self.types.values(), key=lambda one: (-one.calls, one.call_type))

    @property
    def segments(self) -> list["Segment"]:
        """Those whose release is known, by how soon that is, as parts of a bar a hundred wide."""
        known = {one: self.by_deadline[one] for one in Deadline if one != Deadline.NONE}
        whole, found, begins = sum(known.values()), [], 0.0
        for deadline, calls in known.items():
            if calls:
                width = 100 * calls / whole
                found.append(Segment(deadline, calls, round(begins, 2), round(width, 2)))
                begins += width
        return found


@dataclass(frozen=True)
class Waiting:
    """The queue as it was counted last. `counted_at` None: not yet."""

    counted_at: datetime | None
    parts: Sequence[Part]

    @property
    def calls(self) -> int:
        return sum(part.calls for part in self.parts)

    @property
    def now(self) -> int:
        return sum(part.now for part in self.parts)

    @property
    def runs_out_today(self) -> int:
        return sum(part.by_deadline[Deadline.TODAY] for part in self.parts)

    @property
    def in_the_way(self) -> list[tuple[str, int]]:
        """Why the others cannot be called now, what stops most of them first."""
        found = sum((part.by_why for part in self.parts), Counter[str]())
        return [
            (str(Why(why).label), calls) for why, calls in found.most_common() if why != Why.NOW
        ]


def branches(user: Any) -> list[Any]:
    """The queue of this supervisor's organisations, as it was counted last."""
    theirs = Organization.objects.of(user).values("pk")
    rows = QueueCount.objects.filter(
        Q(calling_organization__in=theirs) | Q(calling_organization=None),
        organization__in=theirs,
        counting__in=QueueCounting.objects.order_by("-at").values("pk")[:1],
    )
    code = several("organization__name", "call_type", "why", "deadline")
    return [
        branch(
            rows,
            WAITING,
            organization=F("organization_id"),
            code=code,
            n=Sum("calls"),
            oldest=Max("counting__at"),
        )
    ]


def read_waiting(tallies: Iterable[Tally]) -> Waiting:
    """The queue, put together from what was counted."""
    parts: dict[UUID, Part] = {}
    moment = None
    for tally in tallies:
        if tally.kind != WAITING or tally.organization is None:
            continue
        name, call_type, why, deadline = apart(tally.code)
        moment = tally.oldest
        part = parts.setdefault(tally.organization, Part(name or str(tally.organization)))
        part.add(call_type, why, deadline, tally.n)
    return Waiting(
        counted_at=moment,
        parts=sorted(parts.values(), key=lambda part: (-part.now, part.name.casefold())),
    )
