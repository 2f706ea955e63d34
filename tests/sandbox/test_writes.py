"""Create, attempt, complete, cancel, expire: what they do, refuse, and leave behind."""

from typing import Any
from uuid import uuid4

import pytest

from integrations.sandbox.names import ALICE, BOB
from integrations.sandbox.world import World

from .conftest import Api

AT = "2026-11-22T10:58:07.250Z"
RESULT = {"completedAt": AT, "resultCode": "downgraded", "notes": "Süß", "donorRetentionRating": 8}
ENDINGS: dict[str, dict[str, Any]] = {
    "complete": {"userUuid": ALICE, "result": RESULT},
    "cancel": {"cancelledAt": AT},
    "expire": {"expiredAt": AT},
}


def new_call(world: World, **changes: Any) -> dict[str, Any]:
    pledge = next(iter(world.pledges.values()))
    return {
        "uuid": str(uuid4()),
        "requestedAt": AT,
        "personUuid": pledge["personUuid"],
        "relatedCaseUuid": pledge["uuid"],
        "type": "happy_call",
        "requestedByUserUuid": BOB,
        **changes,
    }


METADATA = {
    "applicationName": "twilio",
    "referenceId": "T-9",
    "agentReferenceId": "a",
    "statusCode": "SALE",
    "statusDescription": "sold",
    "additionalProperties": '{"batch": 3}',
}


# --- attempts ---


def test_an_attempt_sent_twice_counts_twice(api: Api, open_call: str) -> None:
    for _ in range(2):
        answer = api.act(open_call, "add-attempt", userUuid=ALICE, attemptAt=AT)
        assert answer.status_code == 200
    call = api.call(open_call)
    attempt = {"userUuid": ALICE, "attemptAt": AT, "createdAt": "2026-11-22T11:00:00.000Z"}
    assert call["attempts"] == [attempt, attempt]
    assert call["attemptsCount"] == 2
    assert call["status"] == "requested"
    assert [(one["operation"], one["uuid"]) for one in api.effects()] == [
        ("add-attempt", open_call),
        ("add-attempt", open_call),
    ]
    assert api.effects()[0]["body"] == {"userUuid": ALICE, "attemptAt": AT}


def test_an_attempt_may_say_nothing(api: Api, open_call: str, world: World) -> None:
    api.act(open_call, "add-attempt")
    now = world.now()
    assert api.call(open_call)["attempts"] == [
        {"userUuid": None, "attemptAt": now, "createdAt": now}
    ]


def test_times_are_kept_to_the_millisecond_or_the_second(api: Api, open_call: str) -> None:
    api.act(open_call, "add-attempt", attemptAt="2026-11-22T11:58:07.250999+01:00")
    assert api.call(open_call)["attempts"][0]["attemptAt"] == AT
    api.order("switches", {"times_kept_to": "seconds"})
    api.act(open_call, "complete", **ENDINGS["complete"])
    assert api.call(open_call)["result"]["completedAt"] == "2026-11-22T10:58:07.000Z"


def test_the_last_attempt_expires_the_call_where_a_maximum_is_set(
    api: Api, open_call: str, world: World
) -> None:
    api.order("switches", {"expire_at_attempts": 2})
    assert api.act(open_call, "add-attempt").json()["status"] == "requested"
    last = api.act(open_call, "add-attempt").json()
    assert (last["status"], last["expiredAt"]) == ("expired", world.now())
    assert api.act(open_call, "add-attempt").status_code == 400


def test_attempts_may_be_counted_by_person(api: Api, world: World) -> None:
    person = next(iter(world.persons))
    one, other = (api.order("calls", {"personUuid": person})["calls"][0]["uuid"] for _ in range(2))
    mine = [call for call in world.calls.values() if call["personUuid"] == person]
    limit = sum(call["attemptsCount"] for call in mine) + 2
    api.order("switches", {"expire_at_attempts": limit, "attempts_counted_by": "person"})
    assert api.act(one, "add-attempt").json()["status"] == "requested"
    assert api.act(other, "add-attempt").json()["status"] == "expired"


# --- endings ---


def test_a_completion(api: Api, open_call: str, world: World) -> None:
    api.order("clock", {"advance": 5})
    answer = api.act(open_call, "complete", **ENDINGS["complete"]).json()
    assert answer["status"] == "completed"
    assert answer["result"] == {**RESULT, "duration": None}
    assert answer["completedAt"] == AT
    assert answer["lastUpdatedAt"] == world.now()
    assert answer["person"] is None
    assert [one["body"] for one in api.effects()] == [ENDINGS["complete"]]


def test_a_completion_without_notes_and_rating(api: Api, open_call: str) -> None:
    api.act(open_call, "complete", result={"completedAt": AT, "resultCode": "other"})
    result = api.call(open_call)["result"]
    assert (result["notes"], result["donorRetentionRating"]) == (None, None)


def test_a_cancellation_and_an_expiry(api: Api, world: World) -> None:
    for action, field, status in (
        ("cancel", "cancelledAt", "cancelled"),
        ("expire", "expiredAt", "expired"),
    ):
        first, second = (one["uuid"] for one in api.order("calls", {"count": 2})["calls"])
        told = api.act(first, action, **ENDINGS[action]).json()
        untold = api.act(second, action).json()
        assert (told["status"], told[field]) == (status, AT)
        assert (untold["status"], untold[field]) == (status, world.now())


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("again", [*ENDINGS, "add-attempt"])
def test_an_end_state_is_an_end(api: Api, open_call: str, ending: str, again: str) -> None:
    api.act(open_call, ending, **ENDINGS[ending])
    before = api.call(open_call)
    answer = api.act(open_call, again, **ENDINGS.get(again, {}))
    assert answer.status_code == (409 if ending == again == "cancel" else 400)
    assert answer.json()["message"]
    assert api.call(open_call) == before
    assert len(api.effects()) == 1


def test_what_happens_to_a_repeat_is_a_switch(api: Api, open_call: str) -> None:
    api.act(open_call, "complete", **ENDINGS["complete"])
    assert api.act(open_call, "cancel").status_code == 400
    api.order("switches", {"repeated_complete": "overwrite", "cancel_of_ended": 409})
    assert api.act(open_call, "cancel").status_code == 409
    other = {"completedAt": AT, "resultCode": "dropped"}
    assert api.act(open_call, "complete", result=other).status_code == 200
    assert api.call(open_call)["result"]["resultCode"] == "dropped"
    assert len(api.effects()) == 2


def test_a_dropped_result_may_drop_the_pledge(api: Api, world: World) -> None:
    pledge = next(one for one in world.pledges.values() if one["status"] == "lead")
    order = {"personUuid": pledge["personUuid"], "relatedCaseUuid": pledge["uuid"], "count": 2}
    result = {"completedAt": AT, "resultCode": "dropped"}
    for call, is_on in zip(api.order("calls", order)["calls"], (False, True), strict=True):
        api.order("switches", {"dropped_result_drops_pledge": is_on})
        api.act(call["uuid"], "complete", result=result)
        expected = "dropped" if is_on else "lead"
        assert api.read(f"/api/v1/pledges/{pledge['uuid']}")["status"] == expected


def test_an_expiry_in_the_future(api: Api) -> None:
    calls = [one["uuid"] for one in api.order("calls", {"count": 3})["calls"]]
    soon = {"expiredAt": "2026-11-22T11:01:00Z"}
    assert api.act(calls[0], "expire", **soon).json()["status"] == "expired"
    api.order("switches", {"future_expiry": "refuse"})
    assert api.act(calls[1], "expire", **soon).status_code == 400
    api.order("switches", {"future_expiry": "later"})
    assert api.act(calls[2], "expire", **soon).json()["status"] == "requested"
    api.order("clock", {"advance": 61})
    assert api.call(calls[2])["status"] == "expired"


def test_calls_that_are_managed_elsewhere_are_not_ours_to_change(api: Api, world: World) -> None:
    by_name = {
        call["externalMetadata"]["applicationName"]: uuid
        for uuid, call in world.calls.items()
        if call["externalMetadata"] and call["status"] == "requested"
    }
    assert api.act(by_name["tapraise"], "add-attempt").status_code == 200
    elsewhere = next(uuid for name, uuid in by_name.items() if name != "tapraise")
    assert api.act(elsewhere, "add-attempt").status_code == 400
    api.order("switches", {"actions_on_calls_elsewhere": "accept"})
    assert api.act(elsewhere, "add-attempt").status_code == 200


@pytest.mark.parametrize("action", [*ENDINGS, "add-attempt"])
def test_an_unknown_call_is_not_found(api: Api, action: str) -> None:
    answer = api.act(str(uuid4()), action, **ENDINGS.get(action, {}))
    assert answer.status_code == 404
    assert answer.json()["error"] == "Not Found"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("complete", {}),
        ("complete", {"result": {"resultCode": "confirmed"}}),
        ("complete", {"result": {**RESULT, "resultCode": "upgraded"}}),
        ("complete", {"result": {**RESULT, "notes": None}}),
        ("complete", {"result": {**RESULT, "donorRetentionRating": None}}),
        ("complete", {"result": {**RESULT, "donorRetentionRating": 11}}),
        ("complete", {"result": {**RESULT, "donorRetentionRating": True}}),
        ("complete", {"result": {**RESULT, "rating": 3}}),
        ("add-attempt", {"userUuid": "alice"}),
        ("add-attempt", {"userUuid": None}),
        ("add-attempt", {"attemptAt": "2026-11-22T10:00:00"}),
        ("add-attempt", {"attemptedAt": AT}),
        ("cancel", {"cancelledAt": None}),
        ("expire", {"expiredAt": 5}),
    ],
)
def test_a_body_that_the_document_refuses(
    api: Api, open_call: str, action: str, body: dict[str, Any]
) -> None:
    answer = api.act(open_call, action, **body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/json")
    assert api.effects() == []


def test_bodies_that_are_no_json_object(api: Api, open_call: str) -> None:
    path = f"/api/v1/calls/{open_call}/actions/cancel"
    for body in (b"", b"{", b"[]", b"null", b"\xff"):
        assert api.put(path, data=body).status_code == 400
    assert api.effects() == []


def test_errors_may_be_text_and_extra_fields_let_through(api: Api, open_call: str) -> None:
    api.order("switches", {"error_body": "text", "extra_body_fields": "ignore"})
    answer = api.act(open_call, "cancel", cancelledAt="soon", extra=1)
    assert (answer.status_code, answer.text) == (400, "cancelledAt must be a date-time")
    assert api.act(open_call, "cancel", extra=1).status_code == 200


# --- create ---


def test_a_call_is_created_once(api: Api, world: World) -> None:
    body = new_call(world, notes="Graag 's avonds")
    created = api.post("/api/v1/calls", json=body)
    assert created.status_code == 201
    call = api.call(body["uuid"])
    assert call["status"] == "requested"
    assert (call["requestedAt"], call["lastUpdatedAt"]) == (AT, world.now())
    assert call["person"]["uuid"] == body["personUuid"]
    assert api.post("/api/v1/calls", json=body).status_code == 409
    assert [one["operation"] for one in api.effects()] == ["create-call"]
    detail = api.read(f"/api/v1/pledges/{body['relatedCaseUuid']}", include="calls")
    assert body["uuid"] in {one["uuid"] for one in detail["calls"]}


def test_a_call_without_a_uuid_is_given_one(api: Api, world: World) -> None:
    body = new_call(world)
    del body["uuid"]
    made = {api.post("/api/v1/calls", json=body).json()["uuid"] for _ in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "requested"},
        {"attempts": []},
        {"result": {**RESULT}},
        {"cancelledAt": AT},
        {"type": None},
        {"type": "survey"},
        {"personUuid": str(uuid4())},
        {"relatedCaseUuid": str(uuid4())},
        {"externalMetadata": METADATA},
        {"externalMetadata": {**METADATA, "statusCode": None}},
        {"externalMetadata": {"applicationName": "twilio"}},
    ],
)
def test_creates_that_break_a_rule(api: Api, world: World, changes: dict[str, Any]) -> None:
    body = new_call(world, **changes)
    assert api.post("/api/v1/calls", json=body).status_code == 400
    assert api.effects() == []
    assert body["uuid"] not in world.calls


def test_a_create_without_a_type_is_refused_here(api: Api, world: World) -> None:
    body = new_call(world)
    del body["type"]
    assert api.post("/api/v1/calls", json=body).status_code == 400


def test_end_times_on_a_create_may_be_ignored(api: Api, world: World) -> None:
    api.order("switches", {"end_times_on_create": "ignore"})
    created = api.post("/api/v1/calls", json=new_call(world, cancelledAt=AT))
    assert (created.status_code, created.json()["cancelledAt"]) == (201, None)


def test_a_call_that_is_managed_elsewhere_comes_with_its_story(api: Api, world: World) -> None:
    body = new_call(
        world,
        externalMetadata=METADATA,
        status="completed",
        completedAt=AT,
        attempts=[{"createdAt": AT, "userUuid": BOB}],
        result={**RESULT, "donorRetentionRating": None},
    )
    del body["type"]
    created = api.post("/api/v1/calls", json=body)
    assert created.status_code == 201, created.text
    call = created.json()
    assert call["type"] == "verification"
    assert call["externalMetadata"]["additionalProperties"] == {"batch": 3}
    assert call["attemptsCount"] == 1
    assert call["completedAt"] == AT
    for text in ("nonsense", "[]"):
        wrong = {**body, "uuid": str(uuid4()), "externalMetadata": {**METADATA}}
        wrong["externalMetadata"]["additionalProperties"] = text
        assert api.post("/api/v1/calls", json=wrong).status_code == 400


def test_external_source_too_says_that_a_call_is_managed_elsewhere(api: Api, world: World) -> None:
    body = new_call(world, externalSource={"name": "backstage", "identifier": "1"})
    del body["type"]
    assert api.post("/api/v1/calls", json=body).status_code == 201
    assert api.act(body["uuid"], "cancel").status_code == 400
