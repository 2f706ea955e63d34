"""The numbers of today: dials, who was reached, how calls ended. Today begins at midnight in
Amsterdam."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce

from calls.insight.tallies import OfFew, Tally, branch
from calls.models import Attempt, Completion, ResultCode
from calls.ordering import midnight_after
from pledges.models import Organization

DIALS: Final = "dials"
ENDS: Final = "ends"

# The donor was spoken to, though perhaps not long enough.
REACHED: Final = frozenset(
    {Attempt.Outcome.REACHED, Attempt.Outcome.NOT_CONVENIENT, Attempt.Outcome.CUT_OFF}
)


@dataclass
class Day:
    """What one person did today, or all of them together."""

    outcomes: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    rated: int = 0
    ratings: int = 0

    def add(self, other: "Day") -> None:
        self.outcomes += other.outcomes
        self.results += other.results
        self.rated += other.rated
        self.ratings += other.ratings

    @property
    def attempts(self) -> int:
        return self.outcomes.total()

    @property
    def reached(self) -> int:
        return sum(self.outcomes[outcome] for outcome in REACHED)

    @property
    def missed(self) -> int:
        """Dials of which it is known that they reached nobody; those on the line are neither."""
        return self.attempts - self.reached - self.outcomes[Attempt.Outcome.OPEN]

    @property
    def ended(self) -> int:
        """Dials of which it is known whether they reached the donor."""
        return self.reached + self.missed

    @property
    def completed(self) -> int:
        return self.results.total()

    @property
    def by_result(self) -> list[tuple[str, int]]:
        return [
            (str(code.label), self.results[code]) for code in ResultCode if self.results[code.value]
        ]

    @property
    def reach(self) -> int | None:
        """Of the dials that ended, how many in a hundred reached the donor; None without any."""
        return share(self.reached, self.ended)

    @property
    def confirmed(self) -> int | None:
        return share(self.results[ResultCode.CONFIRMED], self.completed)

    @property
    def rating(self) -> Decimal | None:
        return average(self.ratings, self.rated)


def two_ends(at: datetime) -> dict[str, datetime]:
    """The two ends of the day of this moment, by the names under which questions ask for them."""
    return {"midnight": midnight_after(at, days=0), "next_midnight": midnight_after(at, days=1)}


def share(part: int, whole: int) -> int | None:
    """In whole hundredths; None of nothing."""
    if not whole:
        return None
    return int((Decimal(100 * part) / whole).quantize(Decimal(1), ROUND_HALF_UP))


def average(total: int, n: int) -> Decimal | None:
    """To a tenth; None of nothing."""
    if not n:
        return None
    return (Decimal(total) / n).quantize(Decimal("0.1"), ROUND_HALF_UP)


def branches(user: Any, *, midnight: Any, next_midnight: Any) -> list[Any]:
    """What was done on this day for the organisations of this user, by who did it and for which."""
    is_theirs = OfFew(F("organization_id"), Organization.objects.of(user).values("pk"))
    return _counted(
        dials_of_day(midnight, next_midnight).filter(is_theirs),
        ends_of_day(midnight, next_midnight).filter(is_theirs),
    )


def my_branches(user: Any, *, midnight: Any, next_midnight: Any) -> list[Any]:
    """What this user did on this day, for whomever."""
    return _counted(
        dials_of_day(midnight, next_midnight).filter(user=user),
        ends_of_day(midnight, next_midnight).filter(user=user),
    )


# Between two ends, for a plan that is kept has to do for any day: of an open end PostgreSQL takes
# it for granted that a third of all rows lie behind it.
def dials_of_day(midnight: Any, next_midnight: Any) -> "QuerySet[Attempt]":
    """Whoever dialled."""
    return Attempt.objects.filter(at__gte=midnight, at__lt=next_midnight)


def ends_of_day(midnight: Any, next_midnight: Any) -> "QuerySet[Completion]":
    """Those that still count, whoever completed."""
    return Completion.objects.living().filter(
        completed_at__gte=midnight, completed_at__lt=next_midnight
    )


def _counted(dials: "QuerySet[Attempt]", ends: "QuerySet[Completion]") -> list[Any]:
    by = {"person": F("user_id"), "organization": F("organization_id")}
    return [
        branch(dials, DIALS, **by, code=F("outcome")),
        branch(
            ends,
            ENDS,
            **by,
            code=F("result_code"),
            a=Count("retention_rating"),
            b=Coalesce(Sum("retention_rating"), 0),
        ),
    ]


def by_person(tallies: Iterable[Tally]) -> dict[int, Day]:
    """The day of everybody who did anything, by pk."""
    found: dict[int, Day] = {}
    for tally in _done(tallies):
        if tally.person is not None:
            _add(found.setdefault(tally.person, Day()), tally)
    return found


def by_organization(tallies: Iterable[Tally]) -> dict[UUID, Day]:
    """The day of every organisation for which anything was done, by pk."""
    found: dict[UUID, Day] = {}
    for tally in _done(tallies):
        if tally.organization is not None:
            _add(found.setdefault(tally.organization, Day()), tally)
    return found


def _done(tallies: Iterable[Tally]) -> Iterator[Tally]:
    return (tally for tally in tallies if tally.kind in (DIALS, ENDS))


def _add(day: Day, tally: Tally) -> None:
    (day.outcomes if tally.kind == DIALS else day.results)[tally.code] += tally.n
    day.rated += tally.a
    day.ratings += tally.b


def together(days: Iterable[Day]) -> Day:
    total = Day()
    for day in days:
        total.add(day)
    return total
