"""The operations of TapRaise's API, one method each.

Times go in and out as aware datetimes and leave as UTC cut to milliseconds; amounts are euros as
``Decimal``. Every method raises ``http.RemoteError``, sorted by what may have happened, and
``rules.NotSendable`` (a ``ValueError``) for what the API would refuse, before anything is sent.
"""

import datetime as dt
from collections.abc import Generator, Mapping, Sequence
from typing import Final, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import UNSET
from requests.adapters import BaseAdapter

from integrations.http import (
    CONNECT_SECONDS,
    EXCHANGE_SECONDS,
    Answer,
    Clock,
    Forbidden,
    NotFound,
    Remote,
    RemoteError,
    Token,
    Unclear,
    utc_now,
)
from integrations.records import FIELD, Deviation, Unreadable
from integrations.tapraise import rules
from integrations.tapraise.codec import decode, encode, instant
from integrations.tapraise.pages import BadRecord, decode_page
from integrations.tapraise.wire import (
    AddCallAttemptInput,
    CallRecord,
    CancelCallInput,
    CompleteCallInput,
    CompleteCallResultInput,
    CreateCallInput,
    CreatePledgeCaseInput,
    ExpireCallInput,
    Input,
    PledgeRecord,
    UpdatePledgeCaseInput,
)

CALL_INCLUDES: Final = ("person", "personQualityResult", "pledge", "transactions")
WITHOUT: Final = "null"
"""As reference id and application name: only calls that have neither."""

D = TypeVar("D")
R = TypeVar("R", CallRecord, PledgeRecord)


class BrokenPaging(RemoteError):
    """The cursors of a feed lead nowhere or in a circle: what was walked so far counts for
    nothing."""


class Page(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """One page of a walk.

    ``started_at`` is our clock before it was asked for and ``date`` the other side's in the
    answer. ``is_in_order`` says whether the page, and the step onto it, kept the documented
    order; ``deviations`` counts what is otherwise than documented in its records.
    """

    records: tuple[R, ...]
    bad: tuple[BadRecord, ...]
    start_cursor: str | None
    end_cursor: str | None
    has_next_page: bool
    has_previous_page: bool
    started_at: dt.datetime
    date: dt.datetime | None
    is_in_order: bool
    deviations: Mapping[Deviation, int]

    @property
    def unknown_fields(self) -> tuple[str, ...]:
        """The places of fields that no schema names."""
        return tuple(sorted(found.path for found in self.deviations if found.kind == FIELD))


class TapRaise:
    """One account at TapRaise. ``base_url`` goes without ``/api/v1``."""

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
            adapter=adapter,
            clock=clock,
            connect_seconds=connect_seconds,
            exchange_seconds=exchange_seconds,
            ca_file=ca_file,
        )

    def __repr__(self) -> str:
        return f"<TapRaise at {self._remote!r}>"

    def close(self) -> None:
        self._remote.close()

    def calls(
        self,
        *,
        owning_organization_uuid: UUID | None = None,
        external_status_code: str | None = None,
        external_reference_id: str | None = None,
        external_application_name: str | None = None,
        requested_from: dt.datetime | None = None,
        requested_until: dt.datetime | None = None,
        requested_after: dt.datetime | None = None,
        updated_after: dt.datetime | None = None,
        include: Sequence[str] = CALL_INCLUDES,
        after: str | None = None,
        before: str | None = None,
        backwards: bool = False,
        page_size: int | None = None,
    ) -> Generator[Page[CallRecord], None, None]:
        """Walk calls, the most recently requested first (``GET /api/v1/calls``).

        ``after`` resumes a walk at the cursor of its last page. ``backwards`` walks from the
        far end, or from ``before``, with ``last``: its pages come last page first.
        What is not included comes as None. The ends of the requested window go together, and so
        do the application's name and its reference (``WITHOUT`` for calls that have neither).
        Raises ``NotSendable`` at once, and while walking ``BrokenPaging``, ``Unclear`` for a page
        that is none, and every other ``RemoteError``.
        """
        rules.check_calls_query(
            requested_from=requested_from,
            requested_until=requested_until,
            external_application_name=external_application_name,
            external_reference_id=external_reference_id,
        )
        filters = _query(
            owningOrganizationUuid=owning_organization_uuid,
            externalStatusCode=external_status_code,
            externalReferenceId=external_reference_id,
            externalApplicationName=external_application_name,
            requestedFrom=requested_from,
            requestedUntil=requested_until,
            requestedAfter=requested_after,
            updatedAfter=updated_after,
            include=",".join(include) or None,
        )
        return self._walk("/api/v1/calls", filters, CallRecord, after, before, backwards, page_size)

    def pledges(
        self,
        *,
        status: str = "all",
        person_uuid: UUID | None = None,
        with_ideal_qr: bool | None = None,
        updated_after: dt.datetime | None = None,
        released_after: dt.datetime | None = None,
        include: str | None = "transactions",
        after: str | None = None,
        before: str | None = None,
        backwards: bool = False,
        page_size: int | None = None,
    ) -> Generator[Page[PledgeRecord], None, None]:
        """Walk pledges, the most recently created first (``GET /api/v1/pledges``).

        ``include`` is a single value here. The rest is as with ``calls``.
        """
        filters = _query(
            status=status,
            personUuid=person_uuid,
            withIdealQr=with_ideal_qr,
            updatedAfter=updated_after,
            releasedAfter=released_after,
            include=include,
        )
        return self._walk(
            "/api/v1/pledges", filters, PledgeRecord, after, before, backwards, page_size
        )

    def pledge(self, *, uuid: UUID, include: Sequence[str] = ("transactions",)) -> PledgeRecord:
        """Read one pledge (``GET /api/v1/pledges/{uuid}``); raises ``NotFound`` for none."""
        return _record(self._read_pledge(uuid, include), PledgeRecord, uuid)

    def signature_address(self, *, uuid: UUID) -> str | None:
        """Where a pledge's signature can be heard or seen for an hour; None when there is none
        (``GET /api/v1/pledges/{uuid}``).

        Every other read drops this field; this one reads nothing else. Raises ``NotFound`` for no
        such pledge.
        """
        signed = _decode(self._read_pledge(uuid, ()), _Signed)
        if signed.uuid != uuid:
            raise Unclear("The answer is about something else", 200)
        return signed.signature_signed_url

    def call_by_pledge(self, *, uuid: UUID, related_case_uuid: UUID) -> CallRecord | None:
        """Read one call back through its pledge (``GET /api/v1/pledges/{uuid}``).

        None means that there was no reading: no such pledge for us, or one that does not show the
        call.
        Its neighbours on the pledge need not be readable; raises ``Unclear`` if it is not.
        """
        try:
            answer = self._read_pledge(related_case_uuid, ("calls",))
        except (NotFound, Forbidden):
            # A scope without pledges must not keep calls from being read in another way.
            return None
        nodes = _decode(answer, _PledgeCalls).calls or ()
        for node in nodes:
            if _is_about(bytes(node), uuid):
                return _record(msgspec.structs.replace(answer, body=bytes(node)), CallRecord, uuid)
        return None

    def call_by_time(
        self,
        *,
        uuid: UUID,
        requested_at: dt.datetime,
        owning_organization_uuid: UUID | None = None,
        include: Sequence[str] = (),
    ) -> CallRecord | None:
        """Read one call back by when it was requested, a second around (``GET /api/v1/calls``).

        None means that there was no reading: no such call there. Raises ``Unclear`` if it is there
        and cannot be read.
        """
        second = dt.timedelta(seconds=1)
        for page in self.calls(
            requested_from=requested_at - second,
            requested_until=requested_at + second,
            owning_organization_uuid=owning_organization_uuid,
            include=include,
        ):
            for record in page.records:
                if record.uuid == uuid:
                    return record
            if any(bad.uuid == uuid for bad in page.bad):
                raise Unclear("The call that was read back cannot be read", 200)
        return None

    def create_call(self, *, call: CreateCallInput) -> CallRecord:
        """Request a call (``POST /api/v1/calls``).

        Raises ``Conflict`` when the uuid was taken before, by us or by somebody else.
        """
        uuid = rules.check_create_call(call)
        return self._write("POST", "/api/v1/calls", call, CallRecord, uuid)

    def add_attempt(self, *, uuid: UUID, user_uuid: UUID, attempt_at: dt.datetime) -> CallRecord:
        """Log one dial (``PUT /api/v1/calls/{uuid}/actions/add-attempt``). Twice sent is two.

        The user and the time are optional there and not here: they are how it is found again.
        """
        body = AddCallAttemptInput(user_uuid=user_uuid, attempt_at=attempt_at)
        return self._act(uuid, "add-attempt", body)

    def complete_call(
        self,
        *,
        uuid: UUID,
        user_uuid: UUID,
        result_code: str,
        completed_at: dt.datetime,
        notes: str | None = None,
        donor_retention_rating: int | None = None,
    ) -> CallRecord:
        """Say how a call ended (``PUT /api/v1/calls/{uuid}/actions/complete``).

        Notes and rating (1 to 10) are left out when they are None: null is not accepted there.
        """
        rules.check_complete_call(result_code, donor_retention_rating)
        result = CompleteCallResultInput(
            completed_at=completed_at,
            notes=UNSET if notes is None else notes,
            donor_retention_rating=(
                UNSET if donor_retention_rating is None else donor_retention_rating
            ),
            result_code=result_code,
        )
        return self._act(uuid, "complete", CompleteCallInput(user_uuid=user_uuid, result=result))

    def cancel_call(self, *, uuid: UUID, cancelled_at: dt.datetime) -> CallRecord:
        """Cancel a call (``PUT …/actions/cancel``); ``Conflict`` when it was cancelled before."""
        return self._act(uuid, "cancel", CancelCallInput(cancelled_at=cancelled_at))

    def expire_call(self, *, uuid: UUID, expired_at: dt.datetime) -> CallRecord:
        """Give a call up (``PUT /api/v1/calls/{uuid}/actions/expire``) as of a time of ours."""
        return self._act(uuid, "expire", ExpireCallInput(expired_at=expired_at))

    def create_pledge(self, *, pledge: CreatePledgeCaseInput) -> PledgeRecord:
        """Create a pledge (``POST /api/v1/pledges``); ``Conflict`` when the uuid is taken."""
        uuid = rules.check_create_pledge(pledge)
        return self._write("POST", "/api/v1/pledges", pledge, PledgeRecord, uuid)

    def update_pledge(self, *, uuid: UUID, changes: UpdatePledgeCaseInput) -> PledgeRecord:
        """Change a pledge (``PUT /api/v1/pledges/{uuid}/actions/update``).

        What is ``UNSET`` stays as it is, what is None is emptied.
        """
        rules.check_update_pledge(changes)
        path = f"/api/v1/pledges/{uuid}/actions/update"
        return self._write("PUT", path, changes, PledgeRecord, uuid)

    def update_pledge_status(self, *, uuid: UUID, action: str) -> PledgeRecord:
        """Take a status action (``PUT /api/v1/pledges/{uuid}/actions/{statusUpdateAction}``).

        The names of the actions are in no document, and neither is a body: none is sent.
        """
        path = f"/api/v1/pledges/{uuid}/actions/{quote(action, safe='')}"
        return self._write("PUT", path, None, PledgeRecord, uuid)

    def _act(self, uuid: UUID, action: str, body: Input) -> CallRecord:
        return self._write("PUT", f"/api/v1/calls/{uuid}/actions/{action}", body, CallRecord, uuid)

    def _write(self, method: str, path: str, body: Input | None, kind: type[R], uuid: UUID) -> R:
        content = None if body is None else encode(body)
        return _record(self._remote.write(method, path, content), kind, uuid)

    def _read_pledge(self, uuid: UUID, include: Sequence[str]) -> Answer:
        query = [("include", value) for value in include]
        return self._remote.read(f"/api/v1/pledges/{uuid}", query=query)

    def _walk(
        self,
        path: str,
        filters: list[tuple[str, str]],
        kind: type[R],
        after: str | None,
        before: str | None,
        backwards: bool,
        page_size: int | None,
    ) -> Generator[Page[R], None, None]:
        rules.check_walk(after, before, backwards)
        cursor = before if backwards else after
        return self._follow(
            path, filters, kind, cursor, backwards, str(page_size or self._page_size)
        )

    def _follow(
        self,
        path: str,
        filters: list[tuple[str, str]],
        kind: type[R],
        cursor: str | None,
        backwards: bool,
        page_size: str,
    ) -> Generator[Page[R], None, None]:
        size_name, cursor_name = ("last", "before") if backwards else ("first", "after")
        seen = {cursor}
        edge: dt.datetime | None = None
        while True:
            query = [*filters, (size_name, page_size)]
            if cursor is not None:
                query.append((cursor_name, cursor))
            page, edge = _page(self._remote.read(path, query=query), kind, edge, backwards)
            has_more = page.has_previous_page if backwards else page.has_next_page
            cursor = page.start_cursor if backwards else page.end_cursor
            if has_more and cursor is None:
                raise BrokenPaging("More pages, and no cursor to them")
            if has_more and cursor in seen:
                raise BrokenPaging("A cursor that came by before")
            seen.add(cursor)
            yield page
            if not has_more:
                return


class _PledgeCalls(msgspec.Struct, frozen=True):
    calls: tuple[msgspec.Raw, ...] | None = None


class _Signed(msgspec.Struct, frozen=True, rename="camel"):
    uuid: UUID
    signature_signed_url: str | None = None

    def __repr__(self) -> str:
        return "<_Signed>"


class _Identity(msgspec.Struct, frozen=True):
    uuid: UUID


def _query(**parameters: object) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in parameters.items() if value is not None]


def _text(value: object) -> str:
    if isinstance(value, dt.datetime):
        return instant(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _decode(answer: Answer, kind: type[D]) -> D:
    try:
        return decode(answer.body, kind)
    except Unreadable as error:
        reason = f"The answer is not what it should be: {error}"
    raise Unclear(reason, answer.status)


def _record(answer: Answer, kind: type[R], uuid: UUID) -> R:
    record = _decode(answer, kind)
    if record.uuid != uuid:
        raise Unclear("The answer is about something else", answer.status)
    return record


def _is_about(node: bytes, uuid: UUID) -> bool:
    try:
        return decode(node, _Identity).uuid == uuid
    except Unreadable:
        return False


def _page(
    answer: Answer, kind: type[R], edge: dt.datetime | None, backwards: bool
) -> tuple[Page[R], dt.datetime | None]:
    """Read a page, and return with it the time at its far end, for the next one's order."""
    try:
        content = decode_page(answer.body, kind)
    except Unreadable as error:
        raise Unclear(f"The answer is not a page: {error}", answer.status) from None
    # Seen from the far end of a walk backwards, the newest record is the last to come by.
    times: list[dt.datetime] = [_sorted_by(record) for record in content.records]
    if backwards:
        times.reverse()
    path = times if edge is None else [edge, *times]
    page = Page(
        records=content.records,
        bad=content.bad,
        start_cursor=content.info.start_cursor,
        end_cursor=content.info.end_cursor,
        has_next_page=content.info.has_next_page,
        has_previous_page=content.info.has_previous_page,
        started_at=answer.started_at,
        date=answer.date,
        is_in_order=path == sorted(path, reverse=not backwards),
        deviations=content.deviations,
    )
    return page, times[-1] if times else edge


def _sorted_by(record: CallRecord | PledgeRecord) -> dt.datetime:
    return record.requested_at if isinstance(record, CallRecord) else record.created_at
