"""A service account that is refused, or one operation of it: everybody is told, nothing is lost,
and there is a way back, by itself and by hand."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry, User
from integrations import actions, breakers
from integrations.bar import read_bar
from integrations.models import Breaker, Delivery
from integrations.streams import Outcome as Walked
from pledges.freshness import PLEDGES, RELEASED
from tests.factories import BreakerFactory, StreamFactory, now
from tests.integrations.feeds import Feeds
from tests.stage import Stage

pytestmark = pytest.mark.django_db

State, Outcome = Delivery.State, Delivery.Outcome
ACCOUNT = "tapraise:default"
ATTEMPTS = "tapraise:default:tapraise.add_attempt"
ALL_WAIT = "TapRaise does not take our messages at the moment"
SOME_WAIT = "TapRaise does not take some of our messages at the moment"
NOT_ALL_NEWS = "TapRaise does not tell us all that is new at the moment"
BUTTON = "Try again now"


@pytest.fixture(autouse=True)
def _told_not_forced(settings: Any) -> None:
    # Without a second factor, as in development.
    settings.DEBUG = True


def page_for(user: User, address: str = "/") -> str:
    client = Client()
    client.force_login(user)
    return " ".join(client.get(address).content.decode().split())


def states() -> set[str]:
    return set(Delivery.objects.values_list("state", flat=True))


def outcomes() -> list[str]:
    return sorted(Delivery.objects.values_list("outcome", flat=True))


# ── Told ──────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_told_anything_while_all_is_well(alice: User, carol: User) -> None:
    BreakerFactory(key=ACCOUNT, opened_at=None, try_after=None, failures=0)
    for user in (alice, carol):
        assert "at the moment" not in page_for(user)


def test_agents_are_told_that_they_can_go_on(alice: User, stage: Stage) -> None:
    call = stage.open_call()
    BreakerFactory(key=ACCOUNT)
    since = timezone.localtime(Breaker.objects.get().opened_at).strftime("%H:%M")
    for address in ("/", f"/calls/{call.pk}/"):
        page = page_for(alice, address)
        assert f"{ALL_WAIT} (since {since})" in page
        assert "everything is kept and leaves by itself" in page
        assert BUTTON not in page
        assert "service account" not in page


def test_of_an_older_one_the_day_is_told(alice: User) -> None:
    opened = now() - timedelta(days=2)
    BreakerFactory(key=ACCOUNT, opened_at=opened)
    assert f"since {timezone.localtime(opened):%d-%m-%Y}" in page_for(alice)


def test_supervisors_are_told_what_is_refused_too(carol: User) -> None:
    BreakerFactory(key=ACCOUNT)
    page = page_for(carol)
    assert ALL_WAIT in page
    assert "The token of service account default is refused." in page
    assert BUTTON in page


def test_one_operation_that_is_not_allowed_is_named(alice: User, carol: User) -> None:
    BreakerFactory(key=ATTEMPTS, reason="forbidden")
    assert SOME_WAIT in page_for(alice)
    told = "Service account default is not allowed to do tapraise.add_attempt."
    assert told in page_for(carol)


def test_who_has_left_the_settings_keeps_nobody_waiting(alice: User) -> None:
    BreakerFactory(key="tapraise:gone")
    assert "at the moment" not in page_for(alice)


@pytest.mark.parametrize("has_streams", [True, False])
def test_it_costs_no_page_a_query_while_all_is_well(carol: User, has_streams: bool) -> None:
    if has_streams:
        StreamFactory(feed="calls", last_finished_at=now())
        with CaptureQueriesContext(connection) as asked:
            read_bar(carol, at=timezone.now())
        assert len(asked) == 1
    BreakerFactory(key=ACCOUNT)
    BreakerFactory(key=ATTEMPTS)
    with CaptureQueriesContext(connection) as asked:
        bar = read_bar(carol, at=timezone.now())
    # Before the first walk there is no row to ask along with.
    assert len(asked) == (2 if has_streams else 3)
    assert len(bar.open_breakers) == 2


def test_health_tells_supervisors_and_no_stranger(alice: User, carol: User) -> None:
    BreakerFactory(key=ACCOUNT)
    told = json.loads(page_for(carol, "/health/"))
    assert [one["key"] for one in told["breakers"]] == [ACCOUNT]
    assert set(json.loads(page_for(alice, "/health/"))) == {"status"}
    assert set(Client().get("/health/").json()) == {"status"}


# ── Opened, and closed by itself ──────────────────────────────────────────────────────────────────


def test_three_in_a_row_that_are_not_allowed_make_the_rest_wait(stage: Stage, alice: User) -> None:
    dials = [stage.attempt(stage.open_call(), alice) for _ in range(6)]
    ends = stage.complete(stage.open_call(), alice)
    stage.fault("status", "add-attempt", status=403, for_seconds=25)

    stage.sweep()

    assert Breaker.objects.get(opened_at__isnull=False).key == ATTEMPTS
    assert [one["status"] for one in stage.writes()].count(403) == 3
    # What else that account does goes on.
    ends.refresh_from_db()
    assert ends.outcome == Outcome.DONE

    stage.sweep_for(60)

    assert not Breaker.objects.filter(opened_at__isnull=False).exists()
    asked = [one["status"] for one in stage.writes() if one["operation"] == "add-attempt"]
    assert asked == [403] * 3 + [200] * 3
    ended = list(Delivery.objects.filter(pk__in=[one.pk for one in dials]))
    assert [one.state for one in ended].count(State.NEEDS_DECISION) == 3
    assert [one.outcome for one in ended].count(Outcome.DONE) == 3
    assert len(stage.effects("add-attempt")) == 3


def test_another_answer_in_between_begins_the_count_anew(stage: Stage, alice: User) -> None:
    for status in (403, 403, 400, 403, 403):
        stage.app.faults.clear()
        stage.attempt(stage.open_call(), alice)
        stage.fault("status", "add-attempt", status=status, times=1)
        stage.sweep()
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_after_a_while_one_message_tries_and_no_more(stage: Stage, alice: User) -> None:
    for _ in range(4):
        stage.attempt(stage.open_call(), alice)
    stage.fault("status", status=401, for_seconds=120)
    stage.sweep()
    breaker = Breaker.objects.get()
    assert breaker.try_after == stage.now + breakers.FIRST_PAUSE
    asked = len(stage.writes())

    stage.pass_time(29)
    stage.sweep()
    assert len(stage.writes()) == asked

    stage.pass_time(1)
    stage.sweep()
    # One message, with the token as it was and as it was read again.
    assert len(stage.writes()) == asked + 2
    assert states() == {State.READY}

    stage.sweep_for(300)
    assert outcomes() == [Outcome.DONE] * 4
    assert len(stage.effects()) == 4


def test_a_feed_that_is_not_allowed_keeps_no_other_waiting(alice: User, carol: User) -> None:
    feeds = Feeds()
    feeds.fault(kind="status", status=403, operation="pledges")

    for _ in range(3):
        assert feeds.walk(PLEDGES).outcome is Walked.FAILED
        assert feeds.walk().outcome is Walked.FINISHED
        feeds.advance(minutes=1)

    assert feeds.stream().failures == 0
    assert Breaker.objects.get(opened_at__isnull=False).key == f"{ACCOUNT}:tapraise.list_pledges"
    asked = len(feeds.asked())
    assert feeds.walk(RELEASED).outcome is Walked.FAILED
    assert feeds.walk(PLEDGES).outcome is Walked.WAITING
    assert len(feeds.asked()) == asked + 1
    assert NOT_ALL_NEWS in page_for(alice)
    assert "is not allowed to do tapraise.list_pledges" in page_for(carol)

    feeds.app.faults.clear()
    feeds.advance(minutes=5)
    assert feeds.walk(PLEDGES).outcome is Walked.FINISHED
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_whatever_answer_shows_that_the_token_is_taken(status: int) -> None:
    feeds = Feeds()
    BreakerFactory(key=ACCOUNT, try_after=feeds.now() - timedelta(seconds=1))
    feeds.fault(kind="status", status=status, operation="calls")
    assert feeds.walk().outcome is Walked.FAILED
    assert Breaker.objects.get(key=ACCOUNT).opened_at is None


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset_before"}])
def test_what_is_no_answer_says_nothing_of_the_token(fault: dict[str, Any]) -> None:
    feeds = Feeds()
    BreakerFactory(key=ACCOUNT, try_after=feeds.now() - timedelta(seconds=1))
    feeds.fault(operation="calls", **fault)
    assert feeds.walk().outcome is Walked.FAILED
    assert Breaker.objects.get(key=ACCOUNT).opened_at is not None


def test_a_scope_without_pledges_still_reads_calls_back(stage: Stage, alice: User) -> None:
    message = stage.attempt(stage.open_call(), alice)
    stage.fault("reset_after", "add-attempt", times=1)
    stage.fault("status", "pledge", status=403)
    stage.sweep_until_settled()
    message.refresh_from_db()
    assert message.outcome == Outcome.DONE
    assert len(stage.effects()) == 1


def test_a_shut_operation_does_not_use_up_the_trial_of_its_account() -> None:
    at = now()
    due = at - timedelta(seconds=1)
    BreakerFactory(key=ACCOUNT, try_after=due)
    BreakerFactory(key=ATTEMPTS, try_after=at + timedelta(seconds=60))
    assert not breakers.lets_through([ACCOUNT, ATTEMPTS], at=at)
    assert Breaker.objects.get(key=ACCOUNT).try_after == due
    assert breakers.lets_through([ACCOUNT], at=at)


# ── A way back by hand ────────────────────────────────────────────────────────────────────────────


def is_due() -> bool:
    return Breaker.objects.filter(try_after__lte=timezone.now()).exists()


def press(user: User, key: str = ACCOUNT, **fields: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.post(f"/breakers/{key}/trial/", fields)


def test_a_supervisor_has_the_next_one_tried_now(stage: Stage, carol: User, alice: User) -> None:
    for _ in range(3):
        stage.attempt(stage.open_call(), alice)
    stage.fault("status", status=401, times=2)
    stage.sweep()
    stage.pass_time(5)
    stage.sweep()
    assert states() == {State.READY}

    actions.try_again_now(key=ACCOUNT, user=carol, at=stage.now)
    stage.sweep()
    stage.sweep()

    assert outcomes() == [Outcome.DONE] * 3
    assert len(stage.effects()) == 3
    entry = AuditEntry.objects.get(action="breaker.tried_again")
    assert (entry.user, entry.subject) == (carol, f"breaker:{ACCOUNT}")
    assert entry.facts["reason"] == "unauthorized"


def test_the_button_does_it_and_leads_back(carol: User) -> None:
    BreakerFactory(key=ATTEMPTS, try_after=now() + timedelta(minutes=5))
    answer = press(carol, ATTEMPTS, next="/calls/")
    assert (answer.status_code, answer["Location"]) == (302, "/calls/")
    assert is_due()


@pytest.mark.parametrize("address", ["https://example.org/", "//example.org", "", "javascript:x"])
def test_it_leads_nowhere_else(carol: User, address: str) -> None:
    BreakerFactory(key=ACCOUNT)
    assert press(carol, next=address)["Location"] == "/"


def test_an_agent_has_no_such_button(alice: User) -> None:
    breaker = BreakerFactory(key=ACCOUNT)
    assert press(alice).status_code == 404
    assert Breaker.objects.get().try_after == breaker.try_after
    assert not AuditEntry.objects.filter(action="breaker.tried_again").exists()


def test_of_one_that_is_closed_by_now_nothing_is_tried(carol: User) -> None:
    BreakerFactory(key=ACCOUNT, opened_at=None, try_after=None)
    for key in (ACCOUNT, "tapraise:nobody"):
        assert press(carol, key).status_code == 302
    assert not AuditEntry.objects.filter(action="breaker.tried_again").exists()


def test_it_is_not_asked_but_done(carol: User) -> None:
    client = Client()
    client.force_login(carol)
    assert client.get(f"/breakers/{ACCOUNT}/trial/").status_code == 405


def test_the_admin_offers_it_as_well(carol: User) -> None:
    carol.is_staff = True
    carol.save()
    BreakerFactory(key=ACCOUNT, try_after=now() + timedelta(minutes=5))
    client = Client()
    client.force_login(carol)
    form = {"action": "try_again_now", "_selected_action": ACCOUNT}
    address = "/admin/integrations/breaker/"
    asked = client.post(address, form).content.decode()
    assert "all that waits leaves" in asked
    token = asked.split('name="token" value="')[1][:36]
    client.post(address, {**form, "confirmed": "yes", "token": token})
    assert is_due()
    assert AuditEntry.objects.filter(action="breaker.tried_again", user=carol).exists()
