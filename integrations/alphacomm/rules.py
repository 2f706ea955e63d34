"""What the API asks of a request beyond its schema, checked before anything is sent."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from integrations.alphacomm.codec import MOST_CENTS, instant
from integrations.alphacomm.wire import Input, MandateInput, PayLinkInput, RowInput
from integrations.http import NotSendable

# More than that go as a file.
MOST_ROWS: Final = 1_000
MOST_BYTES: Final = 10 * 1024 * 1024
MOST_DIGITS: Final = 9

_CURRENCY = re.compile(r"[A-Z]{3}")
_PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_EXTENSION = re.compile(r"[a-z0-9]{1,5}")
_NUMBER = re.compile(rf"[0-9]{{1,{MOST_DIGITS}}}")


def check_pay_link(pay_link: PayLinkInput) -> None:
    _check_texts(pay_link)
    _check_amount(pay_link.invoice_amount)
    _check_currency(pay_link.invoice_currency)
    _check_instant(pay_link.invoice_date)
    if isinstance(pay_link.visible_until, dt.datetime):
        _check_instant(pay_link.visible_until)
        if pay_link.visible_until <= pay_link.invoice_date:
            raise NotSendable("A payment link can be paid for a while after its date.")
    for attribute in pay_link.attributes:
        _check_texts(attribute)


def check_mandate(mandate: MandateInput) -> None:
    _check_texts(mandate)


def check_rows(rows: Sequence[RowInput]) -> None:
    """Each row by itself, and together: the answer tells them apart by script and reference."""
    if not 1 <= len(rows) <= MOST_ROWS:
        raise NotSendable(f"Rows go out by 1 to {MOST_ROWS:,} at a time.")
    check_rows_of_file(rows)


def check_rows_of_file(rows: Sequence[RowInput]) -> None:
    """The same for what goes into a file, however many."""
    if len({(row.script, row.reference) for row in rows}) < len(rows):
        raise NotSendable("Two rows of one script need references of their own.")
    for row in rows:
        _check_row(row)


def check_file(contents: bytes, extension: str) -> None:
    if not 1 <= len(contents) <= MOST_BYTES:
        raise NotSendable("A file is neither empty nor larger than 10 MB.")
    if not _EXTENSION.fullmatch(extension):
        raise NotSendable("A file has an extension such as csv.")


def check_stop_calling(script_id: int | str, reference: str) -> int:
    """Return the number of the script: a number here, it is a text everywhere else."""
    number = str(script_id)
    if isinstance(script_id, bool) or not _NUMBER.fullmatch(number) or int(number) < 1:
        raise NotSendable("Calls are stopped for a script that has a number.")
    _check_text(reference)
    return int(number)


def check_key(text: str) -> None:
    _check_text(text)


def check_window(created_from: dt.datetime | None, created_until: dt.datetime | None) -> None:
    for end in (created_from, created_until):
        if end is not None:
            _check_instant(end)
    if created_from and created_until and created_from >= created_until:
        raise NotSendable("A window of time begins before it ends.")


def check_page_size(page_size: int) -> None:
    if page_size < 1:
        raise NotSendable("A page holds at least one record.")


def _check_row(row: RowInput) -> None:
    _check_texts(row)
    if isinstance(row.invoice_amount, int):
        _check_amount(row.invoice_amount)
    if isinstance(row.invoice_currency, str):
        _check_currency(row.invoice_currency)
    for date in (row.person_birth_day, row.invoice_date, row.invoice_due_date):
        if isinstance(date, dt.datetime):
            raise NotSendable("A row has days, without a time.")
    begin, end = row.invoice_date, row.invoice_due_date
    if isinstance(begin, dt.date) and isinstance(end, dt.date) and end < begin:
        raise NotSendable("An invoice is due on its date or later.")
    numbers = row.to_phone_numbers
    if isinstance(numbers, tuple) and not all(map(_PHONE_NUMBER.fullmatch, numbers or [""])):
        raise NotSendable("A phone number starts with + and the country.")


def _check_texts(body: Input) -> None:
    for field in msgspec.structs.fields(type(body)):
        value = getattr(body, field.name)
        if isinstance(value, str):
            _check_text(value)


def _check_text(text: str) -> None:
    if not text.strip() or "\0" in text:
        raise NotSendable("A text that is sent is not empty.")


def _check_amount(cents: int) -> None:
    if isinstance(cents, bool) or not isinstance(cents, int) or not 1 <= cents <= MOST_CENTS:
        raise NotSendable("An amount is a whole number of cents, at least one.")


def _check_currency(currency: str) -> None:
    if not _CURRENCY.fullmatch(currency):
        raise NotSendable("A currency has a code of three letters.")


def _check_instant(at: dt.datetime) -> None:
    if not isinstance(at, dt.datetime) or not 1900 < at.year < 9999:
        raise NotSendable("A time that is sent is a moment of this age.")
    instant(at)
