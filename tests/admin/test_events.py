"""The inbox in the admin: found by what people have in hand, outlined, and worked off again."""

import uuid
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry
from integrations.models import WebhookEvent
from integrations.outline import outline
from tests.admin.rows import confirm, list_of, page_of
from tests.factories import WebhookEventFactory
from tests.integrations.inbox import EVENTS, call_event, pay_link_event

pytestmark = pytest.mark.django_db

State = WebhookEvent.State
LIST = list_of(WebhookEvent)


@pytest.fixture(autouse=True)
def _kinds(settings: Settings) -> None:
    settings.EVENTS = EVENTS


def shown(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def ask(client: Client, *events: WebhookEvent) -> Any:
    """Choose the action for these, and see the page that says what will happen."""
    chosen = {"action": "work_again", "_selected_action": [event.pk for event in events]}
    return client.post(LIST, chosen)


@pytest.mark.parametrize("column", ["reference", "service_id", "event_id"])
def test_an_event_is_found_by_what_people_have_in_hand(supervisor: Client, column: str) -> None:
    wanted = WebhookEventFactory(**{column: "20261103-6"})
    other = WebhookEventFactory(reference="20261103-60")
    page = shown(supervisor.get(LIST, {"q": "20261103-6"}))
    assert page_of(wanted) in page
    assert page_of(other) not in page


def test_events_are_picked_out_by_kind_and_state(supervisor: Client) -> None:
    failed = WebhookEventFactory(is_given_up=True, event="PayLinkVisited")
    worked = WebhookEventFactory(is_worked=True, event="PayLinkVisited")
    visited = shown(supervisor.get(LIST, {"event": "PayLinkVisited", "state": "failed"}))
    assert page_of(failed) in visited
    assert page_of(worked) not in visited


def test_its_page_shows_what_came_in_outline(supervisor: Client) -> None:
    event = WebhookEventFactory(payload=call_event())
    page = shown(supervisor.get(page_of(event)))
    for told in ("remoteNumber", "finished", "outbound", call_event()["id"], "2026-11-03T09:58:00"):
        assert told in page
    for hidden in ("31612345678", "31201234567"):
        assert hidden not in page


def test_a_supervisor_has_events_worked_off_again(supervisor: Client) -> None:
    events = [WebhookEventFactory(is_given_up=True), WebhookEventFactory(is_worked=True)]
    page = ask(supervisor, *events)
    assert page.status_code == 200
    assert {event.state for event in WebhookEvent.objects.all()} == {State.FAILED, State.WORKED}
    confirm(supervisor, WebhookEvent, page)
    assert {event.state for event in WebhookEvent.objects.all()} == {State.NEW}
    assert AuditEntry.objects.filter(action="event.worked_again").count() == 2


def test_what_cannot_be_worked_off_is_said(supervisor: Client) -> None:
    in_hand = WebhookEventFactory(lease=uuid.uuid4())
    WebhookEvent.objects.update(not_before="2126-01-01T00:00Z")
    unknown = WebhookEventFactory(event="PayLinkForgotten", state=State.UNKNOWN)
    confirm(supervisor, WebhookEvent, ask(supervisor, in_hand, unknown))
    states = dict(WebhookEvent.objects.values_list("event", "state"))
    assert states == {"PayLinkPaid": State.NEW, "PayLinkForgotten": State.UNKNOWN}
    assert not AuditEntry.objects.filter(action="event.worked_again").exists()


def test_an_outline_shows_what_it_is_and_never_whom_it_is_about() -> None:
    about = {
        "name": "Jansen",
        "status": "06 12345678",
        "data": [31612345678, 12.5, "NL02ABNA0123456789", "jansen@example.org"],
        "direction": {"of": "Jansen"},
        "answered": True,
        "ended": None,
    }
    assert outline(about) == {
        "name": "•••",
        "status": "•••",
        "data": ["•••"] * 4,
        "direction": {"of": "•••"},
        "answered": True,
        "ended": None,
    }
    event = pay_link_event("PayLinkPaid", "5b54cf1c-1c3a-4d5c-9d42-7a5ee9d1f9a2")
    masked = {**event, "reference": "•••", "data": {**event["data"], "transaction-amount": "•••"}}
    assert outline(event) == masked
