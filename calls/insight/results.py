"""How calls ended: by result, over time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from django.db.models import Sum
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.sheets import Cell
from calls.insight.asked import Asked, Share, counts
from calls.insight.pictures import Columns, columns
from calls.insight.tables import Table, share_cells, share_names
from calls.models import DayCount, ResultCode

# Up to so many days a column is a day, up to so many a week; else a month.
AS_DAYS: Final = 31
AS_WEEKS: Final = 200


@dataclass(frozen=True)
class Period:
    """A day, a week or a month, as far as it was asked for."""

    since: date
    until: date
    results: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        first, last = (date_format(day, "j-n") for day in (self.since, self.until))
        return first if first == last else f"{first} – {last}"

    @property
    def completed(self) -> int:
        return self.results.total()

    @property
    def by_code(self) -> Sequence[tuple[str, int]]:
        return [(code.value, self.results[code]) for code in ResultCode]

    @property
    def confirmed(self) -> Share:
        return Share(self.results[ResultCode.CONFIRMED], self.completed)


@dataclass(frozen=True)
class Results:
    """How calls ended, period by period."""

    periods: Sequence[Period]
    together: Period
    # What one column of the picture is, in a sentence.
    unit: str

    @property
    def is_empty(self) -> bool:
        return not self.together.completed

    @property
    def codes(self) -> Sequence[tuple[str, str]]:
        return [(code.value, str(code.label)) for code in ResultCode]

    @property
    def picture(self) -> Columns:
        return columns([(date_format(one.since, "j-n"), one.by_code) for one in self.periods])

    @property
    def table(self) -> Table:
        codes = [capfirst(label) for _code, label in self.codes]
        share = share_names(_("Confirmed, of all"), _("Completed"))
        told = [one for one in self.periods if one.completed]
        rows = [[one.name, one.since, one.until, *_cells(one)] for one in told]
        names = [_("When"), _("First day"), _("Last day"), *codes, *share]
        last = [_("Together"), self.together.since, self.together.until, *_cells(self.together)]
        return Table(names, [*rows, last])


def _cells(period: Period) -> list[Cell]:
    return [*(n for _code, n in period.by_code), *share_cells(period.confirmed)]


def over_time(user: User, asked: Asked) -> Results:
    """Results by day, week or month, in Amsterdam: one query."""
    starts = list(_starts(asked))
    ends = [start - timedelta(days=1) for start in starts[1:]] + [asked.until]
    periods = [Period(*pair) for pair in zip(starts, ends, strict=True)]
    together = Period(asked.since, asked.until)
    rows = counts(user, asked, DayCount.Kind.RESULT).values_list("day", "code")
    place = 0
    for day, code, n in rows.annotate(Sum("n")).order_by("day"):
        while periods[place].until < day:
            place += 1
        periods[place].results[code] += n
        together.results[code] += n
    return Results(periods, together, unit=_unit(asked))


def _unit(asked: Asked) -> str:
    if asked.days <= AS_DAYS:
        return _("One column is a day.")
    return _("One column is a week.") if asked.days <= AS_WEEKS else _("One column is a month.")


def _starts(asked: Asked) -> Iterator[date]:
    """The first day of each period; the first period may begin halfway."""
    for ago in range(asked.days):
        day = asked.since + timedelta(days=ago)
        is_monday, is_first = day.weekday() == 0, day.day == 1
        if ago == 0 or asked.days <= AS_DAYS or (is_monday if asked.days <= AS_WEEKS else is_first):
            yield day
