"""The desk where there is little room: nothing lies over anything, and what is to be done next is
always within reach."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_keys import expect_state, leave_the_call, wait_for_scripts
from tests.browser.test_looks import NARROW, SMALLEST, WIDE
from tests.browser.test_told_looks import NOTHING_TOLD
from tests.product import Product

PRESSED = "button, input:not([type=hidden]), select, textarea, summary, a"
# Each thing in a part of the page that can be pressed, brought into sight as the browser does it
# for the focus: which of them lies under something else?
COVERED = """(part) => [...document.querySelectorAll(part)]
  .flatMap((one) => [...one.querySelectorAll("%s")])
  .filter((one) => one.checkVisibility() && !one.disabled && !one.closest(".visually-hidden"))
  .filter((one) => {
    one.focus();
    const { x, y, width, height } = one.getBoundingClientRect();
    const hit = document.elementFromPoint(x + width / 2, y + Math.min(height, 20) / 2);
    return !hit || !(one.contains(hit) || hit.contains(one));
  })
  .map((one) => one.name || one.textContent.trim())"""
COVERED %= PRESSED
TELL = """
import uuid
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from calls.models import FloorMessage
carol, at = User.objects.get(username="carol"), timezone.now()
told = FloorMessage.objects.create(text="Om drie uur is er taart in de kantine.", user=carol, at=at,
    is_urgent=False, until_at=at + timedelta(minutes=5), token=uuid.uuid4())
told.organizations.set(carol.organizations.all())
"""
STATES = ("ready", "dialling", "talking", "wrapping_up")


@pytest.fixture
def desk(page: Page, product: Product) -> Iterator[Page]:
    product.sign_in(page, "alice")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    expect_state(page, "ready")
    yield page
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    leave_the_call(page)


def each_state(page: Page) -> Iterator[str]:
    for state in STATES:
        if state != "ready":
            wait_for_scripts(page)
            page.keyboard.press("Control+Enter")
        expect_state(page, state)
        yield state


def test_in_the_last_column_nothing_lies_over_anything(desk: Page) -> None:
    for state in each_state(desk):
        edges = desk.evaluate(
            "(({ left, right }) => [left, right])"
            "(document.getElementById('payments').getBoundingClientRect())"
        )
        assert desk.evaluate(COVERED, "#finish-column") == [], state
        for summary in desk.locator("#finish-column summary").all():
            summary.click()
            assert desk.evaluate(COVERED, "#finish-column") == [], state
            height = desk.evaluate("document.documentElement.scrollHeight")
            assert height <= WIDE["height"], state
            # Whatever is opened, the column stands where it stood.
            assert edges == desk.evaluate(
                "(({ left, right }) => [left, right])"
                "(document.getElementById('payments').getBoundingClientRect())"
            )
            summary.click()


@pytest.mark.parametrize("screen", [NARROW, SMALLEST], ids=["375", "320"])
def test_on_a_phone_the_button_of_this_moment_is_always_in_sight_and_over_nothing(
    desk: Page, screen: dict[str, int]
) -> None:
    desk.set_viewport_size(screen)  # type: ignore[arg-type]
    for state in each_state(desk):
        primary = desk.locator("#finish [data-primary]")
        for place in (0, 1_000_000):
            desk.evaluate("(y) => scrollTo(0, y)", place)
            expect(primary).to_be_in_viewport(ratio=1)
        assert desk.evaluate(COVERED, "#main") == [], state
        # The last of the page ends above it.
        desk.evaluate("scrollTo(0, 1e6)")
        bottom = "(one) => one.getBoundingClientRect().bottom"
        top = "(one) => one.getBoundingClientRect().top"
        assert desk.locator("#payments").evaluate(bottom) <= primary.evaluate(top), state

    # Another button is meant once how the dial ended is chosen.
    desk.locator("#finish summary").first.click()
    desk.locator("label:has([name=outcome][value=busy])").click()
    log = desk.locator("#finish [data-primary-if=outcome]")
    desk.evaluate("scrollTo(0, 0)")
    expect(log).to_be_in_viewport(ratio=1)
    expect(primary).not_to_be_in_viewport()


def test_on_a_phone_what_is_told_stands_above_that_button(desk: Page, product: Product) -> None:
    desk.set_viewport_size(SMALLEST)  # type: ignore[arg-type]
    product.run(TELL)
    desk.reload()

    told = desk.locator(".floor-message")
    expect(told).to_be_visible()
    bottom, top = (f"(one) => one.getBoundingClientRect().{edge}" for edge in ("bottom", "top"))
    assert told.evaluate(bottom) <= desk.locator("#finish [data-primary]").evaluate(top)
    product.run(NOTHING_TOLD)


@pytest.mark.parametrize("screen", [NARROW, SMALLEST], ids=["375", "320"])
def test_the_bar_of_a_supervisor_takes_two_lines_of_a_phone(
    page: Page, product: Product, screen: dict[str, int]
) -> None:
    product.sign_in(page, "carol")
    page.set_viewport_size(screen)  # type: ignore[arg-type]
    wait_for_scripts(page)

    # One of what it does, one of what it tells: each as high as what stands in it.
    assert page.locator("header.bar").evaluate("(bar) => bar.clientHeight") <= 70
    assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
    # What is not written out is said still.
    expect(page.locator("header a[href='/floor/']")).to_have_accessible_name(
        re.compile("Vloer|Floor")
    )
    expect(page.get_by_role("button", name=re.compile("Carol"))).to_be_visible()


def test_the_name_of_a_donor_stays_whole_beside_all_that_a_supervisor_can_do(
    page: Page, product: Product
) -> None:
    product.sign_in(page, "carol")
    page.goto("/calls/")
    page.fill("[name=query]", "jansen")
    page.press("[name=query]", "Enter")
    page.locator("main a[href^='/persons/']").first.click()
    # Who came by the search can go back to it as well.
    expect(page.locator("header a[href^='/calls/?']")).to_be_visible()

    for screen in (WIDE, {"width": 900, "height": 720}):
        page.set_viewport_size(screen)  # type: ignore[arg-type]
        lines = "(one) => one.clientHeight / parseFloat(getComputedStyle(one).lineHeight)"
        assert page.locator("header.call h1").evaluate(lines) < 1.5, screen
