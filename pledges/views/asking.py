"""What the views of this room share: who asks, and about which pledge or person."""

import uuid
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.shortcuts import get_object_or_404
from django.utils.module_loading import import_string

from accounts.asking import SignedInRequest
from accounts.models import User
from pledges.models import NewPledge, Person, Pledge

# What a pledge that is managed elsewhere can still have changed.
EVERYWHERE: Final = ("starts_at", "recruiter_uuid", "recruiting_location_label")


def visible_pledge(request: SignedInRequest, uuid: uuid.UUID) -> Pledge:
    """The pledge, if it is to an organisation of this person's; to anybody else it does not exist.

    One that is only known by its uuid says nothing of its organisation: it is theirs whose donor is
    called about it.
    """
    theirs: Any = request.user.organizations.values("pk")
    spoken_of = Pledge.objects.filter(
        fetched_at=None, calls__person__owning_organization__in=theirs
    )
    pledges = Pledge.objects.filter(
        Q(owning_organization__in=theirs) | Q(pk__in=spoken_of.values("pk"))
    ).select_related("person", "owning_organization", "recruiting_organization")
    # By the reverse of the call's own key: the room of calls stands above this one.
    calls: Any = Pledge._meta.get_field("calls").related_model
    doubted = calls.objects.filter(
        person=OuterRef("person"), sayings__is_right=False, sayings__forgiven_at=None
    )
    pledges = pledges.annotate(may_be_hidden=Exists(doubted))
    return get_object_or_404(pledges, pk=uuid)


def is_hidden(pledge: Pledge | NewPledge, *, user: User, at: datetime) -> bool:
    """Whether nothing of this pledge's donor may be shown to this user at this moment. Who they
    are speaking with is known to the room above, and is asked of it by name."""
    # Asked only where it can be: `visible_pledge` knows whether anything was answered wrongly.
    if pledge.person_id is None or not getattr(pledge, "may_be_hidden", True):
        return False
    hidden_persons = import_string(settings.HIDDEN_PERSONS)
    return pledge.person_id in hidden_persons(user, at=at)


def visible_person(request: SignedInRequest, uuid: uuid.UUID) -> Person:
    """The person, if an organisation of theirs is this person's own too."""
    persons = Person.objects.visible_to(request.user).select_related("owning_organization")
    return get_object_or_404(persons, pk=uuid)
