"""How a donor's PayLinks, messages and e-Mandates stand, and whether there are any.

Asked on every desk, so in one query, whatever there is of each kind. What happened with them:
`calls/story/`.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    Q,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from pledges.models import (
    AlphacommLink,
    Mandate,
    PayLink,
    TextMessage,
    VoiceResult,
)


def exist_for(person: Any) -> "ExpressionWrapper[Q]":
    """Whether there is anything of it: for a query of something else; `person` as it names one."""
    rows = (PayLink.objects, TextMessage.objects, Mandate.objects)
    links, texts, mandates = (Exists(one.filter(person=person)) for one in rows)
    return ExpressionWrapper(Q(links) | Q(texts) | Q(mandates), BooleanField())


# ── How it stands, and whether anything is new ────────────────────────────────────────────────────

_NO_MOMENT: Final = Value(None, DateTimeField())
_NO_WORDS: Final = Value("", CharField())


@dataclass(frozen=True)
class Look:
    """All that changes by itself of what a donor was offered, read in one question."""

    # The same one, the same lines.
    digest: str
    # What Alphacomm has, by PayLink of ours; one that it is still to make has none.
    links: Mapping[uuid.UUID, list[AlphacommLink]]
    # How voice messages ended, by message, in the order in which that was told.
    results: Mapping[uuid.UUID, list[VoiceResult]]
    has_messages: bool
    has_mandates: bool


def look(person_uuid: uuid.UUID, *, at: datetime) -> Look:
    """How all of it stands at a moment: one query.

    Asked every few seconds on every desk where something may still come.
    """
    leaves = "delivery__not_before"
    no_number = Value(None, BigIntegerField())
    no_link = (_NO_WORDS, _NO_WORDS, _NO_MOMENT, _NO_MOMENT, _NO_MOMENT)
    links = PayLink.objects.filter(person=person_uuid).values_list(
        Value("link"), "pk", "delivery__state", "links__status", "links__amount_paid",
        leaves, "links__visited_at", "visible_until",
        "links__id", "links__short_url", "links__created_on", "links__updated_on", "links__paid_at",
    )  # fmt: skip
    told = Case(When(evidence__isnull=False, then=Value("told")), default=F("record_status"))
    when = Coalesce("evidence_at", "stopped_at")
    texts = TextMessage.objects.filter(person=person_uuid).values_list(
        Value("text"), "pk", "delivery__state", told, no_number,
        leaves, when, "leaves_at", *no_link,
    )  # fmt: skip
    mandates = Mandate.objects.filter(person=person_uuid).values_list(
        Value("mandate"), "pk", "delivery__state", "status", no_number,
        leaves, "signed_at", _NO_MOMENT, *no_link,
    )  # fmt: skip
    is_reached = Case(When(is_reached=True, then=1), default=0, output_field=BigIntegerField())
    rung = VoiceResult.objects.filter(message__person=person_uuid).values_list(
        Value("rung"), "message_id", _NO_WORDS, "status", is_reached,
        "at", _NO_MOMENT, _NO_MOMENT, *no_link,
    )  # fmt: skip
    rows = list(links.union(texts, mandates, rung, all=True))
    kinds = {row[0] for row in rows}
    return Look(
        digest=_digest(rows, at=at),
        links=_links_in(rows),
        results=_results_in(rows),
        has_messages="text" in kinds,
        has_mandates="mandate" in kinds,
    )


def _digest(rows: list[tuple[Any, ...]], *, at: datetime) -> str:
    # Time alone changes what is said, too: a link expires, a message was to leave.
    seen = sorted(json.dumps([*map(str, row), row[7] is not None and row[7] <= at]) for row in rows)
    return hashlib.sha256("".join(seen).encode()).hexdigest()[:16]


def _links_in(rows: list[tuple[Any, ...]]) -> dict[uuid.UUID, list[AlphacommLink]]:
    found: dict[uuid.UUID, list[AlphacommLink]] = {}
    for kind, key, _state, status, paid, _leaves, visited_at, _until, *there in rows:
        if kind != "link":
            continue
        known = found.setdefault(key, [])
        id_, short_url, created_on, updated_on, paid_at = there
        if id_ is not None:
            known.append(
                AlphacommLink(
                    id=id_,
                    pay_link_id=key,
                    short_url=short_url,
                    status=status,
                    amount_paid=paid,
                    created_on=created_on,
                    updated_on=updated_on,
                    visited_at=visited_at,
                    paid_at=paid_at,
                )
            )
    return found


def _results_in(rows: list[tuple[Any, ...]]) -> dict[uuid.UUID, list[VoiceResult]]:
    found: dict[uuid.UUID, list[VoiceResult]] = {}
    for _kind, key, _state, status, is_reached, at, *_rest in sorted(
        (row for row in rows if row[0] == "rung"), key=lambda row: row[5]
    ):
        result = VoiceResult(message_id=key, status=status, is_reached=bool(is_reached), at=at)
        found.setdefault(key, []).append(result)
    return found
