"""A donor rings back: taken up, the desk is in conversation, and no dial was made."""

from collections.abc import Callable
from datetime import time

import pytest

from accounts.models import User
from calls.models import Attempt, Call, CheckRules, Completion, Hold
from pledges.models import CallingRules
from tests.calls.conftest import Desk
from tests.factories import AttemptFactory, HoldFactory

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


def test_taking_up_opens_the_desk_in_conversation_without_a_dial(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)

    assert desk.press(call, "hold", rings_back=1)["Location"] == f"/calls/{call.pk}/"
    page = desk.look(call)

    assert 'data-state="talking"' in page
    assert "the donor rang back" in page
    assert desk.press(
        call, "completion", result_code="confirmed", retention_rating="8", notes=""
    ).status_code in {200, 302}
    assert Completion.objects.get().call_id == call.pk
    assert not Attempt.objects.exists()


def test_the_story_tells_that_the_donor_rang_back(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    assert "The donor rang back" not in desk.look(call)

    # Pressed twice, the donor rang once.
    for _ in range(2):
        desk.press(call, "hold", rings_back=1)
    desk.press(call, "release")

    page = at_desk(bob).look(call)
    assert page.count("The donor rang back – Alice") == 1


def test_the_details_are_gone_through_with_who_rang_back_too(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    CheckRules.objects.update(needed=["name"])
    desk = at_desk(alice)
    desk.press(call, "hold", rings_back=1)
    desk.look(call)
    confirmed = {"result_code": "confirmed", "retention_rating": "8", "notes": ""}
    assert desk.press(call, "completion", **confirmed).status_code == 422

    assert desk.press(call, "checks", htmx=True, check_name="confirmed").status_code == 200

    assert desk.press(call, "completion", **confirmed).status_code == 302
    assert Completion.objects.get().call_id == call.pk


def test_who_rings_us_may_do_so_outside_the_hours_and_after_the_last_attempt(
    alice: User, call: Call, rules: CallingRules, at_desk: AtDesk
) -> None:
    moment = time(0, 0), time(0, 0, 1)
    for day in ("weekdays", "saturday", "sunday"):
        setattr(rules, f"{day}_open", moment[0])
        setattr(rules, f"{day}_close", moment[1])
    rules.max_attempts = 1
    rules.save()
    AttemptFactory(call=call, user=alice)
    desk = at_desk(alice)
    assert desk.press(call, "hold").status_code == 409

    assert desk.press(call, "hold", rings_back=1).status_code == 302
    assert 'data-state="talking"' in desk.look(call)


def test_undoing_what_came_of_it_is_still_a_conversation(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold", rings_back=1)
    desk.look(call)
    sent = desk.token
    desk.press(call, "completion", result_code="confirmed", retention_rating="8", notes="")

    desk.press(call, "undo", undo=sent)
    page = desk.look(call)

    assert Hold.objects.get().rang_back
    assert "/completion/" in page


def test_a_call_given_back_counts_no_attempt(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold", rings_back=1)

    assert desk.press(call, "release").status_code == 302
    assert not Hold.objects.exists()
    assert not Attempt.objects.exists()


def test_who_rings_back_while_in_other_hands_stays_there(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    HoldFactory(call=call, user=bob)

    assert at_desk(alice).press(call, "hold", rings_back=1).status_code == 409
    assert Hold.objects.get().user == bob
