"""Every answer holds to the document, and the sandbox reads the document as jsonschema does."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import FormatChecker
from openapi_schema_validator import OAS31Validator

from integrations.sandbox import contract
from integrations.sandbox.names import ALICE

from .conftest import Api, nodes

ALL = "person,personQualityResult,pledge,transactions"


def validator(name: str) -> OAS31Validator:
    schema = {
        "$ref": f"#/components/schemas/{name}",
        "components": contract.DOCUMENT["components"],
    }
    return OAS31Validator(schema, format_checker=FormatChecker())


def problems(name: str, answer: Any) -> list[str]:
    return [f"{one.json_path}: {one.message}" for one in validator(name).iter_errors(answer)][:5]


@pytest.mark.parametrize("include", ["", "person", "pledge,transactions", ALL])
def test_every_page_of_calls_holds_to_the_document(api: Api, include: str) -> None:
    seen = 0
    after: dict[str, str] = {}
    while True:
        answer = api.calls(first=100, include=include, **after)
        assert problems("CallPaginationConnection", answer) == []
        seen += len(answer["edges"])
        if not answer["pageInfo"]["hasNextPage"]:
            break
        after = {"after": answer["pageInfo"]["endCursor"]}
    assert seen == 300


@pytest.mark.parametrize("include", [{}, {"include": "transactions"}, {"include": "calls"}])
def test_every_pledge_holds_to_the_document(api: Api, include: dict[str, str]) -> None:
    answer = api.pledges(first=500, status="all", **include)
    assert len(answer["edges"]) > 200
    assert problems("PledgeCasePaginationConnection", answer) == []
    for node in nodes(answer)[:30]:
        detail = api.read(f"/api/v1/pledges/{node['uuid']}", include=["calls", "transactions"])
        assert problems("PledgeCaseDto", detail) == []


def test_answers_to_writes_hold_to_the_document(api: Api) -> None:
    person = nodes(api.calls(first=1))[0]["personUuid"]
    at = "2026-11-22T12:00:00+01:00"
    ends: dict[str, dict[str, Any]] = {
        "add-attempt": {"userUuid": ALICE, "attemptAt": at},
        "complete": {"userUuid": ALICE, "result": {"completedAt": at, "resultCode": "confirmed"}},
        "cancel": {"cancelledAt": at},
        "expire": {"expiredAt": at},
    }
    for action, body in ends.items():
        wanted = {"requestedAt": at, "personUuid": person, "type": "winback", "notes": "É"}
        created = api.post("/api/v1/calls", json={**wanted, "uuid": str(uuid4())})
        assert created.status_code == 201
        assert problems("CallDto", created.json()) == []
        answer = api.act(created.json()["uuid"], action, **body)
        assert answer.status_code == 200
        assert problems("CallDto", answer.json()) == []


def test_the_checker_itself_can_fail(api: Api) -> None:
    answer = api.calls(first=5)
    answer["edges"][0]["node"]["requestedAt"] = "yesterday"
    del answer["edges"][1]["node"]["notes"]
    assert len(problems("CallPaginationConnection", answer)) == 2


@pytest.mark.parametrize(
    ("bearer", "status"), [("Bearer sandbox", 200), ("Bearer other", 401), ("", 401)]
)
def test_only_the_bearer_of_the_token_is_served(api: Api, bearer: str, status: int) -> None:
    for path in ("/api/v1/calls", "/api/v1/pledges"):
        response = api.get(path, headers={"Authorization": bearer})
        assert response.status_code == status
    path = f"/api/v1/calls/{uuid4()}/actions/cancel"
    answer = api.put(path, headers={"Authorization": bearer}, json={})
    assert answer.status_code == (404 if status == 200 else 401)


def test_other_addresses_and_methods_are_told_apart(api: Api) -> None:
    assert api.get("/api/v1/persons").status_code == 404
    assert api.post("/v2", json={}).status_code == 404
    assert api.delete("/api/v1/calls").status_code == 405
    assert api.get("/api/v1/pledges/not-a-uuid").status_code == 400


# --- the sandbox's own reading of the schemas, held against jsonschema's ---

_TIMES = st.sampled_from(
    ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.123+01:00", "2026-11-22", "2026-11-22T10:00:00"]
)
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 12),
    st.sampled_from(["", "confirmed", "requested", "verification", "nonsense", ALICE, "a-b"]),
    _TIMES,
    st.dictionaries(st.sampled_from(["name", "identifier"]), st.text(max_size=3)),
    st.lists(st.fixed_dictionaries({}, optional={"userUuid": st.just(ALICE), "createdAt": _TIMES})),
)


def _bodies(name: str) -> st.SearchStrategy[Any]:
    """Objects with the right names and all sorts of values."""
    properties = contract.DOCUMENT["components"]["schemas"][name]["properties"]
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field, schema in properties.items():
        reference = schema.get("$ref") or next(
            (choice["$ref"] for choice in schema.get("anyOf", []) if "$ref" in choice), None
        )
        nested = _bodies(reference.rpartition("/")[2]) if reference else st.nothing()
        enum = st.sampled_from(schema["enum"]) if "enum" in schema else st.nothing()
        fields[field] = st.one_of(_VALUES, nested, enum)
    return st.fixed_dictionaries({}, optional=fields)


@pytest.mark.parametrize(
    "name", ["CreateCallInput", "AddCallAttemptInput", "CompleteCallInput", "ExpireCallInput"]
)
def test_bodies_are_judged_as_jsonschema_judges_them(name: str) -> None:
    check = contract.compile_schema({"$ref": f"#/components/schemas/{name}"})
    oracle = validator(name)

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.one_of(_bodies(name), _VALUES))
    def agree(body: Any) -> None:
        assert bool(check(body, "")) == (not oracle.is_valid(body))

    agree()


def test_a_keyword_that_is_not_understood_stops_the_start() -> None:
    with pytest.raises(ValueError, match="minLength"):
        contract.compile_schema({"type": "string", "minLength": 3})
