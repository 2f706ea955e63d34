"""Everything that the stand-in Alphacomm keeps: links, mandates, batches, jobs, messages, calls.

As in the world, a record is never changed in place. Records lie in the order in which they were
made; times are the sandbox's own texts and turn into Alphacomm's when shown.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, get_args
from uuid import UUID

from integrations.sandbox.alphacomm.scripts import SEEDED
from integrations.sandbox.alphacomm.switches import AlphacommSwitches
from integrations.sandbox.alphacomm.webhook_orders import WebhookOrders
from integrations.sandbox.clock import as_text, to_the_second
from integrations.sandbox.paging import Record

Kind = Literal["scripts", "links", "mandates", "batches", "jobs", "messages", "voice_calls"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# What short addresses are spelled in: nothing that looks like something else.
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"


class Change(NamedTuple):
    at: str
    kind: Kind
    id: str
    before: Record | None


class Holdings:
    # Changes that a lagging read can look behind.
    CHANGES_KEPT = 20_000
    EVENTS_KEPT = 500

    def __init__(self, seed: int, changed: Callable[[], None]) -> None:
        self._seed = seed
        self._changed = changed
        self.switches = AlphacommSwitches()
        # Where links point; the server says where it listens.
        self.base_url = "http://127.0.0.1:8100"
        # Told of every event as it happens: whoever sends webhooks, or a test that delivers them.
        self.listener: Callable[[Record], None] | None = None
        self.webhooks = WebhookOrders()
        self.clear()

    def clear(self) -> None:
        """As it was born: scripts, and nothing else."""
        self.load({"made": 0, "records": {"scripts": {one["id"]: one for one in SEEDED}}})

    def load(self, saved: dict[str, Any]) -> None:
        """Take these records in place of all that there is."""
        records = {kind: dict(saved["records"].get(kind, {})) for kind in KINDS}
        self.records: dict[Kind, dict[str, Record]] = records
        self.made: int = saved["made"]
        self.changes: deque[Change] = deque(maxlen=self.CHANGES_KEPT)
        # The webhooks that fired, each with what became of it.
        self.events: deque[Record] = deque(maxlen=self.EVENTS_KEPT)
        self.events_fired = 0
        self._changed()

    def snapshot(self) -> dict[str, Any]:
        """All records as they stand, in a form that `load` takes back."""
        return {"made": self.made, "records": self.records}

    def put(self, kind: Kind, record: Record, at: str) -> Record:
        """Save a new or changed record."""
        self.changes.append(Change(at, kind, record["id"], self.records[kind].get(record["id"])))
        self.records[kind][record["id"]] = record
        self._changed()
        return record

    def change(self, kind: Kind, record: Record, at: str, **changes: Any) -> Record:
        # Kept to the second, as shown: what is shown is what is compared.
        return self.put(kind, {**record, **changes, "updatedOn": to_the_second(at)}, at)

    def seen(self, kind: Kind, now: datetime, lag: float) -> list[Record]:
        """The records as they were so many seconds ago, in the order in which they were made."""
        if lag <= 0:
            return list(self.records[kind].values())
        then = as_text(now - timedelta(seconds=lag))
        earlier: dict[str, Record | None] = {}
        for change in reversed(self.changes):
            if change.kind == kind and change.at > then:
                earlier[change.id] = change.before
        shown = (earlier.get(id_, one) for id_, one in self.records[kind].items())
        return [one for one in shown if one is not None]

    def job_of(self, script: str, reference: str) -> Record | None:
        """The job of a record that was imported under this reference."""
        return self.records["jobs"].get(f"{script}/{reference}")

    def fresh_id(self) -> str:
        """Counted, not random: a simulation that is played again finds the same one."""
        self.made += 1
        # Neighbours look nothing alike; the count at the end keeps any from coming twice.
        scattered = (self.made + self._seed % 2**16 * 2**20) * 0x9E3779B97F4A7C15 % 2**64
        return str(UUID(int=scattered << 64 | self.made, version=4))

    def fresh_code(self) -> str:
        """The end of a short address, of something that has just got its id."""
        rest, letters = self.made * 7_368_787 % len(_LETTERS) ** 7, ""
        for _ in range(7):
            rest, place = divmod(rest, len(_LETTERS))
            letters += _LETTERS[place]
        return letters
