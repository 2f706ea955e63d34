"""The desk in each of its states: its name, its one main action, and the chips that tell what has
arrived."""

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate

from accounts.models import User
from calls.models import Attempt, Call, Hold
from integrations.models import Delivery
from pledges.models import CallingRules
from tests.calls.conftest import Desk
from tests.calls.test_desk_page import words
from tests.factories import (
    AttemptFactory,
    CompletionFactory,
    EndingFactory,
    HoldFactory,
    now,
)

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
NewCall = Callable[..., Call]


# ── Where it stands ───────────────────────────────────────────────────────────────────────────────


def soon() -> datetime:
    """Within the undo window: nothing has left yet."""
    return now() + timedelta(seconds=10)


def _in_hand(call: Call, alice: User, bob: User) -> None:
    HoldFactory(call=call, user=alice)


def _on_the_phone(call: Call, alice: User, bob: User) -> None:
    HoldFactory(call=call, user=alice)
    AttemptFactory(
        call=call, user=alice, at=now(), outcome="", outcome_at=None, delivery__not_before=soon()
    )


def _answered(call: Call, alice: User, bob: User) -> None:
    _on_the_phone(call, alice, bob)
    Attempt.objects.update(answered_at=now())


def _talked(call: Call, alice: User, bob: User) -> None:
    _answered(call, alice, bob)
    Hold.objects.update(wrapping_up_at=now())


def _completed(call: Call, alice: User, bob: User) -> None:
    CompletionFactory(call=call, user=alice, delivery__not_before=soon())


def _ended(call: Call, alice: User, bob: User) -> None:
    EndingFactory(call=call, user=bob, reason="dubbel aangevraagd")


def _closed(call: Call, alice: User, bob: User) -> None:
    HoldFactory(call=call, user=alice)
    Call.objects.update(status=Call.Status.CANCELLED, cancelled_at=now())


def _with_bob(call: Call, alice: User, bob: User) -> None:
    HoldFactory(call=call, user=bob)


def _free(call: Call, alice: User, bob: User) -> None:
    pass


@pytest.mark.parametrize(
    ("stage", "said", "main", "offered"),
    [
        (_in_hand, "Ready to call", "dial", {"dial", "skip", "release", "notes", "callback"}),
        (_on_the_phone, "Calling", "answer", {"answer", "attempts", "undo", "notes", "callback"}),
        (
            _answered,
            "In conversation",
            "wrap-up",
            {
                "wrap-up",
                "attempts",
                "notes",
                "callback",
                "checks",
                "rest",
                "said",
                "reveals",
                "corrections",
            },
        ),
        (
            _talked,
            "Wrapping up",
            "completion",
            {
                "completion",
                "attempts",
                "notes",
                "callback",
                "checks",
                "rest",
                "said",
                "reveals",
                "corrections",
            },
        ),
        (_completed, "Saved", "next", {"undo", "next"}),
        (_ended, "Ended by a supervisor", "next", {"next", "notes"}),
        (_closed, "Closed elsewhere", "next", {"release", "next", "notes"}),
        (_with_bob, "Bob has this donor in hand since", "next", {"next", "notes"}),
        (_free, "Not in your hands", "next", {"hold", "next", "notes", "callback"}),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_each_state_says_its_name_and_has_one_main_action(
    alice: User,
    bob: User,
    call: Call,
    at_desk: AtDesk,
    stage: Callable[[Call, User, User], None],
    said: str,
    main: str,
    offered: set[str],
) -> None:
    stage(call, alice, bob)

    page = at_desk(alice).look(call)

    assert said in words(page)
    buttons = re.findall(r"<button[^>]*formaction=\"[^\"]*/([a-z-]+)/\"[^>]*>", page)
    # To be told that nobody wants to be called is possible in every state.
    assert set(buttons) == offered | {"objection"}
    primary = re.findall(r"<button[^>]*\sdata-primary(?:\s|>)[^>]*>", page)
    assert len(primary) == 1
    assert f"/{main}/" in primary[0]


@pytest.mark.parametrize(
    "stage",
    [_in_hand, _on_the_phone, _answered, _completed, _closed, _free],
    ids=lambda stage: stage.__name__.strip("_"),
)
def test_each_button_does_the_same_with_and_without_scripts(
    alice: User, bob: User, call: Call, at_desk: AtDesk, stage: Callable[[Call, User, User], None]
) -> None:
    stage(call, alice, bob)

    page = at_desk(alice).look(call)

    with_script = re.findall(r"<button[^>]*hx-post=\"([^\"]+)\"[^>]*>", page)
    assert with_script
    for tag in re.findall(r"<button[^>]*hx-post=[^>]*>", page):
        posts = re.search(r"hx-post=\"([^\"]+)\"", tag)
        plain = re.search(r"formaction=\"([^\"]+)\"", tag)
        assert posts
        assert plain, tag
        assert posts[1] == plain[1]


def test_looking_changes_nothing(alice: User, call: Call, at_desk: AtDesk) -> None:
    HoldFactory(call=call, user=alice, lease_until=now() + timedelta(minutes=1))
    desk = at_desk(alice)

    with CaptureQueriesContext(connection) as seen:
        desk.look(call)
        desk.client.get(f"/calls/{call.pk}/pulse/")

    written = [
        query["sql"]
        for query in seen.captured_queries
        if query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) and "session" not in query["sql"]
    ]
    assert written == []
    assert Hold.objects.get().lease_until < now() + timedelta(minutes=2)


# ── Chips ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("columns", "tone", "text"),
    [
        ({}, "grey", "Saved, sending"),
        ({"is_sending": True}, "grey", "Saved, sending"),
        ({"is_unknown": True}, "amber", "Not confirmed, checking; next look"),
        ({"is_undecided": True}, "red", "A supervisor decides; you can go on."),
        ({"is_done": True}, "green", "Attempt confirmed by TapRaise"),
        ({"is_done": True, "outcome": Delivery.Outcome.DONE_BY_OTHER}, "blue", "Done by somebody"),
        ({"is_done": True, "outcome": Delivery.Outcome.REJECTED}, "red", "Refused by TapRaise"),
    ],
)
def test_a_chip_is_green_only_for_what_is_proven(
    alice: User, call: Call, at_desk: AtDesk, columns: dict[str, Any], tone: str, text: str
) -> None:
    AttemptFactory(call=call, user=alice, **{f"delivery__{k}": v for k, v in columns.items()})
    desk = at_desk(alice)

    for page in (desk.look(call), desk.client.get(f"/calls/{call.pk}/pulse/").content.decode()):
        chips = re.findall(
            r'<span (?:class="chip" data-of|data-sent)="[^"]+" data-state="(\w+)">([^<]*)', page
        )
        # In the story, and beside what this person did last.
        assert {chip[0] for chip in chips} == {tone}
        assert all(chip[1].startswith(text) for chip in chips)


def test_what_was_just_done_has_its_chip_beside_it_and_a_poll_moves_both(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    completion = CompletionFactory(call=call, user=alice)
    desk = at_desk(alice)
    mark = f'data-of="{completion.delivery_id}"'

    page = desk.look(call)
    pulse = desk.client.get(f"/calls/{call.pk}/pulse/").content.decode()

    story, _, finish = page.partition('id="finish"')
    assert (story.count(mark), finish.count(mark)) == (1, 1)
    assert f'data-sent="{completion.delivery_id}"' in pulse


@pytest.mark.parametrize("over", [CompletionFactory, EndingFactory])
def test_of_a_call_that_is_over_nobody_reads_when_it_may_be_made(
    alice: User, call: Call, at_desk: AtDesk, over: Callable[..., object]
) -> None:
    desk = at_desk(alice)
    assert "You may call" in desk.look(call)

    over(call=call, user=alice)

    assert "You may call" not in desk.look(call)


@pytest.mark.parametrize(
    ("hours", "closed_on_other_days", "said"),
    [
        ((time(0), time(23, 59)), False, "You may call every hour of every day"),
        ((time(0), time(23, 59)), True, "You may call all day"),
        ((time(0), time(23, 58)), False, "You may call until 23:58"),
    ],
)
def test_until_when_it_may_be_called_is_said_as_people_would(
    alice: User,
    call: Call,
    rules: CallingRules,
    at_desk: AtDesk,
    hours: tuple[time, time],
    closed_on_other_days: bool,
    said: str,
) -> None:
    day = {5: "saturday", 6: "sunday"}.get(localdate().weekday(), "weekdays")
    for name in ("weekdays", "saturday", "sunday"):
        is_open = name == day or not closed_on_other_days
        opens, closes = hours if is_open else (None, None)
        setattr(rules, f"{name}_open", opens)
        setattr(rules, f"{name}_close", closes)
    rules.save()
    page = words(at_desk(alice).look(call))
    assert said in page


def test_polling_stops_when_nothing_can_change(alice: User, call: Call, at_desk: AtDesk) -> None:
    CompletionFactory(call=call, user=alice)
    desk = at_desk(alice)
    address = f"/calls/{call.pk}/pulse/"
    assert "every 3s" in desk.client.get(address).content.decode()

    # Proven, and TapRaise has told it back.
    Delivery.objects.update(state="closed", outcome="done", closed_at=now())
    Call.objects.update(status=Call.Status.COMPLETED, completed_at=now())

    assert "hx-get" not in desk.client.get(address).content.decode()
    assert "every 3s" not in desk.look(call)


def test_a_poll_says_that_it_is_no_activity(alice: User, call: Call, at_desk: AtDesk) -> None:
    HoldFactory(call=call, user=alice)

    page = at_desk(alice).look(call)

    polls = re.findall(r"<[^>]*hx-trigger=\"every [^>]*>", page)
    assert len(polls) == 2
    assert all("Belbord-Poll" in poll for poll in polls)
