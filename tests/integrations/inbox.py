"""What events mean in stories about the inbox, and how they are sent to it.

`LINKS` plays the rooms above: what the other side would answer is in its `truth`, and what it
saved stands in rows, so that a transaction that is rolled back takes it along.
"""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.test import Client
from pytest_django import Settings

from integrations import inbox
from integrations.alphacomm.client import Alphacomm
from integrations.models import Heartbeat, Quarantine, WebhookEvent

URL: Final = "/webhooks/alphacomm/"
CREDENTIALS: Final = ["alphacomm:een-lang-wachtwoord", "alphacomm:het-volgende-wachtwoord"]
BEGIN: Final = datetime(2026, 11, 3, 10, 0, 0, tzinfo=UTC)
FAR: Final = timedelta(days=1)
EVENTS: Final = {
    "PayLinkVisited": "tests.integrations.inbox.LINKS",
    "PayLinkPaid": "tests.integrations.inbox.LINKS",
    "VoiceCallCompleted": "tests.integrations.inbox.CALLS",
}


class Links:
    """A meaning that asks: of each link what is true now, if it is known here."""

    operation: str | None = "alphacomm.list_pay_links"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.truth: dict[str, str] = {}
        self.unknown_here: set[str] = set()
        self.reads: list[str] = []
        self.saves: list[str] = []
        # Each is raised, or called, by the next look, or before and after the next save.
        self.at_reading: list[Exception | Callable[[], object]] = []
        self.at_saving: list[Exception | Callable[[], object] | None] = []
        self.takes_seconds = 0.0

    def read(self, client: Alphacomm, event: WebhookEvent) -> str | None:
        assert isinstance(client, Alphacomm)
        self.reads.append(event.service_id)
        # What is so when the question arrives; the answer may take its time.
        record = self.truth.get(event.service_id)
        if self.at_reading:
            _do(self.at_reading.pop(0))
        time.sleep(self.takes_seconds)
        return record

    def save(
        self, record: str | None, event: WebhookEvent, *, fetched_at: datetime, at: datetime
    ) -> bool:
        self.saves.append(event.event_id)
        if event.service_id in self.unknown_here:
            return False
        # Any row with a text and a time will do.
        Quarantine.objects.update_or_create(
            key=event.service_id,
            defaults={"reason": record or "", "first_seen_at": fetched_at, "last_seen_at": at},
        )
        if self.at_saving:
            _do(self.at_saving.pop(0))
        return True

    def saved(self) -> dict[str, str]:
        """What stands here of each link."""
        return dict(Quarantine.objects.values_list("key", "reason"))


class Calls:
    """A meaning that asks nothing: the event says all there is."""

    operation: str | None = None

    def read(self, client: Alphacomm, event: WebhookEvent) -> None:
        return None

    def save(
        self, record: None, event: WebhookEvent, *, fetched_at: datetime, at: datetime
    ) -> bool:
        Heartbeat.objects.update_or_create(name=event.event_id, defaults={"seen_at": at})
        return True


LINKS: Final = Links()
CALLS: Final = Calls()


def _do(what: Exception | Callable[[], object] | None) -> None:
    if isinstance(what, Exception):
        raise what
    if what is not None:
        what()


class Inbox:
    """The inbox with a clock of its own: events go in by the URL, and time passes at will."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.now = BEGIN

    def clock(self) -> datetime:
        return self.now

    def pass_time(self, **parts: float) -> None:
        self.now += timedelta(**parts)

    def tell(self, name: str, link: str, **fields: Any) -> WebhookEvent:
        """An event comes in through the URL, now."""
        body = pay_link_event(name, link, **fields)
        assert send(self.client, body).status_code == 200
        event = WebhookEvent.objects.get(event_id=body["id"])
        if event.times == 1:
            WebhookEvent.objects.filter(pk=event.pk).update(
                received_at=self.now, not_before=self.now
            )
        event.refresh_from_db()
        return event

    def work(self) -> int:
        return inbox.work(clock=self.clock, until=self.now + FAR)

    def work_for(self, *, every: float = 5, **parts: float) -> None:
        """Let time pass while beat wakes the inbox every few seconds."""
        ends = self.now + timedelta(**parts)
        self.work()
        while self.now < ends:
            self.pass_time(seconds=every)
            self.work()


def pay_link_event(name: str, link: str, **fields: Any) -> dict[str, Any]:
    return {
        "datetime": "2026-11-03T09:59:58.11Z",
        "id": str(uuid.uuid4()),
        "reference": "",
        "serviceId": link,
        "service": "paylink",
        "event": name,
        "data": {"payment-method": "ideal", "transaction-amount": 1000},
        **fields,
    }


def call_event(**fields: Any) -> dict[str, Any]:
    return {
        "datetime": "2026-11-03T09:58:00+00:00",
        "id": "f3e445ce-75ee-4c94-9d6d-370949664fd7",
        "serviceId": "5b54cf1c-1c3a-4d5c-9d42-7a5ee9d1f9a2",
        "service": "voice",
        "reference": "20261103-1",
        "event": "VoiceCallCompleted",
        "data": {
            "direction": "outbound",
            "status": "finished",
            "localNumber": "31201234567",
            "remoteNumber": "31612345678",
            "events": [],
        },
        **fields,
    }


def authorization(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def send(
    client: Client,
    body: Any,
    *,
    pair: str | None = CREDENTIALS[0],
    content_type: str = "application/json",
    **extra: Any,
) -> Any:
    """Send a body as Alphacomm would; bytes go as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if pair is None else {"Authorization": authorization(pair)}
    # Said also of an empty body, of which the test client says nothing.
    extra["CONTENT_TYPE"] = content_type
    return client.post(URL, data=raw, content_type=content_type, headers=headers, **extra)


@contextmanager
def fresh_meanings() -> Iterator[Links]:
    LINKS.reset()
    try:
        yield LINKS
    finally:
        LINKS.reset()


@pytest.fixture
def box(client: Client, settings: Settings) -> Iterator[Inbox]:
    settings.ALPHACOMM_WEBHOOK_CREDENTIALS = CREDENTIALS
    settings.EVENTS = EVENTS
    with fresh_meanings():
        yield Inbox(client)


def fresh(event: WebhookEvent) -> WebhookEvent:
    return WebhookEvent.objects.get(pk=event.pk)
