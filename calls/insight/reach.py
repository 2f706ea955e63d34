"""When donors are reached: by weekday and hour, and by which dial of a call."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from calls.insight.asked import Asked, Share, counts
from calls.insight.pictures import Bar, bars
from calls.insight.tables import Table, share_cells, share_names
from calls.models import DayCount

# A shade begins at; six of them, the same for every view, so that two can be laid side by side.
SHADES: Final = (0, 15, 30, 45, 60, 75)
# Always there, so that an empty morning is seen.
OFFICE_HOURS: Final = range(9, 21)
A_MONDAY: Final = date(2024, 1, 1)


@dataclass(frozen=True)
class Hour:
    """One hour of one day of the week. `share`: of the dials that ended."""

    weekday: int
    hour: int
    dials: int
    share: Share

    @property
    def day(self) -> str:
        return date_format(A_MONDAY + timedelta(days=self.weekday), "l")

    @property
    def short_day(self) -> str:
        return date_format(A_MONDAY + timedelta(days=self.weekday), "D")

    @property
    def until(self) -> int:
        return self.hour + 1

    @property
    def shade(self) -> int:
        """1 to 6; 0: too few cases for one."""
        if self.share.is_few or self.share.hundredths is None:
            return 0
        return sum(self.share.hundredths >= begin for begin in SHADES)


@dataclass(frozen=True)
class Week:
    """All hours of a week in which anybody is called."""

    rows: Sequence[Sequence[Hour]]
    dials: int
    share: Share

    @property
    def hours(self) -> Sequence[Hour]:
        """Those of the first day: what stands above the columns."""
        return self.rows[0]

    @property
    def told(self) -> Sequence[Hour]:
        """Those in which anybody was dialled, as a table tells them."""
        return [hour for row in self.rows for hour in row if hour.dials]

    @property
    def is_empty(self) -> bool:
        return not self.dials

    @property
    def on_the_line(self) -> int:
        return self.dials - self.share.whole

    @property
    def table(self) -> Table:
        names = [_("Day"), _("Hour"), _("Attempts"), *share_names(_("Reached"), _("Ended"))]
        rows = [
            [hour.day, f"{hour.hour}–{hour.until}", hour.dials, *share_cells(hour.share)]
            for hour in self.told
        ]
        return Table(names, [*rows, [_("Together"), "", self.dials, *share_cells(self.share)]])

    @property
    def is_wide(self) -> bool:
        """Whether there are more hours than a phone has room for."""
        return len(self.hours) > len(OFFICE_HOURS)


def by_hour(user: User, asked: Asked) -> Week:
    """Reach by weekday and hour, in Amsterdam: one query."""
    found: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    rows = counts(user, asked, DayCount.Kind.HOUR).values_list("day", "code")
    for day, code, n, reached, still_open in rows.annotate(Sum("n"), Sum("a"), Sum("b")):
        sums = found[day.weekday(), int(code)]
        for place, count in enumerate((n, reached, still_open)):
            sums[place] += count
    dialled = {hour for (_day, hour) in found}
    hours = range(min({*OFFICE_HOURS, *dialled}), max({*OFFICE_HOURS, *dialled}) + 1)

    def one(weekday: int, hour: int) -> Hour:
        n, reached, still_open = found[weekday, hour]
        return Hour(weekday, hour, dials=n, share=Share(reached, n - still_open))

    week = [[one(day, hour) for hour in hours] for day in range(7)]
    n, reached, still_open = (sum(sums[place] for sums in found.values()) for place in range(3))
    return Week(week, dials=n, share=Share(reached, n - still_open))


# Dials from the eighth on are told together.
LAST: Final = 8


@dataclass(frozen=True)
class Step:
    """The dial of this number, to donors whom their call had not reached before."""

    nth: int
    share: Share
    # Of all donors who were reached for the first time, those who were by this dial or before it.
    so_far: Share

    @property
    def name(self) -> str:
        if self.nth == LAST:
            return _("attempt %(nth)s and later") % {"nth": self.nth}
        return _("attempt %(nth)s") % {"nth": self.nth}


@dataclass(frozen=True)
class Steps:
    """How many dials it takes to reach a donor."""

    steps: Sequence[Step]
    together: Share

    @property
    def is_empty(self) -> bool:
        return not self.together.whole

    @property
    def picture(self) -> Sequence[Bar]:
        return bars([(step.name, step.share) for step in self.steps])

    @property
    def table(self) -> Table:
        so_far = _("Of all reached, up to here (%)")
        names = [_("Which attempt"), *share_names(_("Reached"), _("Ended")), so_far]
        rows = [[one.name, *share_cells(one.share), one.so_far.hundredths] for one in self.steps]
        return Table(names, [*rows, [_("Together"), *share_cells(self.together), None]])


def by_dial(user: User, asked: Asked) -> Steps:
    """Reach by which dial of its call it was, counted over all time: one query."""
    made: Counter[int] = Counter()
    reached: Counter[int] = Counter()
    rows = counts(user, asked, DayCount.Kind.NTH).values_list("code")
    for code, n, found in rows.annotate(Sum("n"), Sum("a")):
        made[min(int(code), LAST)] += n
        reached[min(int(code), LAST)] += found
    steps, so_far = [], 0
    for nth in range(1, max(made, default=0) + 1):
        so_far += reached[nth]
        share = Share(reached[nth], made[nth])
        steps.append(Step(nth, share, Share(so_far, reached.total())))
    return Steps(steps, Share(reached.total(), made.total()))
