"""The schema of Alphacomm's API, and a request held strictly against it.

What is asked is judged before anything is executed, in the three steps of the specification:
the text is parsed, the document validated, the variables coerced.
"""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLScalarType,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    parse,
    validate,
    visit,
)
from graphql.execution import get_argument_values
from graphql.execution.values import VariableValues, get_variable_values

from integrations.sandbox.clock import canonical

SDL: Final = Path(__file__).parent.with_name("alphacomm.graphql").read_text(encoding="utf-8")
SCHEMA: Final = build_schema(SDL)

# The operations by the names that faults and journal know them by.
_NAMES: Final = {
    ("PayLinkQuery", "payLinks"): "pay-links",
    ("PayLinkMutation", "create"): "create-pay-link",
    ("MandateQuery", "mandates"): "mandates",
    ("MandateMutation", "create"): "create-mandate",
    ("ImportQuery", "batches"): "batches",
    ("ImportMutation", "addRecords"): "add-rows",
    ("VoiceMutation", "stopCalling"): "stop-calling",
    ("Query", "__schema"): "schema",
    ("Query", "__type"): "schema",
}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _date_time(value: Any) -> str:
    """A time stays as it was written: the journal shows what was asked."""
    try:
        canonical(value)
    except (TypeError, ValueError):
        raise GraphQLError("DateTime is a text as RFC 3339 has it.") from None
    return str(value)


def _date(value: Any) -> str:
    problem = GraphQLError("Date is a text such as 2019-04-04.")
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise problem
    try:
        date.fromisoformat(value)
    except ValueError:
        raise problem from None
    return value


for _name, _parse in {"DateTime": _date_time, "Date": _date}.items():
    _scalar = SCHEMA.type_map[_name]
    assert isinstance(_scalar, GraphQLScalarType)  # noqa: S101  (for the type checker)
    _scalar.coerce_input_value = _parse


class Asked(NamedTuple):
    """A request that may be executed."""

    document: DocumentNode
    variables: dict[str, Any]
    operation_name: str | None
    # What it does, in the order of the text, each with its arguments.
    does: list[tuple[str, dict[str, Any]]]
    is_write: bool


class Invalid(Exception):
    """The request may not be executed; `problems` say why."""

    def __init__(self, *problems: GraphQLError) -> None:
        super().__init__(*problems)
        self.problems = problems


def read(body: Any) -> Asked:
    """Hold the body of a request against the schema."""
    query, variables, name = _parts(body)
    try:
        document = parse(query)
    except GraphQLError as problem:
        raise Invalid(problem) from problem
    problems = validate(SCHEMA, document)
    if problems:
        raise Invalid(*problems)
    operation = _operation(document, name)
    coerced = get_variable_values(SCHEMA, operation.variable_definitions or (), variables)
    if isinstance(coerced, list):
        raise Invalid(*coerced)
    does = _what_it_does(document, operation, coerced)
    return Asked(document, variables, name, does, operation.operation.value == "mutation")


def _parts(body: Any) -> tuple[str, dict[str, Any], str | None]:
    if not isinstance(body, Mapping) or not isinstance(body.get("query"), str):
        raise Invalid(GraphQLError("The body is a JSON object with a query."))
    variables, name = body.get("variables") or {}, body.get("operationName")
    if not isinstance(variables, dict):
        raise Invalid(GraphQLError("Variables are a JSON object."))
    if name is not None and not isinstance(name, str):
        raise Invalid(GraphQLError("operationName is a text."))
    return body["query"], variables, name


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    found = [
        one
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode)
        and (name is None or (one.name is not None and one.name.value == name))
    ]
    if len(found) != 1:
        raise Invalid(GraphQLError("It is not clear which operation is asked."))
    return found[0]


def _what_it_does(
    document: DocumentNode, operation: OperationDefinitionNode, variables: VariableValues
) -> list[tuple[str, dict[str, Any]]]:
    """Every operation of ours in the document, wherever fragments have put it."""
    finder = _Finder(TypeInfo(SCHEMA), operation, variables)
    visit(document, TypeInfoVisitor(finder.types, finder))
    return finder.found


class _Finder(Visitor):
    def __init__(
        self, types: TypeInfo, operation: OperationDefinitionNode, variables: VariableValues
    ) -> None:
        super().__init__()
        self.types = types
        self._operation = operation
        self._variables = variables
        self.found: list[tuple[str, dict[str, Any]]] = []

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> Any:
        return None if node is self._operation else self.SKIP

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, definition = self.types.get_parent_type(), self.types.get_field_def()
        if parent is None or definition is None:
            return
        name = _NAMES.get((get_named_type(parent).name, node.name.value))
        if name is None:
            return
        given = get_argument_values(definition, node, self._variables)
        is_file = name == "add-rows" and given.get("file") is not None
        self.found.append(("add-file" if is_file else name, given))
