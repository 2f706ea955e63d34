"""What an agent says, as an organisation wants it said: written by supervisors, in versions."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from pledges.models import CallingRules, Organization


class Script(models.Model):
    """One version of what is said. What was written is never changed: a newer version takes over
    from the moment at which it is put in force."""

    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        on_delete=models.CASCADE,
        related_name="conversation_scripts",
    )
    call_type = models.CharField(
        _("type of call"), max_length=20, choices=CallingRules.CallType.choices, blank=True
    )
    version = models.PositiveIntegerField(_("version"))
    # In the form of `calls/script.py`.
    text = models.TextField(_("text"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(_("written at"))
    in_force_at = models.DateTimeField(_("in force since"), null=True)

    class Meta:
        verbose_name = _("script of a conversation")
        verbose_name_plural = _("scripts of conversations")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "call_type", "version"], name="script_one_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.get_call_type_display()} · {self.version}"
