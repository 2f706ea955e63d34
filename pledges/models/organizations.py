"""Organisations and our own settings for them, and what every mirrored row has in common."""

from datetime import time
from decimal import Decimal
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

# Stands for the end of the day: a time cannot say 24:00.
LAST_MINUTE: Final = time(23, 59)


def in_words(choices: type[models.TextChoices], value: str | None) -> str:
    """The label of a value that TapRaise sent, or the value as it is when no document lists it."""
    if value is None:
        return ""
    return str(choices(value).label) if value in choices.values else value


def in_euros(amount: Decimal | None) -> str:
    """An amount as it is written in the Netherlands, in every language of ours: € 1.234,50."""
    if amount is None:
        return str(_("not known"))
    return f"€ {number_format(amount, 2, use_l10n=True, force_grouping=True)}"


class Mirror(models.Model):
    """What every mirrored row carries beside its own columns."""

    # A keyed hash of everything that was sent: an unchanged record is not written again.
    digest = models.BigIntegerField(null=True, editable=False)
    fetched_at = models.DateTimeField(_("last changed by a read at"), null=True, editable=False)

    class Meta:
        abstract = True


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def of(self, user: Any) -> "OrganizationQuerySet":
        """Those that a user works for: `user.organizations`, of a user who may be a slot."""
        return self.filter(members=user)


class Organization(Mirror):
    """A charity, a recruiting agency or a call centre, and our own settings for it."""

    uuid = models.UUIDField(primary_key=True)
    name = models.TextField(_("name"), blank=True)

    # Ours from here on; the database knows the defaults, as `sync.py` inserts without them.
    is_ours = models.BooleanField(
        _("calls are ours"),
        default=False,
        db_default=False,
        help_text=_("We make the calls that name this organisation as the caller."),
    )
    serves_unassigned_calls = models.BooleanField(
        _("unassigned calls are ours"),
        default=False,
        db_default=False,
        help_text=_("We make this charity's calls that name no calling organisation."),
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, verbose_name=_("people"), related_name="organizations", blank=True
    )

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")

    def __str__(self) -> str:
        return self.name or str(self.uuid)


class CallingRules(models.Model):
    """When an organisation's donors may be called, and how often: in force from a date.

    Without a row nobody is called. Times are Europe/Amsterdam wall-clock; an empty pair is closed.
    """

    class CallType(models.TextChoices):
        ANY = "", _("every type of call")
        VERIFICATION = "verification", _("verification")
        HAPPY_CALL = "happy_call", _("happy call")
        WINBACK = "winback", _("winback")

    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        on_delete=models.CASCADE,
        related_name="calling_rules",
    )
    call_type = models.CharField(
        _("type of call"), max_length=20, choices=CallType.choices, blank=True
    )
    from_date = models.DateField(_("in force from"))
    weekdays_open = models.TimeField(_("weekdays from"), null=True, blank=True)
    weekdays_close = models.TimeField(_("weekdays until"), null=True, blank=True)
    saturday_open = models.TimeField(_("Saturday from"), null=True, blank=True)
    saturday_close = models.TimeField(_("Saturday until"), null=True, blank=True)
    sunday_open = models.TimeField(_("Sunday from"), null=True, blank=True)
    sunday_close = models.TimeField(_("Sunday until"), null=True, blank=True)
    max_attempts = models.PositiveSmallIntegerField(
        _("attempts at most"),
        null=True,
        blank=True,
        help_text=_("As agreed with TapRaise, which does not tell. Empty: not shown."),
    )
    gap_minutes = models.PositiveIntegerField(
        _("minutes between attempts"), default=240, help_text=_("After a dial that missed.")
    )
    cooling_off_days = models.PositiveSmallIntegerField(
        _("days until a pledge is released"),
        null=True,
        blank=True,
        help_text=_(
            "As agreed with TapRaise, which does not tell: counted from the day of the pledge. "
            "Empty: not shown."
        ),
    )
    source = models.CharField(_("source"), max_length=200, blank=True)
    checked_at = models.DateField(_("looked up on"), null=True, blank=True)

    class Meta:
        verbose_name = _("calling rules")
        verbose_name_plural = _("calling rules")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "call_type", "from_date"], name="calling_rules_one_a_day"
            ),
            *(
                models.CheckConstraint(
                    name=f"calling_rules_{days}_in_order",
                    condition=models.Q(
                        **{f"{days}_open__isnull": True, f"{days}_close__isnull": True}
                    )
                    | models.Q(**{f"{days}_open__lt": models.F(f"{days}_close")}),
                )
                for days in ("weekdays", "saturday", "sunday")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.from_date:%d-%m-%Y}"

    @property
    def is_always_open(self) -> bool:
        """Whether every day is open from midnight to midnight, as in the demo."""
        opens = (self.weekdays_open, self.saturday_open, self.sunday_open)
        closes = (self.weekdays_close, self.saturday_close, self.sunday_close)
        ends_late = all(end is not None and end >= LAST_MINUTE for end in closes)
        return ends_late and all(begin == time() for begin in opens)


class ClosedDay(models.Model):
    """A day on which donors are not called, or less long: a holiday, a day of remembrance."""

    # Null: it holds for every organisation.
    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="closed_days",
        help_text=_("Empty: for all of them."),
    )
    date = models.DateField(_("day"))
    closes_at = models.TimeField(
        _("closes early at"), null=True, blank=True, help_text=_("Empty: closed all day.")
    )
    name = models.CharField(_("name"), max_length=100)
    source = models.CharField(_("source"), max_length=200, blank=True)
    checked_at = models.DateField(_("looked up on"), null=True, blank=True)

    class Meta:
        verbose_name = _("closed day")
        verbose_name_plural = _("closed days")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "date"], name="closed_day_one_each"),
            models.UniqueConstraint(
                fields=["date"],
                condition=models.Q(organization__isnull=True),
                name="closed_day_one_for_all",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.date:%d-%m-%Y}"
