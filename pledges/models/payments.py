"""PayLinks: on what terms an organisation offers them, those that people here made, and the ones
that Alphacomm tells of.

What we asked for and what came of it are two rows: an answer that was lost may leave several links
at Alphacomm for one of ours. The canonical one is the oldest; only its address is shown.
"""

import re
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from integrations.models import Delivery
from pledges.models.messaging import TextMessage
from pledges.models.organizations import Organization, in_euros, in_words
from pledges.models.persons import Person
from pledges.models.pledges import Pledge

CENT: Final = Decimal("0.01")
# So long Alphacomm keeps a link by itself.
MOST_DAYS: Final = 90
_TIME_OF_DAY: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def check_times_of_day(value: Any) -> None:
    """A list of times as 09:30, each once, in order."""
    is_list = isinstance(value, list)
    if not is_list or not all(isinstance(t, str) and _TIME_OF_DAY.fullmatch(t) for t in value):
        raise ValidationError(_("Give times as 09:30, one after the other."))
    if value != sorted(set(value)):
        raise ValidationError(_("Give each time once, the earliest first."))


class PaymentRules(models.Model):
    """On what terms an organisation's donors are offered PayLinks, texts and e-Mandates: in force
    from a date. Without a row nothing of it is offered. Amounts are euros."""

    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        on_delete=models.CASCADE,
        related_name="payment_rules",
    )
    from_date = models.DateField(_("in force from"))
    smallest_amount = models.DecimalField(
        _("smallest amount"), max_digits=12, decimal_places=2, validators=[MinValueValidator(CENT)]
    )
    largest_amount = models.DecimalField(_("largest amount"), max_digits=12, decimal_places=2)
    description = models.CharField(
        _("description"), max_length=100, help_text=_("What the donor reads beside the amount.")
    )
    days_visible = models.PositiveSmallIntegerField(
        _("days to pay"), default=30, validators=[MinValueValidator(1)]
    )
    # Empty: no e-Mandate is offered.
    mandate_reference = models.CharField(_("reference of e-Mandates"), max_length=35, blank=True)
    mandate_type = models.CharField(_("type of e-Mandates"), max_length=10, default="RCUR")
    mandate_reason = models.CharField(_("reason of e-Mandates"), max_length=70, blank=True)
    texts_a_day = models.PositiveSmallIntegerField(
        _("texts a day at most"), default=2, help_text=_("To one donor, of all kinds together.")
    )
    import_times = models.JSONField(
        _("texts leave at"),
        default=list,
        blank=True,
        validators=[check_times_of_day],
        help_text=_("The account's import schedule, in Dutch time. Empty: not known."),
    )
    # A link of ours was seen to show the amount that was asked for.
    amounts_agreed_at = models.DateTimeField(_("amounts seen to agree at"), null=True, blank=True)
    # Null although they agree: it was seen in what a donor paid.
    amounts_agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    if TYPE_CHECKING:
        # Asked along by `pledges.payments.rules_for`.
        was_seen: bool

    class Meta:
        verbose_name = _("payment rules")
        verbose_name_plural = _("payment rules")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "from_date"], name="payment_rules_one_a_day"
            ),
            models.CheckConstraint(
                name="payment_rules_bounds_in_order",
                condition=Q(smallest_amount__gt=0, largest_amount__gte=F("smallest_amount")),
            ),
            models.CheckConstraint(
                name="payment_rules_days_visible", condition=Q(days_visible__gte=1)
            ),
            models.CheckConstraint(
                name="payment_rules_agreed_when",
                condition=Q(amounts_agreed_by=None) | Q(amounts_agreed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.from_date:%d-%m-%Y}"

    def clean(self) -> None:
        if self.days_visible is not None and self.days_visible > MOST_DAYS:
            raise ValidationError(
                {
                    "days_visible": _("A PayLink can be paid for %(most)s days at most.")
                    % {"most": MOST_DAYS}
                }
            )


class PayLinkQuerySet(models.QuerySet["PayLink"]):
    def living(self) -> "PayLinkQuerySet":
        """Those that stand: not refused by Alphacomm and not dropped by a person."""
        return self.filter(ended_badly_at=None)

    def unpaid(self) -> "PayLinkQuerySet":
        """Those of which no link was paid in full, the canonical one or another."""
        paid = AlphacommLink.objects.filter(
            pay_link=OuterRef("pk"), status=AlphacommLink.Status.PAID
        )
        return self.filter(~Exists(paid))

    def visible_to(self, user: Any) -> "PayLinkQuerySet":
        """Those of donors of the organisations that this user works for."""
        theirs = Organization.objects.of(user).values("pk")
        return self.filter(person__owning_organization__in=theirs)


class PayLink(models.Model):
    """Somebody here wanted a donor to have a link to pay with: through the API, to show and to
    copy (`delivery`), or carried by a text whose script makes one of its own (`message`)."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call_uuid = models.UUIDField(_("call"), null=True, db_index=True)
    person = models.ForeignKey(
        Person, verbose_name=_("donor"), on_delete=models.PROTECT, related_name="pay_links"
    )
    pledge = models.ForeignKey(
        Pledge,
        verbose_name=_("pledge"),
        null=True,
        on_delete=models.PROTECT,
        related_name="pay_links",
    )
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    description = models.CharField(_("description"), max_length=100)
    # By our own reckoning: Alphacomm tells nothing of it.
    visible_until = models.DateTimeField(_("to be paid until"))
    invoice_reference = models.CharField(_("reference"), max_length=35, unique=True)
    message = models.OneToOneField(
        TextMessage,
        verbose_name=_("message"),
        null=True,
        on_delete=models.PROTECT,
        related_name="pay_link",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="pay_links",
    )
    at = models.DateTimeField(_("made at"))
    token = models.UUIDField(db_index=True)
    delivery = models.OneToOneField(Delivery, null=True, on_delete=models.PROTECT, related_name="+")
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)
    read_at = models.DateTimeField(_("last looked for at"), null=True, editable=False)

    objects = PayLinkQuerySet.as_manager()

    # No column: what of Alphacomm's was read already, for who looks at it next.
    links_read: "list[AlphacommLink] | None" = None

    class Meta:
        verbose_name = _("PayLink")
        verbose_name_plural = _("PayLinks")
        constraints: ClassVar = [
            models.CheckConstraint(name="pay_link_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="pay_link_made_in_one_way",
                condition=Q(delivery__isnull=False, message=None)
                | Q(delivery=None, message__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["person", "-at"], name="pay_link_of_person"),
            models.Index(fields=["visible_until", "at", "uuid"], name="pay_link_visible"),
            models.Index(fields=["at", "uuid"], name="pay_link_made"),
        ]

    def __str__(self) -> str:
        return self.invoice_reference

    @property
    def subject(self) -> str:
        """The line of its own message."""
        return f"paylink:{self.pk}"

    @property
    def amount_words(self) -> str:
        return in_euros(self.amount)

    @property
    def links_there(self) -> "list[AlphacommLink]":
        """What Alphacomm has of it, the oldest first. Wants `links` prefetched, or read."""
        known = self.links.all() if self.links_read is None else self.links_read
        return sorted(known, key=AlphacommLink.age)

    @property
    def canonical(self) -> "AlphacommLink | None":
        """The one whose address is shown: the oldest that was found."""
        return next(iter(self.links_there), None)

    @property
    def orphans(self) -> "list[AlphacommLink]":
        """Paid, and not the canonical one: money that came by an address nobody shows."""
        return [link for link in self.links_there[1:] if link.is_paid]


class AlphacommLinkQuerySet(models.QuerySet["AlphacommLink"]):
    def orphans_paid(self) -> "AlphacommLinkQuerySet":
        """Paid, though another one of the same PayLink of ours is older: each is an alarm."""
        older = AlphacommLink.objects.filter(pay_link=OuterRef("pay_link")).filter(
            Q(created_on__lt=OuterRef("created_on"))
            | Q(created_on=OuterRef("created_on"), id__lt=OuterRef("id"))
        )
        return self.filter(Exists(older), status=AlphacommLink.Status.PAID)

    def visible_to(self, user: Any) -> "AlphacommLinkQuerySet":
        """Those of donors of the organisations that this user works for."""
        return self.filter(
            pay_link__person__owning_organization__in=Organization.objects.of(user).values("pk")
        )


class AlphacommLink(models.Model):
    """A PayLink as Alphacomm tells it; `sync` writes these columns and nobody else.

    Only paid is final: after failed or cancelled it may still be paid. When it was opened is told
    by a webhook alone, and no read erases it.
    """

    class Status(models.TextChoices):
        # In the words of `pledges.payments.LinkState`.
        READY = "ready", _("waiting to be paid")
        STARTED = "started", _("payment started")
        PARTIALLY_PAID = "partially_paid", _("partly paid")
        PAID = "paid", _("paid")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")

    id = models.CharField(primary_key=True, max_length=64)
    pay_link = models.ForeignKey(
        PayLink, verbose_name=_("PayLink"), on_delete=models.PROTECT, related_name="links"
    )
    short_url = models.TextField(_("short address"), blank=True)
    long_url = models.TextField(_("long address"), blank=True)
    # Another value than the document lists is kept and shown as it is; empty: not told yet.
    status = models.CharField(_("status"), max_length=40, blank=True)
    amount_paid = models.BigIntegerField(_("paid, in cents"), null=True)
    # Not promised by an answer to a create: then the moment before we asked.
    created_on = models.DateTimeField(_("created at"))
    updated_on = models.DateTimeField(_("updated at"), null=True)
    # By name, as they came back.
    attributes = models.JSONField(_("attributes"), default=dict)
    visited_at = models.DateTimeField(_("opened at"), null=True)
    paid_at = models.DateTimeField(_("paid at"), null=True)
    fetched_at = models.DateTimeField(_("last read at"))
    # The alarm about a paid one that is not canonical was raised.
    orphan_told_at = models.DateTimeField(_("alarm raised at"), null=True)

    objects = AlphacommLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("PayLink at Alphacomm")
        verbose_name_plural = _("PayLinks at Alphacomm")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="alphacomm_link_paid_when",
                condition=Q(status="paid", paid_at__isnull=False)
                | (~Q(status="paid") & Q(paid_at=None)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["pay_link", "created_on", "id"], name="alphacomm_link_canonical"),
            models.Index(fields=["created_on", "id"], name="alphacomm_link_created"),
            models.Index(
                fields=["paid_at"], condition=Q(status="paid"), name="alphacomm_link_paid"
            ),
            models.Index(
                fields=["orphan_told_at"],
                condition=Q(orphan_told_at__isnull=False),
                name="alphacomm_link_orphan",
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def is_paid(self) -> bool:
        return self.status == self.Status.PAID

    @property
    def status_words(self) -> str:
        return in_words(self.Status, self.status)

    def age(self) -> tuple[Any, ...]:
        """What the oldest one is told by."""
        return self.created_on, self.id
