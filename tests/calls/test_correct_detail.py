"""What the donor says is different: checked as it is typed, kept for the charity, and told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from calls.models import Call, Check, Completion
from pledges.models import Correction
from tests.calls.conftest import Desk
from tests.calls.test_check_details import on_the_line

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
IBAN = "NL91ABNA0417164300"
ADDRESS = {
    "address-street": "Verzonnenlaan",
    "address-house_number": "12",
    "address-house_number_extension": "bis",
    "address-zip_code": "3572ac",
    "address-city": "Utrecht",
}


@pytest.fixture
def desk(alice: User, call: Call, at_desk: AtDesk) -> Desk:
    on_the_line(call, alice)
    desk = at_desk(alice)
    desk.look(call)
    return desk


def correct(desk: Desk, call: Call, item: str, **fields: str) -> Any:
    return desk.press(call, "corrections", htmx=True, correction=item, **fields)


def look(desk: Desk, call: Call, item: str, **fields: str) -> str:
    answer = desk.press(call, "corrections/look", htmx=True, correction=item, **fields)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_address_is_kept_in_the_form_that_the_post_wants(desk: Desk, call: Call) -> None:
    answer = correct(desk, call, "address", **ADDRESS)

    assert answer.status_code == 200
    told = "correction for Stichting Helder Water: Verzonnenlaan 12 bis, 3572 AC Utrecht"
    assert told in answer.content.decode()
    correction = Correction.objects.get()
    assert correction.now["zip_code"] == "3572 AC"
    assert correction.was["street"] == "Bedachtestraat"
    assert correction.state == "open"
    assert (correction.person, correction.call_uuid) == (call.person, call.pk)
    check = Check.objects.get()
    assert (check.item, check.answer, check.correction) == ("address", "corrected", correction)


@pytest.mark.parametrize(
    ("item", "fields", "kept", "remark"),
    [
        ("phone", {"phone-phone": "06 1234 5678"}, "+31612345678", "06 12345678"),
        ("email", {"email-email": "nieuw@example.org"}, "nieuw@example.org", ""),
        ("account", {"account-iban": "nl91 abna 0417 1643 00"}, IBAN, "ABN AMRO"),
        ("payment_day", {"payment_day-preferred_payment_day": "27"}, "27", ""),
        ("date_of_birth", {"date_of_birth-date_of_birth": "17-3-1984"}, "1984-03-17", ""),
    ],
)
def test_each_detail_is_kept_in_one_spelling(
    desk: Desk, call: Call, item: str, fields: dict[str, str], kept: str, remark: str
) -> None:
    assert remark in look(desk, call, item, **fields)
    assert not Correction.objects.exists()

    assert correct(desk, call, item, **fields).status_code == 200
    assert list(Correction.objects.get().now.values()) == [kept]


@pytest.mark.parametrize(
    ("item", "fields", "words"),
    [
        ("address", {**ADDRESS, "address-zip_code": "0123 AB"}, "four digits and two letters"),
        ("address", {**ADDRESS, "address-zip_code": "1234 SS"}, "four digits and two letters"),
        ("address", {**ADDRESS, "address-house_number": "12 bis"}, "goes under extension"),
        ("phone", {"phone-phone": "06 1234"}, "no phone number"),
        ("email", {"email-email": "nieuw@"}, "no e-mail address"),
        ("account", {"account-iban": "NL91ABNA0417164301"}, "is not right"),
        ("date_of_birth", {"date_of_birth-date_of_birth": "17-3-2084"}, "nobody was born then"),
    ],
)
def test_what_cannot_be_is_told_as_it_is_typed_and_refused_when_it_is_kept(
    desk: Desk, call: Call, item: str, fields: dict[str, str], words: str
) -> None:
    assert words in look(desk, call, item, **fields)

    refused = correct(desk, call, item, **fields)

    assert refused.status_code == 422
    assert words in refused.content.decode()
    for typed in fields.values():
        assert f'value="{typed}"' in refused.content.decode()
    assert not Correction.objects.exists()


def test_what_stands_there_already_is_no_correction(desk: Desk, call: Call) -> None:
    answer = correct(desk, call, "email", **{"email-email": call.person.email or ""})

    assert answer.status_code == 422
    assert "what stands there already" in answer.content.decode()


def test_what_was_typed_in_other_lines_stays(desk: Desk, call: Call) -> None:
    fields = {**ADDRESS, "email-email": "nieuw@example.org", "check_address": "corrected"}

    page = correct(desk, call, "email", **fields).content.decode()

    assert 'value="Verzonnenlaan"' in page
    assert 'value="3572ac"' in page


def test_said_once_more_the_newer_one_stands(desk: Desk, call: Call) -> None:
    correct(desk, call, "email", **{"email-email": "een@example.org"})
    correct(desk, call, "email", **{"email-email": "twee@example.org"})

    assert Correction.objects.get().now == {"email": "twee@example.org"}


def test_right_after_all_takes_it_back_unless_the_charity_has_it(desk: Desk, call: Call) -> None:
    correct(desk, call, "email", **{"email-email": "een@example.org"})
    desk.press(call, "checks", htmx=True, item="email", check_email="confirmed")
    assert not Correction.objects.exists()

    correct(desk, call, "email", **{"email-email": "een@example.org"})
    Correction.objects.update(state="exported")
    desk.press(call, "checks", htmx=True, item="email", check_email="confirmed")
    assert Correction.objects.get().state == "exported"
    assert Check.objects.get().correction is None


def test_nothing_of_it_lies_readable_in_the_database(desk: Desk, call: Call) -> None:
    correct(desk, call, "account", **{"account-iban": IBAN})

    with connection.cursor() as cursor:
        cursor.execute("select * from pledges_correction")
        assert "0417164300" not in str(cursor.fetchall())
    page = desk.look(call)
    assert "•••• 4300" in page
    assert IBAN not in page.replace(" ", "")


def test_the_preview_and_the_notes_say_that_something_was_corrected_but_not_what(
    desk: Desk, call: Call
) -> None:
    correct(desk, call, "address", **ADDRESS)
    preview = desk.press(call, "preview", htmx=True).content.decode()
    desk.look(call)
    desk.press(
        call,
        "completion",
        htmx=True,
        result_code="confirmed",
        retention_rating="8",
        notes="Belt liever overdag.",
    )

    assert "To Stichting Helder Water, corrected: address" in preview
    notes = Completion.objects.get().notes
    assert notes.startswith("Belt liever overdag.\n")
    assert "Stichting Helder Water: " in notes
    assert "Verzonnenlaan" not in notes


def test_undone_and_saved_once_more_it_is_told_once(desk: Desk, call: Call) -> None:
    correct(desk, call, "email", **{"email-email": "een@example.org"})
    result = {"result_code": "confirmed", "retention_rating": "8"}
    for _ in range(2):
        desk.look(call)
        notes = desk.user.drafts.values_list("text", flat=True).first() or ""
        token = desk.token
        assert desk.press(call, "completion", htmx=True, notes=notes, **result).status_code == 200
        told = Completion.objects.get().notes
        assert desk.press(call, "undo", htmx=True, undo=token).status_code == 200

    assert told.count("Stichting Helder Water") == 1


def test_a_national_number_is_masked_in_notes(desk: Desk, call: Call) -> None:
    desk.press(call, "notes", htmx=True, notes="Noemde 111222333 als bsn.", version="0")
    assert desk.user.drafts.get().text == "Noemde ••• als bsn."

    desk.look(call)
    desk.press(
        call,
        "completion",
        htmx=True,
        result_code="other",
        retention_rating="8",
        notes="Noemde 111222333 als bsn.",
    )
    assert Completion.objects.get().notes == "Noemde ••• als bsn."


def test_of_another_organisation_nothing_is_corrected(
    desk: Desk, call: Call, dirk: User, at_desk: AtDesk
) -> None:
    theirs = at_desk(dirk)

    assert correct(theirs, call, "address", **ADDRESS).status_code == 404
    assert desk.press(call, "corrections", correction="gender").status_code == 422
    assert not Correction.objects.exists()
