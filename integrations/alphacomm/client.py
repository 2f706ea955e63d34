"""The operations of Alphacomm's API, one method each.

Amounts are whole cents. Times go in and out as aware datetimes and leave in UTC cut to seconds.
Every method raises ``http.RemoteError``, sorted by what may have happened (``graphql.py``), and
``http.NotSendable`` (a ``ValueError``) for what the API would refuse, before anything is sent.
No operation has a key against doubles: what is made is found again by a reference of ours.
"""

import base64
import datetime as dt
from collections.abc import Generator, Sequence
from typing import Any, Final, TypeVar

import msgspec
from requests.adapters import BaseAdapter

from integrations.alphacomm import rules
from integrations.alphacomm.codec import instant, read, variable
from integrations.alphacomm.graphql import Endpoint
from integrations.alphacomm.pages import Page, fetch, read_each, walk
from integrations.alphacomm.wire import (
    BatchRecord,
    ImportedRecord,
    MandateInput,
    MandateRecord,
    PayLinkInput,
    PayLinkRecord,
    RowInput,
)
from integrations.http import (
    CONNECT_SECONDS,
    EXCHANGE_SECONDS,
    Answer,
    Clock,
    Remote,
    Token,
    Unclear,
    utc_now,
)
from integrations.records import Unreadable

HEADER: Final = "X-AUTH-TOKEN"

PayLinkPage = Page[PayLinkRecord]
MandatePage = Page[MandateRecord]
BatchPage = Page[BatchRecord]

R = TypeVar("R", PayLinkRecord, MandateRecord, BatchRecord)


class Alphacomm:
    """One account at Alphacomm. ``base_url`` goes without ``/v1``."""

    def __init__(
        self,
        base_url: str,
        token: Token,
        *,
        page_size: int = 100,
        adapter: BaseAdapter | None = None,
        clock: Clock = utc_now,
        connect_seconds: float = CONNECT_SECONDS,
        exchange_seconds: float = EXCHANGE_SECONDS,
        ca_file: str | None = None,
    ) -> None:
        self._page_size = page_size
        self._remote = Remote(
            base_url,
            token,
            header=HEADER,
            prefix="",
            adapter=adapter,
            clock=clock,
            connect_seconds=connect_seconds,
            exchange_seconds=exchange_seconds,
            ca_file=ca_file,
        )
        self._endpoint = Endpoint(self._remote)

    def __repr__(self) -> str:
        return f"<Alphacomm at {self._remote!r}>"

    def close(self) -> None:
        self._remote.close()

    def create_pay_link(self, *, pay_link: PayLinkInput) -> PayLinkRecord:
        """Make a payment link (``payLink.create``). Twice sent is two.

        The ids of attributes come back renamed: ``op`` as ``customer_op``.
        """
        rules.check_pay_link(pay_link)
        return self._tell("create_pay_link", {"payLink": variable(pay_link)}, PayLinkRecord)

    def pay_link(self, *, id: str) -> PayLinkRecord | None:  # noqa: A002  (its name there)
        """Read one payment link (``payLink.payLinks``); None when there is no such link."""
        return self._find("pay_links", "id", id, PayLinkRecord)

    def pay_links(
        self,
        *,
        attribute: tuple[str, str] | None = None,
        status: str | None = None,
        created_from: dt.datetime | None = None,
        created_until: dt.datetime | None = None,
        page_size: int | None = None,
    ) -> Generator[PayLinkPage, None, None]:
        """Walk payment links, the oldest first (``payLink.payLinks``).

        ``attribute`` is an id and a value. Both ends of the window are within it, to the second.
        Whatever must not miss a link asks for a window alone: a link whose status changes while we
        walk by status may slip past. Raises ``NotSendable`` at once, and while walking
        ``BrokenPaging``, ``Unclear`` for a page that is none, and every other ``RemoteError``.
        """
        filters = _filters(status, created_from, created_until)
        if attribute is not None:
            rules.check_key(attribute[0])
            rules.check_key(attribute[1])
            filters["attributes"] = [{"id": attribute[0], "equalTo": attribute[1]}]
        return self._walk("pay_links", PayLinkRecord, filters, page_size)

    def create_mandate(self, *, mandate: MandateInput) -> MandateRecord:
        """Make an e-Mandate to be given (``mandate.create``). Twice sent is two."""
        rules.check_mandate(mandate)
        return self._tell("create_mandate", {"mandate": variable(mandate)}, MandateRecord)

    def mandate(self, *, id: str) -> MandateRecord | None:  # noqa: A002  (its name there)
        """Read one e-Mandate (``mandate.mandates``); None when there is no such mandate."""
        return self._find("mandates", "id", id, MandateRecord)

    def mandates(
        self,
        *,
        status: str | None = None,
        created_from: dt.datetime | None = None,
        created_until: dt.datetime | None = None,
        page_size: int | None = None,
    ) -> Generator[MandatePage, None, None]:
        """Walk e-Mandates, the oldest first (``mandate.mandates``); the rest as ``pay_links``."""
        filters = _filters(status, created_from, created_until)
        return self._walk("mandates", MandateRecord, filters, page_size)

    def add_rows(self, *, rows: Sequence[RowInput]) -> BatchRecord:
        """Hand rows to their scripts (``import.addRecords`` with rows). Twice sent is two messages.

        The answer tells what became of each; the messages themselves leave by the account's
        schedule.
        """
        rules.check_rows(rows)
        found, answer = self._endpoint.tell("add_rows", {"rows": [variable(row) for row in rows]})
        items = found.get("records") if isinstance(found, dict) else None
        batch = _record(found, BatchRecord, answer)
        records, bad = read_each(items if isinstance(items, list) else [], ImportedRecord)
        return msgspec.structs.replace(batch, records=records, bad=bad)

    def add_file(self, *, contents: bytes, extension: str) -> BatchRecord:
        """Hand over a file of rows (``import.addRecords`` with a file), of at most 10 MB.

        It is worked on later: the answer tells a name, by which ``batch`` finds it, and no records.
        Nothing finds a file whose answer was lost.
        """
        rules.check_file(contents, extension)
        encoded = base64.b64encode(contents).decode("ascii")
        file = {"extension": extension, "contents": encoded}
        return self._tell("add_file", {"file": file}, BatchRecord)

    def batch(self, *, name: str) -> BatchRecord | None:
        """Read how far a batch is (``import.batches``); None when there is no such batch."""
        return self._find("batches", "name", name, BatchRecord)

    def batches(self, *, page_size: int | None = None) -> Generator[BatchPage, None, None]:
        """Walk all batches (``import.batches``), in the order in which Alphacomm has them."""
        return self._walk("batches", BatchRecord, {}, page_size)

    def stop_calling(self, *, script_id: int | str, reference: str) -> str:
        """Take away the calls still planned for a reference (``voice.stopCalling``).

        Returns Alphacomm's word for it, ``done`` in its example. Safe to send again.
        """
        number = rules.check_stop_calling(script_id, reference)
        variables = {"scriptId": number, "reference": reference}
        found, answer = self._endpoint.tell("stop_calling", variables)
        if not isinstance(found, str) or not found.strip() or "\0" in found:
            raise Unclear("The answer does not show what was asked for", answer.status)
        return found

    def _tell(self, name: str, variables: dict[str, Any], kind: type[R]) -> R:
        found, answer = self._endpoint.tell(name, variables)
        return _record(found, kind, answer)

    def _find(self, name: str, field: str, key: str, kind: type[R]) -> R | None:
        rules.check_key(key)
        page = fetch(self._endpoint, name, kind, {field: {"equalTo": key}}, offset=0, limit=2)
        for record in page.records:
            if getattr(record, field) == key:
                return record
        if page.bad:
            raise Unclear("What was read back cannot be read", 200)
        if page.records or page.total:
            raise Unclear("The answer is about something else", 200)
        return None

    def _walk(
        self, name: str, kind: type[R], filters: dict[str, Any], page_size: int | None
    ) -> Generator[Page[R], None, None]:
        size = self._page_size if page_size is None else page_size
        rules.check_page_size(size)
        return walk(self._endpoint, name, kind, filters, page_size=size)


def _filters(
    status: str | None, created_from: dt.datetime | None, created_until: dt.datetime | None
) -> dict[str, Any]:
    rules.check_window(created_from, created_until)
    filters: dict[str, Any] = {}
    if status is not None:
        rules.check_key(status)
        filters["status"] = {"equalTo": status}
    # 'Greater' and 'lesser' leave out the ends, and what is compared may be cut to seconds.
    second = dt.timedelta(seconds=1)
    created = {}
    if created_from is not None:
        created["greaterThan"] = instant(created_from - second)
    if created_until is not None:
        created["lesserThan"] = instant(created_until + second)
    if created:
        filters["createdOn"] = created
    return filters


def _record(found: Any, kind: type[R], answer: Answer) -> R:
    # What became of rows is read apart, one by one.
    if isinstance(found, dict) and kind is BatchRecord:
        found = {name: value for name, value in found.items() if name not in ("records", "bad")}
    try:
        return read(found, kind)
    except Unreadable as error:
        reason = f"The answer is not what it should be: {error}"
    raise Unclear(reason, answer.status)
