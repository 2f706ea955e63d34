"""Rounds: what is read by itself because no feed tells it, a little at a time, again and again.

A round has a stream of its own for each service account. It is not a walk and has no watermark;
its lease makes two beats harmless, and what became of it is seen where walks are seen. What is
left to read is found in rows, so a round that is cut short goes on with what it did not reach.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integrations import breakers, clients
from integrations.feeds import leased
from integrations.http import Clock, RemoteError, Unauthorized
from integrations.models import Stream
from integrations.streams import Outcome, shares

log = structlog.get_logger(__name__)


class AccountWaits(Exception):
    """The service account is refused, and it is not yet time to try again."""


@dataclass
class Turn:
    """One account's part of a round: whom it may ask, until when, and what it did."""

    account: str
    round: "Round"
    clock: Clock
    is_over: Callable[[], bool]
    outcome: Outcome = Outcome.STOPPED
    reason: str = ""
    # What was read, and what was asked for and is not there.
    records: int = 0
    absent: int = 0
    has_asked: bool = field(default=False, init=False)

    def ask(self) -> Any:
        """Who is to be asked: called only when there is something to ask, as on an open breaker
        this takes the one trial. Raises AccountWaits."""
        if not self.has_asked:
            with transaction.atomic():
                keys = [breakers.account_key(self.account)]
                if self.round.operation is not None:
                    keys.append(breakers.operation_key(self.account, self.round.operation))
                if not breakers.lets_through(keys, at=self.clock()):
                    raise AccountWaits
            self.has_asked = True
        return clients.client(self.account)


@dataclass(frozen=True)
class Round:
    """What is read by itself: its name among the streams, how long it rests after all was read,
    and the work, which says whether anything is left. Whatever it read it has saved.

    `operation` is what it asks for, by the name that breakers know it by; None where a refusal
    speaks of one record and not of all. `accounts` are those that have a turn: of TapRaise, unless
    another system is asked.
    """

    name: str
    every: timedelta
    work: Callable[[Turn], bool]
    operation: str | None = None
    accounts: Callable[[], list[str]] = clients.accounts


def go(round_: Round, *, clock: Clock = timezone.now) -> list[Turn]:
    """Let each service account have its turn, as long as a task may take.

    Errors of the other side end a turn and are told in what it returns; one account's do not
    concern another's. An error of ours is raised.
    """
    accounts = round_.accounts()
    return [
        _take_turn(Turn(account, round_, clock, is_over))
        for account, is_over in zip(accounts, shares(clock, len(accounts)), strict=True)
    ]


def _take_turn(turn: Turn) -> Turn:
    round_, at = turn.round, turn.clock()
    with leased(turn.account, round_.name, "", at=at) as mine:
        if mine is None:
            turn.outcome = Outcome.BUSY
            return turn
        stream, _ = mine
        if stream.last_finished_at is not None and at - stream.last_finished_at < round_.every:
            turn.outcome = Outcome.FINISHED
            return turn
        try:
            has_more = _work(turn)
        except AccountWaits:
            turn.outcome = Outcome.WAITING
            return turn
        except RemoteError as error:
            turn.outcome = Outcome.FAILED
            breakers.note_error(error, turn.account, round_.operation, at=turn.clock())
            turn.reason = f"{type(error).__name__}: {error}"[:200]
        else:
            turn.outcome = Outcome.STOPPED if has_more else Outcome.FINISHED
            if turn.has_asked:
                breakers.note_answer(turn.account, round_.operation)
        _note(stream, turn, started_at=at)
    return turn


def _work(turn: Turn) -> bool:
    """The work, and once more after a refused token was read again: what was read is read."""
    try:
        return turn.round.work(turn)
    except Unauthorized:
        clients.reread(turn.account)
    return turn.round.work(turn)


def _note(stream: Stream, turn: Turn, *, started_at: datetime) -> None:
    told = log.bind(account=turn.account, round=turn.round.name)
    changes: dict[str, Any] = {
        "started_at": started_at,
        "records": turn.records,
        "discrepancies": turn.absent,
        "last_error": turn.reason,
        "failures": 0,
    }
    if turn.outcome is Outcome.FAILED:
        told.warning("round_failed", reason=turn.reason)
        changes["failures"] = F("failures") + 1
    elif turn.outcome is Outcome.FINISHED:
        changes["last_finished_at"] = turn.clock()
    if turn.absent:
        told.warning("records_absent", records=turn.records, absent=turn.absent)
    Stream.objects.filter(pk=stream.pk).update(**changes)
