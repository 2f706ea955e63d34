"""The table of states, and the only way to write one.

Deliveries of one subject are a line; its head blocks the rest. Every change is a compare-and-set on
what the caller read: whoever comes second is told so by LostRace and has changed nothing.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.module_loading import import_string

from accounts import audit
from integrations.http import NotSent
from integrations.models import Delivery

log = structlog.get_logger(__name__)


class ForbiddenMove(Exception):
    """A transition that is not in the table."""


class LostRace(Exception):
    """Somebody else changed the row since it was read."""


class Finding(StrEnum):
    """What a record of the other side says about one message of ours."""

    DONE = "done"
    # Our fingerprint is there more than once.
    DOUBLED = "doubled"
    ABSENT = "absent"
    # What we wanted is so, and somebody else did it.
    DONE_BY_OTHER = "done_by_other"
    # Somebody else did something that rules ours out.
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Verdict:
    finding: Finding
    # For the people who decide: ids, codes and times, never a donor's words.
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NotThere:
    """In place of a record: a look that was completed and found nothing under our uuid.

    What creates something reads that as 'not made'; for everything else it proves nothing.
    """


class Operation(Protocol):
    """What one kind of message means. Found by name in settings.OPERATIONS.

    The client is that of the account which the message goes out under, and a record whatever its
    method returns.
    """

    # How often it may be sent anew on the strength of readings alone.
    resend_budget: int
    # Versions of the payload that it can read.
    versions: Container[int]

    def send(self, client: Any, delivery: Delivery) -> Any:
        """Send it once; returns the record of the answer. Raises what the client raises."""

    def read(self, client: Any, delivery: Delivery) -> Any | None:
        """Look at the other side; None when there was nothing to look at, which proves nothing."""

    def verdict(self, record: Any, delivery: Delivery) -> Verdict:
        """What a record says about this message."""

    def save(self, record: Any, delivery: Delivery, fetched_at: datetime) -> None:
        """Put the record into our mirror, as a walk would. `fetched_at` is before the request."""

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """It is closed, with an outcome: let our own rows follow, in the same transaction."""


def operation_of(delivery: Delivery) -> Operation:
    """The meaning of a message. KeyError when settings do not know it."""
    operation: Operation = import_string(settings.OPERATIONS[delivery.operation])
    return operation


def heads() -> "QuerySet[Delivery]":
    """The messages before which nothing in their line is still open."""
    earlier = Delivery.objects.filter(subject=OuterRef("subject"), seq__lt=OuterRef("seq")).exclude(
        state=Delivery.State.CLOSED
    )
    return Delivery.objects.filter(~Exists(earlier))


def move(
    delivery: Delivery, state: str, *, among: "QuerySet[Delivery] | None" = None, **changes: Any
) -> None:
    """Change the state. Raises ForbiddenMove, or LostRace when the row is not as it was read.

    A message that is being sent belongs to its lease: only who holds it may say what came of it.
    `among` narrows what the row must still be part of.
    """
    if state not in Delivery.TRANSITIONS[delivery.state]:
        raise ForbiddenMove(f"{delivery.state} → {state}")
    if delivery.state == Delivery.State.SENDING:
        changes = {"lease": None, "lease_until": None, **changes}
    _write(delivery, among, {"state": state, **changes})


def touch(delivery: Delivery, **changes: Any) -> None:
    """Change something else than the state. Raises LostRace when the row is not as it was read."""
    _write(delivery, None, changes)


def close(delivery: Delivery, outcome: "Delivery.Outcome", *, at: datetime, **changes: Any) -> None:
    """End it, with our own rows following; the caller is in a transaction. Raises LostRace.

    What stands behind one that ended badly goes to a person: it may rest on what did not happen.
    """
    move(delivery, Delivery.State.CLOSED, outcome=outcome, closed_at=at, **changes)
    operation_of(delivery).ended(delivery, at)
    if outcome in Delivery.ENDED_BADLY:
        Delivery.objects.filter(
            subject=delivery.subject, seq__gt=delivery.seq, state=Delivery.State.READY
        ).update(state=Delivery.State.NEEDS_DECISION, reason="one_before", version=F("version") + 1)


def readable(delivery: Delivery) -> Operation:
    """The operation, if this worker knows it: a newer one may have written what it does not."""
    try:
        operation = operation_of(delivery)
    except KeyError:
        raise NotSent("An operation that is not known here") from None
    if delivery.payload_version not in operation.versions:
        raise NotSent("A payload of another version")
    return operation


def to_a_person(delivery: Delivery, reason: str, **changes: Any) -> None:
    move(delivery, Delivery.State.NEEDS_DECISION, reason=reason, **changes)


def done(
    delivery: Delivery, record: Any, verdict: Verdict, *, fetched_at: datetime, at: datetime
) -> None:
    is_doubled = verdict.finding == Finding.DOUBLED
    mirror(delivery, record, fetched_at=fetched_at)
    close(delivery, Delivery.Outcome.DONE, at=at, reason="doubled" if is_doubled else "")
    if is_doubled:
        tell_of_double(delivery, verdict, at=at)


def tell_of_double(delivery: Delivery, verdict: Verdict, *, at: datetime) -> None:
    audit.record(
        "delivery.doubled",
        user=None,
        at=at,
        subject=delivery.subject,
        delivery=str(delivery.pk),
        found=verdict.facts,
    )


def mirror(delivery: Delivery, record: Any, *, fetched_at: datetime) -> None:
    """Mirror the record. What is proven stays proven though the mirror cannot take it: a walk will
    bring the record again."""
    try:
        with transaction.atomic():
            operation_of(delivery).save(record, delivery, fetched_at)
    except Exception as error:  # noqa: BLE001
        log.warning(
            "saving an answer failed", delivery=str(delivery.pk), error=type(error).__name__
        )


def _write(delivery: Delivery, among: "QuerySet[Delivery] | None", changes: dict[str, Any]) -> None:
    rows = Delivery.objects.all() if among is None else among
    as_read = rows.filter(
        pk=delivery.pk,
        state=delivery.state,
        lease=delivery.lease,
        version=delivery.version,
    )
    changes = {**changes, "version": delivery.version + 1}
    if not as_read.update(**changes):
        raise LostRace(str(delivery.pk))
    for name, value in changes.items():
        setattr(delivery, name, value)
