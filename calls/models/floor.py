"""What a worker counts for the floor, so that a page of it costs the same whatever the queue; and
what a supervisor tells everybody on it."""

from datetime import datetime
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from pledges.models import Organization

# What is read at a glance, in between two sentences of a donor.
LONGEST_MESSAGE: Final = 200


class QueueCounting(models.Model):
    """One look over the whole queue."""

    at = models.DateTimeField(_("counted at"), db_index=True)
    # How long that took, in milliseconds: the next one waits longer after a long one.
    took = models.PositiveIntegerField(_("took"))

    class Meta:
        verbose_name = _("count of the queue")
        verbose_name_plural = _("counts of the queue")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class QueueCount(models.Model):
    """How many open calls of one kind there were, that could be made then or could not."""

    class Why(models.TextChoices):
        """Whether a call can be made, and else the first thing that is in its way."""

        NOW = "now", _("can be called now")
        IN_HAND = "in_hand", _("with an agent")
        PROMISED = "promised", _("called back later, as agreed")
        TRIED = "tried", _("tried a short while ago")
        CLOSED = "closed", _("calling is closed now")
        NO_RULES = "no_rules", _("no calling hours are set")
        SPENT = "spent", _("no attempts left")
        NO_NUMBER = "no_number", _("no number that can be called")
        REFUSED = "refused", _("does not want to be called for this")
        OBJECTED = "objected", _("do not call again")
        OTHER_TYPE = "other_type", _("of a type that is not served")

    class Deadline(models.TextChoices):
        """When the pledge is released, by the organisation's own rules."""

        PAST = "past", _("released already")
        TODAY = "today", _("today")
        TOMORROW = "tomorrow", _("tomorrow")
        LATER = "later", _("later")
        NONE = "none", _("no moment known")

    counting = models.ForeignKey(QueueCounting, on_delete=models.CASCADE, related_name="counts")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    calling_organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    call_type = models.TextField(_("type"), blank=True)
    why = models.CharField(_("why not now"), max_length=20, choices=Why.choices)
    deadline = models.CharField(_("released"), max_length=20, choices=Deadline.choices)
    calls = models.PositiveIntegerField(_("calls"))

    class Meta:
        verbose_name = _("part of the queue")
        verbose_name_plural = _("parts of the queue")

    def __str__(self) -> str:
        return f"{self.why}: {self.calls}"


class FloorMessageQuerySet(models.QuerySet["FloorMessage"]):
    def visible_to(self, user: Any) -> "FloorMessageQuerySet":
        """Those for people of one of this user's organisations."""
        theirs = Organization.objects.of(user).values("pk")
        addressed = FloorMessage.organizations.through.objects.filter(
            floormessage=OuterRef("pk"), organization__in=theirs
        )
        return self.filter(Exists(addressed))

    def running(self, *, at: Any) -> "FloorMessageQuerySet":
        """Those that hold at a moment: nobody took them back, and their time is not over."""
        return self.filter(withdrawn_at=None, until_at__gt=at)

    def unseen_by(self, user: Any, *, at: Any) -> "FloorMessageQuerySet":
        """Those that this user has not put away, in the order in which they are shown."""
        put_away = Receipt.objects.filter(message=OuterRef("pk"), user=user)
        shown = self.running(at=at).visible_to(user).filter(~Exists(put_away))
        return shown.order_by("-is_urgent", "-at", "-pk")


class FloorMessage(models.Model):
    """A supervisor tells the agents of some organisations something, until a moment."""

    # Those that the supervisor worked for then, or one of them.
    organizations = models.ManyToManyField(
        Organization, verbose_name=_("for"), related_name="floor_messages"
    )
    text = models.CharField(_("message"), max_length=LONGEST_MESSAGE)
    is_urgent = models.BooleanField(_("urgent"), default=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="floor_messages",
    )
    at = models.DateTimeField(_("written at"))
    until_at = models.DateTimeField(_("until"))
    withdrawn_at = models.DateTimeField(_("taken back at"), null=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("taken back by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    token = models.UUIDField(unique=True)

    objects = FloorMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message to the floor")
        verbose_name_plural = _("messages to the floor")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="floor_message_taken_back_by_somebody",
                condition=Q(withdrawn_at=None, withdrawn_by=None)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
            models.CheckConstraint(
                name="floor_message_for_a_while", condition=Q(until_at__gt=models.F("at"))
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="floor_message_newest"),
            models.Index(
                fields=["until_at"], condition=Q(withdrawn_at=None), name="floor_message_running"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def is_running(self, *, at: datetime) -> bool:
        return self.withdrawn_at is None and self.until_at > at


class Receipt(models.Model):
    """Somebody has seen a message to the floor, and put it away."""

    message = models.ForeignKey(FloorMessage, on_delete=models.CASCADE, related_name="receipts")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="receipts"
    )
    at = models.DateTimeField(_("seen at"))

    class Meta:
        verbose_name = _("message that was seen")
        verbose_name_plural = _("messages that were seen")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "user"], name="receipt_one_each")
        ]

    def __str__(self) -> str:
        return f"{self.message_id} · {self.user_id}"
