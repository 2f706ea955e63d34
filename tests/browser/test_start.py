"""A person opens the printed address in a browser."""

from playwright.sync_api import Page, expect

from tests.product import Product


def test_the_printed_address_asks_to_sign_in(page: Page) -> None:
    page.goto("/")
    expect(page.locator("input[name=login]")).to_be_visible()


def test_alice_signs_in_with_what_is_printed(page: Page, product: Product) -> None:
    product.sign_in(page, "alice")
    assert page.context.cookies()
