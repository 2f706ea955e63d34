"""Webhooks over real HTTP to a small receiver: their form, and everything that can go wrong."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from integrations.sandbox.world import World

from .alphacomm import add_rows, new_link, pass_a_window
from .conftest import Api
from .receiver import Receiver, listening, wait_for

VOICE = {"reference": "v-1", "script": "18301"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as server:
        yield server


def send_to(api: Api, receiver: Receiver, **orders: Any) -> None:
    pair = {"user": "alphacomm", "password": "geheim"}
    api.order("webhooks", {"url": receiver.url, "retry_seconds": [0.05, 0.05], **pair, **orders})


def sendings(api: Api) -> list[Any]:
    events = api.read("/__sandbox/webhooks")["events"]
    return [[one["status"] for one in event["sendings"]] for event in events]


def pay(api: Api, id_: str, **orders: Any) -> None:
    api.order(f"paylinks/{id_}", {"status": "paid", **orders})


def test_a_payment_is_told_in_the_documents_form(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver)
    id_ = new_link(api)
    pay(api, id_)
    (told,) = receiver.bodies(1)
    assert told.pop("id") != id_
    assert told == {
        "datetime": "2026-11-22T11:00:00.000Z",
        "reference": "",
        "serviceId": id_,
        "service": "paylink",
        "event": "PayLinkPaid",
        "data": {"payment-method": "ideal", "transaction-amount": 15497},
    }
    assert receiver.told[0][1] == "Basic YWxwaGFjb21tOmdlaGVpbQ=="
    wait_for(lambda: sendings(api) == [[204]])
    assert "geheim" not in api.get("/__sandbox/webhooks").text


def test_a_link_of_a_script_is_told_of_with_its_reference(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver)
    add_rows(api, {"reference": "sms-7"})
    pass_a_window(api)
    (message,) = api.read("/__sandbox/messages")["messages"]
    api.order(f"paylinks/{message['link']}", {"visited": True})
    (told,) = receiver.bodies(1)
    assert (told["event"], told["reference"]) == ("PayLinkVisited", "sms-7")


def test_a_voice_call_is_told_in_either_form(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver)
    add_rows(api, VOICE)
    pass_a_window(api)
    call = api.order("voice", {"reference": "v-1", "form": "both"})
    new, legacy = receiver.bodies(2)
    assert (new["event"], new["service"], new["reference"]) == (
        "VoiceCallCompleted",
        "voice",
        "v-1",
    )
    assert (new["id"], new["serviceId"]) == (call["id"], call["request"])
    assert (new["data"]["status"], new["data"]["remoteNumber"]) == ("finished", "31612345678")
    assert "event" not in legacy
    assert (legacy["id"], legacy["attributes"]["reference"]) == (call["id"], "v-1")
    for events in (new["data"]["events"], legacy["events"]):
        found = [(one["nodeType"], one["type"], one["data"]) for one in events]
        assert ("AddResult", "NodeResult", {"result": "success-ok"}) in found
        assert ("Sound", "NodeStart", []) in found
    assert new["data"]["answeredOn"]
    assert legacy["answeredOn"]


def test_calls_without_success_and_from_strangers(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver)
    api.order("switches", {"voice_form": "legacy"})
    add_rows(api, VOICE)
    pass_a_window(api)
    api.order("voice", {"reference": "v-1", "status": "no answer"})
    api.order("voice", {})
    unanswered, stranger = receiver.bodies(2)
    assert (unanswered["status"], unanswered["events"]) == ("no answer", [])
    assert "answeredOn" not in unanswered
    assert (stranger["direction"], stranger["remoteNumber"]) == ("inbound", "anonymous")
    assert "reference" not in stranger["attributes"]


def test_every_event_may_come_several_times(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver, times=3)
    pay(api, new_link(api))
    assert len({one["id"] for one in receiver.bodies(3)}) == 1
    wait_for(lambda: sendings(api) == [[204, 204, 204]])
    api.order("webhooks/1")
    assert len({one["id"] for one in receiver.bodies(6)}) == 1


def test_events_come_in_any_order(api: Api, receiver: Receiver) -> None:
    ids = [new_link(api) for _ in range(12)]
    send_to(api, receiver, shuffle=True)
    for id_ in ids:
        api.order(f"paylinks/{id_}", {"visited": True})
    told = [one["serviceId"] for one in receiver.bodies(12)]
    assert told != ids
    assert sorted(told) == sorted(ids)


def test_an_event_may_be_late(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver, delay_seconds=0.4)
    began = time.monotonic()
    pay(api, new_link(api))
    assert time.monotonic() - began < 0.4
    receiver.bodies(1)
    assert receiver.told[0][0] - began >= 0.4


def test_an_event_may_be_nonsense_and_is_not_repeated(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver, malformed=1, times=4)
    receiver.statuses = [400] * 4
    pay(api, new_link(api))
    wait_for(lambda: sendings(api) == [[400] * 4])
    sound = api.read("/__sandbox/webhooks")["events"][0]["body"]
    for _, _, body in receiver.told:
        with pytest.raises((ValueError, AssertionError)):
            assert json.loads(body) == sound
    time.sleep(0.2)
    assert len(receiver.told) == 4


def test_an_event_may_come_before_the_answer_to_its_own_create(
    api: Api, receiver: Receiver
) -> None:
    send_to(api, receiver, early=True)
    receiver.pause = 0.3
    id_ = new_link(api)
    assert [one["serviceId"] for one in receiver.bodies(0)] == [id_]
    assert receiver.bodies(1)[0]["event"] == "PayLinkVisited"


def test_an_early_event_holds_no_answer_for_ever(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver, early=True)
    receiver.statuses = [500, 500, 500]
    began = time.monotonic()
    new_link(api)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("status", [0, 302, 400, 401, 500, 503])
def test_a_refusal_is_tried_again_and_then_given_up(
    api: Api, receiver: Receiver, status: int
) -> None:
    send_to(api, receiver)
    receiver.statuses = [status, status, status]
    pay(api, new_link(api))
    shown = status or None
    wait_for(lambda: sendings(api) == [[shown] * 3])
    time.sleep(0.2)
    assert len(receiver.told) == 3


def test_a_second_try_is_enough(api: Api, receiver: Receiver) -> None:
    send_to(api, receiver)
    receiver.statuses = [503]
    pay(api, new_link(api))
    wait_for(lambda: sendings(api) == [[503, 204]])


def test_nobody_there_is_noted(api: Api) -> None:
    api.order("webhooks", {"url": "http://127.0.0.1:9/", "retry_seconds": []})
    pay(api, new_link(api))
    wait_for(lambda: sendings(api) == [[None]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://example.org/"},
        {"url": "https://127.0.0.1/"},
        {"url": "http://127.0.0.1.example.org/"},
        {"url": "http://localhost/"},
        {"url": "http://127.0.0.1@example.org/"},
        {"url": "http://127.0.0.1:99999/"},
        {"url": 5},
        {"user": None},
        {"times": 0},
        {"times": 101},
        {"colour": "red"},
    ],
)
def test_webhooks_stay_on_this_machine(api: Api, wrong: dict[str, Any]) -> None:
    assert api.post("/__sandbox/webhooks", json=wrong).status_code == 400
    assert api.read("/__sandbox/webhooks")["orders"]["url"] == ""


def test_nothing_is_sent_until_somebody_is_named_nor_after_they_are_forgotten(
    api: Api, receiver: Receiver
) -> None:
    pay(api, new_link(api))
    assert sendings(api) == [[]]
    send_to(api, receiver)
    assert requests.delete(f"{api.base_url}/__sandbox/webhooks", timeout=5).status_code == 200
    pay(api, new_link(api))
    time.sleep(0.1)
    assert receiver.told == []


def test_what_a_donor_does_changes_the_world_whoever_hears_of_it(
    api: Api, receiver: Receiver, world: World
) -> None:
    send_to(api, receiver)
    receiver.statuses = [500] * 3
    id_ = new_link(api)
    pay(api, id_, amount=1000)
    assert world.alphacomm.records["links"][id_]["amountPaid"] == 1000
