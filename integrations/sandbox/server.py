"""Serves the sandbox over real HTTP: one process, a thread for each connection.

HTTP/1.1 with connections kept alive, and able to do what a proxy in trouble does: reset a
connection for real, or stop in the middle of a body.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

from integrations.sandbox.alphacomm.postman import Postman
from integrations.sandbox.app import Request, SandboxApp
from integrations.sandbox.replies import Reply

HOST: Final = "127.0.0.1"
BODY_LIMIT: Final = 10 * 1024 * 1024
# Linger on, for no time at all: closing then sends a reset instead of a goodbye.
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # The default backlog of 5 refuses connections when many agents start at once.
    request_queue_size = 128

    def __init__(self, app: SandboxApp, port: int) -> None:
        self.app = app
        super().__init__((HOST, port), _Connection)
        app.world.alphacomm.base_url = self.base_url
        app.postman = Postman(app.world)
        app.postman.start()

    def server_close(self) -> None:
        super().server_close()
        if self.app.postman is not None:
            self.app.postman.stop()
            self.app.postman = None

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}"


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one write, and at once.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def _answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            self.send_error(413)
            self.close_connection = True
            return
        address = urlsplit(self.path)
        app = self.server.app
        reply = app.answer(
            Request(
                self.command,
                address.path,
                address.query,
                self.rfile.read(int(length)),
                self.headers.get("Authorization", ""),
                self.headers.get("X-AUTH-TOKEN", ""),
            )
        )
        if reply.delay:
            app.world.clock.sleep(reply.delay)
        if reply.ending == "reset":
            self._reset()
        else:
            self._send(reply)

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The server looks for do_GET, do_PUT …: the app answers for every method, also with 405.
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.sent_body())
        if reply.ending == "cut":
            self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # Close without the shutdown that the server would do first: that would say goodbye.
        self.rfile.close()
        self.connection.close()
        self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            # The client hung up first, as clients with a time limit do.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the journal tells more."""


def serve(app: SandboxApp, port: int = 8100) -> Server:
    """A server that listens; call its serve_forever(). Port 0 picks a free one."""
    return Server(app, port)


@contextmanager
def running(app: SandboxApp, port: int = 0) -> Iterator[str]:
    """Serve in a thread for as long as the block lasts; yields the base URL."""
    server = serve(app, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.base_url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
