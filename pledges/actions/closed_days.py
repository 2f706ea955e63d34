"""Closed days, as they are proposed to start from."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts import audit
from pledges.closed_days import days_of
from pledges.models import ClosedDay
from pledges.payments import AMSTERDAM


def add_closed_days(*, years: Iterable[int], at: datetime) -> list[ClosedDay]:
    """Add what is missing of the proposed days of these years, for every organisation.

    Nothing that is there is changed: a manager may have set it otherwise. Returns what was added.
    """
    today = at.astimezone(AMSTERDAM).date()
    added = []
    with transaction.atomic():
        for day in (day for year in years for day in days_of(year)):
            row, is_new = ClosedDay.objects.get_or_create(
                organization=None,
                date=day.date,
                defaults={
                    "name": day.name,
                    "closes_at": day.closes_at,
                    "source": day.source,
                    "checked_at": today,
                },
            )
            if is_new:
                added.append(row)
        if added:
            audit.record("closed_days.added", user=None, at=at, subject="", days=len(added))
    return added
