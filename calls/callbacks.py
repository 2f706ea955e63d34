"""The callbacks that are waiting: as a person's start page lists them, and as the floor does."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import models
from django.db.models import (
    BigIntegerField,
    Count,
    DateField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
)
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.keyset import Page, Pages
from accounts.models import User
from accounts.prepared import Prepared
from calls import moments, queue
from calls.models import Attempt, Call, Callback
from pledges.contact import Rulebook
from pledges.objections import Objections

# How many the list shows; the count says how many more are due.
SHOWN: Final = 8


@dataclass(frozen=True)
class Promise:
    """One callback; `is_due`: Next may serve it now."""

    callback: Callback
    when: str
    is_due: bool
    # Why nobody can make it, in words; empty: nothing is in the way.
    why_not: str = ""


@dataclass(frozen=True)
class Promises:
    """What was agreed on and is to come, the soonest first."""

    shown: Sequence[Promise]
    # How many Next would serve while calling is open.
    due: int

    @property
    def more(self) -> int:
        return max(self.due - sum(one.is_due for one in self.shown), 0)


def _promised(*, user: Any, at: Any, today: Any) -> Any:
    """This user's own callbacks, and those of the team that are due."""
    due = Callback.objects.due_for(user, at=at)
    mine = Q(whose=Callback.Whose.MINE, user=user)
    unkeepable = queue.unkeepable(Callback.objects.open(), today=today)
    free = queue.free(Call.objects.filter(pk=OuterRef("call")), at=at)
    return (
        Callback.objects.open()
        .filter(mine | Q(pk__in=due.values("pk")))
        .filter(call__in=queue.callable_by(user))
        .annotate(
            is_unkeepable=Exists(unkeepable.filter(pk=OuterRef("pk"))),
            is_left_open=Exists(queue.left_open()),
            is_served=ExpressionWrapper(
                Q(due_at__lte=at) & Exists(free) & ~queue.is_skipped(user, at=at),
                output_field=models.BooleanField(),
            ),
        )
    )


def _first_promised(**values: Any) -> Any:
    found = _promised(**values).select_related("call__person", "user", "handed_by")
    return found.defer(*Call.sealed("call")).order_by("due_at", "pk")[:SHOWN]


def _number_served(**values: Any) -> Any:
    """How many Next would serve; no row: none."""
    served = _promised(**values).filter(is_unkeepable=False, is_left_open=False, is_served=True)
    # All of them are open.
    return served.order_by().values("state").annotate(n=Count("pk")).values_list("n", flat=True)


_SLOTS: Final[dict[str, Any]] = {
    "user": BigIntegerField(),
    "at": DateTimeField(),
    "today": DateField(),
}
_FIRST: Final = Prepared(_first_promised, **_SLOTS)
_SERVED: Final[Prepared[int]] = Prepared(_number_served, **_SLOTS)


def read_promises(user: User, *, at: datetime) -> Promises:
    """What was agreed on with this user's donors or is due of the team's: two queries."""
    values = {"user": user.pk, "at": at, "today": localdate(at)}
    return Promises(
        shown=[_promise(one, at=at) for one in _FIRST.ask(**values)],
        due=sum(_SERVED.ask(**values)),
    )


def _promise(callback: Any, *, at: datetime) -> Promise:
    why_not = ""
    if callback.is_unkeepable:
        why_not = _("It can no longer be made; supervisors are told.")
    elif callback.is_left_open:
        why_not = _("Dialled; how it ended is still to be said.")
    is_due = callback.is_served and not why_not
    return Promise(callback, moments.in_words(callback.due_at, at=at), is_due, why_not)


def _why_not(callbacks: Iterable[Callback], *, at: datetime, rulebook: Rulebook) -> dict[int, str]:
    """What keeps each of them from being made at its moment, in words, by its key: one query. What
    is closed is no news before the moment has come."""
    found: dict[int, str] = {}
    ours: dict[uuid.UUID, list[Attempt]] = {one.call_id: [] for one in callbacks}
    if not ours:
        return found
    for attempt in _attempts_of(ours):
        ours[attempt.call_id].append(attempt)
    for one in callbacks:
        attempts = ours[one.call_id]
        if any(attempt.outcome == Attempt.Outcome.OPEN for attempt in attempts):
            found[one.pk] = _("Dialled; how it ended is still to be said.")
            continue
        ground = queue.ground_for(
            one.call,
            at=max(one.due_at, at),
            rulebook=rulebook,
            ours=attempts,
            # Who objected is called by nobody: their callbacks were cancelled then.
            objections=Objections.read(()),
        )
        if not ground.is_allowed and not (ground.next_at and one.due_at > at):
            found[one.pk] = ground.words
    return found


def _attempts_of(calls: Iterable[uuid.UUID]) -> "QuerySet[Attempt]":
    """With as much of user and delivery as `queue.ground_for` asks of them: three rows for each of
    fifty calls, and what was sent is encrypted."""
    return (
        Attempt.objects.filter(call__in=calls)
        .select_related("user", "delivery")
        .only("call", "at", "outcome", "user__tapraise_user_uuid", "delivery__outcome")
    )


# ── The floor ─────────────────────────────────────────────────────────────────────────────────────


class Which(models.TextChoices):
    """Which callbacks the list of the floor shows."""

    OVERDUE = "overdue", gettext_lazy("too late")
    COMING = "coming", gettext_lazy("to come")
    UNKEEPABLE = "unkeepable", gettext_lazy("cannot be made")


@dataclass(frozen=True)
class Line:
    """What the list says of one callback and nothing else: two that are equal are written alike."""

    callback: int
    call: uuid.UUID
    which: Which
    donor: str
    organization: str
    due_at: datetime
    when: str
    is_due: bool
    note: str
    # Who is to make it; empty: anybody of the team.
    by: str
    # What keeps it from being made, in words; empty: nothing does.
    why_not: str


def seen_by(user: Any) -> "QuerySet[Callback]":
    """Open callbacks of donors that this supervisor may know of."""
    theirs = Call.objects.visible_to(user).values("pk")
    return (
        Callback.objects.open()
        .filter(call__in=theirs)
        .select_related("call__person__owning_organization", "user", "handed_by")
        .defer(*Call.sealed("call"))
    )


def _rows(*, user: Any, which: Which, at: Any, today: Any) -> "QuerySet[Callback]":
    rows = seen_by(user)
    late = Callback.objects.overdue(at=at).values("pk")
    unkeepable = queue.unkeepable(Callback.objects.open(), today=today).values("pk")
    match which:
        case Which.UNKEEPABLE:
            return rows.filter(pk__in=unkeepable)
        case Which.OVERDUE:
            return rows.filter(pk__in=late).exclude(pk__in=unkeepable)
    return rows.exclude(pk__in=late).exclude(pk__in=unkeepable)


_PAGES: Final = Pages(Callback, _rows, order=("due_at", "id"), **_SLOTS)


def read_callbacks(
    user: User, *, which: Which, asked: Mapping[str, Any], at: datetime
) -> "tuple[Page[Callback], list[Line]]":
    """A page of them, what was to be made first on top: four queries."""
    page = _PAGES.page(asked, which=which, user=user.pk, at=at, today=localdate(at))
    why_not = _why_not(page.rows, at=at, rulebook=Rulebook.read())
    return page, [_line(one, why_not.get(one.pk, ""), which, at=at) for one in page.rows]


def _line(callback: Callback, why_not: str, which: Which, *, at: datetime) -> Line:
    person = callback.call.person
    return Line(
        callback=callback.pk,
        call=callback.call_id,
        which=which,
        donor=person.form_of_address,
        organization=person.owning_organization.name if person.owning_organization else "",
        due_at=callback.due_at,
        when=moments.in_words(callback.due_at, at=at),
        is_due=callback.due_at <= at,
        note=callback.note,
        by="" if callback.is_of_the_team else callback.user.spoken_name,
        why_not=why_not,
    )


def who_may_make(callback: Callback) -> list[User]:
    """The people who can be served its call: one query."""
    call = callback.call
    people = User.objects.filter(is_active=True, tapraise_user_uuid__isnull=False)
    for organization in (call.calling_organization_id, call.person.owning_organization_id):
        people = people.filter(organizations=organization)
    return list(people.order_by("first_name", "username"))
