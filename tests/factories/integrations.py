"""What leaves and what comes in."""

import uuid
from datetime import timedelta

import factory

from integrations.models import (
    Breaker,
    Delivery,
    Drift,
    Heartbeat,
    Quarantine,
    Stream,
    WebhookEvent,
)
from tests.factories.common import Factory, ago, now


class DeliveryFactory(Factory):
    """One message in a line of its own, ready to leave; traits put it where a story needs it."""

    class Meta:
        model = Delivery

    operation = "tapraise.add_attempt"
    account = "default"
    subject = factory.LazyFunction(lambda: f"call:{uuid.uuid4()}")
    seq = 1
    token = factory.LazyFunction(uuid.uuid4)
    payload = factory.LazyFunction(dict)
    fingerprint = factory.LazyFunction(lambda: str(uuid.uuid4()))
    not_before = factory.LazyFunction(now)
    created_at = factory.LazyFunction(now)

    class Params:
        is_sending = factory.Trait(
            state=Delivery.State.SENDING,
            tries=1,
            lease=factory.LazyFunction(uuid.uuid4),
            lease_until=factory.LazyFunction(lambda: now() + timedelta(seconds=90)),
            first_sent_at=factory.LazyFunction(now),
            last_sent_at=factory.LazyFunction(now),
        )
        is_unknown = factory.Trait(
            state=Delivery.State.UNKNOWN,
            tries=1,
            reason="unclear",
            not_before=factory.LazyFunction(lambda: now() + timedelta(seconds=150)),
            first_sent_at=ago(seconds=20),
            last_sent_at=ago(seconds=20),
        )
        is_undecided = factory.Trait(
            state=Delivery.State.NEEDS_DECISION,
            tries=1,
            reason="forbidden",
            first_sent_at=ago(minutes=2),
            last_sent_at=ago(minutes=2),
        )
        is_refused = factory.Trait(
            state=Delivery.State.CLOSED,
            outcome=Delivery.Outcome.REJECTED,
            reason="refused",
            refusal="Bad Request",
            tries=1,
            first_sent_at=ago(minutes=5),
            last_sent_at=ago(minutes=5),
            closed_at=ago(minutes=2),
        )
        is_done = factory.Trait(
            state=Delivery.State.CLOSED,
            outcome=Delivery.Outcome.DONE,
            tries=1,
            first_sent_at=ago(minutes=2),
            last_sent_at=ago(minutes=2),
            closed_at=ago(minutes=2),
        )


class StreamFactory(Factory):
    class Meta:
        model = Stream

    account = "default"
    feed = factory.Sequence(lambda n: f"feed{n}")


class QuarantineFactory(Factory):
    class Meta:
        model = Quarantine

    key = factory.Sequence(lambda n: f"calls:{n}")
    feed = "calls"
    record_uuid = factory.LazyFunction(uuid.uuid4)
    path = "$.status"
    reason = "Expected `str`, got `int`"
    raw = "{}"
    first_seen_at = factory.LazyFunction(now)
    last_seen_at = factory.LazyFunction(now)


class WebhookEventFactory(Factory):
    """An event that just came in; traits put it where a story needs it."""

    class Meta:
        model = WebhookEvent

    key = factory.LazyAttribute(lambda it: f"{it.service}:{it.event}:{it.event_id}")
    service = "paylink"
    event = "PayLinkPaid"
    event_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    service_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    occurred_at = ago(seconds=1)
    payload = factory.LazyFunction(dict)
    received_at = factory.LazyFunction(now)
    not_before = factory.LazyFunction(now)

    class Params:
        is_worked = factory.Trait(
            state=WebhookEvent.State.WORKED, tries=1, worked_at=factory.LazyFunction(now)
        )
        is_given_up = factory.Trait(
            state=WebhookEvent.State.FAILED,
            tries=99,
            reason="not_known_here",
            received_at=ago(days=3),
        )


class DriftFactory(Factory):
    class Meta:
        model = Drift

    kind = Drift.Kind.VALUE
    record = "calls"
    path = "type"
    value = factory.Sequence(lambda n: f"kind_{n}")
    times = 1
    first_seen_at = factory.LazyFunction(now)
    last_seen_at = factory.LazyFunction(now)


class BreakerFactory(Factory):
    class Meta:
        model = Breaker

    key = factory.Sequence(lambda n: f"account{n}")
    failures = 1
    opened_at = factory.LazyFunction(now)
    try_after = factory.LazyFunction(lambda: now() + timedelta(seconds=30))
    reason = "unauthorized"


class HeartbeatFactory(Factory):
    class Meta:
        model = Heartbeat

    name = "worker"
    seen_at = factory.LazyFunction(now)
