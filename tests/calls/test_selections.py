"""Whom a message in bulk is for: who did not pay, who was not reached, whose call is open, whose
calls were named. Only what the one who asks may see."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from calls.models import Attempt, Call
from calls.selections import MOST, Kind, Selection, select
from pledges.models import Organization, PayLink, Person
from tests.factories import (
    AlphacommLinkFactory,
    AttemptFactory,
    CallFactory,
    CompletionFactory,
    PayLinkFactory,
    PersonFactory,
    PledgeFactory,
)

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def donor(helder_water: Organization) -> Any:
    return lambda **columns: PersonFactory(owning_organization=helder_water, **columns)


@pytest.fixture
def call(belcentrum: Organization, donor: Any) -> Any:
    return lambda **columns: CallFactory(
        **{"person": donor(), "calling_organization": belcentrum, **columns}
    )


def persons(user: User, organization: Organization, kind: str, **asked: Any) -> set[uuid.UUID]:
    selection = Selection(kind=kind, organization=organization.pk, **asked)
    return {one.person for one in select(selection, user=user).recipients}


def unpaid(user: User, organization: Organization, begins: str, ends: str) -> set[uuid.UUID]:
    days = {"from_date": date.fromisoformat(begins), "until_date": date.fromisoformat(ends)}
    return persons(user, organization, Kind.UNPAID, **days)


def test_who_did_not_pay_a_link_that_was_made_between_two_days(
    carol: User, helder_water: Organization, donor: Any
) -> None:
    links = {
        # Dutch days: 23:30 UTC is the next one.
        day: PayLinkFactory(person=donor(), at=datetime.fromisoformat(f"2026-{day}:00+00:00"))
        for day in ("10-31T22:30", "10-31T23:30", "11-02T22:30", "11-02T23:30")
    }
    for state in ("ready", "failed", "partially_paid"):
        AlphacommLinkFactory(pay_link=links["11-02T22:30"], status=state)
    assert unpaid(carol, helder_water, "2026-11-01", "2026-11-02") == {
        links["10-31T23:30"].person_id,
        links["11-02T22:30"].person_id,
    }


def test_who_paid_that_link_or_another_one_since_comes_last_to_be_left_out(
    carol: User, helder_water: Organization, donor: Any
) -> None:
    paid, later, before = donor(), donor(), donor()
    AlphacommLinkFactory(pay_link=PayLinkFactory(person=paid, at=NOON), status="paid")
    PayLinkFactory(person=later, at=NOON)
    again = PayLinkFactory(person=later, at=NOON + timedelta(hours=1))
    AlphacommLinkFactory(pay_link=again, status="paid", paid_at=NOON + timedelta(hours=2))
    earlier = PayLinkFactory(person=before, at=NOON - timedelta(days=9))
    AlphacommLinkFactory(pay_link=earlier, status="paid", paid_at=NOON - timedelta(days=8))
    PayLinkFactory(person=before, at=NOON)
    PayLink.objects.filter(person=before, at=NOON).update(amount=Decimal("12.50"))
    found = select(
        Selection(
            kind=Kind.UNPAID,
            organization=helder_water.pk,
            from_date=NOON.date(),
            until_date=NOON.date(),
        ),
        user=carol,
    ).recipients
    assert (found[0].person, found[0].link_amount) == (before.pk, Decimal("12.50"))
    # Each knows from when a payment counts.
    assert {one.person: one.unpaid_since for one in found[1:]} == {
        paid.pk: NOON,
        later.pk: NOON + timedelta(hours=1),
    } | {later.pk: NOON + timedelta(hours=1)}


def test_a_link_that_was_refused_is_no_unpaid_one(
    carol: User, helder_water: Organization, donor: Any
) -> None:
    PayLinkFactory(person=donor(), at=NOON, ended_badly_at=NOON)
    assert unpaid(carol, helder_water, "2026-11-03", "2026-11-03") == set()


def test_what_goes_along_with_a_link(
    carol: User, helder_water: Organization, donor: Any, call: Any
) -> None:
    person = donor()
    pledge = PledgeFactory(person=person, donation_amount=Decimal("7.50"))
    made_on = call(person=person, type=Call.Type.WINBACK)
    PayLinkFactory(person=person, at=NOON, pledge=pledge, call_uuid=made_on.pk, amount=Decimal(5))
    selection = Selection(kind=Kind.UNPAID, organization=helder_water.pk)
    (found,) = select(selection, user=carol).recipients
    assert (found.call, found.call_type, found.pledge) == (made_on.pk, "winback", pledge.pk)
    assert (found.pledge_amount, found.link_amount) == (Decimal("7.50"), Decimal(5))


def test_who_was_not_reached_in_so_many_attempts(
    carol: User, helder_water: Organization, call: Any
) -> None:
    tried, often = call(attempts_count=2), call(attempts_count=3)
    reached = call(attempts_count=3)
    AttemptFactory(call=reached, outcome=Attempt.Outcome.REACHED)
    AttemptFactory(call=often, outcome=Attempt.Outcome.NO_ANSWER)
    CompletionFactory(call=call(attempts_count=5))
    call(attempts_count=5, status=Call.Status.COMPLETED)
    assert persons(carol, helder_water, Kind.NOT_REACHED, attempts=3) == {often.person_id}
    assert persons(carol, helder_water, Kind.NOT_REACHED, attempts=2) == {
        often.person_id,
        tried.person_id,
    }


def test_whose_call_is_open_by_type(carol: User, helder_water: Organization, call: Any) -> None:
    first, second = call(type=Call.Type.VERIFICATION), call(type=Call.Type.WINBACK)
    call(external_application="4dmc")
    call(calling_organization=None)
    assert persons(carol, helder_water, Kind.OPEN) == {first.person_id, second.person_id}
    assert persons(carol, helder_water, Kind.OPEN, call_type="winback") == {second.person_id}


def test_whose_calls_were_named_whatever_became_of_them(
    carol: User, helder_water: Organization, call: Any
) -> None:
    ended, unknown = call(status=Call.Status.EXPIRED), uuid.uuid4()
    selection = Selection(
        kind=Kind.NUMBERS, organization=helder_water.pk, calls=(unknown, ended.pk)
    )
    found = select(selection, user=carol)
    assert [one.person for one in found.recipients] == [ended.person_id]
    assert found.missing == (unknown,)


@pytest.mark.parametrize("kind", list(Kind))
def test_another_organisations_donors_are_not_found(
    carol: User, helder_water: Organization, dierenhulp: Organization, call: Any, kind: Kind
) -> None:
    theirs = call(person=PersonFactory(owning_organization=dierenhulp), attempts_count=9)
    PayLinkFactory(person=theirs.person)
    asked = {"calls": (theirs.pk,)} if kind == Kind.NUMBERS else {}
    assert persons(carol, helder_water, kind, **asked) == set()
    assert persons(carol, dierenhulp, kind, **asked) == set()


@pytest.mark.parametrize("kind", list(Kind))
def test_each_is_one_statement(
    carol: User,
    helder_water: Organization,
    call: Any,
    kind: Kind,
    django_assert_num_queries: Any,
) -> None:
    made = [call(attempts_count=3) for _ in range(5)]
    for one in made:
        PayLinkFactory(person=one.person, call_uuid=one.pk)
    selection = Selection(
        kind=kind, organization=helder_water.pk, calls=tuple(one.pk for one in made)
    )
    with django_assert_num_queries(1):
        assert len(select(selection, user=carol).recipients) == 5


def test_one_more_than_a_batch_takes_is_enough_to_say_so(
    carol: User, belcentrum: Organization, helder_water: Organization
) -> None:
    made = Person.objects.bulk_create(
        PersonFactory.build_batch(MOST + 5, owning_organization=helder_water)
    )
    Call.objects.bulk_create(
        CallFactory.build(person=person, pledge=None, calling_organization=belcentrum)
        for person in made
    )
    selection = Selection(kind=Kind.OPEN, organization=helder_water.pk)
    assert len(select(selection, user=carol).recipients) == MOST + 1
