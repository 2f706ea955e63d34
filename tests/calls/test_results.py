"""The rules by which a completion tells one story: every result against every change."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from calls.models import ResultCode
from calls.results import (
    Agreed,
    Clash,
    clash_in_words,
    contradiction,
    preview,
    proposed,
    terms_in_words,
)
from pledges.models import Pledge
from pledges.terms import Terms
from tests.factories import PledgeFactory


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


TEN_A_MONTH = Terms(Decimal("10.00"), "monthly")
SAME = Agreed(TEN_A_MONTH, TEN_A_MONTH)
NEW_START = replace(SAME, has_new_start=True)
FIXED = replace(SAME, can_change=False)


def to(amount: str, interval: str, **more: Any) -> Agreed:
    return Agreed(TEN_A_MONTH, Terms(Decimal(amount), interval), **more)


LOWER = to("7.50", "monthly")
LOWER_BY_THE_YEAR = to("20.00", "quarterly")
HIGHER = to("12.50", "monthly")
AS_MUCH = to("30.00", "quarterly")
MORE_BY_THE_YEAR = to("200.00", "yearly")
ONCE = to("50.00", "once")

OK = None
# What each result says of it, in the order of the codes: confirmed, downgraded, converted,
# dropped, other. There is a reason in the notes.
TABLE: list[tuple[str, Agreed, list[Clash | None]]] = [
    ("nothing", SAME, [OK, Clash.NOT_LESS, Clash.NOT_OTHERWISE, OK, OK]),
    (
        "a new start",
        NEW_START,
        [OK, Clash.NOT_LESS, Clash.NOT_OTHERWISE, Clash.NEW_START, Clash.NEW_START],
    ),
    ("less", LOWER, [Clash.LESS, OK, Clash.LESS, Clash.LESS, Clash.LESS]),
    ("less a year", LOWER_BY_THE_YEAR, [Clash.LESS, OK, Clash.LESS, Clash.LESS, Clash.LESS]),
    ("more", HIGHER, [OK, Clash.MORE, Clash.MORE, Clash.MORE, Clash.MORE]),
    ("as much, otherwise", AS_MUCH, [Clash.OTHERWISE, Clash.OTHERWISE, OK, *[Clash.OTHERWISE] * 2]),
    (
        "more a year",
        MORE_BY_THE_YEAR,
        [Clash.OTHERWISE, Clash.OTHERWISE, OK, *[Clash.OTHERWISE] * 2],
    ),
    ("once", ONCE, [Clash.OTHERWISE, Clash.OTHERWISE, OK, *[Clash.OTHERWISE] * 2]),
    ("not changeable here", FIXED, [OK, OK, OK, OK, OK]),
]


@pytest.mark.parametrize(
    ("agreed", "result_code", "clash"),
    [
        pytest.param(agreed, code.value, clash, id=f"{name}, {code.value}")
        for name, agreed, clashes in TABLE
        for code, clash in zip(ResultCode, clashes, strict=True)
    ],
)
def test_each_result_goes_with_its_own_change(
    agreed: Agreed, result_code: str, clash: Clash | None
) -> None:
    assert contradiction(agreed, result_code=result_code, notes="Een reden.") == clash


@pytest.mark.parametrize(
    "agreed", [LOWER, LOWER_BY_THE_YEAR, HIGHER, AS_MUCH, MORE_BY_THE_YEAR, ONCE]
)
def test_a_new_start_besides_changes_no_rule(agreed: Agreed) -> None:
    with_start = replace(agreed, has_new_start=True)
    for code in ResultCode:
        assert contradiction(with_start, result_code=code, notes="") == contradiction(
            agreed, result_code=code, notes=""
        )


@pytest.mark.parametrize(
    ("result_code", "clash"),
    [
        ("confirmed", None),
        ("downgraded", Clash.NOT_TOLD),
        ("converted", Clash.NOT_TOLD),
        # These two want a reason whatever the pledge is: another rule, another sentence.
        ("dropped", None),
        ("other", None),
    ],
)
def test_what_cannot_be_changed_here_is_told_in_the_notes(
    result_code: str, clash: Clash | None
) -> None:
    assert contradiction(FIXED, result_code=result_code, notes="  ") == clash


@pytest.mark.parametrize(
    ("agreed", "result_code"),
    [
        (SAME, None),
        (NEW_START, "confirmed"),
        (LOWER, "downgraded"),
        (LOWER_BY_THE_YEAR, "downgraded"),
        (HIGHER, "confirmed"),
        (AS_MUCH, "converted"),
        (MORE_BY_THE_YEAR, "converted"),
        (ONCE, "converted"),
    ],
)
def test_a_change_proposes_the_one_result_that_fits(
    agreed: Agreed, result_code: str | None
) -> None:
    assert proposed(agreed) == result_code
    if result_code:
        assert contradiction(agreed, result_code=result_code, notes="") is None


@pytest.mark.parametrize(
    ("clash", "agreed", "sentence"),
    [
        (
            Clash.LESS,
            LOWER,
            "The donor gives less a year (€ 90,00 instead of € 120,00): choose 'downgraded'.",
        ),
        (
            Clash.LESS,
            LOWER_BY_THE_YEAR,
            "The donor gives less a year (€ 80,00 instead of € 120,00): choose 'downgraded'.",
        ),
        (
            Clash.LESS,
            Agreed(Terms(Decimal(10), "once"), Terms(Decimal(5), "once")),
            "The donor gives less (€ 5,00 once instead of € 10,00 once): choose 'downgraded'.",
        ),
        (
            Clash.MORE,
            HIGHER,
            "The donor gives more a year (€ 150,00 instead of € 120,00): choose 'confirmed'.",
        ),
        (
            Clash.OTHERWISE,
            AS_MUCH,
            "The interval changes and the donor does not give less a year (€ 120,00, and "
            "€ 120,00 before): choose 'converted'.",
        ),
        (
            Clash.OTHERWISE,
            ONCE,
            "The pledge changes from € 10,00 a month to € 50,00 once: choose 'converted'.",
        ),
        (
            Clash.NOT_LESS,
            SAME,
            "'downgraded' needs a lower amount: change the amount, or choose 'confirmed'.",
        ),
        (
            Clash.NOT_OTHERWISE,
            SAME,
            "'converted' needs another change, such as another interval: change it, or choose "
            "'confirmed'.",
        ),
        (
            Clash.NEW_START,
            NEW_START,
            "A new start goes with 'confirmed' only: choose 'confirmed', or put the start back.",
        ),
        (
            Clash.NOT_TOLD,
            FIXED,
            "This pledge cannot be changed from here: write in the notes what changed.",
        ),
    ],
)
def test_each_contradiction_is_one_sentence_that_says_what_to_do(
    clash: Clash, agreed: Agreed, sentence: str
) -> None:
    assert clash_in_words(clash, agreed) == sentence


def test_every_contradiction_has_a_sentence() -> None:
    assert all(clash_in_words(clash, LOWER) for clash in Clash)


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({}, []),
        (
            {"donation_amount": Decimal("7.50")},
            ["amount from € 10,00 a month to € 7,50 a month (€ 90,00 a year instead of € 120,00)"],
        ),
        (
            {"donation_amount": Decimal("50.00"), "donation_interval": "once"},
            ["amount from € 10,00 a month to € 50,00 once"],
        ),
    ],
)
def test_what_goes_first_is_told_from_what_to_what(
    changes: dict[str, Any], first: list[str]
) -> None:
    pledge: Pledge = PledgeFactory.build(
        person=None, donation_amount=Decimal("10.00"), donation_interval="monthly"
    )
    assert list(preview(pledge, changes, result_code="", notes="").first) == first


def test_an_interval_of_no_document_is_told_as_it_is() -> None:
    assert terms_in_words(Terms(Decimal(3), "weekly")) == "€ 3,00 weekly"
    assert terms_in_words(Terms(None, None)) == "not known"
