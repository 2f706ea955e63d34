"""When may somebody be called: hours by the clock on the wall, holidays, and nothing by default."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import AuditEntry
from pledges import actions
from pledges.contact import AMSTERDAM, Rulebook, ground, may_text
from pledges.models import CallingRules, ClosedDay, Medium, Organization, Person
from tests.factories import CallingRulesFactory, OrganizationFactory, PersonFactory

pytestmark = pytest.mark.django_db

Moment = Callable[..., datetime]


@pytest.fixture
def charity() -> Organization:
    made: Organization = OrganizationFactory()
    return made


@pytest.fixture
def donor(charity: Organization) -> Person:
    made: Person = PersonFactory(owning_organization=charity)
    return made


@pytest.fixture
def office_hours(charity: Organization) -> CallingRules:
    """As the code has them: weekdays 09-22, Saturday 10-16, closed on Sundays."""
    made: CallingRules = CallingRulesFactory(
        organization=charity,
        from_date=date(2020, 1, 1),
        weekdays_open=time(9),
        weekdays_close=time(22),
        saturday_open=time(10),
        saturday_close=time(16),
        sunday_open=None,
        sunday_close=None,
        source="Code Telemarketing",
        checked_at=date(2026, 10, 1),
    )
    return made


def on(text: str) -> datetime:
    """A moment by the clock on the wall in Amsterdam, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM).astimezone(UTC)


@pytest.mark.parametrize(
    ("sunday", "first_weekday", "in_utc"),
    [
        ("2026-03-29", "2026-03-30", "2026-03-30T07:00:00+00:00"),
        ("2026-10-25", "2026-10-26", "2026-10-26T08:00:00+00:00"),
    ],
    ids=["to summer time", "to winter time"],
)
def test_nine_o_clock_stays_nine_o_clock_when_the_clock_changes(
    donor: Person, office_hours: CallingRules, sunday: str, first_weekday: str, in_utc: str
) -> None:
    found = ground(donor, "verification", at=on(f"{sunday}T12:00"))

    assert found.next_at == on(f"{first_weekday}T09:00") == datetime.fromisoformat(in_utc)
    assert not ground(donor, "verification", at=on(f"{first_weekday}T08:59")).is_allowed
    assert ground(donor, "verification", at=on(f"{first_weekday}T09:00")).is_allowed


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)], ids=["short day", "long day"]
)
def test_a_window_over_such_a_night_lasts_as_long_as_the_day(
    charity: Organization, donor: Person, day: str, hours: int
) -> None:
    CallingRulesFactory(organization=charity, sunday_open=time(0), sunday_close=time(23, 59))

    opens, closes = next(
        Rulebook.read().openings(charity.pk, "verification", at=on(f"{day}T00:00"))
    )

    assert (closes - opens).total_seconds() == hours * 3600
    # The hour that comes twice is open both times.
    for moment in ("00:30+00:00", "01:30+00:00"):
        at = datetime.fromisoformat(f"{day}T{moment}")
        assert ground(donor, "verification", at=at).is_allowed


def test_a_holiday_is_closed_and_says_its_name(
    charity: Organization, donor: Person, office_hours: CallingRules
) -> None:
    ClosedDay.objects.create(date=date(2026, 12, 25), name="Eerste kerstdag")

    found = ground(donor, "verification", at=on("2026-12-25T10:00"))

    assert (found.is_allowed, found.code) == (False, "closed_day")
    assert "Eerste kerstdag" in found.words
    # The day after is a Saturday.
    assert found.next_at == on("2026-12-26T10:00")


def test_a_day_that_ends_early_is_open_until_then(
    donor: Person, office_hours: CallingRules
) -> None:
    ClosedDay.objects.create(date=date(2026, 12, 24), name="Kerstavond", closes_at=time(18, 30))

    assert ground(donor, "verification", at=on("2026-12-24T18:29")).until == on("2026-12-24T18:30")
    late = ground(donor, "verification", at=on("2026-12-24T18:30"))
    assert (late.code, late.next_at) == ("closed_day", on("2026-12-25T09:00"))
    # After ten at night it is not the day that closes.
    assert ground(donor, "verification", at=on("2026-12-24T22:30")).code == "closed"


def test_a_closed_day_of_another_organisation_is_no_matter(
    donor: Person, office_hours: CallingRules
) -> None:
    ClosedDay.objects.create(
        organization=OrganizationFactory(), date=date(2026, 11, 24), name="Jubileum"
    )

    assert ground(donor, "verification", at=on("2026-11-24T10:00")).is_allowed


def test_what_an_organisation_closes_itself_counts_beside_what_is_closed_for_all(
    charity: Organization, donor: Person, office_hours: CallingRules
) -> None:
    ClosedDay.objects.create(date=date(2026, 12, 24), name="Kerstavond", closes_at=time(18, 30))
    ClosedDay.objects.create(organization=charity, date=date(2026, 12, 24), name="Vrij")

    assert not ground(donor, "verification", at=on("2026-12-24T10:00")).is_allowed


def test_nothing_is_open_where_nothing_is_configured(donor: Person) -> None:
    found = ground(donor, "verification", at=on("2026-11-24T10:00"))

    assert (found.is_allowed, found.code, found.next_at) == (False, "no_rules", None)


def test_texts_keep_the_same_hours(donor: Person, office_hours: CallingRules) -> None:
    ClosedDay.objects.create(date=date(2026, 12, 25), name="Eerste kerstdag")

    assert may_text(donor, Medium.SMS, at=on("2026-12-24T10:00")).is_allowed
    found = may_text(donor, Medium.SMS, at=on("2026-12-25T10:00"))
    assert (found.code, found.next_at) == ("text_closed", on("2026-12-26T10:00"))


def test_the_ground_names_the_rules_and_where_they_come_from(
    donor: Person, office_hours: CallingRules
) -> None:
    proof = ground(donor, "verification", at=on("2026-11-24T10:00")).as_proof()

    assert proof["rules_source"] == "Code Telemarketing"
    assert (proof["rules_from"], proof["rules_looked_up"]) == ("2020-01-01", "2026-10-01")
    assert proof["until"] == on("2026-11-24T22:00").isoformat()


def test_the_command_adds_holidays_and_days_of_remembrance_once() -> None:
    out = StringIO()
    call_command("closed_days", "--years", "1", stdout=out)
    call_command("closed_days", "--years", "1", stdout=StringIO())

    days = {day.name: day for day in ClosedDay.objects.all()}
    assert "Kerstavond: until 18:30" in out.getvalue()
    assert days["Dodenherdenking"].closes_at == time(18, 30)
    assert days["Koningsdag"].closes_at is None
    assert "Goede vrijdag" not in days
    assert "Sinterklaasavond" in days
    assert len(days) == ClosedDay.objects.count()
    assert AuditEntry.objects.filter(action="closed_days.added").count() == 1


def test_five_may_is_closed_in_the_years_in_which_it_is_a_day_off() -> None:
    actions.add_closed_days(years=[2029, 2030], at=on("2026-11-24T10:00"))

    assert ClosedDay.objects.filter(name="Bevrijdingsdag").values_list("date", flat=True).get() == (
        date(2030, 5, 5)
    )


def test_what_a_manager_set_otherwise_stays() -> None:
    ClosedDay.objects.create(date=date(2027, 4, 27), name="Koningsdag", closes_at=time(12))

    actions.add_closed_days(years=[2027], at=on("2026-11-24T10:00"))

    assert ClosedDay.objects.get(date=date(2027, 4, 27)).closes_at == time(12)
