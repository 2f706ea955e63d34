"""What a person does with a message that the rules cannot settle: decided on what was shown, once,
and with a line in the trail."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEntry, User
from calls.models import Completion
from integrations import actions
from integrations.actions import AlreadySentAgain, DecisionStale, DropReason
from integrations.models import Delivery
from tests.stage import Stage

State, Outcome = Delivery.State, Delivery.Outcome


def undecided(stage: Stage, user: User, *, is_there: bool = False) -> Delivery:
    """A completion that no reading settled: the call could not be found for half an hour."""
    message = stage.complete(stage.open_call(), user)
    stage.fault("reset_after" if is_there else "reset_before", "complete", times=1)
    stage.fault("status", "pledge", status=404)
    stage.fault("wrong_uuid", "calls")
    stage.sweep_until_settled()
    stage.app.faults.remove()
    message.refresh_from_db()
    assert message.state == State.NEEDS_DECISION
    return message


def test_a_supervisor_vouches_that_it_happened(stage: Stage, alice: User, carol: User) -> None:
    message = undecided(stage, alice)
    actions.decide_it_happened(
        delivery_id=message.pk, version=message.version, user=carol, at=stage.now
    )
    message.refresh_from_db()
    assert (message.state, message.outcome) == (State.CLOSED, Outcome.DECIDED)
    assert Completion.objects.get().ended_badly_at is None
    entry = AuditEntry.objects.get(action="delivery.decided")
    assert (entry.user, entry.facts["was"]) == (carol, "nothing_to_read")


def test_a_supervisor_has_it_sent_once_more_and_only_once(
    stage: Stage, alice: User, carol: User
) -> None:
    message = undecided(stage, alice)
    stage.fault("reset_before", "complete", times=1)
    actions.send_once_more(
        delivery_id=message.pk, version=message.version, user=carol, at=stage.now
    )
    stage.sweep_for(400)
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.NEEDS_DECISION, "budget_spent")
    with pytest.raises(AlreadySentAgain):
        actions.send_once_more(
            delivery_id=message.pk, version=message.version, user=carol, at=stage.now
        )
    assert len(stage.writes()) == 2


def test_a_supervisor_drops_it_and_what_waits_behind_goes_to_a_person(
    stage: Stage, alice: User, carol: User
) -> None:
    call = stage.open_call()
    head = stage.attempt(call, alice)
    stage.fault("status", "add-attempt", status=403)
    stage.sweep()
    completion = stage.complete(call, alice)
    stage.sweep()
    head.refresh_from_db()
    actions.drop(
        delivery_id=head.pk,
        version=head.version,
        reason=DropReason.MISTAKE,
        user=carol,
        at=stage.now,
    )
    stage.sweep_for(60)
    completion.refresh_from_db()
    assert (completion.state, completion.reason) == (State.NEEDS_DECISION, "one_before")
    actions.drop(
        delivery_id=completion.pk,
        version=completion.version,
        reason=DropReason.NOT_WANTED,
        user=carol,
        at=stage.now,
    )
    assert Completion.objects.get().ended_badly_at == stage.now
    assert stage.effects() == []
    assert AuditEntry.objects.filter(action="delivery.dropped").count() == 2


def test_what_waited_behind_a_dropped_one_may_be_sent_by_a_person(
    stage: Stage, alice: User, carol: User
) -> None:
    call = stage.open_call()
    head, completion = stage.attempt(call, alice), stage.complete(call, alice)
    stage.fault("status", "add-attempt", status=400)
    stage.sweep_for(200)
    head.refresh_from_db()
    completion.refresh_from_db()
    assert head.outcome == Outcome.REJECTED
    actions.send_once_more(
        delivery_id=completion.pk, version=completion.version, user=carol, at=stage.now
    )
    stage.sweep()
    completion.refresh_from_db()
    assert (completion.outcome, completion.resends) == (Outcome.DONE, 0)


def test_reading_again_may_settle_it_without_a_decision(
    stage: Stage, alice: User, carol: User
) -> None:
    message = undecided(stage, alice, is_there=True)
    actions.read_again_now(
        delivery_id=message.pk, version=message.version, user=carol, at=stage.now
    )
    stage.sweep()
    message.refresh_from_db()
    assert (message.state, message.outcome) == (State.CLOSED, Outcome.DONE)
    assert len(stage.effects()) == 1


def test_reading_again_that_finds_nothing_leaves_the_decision_open(
    stage: Stage, alice: User, carol: User
) -> None:
    message = undecided(stage, alice)
    looks = len(message.readings)
    actions.read_again_now(
        delivery_id=message.pk, version=message.version, user=carol, at=stage.now
    )
    stage.sweep_for(60)
    message.refresh_from_db()
    assert message.state == State.NEEDS_DECISION
    assert [reading["finding"] for reading in message.readings[looks:]] == ["absent"]
    assert message.readings[-1]["is_settled"]


def test_an_unclear_one_is_read_now_when_somebody_asks(
    stage: Stage, alice: User, carol: User
) -> None:
    message = stage.complete(stage.open_call(), alice)
    stage.fault("reset_after", "complete", times=1)
    stage.sweep()
    message.refresh_from_db()
    actions.read_again_now(
        delivery_id=message.pk, version=message.version, user=carol, at=stage.now
    )
    stage.sweep()
    message.refresh_from_db()
    assert message.outcome == Outcome.DONE


DECISIONS: list[Callable[..., Any]] = [
    actions.decide_it_happened,
    actions.send_once_more,
    actions.read_again_now,
    lambda **given: actions.drop(reason=DropReason.MISTAKE, **given),
]


@pytest.mark.parametrize("decide", DECISIONS, ids=["happened", "again", "read", "drop"])
def test_nobody_decides_on_what_is_no_longer_so(
    stage: Stage, alice: User, carol: User, decide: Callable[..., Any]
) -> None:
    message = undecided(stage, alice)
    shown = message.version
    actions.read_again_now(delivery_id=message.pk, version=shown, user=carol, at=stage.now)
    with pytest.raises(DecisionStale):
        decide(delivery_id=message.pk, version=shown, user=carol, at=stage.now)
    with pytest.raises(DecisionStale):
        decide(delivery_id=uuid.uuid4(), version=1, user=carol, at=stage.now)
    assert AuditEntry.objects.count() == 1
