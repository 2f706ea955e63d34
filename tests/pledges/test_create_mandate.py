"""An e-Mandate for a donor whose account is missing or wrong: one, told apart from any other or
decided by a person."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AlreadySent, AuditEntry, User
from integrations import clients
from integrations.models import Delivery
from integrations.sandbox.alphacomm import donor
from pledges import actions
from pledges.following import ALL_MANDATES, MANDATES_OF_NOW
from pledges.models import Mandate, MessageScript, PaymentRules, Person
from pledges.payments import WhyNotOffered
from pledges.sync import save_mandates
from tests.factories import MandateFactory, PersonFactory
from tests.pledges.paying import Till, outcome_of


def mandates_there(till: Till) -> list[dict[str, Any]]:
    till.stage.world.settle()
    return list(till.stage.world.alphacomm.records["mandates"].values())


def sign(till: Till, mandate: Mandate, status: str = "success") -> None:
    mandate.refresh_from_db()
    there = till.stage.world.alphacomm.records["mandates"][mandate.alphacomm_id or ""]
    till.stage.pass_time(1)
    donor.sign(till.stage.world, there, till.stage.world.now(), status=status)


def a_namesake(till: Till) -> Person:
    made: Person = PersonFactory(
        owning_organization=till.person.owning_organization,
        initials=till.person.initials,
        last_name_prefix=till.person.last_name_prefix,
        last_name=till.person.last_name,
    )
    return made


def test_a_mandate_is_made_at_once_and_followed_until_it_is_given(till: Till) -> None:
    made = till.mandate()
    till.stage.sweep()
    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    made.refresh_from_db()
    (there,) = mandates_there(till)
    assert (made.alphacomm_id, made.status) == (there["id"], Mandate.Status.NEW)
    assert made.short_url
    assert (there["debtorReference"], there["reference"]) == (made.debtor_reference, "VOORBEELD")
    assert there["personName"] == till.person.full_name
    assert AuditEntry.objects.get(action="mandate.created").subject == made.subject

    seen = []
    for status in ("pending", "success"):
        sign(till, made, status)
        till.follow(MANDATES_OF_NOW)
        made.refresh_from_db()
        seen.append((made.status, made.is_signed))
    assert seen == [(Mandate.Status.PENDING, False), (Mandate.Status.SUCCESS, True)]
    assert made.signed_at is not None


def test_a_second_open_one_is_refused(till: Till) -> None:
    token = uuid.uuid4()
    made = till.mandate(token=token)
    with pytest.raises(AlreadySent):
        till.mandate(token=token)
    with pytest.raises(actions.MandateOpen) as refused:
        till.mandate()
    assert refused.value.mandate == made
    till.stage.sweep()
    sign(till, made)
    till.follow(MANDATES_OF_NOW)
    till.mandate()


def test_one_that_nobody_gave_in_time_stands_in_nobodys_way(till: Till) -> None:
    MandateFactory(person=till.person, at=till.stage.now - timedelta(days=15))
    MandateFactory(person=till.person, ended_badly_at=till.stage.now)
    till.mandate()


def test_what_is_not_offered_says_why(till: Till, dirk: User) -> None:
    with pytest.raises(actions.NotOurs):
        till.mandate(user=dirk)
    PaymentRules.objects.update(mandate_reference="")
    with pytest.raises(actions.PaymentsNotOffered) as refused:
        till.mandate()
    assert refused.value.why == WhyNotOffered.NO_MANDATE


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_after"},
        {"kind": "cut_body"},
        {"kind": "status", "status": 504, "after_effect": True},
        {"kind": "late_effect", "seconds": 100},
        {"kind": "graphql_errors", "after_effect": True},
    ],
    ids=str,
)
def test_an_answer_that_is_lost_is_read_back(till: Till, fault: dict[str, Any]) -> None:
    made = till.mandate()
    till.stage.fault(operation="create-mandate", times=1, **fault)
    till.stage.sweep_until_settled()
    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    made.refresh_from_db()
    assert [one["id"] for one in mandates_there(till)] == [made.alphacomm_id]


def test_what_had_no_effect_is_sent_once_more(till: Till) -> None:
    made = till.mandate()
    till.stage.fault("reset_before", "create-mandate", times=1)
    till.stage.sweep_until_settled()
    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    assert len(mandates_there(till)) == 1


def test_two_that_look_the_same_go_to_a_person(till: Till) -> None:
    """Two donors of one name, and the answers about both are lost."""
    till.stage.fault("reset_after", "create-mandate", times=2)
    both = [till.mandate(), till.mandate(person=a_namesake(till))]
    till.stage.sweep_until_settled()
    assert {outcome_of(one.delivery) for one in both} == {Delivery.State.NEEDS_DECISION}
    assert not Mandate.objects.exclude(alphacomm_id=None).exists()
    assert len(mandates_there(till)) == 2


def test_one_that_may_be_either_donors_goes_to_a_person(till: Till) -> None:
    """Two donors of one name, both answers lost, and only one of them came to be."""
    till.stage.fault("reset_after", "create-mandate", times=1, without_effect=True)
    till.stage.fault("reset_after", "create-mandate", times=1)
    both = [till.mandate(), till.mandate(person=a_namesake(till))]
    till.stage.sweep_until_settled()
    assert {outcome_of(one.delivery) for one in both} == {Delivery.State.NEEDS_DECISION}


def test_one_that_is_known_to_be_another_donors_is_not_taken_for_ours(till: Till) -> None:
    theirs = till.mandate(person=a_namesake(till))
    till.stage.sweep()
    made = till.mandate()
    till.stage.fault("reset_after", "create-mandate", times=1)
    till.stage.sweep_until_settled()
    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    made.refresh_from_db()
    theirs.refresh_from_db()
    assert made.alphacomm_id != theirs.alphacomm_id


def test_one_that_came_to_be_twice_is_told(till: Till) -> None:
    """The first took effect later than we count with, and the second one's answer was lost."""
    made = till.mandate()
    till.stage.fault("late_effect", "create-mandate", times=1, seconds=310)
    till.stage.fault("reset_after", "create-mandate", times=1)
    till.stage.sweep_until_settled()
    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    assert made.delivery is not None
    assert made.delivery.reason == "doubled"
    assert AuditEntry.objects.filter(action="delivery.doubled").exists()


def test_a_mandate_by_text_is_found_by_the_reference_of_its_message(
    till: Till, scripts: dict[str, MessageScript]
) -> None:
    message = till.send(scripts["1004"])
    made = message.mandate
    with pytest.raises(actions.MandateOpen):
        till.mandate()
    till.stage.sweep_until_settled()
    till.stage.pass_time(60)
    till.follow(MANDATES_OF_NOW)
    made.refresh_from_db()
    (there,) = mandates_there(till)
    assert made.alphacomm_id == there["id"]
    sign(till, made)
    till.stage.pass_time(3600)
    till.follow(ALL_MANDATES)
    made.refresh_from_db()
    assert made.is_signed


def test_given_stays_given(till: Till, payer: Person) -> None:
    made = till.mandate()
    till.stage.sweep()
    made.refresh_from_db()
    before = clients.alphacomm().mandate(id=made.alphacomm_id or "")
    assert before is not None
    sign(till, made)
    till.follow(MANDATES_OF_NOW)
    save_mandates([before], fetched_at=till.stage.now + timedelta(hours=1))
    made.refresh_from_db()
    assert made.is_signed
