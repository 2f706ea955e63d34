"""The values of Alphacomm's enumerations that its document names.

A record or an event may bring others: they are kept as they are.
"""

from typing import Final

PAY_LINK_STATUSES: Final = frozenset(
    {"ready", "started", "partially_paid", "paid", "cancelled", "failed"}
)
MANDATE_STATUSES: Final = frozenset({"new", "pending", "success"})
BATCH_STATUSES: Final = frozenset({"empty", "queued", "running", "done", "error"})
BATCH_ACTIONS: Final = frozenset({"IMPORT", "VALIDATE"})
RECORD_STATUSES: Final = frozenset(
    {
        "notLoaded",
        "loaded",
        "rejected",
        "accepted",
        "enriching",
        "created",
        "updated",
        "dropped",
    }
)

DIRECTIONS: Final = frozenset({"outbound", "inbound"})
CALL_STATUSES: Final = frozenset(
    {
        "ringing",
        "active",
        "finished",
        "no answer",
        "busy",
        "rejected",
        "invalid number",
        "failed",
    }
)
NODE_TYPES: Final = frozenset(
    {
        "AddResult",
        "CheckCallAttempt",
        "CheckCounter",
        "CheckGenderBirthday",
        "CheckVariable",
        "DTMF",
        "DTMFString",
        "Forward",
        "Hangup",
        "IsCallOutbound",
        "IsRemoteMobile",
        "IsRemoteVoiceMail",
        "IsTimeInInterval",
        "Sound",
        "WaitForSilence",
    }
)
EVENT_TYPES: Final = frozenset({"NodeStart", "NodeUpdate", "NodeResult"})
