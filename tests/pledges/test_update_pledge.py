"""A pledge that TapRaise has is changed: from the action to the one effect there, and to our rows.

The sandbox's journal is the judge of what left; time is played.
"""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts.models import AlreadySent, AuditEntry, FormChanged, User
from integrations import outbox
from integrations.models import Delivery
from pledges import actions
from pledges.models import Pledge, PledgeChange
from pledges.terms import WhyNot
from tests.pledges.conftest import Mirror, bring, change_there
from tests.stage import Stage

OUTCOME = Delivery.Outcome


def update(
    stage: Stage,
    user: User,
    pledge: Pledge,
    *,
    shown: dict[str, Any] | None = None,
    token: uuid.UUID | None = None,
    reason: str = "asked for by letter",
    **changes: Any,
) -> PledgeChange:
    """Change a pledge from a page that showed what the mirror has."""
    return actions.update_pledge(
        user=user,
        pledge=pledge,
        changes=changes,
        shown=shown or {name: getattr(pledge, name) for name in changes},
        reason=reason,
        token=token or uuid.uuid4(),
        at=stage.now,
    )


def updates(stage: Stage) -> list[dict[str, Any]]:
    return [effect["body"] for effect in stage.effects("update-pledge")]


def test_one_change_is_one_effect_and_the_mirror_shows_it(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror(donationAmount=Decimal("7.5"))
    made = update(stage, carol, pledge, donation_amount=Decimal("5.00"))
    assert (made.wanted, made.before) == (
        {"donation_amount": "5.00"},
        {"donation_amount": "7.50"},
    )
    assert made.delivery.subject == f"pledge:{pledge.pk}"
    stage.sweep_until_settled()
    assert updates(stage) == [{"donationAmount": Decimal("5.00")}]
    made.delivery.refresh_from_db()
    assert made.delivery.outcome == OUTCOME.DONE
    pledge.refresh_from_db()
    assert pledge.donation_amount == Decimal(5)
    assert PledgeChange.objects.living().get() == made


def test_what_is_not_changed_is_absent_and_what_is_emptied_is_null(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror(endsAt="2028-05-01T00:00:00.000Z", recruitingLocationLabel="Elders")
    starts_at = datetime(2027, 2, 1, tzinfo=UTC)
    update(
        stage,
        carol,
        pledge,
        starts_at=starts_at,
        ends_at=None,
        recruiting_location_label=pledge.recruiting_location_label,
    )
    stage.sweep_until_settled()
    assert updates(stage) == [{"startsAt": "2027-02-01T00:00:00.000Z", "endsAt": None}]
    pledge.refresh_from_db()
    assert (pledge.starts_at, pledge.ends_at) == (starts_at, None)
    assert pledge.recruiting_location_label is not None


def test_every_field_has_its_own_name_on_the_wire(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge, other = mirror(), mirror()
    update(
        stage,
        carol,
        pledge,
        donation_amount=Decimal("33.10"),
        donation_interval="halfYearly",
        starts_at=datetime(2027, 3, 1, tzinfo=UTC),
        ends_at=datetime(2029, 3, 1, tzinfo=UTC),
        recruiting_location_label="Nergenshuizen, markt",
        recruiter_uuid=other.recruiter_uuid,
        external_metadata={"wave": 4},
    )
    stage.sweep_until_settled()
    assert updates(stage) == [
        {
            "donationAmount": Decimal("33.10"),
            "donationInterval": "halfYearly",
            "startsAt": "2027-03-01T00:00:00.000Z",
            "endsAt": "2029-03-01T00:00:00.000Z",
            "recruitingLocationLabel": "Nergenshuizen, markt",
            "recruiterUserUuid": str(other.recruiter_uuid),
            "externalMetadata": {"wave": 4},
        }
    ]
    assert Delivery.objects.get().outcome == OUTCOME.DONE
    # What a source outside says may be about the donor: our row does not repeat it.
    assert PledgeChange.objects.get().wanted["external_metadata"] == "•••"


def test_an_answer_that_is_lost_is_read_back_and_not_sent_again(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    made = update(stage, carol, mirror(), donation_amount=Decimal(3))
    stage.fault("reset_after", "update-pledge", times=1)
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert made.delivery.outcome == OUTCOME.DONE
    assert made.delivery.tries == 1
    assert len(updates(stage)) == 1


def test_what_never_arrived_is_sent_anew_once_that_is_certain(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    made = update(stage, carol, mirror(), donation_amount=Decimal(3))
    stage.fault("status", "update-pledge", status=503, times=1)
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert (made.delivery.outcome, made.delivery.resends) == (OUTCOME.DONE, 1)
    assert len(updates(stage)) == 1


def test_a_refusal_is_shown_and_never_done(stage: Stage, carol: User, mirror: Mirror) -> None:
    pledge = mirror(donationAmount=Decimal("7.5"))
    made = update(stage, carol, pledge, donation_amount=Decimal(5))
    # TapRaise made it another system's since we read it.
    stage.world.pledges[str(pledge.pk)]["externalSource"] = {"name": "x", "identifier": "1"}
    stage.sweep_until_settled()
    made.refresh_from_db()
    assert made.delivery.outcome == OUTCOME.REJECTED
    assert "managed elsewhere" in (made.delivery.refusal or "")
    assert made.ended_badly_at is not None
    assert not PledgeChange.objects.living().exists()
    assert updates(stage) == []


def test_what_somebody_else_did_meanwhile_goes_to_a_person(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror(donationAmount=Decimal("7.5"))
    made = update(stage, carol, pledge, donation_amount=Decimal(5))
    stage.fault("reset_before", "update-pledge", times=1)
    stage.pass_time(10)
    stage.sweep()
    change_there(stage, pledge.pk, donationAmount=Decimal(25))
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert (made.delivery.state, made.delivery.reason) == ("needs_decision", "conflict")
    facts = made.delivery.readings[-1]["facts"]
    assert facts["fields"] == {"donation_amount": "something_else"}
    assert updates(stage) == []


def test_half_as_wanted_and_half_as_before_is_somebody_elses_doing(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror(donationAmount=Decimal("7.5"), donationInterval="monthly")
    made = update(stage, carol, pledge, donation_amount=Decimal(22), donation_interval="quarterly")
    stage.fault("reset_after", "update-pledge", times=1)
    stage.pass_time(10)
    stage.sweep()
    # It arrived; then somebody set the amount back, and the answer never reached us.
    change_there(stage, pledge.pk, donationAmount=Decimal("7.5"))
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert (made.delivery.state, made.delivery.reason) == ("needs_decision", "conflict")
    assert len(updates(stage)) == 1


def test_a_pledge_that_is_gone_goes_to_a_person(stage: Stage, carol: User, mirror: Mirror) -> None:
    pledge = mirror()
    made = update(stage, carol, pledge, donation_amount=Decimal(5))
    stage.fault("status", "update-pledge", status=404)
    stage.fault("status", "pledge", status=404)
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    assert (made.delivery.state, made.delivery.reason) == ("needs_decision", "not_found")
    assert made.delivery.readings[-1]["error"] == "NotFound"


def test_undo_leaves_no_trace_outside(stage: Stage, carol: User, mirror: Mirror) -> None:
    pledge, token = mirror(), uuid.uuid4()
    update(stage, carol, pledge, token=token, donation_amount=Decimal(5))
    undone = actions.undo_change(user=carol, token=token, at=stage.now)
    assert isinstance(undone, PledgeChange)
    assert not PledgeChange.objects.exists()
    stage.sweep_for(60)
    assert stage.writes() == []
    assert Delivery.objects.get().outcome == OUTCOME.UNDONE
    # And the same may be wanted again.
    update(stage, carol, pledge, donation_amount=Decimal(5))
    stage.sweep_until_settled()
    assert len(updates(stage)) == 1


def test_undo_is_too_late_once_it_left(
    stage: Stage, carol: User, bob: User, mirror: Mirror
) -> None:
    token = uuid.uuid4()
    update(stage, carol, mirror(), token=token, donation_amount=Decimal(5))
    with pytest.raises(actions.TooLate):
        actions.undo_change(user=bob, token=token, at=stage.now)
    stage.pass_time(11)
    stage.sweep()
    with pytest.raises(actions.TooLate):
        actions.undo_change(user=carol, token=token, at=stage.now)
    assert PledgeChange.objects.living().count() == 1


def test_what_an_agent_changes_waits_on_the_line_of_the_call(
    stage: Stage, alice: User, mirror: Mirror
) -> None:
    pledge, token, call = mirror(), uuid.uuid4(), f"call:{uuid.uuid4()}"
    with transaction.atomic():
        made = actions.add_change(
            pledge,
            changes={"donation_amount": Decimal(4)},
            shown={"donation_amount": pledge.donation_amount},
            subject=call,
            user=alice,
            reason="",
            token=token,
            at=stage.now,
        )
    assert made.delivery.subject == call
    # The call's own undo takes it back, this one does not.
    with pytest.raises(actions.TooLate):
        actions.undo_change(user=alice, token=token, at=stage.now)
    assert actions.take_back_changes(token) == []
    stage.sweep_until_settled()
    assert updates(stage) == [{"donationAmount": Decimal(4)}]


def test_the_calls_own_undo_forgets_what_was_undone_and_no_more(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    token = uuid.uuid4()
    made = update(stage, carol, mirror(), token=token, donation_amount=Decimal(5))
    update(stage, carol, mirror(), donation_amount=Decimal(6))
    with transaction.atomic():
        outbox.undo(token=token, at=stage.now)
        (taken_back,) = actions.take_back_changes(token)
    assert taken_back.wanted == made.wanted
    assert PledgeChange.objects.get().wanted == {"donation_amount": "6"}


def test_what_is_kept_for_people_holds_nobodys_words(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    made = update(
        stage,
        carol,
        mirror(recruitingLocationLabel="bij mevrouw Geheim"),
        recruiting_location_label="bij meneer Geheim",
    )
    stage.fault("reset_after", "update-pledge", times=1)
    stage.sweep_until_settled()
    made.delivery.refresh_from_db()
    (reading,) = made.delivery.readings
    assert reading["finding"] == "done"
    assert reading["facts"]["fields"] == {"recruiting_location_label": "as_wanted"}
    assert "Geheim" not in str(made.delivery.readings)


def test_the_same_form_twice_is_one_change(stage: Stage, carol: User, mirror: Mirror) -> None:
    pledge, token = mirror(), uuid.uuid4()
    update(stage, carol, pledge, token=token, donation_amount=Decimal(5))
    with pytest.raises(AlreadySent):
        update(stage, carol, pledge, token=token, donation_amount=Decimal(5))
    with pytest.raises(FormChanged):
        update(stage, carol, pledge, token=token, donation_amount=Decimal(6))
    assert PledgeChange.objects.count() == 1


def test_nothing_new_is_no_change(stage: Stage, carol: User, mirror: Mirror) -> None:
    pledge, token = mirror(donationAmount=Decimal("7.5")), uuid.uuid4()
    with pytest.raises(actions.NothingChanged):
        update(
            stage,
            carol,
            pledge,
            token=token,
            donation_amount=Decimal("7.500"),
            starts_at=pledge.starts_at,
        )
    # A refused form may be sent again with something in it.
    update(stage, carol, pledge, token=token, donation_amount=Decimal(5))


def test_two_changes_of_one_field_do_not_overtake_each_other(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror()
    first = update(stage, carol, pledge, donation_amount=Decimal(5))
    with pytest.raises(actions.ChangeUnderWay) as refused:
        update(stage, carol, pledge, donation_amount=Decimal(6))
    assert refused.value.change == first
    update(stage, carol, pledge, recruiting_location_label="Elders")
    stage.sweep_until_settled()
    pledge.refresh_from_db()
    update(stage, carol, pledge, donation_amount=Decimal(6))
    stage.sweep_until_settled()
    assert [body.get("donationAmount") for body in updates(stage)] == [5, None, 6]


def test_what_the_form_did_not_show_is_not_overwritten(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror(donationAmount=Decimal("7.5"))
    change_there(stage, pledge.pk, donationAmount=Decimal(30))
    bring(stage, pledge.pk)
    with pytest.raises(actions.ChangedMeanwhile) as refused:
        update(stage, carol, pledge, donation_amount=Decimal(5))
    assert refused.value.fields == ("donation_amount",)
    assert not Delivery.objects.exists()


def test_a_day_on_the_form_is_the_moment_that_stands_there(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror()
    assert pledge.starts_at is not None
    midnight = pledge.starts_at.replace(hour=0, minute=0, second=0, microsecond=0)
    made = update(
        stage,
        carol,
        pledge,
        shown={"starts_at": midnight},
        starts_at=midnight + timedelta(days=30),
    )
    assert made.before["starts_at"] == pledge.starts_at.replace(microsecond=0).isoformat()


def test_terms_that_tapraise_refuses_are_refused_here(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    for changes in ({"donation_amount": Decimal(0)}, {"donation_interval": "fortnightly"}):
        with pytest.raises(actions.NotSendable):
            update(stage, carol, mirror(), **changes)
    assert not Delivery.objects.exists()


def test_elsewhere_the_start_may_be_changed_and_the_amount_may_not(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror(externalSource={"name": "backstage", "identifier": "12"})
    with pytest.raises(actions.NotChangeable) as refused:
        update(stage, carol, pledge, donation_amount=Decimal(5))
    assert refused.value.why == WhyNot.ELSEWHERE
    update(stage, carol, pledge, starts_at=datetime(2027, 2, 1, tzinfo=UTC))
    stage.sweep_until_settled()
    assert updates(stage) == [{"startsAt": "2027-02-01T00:00:00.000Z"}]


@pytest.mark.parametrize("status", ["dropped", "cancelled", "fulfilled"])
def test_an_ended_pledge_is_left_alone(
    stage: Stage, carol: User, mirror: Mirror, status: str
) -> None:
    pledge = mirror()
    change_there(stage, pledge.pk, status=status)
    with pytest.raises(actions.NotChangeable) as refused:
        update(stage, carol, bring(stage, pledge.pk), donation_amount=Decimal(5))
    assert refused.value.why == WhyNot.ENDED


def test_only_their_own_supervisor_changes_a_pledge(
    stage: Stage, alice: User, carol: User, dirk: User, mirror: Mirror
) -> None:
    pledge = mirror()
    with pytest.raises(actions.NotAllowed):
        update(stage, alice, pledge, donation_amount=Decimal(5))
    dirk.role = User.Role.SUPERVISOR
    dirk.save()
    with pytest.raises(actions.NotOurs):
        update(stage, dirk, pledge, donation_amount=Decimal(5))
    update(stage, carol, pledge, donation_amount=Decimal(5))


def test_the_trail_holds_codes_and_no_values(stage: Stage, carol: User, mirror: Mirror) -> None:
    pledge, token = mirror(), uuid.uuid4()
    update(stage, carol, pledge, token=token, donation_amount=Decimal("123.45"))
    actions.undo_change(user=carol, token=token, at=stage.now)
    trail = list(AuditEntry.objects.order_by("pk"))
    assert [entry.action for entry in trail] == ["pledge.changed", "pledge.undone"]
    for entry in trail:
        assert (entry.subject, entry.person_uuid) == (f"pledge:{pledge.pk}", pledge.person_id)
        assert "123" not in str(entry.facts)
    assert trail[0].facts == {"fields": ["donation_amount"]}
