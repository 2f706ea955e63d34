"""What every factory stands on."""

from datetime import datetime, timedelta
from functools import cache

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from factory.django import DjangoModelFactory

PASSWORD = "een-zin-van-vier-woorden"


def now() -> datetime:
    """This moment, in whole seconds: what leaves for TapRaise keeps no fractions."""
    return timezone.now().replace(microsecond=0)


@cache
def hashed(password: str) -> str:
    """Slow on purpose, so once for each password."""
    return make_password(password)


def ago(**parts: float) -> factory.LazyFunction:
    return factory.LazyFunction(lambda: now() - timedelta(**parts))


class Factory(DjangoModelFactory):  # type: ignore[misc]
    class Meta:
        abstract = True
