"""What an operator asks first, and what a health check asks."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Max, Min, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from accounts.prepared import Prepared
from calls.insight import tallies
from calls.insight.tallies import branch
from calls.models import Call
from integrations import breakers, drift
from integrations.breakers import OpenBreaker
from integrations.clients import TokenEnd, token_ends
from integrations.models import Delivery, Heartbeat, Quarantine, Stream, WebhookEvent
from pledges.models import Person, Pledge

# The heartbeat is written every 15 seconds; a worker that missed four is not there.
WORKER_SILENT = timedelta(seconds=60)
# Feeds are walked every one or two minutes. A long walk is not stale while it holds its lease.
FEED_STALE = timedelta(minutes=15)
# What checks a feed by the hour, by night or by the week is named after it (calls-full), and says
# nothing about how fresh it is.
CHECK_MARK = "-"
# The name under which the worker writes its heartbeat.
WORKER = "worker"


@dataclass(frozen=True)
class Feed:
    """How far one feed was read."""

    watermark: datetime | None
    last_finished_at: datetime | None
    walking: bool

    def is_stale(self, *, at: datetime) -> bool:
        if self.walking:
            return False
        return self.last_finished_at is None or self.last_finished_at < at - FEED_STALE


@dataclass(frozen=True)
class Pulse:
    """Whether Belbord is at work: what a health check asks, in a handful of small queries."""

    worker_seen_at: datetime | None
    is_worker_alive: bool
    streams: dict[str, Feed]
    stale: list[str]
    # By feed, where there are any: records that walks had missed, or that are not there any more.
    discrepancies: dict[str, int]

    @property
    def is_ready(self) -> bool:
        return self.is_worker_alive and not self.stale


@dataclass(frozen=True)
class Figures:
    """What is here, at one moment. Moments are aware, in UTC.

    `calls`, `pledges` and `persons` count what TapRaise has told and still has. `attempts` counts
    the attempts that TapRaise has for those calls, ours and those of others, not the dials made
    here: the two agree once everything has left. `quarantine` counts what is not solved.
    `streams` and what is in them go by feed, or by account/feed once there are several accounts.
    """

    calls: dict[str, int]
    pledges: dict[str, int]
    persons: int
    attempts: int
    deliveries: dict[str, int]
    streams: dict[str, Feed]
    quarantine: int
    worker: dict[str, datetime | None]
    breakers: list[OpenBreaker]
    # What TapRaise sends otherwise than documented, the newest first.
    drift: list[drift.Seen]
    # Of the tokens that say when they run out.
    tokens: list[TokenEnd]
    # What was told to us by webhook, by state: duplicates are not counted.
    webhooks: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """By the names that people script against."""
        return asdict(self)


def pulse(*, at: datetime) -> Pulse:
    """Is the worker alive and is every feed fresh?"""
    return _pulse(_worker_seen_at(), at=at)


def _pulse(seen_at: datetime | None, *, at: datetime) -> Pulse:
    rows = _newest_streams()
    streams = {name: _feed(row, at=at) for name, row in rows.items()}
    return Pulse(
        worker_seen_at=seen_at,
        is_worker_alive=seen_at is not None and seen_at > at - WORKER_SILENT,
        streams=streams,
        stale=[
            name
            for name, feed in streams.items()
            if CHECK_MARK not in rows[name].feed and feed.is_stale(at=at)
        ],
        discrepancies={name: row.discrepancies for name, row in rows.items() if row.discrepancies},
    )


@dataclass(frozen=True)
class Waits:
    """Messages that have not left, or of which it is not known yet whether they arrived."""

    state: str
    n: int
    oldest: datetime

    @property
    def words(self) -> str:
        return str(Delivery.State(self.state).label)


@dataclass(frozen=True)
class Health:
    """Whether Belbord is at work, and what waits: what a supervisor sees of it."""

    at: datetime
    pulse: Pulse
    waits: list[Waits]
    # Each system that refuses something, and since when.
    refused: list[tuple[str, datetime]]

    @property
    def feeds(self) -> list[tuple[str, Feed, bool]]:
        """Those that are walked all day, by their names in words, and whether each is too old."""
        return [
            (_in_words(name), feed, name in self.pulse.stale)
            for name, feed in self.pulse.streams.items()
            if CHECK_MARK not in name
        ]


# What is read, as it is told to people.
FEEDS: Final = {
    "calls": _("calls"),
    "pledges": _("pledges"),
    "released": _("released pledges"),
    "mandates": _("e-Mandates"),
    "batches": _("messages in bulk"),
}


def _in_words(name: str) -> str:
    account, _slash, feed = name.rpartition("/")
    words = str(FEEDS.get(feed, feed))
    # Which account only where there are several of one system.
    return words if account in ("", "default", "alphacomm") else f"{words} ({account})"


def _waits() -> Any:
    """When the worker was seen, what has not left, and what refuses it."""
    worker = Heartbeat.objects.filter(name=WORKER)
    waiting = Delivery.objects.exclude(state=Delivery.State.CLOSED)
    return tallies.union(
        [
            branch(worker, "worker", oldest=Max("seen_at")),
            branch(waiting, "waits", code=F("state"), oldest=Min("created_at")),
            branch(breakers.open_rows(), "refused", code=F("key"), oldest=Min("opened_at")),
        ]
    )


# The floor asks for it every few seconds.
_WAITS: Final[Prepared[Any]] = Prepared(_waits)


def health(*, at: datetime) -> Health:
    """How fresh everything is and what waits to leave: two queries."""
    found = tallies.read(_WAITS.ask())
    seen_at = next((one.oldest for one in found if one.kind == "worker"), None)
    refused = [(one.code, one.oldest) for one in found if one.kind == "refused" and one.oldest]
    return Health(
        at=at,
        pulse=_pulse(seen_at, at=at),
        waits=[
            Waits(one.code, one.n, one.oldest)
            for one in found
            if one.kind == "waits" and one.oldest
        ],
        refused=[(breakers.system_of(key), since) for key, since in refused],
    )


def figures(*, at: datetime) -> Figures:
    """Count everything that an operator asks first: ten queries, whatever there is."""
    calls = Call.objects.filter(gone_at=None)
    by_status = calls.values_list("status").annotate(
        calls=Count("*"), attempts=Sum("attempts_count")
    )
    call_counts = {status: (count, attempts) for status, count, attempts in by_status.order_by()}
    return Figures(
        calls={status: count for status, (count, _) in sorted(call_counts.items())},
        pledges=_counts(Pledge.objects.filter(gone_at=None, fetched_at__isnull=False), "status"),
        persons=Person.objects.filter(fetched_at__isnull=False).count(),
        attempts=sum(attempts for _, attempts in call_counts.values()),
        deliveries=_counts(Delivery.objects.all(), "state"),
        streams={name: _feed(row, at=at) for name, row in _newest_streams().items()},
        quarantine=Quarantine.objects.filter(solved_at=None).count(),
        worker={"seen_at": _worker_seen_at()},
        breakers=list(breakers.open_now()),
        drift=drift.newest(),
        tokens=token_ends(at=at),
        webhooks=_counts(WebhookEvent.objects.all(), "state"),
    )


def _counts(rows: QuerySet[Any], column: str) -> dict[str, int]:
    counted = rows.order_by().values_list(column).annotate(count=Count("*"))
    # TapRaise may send a pledge without a status.
    return dict(sorted((value or "unknown", count) for value, count in counted))


def _worker_seen_at() -> datetime | None:
    return Heartbeat.objects.filter(name=WORKER).values_list("seen_at", flat=True).first()


def _newest_streams() -> dict[str, Stream]:
    """By feed, or by account/feed once there are several accounts."""
    # A feed with another filter starts a new stream: the newest is the one that walks.
    newest = {(stream.account, stream.feed): stream for stream in Stream.objects.order_by("pk")}
    has_one_account = len({account for account, _ in newest}) == 1
    return {
        feed if has_one_account else f"{account}/{feed}": stream
        for (account, feed), stream in sorted(newest.items())
    }


def _feed(stream: Stream, *, at: datetime) -> Feed:
    return Feed(
        watermark=stream.watermark,
        last_finished_at=stream.last_finished_at,
        walking=stream.lease_until is not None and stream.lease_until > at,
    )
