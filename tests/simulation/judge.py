"""Whether a history ended well: judged by what the sandbox did, not by what our rows say of it."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.chips import is_doubled
from integrations.models import Delivery
from integrations.sandbox.clock import as_text
from tests.stage import Stage

STATE, OUTCOME = Delivery.State, Delivery.Outcome

# The operation's name in the journal, and where its body has the time that we chose.
IN_JOURNAL = {
    "tapraise.add_attempt": ("add-attempt", "attempt_at"),
    "tapraise.complete_call": ("complete", "completed_at"),
    "tapraise.cancel_call": ("cancel", "cancelled_at"),
    "tapraise.expire_call": ("expire", "expired_at"),
}


@dataclass(frozen=True)
class Violation:
    kind: str
    message: str


@dataclass
class Judgement:
    messages: int = 0
    effects: int = 0
    # Given to a person to decide, refused by the other side, seen twice there.
    undecided: int = 0
    rejected: int = 0
    doubled: int = 0
    violations: list[Violation] = field(default_factory=list)


def judge(
    stage: Stage,
    ids: Sequence[uuid.UUID],
    undone: set[uuid.UUID],
    seen_before: Sequence[Violation],
) -> Judgement:
    """Nothing lost, nothing doubled without a word, nothing out of order, nothing wrongly green."""
    effects = _by_message(stage)
    judgement = Judgement(messages=len(ids), violations=list(seen_before))
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for message in Delivery.objects.filter(pk__in=ids).order_by("subject", "seq"):
        found = effects.pop(_key(message), [])
        judgement.effects += len(found)
        judgement.undecided += message.state == STATE.NEEDS_DECISION
        judgement.rejected += message.outcome == OUTCOME.REJECTED
        judgement.doubled += len(found) > 1
        places[message.subject] += [(number, message.seq) for number in found]
        kind = _verdict(message, len(found), is_undone=message.pk in undone)
        if kind:
            judgement.violations.append(Violation(kind, str(message.pk)))
    for subject, numbers in places.items():
        seqs = [seq for _, seq in sorted(numbers)]
        # A double that nobody could prevent comes late, and is told as a double.
        if list(dict.fromkeys(seqs)) != sorted(set(seqs)):
            judgement.violations.append(Violation("out of order", subject))
    judgement.violations += [Violation("not ours", str(key)) for key in effects]
    return judgement


def _verdict(message: Delivery, found: int, *, is_undone: bool) -> str | None:
    is_settled = message.state == STATE.CLOSED
    if not is_settled and message.state != STATE.NEEDS_DECISION:
        waits_behind_a_person = (
            Delivery.objects.filter(
                subject=message.subject, seq__lt=message.seq, state=STATE.NEEDS_DECISION
            ).exists()
            and message.state == STATE.READY
        )
        return None if waits_behind_a_person and found == 0 else "stuck"
    if is_undone and (found or message.outcome != OUTCOME.UNDONE):
        return "undone and yet done"
    if found > 1 and is_settled and not is_doubled(message):
        return "doubled, and nobody is told"
    if found == 0 and message.outcome in {OUTCOME.DONE, OUTCOME.DONE_BY_OTHER}:
        return "lost"
    if found and message.outcome in {OUTCOME.REJECTED, OUTCOME.UNDONE}:
        return "refused, and yet done"
    return None


def wrongly_green(stage: Stage, ids: Sequence[uuid.UUID]) -> list[Violation]:
    """What is shown as confirmed at this moment and has had no effect by now."""
    effects = _by_message(stage)
    return [
        Violation("wrongly green", str(message.pk))
        for message in Delivery.objects.filter(pk__in=ids, outcome=OUTCOME.DONE)
        if _key(message) not in effects
    ]


def _key(message: Delivery) -> tuple[str, str, str]:
    name, time_of = IN_JOURNAL[message.operation]
    moment = datetime.fromisoformat(message.payload[time_of])
    return name, message.payload["call"], as_text(moment)


def _by_message(stage: Stage) -> dict[tuple[str, str, str], list[int]]:
    found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for effect in stage.effects():
        found[effect["operation"], effect["uuid"], _time_in(effect["body"])].append(
            effect["number"]
        )
    return found


def _time_in(body: dict[str, Any]) -> str:
    names = ("attemptAt", "cancelledAt", "expiredAt")
    moment = next((body[name] for name in names if name in body), None)
    return str(moment or body["result"]["completedAt"])
