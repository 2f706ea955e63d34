"""The sandbox's state: every record, the orders in which they are read, and how they were before.

Records are the objects of the API document without what is only shown when asked for. A record is
never changed in place: a change puts a new one in its stead, so whoever still holds the old one
reads it undisturbed, and the past can be shown again.
"""

import heapq
import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from integrations.sandbox.alphacomm.holdings import Holdings
from integrations.sandbox.clock import Clock, as_text
from integrations.sandbox.journal import Journal
from integrations.sandbox.paging import Index, Record
from integrations.sandbox.seeding import Seeded, seed_records
from integrations.sandbox.switches import Switches

Kind = Literal["calls", "persons", "pledges", "transactions"]


class Change(NamedTuple):
    at: str
    kind: Kind
    uuid: str
    before: Record | None


class Planned(NamedTuple):
    """Something that will happen once the world's clock gets there."""

    at: str
    # What was planned first happens first.
    order: int
    happen: Callable[[str], None]


class World:
    """Everything that the stand-in TapRaise knows, and beside it what Alphacomm does.

    Two worlds with the same seed, size and time of birth are equal to the byte, unless one was
    given other records as `seeded`. Hold `lock` while reading or changing it.
    """

    # Changes that a lagging read can look behind.
    CHANGES_KEPT = 20_000

    def __init__(
        self,
        *,
        seed: int = 1,
        calls: int = 2000,
        clock: Clock | None = None,
        switches: Switches | None = None,
        born_at: str | None = None,
        seeded: Seeded | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.switches = switches or Switches()
        self.lock = threading.RLock()
        self.journal = Journal()
        # Rises with every change: whoever saves the state compares it.
        self.version = 0
        self.seed = seed
        self.size = calls
        self.born_at = born_at or as_text(self.clock.now())
        self.alphacomm = Holdings(seed, self.note_change)
        self.load(seeded or seed_records(seed, calls, self.born_at))

    def reset(self) -> None:
        """The world as it was born, with an empty journal."""
        self.journal = Journal()
        self.load(seed_records(self.seed, self.size, self.born_at))
        self.alphacomm.clear()

    def note_change(self) -> None:
        self.version += 1

    def load(self, seeded: Seeded) -> None:
        """Take these records in place of all that there is."""
        self.records: dict[Kind, dict[str, Record]] = {
            "calls": {},
            "persons": {},
            "pledges": {},
            "transactions": {},
        }
        self.calls_of: dict[str, list[str]] = {}
        self.pledges_of: dict[str, list[str]] = {}
        self.transactions_of: dict[str, list[str]] = {}
        self.call_created: dict[str, str] = {}
        self.externally_sourced: set[str] = set(seeded.externally_sourced)
        self.changes: deque[Change] = deque(maxlen=self.CHANGES_KEPT)
        # A heap: the next to happen stands in front.
        self.planned: list[Planned] = []
        self._last_planned = 0
        for kind, records in seeded.by_kind().items():
            self.records[kind] = {record["uuid"]: record for record in records}
            for record in records:
                self._relate(kind, record)
        for call in seeded.calls:
            uuid = call["uuid"]
            self.call_created[uuid] = seeded.call_created.get(uuid) or call["requestedAt"]
        self.calls_by_request = self._index("calls", "requestedAt")
        self.calls_by_update = self._index("calls", "lastUpdatedAt")
        self.calls_by_creation = Index((at, uuid) for uuid, at in self.call_created.items())
        self.pledges_by_creation = self._index("pledges", "createdAt")
        self.pledges_by_update = self._index("pledges", "updatedAt")
        self.version += 1

    def snapshot(self) -> Seeded:
        """All records as they stand, in a form that `load` takes back."""
        return Seeded(
            persons=list(self.records["persons"].values()),
            pledges=list(self.records["pledges"].values()),
            transactions=list(self.records["transactions"].values()),
            calls=list(self.records["calls"].values()),
            call_created=dict(self.call_created),
            externally_sourced=sorted(self.externally_sourced),
        )

    def _index(self, kind: Kind, field: str) -> Index:
        return Index((record[field], uuid) for uuid, record in self.records[kind].items())

    def _relate(self, kind: Kind, record: Record) -> None:
        if kind == "calls" and record["relatedCaseUuid"] is not None:
            self.calls_of.setdefault(record["relatedCaseUuid"], []).append(record["uuid"])
        elif kind == "pledges":
            self.pledges_of.setdefault(record["personUuid"], []).append(record["uuid"])
        elif kind == "transactions":
            pledge = record["origin"]["identifier"]
            self.transactions_of.setdefault(pledge, []).append(record["uuid"])

    # --- time ---

    def now(self) -> str:
        return as_text(self.clock.now())

    def plan(self, seconds: float, happen: Callable[[str], None]) -> None:
        """Let something happen that much later by the world's clock; it is told the time."""
        self.plan_at(as_text(self.clock.now() + timedelta(seconds=seconds)), happen)

    def plan_at(self, at: str, happen: Callable[[str], None]) -> None:
        self._last_planned += 1
        heapq.heappush(self.planned, Planned(at, self._last_planned, happen))

    def settle(self) -> None:
        """Let happen what was planned for a moment that has passed, in the order of those moments.

        Called before every request and look at the journal, so nobody can see that it was late.
        """
        now = self.now()
        # One at a time: what happens may plan something else that is due as well.
        while self.planned and self.planned[0].at <= now:
            due = heapq.heappop(self.planned)
            due.happen(due.at)

    # --- reading ---

    @property
    def calls(self) -> dict[str, Record]:
        return self.records["calls"]

    @property
    def persons(self) -> dict[str, Record]:
        return self.records["persons"]

    @property
    def pledges(self) -> dict[str, Record]:
        return self.records["pledges"]

    @property
    def transactions(self) -> dict[str, Record]:
        return self.records["transactions"]

    def past(self, lag: float) -> dict[tuple[Kind, str], Record | None]:
        """What was otherwise so many seconds ago: the record of then, None if there was none."""
        if lag <= 0:
            return {}
        then = as_text(self.clock.now() - timedelta(seconds=lag))
        earlier: dict[tuple[Kind, str], Record | None] = {}
        for change in reversed(self.changes):
            # No early end: a late effect is entered with the time at which it was due.
            if change.at > then:
                earlier[(change.kind, change.uuid)] = change.before
        return earlier

    # --- changing ---

    def put(self, kind: Kind, record: Record, at: str) -> Record:
        """Save a new or changed record."""
        uuid = record["uuid"]
        before = self.records[kind].get(uuid)
        self.changes.append(Change(at, kind, uuid, before))
        self.records[kind][uuid] = record
        self.version += 1
        if before is None:
            self._relate(kind, record)
        if kind == "calls":
            if before is None:
                self.call_created[uuid] = at
                self.calls_by_creation.move(uuid, None, at)
            self.calls_by_request.move(uuid, _time(before, "requestedAt"), record["requestedAt"])
            self.calls_by_update.move(uuid, _time(before, "lastUpdatedAt"), record["lastUpdatedAt"])
        elif kind == "pledges":
            self.pledges_by_creation.move(uuid, _time(before, "createdAt"), record["createdAt"])
            self.pledges_by_update.move(uuid, _time(before, "updatedAt"), record["updatedAt"])
        return record

    def remove(self, kind: Literal["calls", "pledges"], uuid: str, at: str) -> None:
        """Take a call or a pledge away. What speaks of it by its uuid still does."""
        before = self.records[kind].pop(uuid)
        self.changes.append(Change(at, kind, uuid, before))
        self.version += 1
        if kind == "calls":
            if before["relatedCaseUuid"] is not None:
                self.calls_of[before["relatedCaseUuid"]].remove(uuid)
            self.calls_by_creation.move(uuid, self.call_created[uuid], None)
            self.calls_by_request.move(uuid, before["requestedAt"], None)
            self.calls_by_update.move(uuid, before["lastUpdatedAt"], None)
        else:
            self.pledges_of[before["personUuid"]].remove(uuid)
            self.pledges_by_creation.move(uuid, before["createdAt"], None)
            self.pledges_by_update.move(uuid, before["updatedAt"], None)

    def change_call(self, call: Record, at: str, **changes: Any) -> Record:
        return self.put("calls", {**call, **changes, "lastUpdatedAt": at}, at)

    def change_pledge(self, pledge: Record, at: str, **changes: Any) -> Record:
        return self.put("pledges", {**pledge, **changes, "updatedAt": at}, at)


def _time(record: Record | None, field: str) -> str | None:
    return None if record is None else record[field]
