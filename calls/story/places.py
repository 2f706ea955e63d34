"""What can happen with a donor, in the one order in which things of one second can follow on each
other; and of which kind it is, for who wants to see no more than that."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.alphacomm.events import PAY_LINK_PAID, PAY_LINK_VISITED, VOICE_CALL_COMPLETED


class Which(models.TextChoices):
    """What of the story is shown."""

    ALL = "", _("everything")
    CALLS = "calls", _("calls")
    PAYMENTS = "payments", _("pledges and payments")
    MESSAGES = "messages", _("messages to the donor")
    TRAFFIC = "traffic", _("what was sent and came back")


class Place(IntEnum):
    """A later one stands above an earlier one of the same second."""

    PLEDGE_MADE = 1
    PLEDGE_RELEASED = 2
    NEW_PLEDGE = 3
    NEW_CALL = 4
    CALL_REQUESTED = 5
    SKIPPED = 6
    RANG_BACK = 7
    ATTEMPT = 8
    ATTEMPT_ELSEWHERE = 9
    CHECKED = 10
    SAID = 11
    CORRECTED = 12
    OBJECTED = 13
    LIFTED = 14
    # What the trail alone knows; see DEEDS.
    DEED = 15
    TAKEN_AWAY = 16
    PAY_LINK = 17
    MANDATE = 18
    MESSAGE = 19
    LEFT_OUT = 20
    CHANGED = 21
    COMPLETED = 22
    ENDED = 23
    COMPLETED_THERE = 24
    CANCELLED_THERE = 25
    EXPIRED_THERE = 26
    GONE = 27
    TRANSACTION = 28
    EVENT = 29
    EVENT_OF_MESSAGE = 30
    LINK_OPENED = 31
    LINK_PAID = 32
    MANDATE_GIVEN = 33
    RUNG = 34
    REPORTED = 35
    SENT = 36
    CAME_BACK = 37


_CALLS: Final = (
    Place.NEW_CALL,
    Place.CALL_REQUESTED,
    Place.SKIPPED,
    Place.RANG_BACK,
    Place.ATTEMPT,
    Place.ATTEMPT_ELSEWHERE,
    Place.CHECKED,
    Place.SAID,
    Place.CORRECTED,
    Place.OBJECTED,
    Place.LIFTED,
    Place.TAKEN_AWAY,
    Place.COMPLETED,
    Place.ENDED,
    Place.COMPLETED_THERE,
    Place.CANCELLED_THERE,
    Place.EXPIRED_THERE,
    Place.GONE,
)
_PAYMENTS: Final = (
    Place.PLEDGE_MADE,
    Place.PLEDGE_RELEASED,
    Place.NEW_PLEDGE,
    Place.CHANGED,
    Place.PAY_LINK,
    Place.MANDATE,
    Place.TRANSACTION,
    Place.LINK_OPENED,
    Place.LINK_PAID,
    Place.MANDATE_GIVEN,
)
_MESSAGES: Final = (Place.MESSAGE, Place.LEFT_OUT, Place.RUNG, Place.REPORTED)
_TRAFFIC: Final = (Place.EVENT, Place.EVENT_OF_MESSAGE, Place.SENT, Place.CAME_BACK)

KINDS: Final[Mapping[Place, Which]] = {
    **dict.fromkeys(_CALLS, Which.CALLS),
    **dict.fromkeys(_PAYMENTS, Which.PAYMENTS),
    **dict.fromkeys(_MESSAGES, Which.MESSAGES),
    **dict.fromkeys(_TRAFFIC, Which.TRAFFIC),
}

# The story of a call beside the work: of the call itself, and what tells of its donor. What was
# gone through with the donor stands on the checklist, and how each message fares in its chip.
OF_A_CALL: Final = frozenset(_CALLS) - {
    Place.SKIPPED,
    Place.CHECKED,
    Place.SAID,
    Place.CORRECTED,
    Place.OBJECTED,
    Place.LIFTED,
    Place.GONE,
}
OF_ITS_DONOR: Final = frozenset({*_PAYMENTS, *_MESSAGES}) - {
    Place.PLEDGE_RELEASED,
    Place.NEW_PLEDGE,
    Place.LEFT_OUT,
    Place.REPORTED,
}
# Shown to supervisors alone: of these an agent need not know which colleague did them.
OF_SUPERVISORS: Final = frozenset({Place.SKIPPED})


class Deed(NamedTuple):
    """What the trail alone knows: of which kind, in which words, and whether agents see it."""

    which: Which
    words: object
    is_of_supervisors: bool = False
    # About one message to a system outside, which the facts name.
    is_of_delivery: bool = False


DEEDS: Final[Mapping[str, Deed]] = {
    "attempt.settled": Deed(Which.CALLS, _("Found out how a dial ended: %(outcome)s")),
    "callback.made": Deed(Which.CALLS, _("To be called back %(moment)s (%(whose)s)")),
    "callback.handed_over": Deed(Which.CALLS, _("Callback handed over to %(to)s")),
    "callback.cancelled": Deed(Which.CALLS, _("Callback cancelled")),
    "call.undone": Deed(Which.CALLS, _("Undone: what was saved last is taken back")),
    "detail.revealed": Deed(Which.CALLS, _("Looked at what is masked: %(item)s"), True),
    "donor.trusted": Deed(Which.CALLS, _("Is sure of the donor: wrong answers no longer count")),
    "correction.exported": Deed(Which.CALLS, _("Correction handed to the charity: %(item)s")),
    "correction.processed": Deed(Which.CALLS, _("Correction processed: %(item)s")),
    "proof.exported": Deed(Which.CALLS, _("Took the proof of why was called"), True),
    "pledge.undone": Deed(Which.PAYMENTS, _("Undone: the change of the pledge is taken back")),
    "pledge.signature_shown": Deed(Which.PAYMENTS, _("Looked at the signature"), True),
    "paylink.amount_differs": Deed(
        Which.PAYMENTS, _("PayLink: the amount there is another one than was asked for"), True
    ),
    "paylink.orphan_paid": Deed(
        Which.PAYMENTS, _("PayLink: paid by an address of it that nobody shows"), True
    ),
    "message.undone": Deed(Which.MESSAGES, _("Undone: the message is taken back")),
    "message.withdrawn": Deed(Which.MESSAGES, _("Message taken back: the donor objected")),
    "message.stopped": Deed(Which.MESSAGES, _("Voice message to be taken away")),
    "delivery.decided": Deed(
        Which.TRAFFIC, _("Decided that it happened: %(wish)s"), is_of_delivery=True
    ),
    "delivery.sent_again": Deed(
        Which.TRAFFIC, _("Had it sent once more: %(wish)s"), is_of_delivery=True
    ),
    "delivery.dropped": Deed(Which.TRAFFIC, _("Dropped it: %(wish)s"), is_of_delivery=True),
    "delivery.read_again": Deed(
        Which.TRAFFIC, _("Had it looked for again: %(wish)s"), True, is_of_delivery=True
    ),
    "delivery.acknowledged": Deed(
        Which.TRAFFIC, _("Saw that it was refused: %(wish)s"), True, is_of_delivery=True
    ),
    "delivery.doubled": Deed(
        Which.TRAFFIC, _("Found there more than once: %(wish)s"), is_of_delivery=True
    ),
}

EVENTS: Final[Mapping[str, object]] = {
    PAY_LINK_VISITED: _("Told by itself: a PayLink was opened"),
    PAY_LINK_PAID: _("Told by itself: a payment of a PayLink came through"),
    VOICE_CALL_COMPLETED: _("Told by itself: a voice message rang"),
}


def places_of(which: Which, *, is_supervisor: bool) -> frozenset[Place]:
    """What is asked for, as far as this reader may see it."""
    asked = frozenset(
        place for place in Place if place == Place.DEED or which in (Which.ALL, KINDS[place])
    )
    return asked if is_supervisor else asked - OF_SUPERVISORS


def deeds_of(which: Which, *, is_supervisor: bool) -> frozenset[str]:
    return frozenset(
        action
        for action, deed in DEEDS.items()
        if which in (Which.ALL, deed.which) and (is_supervisor or not deed.is_of_supervisors)
    )
