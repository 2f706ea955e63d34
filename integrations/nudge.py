"""Wake a worker up, if that costs next to nothing.

The tables are the queue: a nudge that is lost costs the few seconds until the next sweep.
So nobody waits for one. A broker that does not answer is noticed within a twentieth of a second,
one that cannot be reached within a tenth, and both are then left alone for five seconds.
"""

import time
from functools import cache
from typing import Final
from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from kombu.connection import Connection
from kombu.pools import producers

log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 0.1
SECONDS: Final = 0.05
QUIET_SECONDS: Final = 5.0
# A wake-up that nobody picked up by then is worth nothing: sweeps have come by since.
EXPIRES_SECONDS: Final = 60

_quiet_until = 0.0


def prepare() -> None:
    """Load what it takes to nudge, so that no person's first action waits for that."""
    _broker()
    current_app.finalize()


def nudge(delivery_id: UUID) -> bool:
    """Ask a worker to take up this message's line. False when that could not be asked."""
    return _ask_for("integrations.tasks.deliver", str(delivery_id))


def nudge_after_commit(delivery_id: UUID) -> None:
    """Ask once the transaction that is open has committed."""

    def ask() -> None:
        nudge(delivery_id)

    transaction.on_commit(ask, robust=True)


def nudge_inbox_after_commit() -> None:
    """Ask a worker to work off what came in, once the transaction that is open has committed."""

    def ask() -> None:
        _ask_for("integrations.tasks.work_inbox")

    transaction.on_commit(ask, robust=True)


def _ask_for(task: str, *args: str) -> bool:
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        with producers[_broker()].acquire(block=True, timeout=SECONDS) as producer:
            current_app.send_task(
                task,
                args=list(args),
                queue="send",
                expires=EXPIRES_SECONDS,
                ignore_result=True,
                retry=False,
                producer=producer,
            )
    except Exception as error:  # noqa: BLE001  (whatever is wrong with the broker, it can wait)
        _quiet_until = time.monotonic() + QUIET_SECONDS
        log.warning("nudge failed", error=type(error).__name__)
        return False
    return True


@cache
def _broker() -> Connection:
    """A connection for publishing alone: a worker that listens needs other time limits."""
    connection: Connection = current_app.connection_for_write(
        connect_timeout=CONNECT_SECONDS,
        transport_options={
            **current_app.conf.broker_transport_options,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": SECONDS,
            "retry_on_timeout": False,
            "max_retries": 0,
            "read_timeout": SECONDS,
            "write_timeout": SECONDS,
        },
    )
    return connection
