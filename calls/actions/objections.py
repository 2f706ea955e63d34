"""Do not call again: recorded for good in one transaction, and lifted by a manager alone."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.models import FormToken, User
from calls.actions.callbacks import cancel_callbacks
from calls.actions.refusals import NotAllowed, NotOurs, ReasonMissing
from calls.models import Call
from pledges import objections
from pledges.actions import stop_voice, withdraw_messages
from pledges.models import Objection, Person


def add_objection(
    *,
    user: User,
    person: Person,
    call: Call | None = None,
    channel: str,
    reason: str,
    source: str = Objection.Source.PHONE,
    token: uuid.UUID,
    at: datetime,
) -> Objection:
    """This person is not to be called any more, or not to be reached at all.

    From the moment that this is committed nobody can be served, take up or dial a call of theirs,
    or of anybody with one of their numbers; open callbacks are cancelled, voice messages are taken
    away, and what waits to be handed over is taken back. Whoever is in conversation may still
    finish it. `call` is any call of theirs that the user sees in which it was told, also one that
    is over or in other hands. Raises NotOurs; AlreadySent or FormChanged.
    """
    about = person if call is None else call
    content = {"object": str(about.pk), "channel": channel, "reason": reason, "source": source}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        seen: QuerySet[Any] = type(about)._default_manager.visible_to(user)
        if not seen.filter(pk=about.pk).exists():
            raise NotOurs
        person, persons = _locked(person)
        objection = Objection.objects.create(
            person_uuid=person.pk,
            channel=channel,
            reason=reason,
            source=source,
            call_uuid=call.pk if call else None,
            at=at,
            user=user,
            token=token,
        )
        objections.keep(objection, person)
        withdrawn = withdraw_messages(user=user, at=at)
        stopped = 0
        if objection.bars_calls:
            objections.mark(persons)
            stopped = _stop(persons, user=user, at=at)
            objection.calls_stopped = stopped
            objection.save(update_fields=["calls_stopped"])
        audit.record(
            "objection.recorded",
            user=user,
            at=at,
            subject=call.subject if call else f"person:{person.pk}",
            person_uuid=person.pk,
            channel=channel,
            reason=reason,
            source=source,
            calls=stopped,
            messages=len(withdrawn),
        )
        return objection


def lift_objection(
    *, user: User, objection: Objection, reason: str, token: uuid.UUID, at: datetime
) -> Objection:
    """The donor wants to be reached again, or it was a mistake: only a manager says so.

    The row stays, with who lifted it and why. Raises NotAllowed, NotOurs, ReasonMissing;
    AlreadySent or FormChanged. One that was lifted before stays as it is.
    """
    if not user.is_manager:
        raise NotAllowed
    if not reason.strip():
        raise ReasonMissing
    content = {"lift": objection.pk, "reason": reason}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        if not Person.objects.visible_to(user).filter(pk=objection.person_uuid).exists():
            raise NotOurs
        objection = Objection.objects.select_for_update(of=("self",)).get(pk=objection.pk)
        if objection.lifted_at is None:
            objection.lifted_at, objection.lifted_by = at, user
            objection.lift_reason = reason.strip()
            objection.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
            audit.record(
                "objection.lifted",
                user=user,
                at=at,
                subject=f"person:{objection.person_uuid}",
                person_uuid=objection.person_uuid,
                channel=objection.channel,
            )
        return objection


def _locked(person: Person) -> tuple[Person, Sequence[Person]]:
    """The person and everybody with one of their numbers, locked in one order for everybody: who
    writes to one of them waits."""
    numbers = person.phone_keys
    same = Q(mobile_e164__in=numbers) | Q(phone_e164__in=numbers) | Q(pk=person.pk)
    persons = list(Person.objects.filter(same).select_for_update(of=("self",)).order_by("pk"))
    return next(one for one in persons if one.pk == person.pk), persons


def _stop(persons: Sequence[Person], *, user: User, at: datetime) -> int:
    """Nothing more rings at these persons; how many open calls that stops.

    The calls are locked, so that a claim or a dial comes wholly before this or is refused after it.
    """
    calls = Call.objects.open().filter(person__in=persons)
    stopped = list(calls.select_for_update(of=("self",)).order_by("pk"))
    cancel_callbacks(stopped, user=user, at=at)
    for person in persons:
        stop_voice(person, user=user, at=at)
    return len(stopped)
