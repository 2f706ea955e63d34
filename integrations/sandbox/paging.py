"""Relay pages over an ordered index, both ways.

An index holds (time, uuid) pairs in ascending order; every listing shows it descending. A cursor is
a position in that order, not a count, so rows that come or go elsewhere shift nothing.
"""

import base64
import binascii
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

Key = tuple[str, str]
Record = dict[str, Any]
# The record behind a uuid if the filters let it through, else None.
Lookup = Callable[[str], Record | None]


class Index:
    """Records in the order of one of their times; the uuid breaks ties."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self.keys: list[Key] = sorted(keys)

    def move(self, uuid: str, old: str | None, new: str | None) -> None:
        """Take a record from its old time to its new one; None: it was, or is now, not in here."""
        if old == new:
            return
        if old is not None:
            del self.keys[bisect_left(self.keys, (old, uuid))]
        if new is not None:
            insort(self.keys, (new, uuid))

    def since(self, moment: str, *, strict: bool) -> Sequence[Key]:
        """Keys later than the moment; the moment itself too unless strict."""
        edge = (moment, "\uffff") if strict else (moment, "")
        return self.keys[bisect_left(self.keys, edge) :]

    def between(self, lower: str, upper: str) -> Sequence[Key]:
        """Keys from the lower to the upper time, both included."""
        return self.keys[
            bisect_left(self.keys, (lower, "")) : bisect_right(self.keys, (upper, "\uffff"))
        ]


class Page(NamedTuple):
    rows: list[tuple[Key, Record]]
    has_previous: bool
    has_next: bool


def first_page(keys: Sequence[Key], lookup: Lookup, size: int, after: Key | None) -> Page:
    """The newest rows, or those that follow `after`."""
    start = (len(keys) if after is None else bisect_left(keys, after)) - 1
    rows = _walk(keys, range(start, -1, -1), lookup, size + 1)
    has_previous = bool(_walk(keys, range(start + 1, len(keys)), lookup, 1))
    return Page(rows[:size], has_previous, len(rows) > size)


def last_page(keys: Sequence[Key], lookup: Lookup, size: int, before: Key | None) -> Page:
    """The oldest rows, or those that stand just before `before`; newest first all the same."""
    start = 0 if before is None else bisect_right(keys, before)
    rows = _walk(keys, range(start, len(keys)), lookup, size + 1)
    has_next = bool(_walk(keys, range(start - 1, -1, -1), lookup, 1))
    return Page(rows[:size][::-1], len(rows) > size, has_next)


def _walk(
    keys: Sequence[Key], positions: Iterable[int], lookup: Lookup, limit: int
) -> list[tuple[Key, Record]]:
    found: list[tuple[Key, Record]] = []
    for position in positions:
        key = keys[position]
        record = lookup(key[1])
        if record is not None:
            found.append((key, record))
            if len(found) == limit:
                break
    return found


def cursor_of(key: Key) -> str:
    return base64.urlsafe_b64encode("|".join(key).encode()).decode().rstrip("=")


def key_of(cursor: str) -> Key:
    """The position that a cursor stands for. ValueError when it is none of ours."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        moment, separator, uuid = text.decode("ascii").partition("|")
    except (binascii.Error, UnicodeError) as problem:
        raise ValueError("not a cursor") from problem
    if not separator:
        raise ValueError("not a cursor")
    return moment, uuid
