"""What an operator asks first: exact keys for scripts, one screen for people."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from calls.models import Call
from integrations.models import Delivery
from pledges.models import Pledge
from tests.factories import (
    BreakerFactory,
    CallFactory,
    DeliveryFactory,
    HeartbeatFactory,
    OrganizationFactory,
    PersonFactory,
    PledgeFactory,
    QuarantineFactory,
    StreamFactory,
    WebhookEventFactory,
    now,
)

pytestmark = pytest.mark.django_db


def status(*options: str) -> str:
    out = StringIO()
    call_command("status", *options, stdout=out, no_color=True)
    return out.getvalue()


def as_json() -> Any:
    return json.loads(status("--json"))


@pytest.fixture
def at_work() -> None:
    """A day at the call centre: five calls, their pledges, and one of everything else."""
    person = PersonFactory()
    for state, attempts in [("requested", 2), ("requested", 0), ("completed", 3), ("odd", 1)]:
        CallFactory(person=person, pledge=None, status=state, attempts_count=attempts)
    CallFactory(person=person, pledge=None, attempts_count=9, gone_at=now())
    PledgeFactory(person=person, status=Pledge.Status.ACTIVE)
    PledgeFactory(person=person, status=None)
    # Only known by name: nothing of it was read yet.
    PersonFactory(fetched_at=None)
    PledgeFactory(person=None, owning_organization=None, status=None, fetched_at=None)
    DeliveryFactory()
    DeliveryFactory(is_undecided=True)
    DeliveryFactory(is_done=True)
    DeliveryFactory(is_done=True)
    StreamFactory(
        feed="calls", watermark=now() - timedelta(minutes=2), last_finished_at=now(), pages=3
    )
    StreamFactory(feed="pledges", lease_until=now() + timedelta(minutes=1), state="walking")
    QuarantineFactory()
    QuarantineFactory(solved_at=now())
    WebhookEventFactory()
    WebhookEventFactory(times=3)
    WebhookEventFactory(is_given_up=True)
    BreakerFactory(key="default")
    BreakerFactory(key="other", opened_at=None)
    HeartbeatFactory()


def test_the_keys_are_those_that_people_script_against() -> None:
    assert as_json() == {
        "calls": {},
        "pledges": {},
        "persons": 0,
        "attempts": 0,
        "deliveries": {},
        "streams": {},
        "quarantine": 0,
        "webhooks": {},
        "worker": {"seen_at": None},
        "breakers": [],
        "drift": [],
        "tokens": [],
    }


def test_everything_is_counted(at_work: None) -> None:
    figures = as_json()
    assert figures["calls"] == {"completed": 1, "odd": 1, "requested": 2}
    assert figures["pledges"] == {"active": 1, "unknown": 1}
    assert figures["persons"] == 1
    assert figures["attempts"] == 6
    assert figures["deliveries"] == {"closed": 2, "needs_decision": 1, "ready": 1}
    assert figures["quarantine"] == 1
    assert figures["webhooks"] == {"failed": 1, "new": 2}
    assert [breaker["key"] for breaker in figures["breakers"]] == ["default"]
    assert figures["worker"]["seen_at"]


def test_each_feed_tells_how_far_it_was_read(at_work: None) -> None:
    streams = as_json()["streams"]
    assert set(streams) == {"calls", "pledges"}
    assert set(streams["calls"]) == {"watermark", "last_finished_at", "walking"}
    assert streams["calls"]["walking"] is False
    assert streams["pledges"] == {"watermark": None, "last_finished_at": None, "walking": True}


def test_several_accounts_are_told_apart() -> None:
    StreamFactory(account="north", feed="calls")
    StreamFactory(account="south", feed="calls")
    assert set(as_json()["streams"]) == {"north/calls", "south/calls"}


def test_of_a_feed_that_is_asked_in_another_way_the_newest_walk_counts() -> None:
    StreamFactory(feed="calls", filter="include=person", last_finished_at=now())
    StreamFactory(feed="calls", filter="include=person,pledge")
    assert as_json()["streams"]["calls"]["last_finished_at"] is None


def test_times_are_in_utc(at_work: None) -> None:
    assert as_json()["streams"]["calls"]["watermark"].endswith("Z")


def test_a_person_reads_it_on_one_screen(at_work: None) -> None:
    screen = status()
    assert "4 (completed 1, odd 1, requested 2)" in screen
    assert "1 need a person's decision" in screen
    assert "3 (failed 1, new 2)" in screen
    assert "1 were given up" in screen
    assert "default opened" in screen
    assert len(screen.splitlines()) <= 24
    assert "\x1b" not in screen


def test_a_person_reads_what_the_walks_had_missed(at_work: None) -> None:
    StreamFactory(feed="calls-window", last_finished_at=now(), discrepancies=3)
    assert "3 records were missing or older here, or not there" in status()
    assert set(as_json()["streams"]["calls-window"]) == {"watermark", "last_finished_at", "walking"}


def test_it_stays_at_the_same_few_queries(at_work: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(10):
        as_json()
    organization = OrganizationFactory()
    for _ in range(10):
        person = PersonFactory(owning_organization=organization)
        CallFactory(person=person, calling_organization=organization)
        DeliveryFactory(state=Delivery.State.READY)
    assert Call.objects.count() == 15
    with django_assert_num_queries(10):
        as_json()
