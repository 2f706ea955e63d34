"""Webhooks over real HTTP, on the server that runs in production: what no test client can send."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from django.core.cache import cache
from django.db import connection

from integrations.models import WebhookEvent
from integrations.webhooks import LARGEST
from tests.integrations.inbox import URL, authorization, pay_link_event

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
MALFORMED = int(os.environ.get("WEBHOOK_MALFORMED", "300"))
CREDENTIALS = "alphacomm:een-lang-wachtwoord"
HEADERS = {"Authorization": authorization(CREDENTIALS), "Content-Type": "application/json"}
# Sent when a body has no end: a gigabyte, if nobody stops us.
ENDLESS = 1024**3
PATIENCE = 30.0


@dataclass(frozen=True)
class Server:
    """A web server on the database of the tests."""

    address: str
    pid: int

    def tell(self, body: bytes) -> requests.Response:
        return requests.post(f"{self.address}{URL}", data=body, headers=HEADERS, timeout=PATIENCE)

    def connect(self) -> socket.socket:
        parts = urlsplit(self.address)
        return socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE)

    def memory(self) -> int:
        """What all its processes hold, in KiB."""
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True
        )
        rows = [[int(part) for part in line.split()] for line in listed.stdout.splitlines()]
        return sum(held for pid, parent, held in rows if self.pid in (pid, parent))


@pytest.fixture
def server(tmp_path: Path, transactional_db: None) -> Iterator[Server]:
    cache.clear()
    with running_server(tmp_path) as made:
        yield made


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0"]
    env = {
        **os.environ,
        "DATABASE_URL": database_of_the_tests(),
        "ALPHACOMM_WEBHOOK_CREDENTIALS": CREDENTIALS,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    with (folder / "printed.txt").open("w+") as output:
        process = subprocess.Popen(
            [*command, "--threads", "4", "--no-control-socket"],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            server = Server(_address(process, output), process.pid)
            # It listens before it has loaded anything.
            server.tell(b"")
            yield server
        finally:
            process.terminate()
            process.wait(PATIENCE)


def database_of_the_tests() -> str:
    """The address of the database that this process tests on."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


def _address(process: "subprocess.Popen[str]", output: IO[str]) -> str:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and process.poll() is None:
        output.seek(0)
        if found := re.search(r"Listening at: (\S+)", output.read()):
            return found[1]
        time.sleep(0.05)
    output.seek(0)
    raise AssertionError(output.read())


def chunked(body: bytes, *, of: int = 1000) -> bytes:
    parts = [body[start : start + of] for start in range(0, len(body), of)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def head(*lines: str) -> bytes:
    fields = [f"{name}: {value}" for name, value in HEADERS.items()]
    return "\r\n".join(
        [f"POST {URL} HTTP/1.1", "Host: localhost", *fields, *lines, "", ""]
    ).encode()


def answer(connected: socket.socket) -> str:
    """All that comes back until the other side closes."""
    received = b""
    try:
        while part := connected.recv(65536):
            received += part
            if b"\r\n\r\n" in received and b"}" in received:
                break
    except ConnectionError:
        pass
    return received.decode()


def test_a_body_in_chunks_is_taken_in_whole(server: Server) -> None:
    body = json.dumps(pay_link_event("PayLinkPaid", "link")).encode()
    with server.connect() as connected:
        connected.sendall(head("Transfer-Encoding: chunked") + chunked(body) + b"0\r\n\r\n")
        assert answer(connected).startswith("HTTP/1.1 200 ")
    assert WebhookEvent.objects.get().payload == json.loads(body)


def test_a_gigabyte_in_chunks_is_cut_off(server: Server) -> None:
    before = server.memory()
    chunk = b"%x\r\n%s\r\n" % (65536, b"x" * 65536)
    sent = 0
    with server.connect() as connected:
        connected.sendall(head("Transfer-Encoding: chunked"))
        try:
            while sent < ENDLESS:
                connected.sendall(chunk)
                sent += 65536
        except OSError:
            # The other side has hung up.
            pass
    # Some of it stands in buffers of the machine.
    assert sent < 40 * LARGEST
    assert server.memory() - before < 8 * 1024
    assert server.tell(json.dumps(pay_link_event("PayLinkPaid", "link")).encode()).ok


def test_chunks_beyond_the_largest_size_are_answered_so(server: Server) -> None:
    with server.connect() as connected:
        connected.sendall(
            head("Transfer-Encoding: chunked") + chunked(b"x" * (LARGEST + 1), of=8192)
        )
        assert answer(connected).startswith("HTTP/1.1 413 ")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("said", [0, 10, 100])
def test_a_body_that_is_longer_than_it_says_is_no_event(server: Server, said: int) -> None:
    body = json.dumps(pay_link_event("PayLinkPaid", "link")).encode()
    with server.connect() as connected:
        connected.sendall(head(f"Content-Length: {said}", "Connection: close") + body)
        assert answer(connected).startswith("HTTP/1.1 400 ")
    assert not WebhookEvent.objects.exists()


def test_a_body_that_breaks_off_is_no_event(server: Server) -> None:
    body = json.dumps(pay_link_event("PayLinkPaid", "link")).encode()
    with server.connect() as connected:
        connected.sendall(head("Content-Length: 100000") + body[:-1])
        connected.shutdown(socket.SHUT_WR)
        assert "HTTP/1.1 5" not in answer(connected)
    with server.connect() as connected:
        connected.sendall(head("Transfer-Encoding: chunked") + b"zz\r\n" + body)
        assert "HTTP/1.1 5" not in answer(connected)
    assert not WebhookEvent.objects.exists()
    assert server.tell(body).ok


def test_it_is_answered_at_once(server: Server) -> None:
    body = json.dumps(pay_link_event("PayLinkPaid", "link")).encode()
    server.tell(body)
    seconds = []
    for _ in range(20):
        began = time.monotonic()
        assert server.tell(json.dumps(pay_link_event("PayLinkPaid", "link")).encode()).ok
        seconds.append(time.monotonic() - began)
    # No broker answers here. On a machine that does other things too.
    assert sorted(seconds)[10] < 0.2


def test_malformed_bodies_are_never_our_fault_and_leave_no_memory_behind(server: Server) -> None:
    """In its long form (WEBHOOK_MALFORMED) this shows that memory is flat."""
    random = Random(5)
    whole = json.dumps(pay_link_event("PayLinkPaid", "link")).encode()
    grown_from = 0
    with requests.Session() as session:
        session.headers.update(HEADERS)
        for n in range(MALFORMED):
            if n == MALFORMED // 5:
                grown_from = server.memory()
            body = _spoilt(whole, random)
            told = session.post(f"{server.address}{URL}", data=body, timeout=PATIENCE)
            assert told.status_code in {200, 400, 413}, body[:200]
    assert server.memory() - grown_from < 16 * 1024


def _spoilt(whole: bytes, random: Random) -> bytes:
    match random.randrange(6):
        case 0:
            return whole[: random.randrange(len(whole))]
        case 1:
            return random.randbytes(random.randrange(500))
        case 2:
            return b"[" * random.randrange(LARGEST)
        case 3:
            return whole.replace(b"1000", b"9" * random.randrange(1, 9000))
        case 4:
            return b"x" * (LARGEST + random.randrange(1000))
    spoilt = bytearray(whole)
    for _ in range(random.randrange(1, 5)):
        spoilt[random.randrange(len(spoilt))] = random.randrange(256)
    return bytes(spoilt)
