"""Insight: how calls end and what became of it, each number counted by hand here."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import User
from calls.models import Attempt, Call
from pledges.contact import AMSTERDAM
from pledges.models import Organization, PayLink
from tests.calls.counted import (
    MONDAY,
    THOSE_DAYS,
    TUESDAY,
    completed,
    count,
    dialled,
    look,
    moment,
    page,
    told,
)
from tests.calls.two_steps import signed_in
from tests.factories import (
    AlphacommLinkFactory,
    CallFactory,
    CompletionFactory,
    PayLinkFactory,
    PersonFactory,
    PledgeChangeFactory,
    PledgeFactory,
    TextMessageFactory,
    TransactionFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
Outcome = Attempt.Outcome


# ── How calls end ─────────────────────────────────────────────────────────────────────────────────


def test_results_by_day_are_those_that_were_counted_by_hand(
    carol: User, alice: User, bob: User, new_call: NewCall
) -> None:
    for minute, code in enumerate(["confirmed", "confirmed", "dropped"]):
        completed(new_call(), alice, moment(MONDAY, 11, minute), code)
    completed(new_call(), bob, moment(TUESDAY, 11), "downgraded")
    CompletionFactory(
        call=new_call(), user=bob, completed_at=moment(TUESDAY, 12), ended_badly_at=now()
    )
    count()

    said = page(carol, f"/insight/results/{THOSE_DAYS}")

    assert told(said)[1:] == [
        ["2-11", "2", "0", "0", "1", "0", "3", "67 %", "21–94 %"],
        ["3-11", "0", "1", "0", "0", "0", "1", "0 %", "0–79 %"],
        ["Together", "2", "1", "0", "1", "0", "4", "50 %", "15–85 %"],
    ]
    # The scale goes up to four: two of them are half its height.
    assert 'height="90.0" data-result="confirmed"' in said
    assert 'height="45.0" data-result="downgraded"' in said
    assert said.count("data-result=") == 5 + 3


def test_the_only_column_there_is_has_its_name(carol: User, alice: User, new_call: NewCall) -> None:
    completed(new_call(), alice, moment(date(2026, 11, 5), 11), "confirmed")
    count()

    said = page(carol, "/insight/results/?since=29-10-2026&until=25-11-2026")

    picture = said[said.index('class="slots"') : said.index('class="key"')]
    [column] = [one for one in picture.split("<div>") if "data-result" in one]
    assert ">5-11<" in column


def test_results_of_many_days_are_told_by_week_and_by_month(
    carol: User, alice: User, new_call: NewCall
) -> None:
    for day in (date(2026, 9, 30), date(2026, 10, 4), date(2026, 10, 5), date(2026, 11, 1)):
        completed(new_call(), alice, moment(day, 11), "confirmed")
    count()

    by_week = told(page(carol, "/insight/results/?since=30-09-2026&until=03-11-2026"))
    assert [(row[0], row[6]) for row in by_week[1:]] == [
        ("30-9 – 4-10", "2"),
        ("5-10 – 11-10", "1"),
        ("26-10 – 1-11", "1"),
        ("Together", "4"),
    ]
    by_month = told(page(carol, "/insight/results/?since=15-03-2026&until=03-11-2026"))
    assert [(row[0], row[6]) for row in by_month[1:]] == [
        ("1-9 – 30-9", "1"),
        ("1-10 – 31-10", "2"),
        ("1-11 – 3-11", "1"),
        ("Together", "4"),
    ]


# ── Amounts ───────────────────────────────────────────────────────────────────────────────────────


def agreed(call: Call, user: User, before: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A result with which the pledge was changed: one form sent both."""
    done = CompletionFactory(
        call=call, user=user, completed_at=moment(MONDAY, 11), result_code="converted"
    )
    PledgeChangeFactory(
        pledge=call.pledge, before=before, wanted=wanted, user=user, token=done.token
    )


def test_amounts_before_and_after_are_those_that_were_agreed_on(
    carol: User, alice: User, new_call: NewCall
) -> None:
    def with_pledge(**columns: Any) -> Call:
        call = new_call()
        call.pledge = PledgeFactory(person=call.person, **columns)
        call.save()
        return call

    amount, interval = "donation_amount", "donation_interval"
    # From 10 to 5 a month, twice; from 10 to 12,50 a month; from 10 a month to 30 a quarter.
    for _ in range(2):
        agreed(with_pledge(), alice, {amount: "10.00"}, {amount: "5.00"})
    agreed(with_pledge(), alice, {amount: "10.00"}, {amount: "12.50"})
    agreed(
        with_pledge(),
        alice,
        {amount: "10.00", interval: "monthly"},
        {amount: "30.00", interval: "quarterly"},
    )
    # 10 once instead of 10 a month: what that comes to a year nobody can say.
    agreed(with_pledge(donation_amount="10.00"), alice, {interval: "monthly"}, {interval: "once"})
    # Only the start was changed; nothing was; it was dropped; there is no pledge.
    agreed(with_pledge(), alice, {"starts_at": None}, {"starts_at": "2026-12-01T00:00:00Z"})
    completed(with_pledge(), alice, moment(MONDAY, 12), "confirmed")
    completed(with_pledge(), alice, moment(MONDAY, 13), "dropped")
    completed(new_call(pledge=None), alice, moment(MONDAY, 14), "confirmed")
    # A supervisor changed it later; TapRaise refused a change of the conversation.
    PledgeChangeFactory(pledge=with_pledge().pledge)
    refused = with_pledge()
    agreed(refused, alice, {amount: "10.00"}, {amount: "5.00"})
    refused.pledge.changes.update(ended_badly_at=now())
    count()

    said = page(carol, f"/insight/amounts/{THOSE_DAYS}")

    cells = [[row[0], row[2], *row[5:]] for row in told(said)[1:]]
    assert {row[1] for row in told(said)[1:]} == {"9"}
    # The picture has the number of each and of all, as the table has.
    numbers = re.findall(r'class="number">(\d+ of \d+)<', said)
    assert numbers == ["3 of 9", "2 of 9", "1 of 9", "2 of 9", "1 of 9"]
    assert cells == [
        ["The same", "3", "–", "", "", ""],
        ["Lower", "2", "2", "€ 240,00", "€ 120,00", "€ -120,00"],
        ["Higher", "1", "1", "€ 120,00", "€ 150,00", "€ 30,00"],
        ["Another interval", "2", "1", "€ 120,00", "€ 120,00", "€ 0,00"],
        ["Dropped", "1", "–", "", "", ""],
        ["Lower, higher or another interval", "5", "4", "€ 480,00", "€ 390,00", "€ -90,00"],
    ]
    words = look(carol, f"/insight/amounts/{THOSE_DAYS}")
    assert "5 of 9 completed calls changed what the pledge comes to." in words
    assert "1 more dropped the pledge." in words
    assert "Of 4 it is known what they came to a year: € 480,00 before, € 390,00 after." in words


# ── Ratings ───────────────────────────────────────────────────────────────────────────────────────


def test_ratings_are_held_against_what_became_of_the_pledges(
    carol: User, alice: User, new_call: NewCall
) -> None:
    today = now().astimezone(AMSTERDAM).date()

    def rated(rating: int | None, *, ago: int, code: str = "confirmed", **pledge: Any) -> Call:
        call = new_call()
        call.pledge = PledgeFactory(person=call.person, **pledge)
        call.save()
        completed(call, alice, moment(today - timedelta(days=ago), 12), code, rating)
        return call

    def ended(*, days_ago: int, status: str = "cancelled") -> dict[str, Any]:
        return {"status": status, "ends_at": moment(today - timedelta(days=days_ago), 9)}

    rated(9, ago=100)
    # Cancelled after 20 days; after 40; paid after 10 days, and that was taken back.
    rated(3, ago=100, **ended(days_ago=80))
    rated(3, ago=100, **ended(days_ago=60))
    taken_back = rated(3, ago=100)
    for days, status in ((10, "reversed"), (11, "paid")):
        TransactionFactory(
            pledge=taken_back.pledge,
            status=status,
            created_at=moment(today - timedelta(days=100 - days), 12),
        )
    # One that was taken back before the call says nothing of it.
    TransactionFactory(
        pledge=rated(9, ago=100).pledge,
        status="reversed",
        created_at=moment(today - timedelta(days=101), 12),
    )
    # Old enough for the first look, too near for any, without a rating, dropped in the call.
    rated(3, ago=50, **ended(days_ago=45, status="dropped"))
    rated(3, ago=30, **ended(days_ago=29))
    rated(8, ago=5)
    rated(None, ago=100, status="cancelled", ends_at=None, updated_at=moment(today, 9))
    rated(1, ago=100, code="dropped", **ended(days_ago=99))
    count()

    said = page(carol, f"/insight/ratings/?since={today - timedelta(days=110):%d-%m-%Y}")

    lines = {row[0]: row[1:] for row in told(said)[1:]}
    assert lines["9"] == ["2", "2", "0", "0 %", "0–66 %", "2", "0", "0 %", "0–66 %"]
    assert lines["3"] == ["5", "4", "3", "75 %", "30–95 %", "3", "3", "100 %", "44–100 %"]
    assert lines["Not asked"] == ["1", "1", "0", "0 %", "0–79 %", "1", "0", "0 %", "0–79 %"]
    assert lines["1"][0] == "0"
    assert lines["Together"][:4] == ["9", "7", "3", "43 %"]
    assert "Of 7 pledges 3 were lost within 30 days of the call: 43 %" in look(
        carol, f"/insight/ratings/?since={today - timedelta(days=110):%d-%m-%Y}"
    )
    # The usual days are too near: no noughts, but from when on, and the way to some that are not.
    near = page(carol, "/insight/ratings/")
    known = today - timedelta(days=5) + timedelta(days=31)
    assert f"is known 30 and 90 days later: from {known:%d-%m-%Y} on." in near
    assert "<table" not in near
    assert "table.csv" not in near
    assert signed_in(carol).get("/insight/ratings/table.csv").status_code == 404
    since, until = (today - timedelta(days=days) for days in (120, 91))
    assert f"?since={since:%d-%m-%Y}&amp;until={until:%d-%m-%Y}" in near


# ── PayLinks ──────────────────────────────────────────────────────────────────────────────────────


def test_pay_links_are_followed_from_made_to_opened_to_paid(
    carol: User, alice: User, new_call: NewCall, dierenhulp: Organization
) -> None:
    call = new_call()

    def made(**columns: Any) -> PayLink:
        columns = {"person": call.person, "user": alice, "at": moment(MONDAY, 11), **columns}
        return PayLinkFactory(**columns)

    opened = now() - timedelta(minutes=2)
    made()
    AlphacommLinkFactory(pay_link=made())
    AlphacommLinkFactory(pay_link=made(call_uuid=call.pk), visited_at=opened)
    # Two at Alphacomm for one of ours, of which the second was paid; and paid unseen, in a text.
    twice = made(call_uuid=call.pk)
    AlphacommLinkFactory(pay_link=twice, visited_at=opened)
    AlphacommLinkFactory(pay_link=twice, status="paid", amount_paid=1000)
    text = made(message=TextMessageFactory(person=call.person), delivery=None, amount="25.00")
    AlphacommLinkFactory(pay_link=text, status="paid", amount_paid=2500)
    # Refused, of another day, of others.
    made(ended_badly_at=now())
    made(at=moment(MONDAY - timedelta(days=1), 11))
    made(person=PersonFactory(owning_organization=dierenhulp))
    count()

    said = page(carol, f"/insight/paylinks/{THOSE_DAYS}")

    assert [[row[place] for place in (0, 1, 2, 3, 5, 6, 8, 9)] for row in told(said)[1:]] == [
        ["Shown or copied", "4", "2", "50 %", "1", "25 %", "€ 40,00", "€ 10,00"],
        ["In a message", "1", "1", "100 %", "1", "100 %", "€ 25,00", "€ 25,00"],
        ["Together", "5", "3", "60 %", "2", "40 %", "€ 65,00", "€ 35,00"],
    ]
    assert "2 of 5 PayLinks that were made then have been paid: € 35,00 of € 65,00." in look(
        carol, f"/insight/paylinks/{THOSE_DAYS}"
    )
    of_type = told(page(carol, f"/insight/paylinks/{THOSE_DAYS}&type={call.type}"))
    assert of_type[-1][1] == "2"


# ── Agents ────────────────────────────────────────────────────────────────────────────────────────


def test_agents_have_their_numbers_and_nobody_is_ranked_on_a_handful(
    carol: User, alice: User, bob: User, new_call: NewCall, helder_water: Organization
) -> None:
    zoe = UserFactory(first_name="Zoe", organizations=[helder_water])
    eva = UserFactory(first_name="Eva", organizations=[helder_water])
    for who, confirmed, others in ((alice, 10, 10), (bob, 19, 0), (zoe, 18, 2)):
        for minute in range(confirmed + others):
            code = "confirmed" if minute < confirmed else "other"
            rating = 7 if who == alice and minute < 2 else None
            completed(new_call(), who, moment(MONDAY, 11, minute), code, rating)
    for minute, outcome in enumerate([Outcome.REACHED, Outcome.BUSY, Outcome.BUSY, Outcome.OPEN]):
        dialled(new_call(), eva, moment(MONDAY, 12, minute), outcome)
    count()

    said = page(carol, f"/insight/agents/{THOSE_DAYS}")

    assert told(said)[1:] == [
        ["Zoe", "0", "0", "0", "–", "20", "18", "90 %", "70–97 %", "–", "0"],
        ["Alice", "0", "0", "0", "–", "20", "10", "50 %", "30–70 %", "7,0", "2"],
        ["Bob", "0", "0", "0", "–", "19", "19", "100 %", "83–100 %", "–", "0"],
        ["Eva", "4", "3", "1", "33 %", "0", "0", "–", "", "–", "0"],
        ["Together", "4", "3", "1", "33 %", "59", "47", "80 %", "68–88 %", "7,0", "2"],
    ]
    picture = said[said.index('class="bars"') : said.index("</ul>", said.index('class="bars"'))]
    assert picture.count("fewer than 20 cases") == 2
    numbers = re.findall(r'class="number">(.*?)</span>', picture)
    assert numbers == [
        "<b>90 %</b> · 18 of 20", "<b>50 %</b> · 10 of 20", "19 of 19", "0 of 0",
    ]  # fmt: skip


def test_today_insight_and_the_floor_say_the_same(
    carol: User, alice: User, bob: User, new_call: NewCall, dierenhulp: Organization
) -> None:
    outcomes = [Outcome.REACHED, Outcome.NO_ANSWER, Outcome.CUT_OFF, Outcome.OPEN, Outcome.BUSY]
    for place, outcome in enumerate(outcomes):
        dialled(new_call(), bob if place % 2 else alice, now() - timedelta(seconds=place), outcome)
    for place, code in enumerate(["confirmed", "confirmed", "dropped"]):
        at = now() - timedelta(seconds=place)
        completed(new_call(), alice, at, code, rating=6 + place if place else None)
    theirs = CallFactory(person=PersonFactory(owning_organization=dierenhulp))
    dialled(theirs, alice, now(), Outcome.REACHED)
    count()

    today = f"{now().astimezone(AMSTERDAM):%d-%m-%Y}"
    together = told(page(carol, f"/insight/agents/?since={today}&until={today}"))[-1]
    # There a number and its sign stay on one line.
    floor = look(carol, "/floor/").replace("\xa0", " ")

    attempts, ended, _, reach, done, _, confirmed, _, rating, rated = together[1:]
    assert (attempts, reach, done, confirmed, rating, rated) == (
        "5", "50 %", "3", "67 %", "7,5", "2",
    )  # fmt: skip
    assert f"Completed today {done} " in floor
    # One is not over yet.
    assert f"Reached {reach} 2 of {ended} ended attempts" in floor
    assert f"Confirmed {confirmed} " in floor
    assert f"Retention rating {rating} of {rated} donors" in floor
    hours = told(page(carol, f"/insight/?since={today}&until={today}"))[-1]
    assert (hours[1], hours[4]) == (attempts, reach)
    results = told(page(carol, f"/insight/results/?since={today}&until={today}"))[-1]
    assert (results[6], results[7]) == (done, confirmed)
