"""A donor wants to give something else: seen before it is saved, by the keyboard alone."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_keys import desk, expect_state, log_a_miss, wait_for_scripts

__all__ = ["desk"]  # the fixture


def talk_about_a_pledge_that_can_be_changed(
    page: Page, *, and_wrap_up: bool = True, beside: str = "#desk-form"
) -> None:
    """Reach donors until one has such a pledge, with this on the page: not all of them do."""
    for _ in range(10):
        wait_for_scripts(page)
        page.keyboard.press("Control+Enter")
        expect_state(page, "dialling")
        wait_for_scripts(page)
        page.keyboard.press("Control+Enter")
        expect_state(page, "talking")
        amount = page.locator("[name=donation_amount]")
        # The smallest that there is cannot be lowered.
        is_beside = page.locator(beside).count() > 0
        if is_beside and amount.count() and amount.input_value() != "0,01":
            wait_for_scripts(page)
            if and_wrap_up:
                page.keyboard.press("Control+Enter")
                expect_state(page, "wrapping_up")
            return
        log_a_miss(page)
        wait_for_scripts(page)
        page.keyboard.press("Control+Enter")
        expect_state(page, "ready")
    raise AssertionError("No pledge among ten can be changed.")


def test_what_is_read_out_follows_what_is_typed_and_nothing_takes_the_focus(desk: Page) -> None:
    # Of calls of other types the demo has nothing that agents say.
    talk_about_a_pledge_that_can_be_changed(
        desk, and_wrap_up=False, beside=".script-answers details"
    )
    amount = desk.locator("[name=donation_amount]")
    said = desk.locator("[data-agreed=amount]").first
    answers = desk.locator(".script-answers details").last
    answers.locator("summary").click()
    desk.fill("#notes", "Wil minder geven.")

    amount.focus()
    desk.keyboard.press("Control+A")
    desk.keyboard.type("0,01")

    expect(said).to_have_text("€ 0,01")
    expect(amount).to_be_focused()
    expect(amount).to_have_value("0,01")
    expect(desk.locator("#notes")).to_have_value("Wil minder geven.")
    # What the donor answered stays open.
    expect(answers).to_have_attribute("open", "")
    expect_state(desk, "talking")
    desk.keyboard.press("Control+Enter")
    expect_state(desk, "wrapping_up")
    expect(said).to_have_text("€ 0,01")
    expect(amount).to_have_value("0,01")

    amount.focus()
    desk.keyboard.press("Control+A")
    desk.keyboard.type("0,02")
    expect(said).to_have_text("€ 0,02")


def test_what_will_go_follows_what_is_typed_and_nothing_takes_the_focus(desk: Page) -> None:
    talk_about_a_pledge_that_can_be_changed(desk)
    amount = desk.locator("[name=donation_amount]")
    goes = desk.locator("#goes")
    expect(goes).not_to_contain_text(re.compile("€"))

    amount.focus()
    desk.keyboard.press("Control+A")
    desk.keyboard.type("0,01")

    # Digits in a field are typed, and choose nothing.
    expect(goes).to_contain_text("€ 0,01")
    expect(amount).to_be_focused()
    expect(amount).to_have_value("0,01")
    expect(desk.locator("[name=result_code]:checked")).to_have_count(0)
    expect(desk.locator("#proposed-downgraded")).to_be_visible()
    expect(desk.locator("[id^=proposed]:visible")).to_have_count(1)

    # Another choice stands, and is contradicted in a sentence; saving it is refused in place.
    desk.locator("[name=result_code]").first.focus()
    desk.keyboard.press("1")
    expect(goes.locator(".error")).to_be_visible()
    expect(desk.locator("[name=result_code][value=confirmed]")).to_be_checked()
    desk.locator("[name=retention_rating]").first.focus()
    desk.keyboard.press("8")
    wait_for_scripts(desk)
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#result-error")).to_be_visible()
    expect(amount).to_have_value("0,01")
    expect_state(desk, "wrapping_up")

    desk.locator("[name=result_code]").first.focus()
    desk.keyboard.press("2")
    wait_for_scripts(desk)
    desk.keyboard.press("Control+Enter")
    expect_state(desk, "saved")
    expect(desk.locator("#pledge-terms")).to_contain_text("€ 0,01")

    desk.locator("[name=undo]").click()
    expect_state(desk, "wrapping_up")
    expect(desk.locator("[name=donation_amount]")).to_have_value("0,01")
    expect(desk.locator("[name=result_code][value=downgraded]")).to_be_checked()


def test_the_whole_finish_column_fits_a_small_screen(desk: Page) -> None:
    desk.set_viewport_size({"width": 1280, "height": 720})
    talk_about_a_pledge_that_can_be_changed(desk)

    page, window, save = desk.evaluate(
        "[document.documentElement.scrollHeight, innerHeight,"
        " document.querySelector('[data-primary]').getBoundingClientRect().bottom]"
    )
    assert page <= window
    assert save <= window
