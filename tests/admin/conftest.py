"""Who looks around in the admin, and the call that they find there."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from calls.models import Call
from pledges.models import Organization
from tests.admin.rows import ACCOUNT_NUMBER, SECRET, client_of
from tests.factories import (
    CallFactory,
    PersonFactory,
    PledgeFactory,
    TransactionFactory,
    UserFactory,
)


@pytest.fixture(autouse=True)
def _told_not_forced(settings: Any) -> None:
    # Without a second factor, as in development; tests/accounts/test_second_factor.py has the rest.
    settings.DEBUG = True
    # These stories make many people, and are not about hashing.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def supervisor(carol: User) -> Client:
    carol.is_staff = True
    carol.save()
    return client_of(carol)


@pytest.fixture
def manager(carol: User) -> Client:
    carol.role, carol.is_staff = User.Role.MANAGER, True
    carol.save()
    return client_of(carol)


@pytest.fixture
def superuser(db: None) -> Client:
    return client_of(UserFactory(username="root", is_staff=True, is_superuser=True))


@pytest.fixture
def call(helder_water: Organization, belcentrum: Organization) -> Call:
    """A call to a donor of Carol's charity, with secrets in every column that holds them."""
    person = PersonFactory(
        owning_organization=helder_water, iban=ACCOUNT_NUMBER, iban_hash="0" * 32
    )
    pledge = PledgeFactory(person=person, external_metadata={"a": SECRET})
    TransactionFactory(
        person=person,
        pledge=pledge,
        iban=ACCOUNT_NUMBER,
        iban_hash="0" * 32,
        name=SECRET,
        provider_metadata={"a": SECRET},
        amount=Decimal("12.50"),
    )
    made: Call = CallFactory(
        person=person,
        pledge=pledge,
        calling_organization=belcentrum,
        external_additional={"a": SECRET},
    )
    return made
