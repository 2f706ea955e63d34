"""What leaves, taken up when it is due: the table is the queue, and a sweep of it finds all.

`sending.py` claims, sends and classifies, `reading.py` reads back and gives up, `lines.py` holds
the states. The rule that carries the rest: `sending` is committed before the first byte leaves, and
what was sent without a proof is never sent again before two looks at the other side, each late
enough to count, did not find it. A crash between any two lines leaves a row that says what may have
happened. Nothing outside is asked inside a transaction.
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from django.db.models import Q

from integrations import breakers
from integrations.lines import LostRace, heads, move
from integrations.models import Delivery
from integrations.reading import look, look_for_doubles
from integrations.schedule import LEASE, SEND_WITHIN, next_look
from integrations.sending import deliver

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
HandOver = Callable[[uuid.UUID], bool]

# How many lines one sweep takes up; the next one comes in seconds.
BATCH: Final = 500

State = Delivery.State


def sweep(*, clock: Clock, until: datetime, hand_over: HandOver | None = None) -> int:
    """Take up whatever is due, until the given moment; returns how many steps were taken.

    With `hand_over` a line is offered to another worker first, and done here if that fails. Run
    twice at once it does nothing twice.
    """
    taken = _lapse(at=clock())
    for delivery_id in _due(at=clock()):
        if clock() >= until:
            break
        if hand_over is None or not hand_over(delivery_id):
            taken += work(delivery_id, clock=clock, until=until)
    return taken + look_for_doubles(clock=clock, until=until)


def work(delivery_id: uuid.UUID, *, clock: Clock, until: datetime) -> int:
    """Go down the line of one message, head by head, for as long as something is due and time
    remains; returns how many steps were taken. Unknown ids are nobody's work."""
    named = Delivery.objects.filter(pk=delivery_id).first()
    taken = 0
    while named is not None and clock() < until:
        head = heads().filter(subject=named.subject).exclude(state=State.CLOSED).first()
        if head is None or not _take_up(head, clock=clock):
            break
        taken += 1
    return taken


def next_due(*, at: datetime) -> datetime | None:
    """When the next message waits to be taken up; None when nothing waits for time to pass."""
    waiting = heads().filter(state__in=[State.READY, State.UNKNOWN]).order_by("not_before").first()
    leased = Delivery.objects.filter(state=State.SENDING).order_by("lease_until").first()
    moments = [waiting.not_before] if waiting else []
    if leased and leased.lease_until:
        moments.append(leased.lease_until)
    return max(min(moments), at) if moments else None


def _due(*, at: datetime) -> list[uuid.UUID]:
    """The heads that may be taken up now, longest due first."""
    behind_breakers = Q()
    for key in breakers.shut(at=at):
        _, account, *operation = key.split(":", 2)
        narrow = {"operation": operation[0], "state": State.READY} if operation else {}
        behind_breakers |= Q(account=account, **narrow)
    due = heads().filter(
        Q(state__in=[State.READY, State.UNKNOWN], not_before__lte=at)
        | Q(state=State.NEEDS_DECISION, is_look_wanted=True)
    )
    if behind_breakers:
        due = due.exclude(behind_breakers)
    return list(due.order_by("not_before").values_list("pk", flat=True)[:BATCH])


def _take_up(head: Delivery, *, clock: Clock) -> bool:
    """Do the next step of one message; False when there is none to do now."""
    at = clock()
    try:
        if head.state == State.READY and head.not_before <= at:
            return deliver(head, clock=clock)
        if head.state == State.UNKNOWN and head.not_before <= at:
            return look(head, clock=clock)
        if head.state == State.NEEDS_DECISION and head.is_look_wanted:
            return look(head, clock=clock)
    except LostRace:
        # Whoever was first has the line now, and what he wrote stands.
        log.info("lost a race", delivery=str(head.pk))
    return False


def _lapse(*, at: datetime) -> int:
    """What was being sent when its worker vanished may have happened."""
    lapsed = 0
    for delivery in Delivery.objects.filter(state=State.SENDING, lease_until__lt=at):
        assert delivery.lease_until is not None  # noqa: S101  (a constraint of the table)
        # That worker may have sent as late as it was allowed to.
        sent_at = delivery.lease_until - LEASE + SEND_WITHIN
        try:
            move(
                delivery,
                State.UNKNOWN,
                reason="lease_ran_out",
                last_sent_at=sent_at,
                not_before=next_look(sent_at, at=at),
            )
        except LostRace:
            continue
        lapsed += 1
    return lapsed
