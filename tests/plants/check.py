"""Plants a bug at a time into a copy of the project, and looks whether its tests turn red.

    python -m tests.plants.check [name …]

A plant is a patch: a sentence that says what is wrong with it, a line `red: <test>` for each test
that has to fail, and the difference. The tests of a plant pass without it, which `make test` shows.
A line `only: postgresql` is for what SQLite makes impossible by itself, as it lets one write at a
time: without a DATABASE_URL of PostgreSQL such a plant is passed over, and said to be.
Exit 0 only when every plant that was not passed over was caught by every test that it names.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PLANTS = Path(__file__).parent
PROJECT = PLANTS.parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "var", "static-collected", "screenshots", "__pycache__")


def is_caught(plant: Path) -> bool:
    """Whether every test that the plant names fails in a copy that has it."""
    text = plant.read_text()
    tests = [line.removeprefix("red: ") for line in text.splitlines() if line.startswith("red: ")]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(PROJECT, copy, ignore=LEFT_OUT)
        subprocess.run(["patch", "-s", "-p1"], cwd=copy, input=text, text=True, check=True)
        outcomes = {test: _passes(test, copy) for test in tests}
    for test, passes in outcomes.items():
        print(f"{plant.stem}: {'NOT CAUGHT' if passes else 'caught'} by {test}", flush=True)
    return bool(outcomes) and not any(outcomes.values())


def _passes(test: str, copy: Path) -> bool:
    """Whether the test passes there. Anything but a test that failed stops the check."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:randomly",
            "-p",
            "no:cacheprovider",
            test,
        ],
        cwd=copy,
        env={"SIMULATION_HISTORIES": "60", **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{test} could not be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0


def _grows_here(plant: Path) -> bool:
    """Whether the database of these tests lets the bug happen."""
    is_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
    return is_postgresql or "\nonly: postgresql\n" not in plant.read_text()


def main(names: list[str]) -> int:
    plants = sorted(PLANTS.glob("*.patch"))
    named = [plant for plant in plants if not names or plant.stem in names]
    chosen = [plant for plant in named if _grows_here(plant)]
    for plant in named:
        if plant not in chosen:
            print(f"{plant.stem}: passed over, for it needs PostgreSQL")
    missed = [plant.stem for plant in chosen if not is_caught(plant)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} plants caught.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
