"""Pauses: at once, or when the donor in hand has been served."""

from datetime import datetime

from django.db import transaction

from accounts.actions import pause_after_this_call, start_pause
from accounts.models import Presence, User
from calls.models import Hold


def take_pause(*, user: User, pause: str, at: datetime) -> Presence:
    """Take a break of this kind: now, or after the call in hand. An empty kind takes back what was
    to come after it."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if not pause or Hold.objects.filter(user=user, lease_until__gt=at).exists():
            return pause_after_this_call(user=user, pause=pause, at=at)
        return start_pause(user=user, pause=pause, at=at)
