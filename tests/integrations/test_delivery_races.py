"""Workers that die, stand still, and get into each other's way."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import User
from calls import messages
from calls.models import Call
from integrations import breakers, clients, delivery
from integrations.lines import ForbiddenMove, LostRace, close, move
from integrations.models import Breaker, Delivery
from integrations.schedule import LEASE
from tests.conftest import Sandbox
from tests.factories import BreakerFactory, DeliveryFactory, UserFactory
from tests.simulation.history import Crash
from tests.stage import FAR, Stage

State, Outcome = Delivery.State, Delivery.Outcome
IN_AN_HOUR = timedelta(hours=1)


# ── A worker dies ─────────────────────────────────────────────────────────────────────────────────


def statements_of_one_delivery() -> int:
    """More statements than taking up one message needs: dying at each of them is dying anywhere."""
    return 30


@pytest.mark.parametrize("fault", [None, "reset_after", "reset_before", "late_effect"])
@pytest.mark.parametrize("operation", ["attempt", "complete", "cancelled", "expired"])
def test_dying_at_any_statement_neither_loses_nor_doubles(
    stage: Stage, alice: User, operation: str, fault: str | None
) -> None:
    for place in range(1, statements_of_one_delivery()):
        before = transaction.savepoint()
        stage.world.reset()
        stage.app.faults.clear()
        call = stage.open_call()
        if operation == "attempt":
            message = stage.attempt(call, alice)
        elif operation == "complete":
            message = stage.complete(call, alice)
        else:
            message = stage.end(call, alice, operation)
        if fault:
            rule: dict[str, Any] = {"seconds": 100} if fault == "late_effect" else {}
            stage.fault(fault, uuid=str(call.pk), times=1, **rule)
        _die_at(place, stage.sweep)
        stage.sweep_until_settled()
        message.refresh_from_db()
        assert message.outcome == Outcome.DONE, place
        assert len(stage.effects()) == 1, place
        transaction.savepoint_rollback(before)


def _die_at(place: int, work: Callable[[], Any]) -> None:
    left = place

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal left
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            left -= 1
            if left == 0:
                raise Crash
        return execute(sql, *rest)

    try:
        with connection.execute_wrapper(count):
            work()
    except Crash:
        return


@pytest.mark.parametrize("is_after", [False, True], ids=["before_sending", "after_the_effect"])
def test_a_worker_that_vanished_leaves_an_unclear_message(
    stage: Stage, alice: User, monkeypatch: pytest.MonkeyPatch, is_after: bool
) -> None:
    message = stage.attempt(stage.open_call(), alice)
    send = stage.adapter.send

    def die(*args: Any, **kwargs: Any) -> requests.Response:
        if is_after:
            send(*args, **kwargs)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(stage.adapter, "send", die)
        with pytest.raises(Crash):
            stage.sweep()
    message.refresh_from_db()
    assert message.state == State.SENDING
    stage.sweep_for(85)
    message.refresh_from_db()
    assert message.state == State.SENDING
    stage.sweep_for(10)
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.UNKNOWN, "lease_ran_out")
    stage.sweep_for(400)
    message.refresh_from_db()
    assert message.outcome == Outcome.DONE
    assert len(stage.effects()) == 1


def test_sending_is_committed_before_the_first_byte(
    sandbox: Sandbox, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who looks over another connection while the request is under way sees it."""
    message = _attempt_now(sandbox, UserFactory())
    seen: list[str] = []

    def look() -> None:
        seen.append(Delivery.objects.get(pk=message.pk).state)
        connections.close_all()

    answer = sandbox.app.answer

    def look_and_answer(request: Any) -> Any:
        if request.method == "PUT":
            witness = threading.Thread(target=look)
            witness.start()
            witness.join()
        return answer(request)

    monkeypatch.setattr(sandbox.app, "answer", look_and_answer)
    delivery.sweep(clock=timezone.now, until=timezone.now() + IN_AN_HOUR)
    assert seen == [State.SENDING]


def test_nothing_outside_is_asked_inside_a_transaction(
    sandbox: Sandbox, transactional_db: None
) -> None:
    _attempt_now(sandbox, UserFactory())
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        delivery.sweep(clock=timezone.now, until=timezone.now() + IN_AN_HOUR)
    assert sandbox.requests() == []


# ── A worker stands still ─────────────────────────────────────────────────────────────────────────


def test_who_comes_back_after_his_lease_writes_nothing(stage: Stage, alice: User) -> None:
    """The first worker stood still; the second one found out that it happened."""
    message = stage.attempt(stage.open_call(), alice)
    send = stage.adapter.send

    def stand_still(*args: Any, **kwargs: Any) -> requests.Response:
        stage.adapter.send = send  # type: ignore[method-assign]
        response = send(*args, **kwargs)
        stage.pass_time(LEASE.total_seconds() + 1)
        stage.fault("status", "pledge", status=500, times=1)
        stage.sweep()
        return response

    stage.adapter.send = stand_still  # type: ignore[method-assign]
    stage.sweep()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.UNKNOWN, "lease_ran_out")
    stage.sweep_for(300)
    message.refresh_from_db()
    assert message.outcome == Outcome.DONE
    assert len(stage.writes()) == 1


def test_a_worker_with_too_little_of_its_lease_left_does_not_send(
    stage: Stage, alice: User
) -> None:
    message = stage.attempt(stage.open_call(), alice)
    reads = 0

    def clock() -> datetime:
        nonlocal reads
        reads += 1
        if Delivery.objects.filter(state=State.SENDING).exists():
            stage.now = max(stage.now, stage_began + timedelta(seconds=31))
        return stage.now

    stage_began = stage.now
    delivery.sweep(clock=clock, until=stage.now + FAR)
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.READY, "not_sent")
    assert stage.writes() == []


@pytest.mark.django_db
def test_a_result_is_only_taken_from_who_holds_the_lease() -> None:
    mine = DeliveryFactory(is_sending=True)
    stale = Delivery.objects.get(pk=mine.pk)
    move(mine, State.UNKNOWN, reason="lease_ran_out")
    with pytest.raises(LostRace):
        close(stale, Outcome.DONE, at=stale.created_at)
    mine.refresh_from_db()
    assert mine.state == State.UNKNOWN


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.READY, State.UNKNOWN, State.SENDING])
def test_what_is_closed_stays_closed(state: str) -> None:
    message = DeliveryFactory(is_done=True)
    with pytest.raises(ForbiddenMove):
        move(message, state)


# ── Workers in each other's way ───────────────────────────────────────────────────────────────────


def _attempt_now(sandbox: Sandbox, user: User) -> Delivery:
    call, at = sandbox.open_call(), timezone.now()
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=call.pk)
        return messages.enqueue_attempt(
            call, user=user, attempt_at=at, token=call.pk, at=at - timedelta(seconds=10)
        )


def test_four_sweeps_at_once_send_each_message_once(
    sandbox: Sandbox, transactional_db: None
) -> None:
    user = UserFactory()
    made = [_attempt_now(sandbox, user) for _ in range(12)]
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def worker() -> None:
        try:
            start.wait()
            delivery.sweep(clock=timezone.now, until=timezone.now() + IN_AN_HOUR)
            for message in made:
                delivery.work(message.pk, clock=timezone.now, until=timezone.now() + IN_AN_HOUR)
        except BaseException as error:  # noqa: BLE001  (told by the test's own thread)
            failures.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=worker) for _ in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert failures == []
    assert len(sandbox.effects()) == 12
    assert len(sandbox.requests("PUT")) == 12
    assert set(Delivery.objects.values_list("outcome", flat=True)) == {Outcome.DONE}


@pytest.mark.django_db
def test_one_trial_goes_through_an_open_breaker() -> None:
    at = timezone.now()
    breaker = BreakerFactory(key="tapraise:default", try_after=at - timedelta(seconds=1))
    allowed = []
    with transaction.atomic():
        allowed = [breakers.lets_through([breaker.key], at=at) for _ in range(3)]
    assert allowed == [True, False, False]
    assert Breaker.objects.get().opened_at is not None


# ── Over real sockets ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("operation", ["add-attempt", "complete"])
def test_a_reset_after_the_effect_is_one_effect_and_one_put(
    sandbox: Sandbox, alice: User, operation: str
) -> None:
    """No library sends a PUT again behind our back, and the look finds what happened."""
    call, at = sandbox.open_call(), timezone.now()
    sandbox.app.faults.add({"kind": "reset_after", "operation": operation, "times": 1})
    about: dict[str, Any] = {"user": alice, "token": call.pk, "at": at - timedelta(seconds=10)}
    if operation == "add-attempt":
        message = messages.enqueue_attempt(call, attempt_at=at, **about)
    else:
        message = messages.enqueue_completion(
            call, result_code="dropped", retention_rating=None, notes="", completed_at=at, **about
        )
    delivery.sweep(clock=timezone.now, until=at + IN_AN_HOUR)
    message.refresh_from_db()
    assert message.state == State.UNKNOWN

    def later() -> datetime:
        return timezone.now() + timedelta(seconds=15)

    delivery.sweep(clock=later, until=at + IN_AN_HOUR)
    message.refresh_from_db()
    assert message.outcome == Outcome.DONE
    assert len(sandbox.effects()) == 1
    assert len(sandbox.requests("PUT")) == 1


def test_a_client_is_made_once_and_anew_when_settings_change(
    sandbox: Sandbox, settings: Any
) -> None:
    first = clients.tapraise("default")
    assert clients.tapraise("default") is first
    settings.TAPRAISE_URL = "http://127.0.0.1:1"
    assert clients.tapraise("default") is not first
