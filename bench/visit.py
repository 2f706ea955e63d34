"""What a first visit to the desk and to the start page carries over a cold cache, and whether
anything moves while they come.

A Chromium with an empty cache opens each page of the product as production serves it: compressed,
with names that tell the contents, the manifest and all. Counted is every byte that came over the
wire, headers included. Moved is what the browser itself calls a layout shift. The yardstick is the
same page once more, with everything that may be kept.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from bench import bed
from bench.bed import Figure

PORT = 8479
SETTINGS = str(bed.ROOT / ".ci" / "production.env")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WATCH_SHIFTS = """
window.shifted = 0;
window.moved = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    window.shifted += entry.value;
    for (const source of entry.sources) {
      const { top, left, width } = source.previousRect;
      const now = source.currentRect;
      const what = source.node?.parentElement?.outerHTML.slice(0, 90);
      window.moved.push(`${left},${top},${width} → ${now.left},${now.top},${now.width}: ${what}`);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""


def figures(calls: int) -> list[Figure]:
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if chromium is None:
        bed.note("visit: no Chromium is on this machine.")
        return []
    database = bed.address("visit")
    with (
        bed.empty_database(database),
        tempfile.TemporaryDirectory() as folder,
    ):
        bed.set_up(database, settings_file=SETTINGS)
        bed.fill(calls, open_in=1)
        desk, session = _call_in_hand()
        with _as_production(database, Path(folder)) as address:
            return [
                figure
                for name, path in (("desk", desk), ("start", "/"))
                for figure in _visit(name, f"{address}{path}", session, chromium)
            ]


def _call_in_hand() -> tuple[str, str]:
    """An agent with a call, as somebody who comes back to it: the address, and the session."""
    from django.conf import settings
    from django.test import Client
    from django.utils import timezone

    from calls import actions

    (agent,) = bed.agents(1)
    hold = actions.claim_next(user=agent, at=timezone.now())
    client = Client()
    client.force_login(agent)
    return f"/calls/{hold.call_id}/", client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def _as_production(database: str, folder: Path) -> Iterator[str]:
    """The web server of docs/operating.md, with settings that production accepts."""
    # Nothing of what this process read from its own settings.
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "ENV_FILE": SETTINGS,
        "DATABASE_URL": database,
        "ALLOWED_HOSTS": "127.0.0.1",
        "REDIS_URL": "redis://127.0.0.1:9/0",
    }
    python = [sys.executable, str(bed.ROOT / "manage.py")]
    subprocess.run([*python, "collectstatic", "--noinput", "--verbosity=0"], env=env, check=True)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "config.wsgi", "--threads=8", "--no-control-socket",
             f"--bind=127.0.0.1:{PORT}"],
            cwd=bed.ROOT, env=env, stdout=log, stderr=log,
        )  # fmt: skip
        address = f"http://127.0.0.1:{PORT}"
        try:
            _wait_for(f"{address}/health/live/")
            yield address
        finally:
            server.terminate()
            server.wait()


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise SystemExit(f"Nothing answers at {address}.")


def _visit(name: str, address: str, session: str, chromium: str) -> Iterator[Figure]:
    from playwright.sync_api import sync_playwright

    # As the proxy in front of it says, and who signed in through it.
    headers = {"X-Forwarded-Proto": "https", "Cookie": f"__Host-session={session}"}
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        ) as browser,
    ):
        context = browser.new_context(
            viewport={"width": 1280, "height": 720}, locale="nl-NL", extra_http_headers=headers
        )
        page = context.new_page()
        page.add_init_script(WATCH_SHIFTS)
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        came: dict[str, Any] = {}
        wire.on("Network.responseReceived", lambda event: came.update({event["requestId"]: event}))
        sizes: dict[str, float] = {}
        wire.on(
            "Network.loadingFinished",
            lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
        )

        def load() -> float:
            came.clear()
            sizes.clear()
            answer = page.goto(address, wait_until="networkidle")
            assert answer
            assert answer.url == address, f"{address} leads to {answer.url}"
            assert answer.ok, answer.status
            # What comes late, such as the clock, would move things now.
            page.wait_for_timeout(1500)
            return round(sum(sizes.values()) / 1024, 1)

        cold = load()
        shifted = page.evaluate("window.shifted")
        for moved in page.evaluate("window.moved"):
            bed.note(f"moved: {moved}")
        if bed.IS_SAYING_STATEMENTS:
            for number, size in sizes.items():
                bed.note(f"{size:8.0f} {came[number]['response']['url']}")
        yield Figure(f"{name}_cold_kib", cold, most=60.0)
        yield Figure(f"{name}_cold_requests", len(sizes))
        yield Figure(f"{name}_layout_shift", round(shifted, 4), most=0.0)
        yield Figure(f"{name}_again_kib", load())


if __name__ == "__main__":
    bed.say("visit", figures(int(sys.argv[1])))
