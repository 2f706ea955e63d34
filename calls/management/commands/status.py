"""`manage.py status`: what an operator asks first, on one screen."""

import json
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone, translation

from calls import insight
from integrations import drift
from integrations.models import Delivery, WebhookEvent

NEWEST_DRIFT = 5


class Command(BaseCommand):
    help = "Says what is here, what is on its way, and whether the worker and the feeds live."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="the same for scripts, times in UTC"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        figures = insight.figures(at=at)
        if options["json"]:
            text = json.dumps(figures.as_dict(), cls=DjangoJSONEncoder, indent=2)
            self.stdout.write(text)
            return
        # In one language, whatever that of the pages is.
        with translation.override("en"):
            self._show(figures, insight.pulse(at=at), at=at)

    def _show(self, figures: insight.Figures, pulse: insight.Pulse, *, at: datetime) -> None:
        good, bad, warn = self.style.SUCCESS, self.style.ERROR, self.style.WARNING
        self._line("Calls", _total(figures.calls))
        self._line("Pledges", _total(figures.pledges))
        self._line("Persons", f"{figures.persons:,}")
        self._line("Attempts", f"{figures.attempts:,} at TapRaise")
        self._line("Deliveries", _total(figures.deliveries))
        to_decide = figures.deliveries.get(Delivery.State.NEEDS_DECISION, 0)
        if to_decide:
            self._line("", warn(f"{to_decide:,} need a person's decision"))
        if figures.webhooks:
            self._line("Events from outside", _total(figures.webhooks))
        given_up = figures.webhooks.get(WebhookEvent.State.FAILED, 0)
        if given_up:
            self._line("", warn(f"{given_up:,} were given up: look in the admin"))
        if figures.quarantine:
            self._line("Quarantine", warn(f"{figures.quarantine:,} records not solved"))
        else:
            self._line("Quarantine", good("empty"))
        for name, feed in figures.streams.items():
            paint = bad if name in pulse.stale else good
            walking = ", walking now" if feed.walking else ""
            finished = _since(feed.last_finished_at, at=at)
            self._line(f"Feed {name}", paint(f"last finished {finished}{walking}"))
            if found := pulse.discrepancies.get(name):
                self._line("", warn(f"{found:,} records were missing or older here, or not there"))
        if not figures.streams:
            self._line("Feeds", warn("nothing was pulled yet"))
        paint = good if pulse.is_worker_alive else bad
        self._line("Worker", paint(f"last seen {_since(pulse.worker_seen_at, at=at)}"))
        for breaker in figures.breakers:
            opened = _since(breaker.opened_at, at=at)
            self._line("Breaker", bad(f"{breaker.key} opened {opened}: {breaker.reason}"))
        if not figures.breakers:
            self._line("Breakers", good("all closed"))
        for token in figures.tokens:
            if token.is_soon:
                ends = timezone.localtime(token.ends_at).strftime("%d-%m-%Y %H:%M")
                verb = "ran out" if token.is_over else "runs out"
                self._line("Token", bad(f"that of service account {token.account} {verb} {ends}"))
        for seen in figures.drift[:NEWEST_DRIFT]:
            self._line("Drift", warn(f"{seen.record}: {drift.in_words(seen)}"))
        if len(figures.drift) > NEWEST_DRIFT:
            self._line("", f"{len(figures.drift) - NEWEST_DRIFT} more in the admin")

    def _line(self, name: str, text: str) -> None:
        self.stdout.write(f"{name:<21} {text}".rstrip())


def _total(counts: dict[str, int]) -> str:
    parts = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{sum(counts.values()):,}" + (f" ({parts})" if parts else "")


def _since(moment: datetime | None, *, at: datetime) -> str:
    if moment is None:
        return "never"
    passed = max(at - moment, timedelta())
    if passed < timedelta(minutes=2):
        return f"{passed.seconds} s ago"
    if passed < timedelta(hours=2):
        return f"{passed.seconds // 60} min ago"
    return timezone.localtime(moment).strftime("%d-%m-%Y %H:%M")
