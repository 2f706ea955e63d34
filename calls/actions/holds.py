"""Taking a call in hand, and giving it back."""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.actions import (
    call_given_back,
    call_in_hand,
    call_put_away,
    call_served,
    note_seen,
)
from accounts.models import FormToken, Presence, User
from calls import ordering, queue
from calls.actions.checks import check_ground, check_open, hold_again, locked, own_hold, record
from calls.actions.refusals import (
    AlreadyDialling,
    AlreadyHolding,
    CallEnded,
    HoldLost,
    NotAllowed,
    NothingToCall,
    OnPause,
    OnTheLine,
)
from calls.insight.people import is_away
from calls.models import Attempt, Call, Hold, RingBack, Skip, TakenAway
from integrations import outbox
from pledges import objections
from pledges.contact import Rulebook
from pledges.models import Objection

PHONE = Objection.Channel.PHONE


def claim_next(*, user: User, at: datetime) -> Hold:
    """Put the next call of the queue into this user's hands: the one that they gave back just now
    only where there is no other.

    Raises OnPause, AlreadyHolding, or NothingToCall with the reason and the next possible moment.
    Ends the undo window of what this user sent before. A call in hand that is over is let go.
    """
    if user.tapraise_user_uuid is None:
        raise NothingToCall("no_uuid")
    _let_go_of_what_is_over(user=user, at=at)
    presence = Presence.objects.filter(user=user).first()
    if presence and presence.is_paused:
        raise OnPause(presence)
    outbox.release_early(by=user, at=at)
    rulebook = Rulebook.read()
    with transaction.atomic():
        # One press of Next at a time for a user, so that two windows cannot take two calls.
        User.objects.select_for_update().values_list("pk").get(pk=user.pk)
        holding = Hold.objects.filter(user=user).select_related("call").first()
        if holding and not _is_left(holding, at=at):
            raise AlreadyHolding(holding)
        if holding:
            holding.delete()
        given_back = presence.gave_back if presence else None
        hold = _take_first(user, at=at, rulebook=rulebook, but=given_back)
        if given_back is not None:
            hold = hold or _take_first(user, at=at, rulebook=rulebook)
            call_served(user=user)
    if hold is None:
        raise _nothing_to_call(user, at=at, rulebook=rulebook)
    return hold


def _take_first(
    user: User, *, at: datetime, rulebook: Rulebook, but: uuid.UUID | None = None
) -> Hold | None:
    """The first call in the queue's order that is free, but for one. What was seen beside it stays
    seen."""
    tried: list[uuid.UUID] = [] if but is None else [but]
    for turn in ordering.turns(user, at=at, rulebook=rulebook):
        while True:
            batch = list(
                turn.in_order(at=at)
                .exclude(pk__in=tried)
                .select_related("person", "pledge")
                .select_for_update(skip_locked=True, of=("self",))[: queue.BATCH]
            )
            if not batch:
                break
            for call in batch:
                tried.append(call.pk)
                why = ordering.why_now(call, turn.code, at=at, rulebook=rulebook)
                hold = queue.take(call, user=user, at=at, why=why)
                if hold is None:
                    continue
                # Somebody may have taken, dialled and given it back while we looked; and only the
                # hashes know for sure who objected.
                is_due = turn.due.filter(pk=call.pk).exists()
                if is_due and objections.mark([call.person]).against(call.person, PHONE) is None:
                    record("call.claimed", call, user=user, at=at)
                    return hold
                hold.delete()
    return None


def claim_call(*, user: User, call: Call, at: datetime, rings_back: bool = False) -> Hold:
    """Take up one call that the user chose: his own last one, or a donor who rings back.

    Who rings us is not called by us: no hours are kept, no attempt is counted, and the conversation
    has begun. Raises AlreadyHolding, CallTaken, CallEnded, NotOurs or NotNow;
    NothingToCall('no_uuid').
    """
    if user.tapraise_user_uuid is None:
        raise NothingToCall("no_uuid")
    _let_go_of_what_is_over(user=user, at=at)
    outbox.release_early(by=user, at=at)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        call = locked(call)
        mine = Hold.objects.filter(user=user).select_related("call").first()
        if mine and mine.call_id != call.pk and not mine.has_lapsed(at=at):
            raise AlreadyHolding(mine)
        check_open(call, user=user)
        if not rings_back:
            check_ground(call, at=at)
        why: dict[str, object] = {"code": Hold.RANG_BACK if rings_back else "chosen"}
        is_told = mine is not None and mine.call_id == call.pk and mine.rang_back
        hold = hold_again(call, user=user, at=at, why=why)
        if rings_back and hold.why != why:
            # It was in hand already, to be dialled.
            hold.why = why
            hold.save(update_fields=["why"])
        if rings_back and not is_told:
            RingBack.objects.create(call=call, user=user, at=at)
        call_in_hand(user=user, at=at)
        record("call.claimed", call, user=user, at=at, **why)
        return hold


def renew_lease(*, user: User, call: Call, at: datetime) -> datetime:
    """Keep the call in hand while the page is open; returns until when.

    Raises HoldLost; CallEnded for a call that is over, whose hold lapses by itself.
    """
    until = at + queue.LEASE
    is_open = Exists(Call.objects.open().filter(pk=OuterRef("call")))
    renewed = Hold.objects.filter(is_open, call=call, user=user, lease_until__gt=at).update(
        lease_until=until
    )
    note_seen(user=user, at=at)
    if not renewed:
        raise CallEnded if _is_over(call) else HoldLost
    return until


def release_call(*, user: User, call: Call, at: datetime) -> None:
    """Give the call back to the queue, or put away one that is over.

    Raises HoldLost, or AlreadyDialling while on the line.
    """
    with transaction.atomic():
        hold = own_hold(call, user=user)
        if call.our_attempts.filter(user=user, outcome="").exists() and not _is_over(call):
            raise AlreadyDialling
        hold.delete()
        call_put_away(user=user, at=at)
        call_given_back(user=user, call_uuid=call.pk, at=at)
        record("call.released", call, user=user, at=at)


def take_away(
    *,
    user: User,
    call: Call,
    hold_id: int,
    reason: "TakenAway.Reason | str",
    token: uuid.UUID,
    at: datetime,
) -> TakenAway:
    """Take a call out of somebody's hands: it goes back to the queue, and their notes are kept.

    What they dialled and did not finish stays open, for nobody makes up how it ended. Raises
    NotAllowed, HoldLost when they have it no more, OnTheLine while the donor is speaking with
    somebody who is not away; AlreadySent or FormChanged.
    """
    if not user.is_supervisor:
        raise NotAllowed
    content = {"take_away": str(call.pk), "hold": hold_id, "reason": str(reason)}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        call = locked(call)
        hold = hold_to_take(call, hold_id=hold_id, at=at)
        made = TakenAway.objects.create(
            call=call, user=hold.user, by=user, reason=TakenAway.Reason(reason), at=at
        )
        hold.delete()
        call_put_away(user=made.user, at=at)
        record("call.taken_away", call, user=user, at=at, out_of=made.user_id, reason=made.reason)
        return made


def hold_to_take(call: Call, *, hold_id: int, at: datetime) -> Hold:
    """The hold, if it may be taken away at this moment. Raises HoldLost or OnTheLine."""
    holds = Hold.objects.select_related("user__presence")
    hold = holds.filter(pk=hold_id, call=call).first()
    if hold is None:
        raise HoldLost
    dialled = Attempt.objects.filter(call=call, user=hold.user, outcome=Attempt.Outcome.OPEN)
    is_on_the_line = hold.wrapping_up_at is None and (hold.rang_back or dialled.exists())
    if is_on_the_line and not is_away(hold, at=at):
        raise OnTheLine(by=hold.user)
    return hold


def skip_call(*, user: User, call: Call, reason: str, note: str, at: datetime) -> Skip:
    """Pass the call by, with a reason; it does not come back to this user for some hours.

    Raises HoldLost, or AlreadyDialling while on the line.
    """
    with transaction.atomic():
        hold = own_hold(call, user=user)
        if call.our_attempts.filter(user=user, outcome="").exists():
            raise AlreadyDialling
        skip = Skip.objects.create(call=call, user=user, reason=reason, note=note, at=at)
        hold.delete()
        call_put_away(user=user, at=at)
        record("call.skipped", call, user=user, at=at, reason=reason)
        return skip


def _let_go_of_what_is_over(*, user: User, at: datetime) -> None:
    """A call that ended elsewhere, or that a supervisor ended, keeps nobody from the next one.

    What was dialled and not finished stays open, for nobody makes up how it ended.
    """
    with transaction.atomic():
        holds = Hold.objects.select_for_update(of=("self",)).select_related("call")
        hold = holds.filter(user=user).first()
        if hold is None or not _is_over(hold.call):
            return
        hold.delete()
        call_put_away(user=user, at=at)
        record("call.released", hold.call, user=user, at=at)


def _is_over(call: Call) -> bool:
    """Whether it ended, here or at TapRaise."""
    return not Call.objects.open().filter(pk=call.pk).exists()


def _is_left(hold: Hold, *, at: datetime) -> bool:
    """Whether it lapsed; but who left in the middle of a conversation goes back to it first."""
    if not hold.has_lapsed(at=at) or hold.wrapping_up_at is not None:
        return False
    return not Attempt.objects.filter(call=hold.call_id, user=hold.user_id, outcome="").exists()


def _nothing_to_call(user: User, *, at: datetime, rulebook: Rulebook) -> NothingToCall:
    """Why the queue is empty for this user, and when it may not be."""
    waiting = queue.workable(user)
    if not waiting.exists():
        return NothingToCall("empty")
    moments = [
        rulebook.next_opening(organization.pk, call_type, at=at)
        for organization in user.organizations.all()
        for call_type in Call.Type.values
    ]
    openings = sorted(moment for moment in moments if moment)
    if not openings:
        return NothingToCall("no_rules")
    if openings[0] > at:
        return NothingToCall("closed", openings[0])
    return NothingToCall("later")
