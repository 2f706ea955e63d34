"""What the quality gates found of the pledges of a day: see `calls.models.GateCount`.

A part of `calls/daybook.py`, which says when a day is counted again.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import DateTimeField, QuerySet

from accounts.prepared import Prepared
from calls.models import Call, Completion, GateCount, ResultCode
from pledges.models import Pledge
from pledges.page import recruiter_label
from pledges.quality import verdicts

By = GateCount.By
WHOLE: Final = GateCount.WHOLE
LONGEST: Final = GateCount.LONGEST


@dataclass
class _Sum:
    """What one row says."""

    name: str = ""
    pledges: int = 0
    failed: int = 0
    unknown: int = 0
    called: int = 0
    downgraded: int = 0
    dropped: int = 0


# By what, gate, organisation, whose: what tells a row of one day apart.
_Key = tuple[str, str, uuid.UUID, str]
_Sums = defaultdict[_Key, _Sum]


@dataclass(frozen=True)
class _Whose:
    """Under which keys one pledge is counted, and the name of each."""

    organization: uuid.UUID
    keys: Sequence[tuple[str, str, str]]


def count_gates(day: date, *, begins: datetime, ends: datetime) -> None:
    """Count the pledges that were recruited from one moment to the other; rows that say the same
    stay. In the transaction that counts the day."""
    sums = _summed(begins, ends)
    rows = GateCount.objects.filter(day=day)
    there = {(row.by, row.gate, row.organization_id, row.key): (row.pk, _told(row)) for row in rows}
    stale = [pk for key, (pk, told) in there.items() if sums.get(key) != told]
    kept = {key for key, (_, told) in there.items() if sums.get(key) == told}
    rows.filter(pk__in=stale).delete()
    GateCount.objects.bulk_create(
        [_row(day, key, one) for key, one in sums.items() if key not in kept], batch_size=500
    )


def _told(row: GateCount) -> _Sum:
    return _Sum(
        row.name, row.pledges, row.failed, row.unknown, row.called, row.downgraded, row.dropped
    )


def _row(day: date, key: _Key, one: _Sum) -> GateCount:
    by, gate, organization, whose = key
    columns = dict(zip(_Sum.__dataclass_fields__, astuple(one), strict=True))
    return GateCount(day=day, by=by, gate=gate, organization_id=organization, key=whose, **columns)


def _summed(begins: datetime, ends: datetime) -> _Sums:
    sums: _Sums = defaultdict(_Sum)
    results = _by_pledge(_RESULTS.ask(begins=begins, ends=ends))
    for pk, gates, *told in _PLEDGES.ask(begins=begins, ends=ends):
        whose = _whose(told)
        # No row, or one that says nothing of any gate: it was not judged.
        found = verdicts(gates or ())
        _add(sums, whose, found, results.get(pk, ()))
    _add_what_was_not_asked(sums)
    return sums


def _pledges(*, begins: Any, ends: Any) -> "QuerySet[Any, Any]":
    return (
        Pledge.objects.filter(
            created_at__gte=begins,
            created_at__lt=ends,
            gone_at=None,
            owning_organization__isnull=False,
        )
        .order_by("pk")
        .values_list(
            "pk",
            "person__quality__gates",
            "owning_organization_id",
            "recruiter_uuid",
            "recruiter_name",
            "recruiter_identifier",
            "recruiting_location_label",
        )
    )


def _whose(told: list[Any]) -> _Whose:
    organization, recruiter, name, number, location = told
    label = recruiter_label(recruiter, name, number)
    place = (location or "").strip()[:LONGEST]
    return _Whose(
        organization,
        [
            (By.RECRUITER, str(recruiter or ""), label[:LONGEST] if recruiter else ""),
            (By.LOCATION, place, place),
            (By.ALL, "", ""),
        ],
    )


def _results(*, begins: Any, ends: Any) -> "QuerySet[Any, Any]":
    """How verification calls about the pledges of these moments ended here."""
    done = Completion.objects.living().filter(
        call__type=Call.Type.VERIFICATION,
        call__pledge__created_at__gte=begins,
        call__pledge__created_at__lt=ends,
    )
    return done.values_list("call__pledge", "result_code")


# The slots of every question about one day.
OF_A_DAY: Final[dict[str, Any]] = {"begins": DateTimeField(), "ends": DateTimeField()}
_PLEDGES: Final[Prepared[Any]] = Prepared(_pledges, **OF_A_DAY)
_RESULTS: Final[Prepared[Any]] = Prepared(_results, **OF_A_DAY)


def _by_pledge(results: Iterable[Any]) -> dict[uuid.UUID, list[str]]:
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    for pledge, code in results:
        found[pledge].append(code)
    return found


def _add(sums: _Sums, whose: _Whose, found: dict[str, bool], results: Iterable[str]) -> None:
    for by, key, name in whose.keys:
        whole = sums[by, WHOLE, whose.organization, key]
        whole.name = max(whole.name, name, key=_telling)
        whole.pledges += bool(found)
        whole.unknown += not found
        whole.failed += any(found.values())
        for code in results:
            whole.called += 1
            whole.downgraded += code == ResultCode.DOWNGRADED
            whole.dropped += code == ResultCode.DROPPED
        for gate, is_failed in found.items():
            one = sums[by, gate[:LONGEST], whose.organization, key]
            one.pledges += 1
            one.failed += is_failed


def _telling(name: str) -> tuple[bool, str]:
    """A name with a number says more than either; of two spellings the last in the alphabet, so
    that counting twice says the same."""
    return GateCount.BEFORE_NUMBER in name, name


def _add_what_was_not_asked(sums: _Sums) -> None:
    """A gate keeps what it found and of whom it says nothing; where that is nothing, no row."""
    for key, one in list(sums.items()):
        by, gate, organization, whose = key
        if gate == WHOLE:
            continue
        whole = sums[by, WHOLE, organization, whose]
        one.unknown = whole.pledges - one.pledges
        one.pledges = 0
        if not one.failed and not one.unknown:
            del sums[key]
