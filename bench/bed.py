"""What every bench stands on: an empty database of its own, a million rows, one way to print.

The rows are made by the database itself. Last names are as uneven as names are: one in a hundred
people has the commonest, and each begins with one of 26 × 26 × 26 syllables. One person in ten is
of an organisation that the agents may not see.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
import psycopg

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = str(ROOT / ".env.example")
SERVER = "postgres://postgres@127.0.0.1:5432"
IS_SAYING_STATEMENTS = "BENCH_STATEMENTS" in os.environ

OWN = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
CENTRE = "33333333-3333-3333-3333-333333333333"

PERSONS = """
INSERT INTO pledges_person (uuid, first_name, initials, last_name, name_key, first_key, zip_code,
  postcode_key, house_number, city, country, mobile_e164, owning_organization_id, fetched_at)
SELECT md5('person' || n)::uuid, 'Fenna', 'F.', initcap(name), name, 'fenna f', zip, zip,
  (n %% 90 + 1)::text, 'Utrecht', 'NL', '+3161' || lpad(n::text, 7, '0'),
  CASE WHEN n %% 10 = 0 THEN %(other)s ELSE %(own)s END::uuid, now()
FROM (SELECT n,
  CASE WHEN n %% 100 = 1 THEN 'jansen'
    ELSE chr(97 + n %% 26) || chr(97 + n / 26 %% 26) || chr(97 + n / 676 %% 26)
      || 'sma' || n %% 7 END
    || CASE WHEN n %% 5 = 0 THEN ' vander' ELSE '' END AS name,
  (1000 + n %% 9000)::text || chr(65 + n / 9000 %% 26) || 'B' AS zip
  FROM generate_series(1, %(calls)s) AS n) AS made
"""
# One in fifty was made in the last day and a half, the others before that.
PLEDGES = """
INSERT INTO pledges_pledge (uuid, account, status, created_at, person_id, owning_organization_id,
  focus_areas, fetched_at)
SELECT md5('pledge' || n)::uuid, 'default', 'lead',
  now() - CASE WHEN n %% 50 = 1 THEN n * interval '1.5 days' / %(calls)s
    ELSE interval '2 days' + n * interval '1 second' END,
  md5('person' || n)::uuid,
  CASE WHEN n %% 10 = 0 THEN %(other)s ELSE %(own)s END::uuid, '[]', now()
FROM generate_series(1, %(calls)s) AS n
"""
CALLS = """
INSERT INTO calls_call (uuid, account, status, type, requested_at, last_updated_at, person_id,
  pledge_id, calling_organization_id, attempts, attempts_count, tried_in, external_application,
  external_reference, fetched_at)
SELECT md5('call' || n)::uuid, 'default',
  CASE WHEN n %% %(open_in)s = 0 THEN 'requested' ELSE 'completed' END, 'verification',
  now() - n * interval '1 second', now(), md5('person' || n)::uuid, md5('pledge' || n)::uuid,
  %(centre)s::uuid,
  '[]', CASE WHEN n %% 7 = 0 THEN 1 ELSE 0 END, 0, CASE WHEN n %% 50 = 0 THEN '4dmc' END,
  CASE WHEN n %% 50 = 0 THEN 'A-' || n END, now()
FROM generate_series(1, %(calls)s) AS n
"""


@dataclass(frozen=True)
class Figure:
    """One number, and what it has to be where docs/operating.md names a figure to reach."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def is_reached(self) -> bool:
        return (self.most is None or self.value <= self.most) and (
            self.least is None or self.value >= self.least
        )

    def line(self, bench: str) -> str:
        """As JSON, so that runs can be laid side by side."""
        said: dict[str, Any] = {"bench": bench, "figure": self.name, "value": self.value}
        if self.most is not None or self.least is not None:
            said |= {"at_most": self.most} if self.least is None else {"at_least": self.least}
            said["reached"] = self.is_reached
        return json.dumps(said)


def say(bench: str, figures: Sequence[Figure]) -> None:
    for figure in figures:
        print(figure.line(bench), flush=True)


def address(bench: str) -> str:
    """The database of this bench, on the server that BENCH_SERVER names."""
    return f"{os.environ.get('BENCH_SERVER', SERVER)}/belbord_bench_{bench}"


@contextmanager
def empty_database(database: str) -> Iterator[None]:
    """Empty at first, and gone afterwards."""
    known = environ.Env.db_url_config(database)
    away = f'DROP DATABASE IF EXISTS "{known["NAME"]}" WITH (FORCE)'
    with psycopg.connect(
        host=known["HOST"], port=known["PORT"] or 5432, user=known["USER"],
        password=known["PASSWORD"], dbname="postgres", autocommit=True,
    ) as server:  # fmt: skip
        server.execute(away)
        server.execute(f'CREATE DATABASE "{known["NAME"]}"')
        try:
            yield
        finally:
            server.execute(away)


def set_up(database: str, *, settings_file: str = SETTINGS) -> None:
    """Django in this process, on that database."""
    import django

    os.environ["DATABASE_URL"] = database
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["ENV_FILE"] = settings_file
    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    # Django keeps every statement in mind while it is on.
    settings.DEBUG = False


def fill(calls: int, *, open_in: int) -> None:
    """Tables, organisations with their hours, and so many calls: one in `open_in` is open.

    What is of our own organisation may be called at every hour; a pledge is released three days
    after it was made.
    """
    from datetime import date, time

    from django.core.management import call_command
    from django.db import connection

    from pledges.models import CallingRules, Organization

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    for pk, name, is_ours in ((OWN, "Own", False), (OTHER, "Other", False), (CENTRE, "Us", True)):
        Organization.objects.create(uuid=pk, name=name, is_ours=is_ours)
    days = ("weekdays", "saturday", "sunday")
    hours = {f"{day}_open": time(0) for day in days} | {
        f"{day}_close": time(23, 59) for day in days
    }
    CallingRules.objects.create(
        organization_id=OWN, from_date=date(2020, 1, 1), max_attempts=4, cooling_off_days=3, **hours
    )
    rows = {"calls": calls, "open_in": open_in, "own": OWN, "other": OTHER, "centre": CENTRE}
    with connection.cursor() as cursor:
        for statement in (PERSONS, PLEDGES, CALLS):
            cursor.execute(statement, rows)
        cursor.execute("VACUUM ANALYZE")


def agents(number: int) -> list[Any]:
    """So many people who may see what is of our own organisation."""
    import uuid

    from accounts.models import User
    from pledges.models import Organization

    ours = Organization.objects.filter(pk__in=(OWN, CENTRE))
    made = []
    for place in range(number):
        agent = User.objects.create(username=f"agent{place}", tapraise_user_uuid=uuid.uuid4())
        agent.organizations.set(ours)
        made.append(agent)
    return made


def note(text: str) -> None:
    """To whoever watches; the figures alone go to stdout."""
    print(text, file=sys.stderr, flush=True)
