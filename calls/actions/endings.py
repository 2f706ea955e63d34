"""Ending a call: with a result, or by a supervisor who cancels it or lets it expire."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.actions import call_put_away
from accounts.models import FormToken, User
from calls import messages, results
from calls.actions.callbacks import keep_promises
from calls.actions.checks import check_open, keep_hold, locked, record
from calls.actions.refusals import (
    Contradiction,
    NotAllowed,
    NotChecked,
    PledgeChanged,
    ReasonMissing,
)
from calls.checklist import read_checked, with_corrections
from calls.models import Attempt, Call, Completion, Draft, Ending, Hold
from calls.results import NEEDS_REASON
from integrations.national_number import masked
from pledges.actions import NotChangeable, add_change, stop_voice
from pledges.messages import plain
from pledges.models import Pledge
from pledges.terms import why_not_changeable


def complete_call(
    *,
    user: User,
    call: Call,
    result_code: str,
    retention_rating: int | None,
    notes: str,
    token: uuid.UUID,
    at: datetime,
    changes: Mapping[str, Any] | None = None,
    shown: Mapping[str, Any] | None = None,
) -> Completion:
    """End the call with a result; TapRaise is told once the undo window is over.

    What the donor changed about the pledge leaves before the completion, on the call's own line.
    Voice messages that were to ring the donor are taken away with it. In the notes what looks like
    a national number is masked, and a line tells what was corrected.
    `changes` and `shown` (what the form showed) go by the mirror's columns: donation_amount in
    euros, donation_interval, starts_at. A dial on the line counts as the one that reached the
    donor. Rating: 1 to 10, or None for not asked. Raises ReasonMissing, Contradiction, NotChecked,
    PledgeChanged, CallTaken, HoldLost, CallEnded, NotOurs; what `pledges.actions.add_change`
    raises; AlreadySent or FormChanged.
    """
    notes, changes, shown = notes.strip(), changes or {}, shown or {}
    content = {
        "complete": str(call.pk),
        "result_code": result_code,
        "retention_rating": retention_rating,
        "notes": notes,
        "changes": {name: str(value) for name, value in changes.items()},
    }
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        # The pledge before the call, as a page of calls is saved: two who wait never cross.
        pledge = _locked_pledge(call)
        call = locked(call)
        check_open(call, user=user)
        keep_hold(call, user=user, at=at)
        _check_still_shown(pledge, shown)
        _check_one_story(pledge, changes, result_code=result_code, notes=notes)
        missing = read_checked(call, at=at).gap(result_code, changes=changes)
        if missing is not None:
            raise NotChecked(missing)
        notes = masked(with_corrections(notes, call))
        completed_at = at.replace(microsecond=0)
        if pledge is not None and changes:
            add_change(
                pledge,
                changes=changes,
                shown=shown,
                subject=call.subject,
                user=user,
                reason="",
                token=token,
                at=at,
            )
        delivery = messages.enqueue_completion(
            call,
            user=user,
            result_code=result_code,
            retention_rating=retention_rating,
            notes=notes,
            completed_at=completed_at,
            token=token,
            at=at,
        )
        completion = Completion.objects.create(
            call=call,
            user=user,
            organization_id=call.person.owning_organization_id,
            result_code=result_code,
            retention_rating=retention_rating,
            notes=notes,
            completed_at=completed_at,
            token=token,
            delivery=delivery,
        )
        call.our_attempts.filter(user=user, outcome="", answered_at=None).update(answered_at=at)
        call.our_attempts.filter(user=user, outcome="").update(
            outcome=Attempt.Outcome.REACHED, outcome_at=at, outcome_token=token
        )
        keep_promises(call, at=completed_at, is_over=True)
        Draft.objects.filter(call=call, user=user).delete()
        Hold.objects.filter(call=call, user=user).delete()
        call_put_away(user=user, at=at)
        stop_voice(call.person, user=user, token=token, at=at)
        record("call.completed", call, user=user, at=at, result_code=result_code)
        return completion


def _locked_pledge(call: Call) -> Pledge | None:
    if call.pledge_id is None:
        return None
    return Pledge.objects.select_for_update(of=("self",)).get(pk=call.pledge_id)


def _check_still_shown(pledge: Pledge | None, shown: Mapping[str, Any]) -> None:
    """Whether TapRaise tells another amount, interval or start than the donor was asked about."""
    differing = [
        name for name, value in shown.items() if plain(getattr(pledge, name, None)) != plain(value)
    ]
    if pledge is not None and differing:
        raise PledgeChanged(results.pledge_in_words(pledge, differing))


def _check_one_story(
    pledge: Pledge | None, changes: Mapping[str, Any], *, result_code: str, notes: str
) -> None:
    why = why_not_changeable(pledge, fields=changes) if changes else None
    if why is not None:
        raise NotChangeable(why)
    agreed = results.agreed(pledge, changes)
    clash = results.contradiction(agreed, result_code=result_code, notes=notes)
    if clash is not None:
        raise Contradiction(clash, agreed)
    if result_code in NEEDS_REASON and not notes:
        raise ReasonMissing


def cancel_call(*, user: User, call: Call, reason: str, token: uuid.UUID, at: datetime) -> Ending:
    """A supervisor cancels a call at TapRaise: it is never made. Raises NotAllowed, CallEnded,
    NotOurs; AlreadySent or FormChanged."""
    return _end(user, call, Ending.Kind.CANCELLED, ends_at=None, reason=reason, token=token, at=at)


def expire_call(
    *,
    user: User,
    call: Call,
    expired_at: datetime | None,
    reason: str,
    token: uuid.UUID,
    at: datetime,
) -> Ending:
    """A supervisor lets a call expire at TapRaise: now (None) or at a moment.

    Raises what cancel_call raises.
    """
    return _end(
        user, call, Ending.Kind.EXPIRED, ends_at=expired_at, reason=reason, token=token, at=at
    )


def _end(
    user: User,
    call: Call,
    kind: Ending.Kind,
    *,
    ends_at: datetime | None,
    reason: str,
    token: uuid.UUID,
    at: datetime,
) -> Ending:
    if not user.is_supervisor:
        raise NotAllowed
    content = {"end": str(call.pk), "kind": kind, "reason": reason, "ends_at": ends_at}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        call = locked(call)
        check_open(call, user=user)
        moment = (ends_at or at).replace(microsecond=0)
        if kind == Ending.Kind.CANCELLED:
            delivery = messages.enqueue_cancel(
                call, user=user, cancelled_at=moment, token=token, at=at
            )
        else:
            delivery = messages.enqueue_expire(
                call, user=user, expired_at=moment, token=token, at=at
            )
        ending = Ending.objects.create(
            call=call,
            user=user,
            kind=kind,
            at=moment,
            reason=reason,
            token=token,
            delivery=delivery,
        )
        stop_voice(call.person, user=user, token=token, at=at)
        record(f"call.{kind}", call, user=user, at=at, reason=reason)
        return ending
