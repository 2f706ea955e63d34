"""Showing a masked detail, for a reason that is put on the trail."""

from datetime import datetime
from typing import Final

from django.db import models, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from calls.actions.checks import check_open, keep_hold, locked, record
from calls.actions.checks_of_details import check_is_donor
from calls.models import Call, Item
from pledges.corrections import spelled


class RevealReason(models.TextChoices):
    """Why a masked detail has to be seen."""

    DONOR_ASKS = "donor_asks", _("the donor asks what we have")
    DONOR_CANNOT = "donor_cannot", _("the donor cannot say it")
    TO_COMPARE = "to_compare", _("to compare it with another pledge")
    COMPLAINT = "complaint", _("a complaint")


# The column of the mirror that each masked detail stands in.
COLUMNS: Final = {Item.ACCOUNT: "iban", Item.DATE_OF_BIRTH: "date_of_birth"}


def reveal_detail(*, user: User, call: Call, item: str, reason: str, at: datetime) -> str:
    """The masked detail, to be shown once; that it was shown and why is on the trail.

    Raises Stranger, CallTaken, HoldLost, CallEnded, NotOurs.
    """
    with transaction.atomic():
        call = locked(call)
        check_open(call, user=user)
        keep_hold(call, user=user, at=at)
        check_is_donor(call, at=at)
        record("detail.revealed", call, user=user, at=at, item=item, reason=reason)
        value = getattr(call.person, COLUMNS[Item(item)])
        if value is None:
            return ""
        if item == Item.ACCOUNT:
            return spelled(item, {"iban": value}, is_masked=False)
        return str(date_format(value, "SHORT_DATE_FORMAT"))
