"""What a worker counts of each day, so that a page about a year reads no attempt at all.

A day is one in Amsterdam. See `calls/daybook.py` for when it is counted again.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from pledges.models import Organization


class DayCounting(models.Model):
    """One day, and when its rows were last counted."""

    day = models.DateField(_("day"), primary_key=True)
    # Null: a worker is at it for the first time.
    counted_at = models.DateTimeField(_("counted at"), null=True, db_index=True)

    class Meta:
        verbose_name = _("count of a day")
        verbose_name_plural = _("counts of days")

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class DayCountQuerySet(models.QuerySet["DayCount"]):
    def visible_to(self, user: Any) -> "DayCountQuerySet":
        """What was done for the organisations that this user works for."""
        return self.filter(organization__in=Organization.objects.of(user).values("pk"))


class DayCount(models.Model):
    """So many of one kind, on one day, for one organisation and call type, by one person."""

    class Kind(models.TextChoices):
        """What is counted, and what `code`, `n`, `a` and `b` stand for."""

        # Dials by the hour in which they began, 0 to 23: all, those that reached the donor, and
        # those of which nobody has said how they ended.
        HOUR = "hour", _("dials by hour")
        # Dials that ended, to donors whom this call had not reached before, by which dial of the
        # call it was: all, and those that reached the donor.
        NTH = "nth", _("dials by how many went before")
        # Calls that were completed, by result code: all, those whose donor was asked for a rating,
        # and the sum of those ratings.
        RESULT = "result", _("results")
        # Calls about a pledge that were completed, by what became of its amount: all, and those of
        # which it is known here what a year came to, in `before` and `after`.
        AMOUNT = "amount", _("amounts")
        # Calls about a pledge that were completed and did not drop it, by the rating that the donor
        # gave, 1 to 10, or empty: all, and those whose pledge was lost within 30 and 90 days.
        RATING = "rating", _("ratings")
        # PayLinks that were made, by how they reached the donor, `link` or `text`: all, those that
        # were opened, and those that were paid, with the euros that were asked for and paid.
        PAY_LINK = "pay_link", _("PayLinks")

    # Of a call that dropped the pledge: one more way for an amount to go than `terms.Move` has.
    DROPPED = "dropped"
    # How a PayLink reached the donor: shown and copied, or in a message of ours.
    BY_LINK, BY_TEXT = "link", "text"

    day = models.DateField(_("day"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    code = models.CharField(_("code"), max_length=20, blank=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    # As TapRaise names it; empty where it names none.
    call_type = models.TextField(_("type"), blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    n = models.PositiveIntegerField()
    a = models.PositiveIntegerField(default=0)
    b = models.PositiveIntegerField(default=0)
    # Euros; of amounts they are euros a year.
    before = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    after = models.DecimalField(max_digits=14, decimal_places=2, default=0)

    objects = DayCountQuerySet.as_manager()

    class Meta:
        verbose_name = _("part of a day")
        verbose_name_plural = _("parts of days")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "day", "organization", "call_type", "user", "code"],
                name="day_count_once",
            )
        ]
        # A day is counted again as a whole.
        indexes: ClassVar = [models.Index(fields=["day"], name="day_count_of_day")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.kind} {self.code}: {self.n}"


class GateCountQuerySet(models.QuerySet["GateCount"]):
    def visible_to(self, user: Any) -> "GateCountQuerySet":
        """Pledges to the organisations that this user works for."""
        return self.filter(organization__in=Organization.objects.of(user).values("pk"))


class GateCount(models.Model):
    """What TapRaise's quality gates found of the pledges that were recruited on one day for one
    organisation: of each recruiter, of each location, and of all of them.

    The row without a gate is about whole pledges. A gate has a row of its own only where it found
    something, or was not asked: else all that were judged passed it.
    """

    class By(models.TextChoices):
        RECRUITER = "recruiter", _("recruiter")
        LOCATION = "location", _("location")
        ALL = "all", _("all together")

    # A label of TapRaise's may be of any length; what is longer than an index holds is cut.
    LONGEST = 200
    # In a name that is followed by a number.
    BEFORE_NUMBER = " ("
    # Stands for the pledge as a whole: any gate.
    WHOLE = ""

    day = models.DateField(_("day"))
    by = models.CharField(_("by"), max_length=10, choices=By.choices)
    # As TapRaise names it.
    gate = models.CharField(_("quality gate"), max_length=LONGEST, blank=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    # The recruiter's uuid, or the label of the location; empty: not told.
    key = models.CharField(_("whose"), max_length=LONGEST, blank=True)
    # The recruiter's name and number, as far as TapRaise tells them.
    name = models.CharField(_("name"), max_length=LONGEST, blank=True)
    # Pledges that have a quality result, in the row without a gate alone.
    pledges = models.PositiveIntegerField(default=0)
    # Those that failed this gate; without a gate: that failed any.
    failed = models.PositiveIntegerField(default=0)
    # Those that this gate says nothing of; without a gate: that have no quality result.
    unknown = models.PositiveIntegerField(default=0)
    # In the row without a gate alone: verification calls about these pledges that were completed
    # here, and how many of them ended so.
    called = models.PositiveIntegerField(default=0)
    downgraded = models.PositiveIntegerField(default=0)
    dropped = models.PositiveIntegerField(default=0)

    objects = GateCountQuerySet.as_manager()

    class Meta:
        verbose_name = _("quality gates of a day")
        verbose_name_plural = _("quality gates of days")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["by", "gate", "day", "organization", "key"], name="gate_count_once"
            )
        ]
        indexes: ClassVar = [
            # A day is counted again as a whole.
            models.Index(fields=["day"], name="gate_count_of_day"),
            models.Index(fields=["by", "key", "day"], name="gate_count_of_one"),
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.by} {self.key} {self.gate}: {self.failed}"
