"""What supervisors see of PayLinks: which ones are to be followed up, and the story of one.

Read from rows alone: no writes, and nothing from outside. Every moment is passed in. No question
here counts rows or reads all of them: what can still be paid is bounded by its last day, and what
is over is read from the newest on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.keyset import Page, page_of
from accounts.models import User
from integrations.alphacomm.money import euros
from integrations.chips import Chip, Tone, chip
from integrations.decisions import Reading, readings_of
from integrations.inbox_page import EventLine
from integrations.models import Delivery, WebhookEvent
from pledges.models import AlphacommLink, Organization, PayLink, PaymentRules, Person, in_euros
from pledges.models.payments import PayLinkQuerySet
from pledges.payments import (
    AMSTERDAM,
    TONES,
    LinkStanding,
    is_real_account,
    standing,
    with_links,
)
from pledges.texting import TONES as MESSAGE_TONES
from pledges.texting import MessageStanding
from pledges.texting import standing as message_standing

Status = AlphacommLink.Status

# An alarm about money rings for so long; the list of orphans has the older ones too.
ALARM_FOR: Final = timedelta(days=60)
MOST_ALARMS: Final = 10
MOST_ORPHANS: Final = 1_000
MOST_TO_LOOK_AT: Final = 5


class Which(models.TextChoices):
    """Which PayLinks the list shows."""

    UNPAID = "unpaid", _("not paid yet")
    OPENED = "opened", _("opened, not paid")
    FAILED = "failed", _("failed or cancelled")
    EXPIRED = "expired", _("expired")
    REFUSED = "refused", _("refused")
    PAID = "paid", _("paid")
    ORPHANS = "orphans", _("paid by another address")

    @property
    def is_to_come(self) -> bool:
        """Whether they can still be paid: then what runs out first stands first."""
        return self in {Which.UNPAID, Which.OPENED, Which.FAILED}


SOONEST_FIRST: Final = ("visible_until", "at", "uuid")
NEWEST_FIRST: Final = ("-at", "-uuid")


# What it means that there are none.
NONE_OF: Final = {
    Which.UNPAID: _(
        "Nothing to follow up: every PayLink that can still be paid is paid, or none was made."
    ),
    Which.OPENED: _(
        "No donor opened a PayLink and left it unpaid. That one was opened is only known where "
        "Alphacomm's webhooks reach Belbord."
    ),
    Which.FAILED: _("No payment failed, or was cancelled, that can still be made."),
    Which.EXPIRED: _("No PayLink ran out without having been paid."),
    Which.REFUSED: _("Alphacomm refused no PayLink, and nobody gave one up."),
    Which.PAID: _("No PayLink is paid yet."),
    Which.ORPHANS: _("All that was paid came by the address that was shown."),
}


@dataclass(frozen=True)
class Filters:
    """What a reader asked for. Days are Dutch, both ends included."""

    which: Which = Which.UNPAID
    organization: UUID | None = None
    made_from: date | None = None
    made_until: date | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether there may be more of this kind than the list shows."""
        return self != Filters(which=self.which)


@dataclass(frozen=True)
class Line:
    """One PayLink in a list."""

    pay_link: PayLink
    standing: LinkStanding
    # Of what makes it: its own message to Alphacomm, or the text that carries it.
    chip: Chip
    # Whether the reader may see the call that it was made on.
    has_call: bool

    @property
    def tone(self) -> str:
        return TONES[self.standing.state]

    @property
    def words(self) -> str:
        """Where it stands, and since when."""
        return self.standing.words_since(date_format(localtime(self.standing.since), "j-n H:i"))

    @property
    def doubt(self) -> Chip | None:
        """The chip of its message, unless all of that went well."""
        return None if self.chip.tone == Tone.GREEN else self.chip


@dataclass(frozen=True)
class Alarm:
    """Money that came by an address that nobody shows."""

    link: AlphacommLink
    pay_link: PayLink
    # The canonical one was paid as well: the donor paid twice.
    is_twice: bool


def read_list(
    user: User, filters: Filters, *, asked: Mapping[str, Any], at: datetime
) -> "Page[PayLink]":
    """A page of the PayLinks that this user may see, of the kind that was asked for."""
    rows = _of(filters.which, PayLink.objects.visible_to(user), at=at)
    if filters.organization is not None:
        rows = rows.filter(person__owning_organization=filters.organization)
    if filters.made_from is not None:
        rows = rows.filter(at__gte=_midnight(filters.made_from))
    if filters.made_until is not None:
        rows = rows.filter(at__lt=_midnight(filters.made_until + timedelta(days=1)))
    order = SOONEST_FIRST if filters.which.is_to_come else NEWEST_FIRST
    return page_of(with_links(rows).select_related("person", "user"), order=order, asked=asked)


def lines_of(pay_links: Sequence[PayLink], *, user: User, at: datetime) -> list[Line]:
    """As they stand at this moment: one query more, however many."""
    visible = visible_calls({p.call_uuid for p in pay_links if p.call_uuid}, user)
    return [
        Line(
            pay_link=pay_link,
            standing=standing(pay_link, at=at),
            chip=chip(delivery_of(pay_link), at=at),
            has_call=pay_link.call_uuid in visible,
        )
        for pay_link in pay_links
    ]


def alarms(user: User, *, at: datetime) -> list[Alarm]:
    """The newest orphans that were paid, for as long as an alarm rings. Two queries."""
    paid = (
        AlphacommLink.objects.orphans_paid()
        .visible_to(user)
        .filter(orphan_told_at__gt=at - ALARM_FOR)
        .select_related("pay_link__person")
        .prefetch_related("pay_link__links")
        .order_by("-orphan_told_at", "-id")
    )
    return [_alarm(link) for link in paid[:MOST_ALARMS]]


def rules_to_agree(organizations: Iterable[Organization], *, at: datetime) -> list[PaymentRules]:
    """Payment rules in force under which nobody has seen yet that amounts arrive as meant."""
    if not is_real_account():
        return []
    rules = PaymentRules.objects.filter(organization__in=[one.pk for one in organizations])
    agreed = rules.filter(amounts_agreed_at__isnull=False).values("organization")
    in_force = rules.filter(from_date__lte=at.astimezone(AMSTERDAM).date())
    waiting = in_force.exclude(organization__in=agreed).select_related("organization")
    newest = {one.organization_id: one for one in waiting.order_by("from_date")}
    return sorted(newest.values(), key=lambda one: one.organization.name.casefold())


def links_to_look_at(rules: PaymentRules) -> list[PayLink]:
    """The newest PayLinks of an organisation that have a page with an amount on it."""
    made = PayLink.objects.living().filter(person__owning_organization=rules.organization_id)
    with_page = made.unpaid().filter(message=None).filter(Exists(_links()))
    return list(with_page.select_related("person").order_by("-at", "-uuid")[:MOST_TO_LOOK_AT])


def delivery_of(pay_link: PayLink) -> Delivery:
    """The message that makes it: a row has one of the two, by its own constraint."""
    if pay_link.message is not None:
        return pay_link.message.delivery
    assert pay_link.delivery is not None  # noqa: S101  (pay_link_made_in_one_way)
    return pay_link.delivery


def _alarm(link: AlphacommLink) -> Alarm:
    canonical = link.pay_link.canonical
    return Alarm(link, link.pay_link, is_twice=canonical is not None and canonical.is_paid)


def _of(which: Which, rows: PayLinkQuerySet, *, at: datetime) -> PayLinkQuerySet:
    is_over = Q(visible_until__lte=at)
    match which:
        case Which.PAID:
            return rows.filter(Exists(_links(status=Status.PAID)))
        case Which.ORPHANS:
            # `sync` marks each as it comes in. They are rare, and asked for first: a database that
            # is left to choose looks for each PayLink whether it has one.
            orphans = AlphacommLink.objects.orphans_paid().filter(orphan_told_at__isnull=False)
            found = orphans.order_by("-orphan_told_at").values_list("pay_link", flat=True)
            return rows.filter(pk__in=list(found[:MOST_ORPHANS]))
        case Which.REFUSED:
            return rows.unpaid().filter(ended_badly_at__isnull=False)
        case Which.EXPIRED:
            return rows.living().unpaid().filter(is_over)
    open_ones = rows.living().unpaid().filter(~is_over)
    if which == Which.UNPAID:
        return open_ones
    # As `standing` tells it: by the oldest one alone.
    oldest = _links().order_by("created_on", "id")
    told = open_ones.annotate(
        status=Subquery(oldest.values("status")[:1]),
        visited_at=Subquery(oldest.values("visited_at")[:1]),
    )
    is_ended = Q(status__in=[Status.FAILED, Status.CANCELLED])
    if which == Which.FAILED:
        return told.filter(is_ended)
    was_there = Q(visited_at__isnull=False) | Q(status__in=[Status.STARTED, Status.PARTIALLY_PAID])
    return told.filter(was_there & ~is_ended)


def _links(**columns: Any) -> "models.QuerySet[AlphacommLink]":
    return AlphacommLink.objects.filter(pay_link=OuterRef("pk"), **columns)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), AMSTERDAM)


def visible_calls(wanted: set[UUID], user: User) -> set[UUID]:
    """Those of these calls that the reader may see; the room of calls stands above this one."""
    if not wanted:
        return set()
    calls: Any = Person._meta.get_field("calls").related_model
    return set(calls.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", flat=True))


# ── The story of one ──────────────────────────────────────────────────────────────────────────────

# So many events are read at most; nobody reads more of one PayLink.
MOST_EVENTS: Final = 50


@dataclass(frozen=True)
class FoundLink:
    """One of the links that Alphacomm has for a PayLink of ours."""

    link: AlphacommLink
    is_canonical: bool
    is_orphan: bool

    @property
    def paid(self) -> str:
        cents = self.link.amount_paid
        return "" if cents is None else in_euros(euros(cents))


class Place(IntEnum):
    """The one order in which things can happen to a PayLink."""

    ASKED = 0
    MADE = 1
    TAKEN = 2
    OPENED = 3
    BEGUN = 4
    PAID = 5
    OVER = 6


# When, in which words, and where in that order.
_Told = tuple[datetime | None, Any, Place]


@dataclass(frozen=True)
class Moment:
    """Something that happened to a PayLink, in a few words."""

    at: datetime
    words: str


@dataclass(frozen=True)
class Story:
    """All that is known of one PayLink."""

    line: Line
    delivery: Delivery
    readings: Sequence[Reading]
    links: Sequence[FoundLink]
    moments: Sequence[Moment]
    events: Sequence[EventLine]
    # Where the text that carries it went to, and how that stands; both empty without one.
    sent_to: str
    message: MessageStanding | None

    @property
    def canonical(self) -> AlphacommLink | None:
        return next((found.link for found in self.links if found.is_canonical), None)

    @property
    def orphans(self) -> list[AlphacommLink]:
        return [found.link for found in self.links if found.is_orphan]

    @property
    def message_tone(self) -> str:
        return MESSAGE_TONES.get(self.message.state, "") if self.message else ""

    @property
    def has_several(self) -> bool:
        """Whether it was made more than once: an answer was lost."""
        return len(self.links) > 1

    @property
    def needs_decision(self) -> bool:
        return self.delivery.state == Delivery.State.NEEDS_DECISION

    @property
    def is_paid_twice(self) -> bool:
        return bool(self.orphans) and bool(self.canonical and self.canonical.is_paid)


def read_story(pay_link: PayLink, *, user: User, at: datetime) -> Story:
    """The story of a PayLink that this user may see; wants it as `with_links` gives it."""
    [line] = lines_of([pay_link], user=user, at=at)
    delivery = delivery_of(pay_link)
    links = pay_link.links_there
    found = [
        FoundLink(link, is_canonical=not place, is_orphan=bool(place) and link.is_paid)
        for place, link in enumerate(links)
    ]
    message = pay_link.message
    return Story(
        line=line,
        delivery=delivery,
        readings=readings_of(delivery),
        links=found,
        moments=_moments(pay_link, delivery, found, at=at),
        events=_events(links),
        sent_to=masked(message.to) if message else "",
        message=message_standing(message, at=at) if message else None,
    )


def masked(to: str) -> str:
    """A number or an address so that it can be told from another one, and not be used."""
    name, at_sign, domain = to.partition("@")
    return f"{name[:1]}•••@{domain}" if at_sign else f"••• {to[-2:]}"


def _events(links: Sequence[AlphacommLink]) -> list[EventLine]:
    """Those that spoke of one of these links, newest first; never what they said."""
    spoke = WebhookEvent.objects.filter(service_id__in=[link.pk for link in links])
    newest = spoke.defer("payload").order_by("-received_at", "-pk")[:MOST_EVENTS]
    return [EventLine(event) for event in newest]


def _moments(
    pay_link: PayLink, delivery: Delivery, links: Sequence[FoundLink], *, at: datetime
) -> list[Moment]:
    """What happened when, the newest first. Alphacomm tells whole seconds: what fell in one stands
    in the order in which it can have been."""
    asked = _("asked for by %(name)s") % {"name": pay_link.user.spoken_name}
    told: list[_Told] = [(pay_link.at, asked, Place.ASKED)]
    if delivery.outcome == Delivery.Outcome.DONE:
        told.append((delivery.closed_at, _("taken by Alphacomm"), Place.TAKEN))
    told.append((pay_link.ended_badly_at, _("refused, or given up"), Place.OVER))
    for found in links:
        told += _moments_of(found)
    if pay_link.visible_until <= at and not any(found.link.is_paid for found in links):
        told.append((pay_link.visible_until, _("expired, by our own reckoning"), Place.OVER))
    known = [(when, str(words), place) for when, words, place in told if when is not None]
    known.sort(key=lambda one: (one[0].replace(microsecond=0), one[2]), reverse=True)
    return [Moment(when, words) for when, words, _place in known]


def _moments_of(found: FoundLink) -> "list[_Told]":
    link = found.link
    if not found.is_canonical:
        return [
            (link.created_on, _("another link made at Alphacomm"), Place.MADE),
            (link.visited_at, _("another link opened by the donor"), Place.OPENED),
            (link.paid_at, _("paid by another address"), Place.PAID),
        ]
    told: list[_Told] = [
        (link.created_on, _("made at Alphacomm"), Place.MADE),
        (link.visited_at, _("opened by the donor"), Place.OPENED),
        (link.paid_at, _("paid"), Place.PAID),
    ]
    if link.status not in {"", Status.READY, Status.PAID}:
        told.append((link.updated_on, link.status_words, Place.BEGUN))
    return told
