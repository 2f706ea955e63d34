"""Who uses Belbord, what they sent, and the trail of what they did. This room imports no other."""

import hashlib
import json
import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person who signs in; a manager sets role, organisations and TapRaise user uuid."""

    class Role(models.TextChoices):
        AGENT = "agent", _("agent")
        SUPERVISOR = "supervisor", _("supervisor")
        MANAGER = "manager", _("manager")

    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.AGENT)
    # TapRaise keeps this with every attempt and completion; without it nobody can work a call.
    tapraise_user_uuid = models.UUIDField(
        _("TapRaise user uuid"), null=True, blank=True, unique=True
    )
    language = models.CharField(
        _("language"), max_length=5, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE
    )

    # Digits choose from a list that has the focus; off for who presses keys without meaning to.
    has_single_keys = models.BooleanField(_("single keys"), default=True)

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                name="user_role_is_known",
                condition=models.Q(role__in=["agent", "supervisor", "manager"]),
            )
        ]

    @property
    def is_supervisor(self) -> bool:
        """Whether this person may see the floor and decide; a manager may too."""
        return self.role in {self.Role.SUPERVISOR, self.Role.MANAGER}

    @property
    def is_manager(self) -> bool:
        return self.role == self.Role.MANAGER

    @property
    def spoken_name(self) -> str:
        return self.first_name or self.username


def spoken_name_of(person: str = "") -> Coalesce:
    """`User.spoken_name` as a column: of whom this foreign key names, or of the row itself."""
    path = f"{person}__" if person else ""
    nobody = models.Value("", output_field=models.CharField())
    return Coalesce(NullIf(f"{path}first_name", nobody), f"{path}username")


class Presence(models.Model):
    """Whether a person is there to work, as that person says; and when a page of theirs was last
    open. No row: never seen. What is in somebody's hands is not told here."""

    class State(models.TextChoices):
        AVAILABLE = "available", _("available")
        PAUSED = "paused", _("paused")

    class Pause(models.TextChoices):
        BREAK = "break", _("break")
        LUNCH = "lunch", _("lunch")
        MEETING = "meeting", _("meeting")
        TRAINING = "training", _("training")
        ADMINISTRATION = "administration", _("administration")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE
    )
    state = models.CharField(
        _("state"), max_length=20, choices=State.choices, default=State.AVAILABLE
    )
    # The kind of the pause that is, or that comes after this call.
    pause = models.CharField(_("pause"), max_length=20, choices=Pause.choices, blank=True)
    is_after_call = models.BooleanField(_("after this call"), default=False)
    since = models.DateTimeField(_("since"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    # The call that this person gave back last, until the next one is in hand.
    gave_back = models.UUIDField(_("gave back"), null=True)

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")

    def __str__(self) -> str:
        return f"{self.user_id} · {self.state}"

    @property
    def is_paused(self) -> bool:
        return self.state == self.State.PAUSED

    @property
    def is_pause_to_come(self) -> bool:
        """Whether a pause begins when the call in hand is put away."""
        return self.is_after_call and not self.is_paused


class AlreadySent(Exception):
    """The same form with the same content was sent before: show anew what it did."""


class FormChanged(Exception):
    """The same form token came with other content: refuse, and keep what was typed."""


class FormToken(models.Model):
    """One submit of one form: made when the form is shown, spent by the first success.

    The row is inserted first in the transaction of the action, so a second submit of the same token
    waits, finds it, and renders anew what the first one did. Kept for a day.
    """

    token = models.UUIDField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.token)

    @classmethod
    def spend(
        cls, token: uuid.UUID, *, user: "User", content: dict[str, Any], at: datetime
    ) -> None:
        """Take the token of a form, first thing in the transaction of an action.

        Raises AlreadySent (same content: show anew what it did) or FormChanged (other content, or
        another person). Rolling the transaction back gives the token back: only success spends it.
        """
        text = json.dumps(content, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        found, is_new = cls.objects.get_or_create(
            token=token, defaults={"user": user, "digest": digest, "created_at": at}
        )
        if found.user_id != user.pk or found.digest != digest:
            raise FormChanged
        if not is_new:
            raise AlreadySent


class AuditEntry(models.Model):
    """One line of the trail: who did what to whom, and when. Append-only; ids, no donor data.

    Entries are plain inserts; a sweep seals them in batches, each seal chained to the one before.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"), db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    action = models.CharField(_("what"), max_length=60)
    subject = models.CharField(_("about"), max_length=100, blank=True, db_index=True)
    person_uuid = models.UUIDField(_("donor"), null=True, db_index=True)
    facts = models.JSONField(_("facts"), default=dict)
    request_id = models.CharField(_("request"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.subject}"


class AuditSeal(models.Model):
    """A hash over all entries up to `last_entry`, chained to the seal before it."""

    id = models.BigAutoField(primary_key=True)
    first_entry = models.BigIntegerField()
    last_entry = models.BigIntegerField(unique=True)
    entries = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.first_entry}–{self.last_entry}"
