"""Euros of ours and cents of Alphacomm's: exact both ways, or an error."""

from decimal import Decimal
from typing import Final

CENT: Final = Decimal("0.01")
# What a column of ours holds: beyond it nothing is an amount.
MOST_EUROS: Final = Decimal(10) ** 9


class NotWholeCents(ValueError):
    """An amount that is not a number of whole cents, or larger than any amount of ours."""


def cents(euros: Decimal) -> int:
    """Write euros as cents; raise ``NotWholeCents`` for what would have to be rounded."""
    if not (euros.is_finite() and -MOST_EUROS < euros < MOST_EUROS):
        raise NotWholeCents("An amount is a number of euros that can be paid.")
    whole = euros.quantize(CENT)
    if whole != euros:
        raise NotWholeCents("An amount is in euros and whole cents.")
    return int(whole.scaleb(2))


def euros(cents: int) -> Decimal:
    """Write cents as euros, always with two decimals."""
    if not -MOST_EUROS * 100 < cents < MOST_EUROS * 100:
        raise NotWholeCents("An amount is a number of euros that can be paid.")
    return Decimal(cents).scaleb(-2)
