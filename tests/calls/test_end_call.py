"""A supervisor cancels a call or lets it expire: told in words first, sent once, undone in time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import AuditEntry, User
from calls.models import Call, Ending
from integrations.models import Delivery
from pledges.models import Organization
from tests.calls.two_steps import TwoSteps, signed_in
from tests.conftest import Sandbox
from tests.factories import CompletionFactory, HoldFactory, now

pytestmark = pytest.mark.django_db

PLACES = ("cancellation", "expiry")
REASON = {"reason": "Dubbel aangevraagd."}


def form(user: User, call: Call, place: str = "cancellation") -> TwoSteps:
    return TwoSteps(user, f"/calls/{call.pk}/{place}/")


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_it_says_what_it_will_do_before_anything_is_sent(carol: User, call: Call) -> None:
    page = form(carol, call)
    page.open()

    shown = page.fill_in(**REASON)

    assert shown.status_code == 200
    assert f"this call to {call.person.spoken_name} is cancelled" in words(shown)
    assert "For 10 seconds you can undo this." in words(shown)
    assert not Ending.objects.exists()
    assert not Delivery.objects.exists()


def test_a_cancelled_call_is_over_here_with_its_chip_and_undo(carol: User, call: Call) -> None:
    page = form(carol, call)

    sent = page.send(**REASON)

    assert sent.status_code == 302
    assert sent["Location"] == f"/calls/{call.pk}/"
    ending = Ending.objects.get()
    assert (ending.kind, ending.reason, ending.user) == ("cancelled", REASON["reason"], carol)
    assert not Call.objects.open().exists()
    assert AuditEntry.objects.filter(action="call.cancelled", user=carol).count() == 1
    desk = page.client.get(f"/calls/{call.pk}/").content.decode()
    assert "Saved, sending" in desk
    assert f'name="undo" value="{ending.token}"' in desk
    assert f"/calls/{call.pk}/cancellation/" not in desk


def test_undo_takes_it_back(carol: User, call: Call) -> None:
    page = form(carol, call)
    page.send(**REASON)

    undone = page.client.post(f"/calls/{call.pk}/undo/", {"undo": str(Ending.objects.get().token)})

    assert undone.status_code == 302
    assert Call.objects.open().filter(pk=call.pk).exists()
    assert Delivery.objects.get().outcome == Delivery.Outcome.UNDONE
    assert (
        f"/calls/{call.pk}/cancellation/" in page.client.get(f"/calls/{call.pk}/").content.decode()
    )


@pytest.mark.parametrize("place", PLACES)
def test_sent_twice_it_ends_once(carol: User, call: Call, place: str) -> None:
    page = form(carol, call, place)
    page.send(**REASON)

    again = page.press("send")

    assert again.status_code == 302
    assert Ending.objects.count() == Delivery.objects.count() == 1


def test_the_same_form_with_another_reason_is_refused(carol: User, call: Call) -> None:
    page = form(carol, call)
    page.send(**REASON)

    again = page.press("send", reason="Toch iets anders.")

    assert again.status_code == 409
    assert "already sent with something else" in words(again)
    assert "Toch iets anders." in again.content.decode()
    assert Ending.objects.get().reason == REASON["reason"]


def test_the_same_form_with_another_moment_is_refused(carol: User, call: Call) -> None:
    page = form(carol, call, "expiry")
    page.send(**REASON, expired_at="02-01-2099 13:45")

    again = page.press("send", expired_at="03-01-2099 13:45")

    assert again.status_code == 409
    assert 'value="03-01-2099 13:45"' in again.content.decode()
    assert Ending.objects.count() == 1


@pytest.mark.parametrize("place", PLACES)
def test_it_wants_a_reason(carol: User, call: Call, place: str) -> None:
    page = form(carol, call, place)
    page.open()

    refused = page.fill_in(reason="  ")

    assert refused.status_code == 422
    assert "Write why, in a few words." in words(refused)


def test_change_it_leads_back_to_the_form_as_it_was_typed(carol: User, call: Call) -> None:
    page = form(carol, call, "expiry")
    page.open()
    page.fill_in(**REASON, expired_at="02-01-2030 13:45")

    back = page.press("edit")

    assert back.status_code == 200
    assert REASON["reason"] in back.content.decode()
    assert 'value="02-01-2030 13:45"' in back.content.decode()
    assert not Ending.objects.exists()


def test_expiry_is_now_unless_a_moment_is_given(carol: User, call: Call) -> None:
    page = form(carol, call, "expiry")
    page.open()
    assert "as of now" in words(page.fill_in(**REASON))
    before = now()

    page.press("send")

    assert before <= Ending.objects.get().at <= now()


def test_a_moment_of_expiry_is_of_the_dutch_clock(
    carol: User, new_call: Callable[..., Call]
) -> None:
    call = new_call(requested_at=datetime(2026, 6, 1, 9, 0, tzinfo=UTC))
    page = form(carol, call, "expiry")
    page.open()

    shown = page.fill_in(**REASON, expired_at="01-07-2026 14:30")

    assert "expired at 01-07-2026 14:30" in words(shown)
    page.press("send")
    assert Ending.objects.get().at == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


def test_a_moment_that_has_not_come_is_taken_and_said_to_be_uncertain(
    carol: User, call: Call
) -> None:
    page = form(carol, call, "expiry")
    page.open()

    shown = page.fill_in(**REASON, expired_at="02-01-2099 13:45")

    assert "expires at 02-01-2099 13:45" in words(shown)
    assert "Nobody knows whether TapRaise waits until then" in words(shown)
    page.press("send")
    assert Delivery.objects.get().payload["expired_at"] == "2099-01-02T12:45:00+00:00"
    desk = page.client.get(f"/calls/{call.pk}/")
    assert "2-1 13:45 Expires – Carol" in words(desk)


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        ("gisteren", "Write a date and a time, such as 22-11-2026 14:03."),
        ("13-45-2026 14:00", "Write a date and a time"),
        ("25-10-2026 02:30", "The clock changes that night"),
        ("29-03-2026 02:30", "The clock changes that night"),
        ("01-01-2020 10:00", "it cannot expire before that"),
    ],
)
def test_a_moment_that_cannot_be_is_refused_in_a_sentence(
    carol: User, call: Call, moment: str, sentence: str
) -> None:
    page = form(carol, call, "expiry")
    page.open()

    refused = page.fill_in(**REASON, expired_at=moment)

    assert refused.status_code == 422
    assert sentence in words(refused)
    assert f'value="{moment}"' in refused.content.decode()
    assert REASON["reason"] in refused.content.decode()


def test_it_says_who_has_the_donor_in_hand(carol: User, bob: User, call: Call) -> None:
    HoldFactory(call=call, user=bob)
    page = form(carol, call)
    page.open()

    assert "Bob has this donor in hand now" in words(page.fill_in(**REASON))


@pytest.mark.parametrize("place", PLACES)
def test_a_call_that_cannot_be_ended_says_why(
    carol: User, alice: User, new_call: Callable[..., Call], overkant: Organization, place: str
) -> None:
    carol.organizations.add(overkant)
    elsewhere = new_call(external_application="twilio", external_reference="7")
    cancelled = new_call(status="cancelled")
    completed = new_call()
    CompletionFactory(call=completed, user=alice)
    not_ours = new_call()
    Call.objects.filter(pk=not_ours.pk).update(calling_organization=overkant)

    said = {
        elsewhere: "This call is managed in twilio.",
        cancelled: "This call is over.",
        completed: "This call is over.",
        not_ours: "This call is not ours to make",
    }

    for call, sentence in said.items():
        page = form(carol, call, place)
        assert sentence in page.open()
        assert "token" not in page.hidden


@pytest.mark.parametrize("place", PLACES)
def test_a_call_that_ended_meanwhile_is_refused_and_what_was_typed_is_kept(
    carol: User, call: Call, place: str
) -> None:
    page = form(carol, call, place)
    page.open()
    page.fill_in(**REASON)
    Call.objects.filter(pk=call.pk).update(status="completed")

    refused = page.press("send")

    assert refused.status_code == 409
    assert "This call has ended." in words(refused)
    assert REASON["reason"] in refused.content.decode()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("place", PLACES)
def test_for_an_agent_and_for_others_it_is_not_there(
    alice: User, dirk: User, call: Call, place: str
) -> None:
    dirk.role = User.Role.SUPERVISOR
    dirk.save()
    for user in (alice, dirk):
        client = signed_in(user)
        address = f"/calls/{call.pk}/{place}/"
        assert client.get(address).status_code == 404
        assert client.post(address, {**REASON, "send": "yes"}).status_code == 404
    assert (
        f"/calls/{call.pk}/{place}/"
        not in signed_in(alice).get(f"/calls/{call.pk}/").content.decode()
    )
    assert not Ending.objects.exists()


@pytest.mark.parametrize(
    ("place", "operation", "status"),
    [("cancellation", "cancel", "cancelled"), ("expiry", "expire", "expired")],
)
def test_tapraise_is_told_once(
    settings: Any,
    sandbox: Sandbox,
    carol: User,
    helder_water: Organization,
    place: str,
    operation: str,
    status: str,
) -> None:
    settings.UNDO_SECONDS = 0
    call = sandbox.open_call()
    while call.person.owning_organization_id != helder_water.pk:
        call = sandbox.open_call()
    page = form(carol, call, place)
    page.send(**REASON)
    page.press("send")

    call_command("drain", stdout=StringIO())
    call_command("drain", stdout=StringIO())

    [effect] = sandbox.effects()
    assert operation in effect["operation"]
    assert sandbox.world.calls[str(call.pk)]["status"] == status
    assert "Confirmed by TapRaise" in page.client.get(f"/calls/{call.pk}/").content.decode()


@pytest.mark.parametrize("who", ["nobody", "somebody else"])
def test_a_call_that_is_not_ours_is_offered_to_nobody(
    carol: User, call: Call, overkant: Organization, who: str
) -> None:
    carol.organizations.add(overkant)
    caller = overkant if who == "somebody else" else None
    Call.objects.update(calling_organization=caller)

    page = form(carol, call).client.get(f"/calls/{call.pk}/").content.decode()

    assert "This call is not ours to make." in page
    for place in ("cancellation", "expiry", "hold"):
        assert f"/calls/{call.pk}/{place}/" not in page


def test_the_page_of_a_call_offers_both_to_a_supervisor(carol: User, call: Call) -> None:
    desk = signed_in(carol).get(f"/calls/{call.pk}/").content.decode()

    for place in PLACES:
        assert f'href="/calls/{call.pk}/{place}/"' in desk
