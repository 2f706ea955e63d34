"""Walks the feeds of TapRaise in this process."""

import signal
import sys
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from calls.freshness import CALLS
from integrations import streams
from integrations.feeds import Feed
from integrations.streams import Outcome, Walk
from pledges.freshness import PLEDGES, RELEASED

FEEDS = {feed.name: feed for feed in (CALLS, PLEDGES, RELEASED)}


class Command(BaseCommand):
    help = (
        "Reads what is new at TapRaise, one walk of each feed. A walk that is cut short goes on "
        "where it was the next time. Ends with 0 only when every walk came to its end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--feed", choices=FEEDS, help="only this one")
        parser.add_argument(
            "--full",
            action="store_true",
            help="everything: what two full walks in a row do not see is gone, and hidden here",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_stopping = False
        before = [signal.signal(s, self._stop) for s in (signal.SIGINT, signal.SIGTERM)]
        feeds = [FEEDS[options["feed"]]] if options["feed"] else list(FEEDS.values())
        try:
            walks = [done for feed in feeds for done in self._pull(feed, is_full=options["full"])]
        finally:
            for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
                signal.signal(number, handler)
        if any(done.outcome is not Outcome.FINISHED for done in walks):
            raise CommandError("Not every walk came to its end.")

    def _pull(self, feed: Feed, *, is_full: bool) -> list[Walk]:
        with tqdm(desc=feed.name, unit="", disable=not sys.stderr.isatty()) as bar:

            def show(done: Walk) -> None:
                bar.update(done.records - bar.n)

            walks = streams.pull(
                feed, is_full=is_full, should_stop=lambda: self.is_stopping, watch=show
            )
        for done in walks:
            self.stdout.write(_summary(done))
        return walks

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        if self.is_stopping:
            # Asked twice: not even the page that is under way.
            raise KeyboardInterrupt
        self.is_stopping = True


def _summary(done: Walk) -> str:
    went_on = ", gone on with" if done.is_resumed else ""
    kind = "full walk" if done.is_full else "walk"
    why = f" ({done.reason})" if done.reason else ""
    unseen = f", {done.missed} not seen, {done.gone} gone" if done.missed or done.gone else ""
    return (
        f"{done.account}/{done.feed}: {kind}{went_on}: {done.outcome}{why}. "
        f"{done.records} records in {done.pages} pages, {done.written} rows written, "
        f"{done.bad} in quarantine{unseen}"
    )
