"""Walks one feed of TapRaise page by page, so that nothing is missed whenever it is cut short.

A stream is a feed of one service account, and how far it was read: its watermark. A walk asks for
what changed after the watermark, less an overlap, and only a walk that came to its end moves the
watermark: to the moment before its first page, by whichever clock is earlier, ours or theirs. Each
page is one transaction with the cursor behind it, so a walk that was cut short goes on there.

Beside a feed run two walks that check it, each a stream of its own: the full walk, which finds what
is gone (see `sightings`), and the one over a window of days, which finds what was missed. A stream
holds one walk, and either of them takes longer than a minute: in the feed's own stream they would
keep what is new from coming in, and a watermark must not move by a walk of something else.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast

import structlog
from django.db import transaction
from django.utils import timezone

from integrations import breakers, clients, sightings
from integrations.feeds import LEASE, Feed, Pages, leased, save_page, watermark
from integrations.http import (
    Clock,
    Forbidden,
    RateLimited,
    Refused,
    RemoteError,
    Unauthorized,
    ahead,
)
from integrations.models import Quarantine, Stream
from integrations.tapraise.client import BrokenPaging, Page, TapRaise

OVERLAP: Final = timedelta(minutes=10)
LONG_OVERLAP: Final = timedelta(hours=24)
LONG_OVERLAP_EVERY: Final = timedelta(hours=24)
OLDEST_TO_RESUME: Final = timedelta(hours=6)
# Below the time limit of a task, with room for the page that is under way.
TASK_SECONDS: Final = 30

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    FINISHED = "finished"
    # To be gone on with:
    STOPPED = "stopped"
    FAILED = "failed"
    # Not begun, or no longer ours:
    BUSY = "another walker is on it"
    WAITING = "waiting: the service account is refused"
    LOST = "another walker took over"


@dataclass
class Walk:
    """What one walk did: for the log and for whoever watches."""

    account: str
    feed: str
    is_full: bool = False
    is_resumed: bool = False
    outcome: Outcome = Outcome.STOPPED
    reason: str = ""
    pages: int = 0
    records: int = 0
    written: int = 0
    bad: int = 0
    # What was missing or older here although the feed that is checked had passed it; and what a
    # full walk did not see for the first and for the second time.
    discrepancies: int = 0
    missed: int = 0
    gone: int = 0
    unknown_fields: set[str] = field(default_factory=set)


class LeaseLost(Exception):
    """The stream has another walker by now, so nothing of this page may be written."""


def never() -> bool:
    return False


def nobody(_walk: Walk) -> None:
    pass


def always(_feed: Feed, _account: str, _at: datetime) -> bool:
    return True


def pull(
    *feeds: Feed,
    clock: Clock = timezone.now,
    is_full: bool = False,
    is_due: Callable[[Feed, str, datetime], bool] = always,
    should_stop: Callable[[], bool] | None = None,
    watch: Callable[[Walk], None] = nobody,
) -> list[Walk]:
    """Walk feeds once for each service account; without `should_stop` for as long as a task may.

    What is not finished by then goes on at its cursor the next time. `is_due` is asked of each feed
    and account. Each gets its share of the time, so that no account waits for a slower one.
    """
    wanted = [
        (feed, account)
        for feed in feeds
        for account in clients.accounts()
        if is_due(feed, account, clock())
    ]
    walks = []
    for (feed, account), is_over in zip(wanted, shares(clock, len(wanted)), strict=True):
        walks.append(
            walk(
                feed,
                clients.tapraise(account),
                account=account,
                clock=clock,
                is_full=is_full,
                should_stop=should_stop or is_over,
                watch=watch,
            )
        )
    return walks


def shares(clock: Clock, count: int) -> Iterator[Callable[[], bool]]:
    """Divide the time that a task has: for each part, whether it is over. What one part leaves
    over is for those after it."""
    ends = clock() + timedelta(seconds=TASK_SECONDS)
    for left in range(count, 0, -1):
        yield _after(clock, max(ends - clock(), timedelta()) / left)


def _after(clock: Clock, time: timedelta) -> Callable[[], bool]:
    ends = clock() + time
    return lambda: clock() >= ends


def walk(
    feed: Feed,
    client: TapRaise,
    *,
    account: str,
    clock: Clock = timezone.now,
    is_full: bool = False,
    should_stop: Callable[[], bool] = never,
    watch: Callable[[Walk], None] = nobody,
    is_fetching_ahead: bool = True,
) -> Walk:
    """Walk a feed of one account, from where it was left or from its watermark.

    `is_full` asks for everything: of a feed that was walked before, in the stream of its full walks
    (a first walk is a full one by itself, with nothing to compare). `should_stop` is asked after
    each page, and `watch` is told of it. Errors of the other side end the walk and are told in what
    it returns; an error of ours is raised. Either way the stream can be gone on with.
    """
    if is_full and feed.model is not None and watermark(account, feed.name, feed.filter):
        feed = feed.in_full()
    done = Walk(account, feed.name)
    at = clock()
    with leased(account, feed.name, feed.filter, at=at) as mine:
        if mine is None:
            done.outcome = Outcome.BUSY
            return done
        stream, lease = mine
        with transaction.atomic():
            may_begin = breakers.lets_through(
                [breakers.account_key(account), breakers.operation_key(account, feed.operation)],
                at=at,
            )
        if not may_begin:
            done.outcome = Outcome.WAITING
            return done
        walker = _Walker(feed, client, stream, lease, clock, should_stop, watch, done)
        walker.is_fetching_ahead = is_fetching_ahead
        try:
            walker.run(wants_full=is_full)
        except LeaseLost:
            done.outcome = Outcome.LOST
    _tell(done)
    return done


def _tell(done: Walk) -> None:
    if done.unknown_fields:
        log.info("fields_no_document_names", feed=done.feed, fields=sorted(done.unknown_fields))
    if done.outcome is Outcome.FAILED:
        log.warning("walk_failed", account=done.account, feed=done.feed, reason=done.reason)
    if done.discrepancies:
        counts = {"records": done.records, "discrepancies": done.discrepancies}
        log.warning("walks_missed_records", account=done.account, feed=done.feed, **counts)
    if done.missed or done.gone:
        counts = {"missed": done.missed, "gone": done.gone}
        log.warning("records_not_seen", account=done.account, feed=done.feed, **counts)


@dataclass
class _Walker:
    """One walk of a leased stream. It writes only while the lease is its own."""

    feed: Feed
    client: TapRaise
    stream: Stream
    lease: uuid.UUID
    clock: Clock
    should_stop: Callable[[], bool]
    watch: Callable[[Walk], None]
    done: Walk
    is_fetching_ahead: bool = True
    # Whatever changed before this, the walks that are checked have read.
    passed: datetime | None = None

    def run(self, *, wants_full: bool) -> None:
        if self.feed.checks:
            known = watermark(self.done.account, self.feed.checks, self.feed.filter)
            # What is no older than the overlap is still in reach of the next walk.
            self.passed = known and known - OVERLAP
        if self._can_resume(wants_full=wants_full):
            self.done.is_resumed = True
        else:
            is_first = self.stream.watermark is None and self.feed.window is None
            self._begin(is_full=wants_full or is_first)
        self.done.is_full = self.stream.is_full
        has_begun_anew = False
        last_refused_at: tuple[str | None] | None = None
        while True:
            try:
                has_ended = self._go_on()
            except Unauthorized as error:
                # The token is read again by the next request: once for each place, then it is bad.
                if last_refused_at == (self.stream.cursor,):
                    return self._fail(error)
                last_refused_at = (self.stream.cursor,)
            except BrokenPaging as error:
                self._abandon()
                return self._fail(error)
            except (Forbidden, RateLimited) as error:
                return self._fail(error)
            except Refused as error:
                # The cursor is not taken (any more): all over again, from the old watermark.
                if self.stream.cursor is None or has_begun_anew:
                    self._abandon()
                    return self._fail(error)
                has_begun_anew = True
                self._begin(is_full=self.stream.is_full)
            except RemoteError as error:
                return self._fail(error)
            else:
                if has_ended:
                    self._finish()
                return None

    def _can_resume(self, *, wants_full: bool) -> bool:
        stream = self.stream
        return (
            stream.state == Stream.State.WALKING
            and stream.cursor is not None
            and stream.started_at is not None
            and self.clock() - stream.started_at < OLDEST_TO_RESUME
            and (stream.is_full or not wants_full)
        )

    def _begin(self, *, is_full: bool) -> None:
        at = self.clock()
        self._write_and_forget(
            state=Stream.State.WALKING,
            is_full=is_full,
            walk_from=None if is_full else self._walk_from(at),
            started_at=at,
            cursor=None,
            pages=0,
            records=0,
            discrepancies=0,
        )

    def _walk_from(self, at: datetime) -> datetime | None:
        stream = self.stream
        if self.feed.window is not None:
            return at - self.feed.window
        if stream.watermark is None:
            return None
        last_long = stream.last_long_overlap_at
        is_long = last_long is None or at - last_long >= LONG_OVERLAP_EVERY
        return stream.watermark - (LONG_OVERLAP if is_long else OVERLAP)

    def _go_on(self) -> bool:
        """Save page after page from the cursor on; say whether that was all."""
        pages = self.feed.open(self.client, self.stream.walk_from, self.stream.cursor)
        fetching = cast(Pages, ahead(pages)) if self.is_fetching_ahead else pages
        with closing(fetching) as fetched:
            for page in fetched:
                self._save(page)
                self.watch(self.done)
                if page.has_next_page and self.should_stop():
                    return False
        return True

    def _save(self, page: Page[Any]) -> None:
        stream, feed = self.stream, self.feed
        started_at = stream.started_at or page.started_at
        skew = stream.skew_seconds
        if stream.cursor is None:
            started_at = min(started_at, page.started_at, page.date or page.started_at)
        if page.date is not None:
            skew = (page.date - page.started_at).total_seconds()
        discrepancies = self._discrepancies(page)
        with transaction.atomic():
            # First, so that a walker whose lease was taken stops here and writes nothing at all.
            self._write(
                cursor=page.end_cursor or stream.cursor,
                started_at=started_at,
                skew_seconds=skew,
                pages=stream.pages + 1,
                records=stream.records + len(page.records),
                out_of_order=stream.out_of_order + (not page.is_in_order),
                discrepancies=stream.discrepancies + discrepancies,
                lease_until=self.clock() + LEASE,
            )
            if stream.is_full and feed.checks:
                seen = [record.uuid for record in page.records]
                # What cannot be read is there all the same.
                seen += [bad.uuid for bad in page.bad if bad.uuid is not None]
                sightings.note(stream, seen)
            saved = save_page(feed, page, account=self.done.account)
        if self.done.pages == 0:
            breakers.note_answer(self.done.account, feed.operation)
        self.done.pages += 1
        self.done.records += len(page.records)
        self.done.written += saved.written
        self.done.bad += len(page.bad) + len(saved.refused)
        self.done.discrepancies += discrepancies
        self.done.unknown_fields.update(page.unknown_fields)

    def _discrepancies(self, page: Page[Any]) -> int:
        """How many records of the page the walks that are checked should have brought."""
        feed = self.feed
        if self.passed is None or feed.model is None:
            return 0
        dates = {
            record.uuid: date
            for record in page.records
            if (date := getattr(record, feed.dated)) <= self.passed
        }
        rows = feed.model._default_manager.filter(pk__in=dates)
        stored = dict(rows.values_list("pk", feed.dated))
        behind = [
            uuid
            for uuid, date in dates.items()
            if (ours := stored.get(uuid)) is None or ours < date
        ]
        if not behind:
            return 0
        known = Quarantine.objects.filter(solved_at=None, record_uuid__in=behind)
        return len(set(behind) - set(known.values_list("record_uuid", flat=True)))

    def _finish(self) -> None:
        stream = self.stream
        moments = [at for at in (stream.watermark, stream.started_at) if at is not None]
        changes: dict[str, Any] = {
            # Never backwards, whatever the clocks did.
            "watermark": max(moments),
            "last_finished_at": self.clock(),
            "last_error": "",
            "failures": 0,
        }
        if stream.is_full:
            changes["last_full_at"] = stream.started_at
        if stream.walk_from is None or (
            stream.watermark is not None and stream.watermark - stream.walk_from >= LONG_OVERLAP
        ):
            changes["last_long_overlap_at"] = stream.started_at
        ended: dict[str, Any] = {"state": Stream.State.IDLE, "cursor": None, "is_full": False}
        with transaction.atomic():
            unseen = self._conclude()
            self._write_and_forget(**ended, **changes)
        self.done.missed, self.done.gone = unseen.missed, unseen.gone
        self.done.outcome = Outcome.FINISHED

    def _conclude(self) -> sightings.Unseen:
        stream, feed = self.stream, self.feed
        if not (stream.is_full and feed.checks and feed.model and stream.started_at):
            return sightings.Unseen()
        # First of all, so that only one walker concludes.
        self._write(lease_until=self.clock() + LEASE)
        return sightings.conclude(
            stream, feed.model, kind=feed.kind, began_at=stream.started_at, at=self.clock()
        )

    def _abandon(self) -> None:
        """End the walk without an end: the next one starts anew, from the old watermark."""
        self._write_and_forget(state=Stream.State.IDLE, cursor=None, is_full=False)

    def _fail(self, error: RemoteError) -> None:
        breakers.note_error(error, self.done.account, self.feed.operation, at=self.clock())
        self.done.outcome = Outcome.FAILED
        self.done.reason = f"{type(error).__name__}: {error}"[:200]
        self._write(last_error=self.done.reason, failures=self.stream.failures + 1)

    def _write_and_forget(self, **changes: Any) -> None:
        """Begin or end a walk: what the one before it saw counts no more."""
        with transaction.atomic():
            self._write(**changes)
            if self.feed.checks:
                sightings.forget(self.stream)

    def _write(self, **changes: Any) -> None:
        """Change the stream, here and in the database. Raises LeaseLost if it is not ours."""
        mine = Stream.objects.filter(pk=self.stream.pk, lease=self.lease)
        if mine.update(**changes) != 1:
            raise LeaseLost
        for name, value in changes.items():
            setattr(self.stream, name, value)
