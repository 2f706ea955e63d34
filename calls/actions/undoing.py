"""Undo: the only honest one, while nothing has left."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.actions import call_in_hand
from accounts.models import User
from calls.actions.callbacks import take_back_promises
from calls.actions.checks import hold_again, locked, record
from calls.models import Attempt, Call, Completion, Draft, Ending, Hold, NewCall
from integrations import outbox
from integrations.outbox import TooLate
from pledges.actions import take_back_changes
from pledges.models import PledgeChange

Done = Attempt | Completion | Ending | NewCall


def undo(
    *,
    user: User,
    token: uuid.UUID,
    at: datetime,
    as_chosen: Callable[[Completion, Sequence[PledgeChange]], Mapping[str, str]] | None = None,
) -> None:
    """Take back what one form did, while nothing of it has left, and put the call in hand again.

    What was changed about the pledge with it is taken back too. `as_chosen` says what stood in the
    form that a completion came from: it is kept with the hold, as if it had just been typed, so
    that it is to be corrected and not chosen all over again. Raises TooLate when something left,
    the window is over or another call was taken since, and CallTaken when somebody else has the
    donor now. Either way nothing is changed.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        done = _done_by(token, user=user)
        if done is None:
            raise TooLate
        if isinstance(done, NewCall):
            _take_back_request(done, user=user, at=at)
            return
        call = locked(done.call)
        other = Hold.objects.filter(user=user).exclude(call=call).first()
        if other and not other.has_lapsed(at=at):
            raise TooLate
        outbox.undo(token=token, at=at)
        changes = take_back_changes(token)
        if isinstance(done, Attempt):
            _take_back_attempt(done, token=token, at=at)
        elif isinstance(done, Completion):
            done.delete()
            take_back_promises(call, token=token, ended_at=done.completed_at)
            _put_back_on_the_line(call, token=token)
            Draft.objects.update_or_create(
                call=call, user=user, defaults={"text": done.notes, "saved_at": at}
            )
        else:
            done.delete()
            record("call.undone", call, user=user, at=at)
            return
        call_in_hand(user=user, at=at)
        hold = hold_again(call, user=user, at=at, why={"code": _why_again(done)})
        if isinstance(done, Completion):
            # Back to where it was saved.
            hold.wrapping_up_at = at
            hold.finish = dict(as_chosen(done, changes)) if as_chosen else {}
            hold.save(update_fields=["wrapping_up_at", "finish"])
        record("call.undone", call, user=user, at=at)


def _why_again(done: Attempt | Completion) -> str:
    """A conversation that no dial of ours began is one that the donor began."""
    on_the_line = done.call.our_attempts.filter(user=done.user, outcome=Attempt.Outcome.OPEN)
    was_rung = isinstance(done, Completion) and not on_the_line.exists()
    return Hold.RANG_BACK if was_rung else "undone"


def _done_by(token: uuid.UUID, *, user: User) -> Done | None:
    return (
        Completion.objects.filter(token=token, user=user).first()
        or NewCall.objects.filter(token=token, user=user).first()
        or Ending.objects.filter(token=token, user=user).first()
        or Attempt.objects.filter(outcome_token=token, user=user).first()
        or Attempt.objects.filter(token=token, user=user).first()
    )


def _take_back_request(done: NewCall, *, user: User, at: datetime) -> None:
    """TapRaise was never asked, so nobody will make this call."""
    outbox.undo(token=done.token, at=at)
    record("call.undone", done, user=user, at=at)
    done.delete()


def _take_back_attempt(attempt: Attempt, *, token: uuid.UUID, at: datetime) -> None:
    if attempt.token == token:
        # The dial itself: its message was closed before it left, so it never was.
        attempt.delete()
        return
    # Only how it ended: the dial stands, and nothing of this form was to leave.
    window = timedelta(seconds=settings.UNDO_SECONDS)
    if attempt.outcome_at is None or at > attempt.outcome_at + window:
        raise TooLate
    take_back_promises(attempt.call, token=token, ended_at=attempt.outcome_at)
    _put_back_on_the_line(attempt.call, token=token)


def _put_back_on_the_line(call: Call, *, token: uuid.UUID) -> None:
    call.our_attempts.filter(outcome_token=token).update(
        outcome=Attempt.Outcome.OPEN, outcome_at=None, outcome_token=None
    )
