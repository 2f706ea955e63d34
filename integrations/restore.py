"""After a backup was put back: what it calls unsent may have left since it was made."""

import uuid
from datetime import datetime

from django.db import transaction

from integrations.lines import heads, move, touch
from integrations.models import Delivery, Sighting, Stream
from integrations.schedule import LEASE, next_look


def distrust(*, at: datetime) -> int:
    """Have everything that is under way read back before it is sent; returns how many that are.

    The looks count from `at`: by then whoever worked on the lost rows has stopped. A head becomes
    unknown now. What stands behind it keeps its place and is marked, and becomes unknown instead
    of being sent when it is claimed. No worker may run meanwhile.
    """
    under_way = (Delivery.State.READY, Delivery.State.SENDING, Delivery.State.UNKNOWN)
    with transaction.atomic():
        marked = list(Delivery.objects.filter(state__in=under_way).order_by("subject", "seq"))
        is_head = set(
            heads().filter(state__in=under_way).select_for_update().values_list("pk", flat=True)
        )
        for delivery in marked:
            if delivery.state == Delivery.State.UNKNOWN:
                touch(delivery, last_sent_at=at, not_before=next_look(at, at=at))
            elif delivery.pk in is_head:
                _to_unknown(delivery, at=at)
            else:
                touch(delivery, reason="restored", last_sent_at=at, not_before=at)
    return len(marked)


def forget_walks() -> None:
    """Have every feed that is a full picture walked whole, as soon as a walker comes by.

    What the backup lacks or calls missing may have come or come back since. A walk that was under
    way when it was made does not go on: the next one begins at the watermark, and far before it.
    """
    with transaction.atomic():
        Sighting.objects.all().delete()
        Stream.objects.update(
            state=Stream.State.IDLE,
            is_full=False,
            cursor=None,
            lease=None,
            lease_until=None,
            last_full_at=None,
            last_long_overlap_at=None,
        )


def _to_unknown(delivery: Delivery, *, at: datetime) -> None:
    """As if its worker had claimed it and vanished."""
    if delivery.state == Delivery.State.READY:
        move(
            delivery,
            Delivery.State.SENDING,
            lease=uuid.uuid4(),
            lease_until=at + LEASE,
            tries=delivery.tries + 1,
            first_sent_at=delivery.first_sent_at or at,
        )
    move(
        delivery,
        Delivery.State.UNKNOWN,
        reason="restored",
        last_sent_at=at,
        not_before=next_look(at, at=at),
    )
