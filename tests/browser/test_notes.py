"""Notes and what is chosen beside them outlive the page, however quickly it is left."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_keys import (
    come_to_the_result,
    expect_state,
    log_a_miss,
    wait_for_scripts,
)
from tests.product import Product


def test_words_typed_a_breath_before_leaving_are_kept(page: Page, product: Product) -> None:
    product.sign_in(page, "alice")
    page.wait_for_selector("html[data-scripts]", state="attached")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/calls/"))
    page.wait_for_selector("html[data-scripts]", state="attached")
    address = page.url

    page.fill("#notes", "Belt zelf terug na zessen.")
    page.goto(product.base_url)

    page.goto(address)
    for _ in range(10):
        if page.input_value("#notes"):
            break
        # What was sent while leaving may come in after the page was asked for.
        page.wait_for_timeout(300)
        page.reload()
    expect(page.locator("#notes")).to_have_value("Belt zelf terug na zessen.")


def test_a_result_chosen_a_breath_before_leaving_is_kept(page: Page, product: Product) -> None:
    product.sign_in(page, "alice")
    wait_for_scripts(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    come_to_the_result(page)
    address = page.url

    page.keyboard.press("4")
    page.locator("label:has([name=retention_rating][value='3'])").click()
    page.fill("#notes", "Heeft spijt.")
    page.goto(product.base_url)

    page.goto(address)
    for _ in range(10):
        if page.locator("[name=retention_rating]:checked").count():
            break
        page.wait_for_timeout(300)
        page.reload()
    expect_state(page, "wrapping_up")
    expect(page.locator("[name=result_code]:checked")).to_have_value("dropped")
    expect(page.locator("[name=retention_rating]:checked")).to_have_value("3")
    expect(page.locator("#notes")).to_have_value("Heeft spijt.")

    # What is typed and chosen at once is kept in one line: neither undoes the other.
    wait_for_scripts(page)
    page.locator("label:has([name=result_code][value=other])").click()
    page.locator("#notes").press("Control+End")
    page.keyboard.type(" En boos.", delay=10)
    page.locator("label:has([name=retention_rating][value='2'])").click()
    expect(page.locator("#notes-state")).to_contain_text(re.compile(r"\d\d:\d\d"))
    page.wait_for_timeout(1500)
    assert page.locator("#notes-state .error").count() == 0
    page.reload()
    expect(page.locator("[name=result_code]:checked")).to_have_value("other")
    expect(page.locator("[name=retention_rating]:checked")).to_have_value("2")
    expect(page.locator("#notes")).to_have_value("Heeft spijt. En boos.")
    log_a_miss(page)
