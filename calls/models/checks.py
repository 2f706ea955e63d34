"""What was asked of the donor while on the line, detail by detail, and what an organisation wants
asked before a pledge counts as confirmed."""

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from calls.models.attempts import Attempt
from calls.models.calls import Call
from pledges.models import CallingRules, Correction, Organization


class Item(models.TextChoices):
    """A detail that is gone through with the donor, in the order of a conversation."""

    NAME = "name", _("name")
    DATE_OF_BIRTH = "date_of_birth", _("date of birth")
    ADDRESS = "address", _("address")
    PHONE = "phone", _("phone")
    EMAIL = "email", _("e-mail")
    AMOUNT = "amount", _("amount and interval")
    START = "start", _("start")
    ACCOUNT = "account", _("account number")


# Asked for and never said: right only by what the donor says.
MASKED = (Item.DATE_OF_BIRTH, Item.ACCOUNT)


class Check(models.Model):
    """What the donor said of one detail; the latest answer counts."""

    class Answer(models.TextChoices):
        CONFIRMED = "confirmed", _("right")
        CORRECTED = "corrected", _("different")
        NOT_ASKED = "not_asked", _("not asked")
        REFUSED = "refused", _("refuses")

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="checks")
    item = models.CharField(_("detail"), max_length=20, choices=Item.choices)
    answer = models.CharField(_("answer"), max_length=20, choices=Answer.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="checks"
    )
    at = models.DateTimeField(_("asked at"))
    # The dial during which it was asked; none where that dial was undone, or the donor rang us.
    attempt = models.ForeignKey(
        Attempt, null=True, on_delete=models.SET_NULL, related_name="checks"
    )
    # What it is instead, where that is for the charity to put right.
    correction = models.ForeignKey(
        Correction, null=True, on_delete=models.SET_NULL, related_name="checks"
    )

    class Meta:
        verbose_name = _("check of a detail")
        verbose_name_plural = _("checks of details")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "item"], name="check_one_a_detail"),
            models.CheckConstraint(
                name="check_answer_is_known",
                condition=Q(answer__in=["confirmed", "corrected", "not_asked", "refused"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.answer}"


class Saying(models.Model):
    """The donor said a masked detail, and it was right or wrong. What was said is nowhere kept."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="sayings")
    item = models.CharField(_("detail"), max_length=20, choices=Item.choices)
    is_right = models.BooleanField(_("right"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sayings"
    )
    at = models.DateTimeField(_("said at"))
    # A supervisor is sure of the donor all the same: it no longer counts.
    forgiven_at = models.DateTimeField(_("no longer counts since"), null=True)
    forgiven_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("detail as the donor said it")
        verbose_name_plural = _("details as donors said them")
        indexes: ClassVar = [
            models.Index(
                fields=["call"],
                condition=Q(is_right=False, forgiven_at__isnull=True),
                name="saying_wrong",
            )
        ]

    def __str__(self) -> str:
        return f"{self.item}: {'right' if self.is_right else 'wrong'}"


def _name_and_amount() -> list[str]:
    return [Item.NAME.value, Item.AMOUNT.value]


def items_are_known(items: list[str]) -> None:
    """Raises ValidationError where it is no list of details, each once."""
    is_list = isinstance(items, list) and all(isinstance(one, str) for one in items)
    if not is_list or len(set(items)) != len(items) or not set(items) <= set(Item.values):
        raise ValidationError(
            _("Name these details, each once: %(items)s."),
            params={"items": ", ".join(Item.values)},
        )


class CheckRules(models.Model):
    """What an organisation wants asked before a pledge is confirmed: in force from a date."""

    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        on_delete=models.CASCADE,
        related_name="check_rules",
    )
    call_type = models.CharField(
        _("type of call"), max_length=20, choices=CallingRules.CallType.choices, blank=True
    )
    from_date = models.DateField(_("in force from"))
    needed = models.JSONField(
        _("must be right"),
        default=_name_and_amount,
        blank=True,
        validators=[items_are_known],
        help_text=_("Details that the donor must have said to be right, or put right."),
    )
    wrong_answers = models.PositiveSmallIntegerField(
        _("wrong answers at most"),
        default=3,
        help_text=_(
            "After so many wrong answers about date of birth or account the call counts as one "
            "with somebody else."
        ),
    )
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("rules for checking details")
        verbose_name_plural = _("rules for checking details")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "call_type", "from_date"], name="check_rules_one_a_day"
            ),
            models.CheckConstraint(
                name="check_rules_some_answers", condition=Q(wrong_answers__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.from_date:%d-%m-%Y}"
