"""One call, one story: whether its result says the same as what was changed about the pledge.

Asks no row and writes none. Amounts are euros; amount and interval together are held against each
other by the year, and the sentences say so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls.models import ResultCode
from pledges.models import Pledge, in_euros, in_words
from pledges.terms import Move, Terms, a_year, move, why_not_changeable

# Without a reason in the notes these two tell the charity nothing.
NEEDS_REASON: Final = (ResultCode.DROPPED, ResultCode.OTHER)
# These two say that the pledge is another one.
SAYS_CHANGED: Final = (ResultCode.DOWNGRADED, ResultCode.CONVERTED)
# The one result that each change goes with.
GOES_WITH: Final = {
    Move.LOWER: ResultCode.DOWNGRADED,
    Move.HIGHER: ResultCode.CONFIRMED,
    Move.OTHER: ResultCode.CONVERTED,
}


class Clash(StrEnum):
    """In what a result and a change contradict each other."""

    LESS = "less"
    MORE = "more"
    OTHERWISE = "otherwise"
    NOT_LESS = "not_less"
    NOT_OTHERWISE = "not_otherwise"
    NEW_START = "new_start"
    # Nothing can be changed from here, so the notes have to tell what did.
    NOT_TOLD = "not_told"


CLASH_OF: Final = {
    Move.LOWER: Clash.LESS,
    Move.HIGHER: Clash.MORE,
    Move.OTHER: Clash.OTHERWISE,
}


@dataclass(frozen=True)
class Agreed:
    """What the donor has said about the pledge: as it stands, and as it is to be."""

    before: Terms
    after: Terms
    has_new_start: bool = False
    # Whether amount and interval can be changed from here at all.
    can_change: bool = True

    @property
    def move(self) -> Move:
        return move(self.before, self.after)


def agreed(pledge: Pledge | None, changes: Mapping[str, Any]) -> Agreed:
    """By the names of the mirror's columns: donation_amount, donation_interval, starts_at."""
    before = Terms(
        pledge.donation_amount if pledge else None, pledge.donation_interval if pledge else None
    )
    after = Terms(
        changes.get("donation_amount", before.amount),
        changes.get("donation_interval", before.interval),
    )
    return Agreed(
        before, after, "starts_at" in changes, can_change=why_not_changeable(pledge) is None
    )


def proposed(agreed: Agreed) -> ResultCode | None:
    """The result that a change asks for; None while nothing is changed, for then any may be so."""
    if agreed.move == Move.SAME:
        return ResultCode.CONFIRMED if agreed.has_new_start else None
    return GOES_WITH[agreed.move]


def contradiction(agreed: Agreed, *, result_code: str, notes: str) -> Clash | None:
    """What does not fit, if anything. That dropped and other want a reason is another rule."""
    found = agreed.move
    if found != Move.SAME:
        return None if result_code == GOES_WITH[found] else CLASH_OF[found]
    if agreed.has_new_start and result_code in NEEDS_REASON:
        return Clash.NEW_START
    if result_code in SAYS_CHANGED and not agreed.can_change:
        return None if notes.strip() else Clash.NOT_TOLD
    if result_code == ResultCode.DOWNGRADED:
        return Clash.NOT_LESS
    if result_code == ResultCode.CONVERTED:
        return Clash.NOT_OTHERWISE
    return None


@dataclass(frozen=True)
class Preview:
    """What saving would send, before it is saved."""

    # What leaves before the completion does, part by part.
    first: Sequence[str]
    proposed: str
    # In what the chosen result contradicts it, in a sentence.
    clash: str


def preview(
    pledge: Pledge | None, changes: Mapping[str, Any], *, result_code: str, notes: str
) -> Preview:
    """What would go to TapRaise with this result; no result yet is an empty one."""
    said = agreed(pledge, changes)
    clash = contradiction(said, result_code=result_code, notes=notes) if result_code else None
    return Preview(
        first=changes_in_words(pledge, changes) if pledge else (),
        proposed=proposed(said) or "",
        clash=clash_in_words(clash, said) if clash else "",
    )


# ── In words ──────────────────────────────────────────────────────────────────────────────────────

CLASHES: Final = {
    Clash.NOT_LESS: gettext_lazy(
        "'%(downgraded)s' needs a lower amount: change the amount, or choose '%(confirmed)s'."
    ),
    Clash.NOT_OTHERWISE: gettext_lazy(
        "'%(converted)s' needs another change, such as another interval: change it, or choose "
        "'%(confirmed)s'."
    ),
    Clash.NEW_START: gettext_lazy(
        "A new start goes with '%(confirmed)s' only: choose '%(confirmed)s', or put the start back."
    ),
    Clash.NOT_TOLD: gettext_lazy(
        "This pledge cannot be changed from here: write in the notes what changed."
    ),
    Clash.LESS: gettext_lazy(
        "The donor gives less (%(after)s instead of %(before)s): choose '%(downgraded)s'."
    ),
    Clash.MORE: gettext_lazy(
        "The donor gives more (%(after)s instead of %(before)s): choose '%(confirmed)s'."
    ),
    Clash.OTHERWISE: gettext_lazy(
        "The pledge changes from %(before)s to %(after)s: choose '%(converted)s'."
    ),
}
# As above, where both can be said by the year.
CLASHES_BY_THE_YEAR: Final = {
    Clash.LESS: gettext_lazy(
        "The donor gives less a year (%(after)s instead of %(before)s): choose '%(downgraded)s'."
    ),
    Clash.MORE: gettext_lazy(
        "The donor gives more a year (%(after)s instead of %(before)s): choose '%(confirmed)s'."
    ),
    Clash.OTHERWISE: gettext_lazy(
        "The interval changes and the donor does not give less a year (%(after)s, and %(before)s "
        "before): choose '%(converted)s'."
    ),
}


def clash_in_words(clash: Clash, agreed: Agreed) -> str:
    """One sentence that says what does not fit, and what to do."""
    words = {code.value: str(code.label) for code in ResultCode}
    earlier, later = a_year(agreed.before), a_year(agreed.after)
    if clash in CLASHES_BY_THE_YEAR and earlier is not None and later is not None:
        words |= {"before": in_euros(earlier), "after": in_euros(later)}
        return str(CLASHES_BY_THE_YEAR[clash]) % words
    words |= {"before": terms_in_words(agreed.before), "after": terms_in_words(agreed.after)}
    return str(CLASHES[clash]) % words


def terms_in_words(terms: Terms) -> str:
    """€ 10,00 a month."""
    return f"{in_euros(terms.amount)} {in_words(Pledge.Interval, terms.interval)}".strip()


def pledge_in_words(pledge: Pledge, columns: Collection[str]) -> str:
    """How the pledge stands now in these columns of the mirror."""
    parts = []
    if not {"donation_amount", "donation_interval"}.isdisjoint(columns):
        parts.append(terms_in_words(Terms(pledge.donation_amount, pledge.donation_interval)))
    if "starts_at" in columns:
        parts.append(_("start %(day)s") % {"day": _day(pledge.starts_at)})
    return ", ".join(parts)


def changes_in_words(pledge: Pledge, changes: Mapping[str, Any]) -> list[str]:
    """What the change of a pledge will tell TapRaise, each part from what to what."""
    said = agreed(pledge, changes)
    parts = []
    if said.move != Move.SAME:
        parts.append(
            _("amount from %(before)s to %(after)s%(by_the_year)s")
            % {
                "before": terms_in_words(said.before),
                "after": terms_in_words(said.after),
                "by_the_year": _by_the_year(said),
            }
        )
    if said.has_new_start:
        parts.append(
            _("start from %(before)s to %(after)s")
            % {"before": _day(pledge.starts_at), "after": _day(changes["starts_at"])}
        )
    return parts


def _by_the_year(said: Agreed) -> str:
    """Where both can be said by the year, and were not said by it already."""
    earlier, later = a_year(said.before), a_year(said.after)
    is_said = {said.before.interval, said.after.interval} == {Pledge.Interval.YEARLY}
    if earlier is None or later is None or is_said:
        return ""
    return _(" (%(after)s a year instead of %(before)s)") % {
        "before": in_euros(earlier),
        "after": in_euros(later),
    }


def _day(moment: Any) -> str:
    return _("not known") if moment is None else date_format(localtime(moment), "SHORT_DATE_FORMAT")
