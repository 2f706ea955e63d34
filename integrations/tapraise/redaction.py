"""What may not be kept of a record, whatever it came in.

A call centre may not hold the national number, and the address of a signature opens a recording
for an hour to whoever has it: both are cut out at any depth. Of a record that is kept in
quarantine the details of payments are masked as well.
"""

import json
import re
from typing import Any

MASK = "•••"

FORBIDDEN = frozenset({"socialsecuritynumber", "signaturesignedurl"})
MASKED = frozenset({"iban", "providermetadata"})

_FORBIDDEN_TEXT = re.compile("|".join("[^a-z0-9]*".join(name) for name in FORBIDDEN), re.IGNORECASE)
_NOT_A_LETTER = re.compile(r"[^a-z0-9]")


def without_forbidden(value: Any) -> Any:
    """Copy decoded JSON without the forbidden fields, however their names are spelled.

    A text that carries such a field itself, as JSON inside JSON does, is masked whole.
    """
    if isinstance(value, dict):
        return {
            key: without_forbidden(item) for key, item in value.items() if not is_forbidden(key)
        }
    if isinstance(value, list):
        return [without_forbidden(item) for item in value]
    if isinstance(value, str) and _FORBIDDEN_TEXT.search(value):
        return MASK
    return value


def is_forbidden(name: str) -> bool:
    """Tell whether a field of this name is dropped wherever it turns up."""
    return _plain(name) in FORBIDDEN


def redact(raw: bytes) -> bytes:
    """Return a raw record as JSON fit for quarantine, or a short marker if it is no JSON.

    Numbers keep their digits and become texts. What comes back still holds a donor's name and
    address, so it belongs in an encrypted column.
    """
    try:
        value = json.loads(
            raw.decode("utf-8", errors="replace"),
            parse_float=str,
            parse_int=str,
            parse_constant=str,
        )
        return json.dumps(_masked(without_forbidden(value))).encode()
    except (ValueError, RecursionError):
        return json.dumps({"unreadable": len(raw)}).encode()


def _masked(value: Any, *, is_transaction: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            key: MASK
            if _plain(key) in MASKED or (is_transaction and _plain(key) == "name")
            else _masked(item, is_transaction=_plain(key) == "transactions")
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item, is_transaction=is_transaction) for item in value]
    return value


def _plain(key: str) -> str:
    return _NOT_A_LETTER.sub("", key.casefold())
