"""Every question of insight as a file: the numbers of its page, counted by hand in the stories of
test_insight.py and test_insight_results.py, each in a cell of its own."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
import time_machine
from openpyxl import load_workbook

from accounts.models import AuditEntry, User
from accounts.sheets import Format
from calls.models import Attempt, Call
from calls.views.insight import QUESTIONS
from pledges.models import AlphacommLink, Organization
from tests.calls.counted import (
    ADDRESSES,
    MONDAY,
    THOSE_DAYS,
    TUESDAY,
    completed,
    count,
    dialled,
    moment,
    page,
    told,
)
from tests.calls.two_steps import signed_in
from tests.calls.written import in_csv, in_xlsx
from tests.factories import (
    AlphacommLinkFactory,
    PayLinkFactory,
    PersonFactory,
    PledgeFactory,
    QualityResultFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

# So long after those two days that something is known of what became of their pledges.
LATER = datetime(2026, 12, 10, 11, 0, 5, tzinfo=UTC)

NewCall = Callable[..., Call]
Outcome = Attempt.Outcome


@pytest.fixture(autouse=True)
def later() -> Iterator[None]:
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def two_days(alice: User, bob: User, new_call: NewCall) -> None:
    """Monday: 25 dials, 10 reached; 4 calls completed, 3 of them confirmed; a PayLink paid, and 20
    pledges of one recruiter judged.
    Tuesday: nothing but one dial of Bob's that nobody answered."""
    calls = [new_call() for _ in range(25)]
    for place, call in enumerate(calls):
        outcome = Outcome.REACHED if place < 10 else Outcome.VOICEMAIL
        dialled(call, alice, moment(MONDAY, 10, place), outcome)
    for place, code in enumerate(["confirmed", "confirmed", "confirmed", "dropped"]):
        completed(calls[place], alice, moment(MONDAY, 11, place), code, 8)
    dialled(new_call(), bob, moment(TUESDAY, 19), Outcome.NO_ANSWER)
    for _ in range(20):
        person = PersonFactory(owning_organization=calls[0].person.owning_organization)
        PledgeFactory(
            person=person, recruiter_uuid=UUID(int=1), created_at=moment(MONDAY, 15),
            recruiting_location_label="Utrecht",
        )  # fmt: skip
        judged = {"identifier": "addressIsComplete", "category": "addressQuality"}
        QualityResultFactory(person=person, gates=[judged | {"explanation": "ok"}])
    link = PayLinkFactory(
        person=calls[0].person, user=alice, at=moment(MONDAY, 11), amount=Decimal("12.50")
    )
    AlphacommLinkFactory(
        pay_link=link, status=AlphacommLink.Status.PAID, amount_paid=1250,
        paid_at=moment(MONDAY, 12),
    )  # fmt: skip
    count()


def get(user: User, address: str) -> Any:
    answer = signed_in(user).get(address)
    assert answer.status_code == 200, answer.status_code
    return answer


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_question_can_be_downloaded_from_its_page_with_its_filters(
    carol: User, two_days: None, address: str
) -> None:
    said = page(carol, f"{address}{THOSE_DAYS}")

    for kind in Format.values:
        [link] = re.findall(rf'href="(table\.{kind}[^"]*)"', said)
        assert link.replace("&amp;", "&") == f"table.{kind}{THOSE_DAYS}"
    lines = in_csv(get(carol, f"{address}table.csv{THOSE_DAYS}"))
    # A line of the file for each of the page, beginning with the same words.
    shown = told(said)[1:]
    assert [next(iter(line.values())) for line in lines] == [cells[0] for cells in shown]
    sheet = in_xlsx(get(carol, f"{address}table.xlsx{THOSE_DAYS}"))
    assert len(sheet) == len(lines) + 1
    # Every share comes with its number of cases and its interval.
    names = list(lines[0])
    assert [name for name in names if name.endswith("(%)") and "95 %" in name]


def test_the_list_of_addresses_is_that_of_the_questions() -> None:
    assert len(ADDRESSES) == len(QUESTIONS)


def test_reach_by_hour(carol: User, two_days: None) -> None:
    head, *rows = in_xlsx(get(carol, f"/insight/table.xlsx{THOSE_DAYS}"))

    assert list(head) == [
        "Day", "Hour", "Attempts", "Ended", "Reached", "Reached (%)",
        "Reached, 95 % sure from (%)", "Reached, 95 % sure up to (%)",
    ]  # fmt: skip
    assert rows == [
        ("Monday", "10–11", 25, 25, 10, 40, 23, 59),
        ("Tuesday", "19–20", 1, 1, 0, 0, 0, 79),
        ("Together", None, 26, 26, 10, 38, 22, 57),
    ]


def test_results_over_time(carol: User, two_days: None) -> None:
    lines = in_csv(get(carol, f"/insight/results/table.csv{THOSE_DAYS}"))

    assert [list(line.values()) for line in lines] == [
        ["2-11", "2026-11-02", "2026-11-02", "3", "0", "0", "1", "0", "4", "3", "75", "30", "95"],
        [
            "Together", "2026-11-02", "2026-11-03", "3", "0", "0", "1", "0", "4", "3", "75", "30",
            "95",
        ],
    ]  # fmt: skip


def test_agents_and_paylinks(carol: User, two_days: None) -> None:
    lines = in_csv(get(carol, f"/insight/agents/table.csv{THOSE_DAYS}"))
    alice = next(line for line in lines if line["Agent"] == "Alice")
    named = ("Attempts", "Ended", "Reached", "Completed", "Confirmed", "Rating", "Rated")
    assert [alice[name] for name in named] == ["25", "25", "10", "4", "3", "8,0", "4"]

    links = in_csv(get(carol, f"/insight/paylinks/table.csv{THOSE_DAYS}"))
    named = ("Made", "Opened", "Paid", "Paid (%)", "Asked for", "Came in")
    assert [links[-1][name] for name in named] == ["1", "1", "1", "100", "12,50", "12,50"]


def test_a_file_is_narrowed_as_its_page_is(carol: User, bob: User, two_days: None) -> None:
    lines = in_csv(get(carol, f"/insight/table.csv{THOSE_DAYS}&agent={bob.pk}"))

    assert [line["Attempts"] for line in lines] == ["1", "1"]


def test_of_another_organisation_nothing_is_in_it(
    carol: User, dierenhulp: Organization, two_days: None
) -> None:
    door = UserFactory(role=User.Role.SUPERVISOR, organizations=[dierenhulp])

    lines = in_csv(get(door, f"/insight/table.csv{THOSE_DAYS}"))

    assert [line["Attempts"] for line in lines] == ["0"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_of_a_filter_that_is_none_no_file_is_made(
    carol: User, two_days: None, address: str
) -> None:
    answer = signed_in(carol).get(f"{address}table.csv?since=xx")

    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/plain")
    said = answer.content.decode()
    assert said.startswith("From: ")
    assert said.removeprefix("From: ") in page(carol, f"{address}?since=xx")
    assert not AuditEntry.objects.filter(action="insight.exported").exists()


def test_a_sheet_has_the_name_of_its_question(carol: User, two_days: None) -> None:
    answer = get(carol, f"/insight/dials/table.xlsx{THOSE_DAYS}")

    book = load_workbook(BytesIO(answer.content))
    assert book.sheetnames == ["Attempts"]
    # Its names stay in view, and it can be filtered and sorted by them.
    sheet = book.active
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:G3")


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_agent_gets_no_file(alice: User, address: str) -> None:
    assert signed_in(alice).get(f"{address}table.csv").status_code == 404


def test_who_took_which_question_with_what_filters_is_on_the_trail(
    carol: User, bob: User, two_days: None
) -> None:
    get(carol, f"/insight/dials/table.xlsx{THOSE_DAYS}&agent={bob.pk}&type=winback")

    entry = AuditEntry.objects.get(action="insight.exported")
    assert entry.user == carol
    facts = entry.facts
    assert (facts["question"], facts["format"]) == ("insight_dials", "xlsx")
    assert facts["rows"] == 1
    assert {name: facts["asked"][name] for name in ("since", "until", "agent", "call_type")} == {
        "since": "2026-11-02",
        "until": "2026-11-03",
        "agent": str(bob.pk),
        "call_type": "winback",
    }
