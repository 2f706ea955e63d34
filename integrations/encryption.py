"""Fields that are encrypted at rest, and keyed hashes to find them by.

Keys come from FIELD_KEYS, newest first: everything is written with the first, read with any.
"""

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


def _derived(key: str, purpose: bytes) -> bytes:
    # FIELD_KEYS are long random texts, so one keyed hash is all the stretching that they need.
    return hmac.new(key.encode(), purpose, hashlib.sha256).digest()


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS is not set.")
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(_derived(key, b"encrypt"))) for key in keys]
    )


@cache
def _hash_keys(keys: tuple[str, ...]) -> list[bytes]:
    return [_derived(key, b"find") for key in keys]


def encrypt(text: str) -> str:
    return _cipher(tuple(settings.FIELD_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    return _cipher(tuple(settings.FIELD_KEYS)).decrypt(token.encode()).decode()


def lookup_hash(text: str) -> str:
    """The keyed hash under which a value is stored, made with the newest key."""
    return lookup_hashes(text)[0]


def lookup_hashes(text: str) -> list[str]:
    """Every hash under which a value may be stored while keys are being replaced, newest first."""
    return [
        hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]
        for key in _hash_keys(tuple(settings.FIELD_KEYS))
    ]


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text that the database holds as a Fernet token. Null stays null; it cannot be searched."""

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else encrypt(value)

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return None if value is None else decrypt(value)


class EncryptedJSONField(models.TextField):  # type: ignore[type-arg]
    """A JSON value that the database holds as a Fernet token. Null stays null."""

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else encrypt(json.dumps(value, sort_keys=True))

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else json.loads(decrypt(value))


def sealed(model: type[models.Model], reached_by: str = "") -> list[str]:
    """The encrypted columns of a model as `defer` names them from where `reached_by` leads to it.

    To decipher costs time: a list that shows none of them leaves them in the database.
    """
    kinds = (EncryptedTextField, EncryptedJSONField)
    before = f"{reached_by}__" if reached_by else ""
    return [f"{before}{one.name}" for one in model._meta.concrete_fields if isinstance(one, kinds)]
