"""What can be exported, as tables: which rows, in what order, and what each column says.

Rows start at the person asking, like every list. No account number is in any of them but that of
corrections, and there for managers only (`may_read_accounts`); no phone number and no address.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.sheets import Column
from calls.models import Attempt, Call, Callback, Completion, Ending, Export
from integrations.alphacomm.money import euros
from pledges import correction_file
from pledges.actions import may_read_accounts
from pledges.contact import AMSTERDAM
from pledges.models import Correction, PayLink, in_words
from pledges.payments import standing

What = Export.What


@dataclass(frozen=True)
class Listed:
    """One list. `moment` orders it and is what days narrow; together with the key it is a place.

    `organization` leads to whose donor a row is about. `columns` are made for who reads them, at
    the moment at which they are read.
    """

    rows: "Callable[[User], QuerySet[Any]]"
    moment: str
    moment_words: Any
    organization: str
    columns: Callable[[User, datetime], Sequence[Column[Any]]]

    @property
    def order(self) -> tuple[str, str]:
        return self.moment, "pk"


def rows_for(export: Export) -> "QuerySet[Any]":
    """The rows that this export asks for, as far as its owner may see them now."""
    listed = LISTS[export.what]
    rows = listed.rows(export.user)
    if export.organization_id is not None:
        rows = rows.filter(**{listed.organization: export.organization_id})
    if export.since is not None:
        rows = rows.filter(**{f"{listed.moment}__gte": _midnight(export.since)})
    if export.until is not None:
        after = _midnight(export.until + timedelta(days=1))
        rows = rows.filter(**{f"{listed.moment}__lt": after})
    return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), AMSTERDAM)


# ── Whom it is about ──────────────────────────────────────────────────────────────────────────────


def _of_call(path: Callable[[Any], Call]) -> tuple[Column[Any], ...]:
    """Which call, whose donor."""
    return (
        Column(_("Charity"), lambda one: _name(path(one).person.owning_organization)),
        Column(_("Type"), lambda one: path(one).type_words),
        Column(_("Donor"), lambda one: path(one).person.full_name),
        Column(_("Donor's uuid"), lambda one: str(path(one).person_id)),
        Column(_("Call's uuid"), lambda one: str(path(one).pk)),
    )


def _name(organization: Any) -> str:
    return "" if organization is None else str(organization)


# ── Calls ─────────────────────────────────────────────────────────────────────────────────────────


def _calls(user: User) -> "QuerySet[Any]":
    own_ends = Completion.objects.living().select_related("user")
    own_stops = Ending.objects.living().select_related("user")
    return (
        Call.objects.visible_to(user)
        .filter(gone_at=None)
        .select_related("person__owning_organization", "calling_organization")
        .defer("attempts", *Call.sealed())
        .prefetch_related(
            Prefetch("completions", own_ends, to_attr="own_ends"),
            Prefetch("endings", own_stops, to_attr="own_stops"),
        )
    )


@dataclass(frozen=True)
class _Stands:
    """How a call stands: what TapRaise tells, with ours laid over it."""

    call: Any

    @property
    def own(self) -> Completion | None:
        return next(iter(self.call.own_ends), None)

    @property
    def stop(self) -> Ending | None:
        return next(iter(self.call.own_stops), None)

    @property
    def status(self) -> str:
        if self.own:
            return in_words(Call.Status, Call.Status.COMPLETED)
        told: str = self.stop.get_kind_display() if self.stop else self.call.status_words
        return told

    @property
    def at(self) -> datetime | None:
        if self.own:
            return self.own.completed_at
        call = self.call
        told: datetime | None = call.completed_at or call.cancelled_at or call.expired_at
        return self.stop.at if self.stop else told

    @property
    def by(self) -> str:
        done = self.own or self.stop
        return done.user.spoken_name if done else ""

    @property
    def result(self) -> str:
        told: str = self.call.result_words
        return self.own.get_result_code_display() if self.own else told

    @property
    def rating(self) -> int | None:
        told: int | None = self.call.result_rating
        return self.own.retention_rating if self.own else told

    @property
    def notes(self) -> str:
        told: str = self.call.result_notes or ""
        return self.own.notes if self.own else told


def _call_columns(_user: User, _at: datetime) -> Sequence[Column[Any]]:
    return (
        Column(_("Requested at"), lambda call: call.requested_at),
        Column(_("Status"), lambda call: _Stands(call).status),
        Column(_("Ended at"), lambda call: _Stands(call).at),
        Column(_("Result"), lambda call: _Stands(call).result),
        Column(_("Retention rating"), lambda call: _Stands(call).rating),
        Column(_("By"), lambda call: _Stands(call).by),
        Column(_("Notes"), lambda call: _Stands(call).notes),
        Column(_("Attempts"), lambda call: call.attempts_count),
        Column(_("Last tried at"), lambda call: call.tried_at),
        Column(_("Calling organisation"), lambda call: _name(call.calling_organization)),
        *_of_call(lambda call: call),
        Column(_("Pledge's uuid"), lambda call: str(call.pledge_id or "")),
    )


# ── Attempts and callbacks ────────────────────────────────────────────────────────────────────────


def _of_seen_calls(rows: "QuerySet[Any]", user: User) -> "QuerySet[Any]":
    return (
        rows.filter(call__in=Call.objects.visible_to(user).values("pk"))
        .select_related("call__person__owning_organization", "user")
        .defer("call__attempts", *Call.sealed("call"))
    )


def _attempts(user: User) -> "QuerySet[Any]":
    return _of_seen_calls(Attempt.objects.defer("ground"), user)


def _attempt_columns(_user: User, _at: datetime) -> Sequence[Column[Any]]:
    return (
        Column(_("Dialled at"), lambda one: one.at),
        Column(_("Answered at"), lambda one: one.answered_at),
        Column(_("Ended at"), lambda one: one.outcome_at),
        Column(_("Outcome"), lambda one: one.get_outcome_display()),
        Column(_("Agent"), lambda one: one.user.spoken_name),
        *_of_call(lambda one: one.call),
    )


def _callbacks(user: User) -> "QuerySet[Any]":
    return _of_seen_calls(Callback.objects.all(), user).select_related("handed_by")


def _callback_columns(_user: User, _at: datetime) -> Sequence[Column[Any]]:
    return (
        Column(_("Due at"), lambda one: one.due_at),
        Column(_("State"), lambda one: one.get_state_display()),
        Column(_("Of the team"), lambda one: str(_("yes") if one.is_of_the_team else _("no"))),
        Column(_("Agreed by"), lambda one: one.user.spoken_name),
        Column(_("Handed over by"), lambda one: one.handed_by.spoken_name if one.handed_by else ""),
        Column(_("Note"), lambda one: one.note),
        Column(_("Made at"), lambda one: one.made_at),
        Column(_("Ended at"), lambda one: one.ended_at),
        *_of_call(lambda one: one.call),
    )


# ── PayLinks ──────────────────────────────────────────────────────────────────────────────────────


def _pay_links(user: User) -> "QuerySet[Any]":
    return (
        PayLink.objects.visible_to(user)
        .select_related("person__owning_organization", "user")
        .defer("person__iban")
        .prefetch_related("links")
    )


def _pay_link_columns(_user: User, at: datetime) -> Sequence[Column[Any]]:
    return (
        Column(_("Made at"), lambda one: one.at),
        Column(_("Made by"), lambda one: one.user.spoken_name),
        Column(_("Reference"), lambda one: one.invoice_reference),
        Column(_("Amount"), lambda one: one.amount),
        Column(_("Description"), lambda one: one.description),
        Column(_("To be paid until"), lambda one: one.visible_until),
        Column(_("How"), _how),
        Column(_("Where it stands"), lambda one: standing(one, at=at).words),
        Column(_("Opened at"), _opened_at),
        Column(_("Paid at"), lambda one: getattr(_paid(one), "paid_at", None)),
        Column(_("Paid"), _paid_amount),
        Column(_("Charity"), lambda one: _name(one.person.owning_organization)),
        Column(_("Donor"), lambda one: one.person.full_name),
        Column(_("Donor's uuid"), lambda one: str(one.person_id)),
        Column(_("Call's uuid"), lambda one: str(one.call_uuid or "")),
    )


def _how(pay_link: PayLink) -> str:
    return str(_("in a message") if pay_link.message_id else _("shown or copied"))


def _opened_at(pay_link: PayLink) -> datetime | None:
    moments = [link.visited_at for link in pay_link.links_there if link.visited_at]
    return min(moments, default=None)


def _paid(pay_link: PayLink) -> Any:
    return next((link for link in pay_link.links_there if link.is_paid), None)


def _paid_amount(pay_link: PayLink) -> Any:
    """Euros, of whichever links were paid, in full or in part; empty of none."""
    cents = [link.amount_paid for link in pay_link.links_there if link.amount_paid]
    return euros(sum(cents)) if cents else None


# ── Corrections ───────────────────────────────────────────────────────────────────────────────────


def _corrections(user: User) -> "QuerySet[Any]":
    return (
        Correction.objects.visible_to(user)
        .select_related("person", "organization", "user")
        .defer("person__iban")
    )


def _correction_columns(user: User, _at: datetime) -> Sequence[Column[Any]]:
    return (
        *correction_file.columns(with_accounts=may_read_accounts(user)),
        Column(_("Agent"), lambda one: one.user.spoken_name),
        Column(_("State"), lambda one: one.get_state_display()),
        Column(_("Exported at"), lambda one: one.exported_at),
        Column(_("Processed at"), lambda one: one.processed_at),
    )


LISTS: Final[Mapping[str, Listed]] = {
    What.CALLS: Listed(
        _calls, "requested_at", _("requested"), "person__owning_organization", _call_columns
    ),
    What.ATTEMPTS: Listed(
        _attempts, "at", _("dialled"), "call__person__owning_organization", _attempt_columns
    ),
    What.CALLBACKS: Listed(
        _callbacks,
        "due_at",
        _("to be called back"),
        "call__person__owning_organization",
        _callback_columns,
    ),
    What.PAY_LINKS: Listed(
        _pay_links, "at", _("made"), "person__owning_organization", _pay_link_columns
    ),
    What.CORRECTIONS: Listed(_corrections, "at", _("said"), "organization", _correction_columns),
}
