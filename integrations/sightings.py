"""What a full walk saw, and what it did not: what two full walks in a row did not see is gone.

Gone is hidden and never deleted, and whatever is seen again by anybody is back at once (see
`upsert.merge`). Sightings are written in the transaction of their page, so a walk that is cut
short and gone on with loses none; they count for nothing until the walk came to its end.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef

from integrations import clients
from integrations.models import Quarantine, Sighting, Stream


@dataclass(frozen=True)
class Unseen:
    """How many rows a full walk did not see: for the first time, and for the second."""

    missed: int = 0
    gone: int = 0


def note(stream: Stream, uuids: Collection[UUID]) -> None:
    """Note what a page of a full walk brought: one statement."""
    seen = [Sighting(stream=stream, record_uuid=uuid) for uuid in set(uuids)]
    Sighting.objects.bulk_create(seen, ignore_conflicts=True)


def forget(stream: Stream) -> None:
    """Sightings of a walk that ended, or will never end."""
    Sighting.objects.filter(stream=stream).delete()


def conclude(
    stream: Stream, model: type[models.Model], *, kind: str, began_at: datetime, at: datetime
) -> Unseen:
    """A full walk came to its end: mark the rows that it did not see, all at once.

    `model` has the columns of a mirrored row, and account, missed_at and gone_at. Rows that were
    written since the walk began are there, whoever read them.
    """
    if _has_met_unknown(kind, since=began_at):
        return Unseen()
    seen = Sighting.objects.filter(stream=stream, record_uuid=OuterRef("pk"))
    unseen = model._default_manager.filter(
        clients.is_looked_after_by(stream.account), ~Exists(seen), fetched_at__lt=began_at
    )
    gone = unseen.filter(missed_at__lt=began_at, gone_at=None).update(gone_at=at)
    # The mark stays with what is gone: by it the row is found when it is seen again.
    missed = unseen.filter(missed_at=None).update(missed_at=began_at)
    return Unseen(missed, gone)


def _has_met_unknown(kind: str, *, since: datetime) -> bool:
    """Whether a record came by that does not tell its uuid: it may be any of those not seen."""
    unknown = Quarantine.objects.filter(feed=kind, record_uuid=None, last_seen_at__gte=since)
    return unknown.exists()
