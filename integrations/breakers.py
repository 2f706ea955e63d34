"""Breakers: a service account that is refused, or one operation of it, waits instead of failing.

Open means that everything behind it waits where it is; after `try_after` one message is let
through, and its answer closes the breaker or keeps it open.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, QuerySet

from integrations import clients
from integrations.http import Forbidden, Refused, Unauthorized
from integrations.models import SYSTEMS, Breaker

# One message that tries it, whatever becomes of it, is done by then.
TRIAL: Final = timedelta(seconds=60)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=5)
# A refused token concerns everything; a forbidden operation only after this many in a row.
FORBIDDEN_LIMIT: Final = 3


# How the lists of the other side are called among the operations: what is read, not sent.
READING: Final = "tapraise.list_"
READING_LINKS: Final = "alphacomm.list_"


@dataclass(frozen=True)
class OpenBreaker:
    """A service account, or one operation of it, that refuses us."""

    key: str
    account: str
    # Empty when all of the account is refused.
    operation: str
    opened_at: datetime
    try_after: datetime | None
    failures: int
    reason: str

    @property
    def system(self) -> str:
        """Who refuses us, by the name that people know."""
        return system_of(self.key)

    @property
    def is_account(self) -> bool:
        return not self.operation

    @property
    def is_reading(self) -> bool:
        return self.operation.startswith((READING, READING_LINKS))


def open_rows() -> QuerySet[Breaker]:
    """Those that are open, as they came."""
    return Breaker.objects.filter(opened_at__isnull=False).order_by("opened_at", "key")


def open_now() -> tuple[OpenBreaker, ...]:
    """All that refuses us, as it came: one query."""
    return tuple(
        OpenBreaker(
            row.key, *parts(row.key), row.opened_at, row.try_after, row.failures, row.reason
        )
        for row in open_rows()
        if row.opened_at is not None
    )


def still_open() -> tuple[OpenBreaker, ...]:
    """The same without those of accounts that have left the settings: nobody waits for them."""
    known = clients.every_account()
    return tuple(breaker for breaker in open_now() if breaker.account in known)


def parts(key: str) -> tuple[str, str]:
    """The account of a breaker, and its operation if it is that of one."""
    account, _, operation = key.partition(":")[2].partition(":")
    return account, operation


def system_of(key: str) -> str:
    """The name that people know of the system that a breaker is of."""
    return SYSTEMS[clients.system_of(parts(key)[0])]


def account_key(account: str) -> str:
    return f"{clients.system_of(account)}:{account}"


def operation_key(account: str, operation: str) -> str:
    return f"{account_key(account)}:{operation}"


def shut(*, at: datetime) -> set[str]:
    """The keys of the breakers through which nothing goes at this moment."""
    return set(
        Breaker.objects.filter(opened_at__isnull=False, try_after__gt=at).values_list(
            "key", flat=True
        )
    )


def is_shut(account: str, *, at: datetime) -> bool:
    """Whether this account's token is refused, and it is not yet time to try again."""
    return account_key(account) in shut(at=at)


def lets_through(keys: Collection[str], *, at: datetime) -> bool:
    """Whether one exchange may begin now; the caller is in a transaction.

    On an open breaker whose time has come this takes the one trial: of all of them or of none, so
    that what one keeps waiting does not use up the trial of another.
    """
    found = list(Breaker.objects.filter(key__in=keys, opened_at__isnull=False).order_by("key"))
    if any(breaker.try_after is not None and breaker.try_after > at for breaker in found):
        return False
    for breaker in found:
        is_taken = (
            Breaker.objects.filter(pk=breaker.pk)
            .filter(Q(opened_at=None) | Q(try_after__lte=at))
            .update(try_after=at + TRIAL)
        )
        if not is_taken:
            return False
    return True


def note_unauthorized(account: str, *, at: datetime) -> None:
    """The account's token was refused, read anew and refused again: all of it waits."""
    _note_failure(account_key(account), at=at, limit=1, reason="unauthorized")


def note_forbidden(account: str, operation: str, *, at: datetime) -> None:
    """One operation is not allowed to this account; the token itself is good."""
    _close([account_key(account)])
    _note_failure(
        operation_key(account, operation), at=at, limit=FORBIDDEN_LIMIT, reason="forbidden"
    )


def note_answer(account: str, operation: str | None) -> None:
    """The other side took our token, and did or refused what was asked on its merits."""
    keys = [account_key(account)]
    if operation is not None:
        keys.append(operation_key(account, operation))
    _close(keys)


def note_error(error: Exception, account: str, operation: str | None, *, at: datetime) -> None:
    """The same by the error that an exchange ended with; what was no answer says nothing."""
    match error:
        case Unauthorized():
            note_unauthorized(account, at=at)
        case Forbidden() if operation is not None:
            note_forbidden(account, operation, at=at)
        case Refused():
            note_answer(account, operation)


def _close(keys: list[str]) -> None:
    Breaker.objects.filter(key__in=keys, failures__gt=0).update(
        failures=0, opened_at=None, try_after=None, reason=""
    )


def _note_failure(key: str, *, at: datetime, limit: int, reason: str) -> None:
    Breaker.objects.get_or_create(key=key)
    Breaker.objects.filter(key=key).update(failures=F("failures") + 1, reason=reason)
    breaker = Breaker.objects.get(key=key)
    if breaker.failures < limit:
        return
    pause = min(FIRST_PAUSE * 2 ** min(breaker.failures - limit, 10), LONGEST_PAUSE)
    Breaker.objects.filter(key=key, opened_at=None).update(opened_at=at)
    Breaker.objects.filter(key=key).update(try_after=at + pause)
