"""How fast a long list becomes a file, and that memory stays flat, against a bare csv.writer.

The rows are invented here and cost nothing to read: what is measured is the writing of
`accounts.sheets`, row by row, into a file. The yardstick writes the same rows as plain texts. Peak
memory is what one way needed beyond what was there before it.
"""

import csv
import itertools
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from bench import bed
from bench.bed import Figure

NAMES = (
    "Requested at", "Status", "Ended at", "Result", "Rating", "By", "Notes", "Amount",
    "Attempts", "Charity", "Type", "Donor", "Call",
)  # fmt: skip
FIRST = datetime(2026, 1, 1, 9, tzinfo=UTC)
# A file of a million rows needs no more memory than this: one row, and what is on its way to disk.
MOST_MIB = 20.0
# Of these rows memory is measured: measuring it makes everything slow.
TRACED = 1_000


def figures(rows: int) -> list[Figure]:
    bed.set_up("sqlite:///:memory:")
    from accounts.sheets import Format, write

    ways: dict[str, Callable[[IO[bytes], Iterator[Any]], None]] = {
        "csv": lambda out, told: write(out, Format.CSV, NAMES, told),
        "xlsx": lambda out, told: write(out, Format.XLSX, NAMES, told),
    }
    bare = _seconds(_bare, rows)
    found = [Figure("bare_csv_rows_per_s", round(rows / bare))]
    for name, way in ways.items():
        took = _seconds(way, rows)
        few, many = (_peak_mib(way, n) for n in (TRACED, 5 * TRACED))
        found += [
            Figure(f"{name}_rows_per_s", round(rows / took)),
            Figure(f"{name}_over_bare_csv", round(took / bare, 1)),
            Figure(f"{name}_peak_mib", round(many, 1), most=MOST_MIB),
            Figure(f"{name}_peak_of_five_times_as_many", round(many / few, 2), most=1.5),
        ]
    return found


def _rows(number: int) -> Iterator[list[Any]]:
    for n in range(number):
        at = FIRST + timedelta(seconds=n)
        yield [
            at, "completed", at + timedelta(minutes=4), "confirmed", n % 10 + 1, "Alice",
            "belt liever 's avonds" if n % 3 else "=1+1", Decimal(n % 5000) / 100, n % 4,
            "Helder Water", "verification", f"F. Jansen-{n}", f"00000000-0000-4000-8000-{n:012d}",
        ]  # fmt: skip


def _bare(out: IO[bytes], told: Iterator[Any]) -> None:
    with Path(out.name).open("w", newline="", encoding="utf-8") as text:
        sheet = csv.writer(text)
        sheet.writerows(itertools.chain([NAMES], told))


def _seconds(way: Callable[[IO[bytes], Iterator[Any]], None], rows: int) -> float:
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "file").open("wb") as out:
        began = time.perf_counter()
        way(out, _rows(rows))
        return time.perf_counter() - began


def _peak_mib(way: Callable[[IO[bytes], Iterator[Any]], None], rows: int) -> float:
    tracemalloc.start()
    _seconds(way, rows)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


if __name__ == "__main__":
    bed.say("export", figures(int(sys.argv[1])))
