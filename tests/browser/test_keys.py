"""What the keyboard does at the desk, and above all what it does not."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from calls.management.commands.demo import PASSWORD
from tests.product import Product


@pytest.fixture
def desk(page: Page, product: Product) -> Iterator[Page]:
    """Alice at the desk with a call in hand, not dialled yet."""
    product.sign_in(page, "alice")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    expect_state(page, "ready")
    wait_for_scripts(page)
    yield page
    leave_the_call(page)


def leave_the_call(page: Page) -> None:
    """Whatever state a story ended in, the next one finds these hands empty."""
    page.goto(page.url)
    if page.locator("#desk-form [name=outcome]").count():
        log_a_miss(page)
    elif page.locator("[formaction$='/release/']").count():
        page.click("[formaction$='/release/']")
        page.wait_for_url("/")


def wait_for_scripts(page: Page) -> None:
    """Until the page hears keys, and what was sent last is answered: a person is not that quick."""
    page.wait_for_selector(
        "html[data-scripts]:not([data-resting], :has([data-sending]))", state="attached"
    )


def expect_state(page: Page, wanted: str) -> None:
    expect(page.locator("#call-header")).to_have_attribute("data-state", wanted)


def log_a_miss(page: Page) -> None:
    if not page.locator("[formaction$='/attempts/']").is_visible():
        page.locator("#finish summary").first.click()
    page.locator("label:has([name=outcome][value=busy])").click()
    page.click("[formaction$='/attempts/']")
    expect_state(page, "free")


def come_to_the_result(page: Page) -> None:
    """Dial, be answered, talk, and be done talking: by the keyboard, as quickly as it is heard."""
    for state in ("dialling", "talking", "wrapping_up"):
        wait_for_scripts(page)
        page.keyboard.press("Control+Enter")
        expect_state(page, state)
    expect(page.locator("[name=result_code]").first).to_be_focused()
    wait_for_scripts(page)


def attempts_in_story(page: Page) -> int:
    """To be compared with what was there: which call comes next is chance, and what was done with
    it before as well."""
    return page.locator("#story .chip").count()


def test_bare_keys_do_nothing(desk: Page) -> None:
    before = attempts_in_story(desk)
    for key in [*"abcdefghijklmnopqrstuvwxyz1234567890?/ ", "Enter", "Escape", "Delete"]:
        desk.keyboard.press(key)
    desk.wait_for_timeout(300)

    expect_state(desk, "ready")
    desk.reload()
    expect_state(desk, "ready")
    assert attempts_in_story(desk) == before


def test_ctrl_enter_held_down_dials_once(desk: Page) -> None:
    before = attempts_in_story(desk)
    desk.keyboard.down("Control")
    desk.keyboard.down("Enter")
    expect_state(desk, "dialling")
    expect(desk.locator("[name=outcome]").first).to_be_focused()
    for _ in range(5):  # Without a release in between these are repeats.
        desk.keyboard.down("Enter")
    desk.keyboard.up("Enter")
    desk.keyboard.up("Control")

    desk.wait_for_timeout(500)
    expect_state(desk, "dialling")
    assert attempts_in_story(desk) == before + 1


def test_ctrl_enter_twice_before_the_answer_is_once(desk: Page) -> None:
    before = attempts_in_story(desk)
    sent: list[str] = []
    asked: list[Route] = []
    desk.on("request", lambda request: sent.append(request.method))
    desk.route("**/dial/", lambda route: asked.append(route))
    with desk.expect_request("**/dial/"):
        desk.keyboard.press("Control+Enter")
    # Longer than a press rests: the answer is what is waited for.
    desk.wait_for_timeout(400)
    desk.keyboard.press("Control+Enter")
    asked[0].continue_()

    expect_state(desk, "dialling")
    desk.wait_for_timeout(500)
    expect_state(desk, "dialling")
    assert sent.count("POST") == 1
    assert attempts_in_story(desk) == before + 1


def test_next_twice_in_a_row_is_asked_once(desk: Page) -> None:
    desk.click("[formaction$='/release/']")
    desk.wait_for_url("/")
    asked: list[Route] = []
    desk.route("**/calls/next/", lambda route: asked.append(route))
    for _ in range(2):
        desk.keyboard.press("Control+Enter")
        desk.wait_for_timeout(200)

    assert len(asked) == 1
    asked[0].continue_()
    desk.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))


def test_digits_choose_only_in_the_list(desk: Page) -> None:
    desk.keyboard.press("Control+Enter")
    expect_state(desk, "dialling")
    desk.focus("#notes")
    desk.keyboard.type("Bel 2 keer")
    assert desk.locator("[name=outcome]:checked").count() == 0

    desk.focus("[name=outcome] >> nth=0")
    desk.keyboard.press("2")
    expect(desk.locator("[name=outcome]:checked")).to_have_value("busy")


def test_once_an_outcome_is_chosen_ctrl_enter_logs_it(desk: Page) -> None:
    desk.keyboard.press("Control+Enter")
    expect_state(desk, "dialling")
    expect(desk.locator("[name=outcome]").first).to_be_focused()
    desk.keyboard.press("3")
    # What the key presses now is what is shown as the one to press.
    expect(desk.locator("#finish [data-primary-if=outcome] kbd")).to_be_visible()
    expect(desk.locator("#finish [data-primary] kbd")).to_be_hidden()
    wait_for_scripts(desk)
    desk.keyboard.press("Control+Enter")

    expect_state(desk, "free")


def test_a_reason_that_is_missing_leads_to_the_notes(desk: Page) -> None:
    come_to_the_result(desk)
    desk.keyboard.press("4")
    desk.locator("[name=retention_rating]").first.focus()
    desk.keyboard.press("8")
    wait_for_scripts(desk)
    desk.keyboard.press("Control+Enter")

    expect(desk.locator("[data-about=notes]")).to_be_visible()
    expect(desk.locator("#notes")).to_be_focused()


def test_enter_in_a_field_sends_nothing(desk: Page) -> None:
    desk.locator("#finish summary").first.click()
    desk.fill("#skip-note", "Spreekt Frans")
    desk.press("#skip-note", "Enter")
    desk.wait_for_timeout(300)

    expect_state(desk, "ready")
    expect(desk.locator("#skip-note")).to_have_value("Spreekt Frans")
    assert desk.locator(".error").count() == 0


def test_f6_goes_round_the_columns_and_back_to_the_same_field(desk: Page) -> None:
    desk.focus("#notes")
    focused = "document.activeElement.closest('[data-column]').id || document.activeElement.id"
    desk.keyboard.press("F6")
    assert desk.evaluate(focused) == "finish-column"
    desk.keyboard.press("F6")
    desk.keyboard.press("F6")
    assert desk.evaluate(focused) == "notes"
    desk.keyboard.press("Shift+F6")
    desk.keyboard.press("Shift+F6")
    assert desk.evaluate(focused) == "finish-column"


def test_ctrl_enter_twice_saves_one_result_and_takes_no_other_call(desk: Page) -> None:
    before = attempts_in_story(desk)
    come_to_the_result(desk)
    address = desk.url
    sent: list[str] = []
    desk.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    desk.keyboard.press("1")
    desk.locator("[name=retention_rating]").first.focus()
    desk.keyboard.press("8")
    for _ in range(3):
        desk.keyboard.press("Control+Enter")
        desk.wait_for_timeout(60)

    expect_state(desk, "saved")
    desk.wait_for_timeout(500)
    assert desk.url == address
    assert [one for one in sent if "/completion/" in one] == [f"{address}completion/"]
    assert not [one for one in sent if "/next/" in one]
    assert attempts_in_story(desk) == before + 2


def test_a_browser_that_is_killed_while_wrapping_up_comes_back_to_it(
    browser: Browser, product: Product
) -> None:
    first = browser.new_context(base_url=product.base_url, locale="nl-NL")
    page = first.new_page()
    product.sign_in(page, "bob")
    wait_for_scripts(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    before = attempts_in_story(page)
    come_to_the_result(page)
    page.fill("#notes", "Wil graag post.")
    expect(page.locator("#notes-state")).to_contain_text(re.compile(r"\d\d:\d\d"))
    address = page.url
    first.close()

    second = browser.new_context(base_url=product.base_url, locale="nl-NL")
    page = second.new_page()
    product.sign_in(page, "bob")
    wait_for_scripts(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(address)
    expect_state(page, "wrapping_up")
    expect(page.locator("#notes")).to_have_value("Wil graag post.")
    wait_for_scripts(page)
    page.locator("[name=result_code]").first.focus()
    page.keyboard.press("1")
    page.locator("[name=retention_rating]").first.focus()
    page.keyboard.press("8")
    page.keyboard.press("Control+Enter")
    expect_state(page, "saved")
    assert attempts_in_story(page) == before + 2
    call = address.rstrip("/").rpartition("/")[2]
    deadline = time.monotonic() + 60
    while len(done := [one for one in product.effects() if one["uuid"] == call]) < 2:
        assert time.monotonic() < deadline
        time.sleep(1)
    assert [one["operation"] for one in done] == ["add-attempt", "complete"]
    second.close()


def test_single_keys_can_be_turned_off(desk: Page) -> None:
    desk.click("[data-opens=keys]")
    desk.click("#single-keys button")
    expect(desk.locator("#single-keys")).to_have_attribute("data-single-keys", "off")
    desk.keyboard.press("Escape")
    desk.keyboard.press("Control+Enter")
    expect_state(desk, "dialling")
    desk.focus("[name=outcome] >> nth=0")
    desk.keyboard.press("2")
    desk.wait_for_timeout(200)
    expect(desk.locator("[name=outcome]:checked")).to_have_count(0)

    # Arrows are the browser's own, and the choice is kept with the person.
    desk.keyboard.press("ArrowDown")
    expect(desk.locator("[name=outcome]:checked")).to_have_value("busy")
    desk.reload()
    expect(desk.locator("#single-keys")).to_have_attribute("data-single-keys", "off")
    desk.click("[data-opens=keys]")
    desk.click("#single-keys button")
    expect(desk.locator("#single-keys")).to_have_attribute("data-single-keys", "on")


def test_a_session_that_ended_leads_to_sign_in_and_back_to_the_same_call(
    desk: Page, product: Product
) -> None:
    before = attempts_in_story(desk)
    address = desk.url
    desk.context.clear_cookies(name=re.compile("session"))
    desk.keyboard.press("Control+Enter")
    desk.wait_for_url(re.compile("/accounts/login/"))
    desk.fill("[name=login]", "alice")
    desk.fill("[name=password]", PASSWORD)
    desk.press("[name=password]", "Enter")

    desk.wait_for_url(address)
    expect_state(desk, "ready")
    assert attempts_in_story(desk) == before
