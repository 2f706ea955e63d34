"""docs/alphacomm.md is in step with the code: what it names is there, and nothing is left out."""

import inspect
import re
from dataclasses import fields
from typing import Any, Final

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    build_schema,
)

from integrations.alphacomm.client import Alphacomm
from integrations.sandbox.alphacomm.switches import AlphacommSwitches
from tests.documents import (
    ROOT,
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

SCHEMA: Final = build_schema(
    (ROOT / "integrations/sandbox/alphacomm.graphql").read_text(encoding="utf-8")
)
# Those that carry what we keep or send; the others only hold these together.
TYPES: Final = (
    "PayLink",
    "PayLinkInput",
    "Mandate",
    "MandateInput",
    "RowInput",
    "FileInput",
    "Batch",
    "Record",
)
# How the document calls what has a status, and the schema.
STATUSES: Final = {
    "PayLink": "PayLinkStatus",
    "e-Mandate": "MandateStatus",
    "batch": "BatchStatus",
    "record": "RecordStatus",
}


CHAPTERS: Final = chapters("alphacomm.md")
RULES: Final = CHAPTERS["Rules, and the tests that show them"]
FIELDS: Final = sections(CHAPTERS["Every field"])
SILENT: Final = rows(CHAPTERS["Where the document is silent or disagrees"])


def test_every_test_that_it_names_exists() -> None:
    named = [test for row in rows(RULES) for test in names(row[1])]
    assert len(named) > 80
    assert unknown_tests(named) == []


def test_every_rule_has_a_test() -> None:
    assert [row[0] for row in rows(RULES) if not names(row[1])] == []


def test_every_operation_has_its_rules_and_every_method_is_named_with_one() -> None:
    query, mutation = SCHEMA.type_map["Query"], SCHEMA.type_map["Mutation"]
    asked = {
        f"{service}.{operation}"
        for root in (query, mutation)
        for service, field in root.fields.items()  # type: ignore[attr-defined]
        for operation in field.type.fields
    }
    told = {names(title)[0] for title in sections(RULES) if names(title)}
    assert told == asked
    ours = {
        name
        for name, member in inspect.getmembers(Alphacomm, inspect.isfunction)
        if not name.startswith("_") and name != "close"
    }
    lines = [line for line in RULES.splitlines() if line.startswith("Client:")]
    assert {name for line in lines for name in names(line)} == ours


def test_every_type_has_a_table() -> None:
    assert list(FIELDS) == [*(f"`{name}`" for name in TYPES), "Webhooks"]
    left_out = {
        name
        for name, one in SCHEMA.type_map.items()
        if isinstance(one, GraphQLObjectType | GraphQLInputObjectType)
        and not name.startswith("__")
        and not re.search(r"(Query|Mutation|List|FilterInput|FiltersInput|OrderInput)$", name)
    } - set(TYPES)
    assert left_out == {"Attribute", "AttributeInput", "Message", "Pagination"}


@pytest.mark.parametrize("name", TYPES)
def test_every_field_has_a_line(name: str) -> None:
    known: Any = SCHEMA.type_map[name]
    told = [field for row in rows(FIELDS[f"`{name}`"]) for field in names(row[0])]
    assert told == list(known.fields)


def test_every_column_that_it_names_exists() -> None:
    named = columns(FIELDS.values())
    assert len(named) > 50
    assert unknown_columns(named) == []


def test_what_is_not_kept_says_why() -> None:
    assert without_a_reason(FIELDS.values()) == []


def test_every_status_has_a_line() -> None:
    told = [(row[0], names(row[1])[0]) for row in rows(CHAPTERS["Statuses"])]
    documented = []
    for name, enum in STATUSES.items():
        known = SCHEMA.type_map[enum]
        assert isinstance(known, GraphQLEnumType)
        documented += [(name, value) for value in known.values]
    assert told == documented


def test_every_switch_stands_there_once_with_an_assumption_and_a_check() -> None:
    told = [name for row in SILENT for name in names(row[2])]
    assert sorted(told) == sorted(field.name for field in fields(AlphacommSwitches))
    assert without_a_check(SILENT) == []
