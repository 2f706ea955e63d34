"""Questions that are put together once: with other values they have other answers."""

import contextlib
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import BigIntegerField, CharField, Exists, OuterRef, QuerySet, UUIDField
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.prepared import Prepared
from calls.models import Attempt, Call
from tests.factories import AttemptFactory, CallFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db


def with_attempts(*, user: Any, pk: Any) -> QuerySet[Call]:
    mine = Attempt.objects.filter(call=OuterRef("pk"), user=user)
    found = Call.objects.visible_to(user).filter(pk=pk).annotate(is_mine=Exists(mine))
    return found.select_related("person__owning_organization", "pledge")


@pytest.fixture
def question() -> Prepared[Call]:
    return Prepared(with_attempts, user=BigIntegerField(), pk=UUIDField())


@pytest.fixture
def colleagues() -> tuple[User, User, User]:
    """Two of one organisation, and one of another."""
    ours, theirs = OrganizationFactory(is_ours=True), OrganizationFactory(is_ours=True)
    return (
        UserFactory(organizations=[ours]),
        UserFactory(organizations=[ours]),
        UserFactory(organizations=[theirs]),
    )


def a_call_of(user: User) -> Call:
    theirs = user.organizations.get()
    return CallFactory(person__owning_organization=theirs, calling_organization=theirs)


def test_each_user_gets_their_own_answer(
    question: Prepared[Call], colleagues: tuple[User, User, User]
) -> None:
    alice, bob, stranger = colleagues
    call = a_call_of(alice)
    other = a_call_of(alice)
    AttemptFactory(call=call, user=alice)

    (hers,) = question.ask(user=alice.pk, pk=call.pk)
    (his,) = question.ask(user=bob.pk, pk=call.pk)
    (another,) = question.ask(user=alice.pk, pk=other.pk)

    assert (hers, hers.is_mine) == (call, True)
    assert (his, his.is_mine) == (call, False)
    assert (another, another.is_mine) == (other, False)
    assert question.ask(user=stranger.pk, pk=call.pk) == []


def test_what_came_along_is_not_asked_for_again(
    question: Prepared[Call], colleagues: tuple[User, User, User]
) -> None:
    alice, *_others = colleagues
    call = a_call_of(alice)
    question.ask(user=alice.pk, pk=call.pk)

    with CaptureQueriesContext(connection) as asked:
        (found,) = question.ask(user=alice.pk, pk=call.pk)
        assert found.person.owning_organization == call.person.owning_organization
        assert found.pledge == call.pledge

    assert len(asked) == 1
    assert vars(found.person) == vars(Call.objects.select_related("person").get().person) | {
        "_state": found.person._state
    }


def test_it_is_put_together_once_for_each_way_of_asking(
    colleagues: tuple[User, User, User],
) -> None:
    made: list[bool] = []

    def named(*, name: Any, is_backwards: bool) -> "QuerySet[User, str]":
        made.append(is_backwards)
        found = User.objects.filter(username__gte=name).values_list("username", flat=True)
        return found.order_by("-username" if is_backwards else "username")

    names = sorted(one.username for one in colleagues)
    question = Prepared(named, name=CharField())

    for _time in range(2):
        assert question.ask(name="", is_backwards=False) == names
        assert question.ask(name=names[1], is_backwards=False) == names[1:]
        assert question.ask(name="", is_backwards=True) == names[::-1]

    assert made == [False, True]


@pytest.mark.django_db(transaction=True)
def test_threads_ask_on_connections_of_their_own(
    question: Prepared[Call], colleagues: tuple[User, User, User]
) -> None:
    alice, _bob, stranger = colleagues
    call = a_call_of(alice)
    found: dict[int, list[list[Call]]] = {alice.pk: [], stranger.pk: []}

    def ask(user: int) -> None:
        try:
            found[user] += [question.ask(user=user, pk=call.pk) for _time in range(20)]
        finally:
            connection.close()

    threads = [Thread(target=ask, args=(user,)) for user in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {alice.pk: [[call]] * 20, stranger.pk: [[]] * 20}


# ── How PostgreSQL answers it is kept ─────────────────────────────────────────────────────────────

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite finds out anew how to answer."
)


def kept() -> dict[str, tuple[int, int]]:
    """The statements that this connection has the server keep: how often each was answered by the
    plan that is kept, and by one of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements")
        return {statement: (generic, custom) for statement, generic, custom in cursor.fetchall()}


@on_postgresql
def test_a_question_that_is_asked_often_is_planned_no_more(
    question: Prepared[Call], colleagues: tuple[User, User, User]
) -> None:
    alice, bob, _stranger = colleagues
    calls = [a_call_of(alice) for _number in range(3)]
    before = kept()
    for _time in range(4):
        for call in calls:
            assert question.ask(user=alice.pk, pk=call.pk) == [call]
            assert question.ask(user=bob.pk, pk=call.pk) == [call]

    (statement,) = kept().keys() - before.keys()
    generic, custom = kept()[statement]
    assert generic + custom == 24
    assert custom <= 5


@on_postgresql
def test_what_stands_in_a_question_is_not_taken_for_a_place(
    colleagues: tuple[User, User, User],
) -> None:
    alice, bob, _stranger = colleagues
    User.objects.filter(pk=alice.pk).update(first_name="100 %s it's %(name)s", last_name="50%")
    User.objects.filter(pk=bob.pk).update(first_name="100 %", last_name="5")

    def named(*, name: Any) -> "QuerySet[User, int]":
        found = User.objects.filter(first_name="100 %s it's %(name)s", last_name__endswith="%")
        return found.filter(username=name).values_list("pk", flat=True)

    asked = Prepared(named, name=CharField())
    assert asked.ask(name=alice.username) == [alice.pk]
    assert asked.ask(name=bob.username) == []
    assert asked.ask(name="%s") == []


def test_it_goes_on_after_what_was_asked_for_was_taken_back(
    question: Prepared[Call], colleagues: tuple[User, User, User]
) -> None:
    alice, *_others = colleagues
    call = a_call_of(alice)
    for _time in range(7):
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            assert question.ask(user=alice.pk, pk=call.pk) == [call]
            raise ZeroDivisionError
    assert question.ask(user=alice.pk, pk=call.pk) == [call]


def test_it_is_counted_and_told_as_any_other_statement(
    question: Prepared[Call], colleagues: tuple[User, User, User]
) -> None:
    alice, *_others = colleagues
    call = a_call_of(alice)
    with CaptureQueriesContext(connection) as asked:
        question.ask(user=alice.pk, pk=call.pk)
    (one,) = asked.captured_queries
    assert call.pk.hex in one["sql"].replace("-", "")
    assert one["time"]
