"""A donor pays while still on the line: the agent in one window, the donor in another, and the
agent's page tells by itself. And the panel in each of its states, looked at."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.test_looks import (
    Eye,
    choose,
    expect_state,
    eye,
    press_primary,
    put_down,
    sign_in,
    take_next,
)
from tests.product import Product

__all__ = ["eye"]

# What a worker, a webhook and a poll need together, on a machine that does other things too.
SOON = 30_000
# The sandbox sends texts once a minute.
IMPORT = 90_000
NOTES = "Wil graag de nieuwsbr"

Talking = Callable[[str], Locator]


@pytest.fixture(autouse=True, scope="module")
def everybody_may_be_written_to(product: Product) -> None:
    """Whichever donors the earlier stories left."""
    more = (
        "from pledges.models import *;"
        "Person.objects.update(opt_in_sms=True, opt_in_email=True);"
        "Person.objects.filter(last_name=None).update(last_name='Naamloos')"
    )
    product.run(more)


@pytest.fixture
def talking(page: Page, product: Product) -> Iterator[Talking]:
    """Puts somebody before a donor who is on the line, with the panel open; and cleans up."""
    eye = Eye(page, product, "nl")

    def come(who: str) -> Locator:
        page.context.clear_cookies()
        sign_in(eye, who)
        talk(page)
        return open_panel(page)

    yield come
    put_down(eye)


def talk(page: Page) -> None:
    """Take the next call, dial, and have the donor on the line."""
    take_next(page)
    press_primary(page)
    expect_state(page, "dialling")
    press_primary(page)
    expect_state(page, "talking")


def open_panel(page: Page) -> Locator:
    panel = page.locator("#payments")
    # Where something was offered before it stands open.
    if panel.locator("details[open]").count() == 0:
        panel.locator("summary").click()
    expect(page.locator("#payments-live")).to_be_attached(timeout=SOON)
    return panel


def way(page: Page, value: str) -> None:
    page.locator(f"label:has([name=way][value={value}])").click()


def pick(page: Page, script: str) -> None:
    option = page.locator("#id_message-script option", has_text=script).get_attribute("value")
    page.select_option("#id_message-script", option)


def make_pay_link(page: Page, amount: str = "10,00") -> str:
    """Make one; its address, once that has come."""
    page.fill("#id_paylink-amount", amount)
    page.click("#make-paylink")
    address = page.locator("#payments-live code").first
    expect(address).to_be_visible(timeout=SOON)
    return address.inner_text()


def test_the_donor_pays_while_the_agent_goes_on_typing(
    page: Page, browser: Browser, talking: Talking
) -> None:
    panel = talking("alice")
    loaded: list[str] = []
    page.on("load", lambda _: loaded.append(page.url))
    address = make_pay_link(page)
    page.locator("#notes").press_sequentially(NOTES)

    donor = browser.new_page()
    donor.goto(address)
    expect(panel).to_contain_text(re.compile(r"Geopend \d\d:\d\d"), timeout=SOON)
    donor.get_by_role("button", name="Betaal € 10,00").click()
    expect(donor.locator("body")).to_contain_text("Betaald. Dank u wel!")
    expect(panel).to_contain_text(re.compile(r"Betaald \d\d:\d\d"), timeout=SOON)
    expect(page.locator("#status")).to_have_text(
        re.compile(r"PayLink van € 10,00: betaald \d\d:\d\d")
    )
    donor.close()

    # Nothing was lost, nothing was loaded anew, and who typed goes on typing.
    assert loaded == []
    expect(page.locator("#notes")).to_be_focused()
    page.keyboard.type("ief.")
    expect(page.locator("#notes")).to_have_value(f"{NOTES}ief.")
    expect(page.locator("#story")).to_contain_text("PayLink van € 10,00: betaald")


def test_a_text_with_a_link_of_its_own_is_paid(
    page: Page, browser: Browser, product: Product, talking: Talking
) -> None:
    panel = talking("bob")
    way(page, "message")
    pick(page, "Betaallink per sms")
    page.fill("#id_message-amount", "7,50")
    page.click("#send-message")
    expect(panel.get_by_role("button", name="Ongedaan maken").first).to_be_visible()
    address = page.locator("#payments-live code").first
    expect(address).to_be_visible(timeout=IMPORT)

    donor = browser.new_page()
    donor.goto(f"{product.sandbox_url}phone")
    donor.get_by_role("link", name=address.inner_text()).click()
    expect(panel).to_contain_text(re.compile(r"Geopend \d\d:\d\d"), timeout=SOON)
    donor.get_by_role("button", name="Betaal € 7,50").click()
    expect(panel).to_contain_text(re.compile(r"Betaald \d\d:\d\d"), timeout=SOON)
    donor.close()


def test_what_is_typed_in_one_form_outlives_another_and_every_look(
    page: Page, talking: Talking
) -> None:
    talking("alice")
    way(page, "message")
    page.fill("#id_message-number", "06-98765432")
    way(page, "paylink")
    page.fill("#id_paylink-description", "Eerste maa")
    page.fill("#id_paylink-amount", "9999")
    page.click("#make-paylink")
    expect(page.locator("#id_paylink-amount")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_paylink-description")).to_have_value("Eerste maa")
    make_pay_link(page, "8,00")
    # Several looks later.
    page.wait_for_timeout(7_000)
    expect(page.locator("#id_message-number")).to_have_value("06-98765432")


def test_the_amount_follows_what_is_typed_in_the_terms_until_it_is_typed_itself(
    page: Page, talking: Talking
) -> None:
    terms = page.locator("[name=donation_amount]")
    # Not every pledge can be changed.
    for _ in range(10):
        talking("alice")
        if terms.count():
            break
    terms.fill("6,00")
    expect(page.locator("#id_paylink-amount")).to_have_value("6,00")
    page.fill("[name=donation_amount]", "7,00")
    expect(page.locator("#id_paylink-amount")).to_have_value("7,00")
    page.fill("#id_paylink-amount", "5,00")
    page.fill("[name=donation_amount]", "8,00")
    expect(page.locator("#id_paylink-amount")).to_have_value("5,00")


def test_ctrl_enter_in_the_panel_is_the_panels_own_button(page: Page, talking: Talking) -> None:
    talking("alice")
    page.fill("#id_paylink-amount", "4,00")
    page.keyboard.press("Enter")
    press_primary(page)
    expect(page.locator("#payments-live")).to_contain_text("€ 4,00")
    expect_state(page, "talking")


def test_ctrl_enter_after_the_press_goes_on_with_the_call(page: Page, talking: Talking) -> None:
    """Whoever just pressed the button of the panel means the call, and not another link."""
    talking("alice")
    page.fill("#id_paylink-amount", "4,50")
    page.click("#make-paylink")
    expect(page.locator("#payments-live")).to_contain_text("€ 4,50")
    links = page.locator("#payments-live .offer", has_text="PayLink").count()
    page.locator("#make-paylink").focus()
    press_primary(page)
    expect_state(page, "wrapping_up")
    assert page.locator("#payments-live .offer", has_text="PayLink").count() == links


def test_a_donor_who_needs_another_account_gives_an_e_mandate(
    page: Page, browser: Browser, talking: Talking
) -> None:
    panel = talking("bob")
    way(page, "mandate")
    page.click("#make-mandate")
    address = page.locator("#payments-live code").first
    expect(address).to_be_visible(timeout=SOON)

    donor = browser.new_page()
    donor.goto(address.inner_text())
    donor.get_by_role("button", name="Teken, en wacht op de tweede handtekening").click()
    expect(panel).to_contain_text("Wacht op een tweede handtekening", timeout=SOON)
    donor.get_by_role("button", name="Teken als tweede").click()
    expect(panel).to_contain_text(re.compile(r"Gegeven \d\d:\d\d"), timeout=SOON)
    donor.close()


def test_an_answer_that_comes_after_the_page_moved_on_is_for_nobody(
    page: Page, talking: Talking
) -> None:
    """What a page asked by itself is answered while somebody sends: twice, and quickly."""
    panel = talking("alice")
    make_pay_link(page)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    held: list[Route] = []
    page.route("**/payments/?seen=*", lambda route: held.append(route))
    page.wait_for_event("request", lambda request: "?seen=" in request.url)
    page.fill("#id_paylink-amount", "3,00")
    page.dblclick("#make-paylink")
    expect(panel.locator(".offer").first).to_contain_text("€ 3,00")
    # By now it has news, for a part of the page that is no longer there.
    held[0].continue_()
    page.wait_for_timeout(1_000)
    page.unroute("**/payments/?seen=*")
    assert [text for text in told if "htmx" in text] == []
    expect(page.locator("#make-words")).to_have_text("Nog een PayLink maken")
    expect(page.locator("#open-link")).to_contain_text("Een PayLink van € 3,00")


# ── Looks ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def at_panel(eye: Eye) -> Callable[[], Page]:
    """Somebody with a donor on the line and the panel open."""

    def come() -> Page:
        sign_in(eye, "alice")
        talk(eye.page)
        open_panel(eye.page)
        eye.page.locator("#payments").scroll_into_view_if_needed()
        return eye.page

    return come


def test_the_panel_from_closed_to_paid(eye: Eye, browser: Browser) -> None:
    page = eye.page
    sign_in(eye, "alice")
    talk(page)
    eye.look_at_desk("payment-closed")
    open_panel(page)
    eye.look_at_desk("payment-paylink")
    page.fill("#id_paylink-amount", "0")
    page.click("#make-paylink")
    expect(page.locator("#paylink-form .error").first).to_be_visible()
    eye.look_at_desk("payment-paylink-refused")

    address = make_pay_link(page)
    eye.look_at_desk("payment-paylink-ready")
    donor = browser.new_page()
    donor.goto(address)
    expect(page.locator("#payments-live [data-state=live]").first).to_be_visible(timeout=SOON)
    eye.look_at_desk("payment-paylink-opened")
    donor.get_by_role("button", name="Laat de betaling mislukken").click()
    donor.get_by_role("button", name="Betaal dit deel").click()
    expect(page.locator("#payments-live [data-state=doubt]").first).to_be_visible(timeout=SOON)
    eye.look_at_desk("payment-paylink-partly-paid")
    donor.get_by_role("button", name=re.compile("^Betaal €")).click()
    expect(page.locator("#payments-live [data-state=done]").first).to_be_visible(timeout=SOON)
    eye.look_at_desk("payment-paylink-paid")
    donor.close()

    page.goto(page.url + "payments/")
    eye.look("payment-page")
    page.click("main a")
    expect(page.locator("#story")).to_be_visible()
    page.click("#story ~ section a")
    page.wait_for_url("**/persons/**")
    eye.look("person-with-offers")


def test_messages_and_mandates(eye: Eye, at_panel: Callable[[], Page]) -> None:
    page = at_panel()
    way(page, "message")
    pick(page, "Betaallink per sms")
    page.fill("#id_message-amount", "10,00")
    eye.look_at_desk("payment-message")
    page.fill("#id_message-number", "")
    page.click("#send-message")
    expect(page.locator("#message-form .error").first).to_be_visible()
    eye.look_at_desk("payment-message-refused")
    page.fill("#id_message-number", "020-1234567")
    page.click("#send-message")
    said = {"nl": "geen mobiel nummer", "en": "not a mobile number"}[eye.language]
    expect(page.locator("#id_message-number_error")).to_contain_text(said)
    eye.look_at_desk("payment-message-landline")
    page.fill("#id_message-number", "06-12345678")
    page.click("#send-message")
    expect(page.locator("#payments-live .undo")).to_be_visible()
    eye.look_at_desk("payment-message-saved")
    expect(page.locator("#payments-live .milestones [data-done]").first).to_be_visible(timeout=SOON)
    eye.look_at_desk("payment-message-handed-over")

    way(page, "mandate")
    eye.look_at_desk("payment-mandate")
    page.click("#make-mandate")
    expect(page.locator("#payments-live code").first).to_be_visible(timeout=SOON)
    eye.look_at_desk("payment-mandate-new")

    page.locator("#finish").focus()
    press_primary(page)
    expect_state(page, "wrapping_up")
    choose(page, "result_code", "confirmed")
    choose(page, "retention_rating", "8")
    press_primary(page)
    expect_state(page, "saved")
    expect(page.locator("#payments-body .offer").first).to_be_visible(timeout=SOON)
    eye.look_at_desk("payment-only-looked-at")
