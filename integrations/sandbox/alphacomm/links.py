"""PayLinks: made through the API or by a script, and found again."""

import re
from datetime import timedelta
from typing import Any, Final

from graphql import GraphQLError

from integrations.sandbox.clock import as_text, canonical, parse, to_the_second
from integrations.sandbox.paging import Record
from integrations.sandbox.world import World

# More than nine digits is no donation.
CENTS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def create_pay_link(world: World, given: dict[str, Any], at: str) -> Record:
    """payLink.create. It has no key of ours: asked twice, there are two links."""
    asked = given["payLink"]
    if CENTS.fullmatch(asked["invoiceAmount"]) is None or int(asked["invoiceAmount"]) == 0:
        raise GraphQLError("invoiceAmount is a whole number of cents above zero, in digits.")
    if _CURRENCY.fullmatch(asked["invoiceCurrency"]) is None:
        raise GraphQLError("invoiceCurrency is a code of three capitals.")
    for name in ("personName", "invoiceDescription", "invoiceReference"):
        if not asked[name].strip():
            raise GraphQLError(f"{name} should not be blank.")
    attributes = [
        {"id": f"customer_{one['id']}", "value": one["value"]}
        for one in asked.get("attributes") or []
    ]
    visible_until = asked.get("visibleUntil")
    return new_link(
        world,
        at,
        attributes=[*attributes, {"id": "origin", "value": "api"}],
        person_name=asked["personName"],
        invoice=asked,
        visible_until=visible_until and canonical(visible_until),
    )


def new_link(
    world: World,
    at: str,
    *,
    attributes: list[Record],
    person_name: str,
    invoice: dict[str, Any],
    visible_until: str | None = None,
    reference: str = "",
) -> Record:
    """A link that is ready to be paid; `reference` is that of the record that brought it about."""
    holdings = world.alphacomm
    if visible_until is None:
        until = parse(at) + timedelta(days=holdings.switches.days_visible)
        visible_until = as_text(until)
    link = {
        "id": holdings.fresh_id(),
        "code": holdings.fresh_code(),
        "attributes": attributes,
        "personName": person_name,
        "personGender": "U",
        "status": "ready",
        "amountPaid": 0,
        "createdOn": to_the_second(at),
        "updatedOn": to_the_second(at),
        # Not shown by the API:
        "invoiceAmount": int(invoice.get("invoiceAmount") or 0),
        "invoiceDescription": invoice.get("invoiceDescription") or "",
        "invoiceReference": invoice.get("invoiceReference") or "",
        "visibleUntil": visible_until,
        "visitedOn": None,
        "reference": reference,
    }
    return holdings.put("links", link, at)
