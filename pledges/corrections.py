"""What a correction is about: the fields of each detail, how it stood, and how it reads in a line.

An account number is only written out for who asks for it; everybody else reads its last four.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from django.utils.formats import date_format

from pledges.models import Correction, Person, Pledge
from pledges.phone import as_spoken

MASK: Final = "••••"

# The fields of each detail, by the names of the mirror's columns where it has them.
FIELDS: Final[Mapping[str, Sequence[str]]] = {
    Correction.Item.NAME: ("initials", "last_name_prefix", "last_name"),
    Correction.Item.DATE_OF_BIRTH: ("date_of_birth",),
    Correction.Item.ADDRESS: (
        "street",
        "house_number",
        "house_number_extension",
        "zip_code",
        "city",
    ),
    Correction.Item.PHONE: ("phone",),
    Correction.Item.EMAIL: ("email",),
    Correction.Item.PAYMENT_DAY: ("preferred_payment_day",),
    Correction.Item.ACCOUNT: ("iban",),
}
# What nobody is shown without asking.
MASKED: Final = (Correction.Item.ACCOUNT, Correction.Item.DATE_OF_BIRTH)


def as_it_was(item: str, person: Person, pledge: Pledge | None) -> dict[str, str]:
    """How TapRaise tells this detail now, field by field; empty texts for what it does not tell."""
    if item == Correction.Item.PHONE:
        return {"phone": ", ".join(person.phone_keys) or person.mobile_phone_number or ""}
    source = pledge if item == Correction.Item.PAYMENT_DAY else person
    return {name: _text(getattr(source, name, None)) for name in FIELDS[item]}


def in_words(correction: Correction, *, is_masked: bool) -> str:
    """What the donor says it is."""
    return spelled(correction.item, correction.now, is_masked=is_masked)


def spelled(item: str, told: Mapping[str, str], *, is_masked: bool) -> str:
    """One detail in one line; `is_masked` keeps back what is not for every eye."""
    if item == Correction.Item.ADDRESS:
        number = " ".join(filter(None, (told["house_number"], told["house_number_extension"])))
        street = f"{told['street']} {number}".strip()
        place = f"{told['zip_code']} {told['city']}".strip()
        return ", ".join(filter(None, (street, place)))
    if item == Correction.Item.PHONE:
        return ", ".join(map(_spoken, filter(None, told["phone"].split(", "))))
    if item == Correction.Item.ACCOUNT:
        return _masked_account(told["iban"]) if is_masked else _in_fours(told["iban"])
    if item == Correction.Item.DATE_OF_BIRTH:
        return _day(told["date_of_birth"], is_masked=is_masked)
    return " ".join(filter(None, (told.get(name, "") for name in FIELDS[item])))


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def _spoken(number: str) -> str:
    return as_spoken(number) if number.startswith("+") else number


def _masked_account(iban: str) -> str:
    return f"{MASK} {iban[-4:]}" if iban else ""


def _in_fours(iban: str) -> str:
    return " ".join(iban[n : n + 4] for n in range(0, len(iban), 4))


def _day(text: str, *, is_masked: bool) -> str:
    if not text:
        return ""
    day = date.fromisoformat(text)
    return f"•• - •• - {day.year}" if is_masked else str(date_format(day, "SHORT_DATE_FORMAT"))
