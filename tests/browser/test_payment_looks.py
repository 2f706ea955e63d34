"""What supervisors see of payments, looked at as test_looks.py looks: lists, a story, the inbox."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.test_looks import Eye, eye, press_primary, sign_in
from tests.product import Product

__all__ = ["eye"]  # the fixture

# Rows as actions, sync and webhooks would have left them: a list of every kind of PayLink, one that
# was made twice and paid by the wrong address, and an inbox in which nothing went by itself.
ROWS = """
from datetime import timedelta
from decimal import Decimal
from django.utils import timezone
from accounts.models import User
from integrations.models import WebhookEvent
from pledges.models import AlphacommLink, PayLink, Person
from tests.factories import *

LOOKS = "20261103-looks"
at = timezone.now()
carol = User.objects.get(username="carol")
theirs = Person.objects.filter(owning_organization__in=carol.organizations.all())
donors = list(theirs.order_by("pk")[:6])
looks = [{"at": (at - timedelta(minutes=m)).isoformat(), "finding": "absent"} for m in (9, 4)]

def made(donor, status=None, **columns):
    there = {k: columns.pop(k) for k in list(columns) if k in ("visited_at", "amount_paid")}
    link = PayLinkFactory(person=donor, user=carol, **columns)
    if status:
        AlphacommLinkFactory(pay_link=link, status=status, **there)
    return link

made(donors[0], "ready", visited_at=at, amount=Decimal("12.50"))
made(donors[1], "failed", visible_until=at + timedelta(days=1))
made(donors[2], delivery__is_done=False, delivery__is_undecided=True, delivery__readings=looks)
made(donors[3], "ready", visible_until=at - timedelta(days=2))
script = MessageScriptFactory(
    organization=donors[4].owning_organization, script_id="7002", is_active=False
)
text = TextMessageFactory(person=donors[4], script=script, user=carol)
made(donors[4], "started", message=text, delivery=None, amount=Decimal("7.25"))
paid = made(donors[5], "paid", amount_paid=1000)
other = AlphacommLinkFactory(
    pay_link=paid, status="paid", amount_paid=1000, created_on=at, orphan_told_at=at
)
for link in (other, paid.links.first()):
    WebhookEventFactory(service_id=link.pk, is_worked=True, times=3, reference=LOOKS)
WebhookEventFactory(event="PayLinkDreamt", state="unknown", reference=LOOKS)
WebhookEventFactory(event="PayLinkPaid", is_given_up=True, reference=LOOKS)
WebhookEventFactory(event="PayLinkVisited", is_worked=True, reference=LOOKS)
PaymentRulesFactory(
    organization=donors[0].owning_organization, from_date=at.date() - timedelta(days=4000)
)
"""


@pytest.fixture(scope="module")
def payments(product: Product) -> Iterator[None]:
    """The rows of these stories, which nobody else sees: they are taken away again."""
    product.run(ROWS)
    yield
    away = """
from integrations.models import *
from pledges.models import *
mine = PayLink.objects.filter(invoice_reference__startswith="20261103-link")
AlphacommLink.objects.filter(pay_link__in=mine).delete()
deliveries = list(mine.values_list("delivery", flat=True))
mine.delete()
texts = TextMessage.objects.filter(reference__startswith="20261103-text")
deliveries += texts.values_list("delivery", flat=True)
texts.delete()
MessageScript.objects.filter(script_id="7002").delete()
Delivery.objects.filter(pk__in=deliveries).delete()
WebhookEvent.objects.filter(reference="20261103-looks").delete()
"""
    product.run(away)


@pytest.mark.usefixtures("payments")
def test_what_is_to_be_followed_up(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    eye.look("start-supervisor")
    page.click("#follow-up-title + ul a[href='/paylinks/']")
    expect(page.locator(".banner[data-state=stop]")).to_have_count(1)
    eye.look("paylinks")
    page.click("a[href*='state=orphans']")
    expect(page.locator(".records > li")).to_have_count(1)
    eye.look("paylinks-orphans")
    page.fill("[name=made_from]", "gisteren")
    page.keyboard.press("Enter")
    expect(page.locator("[name=made_from]")).to_be_focused()
    eye.look("paylinks-no-filter")
    page.goto("/paylinks/?state=refused")
    eye.look("paylinks-none")


@pytest.mark.usefixtures("payments")
def test_the_story_of_one(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    for state, name in (("orphans", "twice"), ("opened", "by-text"), ("unpaid", "undecided")):
        page.goto(f"/paylinks/?state={state}")
        lines = page.locator(".records > li")
        if name == "undecided":
            lines = lines.filter(has=page.locator("[data-state=red]"))
        if name == "by-text":
            lines = lines.filter(has_text="7,25")
        lines.locator("a[href^='/paylinks/']").last.click()
        page.wait_for_url(re.compile("/paylinks/[0-9a-f-]{36}/"))
        eye.look(f"paylink-{name}")


@pytest.mark.usefixtures("payments")
def test_the_amount_is_looked_at(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    rules = (
        "from pledges.models import *; print(PaymentRules.objects.filter("
        "organization__members__username='carol').latest('pk').pk)"
    )
    pk = eye.product.run(rules)
    page.goto(f"/payment-rules/{pk}/amounts/")
    eye.look("amounts")
    press_primary(page)
    expect(page.locator("[data-refused]")).to_be_visible()
    eye.look("amounts-refused")


@pytest.mark.usefixtures("payments")
def test_the_inbox(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.click("[popovertarget=me]")
    eye.look("menu-supervisor")
    page.click("#me a[href='/webhooks/']")
    expect(page.locator(".records > li").first).to_be_visible()
    eye.look("webhooks")
    page.goto("/webhooks/?state=failed&about=nothing")
    eye.look("webhooks-none")


def test_the_pages_of_the_sandbox(eye: Eye) -> None:
    """The donor reads Dutch; who makes things go wrong reads English."""
    page = eye.page
    if eye.language == "nl":
        page.goto(f"{eye.product.sandbox_url}phone")
        eye.look("sandbox-phone")
        return
    page.goto(eye.product.sandbox_url)
    page.get_by_role("button", name="Take all faults away").click()
    page.get_by_role("button", name="Alphacomm: the next PayLink is refused").click()
    expect(page.locator("body")).to_contain_text("1 fault is in force")
    eye.look("sandbox")
    page.get_by_role("button", name="Take all faults away").click()
    expect(page.locator("body")).to_contain_text("No faults are in force")
