"""How Alphacomm writes what it keeps, and the lists in which it shows it."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.alphacomm.holdings import Holdings
from integrations.sandbox.clock import canonical
from integrations.sandbox.paging import Record


def time_text(at: str) -> str:
    """A time in the document's form, to the second."""
    return f"{at[:19]}+00:00"


def show_link(holdings: Holdings, link: Record) -> Record:
    is_hidden = link["status"] == "paid" and not holdings.switches.paid_shows_amount
    return {
        **link,
        "amountPaid": 0 if is_hidden else link["amountPaid"],
        "shortUrl": f"{holdings.base_url}/p/{link['code']}",
        "longUrl": f"{holdings.base_url}/__sandbox/pay/{link['id']}",
        "createdOn": time_text(link["createdOn"]),
        "updatedOn": time_text(link["updatedOn"]),
    }


def show_mandate(holdings: Holdings, mandate: Record) -> Record:
    return {
        **mandate,
        "shortUrl": f"{holdings.base_url}/m/{mandate['code']}",
        "longUrl": f"{holdings.base_url}/__sandbox/sign/{mandate['id']}",
        "createdOn": time_text(mandate["createdOn"]),
        "updatedOn": time_text(mandate["updatedOn"]),
    }


def show_new_batch(_: Holdings, batch: Record) -> Record:
    """A batch as the request that made it sees it, with its records."""
    return {**show_batch(_, batch), "records": batch["records"]}


def show_batch(_: Holdings, batch: Record) -> Record:
    """A batch tells its own state alone: records are shown to the request that brought them."""
    return {"name": batch["id"], "action": batch["action"], "status": batch["status"]}


def list_page(
    holdings: Holdings,
    records: list[Record],
    asked: dict[str, Any],
    show: Callable[[Holdings, Record], Record],
) -> Record:
    """A page of those records that the filters let through."""
    switches = holdings.switches
    filters = asked.get("filters") or {}
    kept = [one for one in records if _passes(holdings, one, filters)]
    order = (asked.get("order") or {}).get("createdOn") or switches.list_order
    # They came in the order in which they were made, which settles ties of a second.
    kept.sort(key=lambda one: one["createdOn"])
    if order == "DESCENDING":
        kept.reverse()
    offset = max(asked.get("offset") or 0, 0)
    limit = asked.get("limit")
    limit = switches.default_limit if limit is None else min(max(limit, 0), switches.limit_ceiling)
    return {
        "items": [show(holdings, one) for one in kept[offset : offset + limit]],
        "pagination": {
            "offset": offset,
            "limit": limit if switches.pagination_limit == "asked" else 0,
            "total": len(kept),
        },
    }


def _passes(holdings: Holdings, record: Record, filters: dict[str, Any]) -> bool:
    for name in ("id", "status"):
        wanted = (filters.get(name) or {}).get("equalTo")
        if wanted is not None and record[name] != wanted:
            return False
    # A batch is known by its name.
    name_wanted = (filters.get("name") or {}).get("equalTo")
    if name_wanted is not None and record["id"] != name_wanted:
        return False
    return _is_within(holdings, record["createdOn"], filters.get("createdOn") or {}) and all(
        _has_attribute(holdings, record, wanted) for wanted in filters.get("attributes") or []
    )


def _is_within(holdings: Holdings, created_on: str, wanted: dict[str, Any]) -> bool:
    is_strict = holdings.switches.created_on_is_strict
    after, before = wanted.get("greaterThan"), wanted.get("lesserThan")
    if after is not None and created_on < canonical(after):
        return False
    if before is not None and created_on > canonical(before):
        return False
    edges = {canonical(one) for one in (after, before) if one is not None}
    return not (is_strict and created_on in edges)


def _has_attribute(holdings: Holdings, link: Record, wanted: dict[str, Any]) -> bool:
    names = {wanted["id"]}
    searched_as = holdings.switches.attribute_searched_as
    if searched_as != "renamed":
        names = {f"customer_{wanted['id']}"} | (names if searched_as == "both" else set())
    return any(
        one["id"] in names and wanted.get("equalTo") in {None, one["value"]}
        for one in link["attributes"]
    )
