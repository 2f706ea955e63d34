"""What the page of the inbox shows, read from rows alone: what an event is, when it came and what
became of it, and never what it said."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from accounts.keyset import Page, page_of
from accounts.models import User
from integrations.models import WebhookEvent

State = WebhookEvent.State

NEWEST_FIRST: Final = ("-received_at", "-id")
# So many of a kind that nobody knows are looked through to count them.
MOST_COUNTED: Final = 1_000

REASONS: Final = {
    "not_known_here": _("what it speaks of is not known here yet"),
    "refused": _("Alphacomm refused to show what it speaks of"),
    "crashed": _("a mistake of Belbord's"),
    "not_sent": _("Alphacomm could not be reached"),
    "unauthorized": _("our access key is refused"),
    "forbidden": _("we are not allowed to look at it"),
    "rate_limited": _("Alphacomm asked us to wait"),
    "unclear": _("Alphacomm's answer was not clear"),
}
TONES: Final[Mapping[str, str]] = {
    State.NEW: "wait",
    State.WAITING: "doubt",
    State.WORKED: "done",
    State.UNKNOWN: "other",
    State.FAILED: "stop",
}


@dataclass(frozen=True)
class Lead:
    """A page about what an event speaks of."""

    address: str
    words: str


class Domain(Protocol):
    """What the rooms above know of what events speak of: `settings.EVENT_LEADS` names it."""

    def ids_of(self, reference: str, *, user: User) -> Sequence[str]:
        """The service ids of what we gave this reference."""

    def leads(self, events: Sequence[WebhookEvent], *, user: User) -> Mapping[int, list[Lead]]:
        """The pages that this user may see, by the key of the event."""


def domain() -> Domain:
    found: Domain = import_string(settings.EVENT_LEADS)
    return found


@dataclass(frozen=True)
class EventLine:
    """One event: ids, times, where it stands, and what there is to see of what it speaks of."""

    event: WebhookEvent
    leads: Sequence[Lead] = ()

    @property
    def tone(self) -> str:
        return TONES[self.event.state]

    @property
    def reason(self) -> str:
        """Why it waits or was given up, in words."""
        return str(REASONS.get(self.event.reason, self.event.reason))

    @property
    def can_be_worked(self) -> bool:
        """Whether it means something here: what nobody knows is kept for a newer Belbord."""
        return self.event.event in settings.EVENTS


@dataclass(frozen=True)
class UnknownKinds:
    """How often something came that nothing here knows, by its name."""

    kinds: Sequence[tuple[str, int]]
    # There were more, longer ago.
    is_at_least: bool


def read_events(
    *, state: str, about: str, asked: Mapping[str, Any], user: User
) -> "Page[WebhookEvent]":
    """A page of the events in a state (any, when empty), about one id or reference if given: one
    of Alphacomm's, or one of our own."""
    events = WebhookEvent.objects.defer("payload")
    if state:
        events = events.filter(state=state)
    if about:
        ids = [about, *domain().ids_of(about, user=user)]
        events = events.filter(Q(service_id__in=ids) | Q(reference=about) | Q(event_id=about))
    return page_of(events, order=NEWEST_FIRST, asked=asked)


def lines_of(events: Sequence[WebhookEvent], *, user: User) -> list[EventLine]:
    """Each with what there is to see of what it speaks of."""
    leads = domain().leads(events, user=user) if events else {}
    return [EventLine(event, leads.get(event.pk, ())) for event in events]


def unknown_kinds() -> UnknownKinds:
    """What came in that nothing here knows; the newest of it is counted."""
    unknown = WebhookEvent.objects.filter(state=State.UNKNOWN).order_by("-received_at")
    newest = list(unknown.values_list("event", "times")[: MOST_COUNTED + 1])
    counted: Counter[str] = Counter()
    for event, times in newest[:MOST_COUNTED]:
        counted[event] += times
    return UnknownKinds(counted.most_common(), is_at_least=len(newest) > MOST_COUNTED)
