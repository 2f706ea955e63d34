"""Notes as they are typed; giving back, passing by, and keeping a call in hand."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import User
from calls.models import Call, Draft, Hold, Skip
from tests.calls.conftest import Desk
from tests.factories import HoldFactory, now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


def test_notes_are_there_again_after_a_crash(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    answer = desk.press(call, "notes", htmx=True, notes="Woont nu in Zwolle", version=0)
    assert "Draft saved" in answer.content.decode()

    page = at_desk(alice).look(call)

    assert "Woont nu in Zwolle" in page
    assert "Calling" in page


def test_two_windows_do_not_overwrite_each_other(alice: User, call: Call, at_desk: AtDesk) -> None:
    one, other = at_desk(alice), at_desk(alice)
    one.press(call, "notes", htmx=True, notes="van de een", version=0)

    answer = other.press(call, "notes", htmx=True, notes="van de ander", version=0)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "changed in another window" in page
    assert "van de een" in page
    assert Draft.objects.get().text == "van de een"
    # Who goes on typing has seen it, and wins.
    assert 'name="version" value="1"' in page
    other.press(call, "notes", htmx=True, notes="van de ander, verder", version=1)
    assert Draft.objects.get().text == "van de ander, verder"


def test_notes_without_scripts(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)

    assert desk.press(call, "notes", notes="zonder script", version=0).status_code == 302
    assert "zonder script" in desk.look(call)


def test_a_colleague_does_not_see_my_draft(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    at_desk(alice).press(call, "notes", notes="alleen van mij", version=0)

    assert "alleen van mij" not in at_desk(bob).look(call)


def test_giving_back_frees_the_donor(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")

    answer = desk.press(call, "release")

    assert answer["Location"] == "/"
    assert not Hold.objects.exists()


def test_on_the_line_it_cannot_be_given_back(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)

    answer = desk.press(call, "release")

    assert answer.status_code == 409
    assert "Say first how the dial ended" in answer.content.decode()
    assert Hold.objects.exists()


def test_passing_by_wants_a_reason_and_is_no_attempt(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    desk.look(call)
    assert desk.press(call, "skip").status_code == 422
    assert Hold.objects.exists()

    desk.press(call, "skip", reason="known_person", note="mijn buurvrouw")

    assert Skip.objects.get().reason == "known_person"
    assert not Hold.objects.exists()
    assert not call.our_attempts.exists()


def test_an_open_page_keeps_the_call_in_hand(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    Hold.objects.update(lease_until=now() + timedelta(seconds=5))

    assert desk.press(call, "lease").status_code == 204
    assert Hold.objects.get().lease_until > now() + timedelta(minutes=9)


def test_a_page_whose_call_was_taken_is_told(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    Hold.objects.all().delete()
    HoldFactory(call=call, user=bob)

    answer = desk.press(call, "lease", htmx=True)

    assert answer.status_code == 409
    assert "no longer in your hands" in answer.content.decode()
    assert "Bob has this donor in hand" in desk.look(call)


def test_one_call_at_a_time(
    alice: User, call: Call, new_call: Callable[..., Call], at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")

    answer = desk.press(new_call(), "hold")

    assert answer.status_code == 409
    assert "You have another call in hand" in answer.content.decode()


def test_the_page_says_when_the_call_is_closed_elsewhere(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    Call.objects.update(status=Call.Status.EXPIRED, expired_at=now())

    fragment = desk.client.get(f"/calls/{call.pk}/pulse/").content.decode()

    assert "TapRaise says that this call is expired" in fragment
