"""Where the documents are silent or disagree: what this sandbox assumes, one switch for each.

Every default is the assumption that Belbord is built on, or the stricter reading where the
strictness shows mistakes of ours. A real account may turn out otherwise: flip the switch and run
the tests again.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self


@dataclass(frozen=True, kw_only=True)
class Switches:
    # --- reading ---
    # What the pledge list shows when no status is asked. The document does not say.
    pledge_default_status: Literal["all", "lead", "active"] = "lead"
    # updatedAfter, requestedAfter and releasedAfter leave out the moment itself.
    after_is_strict: bool = True
    from_is_inclusive: bool = True
    until_is_inclusive: bool = False
    # withIdealQr=false: every pledge, or only those without such a transaction.
    without_ideal_qr: Literal["ignored", "excludes"] = "ignored"
    default_page: int = 10
    page_limit: int = 500
    above_page_limit: Literal["clamp", "refuse"] = "clamp"
    # A position in the order (it survives the row's removal), or the row's uuid.
    cursor_form: Literal["position", "uuid"] = "position"
    calls_sorted_by: Literal["requested", "created"] = "requested"
    detail_include_form: Literal["repeated", "comma", "both"] = "repeated"
    unknown_parameters: Literal["refuse", "ignore"] = "refuse"
    # --- writing ---
    extra_body_fields: Literal["refuse", "ignore"] = "refuse"
    # A null where the schema of the body has none: refused, or taken for a field that is absent.
    null_in_bodies: Literal["refuse", "ignore"] = "refuse"
    # "null means update to null", also for what no read shows as null? Or for nothing at all?
    null_in_update: Literal["where_reads_allow", "refuse", "ignore"] = "where_reads_allow"
    error_body: Literal["json", "text"] = "json"
    times_kept_to: Literal["milliseconds", "seconds"] = "milliseconds"
    repeated_complete: Literal["refuse", "overwrite"] = "refuse"
    # A call that is completed without an attempt that was logged before.
    complete_without_attempt: Literal["accept", "refuse"] = "accept"
    # A cancel of a call that is completed or expired.
    cancel_of_ended: Literal[400, 409] = 400
    future_expiry: Literal["accept", "refuse", "later"] = "accept"
    # Whether the four actions work on a call that is managed elsewhere.
    actions_on_calls_elsewhere: Literal["refuse", "accept"] = "refuse"
    # On the create of a call that is managed elsewhere: a type, and the status `expired`, for
    # which the body has no time.
    type_of_calls_elsewhere: Literal["refuse", "accept"] = "refuse"
    expired_calls_elsewhere: Literal["accept", "refuse"] = "accept"
    # What the text in additionalProperties may hold: the prose says an array, reads show an object.
    additional_properties: Literal["object", "array"] = "object"
    # cancelledAt and completedAt on the create of a call managed in TapRaise.
    end_times_on_create: Literal["refuse", "ignore"] = "refuse"
    # The attempt that reaches this number expires the call. None: the client expires it.
    expire_at_attempts: int | None = None
    attempts_counted_by: Literal["call", "person"] = "call"
    dropped_result_drops_pledge: bool = False
    # What pledges/{uuid}/actions/… may end in: status=name of the action, with commas between.
    pledge_actions: str = "dropped=drop,cancelled=cancel"
    # A status action on a pledge that has that status already.
    repeated_status_action: Literal["refuse", "accept"] = "refuse"
    # --- what touches which time ---
    release_bumps_updated: bool = True
    person_bumps_calls: bool = False
    quality_result_bumps_call: bool = False
    transaction_bumps_pledge: bool = False
    # 429 comes before the effect, so that nothing has happened.
    too_many_requests_before_effect: bool = True

    def changed(self, changes: dict[str, Any]) -> Self:
        """A copy with some switches set anew. ValueError names one that does not exist."""
        unknown = changes.keys() - {field.name for field in fields(self)}
        if unknown:
            raise ValueError(f"There is no switch called {', '.join(sorted(unknown))}.")
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
