"""Targets of the day: set by a manager from a date on, and on the floor with how far they are."""

import html
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate

from accounts.models import AuditEntry, User
from calls.models import Attempt, Call, DayTarget
from pledges.models import Organization
from tests.calls.two_steps import signed_in
from tests.factories import (
    AttemptFactory,
    CompletionFactory,
    DayTargetFactory,
    PersonFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
ADMIN = "/admin/calls/daytarget/"
NONE_SET = "No targets of the day are set."


@pytest.fixture
def mo(belcentrum: Organization, helder_water: Organization) -> User:
    made: User = UserFactory(
        username="mo",
        first_name="Mo",
        role=User.Role.MANAGER,
        is_staff=True,
        organizations=[belcentrum, helder_water],
    )
    return made


def page(user: User, address: str = "/floor/pulse/") -> str:
    answer = signed_in(user).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def look(user: User) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page(user))))


def today(ago: int) -> date:
    return localdate() - timedelta(days=ago)


def worked(new_call: NewCall, user: User) -> None:
    """Three dials, of which one reached nobody and one is on the line still; two results."""
    at = now() - timedelta(seconds=5)
    for outcome in (Attempt.Outcome.REACHED, Attempt.Outcome.BUSY, Attempt.Outcome.OPEN):
        ended = None if outcome == Attempt.Outcome.OPEN else at
        who = user if ended else UserFactory()
        AttemptFactory(call=new_call(), user=who, at=at, outcome=outcome, outcome_at=ended)
    for code in ("confirmed", "dropped"):
        CompletionFactory(call=new_call(), user=user, result_code=code, completed_at=at)


# ── On the floor ──────────────────────────────────────────────────────────────────────────────────


def test_how_far_the_day_is_stands_on_the_floor(
    alice: User, carol: User, new_call: NewCall, helder_water: Organization
) -> None:
    DayTargetFactory(organization=helder_water, completed=8, reached=4)
    worked(new_call, alice)

    said = look(carol)

    assert "Completed Stichting Helder Water 2 of 8 25 % · 6 to go" in said
    assert "Reached Stichting Helder Water 1 of 4 25 % · 3 to go" in said
    assert page(carol).count('<rect width="25" height="10"/>') == 2
    assert NONE_SET not in said


def test_a_target_counts_what_was_done_for_its_own_organisation(
    alice: User,
    carol: User,
    new_call: NewCall,
    helder_water: Organization,
    dierenhulp: Organization,
) -> None:
    carol.organizations.add(dierenhulp)
    alice.organizations.add(dierenhulp)
    DayTargetFactory(organization=helder_water, completed=8)
    DayTargetFactory(organization=dierenhulp, completed=3)
    worked(new_call, alice)
    theirs = new_call(person=PersonFactory(owning_organization=dierenhulp))
    CompletionFactory(call=theirs, user=alice)

    said = look(carol)

    assert "Completed today 3" in said
    assert "Completed Stichting Helder Water 2 of 8" in said
    assert f"Completed {dierenhulp.name} 1 of 3 33 % · 2 to go" in said


@pytest.mark.parametrize(("target", "width"), [(2, 100), (1, 100)])
def test_a_target_that_is_met_is_told_as_that(
    alice: User,
    carol: User,
    new_call: NewCall,
    helder_water: Organization,
    target: int,
    width: int,
) -> None:
    DayTargetFactory(organization=helder_water, completed=target)
    worked(new_call, alice)

    assert f"2 of {target} the target of today is met" in look(carol)
    assert f'<rect width="{width}" height="10"/>' in page(carol)


def test_the_newest_one_that_has_begun_is_in_force(carol: User, helder_water: Organization) -> None:
    for ago, wanted in ((30, 10), (0, 20), (-1, 30)):
        DayTargetFactory(organization=helder_water, from_date=today(ago), completed=wanted)

    said = look(carol)

    assert "0 of 20" in said
    assert "of 10 " not in said
    assert "of 30 " not in said


def test_empty_numbers_end_what_was_set_before(carol: User, helder_water: Organization) -> None:
    DayTargetFactory(organization=helder_water, from_date=today(9), completed=10)
    DayTargetFactory(organization=helder_water, from_date=today(1), completed=None)

    assert NONE_SET in look(carol)


def test_where_none_is_set_it_says_who_sets_them_and_where(
    carol: User, mo: User, dierenhulp: Organization
) -> None:
    DayTargetFactory(organization=dierenhulp)

    assert f"{NONE_SET} A manager sets them in the admin" in look(carol)
    assert f'href="{ADMIN}"' not in page(carol)
    assert f'href="{ADMIN}"' in page(mo)


def test_targets_cost_no_query(carol: User, helder_water: Organization) -> None:
    client = signed_in(carol)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/floor/pulse/").status_code == 200
        return len(seen.captured_queries)

    queries()
    bare = queries()
    for ago in range(9):
        DayTargetFactory(organization=helder_water, from_date=today(ago), reached=5)

    assert queries() == bare <= 5


# ── Set ───────────────────────────────────────────────────────────────────────────────────────────


def send(user: User, **fields: Any) -> Any:
    return signed_in(user).post(f"{ADMIN}add/", fields)


def test_a_manager_sets_one_in_the_admin(mo: User, carol: User, helder_water: Organization) -> None:
    form = {"organization": helder_water.pk, "from_date": today(0).isoformat()}

    assert send(mo, **form, completed=90, reached="").status_code == 302

    assert "0 of 90" in look(carol)
    made = DayTarget.objects.get()
    for address in (f"{ADMIN}add/", f"{ADMIN}{made.pk}/change/"):
        form_page = page(mo, address)
        # It saves at once, and says so.
        assert re.findall(r'name="_save" value="([^"]*)"', form_page) == ["Save"]
    assert form_page.count("field-state") == 1
    entry = AuditEntry.objects.get(action="daytarget.added")
    assert (entry.user, entry.facts["completed"], entry.facts["reached"]) == (mo, 90, None)
    # A second one from the same day on is refused, and the first one stays.
    assert send(mo, **form, completed=70).status_code == 200
    assert DayTarget.objects.get().completed == 90


def test_a_supervisor_sets_none_and_no_target_is_nought(
    mo: User, carol: User, helder_water: Organization
) -> None:
    carol.is_staff = True
    carol.save()
    form = {
        "organization": helder_water.pk,
        "from_date": today(0).isoformat(),
        "completed": 90,
    }

    assert send(carol, **form).status_code == 403
    assert signed_in(carol).get(ADMIN).status_code == 200
    assert send(mo, **(form | {"completed": 0})).status_code == 200
    assert not DayTarget.objects.exists()
