"""What the quality gates say of a recruiter, and that a supervisor has seen it."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from calls.actions.refusals import FlagChanged, NotAllowed, NotOurs
from integrations.national_number import masked
from pledges.models import RecruiterFlag


def see_flag(
    *, user: User, person: uuid.UUID, version: int, remark: str = "", at: datetime
) -> RecruiterFlag:
    """A supervisor has seen it: it asks for nobody's attention any more. `version` is what the page
    was shown; sent twice it does one thing.

    What looks like a national number is masked in the remark. Raises NotAllowed, NotOurs;
    FlagChanged when it is no longer as it was shown.
    """
    if not user.is_supervisor:
        raise NotAllowed
    remark = masked(remark)
    with transaction.atomic():
        rows = RecruiterFlag.objects.visible_to(user).select_for_update(of=("self",))
        flag = rows.filter(pk=person).first()
        if flag is None:
            raise NotOurs
        is_done = (flag.version, flag.seen_by_id, flag.remark) == (version + 1, user.pk, remark)
        if is_done and flag.seen_at is not None:
            return flag
        if flag.version != version or flag.seen_at is not None:
            raise FlagChanged
        flag.seen_at, flag.seen_by, flag.remark = at, user, remark
        flag.version += 1
        flag.save(update_fields=["seen_at", "seen_by", "remark", "version"])
        audit.record(
            "recruiter_flag.seen",
            user=user,
            at=at,
            subject=f"person:{person}",
            person_uuid=person,
            findings=flag.findings,
            has_remark=bool(remark),
        )
        return flag


def see_flags(*, user: User, shown: Mapping[uuid.UUID, int], remark: str = "", at: datetime) -> int:
    """A supervisor has seen several at once, each in the version that was shown; returns how many.

    What is no longer as it was shown stays for somebody to look at. Raises NotAllowed.
    """
    seen = 0
    for person, version in shown.items():
        try:
            see_flag(user=user, person=person, version=version, remark=remark, at=at)
        except (FlagChanged, NotOurs):
            continue
        seen += 1
    return seen
