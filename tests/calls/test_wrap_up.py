"""Talking, wrapping up, saved: one thing to press in each, and nothing lost on the way."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import User
from calls import insight
from calls.models import Attempt, Call, Completion, Hold
from integrations.models import Delivery
from tests.calls.conftest import Desk
from tests.factories import AttemptFactory, DraftFactory, HoldFactory, now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
RESULT = {"result_code": "confirmed", "retention_rating": "8", "notes": "Alles klopt."}


def primaries(page: str) -> list[str]:
    """What Ctrl+Enter presses: where it leads to."""
    found = re.findall(r'data-primary(?!-if)[^>]*formaction="([^"]*)"', page)
    return [address.rstrip("/").rpartition("/")[2] for address in found]


def state(page: str) -> str:
    found = re.search(r'id="call-header" data-state="(\w+)"', page)
    assert found
    return found[1]


@pytest.fixture
def talking(alice: User, call: Call, at_desk: AtDesk) -> Desk:
    """Alice, with the donor on the line."""
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    return desk


def test_every_state_has_one_thing_to_press(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    seen = []
    for place in ("dial", "answer", "wrap-up", "completion"):
        page = desk.look(call)
        seen.append((state(page), primaries(page)))
        desk.press(call, place, **RESULT)

    assert seen == [
        ("ready", ["dial"]),
        ("dialling", ["answer"]),
        ("talking", ["wrap-up"]),
        ("wrapping_up", ["completion"]),
    ]
    assert primaries(desk.look(call)) == ["next"]


def test_the_result_is_asked_when_the_conversation_is_done(talking: Desk, call: Call) -> None:
    assert 'name="result_code"' not in talking.look(call)

    moved = talking.press(call, "wrap-up", htmx=True).content.decode()

    assert state(moved) == "wrapping_up"
    assert 'name="result_code"' in moved
    assert "This goes to TapRaise" in moved


def test_what_was_agreed_on_the_line_still_stands_there(talking: Desk, call: Call) -> None:
    talking.look(call)
    typed = {"donation_amount": "7,50", "shown_donation_amount": "12.50"}

    for htmx in (True, False):
        page = talking.press(call, "wrap-up", htmx=htmx, **typed).content.decode()
        assert 'value="7,50"' in page


def test_it_is_there_again_after_everything_stopped(
    alice: User, talking: Desk, call: Call, at_desk: AtDesk
) -> None:
    DraftFactory(call=call, user=alice, text="Wil graag de nieuwsbrief.")
    talking.look(call)
    talking.press(call, "wrap-up")
    # The browser is gone, and the lease with it.
    Hold.objects.update(lease_until=now() - timedelta(minutes=1))

    anew = at_desk(alice)
    page = anew.look(call)

    assert state(page) == "wrapping_up"
    assert "Wil graag de nieuwsbrief." in page
    # Next leads back to it, before anybody else is called.
    assert anew.take_next()["Location"] == f"/calls/{call.pk}/"
    anew.look(call)
    anew.press(call, "completion", **RESULT)
    assert Attempt.objects.get().outcome == Attempt.Outcome.REACHED
    assert Completion.objects.count() == 1
    assert Delivery.objects.count() == 2


def test_twice_is_once_and_says_since_when(talking: Desk, call: Call) -> None:
    talking.look(call)
    talking.press(call, "wrap-up")
    since = Hold.objects.get().wrapping_up_at

    assert talking.press(call, "wrap-up").status_code in {200, 302}
    assert Hold.objects.get().wrapping_up_at == since


def test_without_a_conversation_there_is_nothing_to_wrap_up(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    assert desk.press(call, "wrap-up", token=str(uuid.uuid4())).status_code == 409
    desk.dial(call)
    assert desk.press(call, "wrap-up").status_code == 409
    assert state(desk.look(call)) == "dialling"


def test_undo_comes_back_to_the_wrap_up(talking: Desk, call: Call) -> None:
    talking.look(call)
    talking.press(call, "wrap-up")
    talking.look(call)
    sent = talking.token
    talking.press(call, "completion", **RESULT)

    talking.press(call, "undo", undo=sent)

    assert state(talking.look(call)) == "wrapping_up"


def test_a_result_that_was_sent_from_an_older_page_is_refused_in_place(
    talking: Desk, call: Call
) -> None:
    talking.look(call)

    page = talking.press(call, "completion", result_code="dropped", notes="").content.decode()

    assert 'name="result_code"' in page
    assert 'value="dropped" checked' in page


def test_a_donor_who_rang_back_is_wrapped_up_the_same_way(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold", rings_back=1)
    assert primaries(desk.look(call)) == ["wrap-up"]

    desk.press(call, "wrap-up")

    assert primaries(desk.look(call)) == ["completion"]


def test_what_was_left_lying_is_told_to_a_supervisor_and_never_coded(
    alice: User, bob: User, carol: User, dirk: User, new_call: Callable[..., Call]
) -> None:
    moment = now()
    left, at_work, fresh = new_call(), new_call(), new_call()
    for call, age in ((left, 40), (at_work, 30), (fresh, 5)):
        AttemptFactory(
            call=call,
            user=bob if call == at_work else alice,
            at=moment - timedelta(minutes=age),
            outcome=Attempt.Outcome.OPEN,
            outcome_at=None,
            answered_at=moment - timedelta(minutes=age - 1),
        )
    HoldFactory(call=at_work, user=bob)
    rang = new_call()
    HoldFactory(
        call=rang, user=carol, why={"code": Hold.RANG_BACK},
        taken_at=moment - timedelta(hours=2), lease_until=moment - timedelta(hours=1),
    )  # fmt: skip

    lines = insight.unfinished(carol, at=moment)

    assert [(line.call, line.user) for line in lines] == [(rang, carol), (left, alice)]
    assert insight.unfinished(dirk, at=moment) == []
    assert not Attempt.objects.exclude(outcome="").exists()


def test_a_supervisor_sees_them_on_the_start_page(
    alice: User, carol: User, call: Call, at_desk: AtDesk, settings: object
) -> None:
    settings.DEBUG = True  # type: ignore[attr-defined]
    AttemptFactory(
        call=call,
        user=alice,
        at=now() - timedelta(hours=1),
        outcome=Attempt.Outcome.OPEN,
        outcome_at=None,
    )

    assert "Nobody said what came of these." in at_desk(carol).client.get("/").content.decode()
    assert "Nobody said" not in at_desk(alice).client.get("/").content.decode()


def test_the_floor_sees_who_is_wrapping_up(
    alice: User, carol: User, talking: Desk, call: Call
) -> None:
    talking.look(call)
    talking.press(call, "wrap-up")

    lines = {line.user: line for line in insight.agents(carol, at=now())}

    assert lines[alice.pk].state == "wrapping_up"
    assert lines[alice.pk].since == Hold.objects.get().wrapping_up_at


def test_a_supervisor_says_how_it_ended_and_the_call_goes_on(
    alice: User, bob: User, carol: User, call: Call, at_desk: AtDesk, settings: object
) -> None:
    settings.DEBUG = True  # type: ignore[attr-defined]
    at_desk(alice).dial(call)
    Attempt.objects.update(at=now() - timedelta(hours=5))
    left = Hold.objects.get()
    desk = at_desk(carol)
    page = desk.client.get("/").content.decode()
    assert "/left-open/" not in page  # Alice is at it.
    left.lease_until = now() - timedelta(hours=4)
    left.save()
    page = desk.client.get("/").content.decode()
    form = {"token": re.findall(r'name="token" value="([^"]+)"', page)[-1], "outcome": "cut_off"}

    for _ in range(2):
        answer = desk.client.post(f"/calls/{call.pk}/left-open/", form)
        assert answer["Location"] == "/"

    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.user) == (Attempt.Outcome.CUT_OFF, alice)
    assert insight.unfinished(carol, at=now()) == []
    at_desk(bob).dial(call)


def test_while_the_agent_is_at_it_nobody_else_says_how_it_ended(
    carol: User, talking: Desk, call: Call, at_desk: AtDesk, settings: object
) -> None:
    settings.DEBUG = True  # type: ignore[attr-defined]
    form = {"token": str(uuid.uuid4()), "outcome": "busy"}

    at_desk(carol).client.post(f"/calls/{call.pk}/left-open/", form)

    assert Attempt.objects.get().outcome == Attempt.Outcome.OPEN


def test_an_agent_cannot_say_it_for_another(
    bob: User, talking: Desk, call: Call, at_desk: AtDesk
) -> None:
    Hold.objects.update(lease_until=now() - timedelta(hours=1))
    form = {"token": str(uuid.uuid4()), "outcome": "busy"}

    assert at_desk(bob).client.post(f"/calls/{call.pk}/left-open/", form).status_code == 404
    assert Attempt.objects.get().outcome == Attempt.Outcome.OPEN
