"""What the writing operations on pledges do to the world.

As with calls: a body that the schema has let through, the rules of the document's prose, and a
Refusal that has changed nothing.
"""

from typing import Any, Final

from integrations.sandbox import names
from integrations.sandbox.clock import canonical
from integrations.sandbox.effects import Body, fresh_uuid, kept
from integrations.sandbox.paging import Record
from integrations.sandbox.replies import Refusal
from integrations.sandbox.world import World

# Not to be sent for a pledge that TapRaise itself will manage.
_NOT_FOR_OWN: Final = (
    "status",
    "donationInterval",
    "donationAmount",
    "cancelledAt",
    "droppedAt",
    "releasedAt",
    "cancellationReason",
)
# To be changed on a pledge that TapRaise itself manages, and nowhere else.
_ONLY_ON_OWN: Final = ("donationAmount", "donationInterval", "endsAt")
# A pledge read never shows these as null, so null cannot be written either.
_NEVER_NULL: Final = ("donationAmount", "donationInterval", "recruiterUserUuid", "startsAt")
_TIMES: Final = ("startsAt", "endsAt")
# The status that an action leads to, and the one that it starts from.
_FROM_STATUS: Final = {"dropped": "lead", "cancelled": "active", "active": "lead"}


def create_pledge(world: World, body: Body, at: str) -> Record:
    """POST /api/v1/pledges."""
    uuid = body.get("uuid", fresh_uuid(world)).lower()
    if uuid in world.pledges:
        raise Refusal(409, "A pledge with this uuid was saved before")
    is_own = body.get("externalSource") is None
    found = [name for name in _NOT_FOR_OWN if name in body]
    if is_own and found:
        raise Refusal(400, f"{', '.join(found)}: not allowed for a pledge managed in TapRaise")
    person = world.persons.get(body["personUuid"].lower())
    if person is None:
        raise Refusal(400, "personUuid is of no person in your scope")
    day = body.get("preferredPaymentDay")
    if day is not None and not 1 <= day <= 28:
        raise Refusal(400, "preferredPaymentDay must be between 1 and 28")
    amount, interval = body["initialDonationAmount"], body["initialDonationInterval"]
    pledge = {
        "uuid": uuid,
        "personUuid": person["uuid"],
        "status": body.get("status", "lead"),
        "startsAt": canonical(body["startsAt"]),
        "endsAt": kept(world, body.get("endsAt")),
        "createdAt": canonical(body["createdAt"]),
        "updatedAt": at,
        "releasedAt": kept(world, body.get("releasedAt")),
        "owningOrganizationUuid": body["owningOrganizationUuid"],
        "owningOrganization": _organization(body["owningOrganizationUuid"]),
        "recruitingOrganizationUuid": body["recruitingOrganizationUuid"],
        "recruitingOrganization": _organization(body["recruitingOrganizationUuid"]),
        "recruitingLocationLabel": body.get("recruitingLocationLabel"),
        "initialDonationAmount": amount,
        "donationAmount": body.get("donationAmount", amount),
        "initialDonationInterval": interval,
        "donationInterval": body.get("donationInterval", interval),
        "preferredPaymentDay": day,
        "recruitmentType": body.get("recruitmentType"),
        "recruiterUserUuid": body["recruiterUserUuid"].lower(),
        "recruiterUser": _recruiter(world, body["recruiterUserUuid"]),
        "signatureSignedUrl": (body.get("signature") or {}).get("fileLocation", {}).get("path"),
        "focusAreas": [
            _focus_area(world, body["owningOrganizationUuid"], one)
            for one in body.get("focusAreaUuids", [])
        ],
        "externalSource": body.get("externalSource"),
        "externalMetadata": body.get("externalMetadata"),
        "campaignCode": None,
        "collectionDate": None,
    }
    return world.put("pledges", pledge, at)


def update_pledge(world: World, uuid: str, body: Body, at: str) -> Record:
    """PUT /api/v1/pledges/{uuid}/actions/update. Absent is left alone, null becomes null."""
    pledge = _find(world, uuid)
    found = [name for name in _ONLY_ON_OWN if name in body]
    if pledge["externalSource"] is not None and found:
        raise Refusal(400, f"{', '.join(found)}: the pledge is managed elsewhere")
    changes: dict[str, Any] = dict(body)
    nulls = [name for name in body if body[name] is None]
    if world.switches.null_in_update == "ignore":
        changes = {name: value for name, value in body.items() if value is not None}
        nulls = []
    elif world.switches.null_in_update == "where_reads_allow":
        nulls = [name for name in nulls if name in _NEVER_NULL]
    if nulls:
        raise Refusal(400, f"{', '.join(nulls)} must not be null")
    for name in _TIMES:
        if name in changes:
            changes[name] = kept(world, changes[name])
    if "recruiterUserUuid" in changes:
        changes["recruiterUser"] = _recruiter(world, changes["recruiterUserUuid"])
    return world.change_pledge(pledge, at, **changes)


def change_status(world: World, uuid: str, body: Body, at: str) -> Record:
    """PUT /api/v1/pledges/{uuid}/actions/{statusUpdateAction}; a switch names the actions."""
    statuses = {
        name: status
        for status, _, name in (
            pair.partition("=") for pair in world.switches.pledge_actions.split(",")
        )
    }
    status = statuses.get(body["statusUpdateAction"])
    if status is None:
        raise Refusal(400, "statusUpdateAction is unknown")
    pledge = _find(world, uuid)
    if pledge["externalSource"] is not None:
        raise Refusal(400, "The pledge is managed elsewhere")
    if pledge["status"] == status and world.switches.repeated_status_action == "accept":
        return world.change_pledge(pledge, at)
    if pledge["status"] != _FROM_STATUS.get(status):
        raise Refusal(400, f"The pledge is {pledge['status']}")
    return world.change_pledge(pledge, at, status=status)


def _find(world: World, uuid: str) -> Record:
    pledge = world.pledges.get(uuid)
    if pledge is None:
        raise Refusal(404, "Pledge case is not found")
    return pledge


def _organization(uuid: str) -> Record:
    name = names.ORGANIZATIONS.get(uuid.lower())
    if name is None:
        raise Refusal(400, f"{uuid} is of no organization in your scope")
    return {"uuid": uuid.lower(), "name": name}


def _recruiter(world: World, uuid: str) -> Record:
    """A recruiter is one of the demo's people, or known by the pledges that he brought."""
    if number := names.PEOPLE.get(uuid.lower()):
        return {"uuid": uuid.lower(), "identifier": number, "name": None}
    for pledge in world.pledges.values():
        if pledge["recruiterUserUuid"] == uuid.lower():
            found: Record = pledge["recruiterUser"]
            return found
    raise Refusal(400, "recruiterUserUuid is of no recruiter in your scope")


def _focus_area(world: World, owner: str, uuid: str) -> Record:
    for pledge in world.pledges.values():
        if pledge["owningOrganizationUuid"] == owner:
            for area in pledge["focusAreas"]:
                if area["uuid"] == uuid.lower():
                    found: Record = area
                    return found
    raise Refusal(400, "focusAreaUuids must be focus areas of the owning organization")
