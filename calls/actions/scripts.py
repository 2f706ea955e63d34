"""Writing what agents say, and putting it in force."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from accounts import audit
from accounts.models import User
from calls.actions.refusals import NotAllowed, NotOurs
from calls.models import Script
from calls.script import parse
from pledges.models import Organization


def write_script(
    *, user: User, organization: Organization, call_type: str, text: str, at: datetime
) -> Script:
    """Keep the next version of a script; agents read it once it is put in force.

    Raises NotAllowed, NotOurs, and ValidationError where the text is no script.
    """
    _check(user, organization)
    parse(text)
    with transaction.atomic():
        # Versions of an organisation are counted one by one.
        Organization.objects.select_for_update().get(pk=organization.pk)
        versions = Script.objects.filter(organization=organization, call_type=call_type)
        latest = versions.aggregate(latest=Max("version"))["latest"] or 0
        script = Script.objects.create(
            organization=organization,
            call_type=call_type,
            version=latest + 1,
            text=text,
            user=user,
            at=at,
        )
        audit.record("script.written", user=user, at=at, subject=f"script:{script.pk}")
        return script


def put_in_force(*, user: User, script: Script, at: datetime) -> None:
    """From now on this version is what agents read; an earlier one can be put back so too. Raises
    NotAllowed, NotOurs."""
    _check(user, script.organization)
    with transaction.atomic():
        Script.objects.filter(pk=script.pk).update(in_force_at=at)
        audit.record("script.in_force", user=user, at=at, subject=f"script:{script.pk}")


def _check(user: User, organization: Organization) -> None:
    if not (user.is_supervisor or user.is_superuser):
        raise NotAllowed
    if not user.organizations.filter(pk=organization.pk).exists():
        raise NotOurs
