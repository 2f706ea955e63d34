"""Starts a small broker that speaks Redis' protocol, where no Redis is installed."""

import signal
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from fakeredis import TcpFakeServer


class Command(BaseCommand):
    help = (
        "Plays Redis on 127.0.0.1 for `run`. It keeps nothing on disk, which costs nothing: what "
        "is still to be done stands in the database."
    )
    requires_system_checks = []  # noqa: RUF012  (the name and kind are Django's)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.EMBEDDED_BROKER_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "The broker is for development: without DEBUG, set REDIS_URL to a real Redis."
            )
        try:
            server = TcpFakeServer(("127.0.0.1", options["port"]), server_type="redis")
        except OSError as problem:
            reason = f"Port {options['port']} cannot be used: {problem.strerror}."
            raise CommandError(reason) from None
        # Many small packets: held up by Nagle a worker does 11 tasks a second, not 450.
        server.RequestHandlerClass.disable_nagle_algorithm = True  # type: ignore[attr-defined]
        # Otherwise the end waits for every worker to hang up.
        server.daemon_threads = True
        signal.signal(signal.SIGTERM, _interrupt)
        self.stdout.write(f"The broker listens at redis://127.0.0.1:{server.server_address[1]}/0")
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Let a polite request to end do what Ctrl-C does."""
    raise KeyboardInterrupt
