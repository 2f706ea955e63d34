"""What people do with pledges: every write about a donor's promise that a person here can cause.

One function a verb, one transaction, keyword-only, the clock passed in. Losing a race is an
exception with a name, in `refusals`. What must leave goes through `pledges.messages` to the outbox.
"""

from integrations.http import NotSendable
from integrations.outbox import TooLate
from pledges.actions.batches import (
    Amount,
    Recipient,
    Weighed,
    send_batch,
    undo_batch,
    weigh_batch,
)
from pledges.actions.changes import add_change, take_status_action, update_pledge
from pledges.actions.closed_days import add_closed_days
from pledges.actions.corrections import (
    MOST_EXPORTED,
    add_correction,
    export_corrections,
    may_read_accounts,
    process_corrections,
    take_back_correction,
)
from pledges.actions.creating import create_pledge
from pledges.actions.evidence import keep_result_file, messages_for, write_results
from pledges.actions.mandates import create_mandate
from pledges.actions.messaging import (
    send_message,
    stop_voice,
    undo_message,
    withdraw_messages,
)
from pledges.actions.payments import agree_amounts, create_pay_link
from pledges.actions.people import import_people
from pledges.actions.preparing import checked_address
from pledges.actions.refusals import (
    AmountOutOfBounds,
    AmountsUnproven,
    BatchRefusal,
    ChangedMeanwhile,
    ChangeUnderWay,
    CoolingDown,
    DescriptionMissing,
    EnoughForToday,
    FieldMissing,
    MandateOpen,
    MayNotText,
    MoreThanShown,
    NoAddressToTextTo,
    NobodyToWriteTo,
    NotAllowed,
    NotChangeable,
    NothingChanged,
    NotOffered,
    NotOurs,
    PaymentRefusal,
    PaymentsNotOffered,
    PeopleChanged,
    ReadBefore,
    ScriptNotInUse,
    TooFewForFile,
    TooLongVisible,
    TooManyAtOnce,
)
from pledges.actions.signature import ask_signature, take_signature
from pledges.actions.undoing import take_back_changes, undo_change

__all__ = [
    "MOST_EXPORTED",
    "Amount",
    "AmountOutOfBounds",
    "AmountsUnproven",
    "BatchRefusal",
    "ChangeUnderWay",
    "ChangedMeanwhile",
    "CoolingDown",
    "DescriptionMissing",
    "EnoughForToday",
    "FieldMissing",
    "MandateOpen",
    "MayNotText",
    "MoreThanShown",
    "NoAddressToTextTo",
    "NobodyToWriteTo",
    "NotAllowed",
    "NotChangeable",
    "NotOffered",
    "NotOurs",
    "NotSendable",
    "NothingChanged",
    "PaymentRefusal",
    "PaymentsNotOffered",
    "PeopleChanged",
    "ReadBefore",
    "Recipient",
    "ScriptNotInUse",
    "TooFewForFile",
    "TooLate",
    "TooLongVisible",
    "TooManyAtOnce",
    "Weighed",
    "add_change",
    "add_closed_days",
    "add_correction",
    "agree_amounts",
    "ask_signature",
    "checked_address",
    "create_mandate",
    "create_pay_link",
    "create_pledge",
    "export_corrections",
    "import_people",
    "keep_result_file",
    "may_read_accounts",
    "messages_for",
    "process_corrections",
    "send_batch",
    "send_message",
    "stop_voice",
    "take_back_changes",
    "take_back_correction",
    "take_signature",
    "take_status_action",
    "undo_batch",
    "undo_change",
    "undo_message",
    "update_pledge",
    "weigh_batch",
    "withdraw_messages",
    "write_results",
]
