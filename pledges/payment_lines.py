"""What screens tell of a donor's PayLinks, messages and e-Mandates, read from rows alone: no
writes, and nothing from outside. Every moment is passed in.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from accounts.models import User
from integrations.chips import Chip, Tone, chip
from integrations.models import Delivery
from pledges import texting
from pledges.models import (
    AlphacommLink,
    Mandate,
    Medium,
    PayLink,
    Person,
    TextMessage,
    VoiceResult,
    in_euros,
)
from pledges.payment_story import Look
from pledges.payments import TONES, LinkStanding, LinkState, standing
from pledges.phone import as_spoken
from pledges.texting import MessageStanding, MessageState

# How many of each fit beside the work.
NEWEST: Final = 5
# More messages than any rules let one person have in a day.
COUNTED: Final = 50


@dataclass(frozen=True)
class Mark:
    """Where something stands, as a chip: its tone, and its words."""

    tone: str
    text: str


@dataclass(frozen=True)
class Step:
    """One thing that happens on the way, and when it did, as far as anybody told."""

    label: str
    is_done: bool
    # In words; empty where nobody told.
    when: str = ""


@dataclass(frozen=True)
class Undoable:
    """What the person did last and may still take back."""

    token: uuid.UUID
    until: datetime


@dataclass(frozen=True)
class MessageLine:
    """One message to a donor, and what is known of its way."""

    message: TextMessage
    standing: MessageStanding
    mark: Mark
    chip: Chip
    # When it leaves, or why nothing new did: one sentence.
    hint: str
    # That it goes to where TapRaise does not know this donor to be; empty: it does.
    caution: str
    # What Alphacomm said of it, in its own words.
    remarks: Sequence[str]
    results: Sequence[VoiceResult]
    undoable: Undoable | None

    kind: Final = "message"

    @property
    def tells_delivery(self) -> bool:
        return _tells(self.chip)

    @property
    def at(self) -> datetime:
        return self.message.at

    @property
    def to(self) -> str:
        """The number as it is read out, or the address."""
        is_mail = self.message.medium == Medium.EMAIL
        return self.message.to if is_mail else as_spoken(self.message.to)

    @property
    def delivery(self) -> Delivery:
        return self.message.delivery

    @property
    def news(self) -> str:
        return f"{self.message.script.name}: {self.mark.text}"

    @property
    def is_moving(self) -> bool:
        """Whether a look soon may tell something new."""
        return not self.chip.is_settled or self.standing.leaves_at is not None


@dataclass(frozen=True)
class LinkLine:
    """One PayLink: the address to show, and how far the donor is with it."""

    pay_link: PayLink
    # When, in words.
    made: str
    standing: LinkStanding
    mark: Mark
    chip: Chip
    steps: Sequence[Step]
    address: str
    # Each amount that came by an address which nobody shows.
    orphans: Sequence[AlphacommLink]
    # The text that carries it; none where it was made to be shown.
    message: MessageLine | None

    kind: Final = "link"

    @property
    def tells_delivery(self) -> bool:
        return _tells(self.chip)

    @property
    def at(self) -> datetime:
        return self.pay_link.at

    @property
    def delivery(self) -> Delivery:
        return _delivery_of(self.pay_link)

    @property
    def news(self) -> str:
        return _("PayLink of %(amount)s: %(what)s") % {
            "amount": self.pay_link.amount_words,
            "what": self.mark.text,
        }

    @property
    def is_open(self) -> bool:
        """Whether the donor has this one to pay still."""
        return not self.standing.is_final and self.standing.state is not LinkState.EXPIRED

    @property
    def open_words(self) -> str:
        """That it is open, before somebody makes another one."""
        return _("A PayLink of %(amount)s (%(made)s) is open still: %(state)s.") % {
            "amount": self.pay_link.amount_words,
            "made": self.made,
            "state": self.mark.text,
        }

    @property
    def is_moving(self) -> bool:
        return not self.chip.is_settled or self.is_open


@dataclass(frozen=True)
class MandateLine:
    """One e-Mandate: the address to show, and whether the donor gave it."""

    mandate: Mandate
    # When, in words.
    made: str
    mark: Mark
    chip: Chip
    steps: Sequence[Step]
    address: str
    message: MessageLine | None

    kind: Final = "mandate"

    @property
    def tells_delivery(self) -> bool:
        return _tells(self.chip)

    @property
    def at(self) -> datetime:
        return self.mandate.at

    @property
    def delivery(self) -> Delivery:
        return _delivery_of(self.mandate)

    @property
    def news(self) -> str:
        return _("e-Mandate: %(what)s") % {"what": self.mark.text}

    @property
    def is_open(self) -> bool:
        """Whether the donor has this one to give still."""
        return not self.mandate.is_signed and self.mandate.ended_badly_at is None

    @property
    def open_words(self) -> str:
        """That it is open, before somebody makes another one."""
        return _("An e-Mandate (%(made)s) is open still: %(state)s.") % {
            "made": self.made,
            "state": self.mark.text,
        }

    @property
    def is_moving(self) -> bool:
        return not self.chip.is_settled or self.is_open


Line = LinkLine | MessageLine | MandateLine


def read_lines(
    person: Person, look: Look, *, user: User, at: datetime, most: int = NEWEST
) -> tuple[list[Line], list[TextMessage]]:
    """What this donor was offered, newest first, and their newest messages for who counts them: a
    query for each kind that there is."""
    messages = read_messages(person, most=max(most, COUNTED)) if look.has_messages else []
    texts = {
        message.pk: message_line(
            message, look.results.get(message.pk, ()), person=person, user=user, at=at
        )
        for message in messages
    }
    links = _read_links(person, look, most=most) if look.links else []
    mandates = _read_mandates(person, most=most) if look.has_mandates else []
    carrying = {link.message_id for link in links} | {one.message_id for one in mandates}
    lines: list[Line] = [
        *(link_line(one, texts, person=person, user=user, at=at) for one in links),
        *(mandate_line(one, texts, person=person, user=user, at=at) for one in mandates),
        *[line for pk, line in texts.items() if pk not in carrying][:most],
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True), messages


def _read_links(person: Person, look: Look, *, most: int) -> list[PayLink]:
    theirs = PayLink.objects.filter(person=person)
    newest = theirs.order_by("-at").values("pk")[:most]
    # What was paid stays in sight, whatever was offered since.
    shown = theirs.filter(Q(pk__in=newest) | Exists(_paid()))
    ways = ("delivery", "message__delivery", "message__script")
    links = list(shown.select_related(*ways).order_by("-at")[: 2 * most])
    for link in links:
        # As the digest has it: what changed since is new to the next look.
        link.links_read = look.links.get(link.pk, [])
    return links


def _paid() -> QuerySet[AlphacommLink]:
    return AlphacommLink.objects.filter(pay_link=OuterRef("pk"), status=AlphacommLink.Status.PAID)


def _read_mandates(person: Person, *, most: int) -> list[Mandate]:
    ways = ("delivery", "message__delivery", "message__script")
    theirs = Mandate.objects.filter(person=person).select_related(*ways)
    return list(theirs.order_by("-at")[:most])


def read_messages(person: Person, *, most: int) -> list[TextMessage]:
    """The newest messages to a person, with what `message_line` looks at."""
    found = TextMessage.objects.filter(person=person).select_related("delivery", "script")
    return list(found.order_by("-at")[:most])


def _tells(told: Chip) -> bool:
    """Whether the chip of the message to Alphacomm tells more than where its subject stands."""
    return told.tone not in {Tone.GREY, Tone.GREEN}


def _delivery_of(made: PayLink | Mandate) -> Delivery:
    """The message to Alphacomm that made it, or that made the text which carries it."""
    if made.delivery is not None:
        return made.delivery
    assert made.message is not None  # noqa: S101  (a constraint: one of the two)
    return made.message.delivery


# ── PayLinks ──────────────────────────────────────────────────────────────────────────────────────

# Payment began, whatever became of it.
_BEGUN: Final = {
    LinkState.STARTED,
    LinkState.PARTLY_PAID,
    LinkState.PAID,
    LinkState.CANCELLED,
    LinkState.FAILED,
}


def link_line(
    pay_link: PayLink,
    texts: "dict[uuid.UUID, MessageLine]",
    *,
    person: Person,
    user: User,
    at: datetime,
) -> LinkLine:
    """One PayLink, which comes with its deliveries, its links and the script of its message."""
    stands = standing(pay_link, at=at)
    canonical = pay_link.canonical
    return LinkLine(
        pay_link=pay_link,
        made=moment(pay_link.at, at=at),
        standing=stands,
        mark=_link_mark(pay_link, stands, at=at),
        chip=chip(_delivery_of(pay_link), at=at),
        steps=_link_steps(pay_link, stands, at=at),
        address=canonical.short_url if canonical and stands.is_payable else "",
        orphans=pay_link.orphans,
        message=_text_of(pay_link, texts, person=person, user=user, at=at),
    )


def _link_mark(pay_link: PayLink, stands: LinkStanding, *, at: datetime) -> Mark:
    since = moment(stands.since, at=at)
    words = stands.words_since(since)
    if stands.state is LinkState.PARTLY_PAID and stands.paid is not None:
        words = _("partly paid: %(paid)s of %(amount)s") % {
            "paid": in_euros(stands.paid),
            "amount": pay_link.amount_words,
        }
        words = f"{words} {since}"
    return Mark(TONES[stands.state], words)


def _link_steps(pay_link: PayLink, stands: LinkStanding, *, at: datetime) -> list[Step]:
    """How a donor comes to pay. That a link was opened is told by an event alone, or by nobody."""
    canonical = pay_link.canonical
    opened_at = canonical.visited_at if canonical else None
    since = moment(stands.since, at=at)
    is_begun_last = stands.state is LinkState.STARTED
    is_paid = stands.state is LinkState.PAID
    return [
        _first_step(pay_link, canonical.created_on if canonical else None, at=at),
        _step(_("Opened"), opened_at, at=at),
        Step(_("Started"), stands.state in _BEGUN, since if is_begun_last else ""),
        Step(_("Paid"), is_paid, since if is_paid else ""),
    ]


def _step(label: str, done_at: datetime | None, *, at: datetime) -> Step:
    return Step(label, done_at is not None, moment(done_at, at=at) if done_at else "")


def _first_step(made: PayLink | Mandate, made_at: datetime | None, *, at: datetime) -> Step:
    if made.message is None:
        return _step(_("Made"), made_at, at=at)
    is_taken = made.ended_badly_at is None
    return _step(_("Handed over"), made.message.delivery.closed_at if is_taken else None, at=at)


def _text_of(
    made: PayLink | Mandate,
    texts: "dict[uuid.UUID, MessageLine]",
    *,
    person: Person,
    user: User,
    at: datetime,
) -> MessageLine | None:
    message = made.message
    if message is None:
        return None
    return texts.get(message.pk) or message_line(message, person=person, user=user, at=at)


# ── e-Mandates ────────────────────────────────────────────────────────────────────────────────────


def mandate_line(
    mandate: Mandate,
    texts: "dict[uuid.UUID, MessageLine]",
    *,
    person: Person,
    user: User,
    at: datetime,
) -> MandateLine:
    """One e-Mandate, which comes with its delivery and with that and the script of its message."""
    is_known = mandate.alphacomm_id is not None
    is_pending = mandate.status == Mandate.Status.PENDING
    is_over = mandate.is_signed or mandate.ended_badly_at is not None
    return MandateLine(
        mandate=mandate,
        made=moment(mandate.at, at=at),
        mark=_mandate_mark(mandate, is_known=is_known, at=at),
        chip=chip(_delivery_of(mandate), at=at),
        steps=[
            _first_step(mandate, mandate.created_on, at=at),
            Step(_("First signature"), is_pending or mandate.is_signed),
            _step(_("Given"), mandate.signed_at, at=at),
        ],
        address="" if is_over else mandate.short_url,
        message=_text_of(mandate, texts, person=person, user=user, at=at),
    )


def _mandate_mark(mandate: Mandate, *, is_known: bool, at: datetime) -> Mark:
    if mandate.ended_badly_at is not None:
        words = f"{_('refused')} {moment(mandate.ended_badly_at, at=at)}"
        return Mark("stop", words)
    if not is_known:
        return Mark("wait", _("being made"))
    if mandate.signed_at is not None:
        return Mark("done", f"{mandate.status_words} {moment(mandate.signed_at, at=at)}")
    tone = "doubt" if mandate.status == Mandate.Status.PENDING else ""
    return Mark(tone, mandate.status_words or str(Mandate.Status.NEW.label))


# ── Messages ──────────────────────────────────────────────────────────────────────────────────────


def message_line(
    message: TextMessage,
    results: Sequence[VoiceResult] = (),
    *,
    person: Person,
    user: User,
    at: datetime,
) -> MessageLine:
    """One message to this person, which comes with its delivery and its script."""
    stands = texting.standing(message, at=at)
    delivery = message.delivery
    has_left = delivery.state != Delivery.State.READY or delivery.tries > 0
    may_undo = message.user_id == user.pk and not has_left and delivery.not_before > at
    return MessageLine(
        message=message,
        standing=stands,
        mark=_message_mark(stands, at=at),
        chip=chip(delivery, at=at),
        hint=_message_hint(message, stands, at=at),
        caution=_caution(message, person),
        remarks=_remarks(message),
        results=results,
        undoable=Undoable(message.token, delivery.not_before) if may_undo else None,
    )


def _message_mark(stands: MessageStanding, *, at: datetime) -> Mark:
    words = stands.words
    if stands.state in {MessageState.HANDED_OVER, MessageState.REPORTED}:
        words = f"{words} {moment(stands.since, at=at)}"
    return Mark(texting.TONES.get(stands.state, ""), words)


def _message_hint(message: TextMessage, stands: MessageStanding, *, at: datetime) -> str:
    """Never that it was sent: only when it leaves, as far as the schedule says."""
    if stands.state is MessageState.NOTHING_NEW:
        return _("Alphacomm joined it with an earlier one: no new message went out.")
    if stands.state not in {MessageState.SAVED, MessageState.HANDED_OVER}:
        return ""
    if stands.leaves_at is not None:
        return _("Leaves at %(time)s.") % {"time": moment(stands.leaves_at, at=at)}
    if message.leaves_at is not None:
        told = _("Was to leave at %(time)s; whether it did is not known.")
        return told % {"time": moment(message.leaves_at, at=at)}
    return _("When it leaves is not known.")


def _caution(message: TextMessage, person: Person) -> str:
    """Said calmly: the donor may have named another number."""
    if message.medium == Medium.EMAIL:
        is_known = message.to.casefold() == (person.email or "").casefold()
        return "" if is_known else _("not an address that TapRaise has: used for this e-mail only")
    if message.to in person.phone_keys:
        return ""
    return _("not a number that TapRaise has: used for this message only")


def _remarks(message: TextMessage) -> list[str]:
    """What Alphacomm said of the record; its status too, where that says more than 'accepted'."""
    said = message.record_messages or []
    words = [str(one.get("message") or "") for one in said if isinstance(one, dict)]
    usual = {"", TextMessage.RecordStatus.ACCEPTED, TextMessage.RecordStatus.UPDATED}
    status = [] if message.record_status in usual else [message.status_words]
    return [word for word in (*status, *words) if word]


def moment(at_that: datetime, *, at: datetime) -> str:
    """A time of today, or the day with it."""
    local = localtime(at_that)
    is_today = local.date() == localdate(at)
    return date_format(local, "H:i" if is_today else "j-n H:i")
