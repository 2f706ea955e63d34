"""The invented donors: believable, complete in their variety, and nobody's real numbers."""

import re
from typing import Any

import pytest
from schwifty import IBAN

from integrations.sandbox import contract, invented, names
from integrations.sandbox.world import World

from .conftest import frozen_clock


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=1, calls=2500, clock=frozen_clock())


def values(records: dict[str, dict[str, Any]], field: str) -> set[Any]:
    found = (record[field] for record in records.values())
    return {value for value in found if value is None or isinstance(value, (str, int))}


def enum(schema: str, field: str) -> set[Any]:
    return set(contract.DOCUMENT["components"]["schemas"][schema]["properties"][field]["enum"])


def test_every_value_of_every_enum_occurs(world: World) -> None:
    assert values(world.calls, "status") == enum("CallDto", "status")
    assert values(world.calls, "type") == enum("CallDto", "type")
    assert values(world.pledges, "status") == enum("PledgeCaseDto", "status")
    assert values(world.pledges, "donationInterval") == enum("PledgeCaseDto", "donationInterval")
    assert values(world.pledges, "recruitmentType") == enum("PledgeCaseDto", "recruitmentType")
    assert values(world.persons, "gender") == enum("PersonDto", "gender")
    for field in ("status", "method", "provider"):
        assert values(world.transactions, field) == enum("TransactionDto", field)
    results = {uuid: call["result"] for uuid, call in world.calls.items() if call["result"]}
    assert values(results, "resultCode") == enum("CallResultDto", "resultCode")
    ratings = enum("CallResultDto", "donorRetentionRating")
    assert values(results, "donorRetentionRating") == ratings
    gates = {
        f"{person}{gate['identifier']}": gate
        for person, record in world.persons.items()
        for gate in (record["qualityResult"] or {"gateResults": []})["gateResults"]
    }
    for field in ("identifier", "category", "explanation"):
        assert values(gates, field) == enum("QualityGateResultDto", field)
    applications = {
        call["externalMetadata"]["applicationName"]
        for call in world.calls.values()
        if call["externalMetadata"]
    }
    assert applications == {"4dmc", "basicall", "kalff", "twilio", "tapraise"}


def nullable(schema: str) -> set[str]:
    properties = contract.DOCUMENT["components"]["schemas"][schema]["properties"]
    return {
        name
        for name, field in properties.items()
        if "null" in field.get("type", ()) or {"type": "null"} in field.get("anyOf", ())
    }


@pytest.mark.parametrize(
    ("kind", "schema"),
    [("calls", "CallDto"), ("persons", "PersonDto"), ("pledges", "PledgeCaseDto"),
     ("transactions", "TransactionDto")],
)  # fmt: skip
def test_what_may_be_null_is_null_somewhere_and_not_everywhere(
    world: World, kind: Any, schema: str
) -> None:
    records = list(world.records[kind].values())
    # Shown by include only, or filled in on the way out.
    stored = nullable(schema) & records[0].keys()
    assert len(stored) >= 6
    for field in stored:
        kinds = {record[field] is None for record in records}
        assert kinds == {True, False}, field


def test_fields_of_addresses_attempts_and_results_are_null_sometimes(world: World) -> None:
    addresses = [one["address"] for one in world.persons.values() if one["address"]]
    attempts = [one for call in world.calls.values() for one in call["attempts"]]
    results = [call["result"] for call in world.calls.values() if call["result"]]
    recruiters = [pledge["recruiterUser"] for pledge in world.pledges.values()]
    for records, fields in (
        (addresses, ("street", "houseNumber", "houseNumberExtension", "zipCode", "country")),
        (attempts, ("userUuid", "attemptAt", "createdAt")),
        (results, ("notes", "duration", "donorRetentionRating")),
        (recruiters, ("name",)),
    ):
        for field in fields:
            assert {record[field] is None for record in records} == {True, False}, field


def test_a_story_of_a_call_holds_together(world: World) -> None:
    for call in world.calls.values():
        ends = {
            "completed": call["completedAt"],
            "cancelled": call["cancelledAt"],
            "expired": call["expiredAt"],
        }
        for status, at in ends.items():
            assert (at is not None) == (call["status"] == status)
        assert (call["result"] is not None) == (call["status"] == "completed")
        assert call["attemptsCount"] == len(call["attempts"])
        assert call["requestedAt"] <= call["lastUpdatedAt"] <= world.born_at
        case = call["relatedCaseUuid"]
        assert case is None or world.pledges[case]["personUuid"] == call["personUuid"]
        assert case is None or world.pledges[case]["createdAt"] <= call["requestedAt"]


def test_most_calls_are_open_and_ours(world: World) -> None:
    calls = world.calls.values()
    assert 0.55 < sum(call["status"] == "requested" for call in calls) / len(calls) < 0.65
    centre = [call["callingOrganizationUuid"] for call in calls]
    assert centre.count(names.CALLING_ORGANIZATION.uuid) > 0.7 * len(centre)
    assert None in centre
    assert names.OTHER_CALLING_ORGANIZATION.uuid in centre


def test_donors_are_called_more_than_once_and_share_phones(world: World) -> None:
    called = [call["personUuid"] for call in world.calls.values()]
    assert len(set(called)) < len(called)
    numbers = [one["mobilePhoneNumber"] for one in world.persons.values()]
    shared = {number for number in numbers if number and numbers.count(number) > 1}
    shared -= {"0612345678", "06 - weet niet"}
    assert len(shared) > 10
    # Only households share one: they live at one address.
    for number in shared:
        homes = [one["address"] for one in world.persons.values() if number in one.values()]
        assert all(home == homes[0] for home in homes)


def test_names_are_dutch_in_all_their_spellings(world: World) -> None:
    prefixes = values(world.persons, "lastNamePrefix")
    assert {"van", "van der", "de", "'t", "ter"} <= prefixes
    written = "".join(f"{one['firstName']}{one['lastName']}" for one in world.persons.values())
    assert set("éëñûşłüçı") <= set(written)
    charities = {one["owningOrganization"]["name"] for one in world.persons.values()}
    assert charities == {charity.name for charity in names.CHARITIES}


def test_phone_numbers_come_in_many_spellings_and_are_nobodys(world: World) -> None:
    numbers = values(world.persons, "mobilePhoneNumber") | values(world.persons, "phoneNumber")
    sane = [one for one in numbers if one not in {None, "0612345678", "06 - weet niet"}]
    shapes = {re.sub(r"\d", "9", number) for number in sane}
    assert {"99-99999999", "+99 9 9999 9999", "9999999999", "+99999999999"} <= shapes
    assert any(number.startswith("0031") for number in sane)
    digits = [re.sub(r"^(\+31|0031|0)(\(0\))?|\D", "", number) for number in sane]
    assert all(re.fullmatch(r"6[123458]00\d{5}|[1-9]\d000\d{4}", one) for one in digits)


def test_account_numbers_pass_their_own_check_but_some(world: World) -> None:
    accounts = [one["iban"] for one in world.persons.values() if one["iban"]]
    valid = [IBAN(account, allow_invalid=True).is_valid for account in accounts]
    assert 0.95 < sum(valid) / len(valid) < 1
    assert {account[4:8] for account in accounts if account.startswith("NL")} == {*invented.BANKS}
    assert any(account.startswith("BE") for account in accounts)


def test_what_a_call_centre_may_not_hold_is_there_to_be_dropped(world: World) -> None:
    numbers = values(world.persons, "socialSecurityNumber") - {None}
    assert len(numbers) > 50
    assert all(re.fullmatch(r"\d{9}", number) for number in numbers)
