"""A feed is walked so that nothing is missed: the watermark protocol, against a mounted sandbox."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError

from calls.freshness import CALLS
from calls.models import Call
from integrations.models import Breaker, Quarantine, Stream
from integrations.streams import Outcome, Walk
from integrations.tapraise.codec import instant
from integrations.tapraise.wire import CallRecord
from integrations.upsert import Saved
from pledges.freshness import PLEDGES, RELEASED
from tests.integrations.feeds import NOON, Feeds

pytestmark = pytest.mark.django_db


@pytest.fixture
def feeds() -> Feeds:
    return Feeds()


def known_calls() -> set[str]:
    return {str(pk) for pk in Call.objects.values_list("pk", flat=True)}


def after_page(number: int, act: Callable[[], Any]) -> Callable[[Walk], None]:
    """Have something happen right after the given page of a walk was saved."""

    def watch(done: Walk) -> None:
        if done.pages == number:
            act()

    return watch


def stop_after(pages: int) -> dict[str, Any]:
    seen: list[int] = []

    def watch(done: Walk) -> None:
        seen.append(done.pages)

    return {"watch": watch, "should_stop": lambda: seen[-1] >= pages}


# ── Watermark ─────────────────────────────────────────────────────────────────────────────────────


def test_the_first_walk_asks_for_everything_and_sets_the_watermark(feeds: Feeds) -> None:
    done = feeds.walk()

    assert (done.outcome, done.is_full, done.pages) == (Outcome.FINISHED, True, 5)
    assert known_calls() == set(feeds.world.calls)
    stream = feeds.stream()
    assert (stream.watermark, stream.last_full_at) == (NOON, NOON)
    assert (stream.state, stream.cursor, stream.lease) == (Stream.State.IDLE, None, None)
    assert all("updatedAfter" not in asked for asked in feeds.asked())


def test_later_walks_ask_from_before_the_watermark_and_once_a_day_from_far_before(
    feeds: Feeds,
) -> None:
    feeds.walk()
    for minutes in (5, 5, 24 * 60, 5):
        feeds.advance(minutes=minutes)
        before = feeds.stream().watermark
        assert before is not None
        feeds.world.journal.clear()

        assert feeds.walk().outcome is Outcome.FINISHED

        overlap = timedelta(hours=24) if minutes > 60 else timedelta(minutes=10)
        assert feeds.asked()[0]["updatedAfter"] == instant(before - overlap)


def test_a_change_during_a_walk_is_found_by_the_next(feeds: Feeds) -> None:
    def change() -> None:
        feeds.advance(minutes=1)
        # On the page that has been read already: this walk cannot see it any more.
        feeds.touch(uuids=[newest], changes={"notes": "Bel na zessen"})

    newest = max(feeds.world.calls, key=lambda one: feeds.world.calls[one]["requestedAt"])
    feeds.walk(watch=after_page(1, change))
    assert Call.objects.get(pk=newest).notes != "Bel na zessen"

    feeds.advance(hours=3)
    feeds.walk()

    assert Call.objects.get(pk=newest).notes == "Bel na zessen"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_the_watermark_is_the_earlier_of_two_clocks_before_the_first_page(seconds: int) -> None:
    feeds = Feeds(skew=timedelta(seconds=seconds))

    feeds.walk(watch=lambda done: feeds.advance(seconds=20))

    stream = feeds.stream()
    assert stream.watermark == NOON + timedelta(seconds=min(seconds, 0))
    assert stream.skew_seconds == -seconds


def test_a_clock_that_is_set_back_does_not_move_the_watermark_back(feeds: Feeds) -> None:
    feeds.walk()
    feeds.advance(hours=-1)

    assert feeds.walk().outcome is Outcome.FINISHED

    assert feeds.stream().watermark == NOON


def test_a_full_walk_is_asked_for(feeds: Feeds) -> None:
    feeds.walk()
    feeds.world.journal.clear()
    feeds.advance(hours=1)

    done = feeds.walk(is_full=True)

    assert (done.records, done.written) == (25, 0)
    assert "updatedAfter" not in feeds.asked()[0]
    assert feeds.stream(CALLS.in_full()).last_full_at == NOON + timedelta(hours=1)
    # Nothing of it is taken for a walk of what changed.
    assert feeds.stream().watermark == NOON


def test_pledges_are_walked_by_change_and_by_release(feeds: Feeds) -> None:
    from pledges.models import Pledge

    feeds.walk(PLEDGES)
    feeds.walk(RELEASED)
    assert {str(pk) for pk in Pledge.objects.values_list("pk", flat=True)} == set(
        feeds.world.pledges
    )
    feeds.world.switches = feeds.world.switches.changed({"release_bumps_updated": False})
    feeds.advance(hours=1)
    lead = next(u for u, one in feeds.world.pledges.items() if one["status"] == "lead")
    feeds.control(f"pledges/{lead}", released=True)

    feeds.walk(PLEDGES)
    assert Pledge.objects.get(pk=lead).released_at is None
    feeds.walk(RELEASED)

    assert Pledge.objects.get(pk=lead).released_at == NOON + timedelta(hours=1)
    assert {asked["status"] for asked in feeds.asked()} == {"all"}


# ── Cut short ─────────────────────────────────────────────────────────────────────────────────────


def test_a_walk_that_was_stopped_goes_on_at_its_cursor(feeds: Feeds) -> None:
    assert feeds.walk(**stop_after(2)).outcome is Outcome.STOPPED
    stream = feeds.stream()
    assert (stream.watermark, stream.pages, Call.objects.count()) == (None, 2, 10)
    feeds.world.journal.clear()
    feeds.advance(hours=5)

    done = feeds.walk()

    assert (done.outcome, done.is_resumed, done.pages) == (Outcome.FINISHED, True, 3)
    assert feeds.asked()[0]["after"] == stream.cursor
    assert known_calls() == set(feeds.world.calls)
    # What happened since the walk began is for the next one to find.
    assert feeds.stream().watermark == NOON


def test_a_walk_of_yesterday_is_not_gone_on_with(feeds: Feeds) -> None:
    feeds.walk(**stop_after(2))
    feeds.world.journal.clear()
    feeds.advance(hours=7)

    done = feeds.walk()

    assert (done.is_resumed, done.pages) == (False, 5)
    assert "after" not in feeds.asked()[0]


def test_a_cursor_that_is_refused_begins_a_new_walk_from_the_old_watermark(feeds: Feeds) -> None:
    feeds.walk()
    feeds.advance(hours=1)
    feeds.touch(count=12)
    feeds.walk(**stop_after(1))
    feeds.world.journal.clear()
    feeds.fault(kind="status", status=400, operation="calls", times=1)

    done = feeds.walk()

    assert done.outcome is Outcome.FINISHED
    refused, anew = feeds.asked()[:2]
    assert "after" in refused
    assert "after" not in anew
    assert anew["updatedAfter"] == instant(NOON - timedelta(minutes=10))


@pytest.mark.parametrize("status", [500, 429, 403])
def test_an_error_moves_nothing_and_the_walk_can_be_gone_on_with(feeds: Feeds, status: int) -> None:
    def fail() -> None:
        feeds.fault(kind="status", status=status, operation="calls", times=1)

    done = feeds.walk(watch=after_page(2, fail))

    assert done.outcome is Outcome.FAILED
    stream = feeds.stream()
    assert (stream.watermark, stream.failures, stream.lease) == (None, 1, None)
    assert str(status) in stream.last_error

    done = feeds.walk()
    assert (done.outcome, done.is_resumed) == (Outcome.FINISHED, True)
    assert (feeds.stream().failures, feeds.stream().last_error) == (0, "")
    assert known_calls() == set(feeds.world.calls)


def test_a_cut_answer_is_no_page(feeds: Feeds) -> None:
    feeds.fault(kind="cut_body", operation="calls", times=1)

    assert feeds.walk().outcome is Outcome.FAILED

    assert not Call.objects.exists()


# ── The pager from hell ───────────────────────────────────────────────────────────────────────────


def loses_its_cursor(page: dict[str, Any]) -> None:
    page["pageInfo"]["endCursor"] = None


def sends_in_a_circle() -> Callable[[dict[str, Any]], None]:
    first: list[str] = []

    def twist(page: dict[str, Any]) -> None:
        first.append(page["pageInfo"]["endCursor"])
        page["pageInfo"] |= {"endCursor": first[0], "hasNextPage": True}

    return twist


@pytest.mark.parametrize("twist", [loses_its_cursor, sends_in_a_circle()])
def test_a_broken_pager_never_moves_the_watermark(
    feeds: Feeds, twist: Callable[[dict[str, Any]], None]
) -> None:
    feeds.walk()
    feeds.advance(hours=1)
    feeds.touch(count=12)
    feeds.adapter.twist = twist

    done = feeds.walk()

    assert done.outcome is Outcome.FAILED
    assert "BrokenPaging" in feeds.stream().last_error
    assert (feeds.stream().watermark, feeds.stream().cursor) == (NOON, None)

    feeds.adapter.twist = lambda page: None
    done = feeds.walk()
    assert (done.outcome, done.is_resumed, done.records) == (Outcome.FINISHED, False, 12)


def test_pages_out_of_order_are_counted_and_saved(feeds: Feeds) -> None:
    feeds.adapter.twist = lambda page: page["edges"].reverse()

    assert feeds.walk().outcome is Outcome.FINISHED

    assert feeds.stream().out_of_order > 0
    assert known_calls() == set(feeds.world.calls)


# ── One walker ────────────────────────────────────────────────────────────────────────────────────


def test_a_second_walker_leaves_quietly(feeds: Feeds) -> None:
    met: list[Walk] = []

    done = feeds.walk(watch=after_page(2, lambda: met.append(feeds.walk())))

    assert done.outcome is Outcome.FINISHED
    assert (met[0].outcome, met[0].pages) == (Outcome.BUSY, 0)


def test_a_walker_whose_lease_was_taken_writes_nothing_more(feeds: Feeds) -> None:
    thief = uuid.uuid4()

    def steal() -> None:
        Stream.objects.update(lease=thief, lease_until=feeds.now() + timedelta(minutes=1))

    done = feeds.walk(watch=after_page(2, steal))

    assert (done.outcome, done.pages, Call.objects.count()) == (Outcome.LOST, 2, 10)
    stream = feeds.stream()
    assert (stream.lease, stream.pages, stream.watermark) == (thief, 2, None)


def test_a_lease_that_ran_out_is_taken_over(feeds: Feeds) -> None:
    feeds.walk(**stop_after(1))
    Stream.objects.update(lease=uuid.uuid4(), lease_until=feeds.now() + timedelta(seconds=60))
    assert feeds.walk().outcome is Outcome.BUSY
    feeds.advance(seconds=61)

    assert feeds.walk().outcome is Outcome.FINISHED


# ── Our token ─────────────────────────────────────────────────────────────────────────────────────


def test_a_token_that_is_refused_in_mid_walk_is_read_again(feeds: Feeds) -> None:
    def expire() -> None:
        feeds.fault(kind="status", status=401, operation="calls", times=1)

    done = feeds.walk(watch=after_page(2, expire))

    assert (done.outcome, done.pages) == (Outcome.FINISHED, 5)
    assert known_calls() == set(feeds.world.calls)
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_a_token_that_stays_refused_opens_the_breaker_and_walks_wait(feeds: Feeds) -> None:
    feeds.fault(kind="status", status=401, operation="calls", for_seconds=10)

    assert feeds.walk().outcome is Outcome.FAILED
    assert Breaker.objects.get().opened_at is not None
    asked = len(feeds.asked())
    assert feeds.walk().outcome is Outcome.WAITING
    assert len(feeds.asked()) == asked

    feeds.advance(minutes=10)
    assert feeds.walk().outcome is Outcome.FINISHED
    assert Breaker.objects.get().opened_at is None


# ── Records that cannot be read ───────────────────────────────────────────────────────────────────


def test_a_record_that_cannot_be_read_is_kept_aside_and_the_walk_goes_on(feeds: Feeds) -> None:
    bad = next(iter(feeds.world.calls))
    feeds.fault(kind="null_required", operation="calls", uuid=bad)

    for times in (1, 2):
        assert feeds.walk(is_full=True).outcome is Outcome.FINISHED
        kept = Quarantine.objects.get()
        assert (kept.key, kept.path, kept.times) == (f"calls:{bad}", "$.requestedAt", times)
    assert known_calls() == set(feeds.world.calls) - {bad}
    assert kept.raw is not None
    assert kept.raw.startswith("{")
    assert kept.solved_at is None

    feeds.app.faults.clear()
    feeds.walk(is_full=True)

    assert Quarantine.objects.get().solved_at is not None
    assert known_calls() == set(feeds.world.calls)


def test_a_record_that_only_the_database_refuses_is_kept_aside_alone(feeds: Feeds) -> None:
    """As one would be that breaks a limit of the database which no check of ours knows."""
    refused = UUID(next(iter(feeds.world.calls)))

    def save(records: Sequence[CallRecord], account: str, at: datetime) -> Saved:
        saved = CALLS.save(records, account, at)
        if refused in {record.uuid for record in records}:
            raise DataError("value too long")
        return saved

    done = feeds.walk(replace(CALLS, save=save))

    assert done.outcome is Outcome.FINISHED
    kept = Quarantine.objects.get()
    assert kept.record_uuid == refused
    assert "DataError" in kept.reason
    assert Call.objects.count() == len(feeds.world.calls) - 1
    assert not Call.objects.filter(pk=refused).exists()


def test_a_record_without_a_uuid_is_known_by_its_content(feeds: Feeds) -> None:
    def twist(page: dict[str, Any]) -> None:
        page["edges"][0]["node"]["uuid"] = "nobody"

    feeds.adapter.twist = twist
    feeds.walk(is_full=True)
    feeds.walk(is_full=True)

    assert set(Quarantine.objects.values_list("times", flat=True)) == {2}
    assert Quarantine.objects.count() == 5


def test_unknown_fields_and_values_are_survived(feeds: Feeds) -> None:
    odd = next(iter(feeds.world.calls))
    feeds.touch(uuids=[odd], changes={"status": "paused", "type": "survey"})
    feeds.fault(kind="extra_fields", operation="calls")

    done = feeds.walk()

    assert (done.outcome, done.bad) == (Outcome.FINISHED, 0)
    assert "sandboxExtra" in done.unknown_fields
    call = Call.objects.get(pk=UUID(odd))
    assert (call.status, call.type) == ("paused", "survey")


def test_fetching_ahead_brings_the_same(feeds: Feeds) -> None:
    done = feeds.walk(is_fetching_ahead=True)

    assert (done.outcome, done.pages) == (Outcome.FINISHED, 5)
    assert known_calls() == set(feeds.world.calls)
