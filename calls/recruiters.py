"""Recruiter flags as supervisors read them: what the gates found, who recruited, and what the donor
said of it since."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import models
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.keyset import Page, page_of
from accounts.models import User
from calls.models import Check, Item
from pledges.models import Pledge, RecruiterFlag
from pledges.page import recruiter_label
from pledges.quality import details_of, findings_in_words


class Which(models.TextChoices):
    """Which flags the list shows."""

    UNSEEN = "unseen", _("not seen yet")
    SEEN = "seen", _("seen")


ORDER: Final = {
    Which.UNSEEN: ("raised_at", "person_id"),
    Which.SEEN: ("-seen_at", "-person_id"),
}


@dataclass(frozen=True)
class Recruited:
    """A pledge of the donor, and who recruited it."""

    pledge: Pledge

    @property
    def recruiter(self) -> str:
        pledge = self.pledge
        return recruiter_label(
            pledge.recruiter_uuid, pledge.recruiter_name, pledge.recruiter_identifier
        )

    @property
    def location(self) -> str:
        return self.pledge.recruiting_location_label or ""


@dataclass(frozen=True)
class Said:
    """What the donor said of a detail in which the recruiter is doubted."""

    check: Check

    @property
    def detail(self) -> str:
        return str(Item(self.check.item).label)

    @property
    def is_different(self) -> bool:
        """Whether it says that the detail is not the donor's."""
        return self.check.answer == Check.Answer.CORRECTED


@dataclass(frozen=True)
class Flag:
    """One donor, what was found, and everything that may settle it."""

    flag: RecruiterFlag
    # The newest first.
    recruited: Sequence[Recruited]
    # The newest first.
    said: Sequence[Said]

    @property
    def findings(self) -> list[str]:
        return findings_in_words(self.flag.findings)

    @property
    def is_seen(self) -> bool:
        return self.flag.seen_at is not None

    @property
    def newest(self) -> Recruited | None:
        return self.recruited[0] if self.recruited else None

    @property
    def different(self) -> list[str]:
        """The names of the details that the donor says are different."""
        return [one.detail for one in self.said if one.is_different]


def read_flags(
    user: User, *, which: Which, asked: Mapping[str, Any], recruiter: uuid.UUID | None = None
) -> "tuple[Page[RecruiterFlag], list[Flag]]":
    """A page of them, of every recruiter or of one: three queries."""
    rows = seen_by(user)
    if recruiter is not None:
        pledges = Pledge.objects.visible_to(user).filter(person=OuterRef("person"), gone_at=None)
        rows = rows.filter(Exists(pledges.filter(recruiter_uuid=recruiter)))
    rows = rows.unseen() if which == Which.UNSEEN else rows.filter(seen_at__isnull=False)
    page = page_of(rows, order=ORDER[which], asked=asked)
    return page, _told(page.rows, user)


def read_flag(user: User, person: uuid.UUID) -> Flag | None:
    """One of them, if this person may see it: three queries."""
    found = seen_by(user).filter(pk=person).first()
    return None if found is None else _told([found], user)[0]


def name_of(recruiter: uuid.UUID | None, flags: Iterable[Flag]) -> str:
    """What this recruiter is called, where one of these donors was recruited by them."""
    recruited = (one for flag in flags for one in flag.recruited)
    return next((r.recruiter for r in recruited if r.pledge.recruiter_uuid == recruiter), "")


def seen_by(user: User) -> Any:
    """The flags that this supervisor may know of, with their donors."""
    return RecruiterFlag.objects.visible_to(user).select_related(
        "person__owning_organization", "seen_by"
    )


def _told(flags: Sequence[RecruiterFlag], user: User) -> list[Flag]:
    persons = [flag.pk for flag in flags]
    recruited: defaultdict[uuid.UUID | None, list[Recruited]] = defaultdict(list)
    for pledge in _pledges(persons, user):
        recruited[pledge.person_id].append(Recruited(pledge))
    said: defaultdict[uuid.UUID, list[Said]] = defaultdict(list)
    checks = Check.objects.filter(call__person__in=persons).select_related("call", "user")
    for check in checks.order_by("-at"):
        said[check.call.person_id].append(Said(check))
    return [
        Flag(
            flag,
            recruited[flag.pk],
            [one for one in said[flag.pk] if one.check.item in details_of(flag.findings)],
        )
        for flag in flags
    ]


def _pledges(persons: Iterable[uuid.UUID], user: User) -> "QuerySet[Pledge]":
    theirs = Pledge.objects.visible_to(user).filter(person__in=persons, gone_at=None)
    return theirs.defer("external_metadata").order_by("-created_at", "pk")
