"""Do not call again: who objected to what, for good."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pledges.models.persons import Person


class ObjectionQuerySet(models.QuerySet["Objection"]):
    def standing(self) -> "ObjectionQuerySet":
        """Those that nobody lifted."""
        return self.filter(lifted_at=None)


class Objection(models.Model):
    """A person wants to hear nothing more, by phone or at all. Never deleted, at most lifted.

    What it holds for is kept as keyed hashes beside it, so that it outlives the person's row: who
    was erased and comes in again, or somebody else with the same number, is still not called.
    """

    class Channel(models.TextChoices):
        PHONE = "phone", _("not be called")
        TEXT = "text", _("get no text messages")
        EMAIL = "email", _("get no e-mail")
        ALL = "all", _("not be called, texted or e-mailed")

    class Reason(models.TextChoices):
        ASKED = "asked", _("the donor asked for it")
        COMPLAINT = "complaint", _("the donor complained")
        OTHER_PERSON = "other_person", _("this is not the donor's number")
        DECEASED = "deceased", _("the donor has died")

    class Source(models.TextChoices):
        PHONE = "phone", _("on the phone")
        LETTER = "letter", _("by letter")
        EMAIL = "email", _("by e-mail")
        TAPRAISE = "tapraise", _("as TapRaise tells")
        CHARITY = "charity", _("by the charity")
        OTHER = "other", _("in another way")

    # No foreign key: erasing a person leaves the objection.
    person_uuid = models.UUIDField(_("person"), db_index=True)
    channel = models.CharField(_("wants to"), max_length=10, choices=Channel.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    source = models.CharField(
        _("how it came in"), max_length=10, choices=Source.choices, default=Source.PHONE
    )
    # Told during this call, if it was one.
    call_uuid = models.UUIDField(_("call"), null=True)
    at = models.DateTimeField(_("recorded at"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="objections",
        verbose_name=_("recorded by"),
    )
    # How many open calls it stopped when it was recorded.
    calls_stopped = models.PositiveIntegerField(_("calls stopped"), default=0)
    token = models.UUIDField(unique=True)
    lifted_at = models.DateTimeField(_("lifted at"), null=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("lifted by"),
    )
    lift_reason = models.CharField(_("why it was lifted"), max_length=300, blank=True)

    objects = ObjectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="objection_lifted_by_somebody_for_a_reason",
                condition=Q(lifted_at=None, lifted_by=None, lift_reason="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lift_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}, {self.at:%d-%m-%Y}"

    @property
    def bars_calls(self) -> bool:
        return self.channel in BARS_CALLS


BARS_CALLS = (Objection.Channel.PHONE, Objection.Channel.ALL)


class ObjectionKey(models.Model):
    """The person, a number or an address that an objection holds for, as a keyed hash."""

    objection = models.ForeignKey(Objection, on_delete=models.CASCADE, related_name="keys")
    key = models.CharField(max_length=32, db_index=True)

    def __str__(self) -> str:
        return self.key


class ObjectedPersonQuerySet(models.QuerySet["ObjectedPerson"]):
    def not_to_be_called(self) -> "ObjectedPersonQuerySet":
        return self.filter(objection__lifted_at=None, objection__channel__in=BARS_CALLS)


class ObjectedPerson(models.Model):
    """A person here for whom an objection holds, by themselves or by a number: what the queue asks.

    Made from the hashes as soon as a person comes in; what a single person may be called for is
    asked of the hashes themselves.
    """

    objection = models.ForeignKey(Objection, on_delete=models.CASCADE, related_name="persons")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="objected")

    objects = ObjectedPersonQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "objection"], name="objected_person_once_each"
            )
        ]

    def __str__(self) -> str:
        return str(self.person_id)
