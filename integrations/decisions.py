"""What a message that waits for a person says, in words: what was looked for and found, why the
rules alone cannot settle it, and what may come of each way to decide.

Wherever somebody decides, the page of the floor or the admin, it says the same. No words of a
donor's: ids, codes and times.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations import actions
from integrations.lines import Finding
from integrations.models import Delivery
from integrations.wishes import wish_in_words

REFUSALS: Final = {
    actions.DecisionStale: _("It has changed since it was shown: look again, then decide."),
    actions.AlreadySentAgain: _("It was sent once more before; a second time would be guessing."),
}

# What it means that the first one arrived after all, by what was sent.
TWICE_AT_TAPRAISE = _(
    "If the first one arrived after all, TapRaise is told it twice, and that cannot be taken back "
    "there."
)
TWICE = {
    "tapraise.add_attempt": _(
        "If the first one arrived after all, TapRaise has it twice, and an attempt cannot be taken "
        "away there."
    ),
    "alphacomm.create_pay_link": _(
        "If the first one arrived after all, there are two links there and the oldest one counts."
    ),
    "alphacomm.create_mandate": _(
        "If the first one arrived after all, there are two e-Mandates there, and the donor can "
        "give both."
    ),
    "alphacomm.add_rows": _("If the first one arrived after all, the donor gets two messages."),
    "alphacomm.add_file": _(
        "If the first one arrived after all, everybody in the file gets two messages."
    ),
    "alphacomm.stop_calling": _("Done twice it does no harm."),
}

# Why it waits for a person, or how it ended.
REASONS: Final = {
    "budget_spent": _("It was sent as often as is safe, and it was not found there."),
    "nothing_to_read": _("Its answer was not clear, and for half an hour nothing could be seen."),
    "conflict": _("Something else was found there than what we wanted."),
    "forbidden": _(
        "We are not allowed to do this there. Ask %(system)s for the right to it; then it can be "
        "sent once more."
    ),
    "not_found": _("What it is about was not found there."),
    "not_sendable": _("It cannot be sent as it is."),
    "one_before": _("The one before it in its line ended badly, and it may rest on that."),
    "refused": _("It was refused, and looked for: it is not there."),
    "restored": _("A backup was put back: it may have left since."),
}

FINDINGS: Final = {
    Finding.DONE: _("it is there"),
    Finding.DOUBLED: _("it is there more than once"),
    Finding.ABSENT: _("it is not there"),
    Finding.DONE_BY_OTHER: _("somebody else did it"),
    Finding.CONFLICT: _("something else is there"),
}
NOT_LOOKED: Final = _("nothing could be seen")
TONES: Final = {
    Finding.DONE: "done",
    Finding.DOUBLED: "stop",
    Finding.DONE_BY_OTHER: "other",
    Finding.CONFLICT: "stop",
}

# What is kept of a record that was read.
FACTS: Final = {
    "found": _("found"),
    "status": _("status"),
    "type": _("type"),
    "result_code": _("result"),
    "requested_at": _("requested"),
    "created_at": _("made"),
    "completed_at": _("completed"),
    "cancelled_at": _("cancelled"),
    "expired_at": _("expired"),
    "updated_at": _("changed"),
    "last_updated_at": _("changed"),
    "attempts": _("attempts"),
    "links": _("PayLinks"),
    "mandates": _("e-Mandates"),
    "batch": _("batch"),
    "records": _("messages"),
    "fields": _("fields"),
}
# How a field of a pledge stands there.
COMPARED: Final = {
    "as_wanted": _("as we want it"),
    "as_before": _("as it was"),
    "something_else": _("something else"),
}


@dataclass(frozen=True)
class Reading:
    """One look at the other side, for a message whose answer was not clear."""

    at: datetime
    words: str
    tone: str = ""
    # Name and value, in words.
    facts: Sequence[tuple[str, str]] = ()


def wish(delivery: Delivery) -> str:
    """What it is to bring about, in words."""
    return wish_in_words(delivery.operation)


def why(delivery: Delivery) -> str:
    """Why it waits for a person, or how it ended; of what a worker knows no words: its code."""
    words = REASONS.get(delivery.reason)
    return str(words) % {"system": delivery.system} if words else delivery.reason


def readings_of(delivery: Delivery, *, names: Mapping[str, str] | None = None) -> list[Reading]:
    """Every look, the oldest first. `names`: what codes, columns and uuids are called."""
    return [_reading(kept, names or {}) for kept in delivery.readings]


def users_read(delivery: Delivery) -> set[str]:
    """The TapRaise uuids of users that its readings speak of."""
    listed = (kept.get("facts", {}).get("attempts") for kept in delivery.readings)
    return {one["user"] for attempts in listed for one in attempts or () if one.get("user")}


def if_it_happened(system: str) -> str:
    """What a person vouches for; `system` as it is said in a sentence."""
    words = gettext(
        "You vouch that %(system)s has this. Nothing is sent any more, and what waits behind it "
        "goes on. If you are wrong, it is lost."
    )
    return words % {"system": system}


def if_sent_again(operations: Iterable[str]) -> str:
    """What may come of sending these again, every risk once."""
    risks = (str(TWICE.get(one, TWICE_AT_TAPRAISE)) for one in operations)
    return " ".join([gettext("It is sent again, once."), *dict.fromkeys(risks)])


def if_dropped(system: str) -> str:
    words = gettext(
        "%(system)s is not told any more. What waits behind it in its line goes to a person, and "
        "what it was to bring about no longer counts here."
    )
    return words % {"system": system}


def if_read_again(system: str) -> str:
    return gettext("A worker looks at %(system)s now. Nothing is sent.") % {"system": system}


def in_time(moment: str | None) -> str:
    """A moment that is kept as ISO 8601, on the reader's clock and to the second."""
    if not moment:
        return ""
    return date_format(localtime(datetime.fromisoformat(moment)), "j-n-Y H:i:s")


def _reading(kept: Mapping[str, Any], names: Mapping[str, str]) -> Reading:
    known = {finding.value: words for finding, words in FINDINGS.items()}
    words = str(known.get(kept["finding"], NOT_LOOKED))
    error = kept.get("error")
    told = kept.get("facts", {})
    return Reading(
        at=datetime.fromisoformat(kept["at"]),
        words=f"{words} ({error})" if error else words,
        tone=TONES.get(kept["finding"], ""),
        facts=[
            (str(label), _in_words(name, told[name], names))
            for name, label in FACTS.items()
            if told.get(name) not in (None, "", [], {})
        ],
    )


def _in_words(name: str, value: Any, names: Mapping[str, str]) -> str:
    match name, value:
        case "attempts", list():
            return ", ".join(
                f"{in_time(one['at'])} {names.get(one['user'] or '', '')}".strip() for one in value
            )
        case "fields", dict():
            return ", ".join(
                f"{names.get(column, column)}: {COMPARED.get(state, state)}"
                for column, state in value.items()
            )
        case _, dict():
            # By our own reference or id: what became of each is what counts.
            return ", ".join(names.get(str(one), str(one)) for one in value.values())
        case _, list():
            return ", ".join(map(str, value))
    return in_time(value) if name.endswith("_at") else names.get(str(value), str(value))
