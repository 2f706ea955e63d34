"""Callbacks of everybody on the floor, and one that goes to somebody else or to the team."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import keyset
from accounts.models import AuditEntry, User
from calls.models import Call, Callback
from pledges.models import CallingRules, Organization
from tests.calls.conftest import Desk
from tests.calls.test_floor import look
from tests.calls.two_steps import signed_in
from tests.factories import (
    AttemptFactory,
    CallbackFactory,
    CallingRulesFactory,
    PersonFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
LIST = "/floor/callbacks/"


def promised(call: Call, user: User, *, minutes: int, **columns: Any) -> Callback:
    """One of this user's own, due so many minutes ago."""
    made: Callback = CallbackFactory(
        call=call, user=user, due_at=now() - timedelta(minutes=minutes),
        **{"whose": Callback.Whose.MINE, **columns},
    )  # fmt: skip
    return made


def hand_over(user: User, callback: Callback, to: User | str, **fields: str) -> Any:
    chosen = to if isinstance(to, str) else str(to.pk)
    return signed_in(user).post(f"{LIST}{callback.pk}/", {"to": chosen, **fields})


def test_what_is_too_late_leads_there_the_longest_first(
    alice: User, bob: User, carol: User, new_call: NewCall
) -> None:
    calls = [new_call() for _ in range(4)]
    for call, minutes in zip(calls, (20, 60, 5, -90), strict=True):
        promised(call, alice, minutes=minutes)
    names = [call.person.full_name for call in calls]
    assert f'href="{LIST}"' in signed_in(carol).get("/floor/pulse/").content.decode()

    late, coming = look(carol, LIST), look(carol, f"{LIST}?which=coming")

    assert late.index(names[1]) < late.index(names[0])
    assert coming.index(names[2]) < coming.index(names[3])
    assert names[2] not in late
    assert names[0] not in coming


def test_none_of_them_is_said(carol: User) -> None:
    assert "No donor waits for a call that was promised." in look(carol, LIST)
    assert "No callbacks are agreed on." in look(carol, f"{LIST}?which=coming")


def test_one_goes_to_somebody_else_who_sees_it(
    alice: User, bob: User, carol: User, call: Call
) -> None:
    callback = promised(call, alice, minutes=-60)
    assert call.person.full_name in look(alice, "/")
    assert call.person.full_name not in look(bob, "/")

    answer = hand_over(carol, callback, bob, reason="absent")

    assert answer["Location"] == LIST
    callback.refresh_from_db()
    assert (callback.user, callback.whose, callback.handed_by) == (bob, "mine", carol)
    entry = AuditEntry.objects.get(action="callback.handed_over")
    assert entry.user == carol
    assert entry.facts == {
        "to": bob.pk,
        "reason": "absent",
        "was_whose": "mine",
        "was_of": alice.pk,
    }
    said = look(bob, "/")
    assert call.person.full_name in said
    assert "handed over by Carol" in said
    assert call.person.full_name not in look(alice, "/")


def test_one_goes_to_the_team_without_a_reason(
    alice: User, bob: User, carol: User, call: Call
) -> None:
    callback = promised(call, alice, minutes=1)
    assert call.person.full_name not in look(bob, "/")

    assert hand_over(carol, callback, "team").status_code == 302

    callback.refresh_from_db()
    assert callback.whose == Callback.Whose.TEAM
    assert call.person.full_name in look(bob, "/")


def test_nobody_gets_a_call_that_they_cannot_make(
    alice: User, carol: User, dirk: User, call: Call, helder_water: Organization
) -> None:
    callback = promised(call, alice, minutes=60)
    nameless = UserFactory(organizations=list(alice.organizations.all()), tapraise_user_uuid=None)

    for who in (dirk, nameless):
        answer = hand_over(carol, callback, who)
        assert answer.status_code == 422
    assert hand_over(carol, callback, "").status_code == 422
    callback.refresh_from_db()
    assert callback.user == alice


def test_what_was_made_meanwhile_is_not_handed_over(
    alice: User, bob: User, carol: User, call: Call
) -> None:
    callback = promised(call, alice, minutes=60)
    address = f"{LIST}{callback.pk}/"
    client = signed_in(carol)
    assert client.get(address).status_code == 200
    Callback.objects.update(state="done", ended_at=now())

    assert client.post(address, {"to": str(bob.pk)}).status_code == 404
    assert not AuditEntry.objects.filter(action="callback.handed_over").exists()


def test_only_supervisors_of_the_donors_organisation(
    at_desk: Callable[[User], Desk], alice: User, carol: User, dierenhulp: Organization, call: Call
) -> None:
    callback = promised(call, alice, minutes=60)
    client = at_desk(alice).client
    assert client.get(LIST).status_code == 404
    assert client.post(f"{LIST}{callback.pk}/", {"to": "team"}).status_code == 404
    call.person = PersonFactory(owning_organization=dierenhulp, last_name="Geheim")
    call.save()

    assert "Geheim" not in look(carol, LIST)
    assert hand_over(carol, callback, "team").status_code == 404
    callback.refresh_from_db()
    assert callback.whose == Callback.Whose.MINE


def test_the_list_costs_the_same_however_many_there_are(
    alice: User, carol: User, new_call: NewCall
) -> None:
    client = signed_in(carol)

    def queries(address: str = LIST) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen.captured_queries)

    one = promised(new_call(), alice, minutes=30)
    queries()
    few = queries()
    for _ in range(keyset.SIZE + 1):
        promised(new_call(), alice, minutes=40)

    assert queries() == few <= 12
    assert queries(f"{LIST}{one.pk}/") <= 12
    assert 'rel="next"' in client.get(LIST).content.decode()


def test_one_that_can_no_longer_be_made_is_said_to_be_that_at_once(
    alice: User, carol: User, new_call: NewCall
) -> None:
    kept, spent, late = new_call(), new_call(attempts_count=3), new_call(attempts_count=3)
    for call, minutes in ((kept, -90), (spent, -90), (late, 60)):
        promised(call, alice, minutes=minutes)
    name = spent.person.full_name

    floor = look(carol, "/floor/")

    assert "2 donors were promised a call that can no longer be made" in floor
    assert "a call that nobody made" not in floor
    assert f'href="{LIST}?which=unkeepable"' in signed_in(carol).get("/floor/").content.decode()
    listed = look(carol, f"{LIST}?which=unkeepable")
    assert name in listed
    assert late.person.full_name in listed
    assert "No attempts are left for this call." in listed
    assert "request a new call" in listed
    assert kept.person.full_name not in listed
    assert name not in look(carol, f"{LIST}?which=coming")
    assert late.person.full_name not in look(carol, LIST)


def test_one_that_is_being_made_is_not_given_up(
    alice: User, carol: User, new_call: NewCall
) -> None:
    call = new_call(attempts_count=3)
    promised(call, alice, minutes=5)
    attempt = AttemptFactory(call=call, user=alice, at=now(), outcome="", outcome_at=None)

    assert "can no longer be made" not in look(carol, "/floor/")
    assert "Dialled; how it ended is still to be said." in look(carol, f"{LIST}?which=coming")

    # Who settles it says that the donor was called, as was promised.
    answer = signed_in(carol).post(
        f"/calls/{call.pk}/left-open/", {"token": str(uuid.uuid4()), "outcome": "cut_off"}
    )
    assert answer.status_code == 302
    attempt.refresh_from_db()
    assert attempt.outcome == "cut_off"
    assert Callback.objects.get().state == Callback.State.DONE
    assert "can no longer be made" not in look(carol, "/floor/")


def test_rules_of_this_type_of_call_say_how_many_attempts_there_are(
    alice: User, carol: User, new_call: NewCall, rules: CallingRules
) -> None:
    promised(new_call(attempts_count=3, type="verification"), alice, minutes=-60)
    CallingRulesFactory(
        organization=rules.organization,
        call_type="verification",
        from_date=rules.from_date,
        max_attempts=5,
    )

    assert "can no longer be made" not in look(carol, "/floor/")
