"""What people do with calls: every write that a person at the desk or the floor can cause.

One function a verb, one transaction, keyword-only, the clock passed in. Losing a race is an
exception with a name, in `refusals`. What must leave goes through `calls.messages` to the outbox.
"""

from calls.actions.attempts import answer, dial, log_attempt, settle_attempt, wrap_up
from calls.actions.callbacks import (
    HandOverReason,
    cancel_callback,
    create_callback,
    hand_over_callback,
)
from calls.actions.checks import check_open
from calls.actions.checks_of_details import check_details, confirm_rest, say_detail, trust_donor
from calls.actions.corrections import correct_detail
from calls.actions.endings import cancel_call, complete_call, expire_call
from calls.actions.exports import MOST_WAITING, fetch_export, remove_export, request_export
from calls.actions.flags import see_flag, see_flags
from calls.actions.floor_messages import (
    put_away_floor_message,
    withdraw_floor_message,
    write_floor_message,
)
from calls.actions.holds import (
    claim_call,
    claim_next,
    hold_to_take,
    release_call,
    renew_lease,
    skip_call,
    take_away,
)
from calls.actions.notes import save_notes
from calls.actions.objections import add_objection, lift_objection
from calls.actions.offering import create_mandate, create_pay_link, send_message
from calls.actions.pauses import take_pause
from calls.actions.refusals import (
    AlreadyDialling,
    AlreadyHolding,
    AlreadyRequested,
    CallbackOver,
    CallEnded,
    CallTaken,
    Contradiction,
    FlagChanged,
    HoldLost,
    MomentOver,
    NotAllowed,
    NotChecked,
    NotesChanged,
    NothingLeftOpen,
    NothingToCall,
    NotNow,
    NotOnTheLine,
    NotOurs,
    NotSaid,
    NotThen,
    OnPause,
    OnTheLine,
    PledgeChanged,
    ReasonMissing,
    Stranger,
    TooFarAhead,
    TooManyExports,
)
from calls.actions.requests import create_call
from calls.actions.reveals import RevealReason, reveal_detail
from calls.actions.scripts import put_in_force, write_script
from calls.actions.undoing import undo
from calls.messages import NewCallWish, NoTapRaiseUser
from calls.results import NEEDS_REASON
from integrations.http import NotSendable
from integrations.outbox import TooLate

__all__ = [
    "MOST_WAITING",
    "NEEDS_REASON",
    "AlreadyDialling",
    "AlreadyHolding",
    "AlreadyRequested",
    "CallEnded",
    "CallTaken",
    "CallbackOver",
    "Contradiction",
    "FlagChanged",
    "HandOverReason",
    "HoldLost",
    "MomentOver",
    "NewCallWish",
    "NoTapRaiseUser",
    "NotAllowed",
    "NotChecked",
    "NotNow",
    "NotOnTheLine",
    "NotOurs",
    "NotSaid",
    "NotSendable",
    "NotThen",
    "NotesChanged",
    "NothingLeftOpen",
    "NothingToCall",
    "OnPause",
    "OnTheLine",
    "PledgeChanged",
    "ReasonMissing",
    "RevealReason",
    "Stranger",
    "TooFarAhead",
    "TooLate",
    "TooManyExports",
    "add_objection",
    "answer",
    "cancel_call",
    "cancel_callback",
    "check_details",
    "check_open",
    "claim_call",
    "claim_next",
    "complete_call",
    "confirm_rest",
    "correct_detail",
    "create_call",
    "create_callback",
    "create_mandate",
    "create_pay_link",
    "dial",
    "expire_call",
    "fetch_export",
    "hand_over_callback",
    "hold_to_take",
    "lift_objection",
    "log_attempt",
    "put_away_floor_message",
    "put_in_force",
    "release_call",
    "remove_export",
    "renew_lease",
    "request_export",
    "reveal_detail",
    "save_notes",
    "say_detail",
    "see_flag",
    "see_flags",
    "send_message",
    "settle_attempt",
    "skip_call",
    "take_away",
    "take_pause",
    "trust_donor",
    "undo",
    "withdraw_floor_message",
    "wrap_up",
    "write_floor_message",
    "write_script",
]
