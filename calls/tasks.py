"""When: Celery entry points of this room. What each has to do is found in the database."""

from celery import shared_task
from django.utils import timezone

from calls import counting, daybook
from calls.exports import writing
from calls.freshness import CALLS, HEAD_OF_QUEUE, LAST_CALLS, OPEN_CALLS
from integrations import feeds, rounds, streams


@shared_task(queue="walk")
def pull_calls() -> None:
    streams.pull(CALLS)


@shared_task(queue="walk")
def pull_all_calls() -> None:
    streams.pull(CALLS, is_full=True, is_due=feeds.is_full_walk_due)


@shared_task(queue="walk")
def compare_calls() -> None:
    streams.pull(LAST_CALLS, is_due=feeds.is_window_due)


@shared_task(queue="walk")
def read_open_calls() -> None:
    rounds.go(OPEN_CALLS)


@shared_task(queue="walk")
def read_head_of_queue() -> None:
    rounds.go(HEAD_OF_QUEUE)


@shared_task(queue="walk")
def count_queue() -> None:
    counting.count_queue(at=timezone.now())


@shared_task(queue="walk")
def count_days() -> None:
    daybook.count_days(at=timezone.now())


# A sheet of a million rows takes minutes: a queue of its own, so that nothing else waits for it.
@shared_task(queue="export", soft_time_limit=14_400, time_limit=14_460)
def write_exports() -> None:
    writing.work(clock=timezone.now)
