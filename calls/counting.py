"""The queue, counted for the floor: by whom it is for, how soon it is released, and what is in the
way of a call now.

A page cannot count a million open calls; a worker does, and the floor says when. The conditions are
those of `calls.queue`: what is counted as callable now is what Next would serve to somebody.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When

from calls import queue
from calls.models import Call, Callback, Hold, QueueCount, QueueCounting
from calls.ordering import midnight_after
from pledges.contact import Rulebook, asks_for_support
from pledges.models import ObjectedPerson, Organization

Why = QueueCount.Why
Deadline = QueueCount.Deadline

# Counting takes at most this part of a worker's time.
SHARE: Final = 10
# Only the newest is shown; the ones before it are there for whoever wonders how long they take.
KEPT: Final = timedelta(minutes=10)

NONE: Final = Q(pk__in=[])


def count_queue(*, at: datetime) -> bool:
    """Count it, unless that was done so lately that it would take too much of a worker's time."""
    last = QueueCounting.objects.order_by("-at").first()
    if last is not None and at < last.at + timedelta(milliseconds=last.took * SHARE):
        return False
    began = time.monotonic()
    rows = _counted(at=at, rulebook=Rulebook.read())
    took = round((time.monotonic() - began) * 1000)
    with transaction.atomic():
        counting = QueueCounting.objects.create(at=at, took=took)
        QueueCount.objects.bulk_create(QueueCount(counting=counting, **row) for row in rows)
        QueueCounting.objects.filter(at__lt=at - KEPT).delete()
    return True


def _counted(*, at: datetime, rulebook: Rulebook) -> list[dict[str, Any]]:
    calls = Call.objects.open().ours().managed_in_tapraise()
    found = (
        calls.filter(person__owning_organization__isnull=False)
        .annotate(
            why=why(_with_rules(), at=at, rulebook=rulebook),
            deadline=_deadline(at=at, rulebook=rulebook),
        )
        .order_by()
        .values_list(
            "person__owning_organization_id",
            "calling_organization_id",
            "type",
            "why",
            "deadline",
        )
        .annotate(calls=Count("*"))
    )
    return [
        {
            "organization_id": organization,
            "calling_organization_id": calling,
            "call_type": call_type or "",
            "why": why,
            "deadline": deadline,
            "calls": calls,
        }
        for organization, calling, call_type, why, deadline, calls in found
    ]


def why(organizations: Iterable[Organization], *, at: datetime, rulebook: Rulebook) -> Case:
    """What is in the way of each call, what lasts longest first. `organizations` are those with
    rules; the calls of others have none."""
    has_rules, closed, refused, spent, tried = NONE, NONE, NONE, NONE, NONE
    for organization in organizations:
        for call_type in Call.Type.values:
            group = Q(person__owning_organization=organization, type=call_type)
            rules = rulebook.now(organization.pk, call_type, at=at)
            if rules is None:
                continue
            has_rules |= group
            if rulebook.next_opening(organization.pk, call_type, at=at) != at:
                closed |= group
            if asks_for_support(call_type):
                refused |= group & Q(person__opt_in_phone=False)
            if rules.max_attempts is not None:
                spent |= group & Q(attempts_count__gte=rules.max_attempts)
            since = at - timedelta(minutes=rules.gap_minutes)
            tried |= group & queue.tried_since(since)
    objected = ObjectedPerson.objects.not_to_be_called().filter(person=OuterRef("person"))
    holds = Hold.objects.filter(call__person=OuterRef("person"), lease_until__gt=at)
    promises = Callback.objects.open().filter(call=OuterRef("pk"))
    return Case(
        When(~Q(type__in=Call.Type.values) | Q(type=None), then=Value(Why.OTHER_TYPE)),
        When(Exists(objected), then=Value(Why.OBJECTED)),
        When(~queue.has_number(), then=Value(Why.NO_NUMBER)),
        When(refused, then=Value(Why.REFUSED)),
        When(~has_rules, then=Value(Why.NO_RULES)),
        When(spent, then=Value(Why.SPENT)),
        When(Exists(holds), then=Value(Why.IN_HAND)),
        When(Exists(promises.filter(due_at__gt=at)), then=Value(Why.PROMISED)),
        When(closed, then=Value(Why.CLOSED)),
        # The gap after a miss is not waited for where the donor said when.
        When(tried & ~Exists(promises), then=Value(Why.TRIED)),
        default=Value(Why.NOW),
        output_field=CharField(),
    )


def _deadline(*, at: datetime, rulebook: Rulebook) -> Case:
    ends = [midnight_after(at, days=1), midnight_after(at, days=2)]
    cases: list[When] = []
    for organization in _with_rules():
        rules = rulebook.now(organization.pk, Call.Type.VERIFICATION, at=at)
        if rules is None or rules.cooling_off_days is None:
            continue
        group = Q(
            person__owning_organization=organization,
            type=Call.Type.VERIFICATION,
            pledge__created_at__isnull=False,
            pledge__released_at=None,
        )
        cooling = timedelta(days=rules.cooling_off_days)
        for until, deadline in (
            (at, Deadline.PAST),
            (ends[0], Deadline.TODAY),
            (ends[1], Deadline.TOMORROW),
        ):
            made = Q(pledge__created_at__lte=until - cooling)
            cases.append(When(group & made, then=Value(deadline)))
        cases.append(When(group, then=Value(Deadline.LATER)))
    return Case(*cases, default=Value(Deadline.NONE), output_field=CharField())


def _with_rules() -> QuerySet[Organization]:
    return Organization.objects.filter(calling_rules__isnull=False).distinct()
