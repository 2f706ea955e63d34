"""What was chosen and typed in the form that ends a call is there again after a crash, and goes
with the hold."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from calls.models import Call, Completion, Draft, Hold
from integrations.models import Delivery
from pledges.models import Pledge, PledgeChange
from tests.calls.conftest import Desk
from tests.calls.test_complete_with_change import call, desk, fields, save
from tests.factories import HoldFactory, now

__all__ = ["call", "desk"]  # fixtures

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
CHOSEN = {
    "result_code": "downgraded",
    "retention_rating": "7",
    "donation_amount": "7,50",
    "notes": "Te veel ineens.",
}


def choose(desk: Desk, call: Call, *, version: int = 0, **chosen: str) -> Any:
    """What the page sends as it is chosen and typed."""
    form = {**fields(desk.look(call)), **CHOSEN, **chosen}
    return desk.press(call, "notes", htmx=True, version=version, **form)


def is_chosen(page: str, name: str, value: str) -> bool:
    return f'name="{name}" value="{value}" checked' in page


def expect_as_chosen(page: str) -> None:
    assert is_chosen(page, "result_code", "downgraded")
    assert is_chosen(page, "retention_rating", "7")
    assert fields(page)["donation_amount"] == "7,50"
    assert "Te veel ineens." in page
    # What it would send is said again as well.
    assert "amount from € 10,00 a month to € 7,50 a month" in page


def test_result_rating_reason_and_amount_are_there_again_after_a_crash(
    desk: Desk, call: Call, at_desk: AtDesk, alice: User
) -> None:
    assert "Draft saved" in choose(desk, call).content.decode()

    expect_as_chosen(at_desk(alice).look(call))
    # Nothing was sent, and nothing is done by itself.
    assert not Completion.objects.exists()
    assert not PledgeChange.objects.exists()
    assert not Delivery.objects.exclude(operation="tapraise.add_attempt").exists()


def test_what_is_no_amount_yet_comes_back_as_it_was_typed(desk: Desk, call: Call) -> None:
    choose(desk, call, donation_amount="zeven")

    page = desk.look(call)

    assert fields(page)["donation_amount"] == "zeven"
    assert "Write the amount in euros, such as 7,50." in page


def test_an_amount_typed_while_talking_is_kept_until_the_result(
    at_desk: AtDesk, alice: User, call: Call
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    typed = {**fields(desk.look(call)), "donation_amount": "7,50"}
    desk.press(call, "notes", htmx=True, version=0, notes="", **typed)
    assert fields(desk.look(call))["donation_amount"] == "7,50"

    # The browser crashes, and what it left is taken up in another one.
    other = at_desk(alice)
    other.look(call)
    other.press(call, "wrap-up")

    assert fields(other.look(call))["donation_amount"] == "7,50"


def test_what_tapraise_tells_meanwhile_is_not_taken_for_something_typed(
    desk: Desk, call: Call
) -> None:
    choose(desk, call, donation_amount="10,00")
    Pledge.objects.update(donation_amount=12)

    assert fields(desk.look(call))["donation_amount"] == "12,00"


def test_two_windows_do_not_overwrite_each_other(
    desk: Desk, call: Call, at_desk: AtDesk, alice: User
) -> None:
    choose(desk, call)
    other = at_desk(alice)

    answer = choose(other, call, version=0, result_code="dropped")

    assert answer.status_code == 409
    assert "changed in another window" in answer.content.decode()
    assert is_chosen(desk.look(call), "result_code", "downgraded")
    # Who goes on has seen it, and wins.
    assert choose(other, call, version=1, result_code="dropped").status_code == 200
    assert is_chosen(desk.look(call), "result_code", "dropped")


def test_what_a_page_sends_while_it_is_left_follows_what_it_was_just_saving(
    desk: Desk, call: Call
) -> None:
    choose(desk, call)
    choose(desk, call, version=1, retention_rating="6")

    # It never saw that its last one was saved.
    answer = choose(desk, call, version=1, retention_rating="2", follows_own="on")

    assert answer.status_code == 200
    assert is_chosen(desk.look(call), "retention_rating", "2")
    # Of what another window saved before that it knows nothing.
    assert choose(desk, call, version=1, retention_rating="9", follows_own="on").status_code == 409


def test_what_is_undone_is_there_again_also_after_a_crash(
    desk: Desk, call: Call, at_desk: AtDesk, alice: User
) -> None:
    assert save(desk, call, **CHOSEN).status_code == 200
    token = str(Completion.objects.get().token)
    assert desk.press(call, "undo", htmx=True, undo=token).status_code == 200

    page = at_desk(alice).look(call)

    expect_as_chosen(page)
    # To be corrected: the chosen result has the focus.
    landing = re.findall(r'name="result_code" value="(\w+)"[^>]* data-landing data-focus', page)
    assert landing == ["downgraded"]


def test_only_what_ends_the_call_is_kept_and_only_where_there_is_such_a_thing(
    desk: Desk, call: Call
) -> None:
    choose(
        desk,
        call,
        result_code="bribed",
        retention_rating="11",
        donation_amount="NL91ABNA0417164300",
        said_account="4300",
        **{"account-iban": "NL91ABNA0417164300"},
    )

    kept = Hold.objects.get().finish
    assert not {"result_code", "retention_rating", "donation_amount"} & kept.keys()
    assert "4300" not in str(kept)

    # Nor is it believed on the way out.
    Hold.objects.update(finish={"result_code": "bribed", "notes": "<b>", "token": "x"})
    page = desk.look(call)
    assert "bribed" not in page
    assert 'name="result_code" value="confirmed" checked' not in page


def test_it_is_gone_once_the_call_is_completed(desk: Desk, call: Call) -> None:
    choose(desk, call)
    assert save(desk, call, **CHOSEN).status_code == 200

    assert not Hold.objects.exists()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("place", ["attempts", "callback"])
def test_it_is_gone_once_the_call_left_these_hands(desk: Desk, call: Call, place: str) -> None:
    choose(desk, call)
    desk.look(call)
    fields = {
        "attempts": {"outcome": "cut_off"},
        "callback": {
            "callback_pick": (now() + timedelta(days=1)).isoformat(),
            "callback_whose": "mine",
        },
    }[place]
    assert desk.press(call, place, **fields).status_code == 302
    assert not Hold.objects.exists()

    desk.press(call, "hold")

    # The notes are for whoever goes on with it; what was chosen was of that conversation.
    assert Draft.objects.get().text == "Te veel ineens."
    assert Hold.objects.get().finish == {}


def test_who_has_the_call_not_in_hand_keeps_notes_alone(
    bob: User, call: Call, at_desk: AtDesk, alice: User
) -> None:
    HoldFactory(call=call, user=alice)

    answer = at_desk(bob).press(
        call, "notes", htmx=True, version=0, notes="van Bob", result_code="dropped"
    )

    assert answer.status_code == 200
    assert Hold.objects.get().finish == {}


def test_without_scripts_the_button_keeps_it_too(desk: Desk, call: Call) -> None:
    form = {**fields(desk.look(call)), **CHOSEN}

    assert desk.press(call, "notes", version=0, **form).status_code == 302

    assert is_chosen(desk.look(call), "result_code", "downgraded")
