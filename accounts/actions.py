"""What people do with accounts, their own and, as managers, those of others."""

import uuid
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import Case, F, Value, When
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import audit
from accounts.models import Presence, User


class NotTheirs(Exception):
    """A manager makes no way in for somebody who may do everything everywhere."""


def choose_language(*, user: User, language: str) -> None:
    """Show this person every page in this language from now on."""
    user.language = language
    user.save(update_fields=["language"])


def choose_single_keys(*, user: User, has_single_keys: bool) -> None:
    """Let digits choose from a list that has the focus, or let them do nothing at all."""
    user.has_single_keys = has_single_keys
    user.save(update_fields=["has_single_keys"])


# ── Presence ──────────────────────────────────────────────────────────────────────────────────────


def note_seen(*, user: User, at: datetime) -> None:
    """A page of this person is open."""
    if not Presence.objects.filter(user=user).update(last_seen_at=at):
        _stand(user, Presence.State.AVAILABLE, at=at)


def start_pause(*, user: User, pause: str, at: datetime) -> Presence:
    """Take a break of this kind from now on. Pausing again changes the kind and not since when."""
    with transaction.atomic():
        now = Presence.objects.select_for_update().filter(user=user).first()
        since = now.since if now and now.is_paused else at
        return _stand(user, Presence.State.PAUSED, pause=pause, since=since, at=at)


def pause_after_this_call(*, user: User, pause: str, at: datetime) -> Presence:
    """Take that break when the call in hand is put away; an empty kind takes this back."""
    return _stand(user, Presence.State.AVAILABLE, pause=pause, is_after_call=bool(pause), at=at)


def end_pause(*, user: User, at: datetime) -> Presence:
    """Be there again. Who was there already stays so since the same moment."""
    with transaction.atomic():
        now = Presence.objects.select_for_update().filter(user=user).first()
        since = now.since if now and not now.is_paused else at
        return _stand(user, Presence.State.AVAILABLE, since=since, at=at)


def call_in_hand(*, user: User, at: datetime) -> None:
    """Who takes a call in hand is there, also when a pause had begun.

    A pause that began by itself when that call was put away comes after it once more.
    """
    Presence.objects.filter(user=user, state=Presence.State.PAUSED).update(
        state=Presence.State.AVAILABLE, since=at, last_seen_at=at
    )


def call_given_back(*, user: User, call_uuid: uuid.UUID, at: datetime) -> None:
    """Remember which call this person wanted out of their hands."""
    theirs = Presence.objects.filter(user=user)
    if not theirs.exists():
        _stand(user, Presence.State.AVAILABLE, at=at)
    theirs.update(gave_back=call_uuid)


def call_served(*, user: User) -> None:
    """Forget it: this person has another call now, or that one after all."""
    Presence.objects.filter(user=user).update(gave_back=None)


def call_put_away(*, user: User, at: datetime) -> None:
    """From now on this person is free again, or on the pause that was to come after this call."""
    paused = When(is_after_call=True, then=Value(Presence.State.PAUSED.value))
    Presence.objects.filter(user=user, state=Presence.State.AVAILABLE).update(
        state=Case(paused, default=F("state")), since=at
    )


def _stand(
    user: User,
    state: str,
    *,
    at: datetime,
    since: datetime | None = None,
    pause: str = "",
    is_after_call: bool = False,
) -> Presence:
    presence, _ = Presence.objects.update_or_create(
        user=user,
        defaults={
            "state": state,
            "pause": pause,
            "is_after_call": is_after_call,
            "since": since or at,
            "last_seen_at": at,
        },
    )
    return presence


# ── Other people's accounts ───────────────────────────────────────────────────────────────────────


def remove_second_factor(*, user: User, by: User, at: datetime) -> None:
    """Let a person who lost their second factor set up another at their next sign-in."""
    with transaction.atomic():
        removed, _ = Authenticator.objects.filter(user=user).delete()
        audit.record(
            "user.second_factor_removed",
            user=by,
            at=at,
            subject=f"user:{user.pk}",
            removed=removed,
        )


def make_first_password_path(*, user: User, by: User, at: datetime) -> str:
    """A path at which this person chooses a password, once and within three days; their manager
    hands it over. Raises NotTheirs."""
    if user.is_superuser and not by.is_superuser:
        raise NotTheirs
    audit.record("user.password_path_made", user=by, at=at, subject=f"user:{user.pk}")
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return reverse("account_first_password", args=[uid, token])


def choose_first_password(*, user: User, password: str, at: datetime) -> None:
    """From now on this person signs in with this password; the path that led here is spent."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record("user.password_chosen", user=user, at=at, subject=f"user:{user.pk}")
