"""Showing what is masked: for a reason, on one page, and on the trail."""

from collections.abc import Callable

import pytest

from accounts.models import AuditEntry, User
from calls.models import Call
from tests.calls.conftest import Desk
from tests.calls.test_check_details import on_the_line

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
IBAN = "NL91 ABNA 0417 1643 00"


@pytest.fixture
def desk(alice: User, call: Call, at_desk: AtDesk) -> Desk:
    call.person.iban = IBAN.replace(" ", "")
    call.person.iban_hash = "0" * 32
    call.person.save()
    on_the_line(call, alice)
    desk = at_desk(alice)
    desk.look(call)
    return desk


@pytest.mark.parametrize("htmx", [True, False])
def test_with_a_reason_it_is_shown_on_this_page_and_on_no_other(
    desk: Desk, call: Call, htmx: bool
) -> None:
    answer = desk.press(call, "reveals", htmx=htmx, item="account", reason_account="donor_asks")

    assert answer.status_code == 200
    assert IBAN in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert IBAN not in desk.look(call)


def test_that_somebody_looked_and_why_is_on_the_trail(desk: Desk, call: Call) -> None:
    desk.press(call, "reveals", item="date_of_birth", reason_date_of_birth="complaint")

    entry = AuditEntry.objects.get(action="detail.revealed")
    assert entry.user == desk.user
    assert entry.person_uuid == call.person_id
    assert entry.facts == {"item": "date_of_birth", "reason": "complaint"}


@pytest.mark.parametrize("reason", ["", "curious"])
def test_without_a_reason_nothing_is_shown(desk: Desk, call: Call, reason: str) -> None:
    answer = desk.press(call, "reveals", htmx=True, item="account", reason_account=reason)

    assert answer.status_code == 422
    assert "0417" not in answer.content.decode()
    assert not AuditEntry.objects.filter(action="detail.revealed").exists()


def test_nor_to_who_does_not_have_the_call_in_hand(
    desk: Desk, call: Call, bob: User, at_desk: AtDesk
) -> None:
    answer = at_desk(bob).press(
        call, "reveals", htmx=True, item="account", reason_account="donor_asks"
    )

    assert answer.status_code == 409
    assert "0417" not in answer.content.decode()
