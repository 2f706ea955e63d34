"""How many calls eight agents claim a second from a million open ones, against a bare statement.

The yardstick takes a call out of the same table by its index, one `UPDATE` around one
`SELECT … FOR UPDATE SKIP LOCKED`, and knows nothing: no person, hours, holds, attempts or trail.
Both run in turns, in eight processes with a connection each, for as long. What is claimed is put
away before the next claim, as if it was completed; that is not counted, though the others pay for
it. Claimed twice: from what is released today or tomorrow, and from what has waited longest, after
all retries were looked at in vain.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench import bed
from bench.bed import Figure

WORKERS = 8
SECONDS = 6.0
TURNS = 2

BARE = """
UPDATE calls_call SET status = 'completed' WHERE uuid = (
  SELECT uuid FROM calls_call WHERE status = 'requested' ORDER BY requested_at, uuid LIMIT 1
  FOR UPDATE SKIP LOCKED)
RETURNING uuid
"""
# The call before the hold, as everybody does, so that two cannot deadlock.
PUT_AWAY = """
WITH call AS (UPDATE calls_call SET status = 'completed' WHERE uuid = %(call)s RETURNING uuid),
  keys AS (DELETE FROM calls_holdkey WHERE hold_id = %(hold)s AND EXISTS (SELECT FROM call))
DELETE FROM calls_hold WHERE id = %(hold)s AND EXISTS (SELECT FROM call)
"""
RETRIES = 5_000


def figures(calls: int) -> list[Figure]:
    database = bed.address("claim")
    with bed.empty_database(database):
        bed.set_up(database)
        bed.fill(calls, open_in=1)
        from django.db import connection

        users = [agent.pk for agent in bed.agents(WORKERS)]
        _miss_the_oldest(users[0])
        bed.note(f"{calls} open calls are there.")
        found = [
            *_compared("released_soon", database, users),
            Figure("statements_a_claim", _statements(users[0])),
        ]
        _without_clock()
        found += [
            *_compared("waited_longest", database, users),
            Figure("statements_a_claim_last_turn", _statements(users[0])),
        ]
        connection.close()
        return found


def _miss_the_oldest(user: int) -> None:
    """The retries that wait longest were all missed at this time of day, three days ago."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from calls.models import Attempt, Call
    from integrations.models import Delivery

    at = (timezone.now() - timedelta(days=3)).replace(microsecond=0)
    oldest = Call.objects.filter(status="requested", attempts_count__gt=0).order_by("requested_at")
    calls = list(oldest.values_list("pk", flat=True)[:RETRIES])
    sent = Delivery.objects.bulk_create(
        Delivery(
            operation="tapraise.add_attempt",
            account="default",
            subject=f"call:{call}",
            seq=1,
            payload={},
            fingerprint=f"bench:{call}",
            state=Delivery.State.CLOSED,
            outcome=Delivery.Outcome.DONE,
            not_before=at,
            created_at=at,
            closed_at=at,
        )
        for call in calls
    )
    Attempt.objects.bulk_create(
        Attempt(
            call_id=call,
            user_id=user,
            at=at,
            outcome=Attempt.Outcome.NO_ANSWER,
            outcome_at=at,
            token=delivery.pk,
            delivery=delivery,
        )
        for call, delivery in zip(calls, sent, strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _compared(name: str, database: str, users: Sequence[int]) -> list[Figure]:
    """In turns, so that what else the machine does meets both."""
    bare, own = [], []
    for _ in range(TURNS):
        bare.append(_rate(_bare, database, users))
        own.append(_rate(_own, database, users))
    return [
        Figure(f"{name}_bare_a_second", round(max(bare))),
        Figure(f"{name}_own_a_second", round(max(own))),
        Figure(f"{name}_own_over_bare", round(max(own) / max(bare), 3), least=0.4),
    ]


def _rate(work: Callable[[int], float], database: str, users: Sequence[int]) -> float:
    """Claims a second by all workers together."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(len(users))
    told: Any = context.Queue()
    workers = [
        context.Process(target=_worker, args=(work, database, user, start, told)) for user in users
    ]
    for worker in workers:
        worker.start()
    try:
        rates = [told.get(timeout=SECONDS + 60) for _ in workers]
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
    return sum(rates)


def _worker(work: Callable[[int], float], database: str, user: int, start: Any, told: Any) -> None:
    bed.set_up(database)
    work_once = time.monotonic() + 0.5
    work(user, until=work_once)
    start.wait()
    told.put(work(user, until=time.monotonic() + SECONDS))


def _bare(_user: int, *, until: float) -> float:
    from django.db import connection

    connection.ensure_connection()
    done, took = 0, 0.0
    with connection.connection.cursor() as cursor:
        while (began := time.monotonic()) < until:
            cursor.execute(BARE, prepare=True)
            assert cursor.fetchone()
            took += time.monotonic() - began
            done += 1
    return done / took


def _own(user_pk: int, *, until: float) -> float:
    from django.db import connection
    from django.utils import timezone

    from accounts.models import User
    from calls import actions

    user = User.objects.get(pk=user_pk)
    done, took = 0, 0.0
    while (began := time.monotonic()) < until:
        hold = actions.claim_next(user=user, at=timezone.now())
        took += time.monotonic() - began
        done += 1
        with connection.cursor() as cursor:
            cursor.execute(PUT_AWAY, {"hold": hold.pk, "call": hold.call_id})
    return done / took


def _statements(user_pk: int) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from accounts.models import User
    from calls import actions

    user = User.objects.get(pk=user_pk)
    with CaptureQueriesContext(connection) as asked:
        hold = actions.claim_next(user=user, at=timezone.now())
    if bed.IS_SAYING_STATEMENTS:
        for one in asked.captured_queries:
            bed.note(f"{one['time']} {one['sql']}")
    with connection.cursor() as cursor:
        cursor.execute(PUT_AWAY, {"hold": hold.pk, "call": hold.call_id})
    return len(asked)


def _without_clock() -> None:
    from pledges.models import CallingRules

    CallingRules.objects.update(cooling_off_days=None)


if __name__ == "__main__":
    bed.say("claim", figures(int(sys.argv[1])))
