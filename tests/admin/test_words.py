"""The trail and the messages in the admin are told in words; what has none stays as it is."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import AuditEntry, User
from calls.models import Call
from integrations.models import Delivery
from pledges.admin import trail
from tests.admin.rows import list_of, page_of
from tests.factories import AttemptFactory, AuditEntryFactory
from tests.pledges.browsing import words_of

pytestmark = pytest.mark.django_db


def kept_actions() -> Iterator[str]:
    """Every code that our own code puts on the trail as it stands there."""
    for room in ("accounts", "calls", "integrations", "pledges"):
        for file in (settings.BASE_DIR / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                first = node.args[0]
                if name.strip("_") == "record" and isinstance(first, ast.Constant):
                    yield str(first.value)


def test_whatever_is_put_on_the_trail_has_words() -> None:
    codes = {code for code in kept_actions() if re.fullmatch(r"[a-z_]+\.[a-z_]+", code)}
    assert len(codes) > 50
    assert {code for code in codes if trail.done_in_words(code) == code} == set()


def test_the_trail_says_what_was_done_and_to_what(supervisor: Client, call: Call) -> None:
    entry = AuditEntryFactory(
        user=User.objects.get(username="carol"), action="call.talked", subject=call.subject
    )
    listed = words_of(supervisor.get(list_of(AuditEntry)))
    assert f"ended a conversation call {str(call.pk)[:8]} " in listed
    assert "call.talked" not in listed
    shown = words_of(supervisor.get(page_of(entry)))
    assert f"call {call.pk}" in shown

    supervisor.get(page_of(call))
    assert f"looked at: call call {str(call.pk)[:8]}" in words_of(
        supervisor.get(list_of(AuditEntry))
    )


def test_what_nobody_has_words_for_is_not_hidden(supervisor: Client) -> None:
    AuditEntryFactory(user=User.objects.get(username="carol"), action="x.y", subject="z:1")
    assert " x.y z:1 " in words_of(supervisor.get(list_of(AuditEntry)))


def test_a_message_says_what_it_is_to_bring_about(supervisor: Client, call: Call) -> None:
    delivery = AttemptFactory(
        call=call, delivery__subject=call.subject, delivery__is_undecided=True
    ).delivery
    User.objects.filter(username="carol").update(language="nl")
    listed = words_of(supervisor.get(list_of(Delivery)))
    assert f"gesprek {str(call.pk)[:8]} " in listed
    assert "Poging" in listed
    assert "tapraise.add_attempt" not in listed
    shown = words_of(supervisor.get(page_of(delivery)))
    assert f"gesprek {call.pk}" in shown
    assert "tapraise.add_attempt" not in shown
