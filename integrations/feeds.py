"""What a feed is: a list of TapRaise, who saves its pages, the stream that keeps its place, and
when the walks that check it are due. `streams` walks."""

import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

import structlog
from django.db import DataError, IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone

from integrations import drift, quarantine
from integrations.breakers import READING
from integrations.models import Stream
from integrations.quarantine import Kept
from integrations.tapraise.client import Page, TapRaise
from integrations.upsert import Saved

# Longer than a page can take: 25 s to fetch it and some to save it.
LEASE: Final = timedelta(seconds=60)
FULL_WALK_EVERY: Final = timedelta(days=7)
# The hour, by the clock on the wall here, after which windows are walked.
NIGHT: Final = 2
# A walk that had to be given up is not begun again before this.
REST: Final = timedelta(hours=1)

log = structlog.get_logger(__name__)

Pages = Generator[Page[Any], None, None]


@dataclass(frozen=True)
class Feed:
    """One list of TapRaise, how a walk asks for it, and who saves its pages.

    `open` gets the moment after which changes are asked for (None for all there is) and the cursor
    to go on at. `kind` is what its records are called in quarantine. `filter` says what else is
    asked, so that another question is another stream. `save` runs inside the page's transaction.

    A feed that tells all there is names the `model` that mirrors its records, and the field, of a
    row and of a record alike, by which they are `dated`: so a walk can be compared with what is
    here. `checks` is the name of the feed whose walks this one checks.
    """

    name: str
    kind: str
    filter: str
    open: Callable[[TapRaise, datetime | None, str | None], Pages]
    save: Callable[[Sequence[Any], str, datetime], Saved]
    model: type[models.Model] | None = None
    dated: str = ""
    checks: str = ""
    window: timedelta | None = None

    @property
    def operation(self) -> str:
        """What it asks of the API, by the name that breakers know it by."""
        return f"{READING}{self.kind}"

    def in_full(self) -> Self:
        """The same feed, walked whole to find what is gone."""
        return replace(self, name=f"{self.name}-full", checks=self.name)

    def within(self, window: timedelta) -> Self:
        """The same feed, walked as far back as the window to find what its walks missed."""
        return replace(self, name=f"{self.name}-window", checks=self.name, window=window)


@contextmanager
def leased(
    account: str, feed: str, filter_: str, *, at: datetime
) -> Iterator[tuple[Stream, uuid.UUID] | None]:
    """A stream in our hands alone, and the lease that says so; None while another has it."""
    stream, _ = Stream.objects.get_or_create(account=account, feed=feed, filter=filter_)
    lease = uuid.uuid4()
    is_free = Q(lease=None) | Q(lease_until__lte=at)
    free = Stream.objects.filter(is_free, pk=stream.pk)
    if not free.update(lease=lease, lease_until=at + LEASE):
        yield None
        return
    try:
        stream.refresh_from_db()
        yield stream, lease
    finally:
        Stream.objects.filter(pk=stream.pk, lease=lease).update(lease=None, lease_until=None)


def watermark(account: str, feed: str, filter_: str) -> datetime | None:
    """The moment before which all of a feed was read; None before the end of its first walk."""
    streams = Stream.objects.filter(account=account, feed=feed, filter=filter_)
    return streams.values_list("watermark", flat=True).first()


def is_full_walk_due(feed: Feed, account: str, at: datetime) -> bool:
    """Whether a feed was walked whole too long ago, or not since its rows were restored."""
    full = feed.in_full()
    names = (feed.name, full.name)
    found = Stream.objects.filter(account=account, filter=feed.filter, feed__in=names)
    streams = {stream.feed: stream for stream in found}
    if feed.name not in streams or streams[feed.name].watermark is None:
        # Its first walk is a full one.
        return False
    if full.name in streams and _rests(streams[full.name], at):
        return False
    done = [stream.last_full_at for stream in streams.values() if stream.last_full_at is not None]
    return not done or at - max(done) >= FULL_WALK_EVERY


def is_window_due(feed: Feed, account: str, at: datetime) -> bool:
    """Whether a feed within a window was not walked yet tonight, or not to its end."""
    if watermark(account, feed.checks, feed.filter) is None:
        return False
    stream = Stream.objects.filter(account=account, feed=feed.name, filter=feed.filter).first()
    if stream is None or stream.last_finished_at is None:
        return stream is None or not _rests(stream, at)
    if stream.state == Stream.State.WALKING:
        return True
    now, last = timezone.localtime(at), timezone.localtime(stream.last_finished_at)
    return now.hour >= NIGHT and last.date() < now.date() and not _rests(stream, at)


def _rests(stream: Stream, at: datetime) -> bool:
    return (
        stream.state == Stream.State.IDLE
        and stream.failures > 0
        and stream.started_at is not None
        and at - stream.started_at < REST
    )


def save_page(feed: Feed, page: Page[Any], *, account: str) -> Saved:
    """Save a page, put aside what cannot be read of it, and count what no document foresees: the
    last thing of the caller's transaction (see `drift.count`)."""
    at = page.started_at
    quarantine.keep((Kept(feed.kind, b.uuid, b.path, b.reason, b.raw) for b in page.bad), at=at)
    saved = save_records(feed, page.records, account=account, at=at)
    drift.count(feed.kind, page.deviations, at=at)
    return saved


def save_records(feed: Feed, records: Sequence[Any], *, account: str, at: datetime) -> Saved:
    """Save records in the caller's transaction, all at once. When the database refuses them, one by
    one: one that no check of ours foresaw is kept aside, and the rest is saved."""
    try:
        with transaction.atomic():
            return feed.save(records, account, at)
    except (DataError, IntegrityError) as error:
        log.warning("page_refused", feed=feed.name, error=type(error).__name__)
    saved = Saved()
    for record in records:
        try:
            with transaction.atomic():
                saved += feed.save([record], account, at)
        except (DataError, IntegrityError) as error:
            reason = f"The database refused it ({type(error).__name__})"
            kept = quarantine.of_record(feed.kind, record.uuid, record, "$", reason)
            quarantine.keep([kept], at=at)
            saved += Saved(refused=(kept,))
    return saved
