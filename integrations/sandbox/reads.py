"""The reads of calls and pledges: filters, includes and pages."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from integrations.sandbox.clock import canonical
from integrations.sandbox.paging import (
    Index,
    Key,
    Lookup,
    Page,
    Record,
    cursor_of,
    first_page,
    key_of,
    last_page,
)
from integrations.sandbox.replies import Refusal
from integrations.sandbox.world import Kind, World

CALL_INCLUDES: Final = ("person", "personQualityResult", "pledge", "transactions")
# Still taken, without any effect.
DEPRECATED_CALL_INCLUDE: Final = "recruiterFullName"

Query = dict[str, Any]
Keep = Callable[[Record], bool]


class View(NamedTuple):
    """The world as one read sees it: as it is, or as it was when reads lag."""

    world: World
    past: dict[tuple[Kind, str], Record | None]

    def find(self, kind: Kind, uuid: str) -> Record | None:
        if self.past and (kind, uuid) in self.past:
            return self.past[(kind, uuid)]
        return self.world.records[kind].get(uuid)

    def find_all(self, kind: Kind, uuids: Sequence[str]) -> list[Record]:
        found = (self.find(kind, uuid) for uuid in uuids)
        return [record for record in found if record is not None]


def view(world: World, lag: float = 0) -> View:
    return View(world, world.past(lag))


# --- what a record looks like from outside ---


def show_call(seen: View, call: Record, include: Collection[str] = ()) -> Record:
    """A call with what was asked for; what was not asked for is null."""
    person = pledge = transactions = None
    if "person" in include:
        found = seen.find("persons", call["personUuid"])
        person = found and _show_person(found, "personQualityResult" in include)
    case = call["relatedCaseUuid"]
    if "pledge" in include and case is not None:
        found = seen.find("pledges", case)
        pledge = found and _show_pledge(seen, found, person=None)
    if "transactions" in include:
        transactions = [] if case is None else _transactions(seen, case)
    return {**call, "person": person, "pledgeCase": pledge, "transactions": transactions}


def show_pledge(seen: View, pledge: Record, include: Collection[str] = ()) -> Record:
    """A pledge with its person, and with what was asked for."""
    person = seen.find("persons", pledge["personUuid"])
    shown = _show_pledge(seen, pledge, person and _show_person(person, has_quality=False))
    if "transactions" in include:
        shown["transactions"] = _transactions(seen, pledge["uuid"])
    if "calls" in include:
        calls = seen.find_all("calls", seen.world.calls_of.get(pledge["uuid"], []))
        shown["calls"] = [show_call(seen, call) for call in calls]
    return shown


def _show_person(person: Record, has_quality: bool) -> Record:
    return person if has_quality else {**person, "qualityResult": None}


def _show_pledge(seen: View, pledge: Record, person: Record | None) -> Record:
    shown = {**pledge, "person": person, "transactions": None, "calls": None}
    # Only ours, to find the person by; the document has no such field.
    del shown["personUuid"]
    if pledge["signatureSignedUrl"] is not None:
        expires = int((seen.world.clock.now() + timedelta(hours=1)).timestamp())
        path = pledge["signatureSignedUrl"]
        shown["signatureSignedUrl"] = f"https://storage.example.com/{path}?Expires={expires}"
    return shown


def _transactions(seen: View, pledge_uuid: str) -> list[Record]:
    return seen.find_all("transactions", seen.world.transactions_of.get(pledge_uuid, []))


# --- lists ---


def list_calls(seen: View, query: Query) -> Record:
    """GET /api/v1/calls."""
    world = seen.world
    include = _call_includes(query.get("include"))
    keep = _call_filters(seen, query)
    by_creation = world.switches.calls_sorted_by == "created"
    index = world.calls_by_creation if by_creation else world.calls_by_request
    keys: Sequence[Key] = index.keys
    if "updatedAfter" in query:
        changed = _since(world, world.calls_by_update, query["updatedAfter"])
        sort_times = world.call_created if by_creation else None
        keys = _narrowed(seen, "calls", keys, changed, lambda call: call["requestedAt"], sort_times)
    elif not by_creation and "requestedFrom" in query:
        keys = index.between(canonical(query["requestedFrom"]), canonical(query["requestedUntil"]))
    elif not by_creation and "requestedAfter" in query:
        keys = _since(world, index, query["requestedAfter"])
    page = _page(seen, "calls", keys, keep, query)
    return _connection(world, page, lambda call: show_call(seen, call, include))


def list_pledges(seen: View, query: Query) -> Record:
    """GET /api/v1/pledges."""
    world = seen.world
    include = {query["include"]} if "include" in query else set()
    keep = _pledge_filters(seen, query)
    keys: Sequence[Key] = world.pledges_by_creation.keys
    if "personUuid" in query:
        own = world.pledges_of.get(query["personUuid"].lower(), [])
        keys = sorted((world.pledges[uuid]["createdAt"], uuid) for uuid in own)
    elif "updatedAfter" in query:
        changed = _since(world, world.pledges_by_update, query["updatedAfter"])
        keys = _narrowed(seen, "pledges", keys, changed, lambda pledge: pledge["createdAt"], None)
    page = _page(seen, "pledges", keys, keep, query)
    return _connection(world, page, lambda pledge: show_pledge(seen, pledge, include))


def get_pledge(seen: View, uuid: str, query: Query) -> Record:
    """GET /api/v1/pledges/{uuid}."""
    pledge = seen.find("pledges", uuid)
    if pledge is None:
        raise Refusal(404, "Pledge case is not found")
    return show_pledge(seen, pledge, set(query.get("include", ())))


def _since(world: World, index: Index, moment: str) -> Sequence[Key]:
    return index.since(canonical(moment), strict=world.switches.after_is_strict)


def _narrowed(
    seen: View,
    kind: Kind,
    keys: Sequence[Key],
    changed: Sequence[Key],
    sort_time: Callable[[Record], str],
    sort_times: dict[str, str] | None,
) -> Sequence[Key]:
    """The few that changed, in listing order; all keys when narrowing would not pay."""
    if seen.past or len(changed) * 8 > len(keys):
        return keys
    records = seen.world.records[kind]
    uuids = [uuid for _, uuid in changed]
    if sort_times is not None:
        return sorted((sort_times[uuid], uuid) for uuid in uuids)
    return sorted((sort_time(records[uuid]), uuid) for uuid in uuids)


def _call_includes(text: str | None) -> set[str]:
    asked = set(text.split(",")) if text else set()
    unknown = asked - {*CALL_INCLUDES, DEPRECATED_CALL_INCLUDE}
    if unknown:
        raise Refusal(400, f"include must be some of: {', '.join(CALL_INCLUDES)}")
    return asked


def _call_filters(seen: View, query: Query) -> Keep:
    _ask_together(query, "requestedFrom", "requestedUntil")
    _ask_together(query, "externalApplicationName", "externalReferenceId")
    checks: list[Keep] = []
    if "owningOrganizationUuid" in query:
        owner = query["owningOrganizationUuid"].lower()
        checks.append(lambda call: _owner(seen, call) == owner)
    if "externalStatusCode" in query:
        checks.append(_external("statusCode", query["externalStatusCode"]))
    if "externalApplicationName" in query:
        checks.append(_external("applicationName", _or_none(query["externalApplicationName"])))
        checks.append(_external("referenceId", _or_none(query["externalReferenceId"])))
    if "requestedFrom" in query:
        checks.append(_within(seen.world, query["requestedFrom"], query["requestedUntil"]))
    for parameter, field in (("requestedAfter", "requestedAt"), ("updatedAfter", "lastUpdatedAt")):
        if parameter in query:
            checks.append(_later_than(seen.world, field, query[parameter]))
    return lambda call: all(check(call) for check in checks)


def _pledge_filters(seen: View, query: Query) -> Keep:
    world = seen.world
    checks: list[Keep] = []
    status = query.get("status", world.switches.pledge_default_status)
    if status != "all":
        checks.append(lambda pledge: pledge["status"] == status)
    if "personUuid" in query:
        person = query["personUuid"].lower()
        checks.append(lambda pledge: pledge["personUuid"] == person)
    if query.get("withIdealQr") is True:
        checks.append(lambda pledge: _has_ideal_qr(seen, pledge))
    elif query.get("withIdealQr") is False and world.switches.without_ideal_qr == "excludes":
        checks.append(lambda pledge: not _has_ideal_qr(seen, pledge))
    for parameter, field in (("updatedAfter", "updatedAt"), ("releasedAfter", "releasedAt")):
        if parameter in query:
            checks.append(_later_than(world, field, query[parameter]))
    return lambda pledge: all(check(pledge) for check in checks)


def _ask_together(query: Query, one: str, other: str) -> None:
    if (one in query) != (other in query):
        raise Refusal(400, f"{one} and {other} must be used together")


def _or_none(text: str) -> str | None:
    """The text `null` asks for records without a value."""
    return None if text == "null" else text


def _owner(seen: View, call: Record) -> str | None:
    person = seen.find("persons", call["personUuid"])
    return None if person is None else person["owningOrganization"]["uuid"]


def _external(field: str, wanted: str | None) -> Keep:
    return lambda call: (call["externalMetadata"] or {}).get(field) == wanted


def _has_ideal_qr(seen: View, pledge: Record) -> bool:
    return any(one["method"] == "idealqr" for one in _transactions(seen, pledge["uuid"]))


def _later_than(world: World, field: str, moment: str) -> Keep:
    edge = canonical(moment)
    if world.switches.after_is_strict:
        return lambda record: record[field] is not None and record[field] > edge
    return lambda record: record[field] is not None and record[field] >= edge


def _within(world: World, lower: str, upper: str) -> Keep:
    start, end = canonical(lower), canonical(upper)
    has_start, has_end = world.switches.from_is_inclusive, world.switches.until_is_inclusive

    def keep(call: Record) -> bool:
        at = call["requestedAt"]
        return start <= at <= end and (has_start or at > start) and (has_end or at < end)

    return keep


def _page(seen: View, kind: Kind, keys: Sequence[Key], keep: Keep, query: Query) -> Page:
    backwards = "last" in query or "before" in query
    if backwards and ("first" in query or "after" in query):
        raise Refusal(400, "first and after cannot be combined with last and before")
    size = _size(seen.world, query.get("last" if backwards else "first"))
    position = _position(seen, kind, query.get("before" if backwards else "after"))
    lookup: Lookup = _kept(seen, kind, keep)
    return (last_page if backwards else first_page)(keys, lookup, size, position)


def _kept(seen: View, kind: Kind, keep: Keep) -> Lookup:
    def lookup(uuid: str) -> Record | None:
        record = seen.find(kind, uuid)
        return record if record is not None and keep(record) else None

    return lookup


def _size(world: World, asked: int | None) -> int:
    limit = world.switches.page_limit
    if asked is None:
        return world.switches.default_page
    if asked < 1 or (asked > limit and world.switches.above_page_limit == "refuse"):
        raise Refusal(400, f"first and last must be between 1 and {limit}")
    return min(asked, limit)


def _position(seen: View, kind: Kind, cursor: str | None) -> Key | None:
    if cursor is None:
        return None
    if seen.world.switches.cursor_form == "uuid":
        record = seen.find(kind, cursor)
        if record is None:
            raise Refusal(400, "The cursor is unknown")
        return _sort_time(seen.world, kind, record), cursor
    try:
        return key_of(cursor)
    except ValueError as problem:
        raise Refusal(400, "The cursor cannot be read") from problem


def _sort_time(world: World, kind: Kind, record: Record) -> str:
    if kind == "pledges":
        return str(record["createdAt"])
    if world.switches.calls_sorted_by == "created":
        return world.call_created[record["uuid"]]
    return str(record["requestedAt"])


def _connection(world: World, page: Page, show: Callable[[Record], Record]) -> Record:
    by_uuid = world.switches.cursor_form == "uuid"
    cursors = [key[1] if by_uuid else cursor_of(key) for key, _ in page.rows]
    return {
        "edges": [
            {"node": show(record), "cursor": cursor}
            for cursor, (_, record) in zip(cursors, page.rows, strict=True)
        ],
        "pageInfo": {
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
            "hasPreviousPage": page.has_previous,
            "hasNextPage": page.has_next,
        },
    }
