"""Corrections as a file for the charity: a line for each detail."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.sheets import Column
from pledges.corrections import spelled
from pledges.models import Correction


def columns(*, with_accounts: bool) -> "Sequence[Column[Correction]]":
    """What the charity is told of a correction. Account numbers are written out only for whoever
    may have them, which is asked before; everybody else reads their last four."""

    def in_words(one: Correction, told: dict[str, Any]) -> str:
        is_masked = one.item == Correction.Item.ACCOUNT and not with_accounts
        return spelled(one.item, told, is_masked=is_masked)

    return (
        Column(_("Charity"), lambda one: str(one.organization)),
        Column(_("Donor"), lambda one: one.person.full_name),
        Column(_("Donor's uuid"), lambda one: str(one.person_id)),
        Column(_("Detail"), lambda one: one.get_item_display()),
        Column(_("Was"), lambda one: in_words(one, one.was)),
        Column(_("Is to be"), lambda one: in_words(one, one.now)),
        Column(_("Said at"), lambda one: one.at),
        Column(_("Call's uuid"), lambda one: str(one.call_uuid)),
    )
