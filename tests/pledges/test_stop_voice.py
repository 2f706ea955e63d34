"""A voice message that waits to ring a donor is taken away when somebody has spoken with them, and
what became of one that rang is kept with it."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts.models import AuditEntry, User
from calls import actions as call_actions
from calls.models import Call
from integrations.models import Delivery, WebhookEvent
from integrations.sandbox.alphacomm import donor
from pledges import texting
from pledges.actions import stop_voice
from pledges.models import MessageScript, TextMessage, VoiceResult
from pledges.texting import MessageState
from tests.factories import CallFactory, CheckRulesFactory, VoiceResultFactory
from tests.pledges.paying import EURO, Till, outcome_of


@pytest.fixture
def message(till: Till, scripts: dict[str, MessageScript]) -> TextMessage:
    """A voice message that is to ring the donor some time soon."""
    made = till.send(scripts["18301"], amount=EURO)
    till.stage.sweep_until_settled()
    till.stage.pass_time(60)
    return made


@pytest.fixture
def call(till: Till, belcentrum: Any) -> Call:
    # Nothing has to be checked before it is confirmed.
    CheckRulesFactory(organization=till.person.owning_organization)
    made: Call = CallFactory(person=till.person, calling_organization=belcentrum)
    return made


def ring(till: Till, message: TextMessage, **orders: Any) -> dict[str, Any]:
    till.stage.world.settle()
    told = {"reference": message.reference, **orders}
    return donor.be_called(till.stage.world, told, till.stage.world.now())


def complete(till: Till, call: Call, **fields: Any) -> uuid.UUID:
    token = uuid.uuid4()
    call_actions.claim_call(user=till.user, call=call, at=till.stage.now)
    call_actions.complete_call(
        user=till.user,
        call=call,
        result_code="confirmed",
        retention_rating=8,
        notes="",
        token=token,
        at=till.stage.now,
        **fields,
    )
    return token


def stops(till: Till) -> int:
    return len(till.stage.effects("stop-calling"))


def test_a_call_that_ends_takes_it_away_once(till: Till, message: TextMessage, call: Call) -> None:
    complete(till, call)
    till.stage.pass_time(10)
    till.stage.sweep()
    message.refresh_from_db()
    assert outcome_of(message.stop_delivery) == Delivery.Outcome.DONE
    assert texting.standing(message, at=till.stage.now).state == MessageState.STOPPED
    (effect,) = till.stage.effects("stop-calling")
    assert effect["body"] == {"scriptId": 18301, "reference": message.reference}
    assert ring(till, message, status="no answer")["scheduled"] == []
    assert AuditEntry.objects.get(action="message.stopped").subject == message.subject

    other = CallFactory(person=till.person, calling_organization=call.calling_organization)
    complete(till, other)
    till.stage.pass_time(10)
    till.stage.sweep()
    assert stops(till) == 1


@pytest.mark.parametrize("end", [call_actions.cancel_call, call_actions.expire_call])
def test_so_does_a_supervisor_who_ends_the_call(
    till: Till, message: TextMessage, call: Call, carol: User, end: Callable[..., Any]
) -> None:
    more = {"expired_at": None} if end is call_actions.expire_call else {}
    now = till.stage.now
    end(user=carol, call=call, reason="", token=uuid.uuid4(), at=now, **more)
    till.stage.pass_time(10)
    till.stage.sweep()
    assert stops(till) == 1


def test_undone_with_the_completion_it_rings_after_all(
    till: Till, message: TextMessage, call: Call
) -> None:
    token = complete(till, call)
    call_actions.undo(user=till.user, token=token, at=till.stage.now)
    till.stage.pass_time(60)
    till.stage.sweep()
    message.refresh_from_db()
    assert (message.stop_delivery, message.stopped_at) == (None, None)
    assert stops(till) == 0
    complete(till, call)
    till.stage.pass_time(10)
    till.stage.sweep()
    assert stops(till) == 1


@pytest.mark.parametrize(
    "fault",
    [{"kind": "reset_after"}, {"kind": "reset_before"}, {"kind": "status", "status": 500}],
    ids=str,
)
def test_it_is_sent_again_until_it_is_answered(
    till: Till, message: TextMessage, fault: dict[str, Any]
) -> None:
    till.stage.fault(operation="stop-calling", times=3, **fault)
    stop_voice_now(till)
    till.stage.sweep_until_settled()
    message.refresh_from_db()
    assert outcome_of(message.stop_delivery) == Delivery.Outcome.DONE
    assert message.stopped_at is not None


def stop_voice_now(till: Till) -> list[TextMessage]:
    with transaction.atomic():
        return stop_voice(till.person, user=till.user, at=till.stage.now)


def test_what_has_reached_its_donor_is_not_stopped_and_what_rang_in_vain_is(
    till: Till, message: TextMessage
) -> None:
    result = VoiceResultFactory(message=message, is_reached=True)
    assert stop_voice_now(till) == []
    VoiceResult.objects.filter(pk=result.pk).update(is_reached=False, status="no answer")
    assert stop_voice_now(till) == [message]
    assert stop_voice_now(till) == []


def test_texts_are_not_stopped(till: Till, scripts: dict[str, MessageScript]) -> None:
    till.send(scripts["1002"])
    assert stop_voice_now(till) == []


class TestResults:
    @pytest.mark.parametrize("form", ["new", "legacy"])
    def test_a_result_comes_to_its_message_in_either_form(
        self, till: Till, message: TextMessage, form: str
    ) -> None:
        rung = ring(till, message, status="finished", success=True, form=form)
        till.post()
        result = VoiceResult.objects.get()
        assert (result.message, result.voice_call_id) == (message, rung["id"])
        assert (result.status, result.is_reached) == (VoiceResult.Status.FINISHED, True)
        assert result.answered_on is not None

    def test_a_call_that_nobody_answered_has_no_time_of_answer(
        self, till: Till, message: TextMessage
    ) -> None:
        ring(till, message, status="no answer")
        till.post()
        result = VoiceResult.objects.get()
        assert (result.status, result.is_reached, result.answered_on) == ("no answer", False, None)

    def test_the_latest_word_of_a_call_counts_in_any_order(
        self, till: Till, message: TextMessage
    ) -> None:
        ring(till, message, status="active", success=False, id="f3e445ce-75ee-4c94")
        till.stage.pass_time(30)
        ring(till, message, status="finished", success=True, id="f3e445ce-75ee-4c94")
        for event in reversed(list(till.stage.world.alphacomm.events)):
            till.tell(event["body"])
            till.work()
        result = VoiceResult.objects.get()
        assert (result.status, result.is_reached) == (VoiceResult.Status.FINISHED, True)

    def test_who_rang_us_is_no_message_and_not_waited_for(self, till: Till) -> None:
        donor.be_called(till.stage.world, {}, till.stage.world.now())
        till.post()
        assert WebhookEvent.objects.get().state == WebhookEvent.State.WORKED
        assert not VoiceResult.objects.exists()

    def test_a_reference_that_is_not_known_waits(self, till: Till, message: TextMessage) -> None:
        ring(till, message)
        TextMessage.objects.update(reference="20261103-other")
        till.post()
        assert WebhookEvent.objects.get().state == WebhookEvent.State.WAITING
