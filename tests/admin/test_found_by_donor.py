"""Persons, pledges and calls in the admin are found by their donor, as the desk finds one."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from calls.models import Call
from pledges.admin.donors import MOST_DONORS
from pledges.models import Organization, Person, Pledge
from tests.admin.rows import charity_of, list_of, page_of
from tests.factories import CallFactory, OrganizationFactory, PersonFactory, PledgeFactory
from tests.pledges.browsing import words_of

pytestmark = pytest.mark.django_db

DONORS = {Person: "person", Pledge: "pledge", Call: "call"}
VAN_DIJK = {
    "first_name": "Zoë",
    "initials": "Z.",
    "last_name_prefix": "van",
    "last_name": "Dijk",
    "gender": "female",
    "zip_code": "5678 CD",
    "house_number": "12",
    "postcode_key": "5678CD",
    "mobile_e164": "+31655500199",
}


@pytest.fixture
def van_dijk(call: Call) -> Call:
    """A call to Ms Van Dijk about a pledge of hers, beside one to somebody else."""
    return a_call(charity_of(call), call.calling_organization)


def a_call(charity: Organization, calling: Any, **columns: Any) -> Call:
    person = PersonFactory(owning_organization=charity, **{**VAN_DIJK, **columns})
    made: Call = CallFactory(
        person=person, pledge=PledgeFactory(person=person), calling_organization=calling
    )
    return made


def row_of(model: Any, call: Call) -> Any:
    return {Person: call.person, Pledge: call.pledge, Call: call}[model]


def search(client: Client, model: Any, text: str, **filters: str) -> Any:
    answer = client.post(list_of(model), {"q": text, **filters})
    assert answer.status_code == 302
    # What is looked for may be a donor's, and addresses are kept in logs.
    assert "ijk" not in answer["Location"]
    return client.get(answer["Location"])


def found(answer: Any) -> list[str]:
    table = answer.content.decode().partition('id="result_list"')[2]
    return re.findall(r'<th class="field-donor"><a href="[^"]*/([0-9a-f-]{36})/change/', table)


@pytest.mark.parametrize("model", DONORS)
@pytest.mark.parametrize(
    "text", ["van Dijk", "dijk", "Zoë van Dijk", "06-55500199", "5678cd", "5678CD 12"]
)
def test_what_is_about_a_donor_is_found_by_name_number_or_postcode(
    supervisor: Client, van_dijk: Call, model: Any, text: str
) -> None:
    answer = search(supervisor, model, text)
    assert found(answer) == [str(row_of(model, van_dijk).pk)]
    # What was written stands in the box, for the next try.
    assert f'value="{text}"' in answer.content.decode()
    entry = AuditEntry.objects.get(action="donors.searched")
    assert (entry.facts, entry.user.username) == ({"found": 1}, "carol")


@pytest.mark.parametrize("model", DONORS)
def test_a_uuid_stays_in_the_address(supervisor: Client, van_dijk: Call, model: Any) -> None:
    answer = supervisor.post(list_of(model), {"q": f" {van_dijk.person_id} "})
    assert answer["Location"] == f"{list_of(model)}?q={van_dijk.person_id}"
    assert found(supervisor.get(answer["Location"])) == [str(row_of(model, van_dijk).pk)]


def test_a_filter_stays_while_something_is_looked_for(supervisor: Client, van_dijk: Call) -> None:
    assert found(search(supervisor, Call, "dijk", status="completed")) == []
    assert found(search(supervisor, Call, "dijk", status="requested")) == [str(van_dijk.pk)]


def test_a_donor_of_others_is_not_found(supervisor: Client, van_dijk: Call) -> None:
    theirs = a_call(OrganizationFactory(), van_dijk.calling_organization)
    for model in DONORS:
        assert str(row_of(model, theirs).pk) not in found(search(supervisor, model, "dijk"))


def test_half_a_number_gets_a_sentence(supervisor: Client, van_dijk: Call) -> None:
    for text in ("06555", "d"):
        answer = search(supervisor, Person, text)
        assert found(answer) == []
        assert "Write a whole phone number" in words_of(answer)


def test_more_of_one_name_than_are_shown_are_told(supervisor: Client, van_dijk: Call) -> None:
    for _ in range(MOST_DONORS):
        PersonFactory(owning_organization=van_dijk.person.owning_organization, **VAN_DIJK)
    assert "these are the first by name" in words_of(search(supervisor, Person, "dijk"))


class TestNames:
    @pytest.mark.parametrize("model", DONORS)
    def test_a_donor_has_a_name_in_the_list(
        self, supervisor: Client, van_dijk: Call, model: Any
    ) -> None:
        row = row_of(model, van_dijk)
        shown = words_of(supervisor.get(list_of(model)))
        assert "Ms Z. van Dijk" in shown
        assert f" {str(row.pk)[:8]} " in shown
        assert str(row.pk) not in shown
        assert str(row.pk) in words_of(supervisor.get(page_of(row)))

    def test_of_a_donor_of_others_there_is_no_name(
        self, supervisor: Client, van_dijk: Call
    ) -> None:
        theirs = OrganizationFactory()
        Person.objects.filter(pk=van_dijk.person_id).update(owning_organization=theirs)
        assert str(van_dijk.pledge_id) in supervisor.get(list_of(Pledge)).content.decode()
        assert "van Dijk" not in words_of(supervisor.get(list_of(Pledge)))


class TestWords:
    def test_a_call_is_told_in_dutch(self, supervisor: Client, van_dijk: Call) -> None:
        columns = {"status": "cancelled", "type": "happy_call", "result_code": "dropped"}
        Call.objects.filter(pk=van_dijk.pk).update(**columns)
        for page in (f"{list_of(Call)}?q={van_dijk.pk}", page_of(van_dijk)):
            told = dutch(supervisor, page)
            assert "geannuleerd" in told
            assert "happy_call" not in told
            assert not {"cancelled", "dropped"} & set(told.split())

    def test_a_pledge_is_told_in_dutch(self, supervisor: Client, van_dijk: Call) -> None:
        pledge = van_dijk.pledge
        assert pledge is not None
        columns = {"status": "cancelled", "donation_interval": "quarterly"}
        Pledge.objects.filter(pk=pledge.pk).update(recruitment_type="d2d", **columns)
        told = dutch(supervisor, page_of(pledge))
        assert {"geannuleerd", "kwartaal", "deur"} <= set(told.split())
        assert not {"cancelled", "quarterly", "d2d"} & set(told.split())


def dutch(client: Client, page: str) -> str:
    User.objects.filter(username="carol").update(language="nl")
    return str(words_of(client.get(page)))
