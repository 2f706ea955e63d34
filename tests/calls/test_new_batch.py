"""A message in bulk, filled in, looked at and sent; all without scripts."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from calls.models import Call
from pledges.models import Batch, LeftOut, MessageScript, Organization, Person, TextMessage
from tests.calls.bulk import BulkForm, day, english, form, offered, open_calls, script
from tests.factories import PayLinkFactory, PersonFactory, UserFactory, now
from tests.pledges.browsing import words_of

__all__ = ["english", "form", "offered", "script"]  # the fixtures


def test_it_says_who_gets_it_and_why_others_do_not_before_it_is_sent(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    open_calls(3, belcentrum, helder_water)
    open_calls(2, belcentrum, helder_water, opt_in_sms=False)
    open_calls(1, belcentrum, helder_water, mobile_e164=None)
    said = words_of(form.ask(script))
    assert "3 donors of Stichting Helder Water get “Terugbelbericht” (text message)." in said
    assert "3 of them were never asked" in said
    assert "3 donors may not get it" in said
    assert "2 this kind of message refused" in said
    assert "1 no number or address" in said
    assert "import schedule, not known here" in said
    assert not Batch.objects.exists()

    answer = form.send(send="yes")
    batch = Batch.objects.get()
    assert answer["Location"] == reverse("batch", args=[batch.pk])
    assert (batch.size, LeftOut.objects.filter(batch=batch).count()) == (3, 3)
    shown = words_of(form.client.get(answer["Location"]))
    assert "0 of 3 messages have their answer." in shown
    assert "calls to be made, all types" in shown


def test_sent_twice_it_is_one_and_the_second_answer_shows_it(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    open_calls(2, belcentrum, helder_water)
    form.ask(script)
    first, second = form.send(send="yes"), form.send(send="yes")
    assert first["Location"] == second["Location"]
    assert Batch.objects.count() == 1


def test_more_than_was_shown_are_not_sent_to(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    open_calls(2, belcentrum, helder_water)
    form.ask(script)
    open_calls(1, belcentrum, helder_water)
    answer = form.send(send="yes")
    assert answer.status_code == 409
    assert "By now 3 donors would get it" in words_of(answer)
    assert not Batch.objects.exists()
    # What was typed stands there; looked at again it can be sent.
    form.look()
    assert form.send(send="yes").status_code == 302


def test_those_who_may_not_are_paged_without_losing_the_form(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    open_calls(1, belcentrum, helder_water)
    open_calls(120, belcentrum, helder_water, opt_in_sms=False)
    form.ask(script)
    second = form.see(f"{form.looked_at}&page=2")
    assert "page 2 of 3" in words_of(second)
    assert second.content.decode().count("/persons/") == 50
    assert form.send(send="yes").status_code == 302


def test_nobody_may_and_the_form_says_why(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    answer = form.ask(script)
    assert answer.status_code == 409
    assert "Nobody fits this" in words_of(answer)
    open_calls(2, belcentrum, helder_water, opt_in_sms=False)
    answer = form.look()
    assert "None of these donors may get this message now." in words_of(answer)
    assert "2 this kind of message refused" in words_of(answer)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"script": ""}, "Choose a message."),
        ({"kind": "unpaid", "from_date": ""}, "Write from which day."),
        ({"kind": "unpaid", "from_date": "02-11-2026", "until_date": "01-11-2026"}, "comes before"),
        ({"kind": "not_reached", "attempts": ""}, "after how many attempts"),
        ({"kind": "numbers", "numbers": "12345"}, "There is no number of a call in this."),
        ({"kind": "numbers", "numbers": "x" * 500_001}, "at most"),
        ({"way": "file"}, "One file is for 1.000 donors and more."),
    ],
)
def test_what_is_missing_is_told_beside_it(
    form: BulkForm,
    script: MessageScript,
    belcentrum: Organization,
    helder_water: Organization,
    typed: dict[str, str],
    told: str,
) -> None:
    open_calls(1, belcentrum, helder_water)
    answer = form.ask(script, **typed)
    assert answer.status_code in {409, 422}
    assert told in words_of(answer)


def test_what_was_wrong_in_a_field_that_no_longer_counts_stops_nobody(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    MessageScript.objects.filter(pk=script.pk).update(carries="paylink")
    open_calls(1, belcentrum, helder_water)
    assert form.ask(script, amount_rule="fixed", amount="-5").status_code == 422
    answer = form.look(amount_rule="pledge", amount="-5", attempts="0", from_date="gisteren")
    # Nothing is known of the pledge, so nobody gets it; but the form itself is right.
    assert answer.status_code == 409
    assert "no amount known" in words_of(answer)


def test_an_amount_is_asked_for_where_the_message_needs_one(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    MessageScript.objects.filter(pk=script.pk).update(carries="paylink")
    open_calls(1, belcentrum, helder_water)
    assert "choose which" in words_of(form.ask(script, amount_rule="none"))
    assert "Write the amount" in words_of(form.look(amount_rule="fixed"))
    assert "unpaid PayLink" in words_of(form.look(amount_rule="link"))
    assert "between € 1,00 and € 250,00" in words_of(form.look(amount_rule="fixed", amount="999"))
    said = words_of(form.look(amount_rule="fixed", amount="12,50"))
    assert "Each is asked for € 12,50." in said
    assert "In it is a PayLink of its own" in said


def test_numbers_of_calls_come_as_they_are_copied(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    open_calls(2, belcentrum, helder_water)
    first, second = Call.objects.values_list("pk", flat=True)
    pasted = f"{first}; '{second}'\n{first} 5cf67f69-34d0-46fe-b904-20d56248a844"
    said = words_of(form.ask(script, kind="numbers", numbers=pasted))
    assert "2 donors of Stichting Helder Water get" in said
    assert "1 number is of no call that you may see" in said


def test_the_look_is_an_address_that_can_be_read_again_and_given_to_a_colleague(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    (person, *_) = open_calls(3, belcentrum, helder_water, opt_in_sms=None)
    form.ask(script, kind="not_reached", attempts="2", call_type="verification")
    Call.objects.update(attempts_count=2, type="verification")
    assert form.looked_at.startswith(reverse("new_batch") + "?")
    # No more stands there than what counts, and nothing of a donor or of this form.
    asked = QueryDict(form.looked_at.partition("?")[2])
    assert asked.dict() == {
        "script": str(script.pk),
        "kind": "not_reached",
        "attempts": "2",
        "call_type": "verification",
        "amount_rule": "none",
        "way": "rows",
    }
    # To a donor and back again, and what happened meanwhile is told.
    Person.objects.filter(pk=person.pk).update(opt_in_sms=False)
    said = words_of(form.see(form.looked_at))
    assert "2 donors of Stichting Helder Water get" in said
    assert "1 this kind of message refused" in said
    colleague = BulkForm(a_colleague(helder_water, belcentrum), reverse("new_batch"))
    assert words_of(colleague.see(form.looked_at)).count("2 donors of Stichting") == 1
    # A look sends nothing, whoever looks; each sends what they saw, and nobody gets two.
    assert not Batch.objects.exists()
    assert colleague.send(send="yes").status_code == 302
    answer = form.send(send="yes")
    assert "None of these donors may get this message now" in words_of(answer)
    assert TextMessage.objects.count() == 2


def a_colleague(*organizations: Organization) -> User:
    made: User = UserFactory(role=User.Role.SUPERVISOR, language="en", organizations=organizations)
    return made


def test_an_address_of_another_organisation_shows_nothing(
    form: BulkForm,
    script: MessageScript,
    belcentrum: Organization,
    helder_water: Organization,
    dierenhulp: Organization,
) -> None:
    open_calls(1, belcentrum, helder_water)
    form.ask(script)
    stranger = BulkForm(a_colleague(dierenhulp), reverse("new_batch"))
    answer = stranger.see(form.looked_at)
    assert answer.status_code == 422
    assert "Choose one of these messages." in words_of(answer)


def test_changing_it_begins_with_what_was_filled_in(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    open_calls(1, belcentrum, helder_water)
    answer = form.ask(script, call_type="verification", way="rows")
    (change,) = re.findall(r'href="([^"]+)">Change it', answer.content.decode())
    form.see(reverse("new_batch") + change.replace("&amp;", "&"))
    assert form.fields["script"] == str(script.pk)
    assert (form.fields["kind"], form.fields["call_type"]) == (["open"], "verification")
    # What did not count has its usual value again.
    assert form.fields["from_date"]
    assert form.look(call_type="").status_code == 200


def test_a_long_list_of_numbers_has_a_short_address(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    open_calls(90, belcentrum, helder_water)
    numbers = "\n".join(map(str, Call.objects.values_list("pk", flat=True)))
    said = form.said(script, kind="numbers", numbers=numbers)
    assert "90 donors of Stichting Helder Water get" in said
    assert len(form.looked_at) < 200
    assert "90 donors" in words_of(form.see(form.looked_at))
    assert form.send(send="yes").status_code == 302
    cache.clear()
    assert "These numbers are kept for a week" in words_of(form.see(form.looked_at))
    assert form.see(f"{form.looked_at[:-40]}&list=../x").status_code == 422


def test_it_says_for_which_organisation_how_many_and_what_the_amounts_come_to(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    MessageScript.objects.filter(pk=script.pk).update(carries="paylink")
    for euros in ("5.00", "12.50", "20.00"):
        person = PersonFactory(owning_organization=helder_water)
        PayLinkFactory(person=person, at=now() - timedelta(days=2), amount=euros)
    said = form.said(script, kind="unpaid", from_date=day(7), until_date=day(1), amount_rule="link")
    assert (
        "organisation Stichting Helder Water messages 3 lowest € 5,00 highest € 20,00 "
        "together € 37,50" in said
    )
    said = words_of(
        form.see(form.looked_at.replace("amount_rule=link", "amount_rule=fixed&amount=10"))
    )
    assert "messages 3 each € 10,00 together € 30,00" in said


def test_why_the_last_day_is_yesterday_is_said(form: BulkForm) -> None:
    said = form.open()
    assert form.fields["until_date"] == day(1)
    assert "whoever got a link today may still be about to pay it" in said


def test_from_how_many_on_a_file_is_possible_is_a_setting(
    form: BulkForm,
    script: MessageScript,
    belcentrum: Organization,
    helder_water: Organization,
    settings: Settings,
) -> None:
    settings.LEAST_FOR_FILE = 3
    open_calls(2, belcentrum, helder_water)
    assert "As one file, from 3 donors on" in form.open()
    assert "One file is for 3 donors and more" in form.said(script, way="file")
    open_calls(1, belcentrum, helder_water)
    assert "as one file" in form.said(script, way="file")
    assert form.send(send="yes").status_code == 302
    assert Batch.objects.get().is_file


def test_the_look_asks_as_much_for_many_as_for_few(
    form: BulkForm, script: MessageScript, belcentrum: Organization, helder_water: Organization
) -> None:
    def asked(count: int) -> int:
        open_calls(count, belcentrum, helder_water)
        open_calls(count, belcentrum, helder_water, opt_in_sms=False)
        with CaptureQueriesContext(connection) as seen:
            form.see(form.looked_at)
        return len(seen)

    open_calls(1, belcentrum, helder_water)
    form.ask(script)
    form.see(form.looked_at)
    assert asked(2) == asked(40)
