"""Takes in what Alphacomm tells us of its own accord, stores it as it came, and answers.

Nothing is done with it here: one statement keeps an event, or counts it when it is there already,
and a worker is woken up (inbox.py works it off). Whoever has one of the passwords is let in however
often somebody else at the same address guessed wrong. Bodies are never logged.
"""

import base64
import hashlib
import hmac
import ipaddress
from datetime import datetime
from typing import Any, Final

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations.alphacomm.codec import parse
from integrations.alphacomm.events import NotAnEvent, read_event
from integrations.encryption import lookup_hash
from integrations.models import WebhookEvent
from integrations.national_number import masked
from integrations.nudge import nudge_inbox_after_commit
from integrations.records import Unreadable
from integrations.tapraise.redaction import without_forbidden

log = structlog.get_logger(__name__)

LARGEST: Final = 256 * 1024
DEEPEST: Final = 32
LARGEST_NUMBER: Final = 2**63
# So many wrong passwords from one address are answered as such, then none for a while.
MOST_REFUSALS: Final = 20
REFUSAL_SECONDS: Final = 300


class _TooLarge(Exception):
    pass


@csrf_exempt
@login_not_required
def alphacomm(request: HttpRequest) -> HttpResponse:
    """Keep one event. Not there at all while no credentials are set."""
    if not settings.ALPHACOMM_WEBHOOK_CREDENTIALS:
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not _is_known(request.headers.get("Authorization", "")):
        return _turn_away(request)
    if request.content_type != "application/json":
        return _refuse(415, "Send JSON, as application/json.")
    try:
        event = _event(_decoded(_read(request)), at=timezone.now())
    except _TooLarge:
        return _refuse(413, f"An event has at most {LARGEST} bytes.")
    except NotAnEvent as error:
        return _refuse(400, str(error))
    pk, times = _keep(event)
    log.info("webhook_received", webhook=pk, times=times)
    if times == 1 and event.state == WebhookEvent.State.NEW:
        nudge_inbox_after_commit()
    return JsonResponse({})


def _is_known(authorization: str) -> bool:
    """Whether these are a user and a password of ours; however wrong they are, it takes as long."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        sent = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        sent = b""
    # User and password as one: what is compared has one length, and tells nothing of either.
    digest = hashlib.sha256(sent if scheme.lower() == "basic" else b"").digest()
    known = [
        hashlib.sha256(pair.encode()).digest() for pair in settings.ALPHACOMM_WEBHOOK_CREDENTIALS
    ]
    return any([hmac.compare_digest(one, digest) for one in known])  # noqa: C419  (all of them)


def _turn_away(request: HttpRequest) -> HttpResponse:
    """The answer to wrong credentials. Beyond a number of them nothing is written any more."""
    key = f"webhook-refusals:{_network(request)}"
    refusals = cache.get(key, 0)
    if refusals >= MOST_REFUSALS:
        answer = _refuse(429, "Too many wrong passwords: wait before you try again.")
        answer["Retry-After"] = str(REFUSAL_SECONDS)
        return answer
    cache.set(key, refusals + 1, REFUSAL_SECONDS)
    log.warning("webhook_refused")
    answer = _refuse(401, "The user or the password is not right.")
    answer["WWW-Authenticate"] = 'Basic realm="webhooks", charset="UTF-8"'
    return answer


def _network(request: HttpRequest) -> str:
    """Whom we count as one: an address, or the network that one customer has under IPv6."""
    address = ipaddress.ip_address(get_adapter().get_client_ip(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def _refuse(status: int, sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status)


def _read(request: HttpRequest) -> bytes:
    """The body, counted as it comes in: what is said of its length is no promise."""
    # Where the server itself ends the body, Django would take one without a length for empty.
    ends_itself = request.META.get("wsgi.input_terminated")
    source: Any = request.META["wsgi.input"] if ends_itself else request
    body = bytearray()
    try:
        while len(body) <= LARGEST and (part := source.read(LARGEST + 1 - len(body))):
            body += part
    except Exception:  # noqa: BLE001  (each server has errors of its own for a body that is none)
        raise NotAnEvent("The body broke off.") from None
    if len(body) > LARGEST:
        raise _TooLarge
    return bytes(body)


def _decoded(raw: bytes) -> dict[str, Any]:
    """The body as JSON that a database can hold. Strict: no lone surrogates, no NaN, no rest."""
    try:
        body = parse(raw)
    except Unreadable:
        raise NotAnEvent("This is not JSON that can be read.") from None
    if not isinstance(body, dict):
        raise NotAnEvent("An event is a JSON object.")
    _check(body)
    return body


def _check(body: dict[str, Any]) -> None:
    level: list[Any] = [body]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and "\0" in value:
                raise NotAnEvent("A text has a NUL character in it.")
            elif isinstance(value, int) and abs(value) >= LARGEST_NUMBER:
                raise NotAnEvent("A number is too large.")
        if not below:
            return
        level = below
    raise NotAnEvent("It is nested too deep.")


def _event(body: dict[str, Any], *, at: datetime) -> WebhookEvent:
    """The row of an event, without what we may not hold. Raises NotAnEvent."""
    read = read_event(body)
    is_known_kind = read.event in settings.EVENTS
    return WebhookEvent(
        key=_key(read.key),
        service=masked(read.service),
        event=masked(read.event),
        event_id=masked(read.id),
        service_id=masked(read.service_id),
        reference=masked(read.reference),
        occurred_at=read.occurred_at,
        payload=masked(without_forbidden(body)),
        state=WebhookEvent.State.NEW if is_known_kind else WebhookEvent.State.UNKNOWN,
        received_at=at,
        not_before=at,
    )


def _key(key: str) -> str:
    """What tells it apart: in clear, unless there is something in it that we may not hold."""
    return key if masked(key) == key else lookup_hash(key)


def _keep(event: WebhookEvent) -> tuple[int, int]:
    """Write an event, or count it on the row that is there: one statement, so that none is lost to
    a race. Returns the row's id, and how often the event came by now."""
    columns = [column for column in event._meta.concrete_fields if not column.primary_key]
    values = [
        column.get_db_prep_save(getattr(event, column.attname), connection) for column in columns
    ]
    table = event._meta.db_table
    statement = (
        f"INSERT INTO {table} ({', '.join(str(column.column) for column in columns)}) "  # noqa: S608 — names of ours only
        f"VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON CONFLICT (key) DO UPDATE SET times = {table}.times + 1 RETURNING id, times"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        [(pk, times)] = cursor.fetchall()
    return pk, times
