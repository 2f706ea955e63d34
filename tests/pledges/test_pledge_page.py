"""The page of a pledge: its fields in words, and over them what people here changed."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from integrations.models import Delivery
from pledges.models import Organization, Person, Pledge, PledgeChange
from tests.calls.two_steps import signed_in
from tests.factories import (
    CallFactory,
    DeliveryFactory,
    OrganizationFactory,
    PersonFactory,
    PledgeFactory,
    TransactionFactory,
    now,
)
from tests.pledges.browsing import Page, words_of
from tests.pledges.conftest import Mirror
from tests.stage import Stage

pytestmark = pytest.mark.django_db

ACCOUNT_NUMBER = "NL02ABNA0123456789"


def read(user: User, pledge: Pledge) -> str:
    return Page(user, f"/pledges/{pledge.pk}/").open()


@pytest.fixture
def donor(helder_water: Organization) -> Person:
    made: Person = PersonFactory(owning_organization=helder_water, last_name="Verzonnen")
    return made


@pytest.fixture
def pledge(donor: Person) -> Pledge:
    made: Pledge = PledgeFactory(
        person=donor,
        status="active",
        donation_amount=Decimal("7.50"),
        donation_interval="quarterly",
        initial_donation_amount=Decimal("12.50"),
        initial_donation_interval="halfYearly",
        starts_at=datetime(2026, 12, 1, tzinfo=UTC),
        ends_at=datetime(2027, 12, 31, tzinfo=UTC),
        released_at=datetime(2026, 11, 5, 9, 30, tzinfo=UTC),
        created_at=datetime(2026, 11, 1, 12, 0, tzinfo=UTC),
        updated_at=datetime(2026, 11, 6, 8, 0, tzinfo=UTC),
        collection_date=datetime(2026, 12, 27, tzinfo=UTC),
        campaign_code="C12",
        preferred_payment_day=27,
        recruitment_type="d2d",
        recruiting_location_label="Utrecht",
        recruiter_uuid=uuid.uuid4(),
        recruiter_name="Noa Verzonnen",
        recruiter_identifier="SW-011",
        recruiting_organization=OrganizationFactory(name="Straatwerk"),
        focus_areas=[{"uuid": "1", "name": "Water"}, {"uuid": "2", "name": "Kinderen"}],
        external_metadata={"wave": 4, "remark": "belt <b>graag</b> terug"},
    )
    return made


def changed(
    pledge: Pledge, user: User, wanted: dict[str, Any], before: dict[str, Any], **delivery: Any
) -> PledgeChange:
    token = uuid.uuid4()
    made: PledgeChange = PledgeChange.objects.create(
        pledge=pledge,
        wanted=wanted,
        before=before,
        reason="vroeg erom",
        user=user,
        at=now(),
        token=token,
        delivery=DeliveryFactory(
            operation="tapraise.update_pledge",
            **{"subject": f"pledge:{pledge.pk}", "token": token, "by": user, **delivery},
        ),
    )
    return made


def test_every_field_is_told_in_words(alice: User, pledge: Pledge) -> None:
    page = read(alice, pledge)
    for said in (
        "Ms F. van der Verzonnen",
        "€ 7,50 a quarter",
        "€ 30,00 a year",
        "active",
        "Start 01-12-2026",
        "End 31-12-2027",
        "Payment day 27",
        "At first € 12,50 half a year",
        "Focus Water, Kinderen",
        "Created 01-11-2026 13:00",
        "Released 05-11-2026 10:30",
        "Collection date 27-12-2026",
        "Updated 06-11-2026 09:00",
        "To Stichting Helder Water",
        "Recruited by Straatwerk",
        "Recruiter Noa Verzonnen (SW-011)",
        "Recruited at the door",
        "Location Utrecht",
        "Campaign C12",
        "Managed in TapRaise",
        str(pledge.pk),
    ):
        assert said in page


def test_what_tapraise_does_not_tell_is_said_so(alice: User, helder_water: Organization) -> None:
    bare = PledgeFactory(
        person=None,
        owning_organization=helder_water,
        status=None,
        donation_amount=None,
        donation_interval=None,
        initial_donation_amount=None,
        initial_donation_interval=None,
        starts_at=None,
        created_at=None,
        updated_at=None,
    )
    page = read(alice, bare)
    for said in ("Donor not known yet", "status not known", "not known", "End none", "not yet"):
        assert said in page
    assert "None" not in page
    assert "a year" not in page


def test_a_value_of_no_document_is_shown_as_it_is(alice: User, pledge: Pledge) -> None:
    Pledge.objects.update(status="sleeping", donation_interval="weekly", recruitment_type="web")
    page = read(alice, pledge)
    assert "sleeping" in page
    assert "€ 7,50 weekly" in page
    assert "Recruited web" in page


def test_metadata_of_another_system_is_for_supervisors(
    alice: User, carol: User, pledge: Pledge
) -> None:
    Pledge.objects.update(external_source_name="backstage", external_source_identifier="B-9")
    assert "Managed in backstage · B-9" in read(alice, pledge)
    assert "wave" not in read(alice, pledge)
    told = signed_in(carol).get(f"/pledges/{pledge.pk}/").content.decode()
    assert "<dt>wave</dt><dd>4</dd>" in told
    assert "belt &lt;b&gt;graag&lt;/b&gt; terug" in told


def test_payments_are_told_without_account_or_name(alice: User, pledge: Pledge) -> None:
    TransactionFactory(
        pledge=pledge,
        person=pledge.person,
        status="reversed",
        amount=Decimal("7.50"),
        created_at=datetime(2026, 11, 6, tzinfo=UTC),
        iban=ACCOUNT_NUMBER,
        name="F. Geheim",
    )
    TransactionFactory(person=pledge.person, amount=Decimal("99.00"))
    page = read(alice, pledge)
    assert "06-11-2026 € 7,50 reversed direct debit" in page
    assert ACCOUNT_NUMBER not in page
    assert "Geheim" not in page
    assert "99,00" not in page


def test_its_calls_lead_to_the_desk_and_only_those_that_are_mine(
    alice: User, pledge: Pledge, belcentrum: Organization
) -> None:
    ours = CallFactory(
        person=pledge.person,
        pledge=pledge,
        calling_organization=belcentrum,
        status="completed",
        result_code="downgraded",
    )
    theirs = CallFactory(person=pledge.person, pledge=pledge)
    told = signed_in(alice).get(f"/pledges/{pledge.pk}/")
    assert f'href="/calls/{ours.pk}/"' in told.content.decode()
    assert str(theirs.pk) not in told.content.decode()
    assert "verification completed downgraded" in words_of(told)


def test_it_leads_to_the_person_and_the_desk_leads_to_it(
    alice: User, pledge: Pledge, belcentrum: Organization
) -> None:
    call = CallFactory(person=pledge.person, pledge=pledge, calling_organization=belcentrum)
    client = signed_in(alice)
    assert f'href="/persons/{pledge.person_id}/"' in str(
        client.get(f"/pledges/{pledge.pk}/").content
    )
    assert f'href="/pledges/{pledge.pk}/"' in str(client.get(f"/calls/{call.pk}/").content)


def test_only_a_supervisor_is_offered_changes(alice: User, carol: User, pledge: Pledge) -> None:
    for user, is_offered in ((alice, False), (carol, True)):
        page = str(signed_in(user).get(f"/pledges/{pledge.pk}/").content)
        for place in ("changes", "status", "signature"):
            assert (f'href="/pledges/{pledge.pk}/{place}/"' in page) is is_offered


# ── What people here changed ──────────────────────────────────────────────────────────────────────


def test_a_change_on_its_way_stands_beside_what_tapraise_says(
    alice: User, carol: User, pledge: Pledge
) -> None:
    changed(
        pledge,
        carol,
        {"donation_amount": "5.00", "ends_at": None, "recruiting_location_label": "Delft"},
        {
            "donation_amount": "7.50",
            "ends_at": "2027-12-31T00:00:00+00:00",
            "recruiting_location_label": "Utrecht",
        },
    )
    page = read(alice, pledge)
    assert "€ 7,50 a quarter" in page
    assert "→ € 5,00 a quarter · € 20,00 a year on its way to TapRaise" in page
    assert "End 31-12-2027 → none" in page
    assert "Location Utrecht → Delft" in page
    assert "Amount € 7,50 → € 5,00; End 31-12-2027 → none; Location Utrecht → Delft" in page
    assert "Carol Saved, sending vroeg erom" in page


@pytest.mark.parametrize("outcome", [Delivery.Outcome.REJECTED, Delivery.Outcome.DONE])
def test_what_has_come_to_an_end_stands_in_the_story_alone(
    alice: User, carol: User, pledge: Pledge, outcome: str
) -> None:
    change = changed(
        pledge,
        carol,
        {"donation_amount": "5.00"},
        {"donation_amount": "7.50"},
        state=Delivery.State.CLOSED,
        outcome=outcome,
        closed_at=now(),
    )
    if outcome == Delivery.Outcome.REJECTED:
        PledgeChange.objects.filter(pk=change.pk).update(ended_badly_at=now())
    page = read(alice, pledge)
    assert "on its way to TapRaise" not in page
    assert "Amount € 7,50 → € 5,00" in page


def offers_undo(user: User, change: PledgeChange) -> bool:
    page = signed_in(user).get(f"/pledges/{change.pledge_id}/").content.decode()
    return f'name="undo" value="{change.token}"' in page


def test_only_who_made_the_last_change_may_take_it_back(
    alice: User, carol: User, pledge: Pledge
) -> None:
    waits = now() + timedelta(seconds=10)
    first = changed(pledge, carol, {"ends_at": None}, {}, not_before=waits)
    assert offers_undo(carol, first)
    assert not offers_undo(alice, first)
    second = changed(pledge, carol, {"starts_at": None}, {}, not_before=waits, seq=2)
    assert offers_undo(carol, second)
    assert not offers_undo(carol, first)


@pytest.mark.parametrize(
    "delivery",
    [
        pytest.param({"not_before": now()}, id="the window is over"),
        pytest.param({"tries": 1}, id="it was tried"),
        pytest.param({"subject": f"call:{uuid.uuid4()}"}, id="it went with a call"),
    ],
)
def test_what_cannot_be_taken_back_here_has_no_button(
    carol: User, pledge: Pledge, delivery: dict[str, Any]
) -> None:
    waits = now() + timedelta(seconds=10)
    change = changed(pledge, carol, {"ends_at": None}, {}, **{"not_before": waits, **delivery})
    assert not offers_undo(carol, change)


def test_chips_are_asked_for_while_one_moves_in_few_queries(
    alice: User, carol: User, pledge: Pledge
) -> None:
    assert "hx-get" not in signed_in(alice).get(f"/pledges/{pledge.pk}/").content.decode()
    recruiter = str(uuid.uuid4())
    change = changed(pledge, carol, {"recruiter_uuid": recruiter}, {})
    client = signed_in(alice)
    poll = f'hx-get="/pledges/{pledge.pk}/pulse/"'
    assert poll in client.get(f"/pledges/{pledge.pk}/").content.decode()

    headers = {"HX-Request": "true", "Belbord-Poll": "true"}
    with CaptureQueriesContext(
        connection,
    ) as asked:
        moving = client.get(f"/pledges/{pledge.pk}/pulse/", headers=headers).content.decode()
    assert len(asked) <= 5
    assert poll in moving
    assert f'id="chip-{change.delivery_id}"' in moving
    # Somebody may be reading there.
    assert 'id="facts"' not in moving

    Delivery.objects.update(state="closed", outcome="done", closed_at=now())
    Pledge.objects.update(recruiter_name="Iemand Anders")
    rest = client.get(f"/pledges/{pledge.pk}/pulse/", headers=headers).content.decode()
    assert "hx-get" not in rest
    assert "Iemand Anders" in rest
    assert "Confirmed by TapRaise" in rest


def test_a_change_is_seen_from_the_form_to_green(
    stage: Stage, carol: User, alice: User, mirror: Mirror
) -> None:
    pledge = mirror(donationAmount=Decimal("12.5"), donationInterval="monthly")
    Page(carol, f"/pledges/{pledge.pk}/changes/").through(donation_amount="10", reason="r")
    assert "Saved, sending" in read(alice, pledge)
    stage.sweep_until_settled()
    page = read(alice, pledge)
    assert "€ 10,00 a month" in page
    assert "Confirmed by TapRaise" in page
    assert "on its way" not in page


# ── Not here, not any more, not mine ──────────────────────────────────────────────────────────────


def test_a_pledge_known_by_its_uuid_only_says_so(alice: User, dirk: User, donor: Person) -> None:
    bare = Pledge.objects.create(uuid=uuid.uuid4())
    assert signed_in(alice).get(f"/pledges/{bare.pk}/").status_code == 404
    CallFactory(person=donor, pledge=bare, calling_organization=None)
    page = read(alice, bare)
    assert "It has not come in from TapRaise yet" in page
    assert "Amount" not in page
    assert signed_in(dirk).get(f"/pledges/{bare.pk}/").status_code == 404


def test_a_pledge_that_is_gone_says_so(carol: User, pledge: Pledge) -> None:
    Pledge.objects.update(gone_at=datetime(2026, 11, 12, tzinfo=UTC))
    page = read(carol, pledge)
    assert "has not shown this pledge since 12-11-2026" in page
    assert "TapRaise no longer shows this pledge." in page
    assert f"/pledges/{pledge.pk}/changes/" not in str(
        signed_in(carol).get(f"/pledges/{pledge.pk}/").content
    )


def test_to_another_organisation_it_does_not_exist(dirk: User, pledge: Pledge) -> None:
    client = signed_in(dirk)
    for place in ("", "pulse/"):
        assert client.get(f"/pledges/{pledge.pk}/{place}").status_code == 404
    assert not AuditEntry.objects.filter(action="pledge.read").exists()


def test_each_look_is_put_on_the_trail_and_polls_are_not(alice: User, pledge: Pledge) -> None:
    client = signed_in(alice)
    client.get(f"/pledges/{pledge.pk}/")
    client.get(f"/pledges/{pledge.pk}/pulse/")
    looked = AuditEntry.objects.get(action="pledge.read")
    assert (looked.user, looked.subject, looked.person_uuid) == (
        alice,
        f"pledge:{pledge.pk}",
        pledge.person_id,
    )


def test_in_dutch_amounts_and_days_are_as_the_dutch_write_them(alice: User, pledge: Pledge) -> None:
    User.objects.filter(pk=alice.pk).update(language="nl")
    page = read(alice, pledge)
    assert "€ 7,50" in page
    assert "31-12-2027" in page
