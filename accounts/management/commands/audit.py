"""`manage.py audit --verify`: does the trail still fit its seals?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit import TrailBroken, verify
from accounts.models import AuditEntry


class Command(BaseCommand):
    help = "Checks the trail of what people did."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--verify",
            action="store_true",
            required=True,
            help="check every seal against its entries; exit 1 and name the first that differs",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            held = verify()
        except TrailBroken as broken:
            raise CommandError(str(broken)) from None
        waiting = AuditEntry.objects.count() - held
        self.stdout.write(f"{held} entries hold. {waiting} are not sealed yet.")
