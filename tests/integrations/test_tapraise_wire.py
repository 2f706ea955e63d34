"""TapRaise's records: exact when they are well, and harmless when they are not."""

import copy
import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.http import NotSendable
from integrations.records import Unreadable
from integrations.tapraise.codec import decode, encode, instant
from integrations.tapraise.drift import deviations
from integrations.tapraise.pages import decode_page
from integrations.tapraise.redaction import redact
from integrations.tapraise.wire import (
    AddCallAttemptInput,
    CallRecord,
    CompleteCallInput,
    CompleteCallResultInput,
    PersonRecord,
    PledgeRecord,
    Record,
    TransactionRecord,
    UpdatePledgeCaseInput,
)
from tests.integrations import schemas

UUIDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(10)]
AT = "2026-11-02T09:30:00.123Z"
CANARY = "999999990"
DONOR = "Wietske van der Canarie"

Json = dict[str, Any]


def person(**changes: Any) -> Json:
    return {"uuid": UUIDS[1], "firstName": DONOR, "dateOfBirth": "1950-02-28", **changes}


def transaction(**changes: Any) -> Json:
    paid = {"uuid": UUIDS[2], "status": "paid", "updatedAt": AT, "amount": 7.5, "name": DONOR}
    return {**paid, "iban": "NL00CANARY", **changes}


def pledge(**changes: Any) -> Json:
    return {"uuid": UUIDS[3], "status": "lead", "createdAt": AT, "updatedAt": AT, **changes}


def call(**changes: Any) -> Json:
    return {
        "uuid": UUIDS[0],
        "status": "requested",
        "requestedAt": AT,
        "lastUpdatedAt": AT,
        "personUuid": UUIDS[1],
        **changes,
    }


def read(raw: Json | bytes) -> CallRecord:
    return decode(raw if isinstance(raw, bytes) else json.dumps(raw).encode(), CallRecord)


def page(*nodes: Json | bytes) -> bytes:
    raw = [node if isinstance(node, bytes) else json.dumps(node).encode() for node in nodes]
    edges = b",".join(b'{"cursor": "c", "node": ' + node + b"}" for node in raw)
    info = b'{"startCursor": null, "endCursor": "c", "hasNextPage": true, "hasPreviousPage": false}'
    return b'{"edges": [' + edges + b'], "pageInfo": ' + info + b"}"


def everything(schema: str) -> Json:
    """A record in which every field of the document has a value, and every inner one too."""
    return dict(_filled({"$ref": f"#/components/schemas/{schema}"}, 0))


def _filled(schema: Json, depth: int) -> Any:
    if "$ref" in schema:
        named = schemas.DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return _filled(named, depth + 1)
    if "anyOf" in schema:
        return _filled(schema["anyOf"][0], depth) if depth < 4 else None
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _filled(inner, depth) for name, inner in properties.items()}
    if kind == "array":
        return [_filled(schema["items"], depth)] if depth < 3 else []
    if kind in ("number", "boolean"):
        return 1 if kind == "number" else True
    return {"uuid": UUIDS[4], "date-time": AT}.get(schema.get("format", ""), "1950-02-28")


class TestNumbersAndTimes:
    @pytest.mark.parametrize("digits", ["7.1", "0.1", "12.25", "7.10", "10", "1e2", "0.07"])
    def test_euros_are_read_by_their_digits(self, digits: str) -> None:
        raw = json.dumps(transaction()).replace("7.5", digits).encode()
        assert str(decode(raw, TransactionRecord).amount) == str(Decimal(digits))

    @given(st.decimals("0.01", "999999.99", places=2))
    def test_euros_come_back_with_the_digits_they_left_with(self, amount: Decimal) -> None:
        body = encode(UpdatePledgeCaseInput(donation_amount=amount))
        assert body == f'{{"donationAmount":{amount}}}'.encode()
        sent = body.replace(b"donationAmount", b"amount")
        raw = json.dumps(transaction()).replace('"amount": 7.5', sent[1:-1].decode()).encode()
        assert decode(raw, TransactionRecord).amount == amount

    @pytest.mark.parametrize("digits", ["NaN", "Infinity", "1e999", '"NaN"', "9" * 400])
    def test_a_number_that_no_column_holds_is_an_error(self, digits: str) -> None:
        raw = json.dumps(transaction()).replace("7.5", digits).encode()
        with pytest.raises(Unreadable):
            decode(raw, TransactionRecord)

    @pytest.mark.parametrize("count", ["3", "3.0", "3e0"])
    def test_a_whole_number_may_be_written_as_any_number(self, count: str) -> None:
        raw = json.dumps(call(attemptsCount=7)).replace("7}", f"{count}}}").encode()
        assert read(raw).attempts_count == 3

    @pytest.mark.parametrize("count", ["3.5", "1e99", "true", '"3"', "9" * 400])
    def test_a_count_that_is_none_is_an_error(self, count: str) -> None:
        raw = json.dumps(call(attemptsCount=7)).replace("7}", f"{count}}}").encode()
        with pytest.raises(Unreadable) as caught:
            read(raw)
        assert caught.value.path == "$.attemptsCount"

    def test_a_rating_of_nought_is_accepted(self) -> None:
        found = read(call(result={"resultCode": "other", "donorRetentionRating": 0}))
        assert found.result is not None
        assert found.result.donor_retention_rating == 0

    def test_a_time_keeps_its_moment(self) -> None:
        found = read(call(requestedAt="2026-11-02T10:30:00.123+01:00"))
        assert found.requested_at == dt.datetime(2026, 11, 2, 9, 30, 0, 123000, dt.UTC)

    @pytest.mark.parametrize(
        "time", ["2026-11-02T09:30:00", "2026-11-02", "0001-01-01T00:00:00Z", "soon", 1, ""]
    )
    def test_a_time_without_a_zone_or_sense_is_an_error(self, time: Any) -> None:
        with pytest.raises(Unreadable):
            read(call(requestedAt=time))

    @pytest.mark.parametrize("date", ["1950-02-30", "1950-02-28T00:00:00Z", "28-02-1950", 1950])
    def test_a_date_of_birth_is_a_bare_date(self, date: Any) -> None:
        with pytest.raises(Unreadable) as caught:
            read(call(person=person(dateOfBirth=date)))
        assert caught.value.path == "$.person.dateOfBirth"


class TestWhatMustBeThere:
    @pytest.mark.parametrize(
        ("schema", "kind", "needed"),
        [
            (
                "CallDto",
                CallRecord,
                {"uuid", "status", "requestedAt", "lastUpdatedAt", "personUuid"},
            ),
            ("PledgeCaseDto", PledgeRecord, {"uuid", "status", "createdAt", "updatedAt"}),
            ("PersonDto", PersonRecord, {"uuid"}),
            ("TransactionDto", TransactionRecord, {"uuid", "status", "updatedAt"}),
        ],
    )
    def test_identity_and_order_and_nothing_else(
        self, schema: str, kind: type[Record], needed: set[str]
    ) -> None:
        full = everything(schema)
        decode(json.dumps(full).encode(), kind)
        for name in full:
            for poorer in ({**full, name: None}, {k: v for k, v in full.items() if k != name}):
                if name in needed:
                    with pytest.raises(Unreadable) as caught:
                        decode(json.dumps(poorer).encode(), kind)
                    assert name in str(caught.value)
                else:
                    decode(json.dumps(poorer).encode(), kind)

    def test_every_field_of_the_document_is_read(self) -> None:
        full = everything("CallDto")
        found = msgspec.to_builtins(read(full), enc_hook=int)
        assert list(_lost(full, found, "")) == []

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(schemas.record("CallDto") | schemas.record("PledgeCaseDto"))
    def test_whatever_the_document_allows_is_read(self, raw: Json) -> None:
        is_call = "personUuid" in raw
        schema = "CallDto" if is_call else "PledgeCaseDto"
        kind: type[Record] = CallRecord if is_call else PledgeRecord
        assert schemas.errors({"$ref": f"#/components/schemas/{schema}"}, raw) == []
        decode(json.dumps(raw).encode(), kind)
        assert deviations([json.dumps(raw).encode()], kind) == {}


def _lost(sent: Any, found: Any, path: str) -> Iterator[str]:
    if isinstance(sent, dict):
        for name, value in sent.items():
            if name in ("socialSecurityNumber", "signatureSignedUrl"):
                continue
            if name not in (found or {}):
                yield f"{path}.{name}"
            else:
                yield from _lost(value, found[name], f"{path}.{name}")
    elif isinstance(sent, list):
        for one, other in zip(sent, found, strict=True):
            yield from _lost(one, other, path)


SPELLINGS = [
    "socialSecurityNumber",
    "SocialSecurityNumber",
    "social_security_number",
    "SOCIALSECURITYNUMBER",
    "signatureSignedUrl",
    "signature-signed-url",
]


class TestWhatWeMayNotHold:
    @pytest.mark.parametrize("name", SPELLINGS)
    def test_it_is_on_no_record_however_deep_it_was(self, name: str) -> None:
        hidden = {"a": [{name: CANARY}], "b": json.dumps({name: CANARY})}
        found = read(
            call(
                person=person(**{name: CANARY}),
                pledgeCase=pledge(externalMetadata=hidden, **{name: CANARY}),
                transactions=[transaction(providerMetadata=hidden)],
                externalMetadata={"additionalProperties": hidden},
            )
        )
        assert CANARY not in str(msgspec.to_builtins(found))

    @pytest.mark.parametrize("name", SPELLINGS)
    def test_it_is_cut_out_of_what_quarantine_keeps(self, name: str) -> None:
        raw = call(
            person=person(iban="NL00CANARY", **{name: CANARY}),
            transactions=[transaction(providerMetadata={"x": DONOR})],
            notes=json.dumps({name: CANARY}),
            requestedAt="never",
        )
        kept = redact(json.dumps(raw).encode())
        assert CANARY.encode() not in kept
        assert b"NL00CANARY" not in kept
        found = json.loads(kept)
        assert found["person"]["firstName"] == DONOR
        assert found["transactions"][0]["name"] == found["transactions"][0]["providerMetadata"]
        assert found["requestedAt"] == "never"

    @pytest.mark.parametrize(
        "raw", [b"", b"{", b"\xff\xfe", b"[" * 99_999, f'{{"x": "{CANARY}'.encode(), b"9" * 9999]
    )
    def test_of_rubbish_only_its_size_is_kept(self, raw: bytes) -> None:
        kept = redact(raw)
        assert len(kept) < 12_000
        assert CANARY.encode() not in kept
        json.loads(kept)

    def test_nothing_of_a_donor_is_shown_by_accident(self) -> None:
        found = read(call(person=person(), transactions=[transaction()], notes=DONOR))
        result = CompleteCallResultInput(
            completed_at=dt.datetime.now(dt.UTC), notes=DONOR, result_code="other"
        )
        bad = decode_page(page(call(notes=DONOR, requestedAt=DONOR)), CallRecord).bad
        assert DONOR not in repr((found, found.person, found.transactions, result, bad))


NASTY = {
    "a time that is none": json.dumps(call(uuid=UUIDS[5], requestedAt=DONOR)).encode(),
    "no status": json.dumps(call(uuid=UUIDS[5], status=None)).encode(),
    "a NUL": json.dumps(call(uuid=UUIDS[5], attemptsCount=1, notes=f"{DONOR}\0")).encode(),
    "a NUL in a name": json.dumps(
        call(uuid=UUIDS[5], externalMetadata={"additionalProperties": {"\0": 1}})
    ).encode(),
    "half a character": json.dumps(call(uuid=UUIDS[5], notes=DONOR))
    .replace(DONOR, DONOR + "\\ud800")
    .encode(),
    "a byte of another alphabet": json.dumps(call(uuid=UUIDS[5], notes=DONOR))
    .encode()
    .replace(DONOR.encode(), DONOR.encode() + b"\xff"),
    "no number": json.dumps(call(uuid=UUIDS[5], recordingDuration=7))
    .replace("7}", "NaN}")
    .encode(),
    "too deep": json.dumps(call(uuid=UUIDS[5], mood=1))
    .replace("1}", "[" * 9999 + "]" * 9999 + "}")
    .encode(),
    "a wild character": json.dumps(call(uuid=UUIDS[5], notes=DONOR))
    .replace(DONOR, "\x01")
    .encode(),
    "brackets in a text": json.dumps(call(uuid=UUIDS[5], notes='}],"\\', requestedAt=1)).encode(),
}


class TestPages:
    def test_a_good_page_is_read_whole(self) -> None:
        content = decode_page(page(call(), call(uuid=UUIDS[6])), CallRecord)
        assert [str(record.uuid) for record in content.records] == [UUIDS[0], UUIDS[6]]
        assert content.bad == ()
        assert (content.info.end_cursor, content.info.has_next_page) == ("c", True)

    @pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
    def test_a_bad_record_costs_itself_and_not_its_neighbours(self, nasty: bytes) -> None:
        content = decode_page(page(call(), nasty, call(uuid=UUIDS[6])), CallRecord)
        assert [str(record.uuid) for record in content.records] == [UUIDS[0], UUIDS[6]]
        (bad,) = content.bad
        assert bad.uuid == UUID(UUIDS[5])
        assert bad.path.startswith("$")
        assert DONOR not in bad.reason + bad.path
        json.loads(bad.raw)
        assert content.info.has_next_page

    def test_a_bad_record_says_where_and_what(self) -> None:
        content = decode_page(page(call(person=person(dateOfBirth=DONOR))), CallRecord)
        assert content.bad[0].path == "$.person.dateOfBirth"
        assert content.bad[0].reason == "Invalid RFC3339 encoded date"

    @pytest.mark.parametrize("node", [b"null", b"1", b"[]", b'"x"', b"{}", b'{"uuid": 5}'])
    def test_a_record_that_is_none_has_no_uuid(self, node: bytes) -> None:
        content = decode_page(page(call(), node), CallRecord)
        assert len(content.records) == len(content.bad) == 1
        assert content.bad[0].uuid is None

    def test_a_backslash_before_a_nought_is_no_nul(self) -> None:
        content = decode_page(page(call(notes="\\u0000")), CallRecord)
        assert content.records[0].notes == "\\u0000"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"[]",
            b"null",
            b"<html>",
            b'{"edges": []}',
            b'{"edges": [], "pageInfo": {}}',
            b'{"edges": 1, "pageInfo": {"hasNextPage": "no"}}',
            b'{"edges": [',
            page(call())[:-30],
            b"\xff",
            b"[" * 99_999,
            b'"' + b'\\"' * 200_000,
        ],
    )
    def test_what_is_no_page_is_an_error(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            decode_page(body, CallRecord)

    def test_an_empty_page_is_a_page(self) -> None:
        assert decode_page(page(), PledgeRecord).records == ()

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_any_damage_is_either_survived_or_told(self, data: st.DataObject) -> None:
        whole = page(everything("CallDto"), call(uuid=UUIDS[6]))
        start = data.draw(st.integers(0, len(whole)))
        end = data.draw(st.integers(start, min(len(whole), start + 40)))
        damage = data.draw(st.binary(max_size=12) | st.sampled_from(list(b'"{}[],:\\0')).map(bytes))
        _decodes_or_tells(whole[:start] + damage + whole[end:])

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def test_any_value_in_any_place_is_either_survived_or_told(self, data: st.DataObject) -> None:
        raw = everything("CallDto")
        spot: Any = raw
        path = data.draw(st.sampled_from(list(_places(raw))))
        for step in path[:-1]:
            spot = spot[step]
        spot[path[-1]] = data.draw(
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=4,
            )
        )
        _decodes_or_tells(page(call(uuid=UUIDS[6]), copy.deepcopy(raw)))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for step, item in inner:
        yield (*path, step)
        if isinstance(item, dict | list):
            yield from _places(item, (*path, step))


def _decodes_or_tells(body: bytes) -> None:
    try:
        content = decode_page(body, CallRecord)
    except Unreadable:
        return
    for record in content.records:
        assert "\0" not in str(msgspec.to_builtins(record, enc_hook=int))
    for bad in content.bad:
        json.loads(bad.raw)


class TestWhatGoesOut:
    def test_absent_and_null_are_two_things(self) -> None:
        changes = UpdatePledgeCaseInput(ends_at=None, donation_amount=Decimal("7.10"))
        assert encode(changes) == b'{"donationAmount":7.10,"endsAt":null}'
        assert decode(encode(changes), UpdatePledgeCaseInput) == changes

    def test_times_leave_in_utc_with_milliseconds(self) -> None:
        amsterdam = dt.timezone(dt.timedelta(hours=1))
        at = dt.datetime(2026, 11, 2, 10, 30, 0, 123999, amsterdam)
        assert instant(at) == "2026-11-02T09:30:00.123Z"
        assert (
            encode(AddCallAttemptInput(attempt_at=at))
            == b'{"attemptAt":"2026-11-02T09:30:00.123Z"}'
        )

    def test_a_time_without_a_zone_does_not_leave(self) -> None:
        with pytest.raises(NotSendable):
            encode(AddCallAttemptInput(attempt_at=dt.datetime(2026, 11, 2)))

    @pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity"])
    def test_an_amount_that_is_no_number_does_not_leave(self, amount: str) -> None:
        with pytest.raises(NotSendable):
            encode(UpdatePledgeCaseInput(donation_amount=Decimal(amount)))

    def test_notes_leave_letter_by_letter(self) -> None:
        result = CompleteCallResultInput(
            completed_at=dt.datetime(2026, 11, 2, tzinfo=dt.UTC),
            notes='é "Ş" 🙂\n',
            result_code="other",
        )
        assert (
            json.loads(encode(CompleteCallInput(result=result)))["result"]["notes"] == 'é "Ş" 🙂\n'
        )
