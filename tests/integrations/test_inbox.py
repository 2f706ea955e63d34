"""What was told to us is worked off: looked up, saved once, and never lost on the way.

An event proves nothing; what the other side says when it is asked does. `LINKS.truth` is that.
"""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts.models import AuditEntry, User
from integrations import actions, clients, inbox
from integrations.http import (
    BadRequest,
    Forbidden,
    NotSent,
    RateLimited,
    RemoteError,
    Unauthorized,
    Unclear,
)
from integrations.models import Breaker, Heartbeat, Quarantine, WebhookEvent
from tests.factories import BreakerFactory, WebhookEventFactory, now
from tests.integrations.inbox import (
    EVENTS,
    FAR,
    LINKS,
    Inbox,
    box,
    call_event,
    fresh,
    send,
)

pytestmark = pytest.mark.django_db

__all__ = ["box"]

State = WebhookEvent.State


# ── Worked off ────────────────────────────────────────────────────────────────────────────────────


def test_an_event_makes_us_look_and_what_is_found_is_saved(box: Inbox) -> None:
    LINKS.truth["link"] = "paid"
    event = box.tell("PayLinkPaid", "link")
    box.pass_time(seconds=3)
    assert box.work() == 1
    event = fresh(event)
    assert (event.state, event.tries, event.worked_at) == (State.WORKED, 1, box.now)
    assert LINKS.saved() == {"link": "paid"}
    assert Quarantine.objects.get().first_seen_at == box.now
    assert box.work() == 0


def test_a_forged_paid_pays_nothing(box: Inbox) -> None:
    LINKS.truth["link"] = "ready"
    box.tell("PayLinkPaid", "link", data={"transaction-amount": 10**6})
    box.work()
    assert LINKS.saved() == {"link": "ready"}


def test_events_about_one_link_take_one_look_and_each_is_saved(box: Inbox) -> None:
    LINKS.truth.update(link="paid", other="started")
    for name in ("PayLinkVisited", "PayLinkVisited", "PayLinkPaid"):
        told = box.tell(name, "link")
        box.tell(name, "link", id=told.event_id)
    box.tell("PayLinkVisited", "other")
    assert box.work() == 4
    assert sorted(LINKS.reads) == ["link", "other"]
    assert len(LINKS.saves) == 4
    assert LINKS.saved() == {"link": "paid", "other": "started"}


def test_events_are_saved_in_the_order_in_which_they_occurred(box: Inbox) -> None:
    times = {"c": "10:00:02", "a": "09:59:58", "b": "09:59:59"}
    for name, moment in times.items():
        box.tell("PayLinkVisited", "link", id=name, datetime=f"2026-11-03T{moment}Z")
    box.work()
    assert LINKS.saves == ["a", "b", "c"]


def test_an_event_that_says_all_there_is_asks_nothing(box: Inbox) -> None:
    send(box.client, call_event())
    WebhookEvent.objects.update(not_before=box.now)
    assert box.work() == 1
    assert LINKS.reads == []
    assert Heartbeat.objects.get().name == call_event()["id"]


def test_a_kind_that_nobody_knows_is_left_until_somebody_does(
    box: Inbox, settings: Settings, carol: User
) -> None:
    event = box.tell("PayLinkForgotten", "link")
    assert box.work() == 0
    with pytest.raises(actions.EventNotKnown):
        actions.work_again(event, user=carol, at=box.now)
    settings.EVENTS = {**EVENTS, "PayLinkForgotten": EVENTS["PayLinkPaid"]}
    actions.work_again(event, user=carol, at=box.now)
    assert box.work() == 1
    assert fresh(event).state == State.WORKED


def test_a_new_event_of_a_kind_that_only_a_newer_worker_knows_waits_for_that(
    box: Inbox, settings: Settings
) -> None:
    event = box.tell("PayLinkPaid", "link")
    settings.EVENTS = {}
    assert box.work() == 0
    assert inbox.next_due(at=box.now) is None
    settings.EVENTS = EVENTS
    assert box.work() == 1
    assert fresh(event).state == State.WORKED


# ── Not known here yet ────────────────────────────────────────────────────────────────────────────


def test_an_event_that_comes_before_our_own_answer_waits_and_is_then_matched(box: Inbox) -> None:
    LINKS.truth["link"] = "ready"
    LINKS.unknown_here.add("link")
    event = box.tell("PayLinkVisited", "link")
    box.work_for(seconds=20)
    event = fresh(event)
    assert (event.state, event.reason) == (State.WAITING, "not_known_here")
    assert 3 <= event.tries <= 6
    assert LINKS.saved() == {}
    LINKS.unknown_here.clear()
    box.work_for(seconds=40)
    assert fresh(event).state == State.WORKED
    assert LINKS.saved() == {"link": "ready"}


def test_it_is_tried_less_and_less_often_and_given_up_after_two_days(box: Inbox) -> None:
    LINKS.unknown_here.add("link")
    event = box.tell("PayLinkVisited", "link")
    waits = []
    while fresh(event).state != State.FAILED:
        box.work()
        waits.append((fresh(event).not_before - box.now).total_seconds())
        box.now = max(fresh(event).not_before, box.now + timedelta(seconds=1))
    assert 0.5 <= waits[0] <= 1
    assert max(waits) <= 300
    assert timedelta(hours=48) <= box.now - event.received_at < timedelta(hours=48, minutes=10)
    assert fresh(event).reason == "not_known_here"
    assert len(LINKS.reads) < 1200


def test_a_new_event_of_the_same_link_takes_those_that_wait_along(box: Inbox) -> None:
    LINKS.unknown_here.add("link")
    waiting = [box.tell("PayLinkVisited", "link") for _ in range(3)]
    box.work_for(minutes=10)
    LINKS.unknown_here.clear()
    LINKS.reads.clear()
    box.tell("PayLinkPaid", "link")
    assert box.work() == 4
    assert LINKS.reads == ["link"]
    assert {fresh(event).state for event in waiting} == {State.WORKED}


# ── The other side is away, or turns us down ──────────────────────────────────────────────────────

ERRORS: list[tuple[RemoteError, str]] = [
    (NotSent("away"), "not_sent"),
    (Unclear("cut short"), "unclear"),
    (BadRequest(400, "no"), "refused"),
    (Forbidden(403, "no"), "forbidden"),
    (RateLimited(429, "", 42.0), "rate_limited"),
    (RateLimited(429, "", 0.0), "rate_limited"),
]


@pytest.mark.parametrize(("error", "reason"), ERRORS, ids=[reason for _, reason in ERRORS])
def test_what_could_not_be_looked_up_is_looked_up_later(
    box: Inbox, error: RemoteError, reason: str
) -> None:
    LINKS.truth["link"] = "paid"
    LINKS.at_reading = [error]
    event = box.tell("PayLinkPaid", "link")
    box.work()
    event = fresh(event)
    assert (event.state, event.reason) == (State.WAITING, reason)
    assert LINKS.saves == []
    wait = (event.not_before - box.now).total_seconds()
    assert wait == 42 or 0 < wait <= 1
    assert (wait == 42) == (getattr(error, "retry_after", 0) == 42)
    box.work_for(seconds=60)
    assert fresh(event).state == State.WORKED


def test_another_side_that_is_away_for_days_uses_no_event_up(box: Inbox) -> None:
    LINKS.truth["link"] = "paid"
    LINKS.at_reading = [NotSent("away")] * 2000
    event = box.tell("PayLinkPaid", "link")
    box.work_for(hours=60, every=299)
    assert fresh(event).state == State.WAITING
    LINKS.at_reading.clear()
    box.work_for(minutes=6)
    assert fresh(event).state == State.WORKED


def test_a_refusal_that_lasts_is_given_up(box: Inbox) -> None:
    event = box.tell("PayLinkPaid", "link")
    LINKS.at_reading = [BadRequest(400, "no")] * 2000
    box.work_for(hours=49, every=299)
    assert (fresh(event).state, fresh(event).reason) == (State.FAILED, "refused")


def test_a_token_that_was_replaced_is_read_again_at_once(box: Inbox) -> None:
    LINKS.truth["link"] = "paid"
    LINKS.at_reading = [Unauthorized(401)]
    event = box.tell("PayLinkPaid", "link")
    box.work()
    assert fresh(event).state == State.WORKED
    assert len(LINKS.reads) == 2


def test_a_refused_token_makes_what_asks_wait_and_nothing_else(box: Inbox) -> None:
    LINKS.truth.update({f"link{n}": "paid" for n in range(5)})
    LINKS.at_reading = [Unauthorized(401)] * 2
    events = [box.tell("PayLinkPaid", f"link{n}") for n in range(5)]
    box.work()
    assert len(LINKS.reads) == 2
    assert Breaker.objects.get().opened_at == box.now
    send(box.client, call_event())
    WebhookEvent.objects.filter(service="voice").update(not_before=box.now)
    assert box.work() == 1
    assert len(LINKS.reads) == 2
    # The next look after its pause closes it, and the rest goes on.
    box.work_for(seconds=40)
    assert {fresh(event).state for event in events} == {State.WORKED}
    assert Breaker.objects.get().opened_at is None


def test_what_is_forbidden_stops_that_question_alone(box: Inbox) -> None:
    for n in range(5):
        box.tell("PayLinkPaid", f"link{n}")
    LINKS.at_reading = [Forbidden(403)] * 3
    box.work()
    assert len(LINKS.reads) == 3
    breaker = Breaker.objects.exclude(opened_at=None).get()
    assert breaker.key == f"alphacomm:{clients.ALPHACOMM}:alphacomm.list_pay_links"
    box.work_for(seconds=60)
    assert WebhookEvent.objects.filter(state=State.WORKED).count() == 5


def test_events_behind_an_open_breaker_keep_nothing_else_waiting(
    box: Inbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    BreakerFactory(key="alphacomm:alphacomm", try_after=box.now + FAR)
    monkeypatch.setattr(inbox, "BATCH", 2)
    for n in range(3):
        box.tell("PayLinkPaid", f"link{n}")
    send(box.client, call_event())
    WebhookEvent.objects.filter(service="voice").update(not_before=box.now)
    assert box.work() == 1
    assert LINKS.reads == []


# ── By hand ───────────────────────────────────────────────────────────────────────────────────────


def test_a_supervisor_has_an_event_worked_off_again(box: Inbox, carol: User) -> None:
    event = WebhookEventFactory(is_given_up=True, service_id="link", received_at=box.now)
    LINKS.truth["link"] = "paid"
    assert box.work() == 0
    actions.work_again(event, user=carol, at=box.now)
    assert box.work() == 1
    assert fresh(event).state == State.WORKED
    entry = AuditEntry.objects.get(action="event.worked_again")
    assert (entry.user, entry.subject) == (carol, f"event:{event.pk}")
    assert entry.facts == {
        "event": event.event_id,
        "was": "failed",
        "reason": "not_known_here",
    }


def test_what_was_worked_off_is_worked_off_again_as_well(box: Inbox, carol: User) -> None:
    event = WebhookEventFactory(is_worked=True, service_id="link")
    actions.work_again(event, user=carol, at=box.now)
    LINKS.truth["link"] = "paid"
    assert box.work() == 1
    assert LINKS.saved() == {"link": "paid"}


def test_an_event_that_a_worker_has_in_hand_is_left_to_it(box: Inbox, carol: User) -> None:
    event = box.tell("PayLinkPaid", "link")
    refused: list[type[Exception]] = []

    def press() -> None:
        for shown in (event, fresh(event)):
            try:
                actions.work_again(shown, user=carol, at=box.now)
            except actions.EventAtWork as error:
                refused.append(type(error))

    LINKS.at_reading = [press]
    box.work()
    assert len(refused) == 2
    assert fresh(event).state == State.WORKED
    assert not AuditEntry.objects.exists()


# ── What the table itself refuses ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "lost"},
        {"state": State.WORKED},
        {"worked_at": now()},
        {"state": State.FAILED},
        {"state": State.WAITING},
        {"state": State.WORKED, "worked_at": now(), "lease": "0" * 32},
        {"times": 0},
    ],
    ids=lambda columns: ", ".join(columns),
)
def test_no_row_says_two_things(db: None, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookEventFactory(**columns)


def test_time_is_not_spent_on_an_empty_inbox(box: Inbox, django_assert_num_queries: Any) -> None:
    began = time.monotonic()
    with django_assert_num_queries(2):
        assert box.work() == 0
    assert time.monotonic() - began < 1
