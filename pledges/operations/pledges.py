"""What each message about a pledge means: how it is sent, and what proves that it happened.

TapRaise keeps no word of ours with an update, so what proves one is the pledge itself, read back:
amounts are compared by value, times as instants in whole seconds. Found by name in
settings.OPERATIONS.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from integrations.http import NotFound, Unclear
from integrations.lines import Finding, NotThere, Verdict
from integrations.models import Delivery
from integrations.tapraise.client import TapRaise
from integrations.tapraise.wire import PledgeRecord
from pledges import messages, sync
from pledges.models import NewPledge, PledgeChange


class PledgeOperation(ABC):
    """What the three messages about a pledge have in common; see `integrations.lines.Operation`."""

    resend_budget: int
    versions: Final = frozenset({messages.VERSION})

    @abstractmethod
    def send(self, client: TapRaise, delivery: Delivery) -> PledgeRecord:
        """Send it once, by the operation of the API that its class names."""

    def read(self, client: TapRaise, delivery: Delivery) -> Any | None:
        """Read the pledge back. NotFound passes: a pledge that was there and is not is no proof."""
        return client.pledge(uuid=_uuid(delivery), include=())

    @abstractmethod
    def verdict(self, record: Any, delivery: Delivery) -> Verdict:
        """What a record of the pledge says about this message."""

    def save(self, record: Any, delivery: Delivery, fetched_at: datetime) -> None:
        """Mirror the pledge, without what was not asked for."""
        sync.save_pledges([record], account=delivery.account, include=(), fetched_at=fetched_at)

    @abstractmethod
    def ended(self, delivery: Delivery, at: datetime) -> None:
        """It is closed: our own rows follow."""


class ChangePledge(PledgeOperation):
    """A change of a pledge that TapRaise has."""

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Refused or dropped, the change no longer stands."""
        if delivery.outcome in Delivery.ENDED_BADLY:
            PledgeChange.objects.filter(delivery=delivery).update(ended_badly_at=at)


class UpdatePledge(ChangePledge):
    """`PUT /api/v1/pledges/{uuid}/actions/update`: absolute values, so twice is once."""

    resend_budget = 5

    def send(self, client: TapRaise, delivery: Delivery) -> PledgeRecord:
        return client.update_pledge(
            uuid=_uuid(delivery), changes=messages.update_input(delivery.payload)
        )

    def verdict(self, record: PledgeRecord, delivery: Delivery) -> Verdict:
        """All as wanted: done. All as before: not there. Anything else is somebody's own doing.

        Some as wanted and some as before is that too: an update is whole or nothing, so another
        hand was there before ours or after it, and to send it again might undo what came after.
        """
        wanted, before = delivery.payload["wanted"], delivery.payload["before"]
        columns = sync.pledge_row(record)
        now = {name: columns[name] for name in wanted}
        facts = {
            "status": record.status,
            "updated_at": record.updated_at.isoformat(),
            "fields": {name: _compared(now[name], wanted[name], before[name]) for name in wanted},
        }
        if all(_is_same(now[name], wanted[name]) for name in wanted):
            return Verdict(Finding.DONE, facts)
        if all(_is_same(now[name], before[name]) for name in wanted):
            return Verdict(Finding.ABSENT, facts)
        return Verdict(Finding.CONFLICT, facts)


class UpdatePledgeStatus(ChangePledge):
    """`PUT /api/v1/pledges/{uuid}/actions/{statusUpdateAction}`: no document tells what a second
    one does, so none is sent on the strength of readings."""

    resend_budget = 0

    def send(self, client: TapRaise, delivery: Delivery) -> PledgeRecord:
        return client.update_pledge_status(uuid=_uuid(delivery), action=delivery.payload["action"])

    def verdict(self, record: PledgeRecord, delivery: Delivery) -> Verdict:
        facts = {"status": record.status, "updated_at": record.updated_at.isoformat()}
        if record.status == delivery.payload["status"]:
            return Verdict(Finding.DONE, facts)
        if record.status == delivery.payload["before"]:
            return Verdict(Finding.ABSENT, facts)
        return Verdict(Finding.CONFLICT, facts)


class CreatePledge(PledgeOperation):
    """`POST /api/v1/pledges` under a uuid of ours: sent twice, the second one is a 409."""

    resend_budget = 5

    def send(self, client: TapRaise, delivery: Delivery) -> PledgeRecord:
        return client.create_pledge(pledge=messages.create_input(delivery.payload))

    def read(self, client: TapRaise, delivery: Delivery) -> PledgeRecord | NotThere:
        try:
            return client.pledge(uuid=_uuid(delivery), include=())
        except NotFound:
            return NotThere()

    def verdict(self, record: PledgeRecord | NotThere, delivery: Delivery) -> Verdict:
        """Ours by person, moment and first terms; another pledge under our uuid rules it out.

        Raises Unclear when the person is not shown.
        """
        if isinstance(record, NotThere):
            return Verdict(Finding.ABSENT, {"status": None})
        if record.person is None:
            raise Unclear("The person is not shown")
        payload = delivery.payload
        facts = {
            "status": record.status,
            "created_at": record.created_at.isoformat(),
            "person": str(record.person.uuid),
        }
        is_ours = (
            record.person.uuid == UUID(payload["person"])
            and _is_same(record.created_at, payload["created_at"])
            and _is_same(record.initial_donation_amount, payload["initial_donation_amount"])
            and record.initial_donation_interval == payload["initial_donation_interval"]
        )
        return Verdict(Finding.DONE if is_ours else Finding.CONFLICT, facts)

    def save(
        self, record: PledgeRecord | NotThere, delivery: Delivery, fetched_at: datetime
    ) -> None:
        if not isinstance(record, NotThere):
            super().save(record, delivery, fetched_at)

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Refused or dropped, it never came to be."""
        if delivery.outcome in Delivery.ENDED_BADLY:
            NewPledge.objects.filter(delivery=delivery).update(ended_badly_at=at)


def _compared(now: Any, wanted: Any, before: Any) -> str:
    """What a person who decides needs to see of a field: nobody's words, only whose they are."""
    if _is_same(now, wanted):
        return "as_wanted"
    return "as_before" if _is_same(now, before) else "something_else"


def _is_same(theirs: Any, ours: Any) -> bool:
    """Whether a column has a value of a payload: euros by value, times in whole seconds."""
    if isinstance(theirs, Decimal) and isinstance(ours, str):
        return theirs == Decimal(ours)
    return bool(messages.plain(theirs) == ours)


def _uuid(delivery: Delivery) -> UUID:
    return UUID(delivery.payload["pledge"])


update_pledge: Final = UpdatePledge()
update_pledge_status: Final = UpdatePledgeStatus()
create_pledge: Final = CreatePledge()
