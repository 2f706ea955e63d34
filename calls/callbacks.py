"""The callbacks that are waiting: as a person's start page lists them, and as the floor does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.keyset import Page, page_of
from accounts.models import User
from calls import moments, queue
from calls.models import Call, Callback

# How many the list shows; the count says how many more are due.
SHOWN: Final = 8


@dataclass(frozen=True)
class Promise:
    """One callback; `is_due`: it may be made now."""

    callback: Callback
    when: str
    is_due: bool


@dataclass(frozen=True)
class Promises:
    """What was agreed on and is to come, the soonest first."""

    shown: Sequence[Promise]
    due: int

    @property
    def more(self) -> int:
        return max(self.due - sum(one.is_due for one in self.shown), 0)


def read_promises(user: User, *, at: datetime) -> Promises:
    """This user's own callbacks, and those of the team that are due: two queries."""
    due = Callback.objects.due_for(user, at=at)
    mine = Q(whose=Callback.Whose.MINE, user=user)
    found = (
        Callback.objects.open()
        .filter(mine | Q(pk__in=due.values("pk")))
        .filter(call__in=queue.callable_by(user))
        .select_related("call__person", "user", "handed_by")
        .order_by("due_at", "pk")
    )
    return Promises(
        shown=[
            Promise(one, moments.in_words(one.due_at, at=at), one.due_at <= at)
            for one in found[:SHOWN]
        ],
        due=found.filter(due_at__lte=at).count(),
    )


# ── The floor ─────────────────────────────────────────────────────────────────────────────────────


class Which(models.TextChoices):
    """Which callbacks the list of the floor shows."""

    OVERDUE = "overdue", _("too late")
    COMING = "coming", _("to come")


SOONEST_FIRST: Final = ("due_at", "id")


def seen_by(user: User) -> "QuerySet[Callback]":
    """Open callbacks of donors that this supervisor may know of."""
    theirs = Call.objects.visible_to(user).values("pk")
    return (
        Callback.objects.open()
        .filter(call__in=theirs)
        .select_related("call__person__owning_organization", "user", "handed_by")
    )


def read_callbacks(
    user: User, *, which: Which, asked: Mapping[str, Any], at: datetime
) -> "tuple[Page[Callback], list[Promise]]":
    """A page of them, what was to be made first on top: one query."""
    late = Callback.objects.overdue(at=at).values("pk")
    rows = seen_by(user)
    rows = rows.filter(pk__in=late) if which == Which.OVERDUE else rows.exclude(pk__in=late)
    page = page_of(rows, order=SOONEST_FIRST, asked=asked)
    return page, [
        Promise(one, moments.in_words(one.due_at, at=at), one.due_at <= at) for one in page.rows
    ]


def who_may_make(callback: Callback) -> list[User]:
    """The people who can be served its call: one query."""
    call = callback.call
    people = User.objects.filter(is_active=True, tapraise_user_uuid__isnull=False)
    for organization in (call.calling_organization_id, call.person.owning_organization_id):
        people = people.filter(organizations=organization)
    return list(people.order_by("first_name", "username"))
