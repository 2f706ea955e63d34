"""Pages of records, read whole where possible and record by record where not.

A good page is decoded in one go. When that fails it is taken apart by brackets and quotes alone,
so that a record which is no JSON at all costs us that record and not its neighbours.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from integrations.records import Deviation, Unreadable
from integrations.tapraise.codec import decode
from integrations.tapraise.drift import deviations, keeps_to_documents
from integrations.tapraise.redaction import redact
from integrations.tapraise.wire import CallRecord, PageInfo, PledgeRecord, Record

R = TypeVar("R", CallRecord, PledgeRecord)


class BadRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be read, and why. ``raw`` is JSON, redacted, yet personal."""

    uuid: UUID | None
    path: str
    reason: str
    raw: bytes

    def __repr__(self) -> str:
        return f"<BadRecord {self.uuid}: {self.reason} at {self.path}>"


class PageContent(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    records: tuple[R, ...]
    bad: tuple[BadRecord, ...]
    info: PageInfo
    deviations: Mapping[Deviation, int]


class _CallEdge(Record, frozen=True, kw_only=True):
    node: CallRecord


class _CallPage(Record, frozen=True, kw_only=True):
    edges: tuple[_CallEdge, ...]
    page_info: PageInfo


class _PledgeEdge(Record, frozen=True, kw_only=True):
    node: PledgeRecord


class _PledgePage(Record, frozen=True, kw_only=True):
    edges: tuple[_PledgeEdge, ...]
    page_info: PageInfo


class _RawEdge(Record, frozen=True, kw_only=True):
    node: msgspec.Raw


class _RawPage(Record, frozen=True, kw_only=True):
    edges: tuple[_RawEdge, ...]


_EDGES: dict[type[Any], type[Any]] = {CallRecord: _CallEdge, PledgeRecord: _PledgeEdge}
_PAGES: dict[type[Any], type[Any]] = {CallRecord: _CallPage, PledgeRecord: _PledgePage}


def decode_page(body: bytes, kind: type[R]) -> PageContent[R]:
    """Read a page of calls or pledges; raise ``Unreadable`` only when it is no page at all.

    ``path`` of a bad record starts at the record: ``$.person.dateOfBirth``. ``deviations`` counts
    what is otherwise than documented, in bad records as in good ones.
    """
    # First, for what it needs is free again before the records take their place in memory.
    is_as_documented = keeps_to_documents(body, kind)
    try:
        page = decode(body, _PAGES[kind])
    except Unreadable:
        return _decode_edge_by_edge(body, kind)
    found: Mapping[Deviation, int] = {}
    if not is_as_documented:
        nodes = (bytes(edge.node) for edge in decode(body, _RawPage).edges)
        found = deviations(nodes, kind)
    records = tuple(edge.node for edge in page.edges)
    return PageContent(records=records, bad=(), info=page.page_info, deviations=found)


def _decode_edge_by_edge(body: bytes, kind: type[R]) -> PageContent[R]:
    members = dict(_parts(body))
    if b'"edges"' not in members or b'"pageInfo"' not in members:
        raise Unreadable("$", "Not a page")
    records: list[R] = []
    bad: list[BadRecord] = []
    edges = [edge for _, edge in _parts(members[b'"edges"'])]
    for edge in edges:
        try:
            records.append(decode(edge, _EDGES[kind]).node)
        except Unreadable as error:
            bad.append(_bad_record(edge, error))
    return PageContent(
        records=tuple(records),
        bad=tuple(bad),
        info=decode(members[b'"pageInfo"'], PageInfo),
        deviations=deviations(map(_node, edges), kind),
    )


def _node(edge: bytes) -> bytes:
    """The record in an edge, or the edge where none is found."""
    try:
        return dict(_parts(edge)).get(b'"node"', edge)
    except Unreadable:
        return edge


def _bad_record(edge: bytes, error: Unreadable) -> BadRecord:
    node = _node(edge)
    return BadRecord(
        uuid=_uuid(node),
        path=error.path.replace("$.node", "$", 1),
        reason=error.reason,
        raw=redact(node),
    )


def _uuid(node: bytes) -> UUID | None:
    try:
        return UUID(dict(_parts(node)).get(b'"uuid"', b"").decode("ascii").strip('"'))
    except ValueError:
        return None


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},:]', re.DOTALL)


def _parts(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Take an object apart into names and values, or an array (where the names are empty).

    Nothing but quotes and brackets is looked at: what lies between them may be any rubbish.
    """
    depth = 0
    begin = 0
    name = b""
    for token in _TOKEN.finditer(body):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
            if depth == 1:
                begin = token.end()
        elif mark == b":" and depth == 1:
            name = body[begin : token.start()].strip()
            begin = token.end()
        elif mark in (b",", b"}", b"]"):
            if depth == 1:
                value = body[begin : token.start()].strip()
                if value:
                    yield name, value
                name = b""
                begin = token.end()
            if mark != b",":
                depth -= 1
                if depth <= 0:
                    return
    raise Unreadable("$", "Cut short")
