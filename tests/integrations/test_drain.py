"""The whole job without Celery, and what follows on a restored backup."""

import io
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from calls import messages
from calls.models import Call
from integrations import outbox, restore
from integrations.models import Delivery, Heartbeat
from integrations.tasks import beat, deliver, sweep
from tests.conftest import Sandbox
from tests.stage import Stage

State, Outcome = Delivery.State, Delivery.Outcome


def drain(**options: Any) -> str:
    said = io.StringIO()
    call_command("drain", stdout=said, **options)
    return said.getvalue()


def attempt(sandbox: Sandbox, user: User, *, due_in: float = 0) -> Delivery:
    call, now = sandbox.open_call(), timezone.now()
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=call.pk)
        return messages.enqueue_attempt(
            call,
            user=user,
            attempt_at=now,
            token=uuid.uuid4(),
            at=now - timedelta(seconds=10 - due_in),
        )


def test_drain_sends_all_that_is_due_and_says_so(sandbox: Sandbox, alice: User) -> None:
    made = [attempt(sandbox, alice) for _ in range(3)]
    attempt(sandbox, alice, due_in=60)
    assert drain() == ("3 steps taken; 1 messages wait for their time, 0 for a person.\n")
    assert len(sandbox.effects()) == 3
    assert Delivery.objects.filter(outcome=Outcome.DONE).count() == len(made)


def test_drain_waits_for_what_will_be_due_in_time(sandbox: Sandbox, alice: User) -> None:
    attempt(sandbox, alice, due_in=0.6)
    attempt(sandbox, alice, due_in=60)
    began = time.monotonic()
    assert "1 messages wait" in drain(wait=1.5)
    assert 1.2 < time.monotonic() - began < 15
    assert len(sandbox.effects()) == 1


def test_drain_with_nothing_to_do_does_not_wait(db: None) -> None:
    began = time.monotonic()
    drain(wait=30)
    assert time.monotonic() - began < 10


def test_the_tasks_do_the_same_work(sandbox: Sandbox, alice: User) -> None:
    first, second = attempt(sandbox, alice), attempt(sandbox, alice)
    deliver(str(first.pk))
    deliver(str(first.pk))
    assert len(sandbox.effects()) == 1
    # No broker answers here, so the sweep does what it would hand over.
    sweep()
    sweep()
    assert len(sandbox.effects()) == 2
    second.refresh_from_db()
    assert second.outcome == Outcome.DONE


def test_an_unknown_id_is_nobodys_work(db: None) -> None:
    deliver(str(uuid.uuid4()))


def test_a_worker_says_that_it_lives(db: None) -> None:
    beat()
    beat()
    assert Heartbeat.objects.get(name="worker").seen_at <= timezone.now()


# ── After a restore ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("has_left", [True, False], ids=["left_since", "never_left"])
def test_after_a_restore_all_is_read_before_anything_is_sent(
    stage: Stage, alice: User, has_left: bool
) -> None:
    call = stage.open_call()
    stage.attempt(call, alice)
    stage.complete(call, alice)
    if has_left:
        backup = transaction.savepoint()
        stage.sweep()
        transaction.savepoint_rollback(backup)
    sent = 2 if has_left else 0
    assert len(stage.effects()) == sent
    stage.pass_time(600)
    assert restore.distrust(at=stage.now) == 2
    stage.sweep_for(140)
    assert len(stage.effects()) == sent
    stage.sweep_for(1000)
    assert [one["operation"] for one in stage.effects()] == ["add-attempt", "complete"]
    assert set(Delivery.objects.values_list("outcome", flat=True)) == {Outcome.DONE}


def test_after_a_restore_what_may_have_left_is_not_undone(stage: Stage, alice: User) -> None:
    token, call = uuid.uuid4(), stage.open_call()
    stage.attempt(call, alice)
    stage.complete(call, alice, token=token)
    restore.distrust(at=stage.now)
    with pytest.raises(outbox.TooLate):
        outbox.undo(token=token, at=stage.now)


def test_restored_distrusts_every_state_under_way(stage: Stage, alice: User) -> None:
    sending, unclear, ready = (stage.attempt(stage.open_call(), alice) for _ in range(3))
    Delivery.objects.filter(pk=sending.pk).update(
        state=State.SENDING, lease=uuid.uuid4(), lease_until=stage.now
    )
    stage.fault("reset_before", times=1, uuid=unclear.payload["call"])
    Delivery.objects.filter(pk=ready.pk).update(not_before=stage.now + timedelta(seconds=5))
    stage.sweep()
    said = io.StringIO()
    call_command("restored", stdout=said)
    assert said.getvalue() == "3 messages are read back before anything is sent.\n"
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.UNKNOWN}
