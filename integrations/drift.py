"""What TapRaise sends otherwise than its documents say: counted page by page, and told in words.

What two walks both bring was sent twice, and counts twice: 'times' is how often it was sent, not in
how many records it stands.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import ngettext

from integrations.models import Drift
from integrations.records import NOT_TOLD, Deviation

# Names and codes that are never the same twice are no documentation gone stale: beyond this many
# of one kind of record the new ones are counted together.
MOST: Final = 500

# What is told of it: the rest stands in the admin.
NEWEST: Final = 100

_UPSERT: Final = (
    "INSERT INTO integrations_drift AS stored "
    "(kind, record, path, value, times, first_seen_at, last_seen_at) VALUES {rows} "
    "ON CONFLICT (kind, record, path, value) DO UPDATE SET "
    "times = stored.times + excluded.times, "
    "last_seen_at = CASE WHEN excluded.last_seen_at > stored.last_seen_at "
    "THEN excluded.last_seen_at ELSE stored.last_seen_at END"
)


def count(record: str, found: Mapping[Deviation, int], *, at: datetime) -> None:
    """Add what a page of these records brought: one look and one statement, none for nothing.

    The last thing of a page's transaction: another page may wait for the same rows.
    """
    if not found:
        return
    found = _folded(record, found)
    moment = connection.ops.adapt_datetimefield_value(at)
    # In one order everywhere, so that two pages at once cannot lock each other out.
    values = [
        value
        for deviation, times in sorted(found.items())
        for value in (deviation.kind, record, *deviation[1:], times, moment, moment)
    ]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(found))
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(rows=rows), values)


def _folded(record: str, found: Mapping[Deviation, int]) -> Mapping[Deviation, int]:
    """The same, with what there is no room for counted together."""
    rows = Drift.objects.filter(record=record)
    if rows.count() + len(found) <= MOST:
        return found
    known = set(rows.values_list("kind", "path", "value"))
    folded: Counter[Deviation] = Counter()
    for deviation, times in found.items():
        place = deviation if deviation in known else Deviation(deviation.kind, NOT_TOLD)
        folded[place] += times
    return folded


@dataclass(frozen=True)
class Seen:
    """A deviation as it is told. `record` says of which records: calls or pledges."""

    kind: str
    record: str
    path: str
    value: str
    times: int
    first_seen_at: datetime
    last_seen_at: datetime


def newest() -> list[Seen]:
    """The deviations that were seen last."""
    columns = [field.name for field in fields(Seen)]
    rows = Drift.objects.order_by("-last_seen_at", "-pk").values_list(*columns)
    return [Seen(*row) for row in rows[:NEWEST]]


def in_words(drift: Drift | Seen) -> str:
    """What was sent how often since when, in a sentence for the operator."""
    words = {
        Drift.Kind.VALUE: ngettext(
            "TapRaise sent %(what)s %(times)s time since %(day)s.",
            "TapRaise sent %(what)s %(times)s times since %(day)s.",
            drift.times,
        ),
        Drift.Kind.FIELD: ngettext(
            "TapRaise sent the unknown field %(what)s %(times)s time since %(day)s.",
            "TapRaise sent the unknown field %(what)s %(times)s times since %(day)s.",
            drift.times,
        ),
        Drift.Kind.MISSING: ngettext(
            "TapRaise left out %(what)s %(times)s time since %(day)s.",
            "TapRaise left out %(what)s %(times)s times since %(day)s.",
            drift.times,
        ),
    }[Drift.Kind(drift.kind)]
    day = date_format(localtime(drift.first_seen_at), "l d-m")
    what = f"{drift.path}={drift.value}" if drift.value else drift.path
    return words % {"what": what, "times": f"{drift.times:,}", "day": day}
