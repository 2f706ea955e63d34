"""A donor who is offered something on the desk: both ends of it, with the sandbox between them.

Nothing happens by itself: `deliver` is what the workers do, `donor` what the donor does, and `post`
what Alphacomm tells us of it.
"""

import base64
import json
import re
from html import unescape
from io import StringIO
from typing import Any, Final

from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from calls.models import Call
from integrations import rounds
from integrations.rounds import Round
from integrations.sandbox.alphacomm import donor
from tests.calls.two_steps import signed_in
from tests.conftest import Sandbox

CREDENTIALS: Final = "alphacomm:een-lang-wachtwoord"
HTMX: Final = {"HX-Request": "true"}


class Counter:
    """One person at the payment panel of one call."""

    def __init__(self, user: User, call: Call, sandbox: Sandbox) -> None:
        self.call = call
        self.sandbox = sandbox
        self.client = signed_in(user)
        self.page = ""
        self._told = 0

    # --- the screen ---

    def look(self, *, htmx: bool = True) -> str:
        """Open the panel; what it says."""
        answer = self.client.get(self._address("payments"), headers=HTMX if htmx else {})
        assert answer.status_code == 200, answer.status_code
        self.page = answer.content.decode()
        return self.words

    def poll(self) -> str | None:
        """What the page asks by itself; None when nothing is new."""
        found = re.search(r'payments/\?(seen=[0-9a-f]*(?:&amp;offers)?)"', self.page)
        assert found, "The panel does not ask."
        address = f"{self._address('payments')}?{unescape(found[1])}"
        answer = self.client.get(address, headers=HTMX)
        if answer.status_code == 204:
            return None
        assert answer.status_code == 200, answer.status_code
        self.page = answer.content.decode()
        return self.words

    def press(self, place: str, *, htmx: bool = True, **fields: Any) -> HttpResponse:
        """Send the form of that place, with the token that was shown."""
        prefix = {"paylinks": "paylink", "messages": "message", "mandates": "mandate"}.get(place)
        if prefix is not None:
            fields = {f"{prefix}-{name}": value for name, value in fields.items()}
            fields.setdefault(f"{prefix}-token", self.token(prefix))
        answer = self.client.post(
            self._address(place), fields, headers=HTMX if htmx else {}, follow=False
        )
        if answer.status_code in (200, 409, 422):
            self.page = answer.content.decode()
        return answer

    def token(self, prefix: str) -> str:
        found = re.search(rf'name="{prefix}-token" value="([0-9a-f-]+)"', self.page)
        return found[1] if found else ""

    @property
    def words(self) -> str:
        """The page as somebody reads it: no tags, one space between words."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.page).split())

    @property
    def news(self) -> list[str]:
        """What the status region says of each, once it changes."""
        return re.findall(r'data-news="([^"]*)"', self.page)

    def _address(self, place: str) -> str:
        return f"/calls/{self.call.pk}/{place}/"

    # --- the workers, the donor, the post ---

    def deliver(self) -> None:
        call_command("drain", stdout=StringIO())

    def links(self) -> list[dict[str, Any]]:
        """The PayLinks that Alphacomm has, oldest first."""
        return list(self.sandbox.world.alphacomm.records["links"].values())

    def mandates(self) -> list[dict[str, Any]]:
        return list(self.sandbox.world.alphacomm.records["mandates"].values())

    def open(self, link: dict[str, Any]) -> None:
        world = self.sandbox.world
        with world.lock:
            donor.visit(world, world.alphacomm.records["links"][link["id"]], world.now())
        self.post()

    def pay(self, link: dict[str, Any], status: str = "paid", amount: int | None = None) -> None:
        """What becomes of the donor's transaction; `amount` in cents."""
        world = self.sandbox.world
        with world.lock:
            there = world.alphacomm.records["links"][link["id"]]
            donor.move(world, there, world.now(), status=status, amount=amount)
        self.post()

    def sign(self, mandate: dict[str, Any], status: str) -> None:
        world = self.sandbox.world
        with world.lock:
            there = world.alphacomm.records["mandates"][mandate["id"]]
            donor.sign(world, there, world.now(), status=status)

    def post(self) -> None:
        """Everything that Alphacomm told since, and all of it is worked off."""
        encoded = base64.b64encode(CREDENTIALS.encode()).decode()
        fired = list(self.sandbox.world.alphacomm.events)
        for event in fired[self._told :]:
            answer = Client().post(
                "/webhooks/alphacomm/",
                data=json.dumps(event["body"]),
                content_type="application/json",
                headers={"Authorization": f"Basic {encoded}"},
            )
            assert answer.status_code == 200, answer.content
        self._told = len(fired)
        self.deliver()

    def import_window(self) -> None:
        """What was handed over leaves now."""
        world = self.sandbox.world
        with world.lock:
            world.clock.advance(world.alphacomm.switches.import_every_seconds)
            world.settle()

    def follow(self, round_: Round) -> None:
        """What is asked every few seconds because no event tells it."""
        rounds.go(round_)
