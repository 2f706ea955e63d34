"""Who is at work, on what, since when; and what was left lying."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.models import Presence, User
from accounts.prepared import Prepared
from calls.models import Attempt, Call, Ending, Hold, TakenAway
from pledges.models import Organization, Person, in_words

# A page of somebody at work says every minute that it is open.
AWAY_AFTER = timedelta(minutes=3)
# A wrap-up takes a few minutes; what lies longer, with nobody at it, is looked into.
UNFINISHED_AFTER = timedelta(minutes=15)
MOST_UNFINISHED = 50


# Each state in words, and its tone.
STATES: Final = {
    "ready": (_("ready to call"), "wait"),
    "dialling": (_("calling"), "live"),
    "talking": (_("in conversation"), "live"),
    "wrapping_up": (_("wrapping up"), "doubt"),
    "paused": (_("on a pause"), ""),
    "available": (_("free"), "done"),
    "away": (_("away"), ""),
}


@dataclass(frozen=True)
class AgentLine:
    """One person of the floor: what they are doing, and since when.

    `state`: ready, dialling, talking, wrapping_up (a donor is in hand); paused; available; away (no
    page of theirs has been open for a while, and nobody is in hand).
    """

    user: int
    name: str
    state: str
    since: datetime | None
    # Which pause, in words, where there is one.
    pause: str = ""
    has_donor: bool = False
    # The call in hand, its donor and for whom it is, where the reader may know of it.
    call: uuid.UUID | None = None
    donor: str = ""
    organization: str = ""

    @property
    def words(self) -> str:
        return str(STATES[self.state][0])

    @property
    def tone(self) -> str:
        return STATES[self.state][1]


def colleagues(user: Any) -> "QuerySet[User]":
    """Everybody who works or worked for this supervisor's organisations, by name."""
    at_work = User.organizations.through.objects.filter(
        user=OuterRef("pk"), organization__in=Organization.objects.of(user).values("pk")
    )
    return User.objects.filter(Exists(at_work)).order_by("first_name", "username")


def agents(user: User, *, at: datetime) -> list[AgentLine]:
    """The people who work for this supervisor's organisations, by name: one query.

    Whom somebody has in hand is told of donors of those organisations only.
    """
    return [_agent_line(_AtWork(*row), at=at) for row in _AT_WORK.ask(user=user.pk)]


class _AtWork(NamedTuple):
    """What is read of one person: models of fifty people, each with presence, hold, call, donor and
    organisation, would cost as much as the rest of the page."""

    user: int
    username: str
    first_name: str
    presence: str | None
    pause: str | None
    present_since: datetime | None
    seen_at: datetime | None
    taken_at: datetime | None
    lease_until: datetime | None
    wrapping_up_at: datetime | None
    why: dict[str, Any] | None
    dialled_at: datetime | None
    answered_at: datetime | None
    call: uuid.UUID | None
    may_be_named: bool
    organization: str | None
    # As `Person.SPOKEN`.
    gender: str | None
    academic_title: str | None
    initials: str | None
    donor_first_name: str | None
    last_name_prefix: str | None
    last_name: str | None


def _at_work(user: Any) -> "QuerySet[User, tuple[Any, ...]]":
    dialled = Attempt.objects.filter(
        user=OuterRef("pk"), call=OuterRef("hold__call"), outcome=Attempt.Outcome.OPEN
    )
    named = Organization.objects.of(user).filter(
        pk=OuterRef("hold__call__person__owning_organization")
    )
    return (
        colleagues(user)
        .filter(is_active=True)
        .values_list(
            "pk",
            "username",
            "first_name",
            "presence__state",
            "presence__pause",
            "presence__since",
            "presence__last_seen_at",
            "hold__taken_at",
            "hold__lease_until",
            "hold__wrapping_up_at",
            "hold__why",
            Subquery(dialled.values("at")[:1]),
            Subquery(dialled.values("answered_at")[:1]),
            "hold__call",
            Exists(named.order_by()),
            "hold__call__person__owning_organization__name",
            *(f"hold__call__person__{column}" for column in Person.SPOKEN),
        )
    )


# The floor asks for it every few seconds.
_AT_WORK: Final = Prepared(_at_work, user=BigIntegerField())


def is_away(hold: Hold, *, at: datetime) -> bool:
    """Whether whoever has this call in hand, who comes with their presence, is not there: the lease
    ran out, or no page of theirs has been open for a while."""
    presence: Presence | None = getattr(hold.user, "presence", None)
    return hold.has_lapsed(at=at) or _is_unseen(presence.last_seen_at if presence else None, at=at)


@dataclass(frozen=True)
class Unfinished:
    """A conversation, or a dial, of which nobody said what came of it."""

    call: Call
    user: User
    since: datetime
    was_answered: bool
    # None: the donor rang us, and nothing blocks the call.
    attempt: Attempt | None = None
    # Of the form in which a supervisor says how it ended.
    token: uuid.UUID = field(default_factory=uuid.uuid4)


def left_dials(user: Any, *, at: Any) -> "QuerySet[Attempt]":
    """Dials of which nobody said how they ended, and that nobody is at any more: at once where a
    supervisor took the call out of their hands, for they have no page left to say it on.

    Not those of a call that a supervisor ended meanwhile: it waits for no answer, and its agent,
    who was told to go on with the next one, has no page left to give one. How such a dial ended
    stays unknown, and is not made up.
    """
    at_work = Hold.objects.filter(call=OuterRef("call"), user=OuterRef("user"), lease_until__gt=at)
    taken_away = TakenAway.objects.filter(
        call=OuterRef("call"), user=OuterRef("user"), at__gte=OuterRef("at")
    )
    return Attempt.objects.filter(
        Q(at__lt=at - UNFINISHED_AFTER) | Exists(taken_away),
        ~Exists(at_work),
        ~Exists(Ending.objects.living().filter(call=OuterRef("call"))),
        call__in=Call.objects.visible_to(user),
        outcome=Attempt.Outcome.OPEN,
    )


def left_talks(user: Any, *, at: Any) -> "QuerySet[Hold]":
    """Conversations with donors who rang us, of which nobody said what came of them."""
    return Hold.objects.filter(
        call__in=Call.objects.visible_to(user),
        lease_until__lte=at - UNFINISHED_AFTER,
        why__code=Hold.RANG_BACK,
    )


def unfinished(user: User, *, at: datetime) -> list[Unfinished]:
    """What was left lying in this supervisor's organisations, the oldest first: two queries.

    A result is never made up for it: the agent finishes it, or a supervisor finds out.
    """
    dials = left_dials(user, at=at).select_related("call__person", "user").order_by("at")
    talks = left_talks(user, at=at).select_related("call__person", "user")
    lines = [
        *(
            Unfinished(
                one.call, one.user, one.answered_at or one.at, one.answered_at is not None, one
            )
            for one in dials[:MOST_UNFINISHED]
        ),
        *(
            Unfinished(one.call, one.user, one.taken_at, was_answered=True)
            for one in talks[:MOST_UNFINISHED]
        ),
    ]
    return sorted(lines, key=lambda line: line.since)


def _agent_line(one: _AtWork, *, at: datetime) -> AgentLine:
    name = User(username=one.username, first_name=one.first_name).spoken_name
    line = partial(AgentLine, one.user, name)
    if one.taken_at is not None and one.lease_until is not None:
        hold = Hold(lease_until=one.lease_until, why=one.why)
        if not hold.has_lapsed(at=at):
            state, since = ("talking" if hold.rang_back else "ready"), one.taken_at
            if one.dialled_at is not None:
                state = "talking" if one.answered_at else "dialling"
                since = one.answered_at or one.dialled_at
            if one.wrapping_up_at is not None:
                state, since = "wrapping_up", one.wrapping_up_at
            return line(state, since, has_donor=True, **_donor(one))
    if one.presence == Presence.State.PAUSED:
        pause = in_words(Presence.Pause, one.pause)
        return line("paused", one.present_since, pause=pause)
    if one.present_since is None or _is_unseen(one.seen_at, at=at):
        return line("away", one.seen_at)
    # Who let a call lie until its lease ran out is free since then.
    since = max(one.present_since, one.lease_until or one.present_since)
    return line("available", since)


def _donor(one: _AtWork) -> dict[str, Any]:
    if not one.may_be_named:
        return {}
    named = dict(zip(Person.SPOKEN, one[-len(Person.SPOKEN) :], strict=True))
    return {
        "call": one.call,
        "donor": Person(**named).form_of_address,
        "organization": one.organization or "",
    }


def _is_unseen(seen_at: datetime | None, *, at: datetime) -> bool:
    return seen_at is None or seen_at < at - AWAY_AFTER
