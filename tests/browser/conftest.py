"""A real browser before the whole product, both started once for all stories of this folder.

Playwright keeps an event loop running in its thread, and Django refuses its database to a thread
with one. So Playwright ends before any other test: its fixtures have the scope of this folder
instead of the session, and tests/parallel.py has the browser's stories run in one stretch.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, Playwright, expect, sync_playwright

from tests.product import Product, environment, running_product, scratch_services

HERE = Path(__file__).parent
# The first has no window to draw around a page: a fifth of the time of a story.
CHROMIUMS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# A machine that does other things too is slow, not wrong; who waits in vain waits a little longer.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> str:
    """The path of a Chromium on this machine."""
    named = os.environ.get("CHROMIUM", "")
    path = next(filter(None, map(shutil.which, (named, *CHROMIUMS))), None)
    if path is None:
        reason = "No Chromium is on this machine: install one, or name it in CHROMIUM."
        if os.environ.get("BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="package")
def product(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with 500 calls, for each story takes some; a database and sandbox of its own."""
    folder = tmp_path_factory.mktemp("product")
    with (
        scratch_services(folder) as services,
        running_product(folder, environment(**services)) as it,
    ):
        # Enough that no story runs out of attempts, whichever calls the earlier ones left.
        more = "from pledges.models import *; CallingRules.objects.update(max_attempts=20)"
        it.run(more)
        # Only the stories about it go through the details before they confirm.
        some = "from calls.models import CheckRules; CheckRules.objects.update(needed=[])"
        it.run(some)
        yield it


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as it:
        yield it


@pytest.fixture(scope="package")
def browser_type(playwright: Playwright) -> BrowserType:
    return playwright.chromium


@pytest.fixture(scope="package")
def browser(browser_type: BrowserType, chromium: str) -> Iterator[Browser]:
    with browser_type.launch(executable_path=chromium, args=list(FLAGS)) as it:
        yield it


@pytest.fixture(scope="package")
def browser_context_args(product: Product) -> dict[str, object]:
    """A desk as agents have it; `page.goto("/")` opens the product."""
    return {
        "base_url": product.base_url,
        "viewport": {"width": 1280, "height": 720},
        "locale": "nl-NL",
        "timezone_id": "Europe/Amsterdam",
    }


@pytest.fixture
def nothing_said_yet(product: Product) -> None:
    """Whichever call comes, its donor has a date of birth that nobody asked for before."""
    nothing = (
        "from calls.models import *; from pledges.models import *;"
        "Check.objects.all().delete(); Saying.objects.all().delete();"
        "Person.objects.filter(date_of_birth=None).update(date_of_birth='1990-06-15')"
    )
    product.run(nothing)
