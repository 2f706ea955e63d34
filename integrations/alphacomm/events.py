"""What Alphacomm tells us by itself: the bodies of its webhook messages.

An event is told apart by its ``key``. For payment links ``id`` is the event's own. For calls it is
the call's, so status and time belong to the key as well; and so they do for a service that we do
not know. Nothing here is believed: it says what to ask about.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from integrations.alphacomm.codec import cents_in, read
from integrations.records import Instant, Unreadable, check_times

PAY_LINK: Final = "paylink"
VOICE: Final = "voice"
PAY_LINK_VISITED: Final = "PayLinkVisited"
PAY_LINK_PAID: Final = "PayLinkPaid"
VOICE_CALL_COMPLETED: Final = "VoiceCallCompleted"
KNOWN: Final = frozenset(
    {
        (PAY_LINK, PAY_LINK_VISITED),
        (PAY_LINK, PAY_LINK_PAID),
        (VOICE, VOICE_CALL_COMPLETED),
    }
)
ANONYMOUS: Final = "anonymous"
LONGEST_KEY: Final = 200
LONGEST_TEXT: Final = 200

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_NUMBER = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})")


class NotAnEvent(ValueError):
    """A body that is no event of Alphacomm's; its text is one sentence, without a value of it."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. ``service_id`` is the payment link, or the request for a call; ``reference`` is
    that of the import, empty for a link made through the API; ``status`` is a call's.

    What it says beyond that is read when asked for: None stands for what is not told, and for
    what is told in no form that we know.
    """

    service: str
    event: str
    id: str
    service_id: str
    reference: str
    occurred_at: dt.datetime | None
    status: str
    key: str
    data: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<Event {self.key}>"

    @property
    def is_known(self) -> bool:
        return (self.service, self.event) in KNOWN

    @property
    def paid_amount(self) -> int | None:
        """What was paid in the transaction, in cents."""
        try:
            return int(cents_in(self.data.get("transaction-amount")))
        except ValueError:
            return None

    @property
    def payment_method(self) -> str | None:
        return _text(self.data.get("payment-method"))

    @property
    def direction(self) -> str | None:
        return _text(self.data.get("direction"))

    @property
    def local_number(self) -> str | None:
        """In E.164, with its plus."""
        return _number(self.data.get("localNumber"))

    @property
    def remote_number(self) -> str | None:
        """In E.164, with its plus; None also for somebody who does not show it."""
        return _number(self.data.get("remoteNumber"))

    @property
    def is_anonymous(self) -> bool:
        return self.data.get("remoteNumber") == ANONYMOUS

    @property
    def answered_on(self) -> dt.datetime | None:
        return _moment(self.data.get("answeredOn"))

    @property
    def script(self) -> str | None:
        """The script of the call; the legacy form alone tells it."""
        return _text(_object(self.data.get("attributes")).get("script"))

    @property
    def steps(self) -> tuple[Mapping[str, Any], ...]:
        """What happened during the call: nothing, when it was not answered."""
        return _steps(self.data.get("events"))

    @property
    def reached_success(self) -> bool:
        return reached_success(self.steps)


def read_event(body: object) -> Event:
    """Read the parsed body of a message; raise ``NotAnEvent`` for what is none.

    An event or a service that the document does not name is read like the others.
    """
    if not isinstance(body, dict):
        raise NotAnEvent("An event is a JSON object.")
    if "event" not in body and "service" not in body:
        return _legacy(body)
    event = _event(
        service=_name(body.get("service"), "An event names its service."),
        event=_name(body.get("event"), "An event has a name."),
        id=_name(body.get("id"), "An event has an id."),
        service_id=_text(body.get("serviceId")) or "",
        reference=_text(body.get("reference")) or "",
        told_at=body.get("datetime"),
        data=_object(body.get("data")),
    )
    if event.service == PAY_LINK and not event.service_id:
        raise NotAnEvent("An event about a payment link tells which.")
    return event


def reached_success(events: object) -> bool:
    """Whether a call came to its point of success, told by a result and by no node's name."""
    return any(
        step.get("nodeType") == "AddResult"
        and step.get("type") == "NodeResult"
        and _object(step.get("data")).get("result") == "success-ok"
        for step in _steps(events)
    )


def _legacy(body: dict[Any, Any]) -> Event:
    """The older form of a completed call, which names neither itself nor its service."""
    if "direction" not in body or "status" not in body:
        raise NotAnEvent("An event has a name.")
    attributes = _object(body.get("attributes"))
    return _event(
        service=VOICE,
        event=VOICE_CALL_COMPLETED,
        id=_name(body.get("id"), "An event has an id."),
        service_id="",
        reference=_text(attributes.get("reference")) or "",
        told_at=body.get("updatedOn") or body.get("createdOn"),
        data=body,
    )


def _event(
    *,
    service: str,
    event: str,
    id: str,  # noqa: A002  (its name there)
    service_id: str,
    reference: str,
    told_at: object,
    data: Mapping[str, Any],
) -> Event:
    # Only calls have a status; of others the word would mean something else.
    status = "" if service == PAY_LINK else _text(data.get("status")) or ""
    occurred_at = _moment(told_at)
    return Event(
        service=service,
        event=event,
        id=id,
        service_id=service_id,
        reference=reference,
        occurred_at=occurred_at,
        status=status,
        key=_key(service, event, id, status, occurred_at),
        data=data,
    )


def _key(
    service: str,
    event: str,
    id: str,  # noqa: A002  (its name there)
    status: str,
    occurred_at: dt.datetime | None,
) -> str:
    if service == PAY_LINK:
        return f"{service}:{id}"
    at = "" if occurred_at is None else occurred_at.astimezone(dt.UTC).isoformat()
    key = f"{service}:{event}:{id}:{status}:{at}"
    if len(key) <= LONGEST_KEY:
        return key
    return f"{service}:{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"


def _name(value: object, otherwise: str) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise NotAnEvent(otherwise)


def _text(value: object) -> str | None:
    """A text of some length; a number is taken by its digits."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**20:
        return str(value)
    if isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and _is_storable(value):
        return value
    return None


def _is_storable(text: str) -> bool:
    """No column takes a NUL, and half of a character has no bytes."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _object(value: object) -> Mapping[str, Any]:
    """An object; where it is empty, a list may stand in its place."""
    return value if isinstance(value, Mapping) else {}


def _steps(value: object) -> tuple[Mapping[str, Any], ...]:
    steps = value if isinstance(value, list | tuple) else ()
    return tuple(step for step in steps if isinstance(step, Mapping))


def _number(value: object) -> str | None:
    found = _NUMBER.fullmatch(_text(value) or "")
    return f"+{found[1]}" if found else None


def _moment(value: object) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = read(value, Instant)
        check_times(moment)
    except (Unreadable, ValueError):
        return None
    return moment
