"""Two who write to one donor at once, and two workers who save one link: one message, one link."""

import threading
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from integrations.alphacomm.wire import Attribute, PayLinkRecord
from pledges import actions
from pledges.models import AlphacommLink, Mandate, MessageScript, Organization, TextMessage
from pledges.sync import save_links
from tests.factories import (
    CallingRulesFactory,
    MessageScriptFactory,
    PayLinkFactory,
    PaymentRulesFactory,
    PersonFactory,
)

AT_ONCE = 6

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(act: Callable[[int], object]) -> list[str]:
    """Each in a thread of its own; what they raised, by name."""
    start = threading.Barrier(AT_ONCE)
    trouble: list[str] = []

    def one(number: int) -> None:
        try:
            start.wait()
            act(number)
        except Exception as error:  # noqa: BLE001
            trouble.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return trouble


def test_a_donor_gets_one_of_the_texts_that_are_sent_at_once(
    alice: User, bob: User, helder_water: Organization
) -> None:
    CallingRulesFactory(organization=helder_water)
    PaymentRulesFactory(organization=helder_water)
    person = PersonFactory(owning_organization=helder_water)
    script = MessageScriptFactory(organization=helder_water, carries=MessageScript.Carries.PAYLINK)

    trouble = at_once(
        lambda number: actions.send_message(
            user=(alice, bob)[number % 2],
            person=person,
            pledge=None,
            call_uuid=None,
            script=script,
            to="0612345678",
            amount=Decimal(10),
            token=uuid.uuid4(),
            at=timezone.now(),
        )
    )
    assert trouble == ["CoolingDown"] * (AT_ONCE - 1)
    assert TextMessage.objects.count() == 1


def test_a_donor_has_one_open_mandate_however_many_ask_at_once(
    alice: User, helder_water: Organization
) -> None:
    PaymentRulesFactory(organization=helder_water)
    person = PersonFactory(owning_organization=helder_water)
    trouble = at_once(
        lambda _: actions.create_mandate(
            user=alice,
            person=person,
            pledge=None,
            call_uuid=None,
            token=uuid.uuid4(),
            at=timezone.now(),
        )
    )
    assert trouble == ["MandateOpen"] * (AT_ONCE - 1)
    assert Mandate.objects.count() == 1


def test_links_that_are_saved_at_once_are_all_there_and_paid_stays_paid(
    helder_water: Organization,
) -> None:
    PaymentRulesFactory(organization=helder_water, amounts_agreed_at=None)
    person = PersonFactory(owning_organization=helder_water)
    ours = PayLinkFactory.create_batch(5, person=person)

    def record(number: int, status: str) -> PayLinkRecord:
        op = Attribute(id="customer_op", value=str(ours[number].delivery_id))
        return PayLinkRecord(
            id=f"link-{number}", status=status, amount_paid=0, attributes=(op,), short_url="x"
        )

    statuses = ["ready", "paid", "failed", "started", "paid", "cancelled"]
    trouble = at_once(
        lambda number: save_links(
            # In an order of its own each.
            [record((number + n) % 5, statuses[number]) for n in range(5)],
            fetched_at=timezone.now(),
        )
    )
    assert trouble == []
    assert AlphacommLink.objects.filter(status="paid").count() == 5
