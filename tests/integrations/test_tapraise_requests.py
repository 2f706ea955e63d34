"""What leaves for TapRaise: held to the rules before it goes, and to the document as it goes."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

import pytest
from msgspec import UNSET, structs

from integrations.http import (
    NotFound,
    NotSendable,
    Token,
)
from integrations.sandbox import names
from integrations.tapraise.client import CALL_INCLUDES, WITHOUT, TapRaise
from integrations.tapraise.wire import (
    CallAttemptInput,
    CallExternalMetadataInput,
    CallResultInput,
    CancellationReasonInput,
    CreateCallInput,
    CreatePledgeCaseInput,
    CreationMetadataInput,
    ExternalSourceInput,
    SignatureFileLocationInput,
    SignatureInput,
    UpdatePledgeCaseInput,
)
from tests.integrations import schemas
from tests.integrations.misbehaving import Misbehaving, answer, misbehaving

AT = dt.datetime(2026, 11, 2, 9, 30, 0, tzinfo=dt.UTC)
ALICE = UUID(names.ALICE)
HELDER_WATER = UUID(names.HELDER_WATER.uuid)
UUIDS = [UUID(f"00000000-0000-4000-8000-00000000000{number}") for number in range(10)]

METADATA = CallExternalMetadataInput(
    application_name="basicall",
    reference_id="B-17",
    agent_reference_id="7",
    status_code="done",
    status_description="Done",
    additional_properties='{"line": 3}',
)
CALL = CreateCallInput(uuid=UUIDS[0], requested_at=AT, person_uuid=UUIDS[1], type="verification")
CALL_ELSEWHERE = CreateCallInput(
    uuid=UUIDS[0], requested_at=AT, person_uuid=UUIDS[1], external_metadata=METADATA
)
RESULT_ELSEWHERE = CallResultInput(
    result_code="other", completed_at=AT, notes="", donor_retention_rating=None
)
PLEDGE = CreatePledgeCaseInput(
    uuid=UUIDS[2],
    person_uuid=UUIDS[1],
    created_at=AT,
    owning_organization_uuid=UUIDS[3],
    recruiting_organization_uuid=UUIDS[4],
    initial_donation_interval="monthly",
    initial_donation_amount=Decimal("7.50"),
    recruiter_user_uuid=UUIDS[5],
    starts_at=AT,
)


def _at(server: Misbehaving) -> TapRaise:
    return TapRaise(server.url, Token("t"), page_size=1)


def _call_elsewhere(**changes: Any) -> CreateCallInput:
    return structs.replace(CALL_ELSEWHERE, **changes)


class TestRulesBeforeSending:
    @pytest.mark.parametrize(
        "call",
        [
            structs.replace(CALL, uuid=UNSET),
            structs.replace(CALL, status="requested"),
            structs.replace(CALL, attempts=()),
            structs.replace(CALL, cancelled_at=AT),
            structs.replace(CALL, completed_at=AT),
            structs.replace(CALL, external_source=None),
            structs.replace(CALL, type="chat"),
            structs.replace(CALL, type=UNSET),
            structs.replace(
                CALL,
                result=CallResultInput(
                    result_code="other", completed_at=AT, notes="", donor_retention_rating=None
                ),
            ),
            _call_elsewhere(type="winback"),
            _call_elsewhere(external_source=ExternalSourceInput(name="a", identifier="b")),
            _call_elsewhere(external_metadata=structs.replace(METADATA, status_code=None)),
            _call_elsewhere(
                external_metadata=structs.replace(METADATA, additional_properties="[]")
            ),
            _call_elsewhere(external_metadata=structs.replace(METADATA, additional_properties="{")),
            _call_elsewhere(
                external_metadata=structs.replace(METADATA, application_name="tapraise")
            ),
            _call_elsewhere(external_metadata=structs.replace(METADATA, application_name=" ")),
            _call_elsewhere(external_metadata=structs.replace(METADATA, reference_id="")),
            _call_elsewhere(status="postponed"),
            _call_elsewhere(result=structs.replace(RESULT_ELSEWHERE, result_code="happy")),
            _call_elsewhere(result=structs.replace(RESULT_ELSEWHERE, donor_retention_rating=0)),
            _call_elsewhere(result=structs.replace(RESULT_ELSEWHERE, notes=None)),
            _call_elsewhere(result=structs.replace(RESULT_ELSEWHERE, completed_at=None)),
        ],
    )
    def test_a_call_that_would_be_refused_is_not_sent(self, call: CreateCallInput) -> None:
        with misbehaving() as server:
            with pytest.raises(NotSendable, match=r"^[A-Z].*\.$"):
                _at(server).create_call(call=call)
            assert server.connections == 0

    @pytest.mark.parametrize(
        "changes",
        [
            {"uuid": UNSET},
            {"status": "lead"},
            {"donation_interval": "monthly"},
            {"donation_amount": Decimal(5)},
            {"cancelled_at": AT},
            {"dropped_at": AT},
            {"released_at": AT},
            {"cancellation_reason": CancellationReasonInput(identifier="unknown")},
            {"preferred_payment_day": 29},
            {"initial_donation_amount": Decimal(0)},
            {"initial_donation_amount": Decimal("NaN")},
            {"initial_donation_interval": "weekly"},
        ],
    )
    def test_a_pledge_that_would_be_refused_is_not_sent(self, changes: dict[str, Any]) -> None:
        with misbehaving() as server:
            with pytest.raises(NotSendable, match=r"^[A-Z].*\.$"):
                _at(server).create_pledge(pledge=structs.replace(PLEDGE, **changes))
            assert server.connections == 0

    @pytest.mark.parametrize(
        "send",
        [
            lambda it: it.calls(requested_from=AT),
            lambda it: it.calls(requested_until=AT),
            lambda it: it.calls(external_reference_id="x"),
            lambda it: it.calls(external_application_name="x"),
            lambda it: it.calls(before="x"),
            lambda it: it.calls(after="x", backwards=True),
            lambda it: it.calls(updated_after=AT.replace(tzinfo=None)),
            lambda it: it.update_pledge(uuid=UUIDS[0], changes=UpdatePledgeCaseInput()),
            lambda it: it.cancel_call(uuid=UUIDS[0], cancelled_at=AT.replace(tzinfo=None)),
            *[
                lambda it, code=code, rating=rating: it.complete_call(
                    uuid=UUIDS[0],
                    user_uuid=ALICE,
                    result_code=code,
                    completed_at=AT,
                    donor_retention_rating=rating,
                )
                for code, rating in (("upgraded", None), ("other", 0), ("other", 11))
            ],
        ],
    )
    def test_the_other_rules(self, send: Callable[[TapRaise], object]) -> None:
        with misbehaving() as server:
            with pytest.raises(NotSendable, match=r"^[A-Z].*\.$"):
                send(_at(server))
            assert server.connections == 0


# Every operation, with everything that it can carry.
OPERATIONS: dict[str, tuple[str, Callable[[TapRaise], object]]] = {
    "calls": (
        "get /api/v1/calls",
        lambda it: next(
            it.calls(
                owning_organization_uuid=HELDER_WATER,
                external_status_code="busy",
                external_reference_id=WITHOUT,
                external_application_name=WITHOUT,
                requested_from=AT,
                requested_until=AT,
                requested_after=AT,
                updated_after=AT,
                after="a",
            )
        ),
    ),
    "calls backwards": (
        "get /api/v1/calls",
        lambda it: next(it.calls(before="b", backwards=True)),
    ),
    "pledges": (
        "get /api/v1/pledges",
        lambda it: next(
            it.pledges(
                person_uuid=UUIDS[1],
                with_ideal_qr=True,
                updated_after=AT,
                released_after=AT,
                after="a",
            )
        ),
    ),
    "pledges backwards": (
        "get /api/v1/pledges",
        lambda it: next(it.pledges(status="lead", include="calls", before="b", backwards=True)),
    ),
    "pledge": (
        "get /api/v1/pledges/{uuid}",
        lambda it: it.pledge(uuid=UUIDS[0], include=("transactions", "calls")),
    ),
    "create call": (
        "post /api/v1/calls",
        lambda it: it.create_call(
            call=structs.replace(
                CALL,
                requested_by_user_uuid=ALICE,
                notes="Bel na zes uur.",
                related_case_uuid=UUIDS[2],
                calling_organization_uuid=UUIDS[3],
            )
        ),
    ),
    "create call elsewhere": (
        "post /api/v1/calls",
        lambda it: it.create_call(
            call=_call_elsewhere(
                status="completed",
                attempts=(CallAttemptInput(created_at=AT, user_uuid=ALICE),),
                completed_at=AT,
                cancelled_at=AT,
                result=CallResultInput(
                    result_code="other", completed_at=AT, notes="", donor_retention_rating=None
                ),
            )
        ),
    ),
    "add attempt": (
        "put /api/v1/calls/{uuid}/actions/add-attempt",
        lambda it: it.add_attempt(uuid=UUIDS[0], user_uuid=ALICE, attempt_at=AT),
    ),
    "complete": (
        "put /api/v1/calls/{uuid}/actions/complete",
        lambda it: it.complete_call(
            uuid=UUIDS[0],
            user_uuid=ALICE,
            result_code="dropped",
            completed_at=AT,
            notes="",
            donor_retention_rating=1,
        ),
    ),
    "cancel": (
        "put /api/v1/calls/{uuid}/actions/cancel",
        lambda it: it.cancel_call(uuid=UUIDS[0], cancelled_at=AT),
    ),
    "expire": (
        "put /api/v1/calls/{uuid}/actions/expire",
        lambda it: it.expire_call(uuid=UUIDS[0], expired_at=AT),
    ),
    "create pledge": (
        "post /api/v1/pledges",
        lambda it: it.create_pledge(
            pledge=structs.replace(
                PLEDGE,
                recruiting_location_label="Zwolle",
                recruitment_type="d2d",
                creation_metadata=CreationMetadataInput(
                    software="Belbord", version="1", user_agent="Firefox"
                ),
                # Only the client can: there is no upload, so no form of ours has one to send.
                signature=SignatureInput(
                    type="audio",
                    file_location=SignatureFileLocationInput(path="a/b.mp3", bucket="c"),
                ),
                focus_area_uuids=(UUIDS[6],),
                preferred_payment_day=28,
                ends_at=AT,
                external_metadata={"a": 1},
            )
        ),
    ),
    "create pledge elsewhere": (
        "post /api/v1/pledges",
        lambda it: it.create_pledge(
            pledge=structs.replace(
                PLEDGE,
                external_source=ExternalSourceInput(name="crm", identifier="17"),
                status="cancelled",
                donation_interval="halfYearly",
                donation_amount=Decimal("12.25"),
                cancelled_at=AT,
                dropped_at=AT,
                released_at=AT,
                cancellation_reason=CancellationReasonInput(identifier="other", note="Verhuisd"),
                preferred_payment_day=None,
                signature=None,
            )
        ),
    ),
    "update pledge to nothing": (
        "put /api/v1/pledges/{uuid}/actions/update",
        lambda it: it.update_pledge(
            uuid=UUIDS[0],
            changes=UpdatePledgeCaseInput(
                **dict.fromkeys(UpdatePledgeCaseInput.__struct_fields__, None)
            ),
        ),
    ),
    "update pledge": (
        "put /api/v1/pledges/{uuid}/actions/update",
        lambda it: it.update_pledge(
            uuid=UUIDS[0],
            changes=UpdatePledgeCaseInput(
                recruiting_location_label=None,
                donation_interval="yearly",
                donation_amount=Decimal("12.25"),
                recruiter_user_uuid=UUIDS[5],
                starts_at=AT,
                ends_at=None,
                external_metadata={"a": 1},
            ),
        ),
    ),
    "pledge status": (
        "put /api/v1/pledges/{uuid}/actions/{statusUpdateAction}",
        lambda it: it.update_pledge_status(uuid=UUIDS[0], action="drop"),
    ),
}


# By operation, what of the document is never sent, and why.
NEVER_SENT: dict[str, set[str]] = {
    # A second way to say that a call is managed elsewhere; the metadata say it.
    "post /api/v1/calls": {"externalSource", "externalSource.name", "externalSource.identifier"},
}


def _sent(send: Callable[[TapRaise], object]) -> tuple[str, str, bytes]:
    """What goes over the wire: the method, the target, and the body."""
    with misbehaving(answer(404)) as server:
        with pytest.raises(NotFound):
            send(_at(server))
        (request,) = server.requests
    head, body = request.split(b"\r\n\r\n", 1)
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    return method.lower(), target, body


def _documented_body(operation: str) -> dict[str, Any] | None:
    method, path = operation.split(" ")
    request = schemas.DOCUMENT["paths"][path][method].get("requestBody")
    found: dict[str, Any] | None = request and request["content"]["application/json"]["schema"]
    return found


def _fields(schema: dict[str, Any], path: str = "") -> set[str]:
    """Every property of a body, at any depth: result, result.notes …"""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return _fields(schemas.DOCUMENT["components"]["schemas"][name], path)
    if "anyOf" in schema:
        return _fields(schema["anyOf"][0], path)
    if "items" in schema:
        return _fields(schema["items"], path)
    found = set()
    for name, inner in schema.get("properties", {}).items():
        found |= {f"{path}{name}"} | _fields(inner, f"{path}{name}.")
    return found


def _values(schema: dict[str, Any], value: Any, path: str = "") -> set[str]:
    """The fields of a body as `_fields` names them: what the document leaves free is one field."""
    if isinstance(value, list):
        return set().union(*(_values(schema, item, path) for item in value))
    if not isinstance(value, dict):
        return set()
    known = _fields(schema)
    found = {f"{path}{name}" for name in value}
    for name, item in value.items():
        if any(one.startswith(f"{path}{name}.") for one in known):
            found |= _values(schema, item, f"{path}{name}.")
    return found


class TestEveryRequest:
    @pytest.mark.parametrize(("operation", "send"), OPERATIONS.values(), ids=OPERATIONS.keys())
    def test_it_is_what_the_document_asks_for(
        self, operation: str, send: Callable[[TapRaise], object]
    ) -> None:
        method, target, body = _sent(send)
        template = operation.split(" ")[1]
        address = urlsplit(target)
        assert method == operation.split(" ")[0]
        path = template.replace("{uuid}", str(UUIDS[0])).replace("{statusUpdateAction}", "drop")
        assert address.path == path
        documented = schemas.DOCUMENT["paths"][template][method]
        assert _query_errors(documented, address.query) == []
        schema = _documented_body(operation)
        if schema is None:
            assert body == b""
        else:
            assert schemas.errors(schema, json.loads(body)) == []
            assert _values(schema, json.loads(body)) <= _fields(schema)

    def test_every_field_and_parameter_of_the_document_is_sent_by_one_of_them(self) -> None:
        sent: dict[str, set[str]] = {operation: set() for operation, _ in OPERATIONS.values()}
        for operation, send in OPERATIONS.values():
            _, target, body = _sent(send)
            sent[operation] |= {name for name, _ in parse_qsl(urlsplit(target).query)}
            if schema := _documented_body(operation):
                sent[operation] |= _values(schema, json.loads(body))
        for operation, found in sent.items():
            method, path = operation.split(" ")
            documented = {
                one["name"]
                for one in schemas.DOCUMENT["paths"][path][method].get("parameters", ())
                if one["in"] == "query"
            }
            documented |= _fields(_documented_body(operation) or {})
            assert documented - found == NEVER_SENT.get(operation, set()), operation

    def test_the_operations_above_are_all_there_are(self) -> None:
        documented = {
            f"{method} {path}"
            for path, methods in schemas.DOCUMENT["paths"].items()
            for method in methods
        }
        assert {operation for operation, _ in OPERATIONS.values()} == documented

    def test_includes_are_written_three_ways(self) -> None:
        with misbehaving(answer(404), answer(404), answer(404)) as server:
            for name in ("calls", "pledges backwards", "pledge"):
                with pytest.raises(NotFound):
                    OPERATIONS[name][1](_at(server))
            queries = [
                parse_qs(request.split(b" ")[1].decode().partition("?")[2])
                for request in server.requests
            ]
        assert [query["include"] for query in queries] == [
            [",".join(CALL_INCLUDES)],
            ["calls"],
            ["transactions", "calls"],
        ]
        assert queries[0]["updatedAfter"] == ["2026-11-02T09:30:00.000Z"]
        assert queries[1]["last"] == ["1"]


def _query_errors(documented: dict[str, Any], query: str) -> list[str]:
    parameters = {one["name"]: one["schema"] for one in documented.get("parameters", ())}
    found: dict[str, Any] = {}
    for name, text in parse_qsl(query, strict_parsing=bool(query)):
        kind = parameters.get(name, {}).get("type")
        if kind == "array":
            found.setdefault(name, []).append(text)
        else:
            assert name not in found
            plain = kind == "number" or (kind == "boolean" and text in ("true", "false"))
            found[name] = json.loads(text) if plain else text
    schema = {"type": "object", "properties": parameters, "additionalProperties": False}
    return schemas.errors(schema, found)
