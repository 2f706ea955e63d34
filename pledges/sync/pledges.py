"""What comes in about donors and their pledges: wire records to mirror columns, and a page of them
to rows. Nobody else writes those columns.

Follows the schemas PledgeCaseDto, PersonDto and TransactionDto, whichever operation brought them.
Amounts are euros as Decimal, times aware; both are stored as they came.

* Newer wins: pledges and transactions by `updatedAt`, persons, organisations and quality results by
  the time of the fetch, which is the moment before the read was asked for. Equally new, the later
  fetch wins. What is older than what is stored is passed over.
* A null that was not asked for erases nothing. A quality result of null means that none was made
  yet, and never takes one back that was seen: TapRaise tells of no such thing.
* Who is only spoken of by uuid gets a row of its own, bare, so that every reference holds.
* What a column cannot hold is refused, record by record, and put into quarantine.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID

from django.db import transaction

from integrations import quarantine
from integrations.encryption import EncryptedJSONField, EncryptedTextField, lookup_hash
from integrations.quarantine import Kept
from integrations.tapraise.wire import (
    AddressRecord,
    OrganizationRecord,
    PersonRecord,
    PledgeRecord,
    QualityResultRecord,
    Record,
    TransactionRecord,
)
from integrations.upsert import Row, Saved, Table, by_columns, merge
from pledges import flagging, objections
from pledges.models import (
    Objection,
    Organization,
    Person,
    Pledge,
    QualityResult,
    Transaction,
)
from pledges.names import first_key, name_key, postcode_key
from pledges.phone import e164
from pledges.quality import recruiter_findings

R = TypeVar("R", bound=Record)
# A place in the record, and what is wrong there: never a value of it.
Problem = tuple[str, str]

ASKED_RECRUITER: Final = "recruiterFullName"
PLEDGE_ORIGIN: Final = "pledgeCase"
NO_ADDRESS: Final = AddressRecord()
NOT_CENTS: Final = "More than two decimals"
NOT_SMALL: Final = "Number out of range"
LARGEST_SMALL: Final = 2**15 - 1
LARGEST_SCORE: Final = Decimal(10) ** 8
SCORE_STEP: Final = Decimal("0.0001")

seal_text = EncryptedTextField().get_prep_value
seal_json = EncryptedJSONField().get_prep_value


def save_pledges(
    records: Sequence[PledgeRecord],
    *,
    account: str,
    include: Collection[str],
    fetched_at: datetime,
) -> Saved:
    """Save what `GET /pledges` or `GET /pledges/{uuid}` told, all or nothing.

    `include` is what was asked for, `fetched_at` the moment before it was asked. Calls in them are
    passed over.
    """
    mentioned = Mentioned()
    for record in records:
        mentioned.add_pledge(record)
    with transaction.atomic(savepoint=False):
        saved = mentioned.save(account=account, include=include, fetched_at=fetched_at)
        quarantine.settle(saved.refused, solved=saved.believed, at=fetched_at)
    return saved


@dataclass
class Mentioned:
    """Everybody and everything that the records of a page speak of, each once.

    None stands for what is known by its uuid alone.
    """

    organizations: dict[UUID, str | None] = field(default_factory=dict)
    persons: dict[UUID, PersonRecord | None] = field(default_factory=dict)
    pledges: dict[UUID, PledgeRecord | None] = field(default_factory=dict)
    transactions: dict[UUID, tuple[TransactionRecord, UUID | None]] = field(default_factory=dict)

    def add_organization(self, record: OrganizationRecord | None, uuid: UUID | None = None) -> None:
        if record is not None and record.name is not None:
            self.organizations[record.uuid] = record.name
        elif (known := record.uuid if record is not None else uuid) is not None:
            self.organizations.setdefault(known, None)

    def add_person(self, record: PersonRecord | None, uuid: UUID | None = None) -> None:
        if record is not None:
            self.persons[record.uuid] = record
            self.add_organization(record.owning_organization)
        if uuid is not None:
            self.persons.setdefault(uuid, None)

    def add_pledge(self, record: PledgeRecord | None, uuid: UUID | None = None) -> None:
        if record is not None:
            before = self.pledges.get(record.uuid)
            if before is None or before.updated_at <= record.updated_at:
                self.pledges[record.uuid] = record
            self.add_organization(record.owning_organization, record.owning_organization_uuid)
            self.add_organization(
                record.recruiting_organization, record.recruiting_organization_uuid
            )
            self.add_person(record.person)
            for transaction_record in record.transactions or ():
                self.add_transaction(transaction_record, within=record.uuid)
        if uuid is not None:
            self.pledges.setdefault(uuid, None)

    def add_transaction(self, record: TransactionRecord, within: UUID | None = None) -> None:
        """`within` is the pledge whose record it came in, if it came in one."""
        pledge = _pledge_of(record) or within
        before = self.transactions.get(record.uuid)
        if before is None or before[0].updated_at <= record.updated_at:
            self.transactions[record.uuid] = (record, pledge)
        self.add_person(None, record.person_uuid)
        self.add_pledge(None, pledge)

    def save(self, *, account: str, include: Collection[str], fetched_at: datetime) -> Saved:
        """Write what is new: a statement to look and one to write for each table."""
        return (
            save_organizations(self.organizations, fetched_at=fetched_at)
            + save_persons(self.persons, fetched_at=fetched_at)
            + _save_pledge_rows(
                self.pledges, account=account, include=include, fetched_at=fetched_at
            )
            + save_transactions(self.transactions, fetched_at=fetched_at)
        )


def save_organizations(names: Mapping[UUID, str | None], *, fetched_at: datetime) -> Saved:
    """Save organisations by name; None is one whose name was not told."""
    rows = {u: organization_row(u, name) for u, name in names.items() if name is not None}
    return Saved.of(merge(ORGANIZATIONS, rows, also=names, fetched_at=fetched_at))


def save_persons(records: Mapping[UUID, PersonRecord | None], *, fetched_at: datetime) -> Saved:
    """Save persons whose organisations are there, and the quality results that came along."""
    known = [record for record in records.values() if record is not None]
    rows = {record.uuid: person_row(record) for record in known}
    merged = merge(PERSONS, rows, also=records, fetched_at=fetched_at)
    _mark_who_objected(merged.written)
    saved = Saved.of(merged)
    results = {r.uuid: r.quality_result for r in known if r.quality_result is not None}
    good, refused = sift("quality", results, quality_problem)
    rows = {uuid: quality_row(uuid, result) for uuid, result in good.items()}
    judged = merge(QUALITY_RESULTS, rows, fetched_at=fetched_at)
    _flag_recruiters({uuid: good[uuid] for uuid in judged.written}, at=fetched_at)
    quality = Saved.of(judged, refused)
    # A quality result has its person's uuid, so what is believed of one says nothing of the other.
    return saved + replace(quality, believed=frozenset())


def _mark_who_objected(persons: Collection[UUID]) -> None:
    """Who is new here, or has another number, may be somebody who is not to be called any more."""
    if persons and Objection.objects.standing().exists():
        written = Person.objects.filter(pk__in=persons)
        objections.mark(written.only("mobile_e164", "phone_e164", "email"))


def _flag_recruiters(results: Mapping[UUID, QualityResultRecord], *, at: datetime) -> None:
    """A result that is new here may say something of the recruiter that a supervisor is to see."""
    found = {
        uuid: (
            result.created_at,
            recruiter_findings(
                (gate.category, gate.explanation) for gate in result.gate_results or ()
            ),
        )
        for uuid, result in results.items()
    }
    if found:
        flagging.mark(found, at=at)


def save_transactions(
    records: Mapping[UUID, tuple[TransactionRecord, UUID | None]], *, fetched_at: datetime
) -> Saved:
    """Save transactions whose persons are there, each with its pledge, as far as that was told."""
    sent = {uuid: record for uuid, (record, _) in records.items()}
    good, refused = sift("transactions", sent, transaction_problem)
    rows = {uuid: transaction_row(record, records[uuid][1]) for uuid, record in good.items()}
    merged = merge(TRANSACTIONS, rows, kept=("pledge_id",), fetched_at=fetched_at)
    return Saved.of(merged, refused)


def _save_pledge_rows(
    records: Mapping[UUID, PledgeRecord | None],
    *,
    account: str,
    include: Collection[str],
    fetched_at: datetime,
) -> Saved:
    sent = {uuid: record for uuid, record in records.items() if record is not None}
    good, refused = sift("pledges", sent, pledge_problem)
    rows = {uuid: pledge_row(record) for uuid, record in good.items()}
    # Within a call a pledge comes without its person, and a recruiter's name only when asked for.
    kept = ("person_id",) if ASKED_RECRUITER in include else ("person_id", "recruiter_name")
    merged = merge(PLEDGES, rows, also=records, kept=kept, account=account, fetched_at=fetched_at)
    return Saved.of(merged, refused)


# ── What cannot be held ───────────────────────────────────────────────────────────────────────────


def sift(
    kind: str, records: Mapping[UUID, R], problem: Callable[[R], Problem | None]
) -> tuple[dict[UUID, R], tuple[Kept, ...]]:
    """Part the records that can be held from those that are to be put into quarantine."""
    good: dict[UUID, R] = {}
    refused = []
    for uuid, record in records.items():
        found = problem(record)
        if found is None:
            good[uuid] = record
        else:
            refused.append(quarantine.of_record(kind, uuid, record, *found))
    return good, tuple(refused)


def pledge_problem(record: PledgeRecord) -> Problem | None:
    if not is_cents(record.donation_amount):
        return "$.donationAmount", NOT_CENTS
    if not is_cents(record.initial_donation_amount):
        return "$.initialDonationAmount", NOT_CENTS
    if not is_small(record.preferred_payment_day):
        return "$.preferredPaymentDay", NOT_SMALL
    return None


def transaction_problem(record: TransactionRecord) -> Problem | None:
    return None if is_cents(record.amount) else ("$.amount", NOT_CENTS)


def quality_problem(record: QualityResultRecord) -> Problem | None:
    for name, score in (
        ("score", record.score),
        ("maxScore", record.max_score),
        ("percentage", record.percentage),
    ):
        if score is not None and abs(score) >= LARGEST_SCORE:
            return f"$.{name}", "Number out of range"
    return None


def is_cents(euros: Decimal | None) -> bool:
    return euros is None or euros * 100 == (euros * 100).to_integral_value()


def is_small(number: int | None) -> bool:
    """Whether it is a count that a small column holds."""
    return number is None or 0 <= number <= LARGEST_SMALL


# ── Records to rows ───────────────────────────────────────────────────────────────────────────────


def organization_row(uuid: UUID, name: str) -> Row:
    return {"uuid": uuid, "name": name}


def person_row(record: PersonRecord) -> Row:
    address = record.address or NO_ADDRESS
    return {
        "uuid": record.uuid,
        "academic_title": record.academic_title,
        "initials": record.initials,
        "first_name": record.first_name,
        "last_name_prefix": record.last_name_prefix,
        "last_name": record.last_name,
        "date_of_birth": record.date_of_birth,
        "iban": account_number(record.iban),
        "street": address.street,
        "house_number": address.house_number,
        "house_number_extension": address.house_number_extension,
        "zip_code": address.zip_code,
        "city": address.city,
        "country": address.country,
        "phone_number": record.phone_number,
        "mobile_phone_number": record.mobile_phone_number,
        "email": record.email,
        "gender": record.gender,
        "opt_in_email": record.opt_in_email,
        "opt_in_phone": record.opt_in_phone,
        "opt_in_mail": record.opt_in_mail,
        "opt_in_sms": record.opt_in_sms,
        "language": record.language,
        "mandate_created_at": record.mandate and record.mandate.created_at,
        "created_at": record.created_at,
        "owning_organization_id": record.owning_organization and record.owning_organization.uuid,
    }


def _finish_person(row: Row) -> Row:
    return {
        "iban": seal_text(row["iban"]),
        "iban_hash": row["iban"] and lookup_hash(row["iban"]),
        "phone_e164": row["phone_number"] and e164(row["phone_number"], row["country"]),
        "mobile_e164": row["mobile_phone_number"]
        and e164(row["mobile_phone_number"], row["country"]),
        "name_key": name_key(row["last_name"], row["last_name_prefix"]),
        "first_key": first_key(row["first_name"], row["initials"]),
        "postcode_key": postcode_key(row["zip_code"]),
    }


def quality_row(person_uuid: UUID, record: QualityResultRecord) -> Row:
    return {
        "person_id": person_uuid,
        "score": rounded(record.score, SCORE_STEP),
        "max_score": rounded(record.max_score, SCORE_STEP),
        "percentage": rounded(record.percentage, SCORE_STEP),
        "created_at": record.created_at,
        # As received: only what is written is turned into what we keep of it.
        "gates": record.gate_results or (),
    }


def _finish_quality(row: Row) -> Row:
    return {
        "gates": [
            {
                "identifier": gate.identifier,
                "category": gate.category,
                "explanation": gate.explanation,
                "score": gate.score,
                "max_score": gate.max_score,
            }
            for gate in row["gates"]
        ]
    }


def pledge_row(record: PledgeRecord) -> Row:
    owner, recruiting = record.owning_organization, record.recruiting_organization
    recruiter, source = record.recruiter_user, record.external_source
    return {
        "uuid": record.uuid,
        "status": record.status,
        "starts_at": record.starts_at,
        "ends_at": record.ends_at,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "released_at": record.released_at,
        "owning_organization_id": owner.uuid if owner else record.owning_organization_uuid,
        "recruiting_organization_id": (
            recruiting.uuid if recruiting else record.recruiting_organization_uuid
        ),
        "recruiting_location_label": record.recruiting_location_label,
        "initial_donation_amount": record.initial_donation_amount,
        "donation_amount": record.donation_amount,
        "initial_donation_interval": record.initial_donation_interval,
        "donation_interval": record.donation_interval,
        "preferred_payment_day": record.preferred_payment_day,
        "person_id": record.person and record.person.uuid,
        "recruitment_type": record.recruitment_type,
        "recruiter_uuid": recruiter.uuid if recruiter else record.recruiter_user_uuid,
        "recruiter_identifier": recruiter and recruiter.identifier,
        "recruiter_name": recruiter and recruiter.name,
        "focus_areas": [
            {"uuid": str(area.uuid), "name": area.name} for area in record.focus_areas or ()
        ],
        "external_source_name": source and source.name,
        "external_source_identifier": source and source.identifier,
        "external_metadata": record.external_metadata,
        "campaign_code": record.campaign_code,
        "collection_date": record.collection_date,
    }


def _finish_pledge(row: Row) -> Row:
    return {"external_metadata": seal_json(row["external_metadata"])}


def transaction_row(record: TransactionRecord, pledge_uuid: UUID | None) -> Row:
    return {
        "uuid": record.uuid,
        "person_id": record.person_uuid,
        "pledge_id": pledge_uuid,
        "origin_name": record.origin and record.origin.name,
        "amount": record.amount,
        "name": record.name,
        "iban": account_number(record.iban),
        "description": record.description,
        "provider": record.provider,
        "method": record.method,
        "reference_id": record.reference_id,
        "transaction_id": record.transaction_id,
        "provider_metadata": record.provider_metadata,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "status": record.status,
    }


def _finish_transaction(row: Row) -> Row:
    return {
        "name": seal_text(row["name"]),
        "iban": seal_text(row["iban"]),
        "iban_hash": row["iban"] and lookup_hash(row["iban"]),
        "provider_metadata": seal_json(row["provider_metadata"]),
    }


def account_number(text: str | None) -> str | None:
    """An account number as it is stored and looked for: no spaces, upper case."""
    return None if text is None else "".join(text.split()).upper()


def rounded(number: Decimal | None, step: Decimal) -> Decimal | None:
    """A number with no more decimals than its column holds. Not for euros."""
    return None if number is None else number.quantize(step).normalize()


def _pledge_of(record: TransactionRecord) -> UUID | None:
    origin = record.origin
    return origin.identifier if origin is not None and origin.name == PLEDGE_ORIGIN else None


# ── Tables ────────────────────────────────────────────────────────────────────────────────────────

ORGANIZATIONS: Final = Table(Organization, bare={"name": ""})
PERSONS: Final = Table(Person, finish=_finish_person)
QUALITY_RESULTS: Final = Table(QualityResult, finish=_finish_quality)
PLEDGES: Final = Table(
    Pledge, order=by_columns("updated_at"), finish=_finish_pledge, bare={"focus_areas": []}
)
TRANSACTIONS: Final = Table(Transaction, order=by_columns("updated_at"), finish=_finish_transaction)
