"""Places in a question for what comes with each asking."""

from typing import Any

from django.db.models import Expression, Field


class Slot(Expression):
    """Stands in a question for a value that comes with each asking."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)
