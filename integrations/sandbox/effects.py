"""What the writing operations on calls do to the world.

Each takes a body that the document's schema has let through, applies the rules of its prose, and
raises Refusal without having changed anything. `at` is the world's time of the effect.
"""

import json
from typing import Any
from uuid import UUID

from integrations.sandbox.clock import canonical
from integrations.sandbox.paging import Record
from integrations.sandbox.replies import Refusal
from integrations.sandbox.world import World

Body = dict[str, Any]


def is_managed_elsewhere(world: World, call: Record) -> bool:
    metadata = call["externalMetadata"]
    is_named = metadata is not None and metadata["applicationName"] != "tapraise"
    return is_named or call["uuid"] in world.externally_sourced


def create_call(world: World, body: Body, at: str) -> Record:
    """POST /api/v1/calls."""
    uuid = body.get("uuid", fresh_uuid(world)).lower()
    if uuid in world.calls:
        raise Refusal(409, "A call with this uuid was saved before")
    is_elsewhere = (
        body.get("externalMetadata") is not None or body.get("externalSource") is not None
    )
    _check_create(world, body, is_elsewhere)
    attempts = [
        {
            "userUuid": attempt.get("userUuid"),
            "attemptAt": kept(world, attempt.get("createdAt")),
            "createdAt": kept(world, attempt.get("createdAt")),
        }
        for attempt in body.get("attempts", [])
    ]
    status = body.get("status", "requested")
    call = {
        "uuid": uuid,
        "status": status,
        "requestedAt": canonical(body["requestedAt"]),
        "externalMetadata": _external_metadata(world, body.get("externalMetadata")),
        "attempts": attempts,
        "attemptsCount": len(attempts),
        "result": _result(world, body["result"]) if "result" in body else None,
        "lastUpdatedAt": at,
        "cancelledAt": kept(world, body.get("cancelledAt")) if is_elsewhere else None,
        "completedAt": kept(world, body.get("completedAt")) if is_elsewhere else None,
        "expiredAt": at if status == "expired" else None,
        "notes": body.get("notes"),
        "personUuid": body["personUuid"].lower(),
        "relatedCaseUuid": body["relatedCaseUuid"].lower() if "relatedCaseUuid" in body else None,
        "callingOrganizationUuid": body.get("callingOrganizationUuid"),
        "type": body.get("type", "verification"),
        "recordingDuration": None,
    }
    if is_elsewhere and body.get("externalMetadata") is None:
        world.externally_sourced.add(uuid)
    return world.put("calls", call, at)


def _check_create(world: World, body: Body, is_elsewhere: bool) -> None:
    if is_elsewhere:
        switches = world.switches
        if "type" in body and switches.type_of_calls_elsewhere == "refuse":
            raise Refusal(400, "type is not allowed for a call that is managed elsewhere")
        if body.get("status") == "expired" and switches.expired_calls_elsewhere == "refuse":
            raise Refusal(400, "status must not be expired for a call that is managed elsewhere")
    else:
        forbidden = ["status", "attempts", "result"]
        if world.switches.end_times_on_create == "refuse":
            forbidden += ["cancelledAt", "completedAt"]
        found = [name for name in forbidden if name in body]
        if found:
            raise Refusal(400, f"{', '.join(found)}: not allowed for a call managed in TapRaise")
        if "type" not in body:
            raise Refusal(400, "type is missing")
    person = body["personUuid"].lower()
    if person not in world.persons:
        raise Refusal(400, "personUuid is of no person in your scope")
    case = world.pledges.get(body.get("relatedCaseUuid", "").lower())
    if "relatedCaseUuid" in body and (case is None or case["personUuid"] != person):
        raise Refusal(400, "relatedCaseUuid is of no pledge of this person")


def _external_metadata(world: World, given: Body | None) -> Record | None:
    """What goes in as a JSON text comes out as an object."""
    if given is None:
        return None
    try:
        properties = json.loads(given["additionalProperties"])
    except ValueError as problem:
        raise Refusal(400, "externalMetadata.additionalProperties is not JSON") from problem
    wanted = world.switches.additional_properties
    if not isinstance(properties, dict if wanted == "object" else list):
        raise Refusal(400, f"externalMetadata.additionalProperties must be an {wanted}")
    if isinstance(properties, list):
        # Reads show an object whatever went in.
        properties = {str(place): one for place, one in enumerate(properties)}
    return {**given, "additionalProperties": properties}


def add_attempt(world: World, uuid: str, body: Body, at: str) -> Record:
    """PUT /api/v1/calls/{uuid}/actions/add-attempt. Sent twice, it counts twice."""
    call = _open_call(world, uuid)
    attempt = {
        "userUuid": body.get("userUuid"),
        "attemptAt": kept(world, body.get("attemptAt")) or at,
        "createdAt": at,
    }
    attempts = [*call["attempts"], attempt]
    changes: Record = {"attempts": attempts, "attemptsCount": len(attempts)}
    limit = world.switches.expire_at_attempts
    if limit is not None and _attempts_counted(world, call) + 1 >= limit:
        changes |= {"status": "expired", "expiredAt": at}
    return world.change_call(call, at, **changes)


def _attempts_counted(world: World, call: Record) -> int:
    if world.switches.attempts_counted_by == "call":
        return len(call["attempts"])
    own = (one for one in world.calls.values() if one["personUuid"] == call["personUuid"])
    return sum(len(one["attempts"]) for one in own)


def complete(world: World, uuid: str, body: Body, at: str) -> Record:
    """PUT /api/v1/calls/{uuid}/actions/complete."""
    call = _find(world, uuid)
    is_repeat = call["status"] == "completed"
    if not (is_repeat and world.switches.repeated_complete == "overwrite"):
        call = _open_call(world, uuid)
    if not call["attempts"] and world.switches.complete_without_attempt == "refuse":
        raise Refusal(400, "The call has no attempts")
    result = _result(world, body["result"])
    if result["resultCode"] == "dropped" and world.switches.dropped_result_drops_pledge:
        pledge = world.pledges.get(call["relatedCaseUuid"] or "")
        if pledge is not None and pledge["status"] == "lead":
            world.change_pledge(pledge, at, status="dropped")
    return world.change_call(
        call, at, status="completed", result=result, completedAt=result["completedAt"]
    )


def cancel(world: World, uuid: str, body: Body, at: str) -> Record:
    """PUT /api/v1/calls/{uuid}/actions/cancel."""
    call = _find(world, uuid)
    if call["status"] == "cancelled":
        raise Refusal(409, "The call was cancelled before")
    if call["status"] in {"completed", "expired"}:
        raise Refusal(world.switches.cancel_of_ended, f"The call is {call['status']}")
    call = _open_call(world, uuid)
    cancelled_at = kept(world, body.get("cancelledAt")) or at
    return world.change_call(call, at, status="cancelled", cancelledAt=cancelled_at)


def expire(world: World, uuid: str, body: Body, at: str) -> Record:
    """PUT /api/v1/calls/{uuid}/actions/expire. Without a time the server's clock counts."""
    call = _open_call(world, uuid)
    expired_at = kept(world, body.get("expiredAt")) or at
    if expired_at > at and world.switches.future_expiry == "refuse":
        raise Refusal(400, "expiredAt must not be in the future")
    if expired_at > at and world.switches.future_expiry == "later":
        world.plan_at(expired_at, lambda then: _expire_if_open(world, uuid, then))
        return world.change_call(call, at, expiredAt=expired_at)
    return world.change_call(call, at, status="expired", expiredAt=expired_at)


def _expire_if_open(world: World, uuid: str, at: str) -> None:
    call = world.calls[uuid]
    if call["status"] == "requested":
        world.change_call(call, at, status="expired", expiredAt=at)


def _find(world: World, uuid: str) -> Record:
    call = world.calls.get(uuid)
    if call is None:
        raise Refusal(404, "Call is not found")
    return call


def _open_call(world: World, uuid: str) -> Record:
    call = _find(world, uuid)
    is_closed_to_us = world.switches.actions_on_calls_elsewhere == "refuse"
    if is_closed_to_us and is_managed_elsewhere(world, call):
        raise Refusal(400, "The call is managed elsewhere")
    if call["status"] != "requested":
        raise Refusal(400, f"The call is {call['status']}")
    return call


def _result(world: World, given: Body) -> Record:
    return {
        "resultCode": given["resultCode"],
        "completedAt": kept(world, given["completedAt"]),
        "notes": given.get("notes"),
        "duration": None,
        "donorRetentionRating": given.get("donorRetentionRating"),
    }


def kept(world: World, given: str | None) -> str | None:
    """A time that the client chose, as exactly as a switch lets the world keep it."""
    if given is None:
        return None
    at = canonical(given)
    return at if world.switches.times_kept_to == "milliseconds" else f"{at[:19]}.000Z"


def fresh_uuid(world: World) -> str:
    # Counted, not random: a simulation that is played again finds the same uuid.
    number = len(world.calls) + world.journal.last_number * 2**32
    return str(UUID(int=(world.seed % 2**16) * 2**64 + number, version=4))
