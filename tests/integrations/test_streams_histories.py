"""Many invented histories of one feed: it changes while it is read, clocks are off, reads lag,
answers fail, walkers crash. After the next walk that finishes nothing may be missing."""

import os
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from calls.freshness import CALLS
from calls.models import Call
from integrations.feeds import Feed
from integrations.streams import Outcome, Walk
from tests.integrations.feeds import Feeds

HISTORIES = int(os.environ.get("WALK_HISTORIES", "25"))


class Crash(Exception):
    """The walker's process is gone."""


def crashing(random: Random) -> Feed:
    def save(records: Any, account: str, fetched_at: Any) -> Any:
        # Before the page is saved, or saved and not committed: either way nothing of it remains.
        if random.random() < 0.1:
            raise Crash
        saved = CALLS.save(records, account, fetched_at)
        if random.random() < 0.1:
            raise Crash
        return saved

    return replace(CALLS, save=save)


def change(feeds: Feeds, random: Random) -> None:
    feeds.advance(seconds=random.choice([0, 1, 20, 90]))
    if random.random() < 0.7:
        feeds.touch(count=random.randint(1, 6), seed=random.randint(1, 10**6))
    if random.random() < 0.3:
        feeds.control("calls", count=random.randint(1, 3))


def fail_somehow(feeds: Feeds, random: Random) -> None:
    feeds.app.faults.clear()
    if random.random() < 0.4:
        feeds.fault(kind="read_lag", operation="calls", seconds=random.choice([5, 60]))
    elif random.random() < 0.5:
        status = random.choice([400, 401, 429, 500])
        feeds.fault(
            kind="status",
            status=status,
            operation="calls",
            probability=0.2,
            seed=random.randint(1, 10**6),
        )


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(HISTORIES))
def test_nothing_is_missing_after_the_next_finished_walk(seed: int) -> None:
    random = Random(seed)
    feeds = Feeds(calls=30, seed=seed + 1, page_size=random.choice([3, 7, 50]))
    feeds.skew = timedelta(seconds=random.randint(-300, 300))

    def live_on(done: Walk) -> None:
        if random.random() < 0.5:
            change(feeds, random)
        if random.random() < 0.05:
            raise Crash

    for _ in range(random.randint(3, 8)):
        change(feeds, random)
        fail_somehow(feeds, random)
        feeds.advance(minutes=random.choice([0, 1, 2, 400]))
        try:
            feeds.walk(crashing(random), watch=live_on)
        except Crash:
            feeds.advance(seconds=random.choice([1, 61]))

    feeds.app.faults.clear()
    feeds.advance(minutes=7)
    outcomes = [feeds.walk().outcome for _ in range(2)]

    assert outcomes == [Outcome.FINISHED, Outcome.FINISHED]
    assert {str(call.pk): call.notes for call in Call.objects.all()} == {
        uuid: call["notes"] for uuid, call in feeds.world.calls.items()
    }
