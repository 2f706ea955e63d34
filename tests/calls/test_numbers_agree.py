"""One number has one source: the floor, insight, its files, exports and `status` say the same."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from calls.models import Attempt, Call
from integrations.models import Delivery
from pledges.models import Organization
from tests.calls.counted import completed, count, dialled, moment, page, told
from tests.calls.two_steps import signed_in
from tests.calls.written import in_csv, written
from tests.factories import (
    CallFactory,
    PersonFactory,
    QuarantineFactory,
    StreamFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
Outcome = Attempt.Outcome

NOON = datetime(2026, 11, 25, 11, 0, 5, tzinfo=UTC)
TODAY = "25-11-2026"
ASKED = f"?since={TODAY}&until={TODAY}"


@pytest.fixture(autouse=True)
def at_noon(settings: Settings, tmp_path: Any) -> Iterator[Any]:
    settings.EXPORTS_DIR = tmp_path / "exports"
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def a_day(alice: User, bob: User, new_call: NewCall, dierenhulp: Organization) -> None:
    """Today: 12 dials, 5 of them reached the donor; 4 calls completed, 3 confirmed. Yesterday two
    dials and a result; and today one of each for donors of another organisation."""
    day = NOON.date()
    calls = [new_call() for _ in range(12)]
    for place, call in enumerate(calls):
        outcome = Outcome.REACHED if place < 5 else Outcome.NO_ANSWER
        dialled(call, (alice, bob)[place % 2], moment(day, 10, place), outcome)
    for place, code in enumerate(["confirmed", "confirmed", "confirmed", "dropped"]):
        completed(calls[place], (alice, bob)[place % 2], moment(day, 11, place), code, 8)
    yesterday = moment(day.replace(day=24), 15)
    dialled(calls[11], bob, yesterday, Outcome.BUSY)
    dialled(calls[4], alice, yesterday, Outcome.REACHED)
    completed(calls[4], alice, yesterday, "downgraded", 5)
    other = CallFactory(person=PersonFactory(owning_organization=dierenhulp))
    dialled(other, alice, moment(day, 10), Outcome.REACHED)
    completed(other, alice, moment(day, 10, 5), "confirmed", 10)
    count()


def test_what_was_done_today_is_the_same_wherever_it_is_asked(
    carol: User, a_day: None, at_noon: Any
) -> None:
    floor = signed_in(carol).get("/floor/").context["floor"].day
    [results] = told(page(carol, f"/insight/results/{ASKED}"))[1:-1]
    agents = told(page(carol, f"/insight/agents/{ASKED}"))[-1]
    filed = in_csv(signed_in(carol).get(f"/insight/agents/table.csv{ASKED}"))[-1]
    today = {"since": "2026-11-25", "until": "2026-11-25"}
    attempts = written(carol, what="attempts", **today)
    at_noon.shift(60)
    calls = written(carol, what="calls")

    dials = (floor.attempts, int(agents[1]), int(filed["Attempts"]), len(attempts))
    reached = sum(row["Outcome"] == "reached" for row in attempts)
    reaches = (floor.reached, int(agents[3]), int(filed["Reached"]), reached)
    ended_today = [row for row in calls if row["Ended at"].startswith("2026-11-25")]
    ended = (floor.completed, int(results[6]), int(filed["Completed"]), len(ended_today))
    confirmed = sum(row["Result"] == "confirmed" for row in ended_today)
    confirms = (floor.results["confirmed"], int(results[1]), int(filed["Confirmed"]), confirmed)
    assert (set(dials), set(reaches), set(ended), set(confirms)) == ({12}, {5}, {4}, {3})


def test_what_waits_is_the_same_on_the_floor_and_in_status(
    carol: User, new_call: NewCall, alice: User
) -> None:
    day = NOON.date()
    for place in range(3):
        completed(new_call(), alice, moment(day, 9, place), "confirmed")
    Delivery.objects.update(state=Delivery.State.NEEDS_DECISION)
    QuarantineFactory()
    read_at = now().replace(hour=10)
    StreamFactory(feed="calls", last_finished_at=read_at)
    out = io.StringIO()
    call_command("status", "--json", stdout=out)
    status = json.loads(out.getvalue())

    shown = signed_in(carol).get("/floor/").context

    lines = {line.kind: line.n for line in shown["floor"].lines}
    assert (lines["decide"], lines["quarantine"]) == (3, 1)
    assert status["deliveries"] == {"needs_decision": 3}
    assert status["quarantine"] == 1
    [feed] = [one for one in shown["health"].pulse.streams.items() if one[0] == "calls"]
    assert feed[1].last_finished_at == read_at
    assert datetime.fromisoformat(status["streams"]["calls"]["last_finished_at"]) == read_at
