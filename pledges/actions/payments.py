"""PayLinks that are made through the API: to show to a donor, as a QR code or an address."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts import audit
from accounts.models import FormToken, User
from pledges import messages, payments
from pledges.actions.checks import (
    check_amount,
    check_offered,
    check_person,
    check_supervisor,
    record_of,
)
from pledges.actions.refusals import DescriptionMissing, NotOurs, TooLongVisible
from pledges.models import Organization, PayLink, PaymentRules, Person, Pledge
from pledges.models.payments import MOST_DAYS


def create_pay_link(
    *,
    user: User,
    person: Person,
    pledge: Pledge | None,
    call_uuid: uuid.UUID | None,
    amount: Decimal,
    description: str,
    days_visible: int | None = None,
    token: uuid.UUID,
    at: datetime,
) -> PayLink:
    """Have a PayLink made for a donor; it leaves at once, for nobody is told of it by itself.

    `amount` in euros. Raises PaymentsNotOffered, NotOurs, AmountOutOfBounds, DescriptionMissing,
    TooLongVisible, NotSendable; AlreadySent or FormChanged.
    """
    description = description.strip()
    content = {
        "create_pay_link": str(person.pk),
        "pledge": str(pledge.pk) if pledge else None,
        "amount": str(amount),
        "description": description,
        "days_visible": days_visible,
    }
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        check_person(person, pledge, user=user)
        terms = check_offered(payments.offer(person, user=user, at=at))
        check_amount(amount, terms)
        if not description:
            raise DescriptionMissing
        days = terms.days_visible if days_visible is None else days_visible
        if not 1 <= days <= MOST_DAYS:
            raise TooLongVisible(MOST_DAYS)
        made = PayLink(
            call_uuid=call_uuid,
            person=person,
            pledge=pledge,
            amount=amount,
            description=description,
            visible_until=payments.visible_until(at, days),
            user=user,
            at=at,
            token=token,
        )
        made.invoice_reference = payments.reference_for(made.pk, at=at)
        made.delivery = messages.enqueue_pay_link(made)
        made.save(force_insert=True)
        record_of("paylink.created", made, user=user, at=at)
        return made


def agree_amounts(*, user: User, rules: PaymentRules, at: datetime) -> None:
    """A supervisor saw a PayLink of ours ask a donor for the amount that we wanted.

    From then on agents make links too. Raises NotAllowed, NotOurs. Twice is once.
    """
    check_supervisor(user)
    with transaction.atomic():
        theirs = Organization.objects.filter(members=user, pk=rules.organization_id)
        if not theirs.exists():
            raise NotOurs
        unseen = PaymentRules.objects.filter(pk=rules.pk, amounts_agreed_at=None)
        if unseen.update(amounts_agreed_at=at, amounts_agreed_by=user):
            audit.record(
                "payments.amounts_agreed",
                user=user,
                at=at,
                subject=f"organization:{rules.organization_id}",
            )
