"""Messages in bulk and result files, looked at as test_looks.py looks."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_looks import Eye, eye, press_primary, sign_in
from tests.product import Product

__all__ = ["eye"]  # the fixture

# Two batches as an hour at Alphacomm would have left them: one in rows, with some refused, some
# left out and a part that nobody knows of; and one file that is being read.
ROWS = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from integrations.models import Delivery
from pledges.models import *
from tests.factories import *

at = timezone.now() - timedelta(minutes=4)
carol = User.objects.get(username="carol")
theirs = Person.objects.filter(owning_organization__in=carol.organizations.all())
donors = list(theirs.filter(fetched_at__isnull=False).order_by("-pk")[:40])
organization = donors[0].owning_organization
script = MessageScriptFactory(
    organization=organization, script_id="7001", name="Herinnering met betaallink", is_active=False
)
common = {"script": script, "user": carol, "at": at}
rows = BatchFactory(
    **common, size=24, way="rows", name=None, status="", amount_rule="link",
    selection={"kind": "unpaid", "from": "2026-11-01", "until": "2026-11-07"},
)
DeliveryFactory(
    operation="alphacomm.add_rows", account="alphacomm", subject=rows.subject, seq=2,
    token=rows.token, by=carol, is_undecided=True, reason="nothing_to_read",
)
second = Delivery.objects.get(subject=rows.subject, seq=2)
for place, donor in enumerate(donors[:24]):
    TextMessageFactory(
        script=script, person=donor, user=carol, batch=rows, at=at,
        reference=f"20261103-bulk{place}", to=donor.mobile_e164 or "+31657000000",
        delivery=second if place > 17 else rows.delivery,
        record_status="" if place > 17 else "rejected" if place < 3 else "accepted",
        record_messages=[{"context": "toMailAddress", "level": "error",
            "message": "This is no e-mail address."}] if place < 3 else None,
        ended_badly_at=at if place < 3 else None,
    )
for place, donor in enumerate(donors[24:36]):
    reason = ("refused", "cooling_down", "no_address")[place % 3]
    LeftOut.objects.create(batch=rows, person=donor, reason=reason)
file = BatchFactory(
    **{**common, "at": at + timedelta(minutes=2)}, size=1480, way="file", status="running",
    name="20261103-965", selection={"kind": "not_reached", "attempts": 3, "type": ""},
)
"""
AWAY = """
from integrations.models import Delivery
from pledges.models import *
mine = Batch.objects.filter(script__script_id="7001")
subjects = [batch.subject for batch in mine]
TextMessage.objects.filter(batch__in=mine).delete()
mine.delete()
MessageScript.objects.filter(script_id="7001").delete()
Delivery.objects.filter(subject__in=subjects).delete()
ResultFile.objects.all().delete()
"""


@pytest.fixture(scope="module")
def batches(product: Product) -> Iterator[None]:
    """The rows of these stories, which nobody else sees: they are taken away again."""
    product.run(ROWS)
    yield
    product.run(AWAY)


def choose(page: Page) -> None:
    """The callback message, to whoever has a call to be made."""
    script = page.locator("[name=script] option", has_text="Terugbelbericht").first
    page.select_option("[name=script]", value=script.get_attribute("value"))
    page.locator("label:has([name=kind][value=open])").click()


@pytest.mark.usefixtures("batches")
def test_a_message_in_bulk(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.click("[popovertarget=me]")
    page.click("#me a[href='/batches/']")
    eye.look("batches")
    page.locator(".row a[href='/batches/new/']").first.click()
    eye.look("new-batch")
    press_primary(page)
    expect(page.locator("[name=script]")).to_be_focused()
    eye.look("new-batch-refused")
    choose(page)
    expect(page.locator("[name=from_date]")).to_be_hidden()
    press_primary(page)
    expect(page.locator("[name=send]")).to_be_focused()
    eye.look("new-batch-shown")
    # To a donor and back: it stands there as before, and nobody is asked to send a form again.
    page.click("#left-out summary")
    page.locator("#left-out li a").first.click()
    page.wait_for_url(re.compile("/persons/"))
    page.go_back()
    expect(page.locator("[name=send]")).to_be_focused()
    press_primary(page)
    page.wait_for_url(re.compile("/batches/[0-9a-f-]{36}/"))
    expect(page.locator("progress")).to_have_count(1)
    page.click("button.undo")
    page.wait_for_url("/batches/")
    expect(page.locator(".toast").last).to_be_visible()


@pytest.mark.usefixtures("batches")
def test_how_far_one_is(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.goto("/batches/")
    page.locator(".records a").last.click()
    page.wait_for_url(re.compile("/batches/[0-9a-f-]{36}/"))
    eye.look("batch")
    page.click("a[href^='?show=left_out']")
    expect(page.locator("a[href^='?show=left_out']")).to_have_attribute("aria-current", "true")
    eye.look("batch-left-out")
    page.click("a[href^='?show=all']")
    expect(page.locator("a[href^='?show=all']")).to_have_attribute("aria-current", "true")
    eye.look("batch-all")
    page.goto("/batches/")
    page.locator(".records a").first.click()
    expect(page.locator("progress[max='4']")).to_have_count(1)
    eye.look("batch-file")


@pytest.mark.usefixtures("batches")
def test_a_result_file(eye: Eye) -> None:
    page = eye.page
    sign_in(eye, "carol")
    page.goto("/batches/results/")
    eye.look("results")
    give(page, "plaatje.csv", "a;b\r\n1;2\r\n")
    expect(page.locator("[name=file]")).to_be_focused()
    eye.look("results-refused")
    lines = [f"1001;20261103-bulk{n};sms;delivered;2026-11-03T14:0{n}:00Z" for n in range(3, 9)]
    told = "\r\n".join(["script;reference;medium;result;time", *lines, "1001;elsewhere-1;sms;x;"])
    give(page, "resultaten-20261103.csv", told)
    page.wait_for_url(re.compile("/batches/results/[0-9a-f-]{36}/"))
    eye.look("result-file")
    if eye.language == "en":
        return
    press_primary(page)
    expect(page.locator(".banner[data-state=done]")).to_be_visible()
    eye.look("result-file-written")
    page.goto("/batches/results/")
    eye.look("results-latest")


def give(page: Page, name: str, text: str) -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    page.set_input_files("[name=file]", file)  # type: ignore[arg-type]
    press_primary(page)
