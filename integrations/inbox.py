"""What was told to us, worked off when it is due: the table is the queue, as for what leaves.

An event proves nothing by itself. It makes us ask the other side (`read`, outside any transaction),
and what comes back is saved in the transaction that ends the event, so that a crash between any two
lines changes nothing: its lease runs out, and it is taken up again. Events that speak of the same
thing are taken together, and one look serves them all.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.module_loading import import_string

from integrations import breakers, clients
from integrations.alphacomm.client import Alphacomm
from integrations.http import (
    Forbidden,
    NotSent,
    RateLimited,
    Refused,
    RemoteError,
    Unauthorized,
)
from integrations.models import WebhookEvent
from integrations.schedule import LEASE, back_off

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
State = WebhookEvent.State

ACCOUNT: Final = clients.ALPHACOMM
# How many events one look at the table finds; the next one comes when these are done.
BATCH: Final = 500
# How many are taken in hand at once: each may be as large as a webhook may be.
TOGETHER: Final = 100
# What nothing here answers to by then never will, as far as we can tell. An other side that is
# away or turns us down says nothing of the event, and never uses it up.
GIVE_UP: Final = timedelta(hours=48)
GIVEN_UP_FOR: Final = frozenset({"not_known_here", "refused", "crashed"})


class Meaning(Protocol):
    """What one kind of event means. Found by name in settings.EVENTS."""

    # What it asks for, by the name that breakers know it by. None where it asks nothing: then it
    # is worked off also while we are refused.
    operation: str | None

    def read(self, client: Alphacomm, event: WebhookEvent) -> Any | None:
        """Ask what the event speaks of; None when there was nothing to ask, or nothing found.
        Outside any transaction. Raises what the client raises."""

    def save(
        self, record: Any | None, event: WebhookEvent, *, fetched_at: datetime, at: datetime
    ) -> bool:
        """Save it, in the transaction that ends the event. False when what it is about is not
        known here yet, so that it waits. `fetched_at` is before the request."""


class _LostRace(Exception):
    """Another worker has the event: our lease had run out."""


@dataclass(frozen=True)
class _Group:
    """Events of one meaning about one thing, or one that does not say about what."""

    meaning: str
    service_id: str
    pk: int | None


@dataclass(frozen=True)
class _Look:
    """What came of asking: a record, or why there is none and how long that lasts."""

    fetched_at: datetime
    record: Any | None = None
    trouble: str = ""
    retry_after: float | None = None


def work(*, clock: Clock, until: datetime) -> int:
    """Work off whatever is due, until the given moment; returns how many events were taken in hand.
    Run twice at once it does nothing twice."""
    taken = 0
    while clock() < until:
        taken_now = 0
        for group in _due(at=clock()):
            if clock() >= until:
                break
            taken_now += _work_off(group, clock=clock)
        if not taken_now:
            break
        taken += taken_now
    return taken


def next_due(*, at: datetime) -> datetime | None:
    """When the next event waits to be worked off; None when nothing waits for time to pass."""
    waiting = _open().order_by("not_before").values_list("not_before", flat=True).first()
    return None if waiting is None else max(waiting, at)


def _open() -> "QuerySet[WebhookEvent]":
    """What is to be worked off. A kind that is not known here is for a newer worker."""
    return WebhookEvent.objects.filter(state__in=WebhookEvent.OPEN, event__in=settings.EVENTS)


def _due(*, at: datetime) -> list[_Group]:
    """What may be taken up now, longest due first."""
    due = _open().filter(not_before__lte=at)
    if shut := breakers.shut(at=at):
        refused = [name for name, path in settings.EVENTS.items() if shut & _keys(_meaning(path))]
        due = due.exclude(event__in=refused)
    rows = due.order_by("not_before", "pk").values_list("pk", "event", "service_id")[:BATCH]
    groups = (
        _Group(settings.EVENTS[event], service_id, None if service_id else pk)
        for pk, event, service_id in rows
    )
    return list(dict.fromkeys(groups))


def _meaning(path: str) -> Meaning:
    meaning: Meaning = import_string(path)
    return meaning


def _keys(meaning: Meaning) -> set[str]:
    """The breakers that it stands behind."""
    if meaning.operation is None:
        return set()
    return {breakers.account_key(ACCOUNT), breakers.operation_key(ACCOUNT, meaning.operation)}


def _work_off(group: _Group, *, clock: Clock) -> int:
    meaning = _meaning(group.meaning)
    events = _claim(group, meaning, at=clock())
    if not events:
        return 0
    look = _look(meaning, events[-1], clock=clock)
    for event in events:
        try:
            _end(meaning, event, look, at=clock())
        except _LostRace:
            # Whoever has it now ends it.
            log.info("lost a race", webhook=event.pk)
    return len(events)


def _claim(group: _Group, meaning: Meaning, *, at: datetime) -> list[WebhookEvent]:
    """Take what is due of a group, oldest first. Committed on return: what is in hand is due again
    when its lease is over, whatever becomes of us."""
    kinds = [name for name, path in settings.EVENTS.items() if path == group.meaning]
    same = Q(service_id=group.service_id, event__in=kinds)
    if group.pk is not None:
        same = Q(pk=group.pk)
    lease = uuid.uuid4()
    with transaction.atomic(durable=True):
        # Also what waits for a later moment: the look that is due serves it as well.
        free = _open().filter(same & (Q(not_before__lte=at) | Q(lease=None))).order_by("pk")
        locked = free.select_for_update(skip_locked=True).values_list("pk", "not_before")
        found = list(locked[:TOGETHER])
        if not any(not_before <= at for _, not_before in found):
            return []
        if not breakers.lets_through(_keys(meaning), at=at):
            return []
        taken = WebhookEvent.objects.filter(pk__in=[pk for pk, _ in found])
        taken.update(lease=lease, not_before=at + LEASE, tries=F("tries") + 1)
    # One that does not say when it occurred counts from when it came.
    return sorted(
        taken.filter(lease=lease),
        key=lambda event: (event.occurred_at or event.received_at, event.pk),
    )


def _look(meaning: Meaning, event: WebhookEvent, *, clock: Clock) -> _Look:
    """Ask the other side, and once more with the token read again if it was refused."""
    fetched_at = clock()
    try:
        try:
            record = meaning.read(clients.alphacomm(), event)
        except Unauthorized:
            clients.reread(ACCOUNT)
            fetched_at = clock()
            record = meaning.read(clients.alphacomm(), event)
    except RemoteError as error:
        breakers.note_error(error, ACCOUNT, meaning.operation, at=clock())
        return _Look(fetched_at, None, _reason(error), getattr(error, "retry_after", None))
    except Exception as error:  # noqa: BLE001  (a mistake of ours; the rest goes on)
        # Only its kind: the text may speak of a donor.
        log.warning("looking crashed", webhook=event.pk, error=type(error).__name__)
        return _Look(fetched_at, None, "crashed")
    if meaning.operation is not None:
        breakers.note_answer(ACCOUNT, meaning.operation)
    return _Look(fetched_at, record)


def _reason(error: RemoteError) -> str:
    match error:
        case NotSent():
            return "not_sent"
        case Unauthorized():
            return "unauthorized"
        case Forbidden():
            return "forbidden"
        case RateLimited():
            return "rate_limited"
        case Refused():
            return "refused"
    return "unclear"


def _end(meaning: Meaning, event: WebhookEvent, look: _Look, *, at: datetime) -> None:
    """Save what was found together with the event's end, or have it wait. Raises _LostRace."""
    trouble = look.trouble
    if not trouble:
        try:
            with transaction.atomic():
                if meaning.save(look.record, event, fetched_at=look.fetched_at, at=at):
                    _write(event, state=State.WORKED, worked_at=at, reason="")
                else:
                    _try_again(event, "not_known_here", at=at)
        except _LostRace:
            raise
        except Exception as error:  # noqa: BLE001  (a mistake of ours; the rest goes on)
            log.warning("saving crashed", webhook=event.pk, error=type(error).__name__)
            trouble = "crashed"
        else:
            return
    _try_again(event, trouble, at=at, retry_after=look.retry_after)


def _try_again(
    event: WebhookEvent, reason: str, *, at: datetime, retry_after: float | None = None
) -> None:
    if reason in GIVEN_UP_FOR and at - event.received_at >= GIVE_UP:
        log.warning("event_given_up", webhook=event.pk, reason=reason)
        _write(event, state=State.FAILED, reason=reason)
        return
    later = back_off(event.tries, at=at)
    if retry_after is not None:
        later = max(later, at + timedelta(seconds=retry_after))
    _write(event, state=State.WAITING, reason=reason, not_before=later)


def _write(event: WebhookEvent, **changes: Any) -> None:
    mine = WebhookEvent.objects.filter(pk=event.pk, lease=event.lease)
    if not mine.update(lease=None, **changes):
        raise _LostRace
