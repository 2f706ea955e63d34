"""The pages beside the desk, looked at as test_looks.py looks: a person, requests, the search."""

from playwright.sync_api import Page, expect

from tests.browser.test_looks import (
    Eye,
    expect_state,
    eye,
    press,
    press_primary,
    sign_in,
    take_next,
)

__all__ = ["eye"]  # the fixture


def test_a_person_and_what_can_be_asked_for(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    take_next(page)
    person = str(page.locator("a[href^='/persons/']").first.get_attribute("href"))
    press(page, "release")
    page.wait_for_url("/")

    page.goto(person)
    eye.look("person")

    page.goto(f"{person}calls/")
    eye.look("request-call")
    press_primary(page)
    expect(page.locator("[data-refused]")).to_be_visible()
    eye.look("request-call-refused")
    ask_for_a_call(page)
    eye.look("request-call-shown")
    press_primary(page)
    page.wait_for_url(person)
    eye.look("person-asked")
    page.click("button.undo")
    expect(page.locator("#under-way")).to_have_count(0)

    page.goto(f"{person}calls/?managed=elsewhere")
    eye.look("call-elsewhere")
    press_primary(page)
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()
    eye.look("call-elsewhere-refused")


def ask_for_a_call(page: Page) -> None:
    """Up to the second step, with a type of which the donor has no open call yet."""
    for kind in ("winback", "happy_call", "verification"):
        page.locator(f"label:has([value={kind}])").click()
        with page.expect_navigation():
            press_primary(page)
        if page.locator("[name=send]").count():
            expect(page.locator("[name=send]")).to_be_focused()
            return
    raise AssertionError("This donor has an open call of every type.")


def test_the_end_of_a_call(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    take_next(page)
    call = page.url
    # Carol has no second factor: what says so is there to be read and pressed, above the call.
    page.locator("main > .banner a").click(trial=True)
    press(page, "release")
    page.wait_for_url("/")
    page.goto(call)
    eye.look_at_desk("manage-call")

    page.click("a[href$='/expiry/']")
    page.fill("[name=reason]", "Dubbel aangevraagd.")
    page.fill("[name=expired_at]", "gisteren")
    press_primary(page)
    expect(page.locator("[name=expired_at]")).to_be_focused()
    eye.look("expire-call-refused")
    page.fill("[name=expired_at]", "02-01-2099 13:45")
    press_primary(page)
    expect(page.locator("[name=send]")).to_be_focused()
    eye.look("expire-call-shown")
    press_primary(page)
    page.wait_for_url(call)
    expect_state(page, "ended")
    page.click("button.undo")
    expect_state(page, "free")


# A lead of one of Carol's charities that TapRaise manages, with a call, a payment and a signature.
A_PLEDGE = """
from accounts.models import User
from pledges.models import Pledge
carol = User.objects.get(username="carol")
leads = Pledge.objects.visible_to(carol).filter(status="lead", external_source_name=None)
print(leads.exclude(calls=None).exclude(transactions=None).earliest("created_at", "pk").pk)
"""


def test_a_pledge_and_what_can_be_changed(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    pledge = f"/pledges/{eye.product.run(A_PLEDGE)}/"
    page.goto(pledge)
    eye.look("pledge")

    page.goto(f"{pledge}changes/")
    eye.look("change-pledge")
    page.fill("[name=starts_at]", "31-02-2099")
    press_primary(page)
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()
    eye.look("change-pledge-refused")
    page.fill("[name=starts_at]", "01-12-2099")
    page.fill("[name=reason]", "Na de verhuizing.")
    press_primary(page)
    expect(page.locator("[name=send]")).to_be_focused()
    eye.look("change-pledge-shown")
    press_primary(page)
    page.wait_for_url(pledge)
    eye.look("pledge-changed")
    page.click("button.undo")
    expect(page.locator("button.undo")).to_have_count(0)

    page.goto(f"{pledge}status/")
    eye.look("pledge-status")
    page.locator("label:has([value=dropped])").click()
    page.fill("[name=reason]", "Overleden.")
    press_primary(page)
    expect(page.locator("[name=send]")).to_be_focused()
    eye.look("pledge-status-shown")

    page.goto(f"{pledge}signature/")
    eye.look("signature")
    press_primary(page)
    expect(page.locator("#state .chip")).to_have_count(0, timeout=30_000)
    eye.look("signature-answered")


def test_a_new_pledge(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    take_next(page)
    person = str(page.locator("a[href^='/persons/']").first.get_attribute("href"))
    press(page, "release")
    page.wait_for_url("/")

    page.goto(f"{person}pledges/")
    eye.look("new-pledge")
    press_primary(page)
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()
    eye.look("new-pledge-refused")
    page.fill("[name=initial_donation_amount]", "7,50")
    page.select_option("[name=initial_donation_interval]", "monthly")
    page.fill("[name=starts_at]", "01-12-2099")
    page.select_option("[name=recruiting_organization]", index=1)
    page.fill("[name=reason]", "Vroeg er zelf om.")
    press_primary(page)
    expect(page.locator("[name=send]")).to_be_focused()
    eye.look("new-pledge-shown")
    press_primary(page)
    page.wait_for_url(lambda address: "/pledges/" in address and not address.endswith("pledges/"))
    eye.look("new-pledge-under-way")
    page.click("button.undo")
    page.wait_for_url(person)


def test_the_search(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "alice")
    page.click("a[href='/calls/']")
    eye.look("search")
    page.fill("[name=query]", "x")
    page.keyboard.press("Enter")
    expect(page.locator("[name=query]")).to_be_focused()
    eye.look("search-refused")
    page.fill("[name=query]", "4dmc-A-17")
    page.keyboard.press("Enter")
    expect(page.locator("#results-title")).to_be_focused()
    eye.look("search-nothing")

    take_next(page)
    phone = page.locator("a.phone").first.inner_text()
    press(page, "release")
    page.wait_for_url("/")
    page.goto("/calls/")
    page.fill("[name=query]", phone)
    press_primary(page)
    expect(page.locator("#results-title")).to_be_focused()
    eye.look("search-found")
    # To a donor and back: it stands there as before, and nobody is asked to send a form again.
    for way_back in (page.go_back, page.locator("a[href^='/calls/?search=']").click):
        page.locator(".donor a[href^='/persons/']").first.click()
        page.wait_for_url("**/persons/**")
        way_back()
        expect(page.locator("#results-title")).to_be_focused()
    page.locator("form[action$='/hold/'] button").first.click()
    expect_state(page, "talking")
    eye.look_at_desk("rang-back")
    press(page, "release")
    page.wait_for_url("/")
