"""Faults on demand: which request goes wrong, how, and how often.

A rule is a JSON object:

    {"kind": "reset_after", "operation": "add-attempt", "times": 1}
    {"kind": "status", "status": 401, "operation": "*", "for_seconds": 30}
    {"kind": "slow", "seconds": 2, "operation": "calls", "probability": 0.1, "seed": 7}

`operation` is one of OPERATIONS, or `*` (the default). `uuid` narrows a rule to one call or pledge,
and at Alphacomm to the reference, id or attribute that a request names; in a list, kinds that spoil
a record then spoil that one instead of the first.

| kind | does |
| --- | --- |
| status | answers `status` before any effect, or after it (`after_effect`); `retry_after` |
| slow | the effect happens, the answer comes `seconds` later |
| reset_before | the connection is reset, nothing happened |
| reset_after | the effect happens, then the connection is reset |
| cut_body | the effect happens, the body ends before its Content-Length |
| not_json | the effect happens, the answer is a page of HTML with status 200 |
| empty_body | the effect happens, the answer is a 2xx with nothing in it |
| unchanged | nothing happens, the answer is a 2xx with the record as it was |
| wrong_uuid | the effect happens, the answer speaks of another uuid |
| unknown_enum | a record's `field` (status) has a value that no document names |
| extra_fields | a record has fields that no document names |
| null_required | a record's `field` (requestedAt or startsAt) is null though it may not be |
| late_effect | answers `status` (504; 0: a reset), the effect follows `seconds` later |
| read_lag | a read shows the world as it was `seconds` ago |
| graphql_errors | errors as GraphQL has them, before any effect or after it (`after_effect`) |

Errors as GraphQL has them come from Alphacomm alone, with status 200 unless `status` is given; the
`data` beside them is `null`, `absent`, or `kept` after an effect.

With `without_effect` a kind that lets the effect happen does not, and answers as if it had: about
the record as it was.

How often: `times` (the next n requests that match), `probability` with `seed`, `for_seconds` by the
world's clock since the rule was made; together they all have to hold; without any, always.
"""

import dataclasses
from datetime import timedelta
from random import Random
from typing import Any, Final

from integrations.sandbox.clock import Clock, as_text
from integrations.sandbox.replies import Reply

# Every operation that a fault can strike, in the words of the journal.
TAPRAISE_OPERATIONS: Final = (
    "calls",
    "create-call",
    "add-attempt",
    "complete",
    "cancel",
    "expire",
    "pledges",
    "pledge",
    "create-pledge",
    "update-pledge",
    "change-pledge-status",
)
ALPHACOMM_OPERATIONS: Final = (
    "pay-links",
    "create-pay-link",
    "mandates",
    "create-mandate",
    "batches",
    "add-rows",
    "add-file",
    "stop-calling",
    "schema",
)
OPERATIONS: Final = (*TAPRAISE_OPERATIONS, *ALPHACOMM_OPERATIONS)
_SPOILING: Final = ("wrong_uuid", "unknown_enum", "extra_fields", "null_required")
KINDS: Final = (
    "status",
    "slow",
    "reset_before",
    "reset_after",
    "cut_body",
    "not_json",
    "empty_body",
    "unchanged",
    "late_effect",
    "read_lag",
    "graphql_errors",
    *_SPOILING,
)
_SECONDS: Final = ("seconds", "retry_after", "for_seconds")
_NEEDS_SECONDS: Final = ("slow", "late_effect", "read_lag")
_READS: Final = ("calls", "pledges", "pledge", "pay-links", "mandates", "batches", "schema")
_NUMBERS: Final = (
    "status",
    "seconds",
    "retry_after",
    "times",
    "probability",
    "seed",
    "for_seconds",
)
_TEXTS: Final = ("kind", "operation", "uuid", "field", "data")
_DATA: Final = ("null", "absent", "kept")
_FLAGS: Final = ("after_effect", "without_effect")
_MAY_HAVE_NO_EFFECT: Final = (
    "slow",
    "reset_after",
    "cut_body",
    "not_json",
    "empty_body",
    "wrong_uuid",
)


@dataclasses.dataclass
class Fault:
    """One rule, and how often it struck."""

    id: int
    kind: str
    operation: str = "*"
    uuid: str | None = None
    status: int | None = None
    seconds: float = 0
    retry_after: float | None = None
    after_effect: bool = False
    without_effect: bool = False
    field: str | None = None
    data: str = "null"
    times: int | None = None
    probability: float | None = None
    seed: int = 1
    for_seconds: float | None = None
    until: str | None = None
    struck: int = 0
    random: Random = dataclasses.field(default_factory=Random, repr=False)

    def matches(self, operation: str, uuid: str | None, now: str) -> bool:
        """Whether it strikes this request; a draw of its probability is spent on the way."""
        if self.operation not in {"*", operation}:
            return False
        # A list speaks of many records: there the one to spoil is looked for in the answer.
        is_list_to_spoil = uuid is None and self.kind in _SPOILING
        if self.uuid not in {None, uuid} and not is_list_to_spoil:
            return False
        if self.kind == "read_lag" and operation not in _READS:
            return False
        if self.kind == "late_effect" and operation in _READS:
            return False
        if self.kind == "graphql_errors" and operation not in ALPHACOMM_OPERATIONS:
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        if self.until is not None and now >= self.until:
            return False
        return self.probability is None or self.random.random() < self.probability

    def is_over(self, now: str) -> bool:
        is_spent = self.times is not None and self.struck >= self.times
        return is_spent or (self.until is not None and now >= self.until)

    def as_dict(self) -> dict[str, Any]:
        shown = {name: getattr(self, name) for name in (*_TEXTS, *_NUMBERS, *_FLAGS, "until")}
        return {"id": self.id, **shown, "struck": self.struck}


class Faults:
    """The rules in force; the first that strikes a request decides."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.rules: list[Fault] = []
        self._last_id = 0

    def add(self, given: Any) -> Fault:
        """Make a rule out of its JSON object. ValueError says in one sentence what is wrong."""
        _check(given)
        self._last_id += 1
        # Numbers of JSON arrive as decimals, which neither sleep nor timedelta takes.
        seconds = {name: float(given[name]) for name in _SECONDS if name in given}
        fault = Fault(id=self._last_id, **{**given, **seconds})
        # The rule's own number keeps two rules with one seed from striking in step.
        fault.random = Random(f"{fault.seed} {fault.id}")
        if fault.for_seconds is not None:
            fault.until = as_text(self._clock.now() + timedelta(seconds=fault.for_seconds))
        self.rules.append(fault)
        return fault

    def pick(self, operation: str, uuid: str | None) -> Fault | None:
        """The fault that strikes this request, if any; it counts as struck."""
        now = as_text(self._clock.now())
        self.rules = [rule for rule in self.rules if not rule.is_over(now)]
        for rule in self.rules:
            if rule.matches(operation, uuid, now):
                rule.struck += 1
                return rule
        return None

    def remove(self, rule_id: int | None = None) -> None:
        """Take away one rule, or all."""
        self.rules = [rule for rule in self.rules if rule_id not in {None, rule.id}]

    def clear(self) -> None:
        """Forget every rule, and count from 1 again: what follows is the same after each reset."""
        self.rules = []
        self._last_id = 0


def _check(given: Any) -> None:
    if not isinstance(given, dict):
        raise ValueError("A fault is a JSON object.")  # noqa: TRY004  (one kind of error to answer)
    unknown = given.keys() - {*_NUMBERS, *_TEXTS, *_FLAGS}
    if unknown:
        raise ValueError(f"A fault has no {', '.join(sorted(unknown))}.")
    for name in _NUMBERS:
        if name in given and (isinstance(given[name], (bool, str)) or given[name] is None):
            raise ValueError(f"{name} is a number.")
    if given.get("kind") not in KINDS:
        raise ValueError(f"kind is one of: {', '.join(KINDS)}.")
    if given.get("operation", "*") not in {"*", *OPERATIONS}:
        raise ValueError(f"operation is * or one of: {', '.join(OPERATIONS)}.")
    if given["kind"] == "status" and not 400 <= given.get("status", 0) <= 599:
        raise ValueError("A fault of kind status needs a status from 400 to 599.")
    if given.get("data", "null") not in _DATA:
        raise ValueError(f"data is one of: {', '.join(_DATA)}.")
    if given["kind"] in _NEEDS_SECONDS and not given.get("seconds", 0) > 0:
        raise ValueError(f"A fault of kind {given['kind']} needs seconds above 0.")
    if given.get("without_effect") and given["kind"] not in _MAY_HAVE_NO_EFFECT:
        raise ValueError(f"without_effect goes with one of: {', '.join(_MAY_HAVE_NO_EFFECT)}.")


def spoil_reply(reply: Reply, fault: Fault) -> Reply:
    """The answer as it goes out under a fault that does not care what stands in it."""
    if fault.kind == "slow":
        reply.delay = fault.seconds
    elif fault.kind == "reset_after":
        reply.ending = "reset"
    elif fault.kind == "cut_body":
        reply.ending = "cut"
    elif fault.kind == "not_json":
        page = b"<!doctype html><title>Welcome</title><p>This is not the API.</p>"
        return Reply(200, page, "text/html; charset=utf-8")
    elif fault.kind == "empty_body":
        return Reply(reply.status)
    return reply


def spoil(answer: Any, fault: Fault) -> Any:
    """The answer with one of its records spoilt: the rule's own record, or else the first."""
    if fault.kind not in _SPOILING or not isinstance(answer, dict):
        return answer
    edges = answer.get("edges")
    if edges is None:
        return _spoil_record(answer, fault)
    for position, edge in enumerate(edges):
        if fault.uuid in {None, edge["node"]["uuid"]}:
            spoilt = {**edge, "node": _spoil_record(edge["node"], fault)}
            return {**answer, "edges": [*edges[:position], spoilt, *edges[position + 1 :]]}
    return answer


def _spoil_record(record: dict[str, Any], fault: Fault) -> dict[str, Any]:
    if fault.kind == "wrong_uuid":
        return {**record, "uuid": "00000000-0000-4000-8000-00000000dead"}
    if fault.kind == "unknown_enum":
        return {**record, fault.field or "status": "sandboxed"}
    if fault.kind == "null_required":
        default = "requestedAt" if "requestedAt" in record else "startsAt"
        return {**record, fault.field or default: None}
    spoilt = {**record, "sandboxExtra": {"nested": [1, "twee", None]}}
    if isinstance(record.get("person"), dict):
        spoilt["person"] = {**record["person"], "sandboxExtra": "ook hier"}
    return spoilt
