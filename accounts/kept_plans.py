"""How PostgreSQL answers a question, kept for as long as a connection stands.

Finding out how to answer one that is put together of many takes PostgreSQL ten times as long as
answering it. A statement with parameters of its own is planned a few times, and from then on only
where another plan would be better: so PostgreSQL decides, by what each would cost. See
docs/decisions/0016-how-a-question-is-answered-is-kept.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from accounts.slots import Slot

# A doubled sign is one that is meant as it stands.
_PLACE: Final = re.compile(r"%%|%s")


def can_be_kept(connection: Any) -> bool:
    """Whether this database keeps plans, and is told to: see KEEP_PLANS in docs/operating.md."""
    return (
        connection.vendor == "postgresql"
        and connection.settings_dict["OPTIONS"].get("prepare_threshold") is not None
    )


def with_named_slots(sql: str, params: Sequence[Any], connection: Any) -> str:
    """The same statement, in which only the slots among its parameters are left open, each by its
    name and with its type; all other values stand in it."""
    left = iter(params)

    def put(place: "re.Match[str]") -> str:
        if place[0] == "%%":
            return place[0]
        value = next(left)
        if isinstance(value, Slot):
            kind = value.output_field.cast_db_type(connection)
            return f"(%({value.name})s::{kind})"
        written: str = connection.ops.compose_sql("%s", [value])
        return written.replace("%", "%%")

    return _PLACE.sub(put, sql)


class _Cursor(psycopg.Cursor[Any]):
    """Has the server keep what it executes."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "_Cursor":
        super().execute(query, params, **options | {"prepare": True})
        self._query: Any = _Executed(self.connection, query, params)
        return self


@dataclass(frozen=True)
class _Executed:
    """What Django looks at where it tells of a statement, as of any other."""

    connection: "psycopg.Connection[Any]"
    statement: str
    params: Any

    @property
    def query(self) -> bytes:
        """With its values, which it was not sent with: put together where somebody asks."""
        return psycopg.ClientCursor(self.connection).mogrify(self.statement, self.params).encode()


class Keeping:
    """A connection of Django's whose cursors have the server keep what they execute."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> Any:
        """As Django wraps it, so that it is timed, counted and logged as any other."""
        wrapped = self._connection.cursor()
        wrapped.cursor = _Cursor(self._connection.connection)
        return wrapped
