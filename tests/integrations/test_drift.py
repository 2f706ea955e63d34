"""What TapRaise sends otherwise than documented is counted and told, and breaks nothing."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import msgspec
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from calls.models import Call
from integrations import drift
from integrations.models import Drift, Quarantine
from integrations.records import FIELD, MISSING, VALUE, Deviation
from integrations.streams import Outcome
from integrations.tapraise.drift import KNOWN_VALUES, PROMISED, deviations, keeps_to_documents
from integrations.tapraise.wire import CallRecord, PledgeRecord, Record
from pledges.freshness import PLEDGES
from tests.factories import DriftFactory, StreamFactory
from tests.integrations import schemas
from tests.integrations.feeds import NOON, Feeds

pytestmark = pytest.mark.django_db

DONOR = "Wietske van der Canarie"
AT = datetime.fromisoformat("2026-11-17T09:00:00+00:00")

Json = dict[str, Any]


@pytest.fixture
def feeds() -> Feeds:
    return Feeds()


def twisted(feeds: Feeds, twist: Callable[[Json], None]) -> Feeds:
    """The same world, in which each record that comes in is twisted first."""

    def each(page: Json) -> None:
        for edge in page["edges"]:
            twist(edge["node"])

    feeds.adapter.twist = each
    return feeds


def counted() -> dict[tuple[str, str, str], int]:
    return {(row.kind, row.path, row.value): row.times for row in Drift.objects.all()}


# ── What the documents say ────────────────────────────────────────────────────────────────────────

SCHEMAS: Json = schemas.DOCUMENT["components"]["schemas"]
NAMES = {"Pledge": "PledgeCase", "Result": "CallResult", "GateResult": "QualityGateResult"}
NAMES |= {"Attempt": "CallAttempt", "CallExternalMetadata": "CallExternalMetadata"}
# Everything that comes in but the frame of a page.
RECORDS = [kind for kind in Record.__subclasses__() if kind.__module__.endswith(".wire")]
RECORDS = [kind for kind in RECORDS if kind.__name__ != "PageInfo"]


def schema_of(kind: type[Record]) -> Json:
    name = kind.__name__.removesuffix("Record")
    found: Json = SCHEMAS[f"{NAMES.get(name, name)}Dto"]
    return found


def fields_of(kind: type[Record]) -> dict[str, str]:
    return dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))


def may_be_null(schema: Json) -> bool:
    return (
        "null" in schema.get("type", [])
        or None in schema.get("enum", [])
        or any(may_be_null(option) for option in schema.get("anyOf", []))
    )


@pytest.mark.parametrize("kind", RECORDS)
def test_the_known_values_are_those_of_the_document(kind: type[Record]) -> None:
    named = schema_of(kind)["properties"]
    listed = {name: set(one["enum"]) - {None} for name, one in named.items() if "enum" in one}
    fields = fields_of(kind)
    assert {
        fields[name]: set(known) for name, known in KNOWN_VALUES.get(kind, {}).items()
    } == listed


@pytest.mark.parametrize("kind", RECORDS)
def test_what_is_promised_is_what_the_document_requires_and_never_calls_null(
    kind: type[Record],
) -> None:
    schema, fields = schema_of(kind), fields_of(kind)
    never_null = {
        name for name in schema.get("required", []) if not may_be_null(schema["properties"][name])
    }
    needed = {one.encode_name for one in msgspec.structs.fields(kind) if one.required}
    assert {fields[name] for name in PROMISED.get(kind, ())} | needed == never_null


@pytest.mark.parametrize(("feed", "kind"), [("calls", CallRecord), ("pledges", PledgeRecord)])
def test_the_sandbox_keeps_to_the_documents(feeds: Feeds, feed: str, kind: type[Record]) -> None:
    bodies = []
    feeds.adapter.twist = lambda page: bodies.append(json.dumps(page).encode())
    list(getattr(feeds.client, feed)())
    assert bodies
    assert all(keeps_to_documents(body, kind) for body in bodies)


# ── One record ────────────────────────────────────────────────────────────────────────────────────


def of(raw: Any, kind: type[Record] = CallRecord) -> dict[tuple[str, str, str], int]:
    found = deviations([json.dumps(raw).encode()], kind)
    return {(one.kind, one.path, one.value): times for one, times in found.items()}


def a_call(feeds: Feeds) -> Json:
    """A call as the sandbox sends it, with all that can be asked for."""
    seen: list[Json] = []
    feeds.adapter.twist = lambda page: seen.extend(edge["node"] for edge in page["edges"])
    list(feeds.client.calls())
    found: Json = next(
        node
        for node in seen
        if node["transactions"] and node["pledgeCase"] and node["person"]["qualityResult"]
    )
    return found


def test_each_occurrence_counts(feeds: Feeds) -> None:
    raw = a_call(feeds)
    gates = len(raw["person"]["qualityResult"]["gateResults"])
    assert of(raw) == {}
    for gate in raw["person"]["qualityResult"]["gateResults"]:
        gate["explanation"] = "too_good"
        gate["weight"] = 3
        del gate["score"]
    raw["type"], raw["status"] = None, "paused"
    raw["pledgeCase"]["donationInterval"] = "weekly"
    gate_path = "person.qualityResult.gateResults"
    assert of(raw) == {
        (VALUE, f"{gate_path}.explanation", "too_good"): gates,
        (FIELD, f"{gate_path}.weight", ""): gates,
        (MISSING, f"{gate_path}.score", ""): gates,
        (MISSING, "type", ""): 1,
        (VALUE, "status", "paused"): 1,
        (VALUE, "pledgeCase.donationInterval", "weekly"): 1,
    }


def test_what_was_not_asked_for_is_not_missing(feeds: Feeds) -> None:
    raw = a_call(feeds)
    for include in ("person", "pledgeCase", "transactions", "result", "externalMetadata"):
        raw[include] = None
    assert of(raw) == {}


def test_what_may_be_anything_is_not_searched_and_what_is_dropped_is_known(feeds: Feeds) -> None:
    raw = a_call(feeds)
    raw["externalMetadata"] = {
        "applicationName": "4dmc",
        "referenceId": "1",
        "additionalProperties": {"anything": {"goes": 1}},
    }
    raw["person"]["socialSecurityNumber"] = raw["person"]["social_security_number"] = "999999990"
    raw["pledgeCase"]["signatureSignedUrl"] = "https://x"
    assert of(raw) == {}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("thank_you", "thank_you"),
        ("dank u wel", "dank u wel"),
        ("a" * 60, "a" * 40 + "…"),
        # What could be about somebody is no code.
        ("wietske@example.org", "…"),
        ("NL91ABNA0417164300", "…"),
        ("0612345678", "…"),
        ({"name": DONOR}, "…"),
        ([DONOR], "…"),
        (True, "…"),
        (12, "12"),
    ],
)
def test_a_value_is_told_as_far_as_it_is_a_code(feeds: Feeds, sent: object, told: str) -> None:
    raw = a_call(feeds)
    raw["person"]["gender"] = sent
    assert of(raw) == {(VALUE, "person.gender", told): 1}


def test_a_name_that_is_no_name_is_not_told(feeds: Feeds) -> None:
    raw = a_call(feeds)
    raw["person"] |= {"wietske@example.org": 1, "0612345678": 1, "nickName": DONOR}
    assert of(raw) == {(FIELD, "person.…", ""): 2, (FIELD, "person.nickName", ""): 1}


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[1]", b"{", b"[" * 99_999, b"null", b'"x"'])
def test_rubbish_deviates_in_nothing(raw: bytes) -> None:
    assert deviations([raw], CallRecord) == {}


@pytest.mark.parametrize("inner", [1, "x", [], [[[[]]]], [None], {}, [{"a": {"a": []}}]])
@pytest.mark.parametrize("name", ["person", "transactions", "pledgeCase", "attempts", "status"])
def test_any_shape_is_survived(feeds: Feeds, name: str, inner: object) -> None:
    of(a_call(feeds) | {name: inner})


# ── Walks ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_walk_counts_what_it_was_sent(feeds: Feeds) -> None:
    odd = sorted(feeds.world.calls)[:7]

    def twist(node: Json) -> None:
        node["mood"] = DONOR
        if node["uuid"] in odd:
            node["type"] = "thank_you"
            node["person"]["owningOrganization"] = None

    twisted(feeds, twist)

    assert feeds.walk().outcome is Outcome.FINISHED

    assert counted() == {
        ("field", "mood", ""): 25,
        ("value", "type", "thank_you"): 7,
        ("missing", "person.owningOrganization", ""): 7,
    }
    assert set(Drift.objects.values_list("record", "first_seen_at", "last_seen_at")) == {
        ("calls", NOON, NOON)
    }
    assert Call.objects.filter(type="thank_you").count() == 7

    feeds.advance(hours=2)
    assert feeds.walk(is_full=True).outcome is Outcome.FINISHED

    # What two walks both bring was sent twice.
    assert counted()["value", "type", "thank_you"] == 14
    row = Drift.objects.get(path="type")
    assert (row.first_seen_at, row.last_seen_at) == (NOON, NOON + timedelta(hours=2))


def test_pledges_count_as_pledges(feeds: Feeds) -> None:
    twisted(feeds, lambda node: node.update(status="on_hold"))
    assert feeds.walk(PLEDGES).outcome is Outcome.FINISHED
    (row,) = Drift.objects.all()
    assert (row.record, row.value, row.times) == ("pledges", "on_hold", len(feeds.world.pledges))


def test_what_is_put_aside_counts_too(feeds: Feeds) -> None:
    twisted(feeds, lambda node: node.update(requestedAt=None, type="thank_you"))
    assert feeds.walk().outcome is Outcome.FINISHED
    assert Quarantine.objects.count() == 25
    assert counted() == {
        ("missing", "requestedAt", ""): 25,
        ("value", "type", "thank_you"): 25,
    }


def test_a_page_that_is_not_saved_does_not_count(feeds: Feeds) -> None:
    twisted(feeds, lambda node: node.update(type="thank_you"))

    def take_over(done: Any) -> None:
        feeds.advance(seconds=61)
        stream = feeds.stream()
        stream.lease = None
        stream.save()

    assert feeds.walk(watch=take_over).outcome is Outcome.LOST
    assert counted() == {("value", "type", "thank_you"): feeds.page_size}


def test_of_a_donor_nothing_is_kept(feeds: Feeds) -> None:
    def twist(node: Json) -> None:
        node["notes"] = node["mood"] = node[DONOR] = DONOR
        node["person"]["gender"] = node["person"]["firstName"] = f"{DONOR}, 0612345678"

    twisted(feeds, twist).walk()
    assert Drift.objects.count() == 3
    assert DONOR not in str(list(Drift.objects.values_list()))


def test_it_costs_nothing_while_there_is_nothing_and_two_statements_else() -> None:
    with CaptureQueriesContext(connection) as asked:
        drift.count("calls", {}, at=AT)
    assert len(asked) == 0
    found = {Deviation(VALUE, "type", f"kind_{n}"): n for n in range(1, 40)}
    for times in (1, 2):
        with CaptureQueriesContext(connection) as asked:
            drift.count("calls", found, at=AT)
        assert len(asked) == 2
        assert counted() == {tuple(one): n * times for one, n in found.items()}


def test_what_is_never_the_same_twice_is_counted_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drift, "MOST", 5)
    drift.count("calls", {Deviation(VALUE, "type", f"kind_{n}"): 1 for n in range(4)}, at=AT)
    for _ in range(2):
        drift.count("calls", {Deviation(VALUE, "type", f"kind_{n}"): 1 for n in range(20)}, at=AT)
    assert counted() == {
        **{("value", "type", f"kind_{n}"): 3 for n in range(4)},
        ("value", "…", ""): 32,
    }


# ── What the operator reads ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"value": "thank_you", "times": 41},
            "TapRaise sent type=thank_you 41 times since Tuesday 17-11.",
        ),
        (
            {"value": "thank_you"},
            "TapRaise sent type=thank_you 1 time since Tuesday 17-11.",
        ),
        (
            {"kind": "field", "path": "person.mood", "value": "", "times": 1200},
            "TapRaise sent the unknown field person.mood 1,200 times since Tuesday 17-11.",
        ),
        (
            {"kind": "missing", "path": "attempts", "value": "", "times": 2},
            "TapRaise left out attempts 2 times since Tuesday 17-11.",
        ),
    ],
)
def test_the_list_and_status_say_it_in_a_sentence(
    carol: User, settings: Any, columns: Json, words: str
) -> None:
    settings.DEBUG = True
    carol.is_staff = True
    carol.save()
    DriftFactory(first_seen_at=AT, **columns)
    client = Client()
    client.force_login(carol)

    assert words in client.get("/admin/integrations/drift/").content.decode()
    assert f"calls: {words}" in status()
    (told,) = json.loads(status("--json"))["drift"]
    assert (told["times"], told["path"]) == (columns.get("times", 1), columns.get("path", "type"))


def test_status_tells_the_newest_five_and_how_many_more() -> None:
    for hours in range(8):
        DriftFactory(value=f"kind_{hours}", last_seen_at=AT - timedelta(hours=hours))
    screen = status()
    lines = [line for line in screen.splitlines() if line.startswith("Drift")]
    assert [f"kind_{n} " in line for n, line in enumerate(lines)] == [True] * 5
    assert "3 more in the admin" in screen


def status(*options: str) -> str:
    out = StringIO()
    call_command("status", *options, stdout=out, no_color=True)
    return out.getvalue()


# ── What people see ───────────────────────────────────────────────────────────────────────────────


def make_strange(node: Json) -> None:
    """Every enumeration has a value that no document names, and every promise is broken once."""
    node["type"] = "thank_you"
    person = node["person"]
    person["gender"], person["owningOrganization"]["name"] = "unsaid", None
    person["qualityResult"] = person["qualityResult"] or {"gateResults": [{"score": None}]}
    person["qualityResult"]["score"] = None
    for gate in person["qualityResult"]["gateResults"]:
        gate |= {"identifier": "moonIsFull", "category": "astrology", "explanation": "too_full"}
        gate["maxScore"] = None
    if node["result"]:
        node["result"] |= {"resultCode": "delighted", "completedAt": None}
    for transaction in node["transactions"] or ():
        transaction |= {"status": "pondered", "provider": "shells", "method": "barter"}
        transaction |= {"amount": None, "origin": {"name": "elsewhere", "identifier": None}}
    if pledge := node["pledgeCase"]:
        pledge |= {"status": "dreaming", "donationInterval": "weekly", "recruitmentType": "sms"}
        pledge |= {"initialDonationInterval": "daily", "donationAmount": None, "startsAt": None}
        pledge |= {"recruiterUser": None, "focusAreas": None}


@pytest.fixture
def strange_calls(alice: User, carol: User, settings: Any) -> list[Call]:
    """Calls of Alice's organisations, as strange as they come, with the rows that a walk saves."""
    settings.DEBUG = True
    carol.is_staff = True
    carol.save()
    feeds = twisted(Feeds(calls=40), make_strange)
    assert feeds.walk().outcome is Outcome.FINISHED
    assert Quarantine.objects.count() == 0
    StreamFactory(feed="calls", last_finished_at=NOON)
    found = Call.objects.visible_to(alice).filter(pledge__isnull=False)
    ended = found.exclude(result_code=None).first()
    assert ended is not None
    open_one = found.filter(status="requested").first()
    assert open_one is not None
    odd = found.filter(status="requested").last()
    assert odd is not None
    Call.objects.filter(pk=odd.pk).update(status="paused")
    return [open_one, ended, odd]


def test_no_page_breaks_on_what_no_document_names(
    strange_calls: list[Call], alice: User, carol: User
) -> None:
    pages = ["/"]
    for call in strange_calls:
        pages += [
            f"/calls/{call.pk}/",
            f"/persons/{call.person_id}/",
            f"/pledges/{call.pledge_id}/",
        ]
    for user in (alice, carol):
        client = Client()
        client.force_login(user)
        for page in pages:
            assert client.get(page, follow=True).status_code == 200, page


def test_they_are_shown_as_they_are(strange_calls: list[Call], alice: User) -> None:
    open_one, ended, _ = strange_calls
    client = Client()
    client.force_login(alice)
    desk = client.get(f"/calls/{open_one.pk}/").content.decode()
    # The type begins a line there.
    for word in ("Thank_you", "weekly", "dreaming", "too_full"):
        assert word in desk
    assert "delighted" in client.get(f"/calls/{ended.pk}/").content.decode()


def test_the_admin_shows_them_too(strange_calls: list[Call], carol: User) -> None:
    client = Client()
    client.force_login(carol)
    call = strange_calls[1]
    payment = call.person.transactions.first()
    assert payment is not None
    pages = {
        f"/admin/calls/call/{call.pk}/change/": "delighted",
        f"/admin/pledges/person/{call.person_id}/change/": "unsaid",
        f"/admin/pledges/pledge/{call.pledge_id}/change/": "dreaming",
        f"/admin/pledges/transaction/{payment.pk}/change/": "pondered",
        "/admin/calls/call/": "thank_you",
        "/admin/pledges/pledge/": "dreaming",
        "/admin/pledges/transaction/": "pondered",
        "/admin/pledges/person/": str(call.person_id),
        "/admin/integrations/drift/": "type=thank_you",
    }
    for page, shown in pages.items():
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert shown in answer.content.decode(), page
