"""A completion with a changed pledge, as TapRaise sees it: the pledge first, each of them once."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from calls import actions
from calls.models import Call, Completion
from integrations.models import Delivery
from integrations.sandbox.clock import parse
from pledges.models import Pledge, PledgeChange
from tests.factories import HoldFactory
from tests.stage import Stage

pytestmark = pytest.mark.django_db


def pledge_of(call: Call) -> Pledge:
    assert call.pledge
    return Pledge.objects.get(pk=call.pledge.pk)


def complete_on_stage(stage: Stage, call: Call, user: User, amount: str) -> None:
    """The agent completes with a lower amount; the undo window is over."""
    HoldFactory(call=call, user=user, lease_until=stage.now + timedelta(hours=1))
    shown = {"donation_amount": pledge_of(call).donation_amount}
    actions.complete_call(
        user=user,
        call=call,
        result_code="downgraded",
        retention_rating=None,
        notes="",
        changes={"donation_amount": Decimal(amount)},
        shown=shown,
        token=uuid.uuid4(),
        at=stage.now,
    )
    stage.pass_time(11)


@pytest.fixture
def staged(stage: Stage, alice: User) -> Call:
    """A call that both sides know, with a pledge that both sides know."""
    found = stage.open_call()
    owner, caller = found.person.owning_organization, found.calling_organization
    assert owner
    assert caller
    alice.organizations.add(owner, caller)
    record = stage.world.pledges[str(found.pledge_id)]
    Pledge.objects.filter(pk=pledge_of(found).pk).update(
        donation_amount=Decimal(str(record["donationAmount"])),
        donation_interval=record["donationInterval"],
        updated_at=parse(record["updatedAt"]),
        owning_organization=owner,
    )
    return found


def on_the_line(call: Call) -> list[tuple[str, str, str, str]]:
    """Operation, state, outcome and reason of each message of the call."""
    line = Delivery.objects.filter(subject=call.subject).order_by("seq")
    return [(one.operation, one.state, one.outcome, one.reason) for one in line]


def test_the_sandbox_sees_the_update_first_and_each_once(
    stage: Stage, staged: Call, alice: User
) -> None:
    complete_on_stage(stage, staged, alice, "0.01")
    stage.sweep_until_settled()

    told = [one["operation"] for one in stage.effects()]
    assert told == ["update-pledge", "complete"]
    assert pledge_of(staged).donation_amount == Decimal("0.01")
    assert Call.objects.get(pk=staged.pk).result_code == "downgraded"


def test_the_completion_waits_for_an_update_that_is_unclear(
    stage: Stage, staged: Call, alice: User
) -> None:
    stage.fault("reset_after", "update-pledge", times=1)
    complete_on_stage(stage, staged, alice, "0.01")

    stage.sweep()
    assert [one["operation"] for one in stage.effects()] == ["update-pledge"]
    stage.sweep_until_settled()

    # Found by reading, and never sent twice.
    assert [one["operation"] for one in stage.effects()] == ["update-pledge", "complete"]
    assert [outcome for _, _, outcome, _ in on_the_line(staged)] == ["done", "done"]


def test_an_update_that_is_refused_leaves_the_completion_to_a_person(
    stage: Stage, staged: Call, alice: User
) -> None:
    stage.fault("status", "update-pledge", status=400)
    complete_on_stage(stage, staged, alice, "0.01")
    stage.sweep_until_settled()

    assert stage.effects() == []
    assert on_the_line(staged) == [
        ("tapraise.update_pledge", "closed", "rejected", "refused"),
        ("tapraise.complete_call", "needs_decision", "", "one_before"),
    ]
    assert PledgeChange.objects.get().ended_badly_at is not None


def test_inside_the_undo_window_nothing_leaves(stage: Stage, staged: Call, alice: User) -> None:
    complete_on_stage(stage, staged, alice, "0.01")
    stage.pass_time(-5)
    stage.sweep()
    assert stage.writes() == []

    actions.undo(user=alice, token=Completion.objects.get().token, at=stage.now)
    stage.pass_time(3600)
    stage.sweep_until_settled()

    assert stage.writes() == []
    assert not PledgeChange.objects.exists()
