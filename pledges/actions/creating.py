"""A new pledge, for a donor who asks for one."""

import uuid
from datetime import datetime

from django.db import transaction

from accounts.models import FormToken, User
from pledges import messages
from pledges.actions.checks import check_supervisor, record
from pledges.actions.refusals import NotOurs
from pledges.messages import NewPledgeWish
from pledges.models import NewPledge, Person


def create_pledge(
    *,
    user: User,
    person: Person,
    wanted: NewPledgeWish,
    reason: str,
    token: uuid.UUID,
    at: datetime,
) -> NewPledge:
    """A supervisor makes a pledge under a uuid of our choice; the mirror has it once it is read.

    Raises NotAllowed, NotOurs when person or organisation are not this user's, NotSendable for
    what the rules of TapRaise forbid; AlreadySent or FormChanged.
    """
    check_supervisor(user)
    content = {
        "create_pledge": str(person.pk),
        "wanted": {name: messages.plain(value) for name, value in vars(wanted).items()},
        "reason": reason,
    }
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        owner = user.organizations.filter(pk=wanted.owning_organization_uuid).first()
        if owner is None or not Person.objects.visible_to(user).filter(pk=person.pk).exists():
            raise NotOurs
        made = NewPledge(
            person=person,
            owning_organization=owner,
            donation_amount=wanted.donation_amount or wanted.initial_donation_amount,
            donation_interval=wanted.donation_interval or wanted.initial_donation_interval,
            managed_in=wanted.external_source_name,
            reason=reason,
            user=user,
            at=at,
            token=token,
        )
        made.delivery = messages.enqueue_new_pledge(
            made.pk, person=person, wanted=wanted, user=user, token=token, at=at
        )
        made.save(force_insert=True)
        is_elsewhere = bool(made.managed_in)
        record("pledge.created", made.pk, person.pk, user=user, at=at, is_elsewhere=is_elsewhere)
        return made
