"""A supervisor takes a call out of somebody's hands: with a reason, a trail, and a word to whoever
had it."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Presence, User
from calls.models import Attempt, Call, Draft, Hold, TakenAway
from pledges.models import Organization
from tests.calls.conftest import Desk
from tests.calls.test_floor import look
from tests.calls.two_steps import Inputs, TwoSteps, signed_in
from tests.factories import (
    AttemptFactory,
    HoldFactory,
    PersonFactory,
    StreamFactory,
    TakenAwayFactory,
    now,
)

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


def address(call: Call) -> str:
    return f"/calls/{call.pk}/taking-away/"


def at_work(user: User, *, ago: int = 0) -> None:
    moment = now() - timedelta(seconds=ago)
    Presence.objects.create(user=user, since=moment, last_seen_at=moment)


def take(user: User, call: Call, *, reason: str = "colleague") -> Any:
    """Both steps; the answer to the last one that was taken."""
    form = TwoSteps(user, address(call))
    form.open()
    answer = form.client.post(address(call), {**form.hidden, "reason": reason})
    form._read(answer)
    return form.press("send") if answer.status_code == 200 else answer


def poll(user: User, call: Call, told: str = "") -> str:
    answer = signed_in(user).get(f"/calls/{call.pk}/pulse/", {"told": told})
    return answer.content.decode()


def test_it_goes_back_to_the_queue_and_the_notes_are_kept(
    at_desk: AtDesk, alice: User, carol: User, call: Call
) -> None:
    desk = at_desk(alice)
    desk.take_next()
    desk.look(call)
    desk.press(call, "notes", notes="Belt liever 's avonds.", version=0)
    assert f'href="{address(call)}"' in signed_in(carol).get("/floor/").content.decode()

    answer = take(carol, call)

    assert answer.status_code == 302
    assert answer["Location"] == "/floor/#agents"
    assert not Hold.objects.exists()
    assert Draft.objects.get(user=alice).text == "Belt liever 's avonds."
    made = TakenAway.objects.get()
    assert (made.call, made.user, made.by, made.reason) == (call, alice, carol, "colleague")
    entry = AuditEntry.objects.get(action="call.taken_away")
    assert (entry.user, entry.facts["out_of"], entry.facts["reason"]) == (
        carol,
        alice.pk,
        "colleague",
    )
    # Whoever presses Next may get it.
    assert at_desk(alice).take_next()["Location"].endswith(f"{call.pk}/")


def test_the_desk_says_who_did_it_and_why_at_its_next_poll(
    alice: User, carol: User, call: Call
) -> None:
    HoldFactory(call=call, user=alice)
    assert "out of your hands" not in poll(alice, call)

    take(carol, call, reason="shift_over")

    said = poll(alice, call)
    assert "Carol took this call out of your hands at" in said
    assert "the shift is over. Nothing more is needed of you; your notes are kept." in said
    # Once: the page tells what was told.
    assert "told=taken" in said
    assert "out of your hands" not in poll(alice, call, told="taken")
    assert "Carol took this call out of your hands" in look(alice, f"/calls/{call.pk}/")
    assert "out of your hands" not in look(carol, f"/calls/{call.pk}/")
    # The lease that the page would renew says the same.
    lost = signed_in(alice).post(f"/calls/{call.pk}/lease/", headers={"HX-Request": "true"})
    assert lost.status_code == 409
    assert "Carol took this call out of your hands" in lost.content.decode()


def test_it_is_no_news_once_the_call_is_in_hand_again(
    at_desk: AtDesk, alice: User, carol: User, call: Call
) -> None:
    HoldFactory(call=call, user=alice)
    take(carol, call)
    desk = at_desk(alice)
    desk.look(call)

    assert desk.press(call, "hold").status_code == 302

    assert "out of your hands" not in look(alice, f"/calls/{call.pk}/")


def test_nobody_is_interrupted_in_a_conversation(alice: User, carol: User, call: Call) -> None:
    hold = HoldFactory(call=call, user=alice)
    attempt = AttemptFactory(call=call, user=alice, outcome="", outcome_at=None)
    at_work(alice, ago=60)

    answer = take(carol, call)

    assert answer.status_code == 409
    assert "The donor is on the line with Alice." in answer.content.decode()
    assert Hold.objects.get() == hold

    # Not even when it began between the two steps.
    Attempt.objects.filter(pk=attempt.pk).update(outcome="no_answer", outcome_at=now())
    form = TwoSteps(carol, address(call))
    form.open()
    form._read(form.client.post(address(call), {**form.hidden, "reason": "mistake"}))
    Attempt.objects.filter(pk=attempt.pk).update(outcome="", outcome_at=None)
    assert form.press("send").status_code == 409
    assert not TakenAway.objects.exists()


@pytest.mark.parametrize("how", ["away", "wrapping_up", "lapsed"])
def test_who_left_or_is_done_speaking_is_not_waited_for(
    how: str, alice: User, carol: User, call: Call
) -> None:
    moment = now() - timedelta(minutes=1)
    columns = {
        "away": {},
        "wrapping_up": {"wrapping_up_at": moment},
        "lapsed": {"lease_until": moment},
    }[how]
    HoldFactory(call=call, user=alice, **columns)
    attempt = AttemptFactory(call=call, user=alice, outcome="", outcome_at=None, answered_at=moment)
    at_work(alice, ago=200 if how == "away" else 10)

    assert take(carol, call, reason="left").status_code == 302

    assert not Hold.objects.exists()
    attempt.refresh_from_db()
    # Nobody makes up how it ended: it waits to be said.
    assert attempt.outcome == ""


def test_a_donor_who_rang_is_on_the_line_as_well(alice: User, carol: User, call: Call) -> None:
    HoldFactory(call=call, user=alice, why={"code": Hold.RANG_BACK})
    at_work(alice)

    assert take(carol, call).status_code == 409


def test_what_was_given_back_meanwhile_is_not_taken_from_the_next(
    alice: User, bob: User, carol: User, call: Call
) -> None:
    HoldFactory(call=call, user=alice)
    form = TwoSteps(carol, address(call))
    form.open()
    Hold.objects.all().delete()
    theirs = HoldFactory(call=call, user=bob)

    answer = form.client.post(address(call), {**form.hidden, "reason": "left", "send": "yes"})

    assert answer.status_code == 409
    assert "Nobody has this call in hand any more." in answer.content.decode()
    assert Hold.objects.get() == theirs


def test_it_wants_a_reason(alice: User, carol: User, call: Call) -> None:
    HoldFactory(call=call, user=alice)

    answer = take(carol, call, reason="")

    assert answer.status_code == 422
    assert "Choose why." in answer.content.decode()
    assert Hold.objects.exists()


def test_only_supervisors_of_the_donors_organisation(
    at_desk: AtDesk, alice: User, bob: User, carol: User, dierenhulp: Organization, call: Call
) -> None:
    hold = HoldFactory(call=call, user=alice)
    client = at_desk(bob).client
    assert client.get(address(call)).status_code == 404
    sent = {"hold": hold.pk, "reason": "left", "send": "yes"}
    assert client.post(address(call), sent).status_code == 404

    call.person = PersonFactory(owning_organization=dierenhulp)
    call.save()
    assert signed_in(carol).get(address(call)).status_code == 404
    assert Hold.objects.exists()


def test_the_poll_of_a_desk_costs_no_more_for_it(alice: User, carol: User, call: Call) -> None:
    HoldFactory(call=call, user=alice)
    StreamFactory(feed="calls", last_finished_at=now())
    client = signed_in(alice)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(f"/calls/{call.pk}/pulse/")
        return len(seen.captured_queries)

    queries()
    before = queries()
    take(carol, call)
    assert queries() == before <= 5


def left_in_conversation(user: User, call: Call) -> Attempt:
    """Dialled and answered by somebody who went away from it."""
    moment = now() - timedelta(minutes=4)
    HoldFactory(call=call, user=user)
    at_work(user, ago=200)
    made: Attempt = AttemptFactory(
        call=call, user=user, at=moment, outcome="", outcome_at=None, answered_at=moment
    )
    return made


def told_beforehand(user: User, call: Call, *, reason: str = "left") -> str:
    """What the second step says that will happen."""
    form = TwoSteps(user, address(call))
    form.open()
    answer = form.client.post(address(call), {**form.hidden, "reason": reason})
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_says_that_nothing_counts_where_nobody_dialled(
    alice: User, carol: User, call: Call
) -> None:
    HoldFactory(call=call, user=alice)

    said = told_beforehand(carol, call, reason="colleague")

    assert "No attempt is counted." in said
    assert "whoever presses Next may get it" in said
    # It asks no colleague.
    assert "Who is to make it opens the page of this call and takes it up." in said
    assert "takes it up" not in told_beforehand(carol, call)


@pytest.mark.parametrize(
    ("before", "says"),
    [
        (0, "That attempt counts; 2 more are left."),
        (1, "That attempt counts; 1 more is left."),
        (2, "was the last one: Next serves this call to nobody any more."),
    ],
)
def test_it_says_that_what_was_dialled_counts(
    before: int, says: str, alice: User, carol: User, call: Call
) -> None:
    call.attempts_count = before
    call.save()
    left_in_conversation(alice, call)

    said = told_beforehand(carol, call)

    assert says in said
    assert "Somebody has to say how it ended" in said
    assert "No attempt is counted" not in said


def test_how_it_ended_is_asked_at_once(alice: User, bob: User, carol: User, call: Call) -> None:
    attempt = left_in_conversation(alice, call)
    client = signed_in(carol)
    assert "Nobody said what came of these." not in look(carol, "/")

    take(carol, call, reason="left")

    assert "of 1 conversation nobody said what came of it" in look(carol, "/floor/")
    page = client.get("/").content.decode()
    assert f"/calls/{call.pk}/left-open/" in page
    token = Inputs(page[page.index("left-open") :]).hidden["token"]
    client.post(f"/calls/{call.pk}/left-open/", {"token": token, "outcome": "cut_off"})
    attempt.refresh_from_db()
    assert attempt.outcome == "cut_off"
    assert "Nobody said what came of these." not in look(carol, "/")


def test_who_takes_it_up_again_finishes_it(
    at_desk: AtDesk, alice: User, carol: User, call: Call
) -> None:
    left_in_conversation(alice, call)
    take(carol, call, reason="left")
    desk = at_desk(alice)
    desk.look(call)

    assert desk.press(call, "hold").status_code == 302

    assert "Nobody said what came of these." not in look(carol, "/")


def test_the_start_page_says_who_took_it(alice: User, carol: User, call: Call) -> None:
    left_in_conversation(alice, call)

    take(carol, call, reason="left")

    page = look(alice, "/")
    assert "Carol took it out of your hands" in page
    assert "being called" not in page


def test_who_saves_all_the_same_is_told_once(
    at_desk: AtDesk, alice: User, carol: User, call: Call
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.wrap_up(call)
    take(carol, call)

    answer = desk.press(
        call, "completion", htmx=True, result_code="confirmed", retention_rating="8", notes=""
    )

    assert answer.status_code == 409
    said = answer.content.decode()
    assert said.count('class="banner"') == 1
    assert "Carol took this call out of your hands" in said


def test_the_page_of_the_call_leads_to_it_while_somebody_has_it(
    alice: User, carol: User, call: Call, new_call: Callable[..., Call]
) -> None:
    client = signed_in(carol)
    link = f'href="{address(call)}"'
    assert link not in client.get(f"/calls/{call.pk}/").content.decode()
    HoldFactory(call=call, user=alice)

    assert link in client.get(f"/calls/{call.pk}/").content.decode()
    # Another call of the same donor is in nobody's hands.
    other = new_call(person=call.person, type="happy_call")
    page = client.get(f"/calls/{other.pk}/").content.decode()
    assert "In other hands" in page
    assert "/taking-away/" not in page


def test_who_took_the_call_out_of_whose_hands_stands_in_the_story_of_the_call(
    call: Call, alice: User, carol: User, at_desk: Callable[[User], Desk]
) -> None:
    TakenAwayFactory(call=call, user=alice, by=carol, reason=TakenAway.Reason.SHIFT_OVER, at=now())

    page = at_desk(alice).look(call)

    assert "Taken out of the hands of Alice: the shift is over – Carol" in page


def test_the_admin_lists_what_was_taken_out_of_whose_hands(
    call: Call, alice: User, carol: User
) -> None:
    TakenAwayFactory(call=call, user=alice, by=carol, reason=TakenAway.Reason.SHIFT_OVER, at=now())
    carol.is_staff = True
    carol.save()
    client = signed_in(carol)

    found = client.get(f"/admin/calls/takenaway/?q={call.pk}").content.decode()
    assert "the shift is over" in found
    elsewhere = client.get(f"/admin/calls/takenaway/?q={uuid.uuid4()}").content.decode()
    assert str(call.pk) not in elsewhere
    other = client.get("/admin/calls/takenaway/?reason=mistake").content.decode()
    assert str(call.pk) not in other
