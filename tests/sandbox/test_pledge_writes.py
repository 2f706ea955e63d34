"""Creating a pledge, changing it, and its status actions."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from integrations.sandbox import names
from integrations.sandbox.world import World

from .conftest import Api
from .test_contract import problems

AT = "2026-11-22T10:58:07.250Z"


def pledge_of(world: World, **wanted: Any) -> dict[str, Any]:
    return next(
        one
        for one in world.pledges.values()
        if all(one[name] == value for name, value in wanted.items())
    )


def new_pledge(world: World, **changes: Any) -> dict[str, Any]:
    known = next(one for one in world.pledges.values() if one["focusAreas"])
    return {
        "uuid": str(uuid4()),
        "personUuid": known["personUuid"],
        "createdAt": AT,
        "startsAt": "2026-12-01T00:00:00Z",
        "owningOrganizationUuid": known["owningOrganizationUuid"],
        "recruitingOrganizationUuid": names.RECRUITING_ORGANIZATION.uuid,
        "recruiterUserUuid": known["recruiterUserUuid"],
        "initialDonationAmount": 12.25,
        "initialDonationInterval": "monthly",
        "focusAreaUuids": [known["focusAreas"][0]["uuid"]],
        **changes,
    }


def update(api: Api, uuid: str, **body: Any) -> Any:
    return api.put(f"/api/v1/pledges/{uuid}/actions/update", json=body)


def test_a_pledge_is_created_once(api: Api, world: World) -> None:
    body = new_pledge(world)
    created = api.post("/api/v1/pledges", json=body)
    assert created.status_code == 201, created.text
    assert problems("PledgeCaseDto", created.json()) == []
    pledge = api.read(f"/api/v1/pledges/{body['uuid']}")
    assert pledge == created.json()
    assert (pledge["status"], pledge["donationAmount"]) == ("lead", 12.25)
    assert pledge["person"]["uuid"] == body["personUuid"]
    assert [area["uuid"] for area in pledge["focusAreas"]] == body["focusAreaUuids"]
    assert api.post("/api/v1/pledges", json=body).status_code == 409
    assert [one["operation"] for one in api.effects()] == ["create-pledge"]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "lead"},
        {"donationAmount": 5},
        {"releasedAt": AT},
        {"cancellationReason": {"identifier": "other"}},
        {"personUuid": str(uuid4())},
        {"recruiterUserUuid": str(uuid4())},
        {"owningOrganizationUuid": str(uuid4())},
        {"focusAreaUuids": [str(uuid4())]},
        {"preferredPaymentDay": 29},
        {"initialDonationAmount": "12.25"},
    ],
)
def test_pledges_that_break_a_rule(api: Api, world: World, changes: dict[str, Any]) -> None:
    assert api.post("/api/v1/pledges", json=new_pledge(world, **changes)).status_code == 400
    assert api.effects() == []


def test_a_pledge_that_is_managed_elsewhere_comes_as_it_is(api: Api, world: World) -> None:
    source = {"name": "backstage", "identifier": "9"}
    body = new_pledge(world, externalSource=source, status="active", donationAmount=5)
    assert api.post("/api/v1/pledges", json=body).status_code == 201
    pledge = api.read(f"/api/v1/pledges/{body['uuid']}")
    assert (pledge["status"], pledge["donationAmount"]) == ("active", 5)
    assert update(api, body["uuid"], donationAmount=6).status_code == 400
    assert update(api, body["uuid"], recruitingLocationLabel="Delft").status_code == 200


def test_absent_is_left_alone_and_null_becomes_null(api: Api, world: World) -> None:
    pledge = pledge_of(world, externalSource=None, status="lead")
    uuid = pledge["uuid"]
    api.order("clock", {"advance": 3})
    answer = update(api, uuid, donationAmount=7.5, endsAt="2027-01-01T00:00:00+01:00")
    assert answer.status_code == 200
    assert problems("PledgeCaseDto", answer.json()) == []
    stored = world.pledges[uuid]
    assert stored["donationAmount"] == Decimal("7.5")
    assert stored["initialDonationAmount"] == pledge["initialDonationAmount"]
    assert stored["endsAt"] == "2026-12-31T23:00:00.000Z"
    assert stored["recruitingLocationLabel"] == pledge["recruitingLocationLabel"]
    assert stored["updatedAt"] == world.now()
    update(api, uuid, endsAt=None, recruitingLocationLabel=None)
    assert (world.pledges[uuid]["endsAt"], world.pledges[uuid]["donationAmount"]) == (
        None,
        Decimal("7.5"),
    )
    assert update(api, uuid, donationAmount=None).status_code == 400
    assert update(api, uuid, donationInterval="weekly").status_code == 400
    assert update(api, str(uuid4()), endsAt=None).status_code == 404
    assert [one["body"] for one in api.effects()][1] == {
        "endsAt": None,
        "recruitingLocationLabel": None,
    }


def test_status_actions_have_the_names_that_a_switch_gives_them(api: Api, world: World) -> None:
    lead = pledge_of(world, status="lead", externalSource=None)["uuid"]
    active = pledge_of(world, status="active", externalSource=None)["uuid"]

    def act(uuid: str, action: str) -> int:
        return api.put(f"/api/v1/pledges/{uuid}/actions/{action}").status_code

    assert act(lead, "cancel") == 400
    assert act(lead, "drop") == 200
    assert act(lead, "drop") == 400
    assert act(active, "stop") == 400
    api.order("switches", {"pledge_actions": "cancelled=stop"})
    assert act(active, "stop") == 200
    assert world.pledges[lead]["status"] == "dropped"
    assert world.pledges[active]["status"] == "cancelled"
    assert [(one["operation"], one["body"]["statusUpdateAction"]) for one in api.effects()] == [
        ("change-pledge-status", "drop"),
        ("change-pledge-status", "stop"),
    ]


def test_pledge_writes_can_go_wrong_too(api: Api, world: World) -> None:
    uuid = pledge_of(world, externalSource=None)["uuid"]
    api.order("faults", {"kind": "late_effect", "operation": "update-pledge", "seconds": 5})
    assert update(api, uuid, recruitingLocationLabel="later").status_code == 504
    assert world.pledges[uuid]["recruitingLocationLabel"] != "later"
    api.order("clock", {"advance": 5})
    assert api.read(f"/api/v1/pledges/{uuid}")["recruitingLocationLabel"] == "later"
