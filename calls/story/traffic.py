"""One message to a system outside as the story unfolds it: what was sent, and what came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from calls.deliveries import wanted
from integrations import decisions
from integrations.chips import Chip, chip
from integrations.decisions import Reading
from integrations.models import Delivery


@dataclass(frozen=True)
class Message:
    """Nothing in it tells who the donor is, or what anybody noted."""

    delivery: Delivery
    chip: Chip
    wish: str
    said: Sequence[tuple[str, str]]
    # Each look at the other side, the newest first.
    readings: Sequence[Reading]
    # Why it waits, or how it ended; and the other side's own words.
    why: str = ""
    refusal: str = ""
    # Whether the reader may decide what is to become of it.
    can_be_decided: bool = False


def message_of(delivery: Delivery, *, reader: User, at: datetime) -> Message:
    """Words of the other side, and what was found there, are for supervisors: a message of many
    tells of other donors."""
    is_open = delivery.state == Delivery.State.NEEDS_DECISION
    readings = decisions.readings_of(delivery)[::-1]
    is_of_many = delivery.subject.startswith("batch:")
    if not reader.is_supervisor or is_of_many:
        readings = [Reading(at=one.at, words=one.words, tone=one.tone) for one in readings]
    return Message(
        delivery=delivery,
        chip=chip(delivery, at=at),
        wish=decisions.wish(delivery),
        said=wanted(delivery),
        readings=readings,
        why=decisions.why(delivery) if delivery.reason in decisions.REASONS else "",
        refusal=delivery.refusal or "" if reader.is_supervisor else "",
        can_be_decided=is_open and reader.is_supervisor,
    )
