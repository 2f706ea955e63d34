"""Each question of insight, answered and refused, looked at as test_looks.py looks."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.test_looks import Eye, eye, sign_in
from tests.product import Product

__all__ = ["eye"]

# A month of dials and results, enough to draw and to rank; counted as a worker would.
ROWS = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from calls import daybook
from calls.models import Attempt, Call, Completion, DayCount, DayCounting
from tests.factories import *

at = timezone.now().replace(microsecond=0)
people = [User.objects.get(username=name) for name in ("alice", "bob")]
theirs = (
    Call.objects.visible_to(people[0]).exclude(status="requested").filter(completions=None)
    .order_by("pk")
)
outcomes = ["reached", "no_answer", "voicemail", "reached", "busy"]
for place, call in enumerate(theirs[:60]):
    moment = at - timedelta(days=40 + place % 20, hours=place % 9)
    AttemptFactory(call=call, user=people[place % 2], at=moment, outcome=outcomes[place % 5])
    CompletionFactory(
        call=call, user=people[place % 2], completed_at=moment, retention_rating=6 + place % 4,
        result_code=["confirmed", "downgraded", "dropped"][place % 3],
    )
    if place < 12:
        link = PayLinkFactory(person=call.person, call_uuid=call.pk, user=people[0], at=moment)
        AlphacommLinkFactory(
            pay_link=link, status=["paid", "ready", "failed"][place % 3], visited_at=moment,
            paid_at=moment if place % 3 == 0 else None,
        )
# A worker may have counted those days already, and counts old ones but once a day.
DayCount.objects.all().delete()
DayCounting.objects.all().delete()
daybook.count_days(at=at, at_a_time=timedelta(minutes=5))
print(f"{at - timedelta(days=65):%d-%m-%Y}")
"""
AWAY = """
from datetime import timedelta
from django.utils import timezone
from calls.models import Attempt, Completion, DayCount, DayCounting
from integrations.models import Delivery
from pledges.models import AlphacommLink, PayLink
before = timezone.now() - timedelta(days=35)
AlphacommLink.objects.filter(pay_link__at__lt=before).delete()
rows = [
    Attempt.objects.filter(at__lt=before), Completion.objects.filter(completed_at__lt=before),
    PayLink.objects.filter(at__lt=before),
]
deliveries = [pk for some in rows for pk in some.values_list("delivery", flat=True)]
for some in rows:
    some.delete()
Delivery.objects.filter(pk__in=deliveries).delete()
DayCount.objects.all().delete()
DayCounting.objects.all().delete()
"""
QUESTIONS = ("", "dials/", "results/", "amounts/", "ratings/", "paylinks/", "agents/", "gates/")


@pytest.fixture(scope="module")
def since(product: Product) -> Iterator[str]:
    """From which day on there is something to tell; taken away again."""
    yield product.run(ROWS)
    product.run(AWAY)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.strip("/") or "reach")
def test_a_question_and_its_answer(eye: Eye, since: str, question: str) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.goto(f"/insight/{question}?since={since}")
    expect(page.locator("main .empty")).to_have_count(0)
    eye.look(f"insight-{question.strip('/') or 'reach'}")
    page.goto(f"/insight/{question}?since=gisteren")
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    if not question:
        eye.look("insight-refused")


def test_the_address_of_a_view_is_copied_with_its_days(eye: Eye, since: str) -> None:
    page = eye.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(eye, "carol")
    page.goto(f"/insight/dials/?since={since}")
    page.locator("main [data-copy]").click()
    expect(page.locator("main [data-copied]")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"/insight/dials/?since={since}&until=" in copied
    page.goto(copied)
    expect(page.locator("main .bars")).to_be_visible()
