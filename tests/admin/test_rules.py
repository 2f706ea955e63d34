"""What managers set for an organisation: told in words with what it does, before it holds."""

import re
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from calls.counting import count_queue
from calls.models import Call, CheckRules, QueueCount, QueueCounting
from pledges.models import CallingRules, ClosedDay, Organization
from tests.admin.rows import add_page_of, another, list_of, looked_at, page_of
from tests.factories import (
    AttemptFactory,
    CallFactory,
    CallingRulesFactory,
    CheckRulesFactory,
    ClosedDayFactory,
    OrganizationFactory,
    PersonFactory,
)
from tests.pledges import browsing

pytestmark = pytest.mark.django_db

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
# A Tuesday evening, at which most call centres have just closed.
TUESDAY = datetime(2026, 11, 24, 20, 30, tzinfo=AMSTERDAM)
RULES = add_page_of(CallingRules)
CHECKS = add_page_of(CheckRules)


@pytest.fixture
def _tuesday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: TUESDAY)


def words_of(answer: Any) -> str:
    return unescape(browsing.words_of(answer))


def hours(organization: Organization, **changes: str) -> dict[str, str]:
    """The form of new calling rules, from today on."""
    return {
        "organization": str(organization.pk),
        "call_type": "",
        "from_date": "2026-11-24",
        "weekdays_open": "09:00",
        "weekdays_close": "22:00",
        "max_attempts": "3",
        "gap_minutes": "240",
        **changes,
    }


def in_force(organization: Organization, **changes: Any) -> CallingRules:
    """Weekdays from nine to eight, as it was."""
    made: CallingRules = CallingRulesFactory(
        **{
            "organization": organization,
            "from_date": date(2026, 1, 1),
            "weekdays_open": "09:00",
            "weekdays_close": "20:00",
            "saturday_open": None,
            "saturday_close": None,
            "sunday_open": None,
            "sunday_close": None,
            **changes,
        }
    )
    return made


@pytest.mark.usefixtures("_tuesday")
class TestCallingRules:
    def test_a_manager_reads_what_longer_hours_do_before_they_hold(
        self, manager: Client, helder_water: Organization, call: Call
    ) -> None:
        in_force(helder_water)
        one_more = CallFactory(
            person=PersonFactory(owning_organization=helder_water),
            calling_organization=call.calling_organization,
        )
        AttemptFactory(call=one_more, at=TUESDAY - timedelta(minutes=30))
        shown = words_of(manager.post(RULES, hours(helder_water)))
        assert "From now on, for Stichting Helder Water, calls of every type:" in shown
        assert "Today calls may be made 09:00–22:00 (was: 09:00–20:00)." in shown
        assert "1 of 2 open calls can be called now (was: 0)." in shown
        assert "Nothing is saved yet." in shown
        assert CallingRules.objects.count() == 1

        answer = looked_at(manager, RULES, hours(helder_water))
        assert answer.status_code == 302
        made = CallingRules.objects.latest("pk")
        assert f"{made.weekdays_close:%H:%M}" == "22:00"
        facts = AuditEntry.objects.get(action="callingrules.added").facts
        assert facts == {"organization": str(helder_water.pk), "from_date": "2026-11-24"}
        # What was told is what the floor counts once it holds.
        count_queue(at=TUESDAY)
        now = QueueCount.objects.filter(why=QueueCount.Why.NOW)
        assert [one.calls for one in now] == [1]

    def test_in_dutch_a_day_without_hours_is_no_call_that_ended(
        self, manager: Client, helder_water: Organization
    ) -> None:
        User.objects.update(language="nl")
        in_force(helder_water)
        longer = hours(helder_water, saturday_open="09:00", saturday_close="17:00")
        shown = words_of(manager.post(RULES, longer))
        assert "Zaterdag: 09:00–17:00 (was: gesloten)." in shown
        assert "(was: 09:00–20:00)." in shown

    def test_what_was_not_looked_at_is_not_saved(
        self, manager: Client, helder_water: Organization
    ) -> None:
        shown = manager.post(RULES, hours(helder_water)).content.decode()
        seen = re.findall(r'name="looked_at" value="(\w+)"', shown)[0]
        other = hours(helder_water, weekdays_close="23:00", looked_at=seen)
        assert "09:00–23:00" in words_of(manager.post(RULES, other))
        assert not CallingRules.objects.exists()

    def test_nor_is_what_somebody_else_changed_meanwhile(
        self, manager: Client, helder_water: Organization
    ) -> None:
        made = in_force(helder_water)
        form = hours(helder_water, from_date="2026-01-01", gap_minutes="60")
        shown = manager.post(page_of(made), form).content.decode()
        seen = re.findall(r'name="looked_at" value="(\w+)"', shown)[0]
        CallingRules.objects.update(max_attempts=7)
        again = manager.post(page_of(made), {**form, "looked_at": seen})
        assert again.status_code == 200
        assert "3 attempts at most (was: 7 attempts at most)" in words_of(again)

    def test_rules_to_come_say_what_they_do_on_their_first_day(
        self, manager: Client, helder_water: Organization, call: Call
    ) -> None:
        in_force(helder_water)
        form = hours(helder_water, from_date="2026-12-01", gap_minutes="60", max_attempts="")
        shown = words_of(manager.post(RULES, form))
        assert "From Tuesday 1 December on, for Stichting Helder Water" in shown
        assert "On Tuesday 1 December calls may be made 09:00–22:00 (was: 09:00–20:00)." in shown
        assert "As many attempts as it takes (was: 3 attempts at most)." in shown
        assert "at least 1 hour until the next one (was: after a dial that missed, at le" in shown
        assert "Of 1 calls that are open today, 1 can be called on" in shown
        looked_at(manager, RULES, form)
        rows = words_of(manager.get(list_of(CallingRules)))
        assert "from 1 December 2026" in rows
        assert "in force since 1 January 2026" in rows

    def test_a_closed_day_counts(self, manager: Client, helder_water: Organization) -> None:
        in_force(helder_water)
        ClosedDayFactory(date=date(2026, 11, 24), name="Verzonnen feest")
        shown = words_of(
            manager.post(RULES, hours(helder_water, sunday_open="10:00", sunday_close="12:00"))
        )
        assert "Today nobody is called, as before." in shown
        assert "Sunday: 10:00–12:00 (was: closed)." in shown

    def test_rules_of_one_type_change_that_type_alone(
        self, manager: Client, helder_water: Organization
    ) -> None:
        in_force(helder_water)
        form = hours(helder_water, call_type="winback")
        assert "for Stichting Helder Water, winback:" in words_of(manager.post(RULES, form))

    def test_what_is_replaced_already_is_said_to_be(
        self, manager: Client, helder_water: Organization
    ) -> None:
        in_force(helder_water, from_date=date(2026, 11, 20))
        form = hours(helder_water, from_date="2026-11-01")
        assert "Nothing changes: newer rules" in words_of(manager.post(RULES, form))
        looked_at(manager, RULES, form)
        rows = words_of(manager.get(list_of(CallingRules)))
        assert "replaced by those of 20 November 2026" in rows

    def test_what_goes_says_what_holds_then(
        self, manager: Client, helder_water: Organization
    ) -> None:
        made = in_force(helder_water)
        address = page_of(made).replace("/change/", "/delete/")
        shown = words_of(manager.get(address))
        assert "Nobody is called: no calling hours are set." in shown
        manager.post(address, {"post": "yes"})
        assert not CallingRules.objects.exists()

    def test_many_do_not_go_at_once_unread(
        self, manager: Client, helder_water: Organization
    ) -> None:
        made = in_force(helder_water)
        chosen = {"action": "delete_selected", "_selected_action": [made.pk], "post": "yes"}
        manager.post(list_of(CallingRules), chosen)
        assert CallingRules.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"weekdays_close": ""}, "Give both times, or neither"),
            ({"weekdays_close": "08:00"}, "Calling cannot end before it begins."),
            ({"max_attempts": "0"}, "without attempts nobody is called"),
            ({"gap_minutes": "99999"}, "More than a month"),
            ({"from_date": "2026-01-01"}, "There are rules that begin on this day already"),
        ],
    )
    def test_what_is_wrong_is_said_in_one_sentence(
        self, manager: Client, helder_water: Organization, changes: dict[str, str], words: str
    ) -> None:
        in_force(helder_water)
        answer = looked_at(manager, RULES, hours(helder_water, **changes))
        assert words in words_of(answer)
        assert "onstraint" not in words_of(answer)
        assert CallingRules.objects.count() == 1

    def test_new_rules_begin_as_those_that_they_replace(
        self, manager: Client, helder_water: Organization
    ) -> None:
        in_force(helder_water, gap_minutes=77)
        page = manager.get(f"{RULES}?organization={helder_water.pk}").content.decode()
        assert 'value="77"' in page
        assert 'value="2026-11-25"' in page
        assert 'value="20:00"' in page

    @pytest.mark.parametrize("nonsense", ["x", "00000000-0000-0000-0000-000000000000"])
    def test_an_address_that_names_no_organisation_opens_an_empty_form(
        self, manager: Client, nonsense: str
    ) -> None:
        assert manager.get(f"{RULES}?organization={nonsense}").status_code == 200

    def test_a_look_at_many_calls_says_at_least(
        self,
        manager: Client,
        helder_water: Organization,
        call: Call,
        monkeypatch: pytest.MonkeyPatch,
        django_assert_max_num_queries: Any,
    ) -> None:
        in_force(helder_water)
        for _ in range(3):
            another(call)
        monkeypatch.setattr("calls.foresight.MOST", 2)
        with django_assert_max_num_queries(30):
            shown = words_of(manager.post(RULES, hours(helder_water)))
        assert "At least 2 open calls can be called now (was: at least 0): 2 were look" in shown

    def test_a_supervisor_reads_and_changes_nothing(
        self, supervisor: Client, helder_water: Organization, dierenhulp: Organization
    ) -> None:
        ours, theirs = in_force(helder_water), in_force(dierenhulp)
        assert supervisor.get(page_of(ours)).status_code == 200
        assert supervisor.post(page_of(ours), hours(helder_water)).status_code == 403
        assert supervisor.get(RULES).status_code == 403
        assert supervisor.get(page_of(theirs)).status_code == 404
        shown = supervisor.get(list_of(CallingRules)).content.decode()
        assert "Dierenhulp" not in shown


@pytest.mark.usefixtures("_tuesday")
class TestTheOrganisation:
    def test_its_page_tells_everything_that_is_set(
        self, manager: Client, helder_water: Organization, django_assert_max_num_queries: Any
    ) -> None:
        in_force(helder_water)
        CheckRulesFactory(organization=helder_water, needed=["name", "account"])
        with django_assert_max_num_queries(20):
            shown = words_of(manager.get(page_of(helder_water)))
        assert "every type of call · in force since 1 January 2026" in shown
        assert "Monday to Friday 09:00–20:00 · Saturday closed · Sunday closed" in shown
        assert "'Confirmed' needs: name, account number" in shown
        assert "Nothing of paying is offered to donors." in shown
        assert "No script is in force: agents see none." in shown

    def test_which_calls_become_ours_is_told_first(
        self, manager: Client, helder_water: Organization
    ) -> None:
        person = PersonFactory(owning_organization=helder_water)
        CallFactory(person=person, calling_organization=None)
        form = {"serves_unassigned_calls": "on"}
        shown = words_of(manager.post(page_of(helder_water), form))
        assert "that name no caller; open now: 1." in shown
        helder_water.refresh_from_db()
        assert not helder_water.serves_unassigned_calls
        looked_at(manager, page_of(helder_water), form)
        helder_water.refresh_from_db()
        assert helder_water.serves_unassigned_calls

    def test_a_supervisor_reads_it_without_buttons(
        self, supervisor: Client, helder_water: Organization
    ) -> None:
        page = supervisor.get(page_of(helder_water)).content.decode()
        assert "Set other calling hours" not in page
        assert 'name="_save"' not in page


@pytest.mark.usefixtures("_tuesday")
class TestClosedDays:
    def test_which_hours_are_lost_is_told_first(
        self, manager: Client, helder_water: Organization, dierenhulp: Organization
    ) -> None:
        in_force(helder_water)
        in_force(dierenhulp, weekdays_close="18:00")
        form = {"date": "2026-12-25", "name": "Eerste kerstdag", "closes_at": "18:30"}
        shown = words_of(manager.post(add_page_of(ClosedDay), form))
        assert (
            "Stichting Helder Water: on Friday 25 December 2026 calls may be made 09:00–18:30 "
            "(was: 09:00–20:00)." in shown
        )
        assert "Dierenhulp Noord: Friday 25 December 2026 stays as it was, 09:00–18:00." in shown
        looked_at(manager, add_page_of(ClosedDay), form)
        assert ClosedDay.objects.get().name == "Eerste kerstdag"

    def test_a_day_that_is_closed_today_says_what_that_takes_away(
        self, manager: Client, helder_water: Organization, call: Call
    ) -> None:
        in_force(helder_water, weekdays_open="00:00", weekdays_close="23:59")
        counting = QueueCounting.objects.create(at=timezone.now(), took=1)
        for why, calls in (("now", 1200), ("now", 34), ("spent", 5)):
            QueueCount.objects.create(
                counting=counting,
                organization=helder_water,
                why=why,
                deadline=QueueCount.Deadline.NONE,
                calls=calls,
            )
        form = {"date": "2026-11-24", "name": "Studiedag"}
        shown = words_of(manager.post(add_page_of(ClosedDay), form))
        assert (
            "Stichting Helder Water: nobody is called any more on Tuesday 24 November 2026; until "
            "now calls may be made then: all day." in shown
        )
        assert "That is about 1.234 open calls that could be made at" in shown

    def test_a_day_is_on_the_list_once(self, manager: Client) -> None:
        ClosedDayFactory(date=date(2026, 12, 25))
        form = {"date": "2026-12-25", "name": "Kerst"}
        answer = looked_at(manager, add_page_of(ClosedDay), form)
        assert "This day is on the list already" in words_of(answer)

    def test_a_supervisor_is_told_of_no_other_organisation(
        self, supervisor: Client, helder_water: Organization
    ) -> None:
        OrganizationFactory(name="Stichting Elders")
        assert "Elders" not in supervisor.get(list_of(ClosedDay)).content.decode()


@pytest.mark.usefixtures("_tuesday")
class TestCheckRules:
    def form(self, organization: Organization, **changes: Any) -> dict[str, Any]:
        return {
            "organization": str(organization.pk),
            "call_type": "",
            "from_date": "2026-11-24",
            "needed": ["account", "name", "amount"],
            "wrong_answers": "3",
            **changes,
        }

    def test_a_manager_ticks_what_must_be_right_and_reads_it_in_words(
        self, manager: Client, helder_water: Organization
    ) -> None:
        shown = words_of(manager.post(CHECKS, self.form(helder_water)))
        assert (
            "'Confirmed' needs: name, amount and interval, account number (was: name, amount and "
            "interval)." in shown
        )
        assert "May be skipped: date of birth, address, phone, e-mail, start." in shown
        assert looked_at(manager, CHECKS, self.form(helder_water)).status_code == 302
        made = CheckRules.objects.get()
        assert made.needed == ["name", "amount", "account"]
        listed = words_of(manager.get(list_of(CheckRules)))
        assert "name, amount and interval, account number" in listed
        assert "in force since 24 November 2026" in listed
        assert "[" not in words_of(manager.get(page_of(made)))

    def test_nothing_ticked_is_an_answer_too(
        self, manager: Client, helder_water: Organization
    ) -> None:
        form = self.form(helder_water, needed=[], wrong_answers="5")
        shown = words_of(manager.post(CHECKS, form))
        assert "'Confirmed' needs nothing to be gone through" in shown
        assert "After 5 wrong answers it counts as somebody else (was: 3)." in shown
        looked_at(manager, CHECKS, form)
        assert CheckRules.objects.get().needed == []

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"needed": ["hobby"]}, "Select a valid choice. hobby is not one of"),
            ({"wrong_answers": "0"}, "Give 1 or more"),
            ({"from_date": "2026-01-01"}, "There are rules that begin on this day already"),
        ],
    )
    def test_what_is_wrong_is_said_in_one_sentence(
        self, manager: Client, helder_water: Organization, changes: Any, words: str
    ) -> None:
        CheckRulesFactory(organization=helder_water, from_date=date(2026, 1, 1))
        answer = looked_at(manager, CHECKS, self.form(helder_water, **changes))
        assert words in words_of(answer)
        assert CheckRules.objects.count() == 1

    def test_a_supervisor_reads_names_and_no_json(
        self, supervisor: Client, helder_water: Organization, carol: User
    ) -> None:
        made = CheckRulesFactory(organization=helder_water, needed=["name"])
        shown = words_of(supervisor.get(page_of(made)))
        assert "['name']" not in shown
        assert "must be right" in shown.lower()
