"""Alphacomm's records as they travel: what comes in, and what goes out.

The fields follow the document's examples. The rules:

* Amounts are whole cents. They come in as a number or as a text of digits and go out as a text,
  and nothing passes through a fraction on the way. ``money.py`` turns them into euros and back.
* Times carry a zone; a time without one is an error.
* A record needs what tells it apart: its ``id``, a batch its ``name``. Anything else may be null
  or missing and is then ``None``. Values that we do not know are kept as text.
"""

import datetime as dt

import msgspec
from msgspec import UNSET, UnsetType

from integrations.alphacomm.codec import Cents, Code, Key, Text
from integrations.records import Instant, check_times


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What every record that comes in has in common: shown, it tells its name and no more."""

    def __repr__(self) -> str:
        told_apart = getattr(self, "id", getattr(self, "name", ""))
        return f"<{type(self).__name__} {told_apart}>"


class Attribute(Record, frozen=True, kw_only=True):
    """``id`` comes back renamed: ``source`` as ``customer_source``."""

    id: Text | None = None
    value: Text | None = None

    def __repr__(self) -> str:
        return f"<Attribute {self.id}>"


class PayLinkRecord(Record, frozen=True, kw_only=True):
    """A payment link; ``amount_paid`` in cents. That it is paid is told by its status alone."""

    id: Key
    attributes: tuple[Attribute, ...] | None = None
    short_url: Text | None = None
    long_url: Text | None = None
    person_name: Text | None = None
    person_gender: Text | None = None
    status: Text | None = None
    amount_paid: Cents | None = None
    created_on: Instant | None = None
    updated_on: Instant | None = None

    def __post_init__(self) -> None:
        check_times(self.created_on, self.updated_on)

    def value_of(self, *names: str) -> str | None:
        """The first value of an attribute under one of these names."""
        for attribute in self.attributes or ():
            if attribute.id in names:
                return attribute.value
        return None


class MandateRecord(Record, frozen=True, kw_only=True):
    """An e-Mandate. Its answers never tell the debtor's reference."""

    id: Key
    reference: Text | None = None
    short_url: Text | None = None
    long_url: Text | None = None
    type: Text | None = None
    person_name: Text | None = None
    status: Text | None = None
    created_on: Instant | None = None
    updated_on: Instant | None = None

    def __post_init__(self) -> None:
        check_times(self.created_on, self.updated_on)


class Message(Record, frozen=True, kw_only=True):
    context: Text | None = None
    message: Text | None = None
    level: Text | None = None

    def __repr__(self) -> str:
        return f"<Message {self.level}>"


class ImportedRecord(Record, frozen=True, kw_only=True):
    """What became of one row."""

    script_id: Code | None = None
    status: Text | None = None
    reference: Text | None = None
    messages: tuple[Message, ...] | None = None


class BadRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be read, and why. ``raw`` is JSON, and personal."""

    id: str | None
    path: str
    reason: str
    raw: bytes

    def __repr__(self) -> str:
        return f"<BadRecord {self.id}: {self.reason} at {self.path}>"


class BatchRecord(Record, frozen=True, kw_only=True):
    """What was imported in one go. Only the answer to rows tells ``records``, and those of that
    request alone; ``bad`` are the ones among them that could not be read.
    """

    name: Key
    action: Text | None = None
    status: Text | None = None
    records: tuple[ImportedRecord, ...] = ()
    bad: tuple[BadRecord, ...] = ()


class Input(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every input that goes out has in common: a field left ``UNSET`` is not sent."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class AttributeInput(Input, frozen=True, kw_only=True):
    id: str
    value: str


class PayLinkInput(Input, frozen=True, kw_only=True):
    """A payment link to be made; ``invoice_amount`` in cents.

    It can be paid for 90 days, or until ``visible_until``.
    """

    person_name: str
    invoice_amount: int
    invoice_currency: str = "EUR"
    invoice_description: str
    invoice_reference: str
    invoice_date: dt.datetime
    visible_until: dt.datetime | UnsetType = UNSET
    attributes: tuple[AttributeInput, ...] = ()


class MandateInput(Input, frozen=True, kw_only=True):
    """An e-Mandate to be given. ``reference`` may be shared by many, ``debtor_reference`` is the
    person's own."""

    person_name: str
    reference: str
    type: str
    reason: str
    debtor_reference: str


class RowInput(Input, frozen=True, kw_only=True):
    """One person for a script: which fields it needs is the script's own affair.

    ``invoice_amount`` in cents; phone numbers in E.164.
    """

    reference: str
    script: str
    person_family_name: str | UnsetType = UNSET
    person_birth_day: dt.date | UnsetType = UNSET
    to_mail_address: str | UnsetType = UNSET
    to_phone_numbers: tuple[str, ...] | UnsetType = UNSET
    invoice_description: str | UnsetType = UNSET
    invoice_date: dt.date | UnsetType = UNSET
    invoice_due_date: dt.date | UnsetType = UNSET
    invoice_reference: str | UnsetType = UNSET
    invoice_currency: str | UnsetType = UNSET
    invoice_amount: int | UnsetType = UNSET
    invoice_number: str | UnsetType = UNSET
