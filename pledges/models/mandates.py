"""e-Mandates: a donor's permission to collect, given at the bank by following a link."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models import Delivery
from pledges.models.messaging import TextMessage
from pledges.models.organizations import Organization, in_words
from pledges.models.persons import Person
from pledges.models.pledges import Pledge


class MandateQuerySet(models.QuerySet["Mandate"]):
    def living(self) -> "MandateQuerySet":
        """Those that stand: not refused by Alphacomm and not dropped by a person."""
        return self.filter(ended_badly_at=None)

    def unsigned(self) -> "MandateQuerySet":
        return self.exclude(status=Mandate.Status.SUCCESS)

    def visible_to(self, user: Any) -> "MandateQuerySet":
        """Those of donors of the organisations that this user works for."""
        theirs = Organization.objects.of(user).values("pk")
        return self.filter(person__owning_organization__in=theirs)


class Mandate(models.Model):
    """Somebody here wanted a donor to give an e-Mandate: through the API, to show and to copy
    (`delivery`), or carried by a text whose script makes one of its own (`message`)."""

    class Status(models.TextChoices):
        NEW = "new", _("waiting to be given")
        PENDING = "pending", _("waiting for a second signature")
        SUCCESS = "success", _("given")

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call_uuid = models.UUIDField(_("call"), null=True, db_index=True)
    person = models.ForeignKey(
        Person, verbose_name=_("donor"), on_delete=models.PROTECT, related_name="mandates"
    )
    pledge = models.ForeignKey(
        Pledge,
        verbose_name=_("pledge"),
        null=True,
        on_delete=models.PROTECT,
        related_name="mandates",
    )
    # The organisation's, and many have it; the second one is this row's alone.
    reference = models.CharField(_("reference"), max_length=35)
    debtor_reference = models.CharField(_("debtor's reference"), max_length=35, unique=True)
    message = models.OneToOneField(
        TextMessage,
        verbose_name=_("message"),
        null=True,
        on_delete=models.PROTECT,
        related_name="mandate",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="mandates",
    )
    at = models.DateTimeField(_("made at"))
    token = models.UUIDField(db_index=True)
    delivery = models.OneToOneField(Delivery, null=True, on_delete=models.PROTECT, related_name="+")
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)
    read_at = models.DateTimeField(_("last looked for at"), null=True, editable=False)

    # The mirror's: `sync` writes these. Null and empty until Alphacomm told.
    alphacomm_id = models.CharField(_("id at Alphacomm"), max_length=64, null=True, unique=True)
    short_url = models.TextField(_("short address"), blank=True)
    long_url = models.TextField(_("long address"), blank=True)
    type = models.CharField(_("type"), max_length=10, blank=True)
    # Another value than the document lists is kept and shown as it is.
    status = models.CharField(_("status"), max_length=40, blank=True)
    created_on = models.DateTimeField(_("created at"), null=True)
    updated_on = models.DateTimeField(_("updated at"), null=True)
    signed_at = models.DateTimeField(_("given at"), null=True)
    fetched_at = models.DateTimeField(_("last read at"), null=True)

    objects = MandateQuerySet.as_manager()

    class Meta:
        verbose_name = _("e-Mandate")
        verbose_name_plural = _("e-Mandates")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="mandate_made_in_one_way",
                condition=Q(delivery__isnull=False, message=None)
                | Q(delivery=None, message__isnull=False),
            ),
            models.CheckConstraint(
                name="mandate_signed_when",
                condition=Q(status="success", signed_at__isnull=False)
                | (~Q(status="success") & Q(signed_at=None)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["person", "-at"], name="mandate_of_person"),
            models.Index(fields=["at", "uuid"], name="mandate_made"),
            models.Index(fields=["created_on"], name="mandate_created"),
        ]

    def __str__(self) -> str:
        return self.debtor_reference

    @property
    def subject(self) -> str:
        """The line of its own message."""
        return f"mandate:{self.pk}"

    @property
    def is_signed(self) -> bool:
        return self.status == self.Status.SUCCESS

    @property
    def status_words(self) -> str:
        return in_words(self.Status, self.status)
