"""Calls in hand: who has which donor, who passed one by, and the notes as they were typed."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from calls.models.calls import Call


class Hold(models.Model):
    """A call and its person in one agent's hands, for as long as the lease is renewed."""

    # Why it is in hand: the donor rang us, so nothing is dialled.
    RANG_BACK = "rang_back"

    call = models.OneToOneField(Call, on_delete=models.PROTECT, related_name="hold")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="hold"
    )
    taken_at = models.DateTimeField(_("taken at"))
    lease_until = models.DateTimeField(_("until"), db_index=True)
    # When the conversation was over and what came of it was still to be written down.
    wrapping_up_at = models.DateTimeField(_("wrapping up since"), null=True)
    # Why the queue served this one now: a code and its facts, put into words on the desk.
    why = models.JSONField(default=dict)
    # What was chosen and typed so far of how the call ends, by field: what a page that is built
    # anew begins with. It goes with the hold, so nothing of it outlives the conversation.
    finish = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")

    def __str__(self) -> str:
        return f"{self.user_id} · {self.call_id}"

    @property
    def rang_back(self) -> bool:
        """Whether the donor is on the line without a dial of ours."""
        return bool(self.why.get("code") == self.RANG_BACK)

    def has_lapsed(self, *, at: datetime) -> bool:
        return self.lease_until <= at


class HoldKey(models.Model):
    """What a hold keeps for one agent: the call, the person, each phone number. All or none."""

    # "call:<uuid>", "person:<uuid>" or "phone:<E.164>".
    key = models.CharField(max_length=100, primary_key=True)
    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="keys")

    def __str__(self) -> str:
        return self.key


class RingBack(models.Model):
    """A donor rang us, and somebody took the call up: nothing was dialled."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="ring_backs")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="ring_backs"
    )
    at = models.DateTimeField(_("taken up at"))

    class Meta:
        verbose_name = _("donor who rang back")
        verbose_name_plural = _("donors who rang back")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Skip(models.Model):
    """An agent passed a call by, with a reason. Not an attempt."""

    class Reason(models.TextChoices):
        LANGUAGE = "language", _("other language needed")
        KNOWN_PERSON = "known_person", _("I know this person")
        DATA_LOOKS_WRONG = "data_looks_wrong", _("the details look wrong")
        OTHER = "other", _("another reason")

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="skips")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="skips"
    )
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    note = models.CharField(_("note"), max_length=300, blank=True)
    at = models.DateTimeField(_("skipped at"), db_index=True)

    class Meta:
        verbose_name = _("skip")
        verbose_name_plural = _("skips")

    def __str__(self) -> str:
        return self.reason


class TakenAway(models.Model):
    """A supervisor took a call out of somebody's hands. Not an attempt; the notes are kept."""

    class Reason(models.TextChoices):
        LEFT = "left", _("left lying")
        SHIFT_OVER = "shift_over", _("the shift is over")
        COLLEAGUE = "colleague", _("for a colleague")
        MISTAKE = "mistake", _("taken up by mistake")
        NOT_TO_BE_CALLED = "not_to_be_called", _("not to be called now")

    call = models.ForeignKey(
        Call, on_delete=models.PROTECT, related_name="taken_away", verbose_name=_("call")
    )
    # Out of whose hands, and who did it.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="taken_away",
        verbose_name=_("from"),
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    at = models.DateTimeField(_("taken away at"))

    class Meta:
        verbose_name = _("call taken out of hands")
        verbose_name_plural = _("calls taken out of hands")
        indexes: ClassVar = [models.Index(fields=["call", "user", "-at"], name="taken_away_latest")]

    def __str__(self) -> str:
        return self.reason


class Draft(models.Model):
    """An agent's notes as they were typed: they outlive the page, the hold and the shift."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts"
    )
    text = models.TextField(_("notes"), blank=True)
    version = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField(_("saved at"))

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "user"], name="draft_one_each")
        ]

    def __str__(self) -> str:
        return f"{self.call_id} · {self.version}"
