"""Every page and every state of the desk, looked at: nothing that axe finds, light or dark, nothing
against the content security policy, nothing kept by the browser, nothing wider than a small phone.

`SCREENSHOTS=folder` writes a picture of each: both languages, light and dark, wide and narrow.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation
from playwright.sync_api import Page, Route, expect

from calls.management.commands.demo import PASSWORD
from tests.accounts.test_second_factor import code_of
from tests.product import Product, manage

WIDE = {"width": 1280, "height": 720}
NARROW = {"width": 375, "height": 800}
SMALLEST = {"width": 320, "height": 700}
SCHEMES = ("light", "dark")

AXE = Axe()
EVERY_RULE = {"resultTypes": ["violations"]}
OF_COLOUR = EVERY_RULE | {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
}
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  noteViolation(`${event.effectiveDirective}: ${event.blockedURI} on ${location.pathname}`));
"""


@dataclass
class Eye:
    """Looks at a page as it stands, without touching its state."""

    page: Page
    product: Product
    language: str
    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def look(self, name: str) -> None:
        # A button whose answer is being put in place is paler than it will be.
        expect(self.page.locator("button.htmx-request")).to_have_count(0)
        # What can be wrong in the dark alone is colour, and that is the same in each language.
        for scheme in SCHEMES if self.language == "nl" else SCHEMES[:1]:
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            rules = OF_COLOUR if scheme == "dark" else EVERY_RULE
            self._expect_nothing_from_axe(f"{name}, {scheme}", rules)
        self._photograph(name)
        self.page.set_viewport_size(SMALLEST)  # type: ignore[arg-type]
        widest = self.page.evaluate("document.documentElement.scrollWidth")
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        assert widest <= SMALLEST["width"], f"{name}: {widest} px wide on a phone of 320"
        assert self.page.evaluate("localStorage.length") == 0, name
        assert self.page.locator("html").get_attribute("lang") == self.language, name
        assert self.violations == [], name
        assert self.errors == [], name

    def look_at_desk(self, name: str) -> None:
        """A desk stands still: its columns scroll, the page does not."""
        self.look(name)
        height = self.page.evaluate("document.documentElement.scrollHeight")
        assert height <= WIDE["height"], f"{name}: {height} px high in a window of 720"

    def _expect_nothing_from_axe(self, where: str, rules: dict[str, Any]) -> None:
        # It reads a sheet that another one imports through a style element of its own.
        of_the_page = list(self.violations)
        found = [
            f"{where}: {violation['id']}: {node['html']} {node['failureSummary']}"
            for violation in AXE.run(self.page, options=rules).response["violations"]
            for node in violation["nodes"]
        ]
        self.violations[:] = of_the_page
        assert not found, "\n".join(found)

    def _photograph(self, name: str) -> None:
        folder = os.environ.get("SCREENSHOTS")
        if not folder:
            return
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for size, viewport in (("wide", WIDE), ("narrow", NARROW)):
                self.page.set_viewport_size(viewport)  # type: ignore[arg-type]
                path = Path(folder) / f"{name}-{self.language}-{scheme}-{size}.png"
                # Left alone, because hiding the caret leaves style attributes for htmx to copy.
                self.page.screenshot(path=path, full_page=size == "narrow", caret="initial")
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]


@pytest.fixture(params=["nl", "en"])
def eye(request: Any, page: Page, product: Product) -> Iterator[Eye]:
    made = Eye(page, product, request.param)
    page.expose_function("noteViolation", lambda words: made.violations.append(words))
    page.add_init_script(REPORT_VIOLATIONS)
    page.on("pageerror", lambda error: made.errors.append(str(error)))
    yield made
    put_everything_back(made)


def sign_in(eye: Eye, username: str) -> None:
    """Sign somebody in who speaks this language and has nothing in hand."""
    eye.product.sign_in(eye.page, username)
    speak(eye, eye.language)
    put_down(eye)


def speak(eye: Eye, language: str) -> None:
    if eye.page.locator("html").get_attribute("lang") != language:
        menu = eye.page.locator("[popovertarget=me]")
        if menu.count():
            menu.click()
        eye.page.click(f".languages button[value={language}]")
        expect(eye.page.locator("html")).to_have_attribute("lang", language)


def put_down(eye: Eye) -> None:
    """Give back what this person has in hand, wherever it stands."""
    page = eye.page
    page.goto("/")
    if page.locator("a[data-primary]").count() == 0:
        return
    page.click("a[data-primary]")
    if state(page) in ("dialling", "talking", "wrapping_up"):
        if state(page) != "dialling":
            page.locator("#finish summary").first.click()
        choose(page, "outcome", "cut_off")
        press(page, "attempts")
        # Nothing else is sent while this is on its way.
        expect_state(page, "free")
    else:
        press(page, "release")
        page.wait_for_url("/")


def put_everything_back(eye: Eye) -> None:
    if eye.page.locator("[popovertarget=me]").count():
        put_down(eye)
    # Whoever spoke in this story: the next one begins in Dutch.
    eye.product.run("from accounts.models import User; User.objects.update(language='nl')")


def state(page: Page) -> str | None:
    return page.locator("#call-header").get_attribute("data-state")


def expect_state(page: Page, wanted: str) -> None:
    expect(page.locator("#call-header")).to_have_attribute("data-state", wanted)


def press(page: Page, place: str) -> None:
    page.click(f"#desk-form button[formaction$='/{place}/']")


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"label:has([name={name}][value='{value}'])").click()


def press_primary(page: Page) -> None:
    # A person is not that quick: right after a press the next one is not heard.
    page.wait_for_selector("html[data-scripts]:not([data-resting])", state="attached")
    page.keyboard.press("Control+Enter")


def take_next(page: Page) -> None:
    page.goto("/")
    press_primary(page)
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    expect_state(page, "ready")


def test_before_signing_in(eye: Eye) -> None:
    page = eye.page
    page.goto("/accounts/login/")
    speak(eye, eye.language)
    eye.look("sign-in")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", "not hers at all")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("alert").first).to_be_visible()
    eye.look("sign-in-refused")


@pytest.mark.parametrize("name", ["403", "403_csrf", "404", "500"])
def test_what_went_wrong(eye: Eye, name: str) -> None:
    """Under DEBUG Django has pages of its own, so these are laid into an answer of the product."""
    with translation.override(eye.language):
        html = render_to_string(f"{name}.html", request=RequestFactory().get("/"))

    def answer(route: Route) -> None:
        route.fulfill(response=route.fetch(), body=html)

    eye.page.route("**/accounts/login/", answer)
    eye.page.goto("/accounts/login/")
    eye.look(name)


def test_an_agent_from_start_to_saved(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "alice")
    eye.look("start")
    page.click("[popovertarget=me]")
    eye.look("menu")
    page.keyboard.press("Escape")
    page.click("[data-opens=keys]")
    eye.look("keys")
    page.keyboard.press("Escape")
    page.click("[popovertarget=pauses]")
    eye.look("pauses")
    page.locator("#pauses [value=lunch]").click()
    expect(page.locator("[data-primary]")).to_be_visible()
    expect(page.locator("form[action='/pause/end/']")).to_be_visible()
    eye.look("paused")
    press_primary(page)
    expect(page.locator("form[action='/calls/next/']")).to_be_visible()

    take_next(page)
    eye.look_at_desk("ready")
    page.locator("#finish summary").first.click()
    press(page, "skip")
    expect(page.locator(".error")).to_be_visible()
    eye.look_at_desk("skip-refused")

    page.click("[popovertarget=pauses]")
    page.locator("#pauses [value=break]").click()
    expect(page.locator("[popovertarget=pauses]")).to_be_focused()
    eye.look_at_desk("pause-after-this-call")
    press_primary(page)
    expect_state(page, "dialling")
    eye.look_at_desk("dialling")
    page.goto("/")
    eye.look("start-with-a-call-in-hand")
    press_primary(page)
    expect_state(page, "dialling")
    choose(page, "outcome", "no_answer")
    eye.look_at_desk("outcome-chosen")
    press_primary(page)
    expect_state(page, "free")
    expect(page.locator("#finish [formaction='/pause/end/']")).to_be_visible()
    eye.look_at_desk("attempt-logged")
    address = page.url
    press_primary(page)
    page.wait_for_url("/")
    page.goto(address)

    press(page, "hold")
    expect_state(page, "ready")


def test_a_conversation(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "alice")
    take_next(page)
    press_primary(page)
    expect_state(page, "dialling")
    press_primary(page)
    expect_state(page, "talking")
    eye.look_at_desk("talking")

    press_primary(page)
    expect_state(page, "wrapping_up")
    eye.look_at_desk("wrapping-up")
    press_primary(page)
    expect(page.locator(".error").first).to_be_visible()
    eye.look_at_desk("result-refused")

    choose(page, "result_code", "confirmed")
    # What was said of the one before does not stay beside it.
    expect(page.locator("#result-error")).to_be_hidden()
    choose(page, "retention_rating", "8")
    page.fill("#notes", "Hoort graag hoe het met de waterputten gaat.")
    expect(page.locator("#notes-state")).to_contain_text(re.compile(r"\d\d:\d\d"))
    eye.look_at_desk("filled-in")
    press_primary(page)
    expect_state(page, "saved")
    eye.look_at_desk("saved")
    expect(page.locator("#story li").first.locator("[data-state=green]")).to_be_visible(
        timeout=30_000
    )
    eye.look_at_desk("confirmed")
    page.goto("/")
    eye.look("start-after-a-call")


def test_a_call_that_is_not_in_these_hands(eye: Eye) -> None:
    page, product = eye.page, eye.product
    sign_in(eye, "bob")
    take_next(page)
    address = page.url
    with page.expect_navigation():
        page.click("[popovertarget=me]")
        page.locator("#me form").last.get_by_role("button").click()

    sign_in(eye, "carol")
    page.goto(address)
    expect_state(page, "held_by_other")
    eye.look_at_desk("held-by-other")
    with page.expect_navigation():
        page.click("[popovertarget=me]")
        page.locator("#me form").last.get_by_role("button").click()

    product.sign_in(page, "bob")
    page.goto(address)
    end_elsewhere(product, address)
    page.reload()
    expect_state(page, "closed_elsewhere")
    eye.look_at_desk("closed-elsewhere")


def end_elsewhere(product: Product, address: str) -> None:
    uuid = address.rstrip("/").rpartition("/")[2]
    answer = requests.post(
        f"{product.sandbox_url}calls/{uuid}", json={"status": "cancelled"}, timeout=10
    )
    assert answer.ok, answer.text
    env = product.env
    # While its own worker walks, a second walker leaves.
    for _ in range(20):
        if manage("pull", "--feed", "calls", env=env).returncode == 0:
            return
    raise AssertionError("The calls feed could not be walked.")


def test_nothing_to_call(eye: Eye) -> None:
    sign_in(eye, "dirk")
    press_primary(eye.page)
    expect(eye.page.get_by_role("alert").first).to_be_visible()
    eye.look("nothing-to-call")


def test_my_own_account(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "mo")
    for name in ("logout", "password/change", "2fa"):
        page.goto(f"/accounts/{name}/")
        eye.look(f"account-{name.replace('/', '-')}")

    page.goto("/accounts/2fa/totp/activate/")
    eye.look("account-is-it-you")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/2fa/totp/activate/")
    eye.look("account-second-factor-set-up")
    page.fill("[name=code]", code_of(page.input_value("#key")))
    page.press("[name=code]", "Enter")
    page.wait_for_url("**/recovery-codes/**")
    eye.look("account-recovery-codes")
    page.goto("/accounts/2fa/")
    eye.look("account-second-factor-there")
    page.goto("/accounts/2fa/recovery-codes/generate/")
    eye.look("account-recovery-codes-anew")
    page.goto("/accounts/2fa/totp/deactivate/")
    eye.look("account-second-factor-away")
    page.click("main .stop")
    page.wait_for_url("**/2fa/")
