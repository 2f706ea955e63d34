"""How a record is read from JSON and written to it, exactly or not at all."""

import datetime as dt
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from integrations.http import NotSendable
from integrations.records import Unreadable, reading
from integrations.tapraise.redaction import without_forbidden

R = TypeVar("R")

# What the tables behind us can hold: whole numbers of 32 bits, and euros with room to spare.
LARGEST_WHOLE = 2**31 - 1
LARGEST_DECIMAL = Decimal(10) ** 9
SMALLEST_DECIMAL = -LARGEST_DECIMAL


class Whole(int):
    """A whole number that the schema calls ``number``: it may arrive as 1 or as 1.0."""


def check_decimals(*numbers: Decimal | None) -> None:
    # Also of every gate of every donor, so in as few steps as can be: nothing infinite lies within,
    # and what is not a number at all is an ArithmeticError of its own.
    for number in numbers:
        if number is not None and not SMALLEST_DECIMAL < number < LARGEST_DECIMAL:
            raise ValueError("Number out of range")


def cut_forbidden(record: msgspec.Struct, field: str, value: Any) -> None:
    if value is not None:
        msgspec.structs.force_setattr(record, field, without_forbidden(value))


def decode(body: bytes, kind: type[R]) -> R:
    """Read one record, or a page of them; raise ``Unreadable`` for anything that is none."""
    with reading(" as JSON"):
        record = msgspec.json.decode(body, type=kind, dec_hook=_read_whole)
    # The escape is a rare find, so the record is only searched when it is there.
    if b"\\u0000" in body and _has_nul(msgspec.to_builtins(record, enc_hook=_plain)):
        raise Unreadable("$", "A NUL character, which no text of ours can hold")
    return record


def encode(body: msgspec.Struct) -> bytes:
    """Write one body: times in UTC with milliseconds and ``Z``, euros with their own digits.

    Raises ``NotSendable`` for a time without a zone and for an amount that is not a number.
    """
    plain = msgspec.to_builtins(body, builtin_types=(dt.datetime, Decimal))
    return msgspec.json.Encoder(decimal_format="number").encode(_ready(plain))


def instant(at: dt.datetime) -> str:
    """Write a moment as TapRaise reads it: ISO 8601, UTC, cut to milliseconds, with ``Z``."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise NotSendable("A time that is sent needs a time zone.")
    in_utc = at.astimezone(dt.UTC).replace(tzinfo=None)
    return in_utc.isoformat(timespec="milliseconds") + "Z"


def _ready(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_ready(item) for item in value]
    if isinstance(value, dt.datetime):
        return instant(value)
    if isinstance(value, Decimal) and not value.is_finite():
        raise NotSendable("An amount that is sent has to be a number.")
    return value


def _read_whole(kind: type[Any], value: Any) -> Any:
    if kind is not Whole:
        raise NotImplementedError(kind)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and value == value // 1 and abs(value) <= LARGEST_WHOLE:
        return Whole(value)
    raise ValueError("Expected a whole number in range")


def _plain(value: Any) -> Any:
    """What msgspec cannot take apart itself: our whole numbers, and nodes that are read later."""
    return None if isinstance(value, msgspec.Raw) else int(value)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(_has_nul(item) for item in value)
    return False
