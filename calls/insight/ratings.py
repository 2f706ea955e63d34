"""Retention ratings, and what became of those pledges."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.sheets import Cell
from calls.insight.asked import Asked, Share, counts
from calls.insight.pictures import Bar, bars
from calls.insight.tables import Table, share_cells, share_names
from calls.models import DayCount

# After so many days it is looked what became of a pledge.
SOON, LATER = 30, 90
NOT_ASKED: Final = ""


@dataclass(frozen=True)
class Rating:
    """The calls with one rating. `soon` and `later`: those lost, of those that are old enough."""

    code: str
    calls: int
    soon: Share
    later: Share

    @property
    def name(self) -> str:
        return _("not asked") if self.code == NOT_ASKED else self.code


@dataclass(frozen=True)
class Ratings:
    ratings: Sequence[Rating]
    together: Rating
    # The last day of which it is known what became of its pledges, and as many days up to it as
    # were asked for.
    last_day: date
    first_day: date
    # From when on there is something to tell of these days; None: nothing is to come.
    known_from: date | None

    @property
    def is_empty(self) -> bool:
        return not self.together.calls

    @property
    def is_too_early(self) -> bool:
        return not self.together.soon.whole

    @property
    def picture(self) -> Sequence[Bar]:
        return bars([(one.name, one.soon) for one in self.ratings])

    @property
    def table(self) -> Table | None:
        """None while nothing is known yet: it would be noughts."""
        if self.is_too_early:
            return None
        names = [
            _("Rating"),
            _("Calls"),
            *share_names(_("Lost within 30 days"), _("More than 30 days ago")),
            *share_names(_("Lost within 90 days"), _("More than 90 days ago")),
        ]
        rows = [[capfirst(one.name), *_cells(one)] for one in self.ratings]
        return Table(names, [*rows, [_("Together"), *_cells(self.together)]])


def _cells(rating: Rating) -> list[Cell]:
    return [rating.calls, *share_cells(rating.soon), *share_cells(rating.later)]


def what_became(user: User, asked: Asked) -> Ratings:
    """How many pledges were lost within 30 and 90 days of the call, by rating: one query."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 5)
    old = Q(day__lt=asked.today - timedelta(days=SOON))
    older = Q(day__lt=asked.today - timedelta(days=LATER))
    rows = counts(user, asked, DayCount.Kind.RATING).values_list("code")
    firsts: list[date] = []
    for code, first, *sums in rows.annotate(
        Min("day"),
        Sum("n"),
        of_old=Coalesce(Sum("n", filter=old), 0),
        lost=Coalesce(Sum("a", filter=old), 0),
        of_older=Coalesce(Sum("n", filter=older), 0),
        lost_later=Coalesce(Sum("b", filter=older), 0),
    ):
        found[code] = sums
        firsts.append(first)
    whole = [sum(sums[place] for sums in found.values()) for place in range(5)]
    last_day = asked.today - timedelta(days=LATER + 1)
    return Ratings(
        [_rating(code, found[code]) for code in _codes()],
        _rating(NOT_ASKED, whole),
        last_day=last_day,
        first_day=last_day - timedelta(days=asked.days - 1),
        known_from=min(firsts) + timedelta(days=SOON + 1) if firsts else None,
    )


def _codes() -> list[str]:
    """The best first."""
    return [*(str(rating) for rating in range(10, 0, -1)), NOT_ASKED]


def _rating(code: str, sums: Sequence[int]) -> Rating:
    calls, of_old, lost, of_older, lost_later = sums
    return Rating(code, calls, Share(lost, of_old), Share(lost_later, of_older))
