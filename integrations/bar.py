"""What stands on top of every page, read from rows alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import BigIntegerField, Count, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Presence, User
from accounts.prepared import Prepared
from integrations import breakers, clients
from integrations.breakers import OpenBreaker
from integrations.clients import TokenEnd
from integrations.models import Delivery, Stream

# The columns of it that pages show.
PRESENCE = ("state", "pause", "is_after_call", "since", "last_seen_at")


@dataclass(frozen=True)
class Refusal:
    """A system that refuses us, the first of it since when: all messages, some of them, or only
    what we read."""

    system: str
    since: str
    is_all: bool
    is_some: bool


@dataclass(frozen=True)
class Bar:
    """What stands on top of every page: how fresh the data is, what still has to leave, and, for
    who can do something about it, what is in the way."""

    synced_at: datetime | None
    under_way: int
    # Whether the reader is on a pause, or will be; None while nobody said so.
    presence: Presence | None = None
    refusals: tuple[Refusal, ...] = ()
    open_breakers: tuple[OpenBreaker, ...] = ()
    token_ends: tuple[TokenEnd, ...] = ()

    @property
    def pauses(self) -> Sequence[tuple[str, str]]:
        """The kinds of pause there are."""
        return [(kind.value, str(kind.label)) for kind in Presence.Pause]


def read_bar(user: User, *, at: datetime) -> Bar:
    """One query, and one more while something is refused: this stands on every page."""
    rows = _ROWS.ask(user=user.pk)
    moments = [moment for moment, *_rest in rows if moment]
    is_any_open = not rows or rows[0][2] is not None
    found = breakers.still_open() if is_any_open else ()
    ends = clients.token_ends(at=at) if user.is_supervisor else []
    return Bar(
        synced_at=min(moments, default=None),
        under_way=(rows[0][1] or 0) if rows else 0,
        presence=_presence(user, rows[0][3:])
        if rows
        else Presence.objects.filter(user=user).first(),
        refusals=_refusals(found, at=at),
        open_breakers=found if user.is_supervisor else (),
        token_ends=tuple(end for end in ends if end.is_soon),
    )


def _rows(*, user: Any) -> "QuerySet[Stream, tuple[Any, ...]]":
    """Of each account's calls how fresh they are, and beside each what waits of this user's, when
    something was refused, and their presence."""
    waiting = (
        Delivery.objects.filter(~Q(state=Delivery.State.CLOSED), by=user)
        .order_by()
        .values("by")
        .annotate(n=Count("*"))
        .values("n")
    )
    mine = Presence.objects.filter(user=user)
    an_open = breakers.open_rows().values("opened_at")[:1]
    return Stream.objects.filter(feed="calls").values_list(
        "last_finished_at",
        Subquery(waiting),
        Subquery(an_open),
        *(Subquery(mine.values(column)) for column in PRESENCE),
    )


_ROWS: Final = Prepared(_rows, user=BigIntegerField())


def _presence(user: User, values: Sequence[Any]) -> Presence | None:
    """As it is stored, without a query of its own."""
    known = dict(zip(PRESENCE, values, strict=True))
    return Presence(user=user, **known) if known["state"] else None


def _refusals(found: Sequence[OpenBreaker], *, at: datetime) -> tuple[Refusal, ...]:
    """One a system, by the breakers of it, which come the first one first."""
    by_system: dict[str, list[OpenBreaker]] = {}
    for breaker in found:
        by_system.setdefault(breaker.system, []).append(breaker)
    return tuple(
        Refusal(
            system,
            since=_since(theirs[0].opened_at, at=at),
            is_all=any(breaker.is_account for breaker in theirs),
            is_some=any(not breaker.is_reading for breaker in theirs),
        )
        for system, theirs in by_system.items()
    )


def _since(moment: datetime, *, at: datetime) -> str:
    """The time of today, or the day with it."""
    local = timezone.localtime(moment)
    is_today = local.date() == timezone.localdate(at)
    return date_format(local, "TIME_FORMAT" if is_today else "SHORT_DATETIME_FORMAT")
