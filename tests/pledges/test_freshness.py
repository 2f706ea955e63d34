"""A pledge that something else spoke of before it was read itself: asked for by its uuid."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from calls.freshness import CALLS
from integrations import rounds, streams
from integrations.models import Breaker, Stream
from integrations.rounds import Turn
from integrations.sandbox import names
from integrations.streams import Outcome
from pledges.freshness import LAST_PLEDGES, PLEDGES, UNKNOWN_PLEDGES
from pledges.models import Pledge, Transaction
from tests.integrations.feeds import Feeds

pytestmark = pytest.mark.django_db


@pytest.fixture
def feeds(settings: Settings) -> Iterator[Feeds]:
    settings.TAPRAISE_URL = "http://sandbox"
    settings.TAPRAISE_TOKEN = names.TOKEN
    settings.TAPRAISE_ACCOUNTS = {}
    with Feeds(calls=60).mounted() as made:
        yield made


@pytest.fixture
def unknown(feeds: Feeds) -> Pledge:
    """A pledge of which only the uuid is known: nothing but a call spoke of it."""
    paid = next(u for u, payments in feeds.world.transactions_of.items() if payments)
    return Pledge.objects.create(uuid=uuid.UUID(paid), account="default", focus_areas=[])


def ask(feeds: Feeds) -> Turn:
    (turn,) = rounds.go(UNKNOWN_PLEDGES, clock=feeds.now)
    return turn


def test_a_pledge_that_only_was_a_uuid_comes_in_with_its_person_and_payments(
    feeds: Feeds, unknown: Pledge
) -> None:
    turn = ask(feeds)

    assert (turn.outcome, turn.records, turn.absent) == (Outcome.FINISHED, 1, 0)
    unknown.refresh_from_db()
    there = feeds.world.pledges[str(unknown.pk)]
    assert str(unknown.person_id) == there["personUuid"]
    assert unknown.status == there["status"]
    assert unknown.read_at == feeds.now()
    payments = Transaction.objects.filter(pledge=unknown)
    assert payments.count() == len(feeds.world.transactions_of[str(unknown.pk)])
    (asked,) = feeds.world.journal.requests
    assert asked["path"] == f"/api/v1/pledges/{unknown.pk}"

    feeds.advance(minutes=5)
    ask(feeds)
    assert len(feeds.world.journal.requests) == 1


def test_a_call_whose_pledge_did_not_come_along_has_it_soon(feeds: Feeds) -> None:
    def twist(page: dict[str, Any]) -> None:
        for edge in page["edges"]:
            edge["node"]["pledgeCase"] = None

    feeds.adapter.twist = twist
    streams.pull(CALLS, clock=feeds.now)
    feeds.adapter.twist = lambda page: None
    bare = Pledge.objects.filter(fetched_at=None)
    assert bare.exists()

    while ask(feeds).outcome is not Outcome.FINISHED:
        feeds.advance(minutes=5)

    assert not bare.exists()


@pytest.mark.parametrize("status", [404, 403])
def test_a_pledge_that_is_not_there_is_asked_for_again_a_day_later(
    feeds: Feeds, unknown: Pledge, status: int
) -> None:
    feeds.fault(kind="status", status=status, operation="pledge", uuid=str(unknown.pk), times=1)

    assert (ask(feeds).outcome, ask(feeds).absent) == (Outcome.FINISHED, 0)
    unknown.refresh_from_db()
    assert (unknown.fetched_at, unknown.read_at) == (None, feeds.now())
    assert Stream.objects.get(feed="pledges-unknown").discrepancies == 1
    feeds.advance(hours=23)
    ask(feeds)
    assert len(feeds.world.journal.requests) == 1

    feeds.advance(hours=1, minutes=1)

    assert ask(feeds).records == 1
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_one_that_cannot_be_read_does_not_keep_the_others_from_coming(
    feeds: Feeds, unknown: Pledge
) -> None:
    others = [one for one in feeds.world.pledges if one != str(unknown.pk)][:3]
    Pledge.objects.bulk_create(
        Pledge(uuid=uuid.UUID(one), account="default", focus_areas=[]) for one in others
    )

    def twist(answer: dict[str, Any]) -> None:
        if answer["uuid"] == str(unknown.pk):
            answer["updatedAt"] = "yesterday"

    feeds.adapter.twist = twist

    turn = ask(feeds)

    assert (turn.outcome, turn.records, turn.absent) == (Outcome.FINISHED, 3, 1)


def test_an_error_of_the_other_side_is_no_answer(feeds: Feeds, unknown: Pledge) -> None:
    feeds.fault(kind="status", status=500, operation="pledge", times=1)

    assert ask(feeds).outcome is Outcome.FAILED
    unknown.refresh_from_db()
    assert unknown.read_at is None

    assert ask(feeds).records == 1


def test_pledges_that_the_walks_missed_are_found_at_night(feeds: Feeds) -> None:
    streams.pull(PLEDGES, clock=feeds.now)
    feeds.advance(days=1)
    lead = next(u for u, one in feeds.world.pledges.items() if one["status"] == "lead")
    feeds.control(f"pledges/{lead}", status="dropped")
    feeds.advance(hours=1)
    Stream.objects.filter(feed="pledges").update(watermark=feeds.now())

    (done,) = streams.pull(LAST_PLEDGES, clock=feeds.now)

    assert (done.outcome, done.discrepancies) == (Outcome.FINISHED, 1)
    assert Pledge.objects.get(pk=lead).status == "dropped"
