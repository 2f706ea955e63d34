"""How sure a share is."""

from math import sqrt
from typing import Final

# Of the normal distribution: 95 % lies within so many standard deviations.
Z95: Final = 1.959963984540054


def wilson(part: int, whole: int, *, z: float = Z95) -> tuple[float, float] | None:
    """Between which shares the true one lies, at 95 %: Wilson's score interval, each 0 to 1.

    Unlike the usual plus-or-minus it holds for few cases and for shares near 0 and 1, and never
    leaves 0 to 1. None of nothing. No correction for continuity. Raises ValueError when the part
    is no part of the whole.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} is no part of {whole}.")
    if not whole:
        return None
    share = part / whole
    spread = z * z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * sqrt(share * (1 - share) / whole + spread / (4 * whole))
    return max(0.0, middle - half), min(1.0, middle + half)
