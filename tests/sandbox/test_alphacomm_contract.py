"""What the document of Alphacomm shows, asked of the stand-in; and what a strict server refuses."""

import base64
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.alphacomm.switches import NAMES
from integrations.sandbox.switches import Switches

from .alphacomm import (
    ADD_RECORDS,
    CREATE_LINK,
    CREATE_MANDATE,
    FIND_BATCHES,
    FIND_LINKS,
    FIND_MANDATES,
    MANDATE,
    PAY_LINK,
    ROW,
    STOP_CALLING,
    add_rows,
    links,
    new_link,
    new_mandate,
    pass_a_window,
    problems,
)
from .conftest import Api

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
FILE = {"extension": "csv", "contents": base64.b64encode(b"reference;script\n").decode()}


def test_a_pay_link_is_made_as_the_document_shows(api: Api) -> None:
    made = api.asked(CREATE_LINK, payLink=PAY_LINK)["payLink"]["create"]
    assert made["attributes"] == [
        {"id": "customer_source", "value": "whatsapp"},
        {"id": "origin", "value": "api"},
    ]
    assert UUID.fullmatch(made["id"])
    assert re.fullmatch(rf"{re.escape(api.base_url)}/p/[a-z0-9]{{7}}", made["shortUrl"])
    assert made["longUrl"] == f"{api.base_url}/__sandbox/pay/{made['id']}"


def test_a_single_pay_link_is_found(api: Api) -> None:
    ids = [new_link(api, personName=name) for name in ("Demo", "Een ander")]
    (found,) = links(api, filters={"id": {"equalTo": ids[0]}})
    assert {**found, "attributes": None} == {
        "id": ids[0],
        "attributes": None,
        "personName": "Demo",
        "personGender": "U",
        "status": "ready",
        "amountPaid": 0,
        "createdOn": "2026-11-22T11:00:00+00:00",
        "updatedOn": "2026-11-22T11:00:00+00:00",
    }


def test_a_link_of_a_script_is_found_by_its_reference(api: Api) -> None:
    add_rows(api, {"reference": "20220216-6", "script": "1003"})
    pass_a_window(api)
    wanted = {"attributes": [{"id": "reference", "equalTo": "20220216-6"}]}
    (found,) = links(api, filters=wanted)
    assert found["attributes"] == [
        {"id": "origin", "value": "email"},
        {"id": "script", "value": "1003"},
        {"id": "reference", "value": "20220216-6"},
    ]


def test_a_mandate_is_made_as_the_document_shows(api: Api) -> None:
    made = api.asked(CREATE_MANDATE, mandate=MANDATE)["mandate"]["create"]
    assert (made["reference"], made["type"]) == ("AC-HUUR", "RCUR")
    assert UUID.fullmatch(made["id"])
    found = api.asked(FIND_MANDATES, filters={"status": {"equalTo": "new"}})["mandate"]["mandates"]
    assert found["pagination"] == {"offset": 0, "limit": 20, "total": 1}
    assert found["items"][0]["id"] == made["id"]


def test_rows_are_answered_with_a_record_each(api: Api) -> None:
    made = api.asked(ADD_RECORDS, rows=[ROW])["import"]["addRecords"]
    assert re.fullmatch(r"20261122-\d+", made["name"])
    assert {**made, "name": ""} == {
        "name": "",
        "action": "IMPORT",
        "status": "done",
        "records": [
            {"scriptId": "1001", "status": "accepted", "reference": "f0e7a0c3", "messages": []}
        ],
    }


def test_a_file_is_answered_without_records(api: Api) -> None:
    made = api.asked(ADD_RECORDS, file=FILE)["import"]["addRecords"]
    assert (made["action"], made["status"], made["records"]) == ("IMPORT", "queued", [])


def test_a_batch_is_searched_by_its_name(api: Api) -> None:
    add_rows(api, {})
    api.order("batches", {"name": "Test", "action": "VALIDATE", "status": "empty"})
    found = api.asked(FIND_BATCHES, filters={"name": {"equalTo": "Test"}})["import"]["batches"]
    assert found == {
        "items": [{"name": "Test", "action": "VALIDATE", "status": "empty"}],
        "pagination": {"offset": 0, "limit": 20, "total": 1},
    }


def test_calling_is_stopped(api: Api) -> None:
    asked = {"scriptId": 18301, "reference": "your_identifier"}
    assert api.asked(STOP_CALLING, **asked) == {"voice": {"stopCalling": "done"}}


def test_simple_searches_need_no_variables(api: Api) -> None:
    new_link(api)
    new_mandate(api)
    for query in (
        "query { payLink { payLinks { items { status id } pagination { offset limit total } } } }",
        "query { mandate { mandates { items { status id } } } }",
    ):
        answer = api.post("/v1", json={"query": query}).json()
        assert problems(query, answer["data"]) == []


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (CREATE_LINK, {"payLink": PAY_LINK}),
        (CREATE_MANDATE, {"mandate": MANDATE}),
        (ADD_RECORDS, {"rows": [ROW, {"reference": "x", "script": "9"}]}),
        (ADD_RECORDS, {"file": FILE}),
        (ADD_RECORDS, {"rows": []}),
        (STOP_CALLING, {"scriptId": 1, "reference": "x"}),
        (FIND_LINKS, {}),
        (FIND_MANDATES, {}),
        (FIND_BATCHES, {}),
    ],
)
def test_every_answer_is_what_the_schema_promises(
    api: Api, query: str, variables: dict[str, Any]
) -> None:
    new_mandate(api)
    add_rows(api, {}, {"reference": "e", "script": "1003"}, {"reference": "m", "script": "1004"})
    pass_a_window(api)
    assert problems(query, api.asked(query, **variables)) == []


def test_the_judge_of_answers_can_say_no() -> None:
    query = "query { payLink { payLinks { items { status amountPaid } } } }"

    def judged(**item: Any) -> list[str]:
        return problems(query, {"payLink": {"payLinks": {"items": [item]}}})

    assert judged(status="paid", amountPaid=1) == judged(status=None, amountPaid=None) == []
    assert judged(status="opened", amountPaid=1) == [
        "data.payLink.payLinks.items[0].status is opened"
    ]
    assert len(judged(status="paid", amountPaid="1")) == 1
    assert len(judged(status="paid")) == 1


# --- what is refused ---


@pytest.mark.parametrize("token", ["", "Sandbox", "Bearer sandbox"])
def test_a_key_is_asked_of_every_request(api: Api, token: str) -> None:
    answer = api.post("/v1", json={"query": CREATE_LINK}, headers={"X-AUTH-TOKEN": token})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["message"]
    assert "data" not in answer.json()
    assert api.effects() == []


def test_only_post_is_answered(api: Api) -> None:
    answer = api.get("/v1")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query {", {}),
        ("query { payLink { payLinks { items { colour } } } }", {}),
        ("query { payLink { payLinks(colour: 1) { items { id } } } }", {}),
        ("query { voice { stopCalling } }", {}),
        (CREATE_LINK, {}),
        (CREATE_LINK, {"payLink": {**PAY_LINK, "colour": "red"}}),
        (CREATE_LINK, {"payLink": {**PAY_LINK, "invoiceAmount": 15497}}),
        (CREATE_LINK, {"payLink": {**PAY_LINK, "invoiceReference": None}}),
        (CREATE_LINK, {"payLink": {**PAY_LINK, "invoiceDate": "2019-02-12"}}),
        (FIND_LINKS, {"filters": {"createdOn": {"greaterThan": "gisteren"}}}),
        (
            '{ payLink { payLinks(filters: {createdOn: {greaterThan: "x"}}) { items { id } } } }',
            {},
        ),
        (ADD_RECORDS, {"rows": [{**ROW, "script": 1001}]}),
        (ADD_RECORDS, {"rows": [{**ROW, "invoiceDate": "2019-02-30"}]}),
        (STOP_CALLING, {"scriptId": "18301", "reference": "x"}),
        ("query A { payLink { payLinks { items { id } } } } query B { __typename }", {}),
    ],
)
def test_what_the_schema_does_not_allow_is_not_executed(
    api: Api, query: str, variables: dict[str, Any]
) -> None:
    answer = api.ask(query, **variables)
    assert answer.status_code == 200
    assert answer.json()["errors"]
    assert "data" not in answer.json()
    assert api.effects() == []


@pytest.mark.parametrize("body", ["", "[]", "{", '{"query": 1}', '{"query": "{", "variables": 3}'])
def test_a_body_that_is_no_request_is_refused(api: Api, body: str) -> None:
    answer = api.post("/v1", data=body)
    assert (answer.status_code, list(answer.json())) == (200, ["errors"])


def test_refusals_may_come_with_a_status(api: Api) -> None:
    api.order("switches", {"invalid_request_status": 400})
    assert api.ask("query {").status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"invoiceAmount": "154.97"},
        {"invoiceAmount": "-1"},
        {"invoiceAmount": "0"},
        {"invoiceAmount": ""},
        {"invoiceCurrency": "euro"},
        {"personName": " "},
    ],
)
def test_a_link_that_cannot_be_is_refused_in_execution(api: Api, wrong: dict[str, str]) -> None:
    answer = api.ask(CREATE_LINK, payLink={**PAY_LINK, **wrong}).json()
    assert answer["data"] is None
    assert answer["errors"][0]["path"] == ["payLink", "create"]
    assert api.effects() == []
    api.order("switches", {"refused_data": "partial"})
    answer = api.ask(CREATE_LINK, payLink={**PAY_LINK, **wrong}).json()
    assert answer["data"] == {"payLink": {"create": None}}
    api.order("switches", {"refused_data": "absent"})
    assert "data" not in api.ask(CREATE_LINK, payLink={**PAY_LINK, **wrong}).json()


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"rows": [ROW], "file": FILE},
        {"file": {**FILE, "extension": "pdf"}},
        {"file": {**FILE, "contents": "geen base64!"}},
    ],
)
def test_an_import_of_nothing_readable_is_refused(api: Api, asked: dict[str, Any]) -> None:
    assert api.ask(ADD_RECORDS, **asked).json()["errors"]
    assert api.effects() == []


def test_every_switch_of_alphacomm_is_flipped_by_a_story() -> None:
    stories = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in sorted(NAMES) if f'"{name}"' not in stories] == []


def test_switches_of_both_systems_have_names_of_their_own(api: Api) -> None:
    shown = api.order("switches", {"page_limit": 9, "days_visible": 8})
    assert (shown["page_limit"], shown["days_visible"]) == (9, 8)
    assert NAMES.isdisjoint(one.name for one in fields(Switches))
    assert api.post("/__sandbox/switches", json={"colour": 1}).status_code == 400


# --- the journal ---


def test_every_write_stands_in_the_journal_with_what_was_asked(api: Api) -> None:
    link, mandate = new_link(api), new_mandate(api)
    batch = add_rows(api, {})["name"]
    file = api.asked(ADD_RECORDS, file=FILE)["import"]["addRecords"]["name"]
    api.asked(STOP_CALLING, scriptId=18301, reference="r-1")
    links(api)
    assert [(one["operation"], one["uuid"], one["body"]) for one in api.effects()] == [
        ("create-pay-link", link, {"payLink": PAY_LINK}),
        ("create-mandate", mandate, {"mandate": MANDATE}),
        ("add-rows", batch, {"rows": [ROW]}),
        ("add-file", file, {"file": FILE}),
        ("stop-calling", "r-1", {"scriptId": 18301, "reference": "r-1"}),
    ]
    assert [one["operation"] for one in api.requests()] == [
        "create-pay-link", "create-mandate", "add-rows", "add-file", "stop-calling", "pay-links",
    ]  # fmt: skip


def test_what_is_written_into_the_query_itself_is_noted_too(api: Api) -> None:
    query = """
    mutation {
      first: voice { stopCalling(scriptId: 7, reference: "a") }
      second: voice { ...stop }
    }
    fragment stop on VoiceMutation { stopCalling(scriptId: 7, reference: "b") }"""
    assert api.asked(query)["second"] == {"stopCalling": "done"}
    assert [one["uuid"] for one in api.effects()] == ["a", "b"]
    assert api.requests()[0]["operation"] == "stop-calling"


def test_the_schema_can_be_looked_at(api: Api) -> None:
    assert api.asked("{ __schema { queryType { name } } }")["__schema"]["queryType"]["name"]
    assert api.requests()[0]["operation"] == "schema"
