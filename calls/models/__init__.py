"""The work: calls as TapRaise tells them, and what people here did with them.

What we do is rows of our own (Attempt, Completion, Ending, Hold), each pointing at the Delivery
that tells TapRaise; what the donor says of the details (Check) stays here. What people see is the
mirror with ours laid over it: see `CallQuerySet.open`.
"""

from calls.models.attempts import Attempt
from calls.models.callbacks import Callback
from calls.models.calls import Call, CallQuerySet, Completion, Ending, ResultCode
from calls.models.checks import MASKED, Check, CheckRules, Item, Saying
from calls.models.days import DayCount, DayCounting, GateCount
from calls.models.exports import Export, ExportQuerySet
from calls.models.floor import FloorMessage, QueueCount, QueueCounting, Receipt
from calls.models.holds import Draft, Hold, HoldKey, RingBack, Skip, TakenAway
from calls.models.requests import NewCall
from calls.models.scripts import Script
from calls.models.targets import DayTarget

__all__ = [
    "MASKED",
    "Attempt",
    "Call",
    "CallQuerySet",
    "Callback",
    "Check",
    "CheckRules",
    "Completion",
    "DayCount",
    "DayCounting",
    "DayTarget",
    "Draft",
    "Ending",
    "Export",
    "ExportQuerySet",
    "FloorMessage",
    "GateCount",
    "Hold",
    "HoldKey",
    "Item",
    "NewCall",
    "QueueCount",
    "QueueCounting",
    "Receipt",
    "ResultCode",
    "RingBack",
    "Saying",
    "Script",
    "Skip",
    "TakenAway",
]
