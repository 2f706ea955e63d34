"""Ask, don't tell: the agent types what the donor says of a masked detail, and the server answers
right or wrong without ever sending the detail."""

from collections.abc import Callable
from datetime import date

import pytest

from accounts.models import AuditEntry, User
from calls.models import Call, Check, Completion, Saying
from tests.calls.conftest import Desk
from tests.calls.test_check_details import on_the_line
from tests.calls.two_steps import signed_in
from tests.factories import CompletionFactory

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
IBAN = "NL91ABNA0417164300"


@pytest.fixture
def desk(alice: User, call: Call, at_desk: AtDesk) -> Desk:
    call.person.iban = IBAN
    call.person.iban_hash = "0" * 32
    call.person.date_of_birth = date(1984, 3, 17)
    # A name without figures, which could happen to be those of the account.
    call.person.last_name = "Bakker"
    call.person.save()
    on_the_line(call, alice)
    desk = at_desk(alice)
    desk.look(call)
    return desk


def say(desk: Desk, call: Call, item: str, said: str) -> str:
    """Type it under the token that the page shows; what the answer says."""
    page = desk.client.get(f"/calls/{call.pk}/").content.decode()
    token = page.partition('name="said_token" value="')[2][:36]
    answer = desk.press(
        call, "checks/said", htmx=True, item=item, said_token=token, **{f"said_{item}": said}
    )
    return answer.content.decode()


@pytest.mark.parametrize("said", ["4300", " 43 00 "])
def test_the_last_four_of_the_account_as_the_donor_says_them(
    desk: Desk, call: Call, said: str
) -> None:
    page = say(desk, call, "account", said)

    assert "Not right" not in page
    assert dict(Check.objects.values_list("item", "answer")) == {"account": "confirmed"}


@pytest.mark.parametrize("said", ["17-3", "17-03", "17/3", "17 03", "17.3"])
def test_day_and_month_however_they_are_typed(desk: Desk, call: Call, said: str) -> None:
    say(desk, call, "date_of_birth", said)

    assert Check.objects.get().answer == "confirmed"


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("account", "4301"),
        ("account", "NL91"),
        ("date_of_birth", "3-12"),
        ("date_of_birth", "29-2"),
    ],
)
def test_what_is_wrong_is_wrong_and_no_answer_tells_the_detail(
    desk: Desk, call: Call, item: str, said: str
) -> None:
    page = say(desk, call, item, said)

    assert "Not right. 2 more times" in page
    assert not Check.objects.exists()
    for secret in (IBAN, "4300", "17-03", "17-3-"):
        assert secret not in page


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("account", "00"),
        ("account", "64300"),
        ("account", "43-0"),
        ("date_of_birth", "32-13"),
        ("date_of_birth", "30-2"),
        ("date_of_birth", "3-17"),
        ("date_of_birth", "0-3"),
        ("date_of_birth", "17"),
        ("date_of_birth", "17-3-84"),
        ("date_of_birth", "maart"),
    ],
)
def test_what_cannot_be_an_answer_is_refused_in_place_and_is_not_one_that_was_wrong(
    desk: Desk, call: Call, item: str, said: str
) -> None:
    page = say(desk, call, item, said)

    words = {
        "account": "Write the last four figures or letters of the account number.",
        "date_of_birth": "Write day and month as 31-12.",
    }
    assert f'id="said-{item}-error" role="alert">{words[item]}<' in page
    assert "Not right" not in page
    assert not Saying.objects.exists()


def test_what_was_said_is_kept_nowhere(desk: Desk, call: Call) -> None:
    say(desk, call, "account", "4399")

    assert "4399" not in str(list(Saying.objects.values()))
    entry = AuditEntry.objects.get(action="detail.said")
    assert entry.facts == {"item": "account", "is_right": False}


def test_the_same_answer_sent_twice_is_wrong_once(desk: Desk, call: Call) -> None:
    token = desk.look(call).partition('name="said_token" value="')[2][:36]
    for _ in range(2):
        desk.press(
            call, "checks/said", htmx=True, item="account", said_account="1111", said_token=token
        )

    assert Saying.objects.count() == 1


def test_a_masked_detail_is_not_right_by_choosing_so(desk: Desk, call: Call) -> None:
    answer = desk.press(call, "checks", htmx=True, check_account="confirmed")

    assert answer.status_code == 409
    assert "Type first what the donor says" in answer.content.decode()
    assert not Check.objects.exists()


def test_once_the_call_is_saved_nothing_is_to_be_asked_any_more(
    desk: Desk, call: Call, bob: User, at_desk: AtDesk
) -> None:
    assert "ask for it, do not say it" in at_desk(bob).look(call)

    CompletionFactory(call=call)

    assert "ask for it, do not say it" not in at_desk(bob).look(call)


# ── Too many wrong ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def stranger(desk: Desk, call: Call) -> Desk:
    """Three wrong answers."""
    for said in ("1111", "2222", "3333"):
        say(desk, call, "account", said)
    return desk


def test_then_nothing_personal_is_shown_and_the_right_answer_comes_too_late(
    stranger: Desk, call: Call
) -> None:
    late = say(stranger, call, "account", "4300")
    page = stranger.look(call)

    assert "not sure that this is the donor" in late
    assert not Check.objects.exists()
    for told in ("Bedachtestraat", str(call.person.email), "1984", IBAN):
        assert told not in page
    revealed = stranger.press(
        call, "reveals", htmx=True, item="account", reason_account="donor_asks"
    )
    assert revealed.status_code == 409
    assert "0417" not in revealed.content.decode()


@pytest.mark.parametrize(("result", "status"), [("confirmed", 422), ("other", 200)])
def test_the_pledge_is_not_confirmed_by_somebody_else(
    stranger: Desk, call: Call, result: str, status: int
) -> None:
    stranger.look(call)

    answer = stranger.press(
        call,
        "completion",
        htmx=True,
        result_code=result,
        retention_rating="not_asked",
        notes="Iemand anders aan de lijn.",
    )

    assert answer.status_code == status
    assert Completion.objects.exists() == (status == 200)


def test_only_a_supervisor_who_is_sure_opens_it_again(
    stranger: Desk, call: Call, carol: User
) -> None:
    assert stranger.press(call, "checks/trust").status_code == 404
    assert "Bedachtestraat" not in stranger.look(call)

    assert signed_in(carol).post(f"/calls/{call.pk}/checks/trust/").status_code == 302

    assert "Bedachtestraat" in stranger.look(call)
    assert AuditEntry.objects.get(action="donor.trusted").facts == {"answers": 3}
