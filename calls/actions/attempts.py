"""Dialling, and how it ended."""

import uuid
from datetime import datetime

from django.db import transaction

from accounts.actions import call_put_away
from accounts.models import FormToken, User
from calls import messages
from calls.actions.callbacks import keep_promises
from calls.actions.checks import check_ground, check_open, keep_hold, locked, record
from calls.actions.refusals import (
    AlreadyDialling,
    CallTaken,
    HoldLost,
    NotAllowed,
    NothingLeftOpen,
)
from calls.models import Attempt, Call, Hold
from pledges.contact import Ground


def dial(*, user: User, call: Call, token: uuid.UUID, at: datetime) -> Attempt:
    """Log the dial that begins now, and tell TapRaise once the undo window is over.

    The hold is checked again, and regained if it lapsed and nobody took it. Raises CallTaken,
    HoldLost, CallEnded, NotOurs, NotNow, AlreadyDialling; AlreadySent or FormChanged for the form.
    """
    with transaction.atomic():
        FormToken.spend(token, user=user, content={"dial": str(call.pk)}, at=at)
        call = locked(call)
        check_open(call, user=user)
        proof = check_ground(call, at=at)
        keep_hold(call, user=user, at=at)
        if call.our_attempts.filter(outcome="").exists():
            raise AlreadyDialling
        return _new_attempt(call, user=user, token=token, at=at, proof=proof)


def answer(*, user: User, call: Call, token: uuid.UUID, at: datetime) -> Attempt:
    """The donor picked up. Raises HoldLost when no dial of this user is on the line."""
    with transaction.atomic():
        FormToken.spend(token, user=user, content={"answer": str(call.pk)}, at=at)
        attempt = (
            Attempt.objects.select_for_update().filter(call=call, user=user, outcome="").first()
        )
        if attempt is None:
            raise HoldLost
        if attempt.answered_at is None:
            attempt.answered_at = at
            attempt.save(update_fields=["answered_at"])
        return attempt


def wrap_up(*, user: User, call: Call, token: uuid.UUID, at: datetime) -> Hold:
    """The conversation is over; what came of it is still to be written down.

    Raises CallTaken, or HoldLost when there is no conversation of this user.
    """
    with transaction.atomic():
        FormToken.spend(token, user=user, content={"wrap_up": str(call.pk)}, at=at)
        hold = keep_hold(call, user=user, at=at)
        on_the_line = call.our_attempts.filter(user=user, outcome="", answered_at__isnull=False)
        if not hold.rang_back and not on_the_line.exists():
            raise HoldLost
        hold.wrapping_up_at = hold.wrapping_up_at or at
        hold.save(update_fields=["wrapping_up_at"])
        record("call.talked", call, user=user, at=at)
        return hold


def log_attempt(*, user: User, call: Call, outcome: str, token: uuid.UUID, at: datetime) -> Attempt:
    """Say how a dial that missed ended, and give the call back.

    It is the dial on the line, or, when Call was not pressed, one that is logged now. Raises what
    `dial` raises but AlreadyDialling.
    """
    content = {"attempt": str(call.pk), "outcome": outcome}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        call = locked(call)
        attempt = call.our_attempts.filter(user=user, outcome="").first()
        if attempt is None:
            check_open(call, user=user)
            proof = check_ground(call, at=at)
            keep_hold(call, user=user, at=at)
            attempt = _new_attempt(call, user=user, token=token, at=at, proof=proof)
        attempt.outcome = outcome
        attempt.outcome_at = at
        attempt.outcome_token = token
        attempt.save(update_fields=["outcome", "outcome_at", "outcome_token"])
        keep_promises(call, at=at)
        Hold.objects.filter(call=call, user=user).delete()
        call_put_away(user=user, at=at)
        record("attempt.logged", call, user=user, at=at, outcome=outcome)
        return attempt


def settle_attempt(
    *, user: User, call: Call, outcome: str, token: uuid.UUID, at: datetime
) -> Attempt:
    """A supervisor found out how a dial ended that its agent left open: the call can go on.

    Raises NotAllowed, CallTaken while that agent is at it, and NothingLeftOpen.
    """
    if not user.is_supervisor:
        raise NotAllowed
    content = {"settle": str(call.pk), "outcome": outcome}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        call = locked(call)
        attempt = call.our_attempts.select_related("user").filter(outcome="").first()
        if attempt is None:
            raise NothingLeftOpen
        left = Hold.objects.filter(call=call, user=attempt.user).first()
        if left is not None and not left.has_lapsed(at=at):
            raise CallTaken(by=attempt.user, since=left.taken_at)
        attempt.outcome = outcome
        attempt.outcome_at = at
        attempt.outcome_token = token
        attempt.save(update_fields=["outcome", "outcome_at", "outcome_token"])
        # The donor was called then, whatever came of it.
        keep_promises(call, at=attempt.at)
        Hold.objects.filter(call=call, user=attempt.user).delete()
        record("attempt.settled", call, user=user, at=at, outcome=outcome)
        return attempt


def _new_attempt(
    call: Call, *, user: User, token: uuid.UUID, at: datetime, proof: Ground
) -> Attempt:
    attempt_at = messages.next_attempt_at(call, at=at)
    delivery = messages.enqueue_attempt(call, user=user, attempt_at=attempt_at, token=token, at=at)
    attempt = Attempt.objects.create(
        call=call,
        user=user,
        organization_id=call.person.owning_organization_id,
        at=attempt_at,
        ground=proof.as_proof(),
        token=token,
        delivery=delivery,
    )
    record("call.dialled", call, user=user, at=at)
    return attempt
