"""Undo: the only honest one, while nothing has left."""

import uuid
from datetime import datetime

from django.db import transaction

from accounts.models import User
from integrations import outbox
from integrations.models import Delivery
from integrations.outbox import TooLate
from pledges import messages
from pledges.actions.checks import record
from pledges.models import NewPledge, PledgeChange


def undo_change(*, user: User, token: uuid.UUID, at: datetime) -> PledgeChange | NewPledge:
    """Take back what a form of this user's did to a pledge, or the pledge that it made.

    Returns what was taken back, as it was. Raises TooLate when it left, or was no such form: what
    an agent changed with a completion is taken back with the completion, by the call's own undo.
    """
    with transaction.atomic():
        done = _done_by(token, user=user)
        if done is None:
            raise TooLate
        outbox.undo(token=token, at=at)
        if isinstance(done, PledgeChange):
            PledgeChange.objects.filter(pk=done.pk).delete()
            about, person_uuid = done.pledge_id, done.pledge.person_id
        else:
            NewPledge.objects.filter(pk=done.pk).delete()
            about, person_uuid = done.pk, done.person_id
        record("pledge.undone", about, person_uuid, user=user, at=at)
        return done


def take_back_changes(token: uuid.UUID) -> list[PledgeChange]:
    """Forget the changes of a form whose messages were undone; returns them as they were.

    For the undo of what the changes went along with, in its transaction, after `outbox.undo`.
    """
    undone = list(
        PledgeChange.objects.filter(token=token, delivery__outcome=Delivery.Outcome.UNDONE)
    )
    PledgeChange.objects.filter(pk__in=[change.pk for change in undone]).delete()
    return undone


def _done_by(token: uuid.UUID, *, user: User) -> PledgeChange | NewPledge | None:
    change = PledgeChange.objects.filter(token=token, user=user).select_related("pledge").first()
    if change is None:
        return NewPledge.objects.filter(token=token, user=user).first()
    own_line = messages.subject_of(change.pledge_id)
    return change if change.delivery.subject == own_line else None
