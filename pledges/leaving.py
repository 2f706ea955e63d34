"""Who of a batch is left out after all, when its message leaves.

Who may get it was judged when the form was sent, and much of that cannot change in the seconds
since. But a part may wait for hours, behind another one or while Alphacomm is away: whoever paid
meanwhile, has an agent on the line, or said no, is not written to.
"""

from collections import Counter
from collections.abc import Collection, Container, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts import audit
from integrations.models import Delivery
from pledges import payments
from pledges.contact import Rulebook, may_text
from pledges.models import Batch, LeftOut, Mandate, PayLink, TextMessage
from pledges.objections import Objections

Reason = LeftOut.Reason
_NO_LONGER_WANTED = frozenset({"text_objected", "text_refused"})


def leave_out(delivery: Delivery, *, in_hand: Collection[UUID], at: datetime) -> None:
    """Take the messages that must not go any more out of a batch, with the reason of each; of a
    message of another kind nothing. What was sent before stays: it may have arrived.

    `in_hand` are the donors who are with an agent at this moment. One transaction.
    """
    if delivery.resends or not delivery.subject.startswith("batch:"):
        return
    batch = UUID(delivery.subject.partition(":")[2])
    messages = list(
        TextMessage.objects.filter(delivery=delivery, batch=batch)
        .select_related("person")
        .defer("to", "fields", "person__iban")
    )
    reasons = _reasons(messages, in_hand=in_hand, at=at)
    if not reasons:
        return
    with transaction.atomic():
        for carried in (PayLink, Mandate):
            carried.objects.filter(message__in=reasons).delete()
        TextMessage.objects.filter(pk__in=reasons).delete()
        LeftOut.objects.bulk_create(
            LeftOut(
                batch_id=batch,
                person=message.person,
                call_uuid=message.call_uuid,
                reason=reasons[message.pk],
            )
            for message in messages
            if message.pk in reasons
        )
        Batch.objects.filter(pk=batch).update(size=F("size") - len(reasons))
        audit.record(
            "batch.left_out",
            user=None,
            at=at,
            subject=delivery.subject,
            left_out=dict(Counter(reasons.values())),
        )


def _reasons(
    messages: Collection[TextMessage], *, in_hand: Container[UUID], at: datetime
) -> dict[UUID, str]:
    """Why each of those that are left out is: a handful of questions for all of them."""
    persons = {message.person_id: message.person for message in messages}
    objections, paid_at = Objections.read(persons.values()), payments.paid_at(persons)
    rulebook = Rulebook.read()
    found = {}
    for message in messages:
        ground = may_text(
            message.person,
            message.medium,
            at=at,
            call_type=message.ground.get("call_type"),
            rulebook=rulebook,
            objections=objections,
        )
        if message.person_id in in_hand:
            found[message.pk] = Reason.IN_HAND.value
        elif _has_paid(message, paid_at):
            found[message.pk] = Reason.PAID.value
        elif ground.code in _NO_LONGER_WANTED:
            found[message.pk] = Reason.REFUSED.value
    return found


def _has_paid(message: TextMessage, paid_at: Mapping[UUID, datetime]) -> bool:
    """Whether a payment came since it was asked for; read late or early, it was paid then."""
    since, paid = message.ground.get("unpaid_since"), paid_at.get(message.person_id)
    return since is not None and paid is not None and paid >= datetime.fromisoformat(since)
