"""Exports in every state, and the download below a question, looked at as test_looks.py looks."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_looks import Eye, eye, press_primary, sign_in

__all__ = ["eye"]

# One of each state, of Carol's; taken away again.
ROWS = """
from datetime import timedelta
from uuid import uuid4
from django.utils import timezone
from accounts.models import User
from calls.models import Export

at = timezone.now()
carol = User.objects.get(username="carol")
made = {"user": carol, "format": "xlsx"}
today = timezone.localdate()
first, last = today - timedelta(days=29), today
held = {"lease": uuid4(), "lease_until": at + timedelta(hours=1), "tries": 1}
ready = {"ready_at": at, "expires_at": at + timedelta(hours=24), "bytes": 48_512_000}
for place, (what, state, columns) in enumerate([
    ("calls", "running", {"rows_done": 412_000, "rows_expected": 1_000_000, **held}),
    ("attempts", "running", held),
    ("pay_links", "ready", {"rows_done": 1, "since": first, "until": last, **ready}),
    ("calls", "ready", {"rows_done": 1_000_000, "is_cut": True, "since": first, **ready}),
    ("callbacks", "failed", {}),
    ("corrections", "expired", {"until": last}),
]):
    asked_at = at - timedelta(minutes=place)
    Export.objects.create(
        what=what, state=state, made_at=asked_at, token=uuid4(), **made, **columns
    )
"""
AWAY = "from calls.models import Export; Export.objects.all().delete()"


@pytest.fixture(autouse=True)
def nothing_is_left(eye: Eye) -> None:
    eye.product.run(AWAY)


def test_exports_and_what_becomes_of_them(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.goto("/exports/")
    expect(page.locator("#exports-list .empty")).to_be_visible()
    eye.look("exports-none")

    # Asked for, written by the worker, and there without a reload.
    press_primary(page)
    download = page.locator("#exports-list a[download]")
    expect(download).to_be_visible(timeout=60_000)
    with page.expect_download() as told:
        download.click()
    assert told.value.suggested_filename.endswith(".xlsx")
    eye.look("exports-ready")

    page.fill("[name=since]", "gisteren")
    press_primary(page)
    expect(page.locator("[name=since][aria-invalid=true]")).to_be_visible()
    eye.look("exports-refused")

    eye.product.run(ROWS)
    page.goto("/exports/")
    expect(page.locator("progress")).to_have_count(2)
    eye.look("exports-every-state")
    eye.product.run(AWAY)
