"""What proves that a message about a call happened: held against records as the API sends them."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from calls import messages, operations
from calls.models import Attempt, Completion, Ending
from integrations.http import Unclear
from integrations.lines import Finding, close
from integrations.models import Delivery
from integrations.tapraise.wire import AttemptRecord, CallRecord, ResultRecord
from tests.factories import (
    AttemptFactory,
    CallFactory,
    CompletionFactory,
    DeliveryFactory,
    EndingFactory,
    UserFactory,
)

AT = datetime(2026, 3, 2, 14, 5, 9, tzinfo=UTC)
USER = uuid.uuid4()
SECOND = timedelta(seconds=1)


def record(**fields: Any) -> CallRecord:
    return CallRecord(
        **{
            "uuid": uuid.uuid4(),
            "status": "requested",
            "requested_at": AT,
            "last_updated_at": AT,
            "person_uuid": uuid.uuid4(),
            "attempts": (),
            **fields,
        }
    )


def message(**payload: Any) -> Delivery:
    built: Delivery = DeliveryFactory.build(payload={"user": str(USER), **payload})
    return built


def listed(at: datetime | None = AT, user: uuid.UUID | None = USER) -> AttemptRecord:
    return AttemptRecord(user_uuid=user, attempt_at=at, created_at=AT)


@pytest.mark.parametrize(
    ("attempts", "finding"),
    [
        ((), Finding.ABSENT),
        ((listed(),), Finding.DONE),
        ((listed(), listed()), Finding.DOUBLED),
        ((listed(user=uuid.uuid4()),), Finding.ABSENT),
        ((listed(AT + SECOND),), Finding.ABSENT),
        ((listed(None), listed(user=None)), Finding.ABSENT),
        # A server that keeps what is finer than a second, and one in another zone.
        ((listed(AT + timedelta(milliseconds=4)),), Finding.DONE),
        ((listed(datetime.fromisoformat("2026-03-02T15:05:09+01:00")),), Finding.DONE),
    ],
)
def test_time_and_user_are_the_attempt(
    attempts: tuple[AttemptRecord, ...], finding: Finding
) -> None:
    verdict = operations.add_attempt.verdict(
        record(attempts=attempts), message(attempt_at=AT.isoformat())
    )
    assert verdict.finding == finding


def test_attempts_that_are_not_shown_are_not_absent() -> None:
    with pytest.raises(Unclear):
        operations.add_attempt.verdict(record(attempts=None), message(attempt_at=AT.isoformat()))


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({}, Finding.ABSENT),
        ({"result": ResultRecord(result_code="confirmed", completed_at=AT)}, Finding.DONE),
        ({"result": ResultRecord(result_code="dropped", completed_at=AT)}, Finding.CONFLICT),
        (
            {"result": ResultRecord(result_code="confirmed", completed_at=AT + SECOND)},
            Finding.CONFLICT,
        ),
        ({"result": None, "status": "completed"}, Finding.CONFLICT),
        ({"status": "cancelled"}, Finding.CONFLICT),
        ({"status": "something new"}, Finding.CONFLICT),
    ],
)
def test_time_and_result_code_are_the_completion(fields: dict[str, Any], finding: Finding) -> None:
    if fields.get("result"):
        fields = {"status": "completed", **fields}
    payload = {"completed_at": AT.isoformat(), "result_code": "confirmed"}
    assert operations.complete_call.verdict(record(**fields), message(**payload)).finding == finding


@pytest.mark.parametrize(
    ("operation", "status", "name"),
    [
        (operations.cancel_call, "cancelled", "cancelled_at"),
        (operations.expire_call, "expired", "expired_at"),
    ],
)
def test_the_time_tells_whose_ending_it_was(
    operation: operations.EndCall, status: str, name: str
) -> None:
    ours = message(**{name: AT.isoformat()})
    found = {
        at: operation.verdict(record(status=status, **{name: at}), ours).finding
        for at in (AT, AT + SECOND, None)
    }
    assert found == {
        AT: Finding.DONE,
        AT + SECOND: Finding.DONE_BY_OTHER,
        None: Finding.DONE_BY_OTHER,
    }
    assert operation.verdict(record(status="completed"), ours).finding == Finding.CONFLICT
    assert operation.verdict(record(), ours).finding == Finding.ABSENT


def test_what_is_kept_for_people_holds_nobodys_words() -> None:
    shown = record(
        status="completed",
        notes="een geheim",
        result=ResultRecord(result_code="confirmed", completed_at=AT, notes="nog een geheim"),
    )
    for operation, payload in (
        (operations.add_attempt, {"attempt_at": AT.isoformat()}),
        (operations.complete_call, {"completed_at": AT.isoformat(), "result_code": "confirmed"}),
    ):
        assert "geheim" not in str(operation.verdict(shown, message(**payload)).facts)


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", Delivery.Outcome.values)
@pytest.mark.parametrize("factory", [CompletionFactory, EndingFactory])
def test_our_rows_stand_unless_their_message_ended_badly(factory: Any, outcome: str) -> None:
    ours = factory()
    Delivery.objects.filter(pk=ours.delivery_id).update(state="needs_decision")
    ours.delivery.refresh_from_db()
    close(ours.delivery, Delivery.Outcome(outcome), at=AT)
    ours.refresh_from_db()
    assert (ours.ended_badly_at == AT) == (outcome in Delivery.ENDED_BADLY)


@pytest.mark.django_db
def test_an_attempt_stays_whatever_became_of_its_message() -> None:
    ours = AttemptFactory()
    before = Attempt.objects.values().get()
    Delivery.objects.filter(pk=ours.delivery_id).update(state="needs_decision")
    ours.delivery.refresh_from_db()
    close(ours.delivery, Delivery.Outcome.DROPPED, at=AT)
    assert Attempt.objects.values().get() == before
    assert not Completion.objects.exists()
    assert not Ending.objects.exists()


@pytest.mark.django_db
def test_who_has_no_tapraise_user_sends_nothing() -> None:
    user: User = UserFactory(tapraise_user_uuid=None)
    with pytest.raises(messages.NoTapRaiseUser):
        messages.enqueue_attempt(CallFactory(), user=user, attempt_at=AT, token=uuid.uuid4(), at=AT)
    assert not Delivery.objects.exists()
