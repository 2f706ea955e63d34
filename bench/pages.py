"""What the pages of supervisors, and the one that agents begin with, cost with a million calls and
three million attempts, against the same pages with ten thousand calls.

Both worlds are there at once, each read by a process of its own, in turns, so that what else the
machine does meets both. Each figure is of whole requests: session, rights, questions, page. The
other yardstick is a bare page, of a session, a user and one template. Counted are the statements
too: they may not grow with the rows.
"""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from bench import bed
from bench.bed import Figure

FEW: Final = 10_000
AGENTS: Final = 50
TURNS: Final = 30

PAGES: Final = {
    "floor": "/floor/",
    "floor_pulse": "/floor/pulse/",
    "floor_health": "/floor/health/",
    "decisions": "/floor/decisions/",
    "callbacks": "/floor/callbacks/",
    "reach": "/insight/",
    "dials": "/insight/dials/",
    "results": "/insight/results/",
    "amounts": "/insight/amounts/",
    "ratings": "/insight/ratings/",
    "agents": "/insight/agents/",
    "reach_of_all_days": "/insight/?since={since}",
    "agents_of_all_days": "/insight/agents/?since={since}",
    "search": "/calls/",
    "start": "/",
    "start_pulse": "/pulse/",
}
# Those that show a page of a list; of the others a day of a million calls simply says more.
LISTS: Final = ("decisions", "callbacks", "search")
# Asked for again and again by pages that are open.
POLLED: Final = ("floor_pulse", "floor_health", "start_pulse")
BARE: Final = "/bare/"
AGENTS_PAGES: Final = ("/", "/pulse/")
# Not a multiple of ten: every tenth donor is another organisation's, and today's would all be.
DAYS: Final = 91

# Three dials a call: the last one on its day, the ones before it on the days before that.
DELIVERIES = """
INSERT INTO integrations_delivery (id, operation, account, subject, seq, payload, payload_version,
  fingerprint, state, outcome, tries, resends, not_before, readings, reason, is_look_wanted,
  created_at, closed_at, version, by_id)
SELECT md5(%(operation)s || n || '-' || k)::uuid, %(operation)s, 'default',
  'call:' || md5('call' || n)::uuid, %(seq)s + k, '', 1, k::text, 'closed', 'done', 1, 0, now(),
  '[]', '', false, now(), now(), 1, (%(users)s::bigint[])[1 + n %% %(agents)s]
FROM generate_series(1, %(calls)s) AS n, generate_series(0, %(last)s) AS k
"""
MOMENT = """
CASE WHEN n %% %(days)s = 0 AND k = 0 THEN date_trunc('second', now()) - (n / %(days)s %% 9000)
    * interval '1 second'
  ELSE (date_trunc('day', now() AT TIME ZONE 'Europe/Amsterdam') - (n %% %(days)s + k + 1)
    * interval '1 day' + interval '9 hours' + (n %% 43200 * 7919 %% 43200) * interval '1 second')
    AT TIME ZONE 'Europe/Amsterdam' END
"""
# As bench.bed makes the donors.
WHOSE = "CASE WHEN n %% 10 = 0 THEN %(other)s ELSE %(own)s END::uuid"
# In the order in which they came about, as in life: what was done today lies together.
ATTEMPTS = f"""
INSERT INTO calls_attempt (at, answered_at, outcome, outcome_at, ground, token, delivery_id,
  user_id, organization_id, call_id)
SELECT at, NULL, CASE WHEN k = 0 AND n %% 4 > 0 THEN 'reached'
    ELSE (ARRAY['no_answer', 'voicemail', 'busy'])[1 + (n + k) %% 3] END,
  at, '{{}}', md5('token' || n || '-' || k)::uuid,
  md5('tapraise.add_attempt' || n || '-' || k)::uuid,
  (%(users)s::bigint[])[1 + n %% %(agents)s], {WHOSE}, md5('call' || n)::uuid
FROM (SELECT n, k, {MOMENT} AS at
  FROM generate_series(1, %(calls)s) AS n, generate_series(0, 2) AS k) AS made
ORDER BY at
"""
# Of the calls that are not open any more.
COMPLETIONS = f"""
INSERT INTO calls_completion (result_code, retention_rating, notes, completed_at, token, call_id,
  delivery_id, organization_id, user_id)
SELECT (ARRAY['confirmed', 'confirmed', 'downgraded', 'dropped', 'other'])[1 + n %% 5],
  CASE WHEN n %% 3 > 0 THEN 1 + n %% 10 END, '', at, md5('completion' || n)::uuid,
  md5('call' || n)::uuid, md5('tapraise.complete_call' || n || '-0')::uuid, {WHOSE},
  (%(users)s::bigint[])[1 + n %% %(agents)s]
FROM (SELECT n, {MOMENT} AS at
  FROM generate_series(1, %(calls)s) AS n, generate_series(0, 0) AS k) AS made
WHERE n %% 4 > 0
ORDER BY at
"""


# As many of each in both worlds: what waits for somebody does not grow with what was done.
WAITING: Final = 60
DECIDED_LATER = """
UPDATE integrations_delivery SET state = 'needs_decision', outcome = '', closed_at = NULL,
  reason = 'budget_spent', created_at = now() - made.n * interval '1 minute'
FROM (SELECT n FROM generate_series(1, %(waiting)s) AS n) AS made
WHERE id = md5('tapraise.add_attempt' || made.n || '-0')::uuid
"""
CALLBACKS = """
INSERT INTO calls_callback (call_id, due_at, whose, user_id, note, state, made_at, token)
SELECT uuid, now() - row_number() OVER (ORDER BY uuid) * interval '1 minute', 'mine',
  (%(users)s::bigint[])[1 + abs(hashtext(uuid::text)) %% %(agents)s], 'Na het eten', 'open',
  now() - interval '1 day', gen_random_uuid()
FROM calls_call WHERE status = 'requested' ORDER BY uuid LIMIT %(waiting)s
"""
# Four in five are at it now, each with a donor in hand.
PRESENCES = """
INSERT INTO accounts_presence (user_id, state, pause, is_after_call, since, last_seen_at)
SELECT id, 'available', '', false, now() - id * interval '7 seconds', now() + interval '1 hour'
FROM unnest(%(users)s::bigint[]) AS id
"""
HOLDS = """
INSERT INTO calls_hold (call_id, user_id, taken_at, lease_until, why, finish)
SELECT call.uuid, agent.id, now() - agent.n * interval '11 seconds', now() + interval '1 hour',
  '{}', '{}'
FROM unnest(%(users)s::bigint[]) WITH ORDINALITY AS agent(id, n)
JOIN (SELECT uuid, row_number() OVER (ORDER BY uuid DESC) AS n FROM calls_call
  WHERE status = 'requested' ORDER BY uuid DESC LIMIT %(agents)s) AS call USING (n)
WHERE n %% 5 > 0
"""


def figures(calls: int) -> list[Figure]:
    few, many = bed.address("pages_few"), bed.address("pages_many")
    with bed.empty_database(few), bed.empty_database(many):
        context = multiprocessing.get_context("spawn")
        made: list[Figure] = []
        for database, number in ((few, FEW), (many, calls)):
            told: Any = context.Queue()
            filling = context.Process(target=_fill, args=(database, number, told))
            filling.start()
            made = told.get()
            filling.join()
        with _Reader(few) as small, _Reader(many) as large:
            return [*made, *(one for name in PAGES for one in _beside(name, small, large))]


def _fill(database: str, calls: int, told: Any) -> None:
    """All of one world; puts what counting it took."""
    bed.set_up(database)
    bed.fill(calls, open_in=4)
    from datetime import timedelta

    from allauth.mfa.models import Authenticator
    from django.db import connection
    from django.utils import timezone

    from accounts.models import User
    from calls import counting, daybook
    from integrations.models import Heartbeat, Stream

    people = bed.agents(AGENTS)
    User.objects.filter(pk=people[0].pk).update(role=User.Role.SUPERVISOR)
    Authenticator.objects.create(user=people[0], type=Authenticator.Type.TOTP, data={})
    rows = {
        "calls": calls, "days": DAYS, "agents": AGENTS, "users": [one.pk for one in people],
        "own": bed.OWN, "other": bed.OTHER, "waiting": WAITING,
    }  # fmt: skip
    bed.note(f"{calls} calls are there.")
    with connection.cursor() as cursor:
        # The keys hold by how the rows are made; the database looks them up no second time.
        cursor.execute("SET session_replication_role = replica")
        adding = {"operation": "tapraise.add_attempt", "seq": 1, "last": 2}
        ending = {"operation": "tapraise.complete_call", "seq": 10, "last": 0}
        for made in (adding, ending):
            cursor.execute(DELIVERIES, rows | made)
        for statement in (ATTEMPTS, COMPLETIONS, DECIDED_LATER, CALLBACKS, PRESENCES, HOLDS):
            cursor.execute(statement, rows)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
    bed.note(f"{3 * calls} attempts are there.")
    at = timezone.now()
    # What is there wherever the product runs: feeds that were walked, and a worker.
    for feed in ("calls", "pledges"):
        Stream.objects.create(account="default", feed=feed, last_finished_at=at)
    Heartbeat.objects.create(name="worker", seen_at=at)
    began = time.monotonic()
    days = daybook.count_days(at=at, at_a_time=timedelta(hours=1))
    a_day = (time.monotonic() - began) / len(days)
    began = time.monotonic()
    counting.count_queue(at=at)
    queue = time.monotonic() - began
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.close()
    told.put([
        Figure("seconds_to_count_a_day", round(a_day, 3)),
        Figure("seconds_to_count_the_queue", round(queue, 3)),
    ])  # fmt: skip


class _Reader:
    """A process that has one of the worlds open, and answers how long a page of it takes."""

    def __init__(self, database: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_read, args=(database, there))

    def __enter__(self) -> "_Reader":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def ask(self, address: str, *, is_counting: bool = False) -> tuple[float, int]:
        """Milliseconds; and the statements, where they are counted."""
        self._here.send((address, is_counting))
        found: tuple[float, int] = self._here.recv()
        return found


def _read(database: str, asked: Any) -> None:
    bed.set_up(database)
    from datetime import timedelta

    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from accounts.models import User

    settings.ROOT_URLCONF = "bench.bare"
    supervisor, agent = Client(), Client()
    supervisor.force_login(User.objects.get(role=User.Role.SUPERVISOR))
    agent.force_login(User.objects.filter(role=User.Role.AGENT, hold__isnull=False).latest("pk"))
    since = f"{timezone.localdate() - timedelta(days=DAYS + 5):%d-%m-%Y}"

    def get(path: str) -> None:
        client = agent if path in AGENTS_PAGES else supervisor
        answer = client.get(path.format(since=since), secure=True)
        assert answer.status_code == 200, (path, answer.status_code)

    while True:
        path, is_counting = asked.recv()
        if is_counting:
            with CaptureQueriesContext(connection) as captured:
                get(path)
            if bed.IS_SAYING_STATEMENTS:
                for one in captured.captured_queries:
                    bed.note(f"{path} {one['time']} {one['sql']}")
            asked.send((0.0, len(captured)))
            continue
        began = time.monotonic()
        get(path)
        asked.send((1000 * (time.monotonic() - began), 0))


def _beside(name: str, small: _Reader, large: _Reader) -> Iterator[Figure]:
    """In turns, after one turn that does not count."""
    few, many, bare = [], [], []
    for _turn in range(TURNS + 1):
        few.append(small.ask(PAGES[name])[0])
        many.append(large.ask(PAGES[name])[0])
        bare.append(large.ask(BARE)[0])
    usual_few, usual, yardstick = (statistics.median(times[1:]) for times in (few, many, bare))
    yield Figure(f"{name}_ms", round(usual, 1))
    yield Figure(f"{name}_p95_ms", round(statistics.quantiles(many[1:], n=20)[-1], 1))
    grown = round(usual / usual_few, 2)
    yield Figure(f"{name}_over_few_rows", grown, most=1.05 if name in LISTS else None)
    yield Figure(f"{name}_over_bare", round(usual / yardstick, 1), most=3.5)
    address = PAGES[name]
    if address.startswith("/insight/"):
        # Each time another address, so that nothing of it was kept.
        address += "&look=" if "?" in address else "?look="
        anew = [large.ask(f"{address}{turn}")[0] for turn in range(TURNS)]
        yield Figure(f"{name}_anew_ms", round(statistics.median(anew), 1))
    statements = large.ask(address, is_counting=True)[1]
    yield Figure(f"{name}_statements", statements, most=5 if name in POLLED else 12)
    more = statements - small.ask(address, is_counting=True)[1]
    yield Figure(f"{name}_statements_more_than_few_rows", more, most=0)


if __name__ == "__main__":
    bed.say("pages", figures(int(sys.argv[1])))
