"""What the OpenAPI document asks of a request, compiled once into plain functions.

Only the keywords that the document uses are known; another keyword stops the import, so that a
new version of the document cannot be half understood.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from integrations.sandbox.clock import parse

DOCUMENT: dict[str, Any] = json.loads(
    Path(__file__).with_name("tapraise.openapi.json").read_text(encoding="utf-8")
)

# Says what is wrong with a value that stands at a path: an empty list when nothing is.
Check = Callable[[Any, str], list[str]]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_WHOLE_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_KEYWORDS = {"type", "properties", "required", "items", "enum", "format", "anyOf", "$ref"}
_NOTES = {"default", "deprecated"}


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def is_date_time(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


_FORMATS: dict[str, Callable[[str], bool]] = {"uuid": is_uuid, "date-time": is_date_time}


def compile_schema(schema: dict[str, Any]) -> Check:
    """A function that tells what a value breaks in this schema, in the words of an error body."""
    unknown = schema.keys() - _KEYWORDS - _NOTES
    if unknown:
        raise ValueError(f"The sandbox does not know these schema keywords: {sorted(unknown)}")
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return compile_schema(DOCUMENT["components"]["schemas"][name])
    if "anyOf" in schema:
        return _any_of([compile_schema(choice) for choice in schema["anyOf"]])

    checks = []
    if "type" in schema:
        checks.append(_type(schema["type"]))
    if "enum" in schema:
        checks.append(_enum(schema["enum"]))
    if "format" in schema:
        checks.append(_format(schema["format"]))
    if "properties" in schema:
        checks.append(_object(schema["properties"], schema.get("required", [])))
    if "items" in schema:
        checks.append(_items(compile_schema(schema["items"])))

    def check(value: Any, path: str) -> list[str]:
        for one in checks:
            problems = one(value, path)
            if problems:
                return problems
        return []

    return check


def _any_of(choices: list[Check]) -> Check:
    def check(value: Any, path: str) -> list[str]:
        problems: list[str] = []
        for choice in choices:
            problems = choice(value, path)
            if not problems:
                return []
            # Of "an object or null", the object's own problem is the one worth telling.
            if value is not None:
                return problems
        return problems

    return check


def _type(names: str | list[str]) -> Check:
    wanted = [names] if isinstance(names, str) else names
    python_types = tuple(one for name in wanted for one in _PYTHON_TYPES[name])

    def check(value: Any, path: str) -> list[str]:
        # In Python a bool is an int; in JSON it is no number.
        if isinstance(value, bool) and "boolean" not in wanted:
            return [f"{path} must be {' or '.join(wanted)}"]
        return [] if isinstance(value, python_types) else [f"{path} must be {' or '.join(wanted)}"]

    return check


def _enum(values: list[Any]) -> Check:
    names = ", ".join(str(value) for value in values if value is not None)

    def check(value: Any, path: str) -> list[str]:
        return [] if value in values else [f"{path} must be one of: {names}"]

    return check


def _format(name: str) -> Check:
    is_well_formed = _FORMATS[name]

    def check(value: Any, path: str) -> list[str]:
        if isinstance(value, str) and not is_well_formed(value):
            return [f"{path} must be a {name}"]
        return []

    return check


def _object(properties: dict[str, Any], required: list[str]) -> Check:
    inner = {name: compile_schema(schema) for name, schema in properties.items()}

    def check(value: Any, path: str) -> list[str]:
        if not isinstance(value, dict):
            return []
        problems = [f"{_join(path, name)} is missing" for name in required if name not in value]
        for name, one in inner.items():
            if name in value:
                problems += one(value[name], _join(path, name))
        return problems

    return check


def _items(one: Check) -> Check:
    def check(value: Any, path: str) -> list[str]:
        if not isinstance(value, list):
            return []
        return [
            problem
            for position, item in enumerate(value)
            for problem in one(item, f"{path}[{position}]")
        ]

    return check


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def extra_fields(schema: dict[str, Any], value: Any, path: str = "") -> list[str]:
    """Paths of the fields in `value` that the schema does not name, at any depth."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return extra_fields(DOCUMENT["components"]["schemas"][name], value, path)
    if "anyOf" in schema and value is not None:
        return extra_fields(schema["anyOf"][0], value, path)
    if "items" in schema and isinstance(value, list):
        return [
            found
            for position, item in enumerate(value)
            for found in extra_fields(schema["items"], item, f"{path}[{position}]")
        ]
    if "properties" not in schema or not isinstance(value, dict):
        return []
    found = [_join(path, name) for name in value if name not in schema["properties"]]
    for name, inner in schema["properties"].items():
        if name in value:
            found += extra_fields(inner, value[name], _join(path, name))
    return found


def without_odd_nulls(schema: dict[str, Any], value: Any) -> Any:
    """The value without the fields that are null where the schema has no null, at any depth."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return without_odd_nulls(DOCUMENT["components"]["schemas"][name], value)
    if "anyOf" in schema and value is not None:
        return without_odd_nulls(schema["anyOf"][0], value)
    if "items" in schema and isinstance(value, list):
        return [without_odd_nulls(schema["items"], item) for item in value]
    if "properties" not in schema or not isinstance(value, dict):
        return value
    known = schema["properties"]
    return {
        name: without_odd_nulls(known[name], item) if name in known else item
        for name, item in value.items()
        if item is not None or name not in known or not compile_schema(known[name])(None, name)
    }


class Parameter(NamedTuple):
    schema: dict[str, Any]
    check: Check

    @property
    def is_list(self) -> bool:
        return self.schema.get("type") == "array"


class Operation(NamedTuple):
    """One operation of the document: its query parameters, and its body if it has one."""

    parameters: Mapping[str, Parameter]
    body_schema: dict[str, Any] | None
    check_body: Check | None


def operation(method: str, path: str) -> Operation:
    """The operation at a path of the document, such as PUT /api/v1/calls/{uuid}/actions/expire."""
    described = DOCUMENT["paths"][path][method.lower()]
    parameters = {
        parameter["name"]: Parameter(parameter["schema"], compile_schema(parameter["schema"]))
        for parameter in described.get("parameters", [])
        if parameter["in"] == "query"
    }
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = body.get("schema")
    return Operation(parameters, schema, compile_schema(schema) if schema else None)


def from_text(text: str, schema: dict[str, Any]) -> Any:
    """A query value in the type that its schema asks; the text itself when it cannot be."""
    wanted = schema.get("type")
    if wanted == "number" and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if wanted == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text
