"""The queue's one order: what was promised, what is lost, who was missed at another time of the
day, who waits longest. And the words for each."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.utils import translation

from accounts.models import User
from calls import actions, ordering
from calls.models import Call, Hold
from calls.sync import save_calls
from integrations.tapraise.client import CALL_INCLUDES
from integrations.tapraise.wire import AttemptRecord
from pledges.contact import AMSTERDAM, Rulebook
from pledges.models import CallingRules, Organization
from tests.factories import (
    AttemptFactory,
    CallbackFactory,
    CallFactory,
    CallingRulesFactory,
    OrganizationFactory,
    PersonFactory,
    PledgeFactory,
)
from tests.integrations.feeds import Feeds

pytestmark = pytest.mark.django_db

# A Wednesday evening.
AT = datetime(2026, 11, 25, 19, 0, tzinfo=AMSTERDAM).astimezone(UTC)


@pytest.fixture
def waits(new_call: Callable[..., Call]) -> Callable[..., Call]:
    """One more call that waits since so many days."""

    def make(*, days: float, **columns: Any) -> Call:
        return new_call(requested_at=AT - timedelta(days=days), **columns)

    return make


@pytest.fixture
def pledged(waits: Callable[..., Call], helder_water: Organization) -> Callable[..., Call]:
    """One more call about a pledge that was made so many days ago."""

    def make(*, days: float, **columns: Any) -> Call:
        person = PersonFactory(owning_organization=helder_water)
        pledge = PledgeFactory(
            person=person, created_at=AT - timedelta(days=days), released_at=None
        )
        # Who was promised longest ago was asked for last: the request is not the clock.
        return waits(days=1 - days / 20, person=person, pledge=pledge, **columns)

    return make


def served_to(user: User, *, at: datetime = AT) -> Hold:
    return actions.claim_next(user=user, at=at)


def said(hold: Hold, *, at: datetime = AT) -> str:
    with translation.override("en"):
        return " · ".join(ordering.in_words(hold.why, at=at))


def test_what_is_released_tomorrow_comes_before_who_waited_longest(
    alice: User, rules: CallingRules, waits: Callable[..., Call], pledged: Callable[..., Call]
) -> None:
    CallingRules.objects.update(cooling_off_days=7)
    waits(days=30, pledge=None)
    pledged(days=2)
    tomorrow = pledged(days=6, attempts_count=2)
    for hours in (26, 50):
        AttemptFactory(
            call=tomorrow, user=alice, at=AT - timedelta(hours=hours), outcome="no_answer"
        )
    Call.objects.filter(pk=tomorrow.pk).update(attempts_count=0)

    hold = served_to(alice)

    assert hold.call == tomorrow
    assert said(hold) == "released tomorrow · 1 attempt left · missed 2 times in the afternoon"


def test_of_two_that_are_released_the_sooner_one_comes_first(
    alice: User, bob: User, rules: CallingRules, pledged: Callable[..., Call]
) -> None:
    CallingRules.objects.update(cooling_off_days=7)
    later = pledged(days=5.9)
    sooner = pledged(days=6.9)

    assert served_to(alice).call == sooner
    assert served_to(bob).call == later


def test_organisations_with_other_clocks_are_compared_by_the_moment_of_release(
    alice: User,
    belcentrum: Organization,
    rules: CallingRules,
    pledged: Callable[..., Call],
) -> None:
    CallingRules.objects.update(cooling_off_days=7)
    other = OrganizationFactory()
    other.members.add(alice)
    CallingRulesFactory(organization=other, from_date=AT.date(), cooling_off_days=14)
    pledged(days=5.5)
    person = PersonFactory(owning_organization=other)
    pledge = PledgeFactory(person=person, created_at=AT - timedelta(days=13.8), released_at=None)
    sooner = CallFactory(
        person=person, pledge=pledge, calling_organization=belcentrum, requested_at=AT
    )

    assert served_to(alice).call == sooner


@pytest.mark.parametrize(
    "columns", [{"cooling_off_days": None}, {"cooling_off_days": 3}], ids=["unset", "over"]
)
def test_without_a_clock_or_after_it_nobody_is_at_stake(
    alice: User,
    rules: CallingRules,
    waits: Callable[..., Call],
    pledged: Callable[..., Call],
    columns: dict[str, Any],
) -> None:
    CallingRules.objects.update(**columns)
    longest = waits(days=30, pledge=None)
    pledged(days=6)

    hold = served_to(alice)

    assert hold.call == longest
    assert "released" not in said(hold)
    assert said(hold).startswith("waiting since")


def test_who_was_missed_by_day_is_called_at_night_before_who_waits_longer(
    alice: User, bob: User, rules: CallingRules, waits: Callable[..., Call]
) -> None:
    longest = waits(days=30)
    by_day = waits(days=4, attempts_count=1)
    AttemptFactory(call=by_day, user=alice, at=AT - timedelta(hours=9), outcome="no_answer")
    by_night = waits(days=9, attempts_count=1)
    AttemptFactory(call=by_night, user=alice, at=AT - timedelta(hours=24), outcome="no_answer")
    Call.objects.filter(pk__in=[by_day.pk, by_night.pk]).update(attempts_count=1)

    hold = served_to(alice)

    assert hold.call == by_day
    assert "missed once in the morning" in said(hold)
    assert served_to(bob).call == longest


@pytest.fixture
def told(
    alice: User, belcentrum: Organization, helder_water: Organization
) -> Callable[..., list[Call]]:
    """Open calls of another donor each, as a walk brings them: the attempts are known to TapRaise
    alone, those of one call given as how many hours ago."""
    CallingRulesFactory(organization=helder_water)

    def tell(*hours: tuple[float, ...], moment: str = "attempt_at") -> list[Call]:
        found = {
            record.person_uuid: record
            for record in Feeds(calls=120).records()
            if record.status == "requested"
            and record.external_metadata is None
            and record.person.owning_organization.uuid == helder_water.pk
            and record.calling_organization_uuid == belcentrum.pk
        }
        records = []
        # The first of them waits longest.
        for days, (record, ago) in enumerate(zip(found.values(), hours, strict=False)):
            attempts = tuple(
                AttemptRecord(user_uuid=uuid4(), **{moment: AT - timedelta(hours=n)}) for n in ago
            )
            columns: dict[str, Any] = {
                "type": "verification",
                "pledge_case": None,
                "related_case_uuid": None,
                "requested_at": AT - timedelta(days=9 - days),
                "attempts": attempts,
                "attempts_count": len(attempts),
            }
            records.append(msgspec.structs.replace(record, **columns))
        assert len(records) == len(hours)
        save_calls(records, account="default", include=CALL_INCLUDES, fetched_at=AT)
        return [Call.objects.get(pk=record.uuid) for record in records]

    return tell


@pytest.mark.parametrize("moment", ["attempt_at", "created_at"])
def test_who_was_tried_elsewhere_by_day_is_called_at_night(
    told: Callable[..., list[Call]], alice: User, bob: User, moment: str
) -> None:
    longest, by_night, by_day = told((), (24,), (9, 30), moment=moment)

    hold = served_to(alice)

    assert hold.call == by_day
    assert "missed once in the afternoon, missed once in the morning" in said(hold)
    assert served_to(bob).call == longest
    assert by_night.tried_at == AT - timedelta(hours=24)


def test_who_was_tried_elsewhere_an_hour_ago_is_left_alone(
    told: Callable[..., list[Call]], alice: User, belcentrum: Organization
) -> None:
    (tried,) = told((1,))
    # Another call of the same donor waits as well.
    CallFactory(person=tried.person, pledge=None, calling_organization=belcentrum)

    with pytest.raises(actions.NothingToCall):
        served_to(alice)

    assert served_to(alice, at=AT + timedelta(hours=3, minutes=1)).call.person == tried.person


def test_attempts_of_others_leave_none(told: Callable[..., list[Call]], alice: User) -> None:
    told((24, 48, 72))

    with pytest.raises(actions.NothingToCall):
        served_to(alice)


def test_an_attempt_of_ours_that_tapraise_tells_too_is_missed_once(
    told: Callable[..., list[Call]], alice: User
) -> None:
    (call,) = told((9,))
    AttemptFactory(call=call, user=alice, at=AT - timedelta(hours=9), outcome="no_answer")
    one = dict(call.attempts[0], user=str(alice.tapraise_user_uuid))
    Call.objects.filter(pk=call.pk).update(attempts=[one])

    assert "missed once in the morning" in said(served_to(alice))


def test_a_promise_comes_before_everything_and_mine_before_the_teams(
    alice: User,
    bob: User,
    carol: User,
    rules: CallingRules,
    waits: Callable[..., Call],
    pledged: Callable[..., Call],
) -> None:
    CallingRules.objects.update(cooling_off_days=7)
    at_stake = pledged(days=6.9)
    of_the_team = CallbackFactory(
        call=waits(days=1), user=bob, due_at=AT - timedelta(minutes=50), made_at=AT
    ).call
    mine = CallbackFactory(
        call=waits(days=1),
        user=alice,
        whose="mine",
        due_at=AT - timedelta(minutes=5),
        made_at=AT,
        note="dochter neemt op",
    ).call

    hold = served_to(alice)

    assert hold.call == mine
    assert said(hold).startswith("called back as Alice agreed: today 18:55 (dochter neemt op)")
    assert served_to(bob).call == of_the_team
    assert served_to(carol).call == at_stake


def test_each_turn_is_one_look_however_many_wait(
    alice: User,
    rules: CallingRules,
    waits: Callable[..., Call],
    django_assert_max_num_queries: Any,
) -> None:
    for n in range(12):
        waits(days=n)
    book = Rulebook.read()

    with django_assert_max_num_queries(8):
        for turn in ordering.turns(alice, at=AT, rulebook=book):
            list(turn.in_order(at=AT)[:5])
