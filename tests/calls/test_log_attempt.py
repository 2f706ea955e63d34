"""How a dial that missed ended: said once, and the donor is free for the queue again."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import User
from calls.models import Attempt, Call, Hold
from integrations.models import Delivery
from tests.calls.conftest import Desk
from tests.factories import now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


def test_it_is_the_dial_on_the_line_and_not_a_second_one(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)

    desk.press(call, "attempts", outcome="no_answer")

    assert Attempt.objects.get().outcome == Attempt.Outcome.NO_ANSWER
    assert Delivery.objects.count() == 1
    assert not Hold.objects.exists()
    assert "Attempt: no answer" in desk.look(call)


def test_what_follows_is_said_before_it_is_chosen(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)

    page = desk.look(call)

    assert "Attempt 1 of 3. Next one: from" in page


def test_without_a_press_on_call_the_dial_is_logged_now(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    desk.look(call)

    desk.press(call, "attempts", outcome="voicemail")

    assert Attempt.objects.get().outcome == Attempt.Outcome.VOICEMAIL
    assert Delivery.objects.count() == 1


def test_nothing_chosen_is_told_in_place(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)

    answer = desk.press(call, "attempts", htmx=True)

    assert answer.status_code == 422
    assert "Choose how the dial ended." in answer.content.decode()


def test_an_outcome_can_be_taken_back_and_the_dial_is_on_the_line_again(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "attempts", outcome="busy")
    desk.look(call)

    desk.press(call, "undo", undo=str(Attempt.objects.get().outcome_token))

    assert Attempt.objects.get().outcome == ""
    assert Hold.objects.get().user == alice
    assert Delivery.objects.get().outcome == ""


def test_an_outcome_cannot_be_taken_back_once_the_window_is_over(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "attempts", outcome="busy")
    Attempt.objects.update(outcome_at=now() - timedelta(seconds=11))

    answer = desk.press(call, "undo", undo=str(Attempt.objects.get().outcome_token))

    assert answer.status_code == 409
    assert "too late" in answer.content.decode()
    assert Attempt.objects.get().outcome == "busy"


def test_my_last_calls_offer_it_again(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "attempts", outcome="no_answer")

    page = desk.client.get("/").content.decode()
    assert "Take up again" in page

    assert desk.press(call, "hold").status_code == 302
    assert Hold.objects.get().call == call


def test_after_the_last_attempt_it_is_not_offered_again(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    Call.objects.update(attempts_count=2)
    desk = at_desk(alice)
    desk.dial(call)
    assert "This was attempt 3 of 3, the last one" in desk.look(call)
    desk.press(call, "attempts", outcome="no_answer")

    page = desk.look(call)

    assert "No attempts are left for this call." in page
    assert re.search(r"<button[^>]* disabled[^>]*/hold/", page)
    assert desk.press(call, "hold").status_code == 409
