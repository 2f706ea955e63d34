"""The queue's one order, and why a call is served now.

First what was promised, then what is lost if it is not called now, then who was missed in another
part of the day, then who has waited longest. Each turn is one look by an index; the claim goes
through them until it has a call.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls import moments, queue
from calls.models import Attempt, Call, Callback
from pledges.contact import AMSTERDAM, Rulebook

if TYPE_CHECKING:
    from accounts.models import User

# A part of the day begins at; a donor who is missed at noon may be at home at night.
PARTS: Final = {"morning": 0, "afternoon": 12, "evening": 18}
BITS: Final = {part: 1 << place for place, part in enumerate(PARTS)}
# What is released today or tomorrow is called before anything that can wait.
DAYS_AT_STAKE: Final = 2
# How many retries one look weighs, so that it costs the same however many there are.
WEIGHED: Final = 200


@dataclass(frozen=True)
class Turn:
    """Calls that are served for one reason: `due` are those that may be, `ordered` has their
    order."""

    code: str
    due: QuerySet[Call]
    ordered: QuerySet[Call]

    def in_order(self, *, at: datetime) -> QuerySet[Call]:
        return queue.free(self.ordered, at=at)


def turns(user: "User", *, at: datetime, rulebook: Rulebook) -> Iterator[Turn]:
    """What is served to this user at a moment, the first reason first."""
    organizations = queue.organizations_of(user)
    if Callback.objects.due_for(user, at=at).exists():
        promised = queue.due_callbacks(user, at=at, rulebook=rulebook, organizations=organizations)
        yield Turn("callback", promised, _by_promise(promised, user))
    due = queue.due(user, at=at, rulebook=rulebook, organizations=organizations)
    at_stake = _at_stake(due, organizations, at=at, rulebook=rulebook)
    if at_stake is not None:
        yield Turn("release", due, at_stake)
    yield Turn("retry", due, _retries(due, at=at))
    yield Turn("waited_longest", due, queue.in_order(due))


def _by_promise(calls: QuerySet[Call], user: "User") -> QuerySet[Call]:
    """Own ones before those of the team, by the moment that was agreed on."""
    mine = Q(callbacks__whose=Callback.Whose.MINE, callbacks__user=user)
    return calls.filter(callbacks__state=Callback.State.OPEN).order_by(
        Case(When(mine, then=0), default=1), "callbacks__due_at", "uuid"
    )


def _at_stake(
    calls: QuerySet[Call],
    organizations: Sequence[uuid.UUID],
    *,
    at: datetime,
    rulebook: Rulebook,
) -> QuerySet[Call] | None:
    """Verification calls whose pledge is released before tomorrow is over, the soonest first, then
    the one with the fewest attempts left. None: no organisation tells when it releases."""
    until = midnight_after(at, days=DAYS_AT_STAKE)
    soon, clocks = Q(), []
    for organization in organizations:
        rules = rulebook.now(organization, Call.Type.VERIFICATION, at=at)
        if rules is None or rules.cooling_off_days is None:
            continue
        cooling = timedelta(days=rules.cooling_off_days)
        soon |= Q(
            person__owning_organization=organization,
            pledge__created_at__gt=at - cooling,
            pledge__created_at__lte=until - cooling,
        )
        clocks.append((organization, cooling))
    if not clocks:
        return None
    released_at: Any = F("pledge__created_at")
    if len({cooling for _organization, cooling in clocks}) > 1:
        # With one clock for all the order is that of the index.
        released_at = Case(
            *(
                When(
                    person__owning_organization=organization,
                    then=ExpressionWrapper(
                        F("pledge__created_at") + Value(cooling), output_field=DateTimeField()
                    ),
                )
                for organization, cooling in clocks
            ),
            output_field=DateTimeField(),
        )
    found = calls.filter(soon, type=Call.Type.VERIFICATION, pledge__released_at=None)
    return found.order_by(released_at, "-attempts_count", "uuid")


def _retries(calls: QuerySet[Call], *, at: datetime) -> QuerySet[Call]:
    """Those that were missed, but not in this part of the day."""
    part = part_of_day(at)
    hours = [hour for hour in range(24) if _part_of(hour) == part]
    missed_now = Attempt.objects.filter(
        call=OuterRef("pk"), at__hour__gte=hours[0], at__hour__lte=hours[-1]
    )
    oldest = queue.in_order(calls.filter(attempts_count__gt=0)).values("pk")[:WEIGHED]
    was_tried = Exists(Attempt.objects.filter(call=OuterRef("pk"))) | ~Q(tried_in=0)
    return queue.in_order(
        Call.objects.alias(tried_now=F("tried_in").bitand(BITS[part])).filter(
            was_tried, ~Exists(missed_now), tried_now=0, pk__in=oldest
        )
    )


def bits_of(moments: Iterable[datetime]) -> int:
    """One bit for each part of the day that these fall in: what `Call.tried_in` holds."""
    return reduce(or_, (BITS[part_of_day(moment)] for moment in moments), 0)


def part_of_day(at: datetime) -> str:
    return _part_of(at.astimezone(AMSTERDAM).hour)


def _part_of(hour: int) -> str:
    return max((begins, part) for part, begins in PARTS.items() if hour >= begins)[1]


def midnight_after(at: datetime, *, days: int) -> datetime:
    """The end of so many days, today being the first."""
    day = at.astimezone(AMSTERDAM).date() + timedelta(days=days)
    return datetime.combine(day, time(), AMSTERDAM)


# ── Why now ───────────────────────────────────────────────────────────────────────────────────────


def why_now(call: Call, code: str, *, at: datetime, rulebook: Rulebook) -> dict[str, Any]:
    """Why the queue serves this call now: facts, put into words on the desk. Wants its pledge."""
    rules = rulebook.now(call.person.owning_organization_id, call.type, at=at)
    ours = list(call.our_attempts.select_related("user", "delivery"))
    made = queue.attempts_made(call, ours)
    why: dict[str, Any] = {
        "code": code,
        "requested_at": call.requested_at.isoformat(),
        "attempt": made + 1,
        "max_attempts": rules.max_attempts if rules else None,
    }
    if code == "callback":
        callback = Callback.objects.open().filter(call=call).select_related("user").first()
        if callback is not None:
            why |= {
                "due_at": callback.due_at.isoformat(),
                "whose": callback.whose,
                "by": callback.user.spoken_name,
                "note": callback.note,
            }
    pledge = call.pledge
    if rules and rules.cooling_off_days is not None and pledge and pledge.created_at:
        is_verification = call.type == Call.Type.VERIFICATION and pledge.released_at is None
        if is_verification:
            released_at = pledge.created_at + timedelta(days=rules.cooling_off_days)
            why["released_at"] = released_at.isoformat()
    if made:
        missed = [one.at for one in ours if one.outcome in Attempt.MISSED]
        # Who is still to be called was not reached by others either.
        missed += queue.attempts_elsewhere(call, ours)
        why["missed"] = dict(Counter(part_of_day(moment) for moment in missed))
    return why


def in_words(why: Mapping[str, Any], *, at: datetime) -> list[str]:
    """The reasons, the first one first; a call that was not served says how it came."""
    code = why.get("code", "")
    if code == "chosen":
        return [_("you took it up yourself")]
    if code == "rang_back":
        return [_("the donor rang back")]
    if code == "undone":
        return [_("you undid what you did")]
    parts = []
    if code == "callback" and "due_at" in why:
        parts.append(_promise_in_words(why, at=at))
    if "released_at" in why:
        parts.append(_release_in_words(_moment(why["released_at"]), at=at))
    parts += _attempts_in_words(why)
    missed = [_missed_in_words(part, count) for part, count in why.get("missed", {}).items()]
    if missed:
        parts.append(", ".join(missed))
    if "requested_at" in why and code in ("waited_longest", "retry"):
        since = date_format(localtime(_moment(why["requested_at"])), "j-n H:i")
        words = _("waiting since %(moment)s") % {"moment": since}
        parts = [words, *parts] if code == "waited_longest" else [*parts, words]
    return parts


def _promise_in_words(why: Mapping[str, Any], *, at: datetime) -> str:
    moment = moments.in_words(_moment(why["due_at"]), at=at)
    words = _("called back as agreed: %(moment)s") % {"moment": moment}
    if why["whose"] == Callback.Whose.MINE:
        words = _("called back as %(name)s agreed: %(moment)s") % {
            "name": why["by"],
            "moment": moment,
        }
    return f"{words} ({why['note']})" if why.get("note") else words


def _release_in_words(released_at: datetime, *, at: datetime) -> str:
    days = (released_at.astimezone(AMSTERDAM).date() - at.astimezone(AMSTERDAM).date()).days
    if days < 0:
        return _("released already")
    if days == 0:
        return _("released today")
    if days == 1:
        return _("released tomorrow")
    return ngettext("released in %(days)s day", "released in %(days)s days", days) % {"days": days}


def _attempts_in_words(why: Mapping[str, Any]) -> list[str]:
    most, attempt = why.get("max_attempts"), why.get("attempt")
    if attempt is None:
        return []
    if most is None:
        return [_("attempt %(n)s") % {"n": attempt}]
    words = [_("attempt %(n)s of %(most)s") % {"n": attempt, "most": most}]
    left = most - attempt + 1
    if "released_at" in why and attempt > 1:
        more = ngettext("%(left)s attempt left", "%(left)s attempts left", left)
        words = [more % {"left": left}]
    return words


def _missed_in_words(part: str, count: int) -> str:
    words = {
        "morning": ngettext(
            "missed once in the morning", "missed %(n)s times in the morning", count
        ),
        "afternoon": ngettext(
            "missed once in the afternoon", "missed %(n)s times in the afternoon", count
        ),
        "evening": ngettext(
            "missed once in the evening", "missed %(n)s times in the evening", count
        ),
    }
    return words[part] % {"n": count}


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    assert found is not None  # noqa: S101  (written by why_now)
    return found
