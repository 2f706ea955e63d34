"""Rows of ours for what a sandbox's world knows, as a walk would have saved them."""

from uuid import UUID

from calls.models import Call
from integrations.sandbox import names
from integrations.sandbox.clock import parse
from integrations.sandbox.world import World
from tests.factories import CallFactory, OrganizationFactory, PersonFactory, PledgeFactory


def mirrored(world: World, *, has_pledge: bool = True) -> Call:
    """An open call of a world, managed in TapRaise and not known here yet, made known."""
    known = set(Call.objects.values_list("pk", flat=True))
    record = next(
        record
        for uuid, record in world.calls.items()
        if record["status"] == "requested"
        and record["externalMetadata"] is None
        and uuid not in world.externally_sourced
        and (record["relatedCaseUuid"] is not None) == has_pledge
        and UUID(uuid) not in known
    )
    owner = world.persons[record["personUuid"]]["owningOrganization"]
    person = PersonFactory(
        uuid=UUID(record["personUuid"]),
        owning_organization=OrganizationFactory(uuid=UUID(owner["uuid"])) if owner else None,
    )
    pledge = None
    if has_pledge:
        pledge = PledgeFactory(uuid=UUID(record["relatedCaseUuid"]), person=person)
    call: Call = CallFactory(
        uuid=UUID(record["uuid"]),
        person=person,
        pledge=pledge,
        calling_organization=OrganizationFactory(
            uuid=UUID(names.CALLING_ORGANIZATION.uuid), is_ours=True
        ),
        requested_at=parse(record["requestedAt"]),
        last_updated_at=parse(record["lastUpdatedAt"]),
    )
    return call
