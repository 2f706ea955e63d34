"""A callback: a moment that is legal, one at a time, served when it comes and never dialled by
itself."""

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Presence, User
from calls import moments
from calls.models import Attempt, Call, Callback, Hold
from pledges.contact import AMSTERDAM, Rulebook
from pledges.models import CallingRules
from tests.calls.conftest import Desk
from tests.factories import (
    AttemptFactory,
    CallbackFactory,
    ClosedDayFactory,
    HoldFactory,
    SkipFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
AtDesk = Callable[[User], Desk]


def wish(moment: datetime, whose: str = "mine", note: str = "") -> dict[str, Any]:
    """What the form sends for a day and a time."""
    local = timezone.localtime(moment)
    return {
        "callback_day": local.strftime("%Y-%m-%d"),
        "callback_time": local.strftime("%H:%M"),
        "callback_whose": whose,
        "callback_note": note,
    }


def test_the_pause_that_was_to_come_begins_then(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.client.post("/pause/", {"pause": "lunch"})
    assert not Presence.objects.get().is_paused

    assert desk.press(call, "callback", **wish(now() + timedelta(days=2))).status_code == 302

    assert Presence.objects.get().is_paused


def test_a_moment_is_agreed_on_in_conversation(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    then = now() + timedelta(days=2)

    answer = desk.press(call, "callback", **wish(then, note="na het eten"))

    assert answer.status_code == 302
    callback = Callback.objects.get()
    assert (callback.call, callback.user, callback.whose) == (call, alice, "mine")
    assert callback.due_at == then.replace(second=0, microsecond=0)
    # The dial ended as what it was, and the donor is in nobody's hands.
    assert Attempt.objects.get().outcome == Attempt.Outcome.NOT_CONVENIENT
    assert not Hold.objects.exists()
    page = desk.look(call)
    assert "na het eten" in page
    assert "by Alice" in page
    assert AuditEntry.objects.filter(action="callback.made", user=alice).count() == 1


def test_not_convenient_asks_when(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.dial(call)

    desk.press(call, "attempts", outcome="not_convenient")

    page = desk.look(call)
    assert "<details open>" in page[page.index('id="callback"') :]


def test_a_closed_day_is_refused_with_the_next_legal_moment(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    then = timezone.localtime() + timedelta(days=3)
    ClosedDayFactory(date=then.date(), name="Tweede kerstdag")
    desk = at_desk(alice)
    desk.look(call)

    answer = desk.press(call, "callback", **wish(then, note="liever dan"))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "it is Tweede kerstdag." in page
    next_day = then.date() + timedelta(days=1)
    assert f"The next possible moment is {next_day:%d-%m-%Y} 00:00" in page
    # What was typed is still there.
    assert 'value="liever dan"' in page
    assert then.strftime("%Y-%m-%d") in page
    assert not Callback.objects.exists()


@pytest.mark.parametrize(
    ("away", "said"),
    [(timedelta(hours=-3), "That moment is over"), (timedelta(days=40), "for the coming 30 days")],
    ids=["past", "far ahead"],
)
def test_a_moment_that_makes_no_sense_is_refused(
    alice: User, call: Call, at_desk: AtDesk, away: timedelta, said: str
) -> None:
    desk = at_desk(alice)
    desk.look(call)

    answer = desk.press(call, "callback", **wish(now() + away))

    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_without_a_moment_it_asks_for_one(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.look(call)

    for fields in (
        {"callback_whose": "team"},
        {"callback_whose": "team", "callback_day": "2030-01-01"},
        {"callback_whose": "team", "callback_pick": "morgen"},
    ):
        answer = desk.press(call, "callback", **fields)
        assert answer.status_code == 422
        assert "Choose a moment, or give a day and a time." in answer.content.decode()


def test_one_press_takes_a_moment_that_is_offered(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    page = desk.look(call)
    pick = moments.picks(call, at=now(), rulebook=Rulebook.read())[0]
    assert f'value="{pick.value}"' in page

    desk.press(call, "callback", callback_pick=pick.value, callback_whose="team")

    callback = Callback.objects.get()
    assert (callback.due_at, callback.whose) == (pick.at, "team")


def test_only_legal_moments_are_offered(call: Call, rules: CallingRules) -> None:
    """On a Wednesday in November, open on weekdays until six and on Saturdays until four."""
    CallingRules.objects.update(
        weekdays_open=time(9),
        weekdays_close=time(18),
        saturday_open=time(10),
        saturday_close=time(16),
        sunday_open=None,
        sunday_close=None,
    )
    at = datetime(2026, 11, 25, 10, 0, tzinfo=AMSTERDAM)

    offered = [
        pick.at.strftime("%a %H:%M")
        for pick in moments.picks(call, at=at, rulebook=Rulebook.read())
    ]

    assert offered == ["Wed 12:30", "Thu 12:30", "Sat 11:00", "Mon 12:30"]


@pytest.mark.parametrize(
    ("day", "named"),
    [
        (26, ["tomorrow midday", "tomorrow night", "Saturday morning"]),
        (27, ["tomorrow morning", "tomorrow midday", "tomorrow night"]),
        (29, ["tomorrow midday", "tomorrow night", "Saturday morning"]),
    ],
    ids=["Thursday", "Friday", "Sunday"],
)
def test_one_day_has_one_name(call: Call, rules: CallingRules, day: int, named: list[str]) -> None:
    at = datetime(2026, 11, day, 10, 0, tzinfo=AMSTERDAM)

    picks = moments.picks(call, at=at, rulebook=Rulebook.read())

    assert [pick.words for pick in picks] == ["this afternoon", "tonight", *named]


def wrong_fields(page: str) -> list[str]:
    return re.findall(r'name="callback_(\w+)"[^>]* aria-invalid="true"', page)


def test_what_is_chosen_after_a_refusal_is_what_counts(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.look(call)
    typed = wish(now() - timedelta(days=2))
    page = desk.press(call, "callback", **typed).content.decode()
    assert wrong_fields(page) == ["day", "time"]
    shown = re.findall(r'name="callback_shown" value="([^"]*)"', page)[0]

    pick = moments.picks(call, at=now(), rulebook=Rulebook.read())[-1]
    sent = {**typed, "callback_pick": pick.value, "callback_shown": shown}
    assert desk.press(call, "callback", **sent).status_code == 302

    assert Callback.objects.get().due_at == pick.at


def test_a_time_that_is_none_is_wrong_alone_until_another_moment_is_chosen(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.look(call)
    typed = {**wish(now() + timedelta(days=2)), "callback_time": "25:00"}
    answer = desk.press(call, "callback", **typed)
    page = answer.content.decode()
    assert "Write the time as 19:30." in page
    assert wrong_fields(page) == ["time"]

    shown = re.findall(r'name="callback_shown" value="([^"]*)"', page)[0]
    pick = moments.picks(call, at=now(), rulebook=Rulebook.read())[-1]
    sent = {**typed, "callback_pick": pick.value, "callback_shown": shown}
    assert desk.press(call, "callback", **sent).status_code == 302


def test_of_two_moments_it_is_asked_which(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.look(call)
    then = now() + timedelta(days=2)
    pick = moments.picks(call, at=now(), rulebook=Rulebook.read())[-1]
    answer = desk.press(call, "callback", callback_pick=pick.value, **wish(then))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "You chose one moment and typed another" in page
    assert not re.search(r'name="callback_pick"[^>]* checked', page)
    # What stands there now is one moment: sent again, that is it.
    shown = re.findall(r'name="callback_shown" value="([^"]*)"', page)[0]
    assert desk.press(call, "callback", callback_shown=shown, **wish(then)).status_code == 302
    assert Callback.objects.get().due_at == then.replace(second=0, microsecond=0)


def test_after_the_last_attempt_none_is_agreed_on(
    alice: User, call: Call, rules: CallingRules, at_desk: AtDesk
) -> None:
    CallingRules.objects.update(max_attempts=1)
    desk = at_desk(alice)
    desk.dial(call)
    assert 'id="callback"' not in desk.look(call)
    desk.press(call, "answer")
    # The donor may ask for it, so it says why not, and what then.
    page = desk.look(call)
    assert 'id="callback"' not in page
    assert "its only attempt is used up" in page
    assert "log this attempt as not convenient and ask a supervisor for a new call" in page

    answer = desk.press(call, "callback", **wish(now() + timedelta(days=1)))

    assert answer.status_code == 409
    assert "No attempts are left for this call." in answer.content.decode()
    assert not Callback.objects.exists()


def test_a_new_moment_takes_the_place_of_the_one_before(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    before = CallbackFactory(call=call, user=alice, due_at=now() + timedelta(days=1))
    desk = at_desk(alice)
    desk.look(call)

    desk.press(call, "callback", **wish(now() + timedelta(days=2)))

    before.refresh_from_db()
    assert before.state == Callback.State.CANCELLED
    assert Callback.objects.open().count() == 1


def test_it_is_not_served_before_its_moment(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    CallbackFactory(call=call, user=alice, due_at=now() + timedelta(hours=1))

    for user in (alice, bob):
        at_desk(user).take_next()

    assert not Hold.objects.exists()


def test_what_is_due_comes_first_and_without_the_gap(
    alice: User, call: Call, new_call: NewCall, at_desk: AtDesk
) -> None:
    new_call(requested_at=now() - timedelta(days=30))
    AttemptFactory(call=call, user=alice, at=now() - timedelta(minutes=30))
    CallbackFactory(call=call, user=alice, whose="mine", note="na het eten")

    desk = at_desk(alice)
    answer = desk.take_next()

    assert answer["Location"] == f"/calls/{call.pk}/"
    page = desk.look(call)
    assert "called back as Alice agreed: today" in page or "agreed: " in page
    assert "na het eten" in page
    # Served, and no more than that.
    assert call.our_attempts.count() == 1


def test_mine_is_the_teams_when_i_did_not_take_it_for_a_quarter(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    callback = CallbackFactory(
        call=call, user=alice, whose="mine", due_at=now() - timedelta(minutes=14)
    )
    at_desk(bob).take_next()
    assert not Hold.objects.exists()

    Callback.objects.filter(pk=callback.pk).update(due_at=now() - timedelta(minutes=15, seconds=1))
    at_desk(bob).take_next()

    assert Hold.objects.get().user == bob


def test_who_passed_it_by_is_not_served_it_again(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    CallbackFactory(call=call, user=alice)
    SkipFactory(call=call, user=alice)

    at_desk(alice).take_next()
    assert not Hold.objects.exists()
    at_desk(bob).take_next()
    assert Hold.objects.exists()


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("attempts", {"outcome": "no_answer"}),
        ("completion", {"result_code": "confirmed", "retention_rating": "8", "notes": ""}),
    ],
    ids=["missed", "completed"],
)
def test_it_is_done_once_the_donor_was_called_and_open_again_when_that_is_undone(
    alice: User, call: Call, at_desk: AtDesk, place: str, fields: dict[str, Any]
) -> None:
    callback = CallbackFactory(call=call, user=alice)
    desk = at_desk(alice)
    desk.dial(call)
    if place == "completion":
        desk.press(call, "answer")
        desk.look(call)

    token = desk.token
    assert desk.press(call, place, **fields).status_code == 302

    callback.refresh_from_db()
    assert callback.state == Callback.State.DONE
    desk.look(call)
    assert desk.press(call, "undo", undo=token).status_code in (200, 302)
    callback.refresh_from_db()
    assert callback.state == Callback.State.OPEN


def test_undo_takes_the_callback_back_with_the_outcome(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    token = desk.token
    desk.press(call, "callback", **wish(now() + timedelta(days=1)))
    desk.look(call)

    desk.press(call, "undo", undo=token)

    assert not Callback.objects.exists()
    assert Attempt.objects.get().outcome == Attempt.Outcome.OPEN


def test_it_is_cancelled_where_none_is_needed(alice: User, call: Call, at_desk: AtDesk) -> None:
    CallbackFactory(call=call, user=alice, due_at=now() + timedelta(hours=1))
    desk = at_desk(alice)
    desk.look(call)

    assert desk.press(call, "callback/cancellation").status_code == 302

    assert Callback.objects.get().state == Callback.State.CANCELLED
    desk.take_next()
    assert Hold.objects.get().call == call


def test_a_donor_in_other_hands_is_left_to_them(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.look(call)
    HoldFactory(call=call, user=bob)

    answer = desk.press(call, "callback", **wish(now() + timedelta(days=1)))

    assert answer.status_code == 409
    assert "Bob has this donor in hand" in answer.content.decode()


def test_the_start_page_lists_mine_and_what_of_the_team_is_due(
    alice: User, bob: User, call: Call, new_call: NewCall, at_desk: AtDesk
) -> None:
    CallbackFactory(call=call, user=bob, note="van het team")
    later = new_call()
    CallbackFactory(
        call=later, user=alice, whose="mine", due_at=now() + timedelta(days=1), note="van mij"
    )
    CallbackFactory(
        call=new_call(), user=bob, whose="mine", due_at=now() + timedelta(days=1), note="van bob"
    )

    page = at_desk(alice).client.get("/").content.decode()

    assert "1 due now" in page
    assert "van het team" in page
    assert "van mij" in page
    assert "van bob" not in page


def test_of_another_organisation_it_does_not_exist(dirk: User, call: Call, at_desk: AtDesk) -> None:
    CallbackFactory(call=call, user=dirk, note="geheim")
    desk = at_desk(dirk)
    desk.token = "00000000-0000-4000-8000-000000000000"

    for place in ("callback", "callback/cancellation"):
        assert desk.press(call, place, **wish(now())).status_code == 404
    assert "geheim" not in desk.client.get("/").content.decode()
