"""The days on which nobody in the Netherlands is called, or less long.

Public holidays are those of the library `holidays`, but for Good Friday, on which shops and offices
are open. It lists 5 May in the years in which it is a day off. On the eve of remembrance and of
celebration calling ends early. A proposal to start from: managers change it in the admin.
"""

from dataclasses import dataclass
from datetime import date, time
from importlib.metadata import version
from typing import Final

import holidays

GOOD_FRIDAY: Final = "Goede vrijdag"
EARLY: Final = time(18, 30)
# Month, day, name: what the code of 2012 names (article 9).
ENDING_EARLY: Final = (
    (5, 4, "Dodenherdenking"),
    (12, 5, "Sinterklaasavond"),
    (12, 24, "Kerstavond"),
)
CODE: Final = "Code Telemarketing 2012, art. 9"


@dataclass(frozen=True)
class Day:
    """A day to be kept; closed all day where it does not close early."""

    date: date
    name: str
    source: str
    closes_at: time | None = None


def days_of(year: int) -> list[Day]:
    """The closed days of a year, in their order. Names are Dutch: they are data."""
    library = f"holidays {version('holidays')}"
    found = holidays.country_holidays("NL", years=year, language="nl")
    days = [
        Day(day, name, library)
        for day, name in found.items()
        if day.year == year and name != GOOD_FRIDAY
    ]
    taken = {one.date for one in days}
    days += [
        Day(date(year, month, day), name, CODE, EARLY)
        for month, day, name in ENDING_EARLY
        if date(year, month, day) not in taken
    ]
    return sorted(days, key=lambda one: one.date)
