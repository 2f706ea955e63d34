"""Sends webhooks to the product: one thread, one queue, 127.0.0.1 alone.

A copy that is not answered with a 2xx is tried again after each of the `retry_seconds`, and then
given up, as is a copy that was nonsense. What waits when the sandbox ends is lost: a poll finds it.
"""

import base64
import heapq
import http.client
import json
import math
import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from integrations.sandbox.alphacomm.webhook_orders import WebhookOrders
from integrations.sandbox.paging import Record
from integrations.sandbox.world import World

ANSWER_SECONDS: Final = 5.0
# How long an answer waits for the event that is to come before it.
EARLY_SECONDS: Final = 5.0
# Within it, events that are to be shuffled wait for each other.
SHUFFLED_TOGETHER_SECONDS: Final = 0.5
ANSWER_KEPT: Final = 500


@dataclass(order=True)
class _Copy:
    due: float
    place: float
    event: Record = field(compare=False)
    body: bytes = field(compare=False)
    is_malformed: bool = field(compare=False)
    tries: int = field(default=0, compare=False)


class Postman:
    def __init__(self, world: World) -> None:
        self._world = world
        self._random = Random(f"webhooks {world.seed}")
        self._waiting: list[_Copy] = []
        self._changed = threading.Condition()
        self._taken = 0
        self._early = 0
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        self._world.alphacomm.listener = self.take
        self._thread.start()

    def stop(self) -> None:
        """End; what still waits is not sent."""
        with self._changed:
            self._is_stopped = True
            self._early = 0
            self._changed.notify_all()
        self._world.alphacomm.listener = None
        self._thread.join()

    def take(self, event: Record) -> None:
        """Queue the copies of an event, if there is anybody to send them to."""
        orders = self._world.alphacomm.webhooks
        if not orders.url:
            return
        with self._changed:
            for _ in range(orders.times):
                is_malformed = self._random.random() < orders.malformed
                body = encoded(event["body"])
                if is_malformed:
                    body = self._nonsense(body)
                due = time.monotonic() + orders.delay_seconds
                self._taken += 1
                place: float = self._taken
                if orders.shuffle:
                    together = SHUFFLED_TOGETHER_SECONDS
                    due, place = math.ceil(due / together) * together, self._random.random()
                heapq.heappush(self._waiting, _Copy(due, place, event, body, is_malformed))
                self._early += event["is_early"]
            self._changed.notify_all()

    def wait_for_early(self) -> None:
        """Return once every event that is to come before an answer has been sent, or soon."""
        with self._changed:
            self._changed.wait_for(lambda: self._early == 0, EARLY_SECONDS)

    def _run(self) -> None:
        while (copy := self._next()) is not None:
            self._send(copy)

    def _next(self) -> _Copy | None:
        """The next copy, when its time has come; None at the end."""
        with self._changed:
            while not self._is_stopped:
                left = self._waiting[0].due - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._waiting)
                self._changed.wait(left)
            return None

    def _send(self, copy: _Copy) -> None:
        orders = self._world.alphacomm.webhooks
        status, answer = post(orders, copy.body)
        with self._world.lock:
            copy.event["sendings"].append(
                {
                    "at": self._world.now(),
                    "status": status,
                    "answer": answer,
                    "malformed": copy.is_malformed,
                }
            )
        with self._changed:
            if copy.event["is_early"] and copy.tries == 0:
                self._early = max(self._early - 1, 0)
            is_taken = status is not None and 200 <= status < 300
            if not (is_taken or copy.is_malformed) and copy.tries < len(orders.retry_seconds):
                copy.due = time.monotonic() + orders.retry_seconds[copy.tries]
                copy.tries += 1
                heapq.heappush(self._waiting, copy)
            self._changed.notify_all()

    def _nonsense(self, body: bytes) -> bytes:
        kinds = (
            body[: len(body) // 2],
            b"",
            b"[]",
            b"null",
            b'{"event": 7, "service": null}',
            b"\xff\xfe" + body,
        )
        return self._random.choice(kinds)


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


def post(orders: WebhookOrders, body: bytes) -> tuple[int | None, str]:
    """The status and the beginning of the answer; None when there was none. Never redirected."""
    address = urlsplit(orders.url)
    headers = {"Content-Type": "application/json"}
    if orders.user or orders.password:
        pair = base64.b64encode(f"{orders.user}:{orders.password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=ANSWER_SECONDS)
    try:
        path = f"{address.path or '/'}{'?' + address.query if address.query else ''}"
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER_KEPT).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as problem:
        return None, type(problem).__name__
    finally:
        connection.close()
