"""What the trail keeps as codes, in words: what somebody did, and what it was about.

A code stays as it is where it has no words, so that nothing on the trail can go unseen.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from integrations.wishes import about_in_words

DONE: Final[Mapping[str, Any]] = {
    "attempt.logged": _("logged an attempt"),
    "attempt.settled": _("found out how a dial ended"),
    "batch.left_out": _("left donors out of a batch"),
    "batch.sent": _("sent a batch"),
    "batch.undone": _("took a batch back"),
    "breaker.tried_again": _("had what was stopped tried again"),
    "call.cancelled": _("cancelled a call"),
    "call.claimed": _("took up a call"),
    "call.completed": _("completed a call"),
    "call.dialled": _("dialled"),
    "call.expired": _("let a call expire"),
    "call.released": _("gave a call back"),
    "call.requested": _("asked for a call"),
    "call.skipped": _("skipped a call"),
    "call.taken_away": _("took a call out of somebody's hands"),
    "call.talked": _("ended a conversation"),
    "call.undone": _("took back what was saved of a call"),
    "callback.cancelled": _("cancelled a callback"),
    "callback.handed_over": _("handed a callback over"),
    "callback.made": _("agreed on a callback"),
    "closed_days.added": _("closed days were added"),
    "correction.exported": _("handed a correction to the charity"),
    "correction.processed": _("processed a correction"),
    "delivery.acknowledged": _("saw that a message was refused"),
    "delivery.decided": _("decided that a message arrived"),
    "delivery.doubled": _("a message was found there more than once"),
    "delivery.dropped": _("dropped a message"),
    "delivery.read_again": _("had a message looked for again"),
    "delivery.sent_again": _("had a message sent once more"),
    "detail.corrected": _("wrote down a correction"),
    "detail.revealed": _("looked at a detail that is masked"),
    "detail.said": _("let the donor say a detail"),
    "donor.trusted": _("is sure of the donor after all"),
    "donors.searched": _("looked for donors"),
    "event.worked_again": _("had an event worked off again"),
    "export.fetched": _("fetched an export"),
    "export.removed": _("removed an export"),
    "export.requested": _("asked for an export"),
    "export.written": _("an export was written"),
    "floor_message.withdrawn": _("took a message to the floor back"),
    "floor_message.written": _("told the floor something"),
    "insight.exported": _("took figures as a file"),
    "mandate.created": _("asked for an e-Mandate"),
    "message.sent": _("sent a message"),
    "message.stopped": _("had a voice message taken away"),
    "message.undone": _("took a message back"),
    "message.withdrawn": _("a message was taken back: the donor objected"),
    "objection.lifted": _("lifted an objection"),
    "objection.recorded": _("recorded an objection"),
    "paylink.amount_differs": _("a PayLink has another amount there"),
    "paylink.created": _("asked for a PayLink"),
    "paylink.orphan_paid": _("a PayLink was paid by an address that nobody shows"),
    "payments.amounts_agreed": _("agreed with the amounts of a batch"),
    "pledge.changed": _("changed a pledge"),
    "pledge.created": _("made a pledge"),
    "pledge.signature_asked": _("asked for a signature"),
    "pledge.signature_shown": _("looked at a signature"),
    "pledge.status_asked": _("asked for another status of a pledge"),
    "pledge.undone": _("took the change of a pledge back"),
    "proof.exported": _("took the proof of why was called"),
    "recruiter_flag.seen": _("saw what was found of a recruiter"),
    "results.written": _("wrote results of a file to the messages"),
    "script.in_force": _("put a script in force"),
    "script.written": _("wrote a script"),
    "user.password_chosen": _("chose a password"),
    "user.password_path_made": _("made an address to choose a password at"),
    "user.second_factor_removed": _("removed a second factor"),
    "user.signed_in": _("signed in"),
}
# What can be done to every kind of row, here or in the admin.
WAYS: Final[Mapping[str, Any]] = {
    "added": _("added: %(kind)s"),
    "changed": _("changed: %(kind)s"),
    "read": _("looked at: %(kind)s"),
}

# What is not listed in the admin, or under another name.
KINDS: Final[Mapping[str, Any]] = {
    "correction": _("correction"),
    "event": _("event"),
    "export": _("export"),
    "floor_message": _("message to the floor"),
    "results": _("result file"),
}


def done_in_words(action: str) -> str:
    """What somebody did."""
    if action in DONE:
        return str(DONE[action])
    model, _dot, way = action.partition(".")
    kind = _kinds().get(model)
    return str(WAYS[way]) % {"kind": kind} if kind and way in WAYS else action


def subject_in_words(subject: str, *, is_short: bool = False) -> str:
    """What it was about: of which kind, and its number; of a short one the beginning."""
    return about_in_words(subject, also=_kinds(), is_short=is_short)


def _kinds() -> dict[str, Any]:
    """What rows of each kind are called, by the name under which the trail keeps them."""
    listed = {str(one._meta.model_name): one._meta.verbose_name for one in admin.site._registry}
    return {**listed, **KINDS}
