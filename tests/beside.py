"""Python beside the whole product: with its settings, on its database, in a process of its own.

That process starts once and then does what it is told, piece after piece, because starting Django
takes two seconds and the stories in a browser ask for it more than a hundred times.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent


class Beside:
    """Starts its process when it is first told something; `close` ends it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._process: subprocess.Popen[str] | None = None

    def run(self, code: str) -> str:
        """What it printed. Each piece begins with every model, and with nothing of the pieces
        before it; what it raises fails the story."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.beside"],
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        asked, told = self._process.stdin, self._process.stdout
        assert asked
        assert told
        asked.write(f"{json.dumps(code)}\n")
        asked.flush()
        printed, raised = json.loads(told.readline())
        assert raised is None, raised
        return str(printed)

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=30)


def main(asked: IO[str], told: IO[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.apps import apps
    from django.db import connections

    for line in asked:
        names = {model.__name__: model for model in apps.get_models()}
        raised = None
        with redirect_stdout(StringIO()) as printed:
            try:
                exec(json.loads(line), {"__name__": "__main__", **names})
            except Exception:  # noqa: BLE001 - told to whoever asked
                raised = traceback.format_exc()
        # A database that is taken away meanwhile has nobody of ours in it.
        connections.close_all()
        told.write(f"{json.dumps([printed.getvalue(), raised])}\n")
        told.flush()


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
