"""On what terms a donor is offered PayLinks, texts and e-Mandates, and where a PayLink stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from integrations.alphacomm.money import euros
from pledges.models import AlphacommLink, PayLink, PaymentRules, Person
from pledges.models.payments import PayLinkQuerySet

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
# How many donors one question is about.
AT_ONCE: Final = 2_000
# What is asked of Alphacomm, by the names that breakers know it by.
LIST_PAY_LINKS: Final = "alphacomm.list_pay_links"
LIST_MANDATES: Final = "alphacomm.list_mandates"
LIST_BATCHES: Final = "alphacomm.list_batches"

# ── What is offered ───────────────────────────────────────────────────────────────────────────────


class WhyNotOffered(StrEnum):
    """Why this person cannot make a PayLink, a text or an e-Mandate for a donor."""

    NO_ALPHACOMM = "no_alphacomm"
    NO_ORGANIZATION = "no_organization"
    NO_RULES = "no_rules"
    AMOUNTS_NOT_AGREED = "amounts_not_agreed"
    NO_MANDATE = "no_mandate"


WHY_IN_WORDS: Final = {
    WhyNotOffered.NO_ALPHACOMM: _("Alphacomm is not set up here, so nothing can be sent."),
    WhyNotOffered.NO_ORGANIZATION: _("It is not known of which organisation this donor is."),
    WhyNotOffered.NO_RULES: _("No payment rules are set for this organisation."),
    WhyNotOffered.AMOUNTS_NOT_AGREED: _(
        "Nobody has seen yet that a PayLink asks for the right amount: until then a supervisor "
        "makes it."
    ),
    WhyNotOffered.NO_MANDATE: _("No e-Mandate is set up for this organisation."),
}


@dataclass(frozen=True)
class Offer:
    """Whether somebody may offer a donor to pay by a link, and on what terms."""

    rules: PaymentRules | None
    why_not: WhyNotOffered | None = None
    # Allowed, and nobody has seen yet that the amount arrives as it was asked for: say so.
    is_unproven: bool = False

    @property
    def is_allowed(self) -> bool:
        return self.why_not is None

    @property
    def words(self) -> str:
        """Why not, in one sentence; empty when it is offered."""
        return str(WHY_IN_WORDS[self.why_not]) if self.why_not else ""


def rules_for(organization: UUID | None, *, at: datetime) -> PaymentRules | None:
    """The payment rules of an organisation that are in force at a moment, and whether a link was
    seen to ask for what we wanted (`was_seen`), as `are_amounts_agreed`."""
    if organization is None:
        return None
    theirs = PaymentRules.objects.filter(organization=organization)
    agreed = PaymentRules.objects.filter(
        organization=OuterRef("organization"), amounts_agreed_at__isnull=False
    )
    told = {"was_seen": Exists(agreed)}
    return terms_on(theirs.annotate(**told), at.astimezone(AMSTERDAM).date())


def terms_on(rules: Iterable[PaymentRules], day: date) -> PaymentRules | None:
    """Of one organisation's rules, those that hold on a day: the newest that have begun."""
    begun = [one for one in rules if one.from_date <= day]
    return max(begun, key=lambda one: one.from_date, default=None)


def offer(person: Person, *, user: User, at: datetime) -> Offer:
    """Whether this user may offer this donor a PayLink now.

    With a real account only supervisors make links until one was seen to ask for the right amount.
    """
    return offer_of(person.owning_organization_id, user=user, at=at)


def offer_of(organization: UUID | None, *, user: User, at: datetime) -> Offer:
    """Whether this user may offer the donors of an organisation a PayLink now."""
    found = text_offer_of(organization, at=at)
    if found.rules is None or not is_real_account() or found.rules.was_seen:
        return found
    if not user.is_supervisor:
        return Offer(found.rules, WhyNotOffered.AMOUNTS_NOT_AGREED)
    return Offer(found.rules, is_unproven=True)


def text_offer(person: Person, *, at: datetime) -> Offer:
    """Whether this donor may be offered what asks for no amount."""
    return text_offer_of(person.owning_organization_id, at=at)


def text_offer_of(organization: UUID | None, *, at: datetime) -> Offer:
    """Whether the donors of an organisation may be offered what asks for no amount."""
    if not settings.ALPHACOMM_URL:
        return Offer(None, WhyNotOffered.NO_ALPHACOMM)
    if organization is None:
        return Offer(None, WhyNotOffered.NO_ORGANIZATION)
    rules = rules_for(organization, at=at)
    return Offer(rules, None if rules else WhyNotOffered.NO_RULES)


def mandate_offer(person: Person, *, at: datetime) -> Offer:
    """Whether this donor may be offered an e-Mandate; the date of one that exists is another
    question (`person.mandate_created_at`)."""
    found = text_offer(person, at=at)
    if found.rules is not None and not found.rules.mandate_reference:
        return Offer(found.rules, WhyNotOffered.NO_MANDATE)
    return found


def are_amounts_agreed(rules: PaymentRules) -> bool:
    """Whether a link was seen to ask for what we wanted: for this organisation, under any of its
    rules. The stand-in has nothing to be seen."""
    if not is_real_account():
        return True
    return PaymentRules.objects.filter(
        organization=rules.organization_id, amounts_agreed_at__isnull=False
    ).exists()


def is_real_account() -> bool:
    """Whether donors pay with real money; settings let no real Alphacomm be plain http."""
    return urlsplit(settings.ALPHACOMM_URL).scheme == "https"


def paid_at(persons: Iterable[UUID]) -> dict[UUID, datetime]:
    """When each of these donors last paid a PayLink in full, whichever it was; those who never did
    are not in it. One question for every few thousand of them."""
    everybody = list(persons)
    found: dict[UUID, datetime] = {}
    for start in range(0, len(everybody), AT_ONCE):
        some = everybody[start : start + AT_ONCE]
        paid = AlphacommLink.objects.filter(
            pay_link__person__in=some, status=AlphacommLink.Status.PAID
        )
        latest = paid.order_by().values_list("pay_link__person").annotate(models.Max("paid_at"))
        found.update(latest)
    return found


# ── Where a PayLink stands ────────────────────────────────────────────────────────────────────────


class LinkState(models.TextChoices):
    """A PayLink as people read it. Only paid is final."""

    MAKING = "making", _("being made")
    READY = "ready", _("waiting to be paid")
    OPENED = "opened", _("opened")
    STARTED = "started", _("payment started")
    PARTLY_PAID = "partly_paid", _("partly paid")
    PAID = "paid", _("paid")
    CANCELLED = "cancelled", _("cancelled, may still be paid")
    FAILED = "failed", _("failed, may still be paid")
    EXPIRED = "expired", _("expired")
    REFUSED = "refused", _("refused")
    # A status that no document lists: `LinkStanding.words` has it as it is.
    OTHER = "other", _("another status")


# The state of a PayLink as a mark: green for what is proven to be paid, and nothing else.
TONES: Final[Mapping[LinkState, str]] = {
    LinkState.MAKING: "wait",
    LinkState.READY: "",
    LinkState.OPENED: "live",
    LinkState.STARTED: "live",
    LinkState.PARTLY_PAID: "doubt",
    LinkState.PAID: "done",
    LinkState.CANCELLED: "doubt",
    LinkState.FAILED: "doubt",
    LinkState.EXPIRED: "stop",
    LinkState.REFUSED: "stop",
    LinkState.OTHER: "doubt",
}

# So many words, or so little in them, that a time says nothing.
TIMELESS: Final = {LinkState.MAKING, LinkState.READY, LinkState.OTHER}

_OF_STATUS: Final = {
    "": LinkState.READY,
    AlphacommLink.Status.READY: LinkState.READY,
    AlphacommLink.Status.STARTED: LinkState.STARTED,
    AlphacommLink.Status.PARTIALLY_PAID: LinkState.PARTLY_PAID,
    AlphacommLink.Status.PAID: LinkState.PAID,
    AlphacommLink.Status.CANCELLED: LinkState.CANCELLED,
    AlphacommLink.Status.FAILED: LinkState.FAILED,
}


@dataclass(frozen=True)
class LinkStanding:
    """Where a PayLink of ours stands, and since when."""

    state: LinkState
    since: datetime
    words: str
    # Euros, as far as Alphacomm tells them; it may say none of a link that is paid.
    paid: Decimal | None = None

    def words_since(self, moment: str) -> str:
        """With since when, given in words: after what happened, and before what may come of it."""
        if self.state in TIMELESS:
            return self.words
        head, comma, rest = self.words.partition(",")
        return f"{head} {moment}{comma}{rest}"

    @property
    def is_final(self) -> bool:
        """Whether nothing can become of it any more."""
        return self.state in {LinkState.PAID, LinkState.REFUSED}

    @property
    def is_payable(self) -> bool:
        """Whether its address is worth showing to a donor."""
        return self.state not in {
            LinkState.MAKING,
            LinkState.PAID,
            LinkState.EXPIRED,
            LinkState.REFUSED,
        }


def standing(pay_link: PayLink, *, at: datetime) -> LinkStanding:
    """Where a PayLink stands at a moment, whatever order Alphacomm told its statuses in.

    Money comes first: what was paid was paid, by the canonical link or another, and no end of ours
    hides a part of it. Wants `links` prefetched, or read.
    """
    links = pay_link.links_there
    paid = next((link for link in links if link.is_paid), None)
    if paid is not None:
        return _standing(LinkState.PAID, paid.paid_at or at, paid)
    is_over = pay_link.visible_until <= at
    if not links:
        if pay_link.ended_badly_at is not None:
            return _standing(LinkState.REFUSED, pay_link.ended_badly_at)
        if is_over:
            return _standing(LinkState.EXPIRED, pay_link.visible_until)
        return _standing(LinkState.MAKING, pay_link.at)
    canonical = links[0]
    state = _OF_STATUS.get(canonical.status, LinkState.OTHER)
    changed_at = canonical.updated_on or canonical.created_on
    if state is LinkState.PARTLY_PAID:
        return _standing(state, changed_at, canonical)
    if is_over:
        return _standing(LinkState.EXPIRED, pay_link.visible_until, canonical)
    if state is LinkState.READY and canonical.visited_at is not None:
        return _standing(LinkState.OPENED, canonical.visited_at, canonical)
    return _standing(state, changed_at, canonical)


def with_links(pay_links: PayLinkQuerySet) -> PayLinkQuerySet:
    """With what `standing` and the chips of a PayLink look at: three queries, however many."""
    return pay_links.select_related("delivery", "message__delivery").prefetch_related("links")


def _standing(state: LinkState, since: datetime, link: AlphacommLink | None = None) -> LinkStanding:
    words = link.status if link is not None and state is LinkState.OTHER else str(state.label)
    cents = link.amount_paid if link is not None else None
    return LinkStanding(state, since, words, None if cents is None else euros(cents))


def visible_until(at: datetime, days: int) -> datetime:
    """Until when something that is made now can be paid: to the end of that day, in Dutch time."""
    day = at.astimezone(AMSTERDAM).date() + timedelta(days=days)
    return datetime.combine(day, time(23, 59, 59), AMSTERDAM)


def reference_for(row: UUID, *, at: datetime) -> str:
    """A reference that is ours alone, and that people can read out: 20261103-1a2b3c4d5e6f."""
    return f"{at.astimezone(AMSTERDAM):%Y%m%d}-{row.hex[:12]}"
