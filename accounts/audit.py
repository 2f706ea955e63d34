"""The trail: what people did, and that nobody rewrote it.

`record` writes one entry in the caller's transaction. `seal` chains what has settled into a hash;
`verify` walks the chain and names the first entry that no longer fits. Facts hold ids, codes and
times, never a donor's name, number or account.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from accounts.models import AuditEntry, AuditSeal, User

# Entries younger than this may still be joined by one with a lower id that has not committed yet.
SETTLED = timedelta(seconds=90)
BATCH = 5_000


class TrailBroken(Exception):
    """The trail does not fit its seals; the message names the first seal and entry that differ."""


def record(
    action: str,
    *,
    user: User | None,
    at: datetime,
    subject: str = "",
    person_uuid: uuid.UUID | None = None,
    **facts: Any,
) -> None:
    """Write one entry; it commits, or not, together with what it tells about."""
    context = structlog.contextvars.get_contextvars()
    AuditEntry.objects.create(
        at=at,
        user=user,
        action=action,
        subject=subject,
        person_uuid=person_uuid,
        facts=facts,
        request_id=str(context.get("request_id", "")),
    )


def seal(*, at: datetime) -> int:
    """Seal the entries that have settled; returns how many. Two at once are harmless."""
    with transaction.atomic():
        last = AuditSeal.objects.select_for_update().order_by("-last_entry").first()
        after = last.last_entry if last else 0
        entries = list(
            AuditEntry.objects.filter(pk__gt=after, at__lt=at - SETTLED).order_by("pk")[:BATCH]
        )
        if not entries:
            return 0
        AuditSeal.objects.create(
            # From where the last seal ended, so that nothing fits in between afterwards.
            first_entry=after + 1,
            last_entry=entries[-1].pk,
            entries=len(entries),
            digest=_digest(last.digest if last else "", entries),
            sealed_at=at,
        )
        return len(entries)


def verify() -> int:
    """Check every seal against its entries; returns how many entries hold. Raises TrailBroken.

    A trail whose oldest seals were removed by retention starts at the oldest seal that is left.
    """
    checked = 0
    before = ""
    for number, sealed in enumerate(AuditSeal.objects.order_by("last_entry")):
        entries = list(
            AuditEntry.objects.filter(
                pk__gte=sealed.first_entry, pk__lte=sealed.last_entry
            ).order_by("pk")
        )
        if len(entries) != sealed.entries or _digest(before, entries) != sealed.digest:
            raise TrailBroken(
                f"seal {number + 1} (entries {sealed.first_entry} to {sealed.last_entry}) "
                f"does not fit: {len(entries)} of {sealed.entries} entries are there."
            )
        before = sealed.digest
        checked += len(entries)
    return checked


def _digest(before: str, entries: Iterable[AuditEntry]) -> str:
    chain = hashlib.sha256(before.encode())
    for entry in entries:
        line = [
            entry.pk,
            entry.at.timestamp(),
            entry.user_id,
            entry.action,
            entry.subject,
            str(entry.person_uuid),
            entry.facts,
            entry.request_id,
        ]
        chain.update(json.dumps(line, sort_keys=True).encode())
    return chain.hexdigest()
