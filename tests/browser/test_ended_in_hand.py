"""A supervisor ends a call that an agent has in hand, in a browser."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_keys import come_to_the_result, wait_for_scripts
from tests.product import Product

END = (
    "import uuid; from django.utils import timezone; from accounts.models import User;"
    "from calls import actions; from calls.models import Call;"
    "actions.cancel_call(user=User.objects.get(username='carol'), call=Call.objects.get(pk='{}'),"
    " reason='Dubbel aangevraagd.', token=uuid.uuid4(), at=timezone.now())"
)
IN_HAND = "from calls.models import Hold; print(Hold.objects.filter(call='{}').count())"


def take_next_and_have_it_ended(page: Page, product: Product) -> str:
    page.goto("/")
    wait_for_scripts(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    come_to_the_result(page)
    page.fill("#notes", "Wil liever in het voorjaar beginnen.")
    expect(page.locator("#notes-state")).to_contain_text(re.compile(r"\d\d:\d\d"))
    page.locator("[name=donation_amount], [name=result_code]").first.focus()
    call = page.url.rstrip("/").rpartition("/")[2]
    product.run(END.format(call))
    expect(page.locator("#banner")).to_contain_text("Carol", timeout=30_000)
    return call


def in_hand(product: Product, call: str) -> str:
    return product.run(IN_HAND.format(call))


def test_the_page_says_so_by_itself_and_next_leads_on(page: Page, product: Product) -> None:
    product.sign_in(page, "bob")
    call = take_next_and_have_it_ended(page, product)
    # Nothing moved: what had the focus has it, and the notes stand there.
    expect(page.locator("#finish :focus")).to_have_count(1)
    expect(page.locator("#notes")).to_have_value("Wil liever in het voorjaar beginnen.")

    page.locator("#banner").get_by_role("button").click()
    page.wait_for_url(lambda address: "/calls/" in address and call not in address)

    assert in_hand(product, call) == "0"
    wait_for_scripts(page)
    page.click("[formaction$='/release/']")
    page.wait_for_url("/")


def test_who_leaves_the_page_lets_go_of_it(page: Page, product: Product) -> None:
    product.sign_in(page, "bob")
    call = take_next_and_have_it_ended(page, product)

    page.goto("/")

    for _ in range(20):
        if in_hand(product, call) == "0":
            break
        page.wait_for_timeout(300)
    assert in_hand(product, call) == "0"
    expect(page.locator("form[action$='/calls/next/']")).to_be_visible()
    page.goto(f"/calls/{call}/")
    expect(page.locator("#notes")).to_have_value("Wil liever in het voorjaar beginnen.")
