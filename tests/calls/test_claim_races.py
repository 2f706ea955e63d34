"""Two agents press Next 200 times at once: never one donor in two hands, and none called twice."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from calls import actions
from calls.models import Attempt, Call, Hold
from pledges.models import Organization
from tests.calls.conftest import Desk
from tests.calls.windows import while_stopped
from tests.factories import CallFactory, CallingRulesFactory, PersonFactory, SkipFactory, now

PRESSES = 200
WINDOWS = 8

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def _signed_in(user: User) -> Iterator[Client]:
    client = Client()
    client.force_login(user)
    try:
        yield client
    finally:
        connection.close()


def test_two_agents_press_next_two_hundred_times_at_once(
    alice: User, bob: User, belcentrum: Organization, helder_water: Organization
) -> None:
    CallingRulesFactory(organization=helder_water)
    persons = PersonFactory.create_batch(240, owning_organization=helder_water)
    # Households: the second person of each has the number of the first.
    for first, second in zip(persons[:60:2], persons[1:60:2], strict=True):
        second.mobile_e164 = first.mobile_e164
        second.save()
    # What must not be in two hands comes up together: the calls to one household in a row.
    for place, person in enumerate(persons):
        CallFactory.create_batch(
            2,
            person=person,
            calling_organization=belcentrum,
            pledge=None,
            requested_at=now() - timedelta(days=9) + timedelta(minutes=place // 2),
        )
    start = threading.Barrier(WINDOWS)
    trouble: list[str] = []

    def window(user: User) -> None:
        with _signed_in(user) as client:
            start.wait()
            for _ in range(PRESSES // WINDOWS):
                answer = client.post("/calls/next/")
                if answer.status_code != 302:
                    trouble.append(f"{answer.status_code}")
                    continue
                call = Call.objects.get(pk=answer["Location"].strip("/").split("/")[-1])
                numbers = Counter(
                    number
                    for hold in Hold.objects.select_related("call__person")
                    for number in (*hold.call.person.phone_keys, str(hold.call.person_id))
                )
                trouble.extend(f"{key} is held twice" for key, n in numbers.items() if n > 1)
                try:
                    actions.log_attempt(
                        user=user,
                        call=call,
                        outcome=Attempt.Outcome.NO_ANSWER,
                        token=uuid.uuid4(),
                        at=timezone.now(),
                    )
                except (actions.HoldLost, actions.CallTaken, actions.AlreadyHolding):
                    # The other window of this agent was quicker with the same call.
                    continue

    threads = [
        threading.Thread(target=window, args=(user,))
        for user in (alice, bob)
        for _ in range(WINDOWS // 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert trouble == []
    dialled = Counter(Attempt.objects.values_list("call__person", flat=True))
    # An attempt only fails where another window of that agent logged this very call, so the
    # slowest round there can be is all windows of an agent on one call: one donor reached each.
    assert len(dialled) >= PRESSES // (WINDOWS // 2)
    assert [person for person, times in dialled.items() if times > 1] == []


def test_a_donor_who_was_dialled_while_we_looked_is_not_served(
    alice: User,
    bob: User,
    call: Call,
    new_call: Callable[..., Call],
    at_desk: Callable[[User], Desk],
) -> None:
    other = new_call(person=call.person)
    # So that it is not among those that Alice's look locks.
    SkipFactory(call=other, user=alice)
    next_one = at_desk(alice)
    desk = at_desk(bob)

    def dials_and_gives_back() -> int:
        # Bob takes up another call of the same donor, nobody answers, and it is given back.
        desk.press(other, "hold")
        desk.look(other)
        return desk.press(other, "attempts", outcome="no_answer").status_code

    while_stopped(next_one.take_next, dials_and_gives_back, before='INSERT INTO "calls_hold"')

    was_dialled = Attempt.objects.filter(call__person=call.person).exists()
    is_in_hand = Hold.objects.filter(user=alice, call__person=call.person).exists()
    # One of the two came first, and the other was told.
    assert was_dialled != is_in_hand
    if connection.vendor == "postgresql":
        # Where one does not hold up the other, Bob was first.
        assert was_dialled
