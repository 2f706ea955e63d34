"""What leaves for Alphacomm: what its API would refuse stays here."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import UNSET, structs

from integrations.alphacomm import rules, wire
from integrations.alphacomm.client import Alphacomm
from integrations.http import NotSendable, Token
from tests.integrations.misbehaving import misbehaving
from tests.integrations.test_alphacomm_client import AT, MANDATE, PAY_LINK, ROW, SECOND

NAIVE = dt.datetime(2026, 11, 2, 9, 30)


def _stays_here(ask: Callable[[Alphacomm], object]) -> None:
    with misbehaving() as server:
        account = Alphacomm(server.url, Token("t"))
        with pytest.raises(NotSendable, match=r"^[A-Z].*\.$"):
            ask(account)
        assert server.connections == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"invoice_amount": 0},
        {"invoice_amount": -1},
        {"invoice_amount": 2**31},
        {"invoice_amount": True},
        {"invoice_amount": 10.0},
        {"invoice_amount": "1000"},
        {"person_name": " "},
        {"person_name": "W\0"},
        {"person_name": "\ud800"},
        {"invoice_description": ""},
        {"invoice_reference": ""},
        {"invoice_currency": "euro"},
        {"invoice_currency": ""},
        {"invoice_date": NAIVE},
        {"invoice_date": AT.date()},
        {"visible_until": NAIVE},
        {"visible_until": AT},
        {"visible_until": AT - SECOND},
        {"visible_until": dt.datetime.max.replace(tzinfo=dt.UTC)},
        {"attributes": (wire.AttributeInput(id="", value="a"),)},
        {"attributes": (wire.AttributeInput(id="op", value=""),)},
    ],
)
def test_a_link_that_would_be_refused_is_not_sent(changes: dict[str, Any]) -> None:
    link = structs.replace(PAY_LINK, **changes)
    _stays_here(lambda account: account.create_pay_link(pay_link=link))


@pytest.mark.parametrize("field", structs.fields(wire.MandateInput), ids=lambda it: it.name)
def test_a_mandate_without_one_of_its_texts_is_not_sent(field: structs.FieldInfo) -> None:
    mandate = structs.replace(MANDATE, **{field.name: " "})
    _stays_here(lambda account: account.create_mandate(mandate=mandate))


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": ""},
        {"script": " "},
        {"person_family_name": ""},
        {"to_mail_address": ""},
        {"to_phone_numbers": ()},
        {"to_phone_numbers": ("0612345678",)},
        {"to_phone_numbers": ("+31612345678", "+31 6 12345678")},
        {"invoice_amount": 0},
        {"invoice_amount": True},
        {"invoice_currency": "€"},
        {"invoice_due_date": ROW.invoice_date - dt.timedelta(days=1)},  # type: ignore[operator]
        {"invoice_date": AT},
        {"person_birth_day": AT},
    ],
)
def test_a_row_that_would_be_refused_keeps_its_neighbours_here(changes: dict[str, Any]) -> None:
    rows = [ROW, structs.replace(ROW, **{"reference": "m-2", **changes})]
    _stays_here(lambda account: account.add_rows(rows=rows))


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [ROW, ROW],
        [structs.replace(ROW, reference=f"m-{number}") for number in range(rules.MOST_ROWS + 1)],
    ],
    ids=["none", "one twice", "too many"],
)
def test_rows_go_out_by_numbers_that_can_be_told_apart(rows: list[wire.RowInput]) -> None:
    _stays_here(lambda account: account.add_rows(rows=rows))


@pytest.mark.parametrize(
    ("contents", "extension"),
    [(b"", "csv"), (b"x", ""), (b"x", ".csv"), (b"x", "CSV"), (b"x" * (10 * 2**20 + 1), "csv")],
    ids=["empty", "no extension", "with its dot", "in capitals", "too large"],
)
def test_a_file_that_would_be_refused_is_not_sent(contents: bytes, extension: str) -> None:
    _stays_here(lambda account: account.add_file(contents=contents, extension=extension))


@pytest.mark.parametrize("script_id", [0, -1, True, 2**31, "", "18301a", "1.5", "+1", "१", " 1"])
def test_calls_are_stopped_for_a_script_with_a_number(script_id: int | str) -> None:
    _stays_here(lambda account: account.stop_calling(script_id=script_id, reference="m-1"))


def test_calls_are_not_stopped_for_nobody() -> None:
    _stays_here(lambda account: account.stop_calling(script_id=18301, reference=" "))


@pytest.mark.parametrize(
    "asked",
    [
        {"created_from": NAIVE},
        {"created_until": NAIVE},
        {"created_from": AT, "created_until": AT},
        {"created_from": AT, "created_until": AT - SECOND},
        {"status": ""},
        {"page_size": 0},
    ],
)
def test_a_question_without_sense_is_not_asked(asked: dict[str, Any]) -> None:
    """At once, and not with the first page."""
    _stays_here(lambda account: account.pay_links(**asked))
    _stays_here(lambda account: account.mandates(**asked))


def test_a_question_about_nothing_is_not_asked() -> None:
    _stays_here(lambda account: account.pay_links(attribute=("reference", "")))
    _stays_here(lambda account: account.pay_links(attribute=("", "m-1")))
    _stays_here(lambda account: account.pay_link(id=""))
    _stays_here(lambda account: account.mandate(id=" "))
    _stays_here(lambda account: account.batch(name=""))


def test_what_is_not_set_is_not_checked() -> None:
    rules.check_rows([wire.RowInput(reference="m-1", script="1001")])
    rules.check_pay_link(structs.replace(PAY_LINK, visible_until=UNSET, attributes=()))
