"""Executes a request that was held against the schema: which field does what to the world."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, GraphQLObjectType, GraphQLResolveInfo, execute_sync

from integrations.sandbox.alphacomm import donor, imports, links, mandates, showing
from integrations.sandbox.alphacomm.holdings import Holdings, Kind
from integrations.sandbox.alphacomm.schema import SCHEMA, Asked
from integrations.sandbox.paging import Record
from integrations.sandbox.world import World

Given = dict[str, Any]


@dataclass
class Turn:
    """One request in execution."""

    world: World
    # The number of the request in the journal.
    request: int
    at: str
    lag: float = 0
    # Under a fault that holds back the effect: the answer comes, and nothing happens.
    is_idle: bool = False


def run(turn: Turn, asked: Asked) -> ExecutionResult:
    """The answer, with every effect of the request applied and journalled."""
    return execute_sync(
        SCHEMA,
        asked.document,
        context_value=turn,
        variable_values=asked.variables,
        operation_name=asked.operation_name,
    )


def _resolve(type_name: str, field: str, resolver: Callable[..., Any]) -> None:
    type_ = SCHEMA.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)  # noqa: S101  (for the type checker)
    type_.fields[field].resolve = resolver


def _read(type_name: str, field: str, kind: Kind, show: Callable[[Holdings, Record], Any]) -> None:
    def resolve(_: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Record:
        turn: Turn = info.context
        world = turn.world
        records = world.alphacomm.seen(kind, world.clock.now(), turn.lag)
        return showing.list_page(world.alphacomm, records, given, show)

    _resolve(type_name, field, resolve)


def _write(
    type_name: str,
    field: str,
    name: Callable[[Given], str],
    effect: Callable[[World, Given, str], Record],
    show: Callable[[Holdings, Record], Any],
    idle: Any = None,
) -> None:
    """A field that changes the world; `idle` is its answer when nothing happened."""

    def resolve(_: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Any:
        turn: Turn = info.context
        if turn.is_idle:
            return idle
        world = turn.world
        record = effect(world, given, turn.at)
        world.journal.note_effect(name(given), record["id"], given, turn.at, turn.request)
        return show(world.alphacomm, record)

    _resolve(type_name, field, resolve)


def _create_pay_link(world: World, given: Given, at: str) -> Record:
    link = links.create_pay_link(world, given, at)
    if world.alphacomm.webhooks.early:
        donor.visit(world, link, at, is_early=True)
    return link


for _root in ("Query", "Mutation"):
    for _service in ("payLink", "mandate", "import", "voice"):
        if (_root, _service) != ("Query", "voice"):
            _resolve(_root, _service, lambda *_: {})

_read("PayLinkQuery", "payLinks", "links", showing.show_link)
_read("MandateQuery", "mandates", "mandates", showing.show_mandate)
_read("ImportQuery", "batches", "batches", showing.show_batch)
_write(
    "PayLinkMutation",
    "create",
    lambda _: "create-pay-link",
    _create_pay_link,
    showing.show_link,
)
_write(
    "MandateMutation",
    "create",
    lambda _: "create-mandate",
    mandates.create_mandate,
    showing.show_mandate,
)
_write(
    "ImportMutation",
    "addRecords",
    lambda given: "add-rows" if given.get("file") is None else "add-file",
    imports.add_records,
    showing.show_new_batch,
)
_write(
    "VoiceMutation",
    "stopCalling",
    lambda _: "stop-calling",
    imports.stop_calling,
    lambda *_: "done",
    idle="done",
)
