"""A stage for stories in which time matters: the sandbox in this process, one clock for both sides.

Everything is the real code, on real rows; only time is played. `act` is what an agent or supervisor
causes, `sweep` what a worker does, `pass_time` what nobody can help.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from django.db import transaction

from accounts.models import User
from calls import messages
from calls.models import Call, Completion, Ending
from integrations import clients, delivery
from integrations.models import Delivery
from integrations.sandbox.app import SandboxApp
from integrations.sandbox.clock import Clock
from integrations.sandbox.mounted import SandboxAdapter
from integrations.sandbox.world import World
from tests.mirror import mirrored

BEGIN: Final = datetime(2026, 11, 3, 10, 0, 0, tzinfo=UTC)
FAR: Final = timedelta(days=1)


class StageClock(Clock):
    """The sandbox's clock, moved by the stage; waiting there moves the stage on."""

    def __init__(self, stage: "Stage") -> None:
        super().__init__(source=lambda: stage.now)
        self._stage = stage

    def sleep(self, seconds: float) -> None:
        self._stage.pass_time(seconds)


class Stage:
    def __init__(self, *, seed: int, calls: int) -> None:
        self.now = BEGIN
        self.world = World(seed=seed, calls=calls, clock=StageClock(self))
        self.app = SandboxApp(self.world)
        self.adapter = SandboxAdapter(self.app)

    @classmethod
    @contextmanager
    def set_up(cls, *, seed: int = 7, calls: int = 60) -> Iterator[Self]:
        """A stage whose sandbox answers all clients of this process until the block ends."""
        stage = cls(seed=seed, calls=calls)
        clients.mount(stage.adapter)
        try:
            yield stage
        finally:
            clients.mount(None)

    # --- time ---

    def clock(self) -> datetime:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # --- the other side ---

    def fault(self, kind: str, operation: str = "*", **rule: Any) -> None:
        self.app.faults.add({"kind": kind, "operation": operation, **rule})

    def effects(self, operation: str | None = None) -> list[dict[str, Any]]:
        self.world.settle()
        return [one for one in self.world.journal.effects if operation in (None, one["operation"])]

    def writes(self) -> list[dict[str, Any]]:
        """The requests that could have had an effect."""
        return [one for one in self.world.journal.requests if one["method"] != "GET"]

    def open_call(self, *, has_pledge: bool = True) -> Call:
        return mirrored(self.world, has_pledge=has_pledge)

    # --- our side ---

    def attempt(
        self, call: Call, user: User, *, token: uuid.UUID | None = None, is_late: bool = True
    ) -> Delivery:
        """Log a dial; with `is_late` the undo window is over at once."""
        with transaction.atomic():
            call = Call.objects.select_for_update().get(pk=call.pk)
            return messages.enqueue_attempt(
                call,
                user=user,
                attempt_at=messages.next_attempt_at(call, at=self.now),
                token=token or uuid.uuid4(),
                at=self.now - timedelta(seconds=10 if is_late else 0),
            )

    def complete(self, call: Call, user: User, *, token: uuid.UUID | None = None) -> Delivery:
        token = token or uuid.uuid4()
        moment = self.now.replace(microsecond=0)
        with transaction.atomic():
            call = Call.objects.select_for_update().get(pk=call.pk)
            made = messages.enqueue_completion(
                call,
                user=user,
                result_code="confirmed",
                retention_rating=8,
                notes="alles klopt",
                completed_at=moment,
                token=token,
                at=self.now - timedelta(seconds=10),
            )
            Completion.objects.create(
                call=call,
                user=user,
                organization_id=call.person.owning_organization_id,
                result_code="confirmed",
                retention_rating=8,
                notes="alles klopt",
                completed_at=moment,
                token=token,
                delivery=made,
            )
        return made

    def end(self, call: Call, user: User, kind: str) -> Delivery:
        """Cancel a call, or let it expire."""
        token, moment = uuid.uuid4(), self.now.replace(microsecond=0)
        at = self.now - timedelta(seconds=10)
        with transaction.atomic():
            call = Call.objects.select_for_update().get(pk=call.pk)
            if kind == Ending.Kind.CANCELLED:
                made = messages.enqueue_cancel(
                    call, user=user, cancelled_at=moment, token=token, at=at
                )
            else:
                made = messages.enqueue_expire(
                    call, user=user, expired_at=moment, token=token, at=at
                )
            Ending.objects.create(
                call=call, user=user, kind=kind, at=moment, token=token, delivery=made
            )
        return made

    def sweep(self) -> int:
        return delivery.sweep(clock=self.clock, until=self.now + FAR)

    def sweep_until_settled(self) -> None:
        """Sweep at each moment at which something is due, until nothing waits for time."""
        self.sweep()
        while (due := delivery.next_due(at=self.now)) is not None:
            self.now = max(due, self.now + timedelta(seconds=1))
            self.sweep()

    def sweep_for(self, seconds: float, *, every: float = 5) -> None:
        """Let time pass with a sweep every few seconds, as beat would have it."""
        ends = self.now + timedelta(seconds=seconds)
        self.sweep()
        while self.now < ends:
            self.pass_time(every)
            self.sweep()
