"""Records that are imported: how they are judged, when they leave, and what comes of them."""

import base64
import csv
import io
from datetime import datetime
from typing import Any

import pytest

from .alphacomm import (
    ADD_RECORDS,
    FIND_BATCHES,
    STOP_CALLING,
    add_rows,
    links,
    pass_a_window,
)
from .conftest import Api

VOICE = {"reference": "v-1", "script": "18301"}


def messages(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.read("/__sandbox/messages")["messages"]
    return found


def judged(api: Api, **row: Any) -> tuple[str, list[tuple[str, str]]]:
    (record,) = add_rows(api, row)["records"]
    return record["status"], [(one["context"], one["level"]) for one in record["messages"]]


# --- rows ---


@pytest.mark.parametrize(
    ("row", "context"),
    [
        ({"script": "999"}, "script"),
        ({"toPhoneNumbers": []}, "toPhoneNumbers"),
        ({"toPhoneNumbers": None}, "toPhoneNumbers"),
        ({"toPhoneNumbers": ["0612345678"]}, "toPhoneNumbers"),
        ({"invoiceAmount": ""}, "invoiceAmount"),
        ({"invoiceAmount": "5,00"}, "invoiceAmount"),
        ({"script": "1003", "toMailAddress": None}, "toMailAddress"),
        ({"script": "1003", "toMailAddress": "geen adres"}, "toMailAddress"),
        ({"script": "1004", "personFamilyName": ""}, "personFamilyName"),
    ],
)
def test_a_record_that_cannot_be_a_job_is_rejected_with_the_reason(
    api: Api, row: dict[str, Any], context: str
) -> None:
    assert judged(api, **row) == ("rejected", [(context, "error")])
    pass_a_window(api)
    assert messages(api) == []


def test_a_plain_text_needs_a_number_alone(api: Api) -> None:
    row = {"reference": "p", "script": "1002", "toPhoneNumbers": ["+31612345678"]}
    made = api.asked(ADD_RECORDS, rows=[row])
    assert made["import"]["addRecords"]["records"][0]["status"] == "accepted"


def test_one_bad_record_does_not_hold_back_the_others(api: Api) -> None:
    batch = add_rows(api, {"reference": "a"}, {"reference": "b", "script": "9"}, {"reference": "c"})
    assert batch["status"] == "done"
    assert [one["status"] for one in batch["records"]] == ["accepted", "rejected", "accepted"]


def test_a_warning_comes_with_an_accepted_record(api: Api) -> None:
    numbers = ["+31612345678", "+31687654321"]
    assert judged(api, toPhoneNumbers=numbers) == ("accepted", [("toPhoneNumbers", "warning")])


def test_a_record_without_a_reference_is_not_loaded(api: Api) -> None:
    assert judged(api, reference="")[0] == "notLoaded"


def test_no_rows_are_an_empty_batch(api: Api) -> None:
    assert api.asked(ADD_RECORDS, rows=[])["import"]["addRecords"]["status"] == "empty"


def test_a_reference_that_has_a_job_is_updated_and_sends_nothing_more(api: Api) -> None:
    assert judged(api)[0] == "accepted"
    assert judged(api, invoiceAmount="100")[0] == "updated"
    pass_a_window(api)
    assert judged(api)[0] == "updated"
    pass_a_window(api)
    assert len(messages(api)) == 1
    (made,) = api.read("/__sandbox/paylinks")["paylinks"]
    assert made["invoiceAmount"] == 100
    assert judged(api, script="1002")[0] == "accepted", "another script, another job"
    assert [one["operation"] for one in api.effects()] == ["add-rows"] * 4


# --- windows ---


def test_a_record_waits_for_the_next_window(api: Api) -> None:
    api.order("clock", {"advance": 20})
    add_rows(api, {})
    (job,) = api.read("/__sandbox/jobs")["jobs"]
    assert (job["status"], job["leavesAt"]) == ("accepted", "2026-11-22T11:01:00.000Z")
    api.order("clock", {"advance": 39})
    assert (messages(api), links(api)) == ([], [])
    api.order("clock", {"advance": 1})
    (message,) = messages(api)
    (link,) = links(api)
    assert (message["medium"], message["to"]) == ("sms", "+31612345678")
    assert message["url"] == api.read(f"/__sandbox/paylinks/{link['id']}")["shortUrl"]
    assert link["createdOn"] == "2026-11-22T11:01:00+00:00"
    assert api.read("/__sandbox/jobs")["jobs"][0]["status"] == "created"


def test_the_windows_are_as_far_apart_as_a_switch_says(api: Api) -> None:
    api.order("switches", {"import_every_seconds": 3600})
    add_rows(api, {})
    assert api.read("/__sandbox/jobs")["jobs"][0]["leavesAt"] == "2026-11-22T12:00:00.000Z"


def test_each_script_carries_what_it_was_set_up_for(api: Api) -> None:
    for script in ("1001", "1002", "1003", "1004"):
        add_rows(api, {"reference": f"r-{script}", "script": script})
    pass_a_window(api)
    carried = [(one["medium"], bool(one["link"]), bool(one["mandate"])) for one in messages(api)]
    assert carried == [
        ("sms", True, False),
        ("sms", False, False),
        ("email", True, False),
        ("sms", False, True),
    ]
    (mandate,) = api.read("/__sandbox/mandates")["mandates"]
    assert (mandate["reference"], mandate["debtorReference"]) == ("r-1004", "40824524")


def test_another_script_can_be_set_up(api: Api) -> None:
    script = {"id": 2001, "medium": "email", "required": ["personBirthDay"]}
    api.order("scripts", script)
    status, found = judged(api, script="2001", personBirthDay=None)
    assert (status, found) == ("rejected", [("personBirthDay", "error")])
    assert judged(api, script="2001")[0] == "accepted"
    for wrong in ({"id": "x"}, {"id": 1, "medium": "fax"}, {"id": 1, "required": ["colour"]}):
        assert api.post("/__sandbox/scripts", json=wrong).status_code == 400


# --- files ---


def file(text: str, extension: str = "csv") -> dict[str, str]:
    return {"extension": extension, "contents": base64.b64encode(text.encode()).decode()}


def add_file(api: Api, text: str, extension: str = "csv") -> str:
    made = api.asked(ADD_RECORDS, file=file(text, extension))["import"]["addRecords"]
    name: str = made["name"]
    return name


def status_of(api: Api, name: str) -> str:
    found = api.asked(FIND_BATCHES, filters={"name": {"equalTo": name}})
    status: str = found["import"]["batches"]["items"][0]["status"]
    return status


def test_a_file_is_queued_then_runs_then_is_done(api: Api) -> None:
    name = add_file(
        api,
        "identification_identifier;script;toPhoneNumbers;onbekend\r\n"
        "f-1;1002;+31612345678;x\r\nf-2;1002;\r\n",
    )
    told = [status_of(api, name)]
    for seconds in (5, 10):
        api.order("clock", {"advance": seconds})
        told.append(status_of(api, name))
    assert told == ["queued", "running", "done"]
    batch = api.read(f"/__sandbox/batches/{name}")
    assert [one["status"] for one in batch["records"]] == ["accepted", "rejected"]
    pass_a_window(api)
    assert [one["reference"] for one in messages(api)] == ["f-1"]


def test_how_long_a_file_takes_is_a_switch(api: Api) -> None:
    api.order("switches", {"file_queued_seconds": 60, "file_running_seconds": 60})
    name = add_file(api, "reference,script\n")
    api.order("clock", {"advance": 59})
    assert status_of(api, name) == "queued"
    api.order("clock", {"advance": 60})
    assert status_of(api, name) == "running"


@pytest.mark.parametrize(
    ("text", "extension"), [("naam;adres\n", "csv"), ("", "csv"), ("<rows/>", "xml")]
)
def test_a_file_that_cannot_be_read_ends_in_an_error(api: Api, text: str, extension: str) -> None:
    name = add_file(api, text, extension)
    api.order("clock", {"advance": 20})
    assert status_of(api, name) == "error"


def test_a_batch_may_fail_in_the_middle(api: Api) -> None:
    name = add_file(api, "reference;script;toPhoneNumbers\nf-1;1002;+31612345678\n")
    api.order(f"batches/{name}", {"status": "error"})
    api.order("clock", {"advance": 90})
    assert status_of(api, name) == "error"
    assert messages(api) == []


# --- voice ---


def scheduled(api: Api) -> list[int]:
    return [len(one["scheduled"]) for one in api.read("/__sandbox/voice")["voice"]]


def test_voice_calls_are_scheduled_and_stopped(api: Api) -> None:
    add_rows(api, VOICE)
    pass_a_window(api)
    assert scheduled(api) == [3]
    api.asked(STOP_CALLING, scriptId=1001, reference="v-1")
    assert scheduled(api) == [3], "of another script"
    api.asked(STOP_CALLING, scriptId=18301, reference="v-1")
    assert scheduled(api) == [0]


def test_calling_can_be_stopped_before_its_window(api: Api) -> None:
    api.order("switches", {"voice_calls_scheduled": 2, "voice_calls_apart_seconds": 60})
    add_rows(api, VOICE, {**VOICE, "reference": "v-2"})
    api.asked(STOP_CALLING, scriptId=18301, reference="v-1")
    pass_a_window(api)
    assert scheduled(api) == [0, 2]
    first, second = api.read("/__sandbox/voice")["voice"][1]["scheduled"]
    apart = datetime.fromisoformat(second) - datetime.fromisoformat(first)
    assert apart.total_seconds() == 60


def test_a_call_that_was_answered_ends_the_calling(api: Api) -> None:
    add_rows(api, VOICE)
    pass_a_window(api)
    api.order("voice", {"reference": "v-1", "status": "no answer"})
    assert scheduled(api) == [2]
    api.order("voice", {"reference": "v-1", "status": "finished", "success": False})
    assert scheduled(api) == [1]
    api.order("voice", {"reference": "v-1"})
    assert scheduled(api) == [0]


@pytest.mark.parametrize(
    "wrong",
    [{"reference": "who"}, {"status": "asleep"}, {"status": "busy", "success": True}, {"x": 1}],
)
def test_a_call_that_cannot_have_happened_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    assert api.post("/__sandbox/voice", json=wrong).status_code == 400


# --- results ---


def test_results_of_a_day_come_as_a_file_that_names_nobody(api: Api) -> None:
    add_rows(api, {}, {"reference": "p", "script": "1002"}, VOICE)
    pass_a_window(api)
    paid, plain = messages(api)
    api.order(f"paylinks/{paid['link']}", {"status": "paid"})
    api.order(f"messages/{plain['id']}", {"status": "undelivered"})
    api.order("voice", {"reference": "v-1", "status": "no answer"})
    api.order("voice", {"reference": "v-1"})
    answer = api.get("/__sandbox/result-file")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.text), delimiter=";"))
    told = [(one["script"], one["reference"], one["result"], one["amount_paid"]) for one in lines]
    assert told == [
        ("1001", "f0e7a0c3", "delivered", "56445"),
        ("1002", "p", "undelivered", ""),
        ("18301", "v-1", "no answer", ""),
        ("18301", "v-1", "success", ""),
    ]
    assert "31612345678" not in answer.text
    other_day = api.get("/__sandbox/result-file?date=2026-11-21").text
    assert len(other_day.splitlines()) == 1
