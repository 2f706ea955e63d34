"""The only door out: what must leave the building is written here, in the caller's transaction.

`delivery.py` sends it afterwards. A message that is not committed never leaves, and one that is
committed leaves though every nudge were lost.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from accounts.models import User
from integrations.lines import LostRace, close, touch
from integrations.models import Delivery
from integrations.nudge import nudge_after_commit


class TooLate(Exception):
    """Something of this form has left, or was tried: it can no longer be undone."""


def enqueue(
    operation: str,
    *,
    subject: str,
    account: str,
    payload: dict[str, Any],
    fingerprint: str,
    token: uuid.UUID | None,
    by: User | None,
    at: datetime,
    undo: bool = True,
) -> Delivery:
    """Put one message at the end of its subject's line.

    The caller is in a transaction and holds the lock on the subject's row, which is what keeps two
    from taking the same place; without it the loser gets an IntegrityError, as does a second
    message with the fingerprint of a living one. With `undo` it waits UNDO_SECONDS before it
    leaves. The payload is JSON and frozen from here on.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A message is written in a transaction.")
    line = Delivery.objects.filter(subject=subject)
    last = line.aggregate(last=Max("seq"))["last"] or 0
    wait = settings.UNDO_SECONDS if undo else 0
    delivery = Delivery.objects.create(  # type: ignore[misc]
        operation=operation,
        account=account,
        subject=subject,
        seq=last + 1,
        token=token,
        payload=payload,
        fingerprint=fingerprint,
        not_before=at + timedelta(seconds=wait),
        by=by,
        created_at=at,
    )
    if wait == 0:
        nudge_after_commit(delivery.pk)
    return delivery


def enqueue_line(
    operation: str,
    *,
    subject: str,
    account: str,
    payloads: Sequence[dict[str, Any]],
    token: uuid.UUID,
    by: User,
    at: datetime,
) -> list[Delivery]:
    """Put many messages on a line that nothing stands on yet, in this order, with one insert.

    The rest is as with `enqueue`: they wait out the undo window together, and each leaves once the
    one before it is done.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A message is written in a transaction.")
    deliveries = [
        Delivery(
            operation=operation,
            account=account,
            subject=subject,
            seq=seq,
            token=token,
            payload=payload,  # type: ignore[misc]
            fingerprint=f"{token}:{seq}",
            not_before=at + timedelta(seconds=settings.UNDO_SECONDS),
            by=by,
            created_at=at,
        )
        for seq, payload in enumerate(payloads, start=1)
    ]
    made = Delivery.objects.bulk_create(deliveries)
    if not settings.UNDO_SECONDS:
        nudge_after_commit(made[0].pk)
    return made


def undo(*, token: uuid.UUID, at: datetime) -> int:
    """Take back all that one form wanted to send; returns how many messages that were.

    All or none: raises TooLate when one of them has left or was tried, and the caller's
    transaction is then rolled back by its own end. Taking back our other rows is for the caller.
    """
    with transaction.atomic():
        deliveries = list(Delivery.objects.filter(token=token).order_by("subject", "seq"))
        for delivery in deliveries:
            is_untried = delivery.tries == 0 and delivery.last_sent_at is None
            if delivery.state != Delivery.State.READY or not is_untried:
                raise TooLate
            try:
                close(delivery, Delivery.Outcome.UNDONE, at=at, reason="undone")
            except LostRace:
                raise TooLate from None
    return len(deliveries)


def withdraw(delivery: Delivery, *, reason: str, at: datetime) -> bool:
    """Give up one message that waits to leave, whoever wrote it and however long ago; whether it
    could be: one that is leaving, or may have left, is not touched. In the caller's transaction."""
    # After a restore nobody knows whether it left: that is looked at first.
    if delivery.state != Delivery.State.READY or delivery.reason == "restored":
        return False
    try:
        close(delivery, Delivery.Outcome.DROPPED, at=at, reason=reason)
    except LostRace:
        return False
    return True


def release_early(*, at: datetime, token: uuid.UUID | None = None, by: User | None = None) -> int:
    """End the undo window of one form, or of all that one person sent: let it leave now.

    Returns how many messages that were.
    """
    waiting = Delivery.objects.filter(state=Delivery.State.READY, tries=0, not_before__gt=at)
    if token is not None:
        waiting = waiting.filter(token=token)
    if by is not None:
        waiting = waiting.filter(by=by)
    if token is None and by is None:
        raise ValueError("Whose messages may leave: those of a form, or those of a person?")
    released = list(waiting.order_by("subject", "seq"))
    if not released:
        return 0
    with transaction.atomic():
        for delivery in released:
            try:
                touch(delivery, not_before=at)
            except LostRace:
                continue
            nudge_after_commit(delivery.pk)
    return len(released)
