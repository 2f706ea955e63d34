"""What comes of one message: a story for each line of the table of answers.

The sandbox's journal judges, not our own tables.
"""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import Settings

from accounts.models import AuditEntry, User
from calls.models import Call, Completion, Ending
from integrations import chips, clients
from integrations.models import Breaker, Delivery
from integrations.sandbox import effects, names
from integrations.sandbox.clock import as_text
from tests.stage import Stage

State, Outcome = Delivery.State, Delivery.Outcome


def fresh(message: Delivery) -> Delivery:
    return Delivery.objects.get(pk=message.pk)


def tone(message: Delivery, stage: Stage) -> str:
    return chips.chip(fresh(message), at=stage.now).tone.value


# ── Done ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_attempt_is_sent_proven_and_mirrored_at_once(stage: Stage, alice: User) -> None:
    call = stage.open_call()
    message = stage.attempt(call, alice)
    stage.sweep()
    message = fresh(message)
    assert (message.state, message.outcome, message.tries) == (State.CLOSED, Outcome.DONE, 1)
    [effect] = stage.effects()
    assert effect["body"]["userUuid"] == str(alice.tapraise_user_uuid)
    assert effect["body"]["attemptAt"] == as_text(stage.now)
    call.refresh_from_db()
    assert call.attempts_count == len(stage.world.calls[str(call.pk)]["attempts"])
    assert tone(message, stage) == "green"


def test_a_completion_carries_all_that_was_said(stage: Stage, alice: User) -> None:
    call = stage.open_call()
    message = stage.complete(call, alice)
    stage.sweep()
    [effect] = stage.effects("complete")
    assert effect["body"]["result"] == {
        "completedAt": as_text(stage.now),
        "notes": "alles klopt",
        "donorRetentionRating": 8,
        "resultCode": "confirmed",
    }
    call.refresh_from_db()
    assert (fresh(message).outcome, call.status) == (Outcome.DONE, Call.Status.COMPLETED)


@pytest.mark.parametrize("kind", Ending.Kind.values)
def test_a_supervisor_ends_a_call(stage: Stage, carol: User, kind: str) -> None:
    call = stage.open_call()
    message = stage.end(call, carol, kind)
    stage.sweep()
    call.refresh_from_db()
    assert (fresh(message).outcome, call.status) == (Outcome.DONE, kind)
    assert len(stage.effects()) == 1


# ── Not sent: ready again ─────────────────────────────────────────────────────────────────────────


def test_no_connection_means_not_sent_and_backs_off(
    stage: Stage, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> requests.Response:
        raise requests.exceptions.ConnectTimeout

    message = stage.attempt(stage.open_call(), alice)
    with monkeypatch.context() as patch:
        patch.setattr(stage.adapter, "send", refuse)
        waits = []
        for _ in range(12):
            stage.sweep()
            message = fresh(message)
            assert (message.state, message.reason) == (State.READY, "not_sent")
            waits.append((message.not_before - stage.now).total_seconds())
            stage.now = message.not_before
    assert 0.5 <= waits[0] <= 1
    assert all(wait <= 300 for wait in waits)
    assert waits[-1] >= 150
    stage.sweep()
    assert fresh(message).outcome == Outcome.DONE
    assert len(stage.effects()) == 1


def test_a_token_that_was_replaced_is_read_again_at_once(
    stage: Stage, alice: User, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    settings.TAPRAISE_ACCOUNTS = {"default": str(file)}
    clients.tapraise("default")._remote._token()
    file.write_text(names.TOKEN)
    message = stage.attempt(stage.open_call(), alice)
    stage.sweep()
    assert fresh(message).outcome == Outcome.DONE
    assert [one["status"] for one in stage.writes()] == [401, 200]
    assert not Breaker.objects.exclude(opened_at=None).exists()


def test_a_refused_token_makes_everything_wait_and_rejects_nothing(
    stage: Stage, alice: User
) -> None:
    messages = [stage.attempt(stage.open_call(), alice) for _ in range(5)]
    stage.fault("status", status=401, for_seconds=600)
    stage.sweep()
    breaker = Breaker.objects.get()
    assert breaker.opened_at == stage.now
    assert len(stage.writes()) == 2  # the first, and once more with the token read again
    stage.sweep_for(590)
    assert {fresh(message).state for message in messages} == {State.READY}
    assert len(stage.writes()) <= 2 + 2 * 8  # one trial after each pause
    stage.sweep_for(330)
    assert {fresh(message).outcome for message in messages} == {Outcome.DONE}
    assert len(stage.effects()) == 5
    breaker.refresh_from_db()
    assert breaker.opened_at is None


def test_too_many_requests_waits_as_long_as_it_is_told(stage: Stage, alice: User) -> None:
    message = stage.attempt(stage.open_call(), alice)
    stage.fault("status", "add-attempt", status=429, retry_after=42, times=1)
    stage.sweep()
    message = fresh(message)
    assert (message.state, message.reason) == (State.READY, "rate_limited")
    assert message.not_before == stage.now + timedelta(seconds=42)
    stage.sweep_for(40)
    assert len(stage.writes()) == 1
    stage.sweep_for(5)
    assert fresh(message).outcome == Outcome.DONE


# ── To a person ───────────────────────────────────────────────────────────────────────────────────


def test_forbidden_goes_to_a_person_and_three_in_a_row_stop_the_operation(
    stage: Stage, alice: User
) -> None:
    attempts = [stage.attempt(stage.open_call(), alice) for _ in range(5)]
    completion = stage.complete(stage.open_call(), alice)
    stage.fault("status", "add-attempt", status=403)
    stage.sweep()
    states = sorted(fresh(message).state for message in attempts)
    assert states == [State.NEEDS_DECISION] * 3 + [State.READY] * 2
    assert tone(next(m for m in attempts if fresh(m).state != State.READY), stage) == "red"
    # The token is good: what else it may do goes on.
    assert fresh(completion).outcome == Outcome.DONE
    stage.app.faults.remove()
    stage.sweep_for(60)
    assert sum(fresh(message).outcome == Outcome.DONE for message in attempts) == 2


def test_gone_goes_to_a_person_and_the_call_is_read_again(stage: Stage, alice: User) -> None:
    call = stage.open_call()
    message = stage.attempt(call, alice)
    stage.fault("status", "add-attempt", status=404)
    stage.world.change_call(stage.world.calls[str(call.pk)], stage.world.now(), notes="nieuw")
    stage.sweep()
    message = fresh(message)
    assert (message.state, message.reason) == (State.NEEDS_DECISION, "not_found")
    assert [reading["finding"] for reading in message.readings] == ["absent"]
    call.refresh_from_db()
    assert call.notes == "nieuw"


# ── It may have happened: read back ───────────────────────────────────────────────────────────────

AFTER_EFFECT: list[dict[str, Any]] = [
    {"kind": "reset_after"},
    {"kind": "cut_body"},
    {"kind": "not_json"},
    {"kind": "wrong_uuid"},
    {"kind": "status", "status": 500, "after_effect": True},
    {"kind": "status", "status": 408, "after_effect": True},
    {"kind": "slow", "seconds": 40},
    {"kind": "late_effect", "seconds": 120},
]


@pytest.mark.parametrize("rule", AFTER_EFFECT, ids=lambda rule: str(rule["kind"]))
@pytest.mark.parametrize("operation", ["add-attempt", "complete", "cancel", "expire"])
def test_an_effect_without_its_answer_is_found_and_never_sent_again(
    stage: Stage, alice: User, carol: User, operation: str, rule: dict[str, Any]
) -> None:
    call = stage.open_call()
    if operation == "add-attempt":
        message = stage.attempt(call, alice)
    elif operation == "complete":
        message = stage.complete(call, alice)
    else:
        kind = Ending.Kind.CANCELLED if operation == "cancel" else Ending.Kind.EXPIRED
        message = stage.end(call, carol, kind)
    stage.fault(operation=operation, times=1, **rule)
    stage.sweep()
    assert fresh(message).state == State.UNKNOWN
    assert tone(message, stage) == "amber"
    stage.sweep_for(160)
    assert fresh(message).outcome == Outcome.DONE
    assert tone(message, stage) == "green"
    stage.sweep_for(3600, every=60)
    assert len(stage.effects()) == 1
    assert len(stage.writes()) == 1


@pytest.mark.parametrize("has_pledge", [True, False], ids=["by_pledge", "by_time"])
def test_what_was_lost_is_sent_once_more_after_two_settled_looks(
    stage: Stage, alice: User, has_pledge: bool
) -> None:
    message = stage.attempt(stage.open_call(has_pledge=has_pledge), alice)
    sent_at = stage.now
    stage.fault("reset_before", "add-attempt", times=1)
    stage.sweep_for(295)
    assert fresh(message).state == State.UNKNOWN
    assert len(stage.writes()) == 1
    stage.sweep_for(10)
    message = fresh(message)
    assert (message.outcome, message.resends, message.tries) == (Outcome.DONE, 1, 2)
    looks = [
        round((stage_time(reading) - sent_at.timestamp()) / 5) * 5 for reading in message.readings
    ]
    assert looks == [15, 150, 300]
    assert len(stage.effects()) == 1


def stage_time(reading: dict[str, Any]) -> float:
    return datetime.fromisoformat(reading["at"]).timestamp()


def test_when_the_budget_is_spent_a_person_decides(stage: Stage, alice: User) -> None:
    message = stage.attempt(stage.open_call(), alice)
    stage.fault("reset_before", "add-attempt")
    stage.sweep_for(700)
    message = fresh(message)
    assert (message.state, message.reason) == (State.NEEDS_DECISION, "budget_spent")
    assert len(stage.writes()) == 2


def test_a_cancel_may_be_sent_anew_five_times(stage: Stage, carol: User) -> None:
    stage.end(stage.open_call(), carol, Ending.Kind.CANCELLED)
    stage.fault("reset_before", "cancel")
    stage.sweep_for(2400)
    assert len(stage.writes()) == 6


def test_a_call_that_is_not_found_is_no_reading_and_is_given_up_after_half_an_hour(
    stage: Stage, alice: User
) -> None:
    message = stage.attempt(stage.open_call(), alice)
    stage.fault("reset_before", "add-attempt", times=1)
    stage.fault("status", "pledge", status=404)
    stage.fault("wrong_uuid", "calls")
    stage.sweep_for(1795)
    message = fresh(message)
    assert message.state == State.UNKNOWN
    assert {reading["finding"] for reading in message.readings} == {"nothing"}
    stage.sweep_for(15)
    message = fresh(message)
    assert (message.state, message.reason) == (State.NEEDS_DECISION, "nothing_to_read")
    assert len(stage.writes()) == 1


@pytest.mark.parametrize("status", [400, 409])
def test_a_refusal_is_believed_after_a_settled_look_and_keeps_its_words(
    stage: Stage, alice: User, status: int
) -> None:
    message = stage.complete(stage.open_call(), alice)
    stage.fault("status", "complete", status=status)
    stage.sweep()
    assert fresh(message).state == State.UNKNOWN
    stage.sweep_for(145)
    assert fresh(message).state == State.UNKNOWN
    stage.sweep_for(10)
    message = fresh(message)
    assert (message.outcome, message.reason) == (Outcome.REJECTED, "refused")
    assert message.refusal
    assert Completion.objects.get().ended_badly_at == stage.now.replace(microsecond=0) or (
        Completion.objects.get().ended_badly_at == message.closed_at
    )
    assert len(stage.writes()) == 1


def test_a_refusal_because_it_is_so_already_turns_green(stage: Stage, alice: User) -> None:
    call = stage.open_call()
    message = stage.complete(call, alice)
    body = {
        "resultCode": "confirmed",
        "completedAt": as_text(stage.now),
        "notes": "",
        "donorRetentionRating": 8,
    }
    effects.complete(stage.world, str(call.pk), {"result": body}, stage.world.now())
    stage.sweep()
    assert fresh(message).reason == "refused"
    stage.sweep_for(20)
    assert fresh(message).outcome == Outcome.DONE


def test_a_call_that_somebody_else_completed_is_a_conflict(stage: Stage, alice: User) -> None:
    call = stage.open_call()
    message = stage.complete(call, alice)
    body = {"resultCode": "dropped", "completedAt": as_text(stage.now), "notes": ""}
    effects.complete(stage.world, str(call.pk), {"result": body}, stage.world.now())
    stage.sweep_for(20)
    message = fresh(message)
    assert (message.state, message.reason) == (State.NEEDS_DECISION, "conflict")
    assert message.readings[-1]["facts"]["result_code"] == "dropped"


def test_a_call_that_somebody_else_cancelled_is_cancelled(stage: Stage, carol: User) -> None:
    call = stage.open_call()
    message = stage.end(call, carol, Ending.Kind.CANCELLED)
    earlier = as_text(stage.now - timedelta(hours=1))
    effects.cancel(stage.world, str(call.pk), {"cancelledAt": earlier}, stage.world.now())
    stage.sweep_for(20)
    assert fresh(message).outcome == Outcome.DONE_BY_OTHER
    assert tone(message, stage) == "blue"
    call.refresh_from_db()
    assert call.status == Call.Status.CANCELLED


def test_a_server_that_cuts_times_to_seconds_is_understood(stage: Stage, alice: User) -> None:
    stage.world.switches = stage.world.switches.changed({"times_kept_to": "seconds"})
    message = stage.attempt(stage.open_call(), alice)
    stage.sweep()
    assert fresh(message).outcome == Outcome.DONE


def test_an_effect_that_is_later_than_we_count_with_is_seen_and_told(
    stage: Stage, alice: User
) -> None:
    message = stage.attempt(stage.open_call(), alice)
    stage.fault("late_effect", "add-attempt", seconds=600, times=1)
    stage.sweep_for(1800)
    assert len(stage.effects()) == 2
    assert fresh(message).outcome == Outcome.DONE
    entry = AuditEntry.objects.get(action="delivery.doubled")
    assert entry.facts["delivery"] == str(message.pk)
    assert tone(message, stage) == "red"


def test_a_mistake_of_our_own_while_sending_counts_as_sent(
    stage: Stage, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any, **__: Any) -> requests.Response:
        raise ZeroDivisionError

    message = stage.attempt(stage.open_call(), alice)
    monkeypatch.setattr(stage.adapter, "send", crash)
    stage.sweep()
    assert fresh(message).state == State.UNKNOWN


def test_a_payload_of_a_newer_version_waits_for_a_newer_worker(stage: Stage, alice: User) -> None:
    message = stage.attempt(stage.open_call(), alice)
    newer = Delivery.objects.create(  # type: ignore[misc]
        operation=message.operation,
        account=message.account,
        subject="call:of-another-version",
        seq=1,
        token=uuid.uuid4(),
        payload={},
        payload_version=2,
        fingerprint="x",
        not_before=stage.now,
        created_at=stage.now,
    )
    stage.sweep()
    assert (fresh(newer).state, fresh(newer).reason) == (State.READY, "not_sent")
    assert len(stage.writes()) == 1


# ── Order ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_leaves_in_order_and_in_one_go(stage: Stage, alice: User) -> None:
    call = stage.open_call()
    stage.attempt(call, alice)
    stage.pass_time(60)
    stage.attempt(call, alice)
    stage.pass_time(60)
    stage.complete(call, alice)
    stage.sweep()
    assert [one["operation"] for one in stage.effects()] == [
        "add-attempt",
        "add-attempt",
        "complete",
    ]


def test_an_unclear_head_blocks_its_line_and_no_other(stage: Stage, alice: User) -> None:
    call, other = stage.open_call(), stage.open_call()
    stage.attempt(call, alice)
    completion = stage.complete(call, alice)
    stage.fault("reset_after", uuid=str(call.pk), times=1)
    elsewhere = stage.attempt(other, alice)
    stage.sweep()
    assert fresh(completion).state == State.READY
    assert fresh(elsewhere).outcome == Outcome.DONE
    stage.sweep_for(20)
    assert fresh(completion).outcome == Outcome.DONE


def test_what_stands_behind_a_rejected_one_goes_to_a_person(stage: Stage, alice: User) -> None:
    call = stage.open_call()
    head = stage.attempt(call, alice)
    completion = stage.complete(call, alice)
    stage.fault("status", "add-attempt", status=400)
    stage.sweep_for(200)
    assert fresh(head).outcome == Outcome.REJECTED
    completion = fresh(completion)
    assert (completion.state, completion.reason) == (State.NEEDS_DECISION, "one_before")
    stage.sweep_for(3600, every=60)
    assert stage.effects() == []
