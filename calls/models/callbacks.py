"""Callbacks: a donor named a moment, or an agent did."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from calls.models.calls import Call

if TYPE_CHECKING:
    from accounts.models import User

# How long a callback waits for whom it is of, before it is everybody's.
MINE_FOR: Final = timedelta(minutes=15)


class CallbackQuerySet(models.QuerySet["Callback"]):
    def open(self) -> "CallbackQuerySet":
        return self.filter(state=Callback.State.OPEN)

    def overdue(self, *, at: Any) -> "CallbackQuerySet":
        """Open ones that nobody made for a quarter of an hour: anybody may now."""
        return self.open().filter(due_at__lte=at - MINE_FOR)

    def due_for(self, user: "User", *, at: datetime) -> "CallbackQuerySet":
        """Those that are this user's to make at a moment: own ones that are due, the team's, and
        those of others that nobody took for a quarter of an hour."""
        mine = Q(whose=Callback.Whose.MINE, user=user)
        team = Q(whose=Callback.Whose.TEAM)
        return self.open().filter(mine | team | Q(due_at__lte=at - MINE_FOR), due_at__lte=at)


class Callback(models.Model):
    """A donor is called again at a moment; one open at a time for a call. Never dials by itself."""

    class Whose(models.TextChoices):
        MINE = "mine", _("mine")
        TEAM = "team", _("the team's")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    call = models.ForeignKey(
        Call, on_delete=models.PROTECT, related_name="callbacks", verbose_name=_("call")
    )
    due_at = models.DateTimeField(_("due at"))
    whose = models.CharField(_("whose"), max_length=10, choices=Whose.choices)
    # Who promised it; whose it is, if it is not the team's.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="callbacks",
        verbose_name=_("agreed by"),
    )
    # The supervisor who gave it to whom it is of now, or to the team.
    handed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("handed over by"),
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    made_at = models.DateTimeField(_("made at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    token = models.UUIDField(unique=True)

    objects = CallbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call"], condition=Q(state="open"), name="callback_one_open"
            ),
            models.CheckConstraint(
                name="callback_open_until_it_ended",
                condition=Q(state="open", ended_at=None)
                | (~Q(state="open") & Q(ended_at__isnull=False)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="open"), name="callback_due"),
            # All of them in order, as an export reads them.
            models.Index(fields=["due_at", "id"], name="callback_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M}"

    @property
    def is_of_the_team(self) -> bool:
        return self.whose == self.Whose.TEAM
