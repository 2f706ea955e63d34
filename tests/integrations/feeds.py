"""The other side mounted in this process, for the stories about feeds: same code, own clock."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Self
from urllib.parse import parse_qs
from uuid import UUID

import requests

from calls.freshness import CALLS
from integrations import clients, streams
from integrations.feeds import Feed
from integrations.http import Token
from integrations.models import Stream
from integrations.sandbox import names
from integrations.sandbox.app import Request, SandboxApp
from integrations.sandbox.clock import Clock
from integrations.sandbox.mounted import SandboxAdapter
from integrations.sandbox.reads import CALL_INCLUDES
from integrations.sandbox.world import World
from integrations.streams import Walk
from integrations.tapraise.client import TapRaise

NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00")


class TwistedAdapter(SandboxAdapter):
    """The sandbox behind a proxy that twists the pages it lets through."""

    def __init__(self, app: SandboxApp) -> None:
        super().__init__(app)
        self.twist: Callable[[dict[str, Any]], None] = lambda page: None

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        response = super().send(request, stream=False, timeout=options.get("timeout"))
        if response.status_code == 200:
            page = json.loads(response.content)
            self.twist(page)
            response._content = json.dumps(page).encode()
        return response


@dataclass
class Feeds:
    """A world of calls, our clock beside its own, and walks over it."""

    calls: int = 25
    seed: int = 3
    page_size: int = 5
    # How far our clock is ahead of theirs.
    skew: timedelta = timedelta(0)
    world: World = field(init=False)
    app: SandboxApp = field(init=False)
    adapter: TwistedAdapter = field(init=False)
    client: TapRaise = field(init=False)
    removed: dict[UUID, dict[str, Any]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        clock = Clock()
        clock.freeze(NOON)
        self.world = World(seed=self.seed, calls=self.calls, clock=clock)
        self.app = SandboxApp(self.world)
        self.adapter = TwistedAdapter(self.app)
        self.client = TapRaise(
            "http://sandbox",
            Token(names.TOKEN),
            page_size=self.page_size,
            adapter=self.adapter,
            clock=self.now,
        )

    @contextmanager
    def mounted(self) -> Iterator[Self]:
        """As the other side of all clients of this process, by the one clock."""
        clients.mount(self.adapter, clock=self.now)
        try:
            yield self
        finally:
            clients.mount(None)

    def now(self) -> datetime:
        return self.world.clock.now() + self.skew

    def advance(self, **time: float) -> None:
        self.world.clock.advance(timedelta(**time).total_seconds())

    def walk(self, feed: Feed = CALLS, **options: Any) -> Walk:
        options.setdefault("clock", self.now)
        options.setdefault("is_fetching_ahead", False)
        return streams.walk(feed, self.client, account="default", **options)

    def stream(self, feed: Feed = CALLS) -> Stream:
        return Stream.objects.get(feed=feed.name)

    def fault(self, **rule: Any) -> None:
        self.app.faults.add(rule)

    def control(self, path: str, **orders: Any) -> Any:
        body = json.dumps(orders).encode()
        reply = self.app.answer(Request("POST", f"/__sandbox/{path}", "", body))
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def touch(self, **orders: Any) -> list[str]:
        touched: list[str] = self.control("touch", **orders)["uuids"]
        return touched

    def remove(self, kind: Literal["calls", "pledges"], record: UUID) -> None:
        """Have a record deleted at TapRaise."""
        self.removed[record] = self.world.records[kind][str(record)]
        reply = self.app.answer(Request("DELETE", f"/__sandbox/{kind}/{record}", "", b""))
        assert reply.status == 200, reply.body

    def bring_back(
        self, kind: Literal["calls", "pledges"], record: UUID, *, is_changed: bool = True
    ) -> None:
        """Have a record that was deleted come back, as it was or as a change of this moment."""
        at, updated = self.world.now(), "lastUpdatedAt" if kind == "calls" else "updatedAt"
        changes = {updated: at} if is_changed else {}
        self.world.put(kind, self.removed[record] | changes, at)

    def asked(self) -> list[dict[str, str]]:
        """The questions that were asked of the lists, oldest first."""
        return [
            {name: values[0] for name, values in parse_qs(entry["query"]).items()}
            for entry in self.world.journal.requests
        ]

    def records(self, include: tuple[str, ...] = CALL_INCLUDES) -> list[Any]:
        """All calls, as the client reads them."""
        pages = self.client.calls(include=include, page_size=500)
        return [record for page in pages for record in page.records]
