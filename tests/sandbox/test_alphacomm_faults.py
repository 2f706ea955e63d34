"""Each kind of fault at Alphacomm: what the client sees, and what came of the request."""

from contextlib import suppress
from typing import Any

import pytest
import requests

from .alphacomm import (
    ADD_RECORDS,
    CREATE_LINK,
    CREATE_MANDATE,
    FIND_BATCHES,
    FIND_LINKS,
    FIND_MANDATES,
    MANDATE,
    PAY_LINK,
    ROW,
    STOP_CALLING,
    link,
    links,
    new_link,
    problems,
)
from .conftest import Api

WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("create-pay-link", CREATE_LINK, {"payLink": PAY_LINK}),
    ("create-mandate", CREATE_MANDATE, {"mandate": MANDATE}),
    ("add-rows", ADD_RECORDS, {"rows": [ROW]}),
    ("add-file", ADD_RECORDS, {"file": {"extension": "csv", "contents": ""}}),
    ("stop-calling", STOP_CALLING, {"scriptId": 18301, "reference": "v-1"}),
]
READS = [("pay-links", FIND_LINKS), ("mandates", FIND_MANDATES), ("batches", FIND_BATCHES)]
each_write = pytest.mark.parametrize(("operation", "query", "variables"), WRITES)


def strike(api: Api, kind: str, **rule: Any) -> None:
    api.order("faults", {"kind": kind, "times": 1, **rule})


def happened(api: Api) -> list[str]:
    return [one["operation"] for one in api.effects()]


@each_write
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_status_before_or_after_the_effect(
    api: Api, operation: str, query: str, variables: dict[str, Any], after_effect: bool
) -> None:
    strike(api, "status", status=503, operation=operation, after_effect=after_effect)
    answer = api.ask(query, **variables)
    assert (answer.status_code, list(answer.json())) == (503, ["errors"])
    assert happened(api) == ([operation] if after_effect else [])


def test_too_many_requests_says_when_to_come_back(api: Api) -> None:
    strike(api, "status", status=429, retry_after=7)
    answer = api.ask(CREATE_LINK, payLink=PAY_LINK)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert happened(api) == []


@each_write
@pytest.mark.parametrize(
    ("kind", "is_done"),
    [("reset_before", False), ("reset_after", True), ("cut_body", True)],
)
def test_an_answer_that_does_not_come_whole(
    api: Api, operation: str, query: str, variables: dict[str, Any], kind: str, is_done: bool
) -> None:
    strike(api, kind, operation=operation)
    with pytest.raises(requests.RequestException):
        api.ask(query, **variables)
    assert happened(api) == ([operation] if is_done else [])


@pytest.mark.parametrize("kind", ["not_json", "empty_body"])
def test_an_answer_that_says_nothing(api: Api, kind: str) -> None:
    strike(api, kind)
    answer = api.ask(CREATE_LINK, payLink=PAY_LINK)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert happened(api) == ["create-pay-link"]


@each_write
@pytest.mark.parametrize(
    "kind", ["slow", "reset_after", "cut_body", "not_json", "empty_body", "wrong_uuid"]
)
def test_the_same_without_the_effect(
    api: Api, operation: str, query: str, variables: dict[str, Any], kind: str
) -> None:
    strike(api, kind, seconds=0.01, operation=operation, without_effect=True)
    with suppress(requests.RequestException):
        api.ask(query, **variables)
    assert api.requests()[-1]["fault"] == kind
    assert happened(api) == []


@each_write
def test_an_effect_that_comes_late(
    api: Api, operation: str, query: str, variables: dict[str, Any]
) -> None:
    strike(api, "late_effect", seconds=120, operation=operation)
    assert api.ask(query, **variables).status_code == 504
    api.order("clock", {"advance": 119})
    assert happened(api) == []
    api.order("clock", {"advance": 31})
    assert [(one["operation"], one["applied_at"]) for one in api.effects()] == [
        (operation, "2026-11-22T11:02:00.000Z")
    ]


def test_a_late_record_leaves_in_the_window_after_it(api: Api) -> None:
    strike(api, "late_effect", seconds=90)
    api.ask(ADD_RECORDS, rows=[ROW])
    # Nobody looks in the meantime: it must not matter.
    api.order("clock", {"advance": 600})
    (message,) = api.read("/__sandbox/messages")["messages"]
    assert message["createdOn"] == "2026-11-22T11:02:00.000Z"


def test_a_late_effect_may_come_to_nothing(api: Api) -> None:
    strike(api, "late_effect", seconds=60, status=0)
    with pytest.raises(requests.ConnectionError):
        api.ask(CREATE_LINK, payLink={**PAY_LINK, "invoiceAmount": "x"})
    api.order("clock", {"advance": 60})
    assert happened(api) == []
    assert api.requests()[0]["fault"] == "late_effect, refused"


@each_write
@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("data", ["null", "absent", "kept"])
def test_errors_of_graphql_before_or_after_the_effect(
    api: Api, operation: str, query: str, variables: dict[str, Any], after_effect: bool, data: str
) -> None:
    strike(api, "graphql_errors", operation=operation, after_effect=after_effect, data=data)
    answer = api.ask(query, **variables)
    assert answer.status_code == 200
    body = answer.json()
    assert body["errors"]
    assert ("data" in body) == (data != "absent")
    if data == "kept" and after_effect:
        assert problems(query, body["data"]) == []
        assert body["data"]
    else:
        assert body.get("data") is None
    assert happened(api) == ([operation] if after_effect else [])


def test_errors_of_graphql_may_have_a_status(api: Api) -> None:
    strike(api, "graphql_errors", status=422, data="absent")
    assert api.ask(CREATE_LINK, payLink=PAY_LINK).status_code == 422


def test_errors_of_graphql_are_none_of_tapraise(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "graphql_errors"})
    assert api.act(open_call, "cancel").status_code == 200


def test_data_of_errors_is_one_of_three(api: Api) -> None:
    wrong = {"kind": "graphql_errors", "data": "maybe"}
    assert api.post("/__sandbox/faults", json=wrong).status_code == 400


@pytest.mark.parametrize(("operation", "query"), READS)
def test_reads_fail_like_writes(api: Api, operation: str, query: str) -> None:
    strike(api, "status", status=502, operation=operation)
    assert api.ask(query).status_code == 502
    assert api.ask(query).status_code == 200


def test_reads_that_lag(api: Api) -> None:
    id_ = new_link(api)
    api.order("clock", {"advance": 20})
    api.order(f"paylinks/{id_}", {"status": "paid"})
    api.order("clock", {"advance": 20})
    api.order("faults", {"kind": "read_lag", "seconds": 30})
    assert link(api, id_)["status"] == "ready"
    api.order("clock", {"advance": 10})
    assert link(api, id_)["status"] == "paid"
    # Before it was made it was not there.
    api.delete("/__sandbox/faults")
    api.order("faults", {"kind": "read_lag", "seconds": 3600})
    assert links(api) == []


@pytest.mark.parametrize(
    ("kind", "field"),
    [("unknown_enum", "status"), ("wrong_uuid", "id"), ("null_required", "id")],
)
def test_one_record_of_a_list_is_spoilt(api: Api, kind: str, field: str) -> None:
    for _ in range(3):
        new_link(api)
    sound = links(api)
    strike(api, kind, uuid=sound[1]["id"]) if kind == "wrong_uuid" else strike(api, kind)
    spoilt = links(api)
    changed = [place for place in range(3) if spoilt[place] != sound[place]]
    assert changed == ([1] if kind == "wrong_uuid" else [0])
    assert spoilt[changed[0]][field] != sound[changed[0]][field]


def test_fields_that_the_schema_does_not_name(api: Api) -> None:
    new_link(api)
    strike(api, "extra_fields", operation="pay-links")
    assert "sandboxExtra" in links(api)[0]


def test_an_answer_about_another_link(api: Api) -> None:
    strike(api, "wrong_uuid", operation="create-pay-link")
    made = api.asked(CREATE_LINK, payLink=PAY_LINK)["payLink"]["create"]["id"]
    assert [one["uuid"] for one in api.effects()] != [made]


def test_a_rule_can_name_one_reference(api: Api) -> None:
    api.order("faults", {"kind": "status", "status": 500, "uuid": "B-2"})
    assert api.ask(CREATE_LINK, payLink={**PAY_LINK, "invoiceReference": "B-1"}).ok
    assert not api.ask(CREATE_LINK, payLink={**PAY_LINK, "invoiceReference": "B-2"}).ok
    assert not api.ask(ADD_RECORDS, rows=[{**ROW, "reference": "B-2"}]).ok
    assert not api.ask(CREATE_MANDATE, mandate={**MANDATE, "debtorReference": "B-2"}).ok
    assert not api.ask(STOP_CALLING, scriptId=1, reference="B-2").ok
    assert not api.ask(FIND_LINKS, filters={"attributes": [{"id": "x", "equalTo": "B-2"}]}).ok
    assert [one["uuid"] for one in api.requests()] == ["B-1", *["B-2"] * 5]
