"""Calls as TapRaise tells them, and what ends one from here: which calls are open asks both.

Columns of Call are written by `sync.py` and nobody else.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from integrations.encryption import EncryptedJSONField, sealed
from integrations.models import Delivery
from pledges.models import Mirror, ObjectedPerson, Organization, Person, Pledge, in_words

if TYPE_CHECKING:
    from datetime import datetime


class CallQuerySet(models.QuerySet["Call"]):
    def open(self) -> "CallQuerySet":
        """To be made: requested at TapRaise, and nothing of ours ends it."""
        return self.filter(
            ~Exists(Completion.objects.living().filter(call=OuterRef("pk"))),
            ~Exists(Ending.objects.living().filter(call=OuterRef("pk"))),
            status=Call.Status.REQUESTED,
            gone_at=None,
        )

    def visible_to(self, user: Any) -> "CallQuerySet":
        """Calls to donors of this user's organisations, made by one of them or by nobody yet."""
        return self.of(Organization.objects.of(user).values("pk"))

    def of(self, organizations: Any) -> "CallQuerySet":
        """The same for who has read already whose organisations those are."""
        return self.filter(
            Q(calling_organization__in=organizations) | Q(calling_organization=None),
            person__owning_organization__in=organizations,
        )

    def ours(self) -> "CallQuerySet":
        """Calls that are ours to make."""
        # Asked as sets and not by joins: the queue has enough to join, and planning costs most.
        ours = Organization.objects.filter(is_ours=True).values("pk")
        serving = Organization.objects.filter(serves_unassigned_calls=True).values("pk")
        return self.filter(
            Q(calling_organization__in=ours)
            | Q(calling_organization=None, person__owning_organization__in=serving)
        )

    def not_objected_to(self) -> "CallQuerySet":
        """Calls to persons who did not object to being called, nor anybody with their number."""
        objected = ObjectedPerson.objects.not_to_be_called()
        return self.filter(~Exists(objected.filter(person=OuterRef("person"))))

    def managed_in_tapraise(self) -> "CallQuerySet":
        """Calls that TapRaise lets us change: no other application manages them."""
        return self.filter(Q(external_application=None) | Q(external_application=Call.MANAGED_HERE))


class Call(Mirror):
    """A task to reach one person, not a phone connection."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("requested")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired")

    class Type(models.TextChoices):
        VERIFICATION = "verification", _("verification")
        HAPPY_CALL = "happy_call", _("happy call")
        WINBACK = "winback", _("winback")

    MANAGED_HERE = "tapraise"

    if TYPE_CHECKING:
        # Only where `desk.with_ends` made the query.
        has_completions: bool
        has_endings: bool
        has_changes: bool
        has_drafts: bool
        has_payments: bool
        has_transactions: bool
        has_closed_days: bool
        has_callbacks: bool
        has_ring_backs: bool
        is_objected: bool
        is_in_hand: bool
        had_wrong_answers: bool
        is_donor_in_hand: bool
        taken_away_at: datetime | None
        taken_away_why: str | None
        taken_away_by: str | None
        ended_by_other: dict[str, str] | None
        was_taken_away: bool
        was_asked_for_here: bool
        # Only where a view asked for it: see `floor_messages.Shown`.
        floor_message: dict[str, Any] | None
        shown: Any
        # Only where the search made it: what we completed or ended the call with.
        our_code: str | None
        our_ending: str | None
        # Only where `checklist.with_checks` made it.
        has_checks: bool
        wrong_answers: int
        needed_checks: list[str] | None
        script_text: str | None
        most_wrong_answers: int | None

    uuid = models.UUIDField(primary_key=True)
    account = models.CharField(_("service account"), max_length=60, blank=True)
    # Another status or type than the documents list is kept and shown as it is.
    status = models.TextField(_("status"))
    type = models.TextField(_("type"), null=True)
    requested_at = models.DateTimeField(_("requested at"))
    last_updated_at = models.DateTimeField(_("last updated at"))
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True)
    completed_at = models.DateTimeField(_("completed at"), null=True)
    expired_at = models.DateTimeField(_("expired at"), null=True)
    notes = models.TextField(_("notes of the request"), null=True)
    person = models.ForeignKey(
        Person, verbose_name=_("donor"), on_delete=models.PROTECT, related_name="calls"
    )
    pledge = models.ForeignKey(
        Pledge, verbose_name=_("pledge"), null=True, on_delete=models.PROTECT, related_name="calls"
    )
    calling_organization = models.ForeignKey(
        Organization,
        verbose_name=_("calling organisation"),
        null=True,
        on_delete=models.PROTECT,
        related_name="calls",
    )
    # As TapRaise has them: one object an attempt: user, attempt_at, created_at (ISO 8601, UTC).
    attempts = models.JSONField(_("attempts at TapRaise"), default=list)
    attempts_count = models.PositiveIntegerField(_("attempts counted"), default=0)
    # What follows from them, for the queue: when the last one was, and one bit for each part of
    # the day that one fell in, see `ordering.bits_of`.
    tried_at = models.DateTimeField(_("last tried at"), null=True, editable=False)
    tried_in = models.PositiveSmallIntegerField(default=0, editable=False)
    result_code = models.TextField(_("result"), null=True)
    result_completed_at = models.DateTimeField(_("result made at"), null=True)
    result_notes = models.TextField(_("notes of the result"), null=True)
    result_rating = models.PositiveSmallIntegerField(_("retention rating"), null=True)
    recording_seconds = models.DecimalField(
        _("recording in seconds"), max_digits=12, decimal_places=3, null=True
    )
    external_application = models.TextField(_("managed in"), null=True)
    external_reference = models.TextField(_("reference there"), null=True)
    external_agent_reference = models.TextField(_("agent's reference elsewhere"), null=True)
    external_status_code = models.TextField(_("status code elsewhere"), null=True)
    external_status_description = models.TextField(_("status there"), null=True)
    external_additional = EncryptedJSONField(null=True)

    # Ours: when it was last read back by itself, and what full walks did not see.
    read_at = models.DateTimeField(_("last read by itself at"), null=True, editable=False)
    missed_at = models.DateTimeField(_("not seen by the full walk of"), null=True, editable=False)
    gone_at = models.DateTimeField(_("gone since"), null=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        indexes: ClassVar = [
            models.Index(
                fields=["requested_at", "uuid"],
                condition=Q(status="requested"),
                name="call_requested",
            ),
            models.Index(
                fields=["requested_at", "uuid"],
                condition=Q(status="requested", attempts_count__gt=0),
                name="call_retry",
            ),
            models.Index(fields=["-requested_at", "-uuid"], name="call_newest"),
            models.Index(
                fields=["read_at"], condition=Q(status="requested"), name="call_to_confirm"
            ),
            models.Index(
                fields=["missed_at"], condition=Q(missed_at__isnull=False), name="call_missed"
            ),
            models.Index(
                fields=["external_reference", "external_application"],
                condition=Q(external_reference__isnull=False),
                name="call_elsewhere",
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @classmethod
    def sealed(cls, reached_by: str = "") -> list[str]:
        """What is encrypted of a call and its donor, for a list that shows none of it to defer."""
        person = f"{reached_by}__person" if reached_by else "person"
        return [*sealed(cls, reached_by), *sealed(Person, person)]

    @property
    def subject(self) -> str:
        """The line of deliveries that this call's messages leave in."""
        return f"call:{self.pk}"

    @property
    def status_words(self) -> str:
        return in_words(self.Status, self.status)

    @property
    def type_words(self) -> str:
        return in_words(self.Type, self.type)

    @property
    def result_words(self) -> str:
        return in_words(ResultCode, self.result_code)

    @property
    def recording_time(self) -> str:
        """How long the recording is, in minutes and seconds: 4:05; empty while there is none."""
        if self.recording_seconds is None:
            return ""
        minutes, seconds = divmod(round(self.recording_seconds), 60)
        return f"{minutes}:{seconds:02}"

    @property
    def is_managed_elsewhere(self) -> bool:
        return self.external_application not in (None, self.MANAGED_HERE)

    @property
    def is_ours(self) -> bool:
        """Whether it is ours to make, as `CallQuerySet.ours` asks of rows."""
        if self.calling_organization is None:
            owner = self.person.owning_organization
            return owner is not None and owner.serves_unassigned_calls
        return self.calling_organization.is_ours

    @property
    def has_ended(self) -> bool:
        """Whether TapRaise says that it is over."""
        return self.status != self.Status.REQUESTED


class ResultCode(models.TextChoices):
    """TapRaise's word for how a call ended."""

    CONFIRMED = "confirmed", _("confirmed")
    DOWNGRADED = "downgraded", _("downgraded")
    CONVERTED = "converted", _("converted")
    DROPPED = "dropped", _("dropped")
    OTHER = "other", _("other")


class CompletionQuerySet(models.QuerySet["Completion"]):
    def living(self) -> "CompletionQuerySet":
        """Those that stand: not refused by TapRaise and not dropped by a person."""
        return self.filter(ended_badly_at=None)


class DoneForOrganization(models.Model):
    """What was done in a call, with whose donor that was."""

    # Of the donor at that moment, so that what was done today is counted from an index.
    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
    )

    class Meta:
        abstract = True


class Completion(DoneForOrganization):
    """A person ended the call with a result. Undone: the row is gone. Refused: `ended_badly_at`."""

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="completions"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="completions",
    )
    result_code = models.CharField(_("result"), max_length=20, choices=ResultCode.choices)
    # Null: not asked.
    retention_rating = models.PositiveSmallIntegerField(_("retention rating"), null=True)
    notes = models.TextField(_("notes"), blank=True)
    # Whole seconds; tells this completion apart when it is read back.
    completed_at = models.DateTimeField(_("completed at"))
    token = models.UUIDField(db_index=True)
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)

    objects = CompletionQuerySet.as_manager()

    class Meta:
        verbose_name = _("completion")
        verbose_name_plural = _("completions")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call"],
                condition=Q(ended_badly_at__isnull=True),
                name="completion_one_living",
            ),
            models.CheckConstraint(
                name="completion_rating_1_to_10",
                condition=Q(retention_rating__isnull=True)
                | Q(retention_rating__gte=1, retention_rating__lte=10),
            ),
            models.CheckConstraint(
                name="completion_result_is_known",
                condition=Q(
                    result_code__in=["confirmed", "downgraded", "converted", "dropped", "other"]
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-completed_at"], name="completion_of_user"),
            models.Index(fields=["completed_at"], name="completion_by_time"),
            # What was done today, for whom: all that the floor counts of it, so that it reads the
            # index alone.
            models.Index(
                fields=["organization", "completed_at", "user", "result_code", "retention_rating"],
                condition=Q(ended_badly_at__isnull=True),
                name="completion_for_organization",
            ),
        ]

    def __str__(self) -> str:
        return self.result_code


class EndingQuerySet(models.QuerySet["Ending"]):
    def living(self) -> "EndingQuerySet":
        """Those that stand: not refused by TapRaise and not dropped by a person."""
        return self.filter(ended_badly_at=None)


class Ending(models.Model):
    """A supervisor cancelled a call or let it expire."""

    class Kind(models.TextChoices):
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired")

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="endings"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="endings",
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    at = models.DateTimeField(_("ended at"))
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    token = models.UUIDField(db_index=True)
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")
    ended_badly_at = models.DateTimeField(_("ended badly at"), null=True)

    objects = EndingQuerySet.as_manager()

    class Meta:
        verbose_name = _("ending")
        verbose_name_plural = _("endings")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call"], condition=Q(ended_badly_at__isnull=True), name="ending_one_living"
            )
        ]

    def __str__(self) -> str:
        return self.kind
