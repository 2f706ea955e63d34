"""The floor: what agents do is there without a reload, and looked at as test_looks.py looks."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.test_looks import (
    Eye,
    expect_state,
    eye,
    press_primary,
    put_down,
    sign_in,
    take_next,
)

__all__ = ["eye"]

# What a poll and a count of the queue need together, on a machine that does other things too.
SOON = 30_000
WORDS = {"nl": ("belt", "in gesprek"), "en": ("calling", "in conversation")}


def test_what_an_agent_does_is_on_the_floor_without_a_reload(eye: Eye, browser: Browser) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.goto("/floor/")
    expect(page.locator("#queue tbody tr").first).to_be_visible(timeout=SOON)
    loaded: list[str] = []
    page.on("load", lambda _: loaded.append(page.url))

    context = browser.new_context(base_url=eye.product.base_url, locale="nl-NL")
    bob = Eye(context.new_page(), eye.product, "nl")
    sign_in(bob, "bob")
    take_next(bob.page)
    press_primary(bob.page)
    expect_state(bob.page, "dialling")
    line = page.locator("#agents tbody tr", has_text="Bob")
    dialling, talking = WORDS[eye.language]
    expect(line).to_contain_text(dialling, timeout=SOON)
    press_primary(bob.page)
    expect_state(bob.page, "talking")
    expect(line).to_contain_text(talking, timeout=SOON)
    expect(line).to_contain_text(re.compile(r"\d\d:\d\d"))
    eye.look("floor")
    assert loaded == []

    put_down(bob)
    context.close()
    page.goto("/floor/")
    expect(line).not_to_contain_text(talking, timeout=SOON)
