"""What the pages of batches show, read from rows alone: how far each is, and what became of whom.

However many messages a batch has, its numbers are one question.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.keyset import Page, page_of
from accounts.models import User
from integrations.chips import Chip, chip
from integrations.models import Delivery
from pledges.models import AlphacommLink, Batch, LeftOut, PayLink, TextMessage
from pledges.texting import MessageStanding, MessageState, standing

# Where a file is on its way, in steps.
_STEPS: Final[dict[str, int]] = {Batch.Status.QUEUED: 2, Batch.Status.RUNNING: 3}
_ENDED: Final = frozenset({Batch.Status.DONE, Batch.Status.ERROR})
# What a message is no more on its way to.
_UNDER_WAY: Final = frozenset({MessageState.SAVED, MessageState.UNSURE})

_UNCLEAR: Final = frozenset({Delivery.State.UNKNOWN, Delivery.State.NEEDS_DECISION})


class Show(models.TextChoices):
    """Which part of a batch is listed."""

    REFUSED = "refused", gettext_lazy("refused")
    LEFT_OUT = "left_out", gettext_lazy("left out")
    ALL = "all", gettext_lazy("all messages")


@dataclass(frozen=True)
class Progress:
    """How far a batch is: of rows by messages, of a file by steps."""

    value: int
    most: int
    is_moving: bool
    # How many messages stand where: code, words, number.
    states: Sequence[tuple[str, str, int]]
    # How many records of which status, as Alphacomm answered: words, number, whether it refused.
    records: Sequence[tuple[str, int, bool]]
    refused: int

    @property
    def is_over(self) -> bool:
        return self.value >= self.most


@dataclass(frozen=True)
class Part:
    """One message to Alphacomm: some rows of a batch, or its file."""

    delivery: Delivery
    chip: Chip
    first: int
    last: int

    @property
    def needs_decision(self) -> bool:
        return self.delivery.state == Delivery.State.NEEDS_DECISION


@dataclass(frozen=True)
class Undoable:
    until: datetime


@dataclass(frozen=True)
class BatchPage:
    batch: Batch
    progress: Progress
    parts: Sequence[Part]
    undoable: Undoable | None

    @property
    def open_parts(self) -> list[Part]:
        """Those that somebody may have to look at: all but what went well."""
        return [part for part in self.parts if not part.chip.is_settled or part.chip.tone == "red"]


def batches_of(user: User, *, asked: Mapping[str, Any]) -> Page[Batch]:
    """A page of the batches that this user may see, the newest first."""
    rows = Batch.objects.visible_to(user).select_related("script__organization", "user", "delivery")
    return page_of(rows, order=("-at", "-uuid"), asked=asked, size=25)


def with_counts(batches: "QuerySet[Batch]") -> "QuerySet[Batch]":
    """With how many were left out, and how many of the PayLinks that they carried are paid in full
    and what those come to: `left_out_count`, `paid_count` and `paid_amount`, in euros."""
    left_out = _of_each(LeftOut.objects.filter(batch=OuterRef("pk")), "batch")
    paid = AlphacommLink.objects.filter(pay_link=OuterRef("pk"), status=AlphacommLink.Status.PAID)
    links = PayLink.objects.filter(Exists(paid), message__batch=OuterRef("pk"))
    paid_links = _of_each(links, "message__batch")
    return batches.annotate(
        left_out_count=Coalesce(Subquery(left_out.values("number")), 0),
        paid_count=Coalesce(Subquery(paid_links.values("number")), 0),
        paid_amount=Subquery(
            paid_links.annotate(euros=Sum("amount")).values("euros"),
            output_field=PayLink._meta.get_field("amount"),
        ),
    )


def _of_each(rows: "QuerySet[Any]", batch: str) -> "QuerySet[Any]":
    counted: QuerySet[Any] = rows.order_by().values(batch).annotate(number=Count("pk"))
    return counted


def progress_of(batches: Iterable[Batch], *, at: datetime) -> dict[UUID, Progress]:
    """How far each of these is: one question for all of them, and one more where something of
    theirs is unclear. Wants `delivery` at hand."""
    known = {batch.pk: batch for batch in batches}
    groups: dict[UUID, list[Group]] = {pk: [] for pk in known}
    counted = _counted(TextMessage.objects.filter(batch__in=known), "batch")
    for row in counted:
        groups[row["batch"]] += _groups(row, at=at)
    unclear = [
        known[pk].subject
        for pk, some in groups.items()
        if any(message.delivery.state in _UNCLEAR for message, _count in some)
    ]
    heads = {}
    if unclear:
        open_ones = Delivery.objects.filter(subject__in=unclear)
        in_order = open_ones.exclude(state=Delivery.State.CLOSED).order_by("-seq")
        heads = dict(in_order.values_list("subject", "state"))
    return {
        pk: _progress(batch, groups[pk], head=heads.get(batch.subject), at=at)
        for pk, batch in known.items()
    }


def read_batch(batch: Batch, *, user: User, at: datetime) -> BatchPage:
    """All of the page but its list and who was left out: one question. Wants `script` at hand."""
    groups: list[Group] = []
    deliveries: dict[UUID, Delivery] = {}
    sizes: Counter[UUID] = Counter()
    counted = _counted(TextMessage.objects.filter(batch=batch), *_PART)
    for row in counted.order_by("delivery__seq"):
        # What a chip says of a message to Alphacomm; of rows there is never more than one.
        fields = {name: row[f"delivery__{name}"] for name in _DELIVERY}
        delivery = Delivery(pk=row["delivery"], created_at=at, **fields)
        deliveries.setdefault(delivery.pk, delivery)
        for group in _groups(row, at=at):
            groups.append(group)
            sizes[delivery.pk] += group[1]
    parts, first = [], 1
    for pk, delivery in deliveries.items():
        last = first + sizes[pk] - 1
        parts.append(Part(delivery, chip(delivery, at=at), first, last))
        first = last + 1
    head = next((d.state for d in deliveries.values() if d.state != Delivery.State.CLOSED), None)
    return BatchPage(
        batch=batch,
        progress=_progress(batch, groups, head=head, at=at),
        parts=parts,
        undoable=_undoable(batch, list(deliveries.values()), user=user, at=at),
    )


def reasons_of(batch: Batch) -> list[tuple[str, int]]:
    """Why people were left out of a batch, in words, and how many; the most frequent first."""
    counted = LeftOut.objects.filter(batch=batch).order_by().values_list("reason")
    reasons = sorted(counted.annotate(n=Count("pk")), key=lambda pair: -pair[1])
    return [(str(LeftOut.Reason(reason).label), n) for reason, n in reasons]


def list_of(batch: Batch, show: str, *, asked: Mapping[str, Any]) -> Page[Any]:
    """A page of a batch's messages, or of those who were left out of it."""
    if show == Show.LEFT_OUT:
        left_out = LeftOut.objects.filter(batch=batch).select_related("person")
        return page_of(left_out, order=("id",), asked=asked)
    messages = TextMessage.objects.filter(batch=batch).select_related("person", "delivery")
    if show == Show.REFUSED:
        messages = messages.filter(ended_badly_at__isnull=False)
    return page_of(messages.defer("fields"), order=("uuid",), asked=asked)


@dataclass(frozen=True)
class Line:
    """One message in a list: what Alphacomm answered, and where it stands."""

    message: TextMessage
    standing: MessageStanding
    # Of what was refused: why, in Alphacomm's own words.
    told: Sequence[str]

    @property
    def tone(self) -> str:
        return _TONES.get(self.standing.state, "")

    @property
    def words(self) -> str:
        """Where it stands, unless the answer or the evidence says it."""
        is_said = self.message.record_status in TextMessage.REFUSED or self.message.evidence
        return "" if is_said else self.standing.words


_TONES: Final = {
    MessageState.REFUSED: "stop",
    MessageState.UNSURE: "doubt",
    MessageState.SAVED: "wait",
}


def lines_of(messages: Sequence[TextMessage], *, at: datetime) -> list[Line]:
    """Messages with where they stand."""
    return [
        Line(
            message=message,
            standing=standing(message, at=at),
            told=[one["message"] for one in message.record_messages or () if one["message"]],
        )
        for message in messages
    ]


# A message as all those of a group are, to be asked where it stands; and how many they are.
Group = tuple[TextMessage, int]
_KINDS: Final = ("living", "reported", "stopped", "refused")
# What is read of a delivery to say where its part of a batch is.
_DELIVERY: Final = (
    "operation",
    "seq",
    "state",
    "outcome",
    "reason",
    "not_before",
    "closed_at",
    "tries",
)
_PART: Final = ("delivery", *(f"delivery__{name}" for name in _DELIVERY))


def _counted(messages: "QuerySet[TextMessage]", *by: str) -> Any:
    """How many messages of each kind, status and state of their delivery."""
    is_reported, is_stopped = Q(evidence__isnull=False), Q(stopped_at__isnull=False)
    stands = Q(ended_badly_at=None)
    names = dict.fromkeys((*by, "record_status", "delivery__state", "delivery__outcome"))
    return (
        messages.order_by()
        .values(*names)
        .annotate(
            living=Count("pk", filter=stands & ~is_reported & ~is_stopped),
            reported=Count("pk", filter=stands & is_reported),
            stopped=Count("pk", filter=stands & ~is_reported & is_stopped),
            refused=Count("pk", filter=~stands),
        )
    )


def _groups(row: Mapping[str, Any], *, at: datetime) -> list[Group]:
    return [(_like(row, kind, at=at), row[kind]) for kind in _KINDS if row[kind]]


def _like(row: Mapping[str, Any], group: str, *, at: datetime) -> TextMessage:
    """A message as all those of a group are, to be asked where it stands."""
    return TextMessage(
        at=at,
        record_status=row["record_status"],
        delivery=Delivery(
            state=row["delivery__state"], outcome=row["delivery__outcome"], created_at=at
        ),
        ended_badly_at=at if group == "refused" else None,
        evidence={} if group == "reported" else None,
        stopped_at=at if group == "stopped" else None,
    )


def _progress(batch: Batch, groups: Sequence[Group], *, head: str | None, at: datetime) -> Progress:
    """`head` is the state of the first part that is still open."""
    states: Counter[MessageState] = Counter()
    records: Counter[tuple[str, bool]] = Counter()
    for message, count in groups:
        states[standing(message, at=at).state] += count
        if message.record_status:
            is_refused = message.record_status in TextMessage.REFUSED
            records[message.status_words, is_refused] += count
    under_way = sum(states[state] for state in _UNDER_WAY)
    value, most = batch.size - under_way, batch.size
    if not batch.size:
        # Everybody was left out when it left: that is all of it.
        value = most = 1
    elif batch.is_file:
        value, most = _step(batch, is_under_way=bool(under_way)), 4
    return Progress(
        value=value,
        most=most,
        is_moving=value < most and head != Delivery.State.NEEDS_DECISION,
        states=[
            (state.value, str(state.label), states[state])
            for state in MessageState
            if states[state]
        ],
        records=[
            (words, count, is_refused) for (words, is_refused), count in records.most_common()
        ],
        refused=states[MessageState.REFUSED],
    )


def _step(batch: Batch, *, is_under_way: bool) -> int:
    """Saved, handed over, waiting there, being read, over."""
    if batch.status in _ENDED or batch.ended_badly_at is not None:
        return 4
    return _STEPS.get(batch.status, 0 if is_under_way else 1)


def _undoable(
    batch: Batch, deliveries: Sequence[Delivery], *, user: User, at: datetime
) -> Undoable | None:
    is_whole = all(d.state == Delivery.State.READY and not d.tries for d in deliveries)
    if batch.user_id != user.pk or not deliveries or not is_whole or not settings.UNDO_SECONDS:
        return None
    until = deliveries[0].not_before
    return Undoable(until) if until > at else None


def status_of_file(batch: Batch) -> str:
    """What Alphacomm says of a file, in a sentence; another word of theirs as it is."""
    sentences: Mapping[str, str] = {
        Batch.Status.EMPTY: _("Alphacomm has the file, and no records in it yet."),
        Batch.Status.QUEUED: _("Alphacomm has the file; its records wait to be read."),
        Batch.Status.RUNNING: _("Alphacomm is reading the records."),
        Batch.Status.DONE: _("Alphacomm has read all records."),
        Batch.Status.ERROR: _(
            "Alphacomm says that something went wrong with this file, and not what. Look at its "
            "import page there before you send anything again."
        ),
    }
    return sentences.get(batch.status, batch.status)
