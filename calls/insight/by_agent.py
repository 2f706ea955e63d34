"""What each agent did, with the number of cases, and nobody ranked on a handful of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.models import User, spoken_name_of
from accounts.sheets import Cell
from calls.insight.asked import Asked, Share, counts
from calls.insight.pictures import Bar, bars
from calls.insight.tables import Table, share_cells, share_names
from calls.insight.today import average
from calls.models import DayCount, ResultCode

Kind = DayCount.Kind


@dataclass
class Work:
    """What one person did, or all of them together."""

    name: str
    attempts: int = 0
    ended: int = 0
    reached: int = 0
    completed: int = 0
    confirmed: int = 0
    rated: int = 0
    ratings: int = 0

    def add(self, other: "Work") -> None:
        self.attempts += other.attempts
        self.ended += other.ended
        self.reached += other.reached
        self.completed += other.completed
        self.confirmed += other.confirmed
        self.rated += other.rated
        self.ratings += other.ratings

    @property
    def reach(self) -> Share:
        return Share(self.reached, self.ended)

    @property
    def confirming(self) -> Share:
        return Share(self.confirmed, self.completed)

    @property
    def rating(self) -> Decimal | None:
        return average(self.ratings, self.rated)


@dataclass(frozen=True)
class Agents:
    """Everybody who did anything: by the share confirmed where there are cases enough, then the
    others by name."""

    lines: Sequence[Work]
    together: Work

    @property
    def is_empty(self) -> bool:
        return not self.lines

    @property
    def picture(self) -> Sequence[Bar]:
        return bars([(work.name, work.confirming) for work in self.lines])

    @property
    def table(self) -> Table:
        names = [
            _("Agent"),
            _("Attempts"),
            *share_names(_("Reached"), _("Ended")),
            *share_names(_("Confirmed"), _("Completed")),
            _("Rating"),
            _("Rated"),
        ]
        rows = [[work.name, *_cells(work)] for work in self.lines]
        return Table(names, [*rows, [_("Together"), *_cells(self.together)]])


def _cells(work: Work) -> list[Cell]:
    shares = [*share_cells(work.reach), *share_cells(work.confirming)]
    return [work.attempts, *shares, work.rating, work.rated]


def by_agent(user: User, asked: Asked) -> Agents:
    """What was done, by who did it: one query."""
    found: dict[int, Work] = {}
    name = spoken_name_of("user")
    rows = counts(user, asked, Kind.HOUR, Kind.RESULT).values_list("user", name, "kind", "code")
    for pk, spoken_name, kind, code, n, a, b in rows.annotate(Sum("n"), Sum("a"), Sum("b")):
        work = found.setdefault(pk, Work(spoken_name))
        if kind == Kind.HOUR:
            work.add(Work("", attempts=n, ended=n - b, reached=a))
        else:
            confirmed = n if code == ResultCode.CONFIRMED else 0
            work.add(Work("", completed=n, confirmed=confirmed, rated=a, ratings=b))
    return Agents(_in_order(found.values()), _together(found.values()))


def _in_order(found: Iterable[Work]) -> list[Work]:
    return sorted(
        found,
        key=lambda work: (
            work.confirming.is_few,
            0.0 if work.confirming.is_few else -work.confirmed / work.completed,
            work.name.casefold(),
        ),
    )


def _together(found: Iterable[Work]) -> Work:
    total = Work("")
    for work in found:
        total.add(work)
    return total
