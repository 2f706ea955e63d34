"""What comes in from Alphacomm: PayLinks, e-Mandates, batches and what became of rows.

Follows the objects PayLink, Mandate, Batch and Record of its schema, whichever query or mutation
brought them. Amounts are whole cents, times aware; both are stored as they came.

* Newer wins, by `updatedOn`; of what is equally new or tells no such time, the later fetch. The
  time of a fetch is the moment before it was asked for.
* Paid stays paid, and so does a mandate that was given: no answer takes either back, however new.
* A null erases nothing, and neither does any read erase when a link was opened.
* What is not of ours is passed over: an account may be used by others too. Ours is told by our
  reference, in an attribute, or by an id that was seen before.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts import audit
from integrations.alphacomm.money import cents
from integrations.alphacomm.wire import (
    BatchRecord,
    ImportedRecord,
    MandateRecord,
    PayLinkRecord,
)
from pledges.models import (
    AlphacommLink,
    Batch,
    Mandate,
    PayLink,
    PaymentRules,
    TextMessage,
    VoiceResult,
)

# Our own attribute, as it went in and as it comes back; and that of a script's own link.
OP: Final = ("op", "customer_op")
REFERENCE: Final = ("reference", "customer_reference")
# Of a row that is only there to be locked: anything that was read is newer.
NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
PAID: Final = AlphacommLink.Status.PAID


# ── PayLinks ──────────────────────────────────────────────────────────────────────────────────────


def save_links(records: Sequence[PayLinkRecord], *, fetched_at: datetime) -> int:
    """Save PayLinks; returns how many of them are ours.

    A link that turns out to be paid, and is not the canonical one of its PayLink, is told in the
    trail once. One that was paid in just the amount that we asked for proves the amounts.
    """
    by_id = {record.id: record for record in records}
    with transaction.atomic():
        owners = _owners(by_id)
        links = _locked_links(by_id, owners, fetched_at)
        newly_paid = []
        for link in links:
            was_paid = link.is_paid
            _merge_link(link, by_id[link.pk], fetched_at)
            if link.is_paid and not was_paid:
                newly_paid.append(link)
        AlphacommLink.objects.bulk_update(links, _LINK_COLUMNS)
        for link in newly_paid:
            _compare_amount(link, at=fetched_at)
        _tell_orphans({link.pay_link_id for link in links}, at=fetched_at)
    return len(links)


def save_visit(link_id: str, *, visited_at: datetime) -> bool:
    """A link was opened, the first time counts; False when it is not known (yet)."""
    with transaction.atomic():
        link = AlphacommLink.objects.select_for_update().filter(pk=link_id).first()
        if link is None:
            return False
        if link.visited_at is None or visited_at < link.visited_at:
            link.visited_at = visited_at
            link.save(update_fields=["visited_at"])
        return True


_LINK_COLUMNS: Final = (
    "short_url",
    "long_url",
    "status",
    "amount_paid",
    "created_on",
    "updated_on",
    "attributes",
    "paid_at",
    "fetched_at",
)


def _owners(records: Mapping[str, PayLinkRecord]) -> dict[str, UUID]:
    """Which PayLink of ours each link belongs to: as it did before, or by what it carries."""
    owners = dict(AlphacommLink.objects.filter(pk__in=records).values_list("pk", "pay_link_id"))
    by_op: dict[UUID, list[str]] = {}
    by_reference: dict[str, list[str]] = {}
    for link_id, record in records.items():
        if link_id in owners:
            continue
        if (op := _as_uuid(record.value_of(*OP))) is not None:
            by_op.setdefault(op, []).append(link_id)
        elif reference := record.value_of(*REFERENCE):
            by_reference.setdefault(reference, []).append(link_id)
    if by_op:
        made = PayLink.objects.filter(delivery__in=by_op)
        for delivery, pay_link in made.values_list("delivery_id", "pk"):
            owners.update(dict.fromkeys(by_op[delivery], pay_link))
    if by_reference:
        carried = PayLink.objects.filter(message__reference__in=by_reference)
        for reference, pay_link in carried.values_list("message__reference", "pk"):
            owners.update(dict.fromkeys(by_reference[reference], pay_link))
    return owners


def _locked_links(
    records: Mapping[str, PayLinkRecord], owners: Mapping[str, UUID], fetched_at: datetime
) -> list[AlphacommLink]:
    """A row for each link of ours, locked in the same order by everybody."""
    known = set(AlphacommLink.objects.filter(pk__in=owners).values_list("pk", flat=True))
    AlphacommLink.objects.bulk_create(
        [
            AlphacommLink(
                id=link_id,
                pay_link_id=owner,
                created_on=records[link_id].created_on or fetched_at,
                fetched_at=NEVER,
            )
            for link_id, owner in sorted(owners.items())
            if link_id not in known
        ],
        ignore_conflicts=True,
    )
    rows = AlphacommLink.objects.select_for_update(of=("self",)).filter(pk__in=owners)
    return list(rows.select_related("pay_link__person").order_by("pk"))


def _merge_link(link: AlphacommLink, record: PayLinkRecord, fetched_at: datetime) -> None:
    is_newer = _is_newer(link, record, fetched_at)
    told: dict[str, Any] = {
        "short_url": record.short_url,
        "long_url": record.long_url,
        "status": record.status[:40] if record.status else None,
        "amount_paid": record.amount_paid,
        "created_on": record.created_on,
        "updated_on": record.updated_on,
        "attributes": _attributes(record),
    }
    was_paid, paid_before = link.is_paid, link.amount_paid or 0
    _take(link, told, is_newer=is_newer)
    if was_paid or record.status == PAID:
        link.status = PAID
        # An answer that tells of no money does not take away what an earlier one told.
        if link.amount_paid is not None:
            link.amount_paid = max(link.amount_paid, paid_before)
    if link.is_paid and link.paid_at is None:
        link.paid_at = record.updated_on or fetched_at
    link.fetched_at = max(link.fetched_at, fetched_at)


def _attributes(record: PayLinkRecord) -> dict[str, str] | None:
    """By name; None when none were asked for."""
    if record.attributes is None:
        return None
    return {one.id: one.value or "" for one in record.attributes if one.id}


def _compare_amount(link: AlphacommLink, *, at: datetime) -> None:
    """What was paid against what we asked. Nothing is told by an amount of zero: a paid link may
    come with it."""
    pay_link = link.pay_link
    if not link.amount_paid:
        return
    if link.amount_paid == cents(pay_link.amount):
        agree_amounts_for(pay_link, at=at)
        return
    audit.record(
        "paylink.amount_differs",
        user=None,
        at=at,
        subject=pay_link.subject,
        person_uuid=pay_link.person_id,
        link=link.pk,
        asked=cents(pay_link.amount),
        paid=link.amount_paid,
    )


def agree_amounts_for(pay_link: PayLink, *, at: datetime) -> None:
    """It was seen that a link asks for what we wanted: that holds for its organisation from now."""
    organization = pay_link.person.owning_organization_id
    theirs = PaymentRules.objects.filter(organization=organization)
    if theirs.filter(amounts_agreed_at__isnull=False).exists():
        return
    if theirs.filter(amounts_agreed_at=None).update(amounts_agreed_at=at):
        audit.record(
            "payments.amounts_agreed",
            user=None,
            at=at,
            subject=pay_link.subject,
            organization=str(organization),
        )


def _tell_orphans(pay_links: set[UUID], *, at: datetime) -> None:
    """A line in the trail for each link that was paid and is not the canonical one, once."""
    orphans = AlphacommLink.objects.orphans_paid().filter(
        pay_link__in=pay_links, orphan_told_at=None
    )
    for link in orphans.select_related("pay_link"):
        audit.record(
            "paylink.orphan_paid",
            user=None,
            at=at,
            subject=link.pay_link.subject,
            person_uuid=link.pay_link.person_id,
            link=link.pk,
        )
        AlphacommLink.objects.filter(pk=link.pk).update(orphan_told_at=at)


# ── e-Mandates ────────────────────────────────────────────────────────────────────────────────────


def save_mandates(
    records: Sequence[MandateRecord], *, fetched_at: datetime, mandate: UUID | None = None
) -> int:
    """Save e-Mandates; returns how many of them are ours.

    No list tells the debtor's reference, so a mandate is ours by an id that was seen before, or, of
    one that a script made, by the reference of its message. `mandate` says whose the one record is
    that an answer to our own create, or a search that found nothing else, brought.
    """
    by_id = {record.id: record for record in records}
    with transaction.atomic():
        if mandate is not None:
            (alone,) = by_id
            Mandate.objects.filter(pk=mandate, alphacomm_id=None).update(alphacomm_id=alone)
        _claim_carried(by_id)
        rows = Mandate.objects.select_for_update().filter(alphacomm_id__in=by_id)
        mandates = list(rows.order_by("pk"))
        for row in mandates:
            assert row.alphacomm_id is not None  # noqa: S101  (they were found by it)
            _merge_mandate(row, by_id[row.alphacomm_id], fetched_at)
        Mandate.objects.bulk_update(mandates, _MANDATE_COLUMNS)
    return len(mandates)


_MANDATE_COLUMNS: Final = (
    "short_url",
    "long_url",
    "type",
    "status",
    "created_on",
    "updated_on",
    "signed_at",
    "fetched_at",
)


def _claim_carried(records: Mapping[str, MandateRecord]) -> None:
    """Give what a script made to the row that waits for it: the oldest, should there be several."""
    by_reference: dict[str, str] = {}
    for record in sorted(records.values(), key=_age_of_mandate):
        if record.reference:
            by_reference.setdefault(record.reference, record.id)
    waiting = Mandate.objects.filter(
        message__reference__in=by_reference, alphacomm_id=None
    ).values_list("pk", "message__reference")
    for row, reference in waiting:
        Mandate.objects.filter(pk=row, alphacomm_id=None).update(
            alphacomm_id=by_reference[reference]
        )


def _age_of_mandate(record: MandateRecord) -> tuple[datetime, str]:
    return record.created_on or NEVER, record.id


def _merge_mandate(row: Mandate, record: MandateRecord, fetched_at: datetime) -> None:
    is_newer = _is_newer(row, record, fetched_at)
    was_signed = row.is_signed
    told = {
        "short_url": record.short_url,
        "long_url": record.long_url,
        "type": record.type[:10] if record.type else None,
        "status": record.status[:40] if record.status else None,
        "created_on": record.created_on,
        "updated_on": record.updated_on,
    }
    _take(row, told, is_newer=is_newer)
    if was_signed or record.status == Mandate.Status.SUCCESS:
        row.status = Mandate.Status.SUCCESS
    if row.is_signed and row.signed_at is None:
        row.signed_at = record.updated_on or fetched_at
    row.fetched_at = max(row.fetched_at or fetched_at, fetched_at)


# ── Batches and rows ──────────────────────────────────────────────────────────────────────────────


def save_batch(record: BatchRecord, *, fetched_at: datetime, batch: UUID | None = None) -> bool:
    """Save how far a batch is; False when it is none of ours. `batch` says whose the answer is
    that tells its name."""
    with transaction.atomic():
        whose = Q(name=record.name) if batch is None else Q(pk=batch)
        row = Batch.objects.select_for_update().filter(whose).first()
        if row is None:
            return False
        if row.fetched_at is not None and fetched_at < row.fetched_at:
            return True
        row.name = record.name
        row.action = (record.action or row.action)[:20]
        # What has ended does not begin again.
        if row.status not in {Batch.Status.DONE, Batch.Status.ERROR}:
            row.status = (record.status or row.status)[:20]
        row.fetched_at = fetched_at
        row.save(update_fields=["name", "action", "status", "fetched_at"])
        return True


def save_imported(record: BatchRecord) -> int:
    """Save what became of the rows of one request, as its answer tells; returns of how many."""
    told = {one.reference: one for one in record.records if one.reference}
    messages = list(TextMessage.objects.filter(reference__in=told))
    for message in messages:
        one = told[message.reference]
        message.record_status = (one.status or "")[:20]
        message.record_messages = _messages(one)
        message.import_name = record.name[:100]
    TextMessage.objects.bulk_update(messages, ["record_status", "record_messages", "import_name"])
    return len(messages)


def save_voice_result(
    message: TextMessage,
    *,
    voice_call_id: str,
    status: str,
    is_reached: bool,
    answered_on: datetime | None,
    at: datetime,
) -> None:
    """Save how a call of a voice message ended: the latest word of it counts. The caller holds the
    lock on the message's row."""
    known = VoiceResult.objects.filter(voice_call_id=voice_call_id[:64]).first()
    if known is not None and known.at > at:
        return
    VoiceResult.objects.update_or_create(
        voice_call_id=voice_call_id[:64],
        defaults={
            "message": message,
            "status": status[:40],
            "is_reached": is_reached or (known is not None and known.is_reached),
            "answered_on": answered_on or (known.answered_on if known else None),
            "at": at,
        },
    )


def _messages(record: ImportedRecord) -> list[dict[str, str]]:
    return [
        {"context": one.context or "", "message": one.message or "", "level": one.level or ""}
        for one in record.messages or ()
    ]


# ── What all of them have in common ───────────────────────────────────────────────────────────────


def _is_newer(
    row: AlphacommLink | Mandate, record: PayLinkRecord | MandateRecord, fetched_at: datetime
) -> bool:
    """Whether what was read is as new as what is stored, or newer."""
    times = row.updated_on, record.updated_on
    if None not in times and times[0] != times[1]:
        return times[0] < times[1]  # type: ignore[operator]
    return row.fetched_at is None or fetched_at >= row.fetched_at


def _take(row: AlphacommLink | Mandate, told: Mapping[str, Any], *, is_newer: bool) -> None:
    """Put what was told into a row: what is newer over what is there, what is older into what is
    still empty. A null says nothing."""
    for column, value in told.items():
        if value is not None and (is_newer or getattr(row, column) in (None, "", {})):
            setattr(row, column, value)


def _as_uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
