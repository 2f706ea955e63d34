"""What the desk shows of a pledge, a donor and a call that another application manages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.models import User
from calls.models import Call
from pledges.models import Pledge
from tests.calls.conftest import Desk
from tests.factories import HoldFactory

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def moment(day: int) -> datetime:
    return datetime(2026, 12, day, 12, tzinfo=UTC)


def test_everything_that_tapraise_tells_of_the_pledge(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    Pledge.objects.update(
        initial_donation_amount=Decimal("10.00"),
        initial_donation_interval="monthly",
        donation_amount=Decimal("30.00"),
        donation_interval="quarterly",
        starts_at=moment(1),
        ends_at=moment(2),
        collection_date=moment(3),
        released_at=moment(4),
        recruiter_name="R. Werver",
        recruiter_identifier="SW-3",
        campaign_code="C-1",
        focus_areas=[{"uuid": "1", "name": "Noodhulp"}],
    )

    page = words(at_desk(alice).look(call))

    for told in (
        "€ 30,00 a quarter",
        "At first € 10,00 a month",
        "Starts 01-12-2026",
        "Ends 02-12-2026",
        "Collection date 03-12-2026",
        "Released 04-12-2026",
        "Recruiter R. Werver SW-3",
        "Campaign C-1",
        "Focus Noodhulp",
    ):
        assert told in page


def test_what_was_pledged_at_first_is_told_only_where_it_was_something_else(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    assert "At first" not in words(at_desk(alice).look(call))


@pytest.mark.parametrize(("opt_in", "said"), [(True, "yes"), (False, "no"), (None, "not known")])
def test_whether_post_may_be_sent(
    alice: User, call: Call, at_desk: AtDesk, opt_in: bool | None, said: str
) -> None:
    call.person.opt_in_mail = opt_in
    call.person.save()

    assert f"May be sent post {said}" in words(at_desk(alice).look(call))


def test_notes_of_the_request_and_of_the_result_stand_beside_each_other(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    Call.objects.update(
        status="completed",
        completed_at=moment(1),
        result_code="confirmed",
        notes="Bel na zes uur.",
        result_notes="Alles klopt.",
        recording_seconds=Decimal("245.4"),
    )

    page = words(at_desk(alice).look(call))

    assert "Notes of the request Bel na zes uur. Notes of the result Alles klopt." in page
    assert "Recording 4:05" in page


# ── Managed elsewhere ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def elsewhere(call: Call) -> Call:
    Call.objects.update(
        external_application="basicall",
        external_reference="B-17",
        external_agent_reference="agent-4",
        external_status_code="BUSY3",
        external_status_description="Driemaal in gesprek",
    )
    return call


@pytest.mark.parametrize("status", ["requested", "completed"])
def test_a_call_managed_elsewhere_says_so_and_offers_nothing(
    alice: User, elsewhere: Call, at_desk: AtDesk, status: str
) -> None:
    Call.objects.update(status=status)

    page = at_desk(alice).look(elsewhere)

    assert (
        "This call is managed in basicall: it is made there, nothing can be sent from here."
        in words(page)
    )
    for told in ("B-17", "agent-4", "BUSY3", "Driemaal in gesprek"):
        assert told in words(page)
    # Only what stays here: Next, and notes that nobody sends.
    buttons = re.findall(r"<button[^>]*formaction=\"[^\"]*/([a-z]+)/\"", page)
    assert set(buttons) == {"next", "notes", "objection"}


@pytest.mark.parametrize("place", ["hold", "dial", "completion", "attempts"])
def test_nor_is_anything_of_it_done_when_it_is_sent_all_the_same(
    alice: User, elsewhere: Call, at_desk: AtDesk, place: str
) -> None:
    HoldFactory(call=elsewhere, user=alice)
    desk = at_desk(alice)
    desk.look(elsewhere)

    answer = desk.press(
        elsewhere, place, result_code="confirmed", retention_rating="8", outcome="busy"
    )

    assert answer.status_code == 409
    assert "This call is not ours to make." in answer.content.decode()


def test_one_that_went_elsewhere_while_in_hand_can_be_put_away(
    alice: User, elsewhere: Call, at_desk: AtDesk
) -> None:
    HoldFactory(call=elsewhere, user=alice)
    desk = at_desk(alice)

    assert "Put it away" in desk.look(elsewhere)
    assert desk.press(elsewhere, "release").status_code == 302


def test_tapraise_named_as_the_application_is_no_other_one(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    Call.objects.update(external_application="tapraise")

    page = at_desk(alice).look(call)

    assert "managed in" not in page
    assert "Take up" in page


def test_a_pledge_managed_elsewhere_says_so(alice: User, call: Call, at_desk: AtDesk) -> None:
    Pledge.objects.update(external_source_name="donorbase", external_source_identifier="D-7")

    page = words(at_desk(alice).look(call))

    assert "Managed in donorbase · D-7" in page
    assert "This pledge is managed in another system" in page
