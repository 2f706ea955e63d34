"""One message, looked for at the other side: found, settled as absent, or given up in time.

An early look only counts when it finds something. A call that cannot be looked at is no reading.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from integrations import breakers, clients
from integrations.http import Refused, RemoteError, Unauthorized
from integrations.lines import (
    Finding,
    LostRace,
    Verdict,
    close,
    done,
    mirror,
    move,
    operation_of,
    readable,
    tell_of_double,
    to_a_person,
    touch,
)
from integrations.models import Delivery
from integrations.schedule import LATE_LOOKS, LOOKING_ENDS, SETTLED, next_look

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
State = Delivery.State
Outcome = Delivery.Outcome


def look(delivery: Delivery, *, clock: Clock) -> bool:
    """Look at the other side for one message, and draw the conclusion."""
    at = clock()
    with transaction.atomic(durable=True):
        if not breakers.lets_through([breakers.account_key(delivery.account)], at=at):
            return False
        # So that no second worker looks at the same time.
        upcoming = next_look(delivery.last_sent_at or at, at=at)
        touch(delivery, not_before=upcoming, is_look_wanted=False)
    record, verdict, error = _read(delivery)
    if isinstance(error, Unauthorized):
        clients.reread(delivery.account)
        record, verdict, error = _read(delivery)
    reading = _reading(delivery, verdict, error, at=at)
    with transaction.atomic():
        if isinstance(error, Unauthorized):
            breakers.note_unauthorized(delivery.account, at=clock())
        elif record is not None or isinstance(error, Refused):
            # No record and no error may mean that nothing was asked, and then nobody answered.
            breakers.note_answer(delivery.account, None)
        _conclude(delivery, record, verdict, reading, looked_at=at, at=clock())
    return True


def _read(delivery: Delivery) -> tuple[Any | None, Verdict | None, Exception | None]:
    """A record and what it says, or nothing, and if there was one the error that was in the way."""
    try:
        client = clients.client(delivery.account)
        operation = readable(delivery)
        record = operation.read(client, delivery)
        verdict = None if record is None else operation.verdict(record, delivery)
    except Exception as error:  # noqa: BLE001  (a look that fails is no look, whatever the cause)
        if not isinstance(error, RemoteError):
            log.warning("reading crashed", delivery=str(delivery.pk), error=type(error).__name__)
        return None, None, error
    return record, verdict, None


def _reading(
    delivery: Delivery, verdict: Verdict | None, error: Exception | None, *, at: datetime
) -> dict[str, Any]:
    """What is kept of a look. Only late ones count as 'not there': see `_settled`."""
    finding = verdict.finding.value if verdict else "nothing"
    reading: dict[str, Any] = {"at": at.isoformat(), "finding": finding}
    if verdict:
        reading["facts"] = verdict.facts
        reading["is_settled"] = at >= (delivery.last_sent_at or at) + SETTLED
    if error:
        reading["error"] = type(error).__name__
    return reading


def _settled(delivery: Delivery, readings: list[dict[str, Any]]) -> int:
    """How many looks since the last sending found nothing, late enough to count."""
    if delivery.last_sent_at is None:
        return 0
    return sum(
        reading["finding"] == Finding.ABSENT
        and datetime.fromisoformat(reading["at"]) >= delivery.last_sent_at + SETTLED
        for reading in readings
    )


def _conclude(
    delivery: Delivery,
    record: Any | None,
    verdict: Verdict | None,
    reading: dict[str, Any],
    *,
    looked_at: datetime,
    at: datetime,
) -> None:
    readings = [*delivery.readings, reading]
    touch(delivery, readings=readings)
    if verdict is not None and verdict.finding in {Finding.DONE, Finding.DOUBLED}:
        done(delivery, record, verdict, fetched_at=looked_at, at=at)
        return
    if record is not None:
        mirror(delivery, record, fetched_at=looked_at)
    if verdict is not None and verdict.finding == Finding.DONE_BY_OTHER:
        close(delivery, Outcome.DONE_BY_OTHER, at=at, reason="")
    elif delivery.state != State.UNKNOWN:
        return
    elif verdict is not None and verdict.finding == Finding.CONFLICT:
        to_a_person(delivery, "conflict")
    elif verdict is not None:
        _conclude_absent(delivery, readings, looked_at=looked_at, at=at)
    else:
        _give_up_in_time(delivery, looked_at=looked_at)


def _conclude_absent(
    delivery: Delivery, readings: list[dict[str, Any]], *, looked_at: datetime, at: datetime
) -> None:
    """It is not there. Once is enough to believe a refusal, twice to send it anew."""
    settled = _settled(delivery, readings)
    if settled and delivery.reason == "refused":
        close(delivery, Outcome.REJECTED, at=at)
    elif settled < 2:
        # After the first look that counts, a second is worth waiting for however late it is.
        if not settled:
            _give_up_in_time(delivery, looked_at=looked_at)
    elif delivery.resends < operation_of(delivery).resend_budget:
        move(
            delivery,
            State.READY,
            reason="not_there",
            resends=delivery.resends + 1,
            not_before=at,
        )
    else:
        to_a_person(delivery, "budget_spent")


def _give_up_in_time(delivery: Delivery, *, looked_at: datetime) -> None:
    if looked_at >= (delivery.last_sent_at or looked_at) + LOOKING_ENDS:
        to_a_person(delivery, "nothing_to_read")


def look_for_doubles(*, clock: Clock, until: datetime) -> int:
    """Look again at what was sent twice and is done. A first sending that took effect later than
    we count with cannot be prevented any more, but it shall be seen."""
    at = clock()
    looked = 0
    resent = Delivery.objects.filter(
        state=State.CLOSED,
        outcome=Outcome.DONE,
        resends__gt=0,
        closed_at__gt=at - LATE_LOOKS[-1] - LOOKING_ENDS,
    ).exclude(reason="doubled")
    for delivery in resent:
        if clock() >= until or breakers.is_shut(delivery.account, at=at):
            break
        if not _is_late_look_due(delivery, at=at):
            continue
        _, verdict, error = _read(delivery)
        reading = _reading(delivery, verdict, error, at=at)
        try:
            with transaction.atomic():
                touch(delivery, readings=[*delivery.readings, reading])
                if verdict is not None and verdict.finding == Finding.DOUBLED:
                    tell_of_double(delivery, verdict, at=at)
        except LostRace:
            continue
        looked += 1
    return looked


def _is_late_look_due(delivery: Delivery, *, at: datetime) -> bool:
    if delivery.closed_at is None or any(
        reading["finding"] == Finding.DOUBLED for reading in delivery.readings
    ):
        return False
    made = sum(
        datetime.fromisoformat(reading["at"]) > delivery.closed_at for reading in delivery.readings
    )
    return made < len(LATE_LOOKS) and at >= delivery.closed_at + LATE_LOOKS[made]
