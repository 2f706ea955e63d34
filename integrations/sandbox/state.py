"""Keeps a world in a file, so that a restart goes on where it was.

Saved are the records, the effects of the journal, the switches and the clock's shift. Not saved:
the journal's requests, the faults, late effects still to come, webhooks, and how records were
before.
"""

import logging
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from integrations.sandbox.alphacomm.switches import AlphacommSwitches
from integrations.sandbox.clock import Clock, as_text, parse
from integrations.sandbox.journal import Journal
from integrations.sandbox.replies import decode, encode
from integrations.sandbox.seeding import Seeded
from integrations.sandbox.switches import Switches
from integrations.sandbox.world import World

FORMAT: Final = 2
# Before 2 there was no Alphacomm: such a file has none of its records.
READABLE: Final = (1, FORMAT)

logger = logging.getLogger(__name__)


class UnreadableState(Exception):
    """The file is no state of this sandbox."""


def load(path: Path) -> World:
    """The world that was saved. UnreadableState when the file holds something else."""
    try:
        saved: dict[str, Any] = decode(path.read_bytes())
        if saved["format"] not in READABLE:
            raise UnreadableState(f"{path} is of format {saved['format']}, not {FORMAT}.")
        clock = Clock()
        clock.advance(float(saved["clock_shift"]))
        if saved["frozen_at"] is not None:
            clock.freeze(parse(saved["frozen_at"]))
        world = World(
            seed=saved["seed"],
            calls=saved["size"],
            clock=clock,
            switches=Switches(**saved["switches"]),
            born_at=saved["born_at"],
            seeded=Seeded(**saved["records"]),
        )
        world.journal = Journal(saved["effects"], saved["last_number"])
        if saved["format"] == FORMAT:
            world.alphacomm.load(saved["alphacomm"])
            world.alphacomm.switches = AlphacommSwitches(**saved["alphacomm_switches"])
    except (KeyError, TypeError, ValueError) as problem:
        raise UnreadableState(f"{path} holds no state of the sandbox.") from problem
    return world


def save(world: World, path: Path) -> int:
    """Write the world beside the file and put it in its place; returns the version saved."""
    with world.lock:
        version = world.version
        clock = world.clock
        body = encode(
            {
                "format": FORMAT,
                "seed": world.seed,
                "size": world.size,
                "born_at": world.born_at,
                "clock_shift": clock.shift_seconds,
                "frozen_at": as_text(clock.now()) if clock.is_frozen else None,
                "switches": world.switches.as_dict(),
                "last_number": world.journal.last_number,
                "effects": world.journal.effects,
                "records": world.snapshot(),
                "alphacomm": world.alphacomm.snapshot(),
                "alphacomm_switches": world.alphacomm.switches.as_dict(),
            }
        )
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(body)
    beside.replace(path)
    return version


class StateKeeper:
    """Saves the world a second after it changed, and once more at the end.

    A large world takes long to write: then it is written less often, so that writing takes up at
    most a tenth of the time.
    """

    PAUSE: Final = timedelta(seconds=0.9)

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._saved_version = -1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state keeper", daemon=True)

    def start(self) -> None:
        self._save_if_changed()
        self._thread.start()

    def stop(self) -> None:
        """Save what is not saved yet, and end."""
        self._stop.set()
        self._thread.join()
        self._save_if_changed()

    def _run(self) -> None:
        pause = self.PAUSE.total_seconds()
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                self._save_if_changed()
            except OSError:
                # A full disk now may be free again later; the next round tries anew.
                logger.exception("The sandbox could not save its state.")
            pause = max(self.PAUSE.total_seconds(), 9 * (time.monotonic() - began))

    def _save_if_changed(self) -> None:
        if self._world.version != self._saved_version:
            self._saved_version = save(self._world, self._path)
