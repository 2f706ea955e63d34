"""One message: claimed, sent, and what came back put into the terms of the table.

Knows nothing about what is sent. What each answer means is in `_classify`, a line a case.
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from integrations import breakers, clients
from integrations.http import (
    Forbidden,
    NotExecuted,
    NotFound,
    NotSendable,
    NotSent,
    RateLimited,
    Refused,
    RemoteError,
    Unauthorized,
    Unclear,
)
from integrations.lines import Finding, Verdict, close, done, heads, move, readable, to_a_person
from integrations.models import Delivery
from integrations.schedule import LEASE, SEND_WITHIN, back_off, next_look

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
State = Delivery.State
Outcome = Delivery.Outcome


def deliver(delivery: Delivery, *, clock: Clock) -> bool:
    is_to_be_read_first = delivery.reason == "restored"
    if not _claim(delivery, at=clock()):
        return False
    if is_to_be_read_first:
        _unclear(delivery, "restored", at=clock())
        return True
    sent_at = clock()
    came_back, verdict = _send(delivery, clock=clock)
    if isinstance(came_back, Unauthorized):
        clients.reread(delivery.account)
        sent_at = clock()
        came_back, verdict = _send(delivery, clock=clock)
        if isinstance(came_back, NotSent):
            came_back = Unauthorized(401)
    _classify(delivery, came_back, verdict, sent_at=sent_at, at=clock())
    return True


def _claim(delivery: Delivery, *, at: datetime) -> bool:
    """Take the head of a line, so that what follows is known to have been begun. Committed on
    return: without that a crash would leave no trace of what may have been sent."""
    keys = [
        breakers.account_key(delivery.account),
        breakers.operation_key(delivery.account, delivery.operation),
    ]
    with transaction.atomic(durable=True):
        if not breakers.lets_through(keys, at=at):
            return False
        was_restored = delivery.reason == "restored"
        move(
            delivery,
            State.SENDING,
            among=heads().filter(not_before__lte=at),
            lease=uuid.uuid4(),
            lease_until=at + LEASE,
            tries=delivery.tries + 1,
            first_sent_at=delivery.first_sent_at or at,
            # After a restore it may have left at any moment before that, and not since.
            last_sent_at=delivery.last_sent_at if was_restored else at,
            reason="",
            refusal=None,
        )
    return True


def _send(delivery: Delivery, *, clock: Clock) -> tuple[Any, Verdict | None]:
    """One exchange: the record of the answer with what it proves, or the error that came of it."""
    assert delivery.lease_until is not None  # noqa: S101  (just claimed)
    if clock() > delivery.lease_until - LEASE + SEND_WITHIN:
        return NotSent("Too little of the lease was left"), None
    try:
        client = clients.client(delivery.account)
        operation = readable(delivery)
    except NotSent as error:
        return error, None
    try:
        record = operation.send(client, delivery)
        return record, operation.verdict(record, delivery)
    except (RemoteError, NotSendable) as error:
        return error, None
    except Exception as error:  # noqa: BLE001  (a mistake of ours, after a byte may have left)
        # Only its kind: the text may speak of a donor.
        log.warning("sending crashed", delivery=str(delivery.pk), error=type(error).__name__)
        return Unclear("crashed"), None


def _classify(
    delivery: Delivery,
    came_back: Any,
    verdict: Verdict | None,
    *,
    sent_at: datetime,
    at: datetime,
) -> None:
    """Write what the answer means: one transaction, by whoever still holds the lease."""
    account, operation = delivery.account, delivery.operation
    with transaction.atomic():
        match came_back:
            case NotSent():
                later = back_off(delivery.tries, at=at)
                move(delivery, State.READY, reason="not_sent", not_before=later)
            case Unauthorized():
                move(delivery, State.READY, reason="unauthorized", not_before=at)
                breakers.note_unauthorized(account, at=at)
            case Forbidden():
                to_a_person(delivery, "forbidden", refusal=came_back.words)
                breakers.note_forbidden(account, operation, at=at)
            case NotFound():
                to_a_person(delivery, "not_found", refusal=came_back.words, is_look_wanted=True)
                breakers.note_answer(account, operation)
            case RateLimited():
                breakers.note_answer(account, operation)
                later = back_off(delivery.tries, at=at)
                if came_back.retry_after is not None:
                    later = at + timedelta(seconds=came_back.retry_after)
                move(delivery, State.READY, reason="rate_limited", not_before=later)
            case NotExecuted():
                breakers.note_answer(account, operation)
                close(delivery, Outcome.REJECTED, at=at, reason="refused", refusal=came_back.words)
            case Refused():
                _unclear(delivery, "refused", at=at, sent_at=sent_at, refusal=came_back.words)
                breakers.note_answer(account, operation)
            case NotSendable():
                to_a_person(delivery, "not_sendable", refusal=str(came_back))
            case RemoteError():
                _unclear(delivery, "unclear", at=at, sent_at=sent_at)
            case _ if verdict and verdict.finding in {Finding.DONE, Finding.DOUBLED}:
                breakers.note_answer(account, operation)
                done(delivery, came_back, verdict, fetched_at=sent_at, at=at)
            case _:
                breakers.note_answer(account, operation)
                _unclear(delivery, "no_proof", at=at, sent_at=sent_at)


def _unclear(
    delivery: Delivery,
    reason: str,
    *,
    at: datetime,
    sent_at: datetime | None = None,
    refusal: str | None = None,
) -> None:
    sent_at = sent_at or delivery.last_sent_at or at
    move(
        delivery,
        State.UNKNOWN,
        reason=reason,
        refusal=refusal,
        last_sent_at=sent_at,
        not_before=next_look(sent_at, at=at),
    )
