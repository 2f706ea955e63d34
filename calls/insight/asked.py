"""What a question of insight is asked about: which days, whose donors, what kind of call, by whom.

Answers come from the counts of days (`calls.models.DayCount`) and from nothing else.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from calls.insight.today import share
from calls.insight.wilson import wilson
from calls.models import DayCount
from calls.models.days import DayCountQuerySet

# So many days where nobody asked for others, today among them; and at most.
USUAL: Final = 30
MOST: Final = 731
# Of fewer cases no share is coloured and nobody is ranked: it would be chance that is shown.
FEW: Final = 20


@dataclass(frozen=True)
class Asked:
    """Days in Amsterdam, both included; None: all of them."""

    since: date
    until: date
    today: date
    organization: UUID | None = None
    call_type: str | None = None
    agent: int | None = None

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def is_narrowed(self) -> bool:
        return any(one is not None for one in (self.organization, self.call_type, self.agent))


def usual_days(today: date) -> tuple[date, date]:
    """What is shown where no days are asked for."""
    return today - timedelta(days=USUAL - 1), today


def counts(user: User, asked: Asked, *kinds: DayCount.Kind) -> DayCountQuerySet:
    """What was counted, as far as this person may see it and asked for it."""
    found = DayCount.objects.visible_to(user).filter(
        kind__in=kinds, day__range=(asked.since, asked.until)
    )
    if asked.organization is not None:
        found = found.filter(organization=asked.organization)
    if asked.call_type is not None:
        found = found.filter(call_type=asked.call_type)
    if asked.agent is not None:
        found = found.filter(user=asked.agent)
    return found.order_by()


@dataclass(frozen=True)
class Share:
    """A part of some cases."""

    part: int
    whole: int

    @property
    def is_few(self) -> bool:
        return self.whole < FEW

    @property
    def hundredths(self) -> int | None:
        return share(self.part, self.whole)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """Between which whole hundredths the true share lies, at 95 %; None of nothing."""
        found = wilson(self.part, self.whole)
        if found is None:
            return None
        low, high = found
        return round(100 * low), round(100 * high)

    @property
    def between(self) -> str:
        """The same as it is written: 49–94 %. Empty of nothing."""
        return f"{self.bounds[0]}–{self.bounds[1]} %" if self.bounds else ""


def in_words(asked: Asked) -> str:
    """The days, as people write them."""
    first, last = (date_format(day, "SHORT_DATE_FORMAT") for day in (asked.since, asked.until))
    if first == last:
        return first
    return _("%(first)s to %(last)s") % {"first": first, "last": last}
