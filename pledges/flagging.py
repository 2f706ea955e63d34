"""Recruiter flags: raised by what the quality gates find, and raised again by what donors say."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from pledges.models import RecruiterFlag
from pledges.quality import details_of

# Of results that were made longer ago nothing is raised: a first walk over old data would else
# raise more than anybody can look at.
OF_LATE: Final = timedelta(days=90)

# When a result was made, and what its gates found about the recruiter.
Finding = tuple[datetime | None, Sequence[str]]


def mark(results: Mapping[uuid.UUID, Finding], *, at: datetime) -> None:
    """Have the flags of these donors say what their new results do.

    In the transaction that saves them. What is found anew asks for attention; what is found no
    longer asks for none, and is gone where nobody has seen it.
    """
    there = {row.pk: row for row in RecruiterFlag.objects.filter(pk__in=list(results))}
    flags = RecruiterFlag.objects
    raised, gone, fewer, more = [], [], [], []
    for person, (made_at, findings) in results.items():
        flag, found = there.get(person), list(findings)
        if flag is None:
            if found and (made_at is None or made_at > at - OF_LATE):
                raised.append(RecruiterFlag(person_id=person, findings=found, raised_at=at))
        elif found != flag.findings:
            is_less = set(found) <= set(flag.findings)
            flag.findings, flag.version = found, F("version") + 1
            if not found and flag.seen_at is None and flag.seen_by_id is None:
                gone.append(flag.pk)
            elif is_less:
                fewer.append(flag)
            else:
                flag.seen_at, flag.raised_at = None, at
                more.append(flag)
    # A statement for each kind of news, however many flags it is about.
    if raised:
        flags.bulk_create(raised, ignore_conflicts=True)
    if gone:
        flags.filter(pk__in=gone, seen_at=None, seen_by=None).delete()
    flags.bulk_update(fewer, ["findings", "version"])
    flags.bulk_update(more, ["findings", "version", "seen_at", "raised_at"])


def raise_again(person: uuid.UUID, detail: str, *, at: datetime) -> None:
    """The donor says that this detail is different: where it is one in which the recruiter is
    doubted, whoever has seen that is to look once more."""
    flag = RecruiterFlag.objects.filter(pk=person, seen_at__isnull=False).first()
    if flag is not None and detail in details_of(flag.findings):
        RecruiterFlag.objects.filter(pk=person).update(
            seen_at=None, raised_at=at, version=F("version") + 1
        )
