"""The table of states once more, in the database: what is not in it cannot be written by anybody.

A trigger made from `Delivery.TRANSITIONS` refuses every other change of state, every change of what
was frozen when the message was made, another lease on a message that is being sent, and every
change of a closed one but its readings. It holds for scripts and consoles as well as for our code.
"""

from collections.abc import Mapping
from typing import Final

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

NAME: Final = "delivery_guard"

FROZEN: Final = (
    "id",
    "operation",
    "account",
    "subject",
    "seq",
    "token",
    "payload",
    "payload_version",
    "fingerprint",
    "by",
    "created_at",
)
# A look may still be taken at what is closed, and noted; and so is who saw that it was refused.
OPEN_WHEN_CLOSED: Final = ("readings", "version", "seen_at", "seen_by")


def install(
    editor: BaseDatabaseSchemaEditor,
    delivery: type[models.Model],
    transitions: Mapping[str, frozenset[str]],
) -> None:
    """Put the trigger on the table, in place of an earlier one.

    A migration that changes the table's columns calls this again at its end: SQLite loses the
    trigger when it rebuilds a table, and no trigger knows columns that came after it.
    """
    remove(editor, delivery)
    table = delivery._meta.db_table
    condition = _refused(editor.connection.vendor, delivery, transitions)
    if editor.connection.vendor == "postgresql":
        editor.execute(
            f"CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION '{NAME}: this change is not allowed' USING ERRCODE = "
            "'check_violation'; END $$"
        )
        editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({condition}) EXECUTE FUNCTION {NAME}()"
        )
    else:
        editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE UPDATE ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{NAME}: this change is not allowed'); END"
        )


def remove(editor: BaseDatabaseSchemaEditor, delivery: type[models.Model]) -> None:
    """Take the trigger away."""
    if editor.connection.vendor == "postgresql":
        editor.execute(f"DROP TRIGGER IF EXISTS {NAME} ON {delivery._meta.db_table}")
        editor.execute(f"DROP FUNCTION IF EXISTS {NAME}()")
    else:
        editor.execute(f"DROP TRIGGER IF EXISTS {NAME}")


def _refused(
    vendor: str, delivery: type[models.Model], transitions: Mapping[str, frozenset[str]]
) -> str:
    """The SQL that is true of a change that may not be."""
    columns = {field.name: field.column for field in delivery._meta.concrete_fields}
    differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"

    def changed(field: str) -> str:
        column = columns[field]
        return f"OLD.{column} {differs} NEW.{column}"

    moves = [f"(OLD.state = NEW.state AND NOT (OLD.state = 'sending' AND {changed('lease')}))"]
    for state, following in transitions.items():
        if following:
            names = ", ".join(f"'{name}'" for name in sorted(following))
            moves.append(f"(OLD.state = '{state}' AND NEW.state IN ({names}))")
    final = [
        changed(field.name)
        for field in delivery._meta.concrete_fields
        if field.name not in (*FROZEN, *OPEN_WHEN_CLOSED)
    ]
    return (
        f"({' OR '.join(changed(field) for field in FROZEN)}) "
        f"OR (OLD.state = 'closed' AND ({' OR '.join(final)})) "
        f"OR NOT ({' OR '.join(moves)})"
    )
