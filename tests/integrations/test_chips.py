"""What a screen says about a message: five chips, and green only for what is proven."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from integrations.chips import Tone, chip
from integrations.models import Delivery
from tests.factories import DeliveryFactory

# 14:03 in Amsterdam, in winter.
AT = datetime(2026, 11, 22, 13, 3, tzinfo=UTC)


def shown(**columns: Any) -> tuple[str, str]:
    with translation.override("en"):
        made = chip(DeliveryFactory.build(**columns), at=AT)
    return made.tone.value, made.text


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, ("grey", "Saved, sending")),
        ({"is_sending": True}, ("grey", "Saved, sending")),
        (
            {"is_unknown": True, "not_before": AT + timedelta(minutes=4)},
            ("amber", "Not confirmed, checking; next look 14:07"),
        ),
        (
            {"is_unknown": True, "not_before": AT - timedelta(minutes=4)},
            ("amber", "Not confirmed, checking; next look 14:03"),
        ),
        ({"is_undecided": True}, ("red", "Needs a decision")),
        # Of a dial: how it ended is told here alone.
        ({"is_done": True, "closed_at": AT}, ("green", "Attempt confirmed by TapRaise 14:03")),
        (
            {"is_done": True, "closed_at": AT, "operation": "tapraise.complete_call"},
            ("green", "Confirmed by TapRaise 14:03"),
        ),
        ({"is_done": True, "outcome": "done_by_other"}, ("blue", "Done by somebody else")),
    ],
)
def test_the_five_chips(columns: dict[str, Any], expected: tuple[str, str]) -> None:
    assert shown(**columns) == expected


@pytest.mark.parametrize("outcome", Delivery.Outcome.values)
def test_only_what_is_proven_is_green(outcome: str) -> None:
    tone, _ = shown(is_done=True, outcome=outcome)
    assert (tone == Tone.GREEN) == (outcome == Delivery.Outcome.DONE)


def test_what_was_seen_twice_is_not_green() -> None:
    twice = [{"at": AT.isoformat(), "finding": "doubled"}]
    assert shown(is_done=True, readings=twice) == ("red", "Twice at TapRaise")
    assert shown(is_done=True, reason="doubled") == ("red", "Twice at TapRaise")
