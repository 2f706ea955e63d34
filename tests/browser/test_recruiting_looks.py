"""What the quality gates find of those who recruit, and targets of the day on the floor: each state
looked at as test_looks.py looks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_looks import WIDE, Eye, eye, sign_in
from tests.product import Product

__all__ = ["eye"]

WALL = {"width": 2560, "height": 1440}
# A day long ago that is counted already: recruiters and locations, enough to draw and to rank.
COUNTED = """
import uuid
from datetime import timedelta
from django.utils import timezone
from calls.models import DayCount, DayCounting, GateCount
from pledges.models import Organization
from pledges.quality import GATES
at = timezone.now()
day = at.date() - timedelta(days=400)
DayCounting.objects.update_or_create(day=day, defaults={"counted_at": at})
GateCount.objects.filter(day=day).delete()
charity = Organization.objects.get(name="Stichting Helder Water")
names = ["Werver Een", "Werver Twee met een bijzonder lange achternaam", "Werver Drie", "Vier"]
def add(by, place, gate="", **counts):
    key = str(uuid.UUID(int=place)) if by == "recruiter" else f"Plein {place}"
    label = names[place % 4] + f" (R-{place})" if by == "recruiter" else key
    key, label = ("", "") if by == "all" else (key, label)
    GateCount.objects.create(day=day, by=by, gate=gate, organization=charity, key=key, name=label,
        **counts)
for by in ("recruiter", "location"):
    for place in range(1, 7):
        n = 12 if place > 4 else 60 - 5 * place
        add(by, place, pledges=n, failed=n // (place + 1), unknown=place, called=n // 2,
            downgraded=n // 10, dropped=n // 8)
        for nth, gate in enumerate(list(GATES)[:6]):
            add(by, place, gate, failed=(n + nth) % 9)
add("all", 0, pledges=214, failed=70, unknown=21)
for nth, gate in enumerate(list(GATES)[:9]):
    add("all", 0, gate, failed=31 - 3 * nth)
print(f"{day:%d-%m-%Y}")
"""
NOT_COUNTED = """
from datetime import timedelta
from django.utils import timezone
from calls.models import DayCounting, GateCount
before = timezone.now().date() - timedelta(days=390)
GateCount.objects.filter(day__lt=before).delete()
DayCounting.objects.filter(day__lt=before).delete()
"""
# Nobody is doubted, but for two donors; one of them said that a detail is different.
FLAGGED = """
from django.utils import timezone
from accounts.models import User
from calls.models import Call, Check
from pledges.models import RecruiterFlag
RecruiterFlag.objects.all().delete()
alice = User.objects.get(username="alice")
found = ["ibanMatchesRecruiterIban"], ["phoneNumberMatchesRecruiterPhoneNumber"]
calls = Call.objects.visible_to(alice).exclude(status="requested").filter(checks=None)
for call, findings in zip(calls.order_by("pk")[:2], found):
    RecruiterFlag.objects.create(person_id=call.person_id, findings=findings,
        raised_at=timezone.now())
Check.objects.create(call=call, item="phone", answer="corrected", user=alice, at=timezone.now())
"""
NOBODY_DOUBTED = """
from calls.models import Check
from pledges.models import RecruiterFlag
Check.objects.filter(call__person__in=RecruiterFlag.objects.values("pk")).delete()
RecruiterFlag.objects.all().delete()
"""
TARGETS = """
from django.utils.timezone import localdate
from calls.models import DayTarget
from pledges.models import Organization
DayTarget.objects.all().delete()
for name, completed, reached in (("Stichting Helder Water", 120, 40), ):
    DayTarget.objects.create(organization=Organization.objects.get(name=name),
        from_date=localdate(), completed=completed, reached=reached)
"""
ALL_MET = """
from calls.models import DayTarget
DayTarget.objects.update(completed=1, reached=None)
from accounts.models import User
from calls.models import Call
from tests.factories import CompletionFactory
alice = User.objects.get(username="alice")
call = Call.objects.visible_to(alice).exclude(status="requested").filter(
    completions=None, person__owning_organization__name="Stichting Helder Water").first()
print(CompletionFactory(call=call, user=alice).pk)
"""
NONE_SET = """
from calls.models import Completion, DayTarget
from integrations.models import Delivery
DayTarget.objects.all().delete()
for done in Completion.objects.filter(pk={pk}):
    done.delete()
    done.delivery.delete()
"""


def photograph_wall(eye: Eye, page: Page, name: str) -> None:
    """As it hangs on a wall: pictures alone, where any are made."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.set_viewport_size(WALL)  # type: ignore[arg-type]
        path = Path(folder) / f"{name}-{eye.language}-wall.png"
        page.screenshot(path=path, caret="initial")
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def day(product: Product) -> Iterator[str]:
    yield product.run(COUNTED)
    product.run(NOT_COUNTED)


def test_gates_by_recruiter_location_and_gate(eye: Eye, day: str) -> None:
    page = eye.page
    sign_in(eye, "carol")
    address = f"/insight/gates/?since={day}&until={day}"
    page.goto(address)
    expect(page.locator("main .empty")).to_have_count(0)
    page.locator("summary").click()
    eye.look("gates-recruiters")
    page.get_by_role("link", name="Werver Drie (R-2)").click()
    expect(page.locator(".panel .banner")).to_be_visible()
    page.locator("summary").click()
    eye.look("gates-of-one")
    page.goto(f"{address}&per=gate")
    page.locator("summary").click()
    page.locator(".figures a").first.click()
    expect(page.locator("[name=gate]")).not_to_have_value("")
    page.goto(f"{address}&per=location")
    eye.look("gates-locations")
    page.goto(f"{address}&per=mars")
    expect(page.locator("[aria-invalid=true]")).to_be_visible()


def test_a_recruiter_who_is_doubted(eye: Eye) -> None:
    page, product = eye.page, eye.product
    product.run(NOBODY_DOUBTED)
    sign_in(eye, "carol")
    page.goto("/floor/recruiters/")
    expect(page.locator(".empty")).to_be_visible()
    eye.look("recruiters-none")

    product.run(FLAGGED)
    page.goto("/floor/")
    title = {"nl": "Twijfel over werver", "en": "Recruiter doubted"}[eye.language]
    page.locator("#attention .todo li", has_text=title).get_by_role("link").click()
    page.wait_for_url("**/floor/recruiters/")
    expect(page.locator(".records > li")).to_have_count(2)
    eye.look("recruiters")
    page.locator(".records a[href^='?recruiter=']").first.click()
    expect(page.locator("[name=remark]")).to_be_visible()
    eye.look("recruiters-of-one")
    page.goto("/floor/recruiters/")
    page.locator(".records > li:has(.chip) a.button").click()
    eye.look("recruiter")
    # A browser lets nobody type more than there is room for; something else may send it.
    page.locator("[name=remark]").evaluate("it => it.removeAttribute('maxlength')")
    page.fill("[name=remark]", "x" * 600)
    page.locator("[name=remark]").press("Control+Enter")
    expect(page.locator("[aria-invalid=true]")).to_be_visible()
    eye.look("recruiter-refused")
    page.fill("[name=remark]", "Werver gebeld: zijn eigen nummer ingevuld.")
    stale = page.context.new_page()
    stale.goto(page.url)
    page.locator("[name=remark]").press("Control+Enter")
    page.wait_for_url("**/floor/recruiters/")
    expect(page.locator(".records > li")).to_have_count(1)
    page.goto("/floor/recruiters/?which=seen")
    expect(page.locator(".records > li")).to_have_count(1)
    eye.look("recruiters-seen")
    stale.fill("[name=remark]", "Ook gezien.")
    stale.locator("main button.primary").click()
    expect(stale.locator(".banner[role=alert]")).to_be_visible()
    eye.page = stale
    eye.look("recruiter-changed")
    eye.page = page
    stale.close()
    product.run(NOBODY_DOUBTED)


def test_targets_of_the_day(eye: Eye) -> None:
    page, product = eye.page, eye.product
    sign_in(eye, "carol")
    page.goto("/floor/")
    expect(page.locator(".goal")).to_have_count(0)
    eye.look("targets-none")
    product.run(TARGETS)
    page.goto("/floor/")
    expect(page.locator(".goal")).to_have_count(2)
    eye.look("targets")
    photograph_wall(eye, page, "targets")
    made = product.run(ALL_MET)
    page.goto("/floor/")
    expect(page.locator(".tile[data-state=done]")).to_have_count(1)
    eye.look("targets-met")
    product.run(NONE_SET.format(pk=made))
