"""Alphacomm's one address, POST /v1: token, request, fault, execution, answer."""

from typing import Any, Final

from graphql import ExecutionResult, GraphQLError

from integrations.sandbox import names
from integrations.sandbox.alphacomm import execution, spoiling
from integrations.sandbox.alphacomm.execution import Turn
from integrations.sandbox.alphacomm.schema import Asked, Invalid, read
from integrations.sandbox.faults import Fault, Faults, spoil_reply
from integrations.sandbox.journal import Entry
from integrations.sandbox.replies import Reply, decode, json_reply
from integrations.sandbox.world import World

PATH: Final = "/v1"


class Endpoint:
    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults

    def answer(self, method: str, token: str, body: bytes, entry: Entry) -> Reply:
        """One request; its entry in the journal learns what it was."""
        if method != "POST":
            reply = _problems(405, GraphQLError("Only POST is answered here."))
            reply.headers["Allow"] = "POST"
            return reply
        if token != names.TOKEN:
            return _problems(401, GraphQLError("X-AUTH-TOKEN holds no key of yours."))
        try:
            asked = read(_decoded(body))
        except Invalid as invalid:
            status = self.world.alphacomm.switches.invalid_request_status
            return _problems(status, *invalid.problems)
        operation, given = asked.does[0] if asked.does else ("schema", {})
        entry["operation"], entry["uuid"] = operation, _what_is_meant(given)
        fault = self.faults.pick(operation, entry["uuid"])
        if fault is None:
            return self._reply(self._run(asked, entry))
        entry["fault"] = fault.kind
        return self._run_with_fault(asked, entry, fault)

    def _run_with_fault(self, asked: Asked, entry: Entry, fault: Fault) -> Reply:
        if fault.kind == "reset_before":
            return Reply(0, ending="reset")
        if fault.kind == "late_effect" and asked.is_write:
            return self._late_effect(asked, entry, fault)
        if fault.kind in {"status", "graphql_errors"}:
            return self._refusal(asked, entry, fault)
        is_idle = fault.without_effect or fault.kind == "unchanged"
        lag = fault.seconds if fault.kind == "read_lag" else 0
        result = self._run(asked, entry, lag=lag, is_idle=is_idle)
        if result.data is not None:
            result.data = spoiling.spoil(result.data, fault)
        return spoil_reply(self._reply(result), fault)

    def _refusal(self, asked: Asked, entry: Entry, fault: Fault) -> Reply:
        switches = self.world.switches
        comes_after = fault.after_effect or (
            fault.status == 429 and not switches.too_many_requests_before_effect
        )
        data = self._run(asked, entry).data if comes_after else None
        if fault.kind == "graphql_errors":
            answer: dict[str, Any] = {"errors": [{"message": "Something went wrong."}]}
            if fault.data != "absent":
                answer["data"] = data if fault.data == "kept" else None
            return json_reply(fault.status or 200, answer)
        reply = _problems(fault.status or 500, GraphQLError("Something went wrong."))
        if fault.retry_after is not None:
            reply.headers["Retry-After"] = f"{fault.retry_after:g}"
        return reply

    def _late_effect(self, asked: Asked, entry: Entry, fault: Fault) -> Reply:
        def happen(at: str) -> None:
            if execution.run(Turn(self.world, entry["number"], at), asked).errors:
                entry["fault"] = "late_effect, refused"

        self.world.plan(fault.seconds, happen)
        status = 504 if fault.status is None else fault.status
        if status == 0:
            return Reply(0, ending="reset")
        return _problems(status, GraphQLError("Something went wrong."))

    def _run(
        self, asked: Asked, entry: Entry, *, lag: float = 0, is_idle: bool = False
    ) -> ExecutionResult:
        turn = Turn(self.world, entry["number"], self.world.now(), lag=lag, is_idle=is_idle)
        return execution.run(turn, asked)

    def _reply(self, result: ExecutionResult) -> Reply:
        if not result.errors:
            return json_reply(200, {"data": result.data})
        answer: dict[str, Any] = {"errors": [one.formatted for one in result.errors]}
        form = self.world.alphacomm.switches.refused_data
        if form != "absent":
            answer["data"] = result.data if form == "partial" else None
        return json_reply(200, answer)


def _decoded(body: bytes) -> Any:
    try:
        return decode(body)
    except ValueError as problem:
        raise Invalid(GraphQLError("The body is not JSON.")) from problem


def _problems(status: int, *problems: GraphQLError) -> Reply:
    return json_reply(status, {"errors": [one.formatted for one in problems]})


def _what_is_meant(given: dict[str, Any]) -> str | None:
    """What a fault can name a request by: its reference, or the id or attribute it searches."""
    filters = given.get("filters") or {}
    candidates = (
        (filters.get("id") or {}).get("equalTo"),
        (filters.get("name") or {}).get("equalTo"),
        *(one.get("equalTo") for one in filters.get("attributes") or []),
        (given.get("payLink") or {}).get("invoiceReference"),
        (given.get("mandate") or {}).get("debtorReference"),
        *(one["reference"] for one in given.get("rows") or []),
        given.get("reference"),
    )
    return next((one for one in candidates if one is not None), None)
