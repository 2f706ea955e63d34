"""A supervisor at the form of a message in bulk, and the donors that it may be for."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils.timezone import localtime
from pytest_django import Settings

from accounts.models import User
from calls.models import Call
from pledges.models import MessageScript, Organization, Person
from tests.factories import (
    CallFactory,
    CallingRulesFactory,
    MessageScriptFactory,
    PaymentRulesFactory,
    PersonFactory,
)
from tests.pledges.browsing import Page, words_of


class BulkForm(Page):
    """Filled in, looked at by an address, sent."""

    # Where it was looked at last.
    looked_at = ""

    def look(self, **typed: Any) -> Any:
        """What the form says of what is typed; the answer that a browser ends up with."""
        answer = self.send(**typed)
        return self.see(answer["Location"]) if answer.status_code == 302 else answer

    def see(self, address: str) -> Any:
        answer = self.client.get(address)
        self.read(answer)
        self.looked_at = address
        return answer

    def ask(self, chosen: MessageScript, **typed: Any) -> Any:
        self.open()
        return self.look(**{"script": chosen.pk, "kind": "open", "way": "rows", **typed})

    def said(self, chosen: MessageScript, **typed: Any) -> str:
        return words_of(self.ask(chosen, **typed))


@pytest.fixture(autouse=True)
def offered(settings: Settings) -> None:
    settings.ALPHACOMM_URL = "http://sandbox"
    settings.ALPHACOMM_TOKEN = "sandbox"


@pytest.fixture
def script(helder_water: Organization) -> MessageScript:
    CallingRulesFactory(organization=helder_water)
    PaymentRulesFactory(organization=helder_water)
    made: MessageScript = MessageScriptFactory(
        organization=helder_water,
        script_id="1002",
        name="Terugbelbericht",
        carries=MessageScript.Carries.NOTHING,
        required_fields=["to_phone_numbers"],
    )
    return made


@pytest.fixture
def english(carol: User) -> User:
    User.objects.filter(pk=carol.pk).update(language="en")
    carol.language = "en"
    return carol


@pytest.fixture
def form(english: User, script: MessageScript) -> BulkForm:
    return BulkForm(english, reverse("new_batch"))


def open_calls(
    count: int, belcentrum: Organization, organization: Organization, **columns: Any
) -> list[Person]:
    made = Person.objects.bulk_create(
        PersonFactory.build_batch(count, owning_organization=organization, **columns)
    )
    Call.objects.bulk_create(
        CallFactory.build(person=person, pledge=None, calling_organization=belcentrum)
        for person in made
    )
    return made


def day(ago: int) -> str:
    """So many days ago, as people type a day."""
    return f"{localtime() - timedelta(days=ago):%d-%m-%Y}"
