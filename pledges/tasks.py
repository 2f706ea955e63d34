"""When: Celery entry points of this room. What each has to do is found in the database."""

from celery import shared_task
from django.utils import timezone

from integrations import feeds, rounds, streams
from integrations.schedule import WORK
from pledges import signatures
from pledges.following import (
    ALL_LINKS,
    ALL_MANDATES,
    BATCHES,
    LINKS_OF_NOW,
    MANDATES_OF_NOW,
)
from pledges.freshness import LAST_PLEDGES, PLEDGES, RELEASED, UNKNOWN_PLEDGES


@shared_task(queue="walk")
def pull_pledges() -> None:
    streams.pull(PLEDGES, RELEASED)


@shared_task(queue="walk")
def pull_all_pledges() -> None:
    streams.pull(PLEDGES, is_full=True, is_due=feeds.is_full_walk_due)


@shared_task(queue="walk")
def compare_pledges() -> None:
    streams.pull(LAST_PLEDGES, is_due=feeds.is_window_due)


@shared_task(queue="walk")
def read_unknown_pledges() -> None:
    rounds.go(UNKNOWN_PLEDGES)


@shared_task(queue="send")
def fetch_signatures() -> None:
    signatures.sweep(clock=timezone.now, until=timezone.now() + WORK)


@shared_task(queue="send")
def follow_links_of_now() -> None:
    rounds.go(LINKS_OF_NOW)


@shared_task(queue="send")
def follow_mandates_of_now() -> None:
    rounds.go(MANDATES_OF_NOW)


@shared_task(queue="walk")
def follow_links() -> None:
    rounds.go(ALL_LINKS)


@shared_task(queue="walk")
def follow_mandates() -> None:
    rounds.go(ALL_MANDATES)


@shared_task(queue="walk")
def follow_batches() -> None:
    rounds.go(BATCHES)
