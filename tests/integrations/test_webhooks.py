"""What Alphacomm tells us comes in: from whom, how much, once, and without what we may not hold."""

import json
import logging
import os
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

from integrations import webhooks
from integrations.models import WebhookEvent
from tests.integrations.inbox import (
    CREDENTIALS,
    EVENTS,
    URL,
    authorization,
    call_event,
    fresh_meanings,
    pay_link_event,
    send,
)

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
MALFORMED = int(os.environ.get("WEBHOOK_MALFORMED", "300"))
LINK = "adbc180b-a494-477f-958d-9f0b050a09c3"
NATIONAL_NUMBER = "999999990"
PHONE = "31612345678"


@pytest.fixture(autouse=True)
def _set_up(settings: Settings) -> Iterator[None]:
    settings.ALPHACOMM_WEBHOOK_CREDENTIALS = CREDENTIALS
    settings.EVENTS = EVENTS
    cache.clear()
    with fresh_meanings():
        yield


def kept() -> WebhookEvent:
    return WebhookEvent.objects.get()


# ── Kept as it came ───────────────────────────────────────────────────────────────────────────────


def test_an_event_is_kept_as_it_came_and_answered_with_nothing(client: Client) -> None:
    body = pay_link_event("PayLinkPaid", LINK, reference="20261103-6")
    answer = send(client, body)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (
        200,
        b"{}",
        "application/json",
    )
    event = kept()
    assert (event.service, event.event, event.event_id) == ("paylink", "PayLinkPaid", body["id"])
    assert (event.service_id, event.reference) == (LINK, "20261103-6")
    assert event.occurred_at == datetime(2026, 11, 3, 9, 59, 58, 110_000, tzinfo=UTC)
    assert event.payload == body
    assert (event.state, event.times, event.tries) == (State.NEW, 1, 0)


def test_one_statement_keeps_it(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        send(client, pay_link_event("PayLinkPaid", LINK))
    with django_assert_num_queries(1):
        send(client, call_event())


def test_a_worker_is_woken_up_for_what_is_new_and_for_nothing_else(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    body = pay_link_event("PayLinkPaid", LINK)
    for told, asked in [(body, 1), (body, 0), (pay_link_event("PayLinkForgotten", LINK), 0)]:
        with django_capture_on_commit_callbacks() as callbacks:
            send(client, told)
        assert len(callbacks) == asked


@pytest.mark.parametrize("zone", ["+00:00", "Z", "+02:00"])
def test_a_call_is_known_by_what_became_of_it_and_when(client: Client, zone: str) -> None:
    for hour, status in [("09", "no answer"), ("10", "no answer"), ("10", "finished")]:
        for _ in range(2):
            data = {**call_event()["data"], "status": status}
            send(client, call_event(datetime=f"2026-11-03T{hour}:00:00{zone}", data=data))
    assert list(WebhookEvent.objects.values_list("times", flat=True)) == [2, 2, 2]


def test_the_older_form_of_a_call_is_the_same_kind_of_event(client: Client) -> None:
    body = {
        "id": "e7813601-21ae-465c-bd97-96367bebd0ca",
        "attributes": {"script": "6512", "reference": "20261103-2"},
        "status": "finished",
        "createdOn": "2026-11-03T08:42:48+00:00",
        "updatedOn": "2026-11-03T08:44:49+00:00",
        "direction": "outbound",
        "events": [],
    }
    assert send(client, body).status_code == 200
    event = kept()
    assert (event.service, event.event) == ("voice", "VoiceCallCompleted")
    assert (event.reference, event.state) == ("20261103-2", State.NEW)


def test_a_kind_that_nobody_knows_is_kept_and_counted(client: Client) -> None:
    body = pay_link_event("PayLinkForgotten", LINK)
    assert [send(client, body).status_code for _ in range(3)] == [200, 200, 200]
    assert (kept().state, kept().times, kept().payload) == (State.UNKNOWN, 3, body)


def test_the_same_event_again_is_only_counted(client: Client) -> None:
    body = pay_link_event("PayLinkPaid", LINK)
    send(client, body)
    first = kept()
    WebhookEvent.objects.update(state=State.WORKED, worked_at=first.received_at, tries=1)
    for _ in range(2):
        assert send(client, {**body, "data": {"transaction-amount": 9}}).status_code == 200
    event = kept()
    assert (event.times, event.state, event.payload) == (3, State.WORKED, body)
    assert event.received_at == first.received_at


@pytest.mark.django_db(transaction=True)
def test_the_same_event_at_once_from_many_sides_is_counted_whole() -> None:
    body = pay_link_event("PayLinkPaid", LINK)
    statuses: list[int] = []
    start = threading.Barrier(6)

    def tell() -> None:
        start.wait()
        statuses.extend(send(Client(), body).status_code for _ in range(5))
        connections.close_all()

    threads = [threading.Thread(target=tell) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 30
    assert kept().times == 30


# ── What we may not hold ──────────────────────────────────────────────────────────────────────────


def test_the_national_number_is_nowhere_whatever_field_it_came_in(client: Client) -> None:
    spelled = f"{NATIONAL_NUMBER[:4]}.{NATIONAL_NUMBER[4:6]}.{NATIONAL_NUMBER[6:]}"
    body = pay_link_event(
        "PayLinkPaid",
        LINK,
        reference=NATIONAL_NUMBER,
        social_security_number="999999990",
        data={
            "note": f"bsn {NATIONAL_NUMBER}, of {spelled}.",
            "number": int(NATIONAL_NUMBER),
            NATIONAL_NUMBER: [{"socialSecurityNumber": "1"}],
            "transaction-amount": 1000,
        },
    )
    assert send(client, body).status_code == 200
    event = kept()
    everything = json.dumps([str(vars(event)), event.payload])
    assert NATIONAL_NUMBER not in everything
    assert spelled not in everything
    assert "ecurity" not in everything
    assert event.payload["data"]["transaction-amount"] == 1000
    # An id that is one tells events apart all the same, and is in clear nowhere.
    for number in (NATIONAL_NUMBER, "123456782"):
        send(client, pay_link_event("PayLinkPaid", LINK, id=number))
    assert WebhookEvent.objects.filter(event_id="•••", times=1).count() == 2
    assert NATIONAL_NUMBER not in str(list(WebhookEvent.objects.values_list("key")))


def test_what_it_says_is_encrypted_and_in_no_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        send(client, call_event())
        send(client, call_event(), pair="alphacomm:geraden-wachtwoord")
        send(client, b'{"remoteNumber": "31612345678", ')
        send(client, call_event(id=None))
    assert kept().payload["data"]["remoteNumber"] == PHONE
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM integrations_webhookevent")
        assert PHONE not in str(cursor.fetchall())
    for secret in (PHONE, "wachtwoord", "20261103-1"):
        assert secret not in caplog.text
    assert f"'webhook': {kept().pk}" in caplog.text


# ── From whom ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pair", CREDENTIALS)
def test_either_password_lets_in_while_one_takes_over(client: Client, pair: str) -> None:
    assert send(client, call_event(), pair=pair).status_code == 200


@pytest.mark.parametrize(
    "pair",
    [
        None,
        "alphacomm:",
        "alphacomm:verkeerd",
        "iemand:een-lang-wachtwoord",
        ":een-lang-wachtwoord",
        "een-lang-wachtwoord",
        "alphacomm:een-lang-wachtwoord ",
        "Alphacomm:een-lang-wachtwoord",
        "alphacomm:een-lang-wachtwoordalphacomm:het-volgende-wachtwoord",
        "",
    ],
)
def test_nobody_else_is_let_in(client: Client, pair: str | None) -> None:
    answer = send(client, call_event(), pair=pair)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Basic ")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic \xe9\xe9",
        "Basic " + "QUJD" * 5000,
        authorization(CREDENTIALS[0]).replace("Basic", "Bearer"),
        authorization(CREDENTIALS[0]).removeprefix("Basic "),
        CREDENTIALS[0],
    ],
)
def test_nor_is_a_header_of_another_kind(client: Client, header: str) -> None:
    answer = client.post(
        URL, data=b"{}", content_type="application/json", headers={"Authorization": header}
    )
    assert answer.status_code == 401


def test_guessing_is_slowed_down_and_never_the_one_who_knows(client: Client) -> None:
    guesses = [
        send(client, {}, pair=f"alphacomm:{n}").status_code
        for n in range(webhooks.MOST_REFUSALS + 5)
    ]
    assert guesses == [401] * webhooks.MOST_REFUSALS + [429] * 5
    answer = send(client, {}, pair="alphacomm:nog-een")
    assert answer["Retry-After"] == str(webhooks.REFUSAL_SECONDS)
    # From the same address: what is good is taken in. From another: it is only refused.
    assert send(client, call_event()).status_code == 200
    assert send(client, {}, pair=None, REMOTE_ADDR="192.0.2.7").status_code == 401
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=webhooks.REFUSAL_SECONDS + 1)):
        assert send(client, {}, pair="alphacomm:nog-een").status_code == 401


def test_one_network_of_the_newer_addresses_counts_as_one(client: Client) -> None:
    for n in range(webhooks.MOST_REFUSALS):
        send(client, {}, pair=None, REMOTE_ADDR=f"2001:db8:1:2::{n:x}")
    there = send(client, {}, pair=None, REMOTE_ADDR="2001:db8:1:2:ffff::1")
    elsewhere = send(client, {}, pair=None, REMOTE_ADDR="2001:db8:1:3::1")
    assert (there.status_code, elsewhere.status_code) == (429, 401)


def test_nothing_is_asked_of_the_database_once_a_guesser_is_known(
    client: Client, django_assert_num_queries: Any
) -> None:
    for _ in range(webhooks.MOST_REFUSALS):
        send(client, {}, pair=None)
    with django_assert_num_queries(1):
        send(client, {}, pair=None)


def test_without_credentials_there_is_no_such_address(client: Client, settings: Settings) -> None:
    settings.ALPHACOMM_WEBHOOK_CREDENTIALS = []
    assert send(client, call_event()).status_code == 404
    assert send(client, call_event(), pair=None).status_code == 404
    assert client.get(URL).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_a_post_is_taken(client: Client, method: str) -> None:
    answer = client.generic(method, URL, headers={"Authorization": authorization(CREDENTIALS[0])})
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "*",
    ],
)
def test_only_json_is_taken(client: Client, kind: str) -> None:
    assert send(client, call_event(), content_type=kind).status_code == 415
    assert not WebhookEvent.objects.exists()


def test_json_may_name_its_encoding(client: Client) -> None:
    kind = "Application/JSON; charset=utf-8"
    assert send(client, call_event(), content_type=kind).status_code == 200


# ── How much, and in what form ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("over", "status"), [(-1, 200), (0, 200), (1, 413), (10**6, 413)])
def test_a_body_has_a_largest_size(client: Client, over: int, status: int) -> None:
    start = json.dumps(pay_link_event("PayLinkPaid", LINK, data={"x": "@"})).encode()
    body = start.replace(b"@", b"y" * (webhooks.LARGEST + over - len(start) + 1))
    assert len(body) == webhooks.LARGEST + over
    assert send(client, body).status_code == status
    assert WebhookEvent.objects.count() == (status == 200)


def deep(levels: int) -> bytes:
    inner = b"[" * levels + b"]" * levels
    return json.dumps(pay_link_event("PayLinkPaid", LINK)).encode()[:-1] + b',"x":' + inner + b"}"


GOOD = json.dumps(pay_link_event("PayLinkPaid", LINK)).encode()
MALFORMED_BODIES = {
    "empty": b"",
    "a list": b"[]",
    "a text": b'"PayLinkPaid"',
    "null": b"null",
    "a number": b"1",
    "nothing in it": b"{}",
    "cut short": GOOD[:-1],
    "something after it": GOOD + b"{}",
    "latin-1": GOOD.replace(b"ideal", b"\xefdeal"),
    "utf-16": GOOD.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "a NUL": GOOD.replace(b"ideal", b"id\\u0000eal"),
    "a NUL in the name of a field": GOOD.replace(b"payment-method", b"payment\\u0000method"),
    "a NUL in an id": GOOD.replace(LINK.encode(), LINK.encode() + b"\\u0000"),
    "half a character": GOOD.replace(b"ideal", b"\\ud83d"),
    "the other half": GOOD.replace(b"ideal", b"\\ude00 "),
    "a raw half": GOOD.replace(b"ideal", b"\xed\xa0\x80"),
    "no number": GOOD.replace(b"1000", b"NaN"),
    "no end": GOOD.replace(b"1000", b"Infinity"),
    "a huge number": GOOD.replace(b"1000", b"1" + b"0" * 30),
    "a number of 9,000 digits": GOOD.replace(b"1000", b"9" * 9000),
    "a huge exponent": GOOD.replace(b"1000", b"1e999999"),
    "deep": deep(100),
    "very deep": deep(100_000),
    "deeper than it is long": b"[" * 200_000,
    "an id that is a number": GOOD.replace(b'"id": "', b'"id": 1, "was": "'),
    "an id that is a list": GOOD.replace(b'"id": "', b'"id": [], "was": "'),
    "an id of 9,000 letters": GOOD.replace(b'"id": "', b'"id": "' + b"x" * 9000),
    "an event that is an object": GOOD.replace(b'"PayLinkPaid"', b"{}"),
    "a service that is null": GOOD.replace(b'"paylink"', b"null"),
    "no link": GOOD.replace(b'"serviceId"', b'"service_id"'),
    "a form": b"event=PayLinkPaid&id=1",
    "a half call": b'{"id": "1", "direction": "outbound"}',
}


@pytest.mark.parametrize("body", MALFORMED_BODIES.values(), ids=MALFORMED_BODIES.keys())
def test_what_is_no_event_is_refused_in_one_sentence(client: Client, body: bytes) -> None:
    answer = send(client, body)
    assert answer.status_code == 400
    sentence = answer.json()["error"]
    assert sentence.endswith(".")
    assert sentence.count(".") == 1
    assert not WebhookEvent.objects.exists()


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        -1,
        2**63,
        10**40,
        1e308,
        "",
        "\0",
        "\ud800",
        "\u202e",
        "x" * 5000,
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30T00:00:00Z",
        "2026-11-03T10:00:00",
        [],
        {},
        [[{}]],
        {"status": {"": []}},
    ]
)
SPOILT: st.SearchStrategy[Any] = st.recursive(
    ODD | st.text(max_size=20) | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "datetime",
    "id",
    "reference",
    "serviceId",
    "service",
    "event",
    "data",
    "status",
    "attributes",
    "direction",
    "updatedOn",
]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An event of which some of it is something else; then perhaps bytes that are."""
    body = draw(st.sampled_from([pay_link_event("PayLinkPaid", LINK), call_event(), {}]))
    body = {**body, **draw(st.dictionaries(st.sampled_from(FIELDS), SPOILT, max_size=4))}
    for field in draw(st.sets(st.sampled_from(FIELDS), max_size=2)):
        body.pop(field, None)
    raw = json.dumps(body).encode()
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(raw)))
        raw = raw[:place] + draw(st.binary(max_size=4)) + raw[place + draw(st.integers(0, 3)) :]
    return raw


@given(body=bodies() | st.binary(max_size=200))
@examples(
    max_examples=MALFORMED,
    derandomize=MALFORMED <= 300,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_is_taken_in_or_refused_and_never_our_fault(
    client: Client, body: bytes
) -> None:
    answer = send(client, body)
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        # It can be read back, whatever it was.
        assert isinstance(WebhookEvent.objects.order_by("-pk")[0].payload, dict)


def test_a_name_of_a_link_is_kept_whatever_it_looks_like(client: Client) -> None:
    odd = "'; DROP TABLE integrations_webhookevent; -- %s {}"
    assert (
        send(client, pay_link_event("PayLinkPaid", odd, reference="é\u202e😀")).status_code == 200
    )
    assert (kept().service_id, kept().reference) == (odd, "é\u202e😀")
    assert kept().key == f"paylink:{uuid.UUID(kept().event_id)}"
