"""Answers drawn from the document's schemas and then spoilt: whatever comes, nothing of ours falls.

An answer is read, or it is Unclear; a record of a page is read, or kept aside alone; and what was
read is saved, or kept aside. The examples are the same each time.
"""

import copy
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from calls.freshness import CALLS
from calls.models import Call
from integrations.feeds import Feed, save_page
from integrations.http import RemoteError, Token
from integrations.models import Quarantine
from integrations.tapraise.client import Page, TapRaise
from pledges.freshness import PLEDGES
from pledges.models import Pledge
from tests.integrations import schemas

AT: Final = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
ID: Final = UUID("00000000-0000-4000-8000-000000000001")
NATIONAL_NUMBER: Final = "999999990"
INFO: Final = {
    "startCursor": "a",
    "endCursor": "b",
    "hasNextPage": False,
    "hasPreviousPage": False,
}

bounded = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    # Not made smaller: of answers that nest this deep that takes minutes.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# In place of any value: other types, the ends of what a column holds, and what no text may have.
ODD: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        2**31,
        2**63,
        -(10**400),
        0.1,
        float("nan"),
        float("inf"),
        1e308,
        "",
        "x" * 5000,
        "\0",
        "\ud800",
        "\u202e",
        "NaN",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "2026-02-30",
        str(ID),
        [],
        [[]],
        [None],
        {},
        {"uuid": None},
        {"": {"socialSecurityNumber": NATIONAL_NUMBER}},
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, step)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, step))


@st.composite
def spoilt(draw: st.DrawFn, whole: st.SearchStrategy[Any]) -> bytes:
    """A well-formed answer with up to three things wrong with it, as it goes over the wire."""
    value = json.loads(json.dumps(draw(whole)))
    for _ in range(draw(st.integers(0, 2))):
        every = list(places(value))
        if not every:
            break
        path = draw(st.sampled_from(every))
        spot = value
        for step in path[:-1]:
            spot = spot[step]
        if draw(st.booleans()):
            # A copy: the next thing that goes wrong may go wrong inside it.
            spot[path[-1]] = copy.deepcopy(draw(ODD))
        else:
            del spot[path[-1]]
    return draw(st.sampled_from(WIRE_FAULTS))(draw, json.dumps(value).encode())


def _as_it_is(draw: st.DrawFn, body: bytes) -> bytes:
    return body


def _cut(draw: st.DrawFn, body: bytes) -> bytes:
    return body[: draw(st.integers(0, len(body)))]


def _more_in_an_object(draw: st.DrawFn, body: bytes, more: bytes) -> bytes:
    parts = body.split(b"{")
    if len(parts) < 2:
        return body
    cut = draw(st.integers(1, len(parts) - 1))
    return b"{".join(parts[:cut]) + b"{" + more + b"{".join(parts[cut:])


def _key_twice(draw: st.DrawFn, body: bytes) -> bytes:
    name = draw(st.sampled_from(["uuid", "status", "node", "edges", "person", "amount"]))
    value = json.dumps(draw(ODD))
    twice = f'"{name}": {value}, "{name}": {value}, '
    return _more_in_an_object(draw, body, twice.encode())


def _too_deep(draw: st.DrawFn, body: bytes) -> bytes:
    depth = draw(st.sampled_from([50, 2_000, 100_000]))
    name = draw(st.sampled_from([b"mood", b"externalMetadata", b"attempts"]))
    nest = b"[" * depth + b"]" * depth
    return _more_in_an_object(draw, body, b'"' + name + b'": ' + nest + b", ")


def _other_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    at = draw(st.integers(0, len(body)))
    rubbish = st.sampled_from([b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\", b'"'])
    return body[:at] + draw(rubbish) + body[at:]


# As it is three times, so that most of what is drawn is still JSON.
WIRE_FAULTS: Final[list[Callable[[st.DrawFn, bytes], bytes]]] = [
    _as_it_is,
    _as_it_is,
    _as_it_is,
    _cut,
    _key_twice,
    _too_deep,
    _other_bytes,
]


def pages(name: str) -> st.SearchStrategy[dict[str, Any]]:
    edge = st.fixed_dictionaries({"node": schemas.record(name), "cursor": st.just("b")})
    return st.fixed_dictionaries({"edges": st.lists(edge, max_size=3), "pageInfo": st.just(INFO)})


class Says(BaseAdapter):
    """The other side: it answers everything with the same bytes."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = 200
        response.headers["Content-Type"] = "application/json"
        response.raw = HTTPResponse(io.BytesIO(self.body), status=200, preload_content=False)
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Nothing is held open."""


def at(body: bytes) -> TapRaise:
    return TapRaise("http://sandbox", Token("t"), adapter=Says(body))


RECORDS: Final[dict[str, tuple[str, Callable[[TapRaise], object]]]] = {
    "a pledge": ("PledgeCaseDto", lambda it: it.pledge(uuid=ID)),
    "a call of a pledge": (
        "PledgeCaseDto",
        lambda it: it.call_by_pledge(uuid=ID, related_case_uuid=ID),
    ),
    "a call that was acted on": (
        "CallDto",
        lambda it: it.add_attempt(uuid=ID, user_uuid=ID, attempt_at=AT),
    ),
    "a pledge that was acted on": (
        "PledgeCaseDto",
        lambda it: it.update_pledge_status(uuid=ID, action="drop"),
    ),
}


@pytest.mark.parametrize(("schema", "ask"), RECORDS.values(), ids=RECORDS.keys())
@bounded
@given(data=st.data())
def test_a_spoilt_record_is_read_or_unclear(
    schema: str, ask: Callable[[TapRaise], object], data: st.DataObject
) -> None:
    body, said = data.draw(spoilt(schemas.record(schema))), ""
    try:
        ask(at(body))
    except RemoteError as error:
        said = str(error)
    # It says what is wrong, and no value of the answer.
    assert NATIONAL_NUMBER not in said


@pytest.mark.django_db
@pytest.mark.parametrize("feed", [CALLS, PLEDGES], ids=["calls", "pledges"])
@bounded
@given(data=st.data())
def test_every_record_of_a_spoilt_page_is_saved_or_kept_aside(
    feed: Feed, data: st.DataObject
) -> None:
    is_calls = feed is CALLS
    client = at(data.draw(spoilt(pages("CallDto" if is_calls else "PledgeCaseDto"))))
    try:
        found: list[Page[Any]] = [*(client.calls() if is_calls else client.pledges())]
    except RemoteError:
        return
    [page] = found
    save_page(feed, page, account="default")
    rows = (Call if is_calls else Pledge).objects.exclude(fetched_at=None)
    here = set(rows.values_list("pk", flat=True))
    aside = set(Quarantine.objects.values_list("record_uuid", flat=True))
    assert {record.uuid for record in page.records} <= here | aside
    assert {bad.uuid for bad in page.bad} <= aside
    raw = "".join(filter(None, Quarantine.objects.values_list("raw", flat=True)))
    assert NATIONAL_NUMBER not in raw
