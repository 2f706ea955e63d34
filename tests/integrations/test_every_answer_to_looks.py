"""A look whether something happened, and every way in which TapRaise can answer it.

A look that brings nothing is not a look that found nothing: until one is answered as it should be,
nothing is green, and nothing is sent a second time.
"""

from typing import Any, Final

import pytest

from accounts.models import User
from integrations import chips
from integrations.chips import Tone
from integrations.models import Delivery
from tests.stage import Stage

pytestmark = pytest.mark.django_db

# Past the two settled looks after which a message may leave anew.
LONG_ENOUGH: Final = 700
BY_PLEDGE_AND_BY_TIME: Final = ("pledge", "calls")
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    **{str(status): {"kind": "status", "status": status} for status in (400, 401, 403, 404, 409)},
    "429": {"kind": "status", "status": 429, "retry_after": 42},
    **{str(status): {"kind": "status", "status": status} for status in (500, 502, 503)},
    "too slow": {"kind": "slow", "seconds": 40},
    "reset": {"kind": "reset_before"},
    "cut short": {"kind": "cut_body"},
    "not JSON": {"kind": "not_json"},
    "nothing in a 2xx": {"kind": "empty_body"},
}


@pytest.mark.parametrize("happened", [True, False], ids=["happened", "never arrived"])
@pytest.mark.parametrize("has_pledge", [True, False], ids=["by pledge", "by time"])
@pytest.mark.parametrize("rule", ANSWERS.values(), ids=ANSWERS.keys())
def test_what_is_no_answer_is_neither_found_nor_absent(
    stage: Stage, alice: User, rule: dict[str, Any], has_pledge: bool, happened: bool
) -> None:
    message = stage.attempt(stage.open_call(has_pledge=has_pledge), alice)
    stage.fault("reset_after" if happened else "reset_before", "add-attempt", times=1)
    for operation in BY_PLEDGE_AND_BY_TIME:
        stage.fault(operation=operation, **rule)

    stage.sweep_for(LONG_ENOUGH, every=15)

    found = Delivery.objects.get(pk=message.pk)
    assert found.state == Delivery.State.UNKNOWN
    assert chips.chip(found, at=stage.now).tone == Tone.AMBER
    assert len(stage.writes()) == 1
    # There were looks to be answered.
    asked = [one for one in stage.world.journal.requests if one["method"] == "GET"]
    assert asked

    stage.app.faults.clear()
    stage.sweep_until_settled()

    found = Delivery.objects.get(pk=message.pk)
    assert found.outcome == Delivery.Outcome.DONE
    assert [one["operation"] for one in stage.effects()] == ["add-attempt"]
    assert len(stage.writes()) == (1 if happened else 2)
