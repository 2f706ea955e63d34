"""What goes back over the wire, and refusals on the way to it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)

_NAMES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def encode(value: Any) -> bytes:
    """JSON, with decimals as numbers."""
    return _ENCODER.encode(value)


def decode(body: bytes) -> Any:
    """Any JSON value, its fractions as decimals. ValueError when it is not JSON."""
    return _DECODER.decode(body)


@dataclass
class Reply:
    """An answer, how long it takes to come, and whether it comes whole."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    # reset: the connection is reset and nothing is sent; cut: only the first half of the body is.
    ending: Literal["whole", "reset", "cut"] = "whole"

    def sent_body(self) -> bytes:
        return self.body[: len(self.body) // 2] if self.ending == "cut" else self.body


class Refusal(Exception):
    """The request is answered with this status, and has no effect."""

    def __init__(self, status: int, *problems: str, allow: str = "") -> None:
        super().__init__(status, *problems)
        self.status = status
        self.problems = problems
        # What may be asked instead, for 405.
        self.headers = {"Allow": allow} if allow else {}


class ControlRefusal(Exception):
    """An order that cannot be carried out; the text says why."""


def json_reply(status: int, value: Any) -> Reply:
    return Reply(status, encode(value))


def error_reply(status: int, problems: tuple[str, ...] = (), form: str = "json") -> Reply:
    """An error in the shape that a switch of the world names."""
    name = _NAMES.get(status, "Error")
    if form == "text":
        return Reply(status, "; ".join(problems or (name,)).encode(), "text/plain; charset=utf-8")
    message: Any = list(problems) if len(problems) > 1 else (problems[0] if problems else name)
    return json_reply(status, {"statusCode": status, "message": message, "error": name})
