"""A supervisor makes a pledge for a donor who asks for one: one pledge there, under our uuid."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs
from pytest_django import Settings

from accounts.models import AlreadySent, AuditEntry, User
from integrations import clients
from integrations.http import Unclear
from integrations.lines import NotThere
from integrations.models import Delivery
from integrations.sandbox import names
from pledges import actions, operations
from pledges.messages import NewPledgeWish
from pledges.models import NewPledge, Person, Pledge
from tests.factories import OrganizationFactory, PersonFactory
from tests.pledges.conftest import Mirror
from tests.stage import Stage

OUTCOME = Delivery.Outcome
HELDER_WATER = UUID(names.HELDER_WATER.uuid)


@pytest.fixture
def known(mirror: Mirror) -> Pledge:
    """Another pledge of the donor, brought by a recruiter whom TapRaise knows."""
    return mirror()


@pytest.fixture
def donor(known: Pledge) -> Person:
    assert known.person is not None
    return known.person


@pytest.fixture
def wish(known: Pledge) -> NewPledgeWish:
    assert known.recruiter_uuid is not None
    return NewPledgeWish(
        owning_organization_uuid=HELDER_WATER,
        recruiting_organization_uuid=UUID(names.RECRUITING_ORGANIZATION.uuid),
        recruiter_user_uuid=known.recruiter_uuid,
        initial_donation_amount=Decimal("12.50"),
        initial_donation_interval="monthly",
        starts_at=datetime(2026, 12, 1, tzinfo=UTC),
    )


def create(
    stage: Stage,
    user: User,
    person: Person,
    wanted: NewPledgeWish,
    *,
    token: uuid.UUID | None = None,
    **fields: Any,
) -> NewPledge:
    return actions.create_pledge(
        user=user,
        person=person,
        wanted=replace(wanted, **fields),
        reason="asked for by phone",
        token=token or uuid.uuid4(),
        at=stage.now,
    )


def outcome_of(made: NewPledge) -> tuple[str, str, str]:
    made.delivery.refresh_from_db()
    return made.delivery.state, made.delivery.outcome, made.delivery.reason


def test_a_pledge_is_made_once_and_comes_to_the_mirror(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish, settings: Settings
) -> None:
    made = create(stage, carol, donor, wish)
    assert made.delivery.account == "default"
    stage.sweep_until_settled()
    assert outcome_of(made)[1] == OUTCOME.DONE
    (effect,) = stage.effects("create-pledge")
    assert effect["body"] == {
        "uuid": str(made.pk),
        "personUuid": str(donor.pk),
        "createdAt": "2026-11-03T10:00:01.000Z",
        "owningOrganizationUuid": names.HELDER_WATER.uuid,
        "recruitingOrganizationUuid": names.RECRUITING_ORGANIZATION.uuid,
        "recruiterUserUuid": str(wish.recruiter_user_uuid),
        "initialDonationAmount": Decimal("12.50"),
        "initialDonationInterval": "monthly",
        "startsAt": "2026-12-01T00:00:00.000Z",
        "creationMetadata": {"software": "Belbord", "version": settings.VERSION},
    }
    pledge = Pledge.objects.get(pk=made.pk)
    assert (pledge.status, pledge.donation_amount) == ("lead", Decimal("12.50"))
    assert (pledge.person, pledge.owning_organization_id) == (donor, HELDER_WATER)


def test_what_was_filled_in_leaves_and_what_was_not_does_not(
    stage: Stage, carol: User, known: Pledge, donor: Person, wish: NewPledgeWish
) -> None:
    area = next(
        area
        for pledge in stage.world.pledges.values()
        if pledge["owningOrganizationUuid"] == names.HELDER_WATER.uuid
        for area in pledge["focusAreas"]
    )
    made = create(
        stage,
        carol,
        donor,
        wish,
        ends_at=datetime(2028, 12, 1, tzinfo=UTC),
        recruiting_location_label="Aan de telefoon",
        recruitment_type="street",
        preferred_payment_day=8,
        focus_area_uuids=(UUID(area["uuid"]),),
        external_metadata={"wave": 4},
    )
    stage.sweep_until_settled()
    (effect,) = stage.effects("create-pledge")
    assert {
        "endsAt": "2028-12-01T00:00:00.000Z",
        "recruitingLocationLabel": "Aan de telefoon",
        "recruitmentType": "street",
        "preferredPaymentDay": 8,
        "focusAreaUuids": [area["uuid"]],
        "externalMetadata": {"wave": 4},
    }.items() <= effect["body"].items()
    pledge = Pledge.objects.get(pk=made.pk)
    assert pledge.focus_areas == [{"uuid": area["uuid"], "name": area["name"]}]


def test_a_pledge_managed_elsewhere_tells_how_it_stands_there(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish
) -> None:
    made = create(
        stage,
        carol,
        donor,
        wish,
        external_source_name="backstage",
        external_source_identifier="4711",
        status="cancelled",
        donation_amount=Decimal(20),
        donation_interval="yearly",
        released_at=datetime(2026, 10, 1, tzinfo=UTC),
        cancelled_at=datetime(2026, 10, 20, tzinfo=UTC),
        cancellation_reason="chargeback",
        cancellation_note="per brief",
    )
    assert (made.donation_amount, made.managed_in) == (Decimal(20), "backstage")
    stage.sweep_until_settled()
    assert outcome_of(made)[1] == OUTCOME.DONE
    (effect,) = stage.effects("create-pledge")
    assert {
        "externalSource": {"name": "backstage", "identifier": "4711"},
        "status": "cancelled",
        "donationAmount": Decimal(20),
        "donationInterval": "yearly",
        "releasedAt": "2026-10-01T00:00:00.000Z",
        "cancelledAt": "2026-10-20T00:00:00.000Z",
        "cancellationReason": {"identifier": "chargeback", "note": "per brief"},
    }.items() <= effect["body"].items()


SOURCE = {"external_source_name": "backstage", "external_source_identifier": "4711"}


@pytest.mark.parametrize(
    "fields",
    [
        # Managed in TapRaise: it begins as a lead with its initial terms.
        {"status": "active"},
        {"donation_amount": Decimal(5)},
        {"donation_interval": "yearly"},
        {"cancelled_at": datetime(2026, 10, 20, tzinfo=UTC)},
        {"dropped_at": datetime(2026, 10, 20, tzinfo=UTC)},
        {"released_at": datetime(2026, 10, 20, tzinfo=UTC)},
        {"cancellation_reason": "chargeback"},
        {"cancellation_note": "per brief"},
        # Managed elsewhere.
        {"external_source_name": "backstage"},
        {"external_source_identifier": "4711"},
        {**SOURCE, "status": "paused"},
        {**SOURCE, "status": "cancelled"},
        {**SOURCE, "cancellation_reason": "because"},
        {**SOURCE, "cancellation_note": "per brief"},
        {**SOURCE, "donation_interval": "fortnightly"},
        # Both.
        {"initial_donation_amount": Decimal(0)},
        {"initial_donation_amount": Decimal("7.505")},
        {"initial_donation_interval": "fortnightly"},
        {"preferred_payment_day": 29},
        {"preferred_payment_day": 0},
        {"recruitment_type": "by letter"},
    ],
)
def test_what_the_rules_forbid_is_refused_before_anything_is_written(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish, fields: dict[str, Any]
) -> None:
    with pytest.raises(actions.NotSendable):
        create(stage, carol, donor, wish, **fields)
    assert not NewPledge.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("fault", ["reset_after", "cut_body", "not_json", "wrong_uuid"])
def test_an_answer_that_is_lost_is_read_back(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish, fault: str
) -> None:
    made = create(stage, carol, donor, wish)
    stage.fault(fault, "create-pledge", times=1)
    stage.sweep_until_settled()
    assert outcome_of(made)[1] == OUTCOME.DONE
    assert made.delivery.tries == 1
    assert len(stage.effects("create-pledge")) == 1
    assert Pledge.objects.filter(pk=made.pk).exists()


def test_not_there_is_absent_and_is_sent_anew(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish
) -> None:
    made = create(stage, carol, donor, wish)
    stage.fault("status", "create-pledge", status=500, times=1)
    stage.pass_time(10)
    stage.sweep()
    stage.pass_time(15)
    stage.sweep()
    made.delivery.refresh_from_db()
    assert [one["finding"] for one in made.delivery.readings] == ["absent"]
    operations.create_pledge.save(NotThere(), made.delivery, stage.now)
    assert not Pledge.objects.filter(pk=made.pk).exists()
    stage.sweep_until_settled()
    assert outcome_of(made)[1] == OUTCOME.DONE
    assert len(stage.effects("create-pledge")) == 1


def test_late_and_sent_anew_is_still_one_pledge(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish
) -> None:
    made = create(stage, carol, donor, wish)
    stage.fault("late_effect", "create-pledge", seconds=400, times=1)
    stage.sweep_until_settled()
    stage.sweep_for(600, every=60)
    assert outcome_of(made)[1] == OUTCOME.DONE
    assert made.delivery.resends == 1
    assert len(stage.effects("create-pledge")) == 1


def test_taken_before_by_ourselves_is_done(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish
) -> None:
    """The answer says 409, and what stands there is ours by person, moment and terms."""
    made = create(stage, carol, donor, wish)
    stage.fault("status", "create-pledge", status=409, after_effect=True, times=1)
    stage.sweep_until_settled()
    assert outcome_of(made)[1] == OUTCOME.DONE
    assert len(stage.effects("create-pledge")) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("personUuid", None),
        ("createdAt", "2026-11-03T09:59:00.000Z"),
        ("initialDonationAmount", Decimal(99)),
        ("initialDonationInterval", "once"),
    ],
)
def test_another_pledge_under_our_uuid_is_not_called_ours(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish, field: str, value: Any
) -> None:
    made = create(stage, carol, donor, wish)
    stage.fault("status", "create-pledge", status=409, after_effect=True, times=1)
    stage.pass_time(10)
    stage.sweep()
    if value is None:
        value = next(uuid for uuid in stage.world.persons if uuid != str(donor.pk))
    stage.world.pledges[str(made.pk)][field] = value
    stage.sweep_until_settled()
    assert outcome_of(made) == ("needs_decision", "", "conflict")


def test_without_a_person_it_is_nobodys_yet(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish
) -> None:
    made = create(stage, carol, donor, wish)
    record = clients.tapraise().pledge(uuid=next(map(UUID, stage.world.pledges)))
    with pytest.raises(Unclear):
        operations.create_pledge.verdict(structs.replace(record, person=None), made.delivery)


def test_a_refusal_is_shown_and_the_pledge_never_came_to_be(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish
) -> None:
    made = create(stage, carol, donor, wish, recruiter_user_uuid=uuid.uuid4())
    stage.sweep_until_settled()
    made.refresh_from_db()
    assert outcome_of(made)[1] == OUTCOME.REJECTED
    assert "recruiter" in (made.delivery.refusal or "")
    assert made.ended_badly_at is not None
    assert not NewPledge.objects.living().exists()
    assert stage.effects("create-pledge") == []


def test_undo_leaves_no_pledge(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish
) -> None:
    token = uuid.uuid4()
    made = create(stage, carol, donor, wish, token=token)
    assert actions.undo_change(user=carol, token=token, at=stage.now) == made
    stage.sweep_for(60)
    assert not NewPledge.objects.exists()
    assert stage.writes() == []
    trail = list(AuditEntry.objects.order_by("pk").values_list("action", "subject", "person_uuid"))
    assert trail == [
        ("pledge.created", f"pledge:{made.pk}", donor.pk),
        ("pledge.undone", f"pledge:{made.pk}", donor.pk),
    ]


def test_the_same_form_twice_is_one_pledge(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish
) -> None:
    token = uuid.uuid4()
    create(stage, carol, donor, wish, token=token)
    with pytest.raises(AlreadySent):
        create(stage, carol, donor, wish, token=token)
    assert NewPledge.objects.count() == 1


def test_only_their_own_supervisor_makes_a_pledge(
    stage: Stage, alice: User, carol: User, dirk: User, donor: Person, wish: NewPledgeWish
) -> None:
    with pytest.raises(actions.NotAllowed):
        create(stage, alice, donor, wish)
    dirk.role = User.Role.SUPERVISOR
    dirk.save()
    with pytest.raises(actions.NotOurs):
        create(stage, dirk, donor, wish)
    with pytest.raises(actions.NotOurs):
        create(stage, carol, donor, wish, owning_organization_uuid=UUID(names.DIERENHULP.uuid))
    assert not NewPledge.objects.exists()


def test_a_new_pledge_goes_by_the_account_that_sees_the_donor(
    stage: Stage, carol: User, donor: Person, wish: NewPledgeWish, settings: Settings
) -> None:
    settings.TAPRAISE_ACCOUNTS = {"noord": "/dev/null", "zuid": "/dev/null"}
    Pledge.objects.filter(person=donor).update(account="zuid")
    assert create(stage, carol, donor, wish).delivery.account == "zuid"
    # Of a person without one, the organisation's pledges tell.
    stranger = PersonFactory(owning_organization_id=HELDER_WATER)
    assert create(stage, carol, stranger, wish).delivery.account == "zuid"
    # And of a new organisation nothing does.
    new = OrganizationFactory()
    carol.organizations.add(new)
    stranger = PersonFactory(owning_organization=new)
    made = create(stage, carol, stranger, wish, owning_organization_uuid=new.pk)
    assert made.delivery.account == "noord"
