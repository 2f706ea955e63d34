"""A supervisor ends a call that an agent has in hand, or takes it out of them, in a browser."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_keys import come_to_the_result, expect_state, wait_for_scripts
from tests.product import Product

END = (
    "import uuid; from django.utils import timezone; from accounts.models import User;"
    "from calls import actions; from calls.models import Call;"
    "actions.cancel_call(user=User.objects.get(username='carol'), call=Call.objects.get(pk='{}'),"
    " reason='Dubbel aangevraagd.', token=uuid.uuid4(), at=timezone.now())"
)
TAKE_AWAY = (
    "import uuid; from django.utils import timezone; from accounts.models import User;"
    "from calls import actions; from calls.models import Call, Hold;"
    "actions.take_away(user=User.objects.get(username='carol'), call=Call.objects.get(pk='{0}'),"
    " hold_id=Hold.objects.get(call='{0}').pk, reason='shift_over', token=uuid.uuid4(),"
    " at=timezone.now())"
)
SETTLE = (
    "import uuid; from django.utils import timezone; from accounts.models import User;"
    "from calls import actions; from calls.models import Call;"
    "actions.settle_attempt(user=User.objects.get(username='carol'),"
    " call=Call.objects.get(pk='{}'), outcome='cut_off', token=uuid.uuid4(), at=timezone.now())"
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


def begin_to_type(page: Page, product: Product) -> str:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/")
    wait_for_scripts(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    come_to_the_result(page)
    page.fill("#notes", "Wil liever in het voorjaar beginnen.")
    expect(page.locator("#notes-state")).to_contain_text(re.compile(r"\d\d:\d\d"))
    return page.url.rstrip("/").rpartition("/")[2]


def expect_nothing_covered(page: Page) -> None:
    """What is said stands below the donor's name and number and what can be done."""
    banner = page.locator("#banner > .banner")
    expect(banner).to_have_count(1)
    box = banner.bounding_box()
    header = page.locator("#call-header").bounding_box()
    assert box
    assert header
    assert box["y"] >= header["y"] + header["height"] - 1


def test_what_is_taken_away_is_over_on_the_page_by_itself(page: Page, product: Product) -> None:
    product.sign_in(page, "bob")
    call = begin_to_type(page, product)
    expect(page.locator("#call-header .clock")).to_have_count(1)
    page.locator("#notes").focus()

    product.run(TAKE_AWAY.format(call))

    expect(page.locator("#banner")).to_contain_text("Carol", timeout=30_000)
    expect_state(page, "free")
    # No clock runs, nothing can be sent; the notes and the focus are where they were.
    expect(page.locator("#call-header .clock")).to_have_count(0)
    expect(page.locator("[formaction$='/completion/']")).to_have_count(0)
    expect(page.locator("#finish [formaction$='/calls/next/']")).to_be_visible()
    expect(page.locator("#notes")).to_be_focused()
    expect(page.locator("#notes")).to_have_value("Wil liever in het voorjaar beginnen.")
    expect_nothing_covered(page)
    product.run(SETTLE.format(call))


def test_who_saves_before_it_is_told_sees_one_banner_over_nothing(
    page: Page, product: Product
) -> None:
    product.sign_in(page, "bob")
    call = begin_to_type(page, product)
    page.route("**/pulse/*", lambda route: route.abort())
    product.run(TAKE_AWAY.format(call))

    page.locator("[name=result_code]").first.check(force=True)
    page.locator("[name=retention_rating]").nth(7).check(force=True)
    page.keyboard.press("Control+Enter")

    expect_state(page, "free")
    expect_nothing_covered(page)
    product.run(SETTLE.format(call))
