"""Both ends of a payment: what people here ask for, and what the donor does with what comes.

Time is the stage's. Events come in by their URL, as Alphacomm would send them.
"""

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Self

from django.test import Client
from pytest_django import Settings

from accounts.models import User
from integrations import clients, inbox, rounds
from integrations.models import Delivery, WebhookEvent
from integrations.rounds import Round, Turn
from integrations.sandbox import names
from integrations.sandbox.alphacomm import donor
from pledges import actions, payments
from pledges.models import (
    AlphacommLink,
    Mandate,
    MessageScript,
    PayLink,
    Person,
    TextMessage,
)
from pledges.payments import LinkState
from tests.stage import FAR, Stage

CREDENTIALS: Final = "alphacomm:een-lang-wachtwoord"
EURO: Final = Decimal(10)


class Till:
    def __init__(self, stage: Stage, person: Person, user: User) -> None:
        self.stage = stage
        self.person = person
        self.user = user
        self._delivered = 0

    @classmethod
    @contextmanager
    def opened(cls, stage: Stage, settings: Settings, person: Person, user: User) -> Iterator[Self]:
        settings.ALPHACOMM_URL = "http://sandbox"
        settings.ALPHACOMM_TOKEN = names.TOKEN
        settings.ALPHACOMM_WEBHOOK_CREDENTIALS = [CREDENTIALS]
        clients.mount(stage.adapter, clock=stage.clock)
        yield cls(stage, person, user)

    # --- our side ---

    def link(self, amount: Decimal = EURO, **fields: Any) -> PayLink:
        return actions.create_pay_link(
            **{
                "user": self.user,
                "person": self.person,
                "pledge": None,
                "call_uuid": None,
                "amount": amount,
                "description": "Uw donatie",
                "token": uuid.uuid4(),
                "at": self.stage.now,
                **fields,
            }
        )

    def ready_link(self, amount: Decimal = EURO) -> PayLink:
        """One that Alphacomm has made."""
        made = self.link(amount)
        self.stage.sweep()
        return made

    def send(self, script: MessageScript, to: str = "06-12345678", **fields: Any) -> TextMessage:
        return actions.send_message(
            **{
                "user": self.user,
                "person": self.person,
                "pledge": None,
                "call_uuid": None,
                "script": script,
                "to": to,
                "token": uuid.uuid4(),
                "at": self.stage.now,
                **fields,
            }
        )

    def mandate(self, **fields: Any) -> Mandate:
        return actions.create_mandate(
            **{
                "user": self.user,
                "person": self.person,
                "pledge": None,
                "call_uuid": None,
                "token": uuid.uuid4(),
                "at": self.stage.now,
                **fields,
            }
        )

    def state(self, pay_link: PayLink) -> LinkState:
        found = payments.with_links(PayLink.objects.filter(pk=pay_link.pk)).get()
        return payments.standing(found, at=self.stage.now).state

    def follow(self, round_: Round) -> Turn:
        """One round, a minute after the last: none is due more seldom, so it has its turn."""
        self.stage.pass_time(60)
        (turn,) = rounds.go(round_, clock=self.stage.clock)
        return turn

    # --- the other side ---

    def links_there(self) -> list[dict[str, Any]]:
        """All PayLinks that Alphacomm has, oldest first."""
        self.stage.world.settle()
        return list(self.stage.world.alphacomm.records["links"].values())

    def messages_there(self) -> list[dict[str, Any]]:
        """What is on donors' phones."""
        self.stage.world.settle()
        return list(self.stage.world.alphacomm.records["messages"].values())

    def open(self, link_id: str) -> None:
        self.stage.pass_time(1)
        donor.visit(self.stage.world, self._there(link_id), self.stage.world.now())

    def pay(self, link_id: str, status: str = "paid", amount: int | None = None) -> None:
        """What becomes of the donor's transaction, a second later; `amount` in cents."""
        self.stage.pass_time(1)
        donor.move(
            self.stage.world,
            self._there(link_id),
            self.stage.world.now(),
            status=status,
            amount=amount,
        )

    def _there(self, link_id: str) -> dict[str, Any]:
        self.stage.world.settle()
        found: dict[str, Any] = self.stage.world.alphacomm.records["links"][link_id]
        return found

    # --- events ---

    def tell(self, body: dict[str, Any]) -> WebhookEvent:
        """One event comes in, now."""
        encoded = base64.b64encode(CREDENTIALS.encode()).decode()
        answer = Client().post(
            "/webhooks/alphacomm/",
            data=json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Basic {encoded}"},
        )
        assert answer.status_code == 200, answer.content
        # Of a voice call several events have one id: it is the call's.
        event = WebhookEvent.objects.filter(event_id=body["id"]).latest("pk")
        WebhookEvent.objects.filter(pk=event.pk, state="new").update(
            received_at=self.stage.now, not_before=self.stage.now
        )
        event.refresh_from_db()
        return event

    def post(self) -> None:
        """Everything that Alphacomm told since, and all of it is worked off."""
        fired = list(self.stage.world.alphacomm.events)
        for event in fired[self._delivered :]:
            self.tell(event["body"])
        self._delivered = len(fired)
        self.work()

    def lose_the_post(self) -> None:
        self._delivered = len(self.stage.world.alphacomm.events)

    def work(self) -> int:
        return inbox.work(clock=self.stage.clock, until=self.stage.now + FAR)


def paid_event(link_id: str, *, cents: int = 1000) -> dict[str, Any]:
    """What a transaction looks like, whether there was one or not."""
    return {
        "datetime": "2026-11-03T10:00:00.11Z",
        "id": str(uuid.uuid4()),
        "reference": "",
        "serviceId": link_id,
        "service": "paylink",
        "event": "PayLinkPaid",
        "data": {"payment-method": "ideal", "transaction-amount": cents},
    }


def outcome_of(delivery: Delivery | None) -> str:
    assert delivery is not None
    delivery.refresh_from_db()
    return delivery.outcome or delivery.state


def links_of(pay_link: PayLink) -> list[AlphacommLink]:
    return list(pay_link.links.order_by("created_on", "id"))


MINUTE: Final = timedelta(minutes=1)
