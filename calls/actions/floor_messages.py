"""What a supervisor tells the floor, who has seen it, and that it holds no longer."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import FormToken, User
from calls.actions.refusals import MomentOver, NotAllowed, NotOurs
from calls.models import FloorMessage, Receipt
from integrations.national_number import masked
from pledges.models import Organization


def write_floor_message(
    *,
    user: User,
    organizations: Collection[Organization],
    text: str,
    is_urgent: bool,
    until_at: datetime,
    chosen: str,
    token: uuid.UUID,
    at: datetime,
) -> FloorMessage:
    """Tell the agents of these organisations something, until a moment.

    `chosen` is how that moment was asked for: an hour is another moment when the same form comes
    again. What looks like a national number is masked. Raises NotAllowed, NotOurs, MomentOver;
    AlreadySent or FormChanged.
    """
    if not user.is_supervisor:
        raise NotAllowed
    keys = sorted(str(one.pk) for one in organizations)
    content = {
        "floor_message": text,
        "is_urgent": is_urgent,
        "organizations": keys,
        "until": chosen,
    }
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        mine = user.organizations.filter(pk__in=keys)
        if not keys or mine.count() < len(keys):
            raise NotOurs
        if until_at <= at:
            raise MomentOver
        made = FloorMessage.objects.create(
            text=masked(text.strip()),
            is_urgent=is_urgent,
            user=user,
            at=at,
            until_at=until_at,
            token=token,
        )
        made.organizations.set(mine)
        _record(
            "floor_message.written",
            made,
            user=user,
            at=at,
            organizations=keys,
            is_urgent=is_urgent,
            until_at=until_at.isoformat(),
        )
        return made


def withdraw_floor_message(*, user: User, message: FloorMessage, at: datetime) -> FloorMessage:
    """It holds no longer: nobody is shown it any more. Taken back before, it stays as it was.

    By whoever wrote it, or a supervisor of all the organisations that it is for. Raises NotAllowed.
    """
    with transaction.atomic():
        message = FloorMessage.objects.select_for_update(of=("self",)).get(pk=message.pk)
        others = message.organizations.exclude(pk__in=user.organizations.values("pk"))
        may = message.user_id == user.pk or not others.exists()
        if not user.is_supervisor or not may:
            raise NotAllowed
        if message.withdrawn_at is None:
            message.withdrawn_at, message.withdrawn_by = at, user
            message.save(update_fields=["withdrawn_at", "withdrawn_by"])
            _record("floor_message.withdrawn", message, user=user, at=at)
        return message


def put_away_floor_message(*, user: User, message: FloorMessage, at: datetime) -> None:
    """This person has seen it and is not shown it again. Twice is once."""
    Receipt.objects.get_or_create(message=message, user=user, defaults={"at": at})


def _record(action: str, message: FloorMessage, *, user: User, at: datetime, **facts: Any) -> None:
    # Not what it says: a message may name a donor.
    audit.record(action, user=user, at=at, subject=f"floor_message:{message.pk}", **facts)
