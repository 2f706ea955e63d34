"""What the payment panel of the desk shows: what the donor was offered, and what may be offered.

Read from rows alone, nothing from outside. Every moment is passed in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from calls.models import Call
from calls.strangers import is_hidden
from pledges import payment_lines, payment_story, payments, texting
from pledges.actions import CoolingDown, EnoughForToday, FieldMissing, MandateOpen
from pledges.contact import Rulebook, may_text
from pledges.models import Mandate, MessageScript, PaymentRules, Person, RowField, TextMessage
from pledges.objections import Objections
from pledges.payment_lines import Line, LinkLine, MandateLine, MessageLine, Undoable
from pledges.payments import AMSTERDAM, Offer, WhyNotOffered

_ONLY_LOOK = gettext_lazy(
    "Take the call up to offer something: only who has the donor in hand can do that."
)

_HIDDEN = gettext_lazy(
    "It is not confirmed that you are speaking with this donor, so nothing is shown or offered."
)


@dataclass(frozen=True)
class ScriptOffer:
    """One message of the organisation's, and whether this donor may be sent it now."""

    script: MessageScript
    # Why not, and when it is possible again, in one sentence; empty: it may be sent.
    why_not: str
    # When it would leave; None where the schedule is not known.
    leaves_at: datetime | None

    @property
    def key(self) -> str:
        """As a form names it."""
        return str(self.script.pk)

    @property
    def asks_amount(self) -> bool:
        return self.carries_link or RowField.AMOUNT in self.script.required_fields

    @property
    def carries_link(self) -> bool:
        return self.script.carries == MessageScript.Carries.PAYLINK

    @property
    def is_text(self) -> bool:
        return self.script.medium == MessageScript.Medium.SMS


@dataclass(frozen=True)
class Offered:
    """What a donor was offered, as one person sees it at one moment."""

    lines: Sequence[Line]
    # The same one, the same lines.
    digest: str
    # Whether a form for PayLinks stands beside it.
    offers_links: bool

    @property
    def is_moving(self) -> bool:
        """Whether a look soon may tell something new."""
        return any(line.is_moving for line in self.lines)

    @property
    def latest(self) -> Line | None:
        return self.lines[0] if self.lines else None

    @property
    def undoable(self) -> Undoable | None:
        """The message that was sent last, while it may be taken back."""
        texts = (line if isinstance(line, MessageLine) else line.message for line in self.lines)
        return next((text.undoable for text in texts if text and text.undoable), None)

    @property
    def open_link(self) -> LinkLine | None:
        """The newest PayLink that this donor has to pay still."""
        found = (line for line in self.lines if isinstance(line, LinkLine) and line.is_open)
        return next(found, None)

    @property
    def open_mandate(self) -> MandateLine | None:
        found = (line for line in self.lines if isinstance(line, MandateLine) and line.is_open)
        return next(found, None)


@dataclass(frozen=True)
class Payments(Offered):
    """The whole panel: that, and what may be offered."""

    call: Call
    # Why this person only looks on; empty: the donor is in these hands.
    why_only_look: str
    link_offer: Offer
    mandate_offer: Offer
    # Whether one waits that stands in the way of another.
    has_mandate_waiting: bool
    scripts: Sequence[ScriptOffer]

    @property
    def sendable(self) -> list[ScriptOffer]:
        return [one for one in self.scripts if not one.why_not]

    @property
    def not_sendable(self) -> list[tuple[str, str]]:
        """Which messages may not be sent now, and why: each reason once."""
        names: dict[str, list[str]] = {}
        for one in self.scripts:
            if one.why_not:
                names.setdefault(one.why_not, []).append(one.script.name)
        return [(", ".join(found), why) for why, found in names.items()]

    @property
    def smallest(self) -> Decimal | None:
        return self.link_offer.rules.smallest_amount if self.link_offer.rules else None

    @property
    def largest(self) -> Decimal | None:
        return self.link_offer.rules.largest_amount if self.link_offer.rules else None


def read_offered(
    call: Call, *, user: User, at: datetime, seen: str, offers_links: bool
) -> Offered | None:
    """What the donor of this call was offered; None where the digest that was seen says it all: in
    one query, for this is asked every few seconds. The call comes with its person."""
    look = payment_story.look(call.person_id, at=at)
    if look.digest == seen:
        return None
    if is_hidden(call, user=user, at=at):
        return Offered((), look.digest, offers_links=False)
    lines, _messages = payment_lines.read_lines(call.person, look, user=user, at=at)
    return Offered(lines, look.digest, offers_links)


def read_payments(call: Call, *, user: User, at: datetime) -> Payments:
    """Everything that the panel shows of a call, which knows whether it `is_in_hand`, and comes
    with its person and pledge."""
    # Before the lines: what changes while they are read is new to the next look.
    look = payment_story.look(call.person_id, at=at)
    found = payments.offer(call.person, user=user, at=at)
    if is_hidden(call, user=user, at=at):
        # No script either: which ones may be sent tells what is known of the donor.
        return Payments(
            lines=(),
            digest=look.digest,
            offers_links=False,
            call=call,
            why_only_look=str(_HIDDEN),
            link_offer=found,
            mandate_offer=_of_mandates(found),
            has_mandate_waiting=False,
            scripts=(),
        )
    lines, messages = payment_lines.read_lines(call.person, look, user=user, at=at)
    is_in_hand = user.is_supervisor or call.is_in_hand
    waiting = _waiting(lines, found.rules, at=at)
    return Payments(
        lines=lines,
        digest=look.digest,
        offers_links=is_in_hand and found.is_allowed,
        call=call,
        why_only_look="" if is_in_hand else str(_ONLY_LOOK),
        link_offer=found,
        mandate_offer=_of_mandates(found),
        has_mandate_waiting=waiting is not None,
        # Also for who only looks: a form that was sent before is told so.
        scripts=_scripts(call, found, messages, waiting, at=at),
    )


def _waiting(lines: Sequence[Line], rules: PaymentRules | None, *, at: datetime) -> Mandate | None:
    """The e-Mandate for which another one would be refused, as `pledges.actions` does."""
    if rules is None:
        return None
    since = at - timedelta(days=rules.days_visible)
    found = (line for line in lines if isinstance(line, MandateLine) and line.is_open)
    return next((line.mandate for line in found if line.at > since), None)


def _of_mandates(found: Offer) -> Offer:
    """As `payments.mandate_offer`, of rules that were read already."""
    if found.rules is None:
        return found
    return Offer(found.rules, None if found.rules.mandate_reference else WhyNotOffered.NO_MANDATE)


# ── Messages ──────────────────────────────────────────────────────────────────────────────────────


def _scripts(
    call: Call,
    found: Offer,
    messages: Sequence[TextMessage],
    waiting: Mandate | None,
    *,
    at: datetime,
) -> list[ScriptOffer]:
    """The texts and e-mails that are in use; those that may not be sent now too, with why."""
    rules = found.rules
    if rules is None:
        return []
    scripts = list(
        MessageScript.objects.filter(
            organization=rules.organization_id,
            is_active=True,
            medium__in=[MessageScript.Medium.SMS, MessageScript.Medium.EMAIL],
        ).order_by("-medium", "name", "pk")  # texts before e-mails
    )
    if not scripts:
        return []
    rulebook = Rulebook.read(has_days=call.has_closed_days)
    objections = Objections.read([call.person] if call.is_objected else ())
    leaves_at = texting.leaves_at(rules, at=at)
    sent = [one for one in messages if one.ended_badly_at is None]
    has_enough = _count_of_today(sent, at=at) >= rules.texts_a_day

    def why_not(script: MessageScript) -> str:
        """As `pledges.actions.send_message` would refuse it, said before somebody tries."""
        if script.carries == MessageScript.Carries.PAYLINK and not found.is_allowed:
            return found.words
        ground = may_text(
            call.person,
            script.medium,
            at=leaves_at or at,
            call_type=call.type,
            rulebook=rulebook,
            objections=objections,
        )
        if not ground.is_allowed:
            return again_in_words(ground.words, ground.next_at, at=at)
        until = _cools_until(script, sent, at=at)
        if until is not None:
            return CoolingDown(until).words
        if has_enough:
            return EnoughForToday(rules.texts_a_day).words
        missing = _missing(script, call.person, rules, at=at)
        if missing is not None:
            return FieldMissing(missing).words
        carries_mandate = script.carries == MessageScript.Carries.MANDATE
        return MandateOpen(waiting).words if waiting and carries_mandate else ""

    return [ScriptOffer(script, why_not(script), leaves_at) for script in scripts]


def _missing(
    script: MessageScript, person: Person, rules: PaymentRules, *, at: datetime
) -> RowField | None:
    """What the script asks for and is not known of this donor, whatever is typed on the form."""
    about = texting.About(
        person=person,
        to="typed",
        description=rules.description,
        reference="made",
        on=_day(at),
        due_on=_day(at),
        amount=rules.smallest_amount,
    )
    return texting.row(script, about)[1]


def again_in_words(why: str, again_at: datetime | None, *, at: datetime) -> str:
    """Why not, and from when on it is possible."""
    if again_at is None:
        return why
    again = _("It is possible from %(moment)s.")
    return f"{why} {again % {'moment': payment_lines.moment(again_at, at=at)}}"


def _cools_until(
    script: MessageScript, sent: Iterable[TextMessage], *, at: datetime
) -> datetime | None:
    wait = timedelta(minutes=script.cooldown_minutes)
    ends = [one.at + wait for one in sent if one.script_id == script.pk and one.at + wait > at]
    return max(ends, default=None)


def _count_of_today(sent: Iterable[TextMessage], *, at: datetime) -> int:
    today = _day(at)
    return sum(_day(one.at) == today for one in sent)


def _day(moment: datetime) -> date:
    return moment.astimezone(AMSTERDAM).date()


# ── What the forms begin with ─────────────────────────────────────────────────────────────────────


def usual_amount(call: Call, rules: PaymentRules | None) -> Decimal | None:
    """The amount of the pledge, where the organisation lets a link ask for that."""
    amount = call.pledge.donation_amount if call.pledge else None
    if amount is None or rules is None:
        return None
    return amount if rules.smallest_amount <= amount <= rules.largest_amount else None


def usual_address(person: Person, medium: str) -> str:
    return texting.usual_address(person, medium) or ""
