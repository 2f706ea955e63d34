"""A supervisor changes a pledge on its page: what was touched leaves, and nothing else.

Each story goes through the addresses as a browser would, and the sandbox's journal is the judge.
"""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from integrations.models import Delivery
from pledges.models import Pledge, PledgeChange
from tests.factories import PledgeFactory
from tests.pledges.browsing import Page, words_of
from tests.pledges.conftest import Mirror, bring, change_there
from tests.stage import Stage

REASON = "asked for by phone"


def changes_of(user: User, pledge: Pledge) -> Page:
    return Page(user, f"/pledges/{pledge.pk}/changes/")


def updates(stage: Stage) -> list[dict[str, Any]]:
    return [effect["body"] for effect in stage.effects("update-pledge")]


def has_left(stage: Stage) -> list[dict[str, Any]]:
    stage.sweep_until_settled()
    return updates(stage)


@pytest.fixture
def pledge(mirror: Mirror) -> Pledge:
    return mirror(
        donationAmount=Decimal("12.5"),
        donationInterval="monthly",
        startsAt="2027-01-01T00:00:00.000Z",
        endsAt="2028-05-01T00:00:00.000Z",
        recruitingLocationLabel="Utrecht",
    )


def test_it_is_told_in_words_before_it_is_sent(carol: User, pledge: Pledge) -> None:
    page = changes_of(carol, pledge)
    page.open()
    said = words_of(
        page.send(
            donation_amount="€ 7,50",
            donation_interval="quarterly",
            ends_at="31-12-2027",
            recruiting_location_label="",
            reason=REASON,
        )
    )
    assert "Amount: € 12,50 → € 7,50" in said
    assert "Interval: a month → a quarter" in said
    assert "In a year: € 150,00 → € 30,00" in said
    assert "End: 01-05-2028 → 31-12-2027" in said
    assert "The location is emptied. It was Utrecht." in said
    assert not PledgeChange.objects.exists()


def test_only_what_was_touched_leaves(stage: Stage, carol: User, pledge: Pledge) -> None:
    assert changes_of(carol, pledge).through(ends_at="31-12-2029", reason=REASON).status_code == 302
    assert has_left(stage) == [{"endsAt": "2029-12-31T00:00:00.000Z"}]


def test_an_emptied_field_leaves_as_null(stage: Stage, carol: User, pledge: Pledge) -> None:
    changes_of(carol, pledge).through(ends_at="", recruiting_location_label="", reason=REASON)
    assert has_left(stage) == [{"endsAt": None, "recruitingLocationLabel": None}]
    pledge.refresh_from_db()
    assert (pledge.ends_at, pledge.recruiting_location_label) == (None, None)


def test_a_field_that_was_empty_and_stays_so_is_absent(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror(endsAt=None, recruitingLocationLabel=None)
    changes_of(carol, pledge).through(starts_at="01-02-2027", reason=REASON)
    assert has_left(stage) == [{"startsAt": "2027-02-01T00:00:00.000Z"}]


def test_a_start_with_a_time_of_day_is_not_sent_because_the_form_shows_a_day(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    # Just before midnight in UTC: the page and its form say the next day.
    pledge = mirror(startsAt="2027-01-31T23:30:00.000Z")
    page = changes_of(carol, pledge)
    page.open()
    assert page.fields["starts_at"] == "01-02-2027"
    page.through(recruiting_location_label="Delft", reason=REASON)
    assert has_left(stage) == [{"recruitingLocationLabel": "Delft"}]


def test_another_recruiter_of_the_organisation(stage: Stage, carol: User, mirror: Mirror) -> None:
    pledge = mirror()
    others = [mirror() for _ in range(4)]
    other = next(one for one in others if one.recruiter_uuid != pledge.recruiter_uuid)
    page = changes_of(carol, pledge)
    assert "Keep:" in page.open()
    assert page.fields["recruiter_uuid"] == ""
    said = page.read(page.send(recruiter_uuid=str(other.recruiter_uuid), reason=REASON))
    assert f"({other.recruiter_identifier})" in said or str(other.recruiter_identifier) in said
    page.send(send="yes")
    assert has_left(stage) == [{"recruiterUserUuid": str(other.recruiter_uuid)}]


def test_what_tapraise_changed_meanwhile_is_not_overwritten(
    stage: Stage, carol: User, pledge: Pledge
) -> None:
    page = changes_of(carol, pledge)
    page.open()
    change_there(stage, pledge.pk, donationAmount=Decimal(20), recruitingLocationLabel="Delft")
    bring(stage, pledge.pk)
    # She left both alone.
    page.send(ends_at="31-12-2029", reason=REASON)
    assert page.send(send="yes").status_code == 302
    assert has_left(stage) == [{"endsAt": "2029-12-31T00:00:00.000Z"}]


def test_a_change_of_what_changed_meanwhile_is_looked_at_again(
    stage: Stage, carol: User, pledge: Pledge
) -> None:
    page = changes_of(carol, pledge)
    page.open()
    page.send(donation_amount="10", reason=REASON)
    change_there(stage, pledge.pk, donationAmount=Decimal(20))
    bring(stage, pledge.pk)

    refused = page.send(send="yes")
    assert refused.status_code == 409
    assert "It says now: Amount € 20,00." in words_of(refused)
    assert page.fields["donation_amount"] == "10"
    assert not PledgeChange.objects.exists()

    assert "Amount: € 20,00 → € 10,00" in words_of(page.send())
    assert page.send(send="yes").status_code == 302
    assert has_left(stage) == [{"donationAmount": Decimal("10.00")}]


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("donation_amount", "7,505", "at most two decimals"),
        ("donation_amount", "0", "has to be more than zero"),
        ("donation_amount", "tien euro", "Write the amount in euros"),
        ("donation_amount", "", "does not let this be emptied"),
        ("starts_at", "", "does not let this be emptied"),
        ("ends_at", "31-12-27", "Write the day as day-month-year"),
        ("ends_at", "31-12-0027", "too far away"),
        ("ends_at", "31-12-2026", "The end lies before the start."),
        ("reason", "", "Write why."),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(
    carol: User, pledge: Pledge, field: str, typed: str, said: str
) -> None:
    page = changes_of(carol, pledge)
    page.open()
    answer = page.send(**{"recruiting_location_label": "Delft", "reason": REASON, field: typed})
    assert answer.status_code == 422
    assert said in words_of(answer)
    assert page.fields[field] == typed
    assert page.fields["recruiting_location_label"] == "Delft"


def test_nothing_changed_is_nothing_to_send(carol: User, pledge: Pledge) -> None:
    page = changes_of(carol, pledge)
    page.open()
    # Written in another way, it is the same.
    answer = page.send(donation_amount="€ 12.50", starts_at="01/01/2027", reason=REASON)
    assert answer.status_code == 409
    assert "Nothing was changed" in words_of(answer)


def test_sent_twice_it_is_one_change(stage: Stage, carol: User, pledge: Pledge) -> None:
    page = changes_of(carol, pledge)
    page.open()
    page.send(ends_at="31-12-2029", reason=REASON)
    for _ in range(2):
        assert page.send(send="yes").status_code == 302
    assert len(has_left(stage)) == 1


def test_a_second_change_of_the_same_field_waits_for_the_first(
    stage: Stage, carol: User, pledge: Pledge
) -> None:
    changes_of(carol, pledge).through(ends_at="31-12-2029", reason=REASON)
    page = changes_of(carol, pledge)
    page.open()
    answer = page.send(ends_at="", reason=REASON)
    assert answer.status_code == 409
    assert "still on its way to TapRaise" in words_of(answer)
    assert len(has_left(stage)) == 1


def test_the_form_can_be_changed_before_it_is_sent(carol: User, pledge: Pledge) -> None:
    page = changes_of(carol, pledge)
    page.open()
    page.send(ends_at="31-12-2029", reason=REASON)
    again = page.send(edit="yes")
    assert again.status_code == 200
    assert page.fields["ends_at"] == "31-12-2029"
    assert page.fields["reason"] == REASON


# ── What is not offered ───────────────────────────────────────────────────────────────────────────


def test_elsewhere_managed_amount_interval_and_end_are_not_offered_and_it_says_why(
    stage: Stage, carol: User, mirror: Mirror
) -> None:
    pledge = mirror(externalSource={"name": "backstage", "identifier": "9"})
    page = changes_of(carol, pledge)
    said = page.open()
    assert "managed in another system" in said
    offered = set(page.fields) - {"token"}
    assert {name for name in offered if not name.startswith("shown_")} == {
        "starts_at",
        "recruiter_uuid",
        "recruiting_location_label",
        "reason",
    }
    page.through(recruiting_location_label="Delft", reason=REASON)
    assert has_left(stage) == [{"recruitingLocationLabel": "Delft"}]


def test_what_stopped_being_offered_is_refused_and_not_left_out_in_silence(
    stage: Stage, carol: User, pledge: Pledge
) -> None:
    page = changes_of(carol, pledge)
    page.open()
    page.send(donation_amount="10", recruiting_location_label="Delft", reason=REASON)
    change_there(stage, pledge.pk, externalSource={"name": "backstage", "identifier": "9"})
    bring(stage, pledge.pk)
    answer = page.send(send="yes")
    assert answer.status_code == 422
    assert "managed in another system" in words_of(answer)
    assert not PledgeChange.objects.exists()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"status": "cancelled"}, "This pledge has ended."),
        ({"status": "dropped"}, "This pledge has ended."),
        ({"gone_at": datetime(2026, 11, 1, tzinfo=UTC)}, "no longer shows this pledge"),
        ({"status": "sleeping"}, "a status that Belbord does not know"),
    ],
)
def test_a_pledge_that_cannot_be_changed_says_why_and_offers_no_form(
    carol: User, mirror: Mirror, settings: Settings, columns: dict[str, Any], said: str
) -> None:
    settings.TAPRAISE_PLEDGE_ACTIONS = {"fulfilled": "fulfil"}
    pledge = mirror()
    Pledge.objects.filter(pk=pledge.pk).update(**columns)
    for place in ("changes", "status"):
        page = Page(carol, f"/pledges/{pledge.pk}/{place}/")
        assert said in page.open()
        assert page.fields == {}


def test_for_an_agent_and_for_another_organisation_there_is_no_such_page(
    alice: User, dirk: User, carol: User, pledge: Pledge
) -> None:
    dirk.role = User.Role.SUPERVISOR
    dirk.save()
    for user in (alice, dirk):
        for place in ("changes", "status", "signature", "undo"):
            page = Page(user, f"/pledges/{pledge.pk}/{place}/")
            assert page.client.post(page.address).status_code == 404, (user.username, place)
    foreign = PledgeFactory()
    assert (
        changes_of(carol, foreign).client.get(f"/pledges/{foreign.pk}/changes/").status_code == 404
    )
    assert changes_of(carol, foreign).client.get(f"/pledges/{uuid.uuid4()}/").status_code == 404


# ── Status actions ────────────────────────────────────────────────────────────────────────────────


def test_without_names_of_actions_the_page_says_who_can_set_them_up(
    carol: User, pledge: Pledge, settings: Settings
) -> None:
    settings.TAPRAISE_PLEDGE_ACTIONS = {}
    page = Page(carol, f"/pledges/{pledge.pk}/status/")
    assert "TAPRAISE_PLEDGE_ACTIONS" in page.open()
    assert page.fields == {}


def test_a_status_action_goes_by_the_name_that_settings_have_for_it(
    stage: Stage, carol: User, pledge: Pledge, settings: Settings
) -> None:
    settings.TAPRAISE_PLEDGE_ACTIONS = {"dropped": "drop", "active": "activate"}
    page = Page(carol, f"/pledges/{pledge.pk}/status/")
    said = page.open()
    assert "Dropped" in said
    assert "Active" in said
    assert "Cancelled" not in said
    assert page.send(reason=REASON).status_code == 422

    effect = words_of(page.send(status="dropped", reason=REASON))
    assert "from lead to dropped" in effect
    assert "TapRaise has no way back from this." in effect
    assert page.send(send="yes").status_code == 302
    assert "lead → dropped" in Page(carol, f"/pledges/{pledge.pk}/").open()

    stage.sweep_until_settled()
    done = stage.effects("change-pledge-status")
    assert [one["body"]["statusUpdateAction"] for one in done] == ["drop"]
    said = Page(carol, f"/pledges/{pledge.pk}/").open()
    assert "Confirmed by TapRaise" in said
    assert "This pledge has ended." in said


def test_a_refused_status_action_is_shown_as_refused(
    stage: Stage, carol: User, pledge: Pledge, settings: Settings
) -> None:
    settings.TAPRAISE_PLEDGE_ACTIONS = {"dropped": "no-such-action"}
    page = Page(carol, f"/pledges/{pledge.pk}/status/")
    page.through(status="dropped", reason=REASON)
    stage.sweep_until_settled()
    said = Page(carol, f"/pledges/{pledge.pk}/").open()
    assert "Refused by TapRaise" in said
    assert "Confirmed by TapRaise" not in said
    assert stage.effects("change-pledge-status") == []


# ── Undo ──────────────────────────────────────────────────────────────────────────────────────────


def test_undo_takes_the_last_change_back_and_nothing_leaves(
    stage: Stage, carol: User, pledge: Pledge
) -> None:
    changes_of(carol, pledge).through(ends_at="31-12-2029", reason=REASON)
    page = Page(carol, f"/pledges/{pledge.pk}/")
    page.open()
    token = PledgeChange.objects.get().token
    answer = page.client.post(f"{page.address}undo/", {"undo": str(token)}, follow=True)
    assert "Undone. Nothing was sent to TapRaise." in words_of(answer)
    assert not PledgeChange.objects.exists()
    assert Delivery.objects.get().outcome == Delivery.Outcome.UNDONE
    assert has_left(stage) == []


def test_undo_of_what_has_left_says_that_it_is_too_late(
    stage: Stage, carol: User, pledge: Pledge
) -> None:
    changes_of(carol, pledge).through(ends_at="31-12-2029", reason=REASON)
    token = PledgeChange.objects.get().token
    stage.sweep_until_settled()
    page = Page(carol, f"/pledges/{pledge.pk}/")
    assert "Undo" not in page.open()
    answer = page.client.post(f"{page.address}undo/", {"undo": str(token)})
    assert answer.status_code == 409
    assert "It is too late to undo this" in words_of(answer)
    assert PledgeChange.objects.exists()
