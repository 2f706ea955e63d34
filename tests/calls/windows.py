"""A window made real: one request stops just before a statement, while another one runs beside it.

Each runs in a thread with a connection of its own, as in the product.
"""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

# Long enough for the other one to be done, if nothing holds it up.
BESIDE_SECONDS = 1.5
# How long anything may take.
PATIENCE_SECONDS = 30


def while_stopped(
    first: Callable[[], Any], beside: Callable[[], Any], *, before: str
) -> tuple[Any, Any, bool]:
    """Run `first` until it is about to execute a statement that begins so, and then `beside`. It
    goes on once that is done, or is held up by what `first` has locked. What both returned, and
    whether `beside` was done first."""
    is_there, is_done = threading.Event(), threading.Event()
    came_back: dict[str, Any] = {}
    overtook = []

    def stop(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith(before) and not is_there.is_set():
            is_there.set()
            overtook.append(is_done.wait(BESIDE_SECONDS))
        return execute(sql, *rest)

    def run(name: str, act: Callable[[], Any]) -> None:
        try:
            came_back[name] = act()
        finally:
            connection.close()

    def run_first() -> None:
        with connection.execute_wrapper(stop):
            run("first", first)

    def run_beside() -> None:
        run("beside", beside)
        is_done.set()

    threads = [threading.Thread(target=run_first), threading.Thread(target=run_beside)]
    threads[0].start()
    assert is_there.wait(PATIENCE_SECONDS), f"It never came to {before}"
    threads[1].start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return came_back["first"], came_back["beside"], overtook[0]
