"""What each message about a call means: how it is sent, and what proves that it happened.

TapRaise keeps the times that we choose, so those are how we know our own again. They are compared
as instants in whole seconds: a server may cut what is finer. Found by name in settings.OPERATIONS.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from calls import queue, sync
from calls.messages import VERSION, new_call_input
from calls.models import Call, Completion, Ending, NewCall
from integrations.http import Unclear
from integrations.lines import Finding, NotThere, Verdict
from integrations.models import Delivery
from integrations.tapraise.client import TapRaise
from integrations.tapraise.wire import CallRecord
from pledges import operations

STATUS = Call.Status


class CallOperation(ABC):
    """What the messages about a known call have in common: see `integrations.lines.Operation`."""

    resend_budget: int
    versions: Final = frozenset({VERSION})

    @abstractmethod
    def send(self, client: TapRaise, delivery: Delivery) -> CallRecord:
        """Send it once, by the operation of the API that its class names."""

    @abstractmethod
    def verdict(self, record: CallRecord, delivery: Delivery) -> Verdict:
        """What a record of the call says about this message."""

    def read(self, client: TapRaise, delivery: Delivery) -> CallRecord | None:
        """Read the call back: through its pledge, else by when it was requested.

        None when it was found by neither, which says nothing about the message.
        """
        return look_for(client, delivery)

    def save(self, record: CallRecord, delivery: Delivery, fetched_at: datetime) -> None:
        """Mirror the call, without what was not asked for."""
        sync.save_calls([record], account=delivery.account, include=(), fetched_at=fetched_at)

    @abstractmethod
    def ended(self, delivery: Delivery, at: datetime) -> None:
        """It is closed: our own rows follow."""


class AddAttempt(CallOperation):
    """`PUT /api/v1/calls/{uuid}/actions/add-attempt`: sent twice, the donor was dialled twice."""

    resend_budget = 1

    def send(self, client: TapRaise, delivery: Delivery) -> CallRecord:
        return client.add_attempt(
            uuid=_uuid(delivery, "call"),
            user_uuid=_uuid(delivery, "user"),
            attempt_at=_time(delivery, "attempt_at"),
        )

    def verdict(self, record: CallRecord, delivery: Delivery) -> Verdict:
        """Time and user together are the attempt. Raises Unclear when no attempts are shown."""
        if record.attempts is None and record.attempts_count != 0:
            raise Unclear("The attempts are not shown")
        user, moment = _uuid(delivery, "user"), _time(delivery, "attempt_at")
        listed = record.attempts or ()
        ours = sum(
            attempt.user_uuid == user and _is_same(attempt.attempt_at, moment) for attempt in listed
        )
        facts = {
            **_facts(record),
            "found": ours,
            "attempts": [
                {"user": _text(attempt.user_uuid), "at": _text(attempt.attempt_at)}
                for attempt in listed
            ],
        }
        if ours == 0:
            return Verdict(Finding.ABSENT, facts)
        return Verdict(Finding.DONE if ours == 1 else Finding.DOUBLED, facts)

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """The dial was made, whatever TapRaise made of it: nothing of ours changes."""


class CompleteCall(CallOperation):
    """`PUT /api/v1/calls/{uuid}/actions/complete`."""

    resend_budget = 1

    def send(self, client: TapRaise, delivery: Delivery) -> CallRecord:
        return client.complete_call(
            uuid=_uuid(delivery, "call"),
            user_uuid=_uuid(delivery, "user"),
            result_code=delivery.payload["result_code"],
            completed_at=_time(delivery, "completed_at"),
            notes=delivery.payload["notes"],
            donor_retention_rating=delivery.payload["retention_rating"],
        )

    def verdict(self, record: CallRecord, delivery: Delivery) -> Verdict:
        """Time and result code together are the completion; any other end rules ours out."""
        facts = _facts(record)
        if record.status == STATUS.REQUESTED:
            return Verdict(Finding.ABSENT, facts)
        result = record.result
        is_ours = (
            record.status == STATUS.COMPLETED
            and result is not None
            and result.result_code == delivery.payload["result_code"]
            and _is_same(result.completed_at, _time(delivery, "completed_at"))
        )
        return Verdict(Finding.DONE if is_ours else Finding.CONFLICT, facts)

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Refused or dropped, the completion no longer stands."""
        if delivery.outcome in Delivery.ENDED_BADLY:
            Completion.objects.filter(delivery=delivery).update(ended_badly_at=at)


class EndCall(CallOperation):
    """A call that ends without a conversation; in effect the same when it is sent twice."""

    resend_budget = 5
    # The status that is asked for, the record's time of it, and ours in the payload.
    status: str
    time_of: str

    def verdict(self, record: CallRecord, delivery: Delivery) -> Verdict:
        """Our own time makes it ours; at another time somebody else did what we wanted."""
        facts = _facts(record)
        if record.status == STATUS.REQUESTED:
            return Verdict(Finding.ABSENT, facts)
        if record.status != self.status:
            return Verdict(Finding.CONFLICT, facts)
        ended_at: datetime | None = getattr(record, self.time_of)
        is_ours = _is_same(ended_at, _time(delivery, self.time_of))
        return Verdict(Finding.DONE if is_ours else Finding.DONE_BY_OTHER, facts)

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Refused or dropped, the ending no longer stands."""
        if delivery.outcome in Delivery.ENDED_BADLY:
            Ending.objects.filter(delivery=delivery).update(ended_badly_at=at)


class CancelCall(EndCall):
    """`PUT /api/v1/calls/{uuid}/actions/cancel`."""

    status = STATUS.CANCELLED
    time_of = "cancelled_at"

    def send(self, client: TapRaise, delivery: Delivery) -> CallRecord:
        return client.cancel_call(
            uuid=_uuid(delivery, "call"), cancelled_at=_time(delivery, "cancelled_at")
        )


class ExpireCall(EndCall):
    """`PUT /api/v1/calls/{uuid}/actions/expire`."""

    status = STATUS.EXPIRED
    time_of = "expired_at"

    def send(self, client: TapRaise, delivery: Delivery) -> CallRecord:
        return client.expire_call(
            uuid=_uuid(delivery, "call"), expired_at=_time(delivery, "expired_at")
        )


class CreateCall:
    """`POST /api/v1/calls` with a uuid of ours: sent again it makes no second one."""

    resend_budget = 5
    versions: Final = frozenset({VERSION})

    def send(self, client: TapRaise, delivery: Delivery) -> CallRecord:
        """Send it once."""
        return client.create_call(call=new_call_input(delivery.payload))

    def read(self, client: TapRaise, delivery: Delivery) -> "CallRecord | NotThere":
        """Look for it among the pledge's calls, then among those requested at that moment."""
        return look_for(client, delivery) or NotThere()

    def verdict(self, record: "CallRecord | NotThere", delivery: Delivery) -> Verdict:
        """Our uuid on another call than ours: somebody else took it, however unlikely."""
        if isinstance(record, NotThere):
            return Verdict(Finding.ABSENT, {"status": None})
        payload = delivery.payload
        is_ours = (
            record.person_uuid == _uuid(delivery, "person")
            and _is_same(record.requested_at, _time(delivery, "requested_at"))
            and _is_managed_as(record, payload)
        )
        facts = {**_facts(record), "type": record.type, "requested_at": _text(record.requested_at)}
        return Verdict(Finding.DONE if is_ours else Finding.CONFLICT, facts)

    def save(
        self, record: "CallRecord | NotThere", delivery: Delivery, fetched_at: datetime
    ) -> None:
        """Mirror the new call, if there is one."""
        if isinstance(record, CallRecord):
            sync.save_calls([record], account=delivery.account, include=(), fetched_at=fetched_at)

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Refused or dropped, nobody is asked to make this call."""
        if delivery.outcome in Delivery.ENDED_BADLY:
            NewCall.objects.filter(delivery=delivery).update(ended_badly_at=at)


def look_for(client: TapRaise, delivery: Delivery) -> CallRecord | None:
    """The call of a message, through its pledge or else by its time; None: found by neither."""
    call, related_case = _uuid(delivery, "call"), delivery.payload["related_case"]
    if related_case is not None:
        record = client.call_by_pledge(uuid=call, related_case_uuid=UUID(related_case))
        if record is not None:
            return record
    owner = delivery.payload["owning_organization"]
    return client.call_by_time(
        uuid=call,
        requested_at=_time(delivery, "requested_at"),
        owning_organization_uuid=UUID(owner) if owner else None,
    )


def _is_managed_as(record: CallRecord, payload: dict[str, Any]) -> bool:
    """The type tells ours apart, or, managed elsewhere, application and reference together."""
    elsewhere = payload["elsewhere"]
    if elsewhere is None:
        return bool(record.type == payload["type"])
    told = record.external_metadata
    return (
        told is not None
        and told.application_name == elsewhere["application_name"]
        and told.reference_id == elsewhere["reference_id"]
    )


def _facts(record: CallRecord) -> dict[str, Any]:
    """What a person who decides needs to see of the call: no words of anybody."""
    result = record.result
    return {
        "status": record.status,
        "last_updated_at": _text(record.last_updated_at),
        "completed_at": _text(result.completed_at if result else record.completed_at),
        "result_code": result.result_code if result else None,
        "cancelled_at": _text(record.cancelled_at),
        "expired_at": _text(record.expired_at),
    }


def _is_same(theirs: datetime | None, ours: datetime) -> bool:
    return theirs is not None and theirs.replace(microsecond=0) == ours


def _uuid(delivery: Delivery, name: str) -> UUID:
    return UUID(delivery.payload[name])


def _time(delivery: Delivery, name: str) -> datetime:
    return datetime.fromisoformat(delivery.payload[name])


def _text(value: UUID | datetime | None) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)


class AddRows(operations.AddRows):
    """Messages to donors, but to none of a batch who is with an agent when it leaves."""

    def in_hand(self, at: datetime) -> Collection[UUID]:
        return queue.donors_in_hand(at=at)


class AddFile(operations.AddFile):
    """A batch as one file, likewise."""

    def in_hand(self, at: datetime) -> Collection[UUID]:
        return queue.donors_in_hand(at=at)


add_attempt: Final = AddAttempt()
complete_call: Final = CompleteCall()
cancel_call: Final = CancelCall()
expire_call: Final = ExpireCall()
create_call: Final = CreateCall()
add_rows: Final = AddRows()
add_file: Final = AddFile()
