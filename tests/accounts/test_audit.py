"""The trail: sealed in batches, and a change behind its back is named."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, User

pytestmark = pytest.mark.django_db


def verify() -> str:
    out = StringIO()
    call_command("audit", "--verify", stdout=out)
    return out.getvalue()


@pytest.fixture
def trail(alice: User) -> list[AuditEntry]:
    """Three batches of two entries, sealed one after the other, and one entry that is not yet."""
    at = timezone.now() - timedelta(days=1)
    for batch in range(3):
        for number in range(2):
            audit.record("call.claimed", user=alice, at=at, subject=f"call:{batch}{number}")
        at += timedelta(minutes=5)
        assert audit.seal(at=at) == 2
    audit.record("call.claimed", user=alice, at=timezone.now())
    return list(AuditEntry.objects.order_by("pk"))


def change(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1


def test_an_honest_trail_holds(trail: list[AuditEntry]) -> None:
    assert verify() == "6 entries hold. 1 are not sealed yet.\n"


@pytest.mark.parametrize("victim", range(6))
def test_an_entry_that_was_changed_is_named(trail: list[AuditEntry], victim: int) -> None:
    change("UPDATE accounts_auditentry SET action = 'x' WHERE id = %s", trail[victim].pk)
    with pytest.raises(CommandError) as broken:
        verify()
    named = re.search(r"entries (\d+) to (\d+)", str(broken.value))
    assert named is not None
    assert int(named[1]) <= trail[victim].pk <= int(named[2])


def test_an_entry_that_was_removed_is_named(trail: list[AuditEntry]) -> None:
    change("DELETE FROM accounts_auditentry WHERE id = %s", trail[2].pk)
    with pytest.raises(CommandError, match="1 of 2 entries are there"):
        verify()


def test_a_seal_that_was_made_to_fit_breaks_the_chain_after_it(trail: list[AuditEntry]) -> None:
    change("UPDATE accounts_auditseal SET digest = %s WHERE last_entry = %s", "0" * 64, trail[1].pk)
    with pytest.raises(CommandError, match="seal 1"):
        verify()
