"""What a person does with a message that the rules alone cannot settle, with a breaker, and with
an event that came in.

Each is one transaction, made on the version that was shown: DecisionStale says that the message has
changed since, so that nobody decides on what is no longer so. Each leaves its line in the trail.
"""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from integrations import breakers
from integrations.lines import LostRace, close, move, touch
from integrations.models import Breaker, Delivery, WebhookEvent
from integrations.nudge import nudge_after_commit, nudge_inbox_after_commit


class DecisionStale(Exception):
    """The message is no longer as it was shown: look again, then decide."""


class BreakerClosed(Exception):
    """It is not open (any more): nothing waits behind it."""


class AlreadySentAgain(Exception):
    """A person had it sent once more before; a second time would be guessing."""


class EventAtWork(Exception):
    """A worker has this event in hand right now, or somebody was first."""


class EventNotKnown(Exception):
    """Nothing here knows what an event of this kind means."""


class DropReason(models.TextChoices):
    """Why a message is given up. Codes, because a typed reason may speak of a donor."""

    DONE_OTHERWISE = "done_otherwise", _("done in another way")
    NOT_WANTED = "not_wanted", _("no longer wanted")
    MISTAKE = "mistake", _("made by mistake")
    CANNOT_BE_DONE = "cannot_be_done", _("cannot be done there")


class SeenReason(models.TextChoices):
    """What a supervisor did about a message that was refused."""

    SOLVED = "solved", _("solved in another way")
    NOT_NEEDED = "not_needed", _("not needed any more")
    PASSED_ON = "passed_on", _("passed on to somebody")


def decide_it_happened(
    *, delivery_id: uuid.UUID, version: int, user: User, at: datetime
) -> Delivery:
    """A person vouches that it happened. Raises DecisionStale."""
    with transaction.atomic():
        delivery = _undecided(delivery_id, version)
        was = delivery.reason
        _closed(delivery, Delivery.Outcome.DECIDED, at=at, reason="it_happened")
        _record("delivery.decided", delivery, user=user, at=at, was=was)
        return delivery


def send_once_more(*, delivery_id: uuid.UUID, version: int, user: User, at: datetime) -> Delivery:
    """A person takes the risk of a second one. Raises AlreadySentAgain, DecisionStale."""
    with transaction.atomic():
        delivery = _undecided(delivery_id, version)
        if delivery.sent_again_at is not None:
            raise AlreadySentAgain
        was = delivery.reason
        try:
            move(
                delivery,
                Delivery.State.READY,
                reason="sent_again",
                sent_again_at=at,
                resends=delivery.resends + (1 if delivery.tries else 0),
                not_before=at,
                is_look_wanted=False,
            )
        except LostRace:
            raise DecisionStale from None
        _record("delivery.sent_again", delivery, user=user, at=at, was=was)
        nudge_after_commit(delivery.pk)
        return delivery


def drop(
    *, delivery_id: uuid.UUID, version: int, reason: DropReason, user: User, at: datetime
) -> Delivery:
    """It is not to happen any more; what waits behind it goes to a person. Raises DecisionStale."""
    with transaction.atomic():
        delivery = _undecided(delivery_id, version)
        was = delivery.reason
        _closed(delivery, Delivery.Outcome.DROPPED, at=at, reason=DropReason(reason).value)
        _record("delivery.dropped", delivery, user=user, at=at, was=was, reason=delivery.reason)
        return delivery


def read_again_now(*, delivery_id: uuid.UUID, version: int, user: User, at: datetime) -> Delivery:
    """Have a worker look at the other side now. Raises DecisionStale.

    Nothing outside is asked here: the reading appears on the message when a worker has made it.
    """
    with transaction.atomic():
        delivery = _shown(
            delivery_id, version, Delivery.State.UNKNOWN, Delivery.State.NEEDS_DECISION
        )
        try:
            if delivery.state == Delivery.State.UNKNOWN:
                touch(delivery, not_before=at)
            else:
                touch(delivery, is_look_wanted=True)
        except LostRace:
            raise DecisionStale from None
        _record("delivery.read_again", delivery, user=user, at=at)
        nudge_after_commit(delivery.pk)
        return delivery


def acknowledge(
    *, delivery_id: uuid.UUID, version: int, reason: str = "", user: User, at: datetime
) -> Delivery:
    """A supervisor has seen that it was refused: it asks for nobody's attention any more. The
    reason, one of SeenReason, may be left out. Raises DecisionStale."""
    with transaction.atomic():
        delivery = _shown(delivery_id, version, Delivery.State.CLOSED)
        if delivery.outcome != Delivery.Outcome.REJECTED or delivery.seen_at is not None:
            raise DecisionStale
        try:
            touch(delivery, seen_at=at, seen_by=user)
        except LostRace:
            raise DecisionStale from None
        why = SeenReason(reason).value if reason else ""
        _record("delivery.acknowledged", delivery, user=user, at=at, reason=why)
        return delivery


def try_again_now(*, key: str, user: User, at: datetime) -> None:
    """Have the next message behind an open breaker tried now, as it would be by itself a little
    later; its answer closes the breaker or keeps it open. Raises BreakerClosed."""
    with transaction.atomic():
        breaker = breakers.open_rows().select_for_update().filter(pk=key).first()
        if breaker is None:
            raise BreakerClosed
        Breaker.objects.filter(pk=key).update(try_after=at)
        audit.record(
            "breaker.tried_again",
            user=user,
            at=at,
            subject=f"breaker:{key}"[:100],
            key=key,
            reason=breaker.reason,
            failures=breaker.failures,
        )


def work_again(event: WebhookEvent, *, user: User, at: datetime) -> WebhookEvent:
    """Have an event worked off now, as if it had just come. Raises EventNotKnown, EventAtWork."""
    if event.event not in settings.EVENTS:
        raise EventNotKnown
    with transaction.atomic():
        as_shown = WebhookEvent.objects.filter(pk=event.pk, state=event.state)
        is_free = as_shown.filter(models.Q(lease=None) | models.Q(not_before__lte=at))
        was, reason = event.state, event.reason
        changes: dict[str, Any] = {
            "state": WebhookEvent.State.NEW,
            "tries": 0,
            "reason": "",
            "not_before": at,
            "lease": None,
            "worked_at": None,
        }
        if not is_free.update(**changes):
            raise EventAtWork
        for name, value in changes.items():
            setattr(event, name, value)
        audit.record(
            "event.worked_again",
            user=user,
            at=at,
            subject=f"event:{event.pk}",
            event=event.event_id,
            was=was,
            reason=reason,
        )
        nudge_inbox_after_commit()
        return event


def _undecided(delivery_id: uuid.UUID, version: int) -> Delivery:
    return _shown(delivery_id, version, Delivery.State.NEEDS_DECISION)


def _shown(delivery_id: uuid.UUID, version: int, *states: str) -> Delivery:
    """The message as it was shown. Raises DecisionStale when it is another by now, or gone."""
    delivery = Delivery.objects.filter(pk=delivery_id, version=version, state__in=states).first()
    if delivery is None:
        raise DecisionStale
    return delivery


def _closed(delivery: Delivery, outcome: "Delivery.Outcome", *, at: datetime, reason: str) -> None:
    try:
        close(delivery, outcome, at=at, reason=reason, is_look_wanted=False)
    except LostRace:
        raise DecisionStale from None


def _record(action: str, delivery: Delivery, *, user: User, at: datetime, **facts: Any) -> None:
    audit.record(
        action,
        user=user,
        at=at,
        subject=delivery.subject,
        delivery=str(delivery.pk),
        operation=delivery.operation,
        **facts,
    )
