"""Long lists, a page at a time, by the place of the last row that was shown: the thousandth page
costs what the first one costs, and nobody counts the rows.

The place stands in the address (`after` or `before`), so that a page can be kept, sent and gone
back to. Rows that come in meanwhile move nothing: a page begins where the one before it ended.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, Field, Model, Q, QuerySet

from accounts.prepared import Prepared

SIZE: Final = 50
# Between the values of a place; in none of the kinds of value that rows are ordered by.
_BETWEEN: Final = "_"

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list. `before` and `after` are the places to ask for next; empty: an end."""

    rows: Sequence[Row]
    before: str = ""
    after: str = ""


def page_of(
    rows: "QuerySet[Row]", *, order: Sequence[str], asked: Mapping[str, Any], size: int = SIZE
) -> Page[Row]:
    """The page that was asked for; the first one where what was asked is no place.

    `order` names columns of the row that are never null, the last of them unique; with a minus in
    front it goes down. An index on them, in this order, is what makes it quick.
    """
    way = _Way.asked_for(rows.model, order, asked)
    return way.page(list(way.rows(rows, way.place, size=size)), size=size)


class Pages(Generic[Row]):
    """A long list that is asked for often, put together once: see accounts/prepared.py.

    `make` gives all of its rows. `fields` are the slots of it, as of `Prepared`.
    """

    def __init__(
        self,
        model: type[Row],
        make: "Callable[..., QuerySet[Row]]",
        *,
        order: Sequence[str],
        size: int = SIZE,
        **fields: "Field[Any, Any]",
    ) -> None:
        self._model = model
        self._make = make
        self._order = tuple(order)
        self._size = size
        # The place is of the kinds of value of its columns.
        self._places = [f"place_{number}" for number in range(len(order))]
        kinds = [cast("Field[Any, Any]", _field(model, column)) for column in order]
        self._rows: Prepared[Row] = Prepared(
            self._put_together, **fields, **dict(zip(self._places, kinds, strict=True))
        )

    def page(self, asked: Mapping[str, Any], **values: Any) -> Page[Row]:
        """As `page_of`, with the values of the slots."""
        way = _Way.asked_for(self._model, self._order, asked)
        place = dict(zip(self._places, way.place or (), strict=bool(way.place)))
        rows = self._rows.ask(is_back=way.is_back, is_on=way.place is not None, **values | place)
        return way.page(rows, size=self._size)

    def _put_together(self, *, is_back: bool, is_on: bool, **values: Any) -> "QuerySet[Row]":
        slots = [values.pop(name) for name in self._places]
        way = _Way(self._order, is_back=is_back, place=None)
        return way.rows(self._make(**values), slots if is_on else None, size=self._size)


@dataclass(frozen=True)
class _Way:
    """Which page of a list, and in which direction it is read."""

    order: Sequence[str]
    is_back: bool
    place: Sequence[Any] | None

    @classmethod
    def asked_for(
        cls, model: type[Model], order: Sequence[str], asked: Mapping[str, Any]
    ) -> "_Way":
        before, after = (_place(model, order, asked.get(name)) for name in ("before", "after"))
        is_back = before is not None
        return cls(order, is_back, before if is_back else after)

    def rows(
        self, rows: "QuerySet[Row]", place: Sequence[Any] | None, *, size: int
    ) -> "QuerySet[Row]":
        """Those of the page, and one more where there is one."""
        onwards = [_turned(column) for column in self.order] if self.is_back else self.order
        found = rows.order_by(*onwards)
        if place is not None:
            found = found.filter(_beyond(onwards, place))
        return found[: size + 1]

    def page(self, found: Sequence[Row], *, size: int) -> Page[Row]:
        has_more = len(found) > size
        shown = [*found[:size]]
        if self.is_back:
            shown.reverse()
        if not shown:
            return Page(shown)
        has_before = has_more if self.is_back else self.place is not None
        has_after = self.is_back or has_more
        return Page(
            shown,
            before=_text(shown[0], self.order) if has_before else "",
            after=_text(shown[-1], self.order) if has_after else "",
        )


def pieces_of(rows: "QuerySet[Row]", *, order: Sequence[str], size: int) -> Iterator[Sequence[Row]]:
    """All of a list, however long, a piece at a time: nothing is held but the piece, and no
    question to the database lasts. `order` as above. A row that changes its place meanwhile may be
    met twice or not at all; one that stays where it is, exactly once."""
    place: Sequence[Any] | None = None
    while True:
        found = rows.order_by(*order)
        if place is not None:
            found = found.filter(_beyond(order, place))
        piece = list(found[:size])
        if piece:
            yield piece
        if len(piece) < size:
            return
        place = [getattr(piece[-1], column.lstrip("-")) for column in order]


def _beyond(order: Sequence[str], place: Sequence[Any]) -> Q:
    """Behind this place. The bound on the first column alone is what an index starts from."""
    first = order[0]
    bound = Q(**{f"{first.lstrip('-')}__{_way(first)}e": place[0]})
    behind, level = Q(), Q()
    for column, value in zip(order, place, strict=True):
        name = column.lstrip("-")
        behind |= level & Q(**{f"{name}__{_way(column)}": value})
        level &= Q(**{name: value})
    return bound & behind


def _way(column: str) -> str:
    return "lt" if column.startswith("-") else "gt"


def _turned(column: str) -> str:
    return column[1:] if column.startswith("-") else f"-{column}"


def _text(row: Model, order: Sequence[str]) -> str:
    values = (getattr(row, column.lstrip("-")) for column in order)
    return _BETWEEN.join(v.isoformat() if isinstance(v, datetime) else str(v) for v in values)


def _place(model: type[Model], order: Sequence[str], text: Any) -> Sequence[Any] | None:
    """The values that a place in an address stands for; None when they are no such values."""
    parts = text.split(_BETWEEN) if isinstance(text, str) else []
    if len(parts) != len(order):
        return None
    try:
        return [_value(model, *pair) for pair in zip(order, parts, strict=True)]
    except (ValidationError, ValueError, OverflowError):
        return None


def _value(model: type[Model], column: str, text: str) -> Any:
    field = _field(model, column)
    if not isinstance(field, DateTimeField):
        return field.to_python(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("A moment without a zone is no place.")
    return moment.astimezone(UTC)


def _field(model: type[Model], column: str) -> Any:
    return model._meta.get_field(column.lstrip("-"))
