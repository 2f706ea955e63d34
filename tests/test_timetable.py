"""What beat wakes up: each tick names a task that there is, and may come at any time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import Call
from config.celery import app
from integrations.models import Stream
from pledges.models import Pledge
from tests.conftest import Sandbox

pytestmark = pytest.mark.django_db


def tick() -> None:
    """Everything on the timetable, once."""
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        app.tasks[entry["task"]].run()


def test_whatever_is_woken_up_does_its_work_and_may_be_woken_up_twice(sandbox: Sandbox) -> None:
    for _ in range(2):
        tick()

    assert Call.objects.count() == len(sandbox.world.calls)
    assert Pledge.objects.exclude(fetched_at=None).count() == len(sandbox.world.pledges)
    streams = {stream.feed: stream for stream in Stream.objects.all()}
    # The first walks were full ones, so those of the week are not due.
    assert set(streams) == {
        "calls",
        "calls-window",
        "calls-open",
        "calls-head",
        "pledges",
        "pledges-window",
        "pledges-unknown",
        "released",
        "pay-links",
        "pay-links-now",
        "mandates",
        "mandates-now",
        "batches",
    }
    assert all(stream.last_finished_at is not None for stream in streams.values())
    assert {stream.lease for stream in streams.values()} == {None}
    assert {stream.discrepancies for stream in streams.values()} == {0}


def test_a_full_walk_is_taken_up_when_a_week_is_over(sandbox: Sandbox) -> None:
    tick()
    Stream.objects.update(last_full_at=timezone.now() - timedelta(days=7))

    tick()

    full = Stream.objects.filter(feed__in=["calls-full", "pledges-full"])
    assert full.exclude(last_full_at=None).count() == 2
