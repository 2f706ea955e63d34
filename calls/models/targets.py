"""What an organisation wants done in a day."""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from pledges.models import Organization


class DayTargetQuerySet(models.QuerySet["DayTarget"]):
    def visible_to(self, user: Any) -> "DayTargetQuerySet":
        return self.filter(organization__in=Organization.objects.of(user).values("pk"))

    def in_force(self, day: Any) -> "DayTargetQuerySet":
        """The one of each organisation that holds on a day: the newest that has begun."""
        begun = self.filter(from_date__lte=day)
        newer = DayTarget.objects.filter(
            organization=OuterRef("organization"),
            from_date__lte=day,
            from_date__gt=OuterRef("from_date"),
        )
        return begun.filter(~Exists(newer))


class DayTarget(models.Model):
    """How much is to be done in a day for an organisation's donors: in force from a date.

    An empty number is no target; a row with two of them ends the one before it.
    """

    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        on_delete=models.CASCADE,
        related_name="day_targets",
    )
    from_date = models.DateField(_("in force from"))
    completed = models.PositiveIntegerField(
        _("calls completed a day"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: no target."),
    )
    reached = models.PositiveIntegerField(
        _("donors reached a day"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Attempts that reached the donor, as the floor counts them. Empty: no target."),
    )

    objects = DayTargetQuerySet.as_manager()

    class Meta:
        verbose_name = _("target of the day")
        verbose_name_plural = _("targets of the day")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "from_date"], name="day_target_one_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.from_date:%d-%m-%Y}"


def target_on(rows: Iterable[DayTarget], day: date) -> DayTarget | None:
    """Of the rows of one organisation the one that holds on this day, as `in_force` finds it."""
    begun = [row for row in rows if row.from_date <= day]
    return max(begun, key=lambda row: row.from_date, default=None)
