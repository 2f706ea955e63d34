"""How fast Belbord is, each figure beside its yardstick in the same run, as JSON lines.

    python -m bench [sync] [claim] [search] [visit] [pages] [export] [--calls N] [--json FILE]

Without a name all of them run, one after the other, each as large as its figure asks for. Each has
a database of its own on the PostgreSQL of BENCH_SERVER (postgres://postgres@127.0.0.1:5432), which
is dropped afterwards. A machine that does other things makes every time longer: compare ratios.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from bench import bed

# How many calls each figure in docs/operating.md speaks of.
CALLS = {
    "sync": 20_000,
    "claim": 1_000_000,
    "search": 1_000_000,
    "visit": 200,
    "pages": 1_000_000,
    # Rows of a file here, and no database.
    "export": 1_000_000,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures how fast Belbord is.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CALLS)}")
    parser.add_argument("--calls", type=int, help="other than each bench does by itself")
    parser.add_argument("--json", type=Path, help="write the lines here as well")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(CALLS):
        parser.error(f"There is no bench {', '.join(sorted(unknown))}.")
    lines, has_failed = [], False
    for name in asked.names or CALLS:
        calls = asked.calls or CALLS[name]
        bed.note(f"{name}: {calls} calls …")
        # Each in a process of its own: one Django has one database.
        with subprocess.Popen(
            [sys.executable, "-m", f"bench.{name}", str(calls)],
            cwd=bed.ROOT, stdout=subprocess.PIPE, text=True,
        ) as run:  # fmt: skip
            for line in run.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        has_failed |= run.returncode != 0
    if asked.json:
        asked.json.write_text("".join(lines))
    named = [said for said in map(json.loads, lines) if "reached" in said]
    reached = [said for said in named if said["reached"]]
    bed.note(f"{len(reached)} of {len(named)} figures reached")
    for said in named:
        if not said["reached"]:
            bed.note(f"  not reached: {said['bench']} {said['figure']}, {said['value']}")
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
