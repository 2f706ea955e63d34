"""Mounted in a session, the sandbox answers as it does over a socket."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import requests

from integrations.sandbox.app import SandboxApp
from integrations.sandbox.clock import Clock
from integrations.sandbox.mounted import SandboxAdapter
from integrations.sandbox.server import running
from integrations.sandbox.world import World

from .conftest import NOON, Api, frozen_clock, nodes

MOUNTED = "http://sandbox.invalid"
Story = list[tuple[Any, ...]]


def fresh_app() -> SandboxApp:
    return SandboxApp(World(seed=3, calls=60, clock=frozen_clock()))


@pytest.fixture
def both() -> Iterator[tuple[Api, Api]]:
    """The same world twice: behind a socket, and mounted."""
    mounted = Api(MOUNTED)
    mounted.mount(MOUNTED, SandboxAdapter(fresh_app()))
    with running(fresh_app()) as base_url, Api(base_url) as socketed:
        yield socketed, mounted


def told(request: Callable[[], requests.Response]) -> tuple[Any, ...]:
    """All that a client can learn from one request."""
    try:
        answer = request()
    except requests.RequestException as problem:
        return (type(problem),)
    headers = {name: answer.headers.get(name) for name in ("Content-Type", "Date", "Retry-After")}
    return answer.status_code, answer.reason, headers, answer.content, answer.encoding


def story(api: Api) -> Story:
    uuid = api.order("calls", {})["calls"][0]["uuid"]
    path = f"/api/v1/calls/{uuid}/actions/add-attempt"
    lines: Story = [
        told(lambda: api.get("/api/v1/calls?first=7&include=person,pledge")),
        told(lambda: api.get("/api/v1/calls", params={"externalReferenceId": "é&x"})),
        told(lambda: api.get("/api/v1/calls", headers={"Authorization": "no"})),
        told(lambda: api.put(path, data="{")),
        told(lambda: api.get("/__sandbox/")),
    ]
    rules: list[dict[str, Any]] = [
        {"kind": "status", "status": 503, "retry_after": 4},
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "cut_body"},
        {"kind": "not_json"},
        {"kind": "wrong_uuid"},
        {"kind": "unknown_enum"},
        {"kind": "extra_fields"},
        {"kind": "null_required"},
        {"kind": "late_effect", "seconds": 9, "status": 0},
        {"kind": "read_lag", "seconds": 9},
    ]
    for rule in rules:
        api.order("faults", {**rule, "times": 1})
        lines.append(told(lambda: api.put(path, json={})))
    lines.append(told(lambda: api.get("/__sandbox/journal")))
    return lines


def test_the_mounted_sandbox_tells_the_same_story_as_the_socket(both: tuple[Api, Api]) -> None:
    over_socket, in_process = (story(api) for api in both)
    for line, other in zip(over_socket, in_process, strict=True):
        assert line == other
    kinds = {line[0] for line in over_socket}
    assert {200, 400, 401, 503, requests.ConnectionError} <= kinds
    assert requests.exceptions.ChunkedEncodingError in kinds


def test_a_slow_answer_moves_a_standing_clock_and_nobody_waits() -> None:
    app = fresh_app()
    api = Api(MOUNTED)
    api.mount(MOUNTED, SandboxAdapter(app))
    uuid = api.order("calls", {})["calls"][0]["uuid"]
    api.order("faults", {"kind": "slow", "seconds": 40, "times": 2})
    with pytest.raises(requests.ReadTimeout):
        api.put(f"/api/v1/calls/{uuid}/actions/add-attempt", json={}, timeout=(3, 25))
    assert app.world.now() == "2026-11-22T11:00:25.000Z"
    assert api.get("/api/v1/calls", timeout=60).status_code == 200
    assert app.world.now() == "2026-11-22T11:01:05.000Z"
    assert api.call(uuid)["attemptsCount"] == 1


def test_a_simulator_brings_its_own_time() -> None:
    moment = [NOON]

    def sleep(seconds: float) -> None:
        moment[0] += timedelta(seconds=seconds)

    world = World(calls=5, clock=Clock(source=lambda: moment[0], sleep=sleep))
    api = Api(MOUNTED)
    api.mount(MOUNTED, SandboxAdapter(SandboxApp(world)))
    api.order("faults", {"kind": "slow", "seconds": 40})
    assert api.get("/api/v1/calls").status_code == 200
    assert moment[0] == NOON + timedelta(seconds=40)
    assert world.now() == "2026-11-22T11:00:40.000Z"


def test_a_streamed_answer_can_be_read_in_parts() -> None:
    api = Api(MOUNTED)
    api.mount(MOUNTED, SandboxAdapter(fresh_app()))
    with api.get("/api/v1/calls?first=50", stream=True) as answer:
        parts = list(answer.iter_content(1000))
    assert len(parts) > 10
    assert b"".join(parts) == api.get("/api/v1/calls?first=50").content


def test_any_wsgi_server_can_carry_it() -> None:
    app = fresh_app()
    begun: list[Any] = []

    def start_response(*line: Any) -> Callable[[bytes], object]:
        begun.append(line)
        return lambda _: None

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/v1/calls",
        "QUERY_STRING": "first=3",
        "HTTP_AUTHORIZATION": "Bearer sandbox",
        "wsgi.input": BytesIO(),
    }
    body = b"".join(app(environ, start_response))
    assert begun[0][0] == "200 OK"
    assert dict(begun[0][1])["Content-Length"] == str(len(body))
    app.faults.add({"kind": "reset_after", "times": 1})
    with pytest.raises(ConnectionResetError):
        app(environ, start_response)


def test_many_threads_at_once_lose_nothing(both: tuple[Api, Api]) -> None:
    socketed, _ = both
    uuid = socketed.order("calls", {})["calls"][0]["uuid"]
    _in_threads(lambda: Api(socketed.base_url).act(uuid, "add-attempt"), 40)
    assert socketed.call(uuid)["attemptsCount"] == 40
    assert len(socketed.effects()) == 40
    assert len(nodes(socketed.calls(first=500))) == 61


def _in_threads(work: Callable[[], object], count: int) -> None:
    with ThreadPoolExecutor(10) as pool:
        for future in [pool.submit(work) for _ in range(count)]:
            future.result()
