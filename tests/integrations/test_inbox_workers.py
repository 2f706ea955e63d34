"""Workers of the inbox die, come back late and work side by side: nothing is lost or done twice."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from integrations import inbox
from integrations.http import (
    NotSent,
    RateLimited,
    Unclear,
)
from integrations.models import WebhookEvent
from integrations.schedule import LEASE
from integrations.tasks import work_inbox
from tests.factories import WebhookEventFactory
from tests.integrations.inbox import (
    LINKS,
    Inbox,
    box,
    fresh,
    pay_link_event,
    send,
)

pytestmark = pytest.mark.django_db

__all__ = ["box"]

State = WebhookEvent.State
SHUFFLED = int(os.environ.get("WEBHOOKS_SHUFFLED", "90"))


class Crash(BaseException):
    """The worker's process is gone."""


def crash() -> None:
    raise Crash


# ── Workers that die, and get into each other's way ───────────────────────────────────────────────


@pytest.mark.parametrize("place", ["at_reading", "at_saving"])
def test_a_worker_that_dies_leaves_everything_as_it_was(box: Inbox, place: str) -> None:
    LINKS.truth["link"] = "paid"
    event = box.tell("PayLinkPaid", "link")
    dies: list[Callable[[], None]] = [crash]
    setattr(LINKS, place, dies)
    with pytest.raises(Crash):
        box.work()
    assert fresh(event).state == State.NEW
    assert LINKS.saved() == {}
    box.pass_time(seconds=LEASE.total_seconds() - 1)
    assert box.work() == 0
    box.pass_time(seconds=1)
    assert box.work() == 1
    assert (fresh(event).state, fresh(event).tries) == (State.WORKED, 2)
    assert LINKS.saved() == {"link": "paid"}


def test_a_mistake_of_ours_is_rolled_back_and_concerns_no_other_event(box: Inbox) -> None:
    LINKS.truth.update(link="paid", other="paid")
    first = box.tell("PayLinkPaid", "link")
    second = box.tell("PayLinkVisited", "link", datetime="2026-11-03T09:59:59Z")
    other = box.tell("PayLinkPaid", "other")
    LINKS.at_saving = [None, ZeroDivisionError("of a donor")]
    box.work()
    assert [fresh(event).state for event in (first, second, other)] == [
        State.WORKED,
        State.WAITING,
        State.WORKED,
    ]
    assert fresh(second).reason == "crashed"
    box.work_for(seconds=10)
    assert fresh(second).state == State.WORKED


def test_a_mistake_of_ours_while_looking_is_one_as_well(box: Inbox) -> None:
    event = box.tell("PayLinkPaid", "link")
    LINKS.at_reading = [ZeroDivisionError("of a donor")]
    box.work()
    assert (fresh(event).state, fresh(event).reason) == (State.WAITING, "crashed")
    assert LINKS.saves == []


def test_who_comes_back_after_its_lease_changes_nothing(box: Inbox) -> None:
    LINKS.truth["link"] = "started"
    event = box.tell("PayLinkPaid", "link")

    def another_worker() -> None:
        box.pass_time(seconds=LEASE.total_seconds() + 1)
        LINKS.truth["link"] = "paid"
        assert box.work() == 1

    LINKS.at_reading = [another_worker]
    box.work()
    assert len(LINKS.reads) == 2
    assert LINKS.saved() == {"link": "paid"}
    assert (fresh(event).state, fresh(event).tries) == (State.WORKED, 2)


def test_an_event_that_is_in_hand_is_not_taken_along_by_another_worker(box: Inbox) -> None:
    first = box.tell("PayLinkVisited", "link")
    LINKS.at_reading = [lambda: (box.tell("PayLinkPaid", "link"), box.work())]
    assert box.work() == 1
    assert len(LINKS.reads) == len(LINKS.saves) == 2
    assert set(WebhookEvent.objects.values_list("state", "tries")) == {(State.WORKED, 1)}
    assert LINKS.saves[1] == first.event_id


def test_what_another_worker_tried_meanwhile_is_not_tried_before_its_time(box: Inbox) -> None:
    LINKS.unknown_here.add("other")
    box.tell("PayLinkPaid", "link")
    other = box.tell("PayLinkPaid", "other")
    LINKS.at_reading = [lambda: box.work()]
    box.work()
    assert LINKS.reads == ["link", "other"]
    assert (fresh(other).state, fresh(other).tries) == (State.WAITING, 1)


def test_many_events_of_one_link_are_taken_in_hand_a_part_at_a_time(box: Inbox) -> None:
    told = inbox.TOGETHER * 2 + 1
    WebhookEventFactory.create_batch(told, service_id="link", not_before=box.now)
    assert box.work() == told
    assert LINKS.reads == ["link"] * 3


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_look_once_and_save_once(box: Inbox) -> None:
    for n in range(6):
        LINKS.truth[f"link{n}"] = "paid"
        for name in ("PayLinkVisited", "PayLinkPaid"):
            box.tell(name, f"link{n}")
    LINKS.takes_seconds = 0.05
    start = threading.Barrier(4)
    taken: list[int] = []

    def worker() -> None:
        start.wait()
        taken.append(box.work())
        connections.close_all()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 12
    assert sorted(LINKS.reads) == [f"link{n}" for n in range(6)]
    assert len(LINKS.saves) == len(set(LINKS.saves)) == 12
    assert set(WebhookEvent.objects.values_list("state", "tries")) == {(State.WORKED, 1)}


def test_it_stops_when_its_time_is_over(box: Inbox) -> None:
    for n in range(3):
        box.tell("PayLinkPaid", f"link{n}")

    def slow() -> None:
        box.pass_time(seconds=6)

    LINKS.at_reading = [slow, slow, slow]
    assert inbox.work(clock=box.clock, until=box.now + timedelta(seconds=10)) == 2
    assert WebhookEvent.objects.filter(state=State.NEW).count() == 1


def test_the_task_does_the_same_work(box: Inbox) -> None:
    LINKS.truth["link"] = "paid"
    send(box.client, pay_link_event("PayLinkPaid", "link"))
    work_inbox()
    work_inbox()
    assert WebhookEvent.objects.get().state == State.WORKED
    assert LINKS.reads == ["link"]


def test_few_statements_work_off_many_events_of_one_link(
    box: Inbox, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        box.tell("PayLinkVisited", "link")
    # For each: a savepoint, what the meaning does (3 to 8), and the event's end.
    with django_assert_max_num_queries(20 * 12 + 15):
        box.work()
    assert LINKS.reads == ["link"]


# ── Everything at once ────────────────────────────────────────────────────────────────────────────


# Committed as it goes: no database cleans up behind a single transaction of so many steps.
@pytest.mark.django_db(transaction=True)
def test_whatever_the_order_the_final_state_is_the_truth(box: Inbox) -> None:
    """Events tripled and shuffled, some before what they speak of is known here, some while the
    other side fails or a worker dies; links go on changing meanwhile, and each tells of it."""
    random = Random(11)
    links = [f"link-{n}" for n in range(max(SHUFFLED // 9, 1))]
    told = [
        pay_link_event(random.choice(["PayLinkVisited", "PayLinkPaid"]), link)
        for link in links
        for _ in range(3)
    ] * 3
    random.shuffle(told)
    left = dict.fromkeys(links, 9)
    LINKS.unknown_here.update(link for link in links if random.random() < 0.3)
    errors = [NotSent("away"), Unclear("cut"), RateLimited(429), ZeroDivisionError()]
    for body in told:
        link = body["serviceId"]
        left[link] -= 1
        # The last that is told of a link is told after its last change.
        if left[link]:
            LINKS.truth[link] = random.choice(["ready", "started", "failed", "partially_paid"])
        else:
            LINKS.truth[link] = random.choice(["paid", "cancelled"])
            body = {**body, "id": body["id"][::-1]}
        box.tell(body["event"], link, id=body["id"])
        if random.random() < 0.02:
            LINKS.at_reading = [random.choice(errors)]
        if random.random() < 0.02:
            LINKS.at_saving = [crash if random.random() < 0.5 else ZeroDivisionError("x")]
        if random.random() < 0.1:
            LINKS.unknown_here -= set(random.sample(links, k=min(3, len(links))))
        if random.random() < 0.05:
            box.pass_time(seconds=random.choice([0.2, 1, 5, 30]))
            _work_or_die(box)
    LINKS.unknown_here.clear()
    LINKS.at_reading, LINKS.at_saving = [], []
    box.work_for(minutes=10)
    assert LINKS.saved() == LINKS.truth
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {State.WORKED}
    assert sum(WebhookEvent.objects.values_list("times", flat=True)) == len(told)


def _work_or_die(box: Inbox) -> None:
    try:
        box.work()
    except Crash:
        return


# ── Without Celery ────────────────────────────────────────────────────────────────────────────────


def test_drain_works_off_the_inbox_as_well(box: Inbox) -> None:
    LINKS.truth["link"] = "paid"
    LINKS.unknown_here.add("other")
    send(box.client, pay_link_event("PayLinkPaid", "link"))
    send(box.client, pay_link_event("PayLinkPaid", "other"))
    said = StringIO()
    call_command("drain", stdout=said)
    assert LINKS.saved() == {"link": "paid"}
    assert said.getvalue().splitlines() == [
        "2 steps taken; 0 messages wait for their time, 0 for a person.",
        "1 events from outside wait to be worked off.",
    ]


def test_drain_waits_for_an_event_that_is_due_in_time(box: Inbox) -> None:
    LINKS.truth["link"] = "paid"
    LINKS.at_reading = [NotSent("away")]
    send(box.client, pay_link_event("PayLinkPaid", "link"))
    call_command("drain", wait=5, stdout=StringIO())
    assert LINKS.saved() == {"link": "paid"}
