"""The processes of `manage.py run`: each with its own log, and ended with all that it started."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

# How long a process may take to end when asked; what it had in hand is safe after a kill, too.
PATIENCE_SECONDS = 10.0
_ERROR_LEVELS = {"error", "critical"}


class Process:
    """One program that runs, leading a group of its own: none of its children is missed."""

    def __init__(
        self, name: str, command: Sequence[str], *, logs: Path, cwd: Path, env: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._read_until = 0
        self._shown: set[str] = set()
        with self.log.open("wb") as log:
            self._running = subprocess.Popen(  # noqa: S603  (only our own programs)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                # Ctrl-C reaches `run` alone: it ends the others in order.
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._running.poll()

    def ask_to_end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._running.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for its end, and end what is left of its group after that many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._running.wait(max(seconds, 0))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._running.pid, signal.SIGKILL)
        self._running.wait()

    def last_lines(self, count: int = 15) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()[-count:]

    def new_errors(self) -> Iterator[str]:
        """What it logged as an error since the last look, each different one once."""
        with self.log.open("rb") as log:
            log.seek(self._read_until)
            for raw in log:
                if not raw.endswith(b"\n"):
                    break
                self._read_until += len(raw)
                event = _error_in(raw.decode(errors="replace"))
                if event and event not in self._shown:
                    self._shown.add(event)
                    yield event


def _error_in(line: str) -> str:
    """The event of a JSON log line of level error or worse; otherwise an empty text."""
    if not line.startswith("{"):
        return ""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if entry.get("level") not in _ERROR_LEVELS:
        return ""
    if entry.get("event") == "request_finished":
        return _answer_in_words(str(entry.get("request", "")), entry.get("code"))
    return str(entry.get("event", ""))


def _answer_in_words(request: str, code: object) -> str:
    """Of an answer that was an error, a sentence; of 'not up yet' none, for that is what was
    asked."""
    if request.partition(" ")[2].startswith("/health/"):
        return ""
    return f"{request} was answered with {code}; its log tells why."


def end(processes: Sequence[Process]) -> None:
    """Ask all of them to end, at once, and see to it that they do."""
    for process in processes:
        process.ask_to_end()
    deadline = time.monotonic() + PATIENCE_SECONDS
    for process in processes:
        process.wait(deadline - time.monotonic())
