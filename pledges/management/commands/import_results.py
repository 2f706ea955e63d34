"""`manage.py import_results FILE`: what became of messages, as Alphacomm's result files tell."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from pledges import actions, results


class Command(BaseCommand):
    help = (
        "Reads a result file of Alphacomm's (CSV) and writes what became of each message that it "
        "names. The same file once more changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        known = results.Columns()
        parser.add_argument("file", help="its path, or - for what comes in")
        for name in ("reference", "status", "time"):
            usual = getattr(known, name)
            parser.add_argument(
                f"--{name}",
                action="append",
                metavar="COLUMN",
                help=f"how the column of the {name} is called; by itself {' or '.join(usual)}",
            )
        parser.add_argument("--dry-run", action="store_true", help="says it, and changes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in ("reference", "status", "time") if options[name]}
        # In one language, whatever that of the pages is.
        with translation.override("en"):
            try:
                found = results.read(_contents(options["file"]), results.Columns(**given))
            except results.UnreadableFile as problem:
                raise CommandError(problem.words) from None
        self.stdout.write(f"References read: {len(found.lines)}; not read: {found.unreadable}.")
        if options["dry_run"]:
            told = results.match(found.lines, actions.messages_for(None))
            self.stdout.write(f"Of our messages: {len(told.told)}; new: {len(told.news)}.")
            return
        name = Path(options["file"]).name[:200]
        at = timezone.now()
        kept = actions.keep_result_file(user=None, name=name, found=found, at=at)
        written = actions.write_results(user=None, result_file=kept, at=at)
        self.stdout.write(f"Of our messages: {written.matched}; new: {written.changed}.")


def _contents(path: str) -> bytes:
    """No more than what is refused for its size."""
    try:
        if path == "-":
            return sys.stdin.buffer.read(results.MOST_BYTES + 1)
        with Path(path).open("rb") as file:
            return file.read(results.MOST_BYTES + 1)
    except OSError as problem:
        raise CommandError(f"{path}: {problem.strerror}.") from None
