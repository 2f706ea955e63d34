"""Lists, page by page to their total.

Pages are counted by what came, never by the limit that an answer echoes: it may say 0. A list may
become shorter while it is read: then the walk steps back as far as the total fell. What leads
nowhere stops it with an error, and then what was walked is not all of the list.
"""

import datetime as dt
from collections.abc import Generator, Mapping
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec

from integrations.alphacomm.codec import keep, read
from integrations.alphacomm.drift import deviations
from integrations.alphacomm.graphql import Endpoint
from integrations.alphacomm.wire import (
    BadRecord,
    BatchRecord,
    ImportedRecord,
    MandateRecord,
    PayLinkRecord,
    Record,
)
from integrations.http import Answer, RemoteError, Unclear
from integrations.records import Deviation, Unreadable

MOST_PAGES: Final = 2_000

R = TypeVar("R", PayLinkRecord, MandateRecord, BatchRecord)
A = TypeVar("A", PayLinkRecord, MandateRecord, BatchRecord, ImportedRecord)


class BrokenPaging(RemoteError):
    """The pages of a list do not lead to its end: what was walked so far is not all of it."""


class Page(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """One page of a list of ``total``.

    ``started_at`` is our clock before it was asked for and ``date`` the other side's in the answer.
    """

    records: tuple[R, ...]
    bad: tuple[BadRecord, ...]
    total: int
    started_at: dt.datetime
    date: dt.datetime | None

    @property
    def deviations(self) -> Mapping[Deviation, int]:
        """The values in its records that the document does not list."""
        return deviations(self.records)

    def __repr__(self) -> str:
        return f"<Page of {len(self.records)}, {len(self.bad)} bad, {self.total} in all>"


class _Pagination(Record, frozen=True, kw_only=True):
    total: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _List(Record, frozen=True, kw_only=True):
    items: tuple[Any, ...]
    pagination: _Pagination


def fetch(
    endpoint: Endpoint,
    name: str,
    kind: type[R],
    filters: dict[str, Any],
    *,
    offset: int,
    limit: int,
) -> Page[R]:
    """Ask for one page, oldest first where the list knows an order; raise ``RemoteError``."""
    variables: dict[str, Any] = {"offset": offset, "limit": limit}
    if filters:
        variables["filters"] = filters
    if kind is not BatchRecord:
        variables["order"] = {"createdOn": "ASCENDING"}
    found, answer = endpoint.ask(name, variables)
    return _page(found, kind, answer)


def walk(
    endpoint: Endpoint,
    name: str,
    kind: type[R],
    filters: dict[str, Any],
    *,
    page_size: int,
    most_pages: int = MOST_PAGES,
) -> Generator[Page[R], None, None]:
    """Go through a whole list. Raises ``BrokenPaging``, and every other ``RemoteError``."""
    offset, total = 0, 0
    ids: set[str] = set()
    unnamed = 0
    for _ in range(most_pages):
        page: Page[R] = fetch(endpoint, name, kind, filters, offset=offset, limit=page_size)
        came = _ids(page)
        new = set(filter(None, came)) - ids
        ids |= new
        unnamed += came.count(None)
        yield page
        fell = total - page.total
        total = page.total
        if fell > 0:
            # As many may have slipped over to the pages behind us, so this one is read again.
            offset = max(offset - fell, 0)
            continue
        offset += len(came)
        if offset >= total:
            if len(ids) + unnamed < total:
                raise BrokenPaging("The list ended before its total")
            return
        if not new and None not in came:
            raise BrokenPaging("A page that brings nothing, and a total that says there is more")
    raise BrokenPaging("More pages than a list of ours can have")


def read_each(items: Any, kind: type[A]) -> tuple[tuple[A, ...], tuple[BadRecord, ...]]:
    """Read records one by one, so that a bad one costs us itself and not its neighbours."""
    records: list[A] = []
    bad: list[BadRecord] = []
    for item in items:
        try:
            records.append(read(item, kind))
        except Unreadable as error:
            raw = keep(item, kind)
            bad.append(BadRecord(id=_id(item, kind), path=error.path, reason=error.reason, raw=raw))
    return tuple(records), tuple(bad)


def _page(found: Any, kind: type[R], answer: Answer) -> Page[R]:
    try:
        content = read(found, _List)
    except Unreadable as error:
        raise Unclear(f"The answer is not a page: {error}", answer.status) from None
    records, bad = read_each(content.items, kind)
    return Page(
        records=records,
        bad=bad,
        total=content.pagination.total,
        started_at=answer.started_at,
        date=answer.date,
    )


def _ids(page: Page[R]) -> list[str | None]:
    """What tells the records of a page apart; names of batches need not."""
    good: list[str | None] = [
        None if isinstance(record, BatchRecord) else record.id for record in page.records
    ]
    return [*good, *(bad.id for bad in page.bad)]


def _id(item: Any, kind: type[Record]) -> str | None:
    if kind in (BatchRecord, ImportedRecord):
        return None
    found = item.get("id") if isinstance(item, dict) else None
    is_short = isinstance(found, str) and 0 < len(found) <= 200 and "\0" not in found
    return found if is_short else None
