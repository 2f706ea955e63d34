"""Completing with a changed pledge: first the pledge, then the call, and both tell one story."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, User
from calls.models import Call, Completion, Hold
from integrations.models import Delivery
from pledges.actions import update_pledge
from pledges.models import Pledge, PledgeChange
from tests.calls.conftest import Desk
from tests.factories import HoldFactory, now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
START = datetime(2026, 12, 1, tzinfo=UTC)
LESS = {"donation_amount": "7,50", "result_code": "downgraded"}


@pytest.fixture
def call(new_call: Callable[..., Call]) -> Call:
    """About a pledge of € 10,00 a month that starts on 1 December."""
    made = new_call()
    Pledge.objects.update(
        donation_amount=Decimal("10.00"), donation_interval="monthly", starts_at=START
    )
    return made


@pytest.fixture
def desk(alice: User, call: Call, at_desk: AtDesk) -> Desk:
    """Alice, who had the donor on the line."""
    made = at_desk(alice)
    made.dial(call)
    made.wrap_up(call)
    return made


def fields(page: str) -> dict[str, Any]:
    """What the form shows of the pledge, and what it holds beside that."""
    shown = dict(
        re.findall(
            r'<input[^>]*name="((?:shown_)?(?:donation_amount|starts_at))" value="([^"]*)"', page
        )
    )
    shown |= dict(re.findall(r'name="(shown_\w+)" value="([^"]*)"', page))
    select = re.search(r'<select name="donation_interval".*?</select>', page, re.DOTALL)
    chosen = re.search(r'value="([^"]*)" selected', select[0]) if select else None
    return shown | ({"donation_interval": chosen[1]} if chosen else {})


def save(desk: Desk, call: Call, **typed: str) -> Any:
    """Fill in the form as it stands there, and save."""
    rest = {"result_code": "confirmed", "retention_rating": "8", "notes": ""}
    return desk.press(call, "completion", htmx=True, **{**fields(desk.look(call)), **rest, **typed})


def sent() -> list[tuple[str, str]]:
    """What waits to leave, in its order, without the dial."""
    waiting = Delivery.objects.exclude(operation="tapraise.add_attempt").exclude(outcome="undone")
    return [(one.operation, one.subject) for one in waiting.order_by("seq")]


# ── What leaves ───────────────────────────────────────────────────────────────────────────────────


def test_the_form_begins_with_what_tapraise_says(desk: Desk, call: Call) -> None:
    assert fields(desk.look(call)) == {
        "donation_amount": "10,00",
        "donation_interval": "monthly",
        "starts_at": "01-12-2026",
        "shown_donation_amount": "10.00",
        "shown_donation_interval": "monthly",
        "shown_starts_at": "2026-12-01T00:00:00+00:00",
    }


def test_what_nobody_touched_is_not_sent(desk: Desk, call: Call) -> None:
    assert save(desk, call).status_code == 200

    assert sent() == [("tapraise.complete_call", call.subject)]
    assert not PledgeChange.objects.exists()


def test_the_update_stands_before_the_completion_in_the_line_of_the_call(
    desk: Desk, call: Call, alice: User
) -> None:
    assert save(desk, call, **LESS).status_code == 200

    assert sent() == [
        ("tapraise.update_pledge", call.subject),
        ("tapraise.complete_call", call.subject),
    ]
    change, completion = PledgeChange.objects.get(), Completion.objects.get()
    assert (change.wanted, change.before) == (
        {"donation_amount": "7.50"},
        {"donation_amount": "10.00"},
    )
    assert (change.user, change.token) == (alice, completion.token)
    assert change.delivery.not_before == completion.delivery.not_before
    actions_told = AuditEntry.objects.filter(user=alice).values_list("action", flat=True)
    assert {"pledge.changed", "call.completed"} <= set(actions_told)
    # The mirror is TapRaise's.
    assert Pledge.objects.get().donation_amount == Decimal("10.00")


@pytest.mark.parametrize(
    ("typed", "result_code", "wanted"),
    [
        ({"donation_amount": "7,50"}, "downgraded", {"donation_amount": "7.50"}),
        ({"donation_amount": "7.50"}, "downgraded", {"donation_amount": "7.50"}),
        ({"donation_amount": " € 7,5 "}, "downgraded", {"donation_amount": "7.50"}),
        ({"donation_amount": "1.250,00"}, "confirmed", {"donation_amount": "1250.00"}),
        ({"donation_interval": "yearly"}, "downgraded", {"donation_interval": "yearly"}),
        (
            {"donation_interval": "quarterly", "donation_amount": "30"},
            "converted",
            {"donation_interval": "quarterly", "donation_amount": "30.00"},
        ),
        (
            {"starts_at": "15-01-2027"},
            "confirmed",
            {"starts_at": "2027-01-15T00:00:00+00:00"},
        ),
    ],
)
def test_each_change_goes_with_its_result(
    desk: Desk, call: Call, typed: dict[str, str], result_code: str, wanted: dict[str, str]
) -> None:
    answer = save(desk, call, **typed, result_code=result_code)

    assert answer.status_code == 200
    assert PledgeChange.objects.get().wanted == wanted


def test_sent_twice_it_is_one_change_and_one_completion(desk: Desk, call: Call) -> None:
    form: dict[str, Any] = {**fields(desk.look(call)), "retention_rating": "8", "notes": "", **LESS}
    form["token"] = desk.token

    answers = [desk.press(call, "completion", **form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(sent()) == 2


# ── What is refused, and how ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"donation_amount": "7,50"}, "The donor gives less a year (€ 90,00 instead of € 120,00)"),
        ({"donation_amount": "12", "result_code": "downgraded"}, "The donor gives more a year"),
        ({"donation_interval": "quarterly", "donation_amount": "30"}, "choose &#x27;converted"),
        ({"result_code": "downgraded"}, "needs a lower amount"),
        ({"result_code": "converted"}, "needs another change"),
        (
            {"starts_at": "1-2-2027", "result_code": "dropped", "notes": "Spijt."},
            "A new start goes with",
        ),
    ],
)
def test_a_contradiction_is_told_in_place_and_nothing_is_written(
    desk: Desk, call: Call, typed: dict[str, str], sentence: str
) -> None:
    answer = save(desk, call, **typed)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    kept = {name: value for name, value in typed.items() if name in fields(page)}
    assert fields(page).items() >= kept.items()
    assert sent() == []
    assert not Completion.objects.exists()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"donation_amount": "7,505"}, "An amount has at most two decimals, such as 7,50."),
        ({"donation_amount": "0"}, "The amount has to be more than zero."),
        ({"donation_amount": "-5"}, "Write the amount in euros, such as 7,50."),
        ({"donation_amount": "1.000"}, "at most two decimals"),
        ({"donation_amount": "een tientje"}, "Write the amount in euros, such as 7,50."),
        ({"donation_amount": ""}, "Fill this in: TapRaise cannot be without it."),
        ({"donation_interval": "weekly"}, "Choose an interval from the list."),
        ({"starts_at": "31-02-2027"}, "Write the day as day-month-year"),
        ({"starts_at": ""}, "Fill this in: TapRaise cannot be without it."),
    ],
)
def test_what_is_no_amount_interval_or_day_is_told_in_place_and_kept(
    desk: Desk, call: Call, typed: dict[str, str], sentence: str
) -> None:
    answer = save(desk, call, **typed)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert 'aria-invalid="true"' in page
    if "donation_interval" not in typed:
        assert fields(page).items() >= typed.items()
    assert sent() == []


def test_an_interval_of_no_document_is_kept(desk: Desk, call: Call) -> None:
    Pledge.objects.update(donation_interval="weekly")

    page = desk.look(call)
    assert fields(page)["donation_interval"] == "weekly"
    assert save(desk, call).status_code == 200
    assert not PledgeChange.objects.exists()


def test_tapraise_said_something_else_since_the_form_was_shown(desk: Desk, call: Call) -> None:
    form = {**fields(desk.look(call)), "retention_rating": "8", "notes": "Belt terug.", **LESS}
    Pledge.objects.update(donation_amount=Decimal("8.00"))

    answer = desk.press(call, "completion", htmx=True, **form)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "TapRaise says € 8,00 a month since you opened this page" in page
    # What was typed is there, beside what stands there now.
    assert fields(page)["donation_amount"] == "7,50"
    assert fields(page)["shown_donation_amount"] == "8.00"
    assert re.search(r'value="downgraded"\s+checked', page)
    assert "from € 8,00 a month to € 7,50 a month" in page
    assert sent() == []

    # Saved once more, knowingly.
    again = form | fields(page) | {"token": desk.token}
    assert desk.press(call, "completion", htmx=True, **again).status_code == 200
    assert PledgeChange.objects.get().before == {"donation_amount": "8.00"}


def test_nor_is_a_pledge_confirmed_that_is_another_one_by_now(desk: Desk, call: Call) -> None:
    form = {**fields(desk.look(call)), "result_code": "confirmed", "retention_rating": "8"}
    Pledge.objects.update(donation_amount=Decimal("8.00"))

    answer = desk.press(call, "completion", htmx=True, **form)

    assert answer.status_code == 409
    # Nobody typed the old amount: it is not taken for a wish.
    assert fields(answer.content.decode())["donation_amount"] == "8,00"


def change_from_the_floor(call: Call, carol: User, amount: str) -> None:
    """Carol changes the pledge on its own page meanwhile."""
    assert call.pledge
    update_pledge(
        user=carol,
        pledge=call.pledge,
        changes={"donation_amount": Decimal(amount)},
        shown={"donation_amount": Decimal("10.00")},
        reason="Donateur belde.",
        token=uuid.uuid4(),
        at=timezone.now(),
    )


def test_a_change_that_is_under_way_comes_first(desk: Desk, call: Call, carol: User) -> None:
    change_from_the_floor(call, carol, "9.00")

    answer = save(desk, call, **LESS)

    assert answer.status_code == 409
    assert "Another change of this pledge is on its way" in answer.content.decode()
    # Without a change of its own the call can be completed.
    assert save(desk, call).status_code == 200


ELSEWHERE = {"external_source_name": "donorbase", "external_source_identifier": "D-7"}


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        (ELSEWHERE, "This pledge is managed in another system"),
        ({"status": "cancelled"}, "This pledge has ended."),
        ({"fetched_at": None}, "This pledge has not arrived from TapRaise yet."),
    ],
)
def test_what_cannot_be_changed_here_is_not_offered_and_the_page_says_why(
    desk: Desk, call: Call, columns: dict[str, Any], why: str
) -> None:
    Pledge.objects.update(**columns)

    page = desk.look(call)
    assert fields(page) == {}
    assert why in page

    refused = save(desk, call, result_code="downgraded")
    assert refused.status_code == 422
    assert "write in the notes what changed" in refused.content.decode()
    told = save(desk, call, result_code="downgraded", notes="Nu € 5 per maand.")
    assert told.status_code == 200
    assert sent() == [("tapraise.complete_call", call.subject)]


def test_a_call_without_a_pledge_has_nothing_to_change(
    alice: User, new_call: Callable[..., Call], at_desk: AtDesk
) -> None:
    bare, desk = new_call(pledge=None), at_desk(alice)
    desk.dial(bare)
    desk.wrap_up(bare)

    assert "There is no pledge with this call." in desk.look(bare)
    assert save(desk, bare, result_code="converted", notes="Alsnog.").status_code == 200


def test_a_change_of_no_pledge_is_refused_and_not_passed_over(desk: Desk, call: Call) -> None:
    form = {**fields(desk.look(call)), "retention_rating": "8", **LESS}
    Call.objects.update(pledge=None)

    answer = desk.press(call, "completion", htmx=True, **form)

    assert answer.status_code == 409
    assert "There is no pledge with this call." in answer.content.decode()
    assert sent() == []


@pytest.mark.parametrize("columns", [ELSEWHERE, {"status": "cancelled"}])
def test_a_change_that_was_sent_all_the_same_is_refused(
    desk: Desk, call: Call, columns: dict[str, Any]
) -> None:
    form = {**fields(desk.look(call)), "retention_rating": "8", **LESS}
    Pledge.objects.update(**columns)

    answer = desk.press(call, "completion", htmx=True, **form)

    assert answer.status_code == 409
    assert "tell it in the notes" in answer.content.decode()
    assert sent() == []


def test_who_lost_the_call_changes_no_pledge(desk: Desk, call: Call, bob: User) -> None:
    form = {**fields(desk.look(call)), "retention_rating": "8", **LESS}
    Hold.objects.all().delete()
    HoldFactory(call=call, user=bob)

    assert desk.press(call, "completion", **form).status_code == 409
    assert not PledgeChange.objects.exists()


# ── What will go, before it goes ──────────────────────────────────────────────────────────────────


def test_the_preview_tells_what_will_go_and_proposes_a_result(desk: Desk, call: Call) -> None:
    form = fields(desk.look(call))
    before = everything()

    answer = desk.press(call, "preview", htmx=True, **form | {"donation_amount": "7,50"})

    page = answer.content.decode()
    assert answer.status_code == 200
    assert (
        "first: amount from € 10,00 a month to € 7,50 a month (€ 90,00 a year instead of € 120,00)"
    ) in " ".join(re.sub("<[^>]+>", "", page).split())
    shown = re.findall(r'id="proposed-(\w+)" +hx-swap-oob', page)
    assert shown == ["downgraded"]
    assert everything() == before


def test_the_preview_says_what_contradicts_and_what_is_no_amount(desk: Desk, call: Call) -> None:
    form = fields(desk.look(call))

    clash = desk.press(
        call, "preview", htmx=True, **form | {"donation_amount": "7,50", "result_code": "confirmed"}
    )
    wrong = desk.press(call, "preview", htmx=True, **form | {"donation_amount": "veel"})

    assert "The donor gives less a year" in clash.content.decode()
    assert "Write the amount in euros" in wrong.content.decode()


def test_the_preview_replaces_nothing_that_can_have_the_focus(desk: Desk, call: Call) -> None:
    form = fields(desk.look(call))

    page = desk.press(call, "preview", htmx=True, **form).content.decode()

    assert not re.search(r"<(input|select|textarea|button|a)\b", page)
    assert 'id="goes"' in page


def everything() -> list[Any]:
    models = (Delivery, PledgeChange, Completion, Pledge, Call, Hold, AuditEntry)
    return [list(model.objects.order_by("pk").values()) for model in models]


# ── What is shown afterwards, and undo ────────────────────────────────────────────────────────────


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_change_lies_over_the_mirror_until_tapraise_has_it(desk: Desk, call: Call) -> None:
    page = words(save(desk, call, **LESS).content.decode())

    assert "was € 10,00 a month → € 7,50 a month Saved, sending" in page
    assert "Pledge changed: amount from € 10,00 to € 7,50 – Alice Saved, sending" in page
    assert "was € 10,00 a month → € 7,50 a month" in words(desk.look(call))

    Delivery.objects.update(state="closed", outcome="done", closed_at=now())
    Pledge.objects.update(donation_amount=Decimal("7.50"))
    pulse = words(desk.client.get(f"/calls/{call.pk}/pulse/").content.decode())
    assert pulse.startswith("Attempt confirmed by TapRaise")
    # Beside what is pledged, and where it is checked with the donor.
    assert pulse.count("€ 7,50 a month") == 2
    assert "€ 10,00" not in pulse


def test_a_change_of_the_floor_is_in_the_story_too(desk: Desk, call: Call, carol: User) -> None:
    change_from_the_floor(call, carol, "9.00")

    page = words(desk.look(call))
    assert "Pledge changed: amount from € 10,00 to € 9,00 – Carol Saved, sending" in page
    assert "was € 10,00 a month → € 9,00 a month" in page
    Delivery.objects.filter(operation="tapraise.update_pledge").update(
        state="needs_decision", reason="forbidden"
    )
    pulse = words(desk.client.get(f"/calls/{call.pk}/pulse/").content.decode())
    assert pulse.count("A supervisor decides; you can go on.") == 2


def test_undo_takes_back_both_and_what_was_typed_is_in_the_form(desk: Desk, call: Call) -> None:
    typed = {
        "donation_amount": "20,00",
        "donation_interval": "quarterly",
        "starts_at": "15-01-2027",
        "result_code": "downgraded",
    }
    save(desk, call, **typed)

    undone = desk.press(call, "undo", htmx=True, undo=str(Completion.objects.get().token))

    page = undone.content.decode()
    assert fields(page).items() >= (typed.items() - {("result_code", "downgraded")})
    assert fields(page)["shown_donation_amount"] == "10.00"
    assert re.search(r'value="downgraded"\s+checked', page)
    assert "amount from € 10,00 a month to € 20,00 a quarter" in page
    assert sent() == []
    assert not PledgeChange.objects.exists()
    assert not Completion.objects.exists()
    # And once more, under a new form: what was undone is in nobody's way.
    assert save(desk, call, **typed).status_code == 200
    assert len(sent()) == 2


@pytest.mark.parametrize("operation", ["tapraise.update_pledge", "tapraise.complete_call"])
def test_undo_is_too_late_once_either_was_tried(desk: Desk, call: Call, operation: str) -> None:
    save(desk, call, **LESS)
    Delivery.objects.filter(operation=operation).update(tries=1)

    answer = desk.press(call, "undo", undo=str(Completion.objects.get().token))

    assert answer.status_code == 409
    assert PledgeChange.objects.exists()
    assert Completion.objects.exists()
    assert len(sent()) == 2
