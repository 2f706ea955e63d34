"""Days that a worker counted, and what the pages of insight say of them."""

import html
import re
from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import User
from calls import daybook
from calls.models import Attempt, Call
from pledges.contact import AMSTERDAM
from tests.calls.two_steps import signed_in
from tests.factories import (
    AttemptFactory,
    CompletionFactory,
    now,
)

Outcome = Attempt.Outcome

# A Monday and the Tuesday after it, in winter.
MONDAY, TUESDAY = date(2026, 11, 2), date(2026, 11, 3)
THOSE_DAYS = "?since=02-11-2026&until=03-11-2026"
ADDRESSES = [
    "/insight/",
    "/insight/dials/",
    "/insight/results/",
    "/insight/amounts/",
    "/insight/ratings/",
    "/insight/paylinks/",
    "/insight/agents/",
    "/insight/gates/",
]


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=AMSTERDAM)


def count() -> None:
    """A worker has the time to count every day."""
    daybook.count_days(at=now(), at_a_time=timedelta(minutes=10))


def page(user: User, address: str) -> str:
    answer = signed_in(user).get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def look(user: User, address: str) -> str:
    """What the page says to this person."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page(user, address))))


def told(said: str) -> list[list[str]]:
    """The lines of the table, cell by cell."""
    table = said[said.index("<table") : said.index("</table>")]
    return [
        [
            html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", cell))).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    ]


def dialled(call: Call, user: User, at: datetime, outcome: str, **columns: Any) -> None:
    ended = None if outcome == Outcome.OPEN else at + timedelta(seconds=30)
    AttemptFactory(call=call, user=user, at=at, outcome=outcome, outcome_at=ended, **columns)


def completed(call: Call, user: User, at: datetime, code: str, rating: int | None = None) -> None:
    CompletionFactory(
        call=call, user=user, completed_at=at, result_code=code, retention_rating=rating
    )
