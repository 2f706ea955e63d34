"""A record of an import held against the script that it is for, and a file read as such records."""

import base64
import binascii
import csv
import io
import re
from typing import Any, Final

from integrations.sandbox.alphacomm.links import CENTS
from integrations.sandbox.alphacomm.scripts import Script
from integrations.sandbox.paging import Record

Row = dict[str, Any]

EXTENSIONS: Final = ("csv", "xml", "xlsx", "xls", "ods")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
# Without these there is nowhere to send to, whatever the script says.
_NEEDED: Final = {"sms": "toPhoneNumbers", "voice": "toPhoneNumbers", "email": "toMailAddress"}
FIELDS: Final = (
    "reference",
    "script",
    "personFamilyName",
    "personBirthDay",
    "toMailAddress",
    "toPhoneNumbers",
    "invoiceDescription",
    "invoiceDate",
    "invoiceDueDate",
    "invoiceReference",
    "invoiceCurrency",
    "invoiceAmount",
    "invoiceNumber",
)
# A column by what is left of its head without capitals and signs.
_COLUMNS: Final = {
    **{name.lower(): name for name in FIELDS},
    "identificationidentifier": "reference",
    "scriptid": "script",
}


class UnreadableFile(Exception):
    """Nothing in it can be taken for records."""


def complaints(row: Row, script: Script | None) -> list[Record]:
    """What Alphacomm has to say about a record; with an `error` it is rejected."""
    if script is None:
        return [_message("script", f"There is no script {row.get('script')}.")]
    found = [
        _message(name, "This value should not be blank.")
        for name in dict.fromkeys((*script["required"], _NEEDED[script["medium"]]))
        if not row.get(name)
    ]
    numbers = row.get("toPhoneNumbers") or []
    if any(_PHONE.fullmatch(one) is None for one in numbers):
        found.append(_message("toPhoneNumbers", "This is no phone number as E.164 has it."))
    elif len(numbers) > 1 and script["medium"] != "voice":
        found.append(_message("toPhoneNumbers", "Only the first number is used.", "warning"))
    mail = row.get("toMailAddress")
    if mail and _MAIL.fullmatch(mail) is None:
        found.append(_message("toMailAddress", "This is no e-mail address."))
    amount = row.get("invoiceAmount")
    if amount and CENTS.fullmatch(amount) is None:
        found.append(_message("invoiceAmount", "This is no whole number of cents."))
    return found


def is_rejected(messages: list[Record]) -> bool:
    return any(one["level"] == "error" for one in messages)


def _message(context: str, text: str, level: str = "error") -> Record:
    return {"context": context, "message": text, "level": level}


def decoded(contents: str) -> bytes:
    """The bytes of a file. ValueError when they are not base64."""
    try:
        return base64.b64decode(contents, validate=True)
    except binascii.Error as problem:
        raise ValueError("not base64") from problem


def rows_of(extension: str, contents: bytes) -> list[Row]:
    """The records of a file. The sandbox reads CSV alone; the real one reads the others too."""
    if extension != "csv":
        raise UnreadableFile
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = contents.decode("latin-1")
    head = text.partition("\n")[0]
    delimiter = max(";,\t", key=head.count)
    read = csv.reader(io.StringIO(text), delimiter=delimiter)
    columns = [_COLUMNS.get(re.sub(r"[^a-z]", "", one.lower())) for one in next(read, [])]
    if not {"reference", "script"} <= set(columns):
        raise UnreadableFile
    return [_row(columns, values) for values in read if any(values)]


def _row(columns: list[str | None], values: list[str]) -> Row:
    row: Row = {
        name: value.strip()
        for name, value in zip(columns, values, strict=False)
        if name is not None and value.strip()
    }
    if "toPhoneNumbers" in row:
        row["toPhoneNumbers"] = re.split(r"[\s,|]+", row["toPhoneNumbers"])
    return row
