"""How fast a donor who rings back is found among a million calls, against a page that finds nobody.

Each figure is of whole requests, the form that is sent and the page that it leads to: session,
rights, search, cards with their calls, the line in the trail, the page. The yardstick is the page
with the empty box. Of each also how long the statements of one search took together, and its own
time on the processor: what a machine with other work makes slower is the difference.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from bench import bed
from bench.bed import Figure

TIMES = 40
# In desk.md: a search answers within a tenth of a second.
AT_MOST_MS = 100.0


def figures(calls: int) -> list[Figure]:
    database = bed.address("search")
    with bed.empty_database(database):
        bed.set_up(database)
        bed.fill(calls, open_in=4)
        from django.db import connection

        found = _measured(calls)
        connection.close()
        return found


def _measured(calls: int) -> list[Figure]:
    from django.test import Client

    (agent,) = bed.agents(1)
    client = Client()
    client.force_login(agent)
    client.get("/calls/")

    def asking(query: Callable[[int], str]) -> Callable[[int], None]:
        def ask(turn: int) -> None:
            sent = client.post("/calls/", {"query": query(turn)}, secure=True)
            answer = client.get(sent["Location"], secure=True)
            assert answer.status_code == 200, answer.status_code

        return ask

    def place(turn: int) -> int:
        """Another donor each time, of the own organisation."""
        return (turn * 24_571 + 7) % (calls // 10) * 10 + 3

    ways: dict[str, Callable[[int], str]] = {
        "phone": lambda turn: f"06 1{place(turn):07d}",
        "rare_name": lambda turn: f"{'abcdefghij'[turn % 10]}{'klmno'[turn % 5]}bsma1",
        "commonest_name": lambda _turn: "van der Jansen",
        "beginning_of_three_letters": lambda turn: f"{'abcdefghij'[turn % 10]}an",
        "first_and_commonest_name": lambda _turn: "Fenna Jansen",
        "first_name_that_nobody_has": lambda _turn: "Zacharias Jansen",
        "postcode": lambda turn: f"{1000 + place(turn) % 9000} AB",
        "postcode_and_number": lambda turn: f"{1000 + place(turn) % 9000} AB 12",
        "reference": lambda turn: f"A-{place(turn) // 50 * 50}",
        "nobody": lambda turn: f"xq{turn}zz",
    }

    def empty(_turn: int) -> None:
        client.get("/calls/", secure=True)

    return [
        figure for name, query in ways.items() for figure in _beside(name, asking(query), empty)
    ]


def _beside(name: str, ask: Callable[[int], Any], empty: Callable[[int], Any]) -> list[Figure]:
    """In milliseconds, in turns with the yardstick, after one turn that does not count."""
    yardstick, whole, stated, processor = [], [], [], []
    for turn in range(TIMES + 1):
        yardstick.append(_timed(empty, turn)[0])
        for kept, value in zip((whole, stated, processor), _timed(ask, turn), strict=True):
            kept.append(value)
    del yardstick[0], whole[0], stated[0], processor[0]
    ratios = [took / beside for took, beside in zip(whole, yardstick, strict=True)]
    return [
        Figure(f"{name}_p50_ms", _half(whole)),
        Figure(f"{name}_p95_ms", round(sorted(whole)[int(TIMES * 0.95) - 1], 1), most=AT_MOST_MS),
        Figure(f"{name}_statements_p50_ms", _half(stated)),
        Figure(f"{name}_processor_p50_ms", _half(processor)),
        Figure(f"{name}_empty_page_p50_ms", _half(yardstick)),
        Figure(f"{name}_over_empty_page", _half(ratios)),
    ]


def _half(values: list[float]) -> float:
    return round(statistics.median(values), 1)


def _timed(ask: Callable[[int], Any], turn: int) -> tuple[float, float, float]:
    """How long it took, how long its statements did, and its own time on the processor."""
    from django.db import connection

    stated = 0.0

    def stopwatch(execute: Any, *statement: Any) -> Any:
        nonlocal stated
        began = time.perf_counter()
        try:
            return execute(*statement)
        finally:
            stated += (time.perf_counter() - began) * 1000

    with connection.execute_wrapper(stopwatch):
        began, worked = time.perf_counter(), time.process_time()
        ask(turn)
        took = (time.perf_counter() - began) * 1000
        return took, stated, (time.process_time() - worked) * 1000


if __name__ == "__main__":
    bed.say("search", figures(int(sys.argv[1])))
