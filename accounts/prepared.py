"""Questions that are put together once and asked often.

Django writes the SQL of a question anew each time it is asked. For what a desk asks of its call,
two dozen questions in one, that is ten times the work of the database, on the page that everybody
has open. Here the SQL is kept, and only its values differ.

The question stays a queryset, so no rule stands twice: where a value comes in, the queryset is made
with a `Slot` instead. See docs/decisions/0014-questions-put-together-once.md.

PostgreSQL keeps how it answers such a question too, for as long as a connection stands; see
docs/decisions/0016-how-a-question-is-answered-is-kept.md.
"""

from collections.abc import Callable, Hashable, Mapping
from copy import copy
from threading import Lock
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Field, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from accounts import kept_plans
from accounts.slots import Slot

Row = TypeVar("Row")


class Prepared(Generic[Row]):
    """A question that is put together once for each way in which it is asked.

    `make` gives the queryset. Its arguments that `fields` names are slots of that kind; the others
    are what they are and make it another question: few and small values, a yes or a no.
    """

    def __init__(
        self, make: "Callable[..., QuerySet[Any, Row]]", **fields: "Field[Any, Any]"
    ) -> None:
        self._make = make
        self._slots = {name: Slot(name, field) for name, field in fields.items()}
        self._known: dict[Hashable, _Written] = {}
        self._lock = Lock()

    def ask(self, **values: Any) -> list[Row]:
        """The rows of it, each as the queryset would give it. `values` are the arguments of
        `make`: a model's key instead of the model."""
        shape = {name: value for name, value in values.items() if name not in self._slots}
        with self._lock:
            key = tuple(sorted(shape.items()))
            written = self._known.get(key)
            if written is None:
                written = _Written(self._make(**shape, **self._slots))
                self._known[key] = written
        return written.rows(values)


class _Written:
    """One question with its SQL."""

    def __init__(self, queryset: "QuerySet[Any, Any]") -> None:
        self._queryset = queryset
        self._compiler = queryset.query.get_compiler(using=queryset.db)
        self._sql, self._params = self._compiler.as_sql()
        self._slots = {one.name: one for one in self._params if isinstance(one, Slot)}
        self._is_kept = kept_plans.can_be_kept(connections[queryset.db])
        if self._is_kept:
            self._sql = kept_plans.with_named_slots(
                self._sql, self._params, connections[queryset.db]
            )

    def rows(self, values: Mapping[str, Any]) -> list[Any]:
        # Each thread has a connection of its own.
        connection = connections[self._queryset.db]
        named = {
            name: slot.output_field.get_db_prep_value(values[name], connection)
            for name, slot in self._slots.items()
        }
        compiler = copy(self._compiler)
        if self._is_kept:
            compiler.connection = kept_plans.Keeping(connection)
            params: Any = named
        else:
            compiler.connection = connection
            params = tuple(
                named[one.name] if isinstance(one, Slot) else one for one in self._params
            )
        compiler.as_sql = lambda *_args, **_kwargs: (self._sql, params)
        query: Any = _Asked(compiler)
        asked: QuerySet[Any] = QuerySet(self._queryset.model, query=query, using=connection.alias)
        rows: Any = self._queryset._iterable_class(asked)
        return [*rows]


class _Asked:
    """What an iterable of Django's wants of a query that has been written."""

    def __init__(self, compiler: SQLCompiler) -> None:
        self._compiler = compiler

    def get_compiler(self, *_args: Any, **_kwargs: Any) -> SQLCompiler:
        return self._compiler
