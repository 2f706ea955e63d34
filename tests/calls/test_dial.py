"""Call: the dial is an attempt from the moment that Call is pressed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import User
from calls.models import Attempt, Call, Hold
from integrations.models import Delivery
from pledges.models import CallingRules
from tests.calls.conftest import Desk
from tests.factories import HoldFactory, now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


def test_it_logs_the_attempt_with_our_time_and_ground_and_tells_tapraise_later(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    before = now()

    at_desk(alice).dial(call)

    attempt = Attempt.objects.get()
    assert before <= attempt.at <= now()
    assert attempt.at.microsecond == 0
    assert attempt.ground["code"] == "ok"
    delivery = attempt.delivery
    assert delivery.operation == "tapraise.add_attempt"
    assert delivery.payload["user"] == str(alice.tapraise_user_uuid)
    assert delivery.payload["attempt_at"] == attempt.at.isoformat()
    assert delivery.not_before - delivery.created_at == timedelta(seconds=10)


def test_the_same_form_twice_is_one_dial(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    desk.look(call)

    first = desk.press(call, "dial")
    second = desk.press(call, "dial")

    assert (first.status_code, second.status_code) == (302, 302)
    assert Attempt.objects.count() == Delivery.objects.count() == 1


def test_a_second_window_cannot_dial_while_one_is_on_the_line(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    one, other = at_desk(alice), at_desk(alice)
    one.press(call, "hold")
    one.look(call)
    other.look(call)
    one.press(call, "dial")

    answer = other.press(call, "dial")

    assert answer.status_code == 409
    assert "You are on the line" in answer.content.decode()
    assert Attempt.objects.count() == 1


def test_a_lapsed_hold_is_regained_if_nobody_took_it(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    desk.look(call)
    Hold.objects.update(lease_until=now() - timedelta(minutes=1))

    assert desk.press(call, "dial").status_code == 302
    assert Hold.objects.get().lease_until > now()


def test_a_donor_that_a_colleague_took_meanwhile_is_not_dialled(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    desk.look(call)
    Hold.objects.all().delete()
    HoldFactory(call=call, user=bob)

    answer = desk.press(call, "dial")

    assert answer.status_code == 409
    assert "Bob has this donor in hand" in answer.content.decode()
    assert not Attempt.objects.exists()


def test_a_call_that_ended_meanwhile_is_not_dialled(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    desk.look(call)
    Call.objects.update(status=Call.Status.CANCELLED)

    answer = desk.press(call, "dial")

    assert answer.status_code == 409
    assert "This call has ended" in answer.content.decode()
    assert not Delivery.objects.exists()


def test_when_calling_closed_meanwhile_it_is_not_dialled(
    alice: User, call: Call, rules: CallingRules, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    desk.look(call)
    rules.delete()

    assert desk.press(call, "dial").status_code == 409
    assert not Attempt.objects.exists()


def test_the_last_attempt_is_announced_and_one_more_is_refused(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    Call.objects.update(attempts_count=2)
    desk = at_desk(alice)
    desk.press(call, "hold")
    assert "This is attempt 3 of 3" in desk.look(call)

    Call.objects.update(attempts_count=3)

    assert desk.press(call, "dial").status_code == 409
    assert not Attempt.objects.exists()


def test_two_dials_of_one_second_get_two_times(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    for _ in range(2):
        desk.dial(call)
        assert desk.press(call, "attempts", outcome="busy").status_code == 302

    first, second = Attempt.objects.order_by("at")
    assert second.at > first.at
    assert len(set(Delivery.objects.values_list("fingerprint", flat=True))) == 2
