"""The stand-ins for TapRaise and Alphacomm as one WSGI application.

A request goes through the same stages each time: noted in the journal, routed, its bearer checked,
a fault picked, its query and body held against the document, its effect applied, its answer spoilt
if a fault says so. Alphacomm's one address has the same stages, in a package of its own. `answer`
is the whole of it; the server and the mounted adapter call it themselves, because WSGI has no word
for a reset connection.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

from integrations.sandbox import contract, effects, names, pledge_effects, reads
from integrations.sandbox.alphacomm import endpoint, imports
from integrations.sandbox.alphacomm.donor_site import DonorSite
from integrations.sandbox.alphacomm.endpoint import Endpoint
from integrations.sandbox.alphacomm.postman import Postman
from integrations.sandbox.control import Control
from integrations.sandbox.faults import Fault, Faults, spoil, spoil_reply
from integrations.sandbox.journal import Entry
from integrations.sandbox.paging import Record
from integrations.sandbox.replies import (
    ControlRefusal,
    Refusal,
    Reply,
    decode,
    error_reply,
    json_reply,
)
from integrations.sandbox.troubles import Troubles
from integrations.sandbox.world import World

API: Final = "/api/v1/"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str = ""
    body: bytes = b""
    authorization: str = ""
    # X-AUTH-TOKEN, as Alphacomm has it.
    auth_token: str = ""


@dataclass(frozen=True)
class Read:
    """A reading operation, by the name that faults and journal know it by."""

    name: str
    contract: contract.Operation
    # What is seen (which lags under a fault), the uuid of the path, the query.
    run: Callable[[reads.View, str, dict[str, Any]], Record]
    status: int = 200


@dataclass(frozen=True)
class Write:
    """A writing operation, by the name that faults and journal know it by."""

    name: str
    contract: contract.Operation
    # The world, the uuid of the path, the body, the time of the effect.
    run: Callable[[World, str, dict[str, Any], str], Record]
    status: int = 200
    show: Callable[[reads.View, Record], Record] = reads.show_call
    # What the path says, in place of a body that the document does not describe.
    implied: dict[str, Any] = field(default_factory=dict)


Route = Read | Write


def _action(name: str, run: Callable[[World, str, dict[str, Any], str], Record]) -> Write:
    return Write(name, contract.operation("PUT", f"/api/v1/calls/{{uuid}}/actions/{name}"), run)


# By method and path, where {} stands for a uuid.
_ROUTES: Final[dict[tuple[str, str], Route]] = {
    ("GET", "calls"): Read(
        "calls",
        contract.operation("GET", "/api/v1/calls"),
        lambda seen, _, query: reads.list_calls(seen, query),
    ),
    ("POST", "calls"): Write(
        "create-call",
        contract.operation("POST", "/api/v1/calls"),
        lambda world, _, body, at: effects.create_call(world, body, at),
        status=201,
    ),
    ("PUT", "calls/{}/actions/add-attempt"): _action("add-attempt", effects.add_attempt),
    ("PUT", "calls/{}/actions/complete"): _action("complete", effects.complete),
    ("PUT", "calls/{}/actions/cancel"): _action("cancel", effects.cancel),
    ("PUT", "calls/{}/actions/expire"): _action("expire", effects.expire),
    ("GET", "pledges"): Read(
        "pledges",
        contract.operation("GET", "/api/v1/pledges"),
        lambda seen, _, query: reads.list_pledges(seen, query),
    ),
    ("GET", "pledges/{}"): Read(
        "pledge", contract.operation("GET", "/api/v1/pledges/{uuid}"), reads.get_pledge
    ),
    ("POST", "pledges"): Write(
        "create-pledge",
        contract.operation("POST", "/api/v1/pledges"),
        lambda world, _, body, at: pledge_effects.create_pledge(world, body, at),
        status=201,
        show=reads.show_pledge,
    ),
    ("PUT", "pledges/{}/actions/update"): Write(
        "update-pledge",
        contract.operation("PUT", "/api/v1/pledges/{uuid}/actions/update"),
        pledge_effects.update_pledge,
        show=reads.show_pledge,
    ),
}
_STATUS_ACTION: Final = "pledges/{}/actions/"
_STATUS_CONTRACT: Final = contract.operation(
    "PUT", "/api/v1/pledges/{uuid}/actions/{statusUpdateAction}"
)


class SandboxApp:
    """TapRaise under /api/v1/, Alphacomm at /v1, and orders under /__sandbox/."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults(world.clock)
        self.control = Control(world, self.faults)
        self.troubles = Troubles(world, self.faults)
        self.alphacomm = Endpoint(world, self.faults)
        self.donor = DonorSite(world)
        # Set by a server: mounted in a process, no webhook is sent.
        self.postman: Postman | None = None
        imports.resume(world)

    def answer(self, request: Request) -> Reply:
        """One request, answered; `delay` and `ending` of the reply are for the caller to play."""
        with self.world.lock:
            reply = self._answer(request)
        if self.postman is not None and request.path == endpoint.PATH:
            self.postman.wait_for_early()
        reply.headers.setdefault("Date", _http_date(self.world))
        return reply

    def _answer(self, request: Request) -> Reply:
        self.world.settle()
        page = self.donor.answer(request.method, request.path, request.query, request.body)
        if page is not None:
            return page
        if request.path.startswith("/__sandbox"):
            return self._answer_control(request)
        is_alphacomm = request.path == endpoint.PATH
        if not (is_alphacomm or request.path.startswith(API)):
            return error_reply(404)
        entry = self.world.journal.note_request(
            request.method, request.path, request.query, self.world.now()
        )
        if is_alphacomm:
            token = request.auth_token
            reply = self.alphacomm.answer(request.method, token, request.body, entry)
        else:
            reply = self._answer_tapraise(request, entry)
        entry["status"] = None if reply.ending == "reset" else reply.status
        return reply

    def _answer_tapraise(self, request: Request, entry: Entry) -> Reply:
        try:
            return self._answer_api(request, entry)
        except Refusal as refusal:
            form = self.world.switches.error_body
            reply = error_reply(refusal.status, refusal.problems, form)
            reply.headers.update(refusal.headers)
            return reply

    def _answer_control(self, request: Request) -> Reply:
        try:
            page = self.troubles.answer(request.method, request.path, request.body)
            if page is not None:
                return page
            body = decode(request.body) if request.body else None
            return self.control.answer(request.method, request.path, request.query, body)
        except (ControlRefusal, TypeError, ValueError) as refusal:
            return json_reply(400, {"problem": str(refusal)})

    def _answer_api(self, request: Request, entry: Entry) -> Reply:
        pattern, uuid = _pattern_of(request.path)
        route = _route(request.method, pattern)
        entry["operation"], entry["uuid"] = route.name, uuid or None
        if request.authorization != f"Bearer {names.TOKEN}":
            raise Refusal(401)
        if uuid and not contract.is_uuid(uuid):
            raise Refusal(400, "uuid must be a uuid")

        fault = self.faults.pick(route.name, uuid or None)
        if fault is None:
            return json_reply(route.status, self._run(route, request, uuid, entry, 0))
        entry["fault"] = fault.kind
        return self._run_with_fault(route, request, uuid, entry, fault)

    def _run_with_fault(
        self, route: Route, request: Request, uuid: str, entry: Entry, fault: Fault
    ) -> Reply:
        if fault.kind == "reset_before":
            return Reply(0, ending="reset")
        if fault.kind == "status":
            return self._status_fault(route, request, uuid, entry, fault)
        if fault.kind == "late_effect" and isinstance(route, Write):
            return self._late_effect(route, request, uuid, entry, fault)

        lag = fault.seconds if fault.kind == "read_lag" else 0
        is_idle = fault.without_effect or fault.kind == "unchanged"
        if is_idle and isinstance(route, Write):
            self._read_body(route, request)
            answer = spoil(self._as_it_was(route, uuid), fault)
        else:
            answer = spoil(self._run(route, request, uuid, entry, lag), fault)
        return spoil_reply(json_reply(route.status, answer), fault)

    def _as_it_was(self, route: Write, uuid: str) -> Record:
        """What a write would have shown, had it done nothing; of something new there is nothing."""
        for records in (self.world.calls, self.world.pledges):
            if uuid.lower() in records:
                return route.show(reads.view(self.world), records[uuid.lower()])
        return {}

    def _status_fault(
        self, route: Route, request: Request, uuid: str, entry: Entry, fault: Fault
    ) -> Reply:
        status = fault.status or 500
        comes_after = fault.after_effect or (
            status == 429 and not self.world.switches.too_many_requests_before_effect
        )
        if comes_after:
            self._run(route, request, uuid, entry, 0)
        reply = error_reply(status, form=self.world.switches.error_body)
        if fault.retry_after is not None:
            reply.headers["Retry-After"] = f"{fault.retry_after:g}"
        return reply

    def _late_effect(
        self, route: Write, request: Request, uuid: str, entry: Entry, fault: Fault
    ) -> Reply:
        body = self._read_body(route, request)

        def happen(at: str) -> None:
            try:
                self._apply(route, uuid, body, entry, at)
            except Refusal as refusal:
                # By then the call had ended; the journal shows why nothing came of it.
                entry["fault"] = f"late_effect, refused with {refusal.status}"

        self.world.plan(fault.seconds, happen)
        status = 504 if fault.status is None else fault.status
        if status == 0:
            return Reply(0, ending="reset")
        return error_reply(status, form=self.world.switches.error_body)

    def _run(self, route: Route, request: Request, uuid: str, entry: Entry, lag: float) -> Record:
        query = self._read_query(route, request)
        if isinstance(route, Read):
            return route.run(reads.view(self.world, lag), uuid.lower(), query)
        body = self._read_body(route, request)
        return self._apply(route, uuid, body, entry, self.world.now())

    def _apply(
        self, route: Write, uuid: str, body: dict[str, Any], entry: Entry, at: str
    ) -> Record:
        record = route.run(self.world, uuid.lower(), body, at)
        self.world.journal.note_effect(route.name, record["uuid"], body, at, entry["number"])
        return route.show(reads.view(self.world), record)

    def _read_query(self, route: Route, request: Request) -> dict[str, Any]:
        switches = self.world.switches
        query: dict[str, Any] = {}
        problems: list[str] = []
        for name, text in parse_qsl(request.query, keep_blank_values=True):
            parameter = route.contract.parameters.get(name)
            if parameter is None:
                if switches.unknown_parameters == "refuse":
                    problems.append(f"{name} is not a parameter of this operation")
            elif parameter.is_list:
                form = switches.detail_include_form
                parts = text.split(",") if form != "repeated" else [text]
                query.setdefault(name, []).extend(parts)
            elif name in query:
                problems.append(f"{name} is given twice")
            else:
                query[name] = contract.from_text(text, parameter.schema)
        for name, value in query.items():
            problems += route.contract.parameters[name].check(value, name)
        if problems:
            raise Refusal(400, *problems)
        return query

    def _read_body(self, route: Write, request: Request) -> dict[str, Any]:
        check, schema = route.contract.check_body, route.contract.body_schema
        if check is None or schema is None:
            return route.implied
        try:
            body = decode(request.body)
        except ValueError as problem:
            raise Refusal(400, "The body is not JSON") from problem
        if self.world.switches.null_in_bodies == "ignore":
            body = contract.without_odd_nulls(schema, body)
        problems = check(body, "")
        if self.world.switches.extra_body_fields == "refuse":
            extra = contract.extra_fields(schema, body)
            problems = [*problems, *(f"{name} should not exist" for name in extra)]
        if problems:
            raise Refusal(400, *problems)
        checked: dict[str, Any] = body
        return checked

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """For any WSGI server: resets and cuts become an exception, so the server hangs up."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        request = Request(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            environ.get("QUERY_STRING", ""),
            environ["wsgi.input"].read(length) if length else b"",
            environ.get("HTTP_AUTHORIZATION", ""),
            environ.get("HTTP_X_AUTH_TOKEN", ""),
        )
        reply = self.answer(request)
        if reply.delay:
            self.world.clock.sleep(reply.delay)
        if reply.ending == "reset":
            raise ConnectionResetError("a fault of the sandbox")
        start_response(
            f"{reply.status} {reason(reply.status)}",
            [
                ("Content-Type", reply.content_type),
                ("Content-Length", str(len(reply.body))),
                *reply.headers.items(),
            ],
        )
        return [reply.sent_body()]


def reason(status: int) -> str:
    """The phrase after a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _route(method: str, pattern: str) -> Route:
    route = _ROUTES.get((method, pattern))
    if route is not None:
        return route
    is_status_action = pattern.startswith(_STATUS_ACTION)
    if method == "PUT" and is_status_action:
        return Write(
            "change-pledge-status",
            _STATUS_CONTRACT,
            pledge_effects.change_status,
            show=reads.show_pledge,
            implied={"statusUpdateAction": pattern.removeprefix(_STATUS_ACTION)},
        )
    allowed = {"PUT"} if is_status_action else {one for one, path in _ROUTES if path == pattern}
    if allowed:
        raise Refusal(405, allow=", ".join(sorted(allowed)))
    raise Refusal(404)


def _pattern_of(path: str) -> tuple[str, str]:
    """calls/<uuid>/actions/cancel as the pattern calls/{}/actions/cancel, and its uuid."""
    parts = path.removeprefix(API).split("/")
    if len(parts) < 2:
        return parts[0], ""
    uuid, parts[1] = parts[1], "{}"
    return "/".join(parts), uuid


def _http_date(world: World) -> str:
    return format_datetime(world.clock.now().astimezone(UTC), usegmt=True)
