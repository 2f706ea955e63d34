"""What a donor is offered while the call is in hand: a PayLink, a message, an e-Mandate.

The rules of each are the room of pledges' own; here it is only asked in whose hands the donor is. A
supervisor may do it with any call that they see.
"""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from calls.actions.checks_of_details import check_is_donor
from calls.actions.refusals import HoldLost
from calls.models import Call, Hold
from pledges import actions as pledges
from pledges.models import Mandate, MessageScript, PayLink, TextMessage


def create_pay_link(
    *,
    user: User,
    call: Call,
    amount: Decimal,
    description: str,
    days_visible: int | None = None,
    token: uuid.UUID,
    at: datetime,
) -> PayLink:
    """Have a PayLink made to show to the donor of this call. `amount` in euros.

    Raises HoldLost, Stranger, and what `pledges.actions.create_pay_link` raises.
    """
    with transaction.atomic():
        made = pledges.create_pay_link(
            user=user,
            person=call.person,
            pledge=call.pledge,
            call_uuid=call.pk,
            amount=amount,
            description=description,
            days_visible=days_visible,
            token=token,
            at=at,
        )
        _check_in_hand(call, user=user, at=at)
        return made


def send_message(
    *,
    user: User,
    call: Call,
    script: MessageScript,
    to: str,
    amount: Decimal | None = None,
    token: uuid.UUID,
    at: datetime,
) -> TextMessage:
    """Hand a message to the donor of this call over to Alphacomm, once the undo window is over.

    `amount` in euros. Raises HoldLost, Stranger, and what `pledges.actions.send_message` raises.
    """
    with transaction.atomic():
        sent = pledges.send_message(
            user=user,
            person=call.person,
            pledge=call.pledge,
            call_uuid=call.pk,
            script=script,
            to=to,
            amount=amount,
            call_type=call.type,
            token=token,
            at=at,
        )
        _check_in_hand(call, user=user, at=at)
        return sent


def create_mandate(*, user: User, call: Call, token: uuid.UUID, at: datetime) -> Mandate:
    """Have an e-Mandate made to show to the donor of this call.

    Raises HoldLost, Stranger, and what `pledges.actions.create_mandate` raises.
    """
    with transaction.atomic():
        made = pledges.create_mandate(
            user=user,
            person=call.person,
            pledge=call.pledge,
            call_uuid=call.pk,
            token=token,
            at=at,
        )
        _check_in_hand(call, user=user, at=at)
        return made


def _check_in_hand(call: Call, *, user: User, at: datetime) -> None:
    """Last, so that a form that was sent before is told so, and not that the call is gone."""
    if user.is_supervisor:
        return
    if not Hold.objects.filter(call=call, user=user).exists():
        raise HoldLost
    # A link or a text tells amount and charity, whoever reads it.
    check_is_donor(call, at=at)
