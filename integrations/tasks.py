"""When: Celery entry points of this room. Each finds its work in the table, and is harmless when it
is lost, late or run twice."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations import delivery, inbox
from integrations.models import Heartbeat
from integrations.nudge import nudge
from integrations.schedule import WORK


@shared_task
def sweep() -> None:
    delivery.sweep(clock=timezone.now, until=timezone.now() + WORK, hand_over=nudge)


@shared_task
def deliver(delivery_id: str) -> None:
    delivery.work(UUID(delivery_id), clock=timezone.now, until=timezone.now() + WORK)


@shared_task
def work_inbox() -> None:
    inbox.work(clock=timezone.now, until=timezone.now() + WORK)


@shared_task
def beat() -> None:
    Heartbeat.objects.update_or_create(name="worker", defaults={"seen_at": timezone.now()})
