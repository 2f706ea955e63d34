"""The worker's app and its timetable. Celery only wakes somebody up: every task finds its work in
the database, is harmless when run twice, and a lost one is made good by the next."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("belbord")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _every(seconds: float, task: str, queue: str) -> dict[str, Any]:
    # A tick that nobody picked up before the next one is worth nothing.
    return {
        "task": task,
        "schedule": seconds,
        "options": {"queue": queue, "expires": max(seconds, 15.0)},
    }


app.conf.beat_schedule = {
    "sweep deliveries": _every(5, "integrations.tasks.sweep", "send"),
    "work the inbox": _every(5, "integrations.tasks.work_inbox", "send"),
    "fetch signatures": _every(5, "pledges.tasks.fetch_signatures", "send"),
    "heartbeat": _every(15, "integrations.tasks.beat", "send"),
    "pull calls": _every(60, "calls.tasks.pull_calls", "walk"),
    "pull pledges": _every(120, "pledges.tasks.pull_pledges", "walk"),
    # Weekly, nightly and hourly by what the database says of the last time, so that no restart of
    # this process skips one; each tick takes them up as far as one task may go.
    "pull all calls": _every(60, "calls.tasks.pull_all_calls", "walk"),
    "pull all pledges": _every(60, "pledges.tasks.pull_all_pledges", "walk"),
    "compare calls": _every(120, "calls.tasks.compare_calls", "walk"),
    "compare pledges": _every(120, "pledges.tasks.compare_pledges", "walk"),
    "read open calls": _every(300, "calls.tasks.read_open_calls", "walk"),
    "read the head of the queue": _every(180, "calls.tasks.read_head_of_queue", "walk"),
    "count the queue": _every(10, "calls.tasks.count_queue", "walk"),
    "count the days": _every(60, "calls.tasks.count_days", "walk"),
    "write exports": _every(5, "calls.tasks.write_exports", "export"),
    "read unknown pledges": _every(300, "pledges.tasks.read_unknown_pledges", "walk"),
    "seal the audit trail": _every(60, "accounts.tasks.seal_audit", "send"),
    # Somebody on the line waits for what these bring, so no walk may keep them waiting.
    "follow links of now": _every(10, "pledges.tasks.follow_links_of_now", "send"),
    "follow mandates of now": _every(10, "pledges.tasks.follow_mandates_of_now", "send"),
    "follow links": _every(60, "pledges.tasks.follow_links", "walk"),
    "follow mandates": _every(60, "pledges.tasks.follow_mandates", "walk"),
    "follow batches": _every(10, "pledges.tasks.follow_batches", "walk"),
}
