"""People and the trail."""

import uuid
from typing import Any

import factory

from accounts.models import AuditEntry, AuditSeal, FormToken, User
from pledges.models import (
    Organization,
)
from tests.factories.common import PASSWORD, Factory, hashed, now


class UserFactory(Factory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"agent{n}")
    first_name = factory.LazyAttribute(lambda user: user.username.capitalize())
    role = User.Role.AGENT
    tapraise_user_uuid = factory.LazyFunction(uuid.uuid4)
    language = "en"

    @factory.post_generation
    def password(self: Any, create: bool, extracted: str | None, **_: Any) -> None:
        self.password = hashed(extracted or PASSWORD)
        if create:
            self.save(update_fields=["password"])

    @factory.post_generation
    def organizations(
        self: Any, create: bool, extracted: list[Organization] | None, **_: Any
    ) -> None:
        if create and extracted:
            self.organizations.set(extracted)


class FormTokenFactory(Factory):
    class Meta:
        model = FormToken

    token = factory.LazyFunction(uuid.uuid4)
    user = factory.SubFactory(UserFactory)
    digest = "0" * 64
    created_at = factory.LazyFunction(now)


class AuditEntryFactory(Factory):
    class Meta:
        model = AuditEntry

    at = factory.LazyFunction(now)
    user = factory.SubFactory(UserFactory)
    action = "call.claimed"


class AuditSealFactory(Factory):
    class Meta:
        model = AuditSeal

    first_entry = 1
    last_entry = factory.Sequence(lambda n: n + 1)
    entries = 1
    digest = "0" * 64
    sealed_at = factory.LazyFunction(now)
