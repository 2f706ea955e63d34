"""What people here do about pledges: our own rows, each pointing at the Delivery that tells it."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.encryption import EncryptedTextField
from integrations.models import Delivery
from pledges.models.organizations import Organization
from pledges.models.persons import Person
from pledges.models.pledges import Pledge


class NewPledgeQuerySet(models.QuerySet["NewPledge"]):
    def living(self) -> "NewPledgeQuerySet":
        """Those that stand: not refused by TapRaise and not dropped by a person."""
        return self.filter(ended_badly_at=None)

    def visible_to(self, user: Any) -> "NewPledgeQuerySet":
        """Those to the organisations that this user works for."""
        return self.filter(owning_organization__in=Organization.objects.of(user).values("pk"))


class NewPledge(models.Model):
    """A supervisor made a pledge for a donor who asked for it. TapRaise knows it by our `uuid`, and
    the mirror has it once a read brought it."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        Person, verbose_name=_("donor"), on_delete=models.PROTECT, related_name="new_pledges"
    )
    owning_organization = models.ForeignKey(
        Organization,
        verbose_name=_("owning organisation"),
        on_delete=models.PROTECT,
        related_name="new_pledges",
    )
    donation_amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    donation_interval = models.CharField(_("interval"), max_length=20)
    # Empty: TapRaise itself.
    managed_in = models.CharField(_("managed in"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="new_pledges",
    )
    at = models.DateTimeField(_("made at"))
    token = models.UUIDField(db_index=True)
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)

    objects = NewPledgeQuerySet.as_manager()

    class Meta:
        verbose_name = _("new pledge")
        verbose_name_plural = _("new pledges")

    def __str__(self) -> str:
        return str(self.uuid)


class PledgeChangeQuerySet(models.QuerySet["PledgeChange"]):
    def living(self) -> "PledgeChangeQuerySet":
        """Those that stand: not refused by TapRaise and not dropped by a person."""
        return self.filter(ended_badly_at=None)


class PledgeChange(models.Model):
    """What a person here changed about a pledge: an update of some fields, or a status action.

    Undone: the row is gone. Refused: `ended_badly_at`.
    """

    pledge = models.ForeignKey(
        Pledge, verbose_name=_("pledge"), on_delete=models.PROTECT, related_name="changes"
    )
    # By the names of the mirror's columns: what is wanted, and what stood there when it was asked.
    # Amounts as texts in euros, times in ISO 8601 UTC, null for emptied.
    wanted = models.JSONField(_("wanted"), default=dict)
    before = models.JSONField(_("before"), default=dict)
    # The status that a status action is to bring about; empty for an update.
    wanted_status = models.CharField(_("wanted status"), max_length=20, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="pledge_changes",
    )
    at = models.DateTimeField(_("made at"))
    token = models.UUIDField(db_index=True)
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)

    objects = PledgeChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of a pledge")
        verbose_name_plural = _("changes of pledges")
        indexes: ClassVar = [models.Index(fields=["pledge", "-at"], name="change_of_pledge")]

    def __str__(self) -> str:
        return self.wanted_status or ", ".join(self.wanted)


class SignatureRequest(models.Model):
    """Somebody with the right asked for the address of a pledge's signature.

    A letterbox, not a store: a worker puts the address in, the page that asked takes it out once,
    and a sweep empties what nobody came for. The row stays, as a line of who looked.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("asked")
        READY = "ready", _("ready")
        TAKEN = "taken", _("shown")
        NONE = "none", _("there is no signature")
        FAILED = "failed", _("TapRaise did not answer")
        LAPSED = "lapsed", _("nobody came for it")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pledge = models.ForeignKey(
        Pledge, verbose_name=_("pledge"), on_delete=models.CASCADE, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.ASKED, db_index=True
    )
    address = EncryptedTextField(null=True)
    asked_at = models.DateTimeField(_("asked at"))
    fetched_at = models.DateTimeField(_("fetched at"), null=True)
    taken_at = models.DateTimeField(_("shown at"), null=True)

    class Meta:
        verbose_name = _("look at a signature")
        verbose_name_plural = _("looks at signatures")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="signature_address_only_while_ready",
                condition=models.Q(state="ready") | models.Q(address__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return str(self.pledge_id)
