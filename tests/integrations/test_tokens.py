"""A token that runs out or is replaced: told in time, and taken up without a restart."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from integrations import clients, delivery, tokens
from integrations.models import Breaker, Delivery
from integrations.sandbox import names
from tests.conftest import Sandbox
from tests.factories import now
from tests.stage import Stage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _told_not_forced(settings: Any) -> None:
    # Without a second factor, as in development.
    settings.DEBUG = True


def page_for(user: User, address: str = "/") -> str:
    client = Client()
    client.force_login(user)
    return " ".join(client.get(address).content.decode().split())


@pytest.fixture
def replace_token(settings: Any, tmp_path: Path) -> Callable[[str], None]:
    """Put another token in the file of the only service account."""
    file = tmp_path / "token"
    settings.TAPRAISE_ACCOUNTS = {"default": str(file)}

    def replace(text: str) -> None:
        file.write_text(text)

    return replace


def a_token(claims: object) -> str:
    """A JWT that nobody signed."""

    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


def until(moment: datetime) -> str:
    return a_token({"exp": int(moment.timestamp()), "sub": "belbord"})


def test_a_token_that_is_replaced_needs_no_restart(
    sandbox: Sandbox, alice: User, carol: User, replace_token: Callable[[str], None]
) -> None:
    replace_token("an-old-one")
    ours = Stage(seed=1, calls=1)
    ours.now = now()
    for _ in range(3):
        ours.attempt(sandbox.open_call(), alice)
    until_then = timezone.now() + timedelta(minutes=1)

    delivery.sweep(clock=timezone.now, until=until_then)

    assert {one.state for one in Delivery.objects.all()} == {Delivery.State.READY}
    assert [one["status"] for one in sandbox.requests("PUT")] == [401, 401]
    assert "The token of service account default is refused." in page_for(carol)

    replace_token(names.TOKEN)
    supervisor = Client()
    supervisor.force_login(carol)
    supervisor.post("/breakers/tapraise:default/trial/")
    delivery.sweep(clock=timezone.now, until=until_then)
    delivery.sweep(clock=timezone.now, until=until_then)

    assert [one["status"] for one in sandbox.requests("PUT")] == [401] * 2 + [200] * 3
    assert [one.outcome for one in Delivery.objects.all()] == [Delivery.Outcome.DONE] * 3
    assert len(sandbox.effects("add-attempt")) == 3
    assert Breaker.objects.get().opened_at is None
    assert "at the moment" not in page_for(carol)


def test_that_a_token_runs_out_is_told_a_week_before(
    alice: User, carol: User, replace_token: Callable[[str], None]
) -> None:
    ends_at = now() + timedelta(days=6)
    replace_token(until(ends_at))
    moment = f"{timezone.localtime(ends_at):%d-%m-%Y %H:%M}"

    page = page_for(carol)

    assert "The token of service account default runs out on" in page
    assert "service account" not in page_for(alice)
    assert f"that of service account default runs out {moment}" in status()
    told = json.loads(page_for(carol, "/health/"))
    assert [one["account"] for one in told["tokens"]] == ["default"]
    assert set(Client().get("/health/").json()) == {"status"}
    (as_json,) = json.loads(status("--json"))["tokens"]
    assert as_json["account"] == "default"
    assert until(ends_at) not in page + status() + status("--json")


def test_not_earlier(carol: User, replace_token: Callable[[str], None]) -> None:
    replace_token(until(now() + timedelta(days=7, minutes=1)))
    assert "The token of" not in page_for(carol)
    assert "runs out" not in status()


def test_and_afterwards_still(carol: User, replace_token: Callable[[str], None]) -> None:
    replace_token(until(now() - timedelta(minutes=1)))
    assert "The token of service account default ran out on" in page_for(carol)
    assert "ran out" in status()


def test_a_new_token_is_seen_in_minutes_and_no_page_reads_the_file(
    replace_token: Callable[[str], None],
) -> None:
    at = now()
    first, second = at + timedelta(days=1), at + timedelta(days=90)

    def told(later: timedelta) -> list[datetime]:
        return [one.ends_at for one in clients.token_ends(at=at + later)]

    replace_token(until(first))
    assert told(timedelta()) == [first]
    replace_token(until(second))
    assert told(timedelta(minutes=4)) == [first]
    assert told(timedelta(minutes=5)) == [second]


@pytest.mark.parametrize(
    "token",
    [
        "sandbox",
        "",
        "a.b.c",
        "a.b",
        "a.!!!.c",
        "é.é.é",
        a_token({}),
        a_token([]),
        a_token(None),
        a_token({"exp": "tomorrow"}),
        a_token({"exp": None}),
        a_token({"exp": True}),
        a_token({"exp": -1}),
        a_token({"exp": 1e30}),
        a_token({"exp": float("nan")}),
        a_token({"exp": float("inf")}),
    ],
)
def test_of_what_says_nothing_nothing_is_told(
    carol: User, replace_token: Callable[[str], None], token: str
) -> None:
    assert tokens.expires_at(token) is None
    replace_token(token)
    assert "The token of" not in page_for(carol)


@pytest.mark.parametrize("seconds", [1_800_000_000, 1_800_000_000.0, 1_800_000_000.5])
def test_a_token_says_when_it_ends(seconds: float) -> None:
    found = tokens.expires_at(a_token({"exp": seconds}))
    assert found == datetime.fromtimestamp(seconds, UTC)


def test_no_token_file_is_no_error(carol: User, settings: Any, tmp_path: Path) -> None:
    settings.TAPRAISE_ACCOUNTS = {"default": str(tmp_path / "nowhere")}
    assert "The token of" not in page_for(carol)


def status(*options: str) -> str:
    out = StringIO()
    call_command("status", *options, stdout=out, no_color=True)
    return out.getvalue()
