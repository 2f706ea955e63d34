"""The floor, live: what goes wrong appears by itself, is solved where it is shown, and is gone.
Looked at as test_looks.py looks."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_looks import Eye, expect_state, eye, press, press_primary, sign_in, speak

__all__ = ["eye"]  # the fixture

# An attempt leaves when the undo window is over; the floor asks every four seconds.
APPEARS = 60_000
# As if two looks had been made, of which one found something.
LOOKED = """
from integrations.models import Delivery
found = Delivery.objects.filter(state="needs_decision").latest("created_at")
found.readings = [
    {"at": "2026-11-03T10:02:30+00:00", "finding": "absent", "is_settled": True, "facts": {
        "status": "requested", "found": 0, "last_updated_at": "2026-11-03T09:58:11+00:00",
        "attempts": [{"user": str(found.by.tapraise_user_uuid), "at": "2026-11-03T09:30:00+00:00"}],
    }},
    {"at": "2026-11-03T10:05:00+00:00", "finding": "nothing", "error": "Timeout"},
]
found.version += 1
found.save(update_fields=["readings", "version"])
"""
# Somebody was promised a call half an hour ago, and somebody else is in an hour.
PROMISED = """
import uuid
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from calls.models import Call, Callback
from calls.queue import may_be_rung
bob = User.objects.get(username="bob")
at = timezone.now()
Callback.objects.filter(state="open").update(state="cancelled", ended_at=at)
calls = Call.objects.open().visible_to(bob).filter(
    may_be_rung(), our_attempts=None, attempts_count=0, hold=None
)
for call, minutes in zip(calls[:2], (-30, 60)):
    Callback.objects.create(call=call, user=bob, whose="mine", note="Na het eten", made_at=at,
        due_at=at + timedelta(minutes=minutes), token=uuid.uuid4())
"""
# What other stories left behind is seen by somebody else.
SEEN = """
from django.utils import timezone
from integrations.models import Delivery
Delivery.objects.filter(outcome="rejected", seen_at=None).update(seen_at=timezone.now())
"""
# A call that TapRaise refused to take as expired, five minutes ago.
REFUSED = """
import uuid
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from calls.models import Call, Ending
from integrations.models import Delivery
carol = User.objects.get(username="carol")
call = Call.objects.visible_to(carol).filter(our_attempts=None, endings=None).first()
at = timezone.now() - timedelta(minutes=5)
made = Delivery.objects.create(
    operation="tapraise.expire_call", account="default", subject=call.subject, seq=900,
    payload={"expired_at": at.isoformat()}, fingerprint=str(uuid.uuid4()), by=carol, tries=1,
    not_before=at, created_at=at, first_sent_at=at, last_sent_at=at, closed_at=at, state="closed",
    outcome="rejected", reason="refused", refusal="The call cannot expire.",
)
Ending.objects.create(call=call, user=carol, kind="expired", reason="Te laat", at=at,
    token=uuid.uuid4(), delivery=made, ended_badly_at=at)
"""


@contextmanager
def somebody_else(eye: Eye, browser: Browser, username: str) -> Iterator[Page]:
    """Another person in a browser of their own."""
    context = browser.new_context(base_url=eye.product.base_url, locale="nl-NL")
    page = context.new_page()
    eye.product.sign_in(page, username)
    yield page
    context.close()


def attention(page: Page, title: str) -> Locator:
    return page.locator("#attention .todo li", has_text=title)


def test_a_message_that_nobody_can_settle(eye: Eye, browser: Browser) -> None:
    page, product = eye.page, eye.product
    title = {"nl": "Beslissing nodig", "en": "Decision needed"}[eye.language]
    sign_in(eye, "carol")
    page.goto("/floor/decisions/")
    expect(page.locator(".empty")).to_be_visible()
    eye.look("decisions-none")
    page.goto("/floor/")
    expect(attention(page, title)).to_have_count(0)

    with somebody_else(eye, browser, "alice") as desk:
        desk.goto("/")
        press_primary(desk)
        desk.wait_for_url("**/calls/*-*/")
        call = desk.url.rstrip("/").rpartition("/")[2]
        rule = {"operation": "add-attempt", "uuid": call, "kind": "status", "status": 403}
        fault = requests.post(f"{product.sandbox_url}faults", json=rule | {"times": 1}, timeout=10)
        fault.raise_for_status()
        press_primary(desk)
        expect_state(desk, "dialling")
        desk.locator("#finish summary").first.click()
        desk.locator("[name=outcome][value=busy]").check(force=True)
        press(desk, "attempts")
        expect_state(desk, "free")

    # No reload: the page asks by itself.
    expect(attention(page, title)).to_have_count(1, timeout=APPEARS)
    eye.look("floor-decision-needed")
    product.run(LOOKED)
    attention(page, title).get_by_role("link").click()
    page.wait_for_url("**/floor/decisions/")
    eye.look("decisions")
    page.locator(".records a.button").first.click()
    expect(page.locator("#decision-live li")).to_have_count(2)
    eye.look("decision")

    with somebody_else(eye, browser, "mo") as second:
        speak_as(eye, second)
        second.goto(page.url)
        expect(second.locator("#decision-ways form")).to_be_visible()
        page.locator("[name=verb][value=drop]").click()
        expect(page.locator("#decision-ways [data-refused]")).to_be_visible()
        eye.look("decision-refused")
        # Before the second one's page has asked again: both press.
        second.context.set_offline(True)
        page.locator("label:has([value=mistake])").click()
        page.locator("[name=verb][value=drop]").click()
        page.wait_for_url("**/floor/decisions/")
        second.context.set_offline(False)
        second.locator("[name=verb][value=happened]").click()
        expect(second.locator(".banner[role=alert]")).to_be_visible()
        expect(second.locator("#decision-live")).to_contain_text("Carol")
        expect(second.locator("[name=verb]")).to_have_count(0)

    page.goto("/floor/")
    expect(attention(page, title)).to_have_count(0)


def test_a_message_that_was_refused(eye: Eye) -> None:
    page, product = eye.page, eye.product
    title = {"nl": "Daar geweigerd", "en": "Refused there"}[eye.language]
    product.run(SEEN)
    sign_in(eye, "carol")
    page.goto("/floor/")
    expect(attention(page, title)).to_have_count(0)
    product.run(REFUSED)

    expect(attention(page, title)).to_have_count(1, timeout=APPEARS)
    attention(page, title).get_by_role("link").click()
    page.wait_for_url("**/floor/decisions/?which=refused")
    eye.look("refused")
    page.locator(".records a.button").first.click()
    expect(page.locator("[name=verb]")).to_have_count(1)
    eye.look("refused-one")
    page.locator("label:has([value=not_needed])").click()
    page.locator("[name=verb]").click()
    page.wait_for_url("**/floor/decisions/?which=refused")
    expect(page.locator(".empty")).to_be_visible()
    page.goto("/floor/")
    expect(attention(page, title)).to_have_count(0)


def test_a_call_that_is_taken_out_of_hands(eye: Eye, browser: Browser) -> None:
    page = eye.page
    sign_in(eye, "carol")
    with somebody_else(eye, browser, "alice") as desk:
        speak_as(eye, desk)
        desk.goto("/")
        press_primary(desk)
        desk.wait_for_url("**/calls/*-*/")
        call = desk.url.rstrip("/").rpartition("/")[2]
        page.goto("/floor/")
        line = page.locator("#agents tr", has_text="Alice")
        expect(line.locator("a[href$='/taking-away/']")).to_be_visible()
        eye.look("floor-in-hand")
        line.locator("a[href$='/taking-away/']").click()
        page.wait_for_url(f"**/calls/{call}/taking-away/")
        eye.look("taking-away")
        page.locator("label:has([value=colleague])").click()
        press_primary(page)
        expect(page.locator("[name=send]")).to_be_focused()
        eye.look("taking-away-shown")
        press_primary(page)
        page.wait_for_url("**/floor/#agents")
        # No reload: the desk asks every ten seconds.
        banner = desk.locator("#banner .banner")
        expect(banner).to_contain_text("Carol", timeout=APPEARS)
        Eye(desk, eye.product, eye.language).look("desk-taken-away")


def test_a_callback_that_is_too_late(eye: Eye) -> None:
    page, product = eye.page, eye.product
    sign_in(eye, "carol")
    product.run(PROMISED)
    page.goto("/floor/")
    to_the_list = page.locator("#attention .todo a[href='/floor/callbacks/']")
    expect(to_the_list).to_be_visible(timeout=APPEARS)
    to_the_list.click()
    page.wait_for_url("**/floor/callbacks/")
    eye.look("callbacks")
    page.goto("/floor/callbacks/?which=unkeepable")
    expect(page.locator(".empty")).to_be_visible()
    eye.look("callbacks-unkeepable-none")
    page.goto("/floor/callbacks/?which=coming")
    expect(page.locator(".records li")).to_have_count(1)
    page.locator(".records a.button").click()
    press_primary(page)
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()
    eye.look("hand-over-refused")
    page.select_option("[name=to]", "team")
    press_primary(page)
    page.wait_for_url("**/floor/callbacks/")
    expect(page.locator(".toast[data-level=success]")).to_be_visible()


def speak_as(eye: Eye, page: Page) -> None:
    speak(Eye(page, eye.product, eye.language), eye.language)
