"""The scripts that were set up with the stand-in Alphacomm: what each sends, and what it needs."""

from typing import Any, Final

Script = dict[str, Any]

_INVOICE: Final = ["invoiceAmount", "invoiceCurrency", "invoiceDescription", "invoiceReference"]


def _script(number: int, name: str, medium: str, carries: str, required: list[str]) -> Script:
    return {
        "id": str(number),
        "name": name,
        "medium": medium,
        "carries": carries,
        "required": required,
    }


# medium: sms, email or voice; carries: nothing, paylink or mandate.
SEEDED: Final = (
    _script(
        1001,
        "Eerste betaling per sms",
        "sms",
        "paylink",
        ["personFamilyName", "toPhoneNumbers", *_INVOICE],
    ),
    _script(1002, "Terugbelbericht per sms", "sms", "nothing", ["toPhoneNumbers"]),
    _script(
        1003,
        "Eerste betaling per e-mail",
        "email",
        "paylink",
        ["personFamilyName", "toMailAddress", *_INVOICE],
    ),
    _script(
        1004,
        "Machtiging per sms",
        "sms",
        "mandate",
        ["personFamilyName", "toPhoneNumbers", "invoiceDescription", "invoiceReference"],
    ),
    _script(
        18301,
        "Gesproken herinnering",
        "voice",
        "nothing",
        ["personFamilyName", "toPhoneNumbers", "invoiceAmount"],
    ),
)
