"""Starts the whole product on this machine, and ends all of it."""

import contextlib
import fcntl
import io
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from kombu.connection import Connection
from kombu.exceptions import OperationalError as BrokerDown

from accounts.models import User
from calls.management.commands import demo
from calls.management.processes import Process, end
from calls.models import Call

HOST = "127.0.0.1"
LOCAL = {HOST, "localhost", "::1"}
# Python programs take seconds to start on a small machine that is busy.
START_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.2


class ToldToStop(Exception):
    """Somebody pressed Ctrl-C, or asked politely."""


class Command(BaseCommand):
    help = (
        "Starts web, workers, timetable and, where they are needed, a broker and the sandbox; "
        "fills the database; prints one address. Ctrl-C ends all of it."
    )
    requires_system_checks = []  # noqa: RUF012  (the name and kind are Django's)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="of the web; 0: everything on free ports"
        )
        parser.add_argument("--calls", type=int, default=2000, help="that the sandbox invents")
        parser.add_argument("--seed", type=int, default=1, help="other seeds, other donors")
        parser.add_argument(
            "--var", type=Path, default=settings.VAR_DIR, help="folder of logs and state"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "`run` is for development and demonstrations: it does not start without DEBUG."
            )
        self._is_told_to_stop = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._tell_to_stop)
        self._var: Path = options["var"].resolve()
        self._logs = self._var / "log"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._env = os.environ | {"PYTHONUNBUFFERED": "1"}
        # In two rows: the programs of the second need those of the first until their end.
        self._services: list[Process] = []
        self._programs: list[Process] = []
        with self._alone_in_folder() as lock:
            try:
                self._run(options, lock)
            except ToldToStop:
                self.stdout.write("\nEnding all of it …")
            finally:
                end(self._programs)
                end(self._services)
        self.stdout.write("Ended. What was done is kept for the next time.")

    def _run(self, options: dict[str, Any], lock: Path) -> None:
        any_port = options["port"] == 0
        port = _free_port() if any_port else options["port"]
        if not _is_free(port):
            raise CommandError(
                f"Port {port} is taken by another program: end that one, or pick another port "
                f"with `make run PORT={port + 1}`."
            )
        self._start_broker(any_port=any_port)
        sandbox_url = self._start_sandbox(options, web_port=port, any_port=any_port)
        self._prepare_database()
        self._first_pull()
        self._start_programs(port)
        address = f"http://{HOST}:{port}/"
        lock.write_text(address)
        self._say_where(address, sandbox_url)
        while True:
            self._look_around()

    # ── What the programs need ────────────────────────────────────────────────────────────────────

    def _start_broker(self, *, any_port: bool) -> None:
        default = urlsplit(f"redis://{HOST}:{settings.EMBEDDED_BROKER_PORT}/0")
        if default.geturl() != settings.CELERY_BROKER_URL:
            self._require_broker()
            return
        port = _port_near(default, any_port=any_port)
        self._env["REDIS_URL"] = f"redis://{HOST}:{port}/0"
        real_one = shutil.which("redis-server")
        if real_one:
            # Nothing on disk, as with the small one: what is still to be done is in the database.
            options = {"--bind": HOST, "--port": str(port), "--save": "", "--dir": str(self._var)}
            command = [real_one, *(word for option in options.items() for word in option)]
        else:
            command = _manage("broker", "--port", str(port))
        self._services.append(self._start("broker", command))
        self._wait_for_port(port)

    def _require_broker(self) -> None:
        try:
            address = settings.CELERY_BROKER_URL
            with Connection(address, connect_timeout=3) as broker:  # type: ignore[no-untyped-call]
                broker.ensure_connection(max_retries=1, timeout=5)
        except BrokerDown:
            raise CommandError(
                "Nothing answers at REDIS_URL: start a Redis there, or unset it."
            ) from None

    def _start_sandbox(self, options: dict[str, Any], *, web_port: int, any_port: bool) -> str:
        """Its address; empty when neither system is on this machine, so no sandbox either."""
        configured = {
            "TAPRAISE_URL": urlsplit(settings.TAPRAISE_URL),
            "ALPHACOMM_URL": urlsplit(settings.ALPHACOMM_URL),
        }
        played = {name: one for name, one in configured.items() if one.hostname in LOCAL}
        if not played:
            return ""
        port = _port_near(next(iter(played.values())), any_port=any_port)
        url = f"http://{HOST}:{port}"
        self._env |= dict.fromkeys(played, url)
        command = _manage(
            *("sandbox", "--port", str(port), "--state", str(self._var / "sandbox.json")),
            *("--calls", str(options["calls"]), "--seed", str(options["seed"])),
            *(_webhooks(web_port) if "ALPHACOMM_URL" in played else ()),
        )
        self._services.append(self._start("sandbox", command))
        self._wait_for_port(port)
        return f"{url}/__sandbox/"

    def _prepare_database(self) -> None:
        try:
            connection.ensure_connection()
        except OperationalError:
            raise CommandError(
                "The database of DATABASE_URL cannot be reached: start PostgreSQL, make an empty "
                "database with `createdb`, or unset it to use a file."
            ) from None
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        if not demo.has_other_people():
            call_command("demo", stdout=io.StringIO())

    def _first_pull(self) -> None:
        if Call.objects.exists():
            return
        self.stdout.write("Fetching all calls and pledges for the first time …")
        self.stdout.flush()
        pull = self._start("pull", _manage("pull"))
        self._programs.append(pull)
        while pull.exit_code is None:
            self._pause()
        self._programs.remove(pull)
        if pull.exit_code != 0:
            self._tell_of(pull, "did not finish; it is tried again every minute")

    # ── The product itself ────────────────────────────────────────────────────────────────────────

    def _start_programs(self, port: int) -> None:
        connection.close()
        celery = _python("celery", "-A", "config")
        worker = (*celery, "worker", "--loglevel", "WARNING", "--without-gossip")
        timetable = str(self._var / "timetable")
        for name, command in {
            "web": _python(
                *("gunicorn", "config.wsgi", "--bind", f"{HOST}:{port}"),
                *("--threads", "8", "--no-control-socket"),
            ),
            "sender": [*worker, "--queues", "send", "--concurrency", "2", "--hostname", "send@%h"],
            "walker": [
                *(*worker, "--queues", "walk,export"),
                *("--concurrency", "1", "--hostname", "walk@%h"),
            ],
            "timetable": [*celery, "beat", "--schedule", timetable, "--loglevel", "WARNING"],
        }.items():
            self._programs.append(self._start(name, command))
        self._wait_for(lambda: _answers(f"http://{HOST}:{port}/health/live/"), "the web")

    def _say_where(self, address: str, sandbox_url: str) -> None:
        self.stdout.write(f"\n  Belbord is open at  {address}\n")
        demo_people = User.objects.filter(username__in=[one.username for one in demo.PEOPLE])
        for user in demo_people.order_by("username"):
            self.stdout.write(f"    {user.username:<6} {user.role:<11} {demo.PASSWORD}")
        if sandbox_url:
            self.stdout.write(
                "\n  This is a demo: every donor is invented, and the systems outside are played on"
                f"\n  this machine, at {sandbox_url}"
                f"\n  What came to the donors is at {sandbox_url}phone"
            )
        self.stdout.write(f"\n  Logs are in {self._logs}. Ctrl-C ends all of it.\n")
        self.stdout.flush()

    # ── Watching ──────────────────────────────────────────────────────────────────────────────────

    def _start(self, name: str, command: list[str]) -> Process:
        return Process(name, command, logs=self._logs, cwd=settings.BASE_DIR, env=self._env)

    def _pause(self) -> None:
        time.sleep(LOOK_EVERY_SECONDS)
        if self._is_told_to_stop:
            raise ToldToStop

    def _look_around(self) -> None:
        """Show what went wrong since the last look; a program that ended by itself ends all."""
        for process in (*self._services, *self._programs):
            for error in process.new_errors():
                self.stderr.write(f"{process.name}: {error}  (see {process.log})")
            if process.exit_code is not None:
                self._tell_of(process, f"ended by itself (exit code {process.exit_code})")
                raise CommandError(f"All of it was ended, because {process.name} did.")
        self._pause()

    def _wait_for(self, is_there: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_there():
            self._look_around()
            if time.monotonic() > deadline:
                raise CommandError(
                    f"In {START_SECONDS:.0f} seconds {what} did not answer: see {self._logs}."
                )

    def _wait_for_port(self, port: int) -> None:
        self._wait_for(lambda: _listens(port), f"port {port}")

    def _tell_of(self, process: Process, what: str) -> None:
        self.stderr.write(f"{process.name} {what}. The end of {process.log}:")
        for line in process.last_lines():
            self.stderr.write(f"  {line}")

    def _tell_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        # Only noted: an exception here could fall between a start and the note of what was started.
        self._is_told_to_stop = True

    @contextlib.contextmanager
    def _alone_in_folder(self) -> Iterator[Path]:
        """Two at once would share one database file, one sandbox state and the logs."""
        path = self._var / "run.lock"
        with path.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandError(
                    f"Belbord already runs from this folder: {path.read_text() or 'it starts now'}"
                ) from None
            lock.truncate(0)
            yield path


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _webhooks(web_port: int) -> tuple[str, ...]:
    """How the sandbox tells the web what donors do; with nobody to tell as, it does not."""
    credentials = settings.ALPHACOMM_WEBHOOK_CREDENTIALS
    if not credentials:
        return ()
    address = f"http://{HOST}:{web_port}/webhooks/alphacomm/"
    return "--webhooks", address, "--webhook-credentials", credentials[0]


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def _port_near(address: SplitResult, *, any_port: bool) -> int:
    """The port of that address, or a free one when it is taken or does not matter."""
    if address.port and not any_port and _is_free(address.port):
        return address.port
    return _free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        # As the servers do: a port whose last connections are only fading away is free.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind((HOST, 0))
        port: int = candidate.getsockname()[1]
    return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=2) as answer:  # noqa: S310  (our own http address)
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
