"""Addresses of signatures, fetched for whoever asked and emptied when nobody came.

An address opens a recording of the donor for an hour to whoever has it. So the decoder drops it
from everything that is read; here alone it is asked for, for one pledge at a time, and kept sealed
until it is handed out. What stands at the address is never fetched by us.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from integrations import breakers, clients
from integrations.http import NotFound, RemoteError, Unauthorized
from pledges.models import SignatureRequest

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

# How long is tried, and how long an address waits to be taken out.
TRIED_FOR: Final = timedelta(seconds=60)
KEPT_FOR: Final = timedelta(minutes=2)

State: Final = SignatureRequest.State


def sweep(*, clock: Clock, until: datetime) -> int:
    """Fetch what was asked for, give up what took too long, empty what nobody took; returns how
    many requests moved on. Two at once read twice and write once."""
    at = clock()
    moved = SignatureRequest.objects.filter(
        state=State.READY, fetched_at__lte=at - KEPT_FOR
    ).update(state=State.LAPSED, address=None)
    moved += SignatureRequest.objects.filter(
        state=State.ASKED, asked_at__lte=at - TRIED_FOR
    ).update(state=State.FAILED)
    asked = SignatureRequest.objects.filter(state=State.ASKED).select_related("pledge")
    for request in asked.order_by("asked_at"):
        if clock() >= until:
            break
        moved += _fetch(request, clock=clock)
    return moved


def _fetch(request: SignatureRequest, *, clock: Clock) -> int:
    account = request.pledge.account or clients.accounts()[0]
    if breakers.is_shut(account, at=clock()):
        return 0
    try:
        address = clients.tapraise(account).signature_address(uuid=request.pledge_id)
    except NotFound:
        address = None
    except RemoteError as error:
        if isinstance(error, Unauthorized):
            clients.reread(account)
        # The next sweep tries again, for as long as somebody may be waiting.
        log.warning("no signature", request=str(request.pk), error=type(error).__name__)
        return 0
    if address is None:
        return _move(request, State.NONE, at=clock())
    if not may_be_linked_to(address):
        log.warning("no signature", request=str(request.pk), error="not an address to link to")
        return _move(request, State.FAILED, at=clock())
    return _move(request, State.READY, at=clock(), address=address)


def may_be_linked_to(address: str) -> bool:
    """Whether it is an address on the web, encrypted unless it is the sandbox's own."""
    try:
        parts, ours = urlsplit(address), urlsplit(settings.TAPRAISE_URL)
    except ValueError:
        return False
    is_sandboxs = parts.scheme == ours.scheme == "http" and parts.netloc == ours.netloc
    return bool(parts.netloc) and (parts.scheme == "https" or is_sandboxs)


def _move(
    request: SignatureRequest, state: str, *, at: datetime, address: str | None = None
) -> int:
    return SignatureRequest.objects.filter(pk=request.pk, state=State.ASKED).update(
        state=state, address=address, fetched_at=at
    )
