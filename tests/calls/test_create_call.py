"""A supervisor asks for a call, or tells of one that is made elsewhere: it comes to exist once."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AlreadySent, AuditEntry, FormChanged, User
from calls import actions, operations
from calls.actions import NewCallWish
from calls.models import Call, NewCall
from integrations.lines import Finding
from integrations.models import Delivery
from integrations.sandbox import names
from integrations.tapraise.wire import CallExternalMetadataRecord, CallRecord
from pledges.models import Organization, Person, Pledge
from tests.factories import (
    CallFactory,
    DeliveryFactory,
    OrganizationFactory,
    PersonFactory,
    PledgeFactory,
    now,
)
from tests.stage import Stage

pytestmark = pytest.mark.django_db

HAPPY = NewCallWish(type="happy_call", notes="Bel na zes uur.")
ELSEWHERE = NewCallWish(
    application_name="basicall",
    reference_id="B-17",
    agent_reference_id="a-3",
    status_code="",
    status_description="Afgerond",
    additional_properties={"line": 3},
)


@pytest.fixture
def person(helder_water: Organization) -> Person:
    made: Person = PersonFactory(owning_organization=helder_water)
    return made


def ask(user: User, person: Person, wanted: NewCallWish = HAPPY, **more: Any) -> NewCall:
    given = {"token": uuid.uuid4(), "at": timezone.now(), **more}
    return actions.create_call(user=user, person=person, wanted=wanted, **given)


# ── Here ──────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_one_row_one_message_and_one_line_in_the_trail(carol: User, person: Person) -> None:
    made = ask(carol, person)

    assert (made.type, made.managed_in, made.notes) == ("happy_call", "", HAPPY.notes)
    delivery = Delivery.objects.get()
    assert (delivery.operation, delivery.subject) == ("tapraise.create_call", f"call:{made.pk}")
    assert delivery.payload["user"] == str(carol.tapraise_user_uuid)
    entry = AuditEntry.objects.get(action="call.requested")
    assert (entry.user, entry.person_uuid) == (carol, person.pk)
    assert HAPPY.notes not in str(entry.facts)


def test_sent_twice_it_is_one_call_and_with_something_else_it_is_refused(
    carol: User, person: Person
) -> None:
    token = uuid.uuid4()
    ask(carol, person, token=token)

    with pytest.raises(AlreadySent):
        ask(carol, person, token=token)
    with pytest.raises(FormChanged):
        ask(carol, person, NewCallWish(type="winback"), token=token)
    assert NewCall.objects.count() == 1


def test_an_agent_asks_for_no_calls(alice: User, person: Person) -> None:
    with pytest.raises(actions.NotAllowed):
        ask(alice, person)


def test_nobody_asks_for_calls_to_the_donors_of_others(
    carol: User, dierenhulp: Organization
) -> None:
    theirs = PersonFactory(owning_organization=dierenhulp)

    with pytest.raises(actions.NotOurs):
        ask(carol, theirs)
    assert not Delivery.objects.exists()


def test_the_pledge_is_this_persons_and_the_caller_is_known(carol: User, person: Person) -> None:
    others = PledgeFactory(person=PersonFactory(owning_organization=person.owning_organization))

    with pytest.raises(actions.NotOurs):
        ask(carol, person, NewCallWish(type="winback", pledge=others.pk))
    with pytest.raises(actions.NotOurs):
        ask(carol, person, NewCallWish(type="winback", calling_organization=uuid.uuid4()))


def test_who_has_no_tapraise_user_asks_for_none(carol: User, person: Person) -> None:
    carol.tapraise_user_uuid = None
    carol.save()

    with pytest.raises(actions.NoTapRaiseUser):
        ask(carol, person)


@pytest.mark.parametrize(
    "wanted",
    [
        NewCallWish(),
        NewCallWish(type="chat"),
        NewCallWish(type="winback", application_name="basicall", reference_id="1"),
        NewCallWish(application_name="tapraise", reference_id="1"),
        NewCallWish(application_name="basicall"),
        NewCallWish(application_name="basicall", reference_id="1", status="postponed"),
        NewCallWish(
            application_name="basicall",
            reference_id="1",
            result_code="happy",
            completed_at=now(),
        ),
        NewCallWish(
            application_name="basicall",
            reference_id="1",
            result_code="other",
            completed_at=now(),
            result_rating=11,
        ),
    ],
)
def test_what_tapraise_would_refuse_is_not_written(
    carol: User, person: Person, wanted: NewCallWish
) -> None:
    with pytest.raises(actions.NotSendable, match=r"^[A-Z].*\.$"):
        ask(carol, person, wanted)
    assert not NewCall.objects.exists()


def test_a_result_without_a_time_is_no_wish() -> None:
    with pytest.raises(ValueError, match="time"):
        NewCallWish(application_name="basicall", reference_id="1", result_code="other")


def test_one_open_call_of_a_type_for_a_person(carol: User, person: Person) -> None:
    CallFactory(person=person, type="happy_call")

    with pytest.raises(actions.AlreadyRequested):
        ask(carol, person)
    ask(carol, person, NewCallWish(type="winback"))


def test_a_call_that_ended_is_in_nobodys_way(carol: User, person: Person) -> None:
    CallFactory(person=person, type="happy_call", status=Call.Status.COMPLETED)

    assert ask(carol, person)


def test_one_that_is_on_its_way_counts_until_it_came_to_nothing(
    carol: User, person: Person
) -> None:
    first = ask(carol, person)
    with pytest.raises(actions.AlreadyRequested):
        ask(carol, person)

    NewCall.objects.filter(pk=first.pk).update(ended_badly_at=now())

    assert ask(carol, person)


def test_one_that_arrived_and_was_made_since_is_in_nobodys_way(carol: User, person: Person) -> None:
    first = ask(carol, person)
    CallFactory(uuid=first.pk, person=person, type="happy_call", status=Call.Status.COMPLETED)

    assert ask(carol, person)


def test_one_call_for_a_reference_of_an_application(carol: User, person: Person) -> None:
    CallFactory(person=person, external_application="basicall", external_reference="B-17")

    with pytest.raises(actions.AlreadyRequested):
        ask(carol, person, ELSEWHERE)


@pytest.mark.parametrize(
    ("known", "account"), [("call", "of-the-call"), ("pledge", "of-the-pledge"), ("", "default")]
)
def test_it_goes_by_the_account_that_knows_the_person(
    carol: User, person: Person, known: str, account: str
) -> None:
    if known:
        PledgeFactory(person=person, account="of-the-pledge")
    if known == "call":
        CallFactory(person=person, pledge=None, account="of-the-call")
        CallFactory(
            person=person,
            pledge=None,
            account="of-long-ago",
            requested_at=now() - timedelta(days=9),
        )

    assert ask(carol, person).delivery.account == account


def test_undo_takes_it_back(carol: User, person: Person) -> None:
    made = ask(carol, person)

    actions.undo(user=carol, token=made.token, at=timezone.now())

    assert not NewCall.objects.exists()
    assert Delivery.objects.get().outcome == "undone"
    assert ask(carol, person)


def test_undo_is_too_late_once_it_was_tried_and_is_for_who_did_it(
    carol: User, alice: User, person: Person
) -> None:
    made = ask(carol, person)
    with pytest.raises(actions.TooLate):
        actions.undo(user=alice, token=made.token, at=timezone.now())
    Delivery.objects.update(tries=1)

    with pytest.raises(actions.TooLate):
        actions.undo(user=carol, token=made.token, at=timezone.now())
    assert NewCall.objects.exists()


# ── At the other side ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def donor(stage: Stage, carol: User) -> Person:
    """Somebody whom both sides know, of an organisation of Carol's, with no open call here."""
    known = stage.open_call()
    Call.objects.update(status=Call.Status.COMPLETED)
    owner = known.person.owning_organization
    assert owner
    carol.organizations.add(owner)
    return known.person


def asked_on_stage(stage: Stage, carol: User, donor: Person, wanted: NewCallWish) -> NewCall:
    made = ask(carol, donor, wanted, at=stage.now)
    stage.pass_time(11)
    return made


def test_a_call_managed_in_tapraise_is_made_there_and_comes_back(
    stage: Stage, carol: User, donor: Person
) -> None:
    caller = OrganizationFactory(uuid=uuid.UUID(names.CALLING_ORGANIZATION.uuid))
    pledge = Pledge.objects.get(person=donor)
    wanted = NewCallWish(
        type="winback", pledge=pledge.pk, calling_organization=caller.pk, notes="Bel na zes uur."
    )
    made = asked_on_stage(stage, carol, donor, wanted)

    stage.sweep()

    assert [one["operation"] for one in stage.effects()] == ["create-call"]
    there = stage.world.calls[str(made.pk)]
    assert (there["type"], there["status"], there["notes"]) == (
        "winback",
        "requested",
        "Bel na zes uur.",
    )
    assert there["callingOrganizationUuid"] == str(caller.pk)
    here = Call.objects.get(pk=made.pk)
    assert (here.person, here.pledge, here.requested_at) == (donor, pledge, made.requested_at)
    assert Delivery.objects.get().outcome == "done"


def test_a_call_made_elsewhere_is_told_with_all_that_happened_to_it(
    stage: Stage, carol: User, donor: Person
) -> None:
    ended = stage.now - timedelta(hours=2)
    made = asked_on_stage(
        stage,
        carol,
        donor,
        NewCallWish(
            **{
                **vars(ELSEWHERE),
                "status": "completed",
                "attempts": ((ended - timedelta(days=1), None), (ended, uuid.UUID(names.ALICE))),
                "completed_at": ended,
                "result_code": "dropped",
                "result_notes": "Spijt.",
                "result_rating": None,
            }
        ),
    )

    stage.sweep()

    there = stage.world.calls[str(made.pk)]
    assert there["status"] == "completed"
    assert there["externalMetadata"]["additionalProperties"] == {"line": 3}
    assert [one["userUuid"] for one in there["attempts"]] == [None, names.ALICE]
    assert there["result"]["donorRetentionRating"] is None
    here = Call.objects.get(pk=made.pk)
    assert here.is_managed_elsewhere
    assert (here.external_reference, here.result_code) == ("B-17", "dropped")


@pytest.mark.parametrize("has_pledge", [True, False])
def test_an_answer_that_was_lost_is_found_by_reading_and_nothing_is_sent_twice(
    stage: Stage, carol: User, donor: Person, has_pledge: bool
) -> None:
    stage.fault("reset_after", "create-call", times=1)
    pledge = Pledge.objects.get(person=donor).pk if has_pledge else None
    made = asked_on_stage(stage, carol, donor, NewCallWish(type="winback", pledge=pledge))

    stage.sweep_until_settled()

    assert [one["operation"] for one in stage.effects()] == ["create-call"]
    assert len(stage.writes()) == 1
    assert Delivery.objects.get().outcome == "done"
    assert Call.objects.filter(pk=made.pk).exists()


@pytest.mark.parametrize("has_pledge", [True, False])
def test_one_that_never_arrived_is_absent_and_sent_anew(
    stage: Stage, carol: User, donor: Person, has_pledge: bool
) -> None:
    stage.fault("status", "create-call", status=500, times=2)
    pledge = Pledge.objects.get(person=donor).pk if has_pledge else None
    asked_on_stage(stage, carol, donor, NewCallWish(type="winback", pledge=pledge))

    stage.sweep_until_settled()

    delivery = Delivery.objects.get()
    assert (delivery.outcome, delivery.resends) == ("done", 2)
    assert [one["operation"] for one in stage.effects()] == ["create-call"]


def test_a_look_that_fails_is_no_absent_one(stage: Stage, carol: User, donor: Person) -> None:
    stage.fault("status", "create-call", status=500)
    stage.fault("status", "calls", status=500)
    asked_on_stage(stage, carol, donor, NewCallWish(type="winback"))

    stage.sweep_until_settled()

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == ("needs_decision", "nothing_to_read")
    assert delivery.resends == 0


def test_a_uuid_that_somebody_else_took_goes_to_a_person(
    stage: Stage, carol: User, donor: Person
) -> None:
    made = asked_on_stage(stage, carol, donor, NewCallWish(type="winback"))
    another = next(iter(stage.world.calls.values()))
    at = made.requested_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    theirs = {**another, "uuid": str(made.pk), "requestedAt": at, "type": "verification"}
    stage.world.put("calls", theirs | {"personUuid": str(donor.pk)}, stage.world.now())

    stage.sweep_until_settled()

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == ("needs_decision", "conflict")
    assert "saved before" in (delivery.refusal or "")


def test_what_tapraise_refuses_is_rejected_in_its_own_words_and_asked_of_nobody(
    stage: Stage, carol: User, donor: Person
) -> None:
    made = asked_on_stage(
        stage, carol, PersonFactory(owning_organization=donor.owning_organization), HAPPY
    )

    stage.sweep_until_settled()

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome) == ("closed", "rejected")
    assert "personUuid" in (delivery.refusal or "")
    made.refresh_from_db()
    assert made.ended_badly_at is not None


# ── What proves it ────────────────────────────────────────────────────────────────────────────────

AT = now()
PERSON = uuid.uuid4()
METADATA = CallExternalMetadataRecord(application_name="basicall", reference_id="B-17")
TOLD = {"application_name": "basicall", "reference_id": "B-17"}


@pytest.mark.parametrize(
    ("fields", "elsewhere", "finding"),
    [
        ({}, None, Finding.DONE),
        ({"requested_at": AT + timedelta(milliseconds=7)}, None, Finding.DONE),
        ({"status": "cancelled"}, None, Finding.DONE),
        ({"requested_at": AT + timedelta(seconds=1)}, None, Finding.CONFLICT),
        ({"type": "verification"}, None, Finding.CONFLICT),
        ({"type": None}, None, Finding.CONFLICT),
        ({"person_uuid": uuid.uuid4()}, None, Finding.CONFLICT),
        # Managed elsewhere, TapRaise chooses the type.
        ({"type": "verification", "external_metadata": METADATA}, TOLD, Finding.DONE),
        ({"external_metadata": None}, TOLD, Finding.CONFLICT),
        (
            {"external_metadata": METADATA},
            {**TOLD, "reference_id": "B-18"},
            Finding.CONFLICT,
        ),
    ],
)
def test_person_type_and_time_make_it_ours(
    fields: dict[str, Any], elsewhere: dict[str, Any] | None, finding: Finding
) -> None:
    record = CallRecord(
        **{
            "uuid": uuid.uuid4(),
            "status": "requested",
            "type": "winback",
            "requested_at": AT,
            "last_updated_at": AT,
            "person_uuid": PERSON,
            **fields,
        }
    )
    message = DeliveryFactory.build(
        payload={
            "person": str(PERSON),
            "requested_at": AT.isoformat(),
            "type": "" if elsewhere else "winback",
            "elsewhere": elsewhere,
        }
    )

    assert operations.create_call.verdict(record, message).finding == finding
    assert operations.create_call.verdict(operations.NotThere(), message).finding == Finding.ABSENT
