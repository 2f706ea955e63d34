"""What several actions ask before they write: is the call open, in hand, and may it be called."""

from datetime import datetime

from accounts import audit
from accounts.models import User
from calls import queue
from calls.actions.refusals import CallEnded, CallTaken, HoldLost, NotNow, NotOurs
from calls.models import Call, Hold, NewCall
from pledges.contact import Ground, Rulebook


def record(action: str, call: Call | NewCall, *, user: User, at: datetime, **facts: object) -> None:
    audit.record(
        action, user=user, at=at, subject=call.subject, person_uuid=call.person_id, **facts
    )


def locked(call: Call) -> Call:
    """The call as it is now, with its row locked: its messages are put in line one by one."""
    return Call.objects.select_for_update(of=("self",)).select_related("person").get(pk=call.pk)


def check_open(call: Call, *, user: User) -> None:
    """Whether this user may still do something with the call: raises CallEnded or NotOurs."""
    if not Call.objects.open().filter(pk=call.pk).exists():
        raise CallEnded
    if not queue.workable(user).filter(pk=call.pk).exists():
        raise NotOurs


def check_ground(call: Call, *, at: datetime) -> Ground:
    found = queue.ground_for(call, at=at, rulebook=Rulebook.read())
    if not found.is_allowed:
        raise NotNow(found)
    return found


def own_hold(call: Call, *, user: User) -> Hold:
    hold = Hold.objects.select_for_update().filter(call=call, user=user).first()
    if hold is None:
        raise HoldLost
    return hold


def keep_hold(call: Call, *, user: User, at: datetime) -> Hold:
    """The user's hold on this call, renewed; also one that lapsed, if nobody took the donor since.

    Raises CallTaken, or HoldLost when it was given back, here or in another window.
    """
    hold = Hold.objects.select_for_update().filter(call=call, user=user).first()
    if hold is None:
        raise _lost(call, user=user, at=at)
    hold.lease_until = at + queue.LEASE
    hold.save(update_fields=["lease_until"])
    return hold


def hold_again(call: Call, *, user: User, at: datetime, why: dict[str, object]) -> Hold:
    """The user's hold on this call, renewed, or a new one if the donor is free. Raises as above."""
    if Hold.objects.filter(call=call, user=user).exists():
        return keep_hold(call, user=user, at=at)
    taken = queue.take(call, user=user, at=at, why=why)
    if taken is None:
        raise _lost(call, user=user, at=at)
    return taken


def _lost(call: Call, *, user: User, at: datetime) -> CallTaken | HoldLost:
    other = queue.holder_of(call, at=at)
    if other is None or other.user_id == user.pk:
        return HoldLost()
    return CallTaken(by=other.user, since=other.taken_at)
