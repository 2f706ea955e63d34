"""What is read of pledges, and which have to be asked for because no feed brought them.

A pledge that a call or a payment speaks of is here by its uuid before it was read (`fetched_at` is
null). Mostly a walk brings it a minute later; what none brings is asked for by itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from integrations import clients, feeds
from integrations.http import Forbidden, NotFound, Unclear
from integrations.rounds import Round, Turn
from integrations.tapraise.client import TapRaise
from integrations.tapraise.wire import PledgeRecord
from integrations.upsert import Saved
from pledges.models import Pledge
from pledges.sync import save_pledges

INCLUDE: Final = "transactions"
# A full walk of the released asks for all that were ever released, and not for every pledge.
BEFORE_ALL: Final = datetime(2000, 1, 1, tzinfo=UTC)
# A pledge that was asked for in vain is asked for again after this.
ASK_AGAIN: Final = timedelta(days=1)
# How many one turn asks for at most.
MOST: Final = 50


# ── The feeds ─────────────────────────────────────────────────────────────────────────────────────


def _changed(client: TapRaise, after: datetime | None, cursor: str | None) -> feeds.Pages:
    return client.pledges(status="all", updated_after=after, include=INCLUDE, after=cursor)


def _released(client: TapRaise, after: datetime | None, cursor: str | None) -> feeds.Pages:
    return client.pledges(
        status="all", released_after=after or BEFORE_ALL, include=INCLUDE, after=cursor
    )


def _save(records: Sequence[PledgeRecord], account: str, fetched_at: datetime) -> Saved:
    return save_pledges(records, account=account, include=(INCLUDE,), fetched_at=fetched_at)


FILTER: Final = f"status=all&include={INCLUDE}"
PLEDGES: Final = feeds.Feed(
    "pledges", "pledges", FILTER, open=_changed, save=_save, model=Pledge, dated="updated_at"
)
LAST_PLEDGES: Final = PLEDGES.within(timedelta(days=14))
# Not a full picture, whatever it is asked: what it does not tell may be a pledge all the same.
RELEASED: Final = feeds.Feed("released", "pledges", FILTER, open=_released, save=_save)


# ── Rounds ────────────────────────────────────────────────────────────────────────────────────────


def _read_unknown(turn: Turn) -> bool:
    """`GET /api/v1/pledges/{uuid}` for pledges that are only known by their uuid."""
    since = turn.clock() - ASK_AGAIN
    unknown = Pledge.objects.filter(
        Q(read_at=None) | Q(read_at__lt=since),
        clients.is_looked_after_by(turn.account),
        fetched_at=None,
    )
    # By chance, so that one that cannot be read does not keep the others from being asked for.
    uuids = list(unknown.order_by("?").values_list("pk", flat=True)[:MOST])
    for uuid in uuids:
        asked_at = turn.clock()
        record = _find(turn, uuid)
        with transaction.atomic():
            Pledge.objects.filter(pk=uuid).update(read_at=asked_at)
            if record is not None:
                feeds.save_records(PLEDGES, [record], account=turn.account, at=asked_at)
        turn.records += record is not None
        turn.absent += record is None
        if turn.is_over():
            return True
    return len(uuids) == MOST


def _find(turn: Turn, uuid: UUID) -> PledgeRecord | None:
    """One pledge; None when it is not there, not for this account, or cannot be read: that says
    nothing of the others."""
    try:
        client: TapRaise = turn.ask()
        return client.pledge(uuid=uuid, include=(INCLUDE,))
    except (NotFound, Forbidden):
        return None
    except Unclear as error:
        if error.status != HTTPStatus.OK:
            raise
        return None


UNKNOWN_PLEDGES: Final = Round("pledges-unknown", timedelta(minutes=2), _read_unknown)
