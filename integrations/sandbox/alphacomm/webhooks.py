"""The messages that Alphacomm sends to the product, in the forms of its document.

Each is noted among the holdings' events, and told to their listener. Mounted, nobody listens unless
a test does: it delivers the `body` of an event whenever its story asks for it.
"""

from datetime import timedelta
from typing import Any, Final

from integrations.sandbox.alphacomm.showing import time_text
from integrations.sandbox.clock import as_text, parse
from integrations.sandbox.paging import Record
from integrations.sandbox.world import World

# The number that donors are called from.
LOCAL_NUMBER: Final = "31513000800"
# The node types and the outcome by which success is told.
SUCCESS: Final = {"result": "success-ok"}


def fire(world: World, body: Record, at: str, *, is_early: bool = False) -> Record:
    """Note an event, and tell whoever listens."""
    holdings = world.alphacomm
    holdings.events_fired += 1
    event = {
        "number": holdings.events_fired,
        "at": at,
        "body": body,
        "is_early": is_early,
        # Each sending: when, the status that came back (null: none did), the answer, malformed.
        "sendings": [],
    }
    holdings.events.append(event)
    if holdings.listener is not None:
        holdings.listener(event)
    return event


def pay_link_visited(world: World, link: Record, at: str, *, is_early: bool = False) -> None:
    empty: Any = [] if world.alphacomm.switches.empty_data == "list" else {}
    body = _pay_link(world, link, at, "PayLinkVisited", empty)
    fire(world, body, at, is_early=is_early)


def pay_link_paid(world: World, link: Record, at: str, *, amount: int) -> None:
    """One payment; `amount` in cents."""
    data = {"payment-method": "ideal", "transaction-amount": amount}
    fire(world, _pay_link(world, link, at, "PayLinkPaid", data), at)


def _pay_link(world: World, link: Record, at: str, event: str, data: Any) -> Record:
    return {
        "datetime": at,
        "id": world.alphacomm.fresh_id(),
        # Empty for a link that was made through the API.
        "reference": link["reference"],
        "serviceId": link["id"],
        "service": "paylink",
        "event": event,
        "data": data,
    }


def call_completed(world: World, call: Record, at: str, form: str) -> None:
    """A voice call in the new form, in the older one, or both.

    `call` says id, request, script, reference (empty: nobody was recognised), direction, status,
    remote number, and whether it got to its success point.
    """
    if form in {"new", "both"}:
        fire(world, _new_form(call, at), at)
    if form in {"legacy", "both"}:
        fire(world, _legacy_form(call, at), at)


def _new_form(call: Record, at: str) -> Record:
    answered = _answered_on(call, at)
    return {
        "datetime": time_text(at),
        "id": call["id"],
        "serviceId": call["request"],
        "service": "voice",
        "reference": call["reference"],
        "event": "VoiceCallCompleted",
        "data": {
            "direction": call["direction"],
            "status": call["status"],
            "localNumber": LOCAL_NUMBER,
            "remoteNumber": call["remote"],
            **({} if answered is None else {"answeredOn": answered}),
            "events": _events(call, at),
        },
    }


def _legacy_form(call: Record, at: str) -> Record:
    answered = _answered_on(call, at)
    attributes = {"origin": "annabel", "customer": "6500", "script": call["script"]}
    if call["reference"]:
        attributes |= {"job": call["request"], "reference": call["reference"]}
    return {
        "id": call["id"],
        "attributes": attributes,
        "direction": call["direction"],
        "status": call["status"],
        "localNumber": LOCAL_NUMBER,
        "remoteNumber": call["remote"],
        "events": _events(call, at),
        "createdOn": _before(at, 40),
        "updatedOn": time_text(at),
        **({} if answered is None else {"answeredOn": answered}),
    }


def _answered_on(call: Record, at: str) -> str | None:
    return _before(at, 30) if call["status"] in {"active", "finished"} else None


def _events(call: Record, at: str) -> list[Record]:
    """What was heard, in order; empty when nobody answered."""
    if call["status"] not in {"active", "finished"}:
        return []
    nodes: list[tuple[str, str, str, Any]] = [
        ("vm_beep", "Sound", "NodeStart", []),
        ("vm_beep", "Sound", "NodeResult", []),
        ("vmresult", "IsRemoteVoiceMail", "NodeResult", {"detected": "HUMAN", "outcome": "no"}),
        ("text2", "Sound", "NodeStart", []),
    ]
    if call["success"]:
        nodes += [
            ("success", "AddResult", "NodeStart", []),
            ("success", "AddResult", "NodeResult", SUCCESS),
            ("text3", "DTMF", "NodeResult", {"input": ["3"], "outcome": "tone:3"}),
        ]
    # Neither of its types is in the document's own lists; it is in its example.
    nodes.append(("remote_hangup", "RemoteHangup", "RemoteHangup", []))
    return [
        {
            "nodeId": node,
            "nodeType": node_type,
            "order": order,
            "type": event_type,
            "data": data,
            "time": _before(at, 30 - 2 * order),
        }
        for order, (node, node_type, event_type, data) in enumerate(nodes, start=1)
    ]


def _before(at: str, seconds: int) -> str:
    return time_text(as_text(parse(at) - timedelta(seconds=seconds)))
