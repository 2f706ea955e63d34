"""Builds the clients from settings: the only place where settings and clients meet."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import Q
from requests.adapters import BaseAdapter

from integrations import tokens
from integrations.alphacomm.client import Alphacomm
from integrations.http import Clock, NotSent, Token, utc_now
from integrations.tapraise.client import TapRaise

DEFAULT: Final = "default"
# Alphacomm's only account: no account of TapRaise may be called so, settings see to that. So the
# name of an account alone says which system it is of.
ALPHACOMM: Final = "alphacomm"
# Long enough to ask for another token, and how often we look whether there is one.
SOON: Final = timedelta(days=7)
LOOK_EVERY: Final = timedelta(minutes=5)


class _Built(threading.local):
    """The clients of this thread: their connections are not to be shared."""

    def __init__(self) -> None:
        self.clients: dict[tuple[str, ...], TapRaise | Alphacomm] = {}


_built = _Built()
_tokens: dict[tuple[str, ...], Token] = {}
# When a token was looked at, and when it said that it runs out.
_ends: dict[tuple[str, ...], tuple[datetime, datetime | None]] = {}
_adapter: BaseAdapter | None = None
_clock: Clock = utc_now


def accounts() -> list[str]:
    """The names of the service accounts: those of TAPRAISE_ACCOUNTS, else one called 'default'."""
    return list(settings.TAPRAISE_ACCOUNTS) or [DEFAULT]


def alphacomm_accounts() -> list[str]:
    """Alphacomm's account, if it is set up."""
    return [ALPHACOMM] if settings.ALPHACOMM_URL else []


def every_account() -> list[str]:
    return [*accounts(), *alphacomm_accounts()]


def system_of(account: str) -> str:
    return "alphacomm" if account == ALPHACOMM else "tapraise"


def is_looked_after_by(account: str) -> Q:
    """Which mirrored rows an account has to keep fresh: those that it saw last; and the first
    account also those that no account of today saw, such as one that has left the settings."""
    first, *others = accounts()
    return ~Q(account__in=others) if account == first else Q(account=account)


def tapraise(account: str = "") -> TapRaise:
    """The client of one service account; an empty name is the first.

    Raises NotSent for a name that settings do not know (any more).
    """
    made = client(account)
    if not isinstance(made, TapRaise):
        raise NotSent("An account of another system")
    return made


def alphacomm() -> Alphacomm:
    """The client of Alphacomm. Raises NotSent when it is not set up (any more)."""
    made = client(ALPHACOMM)
    assert isinstance(made, Alphacomm)  # noqa: S101  (by its name)
    return made


def client(account: str) -> TapRaise | Alphacomm:
    """The client of an account, of whichever system it is; an empty name is TapRaise's first.

    Raises NotSent for a name that settings do not know (any more).
    """
    key = _key(account)
    made = _built.clients.get(key)
    if made is None:
        token = _tokens.setdefault(key, _token(key[0]))
        if key[0] == ALPHACOMM:
            made = Alphacomm(settings.ALPHACOMM_URL, token, adapter=_adapter, clock=_clock)
        else:
            made = TapRaise(
                settings.TAPRAISE_URL,
                token,
                page_size=settings.TAPRAISE_PAGE_SIZE,
                adapter=_adapter,
                clock=_clock,
            )
        _built.clients[key] = made
    return made


def reread(account: str = "") -> None:
    """Have the account's token read again from its file before the next request: it was refused."""
    token = _tokens.get(_key(account))
    if token is not None:
        token.forget()


@dataclass(frozen=True)
class TokenEnd:
    """When the token of a service account runs out."""

    account: str
    ends_at: datetime
    is_soon: bool
    is_over: bool


def token_ends(*, at: datetime) -> list[TokenEnd]:
    """When the tokens run out that say so; no file is read more often than every few minutes."""
    ends = ((account, _token_ends_at(account, at=at)) for account in accounts())
    return [
        TokenEnd(account, moment, is_soon=moment - SOON <= at, is_over=moment <= at)
        for account, moment in ends
        if moment is not None
    ]


def _token_ends_at(account: str, *, at: datetime) -> datetime | None:
    key = _key(account)
    looked_at, ends_at = _ends.get(key, (None, None))
    if looked_at is None or not timedelta() <= at - looked_at < LOOK_EVERY:
        try:
            ends_at = tokens.expires_at(_token(account)())
        except NotSent:
            ends_at = None
        _ends[key] = (at, ends_at)
    return ends_at


def mount(adapter: BaseAdapter | None, clock: Clock = utc_now) -> None:
    """Carry all requests of this process by an adapter instead of by sockets; None ends that.

    For simulations, which need the other side, and ours, to live by their own clock.
    """
    global _adapter, _clock
    _adapter, _clock = adapter, clock
    _built.clients.clear()


def _key(account: str) -> tuple[str, ...]:
    """What a client is made of: other settings make another client."""
    name = account or accounts()[0]
    if name not in every_account():
        raise NotSent("No service account of this name")
    source = _file_of(name)
    if name == ALPHACOMM:
        return (name, settings.ALPHACOMM_URL, source)
    return (name, settings.TAPRAISE_URL, source, str(settings.TAPRAISE_PAGE_SIZE))


def _token(account: str) -> Token:
    file = _file_of(account)
    if not file:
        is_alphacomm = account == ALPHACOMM
        return Token(lambda: settings.ALPHACOMM_TOKEN if is_alphacomm else settings.TAPRAISE_TOKEN)
    return Token(lambda: Path(file).read_text())


def _file_of(account: str) -> str:
    """The file that holds the account's token; empty when the token stands in settings itself."""
    if account == ALPHACOMM:
        return str(settings.ALPHACOMM_TOKEN_FILE)
    if settings.TAPRAISE_ACCOUNTS:
        return str(settings.TAPRAISE_ACCOUNTS[account])
    return str(settings.TAPRAISE_TOKEN_FILE)
