"""What several actions ask before they write."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from accounts import audit
from accounts.models import User
from integrations.alphacomm.money import NotWholeCents, cents
from pledges import messages
from pledges.actions.refusals import (
    AmountOutOfBounds,
    MandateOpen,
    NotAllowed,
    NotOurs,
    PaymentsNotOffered,
)
from pledges.models import Mandate, PayLink, PaymentRules, Person, Pledge, TextMessage
from pledges.payments import Offer


def record(
    action: str,
    pledge_uuid: uuid.UUID,
    person_uuid: uuid.UUID | None,
    *,
    user: User,
    at: datetime,
    **facts: object,
) -> None:
    subject = messages.subject_of(pledge_uuid)
    audit.record(action, user=user, at=at, subject=subject, person_uuid=person_uuid, **facts)


def locked(pledge: Pledge) -> Pledge:
    """The pledge as it is now, with its row locked: its messages are put in line one by one."""
    return Pledge.objects.select_for_update(of=("self",)).get(pk=pledge.pk)


def check_supervisor(user: User) -> None:
    if not user.is_supervisor:
        raise NotAllowed


def check_ours(pledge: Pledge, *, user: User) -> None:
    if not Pledge.objects.visible_to(user).filter(pk=pledge.pk).exists():
        raise NotOurs


# ── PayLinks, messages and e-Mandates ─────────────────────────────────────────────────────────────


def record_of(
    action: str,
    row: PayLink | TextMessage | Mandate,
    *,
    user: User,
    at: datetime,
    **facts: object,
) -> None:
    call = str(row.call_uuid) if row.call_uuid else None
    audit.record(
        action,
        user=user,
        at=at,
        subject=row.subject,
        person_uuid=row.person_id,
        call=call,
        **facts,
    )


def check_person(person: Person, pledge: Pledge | None, *, user: User) -> None:
    """Whether this user works for the donor's organisation, and the pledge is the donor's."""
    if not Person.objects.visible_to(user).filter(pk=person.pk).exists():
        raise NotOurs
    if pledge is not None and pledge.person_id != person.pk:
        raise NotOurs


def locked_person(person: Person) -> Person:
    """The donor as they are now, with their row locked: one is written to by one at a time."""
    return Person.objects.select_for_update(of=("self",)).get(pk=person.pk)


def check_offered(offer: Offer) -> PaymentRules:
    """The terms of what is offered. Raises PaymentsNotOffered."""
    if offer.why_not is not None:
        raise PaymentsNotOffered(offer.why_not)
    assert offer.rules is not None  # noqa: S101  (what is allowed has its terms)
    return offer.rules


def check_amount(amount: Decimal, terms: PaymentRules) -> None:
    """Whether these euros are within the organisation's bounds, and whole cents."""
    bounds = terms.smallest_amount, terms.largest_amount
    try:
        cents(amount)
    except NotWholeCents:
        raise AmountOutOfBounds(*bounds) from None
    if not bounds[0] <= amount <= bounds[1]:
        raise AmountOutOfBounds(*bounds)


def check_no_open_mandate(person: Person, terms: PaymentRules, *, at: datetime) -> None:
    """Whether no e-Mandate waits for this donor. The caller holds the lock on the donor's row."""
    found = open_mandates(terms, at=at, person=person).get(person.pk)
    if found is not None:
        raise MandateOpen(found)


def open_mandates(
    terms: PaymentRules, *, at: datetime, person: Person | None = None
) -> dict[uuid.UUID, Mandate]:
    """The e-Mandates that wait for donors of an organisation: not given, and made in the time that
    a PayLink would have. One question, about one donor or all of them; the newest of each."""
    waiting = Mandate.objects.living().unsigned()
    waiting = (
        waiting.filter(person__owning_organization=terms.organization_id)
        if person is None
        else waiting.filter(person=person)
    )
    recent = waiting.filter(at__gt=at - timedelta(days=terms.days_visible))
    return {mandate.person_id: mandate for mandate in recent.order_by("at")}
