"""What the page of a person shows, read from rows alone: no writes, and nothing from outside.

The mirror with ours laid over it: a call that was completed here is completed, with the chip of the
message that tells TapRaise. Every moment is passed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from calls.desk import Undoable
from calls.models import Call, Completion, Ending, NewCall, ResultCode
from integrations.chips import Chip, chip
from integrations.models import Delivery
from pledges.models import NewPledge, Objection, Person, Pledge, Transaction, in_euros, in_words
from pledges.page import method_words
from pledges.payment_lines import Line, MandateLine, read_lines
from pledges.payment_story import look
from pledges.phone import as_spoken
from pledges.quality import failed_gates

# How many of each the page shows at first, how many more a press shows, and how many at most.
FIRST, MORE, MOST = 6, 24, 500

Row = TypeVar("Row")
Model = TypeVar("Model", Call, Pledge, Transaction)


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """The first rows of a list; `more` is how many to ask for to see what follows, if any does."""

    rows: Sequence[Row]
    more: int | None = None


@dataclass(frozen=True)
class CallLine:
    """One call: as TapRaise tells it, unless somebody here ended it."""

    call: Call
    is_open: bool
    status: str
    result: str
    rating: int | None
    duration: str
    # Of what was done here with it last, or of the request itself.
    delivery: Delivery | None = None
    chip: Chip | None = None


@dataclass(frozen=True)
class PaymentLine:
    payment: Transaction
    status: str
    way: str


@dataclass(frozen=True)
class UnderWay:
    """A call or a pledge that was asked for here, and that no read has brought yet."""

    made: NewCall | NewPledge
    is_call: bool
    # A type of call, or an amount.
    what: str
    at: datetime
    delivery: Delivery
    chip: Chip
    # While the reader may still take it back.
    undoable: Undoable | None


@dataclass(frozen=True)
class PersonPage:
    """One person as one reader sees them at one moment."""

    person: Person
    phones: Sequence[str]
    gates: Sequence[str]
    # What the donor objected to, newest first; lifted ones too.
    objections: Sequence[Objection]
    under_way: Sequence[UnderWay]
    calls: Listing[CallLine]
    pledges: Listing[Pledge]
    payments: Listing[PaymentLine]
    # PayLinks, messages and e-Mandates of people here.
    offers: Listing[Line]
    # Of those the e-Mandate that counts: the newest that was given, else the newest to be given.
    mandate: MandateLine | None

    @property
    def is_moving(self) -> bool:
        """Whether a chip can still change by itself."""
        chips = [line.chip for line in self.under_way]
        chips += [line.chip for line in self.calls.rows if line.chip]
        return any(not one.is_settled for one in chips)


def read_person(
    person: Person, *, user: User, at: datetime, limits: Mapping[str, int]
) -> PersonPage:
    """The page of a person whom this user may see. `limits`: how many calls, pledges, payments and
    offers."""
    calls = _first(_calls(person, user), limits.get("calls"))
    payments = Transaction.objects.filter(person=person).order_by("-created_at", "-pk")
    paid = _first(payments, limits.get("payments"))
    wanted = _wanted(limits.get("offers"))
    # So many of each kind, for they are told as one list.
    found = look(person.pk, at=at)
    offers, _messages = read_lines(person, found, user=user, at=at, most=wanted + 1)
    return PersonPage(
        person=person,
        phones=_phones(person),
        gates=failed_gates(person),
        objections=list(
            Objection.objects.filter(Q(person_uuid=person.pk) | Q(persons__person=person))
            .distinct()
            .select_related("user", "lifted_by")
            .order_by("-at")
        ),
        under_way=_under_way(person, user, at=at),
        calls=Listing(_call_lines(calls.rows, at=at), calls.more),
        pledges=_first(_pledges(person, user), limits.get("pledges")),
        payments=Listing([_payment_line(payment) for payment in paid.rows], paid.more),
        offers=_cut(offers, wanted),
        mandate=_mandate(offers),
    )


def read_chips(
    person: Person, *, user: User, at: datetime, limits: Mapping[str, int]
) -> list[tuple[Delivery, Chip]]:
    """The chips on that page anew: this is asked every few seconds while one of them moves."""
    calls = _first(_calls(person, user), limits.get("calls"))
    lines = _call_lines(calls.rows, at=at)
    told = [(line.delivery, line.chip) for line in lines if line.delivery and line.chip]
    return [*((line.delivery, line.chip) for line in _under_way(person, user, at=at)), *told]


def _first(rows: "QuerySet[Model]", limit: int | None) -> Listing[Model]:
    wanted = _wanted(limit)
    return _cut(list(rows[: wanted + 1]), wanted)


def _wanted(limit: int | None) -> int:
    return min(max(limit or FIRST, FIRST), MOST)


def _cut(found: Sequence[Row], wanted: int) -> Listing[Row]:
    has_more = len(found) > wanted and wanted < MOST
    return Listing(found[:wanted], min(wanted + MORE, MOST) if has_more else None)


def _phones(person: Person) -> list[str]:
    """The numbers as they are read out; one that no phone knows, as TapRaise has it."""
    given = (
        (person.mobile_e164, person.mobile_phone_number),
        (person.phone_e164, person.phone_number),
    )
    words = [as_spoken(known) if known else raw for known, raw in given]
    return list(dict.fromkeys(word for word in words if word))


# ── Calls ─────────────────────────────────────────────────────────────────────────────────────────


def _calls(person: Person, user: User) -> QuerySet[Call]:
    """Open ones first, then the newest."""
    is_open = Exists(Call.objects.open().filter(pk=OuterRef("pk")))
    return (
        Call.objects.visible_to(user)
        .filter(person=person, gone_at=None)
        .annotate(is_open=is_open)
        .select_related("calling_organization", "pledge")
        .order_by("-is_open", "-requested_at", "-uuid")
    )


def _call_lines(calls: Sequence[Call], *, at: datetime) -> list[CallLine]:
    shown = [call.pk for call in calls]
    ended = Ending.objects.living().filter(call__in=shown).select_related("delivery")
    endings = {one.call_id: one for one in ended}
    done = Completion.objects.living().filter(call__in=shown).select_related("delivery")
    completions = {one.call_id: one for one in done}
    asked = {one.pk: one for one in NewCall.objects.filter(pk__in=shown).select_related("delivery")}
    return [
        _call_line(call, completions.get(call.pk), endings.get(call.pk), asked.get(call.pk), at=at)
        for call in calls
    ]


def _call_line(
    call: Call,
    completion: Completion | None,
    ending: Ending | None,
    asked: NewCall | None,
    *,
    at: datetime,
) -> CallLine:
    status, code, rating = call.status_words, call.result_code, call.result_rating
    if not call.has_ended and completion:
        status = str(Call.Status.COMPLETED.label)
        code, rating = completion.result_code, completion.retention_rating
    elif not call.has_ended and ending:
        status = str(Ending.Kind(ending.kind).label)
    told = completion or ending or asked
    return CallLine(
        call=call,
        is_open=not (call.has_ended or completion or ending),
        status=status,
        result=in_words(ResultCode, code),
        rating=rating,
        duration=call.recording_time,
        delivery=told.delivery if told else None,
        chip=chip(told.delivery, at=at) if told else None,
    )


# ── Pledges and payments ──────────────────────────────────────────────────────────────────────────


def _pledges(person: Person, user: User) -> QuerySet[Pledge]:
    known = Pledge.objects.visible_to(user).filter(fetched_at__isnull=False, gone_at=None)
    return known.filter(person=person).order_by("-created_at", "-pk")


def _payment_line(payment: Transaction) -> PaymentLine:
    status = in_words(Transaction.Status, payment.status)
    return PaymentLine(payment, status, method_words(payment.method))


def _mandate(offers: Sequence[Line]) -> MandateLine | None:
    made = [line for line in offers if isinstance(line, MandateLine)]
    given = [line for line in made if line.mandate.is_signed]
    return next(iter([*given, *(line for line in made if line.is_open)]), None)


# ── What was asked for here ───────────────────────────────────────────────────────────────────────


def _new_calls(person: Person, user: User) -> QuerySet[NewCall]:
    theirs = user.organizations.values("pk")
    mine = Q(calling_organization__in=theirs) | Q(calling_organization=None)
    return NewCall.objects.filter(mine, person=person)


def _under_way(person: Person, user: User, *, at: datetime) -> list[UnderWay]:
    """Newest first. What TapRaise refused stands here too, for somebody has to see it."""
    new_calls = (
        _new_calls(person, user)
        .filter(~Exists(Call.objects.filter(pk=OuterRef("pk"))))
        .select_related("user", "delivery", "calling_organization")
        .order_by("-requested_at")[:MORE]
    )
    known = Pledge.objects.filter(pk=OuterRef("pk"), fetched_at__isnull=False)
    new_pledges = (
        NewPledge.objects.visible_to(user)
        .filter(~Exists(known), person=person)
        .select_related("user", "delivery", "owning_organization")
        .order_by("-at")[:MORE]
    )
    lines = [
        *(_line(one, _kind(one), one.requested_at, user=user, now=at) for one in new_calls),
        *(_line(one, _terms(one), one.at, user=user, now=at) for one in new_pledges),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _kind(new_call: NewCall) -> str:
    return in_words(Call.Type, new_call.type) if new_call.type else _("call")


def _terms(new_pledge: NewPledge) -> str:
    interval = in_words(Pledge.Interval, new_pledge.donation_interval)
    return f"{in_euros(new_pledge.donation_amount)} {interval}"


def _line(
    made: NewCall | NewPledge, what: str, at: datetime, *, user: User, now: datetime
) -> UnderWay:
    delivery = made.delivery
    has_left = delivery.state != Delivery.State.READY or delivery.tries > 0
    may_undo = made.user_id == user.pk and not has_left and delivery.not_before > now
    return UnderWay(
        made=made,
        is_call=isinstance(made, NewCall),
        what=what,
        at=at,
        delivery=delivery,
        chip=chip(delivery, at=now),
        undoable=Undoable(token=made.token, until=delivery.not_before) if may_undo else None,
    )
