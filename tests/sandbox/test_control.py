"""The clock, the journal, reset, the page, and worlds that repeat themselves."""

import re
from email.utils import parsedate_to_datetime

import pytest

from integrations.sandbox.app import SandboxApp
from integrations.sandbox.clock import as_text, parse
from integrations.sandbox.replies import encode
from integrations.sandbox.troubles import AS_IT_SHOULD, FAULTS, WEBHOOKS
from integrations.sandbox.world import World

from .conftest import NOON, Api, frozen_clock, nodes


def test_the_clock_is_the_worlds_own(api: Api) -> None:
    answer = api.get("/api/v1/calls")
    assert parsedate_to_datetime(answer.headers["Date"]) == NOON
    api.order("clock", {"advance": 90.5})
    assert api.read("/__sandbox/clock") == {"now": "2026-11-22T11:01:30.500Z", "frozen": True}
    api.order("clock", {"set": "2026-11-23T09:00:00+01:00"})
    answer = api.get("/api/v1/calls")
    assert answer.headers["Date"] == "Mon, 23 Nov 2026 08:00:00 GMT"
    api.order("clock", {"resume": True})
    first, second = (api.read("/__sandbox/clock")["now"] for _ in range(2))
    assert "2026-11-23T08:00:00" < first <= second < "2026-11-23T08:01:00"
    assert api.order("clock", {"freeze": "2026-01-01T00:00:00Z"})["now"][:10] == "2026-01-01"
    for wrong in ({}, {"turn": 1}, {"set": "now"}, {"set": 5}, {"freeze": True, "advance": 1}):
        assert api.post("/__sandbox/clock", json=wrong).status_code == 400


@pytest.mark.parametrize("text", ["2026-11-22T11:00:00+00:00", "2026-11-22t12:00:00.0000009+01:00"])
def test_times_are_read_in_any_spelling_and_written_in_one(text: str) -> None:
    assert as_text(parse(text)) == "2026-11-22T11:00:00.000Z"


def test_the_journal_tells_requests_from_effects(api: Api, open_call: str) -> None:
    api.calls(first=3)
    api.act(open_call, "add-attempt")
    api.order("clock", {"advance": 10})
    api.act(open_call, "cancel", cancelledAt="x")
    api.act(open_call, "cancel")
    journal = api.read("/__sandbox/journal")
    assert [(one["operation"], one["status"]) for one in journal["requests"]] == [
        ("calls", 200), ("add-attempt", 200), ("cancel", 400), ("cancel", 200),
    ]  # fmt: skip
    assert journal["requests"][0]["query"] == "first=3"
    attempted, cancelled = journal["effects"]
    assert attempted["request"] == journal["requests"][1]["number"]
    assert (attempted["uuid"], cancelled["uuid"]) == (open_call, open_call)
    numbers = [one["number"] for entries in journal.values() for one in entries]
    assert len(set(numbers)) == 6
    assert "sandbox" not in encode(journal).decode()

    def asked(**query: str | int) -> list[int]:
        found = api.read("/__sandbox/journal", **query)
        return [one["number"] for one in found["effects"]]

    assert asked(operation="cancel") == [cancelled["number"]]
    assert asked(uuid=open_call) == [attempted["number"], cancelled["number"]]
    assert asked(since=attempted["number"]) == [cancelled["number"]]
    assert asked(since="2026-11-22T11:00:00Z") == [cancelled["number"]]
    assert api.get("/__sandbox/journal?kind=all").status_code == 400

    api.delete("/__sandbox/journal")
    assert api.read("/__sandbox/journal") == {"effects": [], "requests": []}


def test_reset_brings_back_the_world_as_it_was_born(api: Api, open_call: str) -> None:
    fresh = SandboxApp(World(seed=7, calls=300, clock=frozen_clock())).world
    api.act(open_call, "cancel")
    api.order("touch", {"count": 20})
    api.order("faults", {"kind": "status", "status": 500})
    api.order("clock", {"advance": 3600})
    answer = api.order("reset")
    assert answer["calls"] == 300
    assert api.read("/__sandbox/journal") == {"effects": [], "requests": []}
    assert {node["uuid"] for node in nodes(api.calls(first=500))} == set(fresh.calls)
    assert all(api.call(uuid)["notes"] == call["notes"] for uuid, call in fresh.calls.items())


def test_worlds_of_one_seed_are_equal_to_the_byte() -> None:
    def snapshot(seed: int) -> bytes:
        return encode(World(seed=seed, calls=80, clock=frozen_clock()).snapshot())

    assert snapshot(1) == snapshot(1)
    assert snapshot(1) != snapshot(2)


def test_calls_change_elsewhere(api: Api, open_call: str, world: World) -> None:
    api.order("clock", {"advance": 1})
    api.order(f"calls/{open_call}", {"attempt": True, "notes": "Tóch niet"})
    api.order(f"calls/{open_call}", {"status": "completed"})
    call = api.call(open_call)
    assert (call["attemptsCount"], call["notes"], call["status"]) == (1, "Tóch niet", "completed")
    assert call["completedAt"] == call["result"]["completedAt"] == world.now()
    assert api.effects() == []
    assert api.post(f"/__sandbox/calls/{open_call}", json={"colour": 1}).status_code == 400
    assert api.post("/__sandbox/calls/unknown", json={}).status_code == 400
    assert api.post("/__sandbox/switches", json={"colour": 1}).status_code == 400
    assert api.get("/__sandbox/nowhere").status_code == 404


def test_the_page_shows_a_person_what_happened(api: Api, open_call: str) -> None:
    api.order("faults", {"kind": "slow", "seconds": 0.1, "operation": "pledges"})
    api.act(open_call, "cancel")
    page = api.get("/__sandbox/")
    assert "default-src 'none'; style-src 'self'" in page.headers["Content-Security-Policy"]
    assert open_call in page.text
    assert "slow" in page.text
    assert not re.search(r"<script|<style|style=|\son\w+=", page.text)
    style = re.search(r'href="([^"]+\.css)"', page.text)
    assert style is not None
    assert api.get(style[1]).headers["Content-Type"].startswith("text/css")


def test_the_page_does_not_run_what_a_request_carries(api: Api) -> None:
    api.get("/api/v1/<script>alert(1)</script>")
    assert "<script" not in api.get("/__sandbox/").text


# ── The buttons of the page ───────────────────────────────────────────────────────────────────────


def pressed(api: Api, do: str, which: str = "", **fields: str) -> str:
    answer = api.post("/__sandbox/", data={"do": do, "which": which, **fields})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_button_makes_a_fault_and_another_takes_all_away(api: Api, open_call: str) -> None:
    assert "No faults are in force" in api.get("/__sandbox/").text
    page = pressed(api, "fault", "result-refused")
    assert "1 fault is in force" in page
    assert api.act(open_call, "complete").status_code == 403
    pressed(api, "fault", "down")
    assert api.get("/api/v1/calls").status_code == 503
    assert "No faults are in force" in pressed(api, "clear")
    assert api.get("/api/v1/calls").status_code == 200


def test_any_other_rule_is_filled_in(api: Api) -> None:
    pressed(api, "own", kind="status", operation="calls", status="429", times="1", seconds="")
    (rule,) = api.read("/__sandbox/faults")["faults"]
    assert (rule["kind"], rule["operation"], rule["status"], rule["times"]) == (
        "status", "calls", 429, 1,
    )  # fmt: skip
    assert [api.get("/api/v1/calls").status_code for _ in range(2)] == [429, 200]


@pytest.mark.parametrize("key", FAULTS)
def test_each_button_makes_a_rule_that_faults_take(api: Api, key: str) -> None:
    pressed(api, "fault", key)
    (rule,) = api.read("/__sandbox/faults")["faults"]
    assert {name: rule[name] for name in FAULTS[key][1]} == FAULTS[key][1]
    assert FAULTS[key][0] in api.get("/__sandbox/").text


def test_buttons_say_how_badly_webhooks_are_sent_and_the_first_takes_it_back(api: Api) -> None:
    for key, (words, orders) in WEBHOOKS.items():
        assert words in pressed(api, "webhooks", key)
        kept = api.read("/__sandbox/webhooks")["orders"]
        assert {name: kept[name] for name in AS_IT_SHOULD} == {**AS_IT_SHOULD, **orders}
    pressed(api, "webhooks", "well")
    kept = api.read("/__sandbox/webhooks")["orders"]
    assert {name: kept[name] for name in AS_IT_SHOULD} == AS_IT_SHOULD


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"do": "fault", "which": "nothing known"},
        {"do": "again"},
        {"do": "own", "kind": "slow", "operation": "calls"},
        {"do": "own", "kind": "status", "status": "many"},
    ],
)
def test_a_form_that_makes_no_sense_is_refused(api: Api, form: dict[str, str]) -> None:
    assert api.post("/__sandbox/", data=form).status_code == 400
    assert api.read("/__sandbox/faults")["faults"] == []


def test_what_is_deleted_elsewhere_is_shown_nowhere(api: Api, open_call: str) -> None:
    pledge = api.call(open_call)["relatedCaseUuid"]

    assert api.delete(f"/__sandbox/calls/{open_call}").json() == {"done": True}

    assert open_call not in {node["uuid"] for node in nodes(api.calls(first=500))}
    assert api.act(open_call, "cancel").status_code == 404
    assert api.effects() == []
    assert api.delete(f"/__sandbox/calls/{open_call}").status_code == 400
    assert api.delete(f"/__sandbox/pledges/{pledge}").status_code == 200
    assert api.get(f"/api/v1/pledges/{pledge}").status_code == 404
