"""What Alphacomm is asked for, and in which words: builds the messages, sends none.

Amounts leave in whole cents, times aware and in whole seconds. Each begins a line of its own, so no
row has to be locked for its place there.
"""

import csv
import io
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from accounts.models import User
from integrations import clients, outbox
from integrations.alphacomm import rules
from integrations.alphacomm.money import cents
from integrations.alphacomm.wire import AttributeInput, MandateInput, PayLinkInput, RowInput
from integrations.models import Delivery
from pledges.messages.pledges import plain
from pledges.models import Mandate, PayLink, PaymentRules, Person, RowField, TextMessage

CREATE_PAY_LINK: Final = "alphacomm.create_pay_link"
ADD_ROWS: Final = "alphacomm.add_rows"
ADD_FILE: Final = "alphacomm.add_file"
CREATE_MANDATE: Final = "alphacomm.create_mandate"
STOP_CALLING: Final = "alphacomm.stop_calling"

# Our own mark on a PayLink: the id of the message that made it.
OP: Final = "op"
# How many rows of a batch leave with one message: what is unclear about an answer is about so many.
CHUNK: Final = 100
# Whoever has no name here gets a link all the same, and a name is asked for.
NO_NAME: Final = "Donateur"
_DAYS: Final = frozenset({RowField.BIRTH_DAY, RowField.DATE, RowField.DUE_DATE})


def enqueue_pay_link(pay_link: PayLink) -> Delivery:
    """A PayLink to be shown, for `payLink.create`. It leaves at once. Raises NotSendable."""
    payload = {
        "pay_link": str(pay_link.pk),
        "person_name": _name(pay_link.person),
        "amount": cents(pay_link.amount),
        "description": pay_link.description,
        "reference": pay_link.invoice_reference,
        "date": plain(pay_link.at),
        "visible_until": plain(pay_link.visible_until),
    }
    rules.check_pay_link(pay_link_input(payload, op=str(pay_link.pk)))
    return _enqueue(CREATE_PAY_LINK, payload, about=pay_link, undo=False)


def enqueue_mandate(mandate: Mandate, *, terms: PaymentRules) -> Delivery:
    """An e-Mandate to be shown, for `mandate.create`. It leaves at once. Raises NotSendable."""
    payload = {
        "mandate": str(mandate.pk),
        "person_name": _name(mandate.person),
        "reference": mandate.reference,
        "type": terms.mandate_type,
        "reason": terms.mandate_reason,
        "debtor_reference": mandate.debtor_reference,
    }
    rules.check_mandate(mandate_input(payload))
    return _enqueue(CREATE_MANDATE, payload, about=mandate, undo=False)


def enqueue_rows(
    messages: Sequence[TextMessage],
    *,
    subject: str,
    user: User,
    token: uuid.UUID,
    at: datetime,
) -> Delivery:
    """Messages that leave together, for `import.addRecords` with rows. Raises NotSendable.

    The rows of the messages need not be saved yet; `subject` is the line that this begins.
    """
    payload = {"rows": [_row(one) for one in messages]}
    rules.check_rows(row_inputs(payload))
    return outbox.enqueue(
        ADD_ROWS,
        subject=subject,
        account=clients.ALPHACOMM,
        payload=payload,
        fingerprint=str(token),
        token=token,
        by=user,
        at=at,
    )


def enqueue_chunks(
    messages: Sequence[TextMessage],
    *,
    subject: str,
    user: User,
    token: uuid.UUID,
    at: datetime,
) -> list[Delivery]:
    """Many messages of one script, some at a time on one line: each gets the delivery that it
    leaves with. Raises NotSendable."""
    chunks = [messages[start : start + CHUNK] for start in range(0, len(messages), CHUNK)]
    payloads = [{"rows": [_row(one) for one in chunk]} for chunk in chunks]
    for payload in payloads:
        rules.check_rows(row_inputs(payload))
    deliveries = outbox.enqueue_line(
        ADD_ROWS,
        subject=subject,
        account=clients.ALPHACOMM,
        payloads=payloads,
        token=token,
        by=user,
        at=at,
    )
    for delivery, chunk in zip(deliveries, chunks, strict=True):
        for message in chunk:
            message.delivery = delivery
    return deliveries


def enqueue_file(
    messages: Sequence[TextMessage],
    *,
    subject: str,
    user: User,
    token: uuid.UUID,
    at: datetime,
) -> list[Delivery]:
    """Many messages of one script as one file, for `import.addRecords` with a file. Raises
    NotSendable."""
    rows = [_row(one) for one in messages]
    rules.check_rows_of_file(row_inputs({"rows": rows}))
    payload = {"contents": as_csv(rows), "extension": "csv"}
    rules.check_file(payload["contents"].encode(), payload["extension"])
    deliveries = outbox.enqueue_line(
        ADD_FILE,
        subject=subject,
        account=clients.ALPHACOMM,
        payloads=[payload],
        token=token,
        by=user,
        at=at,
    )
    for message in messages:
        message.delivery = deliveries[0]
    return deliveries


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a file has them: columns by the names of the API, amounts in cents.

    A machine reads it: what a donor is called stands there as it is, and is quoted where it has to
    be.
    """
    names = {field.name: field.encode_name for field in msgspec.structs.fields(RowInput)}
    columns = [name for name in names if any(name in row for row in rows)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names[name] for name in columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return out.getvalue()


def csv_of_those(contents: str, references: Collection[str]) -> str:
    """The file without the rows of other references."""
    wanted = frozenset(references)
    head, *rows = csv.reader(io.StringIO(contents, newline=""))
    place = head.index("reference")
    kept = [row for row in rows if row[place] in wanted]
    if len(kept) == len(rows):
        return contents
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([head, *kept])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, list) else str(value)


def enqueue_stop(
    message: TextMessage, *, user: User, token: uuid.UUID | None, at: datetime
) -> Delivery:
    """A voice message that is to ring nobody any more, for `voice.stopCalling`.

    With a token it waits out the undo window. The caller holds the lock on the message's row.
    """
    payload = {"script": message.script.script_id, "reference": message.reference}
    rules.check_stop_calling(payload["script"], payload["reference"])
    return outbox.enqueue(
        STOP_CALLING,
        subject=message.stop_subject,
        account=clients.ALPHACOMM,
        payload=payload,
        fingerprint=message.reference,
        token=token,
        by=user,
        at=at,
        undo=token is not None,
    )


def pay_link_input(payload: Mapping[str, Any], *, op: str) -> PayLinkInput:
    """The body of a PayLink to be made; `op` is our mark on it."""
    return PayLinkInput(
        person_name=payload["person_name"],
        invoice_amount=payload["amount"],
        invoice_description=payload["description"],
        invoice_reference=payload["reference"],
        invoice_date=datetime.fromisoformat(payload["date"]),
        visible_until=datetime.fromisoformat(payload["visible_until"]),
        attributes=(AttributeInput(id=OP, value=op),),
    )


def mandate_input(payload: Mapping[str, Any]) -> MandateInput:
    """The body of an e-Mandate to be made."""
    return MandateInput(
        person_name=payload["person_name"],
        reference=payload["reference"],
        type=payload["type"],
        reason=payload["reason"],
        debtor_reference=payload["debtor_reference"],
    )


def row_inputs(payload: Mapping[str, Any]) -> list[RowInput]:
    """The rows of an import: what was left empty is not sent."""
    return [
        RowInput(**{name: _field(name, value) for name, value in row.items()})
        for row in payload["rows"]
    ]


def _row(message: TextMessage) -> dict[str, Any]:
    return {"reference": message.reference, "script": message.script.script_id, **message.fields}


def _field(name: str, value: Any) -> Any:
    if name in _DAYS:
        return date.fromisoformat(value)
    return tuple(value) if name == RowField.PHONE_NUMBERS else value


def _name(person: Person) -> str:
    return person.full_name or NO_NAME


def _enqueue(
    operation: str, payload: dict[str, Any], *, about: PayLink | Mandate, undo: bool
) -> Delivery:
    return outbox.enqueue(
        operation,
        subject=about.subject,
        account=clients.ALPHACOMM,
        payload=payload,
        fingerprint=str(about.pk),
        token=about.token,
        by=about.user,
        at=about.at,
        undo=undo,
    )
