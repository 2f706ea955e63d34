"""One history of a call centre's day in bad weather, played from a seed.

The delivery code, the rows and the sandbox are the real ones. What is played is time, the wire, and
where workers die: at any statement, before a request, after its answer. A second worker steps in
while the first one waits for an answer, tasks come twice, and two sweeps run where one would do.
The same seed plays the same history.
"""

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import requests
from django.db import connection
from requests.adapters import BaseAdapter

from accounts.models import User
from calls.models import Call
from integrations import clients, delivery, outbox
from integrations.sandbox.mounted import SandboxAdapter
from tests.simulation.judge import Judgement, Violation, judge, wrongly_green
from tests.stage import Stage

MOST_STEPS: Final = 600


class Crash(BaseException):
    """A worker dies here: nothing of ours catches it."""


@dataclass(frozen=True)
class Weather:
    # The share of requests that go wrong, and of steps in which a worker dies.
    faults: float = 0.3
    crashes: float = 0.15
    # How late an effect may be, in seconds.
    latest: float = 120
    # How far reads may lag behind, in seconds.
    lag: float = 45


class Wire(BaseAdapter):
    """Carries requests to the sandbox, through the weather."""

    def __init__(self, history: "History") -> None:
        super().__init__()
        self._history = history
        self._inner = SandboxAdapter(history.stage.app)
        self._depth = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        history, rng = self._history, self._history.rng
        is_write = request.method != "GET"
        history.maybe_die()
        if is_write and self._depth == 0 and rng.random() < 0.2:
            # This worker stands still, with its request half out of the door.
            history.stage.pass_time(rng.uniform(1, 120))
        if self._depth == 0 and rng.random() < 0.3:
            self._depth += 1
            history.step()
            self._depth -= 1
        rule = history.bad_luck(is_write=is_write)
        if rule == {"kind": "no_connection"}:
            raise requests.exceptions.ConnectTimeout
        faults = history.stage.app.faults
        fault = faults.add({**rule, "times": 1}) if rule else None
        try:
            response = self._inner.send(request, *args, **kwargs)
        finally:
            if fault is not None:
                faults.remove(fault.id)
        history.stage.pass_time(rng.uniform(0, 2))
        history.maybe_die()
        return response

    def close(self) -> None:
        """Nothing is held open."""


class History:
    def __init__(self, seed: int, weather: Weather, user: User) -> None:
        self.rng = random.Random(seed)
        self.weather = weather
        self.user = user
        self.stage = Stage(seed=seed % 5, calls=30)
        self.messages: list[uuid.UUID] = []
        self.undone: set[uuid.UUID] = set()
        self.violations: list[Violation] = []

    def play(self) -> Judgement:
        """Play it to its end; what the sandbox's journal says about it."""
        clients.mount(Wire(self))
        # The jitter of back-offs is part of the history.
        random.seed(self.rng.random())
        try:
            self._play_acts()
            self._play_out()
        finally:
            clients.mount(None)
        return judge(self.stage, self.messages, self.undone, self.violations)

    # --- what people do ---

    def _play_acts(self) -> None:
        for call in [self.stage.open_call() for _ in range(self.rng.randint(1, 2))]:
            for act in self._acts(call):
                act()
                for _ in range(self.rng.randint(0, 3)):
                    self.step()
                    self.stage.pass_time(self.rng.uniform(0, 20))

    def _acts(self, call: Call) -> Iterator[Callable[[], None]]:
        for _ in range(self.rng.randint(1, 3)):
            yield lambda: self._attempt(call)
        how = self.rng.choice(["complete", "complete", "cancelled", "expired", "nothing"])
        if how == "complete":
            yield lambda: self.messages.append(self.stage.complete(call, self.user).pk)
        elif how != "nothing":
            yield lambda: self.messages.append(self.stage.end(call, self.user, how).pk)

    def _attempt(self, call: Call) -> None:
        made = self.stage.attempt(call, self.user, is_late=self.rng.random() < 0.5)
        self.messages.append(made.pk)
        if self.rng.random() < 0.15 and made.token is not None:
            self.stage.pass_time(self.rng.uniform(0, 12))
            try:
                outbox.undo(token=made.token, at=self.stage.now)
            except outbox.TooLate:
                return
            self.undone.add(made.pk)

    # --- what workers do ---

    def _play_out(self) -> None:
        for _ in range(MOST_STEPS):
            taken = self.step()
            due = delivery.next_due(at=self.stage.now)
            if due is None:
                break
            wait = (due - self.stage.now).total_seconds()
            self.stage.pass_time(max(wait, 0 if taken else self.rng.choice([1, 5, 30])))
        # What was sent twice is looked at again for a while.
        for _ in range(8):
            self.stage.pass_time(300)
            self.step(is_calm=True)

    def step(self, *, is_calm: bool = False) -> int:
        """What a worker does next: a sweep, two at once, or one task that came twice."""
        what = self.rng.random()
        taken = 0
        with self._death(is_calm=is_calm):
            if what < 0.2 and self.messages:
                chosen = self.rng.choice(self.messages)
                for _ in range(2):
                    taken += delivery.work(chosen, clock=self.stage.clock, until=self._until())
            else:
                taken += self.stage.sweep()
                if what > 0.8:
                    taken += self.stage.sweep()
        self.violations += wrongly_green(self.stage, self.messages)
        return taken

    def _until(self) -> Any:
        return self.stage.now + timedelta(hours=1)

    @contextmanager
    def _death(self, *, is_calm: bool) -> Iterator[None]:
        """In some steps the worker dies, just before some statement."""
        if is_calm or self.rng.random() > self.weather.crashes:
            yield
            return
        left = self.rng.randint(1, 40)

        def count(execute: Any, sql: str, *rest: Any) -> Any:
            nonlocal left
            if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                left -= 1
                if left == 0:
                    raise Crash
            return execute(sql, *rest)

        try:
            with connection.execute_wrapper(count):
                yield
        except Crash:
            return

    def maybe_die(self) -> None:
        """Between two statements there is the wire: a worker may die there too."""
        if self._is_mortal() and self.rng.random() < self.weather.crashes / 4:
            raise Crash

    def _is_mortal(self) -> bool:
        return bool(connection.execute_wrappers)

    # --- the weather ---

    def bad_luck(self, *, is_write: bool) -> dict[str, Any] | None:
        if self.rng.random() > self.weather.faults:
            return None
        rng = self.rng
        if not is_write:
            spoilt: list[dict[str, Any]] = [
                {"kind": "status", "status": 503},
                {"kind": "reset_before"},
                {"kind": "cut_body"},
                {"kind": "status", "status": 404},
                {"kind": "read_lag", "seconds": rng.uniform(1, self.weather.lag)},
                {"kind": "status", "status": 401},
                {"kind": "no_connection"},
            ]
            return rng.choice(spoilt)
        kinds: list[tuple[float, dict[str, Any]]] = [
            (20, {"kind": "reset_before"}),
            (20, {"kind": "reset_after"}),
            (8, {"kind": "cut_body"}),
            (5, {"kind": "not_json"}),
            (3, {"kind": "wrong_uuid"}),
            (5, {"kind": "status", "status": 500}),
            (5, {"kind": "status", "status": 502, "after_effect": True}),
            (15, {"kind": "late_effect", "seconds": rng.uniform(1, self.weather.latest)}),
            (4, {"kind": "slow", "seconds": rng.uniform(1, 60)}),
            (5, {"kind": "no_connection"}),
            (4, {"kind": "status", "status": 401}),
            (4, {"kind": "status", "status": 429, "retry_after": rng.randint(1, 90)}),
            (1, {"kind": "status", "status": 400}),
            (0.5, {"kind": "status", "status": 403}),
            (0.5, {"kind": "status", "status": 404}),
        ]
        return rng.choices([rule for _, rule in kinds], [weight for weight, _ in kinds])[0]
