"""Pledges and payments, as TapRaise tells them."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.encryption import EncryptedJSONField, EncryptedTextField
from pledges.models.organizations import Mirror, Organization, in_words
from pledges.models.persons import Person


class PledgeQuerySet(models.QuerySet["Pledge"]):
    def visible_to(self, user: Any) -> "PledgeQuerySet":
        """The pledges to the organisations that this user works for."""
        return self.filter(owning_organization__in=Organization.objects.of(user).values("pk"))


class Pledge(Mirror):
    """A promise to give: amounts in euros, as TapRaise has them."""

    class Interval(models.TextChoices):
        ONCE = "once", _("once")
        MONTHLY = "monthly", _("a month")
        QUARTERLY = "quarterly", _("a quarter")
        HALF_YEARLY = "halfYearly", _("half a year")
        YEARLY = "yearly", _("a year")

    class RecruitmentType(models.TextChoices):
        DOOR = "d2d", _("at the door")
        STREET = "street", _("in the street")

    class Status(models.TextChoices):
        LEAD = "lead", _("lead")
        ACTIVE = "active", _("active")
        DROPPED = "dropped", _("dropped")
        CANCELLED = "cancelled", _("cancelled")
        FULFILLED = "fulfilled", _("fulfilled")

    uuid = models.UUIDField(primary_key=True)
    account = models.CharField(_("service account"), max_length=60, blank=True)
    # Choices are what the documents list; another value is kept and shown as it is.
    status = models.TextField(_("status"), null=True)
    starts_at = models.DateTimeField(_("starts"), null=True)
    ends_at = models.DateTimeField(_("ends"), null=True)
    created_at = models.DateTimeField(_("created at"), null=True, db_index=True)
    updated_at = models.DateTimeField(_("updated at"), null=True)
    released_at = models.DateTimeField(_("released at"), null=True)
    owning_organization = models.ForeignKey(
        Organization,
        verbose_name=_("owning organisation"),
        null=True,
        on_delete=models.PROTECT,
        related_name="pledges",
    )
    recruiting_organization = models.ForeignKey(
        Organization,
        verbose_name=_("recruiting organisation"),
        null=True,
        on_delete=models.PROTECT,
        related_name="recruited_pledges",
    )
    recruiting_location_label = models.TextField(_("location"), null=True)
    initial_donation_amount = models.DecimalField(
        _("initial amount"), max_digits=12, decimal_places=2, null=True
    )
    donation_amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, null=True)
    initial_donation_interval = models.TextField(_("initial interval"), null=True)
    donation_interval = models.TextField(_("interval"), null=True)
    preferred_payment_day = models.PositiveSmallIntegerField(_("payment day"), null=True)
    person = models.ForeignKey(
        Person, verbose_name=_("donor"), null=True, on_delete=models.PROTECT, related_name="pledges"
    )
    recruitment_type = models.TextField(_("recruited"), null=True)
    recruiter_uuid = models.UUIDField(_("recruiter"), null=True)
    recruiter_identifier = models.TextField(_("recruiter's number"), null=True)
    recruiter_name = models.TextField(_("recruiter's name"), null=True)
    # One object an area: uuid, name.
    focus_areas = models.JSONField(_("focus areas"), default=list)
    external_source_name = models.TextField(_("managed in"), null=True)
    external_source_identifier = models.TextField(_("identifier there"), null=True)
    external_metadata = EncryptedJSONField(_("external metadata"), null=True)
    campaign_code = models.TextField(_("campaign code"), null=True)
    collection_date = models.DateTimeField(_("collection date"), null=True)

    # Ours: when it was last asked for by its uuid, and what full walks did not see.
    read_at = models.DateTimeField(_("last read by itself at"), null=True, editable=False)
    missed_at = models.DateTimeField(_("not seen by the full walk of"), null=True, editable=False)
    gone_at = models.DateTimeField(_("gone since"), null=True)

    objects = PledgeQuerySet.as_manager()

    class Meta:
        verbose_name = _("pledge")
        verbose_name_plural = _("pledges")
        indexes: ClassVar = [
            models.Index(
                fields=["read_at"], condition=models.Q(fetched_at=None), name="pledge_to_fetch"
            ),
            models.Index(
                fields=["created_at"],
                condition=models.Q(released_at=None),
                name="pledge_to_release",
            ),
            models.Index(
                fields=["missed_at"],
                condition=models.Q(missed_at__isnull=False),
                name="pledge_missed",
            ),
            models.Index(
                fields=["external_source_identifier", "external_source_name"],
                condition=models.Q(external_source_identifier__isnull=False),
                name="pledge_elsewhere",
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def interval_words(self) -> str:
        return in_words(self.Interval, self.donation_interval)

    @property
    def status_words(self) -> str:
        return in_words(self.Status, self.status)

    @property
    def recruitment_words(self) -> str:
        return in_words(self.RecruitmentType, self.recruitment_type)


class Transaction(Mirror):
    """A payment of a person, in euros. Account number and name are kept like the person's own."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        PAID = "paid", _("paid")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        REVERSED = "reversed", _("reversed")

    uuid = models.UUIDField(primary_key=True)
    person = models.ForeignKey(
        Person,
        verbose_name=_("donor"),
        null=True,
        on_delete=models.PROTECT,
        related_name="transactions",
    )
    pledge = models.ForeignKey(
        Pledge,
        verbose_name=_("pledge"),
        null=True,
        on_delete=models.PROTECT,
        related_name="transactions",
    )
    origin_name = models.TextField(_("origin"), null=True)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, null=True)
    name = EncryptedTextField(_("name"), null=True)
    iban = EncryptedTextField(_("account number"), null=True)
    iban_hash = models.CharField(max_length=32, null=True, db_index=True, editable=False)
    description = models.TextField(_("description"), null=True)
    provider = models.TextField(_("provider"), null=True)
    method = models.TextField(_("method"), null=True)
    reference_id = models.TextField(_("reference"), null=True)
    transaction_id = models.TextField(_("provider's number"), null=True)
    provider_metadata = EncryptedJSONField(null=True)
    created_at = models.DateTimeField(_("created at"), null=True)
    updated_at = models.DateTimeField(_("updated at"))
    status = models.TextField(_("status"))

    class Meta:
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")

    def __str__(self) -> str:
        return str(self.uuid)
