"""Which call is next and why: order, retry rules, holds, and where a call stands on the desk."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.dateparse import parse_datetime

from calls.models import Attempt, Call, Callback, CallQuerySet, Hold, HoldKey, Skip
from integrations.models import Delivery
from pledges.contact import Ground, Rulebook, asks_for_support, ground
from pledges.models import CallingRules, ObjectedPerson
from pledges.objections import Objections

if TYPE_CHECKING:
    from accounts.models import User

LEASE = timedelta(minutes=10)
# A call that an agent skipped does not come back to that agent before this.
SKIPPED_FOR = timedelta(hours=12)
# How many calls one look at the queue tries before it looks again.
BATCH = 5


# ── What may be served ────────────────────────────────────────────────────────────────────────────


def workable(user: "User") -> CallQuerySet:
    """The calls that this user may work at all: open, ours to make, managed in TapRaise."""
    return _workable(Call.objects.visible_to(user))


def _workable(calls: CallQuerySet) -> CallQuerySet:
    return calls.open().ours().managed_in_tapraise()


def callable_by(user: "User") -> CallQuerySet:
    """Those of them whose person did not object: the only ones that may be in anybody's hands."""
    return workable(user).not_objected_to()


def _callable_of(organizations: Sequence[uuid.UUID]) -> CallQuerySet:
    return _workable(Call.objects.of(organizations)).not_objected_to()


def stopped(user: "User") -> QuerySet[Call]:
    """Those that an objection stopped: only a supervisor can still do something with them."""
    barred = ObjectedPerson.objects.not_to_be_called().filter(person=OuterRef("person"))
    return workable(user).filter(Exists(barred))


def organizations_of(user: "User") -> list[uuid.UUID]:
    return list(user.organizations.values_list("pk", flat=True))


def due(
    user: "User",
    *,
    at: datetime,
    rulebook: Rulebook,
    organizations: Sequence[uuid.UUID] | None = None,
) -> QuerySet[Call]:
    """Those that may be called now: window open, number known, attempts left, gap over.

    `organizations` are this user's, for who has read them already.
    """
    if organizations is None:
        organizations = organizations_of(user)
    groups = allowed(organizations, at=at, rulebook=rulebook, has_gap=True)
    if groups is None:
        return Call.objects.none()
    return _callable_of(organizations).filter(
        groups,
        # A moment was agreed on: it is served then, and not before.
        ~Exists(Callback.objects.open().filter(call=OuterRef("pk"))),
        ~Exists(_skipped(user, at=at)),
    )


def due_callbacks(
    user: "User", *, at: datetime, rulebook: Rulebook, organizations: Sequence[uuid.UUID]
) -> QuerySet[Call]:
    """Those of whose donors a moment was agreed on that has come, and that are this user's to make.

    The gap after a miss is not waited for: the donor said when.
    """
    groups = allowed(organizations, at=at, rulebook=rulebook, has_gap=False)
    if groups is None:
        return Call.objects.none()
    waiting = Callback.objects.due_for(user, at=at).filter(call=OuterRef("pk"))
    return _callable_of(organizations).filter(
        Exists(waiting), groups, ~Exists(_skipped(user, at=at))
    )


def unkeepable(callbacks: "QuerySet[Callback]", *, today: Any) -> "QuerySet[Callback]":
    """Those whose call can be made at no moment any more: by the rules of a day no attempt is left,
    or the donor has no number, or wants no such calls. They are served to nobody.

    Not while somebody is at it, or has still to say how the last dial ended: that may keep it.
    """
    rules = CallingRules.objects.filter(
        Q(call_type=OuterRef("type")) | Q(call_type=CallingRules.CallType.ANY),
        organization=OuterRef("person__owning_organization"),
        from_date__lte=today,
    ).order_by("-call_type", "-from_date")
    most = Subquery(rules.values("max_attempts")[:1])
    is_barred = Q(attempts_count__gte=most) | ~may_be_rung()
    # Of each callback its call, and not all calls: there are few callbacks.
    barred = Call.objects.open().filter(is_barred, pk=OuterRef("call"))
    return callbacks.filter(~Exists(left_open()), Exists(barred))


def left_open() -> QuerySet[Attempt]:
    """The dial of a callback's call of which is still to be said how it ended."""
    return Attempt.objects.filter(call=OuterRef("call"), outcome=Attempt.Outcome.OPEN)


def is_skipped(user: "User", *, at: datetime) -> Exists:
    """Whether this user passed a callback's call by, a short while ago."""
    return Exists(_skips(user, at=at).filter(call=OuterRef("call")))


def allowed(
    organizations: Sequence[uuid.UUID], *, at: datetime, rulebook: Rulebook, has_gap: bool
) -> Q | None:
    """By the rules of each organisation and type of call; None: nobody may be called now."""
    # What has the same rules is asked for at once: each question more is paid for by every claim.
    alike: dict[tuple[int | None, int | None], list[Q]] = {}
    for call_type in Call.Type.values:
        of_the_type: dict[tuple[int | None, int | None], list[uuid.UUID]] = {}
        for organization in organizations:
            rules = rulebook.now(organization, call_type, at=at)
            opens = rulebook.next_opening(organization, call_type, at=at)
            if rules is None or opens != at:
                continue
            limits = (rules.gap_minutes if has_gap else None, rules.max_attempts)
            of_the_type.setdefault(limits, []).append(organization)
        for limits, those in of_the_type.items():
            alike.setdefault(limits, []).append(
                Q(type=call_type, person__owning_organization__in=those)
            )
    if not alike:
        return None
    groups = []
    for (gap_minutes, max_attempts), those_of_it in alike.items():
        group: list[Any] = [reduce(or_, those_of_it)]
        if gap_minutes is not None:
            since = at - timedelta(minutes=gap_minutes)
            group.append(~tried_since(since))
        if max_attempts is not None:
            group.append(Q(attempts_count__lt=max_attempts))
        groups.append(reduce(and_, group))
    found: Q = reduce(or_, groups)
    return found & may_be_rung()


def may_be_rung() -> Q:
    """Calls whose person has a number and did not refuse calls of this type."""
    asks_for_nothing = Q(type__in=[one for one in Call.Type.values if not asks_for_support(one)])
    return has_number() & (asks_for_nothing | ~Q(person__opt_in_phone=False))


def has_number() -> Q:
    return Q(person__mobile_e164__isnull=False) | Q(person__phone_e164__isnull=False)


def tried_since(moment: datetime) -> Q:
    """Calls whose person was dialled after a moment, here or elsewhere, whichever call that was
    for."""
    here = Attempt.objects.filter(call__person=OuterRef("person"), at__gt=moment)
    elsewhere = Call.objects.filter(person=OuterRef("person"), tried_at__gt=moment)
    return Q(Exists(here)) | Q(Exists(elsewhere))


def _skipped(user: "User", *, at: datetime) -> QuerySet[Skip]:
    return _skips(user, at=at).filter(call=OuterRef("pk"))


def _skips(user: "User", *, at: datetime) -> QuerySet[Skip]:
    return Skip.objects.filter(user=user, at__gt=at - SKIPPED_FOR)


def free(calls: QuerySet[Call], *, at: datetime) -> QuerySet[Call]:
    """Those whose person is in nobody's hands."""
    in_hand = Hold.objects.filter(call__person=OuterRef("person"), lease_until__gt=at)
    return calls.filter(~Exists(in_hand))


def in_order(calls: QuerySet[Call]) -> QuerySet[Call]:
    """Who has waited longest comes first."""
    return calls.order_by("requested_at", "uuid")


# ── Attempts ──────────────────────────────────────────────────────────────────────────────────────


def attempts_made(call: Call, ours: Iterable[Attempt] | None = None) -> int:
    """How often this call was tried: what TapRaise counts, and ours that it has not told yet.

    `ours` are this call's attempts with user and delivery, for who has read them already.
    """
    if ours is None:
        ours = call.our_attempts.select_related("user", "delivery")
    told = {
        (str(attempt.get("user")), _whole_second(attempt.get("attempt_at")))
        for attempt in call.attempts
    }
    untold = [
        attempt
        for attempt in ours
        if attempt.delivery.outcome in ("", Delivery.Outcome.DONE)
        and (str(attempt.user.tapraise_user_uuid), attempt.at.replace(microsecond=0)) not in told
    ]
    return call.attempts_count + len(untold)


def moments_of(attempts: Iterable[Mapping[str, Any]]) -> list[tuple[str, datetime]]:
    """By whom (a TapRaise uuid, or None as a text) and when attempts of the mirror were made; those
    of which TapRaise tells no moment at all are left out."""
    told = ((one, one.get("attempt_at") or one.get("created_at")) for one in attempts)
    moments = ((str(one.get("user")), parse_datetime(text)) for one, text in told if text)
    return [(user, moment) for user, moment in moments if moment is not None]


def attempts_elsewhere(call: Call, ours: Iterable[Attempt]) -> list[datetime]:
    """When this call was tried by others, or by us before we kept count: what TapRaise alone tells.

    `ours` as with `attempts_made`.
    """
    known = {(str(one.user.tapraise_user_uuid), one.at.replace(microsecond=0)) for one in ours}
    return [
        moment
        for user, moment in moments_of(call.attempts)
        if (user, moment.replace(microsecond=0)) not in known
    ]


def _whole_second(text: str | None) -> datetime | None:
    moment = parse_datetime(text) if text else None
    return moment.replace(microsecond=0) if moment else None


def ground_for(
    call: Call,
    *,
    at: datetime,
    rulebook: Rulebook,
    ours: Sequence[Attempt] | None = None,
    objections: Objections | None = None,
) -> Ground:
    """Whether this call may be made now: its person may be called, and an attempt is left."""
    found = ground(call.person, call.type, at=at, rulebook=rulebook, objections=objections)
    rules = rulebook.now(call.person.owning_organization_id, call.type, at=at)
    if not found.is_allowed or rules is None or rules.max_attempts is None:
        return found
    if ours is None:
        ours = list(call.our_attempts.select_related("user", "delivery"))
    is_on_the_line = any(attempt.outcome == Attempt.Outcome.OPEN for attempt in ours)
    if is_on_the_line or attempts_made(call, ours) < rules.max_attempts:
        return found
    return Ground(False, "no_attempts_left", facts=found.facts, rules=found.rules)


@dataclass(frozen=True)
class Follows:
    """What comes after an attempt that missed: which one it is, and when the next may be."""

    attempt: int
    max_attempts: int | None
    is_last: bool
    next_at: datetime | None


def follows(call: Call, *, at: datetime, rulebook: Rulebook, ours: Sequence[Attempt]) -> Follows:
    """What follows when the dial of this moment misses. The dial on the line is counted already."""
    rules = rulebook.now(call.person.owning_organization_id, call.type, at=at)
    is_on_the_line = any(attempt.outcome == Attempt.Outcome.OPEN for attempt in ours)
    attempt = attempts_made(call, ours) + (0 if is_on_the_line else 1)
    most = rules.max_attempts if rules else None
    is_last = most is not None and attempt >= most
    next_at = None
    if rules and not is_last:
        next_at = rulebook.next_opening(
            call.person.owning_organization_id,
            call.type,
            at=at + timedelta(minutes=rules.gap_minutes),
        )
    return Follows(attempt=attempt, max_attempts=most, is_last=is_last, next_at=next_at)


# ── Holds: one donor in one pair of hands ─────────────────────────────────────────────────────────


def keys_of(call: Call) -> list[str]:
    """What a hold on this call keeps, in one order for everybody, so that two cannot deadlock."""
    return sorted(
        [
            f"call:{call.pk}",
            f"person:{call.person_id}",
            *(f"phone:{number}" for number in call.person.phone_keys),
        ]
    )


def take(call: Call, *, user: "User", at: datetime, why: dict[str, Any]) -> Hold | None:
    """Hold the call, its person and its numbers for this user, all or none. None: somebody has one.

    The unique keys decide, not a look beforehand. A hold whose lease ran out gives way.
    """
    keys = keys_of(call)
    try:
        with transaction.atomic():
            Hold.objects.filter(Q(keys__key__in=keys) | Q(user=user), lease_until__lte=at).delete()
            hold = Hold.objects.create(
                call=call, user=user, taken_at=at, lease_until=at + LEASE, why=why
            )
            HoldKey.objects.bulk_create(HoldKey(key=key, hold=hold) for key in keys)
    except IntegrityError:
        return None
    return hold


def donors_in_hand(*, at: datetime) -> set[UUID]:
    """The donors who are in an agent's hands at a moment: as many as agents at most."""
    living = Hold.objects.filter(lease_until__gt=at)
    return set(living.values_list("call__person", flat=True))


def holder_of(call: Call, *, at: datetime) -> Hold | None:
    """The living hold that keeps this call, its person or one of its numbers."""
    return (
        Hold.objects.filter(keys__key__in=keys_of(call), lease_until__gt=at)
        .select_related("user", "call")
        .first()
    )


# ── Where a call stands on the desk ───────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class DeskState:
    """What the desk shows of a call to one user, rebuilt from rows alone."""

    # ready, dialling, talking, wrapping_up: in this user's hands. saved, ended: ours is on its way
    # or told. closed_elsewhere: ended at TapRaise without us. held_by_other, free: not in this
    # user's hands. managed_elsewhere: another application makes it.
    code: str
    hold: Hold | None = None
    attempt: Attempt | None = None

    @property
    def is_mine(self) -> bool:
        return self.code in {"ready", "dialling", "talking", "wrapping_up"}

    @property
    def began_at(self) -> datetime | None:
        """Since when the phone rings, the conversation lasts, or is being wrapped up."""
        if not self.is_mine or self.code == "ready":
            return None
        if self.code == "wrapping_up" and self.hold:
            return self.hold.wrapping_up_at
        if self.attempt:
            return self.attempt.answered_at or self.attempt.at
        return self.hold.taken_at if self.hold else None


def desk_state(
    call: Call,
    *,
    user: "User",
    at: datetime,
    ours: Sequence[Attempt],
    is_completed: bool,
    is_ended: bool,
) -> DeskState:
    """Where this call stands for this user. A lapsed hold that nobody took is still the user's.

    `ours` are this call's attempts; completed and ended: one of ours stands.
    """
    holds = list(Hold.objects.filter(keys__key__in=keys_of(call)).select_related("user").distinct())
    mine = next((h for h in holds if h.user_id == user.pk and h.call_id == call.pk), None)
    if is_completed:
        return DeskState("saved")
    if is_ended:
        return DeskState("ended", hold=mine)
    attempt = next(
        (a for a in ours if a.user_id == user.pk and a.outcome == Attempt.Outcome.OPEN), None
    )
    if call.is_managed_elsewhere:
        return DeskState("managed_elsewhere", hold=mine, attempt=attempt)
    if call.has_ended or call.gone_at is not None:
        return DeskState("closed_elsewhere", hold=mine, attempt=attempt)
    if mine:
        if not (attempt.answered_at if attempt else mine.rang_back):
            return DeskState("dialling" if attempt else "ready", mine, attempt)
        return DeskState("wrapping_up" if mine.wrapping_up_at else "talking", mine, attempt)
    other = next((h for h in holds if h.user_id != user.pk and not h.has_lapsed(at=at)), None)
    if other:
        return DeskState("held_by_other", hold=other)
    return DeskState("free", attempt=attempt)
