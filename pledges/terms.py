"""What a pledge comes to, how a change of it reads, and whether it may be changed at all."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext_lazy as _

from pledges.models import Pledge

TIMES_A_YEAR: Final = {
    Pledge.Interval.MONTHLY: 12,
    Pledge.Interval.QUARTERLY: 4,
    Pledge.Interval.HALF_YEARLY: 2,
    Pledge.Interval.YEARLY: 1,
}
# What TapRaise lets nobody change but itself when another system manages the pledge.
ONLY_MANAGED_HERE: Final = frozenset({"donation_amount", "donation_interval", "ends_at"})
# The ends, and the values that go on: any other one is of no document.
LIVING: Final = frozenset({Pledge.Status.LEAD, Pledge.Status.ACTIVE})
ENDED: Final = frozenset({Pledge.Status.DROPPED, Pledge.Status.CANCELLED, Pledge.Status.FULFILLED})


@dataclass(frozen=True)
class Terms:
    """Euros, and how often: one of TapRaise's intervals, or a value that no document lists."""

    amount: Decimal | None
    interval: str | None


def a_year(terms: Terms) -> Decimal | None:
    """Euros a year; None for once, for an unknown interval and without an amount."""
    times = TIMES_A_YEAR.get(terms.interval)  # type: ignore[call-overload]
    return None if times is None or terms.amount is None else terms.amount * times


class Move(StrEnum):
    """Which way a pledge went. OTHER is neither more nor less of the same."""

    SAME = "same"
    LOWER = "lower"
    HIGHER = "higher"
    OTHER = "other"


def move(before: Terms, after: Terms) -> Move:
    """Held against each other by amount, or by the year where the interval changed.

    Another interval is only a LOWER when it comes to less a year: as much or more in other parts is
    another pledge, and not a higher one.
    """
    if before.interval == after.interval:
        return _by_amount(before.amount, after.amount)
    earlier, later = a_year(before), a_year(after)
    if earlier is not None and later is not None and later < earlier:
        return Move.LOWER
    return Move.OTHER


def _by_amount(before: Decimal | None, after: Decimal | None) -> Move:
    if before == after:
        return Move.SAME
    if before is None or after is None:
        return Move.OTHER
    return Move.LOWER if after < before else Move.HIGHER


class WhyNot(StrEnum):
    """Why a pledge cannot be changed from here."""

    NO_PLEDGE = "no_pledge"
    NOT_HERE_YET = "not_here_yet"
    GONE = "gone"
    ENDED = "ended"
    UNKNOWN_STATUS = "unknown_status"
    ELSEWHERE = "elsewhere"


IN_WORDS: Final = {
    WhyNot.NO_PLEDGE: _("There is no pledge with this call."),
    WhyNot.NOT_HERE_YET: _("This pledge has not arrived from TapRaise yet."),
    WhyNot.GONE: _("TapRaise no longer shows this pledge."),
    WhyNot.ENDED: _("This pledge has ended."),
    WhyNot.UNKNOWN_STATUS: _("This pledge has a status that Belbord does not know."),
    WhyNot.ELSEWHERE: _(
        "This pledge is managed in another system: its amount, interval, end and status can only "
        "be changed there."
    ),
}


def why_not_changeable(
    pledge: Pledge | None, *, fields: Collection[str] = ONLY_MANAGED_HERE
) -> WhyNot | None:
    """Why these columns of a pledge cannot be changed from here; None: they can.

    Unless other columns are named, the question is about amount, interval and end. The documents
    let start, recruiter, location and metadata be changed wherever the pledge is managed. Of an
    ended pledge they say nothing, so that one is left alone, and so is one of an unknown status.
    """
    if pledge is None:
        return WhyNot.NO_PLEDGE
    if pledge.fetched_at is None:
        return WhyNot.NOT_HERE_YET
    if pledge.gone_at is not None:
        return WhyNot.GONE
    if pledge.status in ENDED:
        return WhyNot.ENDED
    if pledge.status not in LIVING:
        return WhyNot.UNKNOWN_STATUS
    if is_managed_elsewhere(pledge) and not ONLY_MANAGED_HERE.isdisjoint(fields):
        return WhyNot.ELSEWHERE
    return None


def is_managed_elsewhere(pledge: Pledge) -> bool:
    """Whether another system than TapRaise has the last word on this pledge."""
    return pledge.external_source_name is not None or pledge.external_source_identifier is not None


def in_words(why: WhyNot) -> str:
    """One sentence for people."""
    return str(IN_WORDS[why])
