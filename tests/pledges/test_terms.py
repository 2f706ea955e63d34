"""What a pledge comes to, which way it went, and which ones are not ours to change."""

from decimal import Decimal
from typing import Any

import pytest

from integrations.tapraise.values import INTERVALS
from pledges.models import Pledge
from pledges.terms import Move, Terms, WhyNot, a_year, in_words, move, why_not_changeable
from tests.factories import PledgeFactory, now


def terms(amount: str | None, interval: str | None = "monthly") -> Terms:
    return Terms(None if amount is None else Decimal(amount), interval)


def test_a_year_is_twelve_months_four_quarters_and_two_halves() -> None:
    found = {interval: a_year(terms("2.50", interval)) for interval in INTERVALS}
    assert found == {
        "once": None,
        "monthly": Decimal(30),
        "quarterly": Decimal(10),
        "halfYearly": Decimal(5),
        "yearly": Decimal("2.50"),
    }


def test_without_an_amount_or_a_known_interval_there_is_no_year() -> None:
    assert a_year(terms(None)) is None
    assert a_year(terms("5", None)) is None
    assert a_year(terms("5", "fortnightly")) is None


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        (terms("10"), terms("10.00"), Move.SAME),
        (terms("10"), terms("9.99"), Move.LOWER),
        (terms("10"), terms("10.01"), Move.HIGHER),
        (terms("10", "once"), terms("5", "once"), Move.LOWER),
        (terms("10", "fortnightly"), terms("5", "fortnightly"), Move.LOWER),
        (terms(None), terms(None), Move.SAME),
        (terms(None), terms("5"), Move.OTHER),
        (terms("5"), terms(None), Move.OTHER),
        # Another interval: less a year, as much, more, and not to be compared.
        (terms("10"), terms("100", "yearly"), Move.LOWER),
        (terms("10"), terms("30", "quarterly"), Move.OTHER),
        (terms("10"), terms("50", "quarterly"), Move.OTHER),
        (terms("100", "yearly"), terms("8"), Move.LOWER),
        (terms("10"), terms("10", "once"), Move.OTHER),
        (terms("10", "fortnightly"), terms("1"), Move.OTHER),
        (terms("10"), terms(None, "yearly"), Move.OTHER),
    ],
)
def test_which_way_a_pledge_went(before: Terms, after: Terms, way: Move) -> None:
    assert move(before, after) == way


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({}, None),
        ({"status": "active"}, None),
        ({"status": "dropped"}, WhyNot.ENDED),
        ({"status": "cancelled"}, WhyNot.ENDED),
        ({"status": "fulfilled"}, WhyNot.ENDED),
        ({"status": "paused"}, WhyNot.UNKNOWN_STATUS),
        ({"status": None}, WhyNot.UNKNOWN_STATUS),
        ({"gone_at": now()}, WhyNot.GONE),
        ({"fetched_at": None}, WhyNot.NOT_HERE_YET),
        ({"external_source_name": "backstage"}, WhyNot.ELSEWHERE),
        ({"external_source_identifier": "12"}, WhyNot.ELSEWHERE),
    ],
)
def test_why_a_pledge_cannot_be_changed(columns: dict[str, Any], why: WhyNot | None) -> None:
    pledge: Pledge = PledgeFactory.build(person=None, **columns)
    assert why_not_changeable(pledge) == why


def test_a_call_without_a_pledge_changes_none() -> None:
    assert why_not_changeable(None) == WhyNot.NO_PLEDGE


def test_elsewhere_only_amount_interval_and_end_are_not_ours() -> None:
    pledge: Pledge = PledgeFactory.build(person=None, external_source_name="backstage")
    allowed = {"starts_at", "recruiter_uuid", "recruiting_location_label", "external_metadata"}
    assert why_not_changeable(pledge, fields=allowed) is None
    for column in ("donation_amount", "donation_interval", "ends_at"):
        assert why_not_changeable(pledge, fields={"starts_at", column}) == WhyNot.ELSEWHERE


def test_every_reason_is_a_sentence() -> None:
    for why in WhyNot:
        assert in_words(why).endswith(".")
