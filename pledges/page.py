"""What the pages of a pledge show, read from rows alone: the mirror, with ours laid over it.

No writes, and nothing from outside. Every moment is passed in.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from integrations.chips import Chip, chip
from integrations.models import Delivery
from pledges.messages import restored, subject_of
from pledges.models import (
    NewPledge,
    Organization,
    Person,
    Pledge,
    PledgeChange,
    Transaction,
    in_euros,
    in_words,
)
from pledges.terms import Terms, a_year

# What a page has room for.
PAYMENTS = 24
METADATA = 12
METADATA_LENGTH = 120

# The columns that can be changed from here, in the order in which they are told.
# How many of the newest pledges tell who recruits, and which focus areas there are.
LOOKED_THROUGH: Final = 5_000

LABELS: Final = {
    "donation_amount": gettext_lazy("Amount"),
    "donation_interval": gettext_lazy("Interval"),
    "starts_at": gettext_lazy("Start"),
    "ends_at": gettext_lazy("End"),
    "recruiter_uuid": gettext_lazy("Recruiter"),
    "recruiting_location_label": gettext_lazy("Location"),
    "external_metadata": gettext_lazy("External metadata"),
}


@dataclass(frozen=True)
class Sum:
    """An amount as people say it: euros, how often, and what that is in a year."""

    amount: Decimal | None
    interval: str
    year: Decimal | None

    @classmethod
    def of(cls, amount: Decimal | None, interval: str | None) -> "Sum":
        year = None if interval == Pledge.Interval.YEARLY else a_year(Terms(amount, interval))
        return cls(amount, in_words(Pledge.Interval, interval), year)


@dataclass(frozen=True)
class FieldChange:
    """One field of a change, in words."""

    column: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class ChangeLine:
    """What somebody here changed, and what became of it."""

    at: datetime
    who: str
    fields: Sequence[FieldChange]
    reason: str
    delivery: Delivery
    chip: Chip


@dataclass(frozen=True)
class Undoable:
    """What the person did last and may still take back."""

    token: uuid.UUID
    until: datetime


@dataclass(frozen=True)
class Changes:
    """What people here changed about a pledge, and of that what TapRaise has not said yet."""

    lines: Sequence[ChangeLine]
    # By column, in words: it stands beside what TapRaise says.
    coming: Mapping[str, str]
    coming_sum: Sum | None
    coming_status: str
    # By column, as they will be: euros, a code, a moment.
    values: Mapping[str, Any]
    undoable: Undoable | None

    @property
    def is_moving(self) -> bool:
        """Whether a chip can still change by itself."""
        return any(not line.chip.is_settled for line in self.lines)


@dataclass(frozen=True)
class Facts:
    """What the pledge's own row tells, in words."""

    sum: Sum
    initial_sum: Sum
    recruiter: str


@dataclass(frozen=True)
class PledgePage:
    """One pledge as one person sees it at one moment."""

    pledge: Pledge
    facts: Facts
    changes: Changes
    payments: Sequence[tuple[Transaction, str, str]]
    calls: Sequence[Any]
    made: "NewPledgePage | None"
    # Name and value, cut to what can be read at a glance; for supervisors only.
    metadata: Sequence[tuple[str, str]]


def read_page(pledge: Pledge, *, user: User, at: datetime) -> PledgePage:
    """Everything that the page of a pledge shows; its person and organisations come with it."""
    # By the reverse of the call's own key: the room of calls stands above this one.
    calls = pledge.calls.visible_to(user).filter(gone_at=None).order_by("-requested_at")
    payments = pledge.transactions.order_by("-created_at")[:PAYMENTS]
    made = NewPledge.objects.select_related("user", "delivery").filter(pk=pledge.pk).first()
    return PledgePage(
        pledge=pledge,
        facts=facts_of(pledge),
        changes=read_changes(pledge, user=user, at=at),
        payments=[
            (payment, in_words(Transaction.Status, payment.status), method_words(payment.method))
            for payment in payments
        ],
        calls=list(calls),
        made=read_new_pledge(made, user=user, at=at) if made else None,
        metadata=_metadata(pledge.external_metadata) if user.is_supervisor else (),
    )


def facts_of(pledge: Pledge) -> Facts:
    return Facts(
        sum=Sum.of(pledge.donation_amount, pledge.donation_interval),
        initial_sum=Sum.of(pledge.initial_donation_amount, pledge.initial_donation_interval),
        recruiter=recruiter_label(
            pledge.recruiter_uuid, pledge.recruiter_name, pledge.recruiter_identifier
        ),
    )


def read_changes(pledge: Pledge, *, user: User, at: datetime) -> Changes:
    """One query, and one more where a recruiter was changed: a poll asks for this as well."""
    made = list(pledge.changes.select_related("user", "delivery").order_by("-at", "-pk"))
    recruiters: Mapping[str, str] = {}
    if any("recruiter_uuid" in change.wanted for change in made):
        recruiters = recruiters_of([pledge.owning_organization_id])
    # The oldest first, so that of two on their way the later one counts.
    coming = [
        change
        for change in reversed(made)
        if change.ended_badly_at is None and change.delivery.state != Delivery.State.CLOSED
    ]
    wanted: dict[str, Any] = {}
    for change in coming:
        wanted |= change.wanted
    statuses = [change.wanted_status for change in coming if change.wanted_status]
    return Changes(
        lines=[_line(change, recruiters, at=at) for change in made],
        coming={column: value_in_words(column, wanted[column], recruiters) for column in wanted},
        coming_sum=_coming_sum(pledge, wanted),
        coming_status=in_words(Pledge.Status, statuses[-1]) if statuses else "",
        values={column: restored(column, value) for column, value in wanted.items()},
        undoable=_undoable(pledge, made, user=user, at=at),
    )


def _line(change: PledgeChange, recruiters: Mapping[str, str], *, at: datetime) -> ChangeLine:
    fields = fields_in_words(change.before, change.wanted, recruiters)
    if change.wanted_status:
        fields = [status_in_words(change.before.get("status"), change.wanted_status), *fields]
    return ChangeLine(
        at=change.at,
        who=change.user.spoken_name,
        fields=fields,
        reason=change.reason,
        delivery=change.delivery,
        chip=chip(change.delivery, at=at),
    )


def _coming_sum(pledge: Pledge, wanted: Mapping[str, Any]) -> Sum | None:
    if not wanted.keys() & {"donation_amount", "donation_interval"}:
        return None
    amount = wanted.get("donation_amount", pledge.donation_amount)
    interval = wanted.get("donation_interval", pledge.donation_interval)
    return Sum.of(None if amount is None else Decimal(amount), interval)


def _undoable(
    pledge: Pledge, made: Iterable[PledgeChange], *, user: User, at: datetime
) -> Undoable | None:
    """The last change, if it is this user's own and nothing of it has left. What was changed with
    a call is taken back there."""
    last = next(iter(made), None)
    if last is None or last.user_id != user.pk or last.delivery.subject != subject_of(pledge.pk):
        return None
    return _while_it_waits(last.token, last.delivery, at=at)


def _while_it_waits(token: uuid.UUID, delivery: Delivery, *, at: datetime) -> Undoable | None:
    is_untried = delivery.state == Delivery.State.READY and not delivery.tries
    if not is_untried or delivery.not_before <= at:
        return None
    return Undoable(token=token, until=delivery.not_before)


@dataclass(frozen=True)
class NewPledgePage:
    """A pledge that was made here, until a read brings it from TapRaise."""

    made: NewPledge
    sum: Sum
    chip: Chip
    undoable: Undoable | None


def read_new_pledge(made: NewPledge, *, user: User, at: datetime) -> NewPledgePage:
    own = _while_it_waits(made.token, made.delivery, at=at) if made.user_id == user.pk else None
    return NewPledgePage(
        made=made,
        sum=Sum.of(made.donation_amount, made.donation_interval),
        chip=chip(made.delivery, at=at),
        undoable=own,
    )


# ── In words ──────────────────────────────────────────────────────────────────────────────────────


def fields_in_words(
    before: Mapping[str, Any], wanted: Mapping[str, Any], recruiters: Mapping[str, str]
) -> list[FieldChange]:
    """Each field of a change, from what to what."""
    return [
        FieldChange(
            column=column,
            label=str(label),
            before=value_in_words(column, before.get(column), recruiters),
            after=value_in_words(column, wanted[column], recruiters),
        )
        for column, label in LABELS.items()
        if column in wanted
    ]


def status_in_words(before: str | None, wanted: str) -> FieldChange:
    return FieldChange(
        column="status",
        label=_("Status"),
        before=in_words(Pledge.Status, before),
        after=in_words(Pledge.Status, wanted),
    )


def value_in_words(column: str, value: Any, recruiters: Mapping[str, str]) -> str:
    """The value of one column, as it stands in the mirror or as a change keeps it (texts)."""
    if value in (None, ""):
        return _("none")
    match column:
        case "donation_amount":
            return in_euros(Decimal(value))
        case "donation_interval":
            return in_words(Pledge.Interval, value)
        case "starts_at" | "ends_at":
            return day_in_words(parse_datetime(value) if isinstance(value, str) else value)
        case "recruiter_uuid":
            return recruiters.get(str(value), str(value))
        case "external_metadata":
            # Its values may be about the donor: our own row does not keep them.
            return _("filled in")
    return str(value)


def day_in_words(moment: datetime | None) -> str:
    return _("none") if moment is None else date_format(localtime(moment), "SHORT_DATE_FORMAT")


def method_words(method: str | None) -> str:
    """How a payment was made; a method of no document is told as it is."""
    known = {"idealqr": _("iDEAL QR"), "direct_debit": _("direct debit")}
    return known.get(method or "", method or "")


def _metadata(values: Any) -> list[tuple[str, str]]:
    """The first entries of what another system attached; its form is in no document."""
    if not values:
        return []
    pairs = values.items() if isinstance(values, dict) else [("", values)]
    texts = (
        (str(name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in pairs
    )
    return [(name, _cut(text)) for name, text in texts][:METADATA]


def _cut(text: str) -> str:
    return text if len(text) <= METADATA_LENGTH else f"{text[:METADATA_LENGTH]}…"


# ── What a form can offer ─────────────────────────────────────────────────────────────────────────


def recruiters_of(owners: Iterable[uuid.UUID | None]) -> dict[str, str]:
    """Who recruited for these organisations, as far as their newest pledges tell: uuid → name and
    number."""
    seen = (
        Pledge.objects.filter(pk__in=_newest(list(owners)), recruiter_uuid__isnull=False)
        .order_by()
        .values_list("recruiter_uuid")
        .annotate(name=Max("recruiter_name"), number=Max("recruiter_identifier"))
    )
    labels = {str(found): recruiter_label(found, name, number) for found, name, number in seen}
    return dict(sorted(labels.items(), key=lambda item: item[1].casefold()))


def _newest(owners: Sequence[Any]) -> QuerySet[Pledge, Any]:
    """The keys of the pledges that are looked through for what TapRaise has no list of."""
    known = Pledge.objects.filter(owning_organization__in=owners, created_at__isnull=False)
    return known.order_by("-created_at").values("pk")[:LOOKED_THROUGH]


def recruiter_label(found: uuid.UUID | None, name: str | None, number: str | None) -> str:
    """Name and number, or what is known of the two, or the uuid."""
    if name and number:
        return f"{name} ({number})"
    return name or number or str(found or "")


@dataclass(frozen=True)
class NewPledgeOffer:
    """What can be chosen for a new pledge: pairs of a value and its words."""

    owners: Sequence[tuple[str, str]]
    recruiting_organizations: Sequence[tuple[str, str]]
    recruiters: Sequence[tuple[str, str]]
    # The supervisor's own TapRaise user, or nothing.
    own_recruiter: str
    # The organisation's uuid → the area's uuid → its name.
    focus_areas: Mapping[str, Mapping[str, str]]

    @property
    def focus_choices(self) -> list[tuple[str, Any]]:
        """The areas, under the name of their organisation where there is more than one."""
        names = dict(self.owners)
        if len(self.focus_areas) == 1:
            return [pair for areas in self.focus_areas.values() for pair in areas.items()]
        return [(names[owner], list(areas.items())) for owner, areas in self.focus_areas.items()]


def offer_new_pledge(person: Person, *, user: User) -> NewPledgeOffer:
    """From what was seen with the pledges of this user's organisations; the person's own first."""
    has_pledges = Exists(Pledge.objects.filter(owning_organization=OuterRef("pk")))
    owners = sorted(
        user.organizations.filter(Q(has_pledges) | Q(pk=person.owning_organization_id)),
        key=lambda one: (one.pk != person.owning_organization_id, one.name.casefold()),
    )
    recruited = Pledge.objects.filter(
        recruiting_organization=OuterRef("pk"), owning_organization__in=owners
    )
    recruiting = Organization.objects.filter(Exists(recruited)).order_by("name")
    recruiters = recruiters_of(owner.pk for owner in owners)
    own = str(user.tapraise_user_uuid or "")
    if own:
        you = _("%(name)s (you)") % {"name": user.spoken_name}
        recruiters = {own: you, **{k: v for k, v in recruiters.items() if k != own}}
    return NewPledgeOffer(
        owners=[(str(owner.pk), str(owner)) for owner in owners],
        recruiting_organizations=[(str(one.pk), str(one)) for one in recruiting],
        recruiters=list(recruiters.items()),
        own_recruiter=own,
        focus_areas=_focus_areas_of(owners),
    )


def _focus_areas_of(owners: Sequence[Organization]) -> dict[str, dict[str, str]]:
    """Focus areas seen with the newest pledges, for TapRaise has no list of them."""
    found: dict[str, dict[str, str]] = {}
    seen = (
        Pledge.objects.filter(pk__in=_newest(owners))
        .exclude(focus_areas=[])
        .order_by()
        .values_list("owning_organization", "focus_areas")
    )
    for owner, areas in seen.iterator():
        for area in areas:
            if area.get("uuid"):
                known = found.setdefault(str(owner), {})
                known[area["uuid"]] = area.get("name") or area["uuid"]
    return {str(owner.pk): found[str(owner.pk)] for owner in owners if str(owner.pk) in found}
