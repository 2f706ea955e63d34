"""A small world with its own standing clock, behind a real socket."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from integrations.sandbox.app import SandboxApp
from integrations.sandbox.clock import Clock
from integrations.sandbox.names import TOKEN
from integrations.sandbox.server import running
from integrations.sandbox.world import World

NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


class Api(requests.Session):
    """A session that knows the sandbox's address and token."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base_url = base_url
        self.headers["Authorization"] = f"Bearer {TOKEN}"
        self.headers["X-AUTH-TOKEN"] = TOKEN

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        return super().request(method, f"{self.base_url}{url}", *args, **options)

    def calls(self, **query: Any) -> dict[str, Any]:
        return self.read("/api/v1/calls", **query)

    def pledges(self, **query: Any) -> dict[str, Any]:
        return self.read("/api/v1/pledges", **query)

    def read(self, path: str, **query: Any) -> dict[str, Any]:
        response = self.get(path, params=query)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def act(self, uuid: str, action: str, **body: Any) -> requests.Response:
        return self.put(f"/api/v1/calls/{uuid}/actions/{action}", json=body)

    def call(self, uuid: str) -> dict[str, Any]:
        """One call as it truly is, whatever faults are active."""
        return self.read(f"/__sandbox/calls/{uuid}")

    def ask(self, query: str, **variables: Any) -> requests.Response:
        """A request to Alphacomm, as it came back."""
        return self.post("/v1", json={"query": query, "variables": variables})

    def asked(self, query: str, **variables: Any) -> Any:
        """What stands in the `data` of an answer without errors."""
        response = self.ask(query, **variables)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert "errors" not in answer, answer
        return answer["data"]

    def order(self, path: str, body: Any = None) -> Any:
        response = self.post(f"/__sandbox/{path}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def effects(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.read("/__sandbox/journal", kind="effects")["effects"]
        return entries

    def requests(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.read("/__sandbox/journal", kind="requests")["requests"]
        return entries


def nodes(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in answer["edges"]]


def frozen_clock() -> Clock:
    clock = Clock()
    clock.freeze(NOON)
    return clock


@pytest.fixture
def app() -> SandboxApp:
    return SandboxApp(World(seed=7, calls=300, clock=frozen_clock()))


@pytest.fixture
def world(app: SandboxApp) -> World:
    return app.world


@pytest.fixture
def api(app: SandboxApp) -> Iterator[Api]:
    with running(app) as base_url, Api(base_url) as session:
        yield session


@pytest.fixture
def open_call(api: Api) -> str:
    """The uuid of a requested call that is TapRaise's own."""
    uuid: str = api.order("calls", {})["calls"][0]["uuid"]
    return uuid
