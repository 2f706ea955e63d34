"""Without scripts Back leads to a form whose token is spent. Sent again it does nothing twice, says
how things stand in one sentence, and loses nothing that was typed."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from calls.models import Attempt, Call, Check, Completion, Draft
from tests.calls.conftest import Desk

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


@pytest.fixture
def desk(at_desk: AtDesk, alice: User, call: Call) -> Desk:
    made = at_desk(alice)
    made.press(call, "hold")
    return made


def form_of(page: str) -> dict[str, Any]:
    """What the page sends with any of its buttons."""
    notes = re.search(r'<textarea id="notes".*?>(.*?)</textarea>', page, re.DOTALL)
    version = re.search(r'name="version" value="(\d+)"', page)
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert notes is not None
    assert version is not None
    assert token is not None
    return {"notes": notes[1], "version": version[1], "token": token[1]}


def test_every_button_keeps_the_notes(desk: Desk, call: Call) -> None:
    stale = form_of(desk.look(call))

    assert (
        desk.press(call, "dial", **{**stale, "notes": "Neemt op na drie keer."}).status_code == 302
    )

    assert form_of(desk.look(call))["notes"] == "Neemt op na drie keer."
    desk.press(call, "answer", **form_of(desk.look(call)))
    again = form_of(desk.look(call))
    answers = {"check_name": "confirmed", "notes": "Heet nu anders."}
    assert desk.press(call, "checks", **{**again, **answers}).status_code == 302
    assert Check.objects.get().answer == "confirmed"
    assert form_of(desk.look(call))["notes"] == "Heet nu anders."


def test_enter_in_a_field_presses_a_button_that_keeps_and_no_other(desk: Desk, call: Call) -> None:
    # Browsers press the first button of a form: beside it one records an objection for good.
    page = desk.look(call)
    buttons = re.findall(r"<button\b[^>]*(?:form=\"desk-form\"|formaction=)[^>]*>", page)

    assert "formaction" not in buttons[0]
    assert f'id="desk-form" method="post" action="/calls/{call.pk}/notes/"' in page


def test_nothing_typed_is_nothing_kept(desk: Desk, call: Call) -> None:
    desk.press(call, "dial", **form_of(desk.look(call)))

    assert not Draft.objects.exists()


def test_dialling_again_after_back_is_one_dial(desk: Desk, call: Call) -> None:
    stale = {**form_of(desk.look(call)), "notes": "Bel na zessen."}
    desk.press(call, "dial", **stale)

    again = desk.press(call, "dial", **stale)

    assert again.status_code == 302
    assert Attempt.objects.count() == 1
    assert Draft.objects.get().text == "Bel na zessen."
    assert "How did the dial end?" in desk.look(call)


def test_what_was_typed_after_back_stands_there_still_and_is_kept_by_the_next_press(
    desk: Desk, call: Call
) -> None:
    stale = {**form_of(desk.look(call)), "notes": "Bel na zessen."}
    desk.press(call, "dial", **stale)

    again = desk.press(call, "dial", **{**stale, "notes": "Bel na zevenen."})

    page = again.content.decode()
    assert again.status_code == 409
    assert "changed in another window. Yours are still here" in page
    assert "How did the dial end?" in page
    assert form_of(page)["notes"] == "Bel na zevenen."
    assert Attempt.objects.count() == 1
    desk.press(call, "answer", **form_of(page))
    assert Draft.objects.get().text == "Bel na zevenen."


def test_another_outcome_after_back_is_told_to_be_too_late(desk: Desk, call: Call) -> None:
    desk.press(call, "dial", **form_of(desk.look(call)))
    stale = form_of(desk.look(call))
    desk.press(call, "attempts", **stale, outcome="busy")

    again = desk.press(
        call, "attempts", **{**stale, "notes": "Was toch bezet."}, outcome="no_answer"
    )

    page = again.content.decode()
    assert again.status_code == 409
    assert "This form was already sent with something else in it." in page
    assert "Attempt logged" in page
    assert form_of(page)["notes"] == "Was toch bezet."
    assert Attempt.objects.get().outcome == "busy"


def test_a_result_after_back_is_one_result(desk: Desk, call: Call) -> None:
    for place in ("dial", "answer", "wrap-up"):
        desk.press(call, place, **form_of(desk.look(call)))
    stale = {
        **form_of(desk.look(call)),
        "result_code": "dropped",
        "retention_rating": "2",
        "notes": "Heeft spijt.",
    }
    assert desk.press(call, "completion", **stale).status_code == 302

    same = desk.press(call, "completion", **stale)
    other = desk.press(
        call, "completion", **{**stale, "result_code": "other", "notes": "Toch niet."}
    )

    assert same.status_code == 302
    page = other.content.decode()
    assert other.status_code == 409
    assert "This form was already sent with something else in it." in page
    assert "Toch niet." in page
    assert Completion.objects.get().result_code == "dropped"


def test_giving_back_again_after_back_says_that_it_is_not_in_hand(desk: Desk, call: Call) -> None:
    stale = {**form_of(desk.look(call)), "notes": "Niet vandaag."}
    assert desk.press(call, "release", **stale).status_code == 302

    again = desk.press(call, "release", **stale)

    assert again.status_code == 409
    assert "no longer in your hands" in again.content.decode()
    assert Draft.objects.get().text == "Niet vandaag."
