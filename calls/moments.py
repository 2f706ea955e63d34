"""Moments to call somebody again: the usual ones, as far as they are legal.

What a donor says ('tonight', 'on Saturday') is offered as one press; a moment at which calling is
closed is not offered at all.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from calls.models import Call
from pledges.contact import AMSTERDAM, Rulebook

# The least notice; sooner than this somebody would better hold the line.
NOTICE: Final = timedelta(minutes=20)
MIDDAY, EVENING, MORNING = time(12, 30), time(19, 0), time(11, 0)
SATURDAY: Final = 5
MOST: Final = 5


@dataclass(frozen=True)
class Pick:
    """A moment that is legal now, as it is said."""

    at: datetime
    words: str

    @property
    def value(self) -> str:
        return self.at.isoformat()


def picks(call: Call, *, at: datetime, rulebook: Rulebook) -> list[Pick]:
    """The moments that an agent can choose with one press, soonest first."""
    organization = call.person.owning_organization_id
    found = [
        Pick(moment, words)
        for moment, words in _usual(at)
        if moment >= at + NOTICE
        and rulebook.next_opening(organization, call.type, at=moment) == moment
    ]
    return sorted(found, key=lambda pick: pick.at)[:MOST]


def _usual(at: datetime) -> list[tuple[datetime, str]]:
    today = at.astimezone(AMSTERDAM).date()
    tomorrow = today + timedelta(days=1)
    saturday = today + timedelta(days=(SATURDAY - today.weekday()) % 7 or 7)
    monday = today + timedelta(days=7 - today.weekday())
    on_saturday = _("tomorrow morning") if saturday == tomorrow else _("Saturday morning")
    # One day has one name: what is today or tomorrow is called so, whatever weekday it is.
    moments = {
        (saturday, MORNING): on_saturday,
        (monday, MIDDAY): pgettext("a moment", "Monday midday"),
        (monday, EVENING): pgettext("a moment", "Monday night"),
        (today, MIDDAY): _("this afternoon"),
        (today, EVENING): _("tonight"),
        (tomorrow, MIDDAY): _("tomorrow midday"),
        (tomorrow, EVENING): _("tomorrow night"),
    }
    return [
        (datetime.combine(day, clock, AMSTERDAM), words) for (day, clock), words in moments.items()
    ]


def in_words(moment: datetime, *, at: datetime) -> str:
    """A moment near by as people say it: today 19:00, tomorrow 12:30, Sat 28-11 11:00."""
    then, now = localtime(moment), localtime(at)
    clock = date_format(then, "TIME_FORMAT")
    if then.date() == now.date():
        return _("today %(time)s") % {"time": clock}
    if then.date() == now.date() + timedelta(days=1):
        return _("tomorrow %(time)s") % {"time": clock}
    return f"{date_format(then, 'D j-n')} {clock}"
