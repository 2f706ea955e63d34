"""Being there or not: pauses, at once or after this call, and what the floor sees of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Presence, User
from calls import insight
from calls.models import Attempt, Call, Hold
from tests.calls.conftest import Desk
from tests.factories import AttemptFactory, HoldFactory, StreamFactory, UserFactory, now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


def start(desk: Desk) -> str:
    return " ".join(desk.client.get("/").content.decode().split())


def pause(desk: Desk, kind: str = "lunch") -> None:
    assert desk.client.post("/pause/", {"pause": kind})["Location"] == "/"


def log_a_miss(desk: Desk, call: Call) -> str:
    desk.look(call)
    return desk.press(call, "attempts", htmx=True, outcome="busy").content.decode()


def test_a_pause_is_said_on_the_start_page_and_ended_there(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    pause(desk)

    page = start(desk)
    assert "Your pause began at" in page
    assert "lunch" in page
    assert "Next call" not in page

    desk.client.post("/pause/end/")
    assert "Next call" in start(desk)
    assert Presence.objects.get().state == Presence.State.AVAILABLE


def test_next_while_on_a_pause_asks_to_end_it(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    pause(desk)

    answer = desk.take_next()

    assert answer.status_code == 200
    assert "No call comes while you are on a pause." in answer.content.decode()
    assert 'action="/pause/end/"' in answer.content.decode()
    assert not Hold.objects.exists()


def test_another_kind_of_pause_is_the_same_pause(alice: User, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    pause(desk, "break")
    began_at = Presence.objects.get().since
    pause(desk, "meeting")

    assert Presence.objects.get().pause == Presence.Pause.MEETING
    assert Presence.objects.get().since == began_at


def test_with_a_donor_in_hand_it_comes_after_the_call(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    pause(desk)

    assert "after this call: lunch" in desk.look(call)
    assert Presence.objects.get().is_pause_to_come

    moved = log_a_miss(desk, call)

    assert "Your pause began at" in moved
    assert 'formaction="/pause/end/"' in moved
    assert Presence.objects.get().is_paused
    assert desk.take_next().status_code == 200


@pytest.mark.parametrize("way", ["completion", "release", "skip"])
def test_it_comes_however_the_call_was_put_away(
    alice: User, call: Call, at_desk: AtDesk, way: str
) -> None:
    desk = at_desk(alice)
    if way == "completion":
        desk.dial(call)
    else:
        desk.press(call, "hold")
    pause(desk)
    desk.look(call)
    fields = {
        "completion": {"result_code": "confirmed", "retention_rating": "8", "notes": ""},
        "release": {},
        "skip": {"reason": "language"},
    }
    desk.press(call, way, **fields[way])

    assert Presence.objects.get().is_paused


def test_it_can_be_taken_back(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    pause(desk)
    pause(desk, "")
    log_a_miss(desk, call)

    assert not Presence.objects.get().is_paused


def test_undoing_the_call_undoes_the_pause_until_it_is_saved_again(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    pause(desk)
    desk.look(call)
    sent = desk.token
    desk.press(call, "attempts", outcome="busy")
    assert Presence.objects.get().is_paused

    desk.press(call, "undo", undo=sent)
    assert Presence.objects.get().is_pause_to_come

    log_a_miss(desk, call)
    assert Presence.objects.get().is_paused


def test_who_takes_a_call_up_is_there_again(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    pause(desk)

    desk.press(call, "hold", rings_back=1)

    assert not Presence.objects.get().is_paused


def test_a_pause_that_there_is_not_is_none(alice: User, at_desk: AtDesk) -> None:
    pause(at_desk(alice), "sleeping")

    assert not Presence.objects.exists()


def test_asked_by_the_page_it_moves_the_bar_alone(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    headers = {"HX-Request": "true"}
    answer = desk.client.post("/pause/", {"pause": "break"}, headers=headers)
    assert answer["HX-Redirect"] == "/"
    desk.client.post("/pause/end/")
    desk.press(call, "hold")

    answer = desk.client.post("/pause/", {"pause": "break"}, headers=headers)

    assert answer.status_code == 200
    assert answer.content.decode().strip().startswith('<div class="row" id="pause"')
    assert "after this call: break" in answer.content.decode()


def test_an_open_page_says_that_somebody_is_there(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    assert 'hx-post="/presence/" hx-trigger="load delay:2s, every 60s"' in start(desk)
    assert not Presence.objects.exists()

    assert desk.client.post("/presence/").status_code == 204
    assert Presence.objects.get().user == alice
    Presence.objects.update(last_seen_at=now() - timedelta(hours=1))
    desk.press(call, "hold")
    Presence.objects.update(last_seen_at=now() - timedelta(hours=1))
    desk.press(call, "lease")

    assert Presence.objects.get().last_seen_at > now() - timedelta(minutes=1)


def test_the_floor_sees_who_does_what_since_when(
    alice: User, bob: User, carol: User, dirk: User, new_call: Callable[..., Call]
) -> None:
    moment = now()
    talking = new_call()
    HoldFactory(call=talking, user=alice)
    AttemptFactory(
        call=talking, user=alice, outcome=Attempt.Outcome.OPEN, outcome_at=None,
        answered_at=moment - timedelta(minutes=2),
    )  # fmt: skip
    Presence.objects.create(
        user=bob, state="paused", pause="lunch", since=moment - timedelta(minutes=9),
        last_seen_at=moment,
    )  # fmt: skip
    Presence.objects.create(
        user=carol, since=moment - timedelta(hours=1), last_seen_at=moment - timedelta(minutes=9)
    )

    lines = {line.user: line for line in insight.agents(carol, at=moment)}

    assert set(lines) == {alice.pk, bob.pk, carol.pk}
    assert (lines[alice.pk].state, lines[alice.pk].since) == (
        "talking",
        moment - timedelta(minutes=2),
    )
    assert lines[alice.pk].has_donor
    assert (lines[bob.pk].state, lines[bob.pk].pause) == ("paused", "lunch")
    assert lines[bob.pk].since == moment - timedelta(minutes=9)
    assert lines[carol.pk].state == "away"
    Presence.objects.filter(user=carol).update(last_seen_at=moment)
    again = {line.user: line for line in insight.agents(carol, at=moment)}
    assert again[carol.pk].state == "available"


def test_a_full_floor_costs_no_more_queries(carol: User, alice: User, helder_water: object) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            insight.agents(carol, at=now())
        return len(seen.captured_queries)

    few = queries()
    for _ in range(10):
        UserFactory(organizations=[helder_water])

    assert queries() == few


def test_the_bar_costs_no_query_of_its_own(alice: User, at_desk: AtDesk) -> None:
    StreamFactory(feed="calls", last_finished_at=now())
    desk = at_desk(alice)
    start(desk)
    with CaptureQueriesContext(connection) as before:
        start(desk)
    pause(desk)
    with CaptureQueriesContext(connection) as after:
        start(desk)

    assert len(after.captured_queries) == len(before.captured_queries)
