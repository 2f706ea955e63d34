"""What is followed at Alphacomm by itself: links, e-Mandates and batches of ours that may still
come to something. What a webhook missed is found here, but when a link was opened.

Lists are read in windows of the time at which things were made, page by page to their total, so
that neither what is made nor what changes while we read can hide. What belongs to calls of just now
is read every few seconds; the rest every ten minutes for a week, and then every hour.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Min, Q

from integrations import clients, drift, quarantine
from integrations.alphacomm.pages import Page
from integrations.lines import LostRace, touch
from integrations.models import Delivery
from integrations.quarantine import Kept
from integrations.rounds import Round, Turn
from pledges import sync
from pledges.models import Batch, Mandate, PayLink, TextMessage
from pledges.payments import LIST_BATCHES, LIST_MANDATES, LIST_PAY_LINKS
from pledges.sync.payments import OP, REFERENCE

# A call is at work on what was made, or changed, so long ago.
NOW: Final = timedelta(minutes=20)
# Of what changed just now and is older than that, so many are read one by one.
MOST_TOUCHED: Final = 10
# How often the rest is read: in its first week, and after it.
WEEK: Final = timedelta(days=7)
YOUNG_EVERY: Final = timedelta(minutes=10)
OLD_EVERY: Final = timedelta(hours=1)
# What can be paid no more is followed for another day, and an e-Mandate for so long.
AFTERWARDS: Final = timedelta(days=1)
MANDATE_FOR: Final = timedelta(days=60)
# What one turn takes up at most.
MOST: Final = 2_000
# How far the clocks of both sides may be apart; and until when a second one may follow a first.
SKEW: Final = timedelta(minutes=5)
TAIL: Final = timedelta(minutes=30)
# Things of ours that lie further apart, or are more than that, are read in windows of their own.
GAP: Final = timedelta(hours=1)
WINDOW: Final = 200
# How many links come with one page, as the client asks for them.
PAGE: Final = 100


@dataclass(frozen=True)
class Sought:
    """A row of ours, and between when it was made at Alphacomm."""

    pk: UUID
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Kind:
    """Something that is listed by when it was made."""

    name: str
    model: type[PayLink] | type[Mandate]
    pages: Callable[[Any, datetime, datetime], Iterable[Page[Any]]]
    save: Callable[[Sequence[Any], datetime], int]


def _pay_link_pages(client: Any, begins: datetime, ends: datetime) -> Iterable[Page[Any]]:
    pages: Iterable[Page[Any]] = client.pay_links(created_from=begins, created_until=ends)
    return pages


def _mandate_pages(client: Any, begins: datetime, ends: datetime) -> Iterable[Page[Any]]:
    pages: Iterable[Page[Any]] = client.mandates(created_from=begins, created_until=ends)
    return pages


LINKS: Final = Kind(
    "pay-links",
    PayLink,
    _pay_link_pages,
    lambda records, at: sync.save_links(records, fetched_at=at),
)
MANDATES: Final = Kind(
    "mandates",
    Mandate,
    _mandate_pages,
    lambda records, at: sync.save_mandates(records, fetched_at=at),
)


# ── Of just now ───────────────────────────────────────────────────────────────────────────────────


def _read_links_of_now(turn: Turn) -> bool:
    """One list of what was made just now; what is older and has just changed is read by its id."""
    since = turn.clock() - NOW
    open_links = PayLink.objects.living().unpaid()
    _read_now(turn, LINKS, _sought_links(open_links.filter(_is_of_now(since))))
    touched = open_links.exclude(_is_of_now(since)).filter(
        Q(links__updated_on__gt=since) | Q(links__visited_at__gt=since)
    )
    for link_id in set(touched.values_list("links__pk", flat=True)[:MOST_TOUCHED]):
        asked_at = turn.clock()
        record = turn.ask().pay_link(id=link_id)
        if record is not None:
            turn.records += sync.save_links([record], fetched_at=asked_at)
    _have_looked_at_again()
    return False


def _read_mandates_of_now(turn: Turn) -> bool:
    since = turn.clock() - NOW
    unsigned = Mandate.objects.living().unsigned()
    _read_now(turn, MANDATES, _sought_mandates(unsigned.filter(_is_of_now(since)), turn.clock()))
    return False


def _is_of_now(since: datetime) -> Q:
    """Made just now, or carried by a message that has just left."""
    return Q(at__gt=since) | Q(message__leaves_at__gt=since)


def _read_now(turn: Turn, kind: Kind, sought: Collection[Sought]) -> None:
    if sought:
        begins = min(one.first for one in sought) - SKEW
        _read_window(turn, kind, sought, begins, turn.clock() + SKEW)


# ── All the rest ──────────────────────────────────────────────────────────────────────────────────


def _read_links(turn: Turn) -> bool:
    """Everything that can still be paid, found or not."""
    now = turn.clock()
    due = _due(PayLink.objects.living().unpaid(), now).filter(visible_until__gt=now - AFTERWARDS)
    found = due.filter(links__isnull=False).distinct()
    is_over = _read_windows(turn, LINKS, _sought_links(found))
    lost = due.filter(links=None)
    young = _sought_lost(lost.filter(_is_of_now(now - AFTERWARDS)), now)
    if not is_over and _is_list_shorter(young):
        begins = min(one.first for one in young) - SKEW
        is_over = not _read_window(turn, LINKS, young, begins, now + SKEW)
        lost = lost.exclude(pk__in=[one.pk for one in young])
    for pay_link in lost.select_related("delivery", "message__delivery")[:MOST]:
        if is_over or turn.is_over():
            return True
        _look_for(turn, pay_link)
    _have_looked_at_again()
    return is_over


def _read_mandates(turn: Turn) -> bool:
    now = turn.clock()
    due = _due(Mandate.objects.living().unsigned(), now).filter(at__gt=now - MANDATE_FOR)
    return _read_windows(turn, MANDATES, _sought_mandates(due, now))


def _read_batches(turn: Turn) -> bool:
    """Batches that have not ended, each by its name."""
    ended = (Batch.Status.DONE, Batch.Status.ERROR)
    open_batches = Batch.objects.filter(name__isnull=False).exclude(status__in=ended)
    for name in open_batches.order_by("fetched_at").values_list("name", flat=True)[:MOST]:
        if turn.is_over():
            return True
        asked_at = turn.clock()
        record = turn.ask().batch(name=name)
        if record is None:
            turn.absent += 1
        else:
            turn.records += sync.save_batch(record, fetched_at=asked_at)
    return False


def _due(rows: Any, now: datetime) -> Any:
    """Those that nobody looked for in a while, the longest first."""
    young = Q(at__gt=now - WEEK) & (Q(read_at=None) | Q(read_at__lte=now - YOUNG_EVERY))
    old = Q(at__lte=now - WEEK) & (Q(read_at=None) | Q(read_at__lte=now - OLD_EVERY))
    return rows.filter(young | old).order_by("read_at", "at")


def _sought_links(pay_links: Any) -> list[Sought]:
    """Between when their links were made; of one that was not found yet, from when it may be."""
    rows = pay_links.annotate(first=Min("links__created_on"), last=Max("links__created_on"))
    return [
        Sought(pk, first or max(at, leaves_at or at), last or max(at, leaves_at or at))
        for pk, at, leaves_at, first, last in rows.values_list(
            "pk", "at", "message__leaves_at", "first", "last"
        )[:MOST]
    ]


def _sought_lost(pay_links: Any, now: datetime) -> list[Sought]:
    """Of links that were never seen, those that may be there: between when they may have been
    made. What is still being sent looks for itself."""
    closed = Q(delivery__state=Delivery.State.CLOSED)
    left = Q(message__delivery__tries__gt=0) & (
        Q(message__leaves_at=None) | Q(message__leaves_at__lte=now)
    )
    rows = pay_links.filter(closed | left).values_list("pk", "at", "message__leaves_at")
    return [
        Sought(pk, begins := max(at, leaves_at or at), max(begins, now))
        for pk, at, leaves_at in rows[:MOST]
    ]


def _is_list_shorter(lost: Sequence[Sought]) -> bool:
    """Whether all links since then are fewer pages than these are questions: a list tells whose
    each link is, so after a batch hundreds that were never seen are found with a few pages."""
    if len(lost) < 2:
        return False
    begins = min(one.first for one in lost)
    return PayLink.objects.filter(at__gte=begins).count() // PAGE + 1 < len(lost)


def _sought_mandates(mandates: Any, now: datetime) -> list[Sought]:
    """When they were made. Of one that a script makes and that was not found yet no more is known
    than when its message was to leave: nobody can ask for it by name."""
    sought = []
    for pk, at, leaves_at, created_on in mandates.values_list(
        "pk", "at", "message__leaves_at", "created_on"
    )[:MOST]:
        if created_on is not None:
            sought.append(Sought(pk, created_on, created_on))
        elif leaves_at is None or leaves_at <= now:
            sought.append(Sought(pk, leaves_at or at, leaves_at or min(at + AFTERWARDS, now)))
    return sought


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────


def _read_windows(turn: Turn, kind: Kind, sought: Collection[Sought]) -> bool:
    """Read what is sought, window by window; say whether any is left."""
    for window in _windows(sought):
        if turn.is_over():
            return True
        ends = min(max(one.last for one in window) + TAIL, turn.clock() + SKEW)
        if not _read_window(turn, kind, window, window[0].first - SKEW, ends):
            return True
    return len(sought) == MOST


def _windows(sought: Collection[Sought]) -> Iterator[list[Sought]]:
    window: list[Sought] = []
    for one in sorted(sought, key=lambda it: (it.first, it.pk)):
        if window and (len(window) == WINDOW or one.first - window[-1].last > GAP):
            yield window
            window = []
        window.append(one)
    if window:
        yield window


def _read_window(
    turn: Turn, kind: Kind, sought: Collection[Sought], begins: datetime, ends: datetime
) -> bool:
    """Read one window to its end, page by page, each page in a transaction of its own; False when
    time ran out first."""
    asked_at = turn.clock()
    pages: Any = kind.pages(turn.ask(), begins, ends)
    with closing(pages):
        for page in pages:
            with transaction.atomic():
                turn.records += kind.save(page.records, page.started_at)
                _put_aside(kind, page)
                drift.count(kind.name, page.deviations, at=page.started_at)
            if turn.is_over():
                return False
    kind.model._default_manager.filter(pk__in=[one.pk for one in sought]).update(read_at=asked_at)
    return True


def _put_aside(kind: Kind, page: Page[Any]) -> None:
    bad = (Kept(kind.name, _as_uuid(b.id), b.path, b.reason, b.raw) for b in page.bad)
    read = {uuid for one in page.records if (uuid := _as_uuid(one.id)) is not None}
    quarantine.settle(bad, solved=read, at=page.started_at)


def _look_for(turn: Turn, pay_link: PayLink) -> None:
    """A link that was never seen, by our mark on it. What is still being sent looks for itself."""
    asked_at = turn.clock()
    for name, value in _marks(pay_link, now=asked_at):
        for page in turn.ask().pay_links(attribute=(name, value)):
            with transaction.atomic():
                turn.records += sync.save_links(page.records, fetched_at=page.started_at)
    PayLink.objects.filter(pk=pay_link.pk).update(read_at=asked_at)


def _marks(pay_link: PayLink, *, now: datetime) -> list[tuple[str, str]]:
    message, delivery = pay_link.message, pay_link.delivery
    if message is not None:
        has_left = message.leaves_at is None or message.leaves_at <= now
        is_sent = message.delivery.tries > 0
        return [(REFERENCE[0], message.reference)] if has_left and is_sent else []
    if delivery is not None and delivery.state == Delivery.State.CLOSED:
        return [(name, str(delivery.pk)) for name in OP]
    return []


def _have_looked_at_again() -> None:
    """A message of which nobody knew whether it was handed over, and whose link is there now: that
    is the proof, and a look will find it."""
    waiting = TextMessage.objects.filter(
        delivery__state=Delivery.State.NEEDS_DECISION,
        delivery__is_look_wanted=False,
        delivery__reason="nothing_to_read",
    )
    proven = waiting.filter(pay_link__links__isnull=False).values("delivery")
    unproven = waiting.filter(pay_link__links=None).values("delivery")
    for delivery in Delivery.objects.filter(pk__in=proven).exclude(pk__in=unproven):
        try:
            touch(delivery, is_look_wanted=True)
        except LostRace:
            continue


def _as_uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


# ── Rounds ────────────────────────────────────────────────────────────────────────────────────────


def _round(name: str, every: timedelta, work: Callable[[Turn], bool], operation: str) -> Round:
    return Round(name, every, work, operation, accounts=clients.alphacomm_accounts)


# A little under the ten seconds of their tick, which may come early.
LINKS_OF_NOW: Final = _round(
    "pay-links-now", timedelta(seconds=8), _read_links_of_now, LIST_PAY_LINKS
)
MANDATES_OF_NOW: Final = _round(
    "mandates-now", timedelta(seconds=8), _read_mandates_of_now, LIST_MANDATES
)
ALL_LINKS: Final = _round("pay-links", timedelta(seconds=50), _read_links, LIST_PAY_LINKS)
ALL_MANDATES: Final = _round("mandates", timedelta(seconds=50), _read_mandates, LIST_MANDATES)
BATCHES: Final = _round("batches", timedelta(seconds=8), _read_batches, LIST_BATCHES)
