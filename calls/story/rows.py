"""The rows that a story is made of, of whatever kind: each tells of one moment, in columns that are
the same for all, so that one statement reads a page of them in the order of time.

What the caller has read already (calls, dials, pledges, messages) is put between them here.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, Final, NamedTuple

from django.db.models import (
    AutoField,
    BigAutoField,
    Case,
    DecimalField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    UUIDField,
    Value,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat, LPad, TruncSecond

from accounts.models import AuditEntry, User, spoken_name_of
from calls import queue
from calls.models import (
    Attempt,
    Call,
    Check,
    Completion,
    Ending,
    NewCall,
    RingBack,
    Saying,
    Skip,
    TakenAway,
)
from calls.story.places import DEEDS, Place
from integrations.models import Delivery, WebhookEvent
from pledges.models import (
    AlphacommLink,
    Correction,
    LeftOut,
    Mandate,
    NewPledge,
    ObjectedPerson,
    Objection,
    PayLink,
    Pledge,
    PledgeChange,
    TextMessage,
    Transaction,
    VoiceResult,
)

SECOND: Final = timedelta(seconds=1)
# What of a message is told by itself; what a person decided, the trail tells.
CAME_BACK: Final = (
    Delivery.Outcome.DONE,
    Delivery.Outcome.DONE_BY_OTHER,
    Delivery.Outcome.REJECTED,
)
# Digits of a number as a text that is in order: as many as the largest has.
WIDTH: Final = 20


class Row(NamedTuple):
    """One moment. `key` tells it apart from others of its place in the same second."""

    second: datetime
    place: int
    key: str
    at: datetime
    first_name: str | None = ""
    username: str | None = ""
    call: uuid.UUID | None = None
    delivery: uuid.UUID | None = None
    amount: Decimal | None = None
    # What else the words are made of; see `calls.story.words`.
    a: str | None = ""
    b: str | None = ""
    c: str | None = ""
    d: str | None = ""
    # What the caller had read.
    thing: Any = None

    @property
    def who(self) -> str:
        return self.first_name or self.username or ""

    @property
    def facts(self) -> dict[str, Any]:
        """What the trail keeps of a deed."""
        found: dict[str, Any] = json.loads(self.c or "{}")
        return found


class Point(NamedTuple):
    """A place between two moments, as an address names it."""

    second: datetime
    place: int
    key: str

    @classmethod
    def of(cls, row: Row) -> "Point":
        return cls(row.second, row.place, row.key)

    @classmethod
    def read(cls, text: Any) -> "Point | None":
        """What stands in an address; None when that is no such point."""
        try:
            moment, place, key = str(text).split("_", 2)
            second = datetime.fromisoformat(moment)
            if second.tzinfo is None:
                return None
            return cls(second.astimezone(UTC).replace(microsecond=0), Place(int(place)), key)
        except (ValueError, OverflowError):
            return None

    def __str__(self) -> str:
        return f"{self.second.astimezone(UTC).isoformat()}_{int(self.place)}_{self.key}"


@dataclass(frozen=True)
class Scope:
    """Of whom and what a story tells, and how much of it. What is in it, the reader may see.

    `calls` know whether they were asked for, completed or ended here (`with_told`).
    """

    person: uuid.UUID
    places: frozenset[Place]
    deeds: frozenset[str] = frozenset()
    calls: Sequence[Call] = ()
    pledges: Sequence[Pledge] = ()
    # With the user.
    attempts: Sequence[Attempt] = ()
    deliveries: Mapping[uuid.UUID, Delivery] = field(default_factory=dict)
    new_calls: QuerySet[NewCall] = field(default_factory=NewCall.objects.none)
    new_pledges: QuerySet[NewPledge] = field(default_factory=NewPledge.objects.none)
    # That something of the donor was offered, paid or changed is known not to be so.
    has_offers: bool = True


def read_rows(
    scope: Scope, *, size: int | None = None, point: Point | None = None, is_back: bool = False
) -> list[Row]:
    """The newest moments first, behind a point; or, going back, the oldest first before it. At most
    one query, and no more rows than `size`."""
    known = sorted(
        (
            row
            for row in _known(scope)
            if row.place in scope.places and _is_beyond(row, point, is_back)
        ),
        key=attrgetter("second", "place", "key"),
        reverse=not is_back,
    )
    branches = [
        _between(made(), place=place, point=point, is_back=is_back)
        for place, made in _branches(scope)
        if place in scope.places
    ]
    found: Iterable[Row] = ()
    if branches:
        first, *others = branches
        signs = "" if is_back else "-"
        order = [f"{signs}{name}" for name in ("t_second", "t_place", "t_key")]
        union = first.union(*others, all=True).order_by(*order)
        found = map(Row._make, ((*row, None) for row in (union[:size] if size else union)))
    # Each place is of one of the two, so their keys need not be compared.
    both = merge(known, found, key=attrgetter("second", "place"), reverse=not is_back)
    return list(islice(both, size))


def _is_beyond(row: Row, point: Point | None, is_back: bool) -> bool:
    if point is None:
        return True
    here = (row.second, row.place, row.key)
    return here > tuple(point) if is_back else here < tuple(point)


def _between(rows: Any, *, place: Place, point: Point | None, is_back: bool) -> Any:
    """Those beyond a point: where the place is another one, the second alone decides."""
    if point is None:
        return rows
    until = point.second + SECOND
    if is_back:
        later = Q(t_at__gte=until)
        same = Q(t_at__gte=point.second)
        beyond = later | (same & Q(t_key__gt=point.key))
    else:
        later = Q(t_at__lt=until)
        same = Q(t_at__lt=point.second)
        beyond = same | (later & Q(t_key__lt=point.key))
    if place == point.place:
        return rows.filter(beyond)
    is_whole_second = (place > point.place) == is_back
    if is_back:
        return rows.filter(same if is_whole_second else later)
    return rows.filter(later if is_whole_second else same)


# ── What was read already ─────────────────────────────────────────────────────────────────────────


def _known(scope: Scope) -> Iterator[Row]:
    for pledge in scope.pledges:
        if pledge.created_at:
            yield _row(Place.PLEDGE_MADE, pledge.created_at, str(pledge.pk), pledge)
        if pledge.released_at:
            yield _row(Place.PLEDGE_RELEASED, pledge.released_at, str(pledge.pk), pledge)
    for call in scope.calls:
        yield from _of_call(call)
        ours = [one for one in scope.attempts if one.call_id == call.pk]
        for moment in queue.attempts_elsewhere(call, ours):
            key = f"{call.pk}{moment.isoformat()}"
            yield _row(Place.ATTEMPT_ELSEWHERE, moment, key, call, call=call.pk)
    for attempt in scope.attempts:
        yield _row(
            Place.ATTEMPT, attempt.at, str(attempt.pk).zfill(WIDTH), attempt, call=attempt.call_id,
            delivery=attempt.delivery_id,
        )._replace(first_name=attempt.user.spoken_name)  # fmt: skip
    for delivery in scope.deliveries.values():
        key, of = str(delivery.pk), delivery.pk
        if delivery.first_sent_at:
            yield _row(Place.SENT, delivery.first_sent_at, key, delivery, delivery=of)
        if delivery.closed_at and delivery.outcome in CAME_BACK:
            yield _row(Place.CAME_BACK, delivery.closed_at, key, delivery, delivery=of)


def _of_call(call: Call) -> Iterator[Row]:
    """What TapRaise tells of it, where nobody here did it."""
    key = str(call.pk)
    moments = {
        Place.CALL_REQUESTED: None if call.was_asked_for_here else call.requested_at,
        Place.COMPLETED_THERE: None if call.has_completions else call.completed_at,
        Place.CANCELLED_THERE: None if call.has_endings else call.cancelled_at,
        Place.EXPIRED_THERE: None if call.has_endings else call.expired_at,
        Place.GONE: call.gone_at,
    }
    for place, moment in moments.items():
        if moment is not None:
            yield _row(place, moment, key, call, call=call.pk)


def _row(
    place: Place,
    at: datetime,
    key: str,
    thing: Any,
    *,
    call: uuid.UUID | None = None,
    delivery: uuid.UUID | None = None,
) -> Row:
    second = at.astimezone(UTC).replace(microsecond=0)
    return Row(second, place, key, at, call=call, delivery=delivery, thing=thing)


# ── What one statement reads ──────────────────────────────────────────────────────────────────────

Branch = tuple[Place, Callable[[], Any]]

_TEXT: Final = TextField()
_NOTHING: Final = Value("", _TEXT)
_NO_UUID: Final = Cast(Value(None), UUIDField())
_NO_AMOUNT: Final = Cast(Value(None), DecimalField(max_digits=12, decimal_places=2))
COLUMNS: Final = (
    "t_second", "t_place", "t_key", "t_at", "t_first_name", "t_username", "t_call", "t_delivery",
    "t_amount", "t_a", "t_b", "t_c", "t_d",
)  # fmt: skip


def _moments(place: Place, rows: Any, at: str = "at", **columns: Any) -> Branch:
    """These rows as moments, made once they are asked for: see `_as_moments`."""
    return place, partial(_as_moments, place, rows, at, **columns)


def _as_moments(
    place: Place,
    rows: Any,
    at: str,
    *,
    user: str | None = "user",
    call: str | None = None,
    delivery: str | None = None,
    amount: str | None = None,
    texts: Sequence[Any] = (),
) -> Any:
    """These rows as moments. `at`, `user`, `call`, `delivery` and `amount` name columns; `texts`
    columns or expressions."""
    key: Any = Cast("pk", _TEXT)
    if isinstance(rows.model._meta.pk, AutoField | BigAutoField):
        key = LPad(key, WIDTH, Value("0"))
    a_to_d = [Cast(one, _TEXT) for one in texts] + [_NOTHING] * (4 - len(texts))
    told = rows.order_by().filter(**{f"{at}__isnull": False}).annotate(
        t_at=F(at),
        t_second=TruncSecond(at, tzinfo=UTC),
        t_place=Value(int(place), IntegerField()),
        t_key=key,
        t_first_name=Cast(f"{user}__first_name", _TEXT) if user else _NOTHING,
        t_username=Cast(f"{user}__username", _TEXT) if user else _NOTHING,
        t_call=F(call) if call else _NO_UUID,
        t_delivery=F(delivery) if delivery else _NO_UUID,
        t_amount=F(amount) if amount else _NO_AMOUNT,
        **dict(zip(("t_a", "t_b", "t_c", "t_d"), a_to_d, strict=True)),
    )  # fmt: skip
    return told.values_list(*COLUMNS)


def _branches(scope: Scope) -> Iterator[Branch]:
    yield from _of_calls(scope)
    yield from _of_pledges(scope)
    yield from _of_deeds(scope)
    if scope.has_offers:
        yield from _of_offers(scope)


def _of_calls(scope: Scope) -> Iterator[Branch]:
    calls = [call.pk for call in scope.calls]
    completed = [call.pk for call in scope.calls if call.has_completions]
    ended = [call.pk for call in scope.calls if call.has_endings]
    asked_for = scope.new_calls.filter(person=scope.person)
    yield _moments(
        Place.NEW_CALL, asked_for, "requested_at", call="pk", delivery="delivery_id",
        texts=["type", "notes"],
    )  # fmt: skip
    if completed:
        yield _moments(
            Place.COMPLETED, Completion.objects.filter(call__in=completed), "completed_at",
            call="call_id", delivery="delivery_id",
            texts=["result_code", "retention_rating", "notes"],
        )  # fmt: skip
    if ended:
        yield _moments(
            Place.ENDED, Ending.objects.filter(call__in=ended),
            call="call_id", delivery="delivery_id", texts=["kind", "reason"],
        )  # fmt: skip
    if not calls:
        return
    yield _moments(Place.RANG_BACK, RingBack.objects.filter(call__in=calls), call="call_id")
    yield _moments(
        Place.SKIPPED, Skip.objects.filter(call__in=calls), call="call_id",
        texts=["reason", "note"],
    )  # fmt: skip
    out_of = spoken_name_of("user")
    yield _moments(
        Place.TAKEN_AWAY, TakenAway.objects.filter(call__in=calls), user="by", call="call_id",
        texts=["reason", out_of],
    )  # fmt: skip
    yield _moments(
        Place.CHECKED, Check.objects.filter(call__in=calls), call="call_id",
        texts=["item", "answer"],
    )  # fmt: skip
    is_right = Case(When(is_right=True, then=Value("right")), default=Value("wrong"))
    yield _moments(
        Place.SAID, Saying.objects.filter(call__in=calls), call="call_id", texts=["item", is_right]
    )
    yield _moments(
        Place.CORRECTED, Correction.objects.filter(person=scope.person, call_uuid__in=calls),
        call="call_uuid", texts=["item"],
    )  # fmt: skip


def _of_pledges(scope: Scope) -> Iterator[Branch]:
    pledges = [pledge.pk for pledge in scope.pledges]
    yield _moments(
        Place.NEW_PLEDGE, scope.new_pledges.filter(person=scope.person),
        delivery="delivery_id", amount="donation_amount", texts=["donation_interval", "reason"],
    )  # fmt: skip
    if pledges:
        yield _moments(
            Place.CHANGED, PledgeChange.objects.filter(pledge__in=pledges), delivery="delivery_id",
            texts=["wanted_status", "reason", "wanted", "before"],
        )  # fmt: skip
    yield _moments(
        Place.TRANSACTION, Transaction.objects.filter(person=scope.person), "created_at", user=None,
        amount="amount", texts=["status"],
    )  # fmt: skip


def _of_deeds(scope: Scope) -> Iterator[Branch]:
    """What is on the trail about this donor, but for calls and pledges that the reader may not
    see."""
    same_number = ObjectedPerson.objects.filter(person=scope.person).values("objection")
    objected = Objection.objects.filter(Q(person_uuid=scope.person) | Q(pk__in=same_number))
    yield _moments(
        Place.OBJECTED, objected, call="call_uuid", texts=["channel", "reason", "source"]
    )
    yield _moments(
        Place.LIFTED, objected, "lifted_at", user="lifted_by", texts=["channel", "lift_reason"]
    )
    seen = [f"call:{call.pk}" for call in scope.calls]
    seen += [f"pledge:{pledge.pk}" for pledge in scope.pledges]
    lines = {delivery.subject for delivery in scope.deliveries.values()}
    is_apart = ~Q(subject__startswith="call:") & ~Q(subject__startswith="pledge:")
    about_donor = {one for one in scope.deeds if not DEEDS[one].is_of_delivery}
    about_delivery = scope.deeds - about_donor
    names = User.objects.filter(pk=OuterRef("t_to")).annotate(name=spoken_name_of())
    if about_donor:
        entries = AuditEntry.objects.filter(
            is_apart | Q(subject__in=[*seen, *lines]),
            person_uuid=scope.person,
            action__in=about_donor,
        )
        entries = entries.annotate(t_to=Cast(KT("facts__to"), IntegerField()))
        to = Coalesce(Subquery(names.values("name")[:1]), Value(""))
        yield _moments(Place.DEED, entries, texts=["action", to, "facts", "subject"])
    if about_delivery and lines:
        decided = AuditEntry.objects.filter(
            subject__in=lines,
            action__in=about_delivery,
            facts__delivery__in=[str(one) for one in scope.deliveries],
        )
        yield _moments(Place.DEED, decided, texts=["action", _NOTHING, "facts", "subject"])


def _of_offers(scope: Scope) -> Iterator[Branch]:
    person = scope.person
    links = PayLink.objects.filter(person=person)
    texts = TextMessage.objects.filter(person=person)
    mandates = Mandate.objects.filter(person=person)
    # What a text carries was made by the text, which is told already.
    yield _moments(
        Place.PAY_LINK, links.filter(message=None), call="call_uuid", delivery="delivery_id",
        amount="amount",
    )  # fmt: skip
    made = AlphacommLink.objects.filter(pay_link__person=person)
    of_link = {"user": None, "call": "pay_link__call_uuid", "amount": "pay_link__amount"}
    yield _moments(Place.LINK_OPENED, made, "visited_at", texts=["pay_link_id"], **of_link)
    yield _moments(Place.LINK_PAID, made, "paid_at", texts=["pay_link_id"], **of_link)
    yield _moments(
        Place.MANDATE, mandates.filter(message=None), call="call_uuid", delivery="delivery_id"
    )
    yield _moments(Place.MANDATE_GIVEN, mandates, "signed_at", user=None, call="call_uuid")
    # How it stands: refused, told and in which word, stopped, and what its delivery says of it.
    marks = Case(
        When(ended_badly_at__isnull=False, then=Value("refused")),
        When(evidence__isnull=False, then=Value("told")),
        When(stopped_at__isnull=False, then=Value("stopped")),
        default=Value(""),
    )
    stands = _joined(marks, "delivery__state", "delivery__reason", "record_status")
    word = Coalesce(KT("evidence__status"), _NOTHING)
    yield _moments(
        Place.MESSAGE, texts, call="call_uuid", delivery="delivery_id",
        texts=["medium", "script__name", stands, word],
    )  # fmt: skip
    yield _moments(
        Place.REPORTED, texts, "evidence_at", user=None, call="call_uuid",
        texts=["medium", "script__name", word],
    )  # fmt: skip
    is_reached = Case(When(is_reached=True, then=Value("reached")), default=Value("missed"))
    yield _moments(
        Place.RUNG, VoiceResult.objects.filter(message__person=person), user=None,
        call="message__call_uuid", texts=["status", is_reached],
    )  # fmt: skip
    yield _moments(
        Place.LEFT_OUT, LeftOut.objects.filter(person=person), "batch__at", user="batch__user",
        texts=["reason", "batch__script__name"],
    )  # fmt: skip
    told_of_links = WebhookEvent.objects.filter(service_id__in=made.values("pk"))
    told_of_texts = WebhookEvent.objects.filter(reference__in=texts.values("reference"))
    for place, told in ((Place.EVENT, told_of_links), (Place.EVENT_OF_MESSAGE, told_of_texts)):
        yield _moments(place, told, "received_at", user=None, texts=["event", "state"])


def _joined(*parts: Any) -> Any:
    """Several codes in one column, with a bar between them."""
    codes = [Coalesce(Cast(part, _TEXT), _NOTHING) for part in parts]
    between = [one for code in codes for one in (Value("|", _TEXT), code)]
    return Concat(*between[1:], output_field=_TEXT)
