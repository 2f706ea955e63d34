"""The table of a question as a file says it: the numbers of the page, each in a cell of its own.

An answer that has a `table` can be downloaded from its page; see `calls/views/insight.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts.sheets import Cell, Row
from calls.insight.asked import Share


@dataclass(frozen=True)
class Table:
    """A line of names, and below it a line for each that begins with what it is about."""

    names: Sequence[str]
    rows: Sequence[Row]


def share_names(part: Any, whole: Any) -> list[str]:
    """Above the cells of a share."""
    told = {"part": part}
    return [
        str(whole),
        str(part),
        f"{part} (%)",
        _("%(part)s, 95 %% sure from (%%)") % told,
        _("%(part)s, 95 %% sure up to (%%)") % told,
    ]


def share_cells(share: Share) -> list[Cell]:
    """How many cases, how many of them, and the share with its interval: empty of nothing."""
    low, high = share.bounds or (None, None)
    return [share.whole, share.part, share.hundredths, low, high]


def money(euros: Decimal) -> Decimal:
    """In whole cents, however the database added it up."""
    return euros.quantize(Decimal("0.01"))
