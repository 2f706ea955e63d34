"""What became of the amounts of pledges in the calls about them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Sum
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.sheets import Cell
from calls.insight.asked import Asked, Share, counts
from calls.insight.pictures import Bar, bars
from calls.insight.tables import Table, money, share_cells, share_names
from calls.models import DayCount
from pledges.terms import Move

WAYS: Final = {
    str(Move.SAME): _("the same"),
    str(Move.LOWER): _("lower"),
    str(Move.HIGHER): _("higher"),
    str(Move.OTHER): _("another interval"),
    DayCount.DROPPED: _("dropped"),
}


@dataclass(frozen=True)
class Way:
    """Calls after which an amount went this way. Euros a year, of those `known` alone."""

    code: str
    share: Share
    known: int
    before: Decimal
    after: Decimal

    @property
    def name(self) -> str:
        return str(WAYS[self.code])

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True)
class Amounts:
    """What became of amounts; `changed`: lower, higher and another interval together."""

    ways: Sequence[Way]
    changed: Way

    @property
    def is_empty(self) -> bool:
        return not self.changed.share.whole

    @property
    def calls(self) -> int:
        return self.changed.share.whole

    @property
    def dropped(self) -> int:
        return sum(way.share.part for way in self.ways if way.code == DayCount.DROPPED)

    @property
    def picture(self) -> Sequence[Bar]:
        return bars([(way.name, way.share) for way in self.ways])

    @property
    def table(self) -> Table:
        names = [
            gettext("Amount"),
            *share_names(gettext("Calls"), gettext("All calls")),
            gettext("A year is known of"),
            gettext("A year before"),
            gettext("A year after"),
            gettext("Difference"),
        ]
        rows = [[capfirst(way.name), *_cells(way)] for way in self.ways]
        together = [gettext("Lower, higher or another interval"), *_cells(self.changed)]
        return Table(names, [*rows, together])


def _cells(way: Way) -> list[Cell]:
    sums = [money(euros) for euros in (way.before, way.after, way.difference)]
    return [*share_cells(way.share), way.known, *(sums if way.known else (None, None, None))]


def before_and_after(user: User, asked: Asked) -> Amounts:
    """Completed calls about a pledge, by what became of its amount: one query."""
    found: Counter[str] = Counter()
    sums: dict[str, tuple[int, Decimal, Decimal]] = {}
    rows = counts(user, asked, DayCount.Kind.AMOUNT).values_list("code")
    for code, n, known, before, after in rows.annotate(
        Sum("n"), Sum("a"), Sum("before"), Sum("after")
    ):
        found[code] = n
        sums[code] = known, before, after
    nothing = 0, Decimal(0), Decimal(0)
    whole = found.total()
    ways = [Way(code, Share(found[code], whole), *sums.get(code, nothing)) for code in WAYS]
    changed = [way for way in ways if way.code not in (Move.SAME, DayCount.DROPPED)]
    together = Way(
        Move.OTHER,
        Share(sum(way.share.part for way in changed), whole),
        sum(way.known for way in changed),
        sum((way.before for way in changed), Decimal(0)),
        sum((way.after for way in changed), Decimal(0)),
    )
    return Amounts(ways, together)
