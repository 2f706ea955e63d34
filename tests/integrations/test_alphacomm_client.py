"""The operations of Alphacomm's API, against its schema and the facts of its document."""

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, parse, validate
from msgspec import UNSET, structs

from integrations.alphacomm import graphql, values, wire
from integrations.alphacomm.client import Alphacomm
from integrations.alphacomm.drift import AnyRecord, deviations
from integrations.alphacomm.graphql import DOCUMENTS, PLACES, Endpoint
from integrations.alphacomm.pages import BrokenPaging, walk
from integrations.http import NotExecuted, Remote, RemoteError, Token, Unauthorized
from integrations.records import Deviation
from tests.integrations import alphacomm_played as there
from tests.integrations.alphacomm_played import SCHEMA, Played, link, played
from tests.integrations.misbehaving import answer, misbehaving

AT = dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)

PAY_LINK = wire.PayLinkInput(
    person_name="W. van der Canarie",
    invoice_amount=1000,
    invoice_description="Your gift",
    invoice_reference="B-1",
    invoice_date=AT,
    visible_until=AT + dt.timedelta(days=14),
    attributes=(wire.AttributeInput(id="op", value="a-delivery"),),
)
MANDATE = wire.MandateInput(
    person_name="W. van der Canarie",
    reference="HELDER-WATER",
    type="RCUR",
    reason="Your gift",
    debtor_reference="B-1",
)
ROW = wire.RowInput(
    reference="m-1",
    script="1001",
    person_family_name="Van der Canarie",
    person_birth_day=dt.date(1950, 2, 28),
    to_mail_address="wietske@example.test",
    to_phone_numbers=("+31612345678",),
    invoice_description="Your gift",
    invoice_date=dt.date(2026, 11, 2),
    invoice_due_date=dt.date(2026, 11, 16),
    invoice_reference="B-1",
    invoice_currency="EUR",
    invoice_amount=1000,
    invoice_number="1",
)

# Every method in every form in which it may be asked.
EVERYTHING: dict[str, Callable[[Alphacomm], object]] = {
    "create_pay_link": lambda it: it.create_pay_link(pay_link=PAY_LINK),
    "create_pay_link, the least": lambda it: it.create_pay_link(
        pay_link=structs.replace(PAY_LINK, attributes=(), visible_until=UNSET)
    ),
    "pay_link": lambda it: it.pay_link(id="link-1"),
    "pay_links": lambda it: [*it.pay_links()],
    "pay_links, narrowed": lambda it: [
        *it.pay_links(
            attribute=("reference", "m-1"),
            status="paid",
            created_from=AT,
            created_until=AT + SECOND,
        )
    ],
    "create_mandate": lambda it: it.create_mandate(mandate=MANDATE),
    "mandate": lambda it: it.mandate(id="mandate-1"),
    "mandates": lambda it: [
        *it.mandates(status="success", created_from=AT, created_until=AT + SECOND)
    ],
    "add_rows": lambda it: it.add_rows(rows=[ROW, wire.RowInput(reference="m-2", script="1001")]),
    "add_file": lambda it: it.add_file(contents=b"reference;script\nm-1;1001\n", extension="csv"),
    "batch": lambda it: it.batch(name="20261102-0"),
    "batches": lambda it: [*it.batches()],
    "stop_calling": lambda it: it.stop_calling(script_id=18301, reference="m-1"),
}


@pytest.fixture
def other_side() -> Iterator[Played]:
    with played() as it:
        yield it


@pytest.fixture
def account(other_side: Played) -> Iterator[Alphacomm]:
    account = Alphacomm(other_side.url, Token(there.TOKEN), page_size=3)
    yield account
    account.close()


def said(data: Any) -> bytes:
    return answer(200, json.dumps({"data": data}).encode())


def page_of(ids: list[str], total: int) -> bytes:
    items = [{"id": one} for one in ids]
    return said({"payLink": {"payLinks": {"items": items, "pagination": {"total": total}}}})


class TestDocuments:
    @pytest.mark.parametrize("name", sorted(DOCUMENTS))
    def test_a_document_asks_for_what_the_schema_has(self, name: str) -> None:
        assert validate(SCHEMA, parse(DOCUMENTS[name])) == []

    def test_there_is_one_for_every_operation_of_the_document(self) -> None:
        assert set(DOCUMENTS) == set(PLACES)
        roots = {
            (kind, outer, inner)
            for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type))
            if root is not None
            for outer, part in root.fields.items()
            if isinstance(part.type, GraphQLObjectType)
            for inner in part.type.fields
        }
        assert roots == {(DOCUMENTS[name].split()[0], *PLACES[name]) for name in PLACES}

    @pytest.mark.parametrize("ask", EVERYTHING.values(), ids=EVERYTHING.keys())
    def test_every_request_is_one_that_the_schema_accepts(
        self, account: Alphacomm, other_side: Played, ask: Callable[[Alphacomm], object]
    ) -> None:
        ask(account)
        assert other_side.requests
        for headers in other_side.headers:
            assert headers["X-AUTH-TOKEN"] == there.TOKEN
            assert "Authorization" not in headers

    def test_every_document_is_used(self, account: Alphacomm, other_side: Played) -> None:
        for ask in EVERYTHING.values():
            ask(account)
        asked = {request["query"] for request in other_side.requests}
        assert asked == set(DOCUMENTS.values())

    @pytest.mark.parametrize(
        ("name", "known"),
        [
            ("PayLinkStatus", values.PAY_LINK_STATUSES),
            ("MandateStatus", values.MANDATE_STATUSES),
            ("BatchStatus", values.BATCH_STATUSES),
            ("BatchAction", values.BATCH_ACTIONS),
            ("RecordStatus", values.RECORD_STATUSES),
        ],
    )
    def test_the_values_we_know_are_those_of_the_schema(
        self, name: str, known: frozenset[str]
    ) -> None:
        kind = SCHEMA.type_map[name]
        assert isinstance(kind, GraphQLEnumType)
        assert set(kind.values) == known

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("PayLink", wire.PayLinkRecord),
            ("Mandate", wire.MandateRecord),
            ("Record", wire.ImportedRecord),
            ("Message", wire.Message),
            ("Attribute", wire.Attribute),
            ("PayLinkInput", wire.PayLinkInput),
            ("MandateInput", wire.MandateInput),
            ("RowInput", wire.RowInput),
            ("AttributeInput", wire.AttributeInput),
        ],
    )
    def test_no_field_of_the_schema_is_left_out(
        self, name: str, kind: type[wire.Record | wire.Input]
    ) -> None:
        there_is = SCHEMA.type_map[name]
        assert isinstance(there_is, GraphQLObjectType | GraphQLInputObjectType)
        assert {field.encode_name for field in structs.fields(kind)} == set(there_is.fields)


class TestWhatIsMade:
    def test_a_payment_link(self, account: Alphacomm, other_side: Played) -> None:
        made = account.create_pay_link(pay_link=PAY_LINK)
        assert (made.id, made.short_url) == ("link-0", "https://ibanaccept.test/0")
        assert made.value_of("op", "customer_op") == "a-delivery"
        assert other_side.requests[0]["variables"] == {
            "payLink": {
                "personName": "W. van der Canarie",
                "invoiceAmount": "1000",
                "invoiceCurrency": "EUR",
                "invoiceDescription": "Your gift",
                "invoiceReference": "B-1",
                "invoiceDate": "2026-11-02T09:30:00+00:00",
                "visibleUntil": "2026-11-16T09:30:00+00:00",
                "attributes": [{"id": "op", "value": "a-delivery"}],
            }
        }

    def test_rows_with_what_became_of_each(self, account: Alphacomm, other_side: Played) -> None:
        batch = account.add_rows(rows=[ROW])
        assert (batch.name, batch.action, batch.status) == ("20261102-0", "IMPORT", "done")
        [record] = batch.records
        assert (record.script_id, record.reference, record.status, record.messages) == (
            "1001",
            "m-1",
            "accepted",
            (),
        )
        [sent] = other_side.requests[0]["variables"]["rows"]
        assert sent["invoiceAmount"] == "1000"
        assert sent["personBirthDay"] == "1950-02-28"
        assert sent["toPhoneNumbers"] == ["+31612345678"]

    def test_a_row_goes_without_what_is_not_set(
        self, account: Alphacomm, other_side: Played
    ) -> None:
        account.add_rows(rows=[wire.RowInput(reference="m-1", script="1001")])
        assert other_side.requests[0]["variables"] == {
            "rows": [{"reference": "m-1", "script": "1001"}]
        }

    def test_a_file_that_is_followed_by_its_name(
        self, account: Alphacomm, other_side: Played
    ) -> None:
        batch = account.add_file(contents=b"\x00\xffrows", extension="xlsx")
        assert (batch.status, batch.records) == ("queued", ())
        file = other_side.requests[0]["variables"]["file"]
        assert base64.b64decode(file["contents"]) == b"\x00\xffrows"
        assert file["extension"] == "xlsx"
        other_side.batches[0]["status"] = "done"
        found = account.batch(name=batch.name)
        assert found is not None
        assert found.status == "done"
        assert account.batch(name="another") is None

    def test_a_mandate(self, account: Alphacomm) -> None:
        made = account.create_mandate(mandate=MANDATE)
        assert (made.reference, made.type) == ("HELDER-WATER", "RCUR")
        assert account.mandate(id=made.id) == made
        assert account.mandate(id="another") is None

    def test_calls_are_stopped(self, account: Alphacomm, other_side: Played) -> None:
        assert account.stop_calling(script_id="18301", reference="m-1") == "done"
        assert other_side.requests[0]["variables"] == {"scriptId": 18301, "reference": "m-1"}

    def test_a_key_that_is_not_accepted(self, other_side: Played) -> None:
        account = Alphacomm(other_side.url, Token("an-older-key"))
        for ask in EVERYTHING.values():
            with pytest.raises(Unauthorized):
                ask(account)

    def test_what_the_schema_does_not_accept_was_not_begun(self, other_side: Played) -> None:
        account = Alphacomm(other_side.url, Token(there.TOKEN))
        unnamed = structs.replace(MANDATE, type=7)
        with pytest.raises(NotExecuted, match="status 200") as caught:
            account.create_mandate(mandate=unnamed)
        assert "String cannot represent a non string value" in caught.value.words
        assert other_side.mandates == []


class TestLists:
    def test_a_list_comes_whole_oldest_first_and_never_by_the_echoed_limit(
        self, account: Alphacomm, other_side: Played
    ) -> None:
        other_side.pay_links = [link(number) for number in reversed(range(8))]
        pages = [*account.pay_links()]
        assert [len(page.records) for page in pages] == [3, 3, 2]
        assert [r.id for page in pages for r in page.records] == [f"link-{n}" for n in range(8)]
        assert {page.total for page in pages} == {8}
        assert all(page.started_at.tzinfo and page.date for page in pages)
        sent = [request["variables"] for request in other_side.requests]
        assert [one["offset"] for one in sent] == [0, 3, 6]
        assert all(one["limit"] == 3 for one in sent)

    def test_pages_may_be_smaller_than_asked_for(
        self, account: Alphacomm, other_side: Played
    ) -> None:
        other_side.pay_links = [link(number) for number in range(5)]
        other_side.largest_page = 2
        assert [len(page.records) for page in account.pay_links()] == [2, 2, 1]

    def test_an_empty_list_is_one_empty_page(self, account: Alphacomm) -> None:
        [page] = account.pay_links()
        assert (page.records, page.bad, page.total) == ((), (), 0)

    def test_both_ends_of_a_window_are_within_it(
        self, account: Alphacomm, other_side: Played
    ) -> None:
        other_side.pay_links = [link(number) for number in range(10)]
        begin = dt.datetime(2026, 11, 2, 9, 0, 3, tzinfo=dt.UTC)
        [page] = account.pay_links(created_from=begin, created_until=begin + 2 * SECOND)
        assert [record.id for record in page.records] == ["link-3", "link-4", "link-5"]

    def test_links_are_found_by_an_attribute_and_by_their_status(
        self, account: Alphacomm, other_side: Played
    ) -> None:
        ours = [{"id": "reference", "value": "m-1"}]
        other_side.pay_links = [link(0), link(1, attributes=ours), link(2, status="paid")]
        [page] = account.pay_links(attribute=("reference", "m-1"))
        assert [record.id for record in page.records] == ["link-1"]
        [page] = account.pay_links(status="paid")
        assert [record.id for record in page.records] == ["link-2"]

    def test_a_link_is_found_by_its_id(self, account: Alphacomm, other_side: Played) -> None:
        other_side.pay_links = [link(0), link(1)]
        found = account.pay_link(id="link-1")
        assert found is not None
        assert found.created_on == dt.datetime(2026, 11, 2, 9, 0, 1, tzinfo=dt.UTC)
        assert account.pay_link(id="link-7") is None

    def test_a_list_that_becomes_shorter_loses_nothing_that_stays(
        self, account: Alphacomm, other_side: Played
    ) -> None:
        other_side.pay_links = [link(number) for number in range(9)]
        seen: set[str] = set()
        for page in account.pay_links():
            seen |= {record.id for record in page.records}
            # After every page one leaves the list that we saw.
            gone = next((one for one in other_side.pay_links if one["id"] in seen), None)
            other_side.pay_links = [one for one in other_side.pay_links if one is not gone]
        assert seen == {f"link-{number}" for number in range(9)}

    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            ([(["a", "b"], 3), ([], 3)], "brings nothing"),
            ([(["a", "b"], 5), (["a", "b"], 5)], "brings nothing"),
            ([(["a", "b"], 3), (["a", "b"], 3)], "before its total"),
            ([([], 1)], "brings nothing"),
        ],
    )
    def test_pages_that_lead_nowhere_stop_the_walk(
        self, script: list[tuple[list[str], int]], reason: str
    ) -> None:
        with misbehaving(*(page_of(ids, total) for ids, total in script)) as server:
            with pytest.raises(BrokenPaging, match=reason):
                [*Alphacomm(server.url, Token("t")).pay_links()]
            assert server.script == []

    def test_a_list_without_an_end_is_given_up(self) -> None:
        with misbehaving(*(page_of([str(number)], 99) for number in range(9))) as server:
            endpoint = Endpoint(Remote(server.url, Token("t")))
            pages = walk(endpoint, "pay_links", wire.PayLinkRecord, {}, page_size=1, most_pages=4)
            with pytest.raises(BrokenPaging, match="More pages"):
                list(pages)
            assert len(server.requests) == 4


class TestExamplesOfTheDocument:
    """Its facts, written anew: what each example answers, and what we make of it."""

    def ask(self, data: Any, ask: Callable[[Alphacomm], Any]) -> Any:
        with misbehaving(said(data)) as server:
            return ask(Alphacomm(server.url, Token("t")))

    def test_a_new_link_has_its_attributes_renamed(self) -> None:
        found = self.ask(
            {
                "payLink": {
                    "create": {
                        "attributes": [
                            {"id": "customer_source", "value": "whatsapp"},
                            {"id": "origin", "value": "api"},
                        ],
                        "id": "a62c3726-d3b2-4b8c-8e4c-48ee0fd9451c",
                        "shortUrl": "https://ibanaccept.com/u8t1nbw",
                        "longUrl": "https://alphacomm.ibanaccept.com/pay/a62c3726",
                    }
                }
            },
            EVERYTHING["create_pay_link"],
        )
        assert found.value_of("source", "customer_source") == "whatsapp"
        assert found.value_of("op", "customer_op") is None
        assert (found.short_url, found.status) == ("https://ibanaccept.com/u8t1nbw", None)

    def test_a_paid_link_may_have_nothing_paid(self) -> None:
        name = "5be41c4f-9fe6-403d-980b-5edc0139ee70"
        one = {
            "id": name,
            "personName": "Demo",
            "personGender": "U",
            "status": "paid",
            "amountPaid": 0,
            "createdOn": "2019-02-05T09:57:14+00:00",
            "updatedOn": "2019-02-05T09:57:14+00:00",
        }
        pagination = {"offset": 0, "limit": 0, "total": 1}
        found = self.ask(
            {"payLink": {"payLinks": {"items": [one], "pagination": pagination}}},
            lambda it: it.pay_link(id=name),
        )
        assert (found.status, found.amount_paid, found.person_gender) == ("paid", 0, "U")
        assert found.created_on == dt.datetime(2019, 2, 5, 9, 57, 14, tzinfo=dt.UTC)

    def test_a_new_mandate(self) -> None:
        made = {
            "id": "4442ddf6-7371-4e6a-8939-087f8fd3b17c",
            "reference": "AC-HUUR",
            "shortUrl": "https://betaalmachtiging.nl/akps797",
            "longUrl": "https://alphacomm.betaalmachtiging.nl/pay/94e592f0",
            "type": "RCUR",
        }
        found = self.ask({"mandate": {"create": made}}, EVERYTHING["create_mandate"])
        assert (found.id, found.reference, found.type) == (made["id"], "AC-HUUR", "RCUR")
        assert (found.status, found.created_on) == (None, None)

    def test_a_file_is_queued_and_shows_no_records(self) -> None:
        queued = {"name": "20190404-579", "action": "IMPORT", "status": "queued", "records": []}
        found = self.ask({"import": {"addRecords": queued}}, EVERYTHING["add_file"])
        assert (found.name, found.status, found.records) == ("20190404-579", "queued", ())

    def test_a_batch_that_is_only_validated(self) -> None:
        items = [{"name": "Test", "action": "VALIDATE", "status": "empty"}]
        pagination = {"offset": 0, "limit": 20, "total": 1}
        found = self.ask(
            {"import": {"batches": {"items": items, "pagination": pagination}}},
            lambda it: it.batch(name="Test"),
        )
        assert (found.action, found.status) == ("VALIDATE", "empty")

    def test_a_row_that_is_refused_says_why(self) -> None:
        rows = [
            {
                "scriptId": 1001,
                "status": "a new status",
                "reference": "m-1",
                "messages": [{"context": "toPhoneNumbers", "message": "Unknown", "level": "error"}],
                "more": {},
            },
            {"scriptId": None, "status": None, "reference": None, "messages": None},
            {"scriptId": [], "reference": "m-3"},
            None,
        ]
        batch = {"name": "20190403-965", "action": None, "status": None, "records": rows}
        found = self.ask({"import": {"addRecords": batch}}, EVERYTHING["add_rows"])
        first, second = found.records
        assert (first.script_id, first.status) == ("1001", "a new status")
        assert first.messages[0].message == "Unknown"
        assert (second.script_id, second.messages) == (None, None)
        assert [bad.path for bad in found.bad] == ["$.scriptId", "$"]
        assert json.loads(found.bad[0].raw)["reference"] == "m-3"


def test_values_that_the_document_does_not_list_are_counted() -> None:
    rows = tuple(wire.ImportedRecord(status=s) for s in ("accepted", "parked", "parked", None))
    records: list[AnyRecord] = [
        wire.PayLinkRecord(id="1", status="paid"),
        wire.PayLinkRecord(id="2", status="refunded"),
        wire.PayLinkRecord(id="3"),
        wire.MandateRecord(id="4", status="revoked"),
        wire.BatchRecord(name="5", status="done", action="TRY", records=rows),
    ]
    assert deviations(records) == {
        Deviation("value", "status", "refunded"): 1,
        Deviation("value", "status", "revoked"): 1,
        Deviation("value", "action", "TRY"): 1,
        Deviation("value", "records.status", "parked"): 2,
    }
    items = [{"id": "1", "status": "refunded"}]
    content = {"items": items, "pagination": {"total": 1}}
    with misbehaving(said({"payLink": {"payLinks": content}})) as server:
        [page] = Alphacomm(server.url, Token("t")).pay_links()
    assert page.deviations == {Deviation("value", "status", "refunded"): 1}


def test_nothing_shows_a_donor_or_a_key_when_it_is_printed() -> None:
    record = wire.PayLinkRecord(id="link-1", person_name="Wietske", short_url="https://pay.test/1")
    account = Alphacomm("http://127.0.0.1:9", Token("a-secret"))
    shown = " ".join(map(repr, (record, PAY_LINK, MANDATE, ROW, account, graphql.Endpoint)))
    for word in ("Wietske", "Canarie", "pay.test", "a-secret", "+316"):
        assert word not in shown
    with pytest.raises(RemoteError) as caught:
        account.create_pay_link(pay_link=PAY_LINK)
    assert "Canarie" not in str(caught.value)
