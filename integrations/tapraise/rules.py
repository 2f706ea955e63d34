"""What the API asks of a request beyond its schema, checked before anything is sent."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

import msgspec
from msgspec import UNSET

from integrations.http import NotSendable
from integrations.tapraise.values import (
    CALL_STATUSES,
    CALL_TYPES,
    CANCELLATION_REASONS,
    INTERVALS,
    PLEDGE_STATUSES,
    RECRUITMENT_TYPES,
    RESULT_CODES,
)
from integrations.tapraise.wire import (
    CallExternalMetadataInput,
    CallResultInput,
    CancellationReasonInput,
    CreateCallInput,
    CreatePledgeCaseInput,
    ExternalSourceInput,
    Input,
    UpdatePledgeCaseInput,
)

RATINGS = range(1, 11)
PAYMENT_DAYS = range(1, 29)
MANAGED_HERE = "tapraise"

_ONLY_ELSEWHERE_CALL = ("status", "attempts", "result", "cancelled_at", "completed_at")
_ONLY_ELSEWHERE_PLEDGE = (
    "status",
    "donation_interval",
    "donation_amount",
    "cancelled_at",
    "dropped_at",
    "released_at",
    "cancellation_reason",
)


def check_walk(after: str | None, before: str | None, backwards: bool) -> None:
    if backwards and after is not None:
        raise NotSendable("A walk backwards ends before a cursor, not after one.")
    if before is not None and not backwards:
        raise NotSendable("Only a walk backwards starts before a cursor.")


def check_calls_query(
    *,
    requested_from: dt.datetime | None,
    requested_until: dt.datetime | None,
    external_application_name: str | None,
    external_reference_id: str | None,
) -> None:
    """Two pairs of filters are only accepted together."""
    if (requested_from is None) != (requested_until is None):
        raise NotSendable("The beginning and the end of the requested window go together.")
    if (external_application_name is None) != (external_reference_id is None):
        raise NotSendable("An external application's name and its reference go together.")


def check_complete_call(result_code: str, rating: int | None) -> None:
    if result_code not in RESULT_CODES:
        raise NotSendable("A call ends with one of TapRaise's result codes.")
    if rating is not None and rating not in RATINGS:
        raise NotSendable("A retention rating is a whole number from 1 to 10.")


def check_create_call(call: CreateCallInput) -> UUID:
    """Check a new call by the rules of where it is managed, and return its uuid.

    Without external metadata that is TapRaise, with it the named application.
    """
    if not isinstance(call.uuid, UUID):
        raise NotSendable("A new call needs a uuid of our choice, or a repeat would make two.")
    if call.external_source is not UNSET:
        raise NotSendable("A call is said to be managed elsewhere by its metadata alone.")
    if isinstance(call.external_metadata, CallExternalMetadataInput):
        _check_call_managed_elsewhere(call, call.external_metadata)
        return call.uuid
    if _any_set(call, _ONLY_ELSEWHERE_CALL):
        raise NotSendable(
            "A call managed in TapRaise starts without status, attempts, result and end."
        )
    if call.type not in CALL_TYPES:
        raise NotSendable("A call that TapRaise manages is of one of its types.")
    return call.uuid


def check_create_pledge(pledge: CreatePledgeCaseInput) -> UUID:
    """Check a new pledge by the rules of where it is managed, and return its uuid.

    Without an external source that is TapRaise.
    """
    if not isinstance(pledge.uuid, UUID):
        raise NotSendable("A new pledge needs a uuid of our choice, or a repeat would make two.")
    is_managed_here = pledge.external_source is UNSET or pledge.external_source is None
    if is_managed_here and _any_set(pledge, _ONLY_ELSEWHERE_PLEDGE):
        raise NotSendable(
            "A pledge managed in TapRaise starts with its initial amount and interval alone, "
            "as a lead."
        )
    if not is_managed_here:
        _check_pledge_managed_elsewhere(pledge)
    if pledge.recruitment_type is not UNSET and pledge.recruitment_type not in RECRUITMENT_TYPES:
        raise NotSendable("A pledge is recruited in one of TapRaise's ways.")
    day = pledge.preferred_payment_day
    if isinstance(day, int) and day not in PAYMENT_DAYS:
        raise NotSendable("The preferred payment day is a day from 1 to 28.")
    _check_terms(pledge.initial_donation_amount, pledge.initial_donation_interval)
    _check_terms(pledge.donation_amount, pledge.donation_interval)
    return pledge.uuid


def check_update_pledge(changes: UpdatePledgeCaseInput) -> None:
    if not _any_set(changes, changes.__struct_fields__):
        raise NotSendable("An update of a pledge changes something.")
    _check_terms(changes.donation_amount, changes.donation_interval)


def _check_call_managed_elsewhere(
    call: CreateCallInput, metadata: CallExternalMetadataInput
) -> None:
    if call.type is not UNSET:
        raise NotSendable("A call managed elsewhere has no type of TapRaise's.")
    if not all(isinstance(getattr(metadata, name), str) for name in metadata.__struct_fields__):
        raise NotSendable("The metadata of a call managed elsewhere are given in full.")
    if metadata.application_name.strip() in {"", MANAGED_HERE}:
        raise NotSendable("A call managed elsewhere names another application than TapRaise.")
    if not metadata.reference_id.strip():
        raise NotSendable("A call managed elsewhere has a reference there.")
    try:
        msgspec.json.decode(metadata.additional_properties, type=dict)
    except msgspec.MsgspecError:
        raise NotSendable("Additional properties are one JSON object, written as text.") from None
    if call.status is not UNSET and call.status not in CALL_STATUSES:
        raise NotSendable("A call has one of TapRaise's statuses.")
    if call.result is not UNSET:
        _check_result_elsewhere(call.result)


def _check_result_elsewhere(result: CallResultInput) -> None:
    """Here notes and rating have to be there; of the two the rating alone may be null."""
    if not isinstance(result.completed_at, dt.datetime) or not isinstance(result.notes, str):
        raise NotSendable("A result that is told with a new call has its time and its notes.")
    check_complete_call(result.result_code, result.donor_retention_rating)


def _check_pledge_managed_elsewhere(pledge: CreatePledgeCaseInput) -> None:
    source = pledge.external_source
    if isinstance(source, ExternalSourceInput) and not (source.name and source.identifier):
        raise NotSendable("A pledge managed elsewhere names its source and its identifier there.")
    if pledge.status is not UNSET and pledge.status not in PLEDGE_STATUSES:
        raise NotSendable("A pledge is in one of TapRaise's statuses.")
    reason = pledge.cancellation_reason
    if isinstance(reason, CancellationReasonInput):
        if reason.identifier not in CANCELLATION_REASONS:
            raise NotSendable("A pledge is cancelled for one of TapRaise's reasons.")
    elif pledge.status == "cancelled":
        raise NotSendable("A cancelled pledge says why it was cancelled.")


def _check_terms(amount: object, interval: object) -> None:
    if isinstance(amount, Decimal) and not (amount.is_finite() and amount > 0):
        raise NotSendable("A pledge is of more than nothing.")
    if isinstance(amount, Decimal) and amount != round(amount, 2):
        raise NotSendable("An amount is in euros and whole cents.")
    if isinstance(interval, str) and interval not in INTERVALS:
        raise NotSendable("A pledge is paid in one of TapRaise's intervals.")


def _any_set(body: Input, names: tuple[str, ...]) -> bool:
    return any(getattr(body, name) is not UNSET for name in names)
