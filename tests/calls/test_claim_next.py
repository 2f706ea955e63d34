"""Next: one press puts the call that has waited longest in hand."""

from collections.abc import Callable
from datetime import time, timedelta

import pytest
from django.utils import timezone

from accounts.audit import AuditEntry
from accounts.models import User
from calls.models import Call, Hold
from pledges.models import CallingRules
from tests.calls.conftest import Desk
from tests.factories import AttemptFactory, HoldFactory, PersonFactory, SkipFactory, now

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
AtDesk = Callable[[User], Desk]


def test_it_opens_the_call_that_has_waited_longest(
    alice: User, new_call: NewCall, at_desk: AtDesk
) -> None:
    new_call(requested_at=now() - timedelta(hours=2))
    oldest = new_call(requested_at=now() - timedelta(days=2))

    answer = at_desk(alice).take_next()

    assert answer["Location"] == f"/calls/{oldest.pk}/"
    assert Hold.objects.get().user == alice
    assert AuditEntry.objects.filter(action="call.claimed", user=alice).count() == 1


def test_it_goes_back_to_the_call_that_is_already_in_hand(
    alice: User, new_call: NewCall, at_desk: AtDesk
) -> None:
    new_call()
    new_call()
    desk = at_desk(alice)
    first = desk.take_next()["Location"]

    assert desk.take_next()["Location"] == first
    assert Hold.objects.count() == 1


def test_what_was_given_back_just_now_comes_after_another_and_not_before(
    alice: User, bob: User, new_call: NewCall, at_desk: AtDesk
) -> None:
    oldest = new_call(requested_at=now() - timedelta(days=2))
    second = new_call(requested_at=now() - timedelta(hours=2))
    desk = at_desk(alice)
    assert desk.take_next()["Location"] == f"/calls/{oldest.pk}/"
    desk.press(oldest, "release")

    assert desk.take_next()["Location"] == f"/calls/{second.pk}/"
    # To anybody else it is the first still, and once another was in hand to who gave it back too.
    assert at_desk(bob).take_next()["Location"] == f"/calls/{oldest.pk}/"
    at_desk(bob).press(oldest, "release")
    desk.press(second, "release")
    assert desk.take_next()["Location"] == f"/calls/{oldest.pk}/"


def test_what_was_given_back_is_served_again_where_there_is_no_other(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.take_next()
    desk.press(call, "release")
    assert desk.take_next()["Location"] == f"/calls/{call.pk}/"


def test_it_never_serves_a_donor_who_is_in_other_hands(
    alice: User, bob: User, call: Call, new_call: NewCall, at_desk: AtDesk
) -> None:
    new_call(person=call.person, requested_at=now() - timedelta(days=9))
    HoldFactory(call=call, user=bob)

    page = at_desk(alice).take_next().content.decode()

    assert "in somebody's hands" in page


def test_it_never_serves_a_number_that_is_in_other_hands(
    alice: User, bob: User, call: Call, new_call: NewCall, at_desk: AtDesk
) -> None:
    housemate = PersonFactory(
        owning_organization=call.person.owning_organization, mobile_e164=call.person.mobile_e164
    )
    new_call(person=housemate)
    HoldFactory(call=call, user=bob)

    at_desk(alice).take_next()

    assert not Hold.objects.filter(user=alice).exists()


def test_a_hold_whose_lease_ran_out_gives_way(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    HoldFactory(call=call, user=bob, lease_until=now() - timedelta(seconds=1))

    at_desk(alice).take_next()

    assert Hold.objects.get().user == alice


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "completed"},
        {"status": "a status of next year"},
        {"external_application": "basicall"},
        {"calling_organization": None},
        {"attempts_count": 3},
        {"gone_at": now()},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_it_never_serves_what_is_not_ours_to_make(
    alice: User, call: Call, at_desk: AtDesk, columns: dict[str, object]
) -> None:
    Call.objects.filter(pk=call.pk).update(**columns)

    at_desk(alice).take_next()

    assert not Hold.objects.exists()


@pytest.mark.parametrize(
    "columns",
    [{"mobile_e164": None, "phone_e164": None}, {"owning_organization": None}],
    ids=["no number", "nobody's donor"],
)
def test_it_never_serves_whom_we_cannot_call(
    alice: User, call: Call, at_desk: AtDesk, columns: dict[str, object]
) -> None:
    for column, value in columns.items():
        setattr(call.person, column, value)
    call.person.save()

    at_desk(alice).take_next()

    assert not Hold.objects.exists()


def test_who_refuses_calls_is_called_to_verify_a_pledge_and_for_nothing_else(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    call.person.opt_in_phone = False
    call.person.save()
    Call.objects.update(type=Call.Type.WINBACK)
    desk = at_desk(alice)
    desk.take_next()
    assert not Hold.objects.exists()

    Call.objects.update(type=Call.Type.VERIFICATION)
    desk.take_next()
    assert Hold.objects.exists()


def test_it_waits_for_the_gap_after_a_miss(
    alice: User, call: Call, rules: CallingRules, at_desk: AtDesk
) -> None:
    AttemptFactory(call=call, at=now() - timedelta(minutes=rules.gap_minutes - 5))
    desk = at_desk(alice)
    desk.take_next()
    assert not Hold.objects.exists()

    CallingRules.objects.update(gap_minutes=rules.gap_minutes - 10)
    desk.take_next()
    assert Hold.objects.exists()


def test_what_i_passed_by_is_served_to_a_colleague(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    SkipFactory(call=call, user=alice)

    at_desk(alice).take_next()
    assert not Hold.objects.exists()
    at_desk(bob).take_next()
    assert Hold.objects.get().user == bob


def test_outside_calling_hours_it_says_when_calling_opens(
    alice: User, call: Call, rules: CallingRules, at_desk: AtDesk
) -> None:
    """Closed every day but the day after tomorrow's weekday group, from nine."""
    tomorrow = timezone.localtime() + timedelta(days=1)
    group = {5: "saturday", 6: "sunday"}.get(tomorrow.weekday(), "weekdays")
    hours = dict.fromkeys(
        f"{days}_{edge}"
        for days in ("weekdays", "saturday", "sunday")
        for edge in ("open", "close")
    )
    if group == "weekdays" and timezone.localtime().weekday() < 5:
        # Today is open too: it must have closed already, or nothing is shown to be closed.
        hours |= {"weekdays_open": time(0, 0), "weekdays_close": time(0, 0, 1)}
    else:
        hours |= {f"{group}_open": time(9, 0), f"{group}_close": time(22, 0)}
    CallingRules.objects.filter(pk=rules.pk).update(**hours)

    page = at_desk(alice).take_next().content.decode()

    assert "Calling is closed now. The next possible moment is" in page
    assert f"{tomorrow:%d-%m-%Y}" in page


def test_without_rules_nobody_is_called(
    alice: User, call: Call, rules: CallingRules, at_desk: AtDesk
) -> None:
    rules.delete()

    page = at_desk(alice).take_next().content.decode()

    assert "no calling hours are set" in page


def test_who_is_unknown_to_tapraise_cannot_work(alice: User, call: Call, at_desk: AtDesk) -> None:
    alice.tapraise_user_uuid = None
    alice.save()

    page = at_desk(alice).take_next().content.decode()

    assert "your TapRaise user is not known" in page


def test_with_nothing_open_it_says_so(alice: User, rules: CallingRules, at_desk: AtDesk) -> None:
    page = at_desk(alice).take_next().content.decode()

    assert "There are no open calls for you" in page


def test_calls_of_another_organisation_do_not_exist(
    dirk: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(dirk)
    desk.take_next()

    assert not Hold.objects.exists()
    assert desk.client.get(f"/calls/{call.pk}/").status_code == 404
    assert desk.press(call, "hold", token="00000000-0000-4000-8000-000000000000").status_code == 404
