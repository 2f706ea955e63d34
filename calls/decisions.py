"""What a supervisor sees of messages that wait for a person: each with what was wanted, whom it is
about, every reading, and what may come of each way to decide. Read from rows alone."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

from django.db import models
from django.db.models import (
    BigIntegerField,
    CharField,
    DateTimeField,
    F,
    QuerySet,
    UUIDField,
    Value,
)
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy

from accounts.keyset import SIZE, Page, Pages
from accounts.models import AuditEntry, User
from accounts.prepared import Prepared
from calls import deliveries
from calls.models import Attempt, Call, Completion, Ending, NewCall, ResultCode
from integrations import decisions
from integrations.chips import Chip, chip
from integrations.decisions import Reading
from integrations.models import Delivery
from pledges.models import (
    Batch,
    Mandate,
    NewPledge,
    PayLink,
    Person,
    Pledge,
    PledgeChange,
    TextMessage,
)
from pledges.page import LABELS


class Which(models.TextChoices):
    """Which messages the list shows."""

    UNDECIDED = "undecided", gettext_lazy("to be decided")
    REFUSED = "refused", gettext_lazy("refused")


# What a list has no use for, and costs to read.
LEFT_OUT: Final = ("payload", "refusal")

# By the name of the page that a message leads to.
PLACES: Final = {
    "desk": gettext_lazy("To the call"),
    "person": gettext_lazy("To the donor"),
    "pledge": gettext_lazy("To the pledge"),
    "pay_link": gettext_lazy("To the PayLink"),
    "batch": gettext_lazy("To the batch"),
}
DECIDED: Final = {
    "delivery.decided": gettext_lazy("%(name)s vouched at %(time)s that it happened."),
    "delivery.sent_again": gettext_lazy("%(name)s had it sent once more at %(time)s."),
    "delivery.dropped": gettext_lazy("%(name)s dropped it at %(time)s."),
    "delivery.acknowledged": gettext_lazy("%(name)s saw at %(time)s that it was refused."),
}


@dataclass(frozen=True)
class About:
    """Whom or what a message is about, as far as the reader may see it."""

    # Empty: more than one donor, or one of another organisation.
    name: str = ""
    organization: str = ""
    address: str = ""
    words: str = ""


@dataclass(frozen=True)
class Line:
    """What the list says of one message, and nothing else: two that are equal are written alike."""

    message: uuid.UUID
    which: Which
    wish: str
    why: str
    system: str
    created_at: datetime
    # Whose action it was; empty: nobody's.
    by: str
    # As of `About`.
    name: str
    organization: str


@dataclass(frozen=True)
class Decision:
    """One message with all that there is to know of it before somebody decides."""

    delivery: Delivery
    about: About
    chip: Chip
    readings: Sequence[Reading]
    # Who decided and when, in one sentence.
    decided: str
    wanted: Sequence[tuple[str, str]] = ()
    effects: Mapping[str, str] = field(default_factory=dict)

    @property
    def wish(self) -> str:
        return decisions.wish(self.delivery)

    @property
    def why(self) -> str:
        return decisions.why(self.delivery)

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person now."""
        return self.delivery.state == Delivery.State.NEEDS_DECISION

    @property
    def is_refused(self) -> bool:
        """Whether it was refused, and nobody has seen that."""
        is_rejected = self.delivery.outcome == Delivery.Outcome.REJECTED
        return is_rejected and self.delivery.seen_at is None

    @property
    def is_moving(self) -> bool:
        """Whether it can still become something else."""
        return self.delivery.state != Delivery.State.CLOSED

    @property
    def seen(self) -> str:
        """What a poll says that is on the screen: which state, and which version of it."""
        return f"{self.delivery.state} {self.delivery.version}"

    @property
    def can_be_sent_again(self) -> bool:
        return self.delivery.sent_again_at is None


def _undecided(*, user: Any, sees_all: bool, at: Any) -> "QuerySet[Delivery]":
    return _in_a_list(deliveries.undecided(user, sees_all=sees_all))


def _refused(*, user: Any, sees_all: bool, at: Any) -> "QuerySet[Delivery]":
    return _in_a_list(deliveries.refused(user, sees_all=sees_all, at=at))


def _in_a_list(rows: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
    return rows.defer(*LEFT_OUT).select_related("by")


_SLOTS: Final[dict[str, Any]] = {"user": BigIntegerField(), "at": DateTimeField()}
# The oldest first, by when it began to wait.
_PAGES: Final = {
    Which.UNDECIDED: Pages(Delivery, _undecided, order=("created_at", "id"), **_SLOTS),
    Which.REFUSED: Pages(Delivery, _refused, order=("closed_at", "id"), **_SLOTS),
}


def read_decisions(
    user: User, *, which: Which, asked: Mapping[str, Any], at: datetime
) -> "tuple[Page[Delivery], list[Line]]":
    """A page of what waits for a person, the oldest first: three queries."""
    page = _PAGES[which].page(asked, sees_all=user.is_superuser, user=user.pk, at=at)
    about = _about(page.rows, user=user)
    return page, [_line(one, about.get(one.pk, About()), which) for one in page.rows]


def _line(delivery: Delivery, about: About, which: Which) -> Line:
    return Line(
        message=delivery.pk,
        which=which,
        wish=decisions.wish(delivery),
        why=decisions.why(delivery),
        system=delivery.system,
        created_at=delivery.created_at,
        by=delivery.by.spoken_name if delivery.by else "",
        name=about.name,
        organization=about.organization,
    )


def find(user: User, delivery_id: uuid.UUID) -> Delivery | None:
    """A message that this user may see, whatever its state."""
    seen = deliveries.seen_by(user, sees_all=user.is_superuser)
    return seen.select_related("by").filter(pk=delivery_id).first()


def read_decision(delivery: Delivery, *, user: User, at: datetime) -> Decision:
    """The page of one message: at most four queries beside the one that found it."""
    about = _about([delivery], user=user).get(delivery.pk, About())
    return Decision(
        **_moving(delivery, at=at),
        about=about,
        wanted=deliveries.wanted(delivery),
        effects={
            "happened": decisions.if_it_happened(delivery.system),
            "again": decisions.if_sent_again([delivery.operation]),
            "drop": decisions.if_dropped(delivery.system),
            "read": decisions.if_read_again(delivery.system),
        },
    )


def read_moving(delivery: Delivery, *, at: datetime) -> Decision:
    """What of that page can change by itself: at most two queries."""
    return Decision(**_moving(delivery, at=at), about=About())


def _moving(delivery: Delivery, *, at: datetime) -> dict[str, Any]:
    return {
        "delivery": delivery,
        "chip": chip(delivery, at=at),
        "readings": decisions.readings_of(delivery, names=_names(delivery))[::-1],
        "decided": _decided(delivery),
    }


def _names(delivery: Delivery) -> dict[str, str]:
    """What codes, columns and users of a reading are called."""
    labels: dict[str, str] = {name: str(label) for name, label in LABELS.items()}
    for choices in (Pledge.Status, Call.Status, Call.Type, ResultCode):
        labels |= {str(value): str(label) for value, label in choices.choices}
    read = decisions.users_read(delivery)
    people = User.objects.filter(tapraise_user_uuid__in=read) if read else User.objects.none()
    return labels | {str(one.tapraise_user_uuid): one.spoken_name for one in people}


def _decided(delivery: Delivery) -> str:
    if delivery.state == Delivery.State.NEEDS_DECISION:
        return ""
    entries = AuditEntry.objects.filter(subject=delivery.subject, action__in=DECIDED)
    # Few messages of one line are ever decided on; their facts are compared here.
    for entry in entries.select_related("user").order_by("-pk"):
        if entry.facts.get("delivery") == str(delivery.pk) and entry.user:
            time = date_format(localtime(entry.at), "SHORT_DATETIME_FORMAT")
            return str(DECIDED[entry.action]) % {"name": entry.user.spoken_name, "time": time}
    return ""


# ── Whom it is about ──────────────────────────────────────────────────────────────────────────────


def _about(rows: Sequence[Delivery], *, user: User) -> dict[uuid.UUID, About]:
    """By the id of the message: two queries, however many there are and of whatever kinds."""
    if not rows:
        return {}
    ids = [one.pk for one in rows]
    # A page has so many seats; the ones that stay empty are no message's.
    found = _PLACES.ask(**dict(zip_longest(_SEATS, ids)))
    about = {person for *_rest, person, _name in found if person is not None}
    seen = Person.objects.visible_to(user).filter(pk__in=about).only(*Person.SPOKEN)
    persons = {one.pk: one for one in seen}
    return {
        delivery: About(
            name=persons[person].form_of_address if person in persons else "",
            organization=organization or "",
            address=reverse(place, args=[key]) if person in persons or person is None else "",
            words=str(PLACES[place]),
        )
        for delivery, place, key, person, organization in found
    }


def _places(**messages: Any) -> Any:
    """Message, name of the page, key of it, donor, organisation: of every kind of row of ours that
    a message can be made for, in one statement."""
    ids = list(messages.values())
    nobody = Cast(Value(None), UUIDField())
    texts = TextMessage.objects
    branches: list[Any] = [
        *(
            _place(
                kind._default_manager.filter(delivery__id__in=ids), "desk", "call", "call__person"
            )
            for kind in (Attempt, Completion, Ending)
        ),
        *(
            _place(kind._default_manager.filter(delivery__id__in=ids), *leads)
            for kind, *leads in (
                (NewCall, "person", "person", "person"),
                (PledgeChange, "pledge", "pledge", "pledge__person"),
                (NewPledge, "pledge", "pk", "person"),
                (PayLink, "pay_link", "pk", "person"),
                (Mandate, "person", "person", "person"),
            )
        ),
        _place(texts.filter(delivery__id__in=ids, batch=None), "person", "person", "person"),
        _place(
            texts.filter(stop_delivery__id__in=ids),
            "person",
            "person",
            "person",
            of="stop_delivery",
        ),
        *(
            rows.order_by().values_list(
                "delivery",
                Value("batch", output_field=CharField()),
                key,
                nobody,
                F("script__organization__name"),
            )
            for rows, key in (
                (texts.filter(delivery__id__in=ids).exclude(batch=None), "batch"),
                (Batch.objects.filter(delivery__id__in=ids), "pk"),
            )
        ),
    ]
    first, *others = branches
    return first.union(*others)


def _place(rows: Any, place: str, key: str, person: str, *, of: str = "delivery") -> Any:
    return rows.order_by().values_list(
        of,
        Value(place, output_field=CharField()),
        key,
        person,
        F(f"{person}__owning_organization__name"),
    )


_SEATS: Final = [f"message_{seat}" for seat in range(SIZE)]
_PLACES: Final[Prepared[Any]] = Prepared(_places, **{seat: UUIDField() for seat in _SEATS})
