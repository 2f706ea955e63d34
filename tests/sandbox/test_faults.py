"""Each kind of fault over a real socket: what the client sees, and what the world knows."""

import socket
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from integrations.sandbox.faults import Faults
from integrations.sandbox.names import ALICE
from integrations.sandbox.world import World

from .conftest import Api, frozen_clock, nodes
from .test_contract import problems

AT = "2026-11-22T10:58:07.250Z"


def attempt(api: Api, uuid: str) -> requests.Response:
    return api.act(uuid, "add-attempt", userUuid=ALICE, attemptAt=AT)


def attempts_of(api: Api, uuid: str) -> int:
    count: int = api.call(uuid)["attemptsCount"]
    return count


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503])
def test_a_status_before_the_effect(api: Api, open_call: str, status: int) -> None:
    api.order("faults", {"kind": "status", "status": status, "times": 2})
    for _ in range(2):
        answer = attempt(api, open_call)
        assert answer.status_code == status
        assert answer.json()["statusCode"] == status
    assert api.effects() == []
    assert attempt(api, open_call).status_code == 200
    assert [one["fault"] for one in api.requests()] == ["status", "status", None]


def test_too_many_requests_says_when_to_come_back(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "status", "status": 429, "retry_after": 7, "times": 2})
    assert attempt(api, open_call).headers["Retry-After"] == "7"
    assert api.effects() == []
    api.order("switches", {"too_many_requests_before_effect": False})
    assert attempt(api, open_call).status_code == 429
    assert len(api.effects()) == 1


def test_a_status_after_the_effect(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "status", "status": 502, "after_effect": True, "times": 1})
    assert attempt(api, open_call).status_code == 502
    assert attempts_of(api, open_call) == 1


def test_unauthorized_for_a_while_by_the_worlds_clock(api: Api) -> None:
    api.order("faults", {"kind": "status", "status": 401, "for_seconds": 30})
    assert api.get("/api/v1/calls").status_code == 401
    api.order("clock", {"advance": 29})
    assert api.get("/api/v1/calls").status_code == 401
    api.order("clock", {"advance": 1})
    assert api.get("/api/v1/calls").status_code == 200


def test_reset_before_the_effect(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "reset_before", "operation": "add-attempt", "times": 1})
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        attempt(api, open_call)
    assert api.effects() == []
    assert api.requests()[-1]["status"] is None
    assert attempt(api, open_call).status_code == 200


def test_reset_after_the_effect(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "reset_after", "operation": "complete", "times": 1})
    result = {"completedAt": AT, "resultCode": "confirmed"}
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        api.act(open_call, "complete", result=result)
    assert api.call(open_call)["status"] == "completed"
    assert [one["body"] for one in api.effects()] == [{"result": result}]


def test_a_reset_is_a_real_one(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "reset_after", "times": 1})
    address = urlsplit(api.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
        raw.sendall(
            f"PUT /api/v1/calls/{open_call}/actions/cancel HTTP/1.1\r\nHost: x\r\n"
            "Authorization: Bearer sandbox\r\nContent-Length: 2\r\n\r\n{}".encode()
        )
        # A connection that merely closed would read as an empty text here.
        with pytest.raises(ConnectionResetError):
            raw.recv(1000)
    assert api.call(open_call)["status"] == "cancelled"


def test_a_body_that_is_cut(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "cut_body", "times": 1})
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        attempt(api, open_call)
    assert attempts_of(api, open_call) == 1


def test_a_page_of_html_instead_of_the_answer(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "not_json", "times": 1})
    answer = attempt(api, open_call)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert attempts_of(api, open_call) == 1


def test_nothing_in_the_answer(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "empty_body", "times": 1})
    answer = attempt(api, open_call)
    assert (answer.status_code, answer.content) == (200, b"")
    assert attempts_of(api, open_call) == 1


def test_an_answer_that_shows_the_call_as_it_was(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "unchanged", "times": 1})
    answer = attempt(api, open_call)
    assert (answer.status_code, answer.json()["attemptsCount"]) == (200, 0)
    assert problems("CallDto", answer.json()) == []
    assert api.effects() == []


@pytest.mark.parametrize("kind", ["reset_after", "cut_body", "not_json", "empty_body", "slow"])
def test_the_same_without_the_effect(api: Api, open_call: str, kind: str) -> None:
    rule = {"kind": kind, "seconds": 0.01, "times": 1, "without_effect": True}
    api.order("faults", rule)
    with suppress(requests.RequestException):
        attempt(api, open_call)
    assert api.requests()[-1]["fault"] == kind
    assert api.effects() == []


def test_something_new_that_was_not_made_is_not_shown(api: Api, world: World) -> None:
    person = next(iter(world.persons))
    body = {"personUuid": person, "requestedAt": AT, "type": "winback"}
    api.order("faults", {"kind": "unchanged", "operation": "create-call", "times": 1})
    answer = api.post("/api/v1/calls", json=body)
    assert (answer.status_code, answer.json()) == (201, {})
    assert api.effects() == []


def test_a_slow_answer_outlasts_a_client(api: Api, open_call: str, world: World) -> None:
    world.clock.resume()
    api.order("faults", {"kind": "slow", "seconds": 0.5, "times": 2})
    path = f"/api/v1/calls/{open_call}/actions/add-attempt"
    with pytest.raises(requests.ReadTimeout):
        api.put(path, json={}, timeout=(1, 0.1))
    began = time.monotonic()
    assert api.put(path, json={}).status_code == 200
    assert time.monotonic() - began >= 0.5
    assert attempts_of(api, open_call) == 2


def test_an_answer_about_another_call(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "wrong_uuid", "times": 1})
    assert attempt(api, open_call).json()["uuid"] != open_call
    assert attempts_of(api, open_call) == 1


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"kind": "unknown_enum"}, "'sandboxed' is not one of"),
        ({"kind": "unknown_enum", "field": "type"}, "'sandboxed' is not one of"),
        ({"kind": "null_required"}, "None is not of type 'string'"),
        ({"kind": "null_required", "field": "personUuid"}, "None is not of type 'string'"),
    ],
)
def test_one_record_of_a_page_is_spoilt(api: Api, rule: dict[str, Any], problem: str) -> None:
    sound = api.calls(first=5)
    api.order("faults", {**rule, "operation": "calls", "times": 1})
    spoilt = api.calls(first=5)
    assert nodes(spoilt)[1:] == nodes(sound)[1:]
    found = problems("CallDto", nodes(spoilt)[0])
    assert len(found) == 1
    assert problem in found[0]
    assert api.calls(first=5) == sound


def test_a_rule_with_a_uuid_spoils_that_record_in_a_list(api: Api) -> None:
    sound = nodes(api.calls(first=5))
    victim = sound[3]["uuid"]
    api.order("faults", {"kind": "null_required", "uuid": victim})
    spoilt = nodes(api.calls(first=5))
    assert spoilt[3]["requestedAt"] is None
    assert spoilt[:3] == sound[:3]


def test_fields_that_no_document_names(api: Api) -> None:
    api.order("faults", {"kind": "extra_fields", "operation": "calls", "times": 1})
    node = nodes(api.calls(first=5, include="person"))[0]
    assert "sandboxExtra" in node
    assert "sandboxExtra" in node["person"]
    assert problems("CallDto", node) == []


def test_an_effect_that_comes_late(api: Api, open_call: str, world: World) -> None:
    rule = {"kind": "late_effect", "seconds": 120, "operation": "add-attempt", "times": 1}
    api.order("faults", rule)
    assert attempt(api, open_call).status_code == 504
    api.order("clock", {"advance": 119})
    assert attempts_of(api, open_call) == 0
    due = "2026-11-22T11:02:00.000Z"
    api.order("clock", {"advance": 31})
    assert attempts_of(api, open_call) == 1
    assert [(one["operation"], one["applied_at"]) for one in api.effects()] == [
        ("add-attempt", due)
    ]
    assert api.call(open_call)["lastUpdatedAt"] == due


def test_a_late_effect_may_come_too_late(api: Api, open_call: str) -> None:
    rule = {"kind": "late_effect", "seconds": 60, "status": 0, "operation": "cancel", "times": 1}
    api.order("faults", rule)
    with pytest.raises(requests.ConnectionError):
        api.act(open_call, "cancel")
    api.act(open_call, "expire")
    api.order("clock", {"advance": 60})
    assert api.call(open_call)["status"] == "expired"
    assert [one["operation"] for one in api.effects()] == ["expire"]
    assert api.requests()[0]["fault"] == "late_effect, refused with 400"


def test_reads_that_lag(api: Api, open_call: str, world: World) -> None:
    call = api.call(open_call)
    window = {"requestedFrom": "2026-11-22T10:59:00Z", "requestedUntil": "2026-11-22T11:01:00Z"}
    api.order("clock", {"advance": 20})
    attempt(api, open_call)
    api.order("clock", {"advance": 20})
    attempt(api, open_call)
    api.order("faults", {"kind": "read_lag", "seconds": 30})

    def counts() -> list[int]:
        query = {**window, "updatedAfter": "2026-11-22T10:59:59Z"}
        return [one["attemptsCount"] for one in nodes(api.calls(**query))]

    assert counts() == [0]
    detail = api.read(f"/api/v1/pledges/{call['relatedCaseUuid']}", include="calls")
    assert {one["uuid"]: one["attemptsCount"] for one in detail["calls"]}[open_call] == 0
    api.order("clock", {"advance": 10})
    assert counts() == [1]
    api.order("clock", {"advance": 30})
    assert counts() == [2]
    # Before it was requested it was not there.
    api.delete("/__sandbox/faults")
    api.order("faults", {"kind": "read_lag", "seconds": 3600})
    assert counts() == []


def test_faults_strike_what_they_name(api: Api, open_call: str) -> None:
    rule = {"kind": "status", "status": 500, "operation": "cancel", "uuid": open_call}
    api.order("faults", rule)
    other = api.order("calls", {})["calls"][0]["uuid"]
    assert api.act(other, "cancel").status_code == 200
    assert api.act(open_call, "add-attempt").status_code == 200
    assert api.get("/api/v1/calls").status_code == 200
    assert api.act(open_call, "cancel").status_code == 500
    assert api.read("/__sandbox/faults")["faults"][0]["struck"] == 1
    api.delete("/__sandbox/faults")
    assert api.act(open_call, "cancel").status_code == 200


def test_one_rule_of_several_is_taken_away(api: Api) -> None:
    rules = [{"kind": "status", "status": status} for status in (500, 503)]
    made = api.order("faults", rules)["faults"]
    api.delete(f"/__sandbox/faults?id={made[0]['id']}")
    assert api.get("/api/v1/calls").status_code == 503


def test_probability_is_the_same_for_a_seed_each_time() -> None:
    def story(seed: int) -> list[bool]:
        faults = Faults(frozen_clock())
        faults.add({"kind": "reset_after", "probability": 0.3, "seed": seed})
        return [faults.pick("complete", None) is not None for _ in range(200)]

    assert story(1) == story(1)
    assert story(1) != story(2)
    assert 35 < sum(story(1)) < 85


@pytest.mark.parametrize(
    "rule",
    [
        None,
        [1],
        {},
        {"kind": "explode"},
        {"kind": "status"},
        {"kind": "status", "status": 200},
        {"kind": "slow"},
        {"kind": "reset_after", "operation": "dial"},
        {"kind": "reset_after", "often": 3},
        {"kind": "reset_after", "times": "3"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_a_sentence(api: Api, rule: Any) -> None:
    answer = api.post("/__sandbox/faults", json=rule)
    assert answer.status_code == 400
    assert answer.json()["problem"].endswith(".")
    assert api.read("/__sandbox/faults") == {"faults": []}
