"""A small receiver of webhooks on this machine, for stories about what is sent to it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver(ThreadingHTTPServer):
    """Notes what it is told, and answers with the statuses it was given, then with 204."""

    daemon_threads = True

    def __init__(self) -> None:
        self.told: list[tuple[float, str, bytes]] = []
        self.statuses: list[int] = []
        self.pause = 0.0
        super().__init__(("127.0.0.1", 0), _Telling)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/webhooks/alphacomm/"

    def bodies(self, count: int) -> list[Any]:
        """The bodies of so many messages, once they are in."""
        wait_for(lambda: len(self.told) >= count)
        return [json.loads(body) for _, _, body in self.told]


class _Telling(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.pause)
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        self.server.told.append((time.monotonic(), self.headers.get("Authorization", ""), body))
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def wait_for(is_so: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def listening() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
