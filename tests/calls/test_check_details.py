"""Going through the details with the donor: each answer is kept as it is chosen, and a result that
says more than the donor did is refused."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from calls.models import Attempt, Call, Check, CheckRules, Completion
from tests.calls.conftest import Desk
from tests.calls.two_steps import signed_in
from tests.factories import (
    AttemptFactory,
    CheckRulesFactory,
    HoldFactory,
    PayLinkFactory,
    QualityResultFactory,
    StreamFactory,
    now,
)

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


def on_the_line(call: Call, user: User) -> None:
    """The donor has answered this user's dial."""
    HoldFactory(call=call, user=user)
    AttemptFactory(call=call, user=user, at=now(), outcome="", outcome_at=None, answered_at=now())


@pytest.fixture
def desk(alice: User, call: Call, at_desk: AtDesk) -> Desk:
    """Alice in conversation with the donor of the call; name and amount have to be right."""
    CheckRules.objects.update(needed=["name", "amount"])
    call.person.iban = "NL91ABNA0417164300"
    call.person.iban_hash = "0" * 32
    call.person.save()
    on_the_line(call, alice)
    desk = at_desk(alice)
    desk.look(call)
    return desk


def answers() -> dict[str, str]:
    return dict(Check.objects.values_list("item", "answer"))


def confirm(desk: Desk, call: Call, **more: str) -> Any:
    desk.look(call)
    return desk.press(
        call, "completion", htmx=True, result_code="confirmed", retention_rating="8", **more
    )


def test_an_answer_is_kept_as_it_is_chosen_with_who_and_during_which_dial(
    desk: Desk, call: Call
) -> None:
    answer = desk.press(
        call, "checks", htmx=True, item="name", check_name="confirmed", check_email="refused"
    )

    assert answer.status_code == 200
    assert "1 of 8" in answer.content.decode()
    check = Check.objects.get()
    assert (check.item, check.answer, check.user) == ("name", "confirmed", desk.user)
    assert check.attempt == Attempt.objects.get()


def test_without_scripts_a_button_keeps_all_that_was_chosen(desk: Desk, call: Call) -> None:
    answer = desk.press(call, "checks", check_name="confirmed", check_email="refused")

    assert answer.status_code == 302
    assert answers() == {"name": "confirmed", "email": "refused"}


def test_a_page_that_is_built_anew_shows_them(desk: Desk, call: Call) -> None:
    desk.press(call, "checks", check_name="confirmed", check_phone="not_asked")

    page = desk.look(call)

    assert re.search(r'id="name-confirmed"[^>]*checked', page)
    assert re.search(r'id="phone-not-asked"[^>]*checked', page)
    assert len(re.findall(r'name="check_\w+"[^>]* checked', page)) == 2


def test_the_latest_answer_counts(desk: Desk, call: Call) -> None:
    desk.press(call, "checks", check_name="refused")
    desk.press(call, "checks", check_name="confirmed")

    assert answers() == {"name": "confirmed"}


def test_the_rest_is_right_confirms_what_is_shown_and_nothing_that_is_masked(
    desk: Desk, call: Call
) -> None:
    desk.press(call, "checks", check_email="refused")

    page = desk.press(call, "checks/rest", htmx=True).content.decode()

    assert "8 of 8" in page
    assert answers() == {
        "name": "confirmed",
        "date_of_birth": "not_asked",
        "address": "confirmed",
        "phone": "confirmed",
        "email": "refused",
        "amount": "confirmed",
        "start": "confirmed",
        "account": "not_asked",
    }


def test_what_the_gates_doubt_is_asked_first_and_not_among_the_rest(desk: Desk, call: Call) -> None:
    QualityResultFactory(
        person=call.person,
        gates=[{"category": "addressQuality", "explanation": "addressIsIncomplete"}],
    )

    page = desk.look(call)
    desk.press(call, "checks/rest", htmx=True)

    assert re.findall(r'id="line-(\w+)"', page)[0] == "address"
    assert "The address is not complete" in page
    assert "address" not in answers()


def test_several_findings_about_one_detail_are_one_sentence(desk: Desk, call: Call) -> None:
    QualityResultFactory(
        person=call.person,
        gates=[
            {"category": "addressQuality", "explanation": one}
            for one in ("addressIsIncomplete", "addressIsInvalid")
        ],
    )

    assert "The address is not complete, the address is wrong" in desk.look(call)


def test_of_a_gate_about_the_recruiter_an_agent_reads_only_that_it_is_to_be_asked(
    desk: Desk, call: Call, carol: User
) -> None:
    QualityResultFactory(
        person=call.person,
        gates=[
            {"category": "recruiterFraud", "explanation": "ibanMatchesRecruiterIban"},
            {
                "category": "uniqueness",
                "explanation": "phoneNumberMatchesAnotherPersonsPhoneNumber",
            },
        ],
    )

    page = desk.look(call)
    theirs = signed_in(carol).get(f"/calls/{call.pk}/").content.decode()

    assert re.findall(r'id="line-(\w+)"', page)[0] == "account"
    assert "Let the donor say this" in page
    for finding in ("The account number is the recruiter", "Another person has the same phone"):
        assert finding not in page
        assert finding in theirs


# ── Result by evidence ────────────────────────────────────────────────────────────────────────────


def test_confirmed_waits_until_name_and_amount_are_right(desk: Desk, call: Call) -> None:
    desk.press(call, "checks", check_name="confirmed")

    refused = confirm(desk, call)

    assert refused.status_code == 422
    page = refused.content.decode()
    assert "&#x27;confirmed&#x27; is not possible yet. Ask the donor first: amount" in page
    assert not Completion.objects.exists()

    desk.press(call, "checks/rest", htmx=True)
    assert confirm(desk, call).status_code == 200
    assert Completion.objects.get().result_code == "confirmed"


def test_an_amount_that_is_raised_in_the_same_form_was_spoken_about(desk: Desk, call: Call) -> None:
    desk.press(call, "checks", check_name="confirmed")
    shown = {"shown_donation_amount": "12.50", "shown_donation_interval": "monthly"}

    saved = confirm(desk, call, donation_amount="15", donation_interval="monthly", **shown)

    assert saved.status_code == 200
    assert Completion.objects.exists()


def test_confirmed_with_an_account_that_was_refused_is_refused(desk: Desk, call: Call) -> None:
    desk.press(call, "checks", check_name="confirmed", check_amount="confirmed")
    desk.press(call, "checks", check_account="refused")

    refused = confirm(desk, call)

    assert refused.status_code == 422
    assert "the donor refuses this: account number" in refused.content.decode()
    assert not Completion.objects.exists()


def test_a_result_that_says_nothing_of_the_pledge_wants_no_checks(desk: Desk, call: Call) -> None:
    desk.look(call)

    saved = desk.press(
        call,
        "completion",
        htmx=True,
        result_code="other",
        retention_rating="not_asked",
        notes="Verhuisd naar het buitenland.",
    )

    assert saved.status_code == 200
    assert Completion.objects.exists()


def test_the_preview_says_before_saving_what_is_missing(desk: Desk, call: Call) -> None:
    page = desk.press(call, "preview", htmx=True, result_code="confirmed").content.decode()

    assert "is not possible yet. Ask the donor first: name, amount" in page


@pytest.mark.parametrize(("type_", "is_refused"), [("verification", True), ("happy_call", False)])
def test_without_rules_of_its_own_only_a_verification_wants_name_and_amount(
    desk: Desk, call: Call, type_: str, is_refused: bool
) -> None:
    CheckRules.objects.all().delete()
    Call.objects.update(type=type_)

    assert confirm(desk, call).status_code == (422 if is_refused else 200)


def test_the_newest_rules_that_are_in_force_count(desk: Desk, call: Call) -> None:
    charity = call.person.owning_organization
    CheckRulesFactory(organization=charity, from_date=now().date(), needed=["email"])
    CheckRulesFactory(
        organization=charity, from_date=now().date().replace(year=2099), needed=["phone"]
    )

    assert "Ask the donor first: e-mail" in confirm(desk, call).content.decode()


# ── Who, and when ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["checks", "checks/rest", "checks/said", "reveals"])
def test_another_organisation_finds_no_such_call(
    desk: Desk, call: Call, dirk: User, at_desk: AtDesk, place: str
) -> None:
    assert at_desk(dirk).press(call, place, check_name="confirmed").status_code == 404
    assert answers() == {}


def test_nothing_is_kept_before_the_donor_is_on_the_line(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    HoldFactory(call=call, user=alice)
    desk = at_desk(alice)

    answer = desk.press(call, "checks", htmx=True, check_name="confirmed")

    assert answer.status_code == 409
    assert "not on the line" in answer.content.decode()
    assert answers() == {}
    assert "Refuses" not in desk.look(call)


def test_nor_by_somebody_who_does_not_have_the_call_in_hand(
    desk: Desk, call: Call, bob: User, at_desk: AtDesk
) -> None:
    assert at_desk(bob).press(call, "checks", check_name="confirmed").status_code == 409
    assert answers() == {}


def test_undoing_the_dial_leaves_what_was_said(desk: Desk, call: Call) -> None:
    desk.press(call, "checks", check_name="confirmed")

    Attempt.objects.all().delete()

    assert Check.objects.get().attempt is None


def test_a_page_with_everything_on_it_stays_within_the_figures(desk: Desk, call: Call) -> None:
    # Where there is work, calls were walked.
    StreamFactory(feed="calls")
    desk.press(call, "checks/rest", htmx=True)
    PayLinkFactory(person=call.person, user=desk.user)
    with CaptureQueriesContext(connection) as seen:
        desk.client.get(f"/calls/{call.pk}/")
    with CaptureQueriesContext(connection) as polled:
        desk.client.get(f"/calls/{call.pk}/pulse/")

    written = ("SAVEPOINT", "RELEASE", "UPDATE")
    assert len([q for q in seen.captured_queries if not q["sql"].startswith(written)]) <= 12
    assert len([q for q in polled.captured_queries if not q["sql"].startswith(written)]) <= 5
