"""e-Mandates that are made through the API: to show to a donor."""

import uuid
from datetime import datetime

from django.db import transaction

from accounts.models import FormToken, User
from pledges import messages, payments
from pledges.actions.checks import (
    check_no_open_mandate,
    check_offered,
    check_person,
    locked_person,
    record_of,
)
from pledges.models import Mandate, Person, Pledge


def create_mandate(
    *,
    user: User,
    person: Person,
    pledge: Pledge | None,
    call_uuid: uuid.UUID | None,
    token: uuid.UUID,
    at: datetime,
) -> Mandate:
    """Have an e-Mandate made for a donor; it leaves at once, for nobody is told of it by itself.

    The date of a mandate that exists is the caller's to show first. Raises PaymentsNotOffered,
    NotOurs, MandateOpen, NotSendable; AlreadySent or FormChanged.
    """
    content = {"create_mandate": str(person.pk), "pledge": str(pledge.pk) if pledge else None}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        check_person(person, pledge, user=user)
        terms = check_offered(payments.mandate_offer(person, at=at))
        person = locked_person(person)
        check_no_open_mandate(person, terms, at=at)
        made = Mandate(
            call_uuid=call_uuid,
            person=person,
            pledge=pledge,
            reference=terms.mandate_reference,
            user=user,
            at=at,
            token=token,
        )
        made.debtor_reference = payments.reference_for(made.pk, at=at)
        made.delivery = messages.enqueue_mandate(made, terms=terms)
        made.save(force_insert=True)
        record_of("mandate.created", made, user=user, at=at)
        return made
