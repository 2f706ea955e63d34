"""What a message to a system outside is to bring about, and about what, in words."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

WISHES: Final = {
    "tapraise.add_attempt": _("Log an attempt"),
    "tapraise.complete_call": _("Complete a call"),
    "tapraise.cancel_call": _("Cancel a call"),
    "tapraise.expire_call": _("Let a call expire"),
    "tapraise.create_call": _("Ask for a call"),
    "tapraise.create_pledge": _("Make a pledge"),
    "tapraise.update_pledge": _("Change a pledge"),
    "tapraise.update_pledge_status": _("Change the status of a pledge"),
    "alphacomm.create_pay_link": _("Make a PayLink"),
    "alphacomm.create_mandate": _("Make an e-Mandate"),
    "alphacomm.add_rows": _("Hand over a message"),
    "alphacomm.add_file": _("Hand over a file of messages"),
    "alphacomm.stop_calling": _("Stop a voice message"),
}

# What a line of deliveries can be about: the words before the uuid in a subject.
SUBJECTS: Final[Mapping[str, Any]] = {
    "call": _("call"),
    "pledge": _("pledge"),
    "paylink": "PayLink",
    "message": _("message"),
    "mandate": "e-Mandate",
    "batch": _("batch"),
    "voice": _("voice message"),
}


def wish_in_words(operation: str) -> str:
    """What it is to bring about; an operation without words stays as it is."""
    return str(WISHES.get(operation, operation))


def about_in_words(
    subject: str, *, also: Mapping[str, Any] | None = None, is_short: bool = False
) -> str:
    """What a line is about: of which kind, and its number, of which a short one has the beginning.
    `also`: what more kinds are called; one that is not known stays as it is."""
    kind, _colon, number = subject.partition(":")
    words = SUBJECTS.get(kind) or (also or {}).get(kind)
    return f"{words} {number[:8] if is_short else number}" if words else subject
