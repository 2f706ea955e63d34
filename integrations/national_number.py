"""The national number in running text: nobody here may hold one, so what looks like one is masked.

A Dutch national number has nine digits of which the weighted sum is a multiple of eleven; of other
numbers of nine digits one in eleven is masked with them.
"""

import re
from typing import Any, Final

MASK: Final = "•••"

_WEIGHTS: Final = (9, 8, 7, 6, 5, 4, 3, 2, -1)
# In one piece, or in the groups in which people write it; never a part of a longer number or of a
# uuid.
_LOOKS_LIKE_ONE: Final = re.compile(
    r"(?<![\w+])(?<!\d[.])(?:\d{9}|\d{3}([ .-])\d{3}\1\d{3}|\d{4}([ .-])\d{2}\2\d{3})(?!\w|[.-]\d)",
    re.ASCII,
)


def masked(value: Any) -> Any:
    """Copy decoded JSON with every text and whole number that could be one masked, names of fields
    included."""
    if isinstance(value, str):
        return _LOOKS_LIKE_ONE.sub(lambda found: MASK if _is_one(found[0]) else found[0], value)
    if isinstance(value, dict):
        return {masked(key): masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and _is_one(str(value)):
        return MASK
    return value


def _is_one(text: str) -> bool:
    digits = [int(digit) for digit in text if digit.isdigit()]
    if len(digits) != len(_WEIGHTS) or text.startswith("-"):
        return False
    total = sum(digit * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return total % 11 == 0
