"""Dials: made when Call is pressed; how one ended is ours to know, TapRaise only counts."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from calls.models.calls import Call, DoneForOrganization
from integrations.models import Delivery


class Attempt(DoneForOrganization):
    """One dial. Made when Call is pressed; how it ended is ours to know, TapRaise only counts."""

    class Outcome(models.TextChoices):
        OPEN = "", _("being dialled")
        REACHED = "reached", _("reached")
        NO_ANSWER = "no_answer", _("no answer")
        BUSY = "busy", _("busy")
        VOICEMAIL = "voicemail", _("voicemail")
        WRONG_NUMBER = "wrong_number", _("wrong number")
        CUT_OFF = "cut_off", _("cut off")
        NOT_CONVENIENT = "not_convenient", _("not convenient")

    MISSED = (
        Outcome.NO_ANSWER,
        Outcome.BUSY,
        Outcome.VOICEMAIL,
        Outcome.WRONG_NUMBER,
        Outcome.CUT_OFF,
        Outcome.NOT_CONVENIENT,
    )

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="our_attempts"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="attempts",
    )
    # Whole seconds, strictly rising within a call: with the user it tells this attempt apart.
    at = models.DateTimeField(_("dialled at"))
    answered_at = models.DateTimeField(_("answered at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices, blank=True)
    outcome_at = models.DateTimeField(_("ended at"), null=True)
    # Why this donor could be called then: see pledges/contact.py.
    ground = models.JSONField(_("ground for calling"), default=dict)
    # The form that dialled, and the one that told the outcome.
    token = models.UUIDField(db_index=True)
    outcome_token = models.UUIDField(null=True, db_index=True)
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "at"], name="attempt_one_a_second"),
            models.UniqueConstraint(
                fields=["call"], condition=Q(outcome=""), name="attempt_one_on_the_line"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-at"], name="attempt_of_user"),
            models.Index(fields=["at"], name="attempt_by_time"),
            # What was done today, for whom: the floor reads the index alone.
            models.Index(
                fields=["organization", "at", "user", "outcome"], name="attempt_for_organization"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"
