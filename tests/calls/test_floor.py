"""The floor: what a supervisor knows at a glance, each number counted by hand here."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localtime

from accounts.models import Presence, User
from calls import queue
from calls.counting import count_queue
from calls.floor import read_floor
from calls.insight.waiting import Waiting
from calls.models import Attempt, Call, QueueCount, QueueCounting, ResultCode
from pledges.contact import Rulebook
from pledges.models import CallingRules, ObjectedPerson, Organization
from tests.calls.conftest import Desk
from tests.calls.two_steps import signed_in
from tests.factories import (
    AttemptFactory,
    CallbackFactory,
    CompletionFactory,
    DeliveryFactory,
    EndingFactory,
    HeartbeatFactory,
    HoldFactory,
    ObjectionFactory,
    OrganizationFactory,
    PersonFactory,
    PledgeFactory,
    QuarantineFactory,
    StreamFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    """A Wednesday, in the middle of the day: today began hours ago, and no minute goes by."""
    with time_machine.travel(datetime(2026, 11, 25, 11, 0, 5, tzinfo=UTC), tick=False):
        yield


Why = QueueCount.Why


def look(user: User, address: str = "/floor/") -> str:
    """What the page says to this person."""
    answer = signed_in(user).get(address)
    assert answer.status_code == 200, answer.status_code
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode())))


def waiting_for(user: User) -> Waiting:
    return read_floor(user, at=now()).waiting


def today(**columns: Any) -> dict[str, Any]:
    return {"at": now() - timedelta(seconds=columns.pop("ago", 60)), **columns}


# ── Who may look ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ["/floor/", "/floor/pulse/", "/floor/health/"])
def test_an_agent_does_not_see_the_floor(
    at_desk: Callable[[User], Desk], alice: User, address: str
) -> None:
    assert at_desk(alice).client.get(address).status_code == 404


# ── Today ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_numbers_of_today_are_those_that_were_counted_by_hand(
    alice: User, bob: User, carol: User, new_call: NewCall
) -> None:
    outcomes = Attempt.Outcome
    for place, (who, outcome) in enumerate(
        [
            (alice, outcomes.NO_ANSWER),
            (alice, outcomes.REACHED),
            (alice, outcomes.VOICEMAIL),
            (bob, outcomes.REACHED),
            (bob, outcomes.BUSY),
        ]
    ):
        AttemptFactory(call=new_call(), user=who, outcome=outcome, **today(ago=60 + place))
    # On the line still: neither reached nor missed. And one of yesterday.
    AttemptFactory(call=new_call(), user=bob, outcome="", outcome_at=None, **today(ago=5))
    AttemptFactory(call=new_call(), user=bob, at=now() - timedelta(days=1, hours=1))
    for who, code, rating in (
        (alice, ResultCode.CONFIRMED, 8),
        (alice, ResultCode.CONFIRMED, 7),
        (bob, ResultCode.DROPPED, None),
    ):
        CompletionFactory(call=new_call(), user=who, result_code=code, retention_rating=rating)
    CompletionFactory(call=new_call(), user=bob, ended_badly_at=now())

    said = look(carol)

    assert "Completed today 3 confirmed 2 · dropped 1" in said
    # Two of the five that ended.
    assert "Reached 40\xa0% 2 of 5 ended attempts" in said
    assert "Confirmed 67\xa0% of what was completed" in said
    assert "Retention rating 7,5 of 2 donors who were asked" in said
    assert re.search(r"Alice away Attempts: 3 Completed: 2", said)
    assert re.search(r"Bob away Attempts: 3 Completed: 1", said)


def test_what_an_agent_does_at_the_desk_is_among_them(
    alice: User, carol: User, call: Call, at_desk: Callable[[User], Desk]
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    assert "Attempts: 1 Completed: 0" in look(carol)
    desk.press(call, "answer")
    desk.look(call)

    desk.press(call, "completion", result_code="confirmed", retention_rating="8", notes="")

    said = look(carol)
    assert "Attempts: 1 Completed: 1" in said
    assert "Completed today 1 confirmed 1" in said


def test_before_anything_was_done_no_share_is_made_up(carol: User) -> None:
    said = look(carol)

    assert "Completed today 0 none yet" in said
    assert "Reached – no attempt has ended yet" in said
    assert "Confirmed – of" in said
    assert "Retention rating – not asked yet" in said


def test_what_was_done_for_others_is_not_told(
    carol: User, dirk: User, alice: User, dierenhulp: Organization
) -> None:
    theirs = PersonFactory(owning_organization=dierenhulp)
    CompletionFactory(call__person=theirs, user=alice)

    said = look(carol)

    assert "Completed today 0" in said
    assert "Dirk" not in said


# ── Who does what ─────────────────────────────────────────────────────────────────────────────────


def test_who_is_on_the_line_with_whom_since_when(
    alice: User, bob: User, carol: User, new_call: NewCall, dierenhulp: Organization
) -> None:
    call = new_call()
    HoldFactory(call=call, user=alice)
    AttemptFactory(call=call, user=alice, outcome="", outcome_at=None, answered_at=now(), **today())
    theirs = new_call(person=PersonFactory(owning_organization=dierenhulp, last_name="Geheim"))
    HoldFactory(call=theirs, user=bob)
    Presence.objects.create(
        user=carol, state="paused", pause="lunch", since=now(), last_seen_at=now()
    )

    said = look(carol)

    assert f"Alice in conversation {localtime(now()):%H:%M}" in said
    assert f"{call.person.form_of_address} Stichting Helder Water" in said
    assert "Geheim" not in said
    assert "a donor of another organisation" in said
    assert "Carol on a pause" in said
    assert "lunch" in said


def test_who_is_free_is_so_since_the_last_call_was_put_away(
    alice: User, bob: User, carol: User, call: Call, at_desk: Callable[[User], Desk]
) -> None:
    morning = now() - timedelta(hours=3)
    for user in (alice, bob):
        Presence.objects.create(user=user, since=morning, last_seen_at=now())
    # Whose lease ran out has let go since then.
    lapsed = now() - timedelta(minutes=20)
    HoldFactory(user=bob, taken_at=morning, lease_until=lapsed)
    desk = at_desk(alice)
    desk.press(call, "hold")
    desk.press(call, "release")

    said = look(carol)

    assert f"Alice free {localtime(now()):%H:%M}" in said
    assert f"Bob free {localtime(lapsed):%H:%M}" in said


# ── The queue ─────────────────────────────────────────────────────────────────────────────────────


def test_every_open_call_is_counted_once_with_what_is_in_its_way(
    alice: User, carol: User, new_call: NewCall, helder_water: Organization
) -> None:
    new_call()
    new_call(type=Call.Type.WINBACK)
    mute = PersonFactory(owning_organization=helder_water, phone_e164=None, mobile_e164=None)
    new_call(person=mute)
    new_call(attempts_count=3)
    new_call(type="survey")
    unwilling = PersonFactory(owning_organization=helder_water, opt_in_phone=False)
    new_call(type=Call.Type.HAPPY_CALL, person=unwilling)
    tried = new_call()
    AttemptFactory(call=tried, user=alice, **today())
    HoldFactory(call=new_call(), user=alice)
    CallbackFactory(call=new_call(), user=alice, due_at=now() + timedelta(hours=3))
    CallbackFactory(call=new_call(), user=alice, due_at=now() - timedelta(minutes=3))
    CompletionFactory(call=new_call(), user=alice)

    assert count_queue(at=now())
    [part] = waiting_for(carol).parts

    assert part.by_why == {
        Why.NOW: 3,
        Why.NO_NUMBER: 1,
        Why.SPENT: 1,
        Why.OTHER_TYPE: 1,
        Why.REFUSED: 1,
        Why.TRIED: 1,
        Why.IN_HAND: 1,
        Why.PROMISED: 1,
    }
    said = look(carol)
    assert "Can be called now 3 of 10 open" in said
    assert "tried a short while ago 1" in said


def test_what_an_objection_stops_is_counted_as_that(carol: User, new_call: NewCall) -> None:
    call = new_call()
    objection = ObjectionFactory(person_uuid=call.person_id)
    ObjectedPerson.objects.create(person=call.person, objection=objection)

    count_queue(at=now())

    assert waiting_for(carol).parts[0].by_why == {Why.OBJECTED: 1}


@pytest.mark.parametrize(("is_known", "why"), [(True, Why.CLOSED), (False, Why.NO_RULES)])
def test_calling_that_is_closed_is_not_a_call_that_can_be_made(
    carol: User, new_call: NewCall, is_known: bool, why: str
) -> None:
    new_call()
    if is_known:
        CallingRules.objects.update(
            weekdays_open=None, weekdays_close=None, saturday_open=None, saturday_close=None,
            sunday_open=None, sunday_close=None,
        )  # fmt: skip
    else:
        CallingRules.objects.all().delete()

    count_queue(at=now())

    assert waiting_for(carol).parts[0].by_why == {why: 1}


def test_what_can_be_called_now_is_what_next_would_serve(
    alice: User, carol: User, new_call: NewCall, helder_water: Organization
) -> None:
    """The floor and the queue ask the same: whatever the rows, one is not told what the other
    would not do."""
    for place in range(12):
        call = new_call(
            attempts_count=place % 4,
            type=[Call.Type.VERIFICATION, Call.Type.HAPPY_CALL, Call.Type.WINBACK][place % 3],
            person=PersonFactory(
                owning_organization=helder_water, opt_in_phone=[None, True, False][place % 3]
            ),
        )
        if place % 5 == 0:
            AttemptFactory(call=call, user=alice, **today(ago=60 + place))
        if place % 7 == 0:
            CallbackFactory(call=call, user=alice, due_at=now() - timedelta(minutes=20))

    at, rulebook = now(), Rulebook.read()
    count_queue(at=at)
    theirs = queue.organizations_of(alice)
    promised = queue.due_callbacks(alice, at=at, rulebook=rulebook, organizations=theirs)
    servable = {
        *queue.free(queue.due(alice, at=at, rulebook=rulebook), at=at).values_list("pk"),
        *queue.free(promised, at=at).values_list("pk"),
    }

    assert 0 < len(servable) < 12
    assert waiting_for(carol).now == len(servable)


def test_how_soon_a_pledge_is_released_is_told_where_the_organisation_says(
    carol: User, new_call: NewCall, helder_water: Organization
) -> None:
    CallingRules.objects.update(cooling_off_days=14)
    for days in (20, 13.999, 13, 3, 3):
        person = PersonFactory(owning_organization=helder_water)
        made_at = now() - timedelta(days=days)
        new_call(
            person=person,
            pledge=PledgeFactory(person=person, created_at=made_at, released_at=None),
        )

    count_queue(at=now())
    [part] = waiting_for(carol).parts

    told = {str(segment.deadline): segment.calls for segment in part.segments}
    assert told["past"] == 1
    assert told["later"] == 2
    assert sum(told.values()) == 5
    widths = [segment.width for segment in part.segments]
    assert round(sum(widths)) == 100


def test_a_count_that_took_long_is_not_made_again_at_once(new_call: NewCall) -> None:
    new_call()
    at = now()
    assert count_queue(at=at)
    QueueCounting.objects.update(took=30_000)

    assert not count_queue(at=at + timedelta(seconds=299))
    assert count_queue(at=at + timedelta(seconds=301))
    # What is older than ten minutes is nobody's business any more.
    assert count_queue(at=at + timedelta(hours=1))
    assert QueueCounting.objects.count() == 1


def test_the_queue_of_others_is_not_told(carol: User, dirk: User, new_call: NewCall) -> None:
    new_call()
    count_queue(at=now())
    elsewhere = UserFactory(role=User.Role.SUPERVISOR, organizations=[OrganizationFactory()])

    assert waiting_for(carol).calls == 1
    assert waiting_for(elsewhere).calls == 0


# ── Attention ─────────────────────────────────────────────────────────────────────────────────────


def test_what_asks_for_attention_stands_there_until_it_is_solved(
    alice: User, carol: User, new_call: NewCall
) -> None:
    undecided = CompletionFactory(
        call=new_call(), user=alice, delivery__is_done=False, delivery__is_undecided=True
    )
    CallbackFactory(call=new_call(), user=alice, due_at=now() - timedelta(minutes=40))
    broken = QuarantineFactory()

    said = look(carol, "/floor/pulse/")

    assert "Decision needed 1 message waits for somebody to decide" in said
    assert "Callback too late 1 donor was promised a call that nobody made" in said
    assert "Records not believed 1 record" in said
    assert said.index("Decision needed") < said.index("Callback too late")
    assert "Needs attention 3" in said

    type(undecided.delivery).objects.filter(pk=undecided.delivery.pk).update(
        state="closed", outcome="decided", closed_at=now()
    )
    broken.solved_at = now()
    broken.save()
    again = look(carol, "/floor/pulse/")
    assert "Decision needed" not in again
    assert "Records not believed" not in again
    assert "Needs attention 1" in again


def test_a_call_is_to_be_cancelled_since_the_objection_stopped_it(
    carol: User, new_call: NewCall
) -> None:
    call = new_call(requested_at=now() - timedelta(days=14))
    objection = ObjectionFactory(person_uuid=call.person_id, at=now() - timedelta(minutes=40))
    ObjectedPerson.objects.create(person=call.person, objection=objection)

    said = look(carol, "/floor/pulse/")

    assert re.search(r"To cancel at TapRaise 1 call .* · the oldest for 40\sminutes", said)


def test_what_a_dial_came_to_is_asked_of_nobody_once_a_supervisor_ended_the_call(
    alice: User, carol: User, new_call: NewCall
) -> None:
    call = new_call()
    AttemptFactory(call=call, user=alice, outcome="", outcome_at=None, **today(ago=3600))
    assert "Not finished of 1 conversation" in look(carol, "/floor/pulse/")

    EndingFactory(call=call, user=carol)

    assert "Not finished" not in look(carol, "/floor/pulse/")
    assert "Not finished" not in look(carol, "/")


def test_decisions_about_calls_of_others_are_not_told(
    carol: User, dirk: User, dierenhulp: Organization
) -> None:
    CompletionFactory(
        call__person=PersonFactory(owning_organization=dierenhulp),
        user=dirk,
        delivery__is_done=False,
        delivery__is_undecided=True,
    )

    assert "Decision needed" not in look(carol, "/floor/pulse/")


# ── How fresh it is, and what it costs ────────────────────────────────────────────────────────────


def test_it_says_how_fresh_the_data_is_and_what_has_not_left(carol: User) -> None:
    StreamFactory(feed="calls", last_finished_at=now() - timedelta(hours=2))
    HeartbeatFactory(seen_at=now())
    DeliveryFactory(is_done=False, not_before=now())

    said = look(carol, "/floor/health/")

    assert "worker at work" in said
    assert "ready 1 the oldest" in said


def test_a_poll_costs_five_queries_however_many_there_are(
    carol: User, alice: User, new_call: NewCall, helder_water: Organization
) -> None:
    client = signed_in(carol)

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen.captured_queries)

    queries("/floor/")
    bare = queries("/floor/pulse/")
    for _ in range(8):
        user = UserFactory(organizations=[helder_water])
        call = new_call()
        HoldFactory(call=call, user=user)
        AttemptFactory(call=call, user=user, outcome="", outcome_at=None, **today())
        CompletionFactory(call=new_call(), user=user)
        CallbackFactory(call=new_call(), user=user, due_at=now() - timedelta(hours=1))
    count_queue(at=now())

    assert queries("/floor/pulse/") == bare <= 5
    assert queries("/floor/health/") <= 5
    assert queries("/floor/") <= 12


def test_a_row_is_written_in_the_language_of_its_reader(carol: User) -> None:
    assert "away" in look(carol, "/floor/pulse/")
    User.objects.filter(pk=carol.pk).update(language="nl")
    carol.refresh_from_db()
    said = look(carol, "/floor/pulse/")
    assert "weg" in said
    assert "away" not in said
