"""A supervisor ends a call while an agent has it in hand: the agent is told at the next poll, keeps
the notes, and goes on with the next one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Presence, User
from calls.models import Attempt, Call, Completion, Draft, Ending, Hold
from tests.calls.conftest import Desk
from tests.calls.test_end_call import REASON, form
from tests.calls.test_take_away import poll
from tests.calls.two_steps import signed_in
from tests.factories import StreamFactory, now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
TOLD = "Carol ended this call (cancelled: “Dubbel aangevraagd.”)."


@pytest.fixture
def desk(at_desk: AtDesk, alice: User, call: Call) -> Desk:
    """Alice, with the donor on the line."""
    made = at_desk(alice)
    made.dial(call)
    made.press(call, "answer")
    made.look(call)
    made.press(call, "notes", htmx=True, notes="Wil in het voorjaar beginnen.", version=0)
    return made


@pytest.fixture
def ended(desk: Desk, carol: User, call: Call) -> Ending:
    form(carol, call).send(**REASON)
    return Ending.objects.get()


def test_the_desk_says_so_at_its_next_poll_and_leads_on(
    desk: Desk, alice: User, carol: User, call: Call
) -> None:
    assert "ended this call" not in poll(alice, call)

    form(carol, call).send(**REASON)

    said = poll(alice, call)
    assert TOLD in said
    assert "your notes are kept" in said
    assert 'formaction="/calls/next/"' in said
    # Once; and taken back, it is no news any more.
    assert "told=ended" in said
    assert "ended this call" not in poll(alice, call, told="ended")
    Ending.objects.all().delete()
    assert '<div id="banner"' in poll(alice, call, told="ended")
    assert "ended this call" not in poll(alice, call, told="ended")


def test_whoever_ended_it_is_not_told(carol: User, call: Call, at_desk: AtDesk) -> None:
    at_desk(carol).press(call, "hold")
    form(carol, call).send(**REASON)

    assert "Carol ended this call (" not in poll(carol, call)


def test_saving_is_refused_and_loses_nothing(desk: Desk, ended: Ending, call: Call) -> None:
    answer = desk.press(
        call,
        "completion",
        htmx=True,
        result_code="confirmed",
        retention_rating="8",
        notes="Wil in het voorjaar beginnen, in maart.",
    )

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This call has ended. Nothing was sent; your notes are kept." in page
    assert TOLD in page
    assert not Completion.objects.exists()
    assert "Wil in het voorjaar beginnen." in desk.look(call)


def test_next_lets_go_of_it_and_serves_another(
    desk: Desk, ended: Ending, call: Call, alice: User, new_call: Callable[..., Call]
) -> None:
    other = new_call()

    answer = desk.take_next()

    assert answer["Location"] == f"/calls/{other.pk}/"
    assert Hold.objects.get().call == other
    assert Draft.objects.get().text == "Wil in het voorjaar beginnen."
    # Nobody makes up how the dial ended.
    assert Attempt.objects.get(call=call).outcome == ""
    assert AuditEntry.objects.filter(action="call.released", user=alice).count() == 1


def test_a_call_that_ended_at_tapraise_keeps_nobody_either(
    at_desk: AtDesk, alice: User, call: Call, new_call: Callable[..., Call]
) -> None:
    desk = at_desk(alice)
    desk.press(call, "hold")
    Call.objects.filter(pk=call.pk).update(status="cancelled")
    other = new_call()

    assert desk.press(other, "hold").status_code == 302

    assert Hold.objects.get().call == other


def test_an_open_call_is_not_let_go_of(
    desk: Desk, call: Call, new_call: Callable[..., Call]
) -> None:
    new_call()

    assert desk.take_next()["Location"] == f"/calls/{call.pk}/"


def test_the_pause_that_was_to_come_begins(
    desk: Desk, ended: Ending, alice: User, new_call: Callable[..., Call]
) -> None:
    new_call()
    Presence.objects.update_or_create(
        user=alice,
        defaults={
            "state": Presence.State.AVAILABLE,
            "pause": Presence.Pause.choices[0][0],
            "is_after_call": True,
            "since": now(),
            "last_seen_at": now(),
        },
    )

    answer = desk.take_next()

    assert answer.status_code == 200
    assert "No call comes while you are on a pause." in answer.content.decode()
    assert not Hold.objects.exists()


def test_it_can_be_put_away_also_in_the_middle_of_a_conversation(
    desk: Desk, ended: Ending, call: Call
) -> None:
    assert "/release/" in desk.look(call)

    answer = desk.press(call, "release")

    assert answer.status_code == 302
    assert not Hold.objects.exists()
    assert "Put away. The call is over" in desk.client.get("/").content.decode()


def test_the_lease_is_not_renewed_so_it_lapses_by_itself(
    desk: Desk, ended: Ending, call: Call, bob: User, at_desk: AtDesk, new_call: Callable[..., Call]
) -> None:
    until = Hold.objects.get().lease_until

    assert desk.press(call, "lease", htmx=True).status_code == 204

    assert Hold.objects.get().lease_until == until
    # After that the donor may be in other hands for another call.
    other = new_call(person=call.person)
    assert at_desk(bob).press(other, "hold").status_code == 409
    Hold.objects.update(lease_until=now() - timedelta(seconds=1))
    assert at_desk(bob).press(other, "hold").status_code == 302


def test_the_start_page_offers_the_next_call(desk: Desk, ended: Ending) -> None:
    page = desk.client.get("/").content.decode()

    assert "Go on with this call" not in page
    assert "Next call" in page
    # A look changes nothing.
    assert Hold.objects.exists()


def test_the_poll_costs_no_more_than_five_queries(
    desk: Desk, ended: Ending, alice: User, call: Call
) -> None:
    StreamFactory(feed="calls", last_finished_at=now())
    client = signed_in(alice)
    client.get(f"/calls/{call.pk}/pulse/")

    with CaptureQueriesContext(connection) as seen:
        client.get(f"/calls/{call.pk}/pulse/")

    assert len(seen.captured_queries) <= 5
