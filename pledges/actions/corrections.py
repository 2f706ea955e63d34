"""What donors say is different: kept, taken back, handed to the charity, and worked off there."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts import audit
from accounts.models import User
from pledges.actions.refusals import NotAllowed
from pledges.corrections import as_it_was
from pledges.models import Correction, Person, Pledge

# Rows of one file: what a charity opens in a sheet without waiting.
MOST_EXPORTED: Final = 5_000
_State = Correction.State


def add_correction(
    *,
    person: Person,
    pledge: Pledge | None,
    organization: uuid.UUID,
    item: str,
    now: Mapping[str, str],
    call_uuid: uuid.UUID,
    user: User,
    at: datetime,
) -> Correction:
    """Keep a detail as the donor says it is, in the caller's transaction; one that is still open
    for the same call is replaced."""
    told: dict[str, Any] = {
        "person": person,
        "organization_id": organization,
        "was": as_it_was(item, person, pledge),
        "now": dict(now),
        "user": user,
        "at": at,
    }
    correction, _is_new = Correction.objects.update_or_create(
        call_uuid=call_uuid, item=item, state=_State.OPEN, defaults=told
    )
    return correction


def take_back_correction(*, call_uuid: uuid.UUID, item: str) -> None:
    """The donor says otherwise after all: what nobody has seen yet never was."""
    Correction.objects.open().filter(call_uuid=call_uuid, item=item).delete()


def export_corrections(
    *, user: User, corrections: Collection[int], at: datetime
) -> Sequence[Correction]:
    """Hand these to the charity: they come back in the order in which they were said, and what was
    open counts as exported. Raises NotAllowed.

    An account number is only among them for who may read it (`may_read_accounts`): for anybody
    else it stays open, to be exported by somebody who may.
    """
    if not user.is_supervisor:
        raise NotAllowed
    with transaction.atomic():
        mine = Correction.objects.visible_to(user).filter(pk__in=list(corrections)[:MOST_EXPORTED])
        if not may_read_accounts(user):
            mine = mine.exclude(item=Correction.Item.ACCOUNT)
        locked = mine.select_for_update(of=("self",)).select_related("person", "organization")
        found = list(locked.order_by("at", "pk"))
        handed = Correction.objects.open().filter(pk__in=[one.pk for one in found])
        handed.update(state=_State.EXPORTED, exported_at=at)
        for one in found:
            audit.record(
                "correction.exported",
                user=user,
                at=at,
                subject=f"correction:{one.pk}",
                person_uuid=one.person_id,
                item=one.item,
            )
        return found


def process_corrections(*, user: User, corrections: Collection[int], at: datetime) -> int:
    """The charity has worked these off; returns how many were not yet. Raises NotAllowed."""
    if not user.is_supervisor:
        raise NotAllowed
    with transaction.atomic():
        mine = Correction.objects.visible_to(user).filter(pk__in=list(corrections))
        still = mine.exclude(state=_State.PROCESSED).select_for_update(of=("self",))
        found = list(still)
        for one in found:
            audit.record(
                "correction.processed",
                user=user,
                at=at,
                subject=f"correction:{one.pk}",
                person_uuid=one.person_id,
                item=one.item,
            )
        Correction.objects.filter(pk__in=[one.pk for one in found]).update(
            state=_State.PROCESSED, processed_at=at
        )
        return len(found)


def may_read_accounts(user: User) -> bool:
    """Whether account numbers leave the building in this person's files: managers decide that."""
    return user.is_manager
