"""Calls to tell stories about: open ones of Helder Water, which Alice and Bob may make now."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from calls.models import Call
from integrations.sandbox import names
from pledges.models import CallingRules, Organization, PaymentRules
from tests.calls.offering import CREDENTIALS, Counter
from tests.conftest import Sandbox
from tests.factories import (
    CallFactory,
    CallingRulesFactory,
    CheckRulesFactory,
    HoldFactory,
    PaymentRulesFactory,
    PersonFactory,
)


class Desk:
    """One person at the desk, with a browser that may run no scripts."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)
        self.token = ""

    def look(self, call: Call) -> str:
        """Open the page of a call; what it says, with the token of its form at hand."""
        answer = self.client.get(f"/calls/{call.pk}/")
        assert answer.status_code == 200, answer.status_code
        return self._read(answer)

    def press(self, call: Call, place: str, *, htmx: bool = False, **fields: Any) -> HttpResponse:
        """Send the form of a call to one of its addresses, under the token that was shown."""
        headers = {"HX-Request": "true"} if htmx else {}
        answer = self.client.post(
            f"/calls/{call.pk}/{place}/",
            {"token": self.token, **fields},
            headers=headers,
        )
        if answer.status_code in (200, 409, 422):
            self._read(answer)
        return answer

    def take_next(self) -> HttpResponse:
        return self.client.post("/calls/next/")

    def dial(self, call: Call) -> None:
        """Take up the call and press Call."""
        assert self.press(call, "hold").status_code == 302
        self.look(call)
        assert self.press(call, "dial").status_code == 302
        self.look(call)

    def wrap_up(self, call: Call) -> None:
        """The donor picks up what was dialled, and the conversation is done."""
        for place in ("answer", "wrap-up"):
            assert self.press(call, place).status_code in (200, 302)
            self.look(call)

    def _read(self, answer: HttpResponse) -> str:
        page = answer.content.decode()
        found = re.search(r'name="token" value="([0-9a-f-]+)"', page)
        if found:
            self.token = found[1]
        return page


@pytest.fixture
def rules(helder_water: Organization) -> CallingRules:
    """Open all day, every day; three attempts, four hours apart; nothing has to be checked."""
    CheckRulesFactory(organization=helder_water)
    made: CallingRules = CallingRulesFactory(organization=helder_water)
    return made


@pytest.fixture
def new_call(
    belcentrum: Organization, helder_water: Organization, rules: CallingRules
) -> Callable[..., Call]:
    """Makes one more open call to another donor of Helder Water."""

    def make(**columns: Any) -> Call:
        if "person" not in columns:
            columns["person"] = PersonFactory(owning_organization=helder_water)
        call: Call = CallFactory(calling_organization=belcentrum, **columns)
        return call

    return make


@pytest.fixture
def call(new_call: Callable[..., Call]) -> Call:
    return new_call()


@pytest.fixture
def at_desk() -> Callable[[User], Desk]:
    return Desk


@pytest.fixture
def at_counter(sandbox: Sandbox, settings: Settings, call: Call) -> Callable[..., Counter]:
    """Somebody at the payment panel of the call, with Alphacomm played by the sandbox."""
    settings.ALPHACOMM_URL = sandbox.base_url
    settings.ALPHACOMM_TOKEN = names.TOKEN
    settings.ALPHACOMM_WEBHOOK_CREDENTIALS = [CREDENTIALS]
    settings.UNDO_SECONDS = 0

    def come(user: User, *, has_call: bool = True) -> Counter:
        if has_call:
            HoldFactory(call=call, user=user)
        return Counter(user, call, sandbox)

    return come


@pytest.fixture
def terms(helder_water: Organization) -> PaymentRules:
    """On what terms Helder Water's donors are offered anything: € 1 to € 250."""
    made: PaymentRules = PaymentRulesFactory(organization=helder_water)
    return made
