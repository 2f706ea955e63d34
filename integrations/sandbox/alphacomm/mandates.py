"""E-mandates: made through the API or by a script."""

from typing import Any, Final

from graphql import GraphQLError

from integrations.sandbox.clock import to_the_second
from integrations.sandbox.paging import Record
from integrations.sandbox.world import World

_OURS: Final = {"personName": "person_name", "debtorReference": "debtor_reference"}


def create_mandate(world: World, given: dict[str, Any], at: str) -> Record:
    """mandate.create. `reference` may be that of many; nothing keeps one from being made twice."""
    asked = given["mandate"]
    for name, value in asked.items():
        if not value.strip():
            raise GraphQLError(f"{name} should not be blank.")
    return new_mandate(world, at, **{_OURS.get(name, name): asked[name] for name in asked})


def new_mandate(
    world: World,
    at: str,
    *,
    person_name: str,
    reference: str,
    type: str,  # noqa: A002  (Alphacomm's word)
    reason: str,
    debtor_reference: str,
) -> Record:
    """A mandate that waits for its donor."""
    holdings = world.alphacomm
    mandate = {
        "id": holdings.fresh_id(),
        "code": holdings.fresh_code(),
        "reference": reference,
        "type": type,
        "personName": person_name,
        "status": "new",
        "createdOn": to_the_second(at),
        "updatedOn": to_the_second(at),
        # Not shown by the API:
        "reason": reason,
        "debtorReference": debtor_reference,
        "visitedOn": None,
    }
    return holdings.put("mandates", mandate, at)
