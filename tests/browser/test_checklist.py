"""The checklist from the keyboard: a confirmed call, from Next to saved, without a mouse."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_keys import expect_state, log_a_miss, wait_for_scripts
from tests.product import Product

# Of what the issue allows, besides what the donor says.
MOST_KEYS = 15
# A day that there is, and on which next to nobody was born.
WRONG = "29-02"


class Keys:
    """A keyboard that counts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed = 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.pressed += 1


@pytest.fixture
def strict(product: Product) -> Iterator[None]:
    """Every charity wants name and amount to be right, as the demo has it."""
    change = "from calls.models import CheckRules; CheckRules.objects.update(needed={})"
    product.run(change.format(["name", "amount"]))
    yield
    product.run(change.format([]))


def test_a_confirmed_call_takes_at_most_fifteen_keys(
    page: Page, product: Product, strict: None, nothing_said_yet: None
) -> None:
    product.sign_in(page, "alice")
    wait_for_scripts(page)
    keys = Keys(page)

    keys.press("Control+Enter")  # Next
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    wait_for_scripts(page)
    keys.press("Control+Enter")  # Call
    expect_state(page, "dialling")
    wait_for_scripts(page)
    keys.press("Control+Enter")  # She answers
    expect_state(page, "talking")
    expect(page.locator("#checklist .answers input:focus")).to_have_count(1)
    keys.press("9")  # The rest is right
    expect(page.locator("#checks-count")).not_to_contain_text("0 van")
    # What the gates doubt is asked by itself: an arrow to the line, and a digit.
    still = page.locator(".check-line:not(:has(.answers :checked))")
    for left in range(still.count(), 0, -1):
        still.locator("[type=radio]:enabled").first.focus()
        keys.pressed += 1
        is_known = still.first.locator("[value=confirmed]").is_enabled()
        keys.press("1" if is_known else "3")
        expect(still).to_have_count(left - 1)
    wait_for_scripts(page)
    keys.press("Control+Enter")  # The conversation is done
    expect_state(page, "wrapping_up")
    expect(page.locator("[name=result_code]").first).to_be_focused()
    keys.press("1")
    keys.press("Tab")
    keys.press("8")
    wait_for_scripts(page)
    keys.press("Control+Enter")  # Save
    expect_state(page, "saved")

    print(f"{keys.pressed} keys from Next to saved")
    assert keys.pressed <= MOST_KEYS


@pytest.fixture
def talking(page: Page, product: Product, nothing_said_yet: None) -> Iterator[Page]:
    """Alice in conversation."""
    product.sign_in(page, "alice")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/calls/[0-9a-f-]{36}/"))
    for state in ("dialling", "talking"):
        wait_for_scripts(page)
        page.keyboard.press("Control+Enter")
        expect_state(page, state)
    wait_for_scripts(page)
    yield page
    page.goto(page.url)
    log_a_miss(page)


def test_arrows_go_from_line_to_line_and_choose_within_one(talking: Page) -> None:
    page = talking
    focused = "document.activeElement.name"
    first = page.evaluate(focused)
    page.keyboard.press("ArrowDown")
    second = page.evaluate(focused)
    assert second != first
    assert page.locator(".answers :checked").count() == 0

    page.keyboard.press("4")
    expect(page.locator(f"[name={second}]:checked")).to_have_value("refused")
    expect(page.locator("#checks-count")).to_contain_text("1 van")
    with page.expect_response("**/checks/"):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(f"[name={second}]:checked")).to_have_value("not_asked")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused) == first

    page.reload()
    expect(page.locator(f"[name={second}]:checked")).to_have_value("not_asked")


def test_nine_elsewhere_says_nothing(talking: Page) -> None:
    page = talking
    page.focus("#notes")
    page.keyboard.type("9 keer gebeld")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("9")
    page.wait_for_timeout(300)

    assert page.locator(".answers :checked").count() == 0


def test_what_the_donor_says_is_compared_with_ctrl_enter_and_the_call_goes_on(
    talking: Page,
) -> None:
    page = talking
    page.fill("#said-date_of_birth", WRONG)
    page.keyboard.press("Control+Enter")

    expect(page.locator("#said-date_of_birth-error")).to_contain_text("Klopt niet")
    expect_state(page, "talking")


def test_enter_compares_what_the_donor_says_and_does_nothing_else(
    talking: Page, product: Product
) -> None:
    page = talking
    born = (
        "from calls.models import Call; from django.utils.timezone import localdate;"
        "born = Call.objects.get(pk='{}').person.date_of_birth; print(f'{{born:%d-%m}}')"
    )
    call = page.url.rstrip("/").rpartition("/")[2]
    right = product.run(born.format(call))
    said = page.locator("#said-date_of_birth")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else 0)

    # Nothing is typed yet, so there is nothing to compare.
    said.focus()
    page.keyboard.press("Enter")
    for left in ("Nog 2 keer", "Nog 1 keer"):
        page.keyboard.type(WRONG)
        page.keyboard.press("Enter")
        # Another time the words are others, and stand there too.
        expect(page.locator("#said-date_of_birth-error")).to_contain_text(left)
        expect(page.locator("#said-date_of_birth-error")).to_be_visible()
        expect(said).to_be_focused()
    # What was typed is gone, so a second Enter in the same breath asks nothing.
    page.keyboard.press("Enter")
    page.keyboard.type(right)
    page.keyboard.press("Enter")

    expect(page.locator("#date_of_birth-confirmed")).to_be_checked()
    # The work goes on where it was.
    expect(page.locator("#date_of_birth-confirmed")).to_be_focused()
    assert len([one for one in asked if one.endswith("/checks/said/")]) == 3
    expect_state(page, "talking")

    page.fill("#notes", "Klopt allemaal.")
    page.locator("[name=check_name]").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    expect_state(page, "talking")
    page.keyboard.press("Control+Enter")
    expect_state(page, "wrapping_up")


def test_a_correction_is_checked_while_it_is_typed_and_kept_by_ctrl_enter(
    talking: Page,
) -> None:
    page = talking
    page.locator("label:has(#account-corrected)").click()
    page.fill("#id_account-iban", "NL91ABNA0417164301")
    expect(page.locator("#remark-account")).to_contain_text("klopt niet")
    page.fill("#id_account-iban", "NL91 ABNA 0417 1643 00")
    expect(page.locator("#remark-account")).to_contain_text("ABN AMRO")
    page.focus("#id_account-iban")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#line-account .chip")).to_contain_text("4300")
    expect_state(page, "talking")
    page.locator("#finish").focus()
    wait_for_scripts(page)
    page.keyboard.press("Control+Enter")
    expect_state(page, "wrapping_up")
    expect(page.locator("#goes")).to_contain_text("rekeningnummer")
