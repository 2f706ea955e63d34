"""What a message to a donor takes: an address, the fields that its script asks for, and time since
the last one. And where a message stands, as people read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import Count, Max
from django.utils.translation import gettext_lazy as _

from integrations.alphacomm.money import cents
from integrations.models import Delivery
from pledges.models import Medium, MessageScript, PaymentRules, Person, RowField, TextMessage
from pledges.models.messaging import TextMessageQuerySet
from pledges.payments import AMSTERDAM
from pledges.phone import e164

CURRENCY: Final = "EUR"
# What a script with a PayLink needs to make one, whatever it asks for.
OF_A_LINK: Final = (
    RowField.DESCRIPTION,
    RowField.DATE,
    RowField.DUE_DATE,
    RowField.INVOICE_REFERENCE,
    RowField.CURRENCY,
    RowField.AMOUNT,
)
ADDRESS_OF: Final = {
    Medium.SMS: RowField.PHONE_NUMBERS,
    Medium.VOICE: RowField.PHONE_NUMBERS,
    Medium.EMAIL: RowField.MAIL_ADDRESS,
}


def address(medium: str, to: str, *, country: str | None) -> str | None:
    """A number in E.164, or an e-mail address; None when it is none."""
    to = to.strip()
    if medium != Medium.EMAIL:
        return e164(to, country)
    try:
        validate_email(to)
    except ValidationError:
        return None
    return to


def usual_address(person: Person, medium: str) -> str | None:
    """Where a message of this kind goes unless the donor names another: mobile before fixed."""
    if medium == Medium.EMAIL:
        return person.email or None
    if medium == Medium.SMS:
        return person.mobile_e164
    return next(iter(person.phone_keys), None)


@dataclass(frozen=True)
class About:
    """What the fields of a message speak of. Amount in euros; None: there is none."""

    person: Person
    to: str
    description: str
    reference: str
    due_on: date
    on: date
    amount: Decimal | None = None


def row(script: MessageScript, about: About) -> tuple[dict[str, Any], RowField | None]:
    """The fields that leave for a script, by the client's names and as JSON; and the first one
    that it asks for and that is not known.

    No more than it asks for, its address and what its link is made of. Amounts in cents.
    """
    wanted = [ADDRESS_OF[Medium(script.medium)], *map(RowField, script.required_fields)]
    if script.carries == MessageScript.Carries.PAYLINK:
        wanted += OF_A_LINK
    known = _known(script, about)
    fields: dict[str, Any] = {}
    for field in dict.fromkeys(wanted):
        if known[field] in (None, "", []):
            return fields, field
        fields[field.value] = known[field]
    return fields, None


def _known(script: MessageScript, about: About) -> Mapping[RowField, Any]:
    person = about.person
    is_mail = script.medium == Medium.EMAIL
    birth_day = person.date_of_birth
    return {
        RowField.FAMILY_NAME: person.surname,
        RowField.BIRTH_DAY: birth_day.isoformat() if birth_day else None,
        RowField.MAIL_ADDRESS: about.to if is_mail else person.email,
        RowField.PHONE_NUMBERS: person.phone_keys[:1] if is_mail else [about.to],
        RowField.DESCRIPTION: about.description,
        RowField.DATE: about.on.isoformat(),
        RowField.DUE_DATE: about.due_on.isoformat(),
        RowField.INVOICE_REFERENCE: about.reference,
        RowField.CURRENCY: CURRENCY,
        RowField.AMOUNT: None if about.amount is None else cents(about.amount),
        RowField.NUMBER: about.reference,
    }


# ── When ──────────────────────────────────────────────────────────────────────────────────────────


def leaves_at(rules: PaymentRules, *, at: datetime) -> datetime | None:
    """When records that are handed over at a moment are taken up by the account's import schedule;
    None when the schedule is not known."""
    handed_over_at = at + timedelta(seconds=settings.UNDO_SECONDS)
    today = handed_over_at.astimezone(AMSTERDAM).date()
    times = [time.fromisoformat(text) for text in rules.import_times]
    for day in (today, today + timedelta(days=1)):
        for one in times:
            moment = datetime.combine(day, one, AMSTERDAM)
            if moment >= handed_over_at:
                return moment
    return None


def cooling(
    script: MessageScript, *, at: datetime, person: Person | None = None
) -> dict[UUID, datetime]:
    """Who got this message so short a while ago that it does not go to them again, until when: one
    question, about one person or everybody."""
    wait = timedelta(minutes=script.cooldown_minutes)
    sent = TextMessage.objects.living().filter(script=script, at__gt=at - wait)
    latest = _only(sent, person).values_list("person").annotate(latest=Max("at")).order_by()
    return {who: moment + wait for who, moment in latest}


def counts_of_today(
    organization: UUID | None, *, at: datetime, person: Person | None = None
) -> dict[UUID, int]:
    """How many messages of all kinds each donor of an organisation was to get today, in Dutch time:
    one question."""
    midnight = datetime.combine(at.astimezone(AMSTERDAM).date(), time(), AMSTERDAM)
    sent = TextMessage.objects.living().filter(script__organization=organization, at__gte=midnight)
    counted = _only(sent, person).values_list("person").annotate(count=Count("*")).order_by()
    return dict(counted)


def _only(messages: TextMessageQuerySet, person: Person | None) -> TextMessageQuerySet:
    return messages if person is None else messages.filter(person=person)


# ── Where a message stands ────────────────────────────────────────────────────────────────────────


# Why we gave a message up ourselves.
OBJECTED: Final = "objected"


class MessageState(models.TextChoices):
    """A message as people read it. Nothing here says 'sent' before there is evidence."""

    SAVED = "saved", _("saved, being handed over")
    UNSURE = "unsure", _("not known whether it was handed over")
    HANDED_OVER = "handed_over", _("handed over")
    NOTHING_NEW = "nothing_new", _("joined with an earlier one: no new message")
    REPORTED = "reported", _("reported back")
    STOPPED = "stopped", _("taken away")
    REFUSED = "refused", _("refused")


# As a mark. That something was reported back is told, and not yet what.
TONES: Final[Mapping[MessageState, str]] = {
    MessageState.SAVED: "wait",
    MessageState.UNSURE: "doubt",
    MessageState.HANDED_OVER: "live",
    MessageState.NOTHING_NEW: "doubt",
    MessageState.REPORTED: "other",
    MessageState.REFUSED: "stop",
}


@dataclass(frozen=True)
class MessageStanding:
    """Where a message stands, and since when; `leaves_at` as long as that is to come."""

    state: MessageState
    since: datetime
    leaves_at: datetime | None = None
    # What Alphacomm reported back, in its own word.
    told: str = ""

    @property
    def words(self) -> str:
        return in_words(self.state, self.told)


def state_of(
    *,
    is_refused: bool,
    # An objection took it back before it left.
    is_withdrawn: bool,
    is_told: bool,
    is_stopped: bool,
    delivery_state: str,
    record_status: str,
) -> MessageState:
    """Where a message stands, by what its row and that of its delivery tell."""
    if is_refused:
        return MessageState.STOPPED if is_withdrawn else MessageState.REFUSED
    if is_told:
        return MessageState.REPORTED
    if is_stopped:
        return MessageState.STOPPED
    if delivery_state in {Delivery.State.UNKNOWN, Delivery.State.NEEDS_DECISION}:
        return MessageState.UNSURE
    if delivery_state != Delivery.State.CLOSED:
        return MessageState.SAVED
    is_joined = record_status == TextMessage.RecordStatus.UPDATED
    return MessageState.NOTHING_NEW if is_joined else MessageState.HANDED_OVER


def in_words(state: MessageState, told: str = "") -> str:
    """As every screen says it. Alphacomm's own word may say that it came, or that it did not."""
    is_told = state is MessageState.REPORTED and told
    return f"{state.label}: {told}" if is_told else str(state.label)


def standing(message: TextMessage, *, at: datetime) -> MessageStanding:
    """Where a message stands at a moment. Wants `delivery` at hand."""
    delivery = message.delivery
    state = state_of(
        is_refused=message.ended_badly_at is not None,
        is_withdrawn=delivery.reason == OBJECTED,
        is_told=message.evidence is not None,
        is_stopped=message.stopped_at is not None,
        delivery_state=delivery.state,
        record_status=message.record_status,
    )
    since = {
        MessageState.REFUSED: message.ended_badly_at,
        MessageState.REPORTED: message.evidence_at or delivery.closed_at,
        MessageState.STOPPED: message.ended_badly_at or message.stopped_at,
        MessageState.UNSURE: delivery.last_sent_at,
        MessageState.SAVED: message.at,
    }
    is_to_come = state in {MessageState.SAVED, MessageState.HANDED_OVER}
    return MessageStanding(
        state,
        since.get(state, delivery.closed_at) or message.at,
        _to_come(message, at) if is_to_come else None,
        str((message.evidence or {}).get("status", "")),
    )


def _to_come(message: TextMessage, at: datetime) -> datetime | None:
    return message.leaves_at if message.leaves_at is not None and message.leaves_at > at else None
