"""TapRaise's records as they travel: what comes in, and what goes out.

The fields follow the schemas of the calls and pledges documents, word for word. The rules:

* Euros, scores and durations are ``Decimal``, read from the digits on the wire; nothing passes
  through a float, in or out. Durations are in seconds.
* Times carry a zone; a time without one is an error. ``date_of_birth`` is a bare date.
* A record needs what tells it apart and what orders it: a call its ``uuid``, ``status``,
  ``requestedAt``, ``lastUpdatedAt`` and ``personUuid``; a pledge or transaction its ``uuid``,
  ``status`` and times of change; every other part its ``uuid``, code or identifier. Anything else
  may be null or missing, whatever the schema calls required, and is then ``None``.
* Fields that we do not know are passed over and values that we do not know are kept as text:
  ``drift.py`` finds them, so that they can be counted.
* The national number and the signature's address are on no record at all, and are cut out of
  the free-form parts as well.
"""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from integrations.records import Instant, check_times
from integrations.tapraise.codec import Whole, check_decimals, cut_forbidden


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What every record that comes in has in common: shown, it tells its name and no more.

    No record leads back to itself, so the collector of cycles need not walk pages of them.
    """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'uuid', '')}>"


class PageInfo(Record, frozen=True, kw_only=True):
    start_cursor: str | None = None
    end_cursor: str | None = None
    has_previous_page: bool = False
    has_next_page: bool


class OrganizationRecord(Record, frozen=True, kw_only=True):
    uuid: UUID
    name: str | None = None


class ExternalSourceRecord(Record, frozen=True, kw_only=True):
    name: str | None = None
    identifier: str | None = None


class CallExternalMetadataRecord(Record, frozen=True, kw_only=True):
    application_name: str | None = None
    reference_id: str | None = None
    agent_reference_id: str | None = None
    status_code: str | None = None
    status_description: str | None = None
    additional_properties: Any = None

    def __post_init__(self) -> None:
        cut_forbidden(self, "additional_properties", self.additional_properties)


class AttemptRecord(Record, frozen=True, kw_only=True):
    user_uuid: UUID | None = None
    attempt_at: Instant | None = None
    created_at: Instant | None = None

    def __post_init__(self) -> None:
        check_times(self.attempt_at, self.created_at)


class ResultRecord(Record, frozen=True, kw_only=True):
    """How a call ended. ``duration`` (seconds) is the deprecated form of the call's own."""

    result_code: str
    completed_at: Instant | None = None
    notes: str | None = None
    duration: Decimal | None = None
    donor_retention_rating: Whole | None = None

    def __post_init__(self) -> None:
        check_times(self.completed_at)
        check_decimals(self.duration)


class AddressRecord(Record, frozen=True, kw_only=True):
    street: str | None = None
    house_number: str | None = None
    house_number_extension: str | None = None
    zip_code: str | None = None
    city: str | None = None
    country: str | None = None


class MandateRecord(Record, frozen=True, kw_only=True):
    created_at: Instant | None = None

    def __post_init__(self) -> None:
        check_times(self.created_at)


class GateResultRecord(Record, frozen=True, kw_only=True):
    identifier: str
    category: str | None = None
    score: Decimal | None = None
    max_score: Decimal | None = None
    percentage: Decimal | None = None
    explanation: str | None = None
    metadata: Any = None

    def __post_init__(self) -> None:
        check_decimals(self.score, self.max_score, self.percentage)
        cut_forbidden(self, "metadata", self.metadata)


class QualityResultRecord(Record, frozen=True, kw_only=True):
    score: Decimal | None = None
    max_score: Decimal | None = None
    percentage: Decimal | None = None
    created_at: Instant | None = None
    gate_results: tuple[GateResultRecord, ...] | None = None

    def __post_init__(self) -> None:
        check_times(self.created_at)
        check_decimals(self.score, self.max_score, self.percentage)


class PersonRecord(Record, frozen=True, kw_only=True):
    """A donor. ``person_uuid`` is the deprecated twin of ``uuid``."""

    uuid: UUID
    person_uuid: UUID | None = None
    academic_title: str | None = None
    initials: str | None = None
    first_name: str | None = None
    last_name_prefix: str | None = None
    last_name: str | None = None
    date_of_birth: dt.date | None = None
    iban: str | None = None
    address: AddressRecord | None = None
    phone_number: str | None = None
    mobile_phone_number: str | None = None
    email: str | None = None
    gender: str | None = None
    opt_in_email: bool | None = None
    opt_in_phone: bool | None = None
    opt_in_mail: bool | None = None
    opt_in_sms: bool | None = None
    language: str | None = None
    mandate: MandateRecord | None = None
    created_at: Instant | None = None
    owning_organization: OrganizationRecord | None = None
    quality_result: QualityResultRecord | None = None

    def __post_init__(self) -> None:
        check_times(self.created_at)


class RecruiterUserRecord(Record, frozen=True, kw_only=True):
    uuid: UUID
    identifier: str | None = None
    name: str | None = None


class TransactionOriginRecord(Record, frozen=True, kw_only=True):
    name: str | None = None
    identifier: UUID | None = None


class TransactionRecord(Record, frozen=True, kw_only=True):
    """A payment; ``amount`` in euros."""

    uuid: UUID
    person_uuid: UUID | None = None
    origin: TransactionOriginRecord | None = None
    amount: Decimal | None = None
    name: str | None = None
    iban: str | None = None
    description: str | None = None
    provider: str | None = None
    method: str | None = None
    reference_id: str | None = None
    transaction_id: str | None = None
    provider_metadata: Any = None
    created_at: Instant | None = None
    updated_at: Instant
    status: str

    def __post_init__(self) -> None:
        check_times(self.created_at, self.updated_at)
        check_decimals(self.amount)
        cut_forbidden(self, "provider_metadata", self.provider_metadata)


class FocusAreaRecord(Record, frozen=True, kw_only=True):
    uuid: UUID
    name: str | None = None
    external_source: ExternalSourceRecord | None = None


class PledgeRecord(Record, frozen=True, kw_only=True):
    """A pledge; amounts in euros. The three ``…_uuid`` twins of objects are deprecated."""

    uuid: UUID
    status: str
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    created_at: Instant
    updated_at: Instant
    released_at: Instant | None = None
    owning_organization_uuid: UUID | None = None
    owning_organization: OrganizationRecord | None = None
    recruiting_organization_uuid: UUID | None = None
    recruiting_organization: OrganizationRecord | None = None
    recruiting_location_label: str | None = None
    initial_donation_amount: Decimal | None = None
    donation_amount: Decimal | None = None
    initial_donation_interval: str | None = None
    donation_interval: str | None = None
    preferred_payment_day: Whole | None = None
    person: PersonRecord | None = None
    recruitment_type: str | None = None
    recruiter_user_uuid: UUID | None = None
    recruiter_user: RecruiterUserRecord | None = None
    transactions: tuple[TransactionRecord, ...] | None = None
    calls: tuple["CallRecord", ...] | None = None
    focus_areas: tuple[FocusAreaRecord, ...] | None = None
    external_source: ExternalSourceRecord | None = None
    external_metadata: Any = None
    campaign_code: str | None = None
    collection_date: Instant | None = None

    def __post_init__(self) -> None:
        check_times(
            self.starts_at,
            self.ends_at,
            self.created_at,
            self.updated_at,
            self.released_at,
            self.collection_date,
        )
        check_decimals(self.initial_donation_amount, self.donation_amount)
        cut_forbidden(self, "external_metadata", self.external_metadata)


class CallRecord(Record, frozen=True, kw_only=True):
    """A call; ``recording_duration`` in seconds. What was not included comes as ``None``."""

    uuid: UUID
    status: str
    requested_at: Instant
    external_metadata: CallExternalMetadataRecord | None = None
    attempts: tuple[AttemptRecord, ...] | None = None
    attempts_count: Whole | None = None
    result: ResultRecord | None = None
    last_updated_at: Instant
    cancelled_at: Instant | None = None
    completed_at: Instant | None = None
    expired_at: Instant | None = None
    notes: str | None = None
    person_uuid: UUID
    related_case_uuid: UUID | None = None
    calling_organization_uuid: UUID | None = None
    type: str | None = None
    pledge_case: PledgeRecord | None = None
    person: PersonRecord | None = None
    transactions: tuple[TransactionRecord, ...] | None = None
    recording_duration: Decimal | None = None

    def __post_init__(self) -> None:
        check_times(
            self.requested_at,
            self.last_updated_at,
            self.cancelled_at,
            self.completed_at,
            self.expired_at,
        )
        check_decimals(self.recording_duration)


class Input(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every body that goes out has in common: a field left ``UNSET`` is not sent."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class CallExternalMetadataInput(Input, frozen=True, kw_only=True):
    """All six are required; ``additional_properties`` is an object written out as JSON text."""

    application_name: str
    reference_id: str
    agent_reference_id: str
    status_code: str
    status_description: str
    additional_properties: str


class ExternalSourceInput(Input, frozen=True, kw_only=True):
    name: str
    identifier: str


class CallAttemptInput(Input, frozen=True, kw_only=True):
    created_at: Instant | UnsetType = UNSET
    user_uuid: UUID | UnsetType = UNSET


class CallResultInput(Input, frozen=True, kw_only=True):
    """The result of a call that is created as done elsewhere; the rating may be null."""

    result_code: str
    completed_at: Instant
    notes: str
    donor_retention_rating: int | None


class CreateCallInput(Input, frozen=True, kw_only=True):
    uuid: UUID | UnsetType = UNSET
    status: str | UnsetType = UNSET
    requested_at: Instant
    external_metadata: CallExternalMetadataInput | UnsetType | None = UNSET
    external_source: ExternalSourceInput | UnsetType | None = UNSET
    attempts: tuple[CallAttemptInput, ...] | UnsetType = UNSET
    result: CallResultInput | UnsetType = UNSET
    requested_by_user_uuid: UUID | UnsetType = UNSET
    cancelled_at: Instant | UnsetType = UNSET
    completed_at: Instant | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    person_uuid: UUID
    related_case_uuid: UUID | UnsetType = UNSET
    calling_organization_uuid: UUID | UnsetType = UNSET
    type: str | UnsetType = UNSET


class AddCallAttemptInput(Input, frozen=True, kw_only=True):
    user_uuid: UUID | UnsetType = UNSET
    attempt_at: Instant | UnsetType = UNSET


class CompleteCallResultInput(Input, frozen=True, kw_only=True):
    """Notes and rating may be left out, and may not be null."""

    completed_at: Instant
    notes: str | UnsetType = UNSET
    donor_retention_rating: int | UnsetType = UNSET
    result_code: str


class CompleteCallInput(Input, frozen=True, kw_only=True):
    user_uuid: UUID | UnsetType = UNSET
    result: CompleteCallResultInput


class CancelCallInput(Input, frozen=True, kw_only=True):
    cancelled_at: Instant | UnsetType = UNSET


class ExpireCallInput(Input, frozen=True, kw_only=True):
    expired_at: Instant | UnsetType = UNSET


class CreationMetadataInput(Input, frozen=True, kw_only=True):
    software: str
    version: str
    user_agent: str | UnsetType = UNSET


class SignatureFileLocationInput(Input, frozen=True, kw_only=True):
    path: str
    bucket: str


class SignatureInput(Input, frozen=True, kw_only=True):
    type: str
    file_location: SignatureFileLocationInput


class CancellationReasonInput(Input, frozen=True, kw_only=True):
    identifier: str
    note: str | UnsetType = UNSET


class CreatePledgeCaseInput(Input, frozen=True, kw_only=True):
    """A new pledge; amounts in euros."""

    uuid: UUID | UnsetType = UNSET
    external_source: ExternalSourceInput | UnsetType | None = UNSET
    person_uuid: UUID
    status: str | UnsetType = UNSET
    created_at: Instant
    owning_organization_uuid: UUID
    recruiting_organization_uuid: UUID
    recruiting_location_label: str | UnsetType = UNSET
    donation_interval: str | UnsetType = UNSET
    donation_amount: Decimal | UnsetType = UNSET
    initial_donation_interval: str
    initial_donation_amount: Decimal
    recruitment_type: str | UnsetType = UNSET
    recruiter_user_uuid: UUID
    starts_at: Instant
    creation_metadata: CreationMetadataInput | UnsetType = UNSET
    focus_area_uuids: tuple[UUID, ...] | UnsetType = UNSET
    signature: SignatureInput | UnsetType | None = UNSET
    cancellation_reason: CancellationReasonInput | UnsetType | None = UNSET
    cancelled_at: Instant | UnsetType = UNSET
    preferred_payment_day: int | UnsetType | None = UNSET
    dropped_at: Instant | UnsetType = UNSET
    released_at: Instant | UnsetType = UNSET
    ends_at: Instant | UnsetType = UNSET
    external_metadata: dict[str, Any] | UnsetType = UNSET


class UpdatePledgeCaseInput(Input, frozen=True, kw_only=True):
    """Changes to a pledge: ``UNSET`` leaves a field as it is, ``None`` empties it. Euros."""

    recruiting_location_label: str | UnsetType | None = UNSET
    donation_interval: str | UnsetType | None = UNSET
    donation_amount: Decimal | UnsetType | None = UNSET
    recruiter_user_uuid: UUID | UnsetType | None = UNSET
    starts_at: Instant | UnsetType | None = UNSET
    ends_at: Instant | UnsetType | None = UNSET
    external_metadata: dict[str, Any] | UnsetType | None = UNSET
