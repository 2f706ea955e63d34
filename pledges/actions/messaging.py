"""Messages to a donor, and voice messages that are to ring nobody any more."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import FormToken, User
from integrations import outbox
from integrations.models import Delivery
from integrations.outbox import TooLate
from pledges import messages, texting
from pledges.actions.checks import check_person, locked_person, record_of
from pledges.actions.preparing import Wish, prepare, read_grounds
from pledges.contact import channel_of
from pledges.models import Mandate, MessageScript, PayLink, Person, Pledge, TextMessage
from pledges.objections import Objections


def send_message(
    *,
    user: User,
    person: Person,
    pledge: Pledge | None,
    call_uuid: uuid.UUID | None,
    script: MessageScript,
    to: str,
    amount: Decimal | None = None,
    call_type: str | None = None,
    token: uuid.UUID,
    at: datetime,
) -> TextMessage:
    """Hand one message over to Alphacomm once the undo window is over; it is never sent anew by
    itself.

    `to` is a phone number in any spelling, or an e-mail address. `amount` in euros, for scripts
    that ask for one. A script that carries a PayLink or an e-Mandate makes one of its own: our row
    of it comes with the message (`message.pay_link`, `message.mandate`). To send it again is to
    send another one, once the cooldown is over. Raises PaymentsNotOffered, NotOurs,
    ScriptNotInUse, NoAddressToTextTo, MayNotText, CoolingDown, EnoughForToday, FieldMissing,
    AmountOutOfBounds, MandateOpen, NotSendable; AlreadySent or FormChanged. `call_type` is that of
    the call on whose hours it goes.
    """
    content = {
        "send_message": str(person.pk),
        "pledge": str(pledge.pk) if pledge else None,
        "script": script.pk,
        "to": to,
        "amount": None if amount is None else str(amount),
    }
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        check_person(person, pledge, user=user)
        # Two who write to one donor at once would each see none of the other's messages.
        person = locked_person(person)
        grounds = read_grounds(script, user=user, token=token, at=at, person=person)
        wish = Wish(
            person=person,
            to=to,
            amount=amount,
            pledge_uuid=pledge.pk if pledge else None,
            call_uuid=call_uuid,
            call_type=call_type,
        )
        prepared = prepare(wish, grounds)
        message, carried = prepared.message, prepared.carried
        message.delivery = messages.enqueue_rows(
            [message], subject=message.subject, user=user, token=token, at=at
        )
        message.save(force_insert=True)
        if carried is not None:
            carried.message = message
            carried.save(force_insert=True)
        facts = {"script": script.script_id, "ground": message.ground["code"]}
        record_of("message.sent", message, user=user, at=at, **facts)
        return message


def undo_message(*, user: User, token: uuid.UUID, at: datetime) -> TextMessage:
    """Take back a message of this user's that has not left, with the link that it was to carry.

    Returns it as it was. Raises TooLate when it left, or was no such form.
    """
    with transaction.atomic():
        sent = TextMessage.objects.filter(token=token, user=user, batch=None)
        message = sent.select_related("person").first()
        if message is None:
            raise TooLate
        outbox.undo(token=token, at=at)
        PayLink.objects.filter(message=message).delete()
        Mandate.objects.filter(message=message).delete()
        TextMessage.objects.filter(pk=message.pk).delete()
        record_of("message.undone", message, user=user, at=at)
        return message


def withdraw_messages(*, user: User, at: datetime) -> list[TextMessage]:
    """Take back every message that waits to leave and whose donor objected to it; returns them.

    In the transaction that recorded an objection, and after that: it holds for everybody with the
    same number or address, so all that waits is looked through. What is part of a batch is left
    out when its part leaves.
    """
    waiting = TextMessage.objects.living().filter(
        batch=None, delivery__operation=messages.ADD_ROWS, delivery__state=Delivery.State.READY
    )
    found = list(waiting.select_related("person", "delivery").order_by("pk"))
    objections = Objections.read({one.person_id: one.person for one in found}.values())
    withdrawn = []
    for message in found:
        if objections.against(message.person, channel_of(message.medium)) is None:
            continue
        if outbox.withdraw(message.delivery, reason=texting.OBJECTED, at=at):
            record_of("message.withdrawn", message, user=user, at=at)
            withdrawn.append(message)
    return withdrawn


def stop_voice(
    person: Person, *, user: User, at: datetime, token: uuid.UUID | None = None
) -> list[TextMessage]:
    """Take away the voice messages that may still ring this donor; returns which ones.

    In the caller's transaction. With a token it waits out the undo window and is undone with the
    form that it goes along with; without one it leaves at once.
    """
    ringing = TextMessage.objects.to_be_stopped().filter(person=person)
    found = list(ringing.select_for_update(of=("self",)).select_related("script").order_by("pk"))
    for message in found:
        message.stop_delivery = messages.enqueue_stop(message, user=user, token=token, at=at)
        message.save(update_fields=["stop_delivery"])
        record_of("message.stopped", message, user=user, at=at)
    return found
