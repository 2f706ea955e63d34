"""What of a call leaves for TapRaise, and in which words: builds the messages, sends none.

The caller holds the lock on the call's row. All times are aware and leave in whole seconds, which
every server keeps: a time that comes back as it went is how we know our own again.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from accounts.models import User
from calls.models import Call
from integrations import outbox
from integrations.models import Delivery
from integrations.tapraise import rules
from integrations.tapraise.redaction import without_forbidden
from integrations.tapraise.wire import (
    CallAttemptInput,
    CallExternalMetadataInput,
    CallResultInput,
    CreateCallInput,
)
from pledges.models import Person

VERSION = 1
T = TypeVar("T")

ADD_ATTEMPT = "tapraise.add_attempt"
COMPLETE_CALL = "tapraise.complete_call"
CANCEL_CALL = "tapraise.cancel_call"
EXPIRE_CALL = "tapraise.expire_call"
CREATE_CALL = "tapraise.create_call"


class NoTapRaiseUser(Exception):
    """This user has no TapRaise uuid, and TapRaise keeps with everything who did it."""


@dataclass(frozen=True)
class NewCallWish:
    """What is asked for with `POST /api/v1/calls`: two kinds, told apart by `application_name`.

    Without one the call is managed in TapRaise: it has a `type`, and nothing of it has happened.
    With one it is managed elsewhere: it has no type, all of its first six fields are sent, and it
    may be told with everything that happened to it. Times are aware and leave in whole seconds.
    """

    type: str = ""
    pledge: uuid.UUID | None = None
    calling_organization: uuid.UUID | None = None
    notes: str = ""
    application_name: str = ""
    reference_id: str = ""
    agent_reference_id: str = ""
    status_code: str = ""
    status_description: str = ""
    additional_properties: dict[str, Any] = field(default_factory=dict)
    # From here on what happened to it elsewhere. Empty or None: not told, of the first: now.
    requested_at: datetime | None = None
    status: str = ""
    # When, and who: a TapRaise user, or nobody that it knows.
    attempts: tuple[tuple[datetime, uuid.UUID | None], ...] = ()
    result_code: str = ""
    result_completed_at: datetime | None = None
    result_notes: str = ""
    result_rating: int | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.result_code and not (self.result_completed_at or self.completed_at):
            raise ValueError("A result has the time at which the call was completed.")

    @property
    def is_managed_elsewhere(self) -> bool:
        return bool(self.application_name)


def next_attempt_at(call: Call, *, at: datetime) -> datetime:
    """The time under which the next attempt is logged: now, or a second after the last one.

    Times rise strictly within a call, those of other agents and of TapRaise's own list included,
    because time and user together are the attempt's fingerprint.
    """
    moment = at.replace(microsecond=0)
    taken = [
        datetime.fromisoformat(one["attempt_at"]) for one in call.attempts if one["attempt_at"]
    ]
    sent = Delivery.objects.filter(subject=call.subject, operation=ADD_ATTEMPT)
    taken += [
        datetime.fromisoformat(delivery.payload["attempt_at"])
        for delivery in sent.exclude(outcome=Delivery.Outcome.UNDONE)
    ]
    # A time ahead of our clock is not ours to follow.
    earlier = [one for one in taken if one < moment + timedelta(minutes=1)]
    if earlier and max(earlier) >= moment:
        moment = max(earlier).replace(microsecond=0) + timedelta(seconds=1)
    return moment


def enqueue_attempt(
    call: Call, *, user: User, attempt_at: datetime, token: uuid.UUID, at: datetime
) -> Delivery:
    """One dial, to be logged with `PUT …/actions/add-attempt`."""
    user_uuid = _user_uuid(user)
    payload = {"user": user_uuid, "attempt_at": _text(attempt_at)}
    return _enqueue(
        ADD_ATTEMPT,
        call,
        payload,
        fingerprint=f"{payload['attempt_at']} {user_uuid}",
        user=user,
        token=token,
        at=at,
    )


def enqueue_completion(
    call: Call,
    *,
    user: User,
    result_code: str,
    retention_rating: int | None,
    notes: str,
    completed_at: datetime,
    token: uuid.UUID,
    at: datetime,
) -> Delivery:
    """How the call ended, for `PUT …/actions/complete`. Rating 1 to 10, None: not asked."""
    moment = _text(completed_at)
    payload = {
        "user": _user_uuid(user),
        "completed_at": moment,
        "result_code": str(result_code),
        "retention_rating": retention_rating,
        "notes": notes,
    }
    return _enqueue(
        COMPLETE_CALL,
        call,
        payload,
        fingerprint=moment,
        user=user,
        token=token,
        at=at,
    )


def enqueue_cancel(
    call: Call, *, user: User, cancelled_at: datetime, token: uuid.UUID, at: datetime
) -> Delivery:
    """A call that is not to be made, for `PUT …/actions/cancel`."""
    payload = {"user": _user_uuid(user), "cancelled_at": _text(cancelled_at)}
    return _enqueue(
        CANCEL_CALL,
        call,
        payload,
        fingerprint=payload["cancelled_at"],
        user=user,
        token=token,
        at=at,
    )


def enqueue_expire(
    call: Call, *, user: User, expired_at: datetime, token: uuid.UUID, at: datetime
) -> Delivery:
    """A call that is given up, for `PUT …/actions/expire`."""
    payload = {"user": _user_uuid(user), "expired_at": _text(expired_at)}
    return _enqueue(
        EXPIRE_CALL,
        call,
        payload,
        fingerprint=payload["expired_at"],
        user=user,
        token=token,
        at=at,
    )


def enqueue_create_call(
    new_uuid: uuid.UUID,
    *,
    person: Person,
    wanted: NewCallWish,
    account: str,
    requested_at: datetime,
    user: User,
    token: uuid.UUID,
    at: datetime,
) -> Delivery:
    """A call that is to be made, or one that is made elsewhere, for `POST /api/v1/calls`.

    The uuid is ours, so that a second one with it is refused there. It begins the call's own line.
    Raises NotSendable for what TapRaise would refuse.
    """
    owner = person.owning_organization_id
    payload = {
        "call": str(new_uuid),
        "person": str(person.pk),
        "related_case": _text_of(wanted.pledge),
        "requested_at": _text(requested_at),
        "owning_organization": _text_of(owner),
        "user": _user_uuid(user),
        "calling_organization": _text_of(wanted.calling_organization),
        "notes": wanted.notes,
        "type": str(wanted.type),
        "elsewhere": _elsewhere(wanted) if wanted.is_managed_elsewhere else None,
    }
    rules.check_create_call(new_call_input(payload))
    return outbox.enqueue(
        CREATE_CALL,
        subject=f"call:{new_uuid}",
        account=account,
        payload=payload,
        fingerprint=str(new_uuid),
        token=token,
        by=user,
        at=at,
    )


def new_call_input(payload: Mapping[str, Any]) -> CreateCallInput:
    """The body of a new call: what was left empty is not sent."""
    told: dict[str, Any] = payload["elsewhere"] or {}
    return CreateCallInput(
        uuid=uuid.UUID(payload["call"]),
        requested_at=datetime.fromisoformat(payload["requested_at"]),
        requested_by_user_uuid=uuid.UUID(payload["user"]),
        person_uuid=uuid.UUID(payload["person"]),
        related_case_uuid=_if_told(payload["related_case"], uuid.UUID),
        calling_organization_uuid=_if_told(payload["calling_organization"], uuid.UUID),
        notes=_if_told(payload["notes"], str),
        type=_if_told(payload["type"], str),
        external_metadata=_if_told(told, _metadata),
        status=_if_told(told.get("status"), str),
        attempts=_if_told(told.get("attempts"), _attempts),
        result=_if_told(told.get("result"), _result),
        completed_at=_if_told(told.get("completed_at"), datetime.fromisoformat),
        cancelled_at=_if_told(told.get("cancelled_at"), datetime.fromisoformat),
    )


def _if_told(value: Any, read: Callable[[Any], T]) -> T | UnsetType:
    """Left out when there is nothing to tell: here null is another answer, or none."""
    return read(value) if value else UNSET


def _metadata(told: dict[str, Any]) -> CallExternalMetadataInput:
    """All six, and the free part as JSON in a text: it comes back as an object."""
    return CallExternalMetadataInput(
        application_name=told["application_name"],
        reference_id=told["reference_id"],
        agent_reference_id=told["agent_reference_id"],
        status_code=told["status_code"],
        status_description=told["status_description"],
        additional_properties=json.dumps(told["additional_properties"], ensure_ascii=False),
    )


def _attempts(told: list[dict[str, Any]]) -> tuple[CallAttemptInput, ...]:
    return tuple(
        CallAttemptInput(
            created_at=datetime.fromisoformat(one["at"]), user_uuid=_if_told(one["user"], uuid.UUID)
        )
        for one in told
    )


def _result(told: dict[str, Any]) -> CallResultInput:
    """Here notes and rating have to be there, and the rating may be null."""
    return CallResultInput(
        result_code=told["result_code"],
        completed_at=datetime.fromisoformat(told["completed_at"]),
        notes=told["notes"],
        donor_retention_rating=told["retention_rating"],
    )


def _elsewhere(wanted: NewCallWish) -> dict[str, Any]:
    """What a call that is managed elsewhere brings along. Null: not told."""
    result = None
    if wanted.result_code:
        result = {
            "result_code": str(wanted.result_code),
            "completed_at": _text_of(wanted.result_completed_at or wanted.completed_at),
            "notes": wanted.result_notes,
            "retention_rating": wanted.result_rating,
        }
    return {
        "application_name": wanted.application_name,
        "reference_id": wanted.reference_id,
        "agent_reference_id": wanted.agent_reference_id,
        "status_code": wanted.status_code,
        "status_description": wanted.status_description,
        "additional_properties": without_forbidden(wanted.additional_properties),
        "status": str(wanted.status) or None,
        "attempts": [
            {"at": _text(moment), "user": _text_of(user)} for moment, user in wanted.attempts
        ],
        "result": result,
        "completed_at": _text_of(wanted.completed_at),
        "cancelled_at": _text_of(wanted.cancelled_at),
    }


def _enqueue(
    operation: str,
    call: Call,
    payload: dict[str, Any],
    *,
    fingerprint: str,
    user: User,
    token: uuid.UUID,
    at: datetime,
) -> Delivery:
    about = {
        "call": str(call.pk),
        "person": str(call.person_id),
        "related_case": _text_of(call.pledge_id),
        # In full: this one is TapRaise's, and finds the call again.
        "requested_at": call.requested_at.isoformat(),
        "owning_organization": _text_of(call.person.owning_organization_id),
    }
    return outbox.enqueue(
        operation,
        subject=call.subject,
        account=call.account,
        payload={**about, **payload},
        fingerprint=fingerprint,
        token=token,
        by=user,
        at=at,
    )


def _user_uuid(user: User) -> str:
    if user.tapraise_user_uuid is None:
        raise NoTapRaiseUser
    return str(user.tapraise_user_uuid)


def _text_of(value: uuid.UUID | datetime | None) -> str | None:
    if value is None:
        return None
    return _text(value) if isinstance(value, datetime) else str(value)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()
