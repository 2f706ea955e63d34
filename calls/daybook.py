"""Every day counted by a worker, for the pages of insight: see `calls.models.DayCount`.

Nothing marks a day as changed. Each is counted again whole, after a time that is longer the longer
ago it was, so that whatever changes a day, a person or TapRaise, is found by itself: see
docs/decisions/0013. Counting twice gives the same rows, and a worker that was away goes on with
the days that waited longest.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    When,
)
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.prepared import Prepared
from calls import gatebook
from calls.insight.today import REACHED
from calls.models import Attempt, Call, Completion, DayCount, DayCounting, ResultCode
from pledges.contact import AMSTERDAM
from pledges.models import AlphacommLink, PayLink, Pledge, PledgeChange, Transaction
from pledges.terms import Move, Terms, a_year, move

# How long a count stands: of a day that is over for less than a fortnight, and of those before.
LATELY: Final = timedelta(days=14)
REST_LATELY: Final = timedelta(hours=1)
REST: Final = timedelta(days=1)
# What began just before midnight is written down by then.
LATE: Final = timedelta(minutes=15)
# A worker stays at it no longer than this before it lets others go first: a tick comes a minute.
AT_A_TIME: Final = timedelta(seconds=5)

# No day before this one is counted: pledges come with moments of any year.
FARTHEST: Final = timedelta(days=3653)

# By what the counts of a day are told apart.
_WHOSE: Final = ("organization_id", "call__type", "user_id")

# After a call it is looked what became of its pledge, and which of them are lost.
LOOKS: Final = (timedelta(days=30), timedelta(days=90))
LOST: Final = (Pledge.Status.CANCELLED, Pledge.Status.DROPPED)

Kind = DayCount.Kind


@dataclass
class _Sum:
    """What one row says."""

    n: int = 0
    a: int = 0
    b: int = 0
    before: Decimal = Decimal("0.00")
    after: Decimal = Decimal("0.00")

    def add(self, *, a: int = 0, b: int = 0) -> None:
        self.n += 1
        self.a += a
        self.b += b


# Kind, code, organisation, call type, user: what tells a row of one day apart.
_Key = tuple[str, str, UUID, str, int]
_Sums = defaultdict[_Key, _Sum]
# The rows of one question about a day.
_Told = Sequence[Any]


def count_days(*, at: datetime, at_a_time: timedelta = AT_A_TIME) -> list[date]:
    """Count the days that are due, today first; those that were counted."""
    began, counted = time.monotonic(), []
    for day in due_days(at=at):
        count_day(day, at=at)
        counted.append(day)
        if time.monotonic() - began > at_a_time.total_seconds():
            break
    return counted


def due_days(*, at: datetime) -> list[date]:
    """The days that are to be counted: today, then what was never counted, the newest first, then
    what waited longest."""
    today = at.astimezone(AMSTERDAM).date()
    first = _first_day(at=at) or today
    known = dict(DayCounting.objects.values_list("day", "counted_at"))
    days = [today - timedelta(days=ago) for ago in range(1, (today - first).days + 1)]
    never = [day for day in days if known.get(day) is None]
    waited = sorted(
        (moment, day)
        for day, moment in known.items()
        if moment is not None and day != today and _is_due(day, moment, at=at)
    )
    return [today, *never, *(day for _, day in waited)]


def _is_due(day: date, counted_at: datetime, *, at: datetime) -> bool:
    over = _midnight(day + timedelta(days=1))
    if counted_at < over + LATE:
        return True
    return counted_at < at - (REST_LATELY if at < over + LATELY else REST)


def _first_day(*, at: datetime) -> date | None:
    """The first day of which there is anything to count: one query, four looks at an index."""
    firsts = {
        "dialled": Attempt.objects.order_by("at").values("at"),
        "completed": Completion.objects.order_by("completed_at").values("completed_at"),
        "linked": PayLink.objects.order_by("at").values("at"),
        "recruited": Pledge.objects.filter(created_at__isnull=False)
        .order_by("created_at")
        .values("created_at"),
    }
    # Beside any row that is there: nobody dials before there is a user.
    looks = {name: Subquery(rows[:1]) for name, rows in firsts.items()}
    found = User.objects.order_by("pk").annotate(**looks).values_list(*looks).first() or ()
    first = min((one.astimezone(AMSTERDAM).date() for one in found if one), default=None)
    return None if first is None else max(first, at.astimezone(AMSTERDAM).date() - FARTHEST)


@dataclass(frozen=True)
class Counted:
    """How fresh the counts of some days are. `oldest`: None while none of them was counted."""

    oldest: datetime | None
    newest: datetime | None
    # Days of which there is something, and that no worker has come to yet.
    missing: int


def read_counted(since: date, until: date, *, at: datetime) -> Counted:
    """How fresh the counts from one day to another are, both included: two queries."""
    today = at.astimezone(AMSTERDAM).date()
    first, last = max(_first_day(at=at) or today, since), min(until, today)
    found = DayCounting.objects.filter(day__range=(first, last)).aggregate(
        oldest=Min("counted_at"), newest=Max("counted_at"), counted=Count("counted_at")
    )
    expected = max((last - first).days + 1, 0)
    return Counted(found["oldest"], found["newest"], expected - found["counted"])


def newest_count() -> tuple[datetime, int] | None:
    """When days were counted last, and how many of them then, whichever they were: one query. It
    changes with every day that is counted."""
    counted = DayCounting.objects.filter(counted_at__isnull=False).values_list("counted_at")
    return counted.annotate(n=Count("pk")).order_by("-counted_at").first()


def count_day(day: date, *, at: datetime) -> None:
    """Count one day. Two who do so at once wait for each other; rows that say the same stay."""
    DayCounting.objects.get_or_create(day=day)
    its = {"begins": _midnight(day), "ends": _midnight(day + timedelta(days=1))}
    with transaction.atomic():
        DayCounting.objects.select_for_update().get(day=day)
        sums: _Sums = defaultdict(_Sum)
        _add_dials(sums, _DIALS.ask(**its))
        _add_results(sums, _RESULTS.ask(**its))
        _add_pay_links(sums, _PAY_LINKS.ask(**its))
        rows = DayCount.objects.filter(day=day)
        there = {
            (row.kind, row.code, row.organization_id, row.call_type, row.user_id): (
                row.pk,
                _Sum(row.n, row.a, row.b, row.before, row.after),
            )
            for row in rows
        }
        stale = [pk for key, (pk, told) in there.items() if sums.get(key) != told]
        kept = {key for key, (_, told) in there.items() if sums.get(key) == told}
        rows.filter(pk__in=stale).delete()
        DayCount.objects.bulk_create(
            [_row(day, key, one) for key, one in sums.items() if key not in kept], batch_size=500
        )
        gatebook.count_gates(day, **its)
        DayCounting.objects.filter(day=day).update(counted_at=at)


def _row(day: date, key: _Key, one: _Sum) -> DayCount:
    kind, code, organization, call_type, user = key
    return DayCount(
        day=day,
        kind=kind,
        code=code,
        organization_id=organization,
        call_type=call_type,
        user_id=user,
        **vars(one),
    )


def _dials(*, begins: Any, ends: Any) -> "QuerySet[Any, Any]":
    of_call = Attempt.objects.filter(call=OuterRef("call"))
    so_far = of_call.filter(at__lte=OuterRef("at")).order_by().values("call")
    return (
        Attempt.objects.filter(at__gte=begins, at__lt=ends, organization__isnull=False)
        .annotate(
            nth=Subquery(so_far.annotate(n=Count("pk")).values("n")),
            was_reached=Exists(of_call.filter(at__lt=OuterRef("at"), outcome__in=REACHED)),
        )
        .values_list("at", "nth", "was_reached", "outcome", *_WHOSE)
    )


def _add_dials(sums: _Sums, dials: _Told) -> None:
    for moment, nth, was_reached, outcome, *whose in dials:
        is_open, is_reached = outcome == Attempt.Outcome.OPEN, outcome in REACHED
        hour = moment.astimezone(AMSTERDAM).hour
        sums[Kind.HOUR, str(hour), *_parts(whose)].add(a=is_reached, b=is_open)
        if not is_open and not was_reached:
            sums[Kind.NTH, str(nth), *_parts(whose)].add(a=is_reached)


def _results(*, begins: Any, ends: Any) -> "QuerySet[Any, Any]":
    done = Completion.objects.living().filter(
        completed_at__gte=begins, completed_at__lt=ends, organization__isnull=False
    )
    # What was changed with a result was sent by the same form.
    changes = PledgeChange.objects.living().filter(token=OuterRef("token"), wanted_status="")
    # The first payment after the call that was taken back.
    reversals = Transaction.objects.filter(
        pledge=OuterRef("call__pledge"),
        status=Transaction.Status.REVERSED,
        created_at__gte=OuterRef("completed_at"),
    ).order_by("created_at")
    return done.annotate(
        wanted=Subquery(changes.values("wanted")[:1]),
        was=Subquery(changes.values("before")[:1]),
        amount=F("call__pledge__donation_amount"),
        interval=F("call__pledge__donation_interval"),
        lost_at=Case(
            When(
                call__pledge__status__in=LOST,
                then=Coalesce("call__pledge__ends_at", "call__pledge__updated_at"),
            )
        ),
        reversed_at=Subquery(reversals.values("created_at")[:1]),
    ).values_list(
        "result_code",
        "retention_rating",
        "call__pledge",
        "amount",
        "interval",
        "was",
        "wanted",
        "completed_at",
        "lost_at",
        "reversed_at",
        *_WHOSE,
    )


def _add_results(sums: _Sums, told: _Told) -> None:
    for code, rating, pledge, amount, interval, was, wanted, at, lost, reversed_, *whose in told:
        sums[Kind.RESULT, code, *_parts(whose)].add(a=rating is not None, b=rating or 0)
        if pledge is None:
            continue
        if code != ResultCode.DROPPED:
            losses = [moment - at for moment in (lost, reversed_) if moment is not None]
            within = [any(loss <= days for loss in losses) for days in LOOKS]
            rated = sums[Kind.RATING, str(rating or ""), *_parts(whose)]
            rated.add(a=within[0], b=within[1])
        before, after = (_terms(kept, amount, interval) for kept in (was, wanted))
        way = DayCount.DROPPED if code == ResultCode.DROPPED else str(move(before, after))
        one = sums[Kind.AMOUNT, way, *_parts(whose)]
        years = a_year(before), a_year(after)
        # Of what did not change here the mirror tells what it comes to now, not what it did then.
        is_known = way not in (DayCount.DROPPED, Move.SAME) and None not in years
        one.add(a=is_known)
        if is_known:
            one.before += years[0] or 0
            one.after += years[1] or 0


def _pay_links(*, begins: Any, ends: Any) -> "QuerySet[Any, Any]":
    links = AlphacommLink.objects.filter(pay_link=OuterRef("pk"))
    paid = links.filter(status=AlphacommLink.Status.PAID)
    cents = paid.order_by().values("pay_link").annotate(cents=Sum("amount_paid")).values("cents")
    call_type = Call.objects.filter(pk=OuterRef("call_uuid")).values("type")
    made = PayLink.objects.living().filter(
        at__gte=begins, at__lt=ends, person__owning_organization__isnull=False
    )
    return made.annotate(
        # Who paid has opened it, whether that was told or not.
        was_opened=Exists(links.filter(visited_at__isnull=False)) | Exists(paid),
        was_paid=Exists(paid),
        cents=Subquery(cents),
        call_type=Subquery(call_type),
    ).values_list(
        "message",
        "amount",
        "was_opened",
        "was_paid",
        "cents",
        "person__owning_organization_id",
        "call_type",
        "user_id",
    )


def _add_pay_links(sums: _Sums, told: _Told) -> None:
    for message, amount, was_opened, was_paid, paid_cents, *whose in told:
        way = DayCount.BY_LINK if message is None else DayCount.BY_TEXT
        one = sums[Kind.PAY_LINK, way, *_parts(whose)]
        one.add(a=was_opened, b=was_paid)
        one.before += amount
        one.after += Decimal(paid_cents or 0) / 100


# A worker asks these of every day there is, most of them again and again.
_DIALS: Final[Prepared[Any]] = Prepared(_dials, **gatebook.OF_A_DAY)
_RESULTS: Final[Prepared[Any]] = Prepared(_results, **gatebook.OF_A_DAY)
_PAY_LINKS: Final[Prepared[Any]] = Prepared(_pay_links, **gatebook.OF_A_DAY)


def _terms(kept: dict[str, Any] | None, amount: Decimal | None, interval: str | None) -> Terms:
    """What a change says of a pledge; what it does not speak of, the mirror does."""
    kept = kept or {}
    said = kept.get("donation_amount")
    return Terms(
        amount=amount if said is None else Decimal(said),
        interval=kept.get("donation_interval") or interval,
    )


def _parts(whose: list[Any]) -> tuple[UUID, str, int]:
    organization, call_type, user = whose
    return organization, call_type or "", user


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time_of_day(), AMSTERDAM)
