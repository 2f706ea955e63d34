"""A supervisor asks for a call: one to be made, or one that another application manages."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import AuditEntry, User
from calls.models import Call, NewCall
from integrations.models import Delivery
from pledges.models import Organization, Person, Pledge
from tests.calls.two_steps import TwoSteps, signed_in
from tests.conftest import Sandbox
from tests.factories import PersonFactory, PledgeFactory

pytestmark = pytest.mark.django_db

ELSEWHERE = {
    "application_name": "4dmc",
    "reference_id": "A-17",
    "agent_reference_id": "agent 4",
    "status_code": "31",
    "status_description": "Gesprek afgerond",
    "additional_properties": "wachtrij: noord\nopname: ja: 2 delen\n\n",
    "status": "completed",
    "requested_at": "01-11-2026 09:00",
    "ended_at": "02-11-2026 14:10",
    "attempts": "02-11-2026 14:03\n01-11-2026 10:00\n",
    "result_code": "downgraded",
    "result_rating": "6",
    "result_notes": "Lager bedrag gewenst.",
    "calling_organization": "",
    "pledge": "",
    "notes": "",
}


@pytest.fixture
def donor(helder_water: Organization) -> Person:
    made: Person = PersonFactory(owning_organization=helder_water)
    return made


@pytest.fixture
def pledge(donor: Person) -> Pledge:
    made: Pledge = PledgeFactory(person=donor, donation_amount=Decimal("7.5"))
    return made


def form(user: User, person: Person, query: str = "") -> TwoSteps:
    return TwoSteps(user, f"/persons/{person.pk}/calls/{query}")


def elsewhere(user: User, person: Person) -> TwoSteps:
    return form(user, person, "?managed=elsewhere")


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_it_says_what_it_will_do_before_anything_is_sent(
    carol: User, donor: Person, pledge: Pledge, belcentrum: Organization, rules: Any
) -> None:
    page = form(carol, donor)
    assert re.search(rf'value="{belcentrum.pk}" selected', page.open())

    shown = page.fill_in(
        type="happy_call",
        pledge=pledge.pk,
        calling_organization=belcentrum.pk,
        notes="Graag na zessen.",
    )

    said = words(shown)
    assert f"TapRaise gets a new call to {donor.spoken_name}: happy call" in said
    assert "about the pledge of € 7,50 a month" in said
    assert f"{belcentrum} calls." in said
    assert "It comes into our queue as soon as TapRaise has confirmed it." in said
    assert "With these notes: Graag na zessen." in said
    assert not NewCall.objects.exists()
    assert not Delivery.objects.exists()


def test_it_is_asked_for_once_and_stands_on_the_page_of_the_person(
    carol: User, donor: Person, pledge: Pledge, belcentrum: Organization
) -> None:
    page = form(carol, donor)

    sent = page.send(
        type="happy_call", pledge=pledge.pk, calling_organization=belcentrum.pk, notes="Na zessen."
    )
    again = page.press("send")

    assert (sent.status_code, again.status_code) == (302, 302)
    assert sent["Location"] == f"/persons/{donor.pk}/"
    asked = NewCall.objects.get()
    assert (asked.type, asked.pledge, asked.calling_organization) == (
        "happy_call",
        pledge,
        belcentrum,
    )
    assert (asked.notes, asked.user, asked.managed_in) == ("Na zessen.", carol, "")
    assert Delivery.objects.count() == 1
    assert AuditEntry.objects.filter(action="call.requested", user=carol).count() == 1
    shown = words(page.client.get(f"/persons/{donor.pk}/"))
    assert "Asked for here Happy call Carol" in shown
    assert "Saved, sending" in shown


def test_undo_takes_it_back_while_it_has_not_left(carol: User, alice: User, donor: Person) -> None:
    page = form(carol, donor)
    page.send(type="verification")
    token = str(NewCall.objects.get().token)
    address = f"/persons/{donor.pk}/undo/"
    assert token in page.client.get(f"/persons/{donor.pk}/").content.decode()
    assert token not in signed_in(alice).get(f"/persons/{donor.pk}/").content.decode()
    assert signed_in(alice).post(address, {"undo": token}).status_code == 409

    undone = page.client.post(address, {"undo": token})

    assert undone.status_code == 302
    assert not NewCall.objects.exists()
    assert Delivery.objects.get().outcome == Delivery.Outcome.UNDONE
    assert page.client.post(address, {"undo": "no token"}).status_code == 302


def test_too_late_to_undo_is_said(settings: Any, carol: User, donor: Person) -> None:
    settings.UNDO_SECONDS = 0
    page = form(carol, donor)
    page.send(type="verification")
    Delivery.objects.update(tries=1)

    answer = page.client.post(
        f"/persons/{donor.pk}/undo/", {"undo": str(NewCall.objects.get().token)}
    )

    assert answer.status_code == 409
    assert "It is too late to undo this" in words(answer)
    assert NewCall.objects.exists()


def test_the_same_form_with_something_else_in_it_is_refused(carol: User, donor: Person) -> None:
    page = form(carol, donor)
    page.send(type="verification")

    again = page.press("send", type="winback")

    assert again.status_code == 409
    assert "already sent with something else" in words(again)
    assert NewCall.objects.get().type == "verification"


def test_a_type_has_to_be_chosen_and_what_was_typed_is_kept(carol: User, donor: Person) -> None:
    page = form(carol, donor)
    page.open()

    refused = page.fill_in(notes="Na zessen.")

    assert refused.status_code == 422
    assert "Choose the type of call." in words(refused)
    assert "Na zessen." in refused.content.decode()


def test_only_what_this_user_may_see_can_be_chosen(
    carol: User, donor: Person, overkant: Organization
) -> None:
    of_another = PledgeFactory(owning_organization=donor.owning_organization)
    page = form(carol, donor)
    assert str(of_another.pk) not in page.open()

    refused = page.fill_in(type="winback", pledge=of_another.pk, calling_organization=overkant.pk)

    assert refused.status_code == 422
    assert "Choose one of the pledges of this donor." in words(refused)
    assert "Choose one of these organisations." in words(refused)


def test_a_second_open_call_of_the_same_type_is_refused(
    carol: User, donor: Person, new_call: Callable[..., Call]
) -> None:
    new_call(person=donor, type="verification")
    page = form(carol, donor)
    page.open()

    refused = page.fill_in(type="verification", notes="Toch nog eens.")

    assert refused.status_code == 422
    assert "This donor has an open call of this type already." in words(refused)
    assert "Toch nog eens." in refused.content.decode()


def test_a_second_one_is_refused_too_while_the_first_is_on_its_way(
    carol: User, donor: Person
) -> None:
    page = form(carol, donor)
    page.send(type="winback")
    page.open()
    page.fill_in(type="winback", notes="Toch nog eens.")

    refused = page.press("send")

    assert refused.status_code == 409
    assert "There is such a call already" in words(refused)
    assert "Toch nog eens." in refused.content.decode()
    assert NewCall.objects.count() == Delivery.objects.count() == 1


def test_a_donor_who_does_not_want_it_is_said_beforehand(
    carol: User, donor: Person, belcentrum: Organization, rules: Any
) -> None:
    Person.objects.filter(pk=donor.pk).update(opt_in_phone=False)
    page = form(carol, donor)
    page.open()

    said = words(page.fill_in(type="winback", calling_organization=belcentrum.pk))

    assert "This donor does not want to be called for this. Our queue will not serve it." in said
    page.open()
    said = words(page.fill_in(type="winback", calling_organization=""))
    assert "Nobody is named as the one who calls. It does not come into our queue." in said.replace(
        "  ", " "
    )


def test_without_a_user_at_tapraise_it_is_refused(carol: User, donor: Person) -> None:
    User.objects.filter(pk=carol.pk).update(tapraise_user_uuid=None)
    page = form(carol, donor)
    page.open()
    page.fill_in(type="winback")

    refused = page.press("send")

    assert refused.status_code == 409
    assert "Your TapRaise user is not known" in words(refused)


def test_for_an_agent_and_for_others_it_is_not_there(
    alice: User, dirk: User, donor: Person
) -> None:
    dirk.role = User.Role.SUPERVISOR
    dirk.save()
    for user in (alice, dirk):
        client = signed_in(user)
        for query in ("", "?managed=elsewhere"):
            address = f"/persons/{donor.pk}/calls/{query}"
            assert client.get(address).status_code == 404
            assert client.post(address, {"type": "winback", "send": "yes"}).status_code == 404
    assert not NewCall.objects.exists()


# ── Managed elsewhere ─────────────────────────────────────────────────────────────────────────────


def test_a_call_of_another_application_is_told_whole(
    carol: User, donor: Person, pledge: Pledge
) -> None:
    page = elsewhere(carol, donor)
    page.open()

    said = words(page.fill_in(**ELSEWHERE | {"pledge": pledge.pk}))

    assert f"a call to {donor.spoken_name} that 4dmc manages" in said
    assert "Its reference there: A-17." in said
    assert "How it stands: completed, at 02-11-2026 14:10." in said
    assert "2 attempts: 01-11-2026 10:00, 02-11-2026 14:03." in said
    assert "Result: downgraded, rating 6. Notes: Lager bedrag gewenst." in said
    assert "opname: ja: 2 delen" in said
    assert "Nobody can change it afterwards" in said
    assert page.press("send").status_code == 302
    asked = NewCall.objects.get()
    assert (asked.managed_in, asked.type, asked.pledge) == ("4dmc", "", pledge)
    shown = words(page.client.get(f"/persons/{donor.pk}/"))
    assert "managed in 4dmc Saved, sending" in shown


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"application_name": ""}, "Choose the application that manages this call."),
        ({"application_name": "tapraise"}, "Select a valid choice"),
        ({"reference_id": ""}, "Write the reference of this call"),
        ({"agent_reference_id": " "}, "Write the reference of the agent"),
        ({"status_code": ""}, "Write the status code of that application."),
        ({"status_description": ""}, "Write what that status code means."),
        ({"additional_properties": "a: 1\nb"}, "Line 2 is no name: value."),
        ({"additional_properties": "a: 1\n\na: 2"}, "Line 3 has a name that stands above"),
        ({"additional_properties": "a: 1\x002"}, "Null characters are not allowed."),
        ({"additional_properties": "a: 1\n" * 101}, "These are more than 100 lines."),
        ({"additional_properties": "a: " + "1" * 10_000}, "at most 10000 characters"),
        ({"status": ""}, "Choose how the call stands."),
        ({"ended_at": ""}, "Write when the call ended."),
        ({"ended_at": "01-01-2099 10:00"}, "This moment has not come yet."),
        ({"requested_at": ""}, "Write when the call was requested: before it ended."),
        ({"requested_at": "03-11-2026 10:00"}, "Write when the call was requested"),
        ({"attempts": "gisteren"}, "Line 1: Write a date and a time"),
        ({"attempts": "01-11-2026 10:00\n01-01-2099 10:00"}, "Line 2: this moment has not come"),
        ({"attempts": "03-11-2026 10:00"}, "One of these attempts comes after the end"),
        ({"result_code": ""}, "A completed call has a result. Choose it."),
        ({"result_rating": ""}, "Choose a rating, or 'not asked'."),
        ({"result_rating": "0"}, "Select a valid choice"),
        ({"result_notes": ""}, "A completed call has notes of its result."),
        ({"status": "requested"}, "Only a completed call has a result. Empty this."),
        ({"status": "requested"}, "A call that is still to be made has not ended."),
        ({"status": "expired"}, "TapRaise takes no moment for this."),
        (
            {"status": "cancelled", "ended_at": "", "result_code": ""},
            "Write when the call ended.",
        ),
    ],
)
def test_what_tapraise_would_not_take_is_refused_in_a_sentence(
    carol: User, donor: Person, typed: dict[str, str], sentence: str
) -> None:
    page = elsewhere(carol, donor)
    page.open()

    refused = page.fill_in(**ELSEWHERE | typed)

    assert refused.status_code == 422
    assert sentence in words(refused).replace("&#x27;", "'")
    # What was right stays as it was typed.
    for name in {"reference_id", "status_description", "result_notes"} - set(typed):
        assert ELSEWHERE[name] in refused.content.decode()
    assert not NewCall.objects.exists()


def test_a_call_that_is_still_to_be_made_needs_no_more_than_its_name_there(
    carol: User, donor: Person
) -> None:
    nothing = dict.fromkeys(
        ("ended_at", "attempts", "result_code", "result_rating", "result_notes"), ""
    )
    page = elsewhere(carol, donor)

    assert page.send(**ELSEWHERE | nothing | {"status": "requested"}).status_code == 302

    assert NewCall.objects.get().managed_in == "4dmc"


def test_a_reference_that_is_known_already_is_refused(
    carol: User, donor: Person, new_call: Callable[..., Call]
) -> None:
    new_call(external_application="4dmc", external_reference="A-17")
    page = elsewhere(carol, donor)
    page.open()

    refused = page.fill_in(**ELSEWHERE)

    assert refused.status_code == 422
    assert "TapRaise has a call with this reference already." in words(refused)
    assert page.fill_in(**ELSEWHERE | {"application_name": "kalff"}).status_code == 200


# ── What TapRaise gets ────────────────────────────────────────────────────────────────────────────


def person_there(sandbox: Sandbox, owner: Organization) -> Person:
    """A donor of this organisation whom the sandbox knows, with nothing open here."""
    uuid = next(
        uuid
        for uuid, person in sandbox.world.persons.items()
        if person["owningOrganization"] and person["owningOrganization"]["uuid"] == str(owner.pk)
    )
    made: Person = PersonFactory(uuid=uuid, owning_organization=owner)
    return made


def drain() -> None:
    call_command("drain", stdout=StringIO())


def test_tapraise_gets_it_once_and_it_comes_back_among_the_calls(
    settings: Any,
    sandbox: Sandbox,
    carol: User,
    helder_water: Organization,
    belcentrum: Organization,
) -> None:
    settings.UNDO_SECONDS = 0
    donor = person_there(sandbox, helder_water)
    page = form(carol, donor)
    page.send(type="winback", calling_organization=belcentrum.pk, notes="Na zessen.")
    page.press("send")

    drain()
    drain()

    [effect] = sandbox.effects()
    body = effect["body"]
    assert (body["type"], body["notes"]) == ("winback", "Na zessen.")
    assert body["uuid"] == str(NewCall.objects.get().pk)
    assert body["requestedByUserUuid"] == str(carol.tapraise_user_uuid)
    assert "externalMetadata" not in body
    shown = words(page.client.get(f"/persons/{donor.pk}/"))
    assert "Asked for here" not in shown
    assert re.search(r"Winback .* Confirmed by TapRaise \d\d:\d\d requested", shown)
    desk = words(page.client.get(f"/calls/{NewCall.objects.get().pk}/"))
    assert re.search(r"Call requested – Carol Confirmed by TapRaise \d\d:\d\d Na zessen.", desk)


def test_tapraise_gets_one_of_elsewhere_with_all_that_is_known(
    settings: Any, sandbox: Sandbox, carol: User, helder_water: Organization
) -> None:
    settings.UNDO_SECONDS = 0
    donor = person_there(sandbox, helder_water)
    ended = timezone.localtime() - timedelta(hours=1)
    typed = {
        "ended_at": f"{ended:%d-%m-%Y %H:%M}",
        "attempts": f"{ended - timedelta(days=1):%d-%m-%Y %H:%M}",
        "result_rating": "not_asked",
    }

    elsewhere(carol, donor).send(**ELSEWHERE | typed)
    drain()

    [effect] = sandbox.effects()
    body = effect["body"]
    assert "type" not in body
    assert body["status"] == "completed"
    assert body["requestedAt"] == "2026-11-01T08:00:00.000Z"
    metadata = body["externalMetadata"]
    assert metadata["applicationName"] == "4dmc"
    assert json.loads(metadata["additionalProperties"]) == {
        "wachtrij": "noord",
        "opname": "ja: 2 delen",
    }
    assert body["result"]["resultCode"] == "downgraded"
    assert body["result"]["donorRetentionRating"] is None
    assert len(body["attempts"]) == 1
    call = Call.objects.get()
    assert call.is_managed_elsewhere
    shown = words(signed_in(carol).get(f"/persons/{donor.pk}/"))
    assert "managed in 4dmc" in shown
