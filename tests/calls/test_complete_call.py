"""Completing: a result, a rating or 'not asked', notes; sent once, after the undo window."""

import re
from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.audit import AuditEntry
from accounts.models import User
from calls.models import Attempt, Call, Completion, Draft, Hold
from integrations.models import Delivery
from tests.calls.conftest import Desk
from tests.factories import HoldFactory, now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
RESULT = {"result_code": "confirmed", "retention_rating": "8", "notes": "Belt liever 's avonds."}


def test_it_ends_the_call_here_and_puts_one_message_behind_the_attempt(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    desk.look(call)

    answer = desk.press(call, "completion", **RESULT)

    assert answer.status_code == 302
    completion = Completion.objects.get()
    assert (completion.result_code, completion.retention_rating) == ("confirmed", 8)
    assert Attempt.objects.get().outcome == Attempt.Outcome.REACHED
    attempt, complete = Delivery.objects.order_by("seq")
    assert (attempt.operation, complete.operation) == (
        "tapraise.add_attempt",
        "tapraise.complete_call",
    )
    assert complete.payload["completed_at"] == completion.completed_at.isoformat()
    assert complete.payload["notes"] == RESULT["notes"]
    assert not Hold.objects.exists()
    assert not Call.objects.open().exists()
    assert AuditEntry.objects.filter(action="call.completed").count() == 1
    assert "Saved, sending" in desk.look(call)


def test_sent_twice_it_is_one_completion(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)

    answers = [desk.press(call, "completion", **RESULT) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Completion.objects.count() == 1
    assert Delivery.objects.filter(operation="tapraise.complete_call").count() == 1


def test_the_same_form_with_something_else_in_it_is_refused(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    token = desk.token
    desk.press(call, "completion", **RESULT)

    answer = desk.press(call, "completion", **(RESULT | {"token": token, "notes": "Iets anders."}))

    assert answer.status_code == 409
    assert "already sent with something else" in answer.content.decode()
    assert "Iets anders." in answer.content.decode()
    assert Completion.objects.get().notes == RESULT["notes"]


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("result_code", "Choose a result."),
        ("retention_rating", "Choose a rating"),
    ],
)
def test_nothing_is_assumed_for_the_agent(
    alice: User, call: Call, at_desk: AtDesk, field: str, sentence: str
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    desk.look(call)

    answer = desk.press(call, "completion", htmx=True, **(RESULT | {field: ""}))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Completion.objects.exists()


@pytest.mark.parametrize("result_code", ["dropped", "other"])
def test_some_results_want_a_reason(
    alice: User, call: Call, at_desk: AtDesk, result_code: str
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    desk.look(call)

    bare = RESULT | {"result_code": result_code, "notes": "  "}
    answer = desk.press(call, "completion", htmx=True, **bare)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This result needs a reason" in page
    assert f'value="{result_code}" checked' in page


def test_a_rating_that_was_not_asked_is_no_number(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)

    desk.press(call, "completion", **(RESULT | {"retention_rating": "not_asked"}))

    assert Completion.objects.get().retention_rating is None
    payload = Delivery.objects.get(operation="tapraise.complete_call").payload
    assert payload["retention_rating"] is None


def test_a_call_that_ended_elsewhere_is_not_completed_and_the_notes_are_kept(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "notes", notes="Halverwege.", version=0)
    Call.objects.update(status=Call.Status.CANCELLED, cancelled_at=now())

    answer = desk.press(call, "completion", **RESULT)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This call has ended" in page
    assert RESULT["notes"] in page.replace("&#x27;", "'")
    assert Draft.objects.get().text == "Halverwege."
    assert not Completion.objects.exists()


def test_a_call_in_other_hands_is_not_completed(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    Hold.objects.all().delete()
    HoldFactory(call=call, user=bob)

    answer = desk.press(call, "completion", **RESULT)

    assert answer.status_code == 409
    assert "Bob has this donor in hand" in answer.content.decode()


def test_undo_takes_it_back_with_the_notes_and_nothing_leaves(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    desk.look(call)
    desk.press(call, "completion", **RESULT)

    desk.press(call, "undo", undo=str(Completion.objects.get().token))

    page = desk.look(call)
    assert "Wrapping up" in page
    assert RESULT["notes"] in page.replace("&#x27;", "'")
    assert not Completion.objects.exists()
    assert Hold.objects.get().user == alice
    assert Delivery.objects.get(operation="tapraise.complete_call").outcome == "undone"
    assert Delivery.objects.get(operation="tapraise.add_attempt").outcome == ""


def test_undo_is_too_late_once_it_was_tried(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "completion", **RESULT)
    Delivery.objects.filter(operation="tapraise.complete_call").update(tries=1)

    answer = desk.press(call, "undo", undo=str(Completion.objects.get().token))

    assert answer.status_code == 409
    assert Completion.objects.exists()


def test_pressing_next_ends_the_undo_window(
    alice: User, call: Call, new_call: Callable[..., Call], at_desk: AtDesk
) -> None:
    new_call()
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "completion", **RESULT)

    desk.take_next()

    assert all(delivery.not_before <= timezone.now() for delivery in Delivery.objects.all())
    undone = desk.press(call, "undo", undo=str(Completion.objects.get().token))
    assert undone.status_code == 409


def test_nobody_undoes_what_a_colleague_did(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "completion", **RESULT)

    answer = at_desk(bob).press(call, "undo", undo=str(Completion.objects.get().token))

    assert answer.status_code == 409
    assert Completion.objects.exists()


@pytest.mark.parametrize("htmx", [True, False], ids=["with scripts", "without"])
def test_undo_gives_the_choices_back_to_be_corrected(
    alice: User, call: Call, at_desk: AtDesk, htmx: bool
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    desk.look(call)
    desk.press(call, "completion", **RESULT)

    answer = desk.press(call, "undo", htmx=htmx, undo=str(Completion.objects.get().token))

    page = answer.content.decode() if htmx else desk.look(call)
    assert re.search(r'value="confirmed"\s+checked', page)
    assert re.search(r'value="8"\s+checked', page)
