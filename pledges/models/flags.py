"""What the quality gates found about recruiters, until a supervisor has seen it."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pledges.models.organizations import Organization
from pledges.models.persons import Person


class RecruiterFlagQuerySet(models.QuerySet["RecruiterFlag"]):
    def visible_to(self, user: Any) -> "RecruiterFlagQuerySet":
        """About donors of the organisations that this user works for."""
        theirs = Organization.objects.of(user).values("pk")
        return self.filter(person__owning_organization__in=theirs)

    def unseen(self) -> "RecruiterFlagQuerySet":
        return self.filter(seen_at=None)


class RecruiterFlag(models.Model):
    """A donor whose account, address or number is the recruiter's own, as a quality gate says.

    Made with the quality result; for supervisors alone. Seen, it stays on record; it asks for
    attention again when another gate finds something, or when the donor says that such a detail is
    different.
    """

    REMARK_LENGTH = 500

    person = models.OneToOneField(
        Person,
        verbose_name=_("donor"),
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="recruiter_flag",
    )
    # The explanations of the gates that failed, in alphabetical order; none: they hold no longer.
    findings = models.JSONField(_("findings"), default=list)
    # Since when it asks for attention.
    raised_at = models.DateTimeField(_("raised at"))
    seen_at = models.DateTimeField(_("seen at"), null=True)
    # Who saw it last, and what they wrote; both stay when it is raised again.
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    remark = models.CharField(_("remark"), max_length=REMARK_LENGTH, blank=True)
    # One more with every change, so that nobody says of one thing that they saw another.
    version = models.PositiveIntegerField(default=1)

    objects = RecruiterFlagQuerySet.as_manager()

    class Meta:
        verbose_name = _("recruiter flag")
        verbose_name_plural = _("recruiter flags")
        indexes: ClassVar = [
            models.Index(
                fields=["raised_at", "person"],
                condition=Q(seen_at__isnull=True),
                name="recruiter_flag_unseen",
            ),
            models.Index(
                fields=["-seen_at", "-person"],
                condition=Q(seen_at__isnull=False),
                name="recruiter_flag_seen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {', '.join(self.findings)}"
