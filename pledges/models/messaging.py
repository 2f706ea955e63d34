"""Texts, e-mails and voice messages: which ones an organisation has, and those that we had sent.

What a message says stands at Alphacomm, as a script that was set up there. We hand over the fields
that it asks for; when it leaves is up to the account's import schedule.
"""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from integrations.encryption import EncryptedJSONField, EncryptedTextField
from integrations.models import Delivery
from pledges.models.organizations import Organization, in_words
from pledges.models.persons import Person
from pledges.models.pledges import Pledge


class Medium(models.TextChoices):
    SMS = "sms", _("text message")
    EMAIL = "email", _("e-mail")
    VOICE = "voice", _("voice message")


class RowField(models.TextChoices):
    """What a script can ask for beside its own number and our reference, by the client's names."""

    FAMILY_NAME = "person_family_name", _("last name")
    BIRTH_DAY = "person_birth_day", _("date of birth")
    MAIL_ADDRESS = "to_mail_address", _("e-mail")
    PHONE_NUMBERS = "to_phone_numbers", _("phone number")
    DESCRIPTION = "invoice_description", _("description")
    DATE = "invoice_date", _("date")
    DUE_DATE = "invoice_due_date", _("to be paid until")
    INVOICE_REFERENCE = "invoice_reference", _("reference")
    CURRENCY = "invoice_currency", _("currency")
    AMOUNT = "invoice_amount", _("amount")
    NUMBER = "invoice_number", _("number")


def check_row_fields(value: Any) -> None:
    """A list of RowField's values, each once."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValidationError(_("Give a list of names."))
    if unknown := [name for name in value if name not in RowField.values]:
        raise ValidationError(
            _("%(names)s: a script cannot ask for that."), params={"names": ", ".join(unknown)}
        )
    if len(set(value)) < len(value):
        raise ValidationError(_("Give each name once."))


class MessageScript(models.Model):
    """A message that was set up at Alphacomm for an organisation, by its number there."""

    class Carries(models.TextChoices):
        NOTHING = "nothing", _("nothing")
        PAYLINK = "paylink", _("a PayLink of its own")
        MANDATE = "mandate", _("an e-Mandate of its own")

    Medium = Medium

    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        on_delete=models.CASCADE,
        related_name="message_scripts",
    )
    # A text, though stopCalling wants it as a number.
    script_id = models.CharField(_("script"), max_length=20)
    name = models.CharField(_("name"), max_length=100)
    medium = models.CharField(_("medium"), max_length=10, choices=Medium.choices)
    carries = models.CharField(
        _("carries"), max_length=10, choices=Carries.choices, default=Carries.NOTHING
    )
    required_fields = models.JSONField(
        _("asks for"), default=list, blank=True, validators=[check_row_fields]
    )
    cooldown_minutes = models.PositiveIntegerField(
        _("minutes until the same again"), default=60, help_text=_("To the same donor.")
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("message script")
        verbose_name_plural = _("message scripts")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "script_id"], name="message_script_once"
            ),
            models.CheckConstraint(
                name="message_script_medium_is_known",
                condition=Q(medium__in=["sms", "email", "voice"]),
            ),
            models.CheckConstraint(
                name="message_script_carries_what_is_known",
                condition=Q(carries__in=["nothing", "paylink", "mandate"]),
            ),
            # Such a call is stopped by its script's number.
            models.CheckConstraint(
                name="message_script_voice_by_number",
                condition=~Q(medium="voice") | Q(script_id__regex=r"^[0-9]+$"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.script_id})"

    def clean(self) -> None:
        if self.medium == Medium.VOICE and not self.script_id.isdecimal():
            raise ValidationError({"script_id": _("The script of a voice message is a number.")})


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: Any) -> "BatchQuerySet":
        """Those of the organisations that this user works for."""
        return self.filter(script__organization__in=Organization.objects.of(user).values("pk"))


class Batch(models.Model):
    """Many messages that a supervisor had sent at once: in rows, some at a time, each with an
    answer of its own; or as one file, of which Alphacomm tells how far it is and no more."""

    class Way(models.TextChoices):
        ROWS = "rows", _("in rows")
        FILE = "file", _("as one file")

    class AmountRule(models.TextChoices):
        NONE = "none", _("no amount")
        FIXED = "fixed", _("one amount for everybody")
        PLEDGE = "pledge", _("the amount of each pledge")
        LINK = "link", _("the amount of the unpaid link")

    class Status(models.TextChoices):
        EMPTY = "empty", _("empty")
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        ERROR = "error", _("error")

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    script = models.ForeignKey(
        MessageScript,
        verbose_name=_("message script"),
        on_delete=models.PROTECT,
        related_name="batches",
    )
    way = models.CharField(_("handed over"), max_length=10, choices=Way.choices, default=Way.FILE)
    # Who was to get it, by what was filled in: codes, days and numbers of calls.
    selection = models.JSONField(_("selection"), default=dict)
    amount_rule = models.CharField(
        _("amount"), max_length=10, choices=AmountRule.choices, default=AmountRule.NONE
    )
    amount = models.DecimalField(_("amount in euros"), max_digits=12, decimal_places=2, null=True)
    size = models.PositiveIntegerField(_("messages"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="batches",
    )
    at = models.DateTimeField(_("made at"))
    token = models.UUIDField(db_index=True)
    # The first of its line: of a file the only one.
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)

    # The mirror's, of a file alone: `sync` writes these. Null until the answer came.
    name = models.CharField(_("name at Alphacomm"), max_length=100, null=True, unique=True)
    action = models.CharField(_("action"), max_length=20, blank=True)
    status = models.CharField(_("status"), max_length=20, blank=True)
    fetched_at = models.DateTimeField(_("last read at"), null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")

    def __str__(self) -> str:
        return self.name or str(self.uuid)

    @property
    def subject(self) -> str:
        """The line of its own messages."""
        return f"batch:{self.pk}"

    @property
    def status_words(self) -> str:
        return in_words(self.Status, self.status)

    @property
    def is_file(self) -> bool:
        return self.way == self.Way.FILE


class LeftOut(models.Model):
    """Somebody who was selected for a batch and may not get its message, and why."""

    class Reason(models.TextChoices):
        OTHER_ORGANIZATION = "other_organization", _("of another organisation")
        NO_ADDRESS = "no_address", _("no number or address that it can be sent to")
        PAID = "paid", _("paid since")
        IN_HAND = "in_hand", _("on the desk of an agent")
        REFUSED = "refused", _("this kind of message refused")
        CLOSED = "closed", _("arrival outside the calling hours")
        NO_RULES = "no_rules", _("no calling hours set")
        COOLING_DOWN = "cooling_down", _("the same message a short while ago")
        ENOUGH_FOR_TODAY = "enough_for_today", _("enough messages today")
        MANDATE_OPEN = "mandate_open", _("an e-Mandate to give already")
        AMOUNT_UNKNOWN = "amount_unknown", _("no amount known")
        AMOUNT_OUT_OF_BOUNDS = "amount_out_of_bounds", _("amount too low or too high")
        FIELD_MISSING = "field_missing", _("something that the message asks for is not known")

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="left_out")
    person = models.ForeignKey(
        Person, verbose_name=_("donor"), on_delete=models.PROTECT, related_name="+"
    )
    call_uuid = models.UUIDField(_("call"), null=True)
    reason = models.CharField(_("reason"), max_length=30, choices=Reason.choices)

    class Meta:
        verbose_name = _("left out of a batch")
        verbose_name_plural = _("left out of batches")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "person"], name="left_out_once")
        ]

    def __str__(self) -> str:
        return self.reason


class TextMessageQuerySet(models.QuerySet["TextMessage"]):
    def living(self) -> "TextMessageQuerySet":
        """Those that stand: not refused by Alphacomm and not dropped by a person."""
        return self.filter(ended_badly_at=None)

    def to_be_stopped(self) -> "TextMessageQuerySet":
        """Voice messages that may still ring a donor: nobody stopped them, and none of their calls
        came to its point of success."""
        reached = VoiceResult.objects.filter(message=OuterRef("pk"), is_reached=True)
        return self.living().filter(~Exists(reached), medium=Medium.VOICE, stop_delivery=None)

    def visible_to(self, user: Any) -> "TextMessageQuerySet":
        """Those to donors of the organisations that this user works for."""
        theirs = Organization.objects.of(user).values("pk")
        return self.filter(person__owning_organization__in=theirs)


class TextMessage(models.Model):
    """One text, e-mail or voice message to a donor: handed over, and never said to be sent before
    there is evidence."""

    class RecordStatus(models.TextChoices):
        NOT_LOADED = "notLoaded", _("could not be read")
        LOADED = "loaded", _("read")
        REJECTED = "rejected", _("rejected")
        ACCEPTED = "accepted", _("accepted")
        ENRICHING = "enriching", _("being completed")
        CREATED = "created", _("made")
        UPDATED = "updated", _("joined with an earlier one")
        DROPPED = "dropped", _("lost at Alphacomm")

    # No message will come of these.
    REFUSED = (RecordStatus.NOT_LOADED, RecordStatus.REJECTED, RecordStatus.DROPPED)
    Medium = Medium

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(_("reference"), max_length=35, unique=True)
    script = models.ForeignKey(
        MessageScript,
        verbose_name=_("message script"),
        on_delete=models.PROTECT,
        related_name="messages",
    )
    # As it was then: a script may change.
    medium = models.CharField(_("medium"), max_length=10, choices=Medium.choices)
    call_uuid = models.UUIDField(_("call"), null=True, db_index=True)
    person = models.ForeignKey(
        Person, verbose_name=_("donor"), on_delete=models.PROTECT, related_name="messages"
    )
    pledge = models.ForeignKey(
        Pledge,
        verbose_name=_("pledge"),
        null=True,
        on_delete=models.PROTECT,
        related_name="messages",
    )
    to = EncryptedTextField(_("to"))
    # What was handed over, by RowField's names; amounts in cents as text, dates in ISO 8601.
    fields = EncryptedJSONField(_("fields"), default=dict)
    # Why it was allowed: codes, dates and times, as with an attempt.
    ground = models.JSONField(_("ground"), default=dict)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="messages",
    )
    at = models.DateTimeField(_("made at"))
    token = models.UUIDField(db_index=True)
    # Many share one when they leave together.
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="+")
    batch = models.ForeignKey(
        Batch, verbose_name=_("batch"), null=True, on_delete=models.PROTECT, related_name="messages"
    )
    # By the import schedule; null: not known.
    leaves_at = models.DateTimeField(_("leaves at"), null=True)
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)

    # What Alphacomm answered of it: `sync` writes these. Messages may speak of the donor.
    record_status = models.CharField(_("status"), max_length=20, blank=True)
    record_messages = EncryptedJSONField(_("words"), null=True)
    import_name = models.CharField(_("batch at Alphacomm"), max_length=100, blank=True)
    # From a result file: what became of it, and when. Alphacomm's own word for it.
    evidence = models.JSONField(_("evidence"), null=True)
    evidence_at = models.DateTimeField(_("time of the evidence"), null=True)

    # Of a voice message: the message that takes it away, and when that was done.
    stop_delivery = models.OneToOneField(
        Delivery, null=True, on_delete=models.PROTECT, related_name="+"
    )
    stopped_at = models.DateTimeField(_("stopped at"), null=True)

    objects = TextMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message to a donor")
        verbose_name_plural = _("messages to donors")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="message_medium_is_known", condition=Q(medium__in=["sms", "email", "voice"])
            ),
            models.CheckConstraint(
                name="message_only_voice_is_stopped",
                condition=Q(medium="voice") | Q(stop_delivery=None, stopped_at=None),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["person", "-at"], name="message_to_person"),
            models.Index(fields=["at", "uuid"], name="message_made"),
            models.Index(fields=["script", "-at"], name="message_of_script"),
            models.Index(
                fields=["person"],
                condition=Q(medium="voice", stop_delivery=None, ended_badly_at=None),
                name="message_to_stop",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def subject(self) -> str:
        """The line of its own message."""
        return f"message:{self.pk}"

    @property
    def stop_subject(self) -> str:
        """The line of what takes it away again."""
        return f"voice:{self.pk}"

    @property
    def status_words(self) -> str:
        return in_words(self.RecordStatus, self.record_status)


class VoiceResult(models.Model):
    """How a voice message ended, as a webhook told. The numbers of both ends are not kept."""

    class Status(models.TextChoices):
        RINGING = "ringing", _("ringing")
        ACTIVE = "active", _("on the line")
        FINISHED = "finished", _("finished")
        NO_ANSWER = "no answer", _("no answer")
        BUSY = "busy", _("busy")
        REJECTED = "rejected", _("rejected")
        INVALID_NUMBER = "invalid number", _("invalid number")
        FAILED = "failed", _("failed")

    # Alphacomm's name of this phone call; a message may lead to several.
    voice_call_id = models.CharField(_("phone call"), max_length=64, unique=True)
    message = models.ForeignKey(
        TextMessage,
        verbose_name=_("message"),
        on_delete=models.PROTECT,
        related_name="voice_results",
    )
    status = models.CharField(_("status"), max_length=40)
    is_reached = models.BooleanField(_("success point reached"))
    answered_on = models.DateTimeField(_("answered at"), null=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("result of a voice message")
        verbose_name_plural = _("results of voice messages")

    def __str__(self) -> str:
        return self.voice_call_id

    @property
    def status_words(self) -> str:
        return in_words(self.Status, self.status)
