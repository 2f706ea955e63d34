"""The whole product as real processes, started as `make run` starts it, for stories about it."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
import requests

from calls.management.commands.demo import PASSWORD
from tests.beside import ROOT, Beside

# On a small machine that does other things too.
START_SECONDS = 240.0
END_SECONDS = 30.0
# Long enough to press Undo on a machine that is busy; and pictures take their time.
UNDO_SECONDS = 20 if os.environ.get("SCREENSHOTS") else 6


@dataclass(frozen=True)
class Product:
    """A `manage.py run` that is up: where it answers, and its process."""

    base_url: str
    sandbox_url: str
    process: "subprocess.Popen[str]"
    printed: str
    env: Mapping[str, str]
    beside: Beside

    def effects(self, operation: str | None = None) -> list[dict[str, Any]]:
        """What its sandbox did on request, oldest first: the judge of every story."""
        journal = requests.get(f"{self.sandbox_url}journal", timeout=10).json()
        return [one for one in journal["effects"] if operation in (None, one["operation"])]

    def sign_in(self, page: Any, username: str) -> None:
        """Sign one of the demo's people in, in a page of the browser."""
        page.goto(f"{self.base_url}accounts/login/")
        page.fill("input[name=login]", username)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(lambda address: "/accounts/login" not in address)

    def run(self, code: str) -> str:
        """Python on the same database; what it printed. What it raises fails the story."""
        return self.beside.run(code).strip()

    def processes(self) -> set[int]:
        """Every living process of it, itself included."""
        return descendants(self.process.pid)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Tell it to end as Ctrl-C does; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(END_SECONDS)


def environment(**variables: str) -> dict[str, str]:
    """What a fresh machine has and these variables: independent of the settings of the tests."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **inherited,
        "ENV_FILE": os.devnull,
        "DEBUG": "true",
        "SECRET_KEY": "tests-only-for-this-machine",
        "FIELD_KEYS": "tests-only-for-this-machine",
        "TAPRAISE_URL": "http://127.0.0.1:8100",
        "TAPRAISE_TOKEN": "sandbox",
        "TAPRAISE_PLEDGE_ACTIONS": "dropped=drop,cancelled=cancel",
        "ALPHACOMM_URL": "http://127.0.0.1:8100",
        "ALPHACOMM_TOKEN": "sandbox",
        "ALPHACOMM_WEBHOOK_CREDENTIALS": "alphacomm:tests-only-for-this-machine",
        "UNDO_SECONDS": str(UNDO_SECONDS),
        **variables,
    }


@contextmanager
def running_product(folder: Path, env: Mapping[str, str], *, calls: int = 500) -> Iterator[Product]:
    """Start it on free ports, and leave nothing of it behind."""
    env = {**env, "EXPORTS_DIR": str(folder / "exports")}
    options = ("--port", "0", "--calls", str(calls), "--seed", "11", "--var", str(folder))
    command = [sys.executable, "manage.py", "run", *options]
    with (folder / "printed.txt").open("w+") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        started: set[int] = set()
        try:
            printed = _wait_until_open(process, output)
            started |= descendants(process.pid)
            sandbox_url = _address_in(printed, r"at (\S+/__sandbox/)")
            played_at = sandbox_url.removesuffix("/__sandbox/")
            env = {**env, **dict.fromkeys(("TAPRAISE_URL", "ALPHACOMM_URL"), played_at)}
            with closing(Beside(env)) as beside:
                yield Product(
                    base_url=_address_in(printed, r"open at +(\S+)"),
                    sandbox_url=sandbox_url,
                    process=process,
                    printed=printed,
                    env=env,
                    beside=beside,
                )
        finally:
            _end_whatever_is_left(process, started)


def _wait_until_open(process: "subprocess.Popen[str]", output: IO[str]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        output.seek(0)
        printed = output.read()
        if "Ctrl-C ends all of it." in printed:
            return printed
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"The product did not start:\n{printed}")


def _address_in(printed: str, pattern: str) -> str:
    found = re.search(pattern, printed)
    assert found, printed
    return found[1]


def _end_whatever_is_left(process: "subprocess.Popen[str]", started: set[int]) -> None:
    started |= descendants(process.pid)
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    # Only a `run` that is broken leaves any; they outlive their parent.
    for pid in started:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> set[int]:
    """The process and all that it started, as `ps` tells; empty when it is gone."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    )
    children: dict[int, set[int]] = {}
    alive = set()
    for line in listed.stdout.splitlines():
        child, parent, state = line.split()
        if not state.startswith("Z"):
            children.setdefault(int(parent), set()).add(int(child))
            alive.add(int(child))
    found, waiting = set(), [pid] if pid in alive else []
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting.extend(children.get(one, ()))
    return found


def manage(*arguments: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def scratch_services(folder: Path) -> Iterator[dict[str, str]]:
    """The variables of a database and a broker of its own, of the kinds that the tests run on."""
    database_url, redis_url = os.environ["DATABASE_URL"], os.environ["PRODUCT_REDIS_URL"]
    with _scratch_database(database_url, folder) as own_database_url:
        variables = {"DATABASE_URL": own_database_url}
        if not redis_url:
            # `run` starts a broker itself.
            yield variables
            return
        broker_url, broker = _empty_redis(redis_url)
        try:
            yield variables | {"REDIS_URL": broker_url}
        finally:
            broker.flushdb()
            broker.close()


@contextmanager
def _scratch_database(url: str, folder: Path) -> Iterator[str]:
    if not url.startswith("postgres"):
        yield f"sqlite:///{folder / 'belbord.sqlite3'}"
        return
    name = f"belbord_scratch_{secrets.token_hex(4)}"
    server = psycopg.connect(_with_path(url, "postgres"), autocommit=True)
    with server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield _with_path(url, name)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _empty_redis(url: str) -> "tuple[str, redis.Redis]":
    """A numbered database of that Redis which nobody uses, so that no worker takes our tasks."""
    for number in range(1, 16):
        candidate = _with_path(url, str(number))
        broker = redis.Redis.from_url(candidate)
        # The mark makes it ours before the next one looks.
        if broker.dbsize() == 0 and broker.incr("belbord-tests") == 1:
            return candidate, broker
        broker.close()
    raise AssertionError("All numbered databases of this Redis are in use.")


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
