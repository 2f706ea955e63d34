"""`manage.py drain [--wait SECONDS]`: what the workers do, done here, without Celery."""

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from integrations import delivery, inbox
from integrations.models import Delivery, WebhookEvent
from integrations.schedule import WORK

# Between two looks at the table while there is nothing to do.
PAUSE = timedelta(seconds=1)


class Command(BaseCommand):
    help = "Sends, reads back, sweeps and works the inbox without Celery until nothing is due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--wait",
            type=float,
            default=0,
            metavar="SECONDS",
            help="go on that long while something still waits for its time",
        )

    def handle(self, *args: Any, wait: float, **options: Any) -> None:
        ends = timezone.now() + timedelta(seconds=wait)
        steps = 0
        while True:
            taken = delivery.sweep(clock=timezone.now, until=timezone.now() + WORK)
            taken += inbox.work(clock=timezone.now, until=timezone.now() + WORK)
            steps += taken
            if taken:
                continue
            at = timezone.now()
            moments = [delivery.next_due(at=at), inbox.next_due(at=at)]
            due = min((moment for moment in moments if moment is not None), default=None)
            if due is None or at >= ends:
                break
            pause = min(max(due - at, PAUSE / 10), PAUSE, ends - at)
            time.sleep(pause.total_seconds())
        left = Delivery.objects.exclude(state=Delivery.State.CLOSED)
        undecided = left.filter(state=Delivery.State.NEEDS_DECISION).count()
        self.stdout.write(
            f"{steps} steps taken; {left.count() - undecided} messages wait for their time, "
            f"{undecided} for a person."
        )
        if waiting := WebhookEvent.objects.filter(state__in=WebhookEvent.OPEN).count():
            self.stdout.write(f"{waiting} events from outside wait to be worked off.")
