"""Whom a message in bulk is for: read-only questions, each one statement, however many they find.

Only what the one who asks may see. Bounded: whoever finds more than one batch takes is told so, and
nothing is cut off in silence.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from calls import queue
from calls.models import Attempt, Call
from pledges.actions import Recipient
from pledges.models import AlphacommLink, PayLink
from pledges.payments import AMSTERDAM

# What one batch takes, and one more, so that more is noticed.
MOST: Final = 10_000


class Kind(models.TextChoices):
    UNPAID = "unpaid", _("donors with a PayLink that is not paid")
    NOT_REACHED = "not_reached", _("donors who were not reached")
    OPEN = "open", _("donors with a call to be made")
    NUMBERS = "numbers", _("donors of these calls")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What was asked for: which fields count depends on the kind. Days are Dutch, ends included."""

    kind: str
    organization: uuid.UUID
    from_date: date | None = None
    until_date: date | None = None
    attempts: int = 1
    # Empty: of every type.
    call_type: str = ""
    calls: tuple[uuid.UUID, ...] = ()
    # It asks for money: whoever paid since the call was asked for is not asked again.
    is_about_paying: bool = False

    def as_json(self) -> dict[str, Any]:
        """What of it counts, for the trail of a batch and to tell one form from another."""
        kept: dict[str, Any] = {"kind": self.kind, "organization": str(self.organization)}
        if self.kind == Kind.UNPAID:
            kept |= {"from": _day(self.from_date), "until": _day(self.until_date)}
        if self.kind == Kind.NOT_REACHED:
            kept["attempts"] = self.attempts
        if self.kind in {Kind.NOT_REACHED, Kind.OPEN}:
            kept["type"] = self.call_type
        if self.kind == Kind.NUMBERS:
            kept["calls"] = sorted(map(str, self.calls))
        return kept


@dataclass(frozen=True)
class Selected:
    """Who was found, who has waited longest first."""

    recipients: Sequence[Recipient]
    # Of the numbers that were given: those of no call that this user may see.
    missing: Sequence[uuid.UUID] = ()


def select(selection: Selection, *, user: User) -> Selected:
    """Those that a selection means at this moment: at most one more than a batch takes."""
    if selection.kind == Kind.UNPAID:
        return Selected(_unpaid(selection, user=user))
    calls = _calls(selection, user=user)
    recipients = _recipients(calls, is_about_paying=selection.is_about_paying)
    if selection.kind != Kind.NUMBERS:
        return Selected(recipients)
    found = {one.call for one in recipients}
    return Selected(recipients, tuple(one for one in selection.calls if one not in found))


def _unpaid(selection: Selection, *, user: User) -> list[Recipient]:
    """Of each link that was made in those days: first those after which nothing was paid, then
    those that were, or whose donor paid another one since. They are there to be left out by that,
    and counted: see `pledges.actions.weigh_batch`."""
    paid_since = AlphacommLink.objects.filter(
        pay_link__person=OuterRef("person"),
        status=AlphacommLink.Status.PAID,
        paid_at__gte=OuterRef("at"),
    )
    links = (
        PayLink.objects.visible_to(user)
        .living()
        .filter(person__owning_organization=selection.organization)
    )
    if selection.from_date is not None:
        links = links.filter(at__gte=_midnight(selection.from_date))
    if selection.until_date is not None:
        links = links.filter(at__lt=_midnight(selection.until_date + timedelta(days=1)))
    types = Call.objects.filter(pk=OuterRef("call_uuid")).values("type")
    in_order = links.annotate(is_paid=Exists(paid_since)).order_by("is_paid", "at", "uuid")
    rows = in_order.values_list(
        "person",
        "call_uuid",
        Subquery(types[:1]),
        "pledge",
        "pledge__donation_amount",
        "amount",
        "at",
    )
    return [
        Recipient(
            person=person,
            call=call,
            call_type=call_type,
            pledge=pledge,
            pledge_amount=pledge_amount,
            link_amount=amount,
            unpaid_since=at,
        )
        for person, call, call_type, pledge, pledge_amount, amount, at in rows[: MOST + 1]
    ]


def _calls(selection: Selection, *, user: User) -> QuerySet[Call]:
    theirs = Q(person__owning_organization=selection.organization)
    if selection.kind == Kind.NUMBERS:
        return Call.objects.visible_to(user).filter(theirs, pk__in=selection.calls)
    # Only what we may work on: somebody else's call is somebody else's donor to write to.
    calls = queue.workable(user).filter(theirs)
    if selection.call_type:
        calls = calls.filter(type=selection.call_type)
    if selection.kind == Kind.NOT_REACHED:
        reached = Attempt.objects.filter(call=OuterRef("pk"), outcome=Attempt.Outcome.REACHED)
        calls = calls.filter(~Exists(reached), attempts_count__gte=selection.attempts)
    return calls


def _recipients(calls: QuerySet[Call], *, is_about_paying: bool) -> list[Recipient]:
    rows = calls.order_by("requested_at", "uuid").values_list(
        "uuid", "person", "type", "pledge", "pledge__donation_amount", "requested_at"
    )
    return [
        Recipient(
            person=person,
            call=call,
            call_type=call_type,
            pledge=pledge,
            pledge_amount=amount,
            unpaid_since=requested_at if is_about_paying else None,
        )
        for call, person, call_type, pledge, amount, requested_at in rows[: MOST + 1]
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), AMSTERDAM)


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
