"""The start page: my numbers of today, the call in my hands, and my last calls."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from calls.models import Attempt, Call, ResultCode
from integrations import encryption
from integrations.models import Delivery
from pledges.models import Person
from tests.calls.conftest import Desk
from tests.calls.two_steps import signed_in
from tests.factories import (
    AttemptFactory,
    CallbackFactory,
    CompletionFactory,
    HoldFactory,
    StreamFactory,
    now,
)

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
NewCall = Callable[..., Call]


def start(desk: Desk) -> str:
    answer = desk.client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def numbers(page: str) -> dict[str, int]:
    found = re.findall(r"<dt>([^<]+)</dt><dd>(\d+)</dd>", page)
    return {label: int(number) for label, number in found}


def test_a_new_day_has_one_thing_to_do(alice: User, at_desk: AtDesk) -> None:
    page = start(at_desk(alice))

    assert numbers(page) == {"attempts": 0, "reached": 0, "not reached": 0, "completed": 0}
    assert "Next call" in page
    assert "No calls yet today" in page


def test_my_numbers_are_of_today_and_mine(
    alice: User, bob: User, new_call: NewCall, at_desk: AtDesk
) -> None:
    for outcome in (Attempt.Outcome.NO_ANSWER, Attempt.Outcome.BUSY, Attempt.Outcome.REACHED):
        AttemptFactory(call=new_call(), user=alice, at=now(), outcome=outcome)
    AttemptFactory(call=new_call(), user=alice, at=now() - timedelta(days=1))
    AttemptFactory(call=new_call(), user=bob, at=now())
    for result in (ResultCode.CONFIRMED, ResultCode.CONFIRMED, ResultCode.DROPPED):
        CompletionFactory(call=new_call(), user=alice, result_code=result)
    CompletionFactory(call=new_call(), user=bob)
    CompletionFactory(call=new_call(), user=alice, ended_badly_at=now())

    page = start(at_desk(alice))

    assert numbers(page) == {"attempts": 3, "reached": 1, "not reached": 2, "completed": 3}
    assert "confirmed 2" in words(page)
    assert "dropped 1" in words(page)


def test_the_call_in_my_hands_comes_before_the_next(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    HoldFactory(call=call, user=alice)

    page = start(at_desk(alice))

    assert f'href="/calls/{call.pk}/" data-primary' in page
    assert "Go on with this call" in page
    assert "Next call" not in page


def test_last_calls_tell_how_it_ended_and_whether_tapraise_has_it(
    alice: User, new_call: NewCall, at_desk: AtDesk
) -> None:
    missed, done = new_call(), new_call()
    AttemptFactory(call=missed, user=alice, at=now(), delivery__is_done=True)
    CompletionFactory(call=done, user=alice)

    page = start(at_desk(alice))

    # The one that was missed can be taken up again, the one that is completed cannot.
    assert page.count("Take up again") == 1
    assert f'action="/calls/{missed.pk}/hold/"' in page
    assert "no answer Attempt confirmed by TapRaise" in words(page)
    assert "confirmed Saved, sending" in words(page)


def test_a_call_that_ended_elsewhere_is_not_offered_again(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    AttemptFactory(call=call, user=alice, at=now())
    Call.objects.update(status=Call.Status.EXPIRED)

    assert "Take up again" not in start(at_desk(alice))


def test_chips_move_by_themselves_until_nothing_is_under_way(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    AttemptFactory(call=call, user=alice, at=now())
    desk = at_desk(alice)
    assert 'hx-get="/pulse/" hx-trigger="every 3s"' in " ".join(start(desk).split())

    Delivery.objects.update(state="closed", outcome="done", closed_at=now())
    fragment = desk.client.get("/pulse/", headers={"HX-Request": "true"}).content.decode()

    assert "Attempt confirmed by TapRaise" in fragment
    # From now on only what somebody tells the floor is asked for.
    assert "every 3s" not in fragment
    assert 'hx-get="/pulse/?still"' in fragment
    assert "<html" not in fragment


def test_the_bar_says_how_fresh_it_is_and_what_still_has_to_leave(
    alice: User, bob: User, new_call: NewCall, at_desk: AtDesk
) -> None:
    assert "Not updated yet" in start(at_desk(alice))
    StreamFactory(feed="calls", last_finished_at=now())
    AttemptFactory(call=new_call(), user=alice, delivery__by=alice)
    AttemptFactory(call=new_call(), user=bob, delivery__by=bob)

    page = words(start(at_desk(alice)))

    assert "Not updated yet" not in page
    assert "1 on its way" in page


def test_a_supervisor_has_it_too(carol: User, at_desk: AtDesk, settings: Settings) -> None:
    # In development a second factor is asked for and not required.
    settings.DEBUG = True

    assert "Next call" in start(at_desk(carol))


def test_a_long_day_costs_no_more_queries_than_a_short_one(
    alice: User, new_call: NewCall, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)

    def queries(address: str) -> int:
        desk.client.get(address)  # The first visit of a session writes it.
        with CaptureQueriesContext(connection) as seen:
            desk.client.get(address)
        return len(seen.captured_queries)

    AttemptFactory(call=new_call(), user=alice, at=now())
    short = queries("/"), queries("/pulse/")
    for second in range(1, 21):
        AttemptFactory(call=new_call(), user=alice, at=now() - timedelta(seconds=second))

    long = queries("/"), queries("/pulse/")

    assert long == short
    assert long[0] <= 12


@pytest.mark.parametrize(("name", "address"), [("alice", "/"), ("carol", "/floor/callbacks/")])
def test_what_no_list_shows_of_a_donor_is_not_deciphered(
    alice: User,
    carol: User,
    new_call: NewCall,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    address: str,
) -> None:
    """An account number that nobody reads costs no time, and stands nowhere but in the database."""
    call = new_call()
    Person.objects.filter(pk=call.person_id).update(iban="NL91ABNA0417164300")
    Call.objects.filter(pk=call.pk).update(external_additional={"a": "b"})
    CallbackFactory(call=call, user=alice, due_at=now() - timedelta(hours=2))
    AttemptFactory(call=call, user=alice, at=now(), outcome=Attempt.Outcome.BUSY)
    opened: list[str] = []
    decipher = encryption.decrypt
    monkeypatch.setattr(encryption, "decrypt", lambda token: opened.append(decipher(token)) or "{}")

    page = signed_in({"alice": alice, "carol": carol}[name]).get(address).content.decode()

    assert call.person.last_name in page
    assert opened == []


def test_due_is_what_next_would_serve(alice: User, new_call: NewCall, at_desk: AtDesk) -> None:
    spent, dialled, ready = new_call(attempts_count=3), new_call(), new_call()
    for call in (spent, dialled, ready):
        CallbackFactory(call=call, user=alice, whose="mine", due_at=now() - timedelta(minutes=5))
    AttemptFactory(call=dialled, user=alice, outcome="", outcome_at=None)
    dialled.attempts_count = 3
    dialled.save()
    desk = at_desk(alice)

    page = words(start(desk))

    assert "1 due now" in page
    assert "It can no longer be made; supervisors are told." in page
    assert "Dialled; how it ended is still to be said." in page
    assert desk.take_next()["Location"].endswith(f"{ready.pk}/")
    assert "due now" not in words(start(desk))
