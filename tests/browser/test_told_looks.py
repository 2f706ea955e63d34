"""What a supervisor tells the floor, and what is told of a donor, looked at as every page is."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_floor_story import APPEARS, somebody_else, speak_as
from tests.browser.test_looks import Eye, eye, press_primary, sign_in, take_next
from tests.product import Product

__all__ = ["eye"]  # the fixture

# What happened with the donor whom Carol has in hand: dialled, refused, corrected, taken away.
HAPPENED = """
import uuid
from datetime import timedelta
from django.utils import timezone
from accounts import audit
from accounts.models import User
from calls.models import Attempt, Check, Completion, Hold, RingBack, TakenAway
from integrations.models import Delivery
from pledges.models import Correction, Mandate, PayLink, AlphacommLink, Transaction
alice, carol = (User.objects.get(username=name) for name in ("alice", "carol"))
call = Hold.objects.get(user=carol).call
person = call.person
at = timezone.now() - timedelta(days=1, hours=2)
minute = lambda n: at + timedelta(minutes=n)
def sent(operation, n, subject, seq, **columns):
    return Delivery.objects.create(operation=operation, account="default", subject=subject, seq=seq,
        fingerprint=str(uuid.uuid4()), by=alice, not_before=minute(n), created_at=minute(n),
        first_sent_at=minute(n), last_sent_at=minute(n), closed_at=minute(n), tries=1,
        **{"payload": {}, "state": "closed", "outcome": "done", **columns})
line = call.subject
def dialled(n, seq, outcome):
    payload = {"attempt_at": minute(n).isoformat()}
    message = sent("tapraise.add_attempt", n, line, seq, payload=payload)
    Attempt.objects.create(call=call, user=alice, at=minute(n), outcome=outcome,
        organization=person.owning_organization,
        outcome_at=minute(n), token=uuid.uuid4(), delivery=message)
dialled(0, 901, "voicemail")
TakenAway.objects.create(call=call, user=alice, by=carol, reason="shift_over", at=minute(5))
def note(action, user, n, **facts):
    about = {"subject": line, "person_uuid": person.pk}
    audit.record(action, user=user, at=minute(n), **about, **facts)
note("callback.made", alice, 6, due_at=minute(60).isoformat(), whose="mine")
note("callback.handed_over", carol, 7, to=None, reason="busy")
dialled(60, 902, "reached")
for n, item in enumerate(("name", "address", "amount")):
    Check.objects.create(call=call, item=item, answer="confirmed", user=alice, at=minute(61 + n))
note("detail.revealed", alice, 64, item="account", reason="donor_asks")
Correction.objects.create(person=person, organization=person.owning_organization, item="email",
    was={"email": "oud@example.org"}, now={"email": "nieuw@example.org"}, call_uuid=call.pk,
    user=alice, at=minute(65))
made = sent("alphacomm.create_pay_link", 66, f"paylink:{uuid.uuid4()}", 1)
link = PayLink.objects.create(person=person, call_uuid=call.pk, amount="10.00", at=minute(66),
    description="Uw donatie", visible_until=minute(20000), user=alice, token=uuid.uuid4(),
    invoice_reference=str(uuid.uuid4())[:35], delivery=made)
AlphacommLink.objects.create(id=str(uuid.uuid4()), pay_link=link, status="paid", paid_at=minute(70),
    created_on=minute(66), fetched_at=minute(70), visited_at=minute(68))
looked = {"at": minute(72).isoformat(), "finding": "absent", "facts": {"status": "requested"}}
refused = sent("tapraise.complete_call", 71, line, 903, outcome="rejected", reason="refused",
    refusal="The call is not open.", readings=[looked],
    payload={"result_code": "confirmed", "retention_rating": 8})
Completion.objects.create(call=call, user=alice, result_code="confirmed", retention_rating=8,
    notes="Wil in januari beginnen.", completed_at=minute(71), token=uuid.uuid4(),
    organization=person.owning_organization,
    ended_badly_at=minute(73),
    delivery=refused)
Transaction.objects.create(uuid=uuid.uuid4(), person=person, amount="10.00", status="paid",
    created_at=minute(74), updated_at=minute(74))
"""
# A donor on whom nobody wrote anything down yet.
NO_NOTES = "from calls.models import Draft; Draft.objects.filter(user__username='alice').delete()"
NOTHING_TOLD = "from calls.models import FloorMessage; FloorMessage.objects.all().delete()"


@pytest.fixture(autouse=True)
def nothing_told(product: Product) -> Iterator[None]:
    """A message lies over the page until it is put away: in other stories too."""
    for code in (NOTHING_TOLD, NO_NOTES):
        product.run(code)
    yield
    product.run(NOTHING_TOLD)


def test_the_story_of_a_donor(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    take_next(page)
    eye.product.run(HAPPENED)
    page.reload()
    eye.look("desk-story-taken-away")
    person = str(page.locator("a[href^='/persons/']").first.get_attribute("href"))

    page.goto(f"{person}")
    page.click(f"a[href='{person}story/']")
    page.wait_for_url(f"**{person}story/")
    eye.look("story")
    page.locator("details.unfold", has_text="Alphacomm").first.locator("summary").click()
    eye.look("story-unfolded")
    page.click("a[href='?kind=calls']")
    expect(page.locator("a[aria-current]")).to_have_attribute("href", "?kind=calls")
    eye.look("story-calls")
    page.goto(f"{person}story/?kind=messages")
    expect(page.locator(".empty")).to_be_visible()
    eye.look("story-none")


def test_a_message_to_the_floor_is_there_while_somebody_types(eye: Eye, browser: Browser) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.goto("/floor/")
    eye.look("floor-with-message")
    page.click("a[href='/floor/messages/']")
    expect(page.locator(".empty")).to_be_visible()
    eye.look("floor-messages-none")
    press_primary(page)
    expect(page.locator("[name=text]")).to_be_focused()
    eye.look("floor-messages-refused")

    with somebody_else(eye, browser, "alice") as desk:
        speak_as(eye, desk)
        seen = Eye(desk, eye.product, eye.language)
        desk.goto("/")
        press_primary(desk)
        desk.wait_for_url("**/calls/*-*/")
        desk.wait_for_selector("html[data-scripts]", state="attached")
        desk.locator("#notes").press_sequentially("Belt liever")
        before = desk.locator("#finish").bounding_box()

        page.fill("[name=text]", "Om drie uur is er taart in de kantine.")
        page.locator("label:has([value=today])").click()
        # To where it stands already: an address that did not change says nothing of having left.
        with page.expect_navigation():
            press_primary(page)

        # No reload: the desk asks every ten seconds.
        message = desk.locator("#floor-message form")
        expect(message).to_contain_text("taart", timeout=APPEARS)
        expect(desk.locator("#notes")).to_be_focused()
        assert desk.locator("#finish").bounding_box() == before
        # It stands below what is read, and covers nothing of it.
        columns, told = desk.locator("#desk-form").bounding_box(), message.bounding_box()
        assert columns
        assert told
        assert columns["y"] + columns["height"] <= told["y"] + 1
        desk.keyboard.type(" na zessen.")
        expect(desk.locator("#notes")).to_have_value("Belt liever na zessen.")
        seen.look_at_desk("desk-floor-message")
        message.locator("button").click()
        expect(message).to_have_count(0)
        expect(desk.locator("#notes")).to_be_focused()

        page.reload()
        expect(page.locator(".records li").first).to_contain_text("Alice")
        page.fill("[name=text]", "Bel vandaag niemand meer in Nergenshuizen: daar is een storing.")
        page.locator("label:has([value=today])").click()
        page.locator("label:has([value=urgent])").click()
        with page.expect_navigation():
            press_primary(page)
        eye.look("floor-messages")
        desk.goto("/")
        expect(desk.locator("#floor-message form")).to_contain_text("storing")
        seen.look("start-floor-message")
        desk.locator("#floor-message button").click()
        expect(desk.locator("#floor-message form")).to_have_count(0)
        page.locator(".records form button").first.click()
        expect(page.locator(".records form")).to_have_count(1)
