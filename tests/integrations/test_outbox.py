"""The only door out: written in the caller's transaction, undone while nothing has left."""

import socket
import subprocess
import sys
import textwrap
import time
import uuid
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from accounts.models import User
from calls.models import Call
from integrations import outbox
from integrations.models import Delivery
from tests.factories import DeliveryFactory
from tests.stage import Stage

State, Outcome = Delivery.State, Delivery.Outcome


def test_a_message_waits_for_the_undo_window_and_then_leaves(stage: Stage, alice: User) -> None:
    message = stage.attempt(stage.open_call(), alice, is_late=False)
    stage.sweep_for(9, every=3)
    assert stage.effects() == []
    stage.sweep_for(1, every=1)
    message.refresh_from_db()
    assert message.outcome == Outcome.DONE


def test_undo_takes_back_all_of_one_form(stage: Stage, alice: User) -> None:
    token, call = uuid.uuid4(), stage.open_call()
    first = stage.attempt(call, alice, token=token, is_late=False)
    second = stage.complete(call, alice, token=token)
    assert outbox.undo(token=token, at=stage.now) == 2
    stage.sweep_for(60)
    assert stage.effects() == []
    for message in (first, second):
        message.refresh_from_db()
        assert message.outcome == Outcome.UNDONE


def test_undo_is_too_late_for_all_once_one_has_left(stage: Stage, alice: User) -> None:
    token = uuid.uuid4()
    left = stage.attempt(stage.open_call(), alice, token=token)
    waiting = stage.attempt(stage.open_call(), alice, token=token, is_late=False)
    stage.sweep()
    with pytest.raises(outbox.TooLate):
        outbox.undo(token=token, at=stage.now)
    left.refresh_from_db()
    waiting.refresh_from_db()
    assert (left.outcome, waiting.state) == (Outcome.DONE, State.READY)


def test_undo_is_too_late_for_what_was_tried(stage: Stage, alice: User) -> None:
    message = stage.attempt(stage.open_call(), alice)
    stage.fault("status", status=429, retry_after=60)
    stage.sweep()
    assert message.token is not None
    with pytest.raises(outbox.TooLate):
        outbox.undo(token=message.token, at=stage.now)


def test_what_was_undone_frees_its_fingerprint(stage: Stage, alice: User) -> None:
    call, token = stage.open_call(), uuid.uuid4()
    stage.complete(call, alice, token=token)
    outbox.undo(token=token, at=stage.now)
    call.completions.all().delete()
    again = stage.complete(call, alice)
    stage.sweep()
    again.refresh_from_db()
    assert again.outcome == Outcome.DONE
    assert len(stage.effects()) == 1


def test_a_form_without_messages_is_undone_without_a_word(stage: Stage) -> None:
    assert outbox.undo(token=uuid.uuid4(), at=stage.now) == 0


def test_pressing_next_lets_it_leave_now(stage: Stage, alice: User, bob: User) -> None:
    mine = stage.attempt(stage.open_call(), alice, is_late=False)
    his = stage.attempt(stage.open_call(), bob, is_late=False)
    assert outbox.release_early(by=alice, at=stage.now) == 1
    stage.sweep()
    mine.refresh_from_db()
    his.refresh_from_db()
    assert (mine.outcome, his.state) == (Outcome.DONE, State.READY)


def test_one_form_is_released_by_its_token(stage: Stage, alice: User) -> None:
    message = stage.attempt(stage.open_call(), alice, is_late=False)
    assert outbox.release_early(token=message.token, at=stage.now) == 1
    with pytest.raises(ValueError):
        outbox.release_early(at=stage.now)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_outside_a_transaction(stage: Stage) -> None:
    with pytest.raises(TransactionManagementError):
        _enqueue("call:1", "a", stage)
    assert not Delivery.objects.exists()


def test_places_in_a_line_follow_on_each_other(stage: Stage) -> None:
    with transaction.atomic():
        seqs = [_enqueue("call:1", mark, stage).seq for mark in "abc"]
        seqs.append(_enqueue("call:2", "a", stage).seq)
    assert seqs == [1, 2, 3, 1]


def test_one_effect_is_not_put_into_the_line_twice(stage: Stage) -> None:
    _enqueue("call:1", "a", stage)
    with pytest.raises(IntegrityError), transaction.atomic():
        _enqueue("call:1", "a", stage)


def _enqueue(subject: str, fingerprint: str, stage: Stage) -> Delivery:
    return outbox.enqueue(
        "tapraise.add_attempt",
        subject=subject,
        account="default",
        payload={"any": "thing"},
        fingerprint=fingerprint,
        token=uuid.uuid4(),
        by=None,
        at=stage.now,
    )


def test_attempts_of_one_call_never_share_a_second(stage: Stage, alice: User, bob: User) -> None:
    call = stage.open_call()
    first, second = stage.attempt(call, alice), stage.attempt(call, bob)
    third = stage.attempt(call, alice)
    times = [message.payload["attempt_at"] for message in (first, second, third)]
    assert times == sorted(set(times))


def test_attempts_come_after_those_that_tapraise_lists(stage: Stage, alice: User) -> None:
    call = stage.open_call()
    listed = (stage.now + timedelta(seconds=3)).isoformat()
    Call.objects.filter(pk=call.pk).update(
        attempts=[{"user": None, "attempt_at": listed, "created_at": listed}]
    )
    message = stage.attempt(call, alice)
    assert message.payload["attempt_at"] > listed


# ── The states, held by code and by the database ──────────────────────────────────────────────────


@pytest.mark.django_db
@pytest.mark.parametrize("was", State.values)
@pytest.mark.parametrize("becomes", State.values)
def test_the_database_allows_the_transitions_of_the_table_and_no_other(
    was: str, becomes: str
) -> None:
    message = DeliveryFactory(**_columns(was))
    change = {"state": becomes, **_columns(becomes)}
    # What does not change the state is not what is asked here.
    is_allowed = becomes == was != State.CLOSED or becomes in Delivery.TRANSITIONS[was]
    rows = Delivery.objects.filter(pk=message.pk)
    if was == becomes:
        change["not_before"] = message.not_before + timedelta(seconds=1)
        change.pop("lease", None)
    expected: AbstractContextManager[Any] = nullcontext()
    if not is_allowed:
        expected = pytest.raises(IntegrityError, match="delivery_guard")
    with expected, transaction.atomic():
        rows.update(**change)


def _columns(state: str) -> dict[str, object]:
    at = DeliveryFactory.build().created_at
    is_sending, is_closed = state == State.SENDING, state == State.CLOSED
    return {
        "state": state,
        "lease": uuid.uuid4() if is_sending else None,
        "lease_until": at if is_sending else None,
        "outcome": Outcome.DONE if is_closed else "",
        "closed_at": at if is_closed else None,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"payload": {"other": "words"}},
        {"operation": "tapraise.cancel_call"},
        {"subject": "call:other"},
        {"seq": 9},
        {"fingerprint": "other"},
        {"account": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_database_keeps_what_was_frozen(change: dict[str, object]) -> None:
    message = DeliveryFactory()
    with pytest.raises(IntegrityError, match="delivery_guard"), transaction.atomic():
        Delivery.objects.filter(pk=message.pk).update(**change)


@pytest.mark.django_db
def test_the_database_keeps_what_is_closed_but_takes_a_reading() -> None:
    message = DeliveryFactory(is_done=True)
    rows = Delivery.objects.filter(pk=message.pk)
    with pytest.raises(IntegrityError, match="delivery_guard"), transaction.atomic():
        rows.update(outcome=Outcome.REJECTED)
    assert rows.update(readings=[{"at": "x", "finding": "done"}]) == 1


@pytest.mark.django_db
def test_the_database_lets_nobody_take_over_a_lease() -> None:
    message = DeliveryFactory(is_sending=True)
    with pytest.raises(IntegrityError, match="delivery_guard"), transaction.atomic():
        Delivery.objects.filter(pk=message.pk).update(lease=uuid.uuid4())


@pytest.mark.django_db
def test_the_database_has_one_of_a_line_in_flight() -> None:
    DeliveryFactory(subject="call:1", seq=1, is_unknown=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        DeliveryFactory(subject="call:1", seq=2, is_sending=True)


@pytest.mark.django_db
def test_a_payload_is_not_readable_in_the_database() -> None:
    message = DeliveryFactory(payload={"notes": "een geheim van een donateur"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM integrations_delivery")
        [(stored,)] = cursor.fetchall()
    assert "geheim" not in stored
    message.refresh_from_db()
    assert message.payload["notes"] == "een geheim van een donateur"


# ── A nudge costs nobody time ─────────────────────────────────────────────────────────────────────

NUDGES = textwrap.dedent(
    """
    import time, uuid, django
    django.setup()
    import config
    from integrations.nudge import nudge
    uuid.uuid4()
    for _ in range(3):
        began = time.monotonic()
        print(nudge(uuid.uuid4()), time.monotonic() - began)
    """
)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("listens", [False, True], ids=["closed", "silent"])
def test_a_broker_that_is_away_costs_a_moment_once(scheme: str, listens: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen(16)
        port = silent.getsockname()[1]
        began = time.monotonic()
        said = subprocess.run(
            [sys.executable, "-c", f"import tests.environment\n{NUDGES}"],
            env={
                "REDIS_URL": f"{scheme}://127.0.0.1:{port}/",
                "DJANGO_SETTINGS_MODULE": "config.settings",
            },
            capture_output=True,
            text=True,
            check=True,
        )
    assert time.monotonic() - began < 30
    first, *others = [line.split() for line in said.stdout.splitlines()]
    assert first[0] == "False"
    # A twentieth of a second, and many times that for the first time on a machine that is busy.
    assert float(first[1]) < 1
    assert all(float(seconds) < 0.01 for _, seconds in others)
