"""Long lists as files: asked for by a supervisor, written by a worker, gone after a day."""

import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.sheets import Format
from pledges.models import Organization

if TYPE_CHECKING:
    from accounts.models import User


class ExportQuerySet(models.QuerySet["Export"]):
    def visible_to(self, user: "User") -> "ExportQuerySet":
        """A person's own, and nobody else's: a file shows what that person may see."""
        return self.filter(user=user)

    def to_do(self, *, at: datetime) -> "ExportQuerySet":
        """Those that nobody is writing: not begun, or left lying by a worker that went away."""
        lapsed = Q(state=Export.State.RUNNING, lease_until__lte=at)
        return self.filter(Q(state=Export.State.WAITING) | lapsed)

    def moving(self) -> "ExportQuerySet":
        return self.filter(state__in=[Export.State.WAITING, Export.State.RUNNING])


class Export(models.Model):
    """One list as one file. The row says how far it is; the file is at its `path`."""

    class What(models.TextChoices):
        CALLS = "calls", _("calls with their result")
        ATTEMPTS = "attempts", _("attempts")
        CALLBACKS = "callbacks", _("callbacks")
        PAY_LINKS = "pay_links", _("PayLinks")
        CORRECTIONS = "corrections", _("corrections")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("being written")
        READY = "ready", _("ready to download")
        FAILED = "failed", _("failed")
        EXPIRED = "expired", _("removed")

    Format = Format

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="exports",
    )
    what = models.CharField(_("what"), max_length=20, choices=What.choices)
    format = models.CharField(_("kind of file"), max_length=10, choices=Format.choices)
    # Null: all that this person may see. Days are Dutch, both included; null: from or to the end.
    organization = models.ForeignKey(
        Organization,
        verbose_name=_("organisation"),
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    since = models.DateField(_("from"), null=True)
    until = models.DateField(_("up to and including"), null=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    rows_done = models.PositiveIntegerField(_("rows written"), default=0)
    # Null: not counted yet.
    rows_expected = models.PositiveIntegerField(_("rows expected"), null=True)
    # There were more rows than one file may have.
    is_cut = models.BooleanField(_("shortened"), default=False)
    bytes = models.PositiveBigIntegerField(_("size in bytes"), null=True)
    # Of whose donors the file tells: it goes when its owner leaves one of them. Uuids.
    organizations = models.JSONField(default=list)
    made_at = models.DateTimeField(_("asked for at"))
    ready_at = models.DateTimeField(_("ready at"), null=True)
    expires_at = models.DateTimeField(_("kept until"), null=True)
    # Whoever writes it proves by this that it is still theirs to write.
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    token = models.UUIDField(unique=True, editable=False)

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="export_state_is_known",
                condition=Q(state__in=["waiting", "running", "ready", "failed", "expired"]),
            ),
            models.CheckConstraint(
                name="export_running_under_a_lease",
                condition=Q(state="running", lease__isnull=False, lease_until__isnull=False)
                | (~Q(state="running") & Q(lease=None, lease_until=None)),
            ),
            models.CheckConstraint(
                name="export_ready_for_a_time",
                condition=~Q(state="ready")
                | Q(ready_at__isnull=False, expires_at__isnull=False, bytes__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-made_at", "-uuid"], name="export_of_user"),
            models.Index(
                fields=["made_at"],
                condition=Q(state__in=["waiting", "running", "ready"]),
                name="export_alive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.made_at:%Y-%m-%d %H:%M}"

    @property
    def path(self) -> Path:
        """Where the file is, once it is ready: named by nothing but the row."""
        return Path(settings.EXPORTS_DIR) / f"{self.uuid}.{self.format}"

    @property
    def part(self) -> Path:
        """Where it is while it is written, by whoever holds the lease."""
        return Path(settings.EXPORTS_DIR) / f"{self.uuid}.{self.lease}.part"

    @property
    def draft(self) -> Path:
        """Where the rows of a sheet wait until it is packed."""
        return self.part.with_suffix(".draft")

    @property
    def name(self) -> str:
        """As a browser keeps it: what, of which days, and when it was asked for."""
        days = [
            f"{word}-{day:%Y-%m-%d}"
            for word, day in (("from", self.since), ("to", self.until))
            if day is not None
        ]
        asked = f"asked-{localtime(self.made_at):%Y-%m-%d-%H%M%S}"
        return f"{'-'.join([self.what, *days, asked])}.{self.format}"

    @property
    def is_moving(self) -> bool:
        return self.state in {self.State.WAITING, self.State.RUNNING}

    @property
    def is_running(self) -> bool:
        return self.state == self.State.RUNNING

    @property
    def is_ready(self) -> bool:
        return self.state == self.State.READY

    @property
    def has_failed(self) -> bool:
        return self.state == self.State.FAILED

    @property
    def tone(self) -> str:
        """The state as a mark."""
        return _TONES[self.State(self.state)]


_TONES: Final = {
    Export.State.WAITING: "wait",
    Export.State.RUNNING: "live",
    Export.State.READY: "done",
    Export.State.FAILED: "stop",
    Export.State.EXPIRED: "",
}
