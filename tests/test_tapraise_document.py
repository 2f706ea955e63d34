"""docs/tapraise.md is in step with the code: what it names is there, and nothing is left out."""

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

import pytest
from django.urls import get_resolver

from calls.sync import call_row
from integrations.sandbox import contract, faults
from integrations.sandbox.switches import Switches
from integrations.tapraise.client import TapRaise
from pledges.sync import organization_row, person_row, pledge_row, quality_row, transaction_row
from tests.documents import (
    chapters,
    columns,
    names,
    rows,
    sections,
    unknown_columns,
    unknown_tests,
    without_a_check,
    without_a_reason,
)

SCREENS: Final = {
    "desk": "desk",
    "start page": "start",
    "person page": "person",
    "pledge page": "pledge",
    "search": "search",
    "request-a-call form": "create_call",
    "new-pledge form": "create_pledge",
}


CHAPTERS: Final = chapters("tapraise.md")
RULES: Final = CHAPTERS["Rules, and the tests that show them"]
FIELDS: Final = sections(CHAPTERS["Every field"])
SILENT: Final = rows(CHAPTERS["Where the documents are silent or disagree"])
SCHEMAS: Final[dict[str, Any]] = contract.DOCUMENT["components"]["schemas"]


# ── Rules ─────────────────────────────────────────────────────────────────────────────────────────


def test_every_test_that_it_names_exists() -> None:
    named = [test for row in rows(RULES) for test in names(row[1])]
    assert len(named) > 100
    assert unknown_tests(named) == []


def test_every_rule_has_a_test() -> None:
    assert [row[0] for row in rows(RULES) if not names(row[1])] == []


def test_every_operation_of_the_document_has_its_rules() -> None:
    documented = {
        f"`{method.upper()} {path}`"
        for path, methods in contract.DOCUMENT["paths"].items()
        for method in methods
    }
    found = sections(RULES)
    assert set(found) == documented | {"All operations"}
    assert [title for title, text in found.items() if len(rows(text)) < 2] == []


def test_every_method_of_the_client_is_named_with_its_operation() -> None:
    ours = {
        name
        for name, member in inspect.getmembers(TapRaise, inspect.isfunction)
        if not name.startswith("_") and name != "close"
    }
    named = {
        name
        for text in sections(RULES).values()
        for line in text.splitlines()
        if line.startswith("Client:")
        for name in names(line)
    }
    assert named == ours


# ── Fields ────────────────────────────────────────────────────────────────────────────────────────


def test_every_schema_has_a_table() -> None:
    assert list(FIELDS) == [f"`{name}`" for name in SCHEMAS]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_field_has_a_line(schema: str) -> None:
    told = [name for row in rows(FIELDS[f"`{schema}`"]) for name in names(row[0])]
    assert told == list(SCHEMAS[schema]["properties"])


def test_every_column_that_it_names_exists() -> None:
    named = columns(FIELDS.values())
    assert len(named) > 100
    assert unknown_columns(named) == []


def test_every_column_that_tapraise_fills_is_named() -> None:
    named = set(names(CHAPTERS["Every field"]))
    rows_of: dict[str, Callable[..., Any]] = {
        "Call": call_row,
        "Person": person_row,
        "Pledge": pledge_row,
        "Transaction": transaction_row,
        "QualityResult": quality_row,
        "Organization": organization_row,
    }
    filled = [
        f"{model}.{column}"
        for model, function in rows_of.items()
        for column in re.findall(r'^        "(\w+)": ', inspect.getsource(function), re.M)
    ]
    assert len(filled) > 70
    assert [one for one in filled if not named & {one, one.removesuffix("_id")}] == []


def test_what_is_not_kept_says_why() -> None:
    assert without_a_reason(FIELDS.values()) == []


def test_the_screens_that_it_names_have_an_address() -> None:
    known = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert set(SCREENS.values()) <= known
    text = CHAPTERS["Every field"]
    assert [screen for screen in SCREENS if screen not in text] == []


# ── Silent points ─────────────────────────────────────────────────────────────────────────────────


def test_every_switch_of_the_sandbox_stands_there_and_the_other_way_round() -> None:
    told = [name for row in SILENT for name in names(row[2]) if not row[2].startswith("fault")]
    assert sorted(told) == sorted(field.name for field in fields(Switches))


def test_the_faults_that_it_names_exist() -> None:
    told = {name for row in SILENT if row[2].startswith("fault") for name in names(row[2])}
    assert told == {"late_effect", "read_lag"}
    assert told <= set(faults.KINDS)


def test_every_silent_point_has_an_assumption_and_a_check() -> None:
    assert without_a_check(SILENT) == []
