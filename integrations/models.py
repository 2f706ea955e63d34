"""What leaves (Delivery), what comes in (Stream, Quarantine, WebhookEvent), and how the two systems
outside are (Breaker, Heartbeat). A row here knows no call and no pledge, only a `subject` text."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.encryption import EncryptedJSONField, EncryptedTextField
from integrations.wishes import about_in_words, wish_in_words

# The systems outside: as operations and breakers name them, and as people know them.
SYSTEMS = {"tapraise": "TapRaise", "alphacomm": "Alphacomm"}


class Delivery(models.Model):
    """One message to a system outside: one action of a person, one effect there.

    The payload is frozen when it is made. Deliveries of one subject are one line: the head, lowest
    `seq` that is not closed, blocks the rest. States and what may follow on each: TRANSITIONS.
    """

    class State(models.TextChoices):
        READY = "ready", _("ready")
        SENDING = "sending", _("sending")
        UNKNOWN = "unknown", _("not confirmed, checking")
        NEEDS_DECISION = "needs_decision", _("needs a decision")
        CLOSED = "closed", _("closed")

    class Outcome(models.TextChoices):
        DONE = "done", _("done")
        DONE_BY_OTHER = "done_by_other", _("done by somebody else")
        DECIDED = "decided", _("decided by a person")
        REJECTED = "rejected", _("rejected")
        DROPPED = "dropped", _("dropped")
        UNDONE = "undone", _("undone")

    # Ended without the effect that it was made for; what follows in its line goes to a person.
    ENDED_BADLY = (Outcome.REJECTED, Outcome.DROPPED)

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        State.READY: frozenset({State.SENDING, State.NEEDS_DECISION, State.CLOSED}),
        State.SENDING: frozenset({State.CLOSED, State.READY, State.UNKNOWN, State.NEEDS_DECISION}),
        State.UNKNOWN: frozenset({State.CLOSED, State.NEEDS_DECISION, State.READY}),
        State.NEEDS_DECISION: frozenset({State.CLOSED, State.READY}),
        State.CLOSED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.CharField(_("operation"), max_length=60)
    account = models.CharField(_("service account"), max_length=60, blank=True)
    subject = models.CharField(_("subject"), max_length=100)
    seq = models.PositiveIntegerField(_("place in its line"))
    # The form that made it: all deliveries of one form share their undo window.
    token = models.UUIDField(_("form token"), null=True, db_index=True)
    payload = EncryptedJSONField(_("payload"))
    payload_version = models.PositiveSmallIntegerField(_("version of the content"), default=1)
    # What tells this effect apart from any other of the same subject when it is read back.
    fingerprint = models.CharField(_("fingerprint"), max_length=200)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.READY)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    resends = models.PositiveSmallIntegerField(_("resends"), default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(_("in hand until"), null=True)
    # Ready: not sent before. Unknown: the next look at the other side.
    not_before = models.DateTimeField(_("not before"))
    first_sent_at = models.DateTimeField(_("first sent at"), null=True)
    last_sent_at = models.DateTimeField(_("last sent at"), null=True)
    # Each look at the other side: ids, codes and times only.
    readings = models.JSONField(_("readings"), default=list)
    # Why it is where it is: one of our codes, and apart from it the remote's own words.
    reason = models.CharField(_("reason"), max_length=60, blank=True)
    refusal = EncryptedTextField(_("the other side's words"), null=True)
    # A person wants a look at the other side now, though it waits for a decision.
    is_look_wanted = models.BooleanField(_("to be looked at first"), default=False)
    # A person had it sent once more; that is possible once.
    sent_again_at = models.DateTimeField(_("sent again at"), null=True)
    # Refused there, and a supervisor has seen that it was.
    seen_at = models.DateTimeField(_("seen at"), null=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("seen by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"))
    closed_at = models.DateTimeField(_("closed at"), null=True)
    # Goes up with every change, so that a decision is made on what was shown.
    version = models.PositiveIntegerField(_("version"), default=1)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject", "seq"], name="delivery_place_in_line"),
            # What was undone never left, so its fingerprint is free again.
            models.UniqueConstraint(
                fields=["operation", "subject", "fingerprint"],
                condition=~Q(outcome="undone"),
                name="delivery_one_effect",
            ),
            models.UniqueConstraint(
                fields=["subject"],
                condition=Q(state__in=["sending", "unknown"]),
                name="delivery_one_in_flight",
            ),
            models.CheckConstraint(
                name="delivery_outcome_when_closed",
                condition=(Q(state="closed") & ~Q(outcome=""))
                | (~Q(state="closed") & Q(outcome="")),
            ),
            models.CheckConstraint(
                name="delivery_lease_while_sending",
                condition=Q(state="sending", lease__isnull=False, lease_until__isnull=False)
                | (~Q(state="sending") & Q(lease__isnull=True, lease_until__isnull=True)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["not_before"],
                condition=Q(state__in=["ready", "unknown"]),
                name="delivery_due",
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state="sending"), name="delivery_leased"
            ),
            # How many wait to leave, of everybody and of one person: asked by every page.
            models.Index(
                fields=["by", "created_at"], condition=~Q(state="closed"), name="delivery_open"
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(state="needs_decision"),
                name="delivery_to_decide",
            ),
            models.Index(
                fields=["closed_at"],
                condition=Q(state="closed", resends__gt=0),
                name="delivery_sent_twice",
            ),
            models.Index(
                fields=["closed_at", "id"],
                condition=Q(outcome="rejected", seen_at__isnull=True),
                name="delivery_refused",
            ),
        ]

    def __str__(self) -> str:
        about = about_in_words(self.subject, is_short=True)
        return f"{wish_in_words(self.operation)}: {about} #{self.seq}"

    @property
    def system(self) -> str:
        """Whom it is for, by the name that people know: TapRaise or Alphacomm."""
        name = self.operation.partition(".")[0]
        return SYSTEMS.get(name, name)


class Stream(models.Model):
    """One feed of one service account under one filter, and how far it was read.

    Only a finished walk moves the watermark, and only to the moment before its first page.
    """

    class State(models.TextChoices):
        IDLE = "idle", _("idle")
        WALKING = "walking", _("walking")

    account = models.CharField(_("service account"), max_length=60)
    feed = models.CharField(_("feed"), max_length=40)
    filter = models.CharField(_("filter"), max_length=100, blank=True)
    watermark = models.DateTimeField(_("watermark"), null=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.IDLE)
    # The walk that is under way: where it began, before which moment, and its next page.
    is_full = models.BooleanField(_("full walk"), default=False)
    walk_from = models.DateTimeField(_("walks from"), null=True)
    started_at = models.DateTimeField(_("walk started at"), null=True)
    cursor = models.TextField(null=True)
    pages = models.PositiveIntegerField(_("pages"), default=0)
    records = models.PositiveIntegerField(_("records"), default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(_("in hand until"), null=True)
    skew_seconds = models.FloatField(_("clock skew in seconds"), default=0)
    out_of_order = models.PositiveIntegerField(_("pages out of order"), default=0)
    # Of the walk under way or the last one: what was missing or older here although an earlier
    # walk had passed it, and what was asked for by itself and is not there.
    discrepancies = models.PositiveIntegerField(_("discrepancies found"), default=0)
    last_finished_at = models.DateTimeField(_("last finished at"), null=True)
    last_full_at = models.DateTimeField(_("last full walk at"), null=True)
    last_long_overlap_at = models.DateTimeField(_("last long look back at"), null=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "feed", "filter"], name="stream_is_one")
        ]

    def __str__(self) -> str:
        return f"{self.account}/{self.feed}"


class Sighting(models.Model):
    """A record that a full walk has seen, kept until that walk ends: what was there before and was
    not seen by two full walks is gone."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="sightings")
    record_uuid = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "record_uuid"], name="sighting_once")
        ]

    def __str__(self) -> str:
        return str(self.record_uuid)


class Drift(models.Model):
    """What TapRaise sends that its documents do not name, and what they promise and it leaves out.

    Names and codes only: never a value of a field that could be about a donor.
    """

    class Kind(models.TextChoices):
        FIELD = "field", _("unknown field")
        VALUE = "value", _("unknown value")
        MISSING = "missing", _("required, and not there")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # Which records: "calls" or "pledges"; and the place in them, such as person.quality.gates.
    record = models.CharField(_("record"), max_length=20)
    path = models.CharField(_("field"), max_length=200)
    value = models.CharField(_("value"), max_length=100, blank=True)
    times = models.PositiveBigIntegerField(_("times seen"), default=0)
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))

    class Meta:
        verbose_name = _("deviation from the documents")
        verbose_name_plural = _("deviations from the documents")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "record", "path", "value"], name="drift_counted_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.path}={self.value}" if self.value else self.path


class Quarantine(models.Model):
    """A record that could not be read or believed, kept aside so that the walk goes on."""

    # Feed and record, or feed and a hash of the bytes where no uuid could be read.
    key = models.CharField(_("key"), max_length=120, unique=True)
    feed = models.CharField(_("feed"), max_length=40)
    record_uuid = models.UUIDField(_("record"), null=True)
    path = models.CharField(_("place"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    raw = EncryptedTextField(_("record as received"), null=True)
    times = models.PositiveIntegerField(_("times seen"), default=1)
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    # Set when the same record was read and saved later.
    solved_at = models.DateTimeField(_("solved at"), null=True)

    class Meta:
        verbose_name = _("quarantined record")
        verbose_name_plural = _("quarantined records")
        indexes: ClassVar = [
            models.Index(
                fields=["feed", "record_uuid"],
                condition=Q(solved_at__isnull=True),
                name="quarantine_open",
            )
        ]

    def __str__(self) -> str:
        return self.key


class WebhookEvent(models.Model):
    """Something that Alphacomm told us of its own accord, kept as it came and worked off later.

    What it says proves nothing: it makes us look (inbox.py). `not_before` is when it is due, and
    the end of the lease while a worker has it in hand: `lease` says which one.
    """

    class State(models.TextChoices):
        NEW = "new", _("new")
        WAITING = "waiting", _("waits to be tried again")
        WORKED = "worked", _("worked off")
        UNKNOWN = "unknown", _("of a kind that is not known here")
        FAILED = "failed", _("given up")

    # To be worked off: new, or tried in vain and due again later.
    OPEN = (State.NEW, State.WAITING)

    # What tells this event from every other; the same one sent again is only counted.
    key = models.CharField(max_length=200, unique=True)
    service = models.CharField(_("service"), max_length=60)
    event = models.CharField(_("event"), max_length=60)
    event_id = models.CharField(_("event id"), max_length=60)
    # The PayLink or the call that it speaks of, and what we called that when we asked for it.
    service_id = models.CharField(_("service id"), max_length=200, blank=True)
    reference = models.CharField(_("reference"), max_length=200, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"), null=True)
    # As it came, without what may not be held.
    payload = EncryptedJSONField(_("payload"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.NEW)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    times = models.PositiveIntegerField(_("times received"), default=1)
    # Why it waits or was given up: one of our codes.
    reason = models.CharField(_("reason"), max_length=60, blank=True)
    received_at = models.DateTimeField(_("received at"))
    not_before = models.DateTimeField(_("not before"))
    lease = models.UUIDField(null=True)
    worked_at = models.DateTimeField(_("worked off at"), null=True)

    class Meta:
        verbose_name = _("event from outside")
        verbose_name_plural = _("events from outside")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="webhook_event_state_is_known",
                condition=Q(state__in=["new", "waiting", "worked", "unknown", "failed"]),
            ),
            models.CheckConstraint(
                name="webhook_event_time_when_worked",
                condition=Q(state="worked", worked_at__isnull=False)
                | (~Q(state="worked") & Q(worked_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="webhook_event_lease_while_open",
                condition=Q(lease__isnull=True) | Q(state__in=["new", "waiting"]),
            ),
            models.CheckConstraint(
                name="webhook_event_reason_when_failed",
                condition=~Q(state__in=["waiting", "failed"], reason=""),
            ),
            models.CheckConstraint(name="webhook_event_was_received", condition=Q(times__gte=1)),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["not_before"],
                condition=Q(state__in=["new", "waiting"]),
                name="webhook_event_due",
            ),
            models.Index(fields=["-received_at", "-id"], name="webhook_event_newest"),
            models.Index(fields=["state", "-received_at"], name="webhook_event_by_state"),
            models.Index(fields=["service_id"], name="webhook_event_by_service_id"),
            models.Index(
                fields=["reference"], condition=~Q(reference=""), name="webhook_event_by_reference"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.service_id or self.event_id}"


class Breaker(models.Model):
    """A service account, or one operation of it, that refuses us: all of it waits, none is lost."""

    key = models.CharField(_("what"), max_length=120, primary_key=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    opened_at = models.DateTimeField(_("open since"), null=True)
    # While open, one message at a time is let through after this moment, to try.
    try_after = models.DateTimeField(_("next try"), null=True)
    reason = models.CharField(_("reason"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("breaker")
        verbose_name_plural = _("breakers")

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When a process last said that it lives."""

    name = models.CharField(_("worker"), max_length=60, primary_key=True)
    seen_at = models.DateTimeField(_("seen at"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
