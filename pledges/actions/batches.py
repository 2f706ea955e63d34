"""Messages to many donors at once: chosen by a supervisor, judged one by one, handed over together.

A batch leaves in rows, some at a time, and each row has an answer of its own; or as one file, of
which Alphacomm tells how far it is and no more. Nothing here is done a row at a time.
"""

import uuid
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import FormToken, User
from integrations import outbox
from integrations.outbox import TooLate
from pledges import messages, payments
from pledges.actions.checks import check_amount, check_supervisor
from pledges.actions.preparing import Grounds, Prepared, Wish, prepare, read_grounds
from pledges.actions.refusals import (
    AmountOutOfBounds,
    AmountsUnproven,
    CoolingDown,
    EnoughForToday,
    FieldMissing,
    MandateOpen,
    MayNotText,
    MoreThanShown,
    NoAddressToTextTo,
    NobodyToWriteTo,
    NotOurs,
    PaymentRefusal,
    ScriptNotInUse,
    TooFewForFile,
    TooManyAtOnce,
)
from pledges.models import (
    Batch,
    LeftOut,
    Mandate,
    MessageScript,
    PayLink,
    Person,
    RowField,
    TextMessage,
)
from pledges.objections import Objections
from pledges.payments import are_amounts_agreed

MOST: Final = 10_000
# How many rows one statement reads or writes.
AT_ONCE: Final = 2_000

AmountRule = Batch.AmountRule
Reason = LeftOut.Reason


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody who was selected, with what the amount may be taken from. Euros."""

    person: uuid.UUID
    call: uuid.UUID | None = None
    call_type: str | None = None
    pledge: uuid.UUID | None = None
    pledge_amount: Decimal | None = None
    link_amount: Decimal | None = None
    # Who paid a PayLink after this moment needs no such message; None: it is not about paying.
    unpaid_since: datetime | None = None


@dataclass(frozen=True)
class Amount:
    """Where the amount of each message comes from. `fixed` in euros."""

    rule: str = AmountRule.NONE
    fixed: Decimal | None = None

    def of(self, recipient: Recipient) -> Decimal | None:
        return {
            AmountRule.FIXED: self.fixed,
            AmountRule.PLEDGE: recipient.pledge_amount,
            AmountRule.LINK: recipient.link_amount,
        }.get(AmountRule(self.rule))


@dataclass(frozen=True)
class Weighed:
    """Who of a selection may get the message, and who may not and why."""

    grounds: Grounds
    prepared: Sequence[Prepared]
    left_out: Sequence[LeftOut]
    # How many were selected more than once: each gets one message.
    doubles: int

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many may not, by reason, the most frequent first."""
        return dict(Counter(one.reason for one in self.left_out).most_common())


def weigh_batch(
    *,
    user: User,
    script: MessageScript,
    recipients: Sequence[Recipient],
    amount: Amount,
    in_hand: Iterable[uuid.UUID] = (),
    token: uuid.UUID,
    at: datetime,
) -> Weighed:
    """Judge everybody who was selected, each as a single message would be. Nothing is written.

    `in_hand` are the donors who are with an agent at this moment; it is gone through once. Raises
    NotAllowed, NotOurs, ScriptNotInUse, PaymentsNotOffered, AmountsUnproven, TooManyAtOnce,
    AmountOutOfBounds for the amount of everybody.
    """
    check_supervisor(user)
    if not user.organizations.filter(pk=script.organization_id).exists():
        raise NotOurs
    grounds = read_grounds(script, user=user, token=token, at=at)
    _check_as_a_whole(grounds, recipients, amount)
    once = {one.person: one for one in reversed(recipients)}
    # In the order in which they were selected.
    chosen = list(dict.fromkeys(one.person for one in recipients))
    persons = _persons(chosen, user=user)
    grounds = replace(grounds, objections=Objections.read(persons.values()))
    busy, paid_at = frozenset(in_hand), payments.paid_at(persons)
    prepared, left_out = [], []
    for pk in chosen:
        recipient, person = once[pk], persons.get(pk)
        if person is None:
            # Of no organisation of this user's: for them it does not exist.
            continue
        if (why_not := _why_not(recipient, busy, paid_at)) is not None:
            left_out.append(LeftOut(person=person, call_uuid=recipient.call, reason=why_not))
            continue
        wish = Wish(
            person=person,
            amount=amount.of(recipient),
            pledge_uuid=recipient.pledge,
            call_uuid=recipient.call,
            call_type=recipient.call_type,
            unpaid_since=recipient.unpaid_since,
        )
        try:
            prepared.append(prepare(wish, grounds))
        except PaymentRefusal as refusal:
            reason = _reason(refusal)
            left_out.append(LeftOut(person=person, call_uuid=recipient.call, reason=reason))
    return Weighed(grounds, prepared, left_out, doubles=len(recipients) - len(chosen))


def send_batch(
    *,
    user: User,
    script: MessageScript,
    recipients: Sequence[Recipient],
    selection: Mapping[str, Any],
    amount: Amount,
    way: str,
    shown: int | None = None,
    in_hand: Iterable[uuid.UUID] = (),
    token: uuid.UUID,
    at: datetime,
) -> Batch:
    """Hand the message over for everybody who may get it, once the undo window is over.

    `recipients` were selected a moment ago by `selection`, which is what makes the form the same
    one; each is judged again here. `shown` is how many the form said that would get it: should it
    be more by now, nobody gets it. Raises what `weigh_batch` does, NobodyToWriteTo, MoreThanShown,
    TooFewForFile, NotSendable; AlreadySent or FormChanged.
    """
    content = {
        "send_batch": script.pk,
        "selection": dict(selection),
        "amount": [amount.rule, None if amount.fixed is None else str(amount.fixed)],
        "way": way,
    }
    check_supervisor(user)
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        # One batch of a message at a time, and nobody writes to one of these donors meanwhile.
        script = MessageScript.objects.select_for_update(of=("self",)).get(pk=script.pk)
        _lock(recipients)
        weighed = weigh_batch(
            user=user,
            script=script,
            recipients=recipients,
            amount=amount,
            in_hand=in_hand,
            token=token,
            at=at,
        )
        size = len(weighed.prepared)
        if not size:
            raise NobodyToWriteTo
        if shown is not None and size > shown:
            raise MoreThanShown(size)
        if way == Batch.Way.FILE and size < settings.LEAST_FOR_FILE:
            raise TooFewForFile(settings.LEAST_FOR_FILE)
        batch = Batch(
            script=script,
            way=way,
            selection=dict(selection),
            amount_rule=amount.rule,
            amount=amount.fixed,
            size=size,
            user=user,
            at=at,
            token=token,
        )
        _save(batch, weighed)
        audit.record(
            "batch.sent",
            user=user,
            at=at,
            subject=batch.subject,
            script=script.script_id,
            way=way,
            size=size,
            left_out=weighed.reasons,
            doubles=weighed.doubles,
        )
        return batch


def undo_batch(*, user: User, batch: Batch, at: datetime) -> int:
    """Take back a whole batch of this user's while nothing of it has left; returns how many
    messages that were. Raises NotAllowed, NotOurs, TooLate."""
    check_supervisor(user)
    with transaction.atomic():
        found = Batch.objects.select_for_update(of=("self",)).filter(pk=batch.pk, user=user).first()
        if found is None:
            raise NotOurs
        if not outbox.undo(token=found.token, at=at):
            raise TooLate
        mine = TextMessage.objects.filter(batch=found)
        PayLink.objects.filter(message__in=mine).delete()
        Mandate.objects.filter(message__in=mine).delete()
        mine.delete()
        size, subject = found.size, found.subject
        found.delete()
        audit.record("batch.undone", user=user, at=at, subject=subject, size=size)
        return size


def _check_as_a_whole(grounds: Grounds, recipients: Sequence[Recipient], amount: Amount) -> None:
    """What is wrong for everybody is said once, and not of each."""
    if len(recipients) > MOST:
        raise TooManyAtOnce(MOST)
    carries_link = grounds.script.carries == MessageScript.Carries.PAYLINK
    # One link with a wrong amount is one donor's; this would be everybody's.
    if carries_link and not are_amounts_agreed(grounds.terms):
        raise AmountsUnproven
    if amount.fixed is not None:
        check_amount(amount.fixed, grounds.terms)


def _why_not(
    recipient: Recipient, busy: Container[uuid.UUID], paid_at: Mapping[uuid.UUID, datetime]
) -> str | None:
    """What speaks against writing to them in bulk alone: an agent who has the donor on the line
    says it better."""
    if recipient.person in busy:
        return Reason.IN_HAND
    paid = paid_at.get(recipient.person)
    if recipient.unpaid_since is not None and paid is not None and paid >= recipient.unpaid_since:
        return Reason.PAID
    return None


def _lock(recipients: Sequence[Recipient]) -> None:
    """Hold the donors' rows, in one order for everybody."""
    for some in _some(sorted({one.person for one in recipients})):
        locked = Person.objects.select_for_update(of=("self",)).filter(pk__in=some)
        list(locked.order_by("pk").values_list("pk"))


def _persons(wanted: Sequence[uuid.UUID], *, user: User) -> dict[uuid.UUID, Person]:
    """The donors as they are now, those that this user may see; without what no message has."""
    found: dict[uuid.UUID, Person] = {}
    for some in _some(wanted):
        persons = Person.objects.visible_to(user).filter(pk__in=some).defer("iban")
        found.update((person.pk, person) for person in persons)
    return found


def _save(batch: Batch, weighed: Weighed) -> None:
    made = [one.message for one in weighed.prepared]
    enqueue = messages.enqueue_file if batch.is_file else messages.enqueue_chunks
    deliveries = enqueue(
        made, subject=batch.subject, user=batch.user, token=batch.token, at=batch.at
    )
    batch.delivery = deliveries[0]
    batch.save(force_insert=True)
    for message in made:
        message.batch = batch
    TextMessage.objects.bulk_create(made, batch_size=AT_ONCE)
    links, mandates = [], []
    for one in weighed.prepared:
        if one.link is not None:
            one.link.message = one.message
            links.append(one.link)
        if one.mandate is not None:
            one.mandate.message = one.message
            mandates.append(one.mandate)
    PayLink.objects.bulk_create(links, batch_size=AT_ONCE)
    Mandate.objects.bulk_create(mandates, batch_size=AT_ONCE)
    for left_out in weighed.left_out:
        left_out.batch = batch
    LeftOut.objects.bulk_create(weighed.left_out, batch_size=AT_ONCE)


def _reason(refusal: PaymentRefusal) -> str:
    match refusal:
        case MayNotText(ground=ground):
            return _REASONS_OF_GROUND.get(ground.code, Reason.CLOSED)
        case FieldMissing(field=RowField.AMOUNT):
            return Reason.AMOUNT_UNKNOWN
        case _:
            return _REASONS[type(refusal)]


_REASONS_OF_GROUND: Final[Mapping[str, str]] = {
    "text_refused": Reason.REFUSED,
    "text_objected": Reason.REFUSED,
    "no_rules": Reason.NO_RULES,
}
_REASONS: Final[Mapping[type[PaymentRefusal], str]] = {
    ScriptNotInUse: Reason.OTHER_ORGANIZATION,
    NoAddressToTextTo: Reason.NO_ADDRESS,
    AmountOutOfBounds: Reason.AMOUNT_OUT_OF_BOUNDS,
    CoolingDown: Reason.COOLING_DOWN,
    EnoughForToday: Reason.ENOUGH_FOR_TODAY,
    FieldMissing: Reason.FIELD_MISSING,
    MandateOpen: Reason.MANDATE_OPEN,
}


def _some(keys: Iterable[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    every = list(keys)
    for start in range(0, len(every), AT_ONCE):
        yield every[start : start + AT_ONCE]
