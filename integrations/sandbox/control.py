"""The routes under /__sandbox/ by which tests and the demo look at the world and move it.

| route | does |
| --- | --- |
| GET / | a page for a person: counts, the latest of the journal, the active faults |
| POST / | a form of that page (see troubles.py) |
| GET /journal | `{"effects": [...], "requests": [...]}`; see below |
| DELETE /journal | forgets it |
| GET /faults | the rules in force |
| POST /faults | adds a rule, or a list of rules (see faults.py) |
| DELETE /faults | takes all away, or one by `?id=` |
| POST /reset | the world as it was born, journal and faults empty; clock and switches stay |
| GET /clock | `{"now", "frozen"}` |
| POST /clock | one of `{"freeze": true or a time}`, `set` a time, `advance` seconds, `resume` |
| GET, POST /switches | what is assumed where documents are silent (see switches.py) |
| GET /world | seed, size, counts, version |
| GET /calls/{uuid} | one call with everything, whatever faults are active |
| POST /calls | a requested call appears, or `count` of them; fields as in the API, all optional |
| POST /touch | calls change elsewhere: `uuids`, or a `count` drawn by `seed`; `changes`, or notes |
| POST /calls/{uuid} | one call changes elsewhere: `{"status": "cancelled"}`, `attempt`, any field |
| POST /pledges/{uuid} | a pledge changes elsewhere: `{"released": true}`, and any field |
| POST /persons/{uuid} | a person does: `{"qualityResult": "made"}` makes one, and any field |
| DELETE /calls/{uuid}, /pledges/{uuid} | it is gone, and nothing shows it any more |
| POST /transactions | a payment for a `relatedCaseUuid` appears, or the one with `uuid` changes |

Those of Alphacomm and its donors stand in alphacomm/control.py.

The journal can be narrowed by `kind` (effects or requests), `operation`, `uuid` and `since` (a
number that it gave, or a time). Changes made here are TapRaise's own: they bump the times that a
change there would bump, and are not effects in the journal. A wrong order is answered 400 with
`{"problem": ...}`.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final, Literal
from urllib.parse import parse_qs
from uuid import UUID

from integrations.sandbox import names, reads
from integrations.sandbox.alphacomm.control import AlphacommControl
from integrations.sandbox.alphacomm.switches import NAMES as ALPHACOMM_NAMES
from integrations.sandbox.clock import canonical, parse
from integrations.sandbox.faults import Faults
from integrations.sandbox.journal import Entry
from integrations.sandbox.page import STYLE, render
from integrations.sandbox.paging import Record
from integrations.sandbox.quality import quality_result
from integrations.sandbox.replies import ControlRefusal, Reply, error_reply, json_reply
from integrations.sandbox.world import Kind, World

Orders = dict[str, Any]

_ENDED_AT: Final = {
    "completed": "completedAt",
    "cancelled": "cancelledAt",
    "expired": "expiredAt",
}
_REMOVABLE: Final[dict[str, Literal["calls", "pledges"]]] = {"calls": "calls", "pledges": "pledges"}


class Control:
    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self._alphacomm = AlphacommControl(world)
        self._fixed: dict[tuple[str, str], Callable[[Orders, dict[str, str]], Any]] = {
            ("GET", "journal"): self._journal,
            ("DELETE", "journal"): self._clear_journal,
            ("GET", "faults"): lambda _, __: self._faults(),
            ("DELETE", "faults"): self._remove_faults,
            ("POST", "reset"): self._reset,
            ("GET", "clock"): lambda _, __: self._clock(),
            ("POST", "clock"): self._set_clock,
            ("GET", "switches"): lambda _, __: self._switches(),
            ("POST", "switches"): self._set_switches,
            ("GET", "world"): lambda _, __: self._world(),
            ("POST", "calls"): self._request_calls,
            ("POST", "touch"): self._touch,
            ("POST", "transactions"): self._transaction,
        }

    def answer(self, method: str, path: str, query: str, body: Any) -> Reply:
        """Carry out one order. ControlRefusal or ValueError when it makes no sense."""
        rest = path.removeprefix("/__sandbox").strip("/")
        if method == "GET" and not rest:
            page = render(self.world, self.faults)
            return Reply(
                200,
                page.encode(),
                "text/html; charset=utf-8",
                {
                    "Content-Security-Policy": (
                        "default-src 'none'; style-src 'self'; form-action 'self'; "
                        "base-uri 'none'; frame-ancestors 'none'"
                    )
                },
            )
        if method == "GET" and rest == "style.css":
            return Reply(200, STYLE.encode(), "text/css; charset=utf-8")
        if (method, rest) == ("POST", "faults"):
            return json_reply(200, self._add_faults(body))

        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        orders = body if isinstance(body, dict) else {}
        if body is not None and not isinstance(body, dict):
            raise ControlRefusal("The body is a JSON object.")
        fixed = self._fixed.get((method, rest))
        if fixed is not None:
            return json_reply(200, fixed(orders, asked))
        of_alphacomm = self._alphacomm.answer(method, rest, asked, orders)
        if of_alphacomm is not None:
            return of_alphacomm
        kind, _, uuid = rest.partition("/")
        if (method, kind) == ("GET", "calls") and uuid:
            return json_reply(200, self._show(self._find("calls", uuid)))
        if method == "DELETE" and uuid and kind in _REMOVABLE:
            return json_reply(200, self._remove(_REMOVABLE[kind], uuid))
        change = {
            "calls": self._change_call,
            "pledges": self._change_pledge,
            "persons": self._change_person,
        }.get(kind)
        if method == "POST" and change is not None and uuid:
            return json_reply(200, change(uuid, orders))
        return error_reply(404)

    # --- journal, faults, clock, switches ---

    def _journal(self, _: Orders, asked: dict[str, str]) -> dict[str, list[Entry]]:
        journal = self.world.journal
        kind = asked.get("kind")
        if kind not in {None, "effects", "requests"}:
            raise ControlRefusal("kind is effects or requests.")
        shown: dict[str, list[Entry]] = {}
        if kind != "requests":
            shown["effects"] = [one for one in journal.effects if _is_asked(one, asked)]
        if kind != "effects":
            shown["requests"] = [one for one in journal.requests if _is_asked(one, asked)]
        return shown

    def _clear_journal(self, _: Orders, __: dict[str, str]) -> dict[str, bool]:
        self.world.journal.clear()
        self.world.version += 1
        return {"done": True}

    def _faults(self) -> dict[str, Any]:
        return {"faults": [rule.as_dict() for rule in self.faults.rules]}

    def _add_faults(self, body: Any) -> dict[str, Any]:
        rules = body if isinstance(body, list) else [body]
        return {"faults": [self.faults.add(rule).as_dict() for rule in rules]}

    def _remove_faults(self, _: Orders, asked: dict[str, str]) -> dict[str, Any]:
        self.faults.remove(int(asked["id"]) if "id" in asked else None)
        return self._faults()

    def _reset(self, _: Orders, __: dict[str, str]) -> dict[str, Any]:
        self.faults.clear()
        self.world.reset()
        return self._world()

    def _clock(self) -> dict[str, Any]:
        return {"now": self.world.now(), "frozen": self.world.clock.is_frozen}

    def _set_clock(self, orders: Orders, _: dict[str, str]) -> dict[str, Any]:
        clock = self.world.clock
        if len(orders) != 1:
            raise ControlRefusal("Give one of: freeze, set, advance, resume.")
        order, value = next(iter(orders.items()))
        if order == "freeze":
            clock.freeze(None if value is True else parse(value))
        elif order == "set":
            clock.set(parse(value))
        elif order == "advance":
            clock.advance(float(value))
        elif order == "resume":
            clock.resume()
        else:
            raise ControlRefusal("Give one of: freeze, set, advance, resume.")
        self.world.version += 1
        self.world.settle()
        return self._clock()

    def _switches(self) -> dict[str, Any]:
        return {**self.world.switches.as_dict(), **self.world.alphacomm.switches.as_dict()}

    def _set_switches(self, orders: Orders, _: dict[str, str]) -> dict[str, Any]:
        world = self.world
        of_alphacomm = {name: value for name, value in orders.items() if name in ALPHACOMM_NAMES}
        of_tapraise = {name: value for name, value in orders.items() if name not in of_alphacomm}
        world.switches = world.switches.changed(of_tapraise)
        world.alphacomm.switches = world.alphacomm.switches.changed(of_alphacomm)
        world.version += 1
        return self._switches()

    def _world(self) -> dict[str, Any]:
        world = self.world
        statuses: dict[str, int] = {}
        for call in world.calls.values():
            statuses[call["status"]] = statuses.get(call["status"], 0) + 1
        return {
            "seed": world.seed,
            "born_at": world.born_at,
            "version": world.version,
            "calls": len(world.calls),
            "calls_by_status": statuses,
            "persons": len(world.persons),
            "pledges": len(world.pledges),
            "transactions": len(world.transactions),
            "paylinks": len(world.alphacomm.records["links"]),
            "mandates": len(world.alphacomm.records["mandates"]),
            "messages": len(world.alphacomm.records["messages"]),
        }

    # --- what happens at TapRaise without us ---

    def _find(self, kind: Kind, uuid: str) -> Record:
        record = self.world.records[kind].get(uuid)
        if record is None:
            raise ControlRefusal(f"There is no {uuid} among the {kind}.")
        return record

    def _show(self, call: Record) -> Record:
        return reads.show_call(reads.view(self.world), call, reads.CALL_INCLUDES)

    def _request_calls(self, orders: Orders, _: dict[str, str]) -> dict[str, list[Record]]:
        random = Random(f"{self.world.seed} {self.world.version}")
        count = int(orders.get("count", 1))
        return {"calls": [self._request_call(orders, random) for _ in range(count)]}

    def _request_call(self, orders: Orders, random: Random) -> Record:
        world = self.world
        person = orders.get("personUuid") or random.choice(list(world.persons))
        self._find("persons", person)
        cases = world.pledges_of.get(person, [])
        at = world.now()
        call = {
            "uuid": str(UUID(int=random.getrandbits(128), version=4)),
            "status": "requested",
            "requestedAt": canonical(orders["requestedAt"]) if "requestedAt" in orders else at,
            "externalMetadata": None,
            "attempts": [],
            "attemptsCount": 0,
            "result": None,
            "lastUpdatedAt": at,
            "cancelledAt": None,
            "completedAt": None,
            "expiredAt": None,
            "notes": orders.get("notes"),
            "personUuid": person,
            "relatedCaseUuid": orders.get("relatedCaseUuid", cases[0] if cases else None),
            "callingOrganizationUuid": orders.get(
                "callingOrganizationUuid", names.CALLING_ORGANIZATION.uuid
            ),
            "type": orders.get("type", "verification"),
            "recordingDuration": None,
        }
        return self._show(world.put("calls", call, at))

    def _touch(self, orders: Orders, _: dict[str, str]) -> dict[str, list[str]]:
        world = self.world
        uuids = orders.get("uuids")
        if uuids is None:
            random = Random(f"{orders.get('seed', 1)} {world.version}")
            count = min(int(orders.get("count", 1)), len(world.calls))
            uuids = random.sample(list(world.calls), count)
        at = world.now()
        for uuid in uuids:
            changes = orders.get("changes") or {"notes": f"Gewijzigd om {at}"}
            world.change_call(self._find("calls", uuid), at, **_known(world.calls[uuid], changes))
        return {"uuids": uuids}

    def _change_call(self, uuid: str, orders: Orders) -> Record:
        call, at = self._find("calls", uuid), self.world.now()
        changes = {name: value for name, value in orders.items() if name != "attempt"}
        status = changes.get("status")
        if status in _ENDED_AT:
            changes.setdefault(_ENDED_AT[status], at)
        if status == "completed":
            changes.setdefault(
                "result",
                {
                    "resultCode": "confirmed",
                    "completedAt": at,
                    "notes": None,
                    "duration": None,
                    "donorRetentionRating": None,
                },
            )
        if orders.get("attempt"):
            attempt = {"userUuid": names.DIRK, "attemptAt": at, "createdAt": at}
            changes["attempts"] = [*call["attempts"], attempt]
            changes["attemptsCount"] = len(changes["attempts"])
        return self._show(self.world.change_call(call, at, **_known(call, changes)))

    def _change_pledge(self, uuid: str, orders: Orders) -> Record:
        world = self.world
        pledge, at = self._find("pledges", uuid), world.now()
        changes = {name: value for name, value in orders.items() if name != "released"}
        bumped = at
        if orders.get("released"):
            changes |= {"releasedAt": at, "status": changes.get("status", "active")}
            if not world.switches.release_bumps_updated:
                bumped = pledge["updatedAt"]
        changed = {**pledge, **_known(pledge, changes), "updatedAt": bumped}
        return reads.show_pledge(reads.view(world), world.put("pledges", changed, at))

    def _change_person(self, uuid: str, orders: Orders) -> Record:
        world = self.world
        person, at = self._find("persons", uuid), world.now()
        changes, is_bumping = dict(orders), world.switches.person_bumps_calls
        if changes.get("qualityResult") == "made":
            changes["qualityResult"] = quality_result(Random(uuid), person, at)
            is_bumping = world.switches.quality_result_bumps_call
        if is_bumping:
            for call in [one for one in world.calls.values() if one["personUuid"] == uuid]:
                world.change_call(call, at)
        return world.put("persons", {**person, **_known(person, changes)}, at)

    def _remove(self, kind: Literal["calls", "pledges"], uuid: str) -> dict[str, bool]:
        self._find(kind, uuid)
        self.world.remove(kind, uuid, self.world.now())
        return {"done": True}

    def _transaction(self, orders: Orders, _: dict[str, str]) -> Record:
        world, at = self.world, self.world.now()
        settable = {"status", "method", "amount"}
        changes = {name: value for name, value in orders.items() if name in settable}
        if "uuid" in orders:
            before = self._find("transactions", orders["uuid"])
        else:
            pledge = self._find("pledges", orders.get("relatedCaseUuid", ""))
            random = Random(f"{world.seed} {world.version}")
            before = {
                "uuid": str(UUID(int=random.getrandbits(128), version=4)),
                "personUuid": pledge["personUuid"],
                "origin": {"name": "pledgeCase", "identifier": pledge["uuid"]},
                "amount": pledge["donationAmount"],
                "name": None,
                "iban": None,
                "description": "Donatie",
                "provider": "mollie",
                "method": "idealqr",
                "referenceId": None,
                "transactionId": None,
                "providerMetadata": None,
                "createdAt": at,
                "updatedAt": at,
                "status": "open",
            }
        if world.switches.transaction_bumps_pledge:
            world.change_pledge(self._find("pledges", before["origin"]["identifier"]), at)
        return world.put("transactions", {**before, **changes, "updatedAt": at}, at)


def _known(record: Record, changes: Orders) -> Orders:
    """The changes, unless they name a field that such a record does not have."""
    unknown = changes.keys() - record.keys()
    if unknown:
        raise ControlRefusal(f"There is no field {', '.join(sorted(unknown))}.")
    return changes


def _is_asked(entry: Entry, asked: dict[str, str]) -> bool:
    since = asked.get("since")
    if since is not None:
        if since.isdigit():
            if entry["number"] <= int(since):
                return False
        elif (entry.get("applied_at") or entry["at"]) <= canonical(since):
            return False
    return all(entry[name] == asked[name] for name in ("operation", "uuid") if name in asked)
