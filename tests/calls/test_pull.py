"""`manage.py pull` as a process of its own: finished, killed, asked to stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from integrations.sandbox.app import SandboxApp
from integrations.sandbox.server import running
from integrations.sandbox.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
# For the walk that is killed 20,000 in the soak and before a change lands.
FEWER = 1000
CALLS = int(os.environ.get("PULL_CALLS", FEWER))

SHOWN = """
import json
from django.db.models import Q
from calls.models import Call
from pledges.models import Person, Pledge, Transaction
from integrations.models import Stream
rows = lambda model: {str(pk): str(at) for pk, at in model.objects.values_list("pk", "fetched_at")}
print(json.dumps({
    "calls": {str(c.pk): [c.status, c.notes, c.attempts_count] for c in Call.objects.all()},
    "written": {m.__name__: rows(m) for m in (Call, Person, Pledge, Transaction)},
    "streams": {s.feed: [str(s.watermark), s.cursor, s.pages] for s in Stream.objects.all()},
}))
"""
LET_THE_LEASE_RUN_OUT = """
from integrations.models import Stream
from django.utils import timezone
Stream.objects.exclude(lease=None).update(lease_until=timezone.now())
"""


@dataclass(frozen=True)
class Installation:
    """A database of its own, and the commands that work on it."""

    variables: dict[str, str]

    def start(self, *command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *command],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> str:
        process = self.start(*command)
        said, complaint = process.communicate(timeout=600)
        assert process.returncode == 0, said + complaint
        return said

    def shown(self) -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = json.loads(self.run("shell", "-v0", "-c", SHOWN))
        return found


@pytest.fixture
def app(request: pytest.FixtureRequest) -> SandboxApp:
    return SandboxApp(World(seed=5, calls=getattr(request, "param", FEWER)))


@pytest.fixture
def base_url(app: SandboxApp) -> Iterator[str]:
    with running(app) as address:
        yield address


@pytest.fixture
def installation(base_url: str, tmp_path: Path) -> Iterator[Installation]:
    database = os.environ["DATABASE_URL"]
    name = f"pull_{os.getpid()}"
    if database.startswith("sqlite"):
        database = f"sqlite:///{tmp_path / 'pull.sqlite3'}"
    else:
        parts = urlsplit(database)
        database = urlunsplit(parts._replace(path=f"/{name}"))
        server = urlunsplit(parts._replace(scheme="postgresql", path="/postgres"))
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name}")
            connection.execute(f"CREATE DATABASE {name}")
    made = Installation({**os.environ, "DATABASE_URL": database, "TAPRAISE_URL": base_url})
    made.run("migrate", "--verbosity=0")
    yield made
    if not database.startswith("sqlite"):
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def as_in(app: SandboxApp) -> dict[str, list[object]]:
    return {
        uuid: [call["status"], call["notes"], call["attemptsCount"]]
        for uuid, call in app.world.calls.items()
    }


def wait_for_page(app: SandboxApp, number: int) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with app.world.lock:
            if len(app.world.journal.requests) >= number:
                return
        time.sleep(0.005)
    raise AssertionError("No page was asked for.")


@pytest.mark.parametrize("app", [CALLS], indirect=True)
def test_a_pull_that_was_killed_goes_on_and_ends_with_the_very_set(
    app: SandboxApp, installation: Installation
) -> None:
    # Slow enough to be caught in the middle.
    app.faults.add({"kind": "slow", "seconds": 0.15, "operation": "calls"})
    process = installation.start("pull")
    wait_for_page(app, 5)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    app.faults.clear()
    halfway = installation.shown()
    assert 0 < len(halfway["calls"]) < CALLS

    busy = installation.start("pull", "--feed=calls")
    said, _ = busy.communicate()
    assert busy.returncode != 0
    assert "another walker is on it" in said

    installation.run("shell", "-v0", "-c", LET_THE_LEASE_RUN_OUT)
    said = installation.run("pull")

    assert "gone on with" in said
    after = installation.shown()
    assert after["calls"] == as_in(app)
    assert set(after["written"]["Person"]) == set(app.world.persons)  # type: ignore[call-overload]
    assert set(after["written"]["Pledge"]) == set(app.world.pledges)  # type: ignore[call-overload]

    assert "0 rows written" in installation.run("pull", "--full", "--feed=calls")
    installation.run("pull", "--full")
    assert installation.shown()["written"] == after["written"]


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_pull_that_is_asked_to_stop_ends_with_a_page_and_can_be_gone_on_with(
    app: SandboxApp, installation: Installation, asked: signal.Signals
) -> None:
    app.faults.add({"kind": "slow", "seconds": 0.15, "operation": "calls"})
    process = installation.start("pull", "--feed=calls")
    wait_for_page(app, 4)
    process.send_signal(asked)
    said, _ = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "stopped" in said
    app.faults.clear()
    # No lease is left behind, so nothing has to run out first.
    assert "gone on with: finished" in installation.run("pull", "--feed=calls")
    assert installation.shown()["calls"] == as_in(app)


def test_a_pull_that_fails_says_so(app: SandboxApp, installation: Installation) -> None:
    app.faults.add({"kind": "status", "status": 500, "operation": "pledges"})

    process = installation.start("pull")
    said, complaint = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "default/calls: full walk: finished" in said
    assert "default/pledges: full walk: failed (Unclear" in said
    assert "Not every walk came to its end" in complaint
