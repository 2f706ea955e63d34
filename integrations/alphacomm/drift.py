"""Values that Alphacomm sends and its document does not list, counted by place.

Fields need no counting: we are sent those that we ask for. What is counted is a code; where a
value may be anything it is not told.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.alphacomm import values
from integrations.alphacomm.events import PAY_LINK, Event
from integrations.alphacomm.wire import BatchRecord, ImportedRecord, MandateRecord, PayLinkRecord
from integrations.records import VALUE, Deviation, told

# A code has letters first; a row of digits may be somebody's number.
_CODE = re.compile(r"(?!.*\d{4})[^\W\d_][\w.: -]*")


AnyRecord = PayLinkRecord | MandateRecord | BatchRecord


def deviations(records: Iterable[AnyRecord]) -> Mapping[Deviation, int]:
    """Count the unknown values of records, each time that one occurs."""
    found: Counter[Deviation] = Counter()
    for record in records:
        match record:
            case PayLinkRecord():
                _count(found, "status", record.status, values.PAY_LINK_STATUSES)
            case MandateRecord():
                _count(found, "status", record.status, values.MANDATE_STATUSES)
            case BatchRecord():
                _count(found, "status", record.status, values.BATCH_STATUSES)
                _count(found, "action", record.action, values.BATCH_ACTIONS)
                _count_rows(found, record.records)
    return found


def deviations_of_event(event: Event) -> Mapping[Deviation, int]:
    """Count what an event says otherwise than documented, its own name included."""
    found: Counter[Deviation] = Counter()
    if not event.is_known:
        found[Deviation(VALUE, "event", told(event.event, _CODE))] += 1
        return found
    if event.service == PAY_LINK:
        return found
    _count(found, "status", event.status or None, values.CALL_STATUSES)
    _count(found, "direction", event.direction, values.DIRECTIONS)
    for step in event.steps:
        _count(found, "events.nodeType", step.get("nodeType"), values.NODE_TYPES)
        _count(found, "events.type", step.get("type"), values.EVENT_TYPES)
    return found


def _count_rows(found: Counter[Deviation], rows: Iterable[ImportedRecord]) -> None:
    for row in rows:
        _count(found, "records.status", row.status, values.RECORD_STATUSES)


def _count(found: Counter[Deviation], path: str, value: Any, known: frozenset[str]) -> None:
    if value is not None and not (isinstance(value, str) and value in known):
        found[Deviation(VALUE, path, told(value, _CODE))] += 1
