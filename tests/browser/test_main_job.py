"""The main job, in a browser against the running product, judged by the journal of its sandbox."""

import os
import re
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, Page, expect

from integrations.sandbox import names
from tests.product import UNDO_SECONDS, Product, environment, running_product

# From the first look, 15 seconds after a send that was unclear, on a machine that is busy.
READ_BACK = 60_000
# What an action may take while the broker is away, in seconds; or, on a machine that is busy, this
# many times what it takes otherwise. Without our own time-outs it waits several seconds.
AT_ONCE = 1.0
ROOM = 3


def press_ctrl_enter(page: Page) -> None:
    """As a person does: once the page is there, its script included."""
    page.wait_for_selector("html[data-scripts]:not([data-resting])", state="attached")
    page.keyboard.press("Control+Enter")


def take_next(page: Page, product: Product, who: str) -> None:
    """Sign in, and have the next call in hand."""
    product.sign_in(page, who)
    press_ctrl_enter(page)
    page.wait_for_url(re.compile(r"/calls/"))


def primary(page: Page, name: str) -> None:
    """Press the button that the state is about, by the keyboard."""
    expect(page.locator("[data-primary]")).to_contain_text(name)
    press_ctrl_enter(page)


def complete(page: Page, result: str = "confirmed", rating: str = "8") -> None:
    states = page.locator("#call-header:is([data-state=talking], [data-state=wrapping_up])")
    expect(states).to_be_visible()
    if states.get_attribute("data-state") == "talking":
        primary(page, "Gesprek klaar")
    page.check(f"input[name=result_code][value={result}]", force=True)
    page.check(f"input[name=retention_rating][value='{rating}']", force=True)
    press_ctrl_enter(page)


def of_call(product: Product, page: Page) -> list[dict[str, Any]]:
    """What was done to the call on this page, oldest first."""
    call = page.url.rstrip("/").split("/")[-1]
    return [effect for effect in product.effects() if effect["uuid"] == call]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_call_from_next_to_green(page: Page, product: Product) -> None:
    began_at = datetime.now(UTC).replace(microsecond=0)
    take_next(page, product, "alice")
    address = page.url

    # Nobody answers.
    primary(page, "Bellen")
    page.check("input[name=outcome][value=no_answer]", force=True)
    page.get_by_role("button", name="Poging vastleggen").click()
    expect(page.get_by_role("heading", name="Poging vastgelegd")).to_be_visible()

    # Taken up again from 'my last calls'.
    page.goto(product.base_url)
    page.get_by_role("button", name="Weer oppakken").first.click()
    expect(page).to_have_url(address)

    # This time she answers; the wrong result is undone, the right one stays.
    primary(page, "Bellen")
    primary(page, "Opgenomen")
    page.fill("#notes", "Wil graag de nieuwsbrief.")
    complete(page, result="other", rating="3")
    page.get_by_role("button", name=re.compile("Ongedaan maken")).click()
    expect(page.locator("#call-header")).to_contain_text("Afronden")
    complete(page)
    expect(page.locator("#story .chip[data-state=green]")).to_have_count(3, timeout=READ_BACK)

    effects = of_call(product, page)
    assert [effect["operation"] for effect in effects] == ["add-attempt", "add-attempt", "complete"]
    missed, reached, completed = (effect["body"] for effect in effects)
    assert {missed["userUuid"], reached["userUuid"], completed["userUuid"]} == {names.ALICE}
    times = [
        moment(missed["attemptAt"]),
        moment(reached["attemptAt"]),
        moment(completed["result"]["completedAt"]),
    ]
    assert times == sorted(times)
    assert began_at <= times[0]
    assert times[2] <= datetime.now(UTC)
    assert completed["result"]["resultCode"] == "confirmed"
    assert completed["result"]["donorRetentionRating"] == 8
    assert completed["result"]["notes"] == "Wil graag de nieuwsbrief."


def test_a_connection_that_breaks_after_the_effect_is_read_back(
    page: Page, product: Product
) -> None:
    take_next(page, product, "bob")
    call = page.url.rstrip("/").split("/")[-1]
    for operation in ("add-attempt", "complete"):
        rule = {"operation": operation, "uuid": call, "kind": "reset_after", "times": 1}
        requests.post(f"{product.sandbox_url}faults", json=rule, timeout=10).raise_for_status()

    primary(page, "Bellen")
    primary(page, "Opgenomen")
    expect(page.locator("#story .chip[data-state=amber]")).to_have_count(1, timeout=READ_BACK)
    complete(page)
    expect(page.locator("#story .chip[data-state=green]")).to_have_count(2, timeout=2 * READ_BACK)

    assert [effect["operation"] for effect in of_call(product, page)] == ["add-attempt", "complete"]
    journal = requests.get(f"{product.sandbox_url}journal", timeout=10).json()
    puts = [r for r in journal["requests"] if r["method"] == "PUT" and call in r["path"]]
    assert len(puts) == 2


def test_without_scripts_it_is_forms_all_the_way(browser: Browser, product: Product) -> None:
    context = browser.new_context(base_url=product.base_url, java_script_enabled=False)
    page = context.new_page()
    product.sign_in(page, "bob")
    page.click("[data-primary]")
    page.wait_for_url(re.compile(r"/calls/[0-9a-f-]{36}/"))

    def send(place: str) -> None:
        with page.expect_navigation():
            page.click(f"button[formaction$='/{place}/']")

    send("dial")
    page.check("input[name=outcome][value=busy]", force=True)
    send("attempts")
    send("hold")
    send("dial")
    send("answer")
    page.fill("#notes", "Belt zonder scripts.")
    send("notes")
    assert page.input_value("#notes") == "Belt zonder scripts."
    send("wrap-up")
    assert page.input_value("#notes") == "Belt zonder scripts."
    page.check("input[name=result_code][value=confirmed]", force=True)
    page.check("input[name=retention_rating][value='7']", force=True)
    send("completion")
    send("undo")
    page.check("input[name=result_code][value=other]", force=True)
    page.check("input[name=retention_rating][value='7']", force=True)
    send("completion")

    green = page.locator("#story .chip[data-state=green]")
    for _ in range(READ_BACK // 1_000):
        if green.count() == 3:
            break
        page.wait_for_timeout(1_000)
        page.reload()
    effects = of_call(product, page)
    assert [effect["operation"] for effect in effects] == ["add-attempt", "add-attempt", "complete"]
    assert effects[-1]["body"]["result"]["resultCode"] == "other"
    assert effects[-1]["body"]["result"]["notes"] == "Belt zonder scripts."
    context.close()


def broker_of(product: Product) -> int:
    """The process of the broker that this product started for itself."""
    pids = ",".join(str(pid) for pid in product.processes())
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "-p", pids], capture_output=True, text=True, check=True
    )
    found = [
        int(line.split()[0])
        for line in listed.stdout.splitlines()
        if "redis-server" in line or "manage.py broker" in line
    ]
    assert len(found) == 1, listed.stdout
    return found[0]


def time_next(page: Page) -> float:
    """Press Next, and tell how many seconds the server took to answer."""
    before = page.url
    with page.expect_request("**/calls/next/") as asked:
        press_ctrl_enter(page)
    page.wait_for_url(lambda address: "/calls/" in address and address != before)
    timing = asked.value.timing
    return float(timing["responseStart"] - timing["requestStart"]) / 1_000


def test_with_the_broker_gone_the_action_stands_and_leaves_later(
    browser: Browser, tmp_path: Path
) -> None:
    """It has stopped without a word: the harder case, for a refused connection is told at once.

    Next is the action that wants to wake a worker: it lets what was sent leave at once.
    """
    env = environment(DATABASE_URL=f"sqlite:///{tmp_path / 'belbord.sqlite3'}")
    with running_product(tmp_path, env, calls=40) as product:
        # What has to be right first is another story.
        nothing = "from calls.models import CheckRules; CheckRules.objects.update(needed=[])"
        product.run(nothing)
        page = browser.new_page(base_url=product.base_url, locale="nl-NL")
        take_next(page, product, "alice")
        broker = broker_of(product)
        os.kill(broker, signal.SIGSTOP)
        try:
            primary(page, "Bellen")
            primary(page, "Opgenomen")
            complete(page)
            expect(page.get_by_role("heading", name="Opgeslagen")).to_be_visible()
            address = page.url
            away = time_next(page)
            # Longer than the undo window: with a broker both would have left by now.
            page.wait_for_timeout(2_000 + UNDO_SECONDS * 1_000)
            page.goto(address)
            assert of_call(product, page) == []
        finally:
            os.kill(broker, signal.SIGCONT)

        expect(page.locator("#story .chip[data-state=green]")).to_have_count(2, timeout=READ_BACK)
        done = [effect["operation"] for effect in of_call(product, page)]
        assert done == ["add-attempt", "complete"]

        page.goto(product.base_url)
        press_ctrl_enter(page)
        page.click("button[formaction$='/release/']")
        page.wait_for_url(product.base_url)
        assert away < max(AT_ONCE, ROOM * time_next(page))
