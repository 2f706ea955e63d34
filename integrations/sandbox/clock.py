"""The sandbox's own clock, and times as the API writes them.

Inside the sandbox a time is the text that goes over the wire, always in UTC and always with three
decimals. Such texts sort as the times they stand for, so indexes and filters compare text.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _real_time() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Real time by default; can be frozen, and moved either way.

    A simulator that keeps its own time passes `source`, and `sleep` to move it.
    """

    def __init__(
        self,
        source: Callable[[], datetime] = _real_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = source
        self._sleep = sleep
        self._shift = timedelta()
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        return self._frozen_at or self._source() + self._shift

    def freeze(self, at: datetime | None = None) -> None:
        """Stand still at the given moment, or at the present one."""
        self._frozen_at = (at or self.now()).astimezone(UTC)

    def resume(self) -> None:
        """Run on from where it stands."""
        if self._frozen_at is not None:
            self._shift = self._frozen_at - self._source()
            self._frozen_at = None

    def advance(self, seconds: float) -> None:
        """Move forward, or back when negative, frozen or not."""
        step = timedelta(seconds=seconds)
        if self._frozen_at is not None:
            self._frozen_at += step
        else:
            self._shift += step

    def set(self, at: datetime) -> None:
        """Show the given moment now, and go on from there unless frozen."""
        self.advance((at - self.now()).total_seconds())

    def sleep(self, seconds: float) -> None:
        """Wait; a frozen clock moves on at once instead, so that simulations do not wait."""
        if self._frozen_at is not None:
            self.advance(seconds)
        else:
            self._sleep(seconds)

    @property
    def shift_seconds(self) -> float:
        """How far it runs ahead of its source, when not frozen."""
        return self._shift.total_seconds()

    @property
    def is_frozen(self) -> bool:
        return self._frozen_at is not None


def as_text(at: datetime) -> str:
    """The wire form of an aware time: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_the_second(at: str) -> str:
    """A time of the sandbox without its fraction."""
    return f"{at[:19]}.000Z"


def parse(text: str) -> datetime:
    """Read an RFC 3339 time, in UTC. ValueError when it is not one, or names no zone."""
    if not _DATE_TIME.fullmatch(text):
        raise ValueError("not a date-time with a zone")
    # Python 3.11 reads at most six decimals.
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", text.upper())
    try:
        return datetime.fromisoformat(shortened).astimezone(UTC)
    except OverflowError as problem:
        raise ValueError("a time before the year 1 or after 9999") from problem


def canonical(text: str) -> str:
    """Any RFC 3339 spelling in the sandbox's own form. ValueError when it is not a time."""
    return as_text(parse(text))
