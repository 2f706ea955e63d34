"""Records as the API document allows them: drawn by hypothesis, and held against its schemas."""

import datetime as dt
import json
import string
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

import integrations.sandbox

DOCUMENT: dict[str, Any] = json.loads(
    (Path(integrations.sandbox.__file__).parent / "tapraise.openapi.json").read_text("utf-8")
)
DEEPEST = 3

_TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
) | st.text(string.ascii_letters, max_size=8)
_TIMES = st.datetimes(
    dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)
).map(lambda at: at.isoformat().replace("+00:00", "Z"))
_DATES = st.dates(dt.date(1900, 1, 1)).map(dt.date.isoformat)
_NUMBERS = st.integers(0, 5000) | st.decimals(0, 5000, places=2).map(float)
# Numbers that we keep as whole ones; the document calls every number a number.
_WHOLE = {"attemptsCount", "preferredPaymentDay"}
_WHOLE_NUMBERS = st.integers(0, 28) | st.integers(0, 28).map(float)


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    """Hold a value against a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = OAS31Validator(whole, format_checker=OAS31Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def record(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a record of a named schema."""
    return _drawn(f"#/components/schemas/{name}", 0)


@cache
def _drawn(reference: str, depth: int) -> st.SearchStrategy[Any]:
    return _any_of(DOCUMENT["components"]["schemas"][reference.rsplit("/", 1)[1]], "", depth)


def _any_of(schema: dict[str, Any], name: str, depth: int) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return st.deferred(lambda: _drawn(schema["$ref"], depth + 1))
    if "anyOf" in schema:
        options = [one for one in schema["anyOf"] if depth < DEEPEST or "$ref" not in one]
        return st.one_of([_any_of(option, name, depth) for option in options])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_of_kind(kind, schema, name, depth) for kind in kinds])


def _of_kind(kind: str, schema: dict[str, Any], name: str, depth: int) -> st.SearchStrategy[Any]:
    if kind == "null":
        return st.none()
    if kind == "boolean":
        return st.booleans()
    if kind == "number":
        return _WHOLE_NUMBERS if name in _WHOLE else _NUMBERS
    if kind == "array":
        if depth >= DEEPEST:
            return st.just([])
        return st.lists(_any_of(schema["items"], "", depth), max_size=2)
    if kind == "object":
        return _object(schema, depth)
    if name == "dateOfBirth":
        return _DATES
    formats = {"uuid": st.uuids().map(str), "date-time": _TIMES}
    return formats.get(schema.get("format", ""), _TEXTS)


def _object(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    properties = schema.get("properties")
    if properties is None:
        return st.dictionaries(_TEXTS, _TEXTS | _NUMBERS | st.none(), max_size=2)
    required = set(schema.get("required", ()))
    drawn = {name: _any_of(inner, name, depth) for name, inner in properties.items()}
    return st.fixed_dictionaries(
        {name: one for name, one in drawn.items() if name in required},
        optional={name: one for name, one in drawn.items() if name not in required},
    )
