"""Where Alphacomm's document is silent: what this sandbox assumes, one switch for each.

They are set by the same order as TapRaise's (`/__sandbox/switches`), and have names of their own.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self


@dataclass(frozen=True, kw_only=True)
class AlphacommSwitches:
    # --- errors ---
    # The HTTP status of a request that is refused before it is executed.
    invalid_request_status: Literal[200, 400, 422] = 200
    # A refusal of an executed field: `data` null, `data` with a null in it, or no `data` at all.
    refused_data: Literal["null", "partial", "absent"] = "null"
    # --- lists ---
    list_order: Literal["DESCENDING", "ASCENDING"] = "DESCENDING"
    default_limit: int = 20
    limit_ceiling: int = 500
    # An example answers `limit: 0` to a request for 20.
    pagination_limit: Literal["asked", "zero"] = "asked"
    # greaterThan and lesserThan leave out the moment itself.
    created_on_is_strict: bool = True
    # The id under which an attribute is searched: as it went in, as it comes back, or either.
    attribute_searched_as: Literal["renamed", "given", "both"] = "renamed"
    # --- PayLinks and mandates ---
    # An example shows a paid link with `amountPaid: 0`.
    paid_shows_amount: bool = True
    days_visible: int = 90
    # --- import ---
    # Windows of the import schedule: one each so many seconds, counted from midnight UTC.
    import_every_seconds: int = 60
    # How long a file waits, and then runs.
    file_queued_seconds: int = 5
    file_running_seconds: int = 10
    # How often an unanswered voice call is tried, and how far apart.
    voice_calls_scheduled: int = 3
    voice_calls_apart_seconds: int = 3600
    # --- webhooks ---
    # Whether a second look at a link is told of too.
    visits_told: Literal["first", "every"] = "first"
    # Whether a payment of a part is told of as PayLinkPaid.
    partial_payment_told: bool = True
    # What stands in `data` when there is nothing to say.
    empty_data: Literal["list", "object"] = "list"
    voice_form: Literal["new", "legacy", "both"] = "new"

    def changed(self, changes: dict[str, Any]) -> Self:
        """A copy with some switches set anew."""
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


NAMES = frozenset(field.name for field in fields(AlphacommSwitches))
