"""`manage.py restored`: to be run once after a backup was put back, before any worker starts.

Whatever the backup says is ready, being sent or unknown may have left after it was made. So all of
it is read back before anything is sent. No state is forced for that: the head of each line takes
the way of a message whose worker vanished, and those behind it take it when their turn comes.
What came in since then is read anew: every feed is walked whole, by the workers, once they run.
"""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from integrations import restore


class Command(BaseCommand):
    help = "After a restore: reads back everything that may have left since the backup was made."

    def handle(self, *args: Any, **options: Any) -> None:
        count = restore.distrust(at=timezone.now())
        restore.forget_walks()
        self.stdout.write(f"{count} messages are read back before anything is sent.")
