"""What donors say is different from what TapRaise tells, where nothing can tell TapRaise: kept for
the charity, which takes it from here."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.encryption import EncryptedJSONField
from pledges.models.organizations import Organization
from pledges.models.persons import Person


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def visible_to(self, user: Any) -> "CorrectionQuerySet":
        """Those for the organisations that this user works for."""
        return self.filter(organization__in=Organization.objects.of(user).values("pk"))

    def open(self) -> "CorrectionQuerySet":
        return self.filter(state=Correction.State.OPEN)


class Correction(models.Model):
    """One detail of one person as the donor says it is. While open, the agent may take it back."""

    class Item(models.TextChoices):
        NAME = "name", _("name")
        DATE_OF_BIRTH = "date_of_birth", _("date of birth")
        ADDRESS = "address", _("address")
        PHONE = "phone", _("phone")
        EMAIL = "email", _("e-mail")
        PAYMENT_DAY = "payment_day", _("payment day")
        ACCOUNT = "account", _("account number")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        EXPORTED = "exported", _("exported")
        PROCESSED = "processed", _("processed")

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="corrections")
    # Whose donor it is: who is to be told.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="corrections"
    )
    item = models.CharField(_("detail"), max_length=20, choices=Item.choices)
    # Texts by field: an address has five. Never searched, so all of it lies encrypted.
    was = EncryptedJSONField(_("was"))
    now = EncryptedJSONField(_("now"))
    call_uuid = models.UUIDField(_("call"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="corrections"
    )
    at = models.DateTimeField(_("said at"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    exported_at = models.DateTimeField(_("exported at"), null=True)
    processed_at = models.DateTimeField(_("processed at"), null=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call_uuid", "item"],
                condition=Q(state="open"),
                name="correction_one_open",
            ),
            models.CheckConstraint(
                name="correction_state_is_known",
                condition=Q(state__in=["open", "exported", "processed"]),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="correction_newest"),
            models.Index(fields=["state", "-at", "-id"], name="correction_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.item} · {self.call_uuid}"
