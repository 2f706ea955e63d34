"""`manage.py closed_days`: the holidays and days of remembrance on which nobody is called."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from pledges import actions

YEARS = 3


class Command(BaseCommand):
    help = (
        "Adds the Dutch public holidays and days of remembrance to the closed days, for every "
        "organisation. What is there already stays as it is; the admin changes it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--years", type=int, default=YEARS, help=f"how many, from this year on; {YEARS}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        first = timezone.localtime(at).year
        for day in actions.add_closed_days(years=range(first, first + options["years"]), at=at):
            until = f"until {day.closes_at:%H:%M}" if day.closes_at else "closed"
            self.stdout.write(f"{day.date:%Y-%m-%d} {day.name}: {until}")
