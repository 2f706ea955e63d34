"""What comes in about calls: wire records to mirror columns, and a page of them to rows. Nobody
else writes those columns.

Follows the schema CallDto, whichever operation brought it. Times are aware, durations in seconds.
Newer wins by `lastUpdatedAt`, and equally new the later fetch; but a call that has ended stays
ended: a newer record in which it is requested again is put into quarantine, and shown. What comes
along (persons, pledges, transactions) follows the rules of `pledges/sync.py`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from calls.models import Call
from calls.ordering import bits_of
from calls.queue import moments_of
from integrations import quarantine
from integrations.tapraise.codec import instant
from integrations.tapraise.wire import (
    AttemptRecord,
    CallExternalMetadataRecord,
    CallRecord,
)
from integrations.upsert import Order, Row, Saved, Table, merge
from pledges.sync import NOT_SMALL, Mentioned, Problem, is_small, rounded, seal_json, sift

FELL_BACK: Final = "A call that has ended is requested again"
NO_METADATA: Final = CallExternalMetadataRecord()
SECONDS_STEP: Final = Decimal("0.001")


def save_calls(
    records: Sequence[CallRecord],
    *,
    account: str,
    include: Collection[str],
    fetched_at: datetime,
) -> Saved:
    """Save what `GET /calls`, a reading or the answer to an action told, all or nothing.

    `include` is what was asked for, `fetched_at` the moment before it was asked. A null that was
    not asked for erases nothing. The number of statements does not depend on that of the records.
    """
    mentioned = Mentioned()
    newest: dict[UUID, CallRecord] = {}
    for record in records:
        mentioned.add_person(record.person, record.person_uuid)
        mentioned.add_pledge(record.pledge_case, record.related_case_uuid)
        mentioned.add_organization(None, record.calling_organization_uuid)
        for transaction_record in record.transactions or ():
            mentioned.add_transaction(transaction_record)
        before = newest.get(record.uuid)
        if before is None or _rank_of(before) <= _rank_of(record):
            newest[record.uuid] = record
    with transaction.atomic(savepoint=False):
        saved = mentioned.save(account=account, include=include, fetched_at=fetched_at)
        saved += _save_call_rows(newest, account=account, fetched_at=fetched_at)
        quarantine.settle(saved.refused, solved=saved.believed, at=fetched_at)
    return saved


def _save_call_rows(
    records: dict[UUID, CallRecord], *, account: str, fetched_at: datetime
) -> Saved:
    good, refused = sift("calls", records, call_problem)
    rows = {uuid: call_row(record) for uuid, record in good.items()}
    merged = merge(CALLS, rows, account=account, fetched_at=fetched_at)
    fallen_back = tuple(
        quarantine.of_record("calls", uuid, good[uuid], "$.status", FELL_BACK)
        for uuid, (stored_status, stored_updated_at) in merged.older.items()
        if stored_status != Call.Status.REQUESTED == good[uuid].status
        and good[uuid].last_updated_at >= stored_updated_at
    )
    return Saved.of(merged, refused + fallen_back)


def call_problem(record: CallRecord) -> Problem | None:
    """What a column of ours cannot hold: its place, and why."""
    if record.attempts_count is not None and record.attempts_count < 0:
        return "$.attemptsCount", NOT_SMALL
    if record.result is not None and not is_small(record.result.donor_retention_rating):
        return "$.result.donorRetentionRating", NOT_SMALL
    return None


def call_row(record: CallRecord) -> Row:
    result, elsewhere = record.result, record.external_metadata or NO_METADATA
    attempts = record.attempts or ()
    seconds = record.recording_duration
    if seconds is None and result is not None:
        seconds = result.duration
    return {
        "uuid": record.uuid,
        "status": record.status,
        "type": record.type,
        "requested_at": record.requested_at,
        "last_updated_at": record.last_updated_at,
        "cancelled_at": record.cancelled_at,
        "completed_at": record.completed_at,
        "expired_at": record.expired_at,
        "notes": record.notes,
        "person_id": record.person_uuid,
        "pledge_id": record.related_case_uuid,
        "calling_organization_id": record.calling_organization_uuid,
        "attempts": sorted(map(_attempt, attempts), key=_place_of_attempt),
        "attempts_count": len(attempts) if record.attempts_count is None else record.attempts_count,
        "result_code": result and result.result_code,
        "result_completed_at": result and result.completed_at,
        "result_notes": result and result.notes,
        "result_rating": result and result.donor_retention_rating,
        "recording_seconds": rounded(seconds, SECONDS_STEP),
        "external_application": elsewhere.application_name,
        "external_reference": elsewhere.reference_id,
        "external_agent_reference": elsewhere.agent_reference_id,
        "external_status_code": elsewhere.status_code,
        "external_status_description": elsewhere.status_description,
        "external_additional": elsewhere.additional_properties,
    }


def _finish_call(row: Row) -> Row:
    moments = [moment for _user, moment in moments_of(row["attempts"])]
    return {
        "external_additional": seal_json(row["external_additional"]),
        "tried_at": max(moments, default=None),
        "tried_in": bits_of(moments),
    }


def _attempt(record: AttemptRecord) -> dict[str, str | None]:
    return {
        "user": str(record.user_uuid) if record.user_uuid else None,
        "attempt_at": instant(record.attempt_at) if record.attempt_at else None,
        "created_at": instant(record.created_at) if record.created_at else None,
    }


def _place_of_attempt(attempt: dict[str, str | None]) -> tuple[str, str, str]:
    """Attempts are a multiset: sorted, the same ones are equal in whatever order they came."""
    attempt_at, created_at = attempt["attempt_at"] or "", attempt["created_at"] or ""
    return attempt_at or created_at, created_at, attempt["user"] or ""


def _rank(status: str, last_updated_at: datetime) -> tuple[Any, ...]:
    return status != Call.Status.REQUESTED, last_updated_at


def _rank_of(record: CallRecord) -> tuple[Any, ...]:
    return _rank(record.status, record.last_updated_at)


CALLS: Final = Table(
    Call,
    order=Order(
        columns=("status", "last_updated_at"),
        sql=(f"{{row}}.status <> '{Call.Status.REQUESTED.value}'", "{row}.last_updated_at"),
        rank=_rank,
    ),
    finish=_finish_call,
)
