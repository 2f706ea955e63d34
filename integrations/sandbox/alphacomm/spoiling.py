"""What faults make of an answer of Alphacomm's."""

from typing import Any

from integrations.sandbox.faults import Fault


def spoil(data: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """The data with one record spoilt: the rule's own, or else the first."""
    for service, fields in data.items():
        for field, answer in (fields or {}).items() if isinstance(fields, dict) else ():
            if isinstance(answer, dict):
                return {**data, service: {**fields, field: _spoil_answer(answer, fault)}}
    return data


def _spoil_answer(answer: dict[str, Any], fault: Fault) -> dict[str, Any]:
    if "items" not in answer:
        return _spoil_record(answer, fault)
    items = answer["items"] or []
    for place, record in enumerate(items):
        if fault.uuid in {None, record.get("id"), record.get("name")}:
            spoilt = _spoil_record(record, fault)
            return {**answer, "items": [*items[:place], spoilt, *items[place + 1 :]]}
    return answer


def _spoil_record(record: dict[str, Any], fault: Fault) -> dict[str, Any]:
    key = "id" if "id" in record else "name"
    if fault.kind == "wrong_uuid":
        return {**record, key: "00000000-0000-4000-8000-00000000dead"}
    if fault.kind == "unknown_enum":
        return {**record, fault.field or "status": "sandboxed"}
    if fault.kind == "null_required":
        return {**record, fault.field or key: None}
    if fault.kind == "extra_fields":
        return {**record, "sandboxExtra": {"nested": [1, "twee", None]}}
    return record
