"""Pages: every row once, in order, both ways, also while rows come."""

from typing import Any

import pytest

from integrations.sandbox.world import World

from .conftest import Api, nodes


def forwards(api: Api, path: str, size: int, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = api.read(path, first=size, **cursor, **query)
        assert answer["pageInfo"]["hasPreviousPage"] == bool(found)
        found += nodes(answer)
        if not answer["pageInfo"]["hasNextPage"]:
            return found
        cursor = {"after": answer["pageInfo"]["endCursor"]}


def backwards(api: Api, path: str, size: int, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = api.read(path, last=size, **cursor, **query)
        assert answer["pageInfo"]["hasNextPage"] == bool(found)
        found = nodes(answer) + found
        if not answer["pageInfo"]["hasPreviousPage"]:
            return found
        cursor = {"before": answer["pageInfo"]["startCursor"]}


@pytest.mark.parametrize("size", [1, 7, 100])
def test_calls_come_once_each_by_time_of_request_both_ways(api: Api, size: int) -> None:
    query = {} if size > 1 else {"updatedAfter": "2026-11-21T11:00:00Z"}
    found = forwards(api, "/api/v1/calls", size, **query)
    keys = [(node["requestedAt"], node["uuid"]) for node in found]
    assert keys == sorted(set(keys), reverse=True)
    assert len(keys) == 300 if size > 1 else 5 < len(keys) < 100
    assert backwards(api, "/api/v1/calls", size, **query) == found


def test_pledges_come_once_each_by_time_of_creation_both_ways(api: Api, world: World) -> None:
    found = forwards(api, "/api/v1/pledges", 23, status="all")
    keys = [(node["createdAt"], node["uuid"]) for node in found]
    assert keys == sorted(set(keys), reverse=True)
    assert {uuid for _, uuid in keys} == set(world.pledges)
    assert backwards(api, "/api/v1/pledges", 23, status="all") == found


def test_calls_requested_at_one_moment_are_told_apart_by_uuid(api: Api) -> None:
    api.order("calls", {"count": 25, "requestedAt": "2026-11-22T10:59:59.5Z"})
    found = forwards(api, "/api/v1/calls", 4, requestedAfter="2026-11-22T10:59:59Z")
    uuids = [node["uuid"] for node in found if node["requestedAt"] == "2026-11-22T10:59:59.500Z"]
    assert len(uuids) == 25
    assert uuids == sorted(set(uuids), reverse=True)


def test_a_cursor_holds_its_place_while_newer_rows_come(api: Api) -> None:
    first = api.calls(first=10)
    expected = nodes(api.calls(first=20))[10:]
    api.order("calls", {"count": 5})
    second = api.calls(first=10, after=first["pageInfo"]["endCursor"])
    assert nodes(second) == expected


def test_the_default_page_and_the_limit_are_switches(api: Api) -> None:
    assert len(api.calls()["edges"]) == 10
    api.order("switches", {"page_limit": 20, "default_page": 3})
    assert len(api.calls()["edges"]) == 3
    assert len(api.calls(first=500)["edges"]) == 20
    api.order("switches", {"above_page_limit": "refuse"})
    assert api.get("/api/v1/calls?first=21").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "first=0",
        "first=-1",
        "first=x",
        "first=2&last=2",
        "first=2&before=x",
        "after=%21",
        "after=eA",
    ],
)
def test_senseless_pages_are_refused(api: Api, query: str) -> None:
    response = api.get(f"/api/v1/calls?{query}")
    assert response.status_code == 400
    assert response.json()["statusCode"] == 400


def test_an_empty_list_has_no_cursors(api: Api) -> None:
    answer = api.calls(requestedAfter="2030-01-01T00:00:00Z")
    assert answer == {
        "edges": [],
        "pageInfo": {
            "startCursor": None,
            "endCursor": None,
            "hasPreviousPage": False,
            "hasNextPage": False,
        },
    }


def test_cursors_may_be_uuids_and_calls_sorted_by_creation(api: Api) -> None:
    api.order("switches", {"cursor_form": "uuid", "calls_sorted_by": "created"})
    late = api.order("calls", {"requestedAt": "2020-01-01T00:00:00Z"})["calls"][0]["uuid"]
    found = forwards(api, "/api/v1/calls", 100)
    assert found[0]["uuid"] == late
    assert len(found) == 301
    answer = api.calls(first=1)
    assert answer["pageInfo"]["endCursor"] == late
    assert api.get(f"/api/v1/calls?after={'0' * 36}").status_code == 400
