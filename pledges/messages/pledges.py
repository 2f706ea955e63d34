"""What of a pledge leaves for TapRaise, and in which words: builds the messages, sends none.

The caller holds the lock on the row of the line that a message goes on. Amounts are euros and leave
as Decimal, in a payload as text; times are aware and leave in whole seconds, which every server
keeps. In what is to change, a key that is not there leaves the field alone and null empties it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from msgspec import UNSET, UnsetType

from accounts.models import User
from integrations import clients, outbox
from integrations.models import Delivery
from integrations.tapraise import rules
from integrations.tapraise.redaction import without_forbidden
from integrations.tapraise.wire import (
    CancellationReasonInput,
    CreatePledgeCaseInput,
    CreationMetadataInput,
    ExternalSourceInput,
    UpdatePledgeCaseInput,
)
from pledges.models import Person, Pledge

VERSION: Final = 1

CREATE_PLEDGE: Final = "tapraise.create_pledge"
UPDATE_PLEDGE: Final = "tapraise.update_pledge"
UPDATE_PLEDGE_STATUS: Final = "tapraise.update_pledge_status"

# The columns that an update can change, and the API's name of each as the client has it.
CHANGEABLE: Final = {
    "donation_amount": "donation_amount",
    "donation_interval": "donation_interval",
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "recruiting_location_label": "recruiting_location_label",
    "recruiter_uuid": "recruiter_user_uuid",
    "external_metadata": "external_metadata",
}
# Of a wish: what goes into the body under its own name, unless it is empty.
SENT_AS_THEY_ARE: Final = (
    "owning_organization_uuid",
    "recruiting_organization_uuid",
    "recruiter_user_uuid",
    "initial_donation_amount",
    "initial_donation_interval",
    "starts_at",
    "ends_at",
    "recruiting_location_label",
    "recruitment_type",
    "preferred_payment_day",
    "external_metadata",
    "status",
    "donation_amount",
    "donation_interval",
    "cancelled_at",
    "dropped_at",
    "released_at",
)
SOFTWARE: Final = "Belbord"


@dataclass(frozen=True, kw_only=True)
class NewPledgeWish:
    """What a person wants a new pledge to be. Euros; times aware.

    With a source outside the pledge is managed there, and only then the second half may be filled.
    """

    owning_organization_uuid: uuid.UUID
    recruiting_organization_uuid: uuid.UUID
    recruiter_user_uuid: uuid.UUID
    initial_donation_amount: Decimal
    initial_donation_interval: str
    starts_at: datetime
    ends_at: datetime | None = None
    recruiting_location_label: str = ""
    recruitment_type: str = ""
    preferred_payment_day: int | None = None
    focus_area_uuids: tuple[uuid.UUID, ...] = ()
    external_metadata: dict[str, Any] = field(default_factory=dict)

    external_source_name: str = ""
    external_source_identifier: str = ""
    status: str = ""
    donation_amount: Decimal | None = None
    donation_interval: str = ""
    cancelled_at: datetime | None = None
    dropped_at: datetime | None = None
    released_at: datetime | None = None
    cancellation_reason: str = ""
    cancellation_note: str = ""


def subject_of(pledge_uuid: uuid.UUID) -> str:
    """The line of a pledge's own messages; what an agent changes goes on the line of the call."""
    return f"pledge:{pledge_uuid}"


def account_for(person: Person, owner_uuid: uuid.UUID) -> str:
    """The service account for something new of a person.

    No row says which account sees whom: that of another pledge of the person does, else that of
    another one of the organisation, else it is the first.
    """
    known = Pledge.objects.exclude(account="").order_by("-created_at")
    beside = known.filter(person=person).first()
    beside = beside or known.filter(owning_organization=owner_uuid).first()
    return beside.account if beside else clients.accounts()[0]


def enqueue_update(
    pledge: Pledge,
    *,
    wanted: Mapping[str, Any],
    before: Mapping[str, Any],
    subject: str,
    user: User,
    token: uuid.UUID,
    at: datetime,
) -> Delivery:
    """Some columns of a pledge anew, for `PUT …/actions/update`. Raises NotSendable."""
    payload = {
        **_about(pledge),
        "wanted": {name: plain(value) for name, value in wanted.items()},
        "before": {name: plain(value) for name, value in before.items()},
    }
    rules.check_update_pledge(update_input(payload))
    return _enqueue(
        UPDATE_PLEDGE,
        pledge.account,
        payload,
        subject=subject,
        # What is wanted may be wanted again later: the form is what makes it one.
        fingerprint=token,
        user=user,
        token=token,
        at=at,
    )


def enqueue_status(
    pledge: Pledge, *, status: str, action: str, user: User, token: uuid.UUID, at: datetime
) -> Delivery:
    """A status action, by the name that TapRaise has for it, with the status it leads to."""
    payload = {
        **_about(pledge),
        "action": action,
        "status": status,
        "before": pledge.status,
    }
    return _enqueue(
        UPDATE_PLEDGE_STATUS,
        pledge.account,
        payload,
        subject=subject_of(pledge.pk),
        fingerprint=token,
        user=user,
        token=token,
        at=at,
    )


def enqueue_new_pledge(
    pledge_uuid: uuid.UUID,
    *,
    person: Person,
    wanted: NewPledgeWish,
    user: User,
    token: uuid.UUID,
    at: datetime,
) -> Delivery:
    """A pledge under a uuid of ours, for `POST /api/v1/pledges`. Raises NotSendable."""
    payload = {
        "pledge": str(pledge_uuid),
        "person": str(person.pk),
        "created_at": plain(at),
        "version": settings.VERSION,
        **{name: plain(value) for name, value in vars(wanted).items()},
        "external_metadata": without_forbidden(wanted.external_metadata),
    }
    rules.check_create_pledge(create_input(payload))
    return _enqueue(
        CREATE_PLEDGE,
        account_for(person, wanted.owning_organization_uuid),
        payload,
        subject=subject_of(pledge_uuid),
        fingerprint=pledge_uuid,
        user=user,
        token=token,
        at=at,
    )


def update_input(payload: Mapping[str, Any]) -> UpdatePledgeCaseInput:
    """The body of an update: only what is wanted, with null for what is to be emptied."""
    return UpdatePledgeCaseInput(
        **{CHANGEABLE[name]: restored(name, value) for name, value in payload["wanted"].items()}
    )


def create_input(payload: Mapping[str, Any]) -> CreatePledgeCaseInput:
    """The body of a new pledge: what was left empty is not sent."""
    wanted = {
        name: restored(name, payload[name])
        for name in SENT_AS_THEY_ARE
        if payload[name] not in (None, "", {})
    }
    source: ExternalSourceInput | UnsetType = UNSET
    if payload["external_source_name"] or payload["external_source_identifier"]:
        source = ExternalSourceInput(
            name=payload["external_source_name"], identifier=payload["external_source_identifier"]
        )
    reason: CancellationReasonInput | UnsetType = UNSET
    if payload["cancellation_reason"] or payload["cancellation_note"]:
        reason = CancellationReasonInput(
            identifier=payload["cancellation_reason"], note=payload["cancellation_note"] or UNSET
        )
    return CreatePledgeCaseInput(
        uuid=uuid.UUID(payload["pledge"]),
        person_uuid=uuid.UUID(payload["person"]),
        created_at=restored("created_at", payload["created_at"]),
        external_source=source,
        cancellation_reason=reason,
        focus_area_uuids=tuple(uuid.UUID(one) for one in payload["focus_area_uuids"]) or UNSET,
        creation_metadata=CreationMetadataInput(software=SOFTWARE, version=payload["version"]),
        **wanted,
    )


def plain(value: Any) -> Any:
    """A value as a payload has it: euros as text, times as ISO 8601 UTC in whole seconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0).isoformat()
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return value


def restored(name: str, value: Any) -> Any:
    """A value of a payload as it was before `plain`: its name says what it is."""
    if not isinstance(value, str) or not value:
        return value
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    if name.endswith("_amount"):
        return Decimal(value)
    return uuid.UUID(value) if name.endswith("_uuid") else value


def _about(pledge: Pledge) -> dict[str, str | None]:
    person = pledge.person_id
    return {"pledge": str(pledge.pk), "person": str(person) if person else None}


def _enqueue(
    operation: str,
    account: str,
    payload: dict[str, Any],
    *,
    subject: str,
    fingerprint: uuid.UUID,
    user: User,
    token: uuid.UUID,
    at: datetime,
) -> Delivery:
    return outbox.enqueue(
        operation,
        subject=subject,
        account=account,
        payload=payload,
        fingerprint=str(fingerprint),
        token=token,
        by=user,
        at=at,
    )
