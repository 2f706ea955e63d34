"""Looks at one call may be saved in any order and any number of times: they end in the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from calls.models import Call
from integrations.tapraise.wire import CallRecord
from tests.calls.test_sync import changed, save
from tests.integrations.feeds import NOON, Feeds


@dataclass(frozen=True)
class Reading:
    """One look at a call: which of its versions was seen, and when."""

    version: int
    status: str
    notes: str
    seconds: int


def histories() -> st.SearchStrategy[list[Reading]]:
    """Looks at one call. TapRaise changes it now and then, here and there without a new time."""

    @st.composite
    def build(draw: st.DrawFn) -> list[Reading]:
        readings, seconds, version, status = [], 0, 0, "requested"
        for number in range(draw(st.integers(1, 5))):
            version += draw(st.integers(0, 2))
            if status == "requested" and draw(st.booleans()):
                status = draw(st.sampled_from(["requested", "completed", "cancelled"]))
            elif status != "requested" and draw(st.integers(0, 9)) == 0:
                status = "requested"
            for _ in range(draw(st.integers(1, 2))):
                seconds += 1
                readings.append(Reading(version, status, f"nr {number}", seconds))
        return readings

    return build()


class MergeTest(TestCase):
    record: CallRecord

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.record = Feeds(calls=5).records()[0]

    def save_in_order(self, readings: Sequence[Reading]) -> tuple[Any, ...]:
        Call.objects.all().delete()
        for reading in readings:
            record = changed(
                self.record,
                status=reading.status,
                notes=reading.notes,
                last_updated_at=NOON + timedelta(seconds=reading.version),
            )
            save([record], at=NOON + timedelta(seconds=reading.seconds))
        return tuple(Call.objects.values_list("status", "notes", "last_updated_at").get())

    @settings(max_examples=60, deadline=None)
    @given(histories(), st.data())
    def test_readings_in_any_order_and_any_number_end_in_the_same(
        self, readings: list[Reading], data: st.DataObject
    ) -> None:
        in_order = self.save_in_order(readings)
        shuffled = data.draw(st.permutations(readings))
        doubled = [*shuffled, *data.draw(st.permutations(shuffled))]

        assert self.save_in_order(shuffled) == in_order
        assert self.save_in_order(doubled) == in_order
