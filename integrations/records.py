"""What both clients say of what comes in: that it cannot be read, or departs from its document."""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, NamedTuple

import msgspec

_MESSAGE: Final = re.compile(r"(?P<reason>.+?)(?: - at `(?:key in )?(?P<path>.+)`)?", re.DOTALL)

Instant = Annotated[dt.datetime, msgspec.Meta(tz=True)]


class Unreadable(ValueError):
    """What came in is not what it should be.

    ``path`` and ``reason`` say where and what, and never carry a value of the record.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{reason} at {path}")
        self.path = path
        self.reason = reason


@contextmanager
def reading(what: str = "") -> Iterator[None]:
    """Turns whatever goes wrong while a record is read into ``Unreadable``.

    These messages may quote what they stumbled over: of most, only their kind is passed on.
    """
    try:
        yield
    except msgspec.ValidationError as error:
        found = _MESSAGE.fullmatch(str(error))
        if found is None:
            raise Unreadable("$", "Not as expected") from None
        raise Unreadable(found["path"] or "$", found["reason"]) from None
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
        raise Unreadable("$", f"Not readable{what} ({type(error).__name__})") from None
    except RecursionError:
        raise Unreadable("$", "Nested too deeply") from None


def check_times(*times: dt.datetime | None) -> None:
    # At the very ends of the calendar a time has no equal in another zone.
    for time in times:
        if time is not None and not 1 < time.year < 9999:
            raise ValueError("Year out of range")


FIELD: Final = "field"
VALUE: Final = "value"
MISSING: Final = "missing"

LONGEST: Final = 40
NOT_TOLD: Final = "…"


class Deviation(NamedTuple):
    """An unknown field, an unknown value of a known one, or a promised one that is not there.

    ``path`` starts at the record and has no places in lists: ``person.qualityResult.score``.
    """

    kind: str
    path: str
    value: str = ""


def told(word: Any, allowed: re.Pattern[str]) -> str:
    """A name or a code as it is kept: cut where it is long, not told where it may be anything."""
    if isinstance(word, bool) or not isinstance(word, str | int | float):
        return NOT_TOLD
    text = str(word)
    begin = text[:LONGEST]
    if not allowed.fullmatch(begin):
        return NOT_TOLD
    return begin + NOT_TOLD if len(text) > LONGEST else text
