"""Insight: quality gates by recruiter and location, each number counted by hand here."""

import re
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from math import sqrt
from typing import Any

import pytest

from accounts.models import User
from calls import daybook
from calls.insight.asked import Share
from calls.insight.gates import MOST
from calls.models import Call, GateCount
from pledges.contact import AMSTERDAM
from pledges.models import Organization, Pledge
from tests.calls.counted import (
    MONDAY,
    THOSE_DAYS,
    TUESDAY,
    completed,
    count,
    look,
    moment,
    page,
    told,
)
from tests.factories import (
    CallFactory,
    CompletionFactory,
    PersonFactory,
    PledgeFactory,
    QualityResultFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

ADDRESS, ACCOUNT = "addressIsComplete", "ibanDoesNotMatchRecruiterUsersIban"
FAILURES = {ADDRESS: "addressIsIncomplete", ACCOUNT: "ibanMatchesRecruiterIban"}
CATEGORIES = {ADDRESS: "addressQuality", ACCOUNT: "recruiterFraud"}
ONE, TWO, THREE = (uuid.UUID(int=place) for place in (1, 2, 3))
NAMES = {ONE: ("Werver Een", "R-1"), TWO: (None, "R-2"), THREE: (None, None)}

Recruited = Callable[..., Pledge]


@pytest.fixture
def recruited(helder_water: Organization) -> Recruited:
    """A pledge of Helder Water, judged by these gates; those in `failed` found something."""

    def make(
        day: date,
        recruiter: uuid.UUID | None,
        failed: tuple[str, ...] = (),
        *,
        asked: tuple[str, ...] = (ADDRESS, ACCOUNT),
        is_judged: bool = True,
        organization: Organization = helder_water,
        location: str | None = "Utrecht",
        **columns: Any,
    ) -> Pledge:
        person = PersonFactory(owning_organization=organization)
        name, number = NAMES.get(recruiter, (None, None)) if recruiter else (None, None)
        pledge: Pledge = PledgeFactory(
            person=person,
            recruiter_uuid=recruiter,
            recruiting_location_label=location,
            **{
                "created_at": moment(day, 15),
                "recruiter_name": name,
                "recruiter_identifier": number,
                **columns,
            },
        )
        if is_judged:
            gates = [
                {
                    "identifier": gate,
                    "category": CATEGORIES[gate],
                    "explanation": FAILURES[gate] if gate in failed else "ok",
                }
                for gate in asked
            ]
            QualityResultFactory(person=person, gates=gates)
        return pledge

    return make


@pytest.fixture
def two_days(recruited: Recruited) -> list[Pledge]:
    """Recruiter one: 25 on Monday, of which 3 have half an address, one the recruiter's own account
    and one both. Two: 20 on Tuesday, half of them with half an address, one of those not asked for
    the account. Three: 3, all with half an address, and one not judged. Nobody told: one."""
    for place in range(25):
        gates = (ADDRESS,) if place < 3 else {3: (ACCOUNT,), 4: (ADDRESS, ACCOUNT)}.get(place, ())
        recruited(MONDAY, ONE, gates)
    for place in range(20):
        asked = (ADDRESS,) if place == 0 else (ADDRESS, ACCOUNT)
        failed = (ADDRESS,) if place < 10 else ()
        recruited(TUESDAY, TWO, failed, asked=asked, location=" Dam ")
    for _ in range(3):
        recruited(TUESDAY, THREE, (ADDRESS,))
    recruited(TUESDAY, THREE, is_judged=False)
    recruited(TUESDAY, None, location="")
    return list(Pledge.objects.filter(recruiter_uuid=ONE).order_by("pk"))


# ── By recruiter and by location ──────────────────────────────────────────────────────────────────


def test_gates_by_recruiter_are_those_that_were_counted_by_hand(
    carol: User, two_days: list[Pledge]
) -> None:
    count()

    said = page(carol, f"/insight/gates/{THOSE_DAYS}")

    # The highest share first; who has fewer than 20 cases stands apart, whatever their share.
    assert [row[:6] for row in told(said)[1:]] == [
        ["R-2", "20", "10", "50 %", "30–70 %", "0"],
        ["Werver Een (R-1)", "25", "5", "20 %", "9–39 %", "0"],
        ["Fewer than 20 pledges judged: by name, not ranked"],
        [str(THREE), "3", "3", "100 %", "44–100 %", "1"],
        ["no recruiter told", "1", "0", "0 %", "0–79 %", "0"],
        ["Together", "49", "18", "37 %", "25–51 %", "1"],
    ]
    # The picture says the same, and nothing of those who are few.
    numbers = re.findall(r'<span class="number">(.*?)</span>', said)
    assert numbers == ["<b>50 %</b> · 10 of 20", "<b>20 %</b> · 5 of 25"]
    words = look(carol, f"/insight/gates/{THOSE_DAYS}")
    assert "Of 49 pledges that were judged 18 failed at one gate or more: 37 %" in words
    assert "1 was not judged, or not yet." in words
    assert "Not drawn: 2 with fewer than 20 pledges judged each." in words


def test_gates_by_location_are_those_that_were_counted_by_hand(
    carol: User, two_days: list[Pledge]
) -> None:
    count()

    said = told(page(carol, f"/insight/gates/{THOSE_DAYS}&per=location"))

    assert [row[:6] for row in said[1:]] == [
        ["Dam", "20", "10", "50 %", "30–70 %", "0"],
        ["Utrecht", "28", "8", "29 %", "15–47 %", "1"],
        ["Fewer than 20 pledges judged: by name, not ranked"],
        ["no location told", "1", "0", "0 %", "0–79 %", "0"],
        ["Together", "49", "18", "37 %", "25–51 %", "1"],
    ]


@pytest.mark.parametrize(
    ("gate", "one", "two", "together"),
    [
        (ADDRESS, ["25", "4", "16 %"], ["20", "10", "50 %"], ["49", "17", "35 %"]),
        # One of them was not asked for the account, so it says nothing of it.
        (ACCOUNT, ["25", "2", "8 %"], ["19", "0", "0 %"], ["48", "2", "4 %"]),
        ("emailIsAvailable", ["25", "0", "0 %"], ["20", "0", "0 %"], ["49", "0", "0 %"]),
    ],
)
def test_one_gate_alone(
    carol: User,
    two_days: list[Pledge],
    gate: str,
    one: list[str],
    two: list[str],
    together: list[str],
) -> None:
    count()

    said = {
        row[0]: row[1:4] for row in told(page(carol, f"/insight/gates/{THOSE_DAYS}&gate={gate}"))
    }

    assert said["Werver Een (R-1)"] == one
    assert said["R-2"] == two
    assert said["Together"] == together


def test_each_gate_of_everybody_and_of_one(carol: User, two_days: list[Pledge]) -> None:
    count()

    def gates(narrowed: str = "") -> dict[str, list[str]]:
        said = page(carol, f"/insight/gates/{THOSE_DAYS}&per=gate{narrowed}")
        return {row[0]: row[1:] for row in told(said) if len(row) > 1}

    everybody = gates()
    assert everybody["Address not complete"] == ["49", "17", "35 %", "23–49 %"]
    assert everybody["The recruiter&#x27;s account number".replace("&#x27;", "'")] == [
        "48", "2", "4 %", "1–14 %",
    ]  # fmt: skip
    assert everybody["Phone number made up"] == ["49", "0", "0 %", "0–7 %"]
    assert everybody["One gate or more"] == ["49", "18", "37 %", "25–51 %"]
    assert gates(f"&recruiter={ONE}")["Address not complete"][:3] == ["25", "4", "16 %"]
    assert gates("&location=Dam")["Address not complete"][:3] == ["20", "10", "50 %"]
    assert "Only pledges of Werver Een (R-1)." in look(
        carol, f"/insight/gates/{THOSE_DAYS}&per=gate&recruiter={ONE}"
    )
    # A name leads to the gates of its bearer, a gate to everybody at that gate.
    assert f"per=gate&amp;recruiter={ONE}" in page(carol, f"/insight/gates/{THOSE_DAYS}")
    assert f"gate={ADDRESS}" in page(carol, f"/insight/gates/{THOSE_DAYS}&per=gate")


def test_how_their_verification_calls_ended_stands_beside_it(
    carol: User, alice: User, two_days: list[Pledge]
) -> None:
    for pledge, code in zip(
        two_days, ["confirmed", "confirmed", "downgraded", "dropped", "other"], strict=False
    ):
        completed(_call(pledge), alice, moment(TUESDAY, 11), code)
    # Of another type; refused by TapRaise.
    completed(_call(two_days[5], type=Call.Type.WINBACK), alice, moment(TUESDAY, 12), "dropped")
    CompletionFactory(
        call=_call(two_days[6]), user=alice, result_code="dropped", ended_badly_at=now()
    )
    count()

    rows = told(page(carol, f"/insight/gates/{THOSE_DAYS}"))

    assert [row[6:] for row in rows if row[0] in ("Werver Een (R-1)", "R-2", "Together")] == [
        ["0", "0", "0", "–", ""],
        ["5", "1", "1", "40 %", "12–77 %"],
        ["5", "1", "1", "40 %", "12–77 %"],
    ]
    assert "Of 5 verification calls about them 2 lowered or dropped the pledge: 40 %" in look(
        carol, f"/insight/gates/{THOSE_DAYS}"
    )


def _call(pledge: Pledge, **columns: Any) -> Call:
    made: Call = CallFactory(person=pledge.person, pledge=pledge, **columns)
    return made


# ── Whose, and when ───────────────────────────────────────────────────────────────────────────────


def test_pledges_to_others_are_not_told(
    carol: User, recruited: Recruited, dierenhulp: Organization
) -> None:
    recruited(MONDAY, ONE)
    recruited(MONDAY, ONE, (ADDRESS,), organization=dierenhulp)
    count()
    door = UserFactory(role=User.Role.SUPERVISOR, organizations=[dierenhulp])

    for asked in ("", f"&per=gate&recruiter={ONE}", "&per=gate", "&per=location"):
        assert told(page(carol, f"/insight/gates/{THOSE_DAYS}{asked}"))[-1][1:3] == ["1", "0"]
        assert told(page(door, f"/insight/gates/{THOSE_DAYS}{asked}"))[-1][1:3] == ["1", "1"]


@pytest.mark.parametrize(
    ("asked", "judged"),
    [
        ("since=02-11-2026&until=02-11-2026", "25"),
        ("since=03-11-2026&until=03-11-2026", "24"),
        ("since=02-11-2026&until=03-11-2026&organization={helder_water}", "49"),
        # What neither has a part in narrows nothing, also in an address of another question.
        ("since=02-11-2026&until=03-11-2026&type=winback&agent=1", "49"),
    ],
)
def test_a_view_can_be_narrowed_and_sent_to_somebody(
    carol: User, helder_water: Organization, two_days: list[Pledge], asked: str, judged: str
) -> None:
    count()
    address = f"/insight/gates/?{asked.format(helder_water=helder_water.pk)}"

    assert told(page(carol, address))[-1][1] == judged


@pytest.mark.parametrize("wrong", ["per=moon", "gate=isNice", "recruiter=%00", "location=%00"])
def test_what_is_no_filter_is_not_answered(carol: User, two_days: list[Pledge], wrong: str) -> None:
    count()

    said = page(carol, f"/insight/gates/{THOSE_DAYS}&{wrong}")

    assert "so no numbers are shown" in said
    assert said.count("errorlist") == 1
    assert "<table" not in said


def test_a_pledge_is_recruited_on_a_day_in_amsterdam(carol: User, recruited: Recruited) -> None:
    for hour in (0, 23):
        recruited(MONDAY, ONE, created_at=moment(MONDAY, hour, 55))
    recruited(TUESDAY, ONE, created_at=moment(TUESDAY, 0, 5))
    count()

    said = told(page(carol, "/insight/gates/?since=02-11-2026&until=02-11-2026"))

    assert said[-1][1] == "2"


def test_what_taprise_tells_later_is_found_by_itself(carol: User, two_days: list[Pledge]) -> None:
    """A pledge is not there any more; a result is made anew; a name is spelled otherwise."""
    count()
    before = set(GateCount.objects.values_list("pk", flat=True))
    daybook.count_day(MONDAY, at=now())
    assert set(GateCount.objects.values_list("pk", flat=True)) == before

    gone, mended = two_days[:2]
    Pledge.objects.filter(pk=gone.pk).update(gone_at=now())
    mended.person.quality.gates = []  # type: ignore[union-attr]
    mended.person.quality.save()  # type: ignore[union-attr]
    for day in (MONDAY, TUESDAY):
        daybook.count_day(day, at=now())

    rows = told(page(carol, f"/insight/gates/{THOSE_DAYS}"))
    [line] = [row for row in rows if row[0] == "Werver Een (R-1)"]
    assert line[1] == "23"
    assert line[5] == "1"


def test_days_of_pledges_that_are_older_than_the_work_are_counted(
    carol: User, recruited: Recruited
) -> None:
    today = now().astimezone(AMSTERDAM).date()
    recruited(today - timedelta(days=6), ONE)
    # A moment that somebody mistyped: nobody waits for a worker to count 126 years.
    recruited(date(1900, 1, 1), ONE)

    days = daybook.due_days(at=now())

    assert today - timedelta(days=6) in days
    assert min(days) > today - timedelta(days=3700)
    assert "days are still to be counted" in look(carol, "/insight/gates/")


def test_a_recruiter_has_a_name_where_any_pledge_tells_it(
    carol: User, recruited: Recruited
) -> None:
    for day in (MONDAY, TUESDAY):
        recruited(day, ONE, recruiter_name=None)
        recruited(MONDAY, ONE, recruiter_name="Bedachte Werver")
    count()

    rows = told(page(carol, f"/insight/gates/{THOSE_DAYS}"))

    assert [row[0] for row in rows if row[1:2] == ["4"]] == ["Bedachte Werver (R-1)", "Together"]


def test_a_label_of_any_length_is_counted(carol: User, recruited: Recruited) -> None:
    recruited(MONDAY, ONE, location="é" * 4000)
    count()

    assert "é" * 200 in page(carol, f"/insight/gates/{THOSE_DAYS}&per=location")


def test_what_there_is_no_room_for_stands_in_one_line(
    carol: User, helder_water: Organization
) -> None:
    GateCount.objects.bulk_create(
        GateCount(
            day=MONDAY, by="recruiter", organization=helder_water,
            key=str(uuid.UUID(int=place)), name=f"R-{place:03}", pledges=30, failed=place % 30,
        )
        for place in range(MOST + 40)
    )  # fmt: skip

    rows = told(page(carol, f"/insight/gates/{THOSE_DAYS}"))

    assert len(rows) == MOST + 3
    assert rows[-2][:2] == ["40 others, together", "1200"]
    assert rows[-1][1] == str(30 * (MOST + 40))
    assert "Drawn are the 20 with the highest share" in look(carol, f"/insight/gates/{THOSE_DAYS}")


# ── How sure ──────────────────────────────────────────────────────────────────────────────────────


def score_interval(part: int, whole: int) -> tuple[float, float]:
    """By definition: the shares that a score test at 95 % does not refuse, found by halving."""

    def is_refused(share: float) -> bool:
        return abs(part / whole - share) > 1.959963984540054 * sqrt(share * (1 - share) / whole)

    def edge(outside: float, inside: float) -> float:
        for _ in range(60):
            middle = (outside + inside) / 2
            outside, inside = (middle, inside) if is_refused(middle) else (outside, middle)
        return inside

    best = min(max(part / whole, 1e-12), 1 - 1e-12)
    return edge(0.0, best), edge(1.0, best)


@pytest.mark.parametrize(
    ("part", "whole"), [(10, 20), (5, 25), (18, 49), (8, 28), (2, 5), (2, 48), (17, 49), (1, 700)]
)
def test_the_interval_is_the_one_of_the_definition(part: int, whole: int) -> None:
    low, high = score_interval(part, whole)

    assert Share(part, whole).between == f"{round(100 * low)}–{round(100 * high)} %"
