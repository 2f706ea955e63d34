"""Long lists as files: asked for, fetched, and removed before their time."""

import uuid
from datetime import date, datetime
from typing import BinaryIO, Final

from django.db import transaction

from accounts import audit
from accounts.models import FormToken, User
from calls.actions.refusals import NotAllowed, NotOurs, TooManyExports
from calls.exports import writing
from calls.models import Export
from pledges.models import Organization

# Of one person, not written yet: a worker writes one at a time, for everybody.
MOST_WAITING: Final = 3


def request_export(
    *,
    user: User,
    what: str,
    kind: str,
    organization: Organization | None,
    since: date | None,
    until: date | None,
    token: uuid.UUID,
    at: datetime,
) -> Export:
    """Have a worker write this list as a file. Days are Dutch, both included.

    Raises NotAllowed, NotOurs, TooManyExports, and AlreadySent or FormChanged of the form's token.
    """
    if not user.is_supervisor:
        raise NotAllowed
    asked = {
        "what": what,
        "format": kind,
        "organization": organization,
        "since": since,
        "until": until,
    }
    with transaction.atomic():
        FormToken.spend(token, user=user, content={"export": asked}, at=at)
        # One at a time for a user, so that two windows cannot ask for more than this together.
        User.objects.select_for_update().values_list("pk").get(pk=user.pk)
        if organization and not user.organizations.filter(pk=organization.pk).exists():
            raise NotOurs
        if Export.objects.visible_to(user).moving().count() >= MOST_WAITING:
            raise TooManyExports
        export = Export.objects.create(user=user, made_at=at, token=token, **asked)
        _record("export.requested", export, user=user, at=at)
        return export


def fetch_export(*, user: User, export: Export, at: datetime) -> BinaryIO:
    """The file, open, goes to who asked for it. Raises NotAllowed where it is not there for them
    any more: its day is over, or it tells of donors of whom they may know nothing by now; and
    FileNotFoundError where it is on another machine."""
    is_there = export.is_ready and export.expires_at is not None and at < export.expires_at
    if not (export.user_id == user.pk and is_there and writing.may_have(export, user)):
        raise NotAllowed
    file = export.path.open("rb")
    _record("export.fetched", export, user=user, at=at)
    return file


def remove_export(*, user: User, export: Export, at: datetime) -> None:
    """Remove a file before its day is over, or do not have it written after all. Raises NotAllowed.
    Removing it twice is harmless."""
    if export.user_id != user.pk:
        raise NotAllowed
    if not (export.is_ready or export.is_moving):
        return
    writing.remove(export)
    _record("export.removed", export, user=user, at=at)


def _record(verb: str, export: Export, *, user: User, at: datetime) -> None:
    audit.record(verb, user=user, at=at, subject=f"export:{export.pk}", **writing.facts_of(export))
