"""What people here did about pledges."""

import uuid
from decimal import Decimal

import factory

from accounts.models import User
from integrations.models import Delivery
from pledges.models import (
    Correction,
    NewPledge,
    Pledge,
    PledgeChange,
    SignatureRequest,
)
from tests.factories.accounts import UserFactory
from tests.factories.common import Factory, now
from tests.factories.integrations import DeliveryFactory
from tests.factories.mirrored import PersonFactory, PledgeFactory


class PledgeChangeFactory(Factory):
    """An amount that a supervisor lowered, with its message in the pledge's own line."""

    class Meta:
        model = PledgeChange

    pledge = factory.SubFactory(PledgeFactory)
    wanted = factory.LazyFunction(lambda: {"donation_amount": "5.00"})
    before = factory.LazyFunction(lambda: {"donation_amount": "12.50"})
    user = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    at = factory.LazyFunction(now)
    token = factory.LazyFunction(uuid.uuid4)
    delivery = factory.SubFactory(
        DeliveryFactory,
        operation="tapraise.update_pledge",
        subject=factory.LazyAttribute(lambda it: f"pledge:{it.factory_parent.pledge.pk}"),
        seq=factory.LazyAttribute(
            lambda it: Delivery.objects.filter(subject=it.subject).count() + 1
        ),
        token=factory.SelfAttribute("..token"),
        by=factory.SelfAttribute("..user"),
    )


class NewPledgeFactory(Factory):
    class Meta:
        model = NewPledge

    token = factory.LazyFunction(uuid.uuid4)
    uuid = factory.LazyFunction(uuid.uuid4)
    person = factory.SubFactory(PersonFactory)
    owning_organization = factory.LazyAttribute(lambda made: made.person.owning_organization)
    donation_amount = Decimal("12.50")
    donation_interval = Pledge.Interval.MONTHLY
    user = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    at = factory.LazyFunction(now)
    delivery = factory.SubFactory(
        DeliveryFactory,
        operation="tapraise.create_pledge",
        subject=factory.LazyAttribute(lambda it: f"pledge:{it.factory_parent.uuid}"),
        token=factory.SelfAttribute("..token"),
        by=factory.SelfAttribute("..user"),
    )


class SignatureRequestFactory(Factory):
    class Meta:
        model = SignatureRequest

    pledge = factory.SubFactory(PledgeFactory)
    user = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    asked_at = factory.LazyFunction(now)


class CorrectionFactory(Factory):
    """Another e-mail address, as the donor said it."""

    class Meta:
        model = Correction

    # First, because a field below takes the name of the clock.
    at = factory.LazyFunction(now)
    person = factory.SubFactory(PersonFactory)
    organization = factory.SelfAttribute("person.owning_organization")
    item = Correction.Item.EMAIL
    was = factory.LazyFunction(lambda: {"email": "oud@example.org"})
    now = factory.LazyFunction(lambda: {"email": "nieuw@example.org"})
    call_uuid = factory.LazyFunction(uuid.uuid4)
    user = factory.SubFactory(UserFactory)
