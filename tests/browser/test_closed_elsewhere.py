"""A call that is cancelled elsewhere while the agent speaks with the donor, in a browser."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_keys import come_to_the_result, expect_state, wait_for_scripts
from tests.browser.test_looks import end_elsewhere
from tests.product import Product


def test_the_page_says_so_by_itself_keeps_the_notes_and_sends_nothing(
    page: Page, product: Product
) -> None:
    product.sign_in(page, "bob")
    wait_for_scripts(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    come_to_the_result(page)
    page.fill("#notes", "Wil liever in het voorjaar beginnen.")
    expect(page.locator("#notes-state")).to_contain_text(re.compile(r"\d\d:\d\d"))
    call = page.url.rstrip("/").rpartition("/")[2]

    end_elsewhere(product, page.url)

    # Nobody loads the page again: it asks every few seconds.
    banner = page.locator("#banner")
    expect(banner).to_contain_text("TapRaise meldt", timeout=30_000)
    expect(page.locator("#notes")).to_have_value("Wil liever in het voorjaar beginnen.")

    page.locator("[name=result_code]").first.focus()
    page.keyboard.press("1")
    page.locator("[name=retention_rating]").first.focus()
    page.keyboard.press("8")
    wait_for_scripts(page)
    page.keyboard.press("Control+Enter")
    expect_state(page, "closed_elsewhere")
    expect(page.locator("#notes")).to_have_value("Wil liever in het voorjaar beginnen.")
    waits = "from integrations.models import Delivery; print(Delivery.objects.filter({}).count())"
    completions = f"operation='tapraise.complete_call', subject='call:{call}'"
    assert product.run(waits.format(completions)) == "0"
    assert not [one for one in product.effects("complete") if one["uuid"] == call]
    page.click("[formaction$='/release/']")
    page.wait_for_url("/")
