"""Many rows in one statement: only what changed, never backwards, and no two writers at odds."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from integrations.upsert import BY_FETCH, Table, by_columns, merge
from pledges.models import Organization, Pledge
from tests.integrations.feeds import NOON

TABLE = Table(Organization, order=BY_FETCH, bare={"name": ""})


def rows(*names: str) -> dict[uuid.UUID, dict[str, object]]:
    """Organisations called by these names, each with a uuid that follows from its number."""
    return {
        uuid.UUID(int=number): {"uuid": uuid.UUID(int=number), "name": name}
        for number, name in enumerate(names)
    }


def stored() -> list[str]:
    return list(Organization.objects.order_by("pk").values_list("name", flat=True))


@pytest.mark.django_db
def test_new_changed_and_unchanged_rows_are_told_apart() -> None:
    merge(TABLE, rows("Water", "Dieren"), fetched_at=NOON)

    done = merge(TABLE, rows("Water", "Dier", "Bus"), fetched_at=NOON + timedelta(seconds=1))

    assert stored() == ["Water", "Dier", "Bus"]
    assert done.unchanged == {uuid.UUID(int=0)}
    assert done.written == {uuid.UUID(int=1), uuid.UUID(int=2)}
    unchanged = Organization.objects.get(pk=uuid.UUID(int=0))
    assert unchanged.fetched_at == NOON


@pytest.mark.django_db
def test_what_is_ours_in_a_mirrored_row_stays() -> None:
    merge(TABLE, rows("Water"), fetched_at=NOON)
    Organization.objects.update(is_ours=True)

    merge(TABLE, rows("Wateren"), fetched_at=NOON + timedelta(seconds=1))

    assert Organization.objects.get().is_ours
    assert stored() == ["Wateren"]


@pytest.mark.django_db
def test_a_bare_row_is_made_once_and_changes_nothing() -> None:
    known, unknown = uuid.UUID(int=0), uuid.UUID(int=9)
    merge(TABLE, rows("Water"), fetched_at=NOON)
    merge(TABLE, {}, also=[known, unknown], fetched_at=NOON + timedelta(seconds=1))
    assert stored() == ["Water", ""]

    # Whoever looks before another has committed sends a bare row for one that is there by now.
    with a_look_that_finds_nothing():
        merge(TABLE, {}, also=[known], fetched_at=NOON + timedelta(seconds=2))
    assert stored() == ["Water", ""]


@pytest.mark.django_db
def test_the_statement_has_the_last_word_when_another_was_quicker() -> None:
    merge(TABLE, rows("Later"), fetched_at=NOON + timedelta(seconds=9))

    with a_look_that_finds_nothing():
        merge(TABLE, rows("Eerder"), fetched_at=NOON)

    assert stored() == ["Later"]


@pytest.mark.django_db
def test_the_same_content_is_not_written_twice_by_two_at_once() -> None:
    merge(TABLE, rows("Water"), fetched_at=NOON)

    with a_look_that_finds_nothing():
        merge(TABLE, rows("Water"), fetched_at=NOON + timedelta(seconds=1))

    assert Organization.objects.get().fetched_at == NOON


@pytest.mark.django_db
def test_a_null_that_says_nothing_erases_nothing_when_another_was_quicker() -> None:
    table = Table(Pledge, order=by_columns("updated_at"))
    key = uuid.UUID(int=1)
    row = {"uuid": key, "updated_at": NOON, "recruiter_name": "R.", "focus_areas": []}
    merge(table, {key: row}, account="default", fetched_at=NOON)

    with a_look_that_finds_nothing():
        merge(
            table,
            {key: {**row, "recruiter_name": None}},
            kept=("recruiter_name",),
            account="default",
            fetched_at=NOON + timedelta(seconds=1),
        )

    assert Pledge.objects.get().recruiter_name == "R."


@contextmanager
def a_look_that_finds_nothing() -> Iterator[None]:
    """What a page sees whose look came before the other one's commit."""

    def look_away(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        if sql.startswith("SELECT"):
            sql = sql.replace(" WHERE ", " WHERE 1 = 0 AND ")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look_away):
        yield


@pytest.mark.django_db
def test_the_number_of_statements_does_not_follow_the_number_of_rows() -> None:
    counted = []
    for size in (1, 500):
        with CaptureQueriesContext(connection) as queries:
            merge(TABLE, rows(*map(str, range(size))), fetched_at=NOON)
        counted.append(len(queries))
    assert counted == [2, 2]


@pytest.mark.django_db(transaction=True)
def test_two_pages_at_once_in_opposite_orders_do_not_lock_each_other_out() -> None:
    names = [f"nr {number}" for number in range(40)]
    failures: list[Exception] = []

    def page(is_backwards: bool, offset: int) -> None:
        try:
            for turn in range(15):
                at = NOON + timedelta(seconds=2 * turn + offset)
                page_rows = list(rows(*(f"{name} {turn} {offset}" for name in names)).items())
                with transaction.atomic():
                    merge(TABLE, dict(page_rows[:: -1 if is_backwards else 1]), fetched_at=at)
        except Exception as failure:  # noqa: BLE001 — whatever it is, the test is to tell it
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=page, args=(offset == 1, offset)) for offset in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert stored() == [f"{name} 14 1" for name in names]
