"""May this donor be written to, and with what: the one place that decides it, for a message that an
agent sends and for each of the thousands of a batch alike.

What the answer depends on beside the donor is read beforehand, in as many questions for one donor
as for all of an organisation.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from pledges import payments, texting
from pledges.actions.checks import check_amount, check_offered, open_mandates
from pledges.actions.refusals import (
    CoolingDown,
    EnoughForToday,
    FieldMissing,
    MandateOpen,
    MayNotText,
    NoAddressToTextTo,
    ScriptNotInUse,
)
from pledges.contact import Rulebook, may_text
from pledges.models import Mandate, MessageScript, PayLink, PaymentRules, Person, TextMessage
from pledges.objections import Objections
from pledges.payments import AMSTERDAM, Offer
from pledges.phone import is_mobile


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One donor whom somebody wants to write to. Amount in euros."""

    person: Person
    # None: wherever such a message goes by itself.
    to: str | None = None
    amount: Decimal | None = None
    pledge_uuid: uuid.UUID | None = None
    call_uuid: uuid.UUID | None = None
    call_type: str | None = None
    # It is sent because nothing was paid since then; kept with the ground, and asked once more when
    # it leaves.
    unpaid_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What decides beside the donor: the message, the terms, and what donors were sent lately."""

    script: MessageScript
    terms: PaymentRules
    user: User
    token: uuid.UUID
    at: datetime
    leaves_at: datetime | None
    rulebook: Rulebook
    cooling: Mapping[uuid.UUID, datetime]
    today: Mapping[uuid.UUID, int]
    mandates: Mapping[uuid.UUID, Mandate]
    # None: asked of each donor by itself.
    objections: Objections | None = None


@dataclass(frozen=True)
class Prepared:
    """A message that may be sent, with our row of what its script makes. Nothing is saved, and it
    has no delivery yet."""

    message: TextMessage
    link: PayLink | None = None
    mandate: Mandate | None = None
    # What the donor is asked for, in euros.
    amount: Decimal | None = None

    @property
    def carried(self) -> PayLink | Mandate | None:
        return self.link or self.mandate


def offer_of(script: MessageScript, *, user: User, at: datetime) -> Offer:
    """Whether this user may offer donors what the script carries."""
    if script.carries == MessageScript.Carries.PAYLINK:
        return payments.offer_of(script.organization_id, user=user, at=at)
    return payments.text_offer_of(script.organization_id, at=at)


def read_grounds(
    script: MessageScript,
    *,
    user: User,
    token: uuid.UUID,
    at: datetime,
    person: Person | None = None,
) -> Grounds:
    """What decides about this message, for one donor or for all of the organisation: a handful of
    questions. Raises PaymentsNotOffered, ScriptNotInUse."""
    if not script.is_active or (person is not None and not _is_for(script, person)):
        raise ScriptNotInUse
    terms = check_offered(offer_of(script, user=user, at=at))
    carries_mandate = script.carries == MessageScript.Carries.MANDATE
    return Grounds(
        script=script,
        terms=terms,
        user=user,
        token=token,
        at=at,
        leaves_at=texting.leaves_at(terms, at=at),
        rulebook=Rulebook.read(),
        cooling=texting.cooling(script, at=at, person=person),
        today=texting.counts_of_today(script.organization_id, at=at, person=person),
        mandates=open_mandates(terms, at=at, person=person) if carries_mandate else {},
    )


def prepare(wish: Wish, grounds: Grounds) -> Prepared:
    """The message that this donor would get.

    Raises ScriptNotInUse for a donor of another organisation, NoAddressToTextTo,
    AmountOutOfBounds, MayNotText, CoolingDown, EnoughForToday, FieldMissing, MandateOpen.
    """
    person, script, terms = wish.person, grounds.script, grounds.terms
    if not _is_for(script, person):
        raise ScriptNotInUse
    to = texting.usual_address(person, script.medium) if wish.to is None else wish.to
    address = checked_address(script.medium, to or "", person=person)
    if wish.amount is not None:
        check_amount(wish.amount, terms)
    message = TextMessage(
        script=script,
        medium=script.medium,
        call_uuid=wish.call_uuid,
        person=person,
        pledge_id=wish.pledge_uuid,
        to=address,
        ground=_check_time(wish, grounds),
        user=grounds.user,
        at=grounds.at,
        token=grounds.token,
        leaves_at=grounds.leaves_at,
    )
    message.reference = payments.reference_for(message.pk, at=grounds.at)
    message.fields = _fields(message, terms, wish.amount)
    return _with_carried(message, terms, wish.amount, grounds.mandates)


def checked_address(medium: str, to: str, *, person: Person) -> str:
    """Where a message of this kind goes, in the one spelling of it. Raises NoAddressToTextTo."""
    address = texting.address(medium, to, country=person.country)
    if address is None:
        raise NoAddressToTextTo(medium)
    if medium == MessageScript.Medium.SMS and not is_mobile(address):
        raise NoAddressToTextTo(medium, is_landline=True)
    return address


def _is_for(script: MessageScript, person: Person) -> bool:
    return script.organization_id == person.owning_organization_id


def _check_time(wish: Wish, grounds: Grounds) -> dict[str, Any]:
    """Why it may reach the donor when it leaves, and is not one too many."""
    person = wish.person
    ground = may_text(
        person,
        grounds.script.medium,
        call_type=wish.call_type,
        at=grounds.leaves_at or grounds.at,
        rulebook=grounds.rulebook,
        objections=grounds.objections,
    )
    if not ground.is_allowed:
        raise MayNotText(ground)
    until = grounds.cooling.get(person.pk)
    if until is not None:
        raise CoolingDown(until)
    most = grounds.terms.texts_a_day
    if grounds.today.get(person.pk, 0) >= most:
        raise EnoughForToday(most)
    proof = ground.as_proof()
    if wish.unpaid_since is not None:
        proof["unpaid_since"] = wish.unpaid_since.isoformat()
    return proof


def _fields(message: TextMessage, terms: PaymentRules, amount: Decimal | None) -> dict[str, object]:
    about = texting.About(
        person=message.person,
        to=message.to,
        description=terms.description,
        reference=message.reference,
        on=message.at.astimezone(AMSTERDAM).date(),
        due_on=payments.visible_until(message.at, terms.days_visible).date(),
        amount=amount,
    )
    fields, missing = texting.row(message.script, about)
    if missing is not None:
        raise FieldMissing(missing)
    return fields


def _with_carried(
    message: TextMessage,
    terms: PaymentRules,
    amount: Decimal | None,
    mandates: Mapping[uuid.UUID, Mandate],
) -> Prepared:
    """With our row of what the script makes: found later by the reference of the message."""
    common = {
        "call_uuid": message.call_uuid,
        "person": message.person,
        "pledge_id": message.pledge_id,
        "user": message.user,
        "at": message.at,
        "token": message.token,
    }
    carries = message.script.carries
    if carries == MessageScript.Carries.PAYLINK and amount is not None:
        link = PayLink(
            amount=amount,
            description=terms.description,
            visible_until=payments.visible_until(message.at, terms.days_visible),
            invoice_reference=message.reference,
            **common,
        )
        return Prepared(message, link=link, amount=amount)
    if carries == MessageScript.Carries.MANDATE:
        found = mandates.get(message.person_id)
        if found is not None:
            raise MandateOpen(found)
        reference = message.reference
        mandate = Mandate(reference=reference, debtor_reference=reference, **common)
        return Prepared(message, mandate=mandate, amount=amount)
    return Prepared(message, amount=amount)
