"""PayLinks: made, opened, paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Sum
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.sheets import Cell
from calls.insight.asked import Asked, Share, counts
from calls.insight.pictures import Bar, bars
from calls.insight.tables import Table, money, share_cells, share_names
from calls.models import DayCount

WAYS: Final = {
    DayCount.BY_LINK: gettext_lazy("shown or copied"),
    DayCount.BY_TEXT: gettext_lazy("in a message"),
}


@dataclass(frozen=True)
class Sent:
    """PayLinks that reached the donor in one way. Euros: asked for by all, and paid."""

    name: str
    opened: Share
    paid: Share
    asked_for: Decimal
    came_in: Decimal


@dataclass(frozen=True)
class PayLinks:
    ways: Sequence[Sent]
    together: Sent

    @property
    def is_empty(self) -> bool:
        return not self.together.paid.whole

    @property
    def picture(self) -> Sequence[Bar]:
        one = self.together
        of_opened = Share(one.paid.part, one.opened.part)
        return bars(
            [
                (_("opened"), one.opened),
                (_("paid"), one.paid),
                (_("paid, of opened"), of_opened),
            ]
        )

    @property
    def table(self) -> Table:
        names = [
            _("How it reached the donor"),
            *share_names(_("Opened"), _("Made")),
            *share_names(_("Paid"), _("Made"))[1:],
            _("Asked for"),
            _("Came in"),
        ]
        rows = [[capfirst(one.name), *_cells(one)] for one in self.ways]
        return Table(names, [*rows, [_("Together"), *_cells(self.together)]])


def _cells(one: Sent) -> list[Cell]:
    # How many were made stands before both.
    shares = [*share_cells(one.opened), *share_cells(one.paid)[1:]]
    return [*shares, money(one.asked_for), money(one.came_in)]


def made_to_paid(user: User, asked: Asked) -> PayLinks:
    """PayLinks that were made in these days, and how far they came by now: one query."""
    found = {
        code: sums
        for code, *sums in counts(user, asked, DayCount.Kind.PAY_LINK)
        .values_list("code")
        .annotate(Sum("n"), Sum("a"), Sum("b"), Sum("before"), Sum("after"))
    }
    nothing = [0, 0, 0, Decimal(0), Decimal(0)]
    ways = [_sent(str(name), *found.get(code, nothing)) for code, name in WAYS.items()]
    whole = [sum(sums) for sums in zip(nothing, *found.values(), strict=True)]
    return PayLinks(ways, _sent("", *whole))


def _sent(
    name: str, made: int, opened: int, paid: int, asked_for: Decimal, came_in: Decimal
) -> Sent:
    return Sent(name, Share(opened, made), Share(paid, made), asked_for, came_in)
