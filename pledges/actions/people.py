"""Taking people in from a file, as managers do."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import FormToken, User
from pledges import people
from pledges.actions.refusals import NotAllowed, PeopleChanged
from pledges.models import Organization
from pledges.people_file import PersonLine


def import_people(
    *,
    user: User,
    lines: Sequence[PersonLine],
    given: Iterable[Organization],
    seen: str,
    token: uuid.UUID,
    at: datetime,
) -> list[people.Planned]:
    """Make and change the people of a file, but for the lines that are refused; what was done.

    New people have no password: they choose one at an address that the manager hands them.
    `seen` is the digest of what was shown. Raises NotAllowed, PeopleChanged where it would do
    something else by now, AlreadySent, FormChanged.
    """
    if not (user.is_manager or user.is_superuser):
        raise NotAllowed
    content = {"lines": [line.as_json() for line in lines], "seen": seen}
    try:
        with transaction.atomic():
            FormToken.spend(token, user=user, content=content, at=at)
            # Nobody is changed elsewhere between the look and the writing.
            names = [line.username for line in lines]
            list(User.objects.select_for_update().filter(username__in=names).order_by("pk"))
            planned = people.plan(lines, by=user, given=given)
            if people.digest(planned) != seen:
                raise PeopleChanged
            for one in planned:
                if one.is_done:
                    _do(one, user=user, at=at)
            return planned
    except IntegrityError:
        # Somebody took a username or a uuid in the same moment.
        raise PeopleChanged from None


def _do(one: people.Planned, *, user: User, at: datetime) -> None:
    is_new = one.kind == people.Kind.NEW
    if is_new:
        person = User(username=one.username)
        person.set_unusable_password()
    else:
        person = User.objects.get(username=one.username)
    for name, value in one.columns.items():
        setattr(person, name, value)
    # The admin's gate follows the role.
    person.is_staff = person.is_supervisor or person.is_superuser
    person.save()
    if one.organizations is not None:
        person.organizations.set(Organization.objects.filter(pk__in=one.organizations))
    audit.record(
        "user.added" if is_new else "user.changed",
        user=user,
        at=at,
        subject=f"user:{person.pk}",
        by_file=True,
        role=person.role,
        organizations=sorted(str(pk) for pk in person.organizations.values_list("pk", flat=True)),
    )
