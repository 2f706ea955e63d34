"""Where the parts of a picture stand. What is drawn has units of its own and is stretched to its
place, what is written is text of the page; every number in it stands in a table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calls.insight.asked import Share
from calls.insight.wilson import wilson


@dataclass(frozen=True)
class Bar:
    """A share, and how sure it is, where a whole is a hundred units. Of few cases nothing is
    drawn."""

    label: str
    share: Share

    @property
    def width(self) -> float:
        return _units(self.share.part / self.share.whole) if self.share.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        low, high = wilson(self.share.part, self.share.whole) or (0.0, 0.0)
        return _units(low), _units(high)


def bars(shares: Sequence[tuple[str, Share]]) -> Sequence[Bar]:
    """A bar for each, in this order."""
    return [Bar(name, share) for name, share in shares]


def _units(share: float) -> float:
    return round(100 * share, 1)


# Columns over time: how high the highest line is.
HIGH: Final = 180
# So many names of periods fit below them.
NAMES: Final = 10


@dataclass(frozen=True)
class Part:
    """A part of a column."""

    code: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """What there was in one period, its parts upon one another. `name`: empty where none fits."""

    name: str
    # Every other name, for which there is no room on a phone.
    is_spare: bool
    parts: Sequence[Part]


@dataclass(frozen=True)
class Columns:
    columns: Sequence[Column]
    # How much the highest line stands for.
    top: int

    @property
    def scale(self) -> Sequence[int]:
        """What stands beside the lines behind the columns, the highest first."""
        return (self.top, self.top // 2, 0) if self.top % 2 == 0 else (self.top, 0)


def columns(periods: Sequence[tuple[str, Sequence[tuple[str, int]]]]) -> Columns:
    """One for each period: its name, and so many of each code, the lowest part first."""
    sums = [sum(n for _, n in parts) for _, parts in periods]
    top, every = _above(max(sums, default=0)), -(-len(periods) // NAMES)
    # Names are counted from the last column that there is, so that this one has its name.
    last = max((place for place, n in enumerate(sums) if n), default=0)
    found = []
    for place, (name, parts) in enumerate(periods):
        floor, drawn = float(HIGH), []
        for code, n in parts:
            height = round(HIGH * n / top, 2)
            if n:
                floor -= height
                drawn.append(Part(code, round(floor, 2), height))
        steps, between = divmod(last - place, every)
        found.append(Column("" if between else name, steps % 2 == 1, drawn))
    return Columns(found, top)


def _above(highest: int) -> int:
    """The round number that is as high or a little higher: one digit, and noughts."""
    step = 1
    while True:
        for times in (1, 2, 4, 6, 8):
            if times * step >= highest:
                return times * step
        step *= 10
