"""Callbacks: a moment that was agreed on, and what becomes of it."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts.actions import call_put_away
from accounts.models import FormToken, User
from calls import queue
from calls.actions.checks import check_open, locked, record
from calls.actions.refusals import CallbackOver, CallTaken, NotAllowed, NotThen, TooFarAhead
from calls.models import Attempt, Call, Callback, Hold
from pledges.contact import Ground, Rulebook

# Nobody remembers what was agreed longer ago, and no rules are known for that far.
FURTHEST: Final = timedelta(days=30)
# Filling in a form takes a while: a moment that was just ahead when it was shown is not refused.
GRACE: Final = timedelta(minutes=5)


def create_callback(
    *,
    user: User,
    call: Call,
    due_at: datetime,
    whose: str,
    note: str,
    token: uuid.UUID,
    at: datetime,
) -> Callback:
    """Agree on a moment to call again, and give the call back.

    A dial of this user's that is on the line ends as 'not convenient'. A callback of this call that
    is still open makes room. Nothing is dialled by itself. Raises NotThen with the next legal
    moment, TooFarAhead, CallTaken, CallEnded, NotOurs; AlreadySent or FormChanged.
    """
    content = {
        "callback": str(call.pk),
        "due_at": due_at.isoformat(),
        "whose": whose,
        "note": note,
    }
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        call = locked(call)
        check_open(call, user=user)
        other = queue.holder_of(call, at=at)
        if other is not None and other.user_id != user.pk:
            raise CallTaken(by=other.user, since=other.taken_at)
        _check_moment(call, due_at, at=at)
        attempt = call.our_attempts.filter(user=user, outcome="").first()
        if attempt is not None:
            attempt.outcome = Attempt.Outcome.NOT_CONVENIENT
            attempt.outcome_at, attempt.outcome_token = at, token
            attempt.save(update_fields=["outcome", "outcome_at", "outcome_token"])
        keep_promises(call, at=at)
        cancel_callbacks([call], user=user, at=at)
        made = Callback.objects.create(
            call=call,
            due_at=due_at,
            whose=whose,
            user=user,
            note=note.strip(),
            made_at=at,
            token=token,
        )
        let_go, _of_each = Hold.objects.filter(call=call, user=user).delete()
        if let_go:
            call_put_away(user=user, at=at)
        record("callback.made", call, user=user, at=at, due_at=due_at.isoformat(), whose=whose)
        return made


class HandOverReason(models.TextChoices):
    """Why a callback goes to somebody else."""

    ABSENT = "absent", _("not at work then")
    BUSY = "busy", _("too busy")
    BETTER_SUITED = "better_suited", _("somebody else suits better")


def hand_over_callback(
    *, user: User, callback_id: int, to: User | None, reason: str = "", at: datetime
) -> Callback:
    """Give a callback to somebody, or to the team (None). The reason, one of HandOverReason, may be
    left out. The moment stays as it was agreed on.

    Raises NotAllowed, CallbackOver, CallEnded, or NotOurs when the one who is to make it may not.
    """
    if not user.is_supervisor:
        raise NotAllowed
    with transaction.atomic():
        found = Callback.objects.select_related("call").get(pk=callback_id)
        call = locked(found.call)
        check_open(call, user=user)
        if to is not None:
            check_open(call, user=to)
        callback = Callback.objects.open().select_for_update().filter(pk=callback_id).first()
        if callback is None:
            raise CallbackOver
        was = {"was_whose": callback.whose, "was_of": callback.user_id}
        callback.whose = Callback.Whose.TEAM if to is None else Callback.Whose.MINE
        callback.user = to or callback.user
        callback.handed_by = user
        callback.save(update_fields=["whose", "user", "handed_by"])
        why = HandOverReason(reason).value if reason else ""
        to_whom = to.pk if to else None
        record("callback.handed_over", call, user=user, at=at, to=to_whom, reason=why, **was)
        return callback


def cancel_callback(*, user: User, call: Call, at: datetime) -> None:
    """There is no need to call again at that moment: the call waits as any other."""
    with transaction.atomic():
        call = locked(call)
        check_open(call, user=user)
        cancel_callbacks([call], user=user, at=at)


def cancel_callbacks(calls: Iterable[Call], *, user: User, at: datetime) -> int:
    """Cancel what is open for these calls, in the caller's transaction; how many there were."""
    found = list(
        Callback.objects.open()
        .filter(call__in=calls)
        .select_related("call")
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    for callback in found:
        callback.state, callback.ended_at = Callback.State.CANCELLED, at
        callback.save(update_fields=["state", "ended_at"])
        record("callback.cancelled", callback.call, user=user, at=at)
    return len(found)


def keep_promises(call: Call, *, at: datetime, is_over: bool = False) -> None:
    """The donor was called: what was due is done; all of it once the call is over."""
    promised = Callback.objects.open().filter(call=call)
    if not is_over:
        promised = promised.filter(due_at__lte=at)
    promised.update(state=Callback.State.DONE, ended_at=at)


def take_back_promises(call: Call, *, token: uuid.UUID, ended_at: datetime) -> None:
    """As it was before a form was sent that is undone now."""
    Callback.objects.filter(call=call, token=token).delete()
    if not Callback.objects.open().filter(call=call).exists():
        done = Callback.objects.filter(call=call, ended_at=ended_at).order_by("-pk")[:1]
        Callback.objects.filter(pk__in=list(done.values_list("pk", flat=True))).update(
            state=Callback.State.OPEN, ended_at=None
        )


def _check_moment(call: Call, due_at: datetime, *, at: datetime) -> None:
    if due_at > at + FURTHEST:
        raise TooFarAhead
    found = queue.ground_for(call, at=max(due_at, at), rulebook=Rulebook.read())
    most = found.rules.max_attempts if found.rules else None
    if most is not None and queue.attempts_made(call) >= most:
        # The one on the line was the last.
        raise NotThen(Ground(False, "no_attempts_left", facts=found.facts))
    if not found.is_allowed or due_at < at - GRACE:
        raise NotThen(found, is_past=due_at < at - GRACE)
