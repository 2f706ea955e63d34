"""`manage.py sandbox` as a process: one line, a state file that outlives it, and its refusals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integrations.sandbox import state
from integrations.sandbox.world import World

from .alphacomm import link, new_link
from .conftest import Api, frozen_clock, nodes
from .receiver import listening

ROOT = Path(__file__).parents[2]


def command(*options: str | Path) -> list[str]:
    return [sys.executable, "manage.py", "sandbox", "--port", "0", *map(str, options)]


@contextmanager
def started(*options: str | Path, end: signal.Signals = signal.SIGTERM) -> Iterator[Api]:
    process = subprocess.Popen(command(*options), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    address = re.search(r"http://127\.0\.0\.1:\d+", line)
    try:
        assert address is not None, line
        yield Api(address[0])
    finally:
        process.send_signal(end)
        try:
            process.wait(10)
        finally:
            # One that does not go when asked must not outlive the test.
            process.kill()
            process.stdout.close()
    assert process.returncode == (0 if end != signal.SIGKILL else -signal.SIGKILL)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_state_outlives_a_restart(tmp_path: Path, end: signal.Signals) -> None:
    kept = tmp_path / "sandbox.json"
    with started("--calls", "40", "--seed", "5", "--state", kept, end=end) as api:
        uuid = api.order("calls", {})["calls"][0]["uuid"]
        api.act(uuid, "add-attempt")
        api.order("clock", {"freeze": "2026-11-22T11:00:00Z"})
        api.order("switches", {"page_limit": 30})
        before = api.call(uuid), api.effects(), api.calls(first=30, include="person,pledge")
        world = api.read("/__sandbox/world")
    with started("--calls", "9", "--state", kept) as api:
        assert before == (
            api.call(uuid),
            api.effects(),
            api.calls(first=30, include="person,pledge"),
        )
        again = api.read("/__sandbox/world")
        assert {**again, "version": 0} == {**world, "version": 0}
        # It goes on from there, and numbers in the journal are not used again.
        api.act(uuid, "cancel")
        assert [one["operation"] for one in api.effects()] == ["add-attempt", "cancel"]
        numbers = [one["number"] for one in (*api.effects(), *api.requests())]
        assert len(numbers) == len(set(numbers))
    assert list(tmp_path.iterdir()) == [kept]


def test_a_change_is_in_the_file_about_a_second_later(tmp_path: Path) -> None:
    kept = tmp_path / "not" / "yet" / "sandbox.json"
    with started("--calls", "40", "--state", kept, end=signal.SIGKILL) as api:
        uuid = api.order("calls", {})["calls"][0]["uuid"]
        deadline = time.monotonic() + 5
        while uuid.encode() not in kept.read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        saved_at = kept.stat().st_mtime_ns
        api.calls()
        time.sleep(1.2)
        assert kept.stat().st_mtime_ns == saved_at, "reading is no change"
    with started("--state", kept) as api:
        assert api.call(uuid)["status"] == "requested"


def test_faults_come_from_a_file(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text(json.dumps([{"kind": "status", "status": 503, "operation": "pledges"}]))
    with started("--calls", "5", "--faults", rules) as api:
        assert api.get("/api/v1/pledges").status_code == 503
        assert len(nodes(api.calls())) == 5


def test_webhooks_go_where_the_command_says(tmp_path: Path) -> None:
    kept = tmp_path / "sandbox.json"
    with listening() as receiver:
        told = ("--webhooks", receiver.url, "--webhook-credentials", "alphacomm:ge:heim")
        with started("--calls", "5", "--state", kept, *told) as api:
            id_ = new_link(api)
            api.order(f"paylinks/{id_}", {"visited": True})
            assert receiver.bodies(1)[0]["serviceId"] == id_
            assert receiver.told[0][1] == "Basic YWxwaGFjb21tOmdlOmhlaW0="
        assert b"ge:heim" not in kept.read_bytes()
        with started("--state", kept) as api:
            assert link(api, id_)["status"] == "ready"
            api.order(f"paylinks/{id_}", {"status": "paid"})
        assert len(receiver.told) == 1
    assert "127.0.0.1 alone" in refusal("--calls", "5", "--webhooks", "http://example.org/")


def refusal(*options: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command(*options),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_cannot_be_used_is_told_in_one_sentence(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    assert "holds no state of the sandbox" in refusal("--state", wrong)
    assert "cannot be used: kind is one of" in refusal("--calls", "5", "--faults", wrong)
    with started("--calls", "5") as api:
        port = api.base_url.rpartition(":")[2]
        assert f"Port {port} cannot be used" in refusal("--calls", "5", "--port", port)


def test_it_does_not_start_in_production() -> None:
    production = {
        "DEBUG": "false",
        "SECRET_KEY": "a" * 25 + "0123456789bcdefghijklmnopqrstuvwxyz",
        "FIELD_KEYS": "b" * 25 + "0123456789cdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": "belbord.example",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "TAPRAISE_URL": "https://tapraise.example",
        "TAPRAISE_TOKEN": "not-the-sandbox",
        "ALPHACOMM_URL": "",
        "ALPHACOMM_TOKEN": "",
        "ALPHACOMM_WEBHOOK_CREDENTIALS": "",
    }
    assert "The sandbox is for development" in refusal(**production)


def test_a_state_holds_all_that_the_world_shows(tmp_path: Path) -> None:
    world = World(seed=2, calls=50, clock=frozen_clock())
    call = next(iter(world.calls.values()))
    world.change_call(call, world.now(), notes="anders")
    path = tmp_path / "state.json"
    state.save(world, path)
    loaded = state.load(path)
    assert loaded.snapshot() == world.snapshot()
    assert loaded.now() == world.now()
    assert loaded.calls_by_update.keys == world.calls_by_update.keys


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}'])
def test_a_file_that_is_no_state_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(state.UnreadableState):
        state.load(path)
    assert path.read_text() == text
