"""How far TapRaise has moved on from its documents: what it sends that they do not name, and what
they promise and it leaves out.

A page that keeps to the documents is known as such by one strict decode in C, which tells names,
values and promises apart; only a record that fails it is looked at closer. What is counted is a
place and a code: a value is told where the documents list all values, and nowhere else.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from integrations.records import FIELD, MISSING, VALUE, Deviation, told
from integrations.tapraise import values, wire
from integrations.tapraise.redaction import is_forbidden

# The values that the documents list, by field of ours.
KNOWN_VALUES: dict[type[wire.Record], dict[str, frozenset[Any]]] = {
    wire.CallRecord: {"status": values.CALL_STATUSES, "type": values.CALL_TYPES},
    wire.ResultRecord: {
        "result_code": values.RESULT_CODES,
        "donor_retention_rating": values.RETENTION_RATINGS,
    },
    wire.PersonRecord: {"gender": values.GENDERS},
    wire.GateResultRecord: {
        "identifier": values.GATE_IDENTIFIERS,
        "category": values.GATE_CATEGORIES,
        "explanation": values.GATE_EXPLANATIONS,
    },
    wire.TransactionOriginRecord: {"name": values.TRANSACTION_ORIGINS},
    wire.TransactionRecord: {
        "status": values.TRANSACTION_STATUSES,
        "provider": values.TRANSACTION_PROVIDERS,
        "method": values.TRANSACTION_METHODS,
    },
    wire.PledgeRecord: {
        "status": values.PLEDGE_STATUSES,
        "initial_donation_interval": values.INTERVALS,
        "donation_interval": values.INTERVALS,
        "recruitment_type": values.RECRUITMENT_TYPES,
    },
}

# What the documents promise and never call null, beside what a record cannot be read without.
# What was not asked for is null there, so no include is among these.
PROMISED: dict[type[wire.Record], tuple[str, ...]] = {
    wire.CallRecord: ("attempts", "attempts_count", "type"),
    wire.CallExternalMetadataRecord: ("application_name", "reference_id"),
    wire.ResultRecord: ("completed_at",),
    wire.OrganizationRecord: ("name",),
    wire.PersonRecord: ("person_uuid", "created_at", "owning_organization"),
    wire.MandateRecord: ("created_at",),
    wire.QualityResultRecord: ("score", "max_score", "percentage", "created_at", "gate_results"),
    wire.GateResultRecord: ("category", "score", "max_score", "percentage", "explanation"),
    wire.RecruiterUserRecord: ("identifier",),
    wire.TransactionRecord: ("person_uuid", "origin", "amount", "description", "created_at"),
    wire.TransactionOriginRecord: ("name", "identifier"),
    wire.FocusAreaRecord: ("name",),
    wire.ExternalSourceRecord: ("name", "identifier"),
    wire.PledgeRecord: (
        "starts_at",
        "owning_organization_uuid",
        "owning_organization",
        "recruiting_organization_uuid",
        "recruiting_organization",
        "initial_donation_amount",
        "donation_amount",
        "initial_donation_interval",
        "donation_interval",
        "recruiter_user_uuid",
        "recruiter_user",
        "focus_areas",
    ),
}

# Documented, and dropped by the decoder: passed over unread.
DROPPED: Final = frozenset({"socialSecurityNumber", "signatureSignedUrl"})

# A code has letters first; a row of digits may be somebody's number.
_CODE = re.compile(r"(?!.*\d{4})[^\W\d_][\w.: -]*|\d{1,3}(\.\d{1,2})?")
_NAME = re.compile(r"(?!.*\d{4})\w[\w-]*")


def keeps_to_documents(body: bytes, kind: type[wire.Record]) -> bool:
    """Whether all that a page says is as the documents have it."""
    return _decodes(_strict_page(kind), body)


def deviations(nodes: Iterable[bytes], kind: type[wire.Record]) -> Mapping[Deviation, int]:
    """Count what is otherwise than documented in raw records, each time that it occurs.

    The free-form parts are not searched, and the fields that are dropped on purpose are known.
    What is no JSON deviates in nothing: it cannot be read at all.
    """
    found: Counter[Deviation] = Counter()
    strict = _strict_record(kind)
    shape = _shape(kind, "", frozenset())
    for node in nodes:
        if _decodes(strict, node):
            continue
        try:
            raw = msgspec.json.decode(node)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
        _compare(raw, shape, found)
    return found


@dataclass(frozen=True)
class _Shape:
    """What the documents say of one kind of record in one place, by the names on the wire."""

    path: str
    known: frozenset[str]
    promised: tuple[str, ...]
    values: tuple[tuple[str, frozenset[Any]], ...]
    parts: tuple[tuple[str, "_Shape"], ...]


def _compare(raw: Any, shape: _Shape, found: Counter[Deviation]) -> None:
    if not isinstance(raw, dict):
        return
    if not raw.keys() <= shape.known:
        for name in raw.keys() - shape.known:
            if not is_forbidden(name):
                found[Deviation(FIELD, shape.path + told(name, _NAME))] += 1
    for name in shape.promised:
        if raw.get(name) is None:
            found[Deviation(MISSING, shape.path + name)] += 1
    for name, known in shape.values:
        value = raw.get(name)
        if value is not None and not _is_among(value, known):
            found[Deviation(VALUE, shape.path + name, told(value, _CODE))] += 1
    for name, part in shape.parts:
        inner = raw.get(name)
        if isinstance(inner, list):
            for item in inner:
                _compare(item, part, found)
        elif inner is not None:
            _compare(inner, part, found)


def _is_among(value: Any, known: frozenset[Any]) -> bool:
    try:
        return value in known
    except TypeError:
        return False


@cache
def _shape(kind: type[wire.Record], path: str, above: frozenset[type[wire.Record]]) -> _Shape:
    here = above | {kind}
    fields = msgspec.structs.fields(kind)
    names = {field.name: field.encode_name for field in fields}
    return _Shape(
        path=path,
        known=frozenset(names.values()) | DROPPED,
        promised=tuple(names[name] for name in names if name in _promised(kind)),
        values=tuple((names[name], known) for name, known in KNOWN_VALUES.get(kind, {}).items()),
        parts=tuple(
            (names[name], _shape(inner, f"{path}{names[name]}.", here))
            for name, (inner, _) in _parts(kind).items()
            if inner not in here
        ),
    )


@cache
def _promised(kind: type[wire.Record]) -> frozenset[str]:
    needed = (field.name for field in msgspec.structs.fields(kind) if field.required)
    return frozenset((*needed, *PROMISED.get(kind, ())))


@cache
def _parts(kind: type[wire.Record]) -> dict[str, tuple[type[wire.Record], bool]]:
    """The fields of a record that are records themselves, and whether they are lists of them."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        for option in (hint, *get_args(hint)):
            inner = get_args(option)[0] if get_origin(option) is tuple else option
            if isinstance(inner, type) and issubclass(inner, wire.Record):
                found[name] = (inner, inner is not option)
    return found


# The same in types, for msgspec to check in one go. What may be anything stays unread.
_SCALAR: Final = str | float | bool
_ANYTHING: Final = msgspec.Raw()


@cache
def _strict_record(kind: type[wire.Record]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_strict(kind, frozenset()))


@cache
def _strict_page(kind: type[wire.Record]) -> msgspec.json.Decoder[Any]:
    edge = msgspec.defstruct("Edge", [("node", _strict(kind, frozenset()))])
    edges: Any = list[edge]  # type: ignore[valid-type]
    return msgspec.json.Decoder(msgspec.defstruct("Page", [("edges", edges)]))


def _strict(kind: type[wire.Record], above: frozenset[type[wire.Record]]) -> type[Any]:
    here, parts, known = above | {kind}, _parts(kind), KNOWN_VALUES.get(kind, {})
    fields: list[tuple[str, Any, Any]] = [(name, msgspec.Raw, _ANYTHING) for name in DROPPED]
    for field in msgspec.structs.fields(kind):
        is_promised = field.name in _promised(kind)
        checked: Any = None
        if field.name in parts and parts[field.name][0] not in here:
            inner, is_list = parts[field.name]
            checked = _strict(inner, here)
            checked = list[checked] if is_list else checked
        elif field.name in known:
            checked = _literal(known[field.name])
        elif is_promised:
            checked = _SCALAR
        if checked is None:
            fields.append((field.encode_name, msgspec.Raw, _ANYTHING))
        elif is_promised:
            fields.append((field.encode_name, checked, msgspec.NODEFAULT))
        else:
            fields.append((field.encode_name, checked | None, None))
    return msgspec.defstruct(
        kind.__name__, fields, kw_only=True, forbid_unknown_fields=True, gc=False
    )


def _literal(known: frozenset[Any]) -> Any:
    options: Any = Literal
    return options[tuple(sorted(known))]


def _decodes(decoder: msgspec.json.Decoder[Any], body: bytes) -> bool:
    try:
        decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True
