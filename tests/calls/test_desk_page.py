"""The desk as a page: what it shows of a call, what it keeps to itself, and what it costs."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from calls.models import Attempt, Call, Draft, ResultCode
from pledges.models import Organization, Pledge
from pledges.phone import as_spoken
from tests.calls.conftest import Desk
from tests.factories import (
    AttemptFactory,
    CallFactory,
    CompletionFactory,
    PledgeFactory,
    QualityResultFactory,
    StreamFactory,
    TransactionFactory,
    now,
)

pytestmark = pytest.mark.django_db

# Compiled by `make setup`, and not committed.
DUTCH = settings.BASE_DIR / "locale/nl/LC_MESSAGES/django.mo"

AtDesk = Callable[[User], Desk]
NewCall = Callable[..., Call]


def words(page: str) -> str:
    """The page as somebody reads it: no tags, one space between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# ── What it shows ─────────────────────────────────────────────────────────────────────────────────


def test_an_agent_reads_who_what_and_why(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.take_next()

    page = words(desk.look(call))

    assert "Ms F. van der Verzonnen" in page
    assert "Verification · Stichting Helder Water · Nergenshuizen" in page
    assert "€ 12,50 a month" in page
    assert "Why now: waiting since" in page
    assert "You may call every hour of every day" in page
    assert f"{as_spoken(call.person.mobile_e164)} Copy" in page


@pytest.mark.skipif(not DUTCH.exists(), reason="No Dutch is compiled here: make setup.")
def test_in_dutch_it_speaks_of_amounts_and_dates_as_the_dutch_do(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    alice.language = "nl"
    alice.save()
    Pledge.objects.update(
        donation_amount=Decimal("12.5"), starts_at=datetime(2026, 12, 1, 12, tzinfo=UTC)
    )
    desk = at_desk(alice)
    desk.take_next()

    page = words(desk.look(call))

    assert "Mevrouw F. van der Verzonnen" in page
    assert "Klaar om te bellen" in page
    assert "€ 12,50 per maand" in page
    assert "1-12-2026" in page
    assert "U mag elk uur van elke dag bellen" in page


def test_what_tapraise_does_not_tell_is_not_known(alice: User, call: Call, at_desk: AtDesk) -> None:
    person = call.person
    for column in (
        "opt_in_phone", "opt_in_sms", "opt_in_email", "date_of_birth", "email", "street",
        "house_number", "zip_code", "city", "gender", "initials", "first_name", "last_name",
        "last_name_prefix",
    ):  # fmt: skip
        setattr(person, column, None)
    person.save()

    page = words(at_desk(alice).look(call))

    assert "Name not known" in page
    assert "May be called not known" in page
    assert "Date of birth not known" in page
    assert "None" not in page


def test_a_value_of_no_document_is_shown_as_it_is(alice: User, call: Call, at_desk: AtDesk) -> None:
    Call.objects.update(type="thank_you_call", status="postponed")
    Pledge.objects.update(donation_interval="weekly", status="paused")

    page = words(at_desk(alice).look(call)).lower()

    assert "thank_you_call" in page
    assert "postponed" in page
    assert "weekly" in page
    assert "paused" in page


def test_a_call_without_a_pledge_and_one_whose_pledge_has_not_come_in(
    alice: User, call: Call, new_call: NewCall, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    Pledge.objects.update(fetched_at=None, donation_amount=None)
    bare = new_call(pledge=None)

    page = words(desk.look(call))
    assert "has not come in yet" in page
    assert "Amount and interval" not in page
    assert "None" not in page
    assert "This call has no pledge." in desk.look(bare)


def test_an_amount_that_tapraise_does_not_tell_is_not_known(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    PledgeFactory(person=call.person)
    Pledge.objects.update(donation_amount=None, donation_interval=None, status=None)

    page = words(at_desk(alice).look(call))

    assert "Other pledges: not known" in page
    assert "None" not in page


def test_the_story_has_each_attempt_once_ours_and_theirs(
    alice: User, bob: User, call: Call, at_desk: AtDesk
) -> None:
    ours = AttemptFactory(call=call, user=bob, outcome=Attempt.Outcome.VOICEMAIL)
    told = {
        "user": str(bob.tapraise_user_uuid),
        "attempt_at": ours.at.isoformat(),
        "created_at": ours.at.isoformat(),
    }
    elsewhere = {"user": None, "attempt_at": None, "created_at": now().isoformat()}
    Call.objects.update(attempts=[told, elsewhere], attempts_count=2)

    page = words(at_desk(alice).look(call))

    assert page.count("Attempt: voicemail – Bob") == 1
    assert page.count("Attempt, not made here") == 1


def test_payments_are_told_without_account_or_name(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    TransactionFactory(
        person=call.person, status="reversed", iban="NL20INGB0001234567", name="F. Geheim"
    )

    page = at_desk(alice).look(call)

    assert "Payment of € 12,50: reversed" in words(page)
    assert "NL20INGB0001234567" not in page
    assert "F. Geheim" not in page


def test_the_persons_other_calls_are_one_press_away(
    alice: User, call: Call, new_call: NewCall, at_desk: AtDesk
) -> None:
    other = new_call(person=call.person)
    theirs = CallFactory(person=call.person)

    page = at_desk(alice).look(call)

    assert f'href="/calls/{other.pk}/"' in page
    assert str(theirs.pk) not in page


def test_other_pledges_are_shown_and_not_those_to_a_charity_that_is_not_mine(
    alice: User, call: Call, dierenhulp: Organization, at_desk: AtDesk
) -> None:
    PledgeFactory(person=call.person, donation_amount=Decimal("7.50"))
    PledgeFactory(
        person=call.person, donation_amount=Decimal("99.99"), owning_organization=dierenhulp
    )

    page = words(at_desk(alice).look(call))

    assert "€ 7,50 a month" in page
    assert "99,99" not in page


# ── What it keeps to itself ───────────────────────────────────────────────────────────────────────


def test_account_and_birthday_are_asked_for_and_never_shown(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    call.person.iban = "NL91ABNA0417164300"
    call.person.iban_hash = "0" * 32
    call.person.date_of_birth = date(1984, 3, 17)
    call.person.save()

    page = at_desk(alice).look(call)

    assert "1984" in page
    assert "17-3" not in page
    assert "4300" not in page
    assert "ABNA" not in page


def test_gates_are_questions_for_the_donor_and_nothing_about_others(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    QualityResultFactory(
        person=call.person,
        gates=[
            {"category": "iban", "explanation": "ibanMayBeInvalid", "identifier": "a"},
            {"category": "iban", "explanation": "ibanMayBeInvalid", "identifier": "f"},
            {"category": "email", "explanation": "ok", "identifier": "b"},
            {"category": "address", "explanation": "aNewFinding", "identifier": "c"},
            {"category": "recruiterFraud", "explanation": "ibanIsOfRecruiter", "identifier": "d"},
            {"category": "uniqueness", "explanation": "phoneIsOfAnother", "identifier": "e"},
        ],
    )

    page = at_desk(alice).look(call)

    assert page.count("The account number may be wrong") == 2  # and beside its line
    assert "aNewFinding" in page
    assert "80 %" in page
    assert "Recruiter" not in page.replace("Recruiter</dt>", "")
    assert "OfAnother" not in page
    assert "ok</li>" not in page


def test_what_a_donor_wrote_is_text_and_never_markup(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    evil = '<script>alert("x")</script>'
    for column in ("last_name", "street", "city", "email"):
        setattr(call.person, column, evil)
    call.person.save()
    Call.objects.update(notes=evil)
    Pledge.objects.update(recruiting_location_label=evil, campaign_code=evil, status=evil)
    Draft.objects.create(call=call, user=alice, text=f"</textarea>{evil}", saved_at=now())

    page = at_desk(alice).look(call)

    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;") >= 8


def test_another_organisation_sees_no_page_of_it(dirk: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(dirk)

    assert desk.client.get(f"/calls/{call.pk}/").status_code == 404
    assert desk.client.get(f"/calls/{call.pk}/pulse/").status_code == 404


# ── What it costs ─────────────────────────────────────────────────────────────────────────────────


def _queries(look: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as seen:
        look()
    return len(seen.captured_queries)


def test_a_rich_call_costs_no_more_queries_than_a_bare_one(
    alice: User, bob: User, call: Call, new_call: NewCall, at_desk: AtDesk
) -> None:
    # Where there is work, calls were walked.
    StreamFactory(feed="calls")
    desk = at_desk(alice)
    address = f"/calls/{call.pk}/"
    bare = (
        _queries(lambda: desk.client.get(address)),
        _queries(lambda: desk.client.get(f"{address}pulse/")),
    )
    QualityResultFactory(person=call.person)
    for _ in range(6):
        AttemptFactory(call=call, user=bob)
        TransactionFactory(person=call.person)
        PledgeFactory(person=call.person)
        new_call(person=call.person)
    CompletionFactory(call=call, user=bob, result_code=ResultCode.CONVERTED)

    rich = (
        _queries(lambda: desk.client.get(address)),
        _queries(lambda: desk.client.get(f"{address}pulse/")),
    )

    # One for each that is only read where there is one.
    assert rich[0] <= bare[0] + 2
    assert rich[0] <= 12
    assert rich[1] <= bare[1]
    # A poll runs every few seconds on every desk.
    assert rich[1] <= 5
