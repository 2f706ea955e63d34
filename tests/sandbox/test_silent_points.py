"""Points on which the documents say nothing: each is a switch, and does what it says.

Those that have a story of their own stand with it; the rest stands here.
"""

from typing import Any

import pytest

from integrations.sandbox.names import ALICE
from integrations.sandbox.world import World

from .conftest import Api, nodes
from .test_contract import problems
from .test_pledge_writes import new_pledge, pledge_of, update

AT = "2026-11-22T10:58:07.250Z"
RESULT = {"completedAt": AT, "resultCode": "confirmed"}
METADATA = {
    "applicationName": "basicall",
    "referenceId": "B-17",
    "agentReferenceId": "7",
    "statusCode": "done",
    "statusDescription": "Done",
    "additionalProperties": "{}",
}


def switch(api: Api, **switches: Any) -> None:
    api.order("switches", switches)


def elsewhere(api: Api, **fields: Any) -> Any:
    person = nodes(api.calls(first=1))[0]["personUuid"]
    body = {"personUuid": person, "requestedAt": AT, "externalMetadata": METADATA, **fields}
    return api.post("/api/v1/calls", json=body)


def test_what_null_means_in_an_update(api: Api, world: World) -> None:
    uuid = pledge_of(world, status="lead", externalSource=None)["uuid"]
    update(api, uuid, endsAt=AT, recruitingLocationLabel="Zwolle")
    assert update(api, uuid, endsAt=None).json()["endsAt"] is None
    assert update(api, uuid, donationAmount=None).status_code == 400

    switch(api, null_in_update="refuse")
    assert update(api, uuid, recruitingLocationLabel=None).status_code == 400
    assert update(api, uuid, recruitingLocationLabel="Assen").status_code == 200

    switch(api, null_in_update="ignore")
    answer = update(api, uuid, recruitingLocationLabel=None, donationAmount=None, endsAt=AT)
    assert problems("PledgeCaseDto", answer.json()) == []
    assert (answer.json()["recruitingLocationLabel"], answer.json()["endsAt"]) == ("Assen", AT)


def test_a_null_in_a_body_that_has_none(api: Api, world: World, open_call: str) -> None:
    body = {"userUuid": None, "result": {**RESULT, "notes": None}}
    assert api.act(open_call, "complete", **body).status_code == 400
    assert api.act(open_call, "add-attempt", attemptAt=None).status_code == 400
    pledge = new_pledge(world, recruitmentType=None)
    assert api.post("/api/v1/pledges", json=pledge).status_code == 400

    switch(api, null_in_bodies="ignore")
    assert api.act(open_call, "add-attempt", attemptAt=None).status_code == 200
    assert api.act(open_call, "complete", **body).json()["result"]["notes"] is None
    assert api.post("/api/v1/pledges", json=pledge).status_code == 201
    # What has to be there cannot be left out this way either, and a null that may be is kept.
    assert api.act(open_call, "complete", result=None).status_code == 400
    lead = pledge_of(world, status="lead", externalSource=None)["uuid"]
    assert update(api, lead, endsAt=None).status_code == 200


def test_a_type_and_the_status_expired_of_a_call_that_is_managed_elsewhere(api: Api) -> None:
    assert elsewhere(api, type="winback").status_code == 400
    assert elsewhere(api, status="expired").json()["status"] == "expired"
    switch(api, type_of_calls_elsewhere="accept", expired_calls_elsewhere="refuse")
    assert elsewhere(api, type="winback").json()["type"] == "winback"
    assert elsewhere(api, status="expired").status_code == 400
    assert elsewhere(api, status="cancelled", cancelledAt=AT).status_code == 201


def test_what_additional_properties_may_be(api: Api) -> None:
    listed = {**METADATA, "additionalProperties": "[1]"}
    assert elsewhere(api).status_code == 201
    assert elsewhere(api, externalMetadata=listed).status_code == 400
    switch(api, additional_properties="array")
    assert elsewhere(api).status_code == 400
    assert elsewhere(api, externalMetadata=listed).status_code == 201


def test_whether_a_completion_needs_an_attempt(api: Api, open_call: str) -> None:
    switch(api, complete_without_attempt="refuse")
    assert api.act(open_call, "complete", result=RESULT).status_code == 400
    api.act(open_call, "add-attempt", userUuid=ALICE, attemptAt=AT)
    assert api.act(open_call, "complete", result=RESULT).status_code == 200


def test_a_completion_needs_none_unless_it_is_said(api: Api, open_call: str) -> None:
    assert api.act(open_call, "complete", result=RESULT).status_code == 200


def test_a_status_action_that_is_repeated(api: Api, world: World) -> None:
    uuid = pledge_of(world, status="lead", externalSource=None)["uuid"]
    path = f"/api/v1/pledges/{uuid}/actions/drop"
    assert [api.put(path).status_code for _ in range(2)] == [200, 400]
    switch(api, repeated_status_action="accept")
    assert api.put(path).json()["status"] == "dropped"


@pytest.mark.parametrize("is_on", [False, True])
def test_whether_a_change_of_a_person_touches_the_calls(api: Api, is_on: bool) -> None:
    call = nodes(api.calls(first=1))[0]
    switch(api, person_bumps_calls=is_on)
    api.order("clock", {"advance": 60})
    api.order(f"persons/{call['personUuid']}", {"email": "nieuw@example.org"})
    after = api.call(call["uuid"])
    assert after["person"]["email"] == "nieuw@example.org"
    assert (after["lastUpdatedAt"] != call["lastUpdatedAt"]) == is_on
