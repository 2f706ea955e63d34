"""What the desk shows, read from rows alone: no writes, and nothing from outside.

Every moment is passed in. A page that is built anew shows the same state, also after a crash.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db.models import (
    BigIntegerField,
    Exists,
    Field,
    OuterRef,
    QuerySet,
    Subquery,
    UUIDField,
)
from django.db.models.functions import JSONObject

from accounts.models import User, spoken_name_of
from accounts.prepared import Prepared
from calls import ordering, queue, strangers
from calls.checklist import Checklist, read_checklist, with_checks, wrong_answers
from calls.models import (
    Attempt,
    Call,
    Callback,
    Completion,
    Draft,
    Ending,
    Hold,
    NewCall,
    RingBack,
    TakenAway,
)
from calls.moments import Pick, picks
from calls.queue import DeskState, Follows
from calls.story import Entry, read_call_story
from integrations.chips import Chip, chip
from integrations.models import Delivery
from pledges import payment_story
from pledges.contact import Ground, Rulebook
from pledges.messages import subject_of
from pledges.models import (
    ObjectedPerson,
    Objection,
    Pledge,
    PledgeChange,
    Transaction,
    in_words,
)
from pledges.objections import Objections
from pledges.page import Changes, Sum, read_changes
from pledges.phone import as_spoken
from pledges.quality import failed_gates, flags
from pledges.terms import in_words as why_not_in_words
from pledges.terms import why_not_changeable

# How long somebody is told that a call was taken out of their hands.
TOLD_FOR: Final = timedelta(minutes=30)


@dataclass(frozen=True)
class Undoable:
    """What the person did last with this call and may still take back."""

    token: uuid.UUID
    until: datetime


@dataclass(frozen=True)
class Desk:
    """One call as one person sees it at one moment."""

    call: Call
    state: DeskState
    ground: Ground
    follows: Follows
    draft: Draft | None
    story: Sequence[Entry]
    gates: Sequence[str]
    # What supervisors alone are told of the gates.
    flags: Sequence[str]
    checklist: Checklist
    other_calls: Sequence[Call]
    other_pledges: Sequence[Pledge]
    completion: Completion | None
    ending: Ending | None
    logged: Attempt | None
    undoable: Undoable | None
    # What people here changed about the pledge; None where nobody did.
    changes: Changes | None
    # What was pledged at first, where that was something else.
    at_first: Sum | None
    # Why amount and interval cannot be changed from here; empty: they can.
    why_not: str
    # Each number of the donor: as it is dialled, and as it is read out.
    phones: Sequence[tuple[str, str]]
    # What stands against calling the donor at all.
    objection: Objection | None
    # The moment that was agreed on, and those that can be chosen with one press.
    callback: Callback | None
    picks: Sequence[Pick]
    # Why the queue served this call, or how else it came into these hands.
    why: Sequence[str]
    # A form that is shown now is sent under this token, once.
    token: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def told(self) -> Entry | None:
        """The line about what this person sees as done: how far TapRaise knows of it."""
        done = self.completion or self.ending or self.logged
        if done is None:
            return None
        return next((line for line in self.story if line.delivery == done.delivery), None)

    @property
    def can_be_called(self) -> bool:
        """Whether somebody here can still make the call, so that it matters when."""
        is_over = self.call.has_ended or self.completion is not None or self.ending is not None
        return not is_over and self.call.is_ours and not self.call.is_managed_elsewhere

    @property
    def can_call_back(self) -> bool:
        """Whether this person may agree on a moment to call again."""
        has_hands_free = self.state.is_mine or self.state.code == "free"
        may_be_called = self.ground.code != "objected"
        return self.can_be_called and has_hands_free and may_be_called and not self._is_spent

    @property
    def misses_a_moment(self) -> bool:
        """Whether the donor, on the line now, may ask for another moment that nobody may agree on:
        the rules of the organisation allow no more attempts, and only another call has any."""
        is_on_the_line = self.state.code in ("talking", "wrapping_up")
        may_be_called = self.can_be_called and self.ground.code != "objected"
        return is_on_the_line and may_be_called and self._is_spent

    @property
    def _is_spent(self) -> bool:
        is_last = self.state.attempt is not None and self.follows.is_last
        return is_last or self.ground.code == "no_attempts_left"

    @property
    def asks_for_a_moment(self) -> bool:
        """Whether the donor just said that it is not convenient."""
        inconvenient = Attempt.Outcome.NOT_CONVENIENT
        logged = self.logged is not None and self.logged.outcome == inconvenient
        return logged and self.callback is None

    @property
    def is_in_other_hands(self) -> bool:
        """Whether somebody else has this very call: not only its donor, by another one."""
        hold = self.state.hold
        return (
            self.state.code == "held_by_other" and hold is not None and hold.call_id == self.call.pk
        )

    @property
    def is_moving(self) -> bool:
        """Whether a chip can still change by itself."""
        return any(line.chip and not line.chip.is_settled for line in self.story)


def read_desk(call: Call, *, user: User, at: datetime) -> Desk:
    """Everything that the desk shows of a call, which comes `with_ends`, its person and pledge."""
    rulebook = Rulebook.read()
    # Whoever is saved is marked by it, so the page need not ask; what is done from it asks again.
    objections = Objections.read([call.person] if call.is_objected else ())
    attempts = _ATTEMPTS.ask(call=call.pk)
    for attempt in attempts:
        attempt.call = call
    # Most calls have neither: those are read only where `with_ends` saw one.
    completions = _read_ends(Completion.objects.all(), call) if call.has_completions else []
    endings = _read_ends(Ending.objects.all(), call) if call.has_endings else []
    completion = next((one for one in completions if one.ended_badly_at is None), None)
    ending = next((one for one in endings if one.ended_badly_at is None), None)
    state = queue.desk_state(
        call,
        user=user,
        at=at,
        ours=attempts,
        is_completed=completion is not None,
        is_ended=ending is not None,
    )
    logged = _logged(attempts, user=user, state=state)
    changes = None
    if call.pledge is not None and call.has_changes:
        changes = read_changes(call.pledge, user=user, at=at)
    why_not = why_not_changeable(call.pledge)
    is_hidden = strangers.is_hidden(call, user=user, at=at)
    done = [one.delivery for one in completions] + [one.delivery for one in endings]
    done += [line.delivery for line in changes.lines] if changes else []
    return Desk(
        call=call,
        state=state,
        ground=queue.ground_for(
            call, at=at, rulebook=rulebook, ours=attempts, objections=objections
        ),
        follows=queue.follows(call, at=at, rulebook=rulebook, ours=attempts),
        draft=Draft.objects.filter(call=call, user=user).first() if call.has_drafts else None,
        story=read_call_story(call, attempts=attempts, done=done, at=at, is_hidden=is_hidden),
        gates=failed_gates(call.person),
        flags=flags(call.person) if user.is_supervisor else (),
        checklist=read_checklist(call, is_hidden=is_hidden),
        other_calls=_OTHER_CALLS.ask(user=user.pk, person=call.person_id, call=call.pk),
        other_pledges=_OTHER_PLEDGES.ask(user=user.pk, person=call.person_id, call=call.pk),
        completion=completion,
        ending=ending,
        logged=logged,
        objection=objections.against(call.person, Objection.Channel.PHONE),
        callback=_callback(call) if call.has_callbacks else None,
        picks=picks(call, at=at, rulebook=rulebook),
        why=ordering.in_words(state.hold.why, at=at) if state.hold and state.is_mine else (),
        # Who is to be dialled has to be seen.
        phones=[(number, as_spoken(number)) for number in call.person.phone_keys]
        if not is_hidden or state.code in ("ready", "dialling")
        else (),
        undoable=_undoable(state, completion, ending, logged, user=user, at=at),
        changes=None if is_hidden else changes,
        at_first=_at_first(call.pledge),
        why_not=why_not_in_words(why_not) if why_not else "",
    )


def _attempts(*, call: Any) -> QuerySet[Attempt]:
    found = Attempt.objects.filter(call=call).select_related("user", "delivery")
    # What was sent is encrypted, and nothing of it is shown.
    return found.defer("delivery__payload").order_by("-at")


def _other_calls(*, user: Any, person: Any, call: Any) -> QuerySet[Call]:
    others = Call.objects.open().visible_to(user).filter(person=person).exclude(pk=call)
    return others.order_by("requested_at")[:5]


def _other_pledges(*, user: Any, person: Any, call: Any) -> QuerySet[Pledge]:
    others = Pledge.objects.visible_to(user).filter(person=person).exclude(calls=call)
    return others.filter(gone_at=None, fetched_at__isnull=False).order_by("-created_at")[:5]


_ATTEMPTS: Final = Prepared(_attempts, call=UUIDField())
_OF_DONOR: "Final[dict[str, Field[Any, Any]]]" = {
    "user": BigIntegerField(),
    "person": UUIDField(),
    "call": UUIDField(),
}
_OTHER_CALLS: Final = Prepared(_other_calls, **_OF_DONOR)
_OTHER_PLEDGES: Final = Prepared(_other_pledges, **_OF_DONOR)


def _callback(call: Call) -> Callback | None:
    return Callback.objects.open().filter(call=call).select_related("user").first()


def _at_first(pledge: Pledge | None) -> Sum | None:
    if pledge is None or pledge.initial_donation_amount is None:
        return None
    first = Sum.of(pledge.initial_donation_amount, pledge.initial_donation_interval)
    now = Sum.of(pledge.donation_amount, pledge.donation_interval)
    return None if first == now else first


@dataclass(frozen=True)
class Taken:
    """Who took this call out of the reader's hands, when and why."""

    at: datetime
    by: str
    why: str


def read_taken(call: Call, *, at: datetime) -> Taken | None:
    """Of a call, which comes `with_ends`; nothing once it is in hand again, or no news any more."""
    taken_at = call.taken_away_at
    if call.is_in_hand or taken_at is None or taken_at < at - TOLD_FOR:
        return None
    why = in_words(TakenAway.Reason, call.taken_away_why)
    return Taken(at=taken_at, by=call.taken_away_by or "", why=why)


@dataclass(frozen=True)
class Ended:
    """Who ended this call while the reader has it in hand, how and why."""

    by: str
    how: str
    why: str


def read_ended(call: Call) -> Ended | None:
    """Of a call, which comes `with_ends`; nothing for who does not have it in hand."""
    told = call.ended_by_other
    if told is None or not call.is_in_hand:
        return None
    return Ended(by=told["by"], how=in_words(Ending.Kind, told["kind"]), why=told["reason"])


Ends = TypeVar("Ends", Completion, Ending)


def with_ends(calls: QuerySet[Call], user: Any, *, today: Any) -> QuerySet[Call]:
    """Calls that know whether somebody here completed or ended them, changed their pledge or
    offered their person anything, and whether this user has them in hand: what `read_desk` and
    `read_payments` want. User and day may be slots."""
    taken = (
        TakenAway.objects.filter(call=OuterRef("pk"), user=user)
        .annotate(who=spoken_name_of("by"))
        .order_by("-at")
    )
    # In one, for every desk asks this every few seconds.
    by_other = JSONObject(
        by=spoken_name_of("user"),
        kind="kind",
        reason="reason",
    )
    ended = Ending.objects.living().filter(call=OuterRef("pk")).exclude(user=user)
    ends = {
        "has_completions": Exists(Completion.objects.filter(call=OuterRef("pk"))),
        "ended_by_other": Subquery(ended.values(told=by_other)[:1]),
        "has_endings": Exists(Ending.objects.filter(call=OuterRef("pk"))),
        "was_asked_for_here": Exists(NewCall.objects.filter(pk=OuterRef("pk"))),
        "has_changes": Exists(PledgeChange.objects.filter(pledge=OuterRef("pledge"))),
        "has_drafts": Exists(Draft.objects.filter(call=OuterRef("pk"))),
        "has_transactions": Exists(Transaction.objects.filter(person=OuterRef("person"))),
        "was_taken_away": Exists(TakenAway.objects.filter(call=OuterRef("pk"))),
        "has_ring_backs": Exists(RingBack.objects.filter(call=OuterRef("pk"))),
        "has_callbacks": Exists(Callback.objects.open().filter(call=OuterRef("pk"))),
        "is_objected": Exists(
            ObjectedPerson.objects.not_to_be_called().filter(person=OuterRef("person"))
        ),
        "has_payments": payment_story.exist_for(OuterRef("person")),
        "is_in_hand": Exists(Hold.objects.filter(call=OuterRef("pk"), user=user)),
        "had_wrong_answers": Exists(
            wrong_answers().filter(call__person=OuterRef("person"), user=user)
        ),
        "taken_away_at": Subquery(taken.values("at")[:1]),
        "taken_away_why": Subquery(taken.values("reason")[:1]),
        "taken_away_by": Subquery(taken.values("who")[:1]),
        "is_donor_in_hand": Exists(Hold.objects.filter(call__person=OuterRef("person"), user=user)),
    }
    return with_checks(calls.annotate(**ends), today=today)


def _read_ends(rows: QuerySet[Ends], call: Call) -> list[Ends]:
    found = rows.filter(call=call).select_related("user", "delivery")
    return list(found.defer("delivery__payload"))


def _logged(attempts: Sequence[Attempt], *, user: User, state: DeskState) -> Attempt | None:
    """The miss that this user logged last, as long as nothing came after it."""
    latest = attempts[0] if attempts else None
    if state.code != "free" or latest is None or latest.user_id != user.pk:
        return None
    return latest if latest.outcome else None


def _undoable(
    state: DeskState,
    completion: Completion | None,
    ending: Ending | None,
    logged: Attempt | None,
    *,
    user: User,
    at: datetime,
) -> Undoable | None:
    window = timedelta(seconds=settings.UNDO_SECONDS)
    found: tuple[uuid.UUID, datetime] | None = None
    if completion and completion.user_id == user.pk:
        found = (completion.token, completion.delivery.not_before)
        if completion.delivery.state != Delivery.State.READY or completion.delivery.tries:
            found = None
    elif ending and ending.user_id == user.pk:
        if ending.delivery.state == Delivery.State.READY and not ending.delivery.tries:
            found = (ending.token, ending.delivery.not_before)
    elif logged and logged.outcome_token and logged.outcome_at:
        found = (logged.outcome_token, logged.outcome_at + window)
    elif state.code == "dialling" and state.attempt:
        delivery = state.attempt.delivery
        if delivery.state == Delivery.State.READY and not delivery.tries:
            found = (state.attempt.token, delivery.not_before)
    if found is None or found[1] <= at:
        return None
    return Undoable(token=found[0], until=found[1])


# ── What moves by itself ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Pulse:
    """What a poll of the desk tells: the chips of this call and of its pledge, how the pledge
    stands if somebody here changes it, and whether the call ended elsewhere."""

    chips: Sequence[tuple[Delivery, Chip]]
    changes: Changes | None
    is_closed_elsewhere: bool
    has_ended: bool

    @property
    def is_moving(self) -> bool:
        return any(not chip.is_settled for _delivery, chip in self.chips)


def read_pulse(call: Call, *, user: User, at: datetime) -> Pulse:
    """One query for as long as the call is open: this runs every few seconds on every desk."""
    ours = call.has_ended and (call.completions.living().exists() or call.endings.living().exists())
    lines = [call.subject]
    changes = None
    if call.pledge is not None and call.has_changes:
        lines.append(subject_of(call.pledge.pk))
        if not strangers.is_hidden(call, user=user, at=at):
            changes = read_changes(call.pledge, user=user, at=at)
    deliveries = (
        Delivery.objects.filter(subject__in=lines)
        .exclude(outcome=Delivery.Outcome.UNDONE)
        .order_by("subject", "seq")
    )
    chips = [(delivery, chip(delivery, at=at)) for delivery in deliveries]
    return Pulse(
        chips=chips,
        changes=changes,
        is_closed_elsewhere=call.has_ended and not ours,
        has_ended=call.has_ended,
    )
