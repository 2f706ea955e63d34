"""Callbacks and do-not-call-again, looked at as test_looks.py looks."""

import re
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.test_looks import (
    Eye,
    choose,
    expect_state,
    eye,
    press,
    press_primary,
    sign_in,
    take_next,
)

__all__ = ["eye"]  # the fixture


def test_a_callback_that_is_agreed_on(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "alice")
    take_next(page)
    press_primary(page)
    expect_state(page, "dialling")
    choose(page, "outcome", "not_convenient")
    press_primary(page)
    expect_state(page, "free")
    expect(page.locator("#callback details")).to_have_attribute("open", "")
    eye.look_at_desk("callback-asked-for")

    yesterday = timezone.localtime() - timedelta(days=1)
    page.fill("#callback-day", yesterday.strftime("%Y-%m-%d"))
    page.fill("#callback-time", "12:00")
    page.fill("#callback-note", "Na het eten")
    press(page, "callback")
    expect(page.locator("#callback-error")).to_be_visible()
    expect(page.locator("#callback-note")).to_have_value("Na het eten")
    eye.look_at_desk("callback-refused")

    page.fill("#callback-day", "")
    page.fill("#callback-time", "")
    page.locator("#callback .choice").first.click()
    press(page, "callback")
    expect(page.locator("#callback b").first).to_be_visible()
    eye.look_at_desk("callback-agreed")
    page.goto("/")
    expect(page.locator("#callbacks li").first).to_be_visible()
    eye.look("start-with-callbacks")
    page.locator("#callbacks a").first.click()
    press(page, "cancellation")
    expect(page.locator("#callback b")).to_have_count(0)


def test_do_not_call_again(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    take_next(page)
    page.locator(".objection summary").click()
    eye.look_at_desk("objection-opened")

    object_to_calls(page)
    expect(page.locator("#banner .banner")).to_be_visible()
    expect(page.locator("#finish button[data-primary]")).to_have_attribute(
        "formaction", re.compile("/release/$")
    )
    eye.look_at_desk("objection-recorded")

    page.goto("/objections/")
    eye.look("objections")
    page.goto("/")
    page.click("a[data-primary]")
    page.click("a[href^='/persons/']")
    expect(page.locator("#objections")).to_be_visible()
    eye.look("person-who-objected")


def object_to_calls(page: Page) -> None:
    page.click("button[formaction$='/objection/']")
