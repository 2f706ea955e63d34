"""A supervisor has TapRaise bring a pledge to another status, where settings name the action."""

import uuid

import pytest
from pytest_django import Settings

from accounts.models import AuditEntry, User
from integrations.models import Delivery
from pledges import actions
from pledges.models import Pledge, PledgeChange
from pledges.terms import WhyNot
from tests.pledges.conftest import Mirror, bring, change_there
from tests.stage import Stage

OUTCOME = Delivery.Outcome


@pytest.fixture(autouse=True)
def _offered(settings: Settings) -> None:
    settings.TAPRAISE_PLEDGE_ACTIONS = {"dropped": "drop", "cancelled": "cancel"}


def take(
    stage: Stage,
    user: User,
    pledge: Pledge,
    status: str = "dropped",
    *,
    token: uuid.UUID | None = None,
) -> PledgeChange:
    return actions.take_status_action(
        user=user,
        pledge=pledge,
        status=status,
        reason="asked for by letter",
        token=token or uuid.uuid4(),
        at=stage.now,
    )


def test_the_action_is_called_by_its_name_and_once(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror()
    made = take(stage, carol, pledge)
    assert (made.wanted_status, made.before) == ("dropped", {"status": "lead"})
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert made.delivery.outcome == OUTCOME.DONE
    (request,) = stage.writes()
    assert request["path"] == f"/api/v1/pledges/{pledge.pk}/actions/drop"
    assert len(stage.effects("change-pledge-status")) == 1
    pledge.refresh_from_db()
    assert pledge.status == "dropped"
    entry = AuditEntry.objects.get(action="pledge.status_asked")
    assert (entry.subject, entry.facts) == (f"pledge:{pledge.pk}", {"status": "dropped"})


def test_a_refusal_is_shown_and_never_done(stage: Stage, carol: User, mirror: Mirror) -> None:
    made = take(stage, carol, mirror(), "cancelled")
    stage.sweep_until_settled()
    made.refresh_from_db()
    assert made.delivery.outcome == OUTCOME.REJECTED
    assert made.delivery.refusal
    assert made.ended_badly_at is not None
    assert stage.effects() == []


def test_what_never_arrived_is_for_a_person_to_repeat(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    made = take(stage, carol, mirror())
    stage.fault("status", "change-pledge-status", status=503, times=1)
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert (made.delivery.state, made.delivery.reason) == ("needs_decision", "budget_spent")
    assert len(stage.writes()) == 1


def test_an_answer_that_is_lost_is_read_back(stage: Stage, carol: User, mirror: Mirror) -> None:
    made = take(stage, carol, mirror())
    stage.fault("reset_after", "change-pledge-status", times=1)
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert made.delivery.outcome == OUTCOME.DONE
    assert len(stage.effects("change-pledge-status")) == 1


def test_another_status_meanwhile_goes_to_a_person(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror()
    made = take(stage, carol, pledge)
    change_there(stage, pledge.pk, status="active")
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert (made.delivery.state, made.delivery.reason) == ("needs_decision", "conflict")
    assert made.delivery.refusal


def test_without_a_name_in_settings_nothing_is_offered(
    stage: Stage, carol: User, mirror: Mirror, settings: Settings
) -> None:
    settings.TAPRAISE_PLEDGE_ACTIONS = {}
    with pytest.raises(actions.NotOffered):
        take(stage, carol, mirror())
    assert not Delivery.objects.exists()


def test_the_name_that_was_meant_is_the_one_that_is_sent(
    stage: Stage, carol: User, mirror: Mirror, settings: Settings
) -> None:
    take(stage, carol, mirror())
    settings.TAPRAISE_PLEDGE_ACTIONS = {"dropped": "delete everything"}
    stage.sweep_until_settled()
    assert [one["path"].rpartition("/")[2] for one in stage.writes()] == ["drop"]


def test_a_status_action_and_a_change_do_not_overtake_each_other(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror()
    first = take(stage, carol, pledge)
    with pytest.raises(actions.ChangeUnderWay) as refused:
        take(stage, carol, pledge, "cancelled")
    assert refused.value.change == first
    with pytest.raises(actions.ChangeUnderWay) as refused:
        move(stage, carol, pledge)
    assert refused.value.change == first
    # Nor the other way round.
    other = mirror()
    second = move(stage, carol, other)
    with pytest.raises(actions.ChangeUnderWay) as refused:
        take(stage, carol, other)
    assert refused.value.change == second


def move(stage: Stage, user: User, pledge: Pledge) -> PledgeChange:
    """A change of another field than the status."""
    return actions.update_pledge(
        user=user,
        pledge=pledge,
        changes={"recruiting_location_label": "Elders"},
        shown={},
        reason="",
        token=uuid.uuid4(),
        at=stage.now,
    )


def test_what_may_not_be_changed_has_no_status_action(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    elsewhere = mirror(externalSource={"name": "backstage", "identifier": "12"})
    ended = mirror(status="fulfilled")
    for pledge, why in ((elsewhere, WhyNot.ELSEWHERE), (ended, WhyNot.ENDED)):
        with pytest.raises(actions.NotChangeable) as refused:
            take(stage, carol, pledge)
        assert refused.value.why == why


def test_a_pledge_that_has_the_status_needs_no_action(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror()
    change_there(stage, pledge.pk, status="dropped")
    with pytest.raises(actions.NothingChanged):
        take(stage, carol, bring(stage, pledge.pk))


def test_undo_leaves_the_pledge_as_it_was(stage: Stage, carol: User, mirror: Mirror) -> None:
    token = uuid.uuid4()
    take(stage, carol, mirror(), token=token)
    actions.undo_change(user=carol, token=token, at=stage.now)
    stage.sweep_for(60)
    assert stage.writes() == []
    assert not PledgeChange.objects.exists()


def test_only_their_own_supervisor_takes_it(
    stage: Stage, alice: User, carol: User, dirk: User, mirror: Mirror
) -> None:
    pledge = mirror()
    with pytest.raises(actions.NotAllowed):
        take(stage, alice, pledge)
    dirk.role = User.Role.SUPERVISOR
    dirk.save()
    with pytest.raises(actions.NotOurs):
        take(stage, dirk, pledge)
