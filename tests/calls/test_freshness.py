"""What no feed tells is read by itself: donors that changed without their call, calls that are
served next, and what the walks missed."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Count, QuerySet
from pytest_django import Settings

from accounts.models import User
from calls.freshness import CALLS, HEAD_OF_QUEUE, LAST_CALLS, OPEN_CALLS
from calls.models import Call
from integrations import rounds, streams
from integrations.feeds import is_window_due
from integrations.models import Breaker, Stream
from integrations.rounds import Turn
from integrations.sandbox import names
from integrations.streams import Outcome
from pledges.models import Organization, Person, QualityResult
from tests.integrations.feeds import Feeds

pytestmark = pytest.mark.django_db


@pytest.fixture
def feeds(settings: Settings) -> Iterator[Feeds]:
    """A hundred and twenty calls that were read just now."""
    settings.TAPRAISE_URL = "http://sandbox"
    settings.TAPRAISE_TOKEN = names.TOKEN
    settings.TAPRAISE_ACCOUNTS = {}
    with Feeds(calls=120).mounted() as made:
        streams.pull(CALLS, clock=made.now)
        made.world.journal.clear()
        yield made


def read_open(feeds: Feeds) -> Turn:
    (turn,) = rounds.go(OPEN_CALLS, clock=feeds.now)
    return turn


def read_head(feeds: Feeds) -> Turn:
    (turn,) = rounds.go(HEAD_OF_QUEUE, clock=feeds.now)
    return turn


def compare(feeds: Feeds) -> streams.Walk:
    (done,) = streams.pull(LAST_CALLS, clock=feeds.now)
    return done


def open_calls() -> QuerySet[Call]:
    return Call.objects.filter(status=Call.Status.REQUESTED).order_by("requested_at")


def stream(feed: str) -> Stream:
    return Stream.objects.get(feed=feed)


# ── Open calls ────────────────────────────────────────────────────────────────────────────────────


def test_a_phone_number_that_changed_without_its_call_is_here_within_a_day(feeds: Feeds) -> None:
    call = open_calls()[0]
    feeds.control(f"persons/{call.person_id}", mobilePhoneNumber="+31612345678")
    streams.pull(CALLS, clock=feeds.now)
    assert Person.objects.get(pk=call.person_id).mobile_phone_number != "+31612345678"

    for _ in range(25):
        feeds.advance(hours=1)
        streams.pull(CALLS, clock=feeds.now)
        read_open(feeds)

    person = Person.objects.get(pk=call.person_id)
    assert (person.mobile_phone_number, person.mobile_e164) == ("+31612345678", "+31612345678")


def test_each_open_call_is_read_once_a_day_by_windows(feeds: Feeds) -> None:
    assert read_open(feeds).records == 0
    feeds.advance(hours=25)

    turn = read_open(feeds)

    assert (turn.outcome, turn.records) == (Outcome.FINISHED, open_calls().count())
    # Far fewer questions than calls, each with both ends of its window and everything included.
    asked = feeds.asked()
    assert len(asked) < open_calls().count() / 2
    assert all({"requestedFrom", "requestedUntil"} <= set(one) for one in asked)
    assert {one["include"] for one in asked} == {"person,personQualityResult,pledge,transactions"}
    feeds.world.journal.clear()
    feeds.advance(hours=2)
    assert read_open(feeds).records == 0
    assert feeds.asked() == []


def test_a_call_that_is_not_there_is_left_alone_and_counted(feeds: Feeds) -> None:
    missing = open_calls()[0]
    feeds.remove("calls", missing.pk)
    feeds.advance(hours=25)

    assert read_open(feeds).absent == 1

    missing.refresh_from_db()
    assert (missing.gone_at, missing.missed_at, missing.read_at) == (None, None, feeds.now())
    assert stream("calls-open").discrepancies == 1
    # The check has moved on.
    feeds.world.journal.clear()
    feeds.advance(hours=2)
    assert read_open(feeds).absent == 0


def test_a_round_that_is_cut_short_goes_on_with_what_it_did_not_reach(feeds: Feeds) -> None:
    feeds.advance(hours=25)
    feeds.fault(kind="slow", seconds=20, operation="calls")
    wanted = open_calls().filter(read_at=None).count()
    turns: list[Turn] = []
    while not turns or turns[-1].outcome is Outcome.STOPPED:
        turns.append(read_open(feeds))

    assert len(turns) > 1
    assert sum(turn.records for turn in turns) == wanted
    assert stream("calls-open").last_finished_at is not None


def test_a_person_that_is_known_by_uuid_only_is_read_with_a_call_of_theirs(feeds: Feeds) -> None:
    only_calls = Call.objects.annotate(n=Count("person__calls")).filter(n=1)
    ended = only_calls.exclude(status=Call.Status.REQUESTED).order_by("requested_at", "pk")
    call = ended[0]
    Person.objects.filter(pk=call.person_id).update(fetched_at=None, digest=None, last_name=None)
    feeds.advance(minutes=1)

    assert read_open(feeds).records == 1

    assert Person.objects.get(pk=call.person_id).last_name is not None


# ── The head of the queue ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def head(feeds: Feeds, alice: User, belcentrum: Organization) -> list[Call]:
    """The calls that are served next to somebody: open, ours, managed in TapRaise."""
    Organization.objects.filter(pk=belcentrum.pk).update(is_ours=True)
    queue = Call.objects.open().ours().managed_in_tapraise().visible_to(alice)
    return list(queue.order_by("requested_at"))


def test_a_quality_result_is_here_before_its_call_is_served(feeds: Feeds, head: list[Call]) -> None:
    feeds.world.switches = feeds.world.switches.changed({"quality_result_bumps_call": False})
    QualityResult.objects.filter(person=head[0].person_id).delete()
    feeds.control(f"persons/{head[0].person_id}", qualityResult="made")
    streams.pull(CALLS, clock=feeds.now)
    assert not QualityResult.objects.filter(person=head[0].person_id).exists()

    read_head(feeds)

    assert QualityResult.objects.filter(person=head[0].person_id).exists()
    head[0].refresh_from_db()
    assert head[0].read_at == feeds.now()


def test_the_head_of_the_queue_is_read_once_an_hour(feeds: Feeds, head: list[Call]) -> None:
    QualityResult.objects.bulk_create(
        [QualityResult(person_id=call.person_id) for call in head], ignore_conflicts=True
    )
    assert read_head(feeds).records == 0
    assert feeds.asked() == []

    feeds.advance(minutes=61)
    assert read_head(feeds).records == len(head)
    feeds.advance(minutes=5)
    assert read_head(feeds).records == 0


def without_quality_results(page: dict[str, Any]) -> None:
    for edge in page["edges"]:
        edge["node"]["person"]["qualityResult"] = None


def test_no_more_than_twenty_are_read_at_a_time_and_each_has_its_turn(
    feeds: Feeds, head: list[Call]
) -> None:
    for call in head:
        feeds.control("calls", personUuid=str(call.person_id))
    streams.pull(CALLS, clock=feeds.now)
    QualityResult.objects.all().delete()
    feeds.adapter.twist = without_quality_results
    read: set[UUID] = set()
    for _ in range(2):
        feeds.advance(minutes=3)
        assert read_head(feeds).records == 20
        read |= set(Call.objects.filter(read_at=feeds.now()).values_list("pk", flat=True))

    assert len(read) == 2 * len(head)
    assert {call.pk for call in head} <= read


# ── The window of a fortnight ─────────────────────────────────────────────────────────────────────


def test_what_a_walk_missed_is_found_at_night_and_counted(
    feeds: Feeds, caplog: pytest.LogCaptureFixture
) -> None:
    feeds.advance(days=1)
    older, missing = feeds.touch(count=2, changes={"notes": "Bel na zessen"})
    feeds.advance(hours=1)
    # As a walk with a fault would leave it: the watermark has passed them, and they are not here.
    Stream.objects.filter(feed="calls").update(watermark=feeds.now())
    Call.objects.filter(pk=missing).delete()

    done = compare(feeds)

    assert (done.outcome, done.discrepancies) == (Outcome.FINISHED, 2)
    notes = Call.objects.filter(pk__in=[older, missing]).values_list("notes", flat=True)
    assert list(notes) == ["Bel na zessen"] * 2
    assert stream("calls-window").discrepancies == 2
    (warning,) = [one for one in caplog.records if "walks_missed_records" in one.getMessage()]
    assert older not in warning.getMessage()
    assert feeds.asked()[0]["updatedAfter"].startswith("2026-02-17")

    assert compare(feeds).discrepancies == 0


def test_what_the_next_walk_will_bring_was_not_missed(feeds: Feeds) -> None:
    feeds.advance(days=1)
    streams.pull(CALLS, clock=feeds.now)
    feeds.advance(seconds=30)
    feeds.touch(count=3)

    done = compare(feeds)

    assert (done.records >= 3, done.discrepancies) == (True, 0)
    # And the feed's own watermark stays where it was.
    assert stream("calls").watermark == feeds.now() - timedelta(seconds=30)


def test_what_a_walk_read_too_early_to_see_is_within_reach_of_the_next(feeds: Feeds) -> None:
    feeds.advance(days=1)
    (late,) = feeds.touch(count=1)
    feeds.advance(minutes=1)
    feeds.fault(kind="read_lag", operation="calls", seconds=120)
    streams.pull(CALLS, clock=feeds.now)
    feeds.app.faults.clear()
    before = Call.objects.get(pk=late).last_updated_at

    done = compare(feeds)

    assert Call.objects.get(pk=late).last_updated_at > before
    assert done.discrepancies == 0


def test_a_record_in_quarantine_was_not_missed(feeds: Feeds) -> None:
    feeds.advance(days=1)
    ended = Call.objects.filter(status=Call.Status.COMPLETED).order_by("requested_at", "pk")[0]
    feeds.touch(uuids=[str(ended.pk)], changes={"status": "requested"})
    feeds.advance(hours=1)
    streams.pull(CALLS, clock=feeds.now)

    assert compare(feeds).discrepancies == 0


def test_the_window_is_due_once_a_night(feeds: Feeds) -> None:
    def is_due() -> bool:
        return is_window_due(LAST_CALLS, "default", feeds.now())

    feeds.world.clock.freeze(feeds.now().replace(hour=1, minute=30))
    compare(feeds)
    assert not is_due()
    feeds.advance(hours=22)
    # Past midnight by the clock on the wall, and not yet the hour.
    assert not is_due()
    feeds.advance(hours=2)
    assert is_due()
    compare(feeds)
    feeds.advance(hours=3)
    assert not is_due()


# ── When the other side does not answer ───────────────────────────────────────────────────────────


def test_a_token_that_is_refused_is_read_again_once(feeds: Feeds) -> None:
    feeds.advance(hours=25)
    feeds.fault(kind="status", status=401, operation="calls", times=1)

    assert read_open(feeds).outcome is Outcome.FINISHED

    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_a_token_that_stays_refused_opens_the_breaker_and_rounds_wait(feeds: Feeds) -> None:
    feeds.advance(hours=25)
    feeds.fault(kind="status", status=401, operation="calls", times=2)

    assert read_open(feeds).outcome is Outcome.FAILED
    assert Breaker.objects.get(opened_at__isnull=False).key == "tapraise:default"
    asked = len(feeds.asked())
    assert read_open(feeds).outcome is Outcome.WAITING
    assert len(feeds.asked()) == asked

    feeds.advance(minutes=10)
    assert read_open(feeds).outcome is Outcome.FINISHED
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_a_round_with_nothing_to_ask_takes_no_trial_of_an_open_breaker(feeds: Feeds) -> None:
    Breaker.objects.create(
        key="tapraise:default", failures=1, opened_at=feeds.now(), try_after=feeds.now()
    )

    assert read_open(feeds).outcome is Outcome.FINISHED

    assert Breaker.objects.get(key="tapraise:default").try_after == feeds.now()


@pytest.mark.parametrize("status", [500, 429, 403, 400])
def test_an_error_ends_the_round_quietly_and_it_is_taken_up_again(
    feeds: Feeds, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    feeds.advance(hours=25)
    feeds.fault(kind="status", status=status, operation="calls", times=1)

    assert read_open(feeds).outcome is Outcome.FAILED
    row = stream("calls-open")
    assert (row.failures, row.lease, str(status) in row.last_error) == (1, None, True)

    assert read_open(feeds).outcome is Outcome.FINISHED
    row.refresh_from_db()
    assert (row.failures, row.last_error) == (0, "")
    assert "round_failed" in caplog.text


def test_two_beats_at_once_are_one_round(feeds: Feeds) -> None:
    feeds.advance(hours=25)
    Stream.objects.create(
        account="default",
        feed="calls-open",
        lease=uuid.uuid4(),
        lease_until=feeds.now() + timedelta(seconds=30),
    )

    assert read_open(feeds).outcome is Outcome.BUSY

    assert feeds.asked() == []


def test_a_record_that_cannot_be_read_is_kept_aside_and_the_round_goes_on(feeds: Feeds) -> None:
    feeds.advance(hours=25)
    unreadable: Any = open_calls()[0].pk
    feeds.fault(kind="null_required", operation="calls", uuid=str(unreadable))

    turn = read_open(feeds)

    assert (turn.outcome, turn.absent) == (Outcome.FINISHED, 0)
    assert Call.objects.get(pk=unreadable).read_at == feeds.now()
