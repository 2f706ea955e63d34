"""Alphacomm's part of the world: saved, loaded, gone on with, reset, and played in a process."""

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox import state
from integrations.sandbox.app import SandboxApp
from integrations.sandbox.mounted import SandboxAdapter
from integrations.sandbox.paging import Record
from integrations.sandbox.replies import encode
from integrations.sandbox.world import World

from .alphacomm import (
    ADD_RECORDS,
    add_rows,
    link,
    links,
    new_link,
    new_mandate,
    pass_a_window,
)
from .conftest import Api, frozen_clock

MOUNTED = "http://sandbox.invalid"
FILE = {"extension": "csv", "contents": "cmVmZXJlbmNlO3NjcmlwdAo="}


def mounted(world: World) -> Api:
    api = Api(MOUNTED)
    api.mount(MOUNTED, SandboxAdapter(SandboxApp(world)))
    return api


def fresh_world() -> World:
    return World(seed=3, calls=10, clock=frozen_clock())


def story(api: Api) -> str:
    """Something of each kind, half of it still waiting; returns a link that is paid in part."""
    id_ = new_link(api)
    new_mandate(api)
    add_rows(api, {"reference": "gone"}, {"reference": "rung", "script": "18301"})
    pass_a_window(api)
    api.order(f"paylinks/{id_}", {"status": "partially_paid", "amount": 100})
    add_rows(api, {"reference": "waiting"})
    api.asked(ADD_RECORDS, file=FILE)
    return id_


def test_a_state_holds_all_that_alphacomm_keeps(tmp_path: Path) -> None:
    world = fresh_world()
    api = mounted(world)
    api.order("switches", {"list_order": "ASCENDING"})
    story(api)
    state.save(world, tmp_path / "state.json")
    loaded = state.load(tmp_path / "state.json")
    assert encode(loaded.alphacomm.snapshot()) == encode(world.alphacomm.snapshot())
    assert loaded.alphacomm.switches == world.alphacomm.switches


def test_what_was_waiting_goes_on_after_a_restart(tmp_path: Path) -> None:
    world = fresh_world()
    id_ = story(mounted(world))
    state.save(world, tmp_path / "state.json")
    api = mounted(state.load(tmp_path / "state.json"))
    assert link(api, id_)["amountPaid"] == 100
    pass_a_window(api)
    told = [one["reference"] for one in api.read("/__sandbox/messages")["messages"]]
    assert told == ["gone", "waiting"]
    assert "queued" not in [one["status"] for one in api.read("/__sandbox/batches")["batches"]]
    ids = [one["id"] for one in links(api)]
    assert len(set(ids)) == len(ids) == 3
    made = add_rows(api, {"reference": "new"})["name"]
    names = [one["id"] for one in api.read("/__sandbox/batches")["batches"]]
    assert names.count(made) == 1


def test_a_state_from_before_alphacomm_is_loaded(tmp_path: Path) -> None:
    world, path = fresh_world(), tmp_path / "state.json"
    state.save(world, path)
    old = json.loads(path.read_text())
    old["format"] = 1
    del old["alphacomm"], old["alphacomm_switches"]
    path.write_text(json.dumps(old))
    loaded = state.load(path)
    assert loaded.calls.keys() == world.calls.keys()
    api = mounted(loaded)
    assert new_link(api)
    state.save(loaded, path)
    assert len(links(mounted(state.load(path)))) == 1


def test_a_new_state_without_its_alphacomm_is_no_state(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    state.save(fresh_world(), path)
    broken = json.loads(path.read_text())
    del broken["alphacomm"]
    path.write_text(json.dumps(broken))
    with pytest.raises(state.UnreadableState):
        state.load(path)


def test_reset_takes_everything_of_alphacomm_away(api: Api) -> None:
    story(api)
    api.order("reset")
    kinds = ("paylinks", "mandates", "batches", "jobs", "messages", "voice")
    assert [api.read(f"/__sandbox/{kind}")[kind] for kind in kinds] == [[]] * 6
    assert len(api.read("/__sandbox/scripts")["scripts"]) == 5
    api.order("clock", {"advance": 3600})
    assert api.read("/__sandbox/messages")["messages"] == []
    assert api.read("/__sandbox/webhooks")["events"] == []


def test_the_same_story_makes_the_same_records() -> None:
    def told(seed: int) -> bytes:
        world = World(seed=seed, calls=5, clock=frozen_clock())
        story(mounted(world))
        return encode(world.alphacomm.snapshot())

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_mounted_nothing_is_sent_and_the_events_can_be_delivered_by_hand() -> None:
    world = fresh_world()
    api = mounted(world)
    api.order("webhooks", {"url": "http://127.0.0.1:9/"})
    id_ = new_link(api)
    api.order(f"paylinks/{id_}", {"visited": True, "status": "paid"})
    events = list(world.alphacomm.events)
    assert [one["body"]["event"] for one in events] == ["PayLinkVisited", "PayLinkPaid"]
    assert [one["sendings"] for one in events] == [[], []]


def test_mounted_a_listener_hears_an_early_event_before_the_answer() -> None:
    world = fresh_world()
    api, heard = mounted(world), []

    def listen(event: Record) -> None:
        heard.append((event["body"]["serviceId"], len(world.journal.effects)))

    world.alphacomm.listener = listen
    api.order("webhooks", {"early": True})
    assert heard == []
    id_ = new_link(api)
    assert heard == [(id_, 0)]


def test_mounted_it_answers_as_over_a_socket(api: Api) -> None:
    def story_of(session: Api) -> list[Any]:
        answers: list[Any] = [
            session.ask("{ payLink { colour } }").json(),
            session.post("/v1", data="{").json(),
            session.post("/v1", headers={"X-AUTH-TOKEN": "no"}).status_code,
        ]
        add_rows(session, {})
        pass_a_window(session)
        return [*answers, links(session), session.get("/__sandbox/phone").status_code]

    in_process = mounted(World(seed=7, calls=300, clock=frozen_clock()))
    assert story_of(in_process) == story_of(api)


def test_links_lead_to_the_port_that_the_server_listens_on(api: Api) -> None:
    id_ = new_link(api)
    assert api.read(f"/__sandbox/paylinks/{id_}")["shortUrl"].startswith(api.base_url)
