"""What is read of calls, and when what is here is too old to be believed.

The feed brings calls that changed. What changes without its call does not come with it: a donor's
phone number, a quality result, a pledge. So calls are also read by themselves: open ones once a
day, and those that are served next once an hour. Windows of the time of request are read rather
than one call after the other, each about a page, so that a busy day costs few requests.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from calls.models import Call
from calls.queue import in_order
from calls.sync import save_calls
from integrations import clients, feeds
from integrations.rounds import Round, Turn
from integrations.tapraise.client import CALL_INCLUDES, TapRaise
from integrations.tapraise.wire import CallRecord
from integrations.upsert import Saved
from pledges.models import Organization

# An open call that nothing confirmed for this long is read.
UNCONFIRMED: Final = timedelta(hours=24)
# The head of a queue: that many calls of an organisation, none of which is older than this.
HEAD: Final = 50
HEAD_OLDEST: Final = timedelta(hours=1)
# What one turn takes up at most.
MOST_OPEN: Final = 5000
MOST_HEAD: Final = 20
NEVER: Final = datetime.min.replace(tzinfo=UTC)
# How many calls of ours a window spans at most: no more than come on a page.
WINDOW: Final = 100
SECOND: Final = timedelta(seconds=1)


# ── The feed ──────────────────────────────────────────────────────────────────────────────────────


def _changed(client: TapRaise, after: datetime | None, cursor: str | None) -> feeds.Pages:
    return client.calls(updated_after=after, include=CALL_INCLUDES, after=cursor)


def _save(records: Sequence[CallRecord], account: str, fetched_at: datetime) -> Saved:
    return save_calls(records, account=account, include=CALL_INCLUDES, fetched_at=fetched_at)


CALLS: Final = feeds.Feed(
    "calls",
    "calls",
    f"include={','.join(CALL_INCLUDES)}",
    open=_changed,
    save=_save,
    model=Call,
    dated="last_updated_at",
)
LAST_CALLS: Final = CALLS.within(timedelta(days=14))


# ── Rounds ────────────────────────────────────────────────────────────────────────────────────────


def _read_open(turn: Turn) -> bool:
    """Open calls that nobody confirmed for a day, and calls whose person is only known by uuid."""
    since = turn.clock() - UNCONFIRMED
    theirs = Call.objects.filter(
        Q(read_at=None) | Q(read_at__lt=since), clients.is_looked_after_by(turn.account)
    ).order_by("requested_at")
    is_unconfirmed = Q(status=Call.Status.REQUESTED, gone_at=None, fetched_at__lt=since)
    wanted: dict[UUID, datetime] = {}
    for why in (is_unconfirmed, Q(person__fetched_at=None)):
        wanted.update(theirs.filter(why).values_list("pk", "requested_at")[:MOST_OPEN])
    return _read(turn, wanted) or len(wanted) >= MOST_OPEN


def _read_head(turn: Turn) -> bool:
    """Calls that are served next, if they have no quality result or were not read for an hour."""
    since = turn.clock() - HEAD_OLDEST
    wanted = []
    for pk, requested_at, read_at, fetched_at, quality in _served_next(turn.account):
        if quality is None or max(filter(None, (read_at, fetched_at)), default=NEVER) < since:
            wanted.append((read_at or NEVER, pk, requested_at))
    _read(turn, {pk: requested_at for _, pk, requested_at in sorted(wanted)[:MOST_HEAD]})
    # What was not taken up comes next time: it was read longer ago than what was.
    return False


def _served_next(account: str) -> Iterator[tuple[Any, ...]]:
    """The head of each organisation's queue: an agent of one does not wait for another's calls."""
    theirs = Call.objects.filter(clients.is_looked_after_by(account))
    queue = in_order(theirs.open().ours().managed_in_tapraise())
    for organization in Organization.objects.filter(members__isnull=False).distinct():
        head = queue.filter(person__owning_organization=organization)
        yield from head.values_list(
            "pk", "requested_at", "read_at", "fetched_at", "person__quality"
        )[:HEAD]


OPEN_CALLS: Final = Round("calls-open", timedelta(hours=1), _read_open, CALLS.operation)
HEAD_OF_QUEUE: Final = Round("calls-head", timedelta(minutes=2), _read_head, CALLS.operation)


# ── Reading back ──────────────────────────────────────────────────────────────────────────────────


def _read(turn: Turn, wanted: Mapping[UUID, datetime]) -> bool:
    """Read calls by when they were requested, window by window; say whether any are left."""
    left = sorted(wanted.items(), key=itemgetter(1, 0))
    while left:
        begins = left[0][1]
        reaches = _reach_of_page(begins)
        window = [one for one in left if reaches is None or one[1] <= reaches]
        left = left[len(window) :]
        _read_window(turn, {uuid for uuid, _ in window}, begins, window[-1][1])
        if turn.is_over():
            return True
    return False


def _reach_of_page(begins: datetime) -> datetime | None:
    """Until when calls are requested that fill a page from that moment on; None: they do not."""
    later = Call.objects.filter(requested_at__gte=begins).order_by("requested_at")
    times = list(later.values_list("requested_at", flat=True)[WINDOW - 1 : WINDOW])
    return times[0] if times else None


def _read_window(turn: Turn, wanted: set[UUID], begins: datetime, ends: datetime) -> None:
    """`GET /api/v1/calls` by requestedFrom and requestedUntil, saved as the feed's pages are.

    What is not there is left alone: only full walks tell what is gone. It counts as read, or the
    check would never get past it.
    """
    pages = turn.ask().calls(
        requested_from=begins - SECOND, requested_until=ends + SECOND, include=CALL_INCLUDES
    )
    with closing(pages):
        for page in pages:
            seen = {record.uuid for record in page.records} | {bad.uuid for bad in page.bad}
            found = wanted & seen
            with transaction.atomic():
                _mark_read(found, at=turn.clock())
                feeds.save_page(CALLS, page, account=turn.account)
            turn.records += len(found)
            wanted = wanted - found
            if not wanted or (page.has_next_page and turn.is_over()):
                return
    _mark_read(wanted, at=turn.clock())
    turn.absent += len(wanted)


def _mark_read(calls: Collection[UUID], *, at: datetime) -> None:
    Call.objects.filter(pk__in=calls).update(read_at=at)
