"""Calls that were asked for here."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from calls.models.calls import Call
from integrations.models import Delivery
from pledges.models import Organization, Person, Pledge


class NewCallQuerySet(models.QuerySet["NewCall"]):
    def living(self) -> "NewCallQuerySet":
        """Those that stand: not refused by TapRaise and not dropped by a person."""
        return self.filter(ended_badly_at=None)


class NewCall(models.Model):
    """A supervisor asked for a call to a donor, or told TapRaise of one that is made elsewhere.

    TapRaise knows it by our `uuid`, and the mirror has it once a read brought it.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        Person, verbose_name=_("donor"), on_delete=models.PROTECT, related_name="new_calls"
    )
    pledge = models.ForeignKey(
        Pledge,
        verbose_name=_("pledge"),
        null=True,
        on_delete=models.PROTECT,
        related_name="new_calls",
    )
    calling_organization = models.ForeignKey(
        Organization,
        verbose_name=_("calling organisation"),
        null=True,
        on_delete=models.PROTECT,
        related_name="new_calls",
    )
    # Empty for a call that is managed elsewhere.
    type = models.CharField(_("type"), max_length=20, choices=Call.Type.choices, blank=True)
    # Empty: TapRaise itself.
    managed_in = models.CharField(_("managed in"), max_length=50, blank=True)
    # Whole seconds; with person and type it tells this call apart when it is read back.
    requested_at = models.DateTimeField(_("requested at"))
    notes = models.TextField(_("notes of the request"), blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="new_calls",
    )
    token = models.UUIDField(db_index=True)
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)

    objects = NewCallQuerySet.as_manager()

    class Meta:
        verbose_name = _("requested call")
        verbose_name_plural = _("requested calls")

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def subject(self) -> str:
        """The line of deliveries that this call's messages leave in."""
        return f"call:{self.pk}"
