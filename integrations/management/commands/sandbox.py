"""Starts the stand-ins for TapRaise and Alphacomm on this machine."""

import json
import signal
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.sandbox import state
from integrations.sandbox.app import SandboxApp
from integrations.sandbox.server import serve
from integrations.sandbox.world import World


class Command(BaseCommand):
    help = (
        "Plays TapRaise and Alphacomm on http://127.0.0.1:8100 with invented donors, for "
        "development, demonstrations and tests. Either token is 'sandbox'; /__sandbox/ shows what "
        "they do, /__sandbox/phone what came to the donors."
    )
    # It needs no database, so it starts without one.
    requires_system_checks = []  # noqa: RUF012  (the name and kind are Django's)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8100, help="0 picks a free one")
        parser.add_argument("--calls", type=int, default=2000, help="how many calls to invent")
        parser.add_argument("--seed", type=int, default=1, help="other seeds, other donors")
        parser.add_argument("--faults", type=Path, help="a JSON file with a list of fault rules")
        parser.add_argument(
            "--state",
            type=Path,
            help="keep the world in this file; when it exists, --calls and --seed do not count",
        )

        parser.add_argument(
            "--webhooks",
            default="",
            metavar="URL",
            help="tell this address on 127.0.0.1 what donors do with their links",
        )
        parser.add_argument(
            "--webhook-credentials", default="", metavar="USER:PASSWORD", help="to tell it with"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The sandbox is for development: it does not start without DEBUG.")
        state_path: Path | None = options["state"]
        app = SandboxApp(_world(state_path, options["seed"], options["calls"]))
        if options["faults"] is not None:
            _add_faults(app, options["faults"])
        _send_webhooks(app, options["webhooks"], options["webhook_credentials"])
        try:
            server = serve(app, options["port"])
        except OSError as problem:
            reason = f"Port {options['port']} cannot be used: {problem.strerror}."
            raise CommandError(reason) from None

        keeper = None
        if state_path is not None:
            state_path.parent.mkdir(parents=True, exist_ok=True)
            keeper = state.StateKeeper(app.world, state_path)
            keeper.start()
        # SIGINT too: a shell that starts us in the background has it ignored.
        for polite in (signal.SIGTERM, signal.SIGINT):
            signal.signal(polite, _interrupt)
        self.stdout.write(f"The sandbox listens at {server.base_url}/__sandbox/")
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()
            if keeper is not None:
                keeper.stop()


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does."""
    raise KeyboardInterrupt


def _world(state_path: Path | None, seed: int, calls: int) -> World:
    if state_path is None or not state_path.exists():
        return World(seed=seed, calls=calls)
    try:
        return state.load(state_path)
    except state.UnreadableState as problem:
        raise CommandError(f"{problem} Remove it to start with a fresh world.") from None


def _send_webhooks(app: SandboxApp, url: str, credentials: str) -> None:
    holdings = app.world.alphacomm
    user, _, password = credentials.partition(":")
    try:
        holdings.webhooks = holdings.webhooks.changed(
            {"url": url, "user": user, "password": password}
        )
    except ValueError as problem:
        raise CommandError(str(problem)) from None


def _add_faults(app: SandboxApp, path: Path) -> None:
    try:
        rules = json.loads(path.read_text(encoding="utf-8"))
        for rule in rules if isinstance(rules, list) else [rules]:
            app.faults.add(rule)
    except (OSError, ValueError) as problem:
        raise CommandError(f"The faults in {path} cannot be used: {problem}") from None
