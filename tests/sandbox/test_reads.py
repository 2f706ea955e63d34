"""Filters and includes of the two lists and of one pledge."""

from typing import Any

import pytest

from integrations.sandbox import names
from integrations.sandbox.world import World

from .conftest import Api, nodes

ALL = {"first": 500}


def uuids(answer: dict[str, Any]) -> set[str]:
    return {node["uuid"] for node in nodes(answer)}


def test_what_was_not_asked_for_is_null(api: Api) -> None:
    for call in nodes(api.calls(**ALL)):
        assert (call["person"], call["pledgeCase"], call["transactions"]) == (None, None, None)
    for call in nodes(api.calls(**ALL, include="person,recruiterFullName")):
        assert call["person"]["uuid"] == call["personUuid"]
        assert call["person"]["qualityResult"] is None
        assert call["pledgeCase"] is None


def test_includes_of_calls_are_one_value_with_commas(api: Api) -> None:
    found = nodes(api.calls(**ALL, include="person,personQualityResult,pledge,transactions"))
    assert any(call["person"]["qualityResult"] for call in found)
    assert any(call["transactions"] for call in found)
    for call in found:
        if call["relatedCaseUuid"] is None:
            assert (call["pledgeCase"], call["transactions"]) == (None, [])
        else:
            assert call["pledgeCase"]["uuid"] == call["relatedCaseUuid"]
            # The person of an embedded pledge is the call's own, and stands there.
            assert call["pledgeCase"]["person"] is None
            assert call["pledgeCase"]["calls"] is None
    assert api.get("/api/v1/calls?include=person&include=pledge").status_code == 400
    assert api.get("/api/v1/calls?include=nonsense").status_code == 400


def test_includes_of_pledges(api: Api) -> None:
    plain = nodes(api.pledges(**ALL, status="all"))
    assert all(pledge["person"]["qualityResult"] is None for pledge in plain)
    assert {pledge["calls"] for pledge in plain} == {None}
    with_calls = nodes(api.pledges(**ALL, status="all", include="calls"))
    assert any(len(pledge["calls"]) > 1 for pledge in with_calls)
    assert {pledge["transactions"] for pledge in with_calls} == {None}
    assert api.get("/api/v1/pledges?include=calls,transactions").status_code == 400
    uuid = next(one["uuid"] for one in with_calls if one["calls"])
    path = f"/api/v1/pledges/{uuid}"
    detail = api.read(path, include=["calls", "transactions"])
    assert {call["relatedCaseUuid"] for call in detail["calls"]} == {uuid}
    assert isinstance(detail["transactions"], list)
    assert api.get(f"{path}?include=calls,transactions").status_code == 400
    api.order("switches", {"detail_include_form": "comma"})
    assert api.read(path, include="calls,transactions") == detail


def test_a_pledge_that_is_unknown(api: Api) -> None:
    response = api.get(f"/api/v1/pledges/{names.ALICE}")
    assert response.status_code == 404
    assert response.json()["message"] == "Pledge case is not found"


@pytest.mark.parametrize("field", ["requestedAfter", "updatedAfter"])
def test_after_filters_leave_out_the_moment_itself(api: Api, field: str) -> None:
    shown = {"requestedAfter": "requestedAt", "updatedAfter": "lastUpdatedAt"}[field]
    everything = nodes(api.calls(**ALL))
    for edge in sorted(call[shown] for call in everything)[::60]:
        expected = {call["uuid"] for call in everything if call[shown] > edge}
        assert uuids(api.calls(**ALL, **{field: edge})) == expected
    api.order("switches", {"after_is_strict": False})
    expected = {call["uuid"] for call in everything if call[shown] >= edge}
    assert uuids(api.calls(**ALL, **{field: edge})) == expected


def test_a_narrow_window_reads_back_one_call(api: Api) -> None:
    call = nodes(api.calls(first=100))[50]
    second = call["requestedAt"][:19]
    window = {"requestedFrom": f"{second}.000Z", "requestedUntil": f"{second}.999Z"}
    assert uuids(api.calls(**window)) == {call["uuid"]}
    exactly = {"requestedFrom": call["requestedAt"], "requestedUntil": call["requestedAt"]}
    assert uuids(api.calls(**exactly)) == set()
    api.order("switches", {"until_is_inclusive": True})
    assert uuids(api.calls(**exactly)) == {call["uuid"]}
    api.order("switches", {"from_is_inclusive": False})
    assert uuids(api.calls(**exactly)) == set()


@pytest.mark.parametrize(
    "query",
    [
        {"requestedFrom": "2026-11-22T10:00:00Z"},
        {"requestedUntil": "2026-11-22T10:00:00Z"},
        {"externalApplicationName": "twilio"},
        {"externalReferenceId": "null"},
        {"updatedAfter": "2026-11-22"},
        {"updatedAfter": "2026-02-30T10:00:00Z"},
        {"updatedAfter": "0001-01-01T00:00:00+05:00"},
        {"updatedAfter": "2026-11-22T10:00:00 01:00"},
        {"updateAfter": "2026-11-22T10:00:00Z"},
    ],
)
def test_half_pairs_unreadable_times_and_unknown_names_are_refused(
    api: Api, query: dict[str, str]
) -> None:
    response = api.get("/api/v1/calls", params=query)
    assert response.status_code == 400
    assert response.json()["error"] == "Bad Request"


def test_unknown_parameters_may_be_ignored(api: Api) -> None:
    api.order("switches", {"unknown_parameters": "ignore"})
    assert len(api.calls(colour="red")["edges"]) == 10


def test_calls_by_application_and_reference(api: Api) -> None:
    everything = nodes(api.calls(**ALL))
    elsewhere = [call for call in everything if call["externalMetadata"] is not None]
    for call in elsewhere:
        metadata = call["externalMetadata"]
        pair = {
            "externalApplicationName": metadata["applicationName"],
            "externalReferenceId": metadata["referenceId"],
        }
        assert uuids(api.calls(**pair)) == {call["uuid"]}
    nulls = {"externalApplicationName": "null", "externalReferenceId": "null"}
    assert uuids(api.calls(**ALL, **nulls)) == {
        call["uuid"] for call in everything if call["externalMetadata"] is None
    }
    coded = {c["uuid"] for c in elsewhere if c["externalMetadata"]["statusCode"] == "NA"}
    assert coded
    assert uuids(api.calls(**ALL, externalStatusCode="NA")) == coded


def test_calls_by_the_charity_that_the_person_gave_to(api: Api) -> None:
    parts = []
    for charity in names.CHARITIES:
        found = nodes(api.calls(**ALL, owningOrganizationUuid=charity.uuid, include="person"))
        assert {call["person"]["owningOrganization"]["name"] for call in found} == {charity.name}
        parts.append(len(found))
    assert sum(parts) == 300


def test_pledges_by_status_person_and_times(api: Api, world: World) -> None:
    for status in ("lead", "active", "dropped", "cancelled", "fulfilled"):
        expected = {u for u, pledge in world.pledges.items() if pledge["status"] == status}
        assert expected
        assert uuids(api.pledges(**ALL, status=status)) == expected
    assert uuids(api.pledges(**ALL, status="all")) == set(world.pledges)
    assert uuids(api.pledges(**ALL)) == uuids(api.pledges(**ALL, status="lead"))
    api.order("switches", {"pledge_default_status": "all"})
    assert uuids(api.pledges(**ALL)) == set(world.pledges)
    assert api.get("/api/v1/pledges?status=open").status_code == 400

    person = next(uuid for uuid, own in world.pledges_of.items() if len(own) > 1)
    own = uuids(api.pledges(personUuid=person, status="all"))
    assert own == set(world.pledges_of[person])

    for field, shown in (("updatedAfter", "updatedAt"), ("releasedAfter", "releasedAt")):
        edge = sorted(one[shown] for one in world.pledges.values() if one[shown])[-20]
        answer = api.pledges(**ALL, status="all", **{field: edge})
        assert len(uuids(answer)) == 19
        assert all(node[shown] > edge for node in nodes(answer))


def test_pledges_with_an_ideal_qr_transaction(api: Api) -> None:
    query = {**ALL, "status": "all", "include": "transactions"}
    everything = nodes(api.pledges(**query))
    with_qr = {
        pledge["uuid"]
        for pledge in everything
        if any(one["method"] == "idealqr" for one in pledge["transactions"])
    }
    assert uuids(api.pledges(**query, withIdealQr="true")) == with_qr
    assert len(uuids(api.pledges(**query, withIdealQr="false"))) == len(everything)
    api.order("switches", {"without_ideal_qr": "excludes"})
    assert uuids(api.pledges(**query, withIdealQr="false")) == uuids(
        {"edges": [{"node": pledge} for pledge in everything if pledge["uuid"] not in with_qr]}
    )
    assert api.get("/api/v1/pledges?withIdealQr=yes").status_code == 400


def test_a_signature_is_an_address_that_is_valid_for_an_hour(api: Api) -> None:
    found = nodes(api.pledges(**ALL, status="all"))
    signed = [one["signatureSignedUrl"] for one in found if one["signatureSignedUrl"]]
    assert signed
    assert None in {one["signatureSignedUrl"] for one in found}
    noon_plus_one_hour = 1_795_348_800
    assert {url.partition("?")[2] for url in signed} == {f"Expires={noon_plus_one_hour}"}


def test_changes_elsewhere_touch_the_times_that_a_real_one_would(api: Api, world: World) -> None:
    pledge = next(one for one in world.pledges.values() if one["status"] == "lead")
    api.order("clock", {"advance": 60})
    before = world.now()
    api.order("clock", {"advance": 60})
    released = api.order(f"pledges/{pledge['uuid']}", {"released": True})
    assert released["releasedAt"] == released["updatedAt"] == world.now()
    assert uuids(api.pledges(status="all", releasedAfter=before)) == {pledge["uuid"]}
    touched = set(api.order("touch", {"count": 3})["uuids"])
    assert uuids(api.calls(updatedAfter=before)) == touched
    # A change to a call leaves its pledge's time alone.
    assert uuids(api.pledges(status="all", updatedAfter=before)) == {pledge["uuid"]}
    api.order("switches", {"release_bumps_updated": False})
    other = next(one for one in world.pledges.values() if one["status"] == "lead")
    released = api.order(f"pledges/{other['uuid']}", {"released": True})
    assert (released["releasedAt"], released["updatedAt"]) == (world.now(), other["updatedAt"])
    assert api.effects() == []


def test_a_quality_result_that_is_made_later(api: Api, world: World) -> None:
    call = next(
        one for one in world.calls.values()
        if world.persons[one["personUuid"]]["qualityResult"] is None
    )  # fmt: skip
    person = call["personUuid"]
    api.order(f"persons/{person}", {"qualityResult": "made"})
    assert api.call(call["uuid"])["person"]["qualityResult"]["createdAt"] == world.now()
    assert api.call(call["uuid"])["lastUpdatedAt"] == call["lastUpdatedAt"]
    api.order("switches", {"quality_result_bumps_call": True})
    api.order(f"persons/{person}", {"qualityResult": "made"})
    assert api.call(call["uuid"])["lastUpdatedAt"] == world.now()


def test_a_payment_that_comes_in(api: Api, world: World) -> None:
    pledge = next(iter(world.pledges))
    made = api.order("transactions", {"relatedCaseUuid": pledge, "amount": 12.5})
    paid = api.order("transactions", {"uuid": made["uuid"], "status": "paid"})
    assert (made["status"], paid["status"]) == ("open", "paid")
    detail = api.read(f"/api/v1/pledges/{pledge}", include="transactions")
    assert paid in detail["transactions"]
    assert detail["updatedAt"] < world.now()
    api.order("switches", {"transaction_bumps_pledge": True})
    api.order("transactions", {"uuid": made["uuid"], "status": "reversed"})
    assert world.pledges[pledge]["updatedAt"] == world.now()
