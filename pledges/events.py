"""What the events mean that Alphacomm tells us by itself. Found by name in settings.EVENTS.

An event sets no money to paid: it makes us read the PayLink, and the answer is what counts. When a
link was opened is the one thing that only an event tells.
"""

from datetime import datetime
from typing import Final

from integrations.alphacomm.client import Alphacomm
from integrations.alphacomm.events import (
    PAY_LINK_PAID,
    PAY_LINK_VISITED,
    Event,
    NotAnEvent,
    read_event,
)
from integrations.alphacomm.money import cents
from integrations.alphacomm.wire import PayLinkRecord
from integrations.models import WebhookEvent
from pledges import sync
from pledges.models import AlphacommLink, TextMessage
from pledges.payments import LIST_PAY_LINKS


class PayLinkEvent:
    """A PayLink was opened, or a payment of it came through; see `integrations.inbox.Meaning`.

    One meaning for both, so that one look serves all that is told of a link at once.
    """

    operation = LIST_PAY_LINKS

    def read(self, client: Alphacomm, event: WebhookEvent) -> PayLinkRecord | None:
        """`payLink.payLinks` by the id that the event names."""
        return client.pay_link(id=event.service_id)

    def save(
        self,
        record: PayLinkRecord | None,
        event: WebhookEvent,
        *,
        fetched_at: datetime,
        at: datetime,
    ) -> bool:
        """Save the link as it was read. False while it is not there, or does not say whose it is:
        the answer to our own create may be on its way."""
        is_ours = record is not None and sync.save_links([record], fetched_at=fetched_at) > 0
        if event.event == PAY_LINK_VISITED:
            is_ours |= sync.save_visit(event.service_id, visited_at=_time_of(event))
        if is_ours and event.event == PAY_LINK_PAID:
            _compare_amount(event, at=at)
        # What says of another that it made it, is none to wait for.
        return is_ours or bool(record and record.attributes)


class VoiceCallEvent:
    """A voice message rang somebody, and how that ended; see `integrations.inbox.Meaning`."""

    # No query tells of it.
    operation = None

    def read(self, client: Alphacomm, event: WebhookEvent) -> None:
        return None

    def save(
        self, record: None, event: WebhookEvent, *, fetched_at: datetime, at: datetime
    ) -> bool:
        """Keep the result with its message. Who rang us has no reference, and no message."""
        if not event.reference:
            return True
        messages = TextMessage.objects.select_for_update(of=("self",))
        message = messages.filter(reference=event.reference).first()
        if message is None:
            return False
        told = _event(event)
        if told is not None:
            sync.save_voice_result(
                message,
                voice_call_id=event.event_id,
                status=told.status,
                is_reached=told.reached_success,
                answered_on=told.answered_on,
                at=_time_of(event),
            )
        return True


def _compare_amount(event: WebhookEvent, *, at: datetime) -> None:
    """A link that was read as paid, by a transaction of just the amount that we asked for: that
    proves the amounts, also where a paid link is shown with an amount of zero."""
    paid = AlphacommLink.objects.filter(pk=event.service_id, status=AlphacommLink.Status.PAID)
    link = paid.select_related("pay_link__person").first()
    told = _event(event)
    if link and told and told.paid_amount == cents(link.pay_link.amount):
        sync.agree_amounts_for(link.pay_link, at=at)


def _event(event: WebhookEvent) -> Event | None:
    """What it says beyond its columns; None when that cannot be read any more."""
    try:
        return read_event(event.payload)
    except NotAnEvent:
        return None


def _time_of(event: WebhookEvent) -> datetime:
    return event.occurred_at or event.received_at


pay_link: Final = PayLinkEvent()
voice_call: Final = VoiceCallEvent()
