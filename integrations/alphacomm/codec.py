"""How a record is read from an answer and an input written to a request, exactly or not at all."""

import datetime as dt
import json
import re
from typing import Annotated, Any, Final, TypeVar

import msgspec

from integrations.http import NotSendable
from integrations.records import Unreadable, reading

R = TypeVar("R")

# What the tables behind us can hold: whole numbers of 32 bits.
MOST_CENTS: Final = 2**31 - 1

Text = Annotated[str, msgspec.Meta(max_length=10_000)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""What tells a record apart."""


class Cents(int):
    """An amount in cents: a number in the document's examples, a text elsewhere in it."""


class Code(str):
    """A name made of digits, which the document has as a text here and as a number there."""

    __slots__ = ()


def parse(body: bytes) -> Any:
    """Read JSON; raise ``Unreadable`` for anything that is none."""
    with reading(" as JSON"):
        return msgspec.json.decode(body)


def read(value: Any, kind: type[R]) -> R:
    """Make a record of parsed JSON; raise ``Unreadable`` for what is none."""
    with reading():
        record = msgspec.convert(value, kind, dec_hook=_read_special)
    if _has_nul(record):
        raise Unreadable("$", "A NUL character, which no text of ours can hold")
    return record


def keep(value: Any, kind: type[msgspec.Struct]) -> bytes:
    """Write parsed JSON down for quarantine: of an object the fields that we asked for alone."""
    if isinstance(value, dict):
        names = {field.encode_name for field in msgspec.structs.fields(kind)}
        value = {name: inner for name, inner in value.items() if name in names}
    try:
        return json.dumps(value).encode()
    except (ValueError, RecursionError):
        return json.dumps({"unreadable": type(value).__name__}).encode()


def write(query: str, variables: dict[str, Any]) -> bytes:
    """Write the body of a request."""
    try:
        return msgspec.json.encode({"query": query, "variables": variables})
    except (msgspec.MsgspecError, ValueError):
        raise NotSendable("A text that is sent is made of characters.") from None


def variable(body: msgspec.Struct) -> dict[str, Any]:
    """Make an input ready to be sent: times in UTC to the second, an amount as a text of cents."""
    plain = msgspec.to_builtins(body, builtin_types=(dt.datetime,))
    return {name: _ready(name, value) for name, value in plain.items()}


def instant(at: dt.datetime) -> str:
    """Write a moment as Alphacomm writes its own: RFC 3339, in UTC, cut to seconds."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise NotSendable("A time that is sent needs a time zone.")
    return at.astimezone(dt.UTC).isoformat(timespec="seconds")


def _ready(name: str, value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return instant(value)
    return str(value) if name == "invoiceAmount" else value


_WHOLE = re.compile(r"[0-9]{1,10}")


def _read_special(kind: type[Any], value: Any) -> Any:
    if kind is Cents:
        return cents_in(value)
    if kind is Code:
        text = value if isinstance(value, str) else _digits(value)
        if len(text) <= 200:
            return Code(text)
        raise ValueError("Expected a short name")
    raise NotImplementedError(kind)


def cents_in(value: Any) -> Cents:
    """Read an amount in cents, a whole number or a text of one; raise ``ValueError`` for others."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_CENTS:
        return Cents(value)
    raise ValueError("Expected a number of cents")


def _digits(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**20:
        return str(value)
    raise ValueError("Expected a name or its number")


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, msgspec.Struct):
        return any(_has_nul(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, list | tuple):
        return any(_has_nul(item) for item in value)
    return False
