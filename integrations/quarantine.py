"""Records that could not be read or believed, kept aside so that the rest goes on."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from django.db.models import F

from integrations.models import Quarantine
from integrations.tapraise.redaction import redact
from integrations.tapraise.wire import Record

_as_json = msgspec.json.Encoder(decimal_format="number", enc_hook=int)


@dataclass(frozen=True)
class Kept:
    """A record for quarantine. `raw` is JSON without what may not be held, and still personal."""

    kind: str
    record_uuid: UUID | None
    path: str
    reason: str
    raw: bytes

    @property
    def key(self) -> str:
        told_apart = self.record_uuid or hashlib.blake2b(self.raw, digest_size=16).hexdigest()
        return f"{self.kind}:{told_apart}"


def of_record(kind: str, uuid: UUID, record: Record, path: str, reason: str) -> Kept:
    """A record that was read, as quarantine keeps it: without what may not be held, and with what
    was paid masked."""
    return Kept(kind, uuid, path, reason, redact(_as_json.encode(record)))


def keep(records: Iterable[Kept], *, at: datetime) -> None:
    """Put records aside, or count those that are there already: two statements, none for none."""
    by_key = {record.key: record for record in records}
    if not by_key:
        return
    Quarantine.objects.bulk_create(
        [
            Quarantine(
                key=key,
                feed=record.kind,
                record_uuid=record.record_uuid,
                path=record.path[:200],
                reason=record.reason[:300],
                raw=record.raw.decode(errors="replace"),
                times=0,
                first_seen_at=at,
                last_seen_at=at,
            )
            for key, record in sorted(by_key.items())
        ],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["path", "reason", "raw", "last_seen_at", "solved_at"],
    )
    Quarantine.objects.filter(key__in=by_key).update(times=F("times") + 1)


def settle(refused: Iterable[Kept], *, solved: Collection[UUID], at: datetime) -> None:
    """Put aside what was refused, and note what is no longer to be solved, as a page is saved.

    One statement as long as nothing is kept aside, never more than five.
    """
    keep(refused, at=at)
    unsolved = Quarantine.objects.filter(solved_at=None)
    if solved and unsolved.exists():
        unsolved.filter(record_uuid__in=solved).update(solved_at=at)
