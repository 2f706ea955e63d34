"""What TapRaise no longer has: hidden after two full walks that did not see it, never deleted, and
back as soon as anybody sees it again."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from calls.freshness import CALLS
from calls.models import Call
from integrations.feeds import is_full_walk_due
from integrations.models import Sighting, Stream
from integrations.streams import Outcome, Walk
from integrations.tapraise.codec import instant
from pledges.freshness import PLEDGES
from pledges.models import Pledge
from tests.integrations.feeds import Feeds

pytestmark = pytest.mark.django_db

FULL = CALLS.in_full()


@pytest.fixture
def feeds() -> Feeds:
    """25 calls that were read, five to a page, a week ago."""
    made = Feeds()
    made.walk()
    made.advance(days=7)
    return made


@pytest.fixture
def removed(feeds: Feeds) -> Call:
    """An open call that TapRaise has no longer."""
    call = Call.objects.filter(status="requested").latest("requested_at")
    feeds.remove("calls", call.pk)
    return call


def full_walk(feeds: Feeds, **options: Any) -> Walk:
    """The full walk of a week."""
    done = feeds.walk(is_full=True, **options)
    feeds.advance(days=7)
    return done


def stopping_after(pages: int) -> dict[str, Any]:
    seen: list[int] = []

    def watch(done: Walk) -> None:
        seen.append(done.pages)

    return {"watch": watch, "should_stop": lambda: seen[-1] >= pages}


def is_open(call: Call) -> bool:
    return Call.objects.open().filter(pk=call.pk).exists()


def unseen() -> set[uuid.UUID]:
    return set(Call.objects.exclude(missed_at=None).values_list("pk", flat=True))


def test_a_call_that_is_deleted_there_is_hidden_after_the_second_full_walk(
    feeds: Feeds, removed: Call
) -> None:
    began = feeds.now()
    done = full_walk(feeds)

    assert (done.outcome, done.missed, done.gone) == (Outcome.FINISHED, 1, 0)
    removed.refresh_from_db()
    assert (removed.missed_at, removed.gone_at) == (began, None)
    assert is_open(removed)

    # Walks of what changed see none of the others either, and say nothing about it.
    feeds.walk()
    assert is_open(removed)

    done = full_walk(feeds)

    assert (done.missed, done.gone) == (0, 1)
    assert not is_open(removed)
    assert unseen() == {removed.pk}
    assert Call.objects.count() == 25
    assert not Sighting.objects.exists()


def test_nothing_is_missed_while_all_is_there(feeds: Feeds) -> None:
    for _ in range(3):
        done = full_walk(feeds)
        assert (done.records, done.missed, done.gone, done.discrepancies) == (25, 0, 0, 0)


@pytest.mark.parametrize("full_walks", [1, 2])
def test_a_call_that_is_seen_again_is_a_call_again(
    feeds: Feeds, removed: Call, full_walks: int
) -> None:
    for _ in range(full_walks):
        full_walk(feeds)
    feeds.bring_back("calls", removed.pk)

    feeds.walk()

    removed.refresh_from_db()
    assert (removed.missed_at, removed.gone_at) == (None, None)
    assert is_open(removed)
    # To be missed, it has to be missed twice again.
    feeds.advance(minutes=1)
    feeds.remove("calls", removed.pk)
    assert full_walk(feeds).gone == 0
    assert full_walk(feeds).gone == 1


def test_a_call_that_one_full_walk_misses_and_the_next_one_sees_stays(
    feeds: Feeds, removed: Call
) -> None:
    full_walk(feeds)
    feeds.bring_back("calls", removed.pk, is_changed=False)
    assert full_walk(feeds).missed == 0
    feeds.remove("calls", removed.pk)

    assert full_walk(feeds).gone == 0

    assert is_open(removed)


def test_a_full_walk_that_is_cut_short_loses_no_sighting(feeds: Feeds, removed: Call) -> None:
    assert full_walk(feeds, **stopping_after(2)).outcome is Outcome.STOPPED
    feeds.advance(days=-7)
    assert Sighting.objects.count() == 10
    assert unseen() == set()

    done = full_walk(feeds)

    assert (done.is_resumed, done.pages, done.missed) == (True, 3, 1)
    assert unseen() == {removed.pk}
    assert not Sighting.objects.exists()


def test_a_page_that_is_not_saved_leaves_no_sighting(feeds: Feeds) -> None:
    def steal() -> None:
        Stream.objects.filter(feed=FULL.name).update(
            lease=uuid.uuid4(), lease_until=feeds.now() + timedelta(minutes=1)
        )

    done = full_walk(feeds, watch=lambda done: steal() if done.pages == 2 else None)

    assert done.outcome is Outcome.LOST
    assert Sighting.objects.count() == 10


def sends_in_a_circle(page: dict[str, Any]) -> None:
    page["pageInfo"] |= {"endCursor": "again", "hasNextPage": True}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda feeds: setattr(feeds.adapter, "twist", sends_in_a_circle),
        lambda feeds: feeds.fault(kind="status", status=500, operation="calls"),
        lambda feeds: feeds.fault(kind="status", status=400, operation="calls"),
        lambda feeds: feeds.advance(hours=7),
    ],
    ids=["circle", "error", "cursor refused", "too old"],
)
def test_a_full_walk_without_an_end_marks_nothing(
    feeds: Feeds, removed: Call, spoil: Callable[[Feeds], None]
) -> None:
    feeds.walk(is_full=True, **stopping_after(2))
    spoil(feeds)

    assert feeds.walk(is_full=True, **stopping_after(1)).outcome is not Outcome.FINISHED

    assert unseen() == set()
    feeds.adapter.twist = lambda page: None
    feeds.app.faults.clear()
    done = feeds.walk(is_full=True)
    assert (done.outcome, done.missed) == (Outcome.FINISHED, 1)
    assert unseen() == {removed.pk}
    assert not Sighting.objects.exists()


def test_what_an_abandoned_walk_saw_does_not_count_for_the_next(feeds: Feeds) -> None:
    feeds.walk(is_full=True, **stopping_after(2))
    seen = Sighting.objects.order_by("pk").values_list("record_uuid", flat=True)[0]
    feeds.advance(hours=7)
    feeds.remove("calls", seen)

    done = feeds.walk(is_full=True)

    assert (done.is_resumed, done.missed) == (False, 1)
    assert unseen() == {seen}


def test_what_came_while_a_full_walk_went_on_is_not_missed_by_it(feeds: Feeds) -> None:
    """New calls stand before the page that the walk begins with: it cannot see them."""

    def request() -> None:
        feeds.advance(minutes=1)
        feeds.control("calls", count=3)
        feeds.walk()

    done = full_walk(feeds, watch=lambda done: request() if done.pages == 1 else None)

    assert (done.records, done.missed) == (25, 0)
    assert Call.objects.count() == 28


def test_what_is_new_comes_in_while_a_full_walk_waits_to_be_gone_on_with(feeds: Feeds) -> None:
    feeds.walk(is_full=True, **stopping_after(1))
    feeds.advance(minutes=1)
    feeds.control("calls", count=3)

    assert feeds.walk().outcome is Outcome.FINISHED

    assert Call.objects.count() == 28
    assert feeds.stream(FULL).state == Stream.State.WALKING


def test_a_call_that_cannot_be_read_is_there_all_the_same(feeds: Feeds) -> None:
    unreadable = next(iter(feeds.world.calls))
    feeds.fault(kind="null_required", operation="calls", uuid=unreadable)

    for _ in range(2):
        assert full_walk(feeds).missed == 0


def test_while_a_record_does_not_tell_its_uuid_nothing_is_missed(
    feeds: Feeds, removed: Call
) -> None:
    def twist(page: dict[str, Any]) -> None:
        page["edges"][0]["node"]["uuid"] = "nobody"

    feeds.adapter.twist = twist

    assert full_walk(feeds).missed == 0
    assert unseen() == set()

    feeds.adapter.twist = lambda page: None
    assert full_walk(feeds).missed == 1


def test_pledges_are_told_gone_in_the_same_way(feeds: Feeds) -> None:
    feeds.walk(PLEDGES)
    pledge = Pledge.objects.exclude(fetched_at=None).earliest("created_at")
    # Only known by its uuid: no walk ever saw it, so none can miss it.
    bare = Pledge.objects.create(uuid=uuid.uuid4(), focus_areas=[])
    feeds.advance(days=7)
    feeds.remove("pledges", pledge.pk)

    feeds.walk(PLEDGES, is_full=True)
    feeds.advance(days=7)
    assert feeds.walk(PLEDGES, is_full=True).gone == 1

    pledge.refresh_from_db()
    bare.refresh_from_db()
    assert pledge.gone_at == feeds.now()
    assert (bare.missed_at, bare.gone_at) == (None, None)

    # A call that still carries it shows that it is there.
    feeds.bring_back("pledges", pledge.pk, is_changed=False)
    feeds.walk(CALLS, is_full=True)
    assert Pledge.objects.filter(pk=pledge.pk, missed_at=None, gone_at=None).exists()


# ── When ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_full_walk_is_due_a_week_after_the_last(feeds: Feeds) -> None:
    def is_due() -> bool:
        return is_full_walk_due(CALLS, "default", feeds.now())

    assert is_due()
    feeds.walk(is_full=True, **stopping_after(1))
    feeds.advance(minutes=1)
    assert is_due()
    feeds.walk(is_full=True)
    assert not is_due()
    feeds.advance(days=6, hours=23)
    assert not is_due()
    feeds.advance(hours=1)
    assert is_due()


def test_a_feed_that_was_never_walked_is_walked_whole_by_itself() -> None:
    feeds = Feeds()

    assert not is_full_walk_due(CALLS, "default", feeds.now())
    done = feeds.walk(is_full=True)

    assert (done.feed, done.is_full) == ("calls", True)
    assert not Sighting.objects.exists()
    assert not is_full_walk_due(CALLS, "default", feeds.now())


def test_a_full_walk_that_was_given_up_rests_an_hour(feeds: Feeds) -> None:
    feeds.adapter.twist = sends_in_a_circle
    feeds.walk(is_full=True)

    assert not is_full_walk_due(CALLS, "default", feeds.now())
    feeds.advance(hours=1)
    assert is_full_walk_due(CALLS, "default", feeds.now())


def test_after_a_restore_all_is_walked_whole_as_soon_as_a_walker_comes_by(feeds: Feeds) -> None:
    feeds.walk(is_full=True)
    feeds.advance(days=1)
    feeds.walk(is_full=True, **stopping_after(1))
    watermark = feeds.stream().watermark
    assert watermark is not None

    call_command("restored")

    assert not Sighting.objects.exists()
    assert is_full_walk_due(CALLS, "default", feeds.now())
    # What is new is asked for from where the backup was, and from a day before that.
    feeds.world.journal.clear()
    feeds.walk()
    assert feeds.asked()[0]["updatedAfter"] == instant(watermark - timedelta(hours=24))
    done = feeds.walk(is_full=True)
    assert (done.outcome, done.is_resumed, done.missed) == (Outcome.FINISHED, False, 0)
    assert not is_full_walk_due(CALLS, "default", feeds.now())
