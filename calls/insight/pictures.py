"""Where the parts of a picture stand. A picture is drawn in units of its own, and scaled to its
place; every number in it stands in a table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calls.insight.asked import Share
from calls.insight.wilson import wilson

# A share as a bar: where it begins, how long a whole is, and how high one line is.
LABEL, WHOLE, LINE, NUMBERS = 116, 190, 28, 84
# Where names are longer than those of days, results and agents.
WIDE_LABEL: Final = 210
# So many units are wide enough for a letter.
LETTER: Final = 6.8


@dataclass(frozen=True)
class Bar:
    """A share, and how sure it is. Of few cases nothing is drawn."""

    label: str
    share: Share
    y: int
    # Where a whole begins.
    left: int = LABEL

    @property
    def short_label(self) -> str:
        """As much of it as there is room for."""
        room = int(self.left / LETTER)
        return self.label if len(self.label) <= room else f"{self.label[: room - 1]}…"

    @property
    def middle(self) -> int:
        return self.y + LINE // 2

    @property
    def width(self) -> float:
        return _units(self.share.part / self.share.whole) if self.share.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        low, high = wilson(self.share.part, self.share.whole) or (0.0, 0.0)
        return self.left + _units(low), self.left + _units(high)


@dataclass(frozen=True)
class Bars:
    """Shares below one another."""

    lines: Sequence[Bar]
    label: int = LABEL

    @property
    def is_wide(self) -> bool:
        return self.label > LABEL

    @property
    def size(self) -> tuple[int, int]:
        return self.label + WHOLE + NUMBERS, len(self.lines) * LINE


def bars(shares: Sequence[tuple[str, Share]], *, label: int = LABEL) -> Bars:
    """A bar for each, in this order; `label` is how much room their names get."""
    lines = [Bar(name, share, place * LINE, label) for place, (name, share) in enumerate(shares)]
    return Bars(lines, label)


def _units(share: float) -> float:
    return round(WHOLE * share, 1)


# Columns over time: where they begin, how wide all of them are together, and how high the highest.
LEFT, TOP, ACROSS, HIGH, BELOW = 44, 10, 640, 180, 26
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
    x: float
    width: float
    parts: Sequence[Part]

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class Columns:
    columns: Sequence[Column]
    # How much the highest line stands for.
    top: int

    @property
    def size(self) -> tuple[int, int]:
        return LEFT + ACROSS, TOP + HIGH + BELOW

    @property
    def scale(self) -> Sequence[tuple[int, float]]:
        """What stands beside the lines behind the columns, and how high each is."""
        halves = (0, self.top // 2, self.top) if self.top % 2 == 0 else (0, self.top)
        return [(n, TOP + HIGH - HIGH * n / self.top) for n in halves]


def columns(periods: Sequence[tuple[str, Sequence[tuple[str, int]]]]) -> Columns:
    """One for each period: its name, and so many of each code, the lowest part first."""
    highest = max((sum(n for _, n in parts) for _, parts in periods), default=0)
    top = _above(highest)
    slot, every = ACROSS / max(len(periods), 1), -(-len(periods) // NAMES)
    found = []
    for place, (name, parts) in enumerate(periods):
        floor, drawn = float(TOP + HIGH), []
        for code, n in parts:
            height = round(HIGH * n / top, 2)
            if n:
                floor -= height
                drawn.append(Part(code, round(floor, 2), height))
        width = min(slot * 0.8, 48)
        found.append(
            Column(
                name=name if place % every == 0 else "",
                x=round(LEFT + place * slot + (slot - width) / 2, 2),
                width=round(width, 2),
                parts=drawn,
            )
        )
    return Columns(found, top)


def _above(highest: int) -> int:
    """The round number that is as high or a little higher: one digit, and noughts."""
    step = 1
    while True:
        for times in (1, 2, 4, 6, 8):
            if times * step >= highest:
                return times * step
        step *= 10
