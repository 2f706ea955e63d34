"""PayLinks, messages and e-Mandates, and on what terms they are offered."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import factory

from pledges.models import (
    AlphacommLink,
    Batch,
    LeftOut,
    Mandate,
    MessageScript,
    PayLink,
    PaymentRules,
    ResultFile,
    TextMessage,
    VoiceResult,
)
from tests.factories.accounts import UserFactory
from tests.factories.common import Factory, ago, now
from tests.factories.integrations import DeliveryFactory
from tests.factories.mirrored import OrganizationFactory, PersonFactory


def _own_delivery(operation: str) -> factory.SubFactory:
    """One that Alphacomm has confirmed."""
    return factory.SubFactory(
        DeliveryFactory,
        operation=operation,
        account="alphacomm",
        subject=factory.LazyAttribute(lambda it: it.factory_parent.line),
        token=factory.SelfAttribute("..token"),
        by=factory.SelfAttribute("..user"),
        is_done=True,
    )


class PaymentRulesFactory(Factory):
    """€ 1 to € 250, and what is paid was seen to be what was asked."""

    class Meta:
        model = PaymentRules

    organization = factory.SubFactory(OrganizationFactory)
    from_date = factory.LazyFunction(lambda: now().date() - timedelta(days=365))
    smallest_amount = Decimal(1)
    largest_amount = Decimal(250)
    description = "Uw donatie"
    days_visible = 14
    mandate_reference = "VOORBEELD"
    mandate_reason = "donatie"
    texts_a_day = 2
    amounts_agreed_at = ago(days=30)


class MessageScriptFactory(Factory):
    """A text with a PayLink of its own."""

    class Meta:
        model = MessageScript

    organization = factory.SubFactory(OrganizationFactory)
    script_id = factory.Sequence(lambda n: str(2001 + n))
    name = "Betaallink per sms"
    medium = MessageScript.Medium.SMS
    carries = MessageScript.Carries.PAYLINK
    required_fields = factory.LazyFunction(
        lambda: ["person_family_name", "to_phone_numbers", "invoice_amount", "invoice_reference"]
    )
    cooldown_minutes = 60


class TextMessageFactory(Factory):
    """A text that Alphacomm has accepted."""

    class Meta:
        model = TextMessage

    class Params:
        line = factory.LazyAttribute(lambda it: f"message:{it.uuid}")

    uuid = factory.LazyFunction(uuid4)
    reference = factory.Sequence(lambda n: f"20261103-text{n}")
    script = factory.SubFactory(
        MessageScriptFactory,
        organization=factory.SelfAttribute("..person.owning_organization"),
        carries=MessageScript.Carries.NOTHING,
    )
    medium = factory.SelfAttribute("script.medium")
    person = factory.SubFactory(PersonFactory)
    to = factory.SelfAttribute("person.mobile_e164")
    user = factory.SubFactory(UserFactory)
    at = factory.LazyFunction(now)
    token = factory.LazyFunction(uuid4)
    delivery = _own_delivery("alphacomm.add_rows")
    record_status = TextMessage.RecordStatus.ACCEPTED


class PayLinkFactory(Factory):
    """One that was made through the API; `AlphacommLinkFactory` makes what came of it."""

    class Meta:
        model = PayLink

    class Params:
        line = factory.LazyAttribute(lambda it: f"paylink:{it.uuid}")

    uuid = factory.LazyFunction(uuid4)
    person = factory.SubFactory(PersonFactory)
    amount = Decimal("10.00")
    description = "Uw donatie"
    visible_until = factory.LazyFunction(lambda: now() + timedelta(days=14))
    invoice_reference = factory.Sequence(lambda n: f"20261103-link{n}")
    user = factory.SubFactory(UserFactory)
    at = factory.LazyFunction(now)
    token = factory.LazyFunction(uuid4)
    delivery = _own_delivery("alphacomm.create_pay_link")


class AlphacommLinkFactory(Factory):
    class Meta:
        model = AlphacommLink

    id = factory.LazyFunction(lambda: str(uuid4()))
    pay_link = factory.SubFactory(PayLinkFactory)
    short_url = factory.Sequence(lambda n: f"https://pay.example/{n}")
    long_url = factory.LazyAttribute(lambda link: f"https://pay.example/pay/{link.id}")
    status = AlphacommLink.Status.READY
    amount_paid = 0
    created_on = ago(minutes=2)
    updated_on = ago(minutes=2)
    paid_at = factory.LazyAttribute(
        lambda link: now() if link.status == AlphacommLink.Status.PAID else None
    )
    fetched_at = ago(minutes=1)


class MandateFactory(Factory):
    """One that was made through the API, and that the donor has not given yet."""

    class Meta:
        model = Mandate

    class Params:
        line = factory.LazyAttribute(lambda it: f"mandate:{it.uuid}")

    uuid = factory.LazyFunction(uuid4)
    person = factory.SubFactory(PersonFactory)
    reference = "VOORBEELD"
    debtor_reference = factory.Sequence(lambda n: f"20261103-mandate{n}")
    user = factory.SubFactory(UserFactory)
    at = factory.LazyFunction(now)
    token = factory.LazyFunction(uuid4)
    delivery = _own_delivery("alphacomm.create_mandate")
    alphacomm_id = factory.LazyFunction(lambda: str(uuid4()))
    short_url = factory.Sequence(lambda n: f"https://sign.example/{n}")
    long_url = factory.LazyAttribute(lambda made: f"https://sign.example/pay/{made.alphacomm_id}")
    type = "RCUR"
    status = Mandate.Status.NEW
    created_on = ago(minutes=2)
    updated_on = ago(minutes=2)
    signed_at = factory.LazyAttribute(
        lambda made: now() if made.status == Mandate.Status.SUCCESS else None
    )
    fetched_at = ago(minutes=1)


class BatchFactory(Factory):
    class Meta:
        model = Batch

    class Params:
        line = factory.LazyAttribute(lambda it: f"batch:{it.uuid}")

    uuid = factory.LazyFunction(uuid4)
    script = factory.SubFactory(MessageScriptFactory)
    size = 1000
    user = factory.SubFactory(UserFactory)
    at = factory.LazyFunction(now)
    token = factory.LazyFunction(uuid4)
    delivery = _own_delivery("alphacomm.add_file")
    name = factory.Sequence(lambda n: f"20261103-{n}")
    action = "IMPORT"
    status = Batch.Status.QUEUED
    fetched_at = ago(minutes=1)


class LeftOutFactory(Factory):
    class Meta:
        model = LeftOut

    batch = factory.SubFactory(BatchFactory)
    person = factory.SubFactory(PersonFactory)
    reason = LeftOut.Reason.COOLING_DOWN


class ResultFileFactory(Factory):
    """One that was read and not written yet."""

    class Meta:
        model = ResultFile

    name = "results.csv"
    user = factory.SubFactory(UserFactory)
    at = factory.LazyFunction(now)
    lines = factory.LazyFunction(lambda: [["20261103-text0", "delivered", None]])
    references = 1


class VoiceResultFactory(Factory):
    class Meta:
        model = VoiceResult

    voice_call_id = factory.LazyFunction(lambda: str(uuid4()))
    message = factory.SubFactory(
        TextMessageFactory,
        script__medium=MessageScript.Medium.VOICE,
        script__script_id=factory.Sequence(lambda n: str(18301 + n)),
    )
    status = VoiceResult.Status.FINISHED
    is_reached = True
    answered_on = ago(minutes=3)
    at = ago(minutes=2)
