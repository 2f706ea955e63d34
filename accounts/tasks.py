"""When: Celery entry points of this room."""

from celery import shared_task
from django.utils import timezone

from accounts import audit


@shared_task
def seal_audit() -> None:
    audit.seal(at=timezone.now())
