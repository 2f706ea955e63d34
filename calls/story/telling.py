"""The story of a donor, a page at a time, and that of a call, beside the work on it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When

from accounts.models import User
from calls.models import Attempt, Call, Completion, Ending, NewCall
from calls.story.places import OF_A_CALL, OF_ITS_DONOR, Place, Which, deeds_of, places_of
from calls.story.rows import Point, Row, Scope, read_rows
from calls.story.traffic import Message, message_of
from calls.story.words import Entry, Telling
from integrations.encryption import EncryptedJSONField
from integrations.models import Delivery
from pledges.messages import ADD_FILE
from pledges.models import (
    Mandate,
    NewPledge,
    PayLink,
    Person,
    Pledge,
    TextMessage,
)
from pledges.page import recruiters_of

# How much of the past fits beside the work, and on a page of its own.
STORY_LINES: Final = 12
PAGE: Final = 50


@dataclass(frozen=True)
class Line:
    """An entry on the page of a story, and the message that left with it."""

    entry: Entry
    message: Message | None = None


@dataclass(frozen=True)
class StoryPage:
    """Some of a story, the newest first. `before` and `after` are the points to ask for next."""

    lines: Sequence[Line]
    which: Which
    before: str = ""
    after: str = ""


def read_story(
    person: Person, *, user: User, which: Which, asked: Mapping[str, Any], at: datetime
) -> StoryPage:
    """A page of all that happened with a donor whom this user may see: at most six queries.

    `asked` may hold a point, `after` or `before`, as a page gave it.
    """
    scope = _scope(person, user=user, which=which)
    before, after = (Point.read(asked.get(name)) for name in ("before", "after"))
    is_back = before is not None
    point = before if is_back else after
    rows = read_rows(scope, size=PAGE + 1, point=point, is_back=is_back)
    has_more, rows = len(rows) > PAGE, rows[:PAGE]
    if is_back:
        rows.reverse()
    telling = _telling(rows, scope, at=at)
    lines = _lines([telling.entry(row) for row in rows], user=user, at=at)
    if not rows:
        return StoryPage(lines, which)
    has_before = has_more if is_back else after is not None
    has_after = is_back or has_more
    return StoryPage(
        lines,
        which,
        before=str(Point.of(rows[0])) if has_before else "",
        after=str(Point.of(rows[-1])) if has_after else "",
    )


def _lines(entries: Iterable[Entry], *, user: User, at: datetime) -> list[Line]:
    """Each message unfolds at the newest entry about it."""
    unfolded: set[uuid.UUID] = set()
    lines = []
    for entry in entries:
        message = None
        if entry.delivery is not None and entry.delivery.pk not in unfolded:
            unfolded.add(entry.delivery.pk)
            message = message_of(entry.delivery, reader=user, at=at)
        lines.append(Line(entry, message))
    return lines


def _scope(person: Person, *, user: User, which: Which) -> Scope:
    calls = list(with_told(Call.objects.visible_to(user).filter(person=person)))
    known = Pledge.objects.visible_to(user).filter(fetched_at__isnull=False)
    pledges = list(known.filter(person=person))
    theirs = user.organizations.values("pk")
    is_theirs = Q(calling_organization__in=theirs) | Q(calling_organization=None)
    new_calls = NewCall.objects.filter(is_theirs)
    attempts = Attempt.objects.filter(call__in=[call.pk for call in calls])
    new_pledges = NewPledge.objects.visible_to(user)
    subjects = [call.subject for call in calls] + [f"pledge:{one.pk}" for one in pledges]
    return Scope(
        person=person.pk,
        places=places_of(which, is_supervisor=user.is_supervisor),
        deeds=deeds_of(which, is_supervisor=user.is_supervisor),
        calls=calls,
        pledges=pledges,
        attempts=list(attempts.select_related("user")),
        deliveries=_deliveries(person, subjects, new_calls, new_pledges),
        new_calls=new_calls,
        new_pledges=new_pledges,
    )


def with_told(calls: QuerySet[Call]) -> QuerySet[Call]:
    """Calls that know whether somebody here asked for them, completed or ended them."""
    told: dict[str, Any] = {
        "was_asked_for_here": Exists(NewCall.objects.filter(pk=OuterRef("pk"))),
        "has_completions": Exists(Completion.objects.filter(call=OuterRef("pk"))),
        "has_endings": Exists(Ending.objects.filter(call=OuterRef("pk"))),
    }
    return calls.annotate(**told)


def _deliveries(
    person: Person,
    subjects: Sequence[str],
    new_calls: QuerySet[NewCall],
    new_pledges: QuerySet[NewPledge],
) -> dict[uuid.UUID, Delivery]:
    """Every message about this donor, on the lines of their calls and pledges and on those of what
    they were offered: one query. What a whole file says is of many, and stays where it is."""
    ours = {"person": person}
    keys: list[Any] = [
        new_calls.filter(**ours).values("delivery"),
        new_pledges.filter(**ours).values("delivery"),
        PayLink.objects.filter(**ours).values("delivery"),
        Mandate.objects.filter(**ours).values("delivery"),
        TextMessage.objects.filter(**ours).values("delivery"),
        TextMessage.objects.filter(**ours).values("stop_delivery"),
    ]
    found = Delivery.objects.filter(subject__in=subjects)
    said = Case(
        When(operation=ADD_FILE, then=Value(None)),
        default=F("payload"),
        output_field=EncryptedJSONField(null=True),
    )
    rows = [
        one.order_by().defer("payload").annotate(said=said)
        for one in (found, *(Delivery.objects.filter(pk__in=key) for key in keys))
    ]
    first, *others = rows
    deliveries: dict[uuid.UUID, Delivery] = {one.pk: one for one in first.union(*others, all=True)}
    for delivery in deliveries.values():
        delivery.payload = delivery.said or {}  # type: ignore[attr-defined]
    return deliveries


def _telling(rows: Iterable[Row], scope: Scope, *, at: datetime) -> Telling:
    recruiters: Mapping[str, str] = {}
    if any(row.place == Place.CHANGED and "recruiter_uuid" in (row.c or "") for row in rows):
        recruiters = recruiters_of({one.owning_organization_id for one in scope.pledges})
    return Telling(
        at=at,
        calls={call.pk: call for call in scope.calls},
        deliveries=scope.deliveries,
        recruiters=recruiters,
    )


# ── Beside the work ───────────────────────────────────────────────────────────────────────────────


def read_call_story(
    call: Call,
    *,
    attempts: Sequence[Attempt],
    done: Iterable[Delivery],
    at: datetime,
    is_hidden: bool,
) -> list[Entry]:
    """The newest of the story of a call that comes `with_ends` and its pledge: at most two queries,
    and none where nothing but dials happened here.

    `attempts` come with user and delivery; `done` are the other messages about it that were read
    already. `is_hidden`: only what happened with the call itself, and nothing that tells of the
    donor.
    """
    places = OF_A_CALL if is_hidden else OF_A_CALL | OF_ITS_DONOR
    happened = {
        Place.NEW_CALL: call.was_asked_for_here,
        Place.RANG_BACK: call.has_ring_backs,
        Place.TAKEN_AWAY: call.was_taken_away,
        Place.CHANGED: call.has_changes,
        Place.TRANSACTION: call.has_transactions,
    }
    places -= {place for place, has_any in happened.items() if not has_any}
    scope = Scope(
        person=call.person_id,
        places=places,
        calls=[call],
        pledges=[call.pledge] if call.pledge is not None else [],
        attempts=attempts,
        deliveries={one.pk: one for one in (*(one.delivery for one in attempts), *done)},
        new_calls=NewCall.objects.filter(pk=call.pk),
        has_offers=call.has_payments,
    )
    rows = read_rows(scope)
    asked = [row.delivery for row in rows if row.place == Place.NEW_CALL and row.delivery]
    if asked:
        scope = replace(scope, deliveries={**scope.deliveries, **Delivery.objects.in_bulk(asked)})
    telling = _telling(rows, scope, at=at)
    lines = [telling.entry(row) for row in rows]
    if is_hidden:
        lines = [replace(line, note="") for line in lines]
    # What has a chip stays whatever its age: the poll brings each of them anew.
    others = [line for line in lines if line.chip is None]
    room = max(STORY_LINES - len(lines) + len(others), 0)
    left_out = {id(line) for line in others[room:]}
    return [line for line in lines if id(line) not in left_out]
