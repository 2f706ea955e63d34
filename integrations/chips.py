"""What a screen says about a message: one of five chips. Green only for what is proven."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from integrations.lines import Finding
from integrations.models import Delivery


class Tone(StrEnum):
    GREY = "grey"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Chip:
    tone: Tone
    # Translated when it was made; times in it are of the reader's zone.
    text: str
    # Whether it can still change without anybody doing anything here.
    is_settled: bool
    # Whether it waits for a supervisor, and for nobody else.
    is_undecided: bool = False


def chip(delivery: Delivery, *, at: datetime) -> Chip:
    """The chip of one message at this moment."""
    if delivery.state == Delivery.State.CLOSED:
        return _closed(delivery)
    if delivery.state == Delivery.State.NEEDS_DECISION:
        return Chip(Tone.RED, _("Needs a decision"), is_settled=False, is_undecided=True)
    if delivery.state == Delivery.State.UNKNOWN:
        # A look that is due is being made: a time that has passed would only confuse.
        look_at = max(delivery.not_before, at)
        text = _("Not confirmed, checking; next look %(time)s") % {"time": _time(look_at)}
        return Chip(Tone.AMBER, text, is_settled=False)
    return Chip(Tone.GREY, _("Saved, sending"), is_settled=False)


def _closed(delivery: Delivery) -> Chip:
    if delivery.outcome == Delivery.Outcome.DONE and is_doubled(delivery):
        text = _("Twice at %(system)s") % {"system": delivery.system}
        return Chip(Tone.RED, text, is_settled=True)
    if delivery.outcome == Delivery.Outcome.DONE:
        assert delivery.closed_at is not None  # noqa: S101  (closed, so it has a time)
        # How a dial ended is told here alone: what is confirmed is the dial.
        is_attempt = delivery.operation == "tapraise.add_attempt"
        words = (
            _("Attempt confirmed by %(system)s %(time)s")
            if is_attempt
            else _("Confirmed by %(system)s %(time)s")
        )
        text = words % {"system": delivery.system, "time": _time(delivery.closed_at)}
        return Chip(Tone.GREEN, text, is_settled=True)
    texts = {
        Delivery.Outcome.DONE_BY_OTHER: (Tone.BLUE, _("Done by somebody else")),
        Delivery.Outcome.DECIDED: (Tone.BLUE, _("Done, a colleague decided")),
        Delivery.Outcome.REJECTED: (
            Tone.RED,
            _("Refused by %(system)s") % {"system": delivery.system},
        ),
        Delivery.Outcome.DROPPED: (Tone.GREY, _("Given up")),
        Delivery.Outcome.UNDONE: (Tone.GREY, _("Undone")),
    }
    tone, text = texts[Delivery.Outcome(delivery.outcome)]
    return Chip(tone, text, is_settled=True)


def is_doubled(delivery: Delivery) -> bool:
    """Whether the other side was seen to have it more than once."""
    return any(reading["finding"] == Finding.DOUBLED for reading in delivery.readings) or (
        delivery.reason == "doubled"
    )


def _time(moment: datetime) -> str:
    return time_format(timezone.localtime(moment), "H:i")
