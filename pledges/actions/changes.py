"""Changing a pledge that TapRaise has: some of its terms, or its status."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from accounts.models import FormToken, User
from integrations.models import Delivery
from pledges import messages
from pledges.actions.checks import check_ours, check_supervisor, locked, record
from pledges.actions.refusals import (
    ChangedMeanwhile,
    ChangeUnderWay,
    NotChangeable,
    NothingChanged,
    NotOffered,
)
from pledges.models import Pledge, PledgeChange
from pledges.terms import why_not_changeable

# A form shows days, TapRaise keeps moments: what is less than this apart is one day on a form.
A_DAY: Final = timedelta(days=1)
# What a source outside says of a pledge may be about the donor: only the message, which is
# encrypted, holds it.
NOT_KEPT: Final = frozenset({"external_metadata"})
HIDDEN: Final = "•••"


def add_change(
    pledge: Pledge,
    *,
    changes: Mapping[str, Any],
    shown: Mapping[str, Any],
    subject: str,
    user: User,
    reason: str,
    token: uuid.UUID,
    at: datetime,
) -> PledgeChange:
    """Change columns of a pledge, in the caller's transaction, on a line of the caller's choice.

    `changes` and `shown` go by the mirror's columns: euros as Decimal, times aware, None to empty
    one. `shown` is what the form showed of them; what did not change is left out of the message.
    The caller has spent the form's token, and holds the lock on the row of another line than the
    pledge's own. Raises NotChangeable, NothingChanged, ChangeUnderWay, of which ChangedMeanwhile
    says that TapRaise tells something else by now, NotOurs, and NotSendable for terms that TapRaise
    would refuse.
    """
    pledge = locked(pledge)
    check_ours(pledge, user=user)
    wanted = {
        name: value
        for name, value in changes.items()
        if name not in shown or not _is_same(value, shown[name])
    }
    if not wanted:
        raise NothingChanged
    why = why_not_changeable(pledge, fields=wanted.keys())
    if why is not None:
        raise NotChangeable(why)
    _check_nothing_under_way(pledge, fields=wanted.keys())
    before = {name: getattr(pledge, name) for name in wanted}
    differing = tuple(
        name
        for name, value in before.items()
        if name in shown and not _looks_same(value, shown[name])
    )
    if differing:
        raise ChangedMeanwhile(differing)
    delivery = messages.enqueue_update(
        pledge, wanted=wanted, before=before, subject=subject, user=user, token=token, at=at
    )
    change = PledgeChange.objects.create(
        pledge=pledge,
        wanted=_kept(wanted),
        before=_kept(before),
        reason=reason,
        user=user,
        at=at,
        token=token,
        delivery=delivery,
    )
    fields = sorted(wanted)
    record("pledge.changed", pledge.pk, pledge.person_id, user=user, at=at, fields=fields)
    return change


def update_pledge(
    *,
    user: User,
    pledge: Pledge,
    changes: Mapping[str, Any],
    shown: Mapping[str, Any],
    reason: str,
    token: uuid.UUID,
    at: datetime,
) -> PledgeChange:
    """A supervisor changes a pledge, on the pledge's own line.

    Raises NotAllowed, what add_change raises; AlreadySent or FormChanged.
    """
    check_supervisor(user)
    content = {
        "update": str(pledge.pk),
        "changes": {name: messages.plain(value) for name, value in changes.items()},
        "reason": reason,
    }
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        return add_change(
            pledge,
            changes=changes,
            shown=shown,
            subject=messages.subject_of(pledge.pk),
            user=user,
            reason=reason,
            token=token,
            at=at,
        )


def take_status_action(
    *, user: User, pledge: Pledge, status: str, reason: str, token: uuid.UUID, at: datetime
) -> PledgeChange:
    """A supervisor has TapRaise bring a pledge to a status, by the action that settings name.

    Raises NotAllowed, NotOffered, NotOurs, NotChangeable (also when it is managed elsewhere),
    NothingChanged, ChangeUnderWay; AlreadySent or FormChanged.
    """
    check_supervisor(user)
    action = settings.TAPRAISE_PLEDGE_ACTIONS.get(status)
    if action is None:
        raise NotOffered
    content = {"status": str(pledge.pk), "to": status, "reason": reason}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        pledge = locked(pledge)
        check_ours(pledge, user=user)
        if pledge.status == status:
            raise NothingChanged
        why = why_not_changeable(pledge)
        if why is not None:
            raise NotChangeable(why)
        _check_nothing_under_way(pledge)
        delivery = messages.enqueue_status(
            pledge, status=status, action=action, user=user, token=token, at=at
        )
        change = PledgeChange.objects.create(
            pledge=pledge,
            before={"status": pledge.status},
            wanted_status=status,
            reason=reason,
            user=user,
            at=at,
            token=token,
            delivery=delivery,
        )
        person_uuid = pledge.person_id
        record("pledge.status_asked", pledge.pk, person_uuid, user=user, at=at, status=status)
        return change


def _check_nothing_under_way(pledge: Pledge, *, fields: Collection[str] | None = None) -> None:
    """Two messages about one field have no order when they are in two lines. A status action
    touches every field, and None stands for one."""
    for change in (
        PledgeChange.objects.living()
        .filter(pledge=pledge)
        .exclude(delivery__state=Delivery.State.CLOSED)
    ):
        if fields is None or change.wanted_status or not change.wanted.keys().isdisjoint(fields):
            raise ChangeUnderWay(change)


def _is_same(one: Any, other: Any) -> bool:
    return bool(one == other) or messages.plain(one) == messages.plain(other)


def _looks_same(stored: Any, shown: Any) -> bool:
    if isinstance(stored, datetime) and isinstance(shown, datetime):
        return abs(stored - shown) < A_DAY
    return _is_same(stored, shown)


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """What our own row says of the values; see NOT_KEPT."""
    return {
        name: HIDDEN if name in NOT_KEPT and value is not None else messages.plain(value)
        for name, value in values.items()
    }
