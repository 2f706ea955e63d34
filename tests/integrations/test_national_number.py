"""What looks like a national number is masked, and what does not is left alone."""

from typing import Any

import pytest

from integrations.national_number import MASK, masked


@pytest.mark.parametrize(
    "text",
    ["999999990", "9999.99.990", "9999 99 990", "999.999.990", "999-999-990", "999 999 990"],
)
@pytest.mark.parametrize("around", ["{}", "bsn:{}", "BSN-{}", "({}),", "Zijn nummer is {}.", "é{}"])
def test_it_is_masked_however_it_is_written(text: str, around: str) -> None:
    assert masked(around.format(text)) == around.format(MASK)


@pytest.mark.parametrize(
    "text",
    [
        "999999991",  # its check digit is wrong
        "31999999990",
        "9999999900",
        "+999999990",
        "a999999990",
        "999999990a",
        "1.999999990",
        "999999990-1",
        "999 999.990",
        "99999999",
        "f3e445ce-75ee-4c94-9d6d-370949664fd7",
        "99999999-9099-4999-8999-999999990999",
        "2026-11-03T09:59:58.123456789+00:00",
        "NL02ABNA0123456789",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert masked(text) == text


def test_it_is_masked_at_any_depth_as_a_number_and_as_the_name_of_a_field() -> None:
    found: Any = masked({"a": [999999990, {"999999990": ["999999990"]}], "b": True, "c": 1000})
    assert found == {"a": [MASK, {MASK: [MASK]}], "b": True, "c": 1000}
    assert masked([-999999990, 999999991, None, 1.5]) == [-999999990, 999999991, None, 1.5]
