"""A supervisor makes a pledge for a donor who asks for one; the sandbox's journal is the judge."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from accounts.models import AuditEntry, User
from integrations.models import Delivery
from integrations.sandbox import names
from integrations.tapraise import values
from pledges.forms import CANCELLATION_REASONS
from pledges.models import NewPledge, Person, Pledge
from tests.factories import OrganizationFactory, PersonFactory, PledgeFactory
from tests.pledges.browsing import Page, words_of
from tests.pledges.conftest import Mirror
from tests.stage import Stage

pytestmark = pytest.mark.django_db


def new_pledge(user: User, person: Person) -> Page:
    return Page(user, f"/persons/{person.pk}/pledges/")


def bodies(stage: Stage) -> list[dict[str, Any]]:
    stage.sweep_until_settled()
    return [effect["body"] for effect in stage.effects("create-pledge")]


@pytest.fixture
def known(mirror: Mirror, carol: User) -> Pledge:
    """A pledge of Helder Water that came in, with a recruiter and a focus."""
    return next(one for one in (mirror() for _ in range(20)) if one.focus_areas)


@pytest.fixture
def donor(known: Pledge) -> Person:
    assert known.person is not None
    return known.person


def filled_in(known: Pledge, **more: Any) -> dict[str, Any]:
    return {
        "initial_donation_amount": "7,50",
        "initial_donation_interval": "monthly",
        "starts_at": "01-02-2027",
        "recruiting_organization": str(known.recruiting_organization_id),
        "recruiter": str(known.recruiter_uuid),
        "reason": "called us",
        **more,
    }


def test_it_begins_with_the_donors_organisation_and_the_supervisor(
    carol: User, donor: Person, known: Pledge
) -> None:
    page = new_pledge(carol, donor)
    said = page.open()
    assert donor.form_of_address in said
    assert "TapRaise takes none from here" in said
    assert page.fields["owning_organization"] == names.HELDER_WATER.uuid
    assert page.fields["recruiter"] == names.CAROL
    assert page.fields["initial_donation_interval"] == ""
    assert known.focus_areas[0]["name"] in said


def test_it_is_told_in_words_and_then_made_once(
    stage: Stage, carol: User, donor: Person, known: Pledge
) -> None:
    page = new_pledge(carol, donor)
    page.open()
    area = known.focus_areas[0]
    said = words_of(
        page.send(
            **filled_in(
                known,
                ends_at="31-12-2029",
                preferred_payment_day="27",
                recruitment_type="street",
                recruiting_location_label="Utrecht",
                focus_areas=[area["uuid"]],
            )
        )
    )
    assert "Stichting Helder Water: € 7,50 a month (€ 90,00 a year), from 01-02-2027." in said
    assert "It ends on 31-12-2029." in said
    assert "Payment day: 27." in said
    assert "Recruited in the street." in said
    assert "Location: Utrecht." in said
    assert f"Focus: {area['name']}." in said
    assert "TapRaise manages it, and begins it as a lead." in said
    assert not NewPledge.objects.exists()

    answer = page.send(send="yes")
    again = page.send(send="yes")
    made = NewPledge.objects.get()
    assert answer.headers["Location"] == again.headers["Location"] == f"/pledges/{made.pk}/"

    body = bodies(stage)
    assert len(body) == 1
    told = {name: value for name, value in body[0].items() if name != "creationMetadata"}
    assert told.pop("createdAt")
    assert told == {
        "uuid": str(made.pk),
        "personUuid": str(donor.pk),
        "owningOrganizationUuid": names.HELDER_WATER.uuid,
        "recruitingOrganizationUuid": str(known.recruiting_organization_id),
        "recruiterUserUuid": str(known.recruiter_uuid),
        "initialDonationAmount": Decimal("7.50"),
        "initialDonationInterval": "monthly",
        "startsAt": "2027-02-01T00:00:00.000Z",
        "endsAt": "2029-12-31T00:00:00.000Z",
        "preferredPaymentDay": 27,
        "recruitmentType": "street",
        "recruitingLocationLabel": "Utrecht",
        "focusAreaUuids": [area["uuid"]],
    }


def test_it_has_a_page_at_once_and_the_mirror_takes_it_over(
    stage: Stage, alice: User, carol: User, donor: Person, known: Pledge
) -> None:
    new_pledge(carol, donor).through(**filled_in(known))
    made = NewPledge.objects.get()
    page = Page(alice, f"/pledges/{made.pk}/")
    said = page.open()
    assert "€ 7,50 a month" in said
    assert "Saved, sending" in said
    assert "Made by Carol" in said
    poll = f"{page.address}pulse/?new=yes"
    told = page.client.get(poll, headers={"HX-Request": "true"}).content.decode()
    assert f'id="chip-{made.delivery_id}"' in told
    assert f'hx-get="{poll}"' in told

    stage.sweep_until_settled()
    assert page.client.get(poll, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    said = page.open()
    assert "Made from here Confirmed by TapRaise" in said
    assert "called us" in said
    assert "Where it comes from" in said
    assert "Start 01-02-2027" in said


def test_the_supervisor_may_be_the_recruiter(
    stage: Stage, carol: User, donor: Person, known: Pledge
) -> None:
    wanted = filled_in(known)
    del wanted["recruiter"]
    new_pledge(carol, donor).through(**wanted)
    [body] = bodies(stage)
    assert body["recruiterUserUuid"] == names.CAROL
    made = NewPledge.objects.get()
    assert "Recruiter BB-003" in Page(carol, f"/pledges/{made.pk}/").open()


def test_it_can_be_taken_back_while_it_waits(
    stage: Stage, carol: User, donor: Person, known: Pledge
) -> None:
    new_pledge(carol, donor).through(**filled_in(known))
    made = NewPledge.objects.get()
    page = Page(carol, f"/pledges/{made.pk}/")
    page.open()
    assert page.fields == {}
    answer = page.client.post(f"{page.address}undo/", {"undo": str(made.token)})
    assert answer.headers["Location"] == f"/persons/{donor.pk}/"
    assert not NewPledge.objects.exists()
    assert bodies(stage) == []


def test_one_that_another_system_manages_is_told_as_it_is_there(
    stage: Stage, carol: User, donor: Person, known: Pledge
) -> None:
    page = new_pledge(carol, donor)
    page.open()
    said = words_of(
        page.send(
            **filled_in(
                known,
                external_source_name="backstage",
                external_source_identifier="B-9",
                status="cancelled",
                donation_amount="5",
                donation_interval="quarterly",
                released_at="01-03-2026",
                cancelled_at="05-05-2026",
                cancellation_reason="one_time_only",
                cancellation_note="zei het aan de deur",
                external_metadata="segment: B\nbron: beurs",
            )
        )
    )
    assert "segment there: B." in said
    assert "It is managed in backstage, as B-9" in said
    assert "Its status there: cancelled." in said
    assert "By now it is € 5,00 a quarter (€ 20,00 a year)." in said
    assert "Released on 01-03-2026." in said
    assert "Cancelled on 05-05-2026." in said
    assert "Why it was cancelled: wanted to give once – zei het aan de deur." in said
    assert page.send(send="yes").status_code == 302

    [body] = bodies(stage)
    assert body["externalSource"] == {"name": "backstage", "identifier": "B-9"}
    assert body["status"] == "cancelled"
    assert (body["donationAmount"], body["donationInterval"]) == (Decimal("5.00"), "quarterly")
    assert body["releasedAt"] == "2026-03-01T00:00:00.000Z"
    assert body["cancelledAt"] == "2026-05-05T00:00:00.000Z"
    assert body["cancellationReason"] == {
        "identifier": "one_time_only",
        "note": "zei het aan de deur",
    }
    assert "droppedAt" not in body
    assert body["externalMetadata"] == {"segment": "B", "bron": "beurs"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"initial_donation_amount": "7,505"}, "at most two decimals"),
        ({"initial_donation_amount": ""}, "Write the amount."),
        ({"initial_donation_interval": ""}, "Choose how often."),
        ({"starts_at": ""}, "Write the first day."),
        ({"ends_at": "01-01-2027"}, "The end lies before the start."),
        ({"recruiter": ""}, "Choose a recruiter."),
        ({"recruiting_organization": ""}, "Choose who recruited."),
        ({"external_source_name": "backstage"}, "System and identifier go together."),
        ({"status": "active"}, "Only for a pledge that another system manages."),
        ({"donation_amount": "5"}, "Only for a pledge that another system manages."),
        ({"cancellation_note": "x"}, "Only for a pledge that another system manages."),
        (
            {
                "cancellation_note": "x",
                "external_source_name": "backstage",
                "external_source_identifier": "9",
            },
            "Choose the reason that the note is about.",
        ),
        ({"external_metadata": "x: 1"}, "Only for a pledge that another system manages."),
        ({"external_metadata": "x"}, "Line 1 is no name: value."),
        ({"reason": ""}, "Write why."),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(
    carol: User, donor: Person, known: Pledge, typed: dict[str, str], said: str
) -> None:
    page = new_pledge(carol, donor)
    page.open()
    wanted = filled_in(known, recruiting_location_label="Delft") | typed
    answer = page.send(**wanted)
    assert answer.status_code == 422
    assert said in words_of(answer)
    assert {name: page.fields[name] for name in wanted} == wanted
    assert not NewPledge.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("preferred_payment_day", "29"),
        ("preferred_payment_day", "0"),
        ("owning_organization", names.DIERENHULP.uuid),
        ("recruiter", "not-a-uuid"),
        ("focus_areas", "00000000-0000-4000-8000-000000000000"),
        ("cancellation_reason", "no_such_reason"),
    ],
)
def test_what_was_not_offered_is_not_taken(
    carol: User, donor: Person, known: Pledge, field: str, value: str
) -> None:
    OrganizationFactory(uuid=UUID(names.DIERENHULP.uuid))
    page = new_pledge(carol, donor)
    page.open()
    assert page.send(**filled_in(known, **{field: value})).status_code == 422


def test_a_focus_goes_with_the_organisation_that_has_it(
    carol: User, donor: Person, known: Pledge
) -> None:
    other = OrganizationFactory(name="De Leesbus")
    carol.organizations.add(other)
    area = "10000000-0000-4000-8000-000000000001"
    PledgeFactory(
        person=PersonFactory(owning_organization=other),
        focus_areas=[{"uuid": area, "name": "Lezen"}],
    )
    page = new_pledge(carol, donor)
    assert "Lezen" in page.open()
    answer = page.send(**filled_in(known, focus_areas=[area]))
    assert answer.status_code == 422
    assert "Choose a focus of the organisation that the pledge is to." in words_of(answer)
    fits = page.send(**filled_in(known, owning_organization=str(other.pk), focus_areas=[area]))
    assert "Focus: Lezen." in words_of(fits)


def test_a_refusal_of_tapraise_is_shown_and_never_as_done(
    stage: Stage, carol: User, donor: Person, known: Pledge
) -> None:
    # The sandbox knows a recruiter by the pledges that he brought.
    Pledge.objects.filter(pk=known.pk).update(recruiter_uuid=UUID(int=5))
    new_pledge(carol, donor).through(**filled_in(known, recruiter=str(UUID(int=5))))
    assert bodies(stage) == []
    made = NewPledge.objects.get()
    assert made.delivery.outcome == Delivery.Outcome.REJECTED
    assert "Refused by TapRaise" in Page(carol, f"/pledges/{made.pk}/").open()


def test_every_reason_of_the_documents_has_its_words() -> None:
    assert CANCELLATION_REASONS.keys() == values.CANCELLATION_REASONS


def test_for_an_agent_and_for_another_organisation_there_is_no_such_page(
    alice: User, dirk: User, carol: User, donor: Person, known: Pledge
) -> None:
    User.objects.filter(pk=dirk.pk).update(role=User.Role.SUPERVISOR)
    dirk.refresh_from_db()
    for user in (alice, dirk):
        page = new_pledge(user, donor)
        assert page.client.get(page.address).status_code == 404
        assert page.client.post(page.address, filled_in(known)).status_code == 404
    new_pledge(carol, donor).through(**filled_in(known))
    made = NewPledge.objects.get()
    assert Page(dirk, "").client.get(f"/pledges/{made.pk}/").status_code == 404
    assert AuditEntry.objects.filter(action="pledge.created").count() == 1
