"""An objection and a dial at the same moment: whichever is first, nobody is dialled after it.

The trail tells which was first: of both it is written while the call is theirs alone.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.audit import AuditEntry
from accounts.models import User
from calls.models import Attempt, Call, Hold
from pledges.models import Objection
from tests.calls.conftest import Desk
from tests.calls.windows import while_stopped
from tests.factories import HoldFactory

pytestmark = pytest.mark.django_db(transaction=True)

AtDesk = Callable[[User], Desk]
NO_MORE = {"objection_channel": "phone", "objection_reason": "asked"}
ROUNDS = 12


@pytest.fixture
def dial(alice: User, call: Call, at_desk: AtDesk) -> Callable[[], Any]:
    """Alice has the call in hand, and presses Call."""
    HoldFactory(call=call, user=alice)
    desk = at_desk(alice)
    desk.look(call)
    return lambda: desk.press(call, "dial").status_code


@pytest.fixture
def object_to(bob: User, call: Call, at_desk: AtDesk) -> Callable[[], Any]:
    """Bob opened the same call, and records that the donor wants no more calls."""
    desk = at_desk(bob)
    desk.look(call)
    return lambda: desk.press(call, "objection", **NO_MORE).status_code


def _order() -> list[str]:
    wanted = ("call.dialled", "objection.recorded")
    return list(
        AuditEntry.objects.filter(action__in=wanted).order_by("pk").values_list("action", flat=True)
    )


def test_a_dial_that_was_first_is_over_before_the_objection(
    dial: Callable[[], Any], object_to: Callable[[], Any]
) -> None:
    dialled, objected, overtook = while_stopped(
        dial, object_to, before='INSERT INTO "calls_attempt"'
    )

    assert (dialled, objected, overtook) == (302, 302, False)
    assert _order() == ["call.dialled", "objection.recorded"]


def test_an_objection_that_was_first_is_known_to_the_dial(
    dial: Callable[[], Any], object_to: Callable[[], Any]
) -> None:
    objected, dialled, overtook = while_stopped(
        object_to, dial, before='UPDATE "pledges_objection"'
    )

    assert (dialled, objected, overtook) == (409, 302, False)
    assert not Attempt.objects.exists()
    assert _order() == ["objection.recorded"]


def test_at_once_time_after_time_nobody_is_dialled_after_the_objection(
    alice: User, bob: User, new_call: Callable[..., Call], at_desk: AtDesk
) -> None:
    for _ in range(ROUNDS):
        call = new_call()
        HoldFactory(call=call, user=alice)
        desks = {"dial": at_desk(alice), "objection": at_desk(bob)}
        for desk in desks.values():
            desk.look(call)
        start = threading.Barrier(2)
        answers: dict[str, int] = {}

        def press(
            place: str,
            call: Call = call,
            desks: dict[str, Desk] = desks,
            start: threading.Barrier = start,
            answers: dict[str, int] = answers,
        ) -> None:
            try:
                start.wait()
                answers[place] = desks[place].press(call, place, **NO_MORE).status_code
            finally:
                connection.close()

        threads = [threading.Thread(target=press, args=(place,)) for place in desks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert answers["objection"] == 302
        assert Objection.objects.filter(call_uuid=call.pk).count() == 1
        was_dialled = Attempt.objects.filter(call=call).exists()
        assert answers["dial"] == (302 if was_dialled else 409)
        order = _order()
        assert order == ["call.dialled", "objection.recorded"][0 if was_dialled else 1 :]
        AuditEntry.objects.all().delete()
        Hold.objects.all().delete()
