"""The outline of something that came in, for people who have to see what it is and not whom it is
about: names of fields, ids, times and codes; every other value is masked."""

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from integrations.national_number import MASK

# Fields whose values are words of the other side's own, never a donor's.
CODES: Final = frozenset(
    {"service", "event", "status", "direction", "origin", "payment-method", "nodeType", "type"}
)
_WORDS: Final = re.compile(r"[A-Za-z_ -]{1,40}")
# An event of a call has hundreds of steps: enough to see what it is.
MOST_ITEMS: Final = 50


def outline(value: Any, field: str = "") -> Any:
    """Decoded JSON with whatever could be about a donor masked."""
    if isinstance(value, dict):
        return {str(key): outline(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [outline(item, field) for item in value[:MOST_ITEMS]]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and (_is_id(value) or _is_time(value) or _is_code(field, value)):
        return value
    return MASK


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_code(field: str, text: str) -> bool:
    return field in CODES and _WORDS.fullmatch(text) is not None
