"""What nobody finished, what agents say, and what is shown of a donor who may be somebody else:
looked at as test_looks.py looks."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.test_looks import (
    Eye,
    choose,
    expect_state,
    eye,
    press,
    press_primary,
    sign_in,
    speak,
    take_next,
)
from tests.product import Product

__all__ = ["eye"]  # the fixture

# As if the agent had left an hour ago, in the middle of it.
LEFT_LYING = """
from datetime import timedelta
from django.utils import timezone
from calls.models import Attempt, Hold
before = timezone.now() - timedelta(hours=1)
Hold.objects.filter(user__username="bob").update(taken_at=before, lease_until=before)
Attempt.objects.filter(user__username="bob", outcome="").update(at=before, answered_at=before)
"""
SCRIPT = """# Begroeting
Goedendag, u spreekt met {agent} namens {charity}. Spreek ik met {aanhef}?
? Spreekt u met de donateur?
- Ja
- Nee: Iemand anders

# Iemand anders
Wanneer is {aanhef} te bereiken?
"""


def test_a_conversation_that_nobody_finished(eye: Eye) -> None:
    page, product = eye.page, eye.product
    sign_in(eye, "bob")
    take_next(page)
    call = page.url
    press_primary(page)
    expect_state(page, "dialling")
    press_primary(page)
    expect_state(page, "talking")
    product.run(LEFT_LYING)
    # Bob speaks Dutch to the stories that follow.
    speak(eye, "nl")
    page.context.clear_cookies()

    sign_in(eye, "carol")
    page.goto("/")
    expect(page.locator("#unfinished-title")).to_be_visible()
    eye.look("start-not-finished")
    # She may have spoken with this donor today herself: that stands in another list.
    unfinished = page.locator("li:has(select[name=outcome])")
    line = unfinished.filter(has=page.locator(f"a[href$='{call.rstrip('/')[-36:]}/']"))
    line.locator("select[name=outcome]").select_option("cut_off")
    line.get_by_role("button").click()
    # Others that an earlier story left lying are no matter of this one.
    expect(line).to_have_count(0)


def test_what_agents_say_is_written_and_put_in_force(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.goto("/admin/calls/script/")
    eye.look("admin-scripts")

    page.goto("/admin/calls/script/add/")
    eye.look("admin-script-new")
    page.select_option("[name=organization]", index=1)
    page.fill("[name=text]", "Geen titel, dus geen blok.")
    page.click("[name=_save]")
    expect(page.locator(".errornote")).to_be_visible()
    eye.look("admin-script-refused")
    page.fill("[name=text]", SCRIPT)
    page.click("[name=_continue], [name=_save]")
    expect(page.locator(".messagelist .success")).to_be_visible()

    page.goto("/admin/calls/script/")
    page.locator("#result_list tbody th a").first.click()
    expect(page.locator(".say").first).to_be_visible()
    eye.look("admin-script-preview")
    page.go_back()
    page.locator("#result_list .action-select").first.check()
    page.select_option("[name=action]", "put_in_force")
    page.locator(".actions button").first.click()
    expect(page.locator("[name=confirmed]")).to_be_attached()
    eye.look("admin-script-put-in-force")


def test_a_donor_who_may_be_somebody_else(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "alice")
    take_next(page)
    person = str(page.locator("a[href^='/persons/']").first.get_attribute("href"))
    for wanted in ("dialling", "talking"):
        press_primary(page)
        expect_state(page, wanted)
    call = page.url.rstrip("/")[-36:]
    wrong = (
        "from calls.models import *; from django.utils import timezone;"
        f"call = Call.objects.get(pk='{call}');"
        "[Saying.objects.create(call=call, item='account', is_right=False,"
        " user=call.hold.user, at=timezone.now()) for _ in range(3)]"
    )
    eye.product.run(wrong)
    page.reload()
    expect(page.locator("#hidden-title")).to_be_visible()
    eye.look_at_desk("desk-hidden")
    page.goto(person)
    expect(page.locator("#hidden-title")).to_be_visible()
    eye.look("person-hidden")
    page.go_back()
    page.locator("#finish summary").first.click()
    choose(page, "outcome", "cut_off")
    press(page, "attempts")
    expect_state(page, "free")


@pytest.fixture
def for_now(product: Product) -> Iterator[None]:
    """What this story has a donor refuse is forgotten: others are told with the same donors."""
    yield
    forget = "from pledges.models import Objection; Objection.objects.all().delete()"
    product.run(forget)


def test_an_objection_that_came_by_letter(eye: Eye, for_now: None) -> None:
    page = eye.page
    sign_in(eye, "carol")
    take_next(page)
    person = str(page.locator("a[href^='/persons/']").first.get_attribute("href"))
    press(page, "release")
    page.wait_for_url("/")
    page.goto(person)
    page.click("a[href$='/objections/']")
    page.wait_for_url(re.compile("/objections/$"))
    eye.look("objecting")
    page.locator("label:has([value=text])").click()
    page.select_option("[name=source]", "letter")
    press_primary(page)
    expect(page.locator("[name=send]")).to_be_focused()
    eye.look("objecting-shown")
    press_primary(page)
    page.wait_for_url(person)
    expect(page.locator("#objections")).to_be_visible()
    eye.look("person-who-wants-no-texts")
