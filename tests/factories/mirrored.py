"""What TapRaise tells of donors and pledges."""

import uuid
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import factory

from pledges.models import (
    CallingRules,
    ClosedDay,
    Objection,
    Organization,
    Person,
    Pledge,
    QualityResult,
    RecruiterFlag,
    Transaction,
)
from pledges.names import first_key, name_key, postcode_key
from tests.factories.accounts import UserFactory
from tests.factories.common import Factory, ago, now


class OrganizationFactory(Factory):
    class Meta:
        model = Organization
        django_get_or_create = ("uuid",)

    uuid = factory.LazyFunction(uuid.uuid4)
    name = factory.Sequence(lambda n: f"Stichting Voorbeeld {n}")


class CallingRulesFactory(Factory):
    """Open every minute of every day, three attempts: the stories about closed hours say so."""

    class Meta:
        model = CallingRules

    organization = factory.SubFactory(OrganizationFactory)
    call_type = CallingRules.CallType.ANY
    from_date = factory.LazyFunction(lambda: now().date() - timedelta(days=365))
    weekdays_open = time(0, 0)
    weekdays_close = time(23, 59, 59)
    saturday_open = time(0, 0)
    saturday_close = time(23, 59, 59)
    sunday_open = time(0, 0)
    sunday_close = time(23, 59, 59)
    max_attempts = 3
    gap_minutes = 240
    source = "made for a test"


class ClosedDayFactory(Factory):
    """Closed for everybody, all day."""

    class Meta:
        model = ClosedDay

    date = factory.LazyFunction(lambda: now().date())
    name = "Verzonnen feestdag"
    source = "made for a test"


class ObjectionFactory(Factory):
    """Somebody does not want to be called; its keys and persons are the action's to make."""

    class Meta:
        model = Objection

    person_uuid = factory.LazyFunction(uuid.uuid4)
    channel = Objection.Channel.PHONE
    reason = Objection.Reason.ASKED
    at = ago(days=1)
    user = factory.SubFactory(UserFactory)
    token = factory.LazyFunction(uuid.uuid4)


class PersonFactory(Factory):
    class Meta:
        model = Person
        django_get_or_create = ("uuid",)

    uuid = factory.LazyFunction(uuid.uuid4)
    first_name = "Fenna"
    last_name_prefix = "van der"
    last_name = factory.Sequence(lambda n: f"Verzonnen{n}")
    initials = "F."
    date_of_birth = factory.LazyFunction(lambda: datetime(1980, 2, 29, tzinfo=UTC).date())
    street = "Bedachtestraat"
    house_number = "1"
    zip_code = "1234 AB"
    city = "Nergenshuizen"
    country = "NL"
    mobile_phone_number = factory.Sequence(lambda n: f"06-57{n % 1000000:06d}")
    mobile_e164 = factory.Sequence(lambda n: f"+31657{n % 1000000:06d}")
    name_key = factory.LazyAttribute(lambda it: name_key(it.last_name, it.last_name_prefix))
    first_key = factory.LazyAttribute(lambda it: first_key(it.first_name, it.initials))
    postcode_key = factory.LazyAttribute(lambda it: postcode_key(it.zip_code))
    email = factory.Sequence(lambda n: f"donor{n}@example.org")
    gender = "female"
    opt_in_phone = True
    language = "nl"
    created_at = ago(days=3)
    owning_organization = factory.SubFactory(OrganizationFactory)
    fetched_at = ago(minutes=1)


class QualityResultFactory(Factory):
    class Meta:
        model = QualityResult

    person = factory.SubFactory(PersonFactory)
    score = Decimal(8)
    max_score = Decimal(10)
    percentage = Decimal(80)
    created_at = ago(days=1)
    fetched_at = ago(minutes=1)


class RecruiterFlagFactory(Factory):
    """The donor's account is the recruiter's, and no supervisor has seen it."""

    class Meta:
        model = RecruiterFlag

    person = factory.SubFactory(PersonFactory)
    findings = factory.LazyFunction(lambda: ["ibanMatchesRecruiterIban"])
    raised_at = ago(hours=2)


class PledgeFactory(Factory):
    class Meta:
        model = Pledge
        django_get_or_create = ("uuid",)

    uuid = factory.LazyFunction(uuid.uuid4)
    account = "default"
    status = Pledge.Status.LEAD
    person = factory.SubFactory(PersonFactory)
    owning_organization = factory.LazyAttribute(
        lambda pledge: pledge.person.owning_organization if pledge.person else None
    )
    donation_amount = Decimal("12.50")
    donation_interval = Pledge.Interval.MONTHLY
    initial_donation_amount = Decimal("12.50")
    initial_donation_interval = Pledge.Interval.MONTHLY
    starts_at = factory.LazyFunction(lambda: now() + timedelta(days=14))
    created_at = ago(days=3)
    updated_at = ago(days=3)
    fetched_at = ago(minutes=1)


class TransactionFactory(Factory):
    class Meta:
        model = Transaction

    uuid = factory.LazyFunction(uuid.uuid4)
    person = factory.SubFactory(PersonFactory)
    amount = Decimal("12.50")
    method = "direct_debit"
    status = Transaction.Status.PAID
    created_at = ago(days=2)
    updated_at = ago(days=2)
    fetched_at = ago(minutes=1)
