"""The checklist in each of its states, looked at like every page: see `test_looks`."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_keys import expect_state, log_a_miss, wait_for_scripts
from tests.browser.test_looks import Eye, eye, sign_in, speak

__all__ = ["eye"]


@pytest.mark.usefixtures("nothing_said_yet")
def test_a_conversation_with_what_is_different_and_what_is_wrong(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "alice")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    for state in ("dialling", "talking"):
        wait_for_scripts(page)
        page.keyboard.press("Control+Enter")
        expect_state(page, state)
    wait_for_scripts(page)
    eye.look_at_desk("checklist-begun")

    page.locator("#rest-is-right").click()
    expect(page.locator("#checks-count")).not_to_contain_text("0 ")
    page.locator("label:has(#address-corrected)").click()
    page.fill("#id_address-zip_code", "0123 AB")
    expect(page.locator("#remark-address .error")).to_be_visible()
    page.fill("#said-date_of_birth", "29-02")
    # The list is another one after it: what is chosen before would be gone.
    with page.expect_response("**/checks/said/"):
        page.click("#say-date_of_birth")
    expect(page.locator("#said-date_of_birth-error")).to_be_visible()
    eye.look_at_desk("checklist-wrong")

    page.locator("label:has(#phone-corrected)").click()
    page.fill("#id_phone-phone", "0612345678")
    page.locator("#line-phone .correction .button").click()
    expect(page.locator("#line-phone .chip")).to_contain_text("06 12345678")
    eye.look_at_desk("checklist-corrected")

    for said in ("29-02", "29-2"):
        page.fill("#said-date_of_birth", said)
        with page.expect_response("**/checks/said/"):
            page.click("#say-date_of_birth")
        page.wait_for_timeout(200)
    expect(page.locator("#checklist .banner")).to_be_visible()
    eye.look_at_desk("checklist-stranger")
    log_a_miss(page)

    # Alice speaks Dutch to the stories that follow.
    speak(eye, "nl")
    page.context.clear_cookies()
    sign_in(eye, "carol")
    page.goto("/corrections/")
    expect(page.locator(".records li").first).to_contain_text("06 12345678")
    eye.look("corrections")
    # The file comes beside the page, which then tells that it went out.
    with page.expect_download():
        page.locator("[data-brings-file]").first.click()
    expect(page.locator(".records li", has_text="06 12345678")).to_have_count(0)
    page.goto("/corrections/?state=processed")
    eye.look("corrections-none")
