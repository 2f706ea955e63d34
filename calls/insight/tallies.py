"""Many small counts in one question: each a branch of one union, so that a page that is asked for
every few seconds costs one statement for all of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import CharField, Count, DateTimeField, F, IntegerField, UUIDField, Value
from django.db.models.expressions import BaseExpression, Combinable
from django.db.models.functions import Cast, Concat
from django.db.models.lookups import In

Column = F | BaseExpression | Combinable


class Tally(NamedTuple):
    """So many rows of a kind, of one person or of all, for one organisation or for all, of one code
    or of every one."""

    kind: str
    person: int | None
    organization: UUID | None
    code: str
    n: int
    a: int
    b: int
    oldest: datetime | None


_NOBODY: Final = Cast(Value(None), IntegerField())
_NOWHERE: Final = Cast(Value(None), UUIDField())
_NONE: Final = Value(0, output_field=IntegerField())
_NEVER: Final = Cast(Value(None), DateTimeField())
_EACH: Final = Value("", output_field=CharField())


# What no name and no code of ours holds: between the parts of a code that says several things.
BETWEEN: Final = "\x1f"


def several(*columns: str) -> Concat:
    """A code that says several things; `apart` takes it apart. Keys become texts."""
    parts: list[Any] = []
    for column in columns:
        parts += [Cast(column, CharField()), Value(BETWEEN)]
    return Concat(*parts, output_field=CharField())


def apart(code: str) -> list[str]:
    return code.split(BETWEEN)[:-1]


class OfFew(In):
    """Whether a column is one of a handful of rows: `OfFew(F("organization_id"), theirs)`.

    PostgreSQL is told to find those first, and then looks each of them up in an index: joining them
    takes it twice as long where thousands of rows are theirs.
    """

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, column_params = self.process_lhs(compiler, connection)
        few, few_params = self.process_rhs(compiler, connection)
        return f"{column} = ANY(ARRAY{few})", [*column_params, *few_params]


def branch(
    rows: Any,
    kind: str,
    *,
    person: Column = _NOBODY,
    organization: Column = _NOWHERE,
    code: Column = _EACH,
    n: Column | None = None,
    a: Column = _NONE,
    b: Column = _NONE,
    oldest: Column = _NEVER,
) -> Any:
    """Counts rows by person, organisation and code; `a` and `b` are sums beside the count, `oldest`
    a moment. By plain columns an index alone may answer it."""
    told = {"t_person": person, "t_organization": organization, "t_code": code}
    sums = {"t_n": n or Count("*"), "t_a": a, "t_b": b, "t_oldest": oldest}
    # Names that no model has a column of.
    return (
        rows.order_by()
        .annotate(t_kind=Value(kind, output_field=CharField()), **told)
        .values("t_kind", *told)
        .annotate(**sums)
        .values_list("t_kind", *told, *sums)
    )


def union(branches: Sequence[Any]) -> Any:
    """All of them as one question."""
    first, *others = branches
    return first.union(*others, all=True) if others else first


def read(rows: Iterable[Any]) -> list[Tally]:
    """What such a question answers."""
    return [
        Tally(kind, person, organization, code, n, a or 0, b or 0, oldest)
        for kind, person, organization, code, n, a, b, oldest in rows
    ]
