"""Result files: what Alphacomm reports at the end of a day of the messages that it was handed."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.encryption import EncryptedJSONField


class ResultFile(models.Model):
    """A result file that somebody gave: looked at first, then written to the messages it is about.

    What was read of it waits here for whoever looks, and goes once it is written or the day after.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("file"), max_length=200)
    # Null: the command read it in.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(_("read at"))
    # One a reference: reference, status, time (ISO 8601 or null), as `pledges.results` reads them.
    lines = EncryptedJSONField(_("lines"), null=True)
    # Of those lines, so that the same file is known again once they are gone.
    digest = models.CharField(max_length=64, blank=True, editable=False)
    references = models.PositiveIntegerField(_("references"), default=0)
    # Lines without a reference or a status.
    unreadable = models.PositiveIntegerField(_("lines that could not be read"), default=0)
    written_at = models.DateTimeField(_("written at"), null=True)
    # What it came to when it was written; until then what it would have when it was given.
    matched = models.PositiveIntegerField(_("of our messages"), default=0)
    changed = models.PositiveIntegerField(_("messages that it told something new of"), default=0)

    class Meta:
        verbose_name = _("result file")
        verbose_name_plural = _("result files")
        indexes: ClassVar = [
            models.Index(fields=["user", "-at"], name="result_file_of_user"),
            models.Index(fields=["-at", "-uuid"], name="result_file_newest"),
        ]

    def __str__(self) -> str:
        return self.name
