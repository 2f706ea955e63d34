"""The operations of TapRaise's API, against the sandbox and against pages made by hand."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from integrations.http import (
    BadRequest,
    Conflict,
    NotFound,
    RemoteError,
    Token,
    Unauthorized,
    Unclear,
    ahead,
)
from integrations.sandbox import names
from integrations.sandbox.app import SandboxApp
from integrations.sandbox.mounted import SandboxAdapter
from integrations.sandbox.server import running
from integrations.sandbox.world import World
from integrations.tapraise.client import BrokenPaging, TapRaise
from integrations.tapraise.wire import (
    CallRecord,
    CreateCallInput,
)
from tests.integrations.misbehaving import Misbehaving, answer, misbehaving

AT = dt.datetime(2026, 11, 2, 9, 30, 0, tzinfo=dt.UTC)
ALICE = UUID(names.ALICE)
UUIDS = [UUID(f"00000000-0000-4000-8000-00000000000{number}") for number in range(10)]


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=11, calls=230)


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    with running(SandboxApp(world)) as url:
        yield url


@pytest.fixture
def account(address: str) -> Iterator[TapRaise]:
    """An account at the sandbox as it was born."""
    requests.post(f"{address}/__sandbox/reset", timeout=30).raise_for_status()
    account = TapRaise(address, Token(names.TOKEN))
    yield account
    account.close()


def fault(address: str, **rule: Any) -> None:
    requests.post(f"{address}/__sandbox/faults", json=rule, timeout=5).raise_for_status()


def effects(address: str) -> list[dict[str, Any]]:
    found = requests.get(f"{address}/__sandbox/journal", timeout=5).json()["effects"]
    return list(found)


def open_call(account: TapRaise) -> CallRecord:
    """An open call that TapRaise manages and that belongs to a pledge."""
    return next(
        record
        for page in account.calls()
        for record in page.records
        if record.status == "requested"
        and record.external_metadata is None
        and record.related_case_uuid is not None
    )


class TestWalks:
    @pytest.mark.parametrize("is_mounted", [False, True], ids=["over HTTP", "mounted"])
    @pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
    def test_every_call_comes_by_once_and_in_order(
        self, account: TapRaise, world: World, is_mounted: bool, backwards: bool
    ) -> None:
        if is_mounted:
            adapter = SandboxAdapter(SandboxApp(world))
            account = TapRaise("http://sandbox", Token(names.TOKEN), adapter=adapter)
        pages = list(account.calls(page_size=100, backwards=backwards))
        found = [str(record.uuid) for page in pages for record in page.records]
        assert sorted(found) == sorted(world.calls)
        assert len(pages) == 3
        assert all(page.is_in_order for page in pages)
        assert all(page.bad == () and page.unknown_fields == () for page in pages)
        assert all(page.date is not None and page.started_at for page in pages)

    def test_a_walk_goes_on_where_it_stopped(self, account: TapRaise) -> None:
        whole = list(account.calls(page_size=50))
        rest = list(account.calls(page_size=50, after=whole[1].end_cursor))
        assert [page.records for page in rest] == [page.records for page in whole[2:]]
        before = list(account.calls(page_size=50, before=whole[2].start_cursor, backwards=True))
        assert [page.records for page in before] == [page.records for page in whole[1::-1]]

    def test_the_next_page_is_fetched_ahead(self, account: TapRaise, world: World) -> None:
        pages = list(ahead(account.calls(page_size=100)))
        assert sum(len(page.records) for page in pages) == len(world.calls)

    def test_what_is_included_is_there_and_the_rest_is_none(self, account: TapRaise) -> None:
        full = [record for page in account.calls() for record in page.records]
        assert all(record.person is not None for record in full)
        assert any(record.person and record.person.quality_result for record in full)
        bare = next(account.calls(include=())).records
        assert all(record.person is None and record.pledge_case is None for record in bare)

    def test_every_pledge_comes_by_once(self, account: TapRaise, world: World) -> None:
        pages = list(account.pledges(page_size=60))
        found = [record for page in pages for record in page.records]
        assert sorted(str(record.uuid) for record in found) == sorted(world.pledges)
        assert all(page.is_in_order for page in pages)
        assert any(record.transactions for record in found)
        assert len({record.status for record in found}) > 1

    def test_only_what_changed_since(self, account: TapRaise, address: str) -> None:
        (newest,) = (
            max(record.last_updated_at for page in account.calls() for record in page.records),
        )
        touched = requests.post(f"{address}/__sandbox/touch", json={"count": 3}, timeout=5)
        touched.raise_for_status()
        found = [r for page in account.calls(updated_after=newest) for r in page.records]
        assert len(found) == 3

    def test_a_pledge_and_its_calls(self, account: TapRaise) -> None:
        one = open_call(account)
        assert one.related_case_uuid is not None
        found = account.pledge(uuid=one.related_case_uuid, include=("transactions", "calls"))
        assert found.transactions is not None
        assert one.uuid in {inner.uuid for inner in found.calls or ()}
        assert account.pledge(uuid=found.uuid, include=()).calls is None
        with pytest.raises(NotFound):
            account.pledge(uuid=uuid4())


class TestWrites:
    def test_an_attempt(self, account: TapRaise, address: str) -> None:
        one = open_call(account)
        found = account.add_attempt(uuid=one.uuid, user_uuid=ALICE, attempt_at=AT)
        assert found.attempts is not None
        assert (found.attempts[-1].user_uuid, found.attempts[-1].attempt_at) == (ALICE, AT)
        assert [effect["operation"] for effect in effects(address)] == ["add-attempt"]

    def test_a_completion(self, account: TapRaise, address: str) -> None:
        one = open_call(account)
        found = account.complete_call(
            uuid=one.uuid,
            user_uuid=ALICE,
            result_code="confirmed",
            completed_at=AT,
            notes="Alles klopt.",
            donor_retention_rating=8,
        )
        assert found.status == "completed"
        assert found.result is not None
        assert (found.result.result_code, found.result.completed_at) == ("confirmed", AT)
        assert (found.result.notes, found.result.donor_retention_rating) == ("Alles klopt.", 8)
        assert [effect["operation"] for effect in effects(address)] == ["complete"]

    def test_a_completion_without_notes_and_rating(self, account: TapRaise) -> None:
        one = open_call(account)
        found = account.complete_call(
            uuid=one.uuid, user_uuid=ALICE, result_code="other", completed_at=AT
        )
        assert found.result is not None
        assert found.result.donor_retention_rating is None

    def test_a_cancellation_and_its_repeat(self, account: TapRaise) -> None:
        one = open_call(account)
        assert account.cancel_call(uuid=one.uuid, cancelled_at=AT).cancelled_at == AT
        with pytest.raises(Conflict) as caught:
            account.cancel_call(uuid=one.uuid, cancelled_at=AT)
        assert caught.value.words

    def test_an_expiry(self, account: TapRaise) -> None:
        one = open_call(account)
        found = account.expire_call(uuid=one.uuid, expired_at=AT)
        assert (found.status, found.expired_at) == ("expired", AT)

    def test_a_new_call_and_its_repeat(self, account: TapRaise) -> None:
        one = open_call(account)
        call = CreateCallInput(
            uuid=uuid4(), requested_at=AT, person_uuid=one.person_uuid, type="verification"
        )
        assert account.create_call(call=call).uuid == call.uuid
        with pytest.raises(Conflict):
            account.create_call(call=call)

    def test_a_call_that_ended_is_refused_in_words(self, account: TapRaise) -> None:
        one = open_call(account)
        account.cancel_call(uuid=one.uuid, cancelled_at=AT)
        with pytest.raises(BadRequest) as caught:
            account.add_attempt(uuid=one.uuid, user_uuid=ALICE, attempt_at=AT)
        assert caught.value.words
        assert caught.value.words not in str(caught.value)

    def test_a_call_that_nobody_knows(self, account: TapRaise) -> None:
        with pytest.raises(NotFound):
            account.add_attempt(uuid=uuid4(), user_uuid=ALICE, attempt_at=AT)

    def test_a_token_that_is_not_accepted(self, account: TapRaise, address: str) -> None:
        with pytest.raises(Unauthorized):
            next(TapRaise(address, Token("other")).calls())

    @pytest.mark.parametrize("is_mounted", [False, True], ids=["over HTTP", "mounted"])
    @pytest.mark.parametrize(
        ("kind", "count"),
        [
            ("reset_before", 0),
            ("reset_after", 1),
            ("cut_body", 1),
            ("not_json", 1),
            ("wrong_uuid", 1),
        ],
    )
    def test_what_is_lost_on_the_way_back_is_unclear_and_happened_at_most_once(
        self, account: TapRaise, address: str, world: World, is_mounted: bool, kind: str, count: int
    ) -> None:
        one = open_call(account)
        if is_mounted:
            app = SandboxApp(world)
            app.faults.add({"kind": kind, "operation": "add-attempt", "times": 1})
            account = TapRaise("http://sandbox", Token(names.TOKEN), adapter=SandboxAdapter(app))
        else:
            fault(address, kind=kind, operation="add-attempt", times=1)
        with pytest.raises(Unclear):
            account.add_attempt(uuid=one.uuid, user_uuid=ALICE, attempt_at=AT)
        assert len(effects(address)) == count


class TestReadingBack:
    def test_through_the_pledge_and_by_the_time(self, account: TapRaise) -> None:
        one = open_call(account)
        assert one.related_case_uuid is not None
        account.cancel_call(uuid=one.uuid, cancelled_at=AT)
        by_pledge = account.call_by_pledge(uuid=one.uuid, related_case_uuid=one.related_case_uuid)
        by_time = account.call_by_time(uuid=one.uuid, requested_at=one.requested_at)
        assert by_pledge is not None
        assert by_time is not None
        assert by_pledge.uuid == by_time.uuid == one.uuid
        assert by_pledge.cancelled_at == by_time.cancelled_at == AT

    def test_a_call_that_is_not_found_is_no_reading(self, account: TapRaise) -> None:
        one = open_call(account)
        assert one.related_case_uuid is not None
        stranger = uuid4()
        related = one.related_case_uuid
        assert account.call_by_pledge(uuid=stranger, related_case_uuid=related) is None
        assert account.call_by_pledge(uuid=one.uuid, related_case_uuid=stranger) is None
        assert account.call_by_time(uuid=stranger, requested_at=one.requested_at) is None
        assert account.call_by_time(uuid=one.uuid, requested_at=AT.replace(year=2001)) is None

    def test_a_pledge_that_shows_no_calls_is_no_reading(self) -> None:
        with misbehaving(answer(200, b'{"uuid": "x", "calls": null}')) as server:
            found = _at(server).call_by_pledge(uuid=UUIDS[0], related_case_uuid=UUIDS[1])
        assert found is None

    def test_an_unreadable_neighbour_does_not_hide_a_call(self) -> None:
        calls = [{"uuid": 5}, {"uuid": str(UUIDS[2])}, _node(UUIDS[0]), None]
        body = json.dumps({"calls": calls}).encode()
        with misbehaving(answer(200, body), answer(200, body)) as server:
            found = _at(server).call_by_pledge(uuid=UUIDS[0], related_case_uuid=UUIDS[1])
            assert found is not None
            assert found.uuid == UUIDS[0]
            with pytest.raises(Unclear):
                _at(server).call_by_pledge(uuid=UUIDS[2], related_case_uuid=UUIDS[1])

    def test_a_call_that_is_there_and_unreadable_is_not_absent(self) -> None:
        body = _page([_node(UUIDS[0], requestedAt=None)], "c", has_next=False)
        with misbehaving(answer(200, body)) as server, pytest.raises(Unclear):
            _at(server).call_by_time(uuid=UUIDS[0], requested_at=AT)


def _node(uuid: UUID, **changes: Any) -> dict[str, Any]:
    at = AT.isoformat()
    known = {"uuid": str(uuid), "status": "requested", "personUuid": str(UUIDS[9])}
    return {**known, "requestedAt": at, "lastUpdatedAt": at, **changes}


def _page(nodes: list[dict[str, Any]], end: str | None, *, has_next: bool) -> bytes:
    info = {"startCursor": "s", "endCursor": end, "hasNextPage": has_next}
    return json.dumps({"edges": [{"node": node} for node in nodes], "pageInfo": info}).encode()


def _at(server: Misbehaving) -> TapRaise:
    return TapRaise(server.url, Token("t"), page_size=1)


class TestBrokenFeeds:
    def test_a_cursor_that_came_by_before_stops_the_walk(self) -> None:
        pages = [answer(200, _page([_node(UUIDS[0])], end, has_next=True)) for end in "aba"]
        with misbehaving(*pages) as server:
            walk = _at(server).calls()
            assert [next(walk).end_cursor, next(walk).end_cursor] == ["a", "b"]
            with pytest.raises(BrokenPaging):
                next(walk)

    def test_the_cursor_that_we_came_with_counts_too(self) -> None:
        page = answer(200, _page([_node(UUIDS[0])], "a", has_next=True))
        with misbehaving(page) as server, pytest.raises(BrokenPaging):
            next(_at(server).calls(after="a"))

    def test_more_pages_without_a_cursor_stop_the_walk(self) -> None:
        page = answer(200, _page([_node(UUIDS[0])], None, has_next=True))
        with misbehaving(page) as server, pytest.raises(BrokenPaging, match="no cursor"):
            next(_at(server).calls(after="a"))
        assert issubclass(BrokenPaging, RemoteError)

    def test_an_empty_page_ends_it(self) -> None:
        with misbehaving(answer(200, _page([], None, has_next=False))) as server:
            (page,) = _at(server).calls()
        assert page.records == ()

    def test_a_page_that_is_none_is_unclear(self) -> None:
        with misbehaving(answer(200, b"<html>")) as server, pytest.raises(Unclear):
            next(_at(server).calls())

    def test_bad_records_and_new_fields_are_told(self) -> None:
        nodes = [_node(UUIDS[0], mood="fine"), _node(UUIDS[1], requestedAt="Wietske")]
        with misbehaving(answer(200, _page(nodes, "a", has_next=False))) as server:
            (page,) = _at(server).calls()
        assert [record.uuid for record in page.records] == [UUIDS[0]]
        assert [(bad.uuid, bad.path) for bad in page.bad] == [(UUIDS[1], "$.requestedAt")]
        assert page.unknown_fields == ("mood",)

    def test_disorder_is_noticed_within_a_page_and_between_two(self) -> None:
        early = _node(UUIDS[0], requestedAt="2026-01-01T00:00:00Z")
        late = _node(UUIDS[1])
        for pages in ([[early, late]], [[early], [late]]):
            bodies = [
                answer(200, _page(nodes, str(number), has_next=nodes is not pages[-1]))
                for number, nodes in enumerate(pages)
            ]
            with misbehaving(*bodies) as server:
                assert not list(_at(server).calls())[-1].is_in_order

    def test_the_time_of_a_walk_is_taken_before_it_begins(self) -> None:
        body = answer(200, _page([], None, has_next=False), Date="Mon, 02 Nov 2026 09:29:58 GMT")
        with misbehaving(body) as server:
            (page,) = TapRaise(server.url, Token("t"), clock=lambda: AT).calls()
        assert page.started_at == AT
        assert page.date == AT - dt.timedelta(seconds=2)
