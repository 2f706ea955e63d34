"""What each message to Alphacomm means: how it is sent, and what proves that it happened.

Alphacomm has no key against doubles, but keeps what we choose: an attribute of a PayLink, the
reference of a row. Found by name in settings.OPERATIONS.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from django.db.models import Q

from integrations.alphacomm.client import Alphacomm
from integrations.alphacomm.pages import Page
from integrations.alphacomm.wire import BatchRecord, MandateRecord, PayLinkRecord
from integrations.http import Unclear
from integrations.lines import Finding, NotThere, Verdict
from integrations.models import Delivery
from pledges import messages, sync
from pledges.leaving import leave_out
from pledges.models import Batch, Mandate, MessageScript, PayLink, TextMessage
from pledges.sync.payments import OP, REFERENCE

# How far the clocks of both sides may be apart for a mandate of ours to be found.
MARGIN: Final = timedelta(minutes=10)

R = TypeVar("R", PayLinkRecord, MandateRecord)


class AlphacommOperation:
    """What the messages to Alphacomm have in common; see `integrations.lines.Operation`."""

    resend_budget: ClassVar[int] = 0
    versions: Final = frozenset({messages.VERSION})

    def read(self, client: Alphacomm, delivery: Delivery) -> Any | None:
        """Nothing can be looked at: what is not proven by the answer goes to a person."""
        return None


class CreatePayLink(AlphacommOperation):
    """`payLink.create`: sent twice there are two. They are cheap, and only the oldest is shown."""

    resend_budget = 1

    def send(self, client: Alphacomm, delivery: Delivery) -> Sequence[PayLinkRecord]:
        pay_link = messages.pay_link_input(delivery.payload, op=str(delivery.pk))
        return [client.create_pay_link(pay_link=pay_link)]

    def read(self, client: Alphacomm, delivery: Delivery) -> Sequence[PayLinkRecord]:
        """`payLink.payLinks` by our attribute, as it went in and as it comes back."""
        return _with_attribute(client, OP, str(delivery.pk))

    def verdict(self, record: Sequence[PayLinkRecord], delivery: Delivery) -> Verdict:
        """Ours carry the id of this message. More than one is told, and no cause for alarm."""
        ours = sorted(one.id for one in record if one.value_of(*OP) == str(delivery.pk))
        facts = {"found": len(ours), "links": ours}
        return Verdict(Finding.DONE if ours else Finding.ABSENT, facts)

    def save(
        self, record: Sequence[PayLinkRecord], delivery: Delivery, fetched_at: datetime
    ) -> None:
        sync.save_links(record, fetched_at=fetched_at)

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Refused or dropped, the link no longer stands."""
        if delivery.outcome in Delivery.ENDED_BADLY:
            PayLink.objects.filter(delivery=delivery).update(ended_badly_at=at)


@dataclass(frozen=True)
class NobodyLeft:
    """In place of an answer: everybody was left out at the last moment, so nothing was asked."""


class AddRecords(AlphacommOperation):
    """`import.addRecords`, for one donor or many. Those of a batch are looked at once more just
    before it leaves: see `pledges.leaving`."""

    def in_hand(self, at: datetime) -> Collection[UUID]:
        """The donors who are with an agent at a moment; the room of calls knows them."""
        return ()

    def _wanted(self, delivery: Delivery) -> list[str]:
        """The references of those whose message leaves now, once others were left out."""
        assert delivery.last_sent_at is not None  # noqa: S101  (it was just claimed)
        at = delivery.last_sent_at
        leave_out(delivery, in_hand=self.in_hand(at), at=at)
        return _references(delivery)


class AddRows(AddRecords):
    """`import.addRecords` with rows: sent twice, a donor is written to twice, so it never is."""

    def send(self, client: Alphacomm, delivery: Delivery) -> BatchRecord | NobodyLeft:
        wanted = frozenset(self._wanted(delivery))
        rows = [row for row in delivery.payload["rows"] if row["reference"] in wanted]
        return client.add_rows(rows=messages.row_inputs({"rows": rows})) if rows else NobodyLeft()

    def read(self, client: Alphacomm, delivery: Delivery) -> Sequence[PayLinkRecord] | None:
        """`payLink.payLinks` by attribute `reference`, for scripts that make a link of their own.

        A link that is not there proves nothing, as its script makes it when the import schedule
        says so; and of other scripts nothing can be looked at. Then it is None.
        """
        carried = TextMessage.objects.filter(
            delivery=delivery, script__carries=MessageScript.Carries.PAYLINK
        )
        references = _references(delivery)
        if carried.count() < len(references):
            return None
        found: list[PayLinkRecord] = []
        for reference in references:
            links = _with_attribute(client, REFERENCE[:1], reference)
            if not any(one.value_of(*REFERENCE) == reference for one in links):
                return None
            found += links
        return found

    def verdict(
        self, record: BatchRecord | NobodyLeft | Sequence[PayLinkRecord], delivery: Delivery
    ) -> Verdict:
        """An answer that tells of every row is proof, whatever became of each; and so is a link of
        every message."""
        if isinstance(record, NobodyLeft):
            return Verdict(Finding.DONE, {"records": {}})
        wanted = set(_references(delivery))
        if isinstance(record, BatchRecord):
            told = {one.reference: one.status for one in record.records if one.reference in wanted}
            facts: dict[str, Any] = {"batch": record.name, "records": told}
        else:
            told = {
                reference: one.status
                for one in record
                if (reference := one.value_of(*REFERENCE)) in wanted
            }
            facts = {"links": told}
        return Verdict(Finding.DONE if told.keys() == wanted else Finding.ABSENT, facts)

    def save(
        self,
        record: BatchRecord | NobodyLeft | Sequence[PayLinkRecord],
        delivery: Delivery,
        fetched_at: datetime,
    ) -> None:
        if isinstance(record, BatchRecord):
            sync.save_imported(record)
        elif not isinstance(record, NobodyLeft):
            sync.save_links(record, fetched_at=fetched_at)

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Refused as a whole or one by one: no message comes of it, nor what it was to carry."""
        lost = TextMessage.objects.filter(delivery=delivery)
        if delivery.outcome not in Delivery.ENDED_BADLY:
            lost = lost.filter(record_status__in=TextMessage.REFUSED)
        for carried in (PayLink, Mandate):
            carried.objects.filter(message__in=lost).update(ended_badly_at=at)
        lost.update(ended_badly_at=at)


class AddFile(AddRecords):
    """`import.addRecords` with a file: an answer that is lost cannot be found, so a person decides.

    The payload holds the file as text, with its extension.
    """

    def send(self, client: Alphacomm, delivery: Delivery) -> BatchRecord | NobodyLeft:
        wanted = self._wanted(delivery)
        if not wanted:
            return NobodyLeft()
        contents = messages.csv_of_those(delivery.payload["contents"], wanted).encode()
        return client.add_file(contents=contents, extension=delivery.payload["extension"])

    def verdict(self, record: BatchRecord | NobodyLeft, delivery: Delivery) -> Verdict:
        if isinstance(record, NobodyLeft):
            return Verdict(Finding.DONE, {"records": {}})
        return Verdict(Finding.DONE, {"batch": record.name, "status": record.status})

    def save(
        self, record: BatchRecord | NobodyLeft, delivery: Delivery, fetched_at: datetime
    ) -> None:
        if isinstance(record, BatchRecord):
            sync.save_batch(record, fetched_at=fetched_at, batch=_uuid(delivery))

    def ended(self, delivery: Delivery, at: datetime) -> None:
        if delivery.outcome in Delivery.ENDED_BADLY:
            Batch.objects.filter(delivery=delivery).update(ended_badly_at=at)
            lost = TextMessage.objects.filter(delivery=delivery)
            for carried in (PayLink, Mandate):
                carried.objects.filter(message__in=lost).update(ended_badly_at=at)
            lost.update(ended_badly_at=at)


class CreateMandate(AlphacommOperation):
    """`mandate.create`: sent twice there are two. No answer tells the debtor's reference, so what
    cannot be told from another goes to a person."""

    resend_budget = 1

    def send(self, client: Alphacomm, delivery: Delivery) -> Sequence[MandateRecord]:
        return [client.create_mandate(mandate=messages.mandate_input(delivery.payload))]

    def read(self, client: Alphacomm, delivery: Delivery) -> "Sequence[MandateRecord] | NotThere":
        """`mandate.mandates` in a window around our sending; those of the same reference and name
        that are not known to be another's."""
        assert delivery.first_sent_at is not None  # noqa: S101  (it was sent, or is not read)
        assert delivery.last_sent_at is not None  # noqa: S101
        pages = client.mandates(
            created_from=delivery.first_sent_at - MARGIN,
            created_until=delivery.last_sent_at + MARGIN,
        )
        looks = _looks(delivery.payload)
        alike = [one for one in _all(pages) if (one.reference, one.person_name) == looks]
        others = Mandate.objects.filter(alphacomm_id__in=[one.id for one in alike])
        known = set(others.exclude(delivery=delivery).values_list("alphacomm_id", flat=True))
        found = sorted((one for one in alike if one.id not in known), key=_age)
        return found or NotThere()

    def verdict(self, record: "Sequence[MandateRecord] | NotThere", delivery: Delivery) -> Verdict:
        if isinstance(record, NotThere):
            return Verdict(Finding.ABSENT, {"found": 0})
        facts = {"found": len(record), "mandates": [one.id for one in record]}
        if any(one.reference not in (None, delivery.payload["reference"]) for one in record):
            return Verdict(Finding.ABSENT, facts)
        if len(record) == 1 and not _is_told_apart_badly(delivery):
            return Verdict(Finding.DONE, facts)
        # One sending makes one: a second one is somebody else's. Two may have made two.
        is_ours_twice = len(record) > 1 and delivery.resends > 0
        return Verdict(Finding.DOUBLED if is_ours_twice else Finding.CONFLICT, facts)

    def save(
        self,
        record: "Sequence[MandateRecord] | NotThere",
        delivery: Delivery,
        fetched_at: datetime,
    ) -> None:
        """Only what is proven to be ours; of several the oldest."""
        finding = self.verdict(record, delivery).finding
        if not isinstance(record, NotThere) and finding in {Finding.DONE, Finding.DOUBLED}:
            sync.save_mandates(record[:1], fetched_at=fetched_at, mandate=_uuid(delivery))

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Refused or dropped, it no longer stands."""
        if delivery.outcome in Delivery.ENDED_BADLY:
            Mandate.objects.filter(delivery=delivery).update(ended_badly_at=at)


class StopCalling(AlphacommOperation):
    """`voice.stopCalling`: takes away what is still planned, and twice is once. So it needs no
    proof that the first one had no effect: it is sent again until it is answered."""

    resend_budget = 5

    def send(self, client: Alphacomm, delivery: Delivery) -> str:
        return client.stop_calling(
            script_id=delivery.payload["script"], reference=delivery.payload["reference"]
        )

    def read(self, client: Alphacomm, delivery: Delivery) -> NotThere:
        return NotThere()

    def verdict(self, record: str | NotThere, delivery: Delivery) -> Verdict:
        """Its one documented answer is proof, and nothing else is."""
        if isinstance(record, NotThere):
            return Verdict(Finding.ABSENT, {"asked": False})
        is_done = record == "done"
        return Verdict(Finding.DONE if is_done else Finding.ABSENT, {"answer": record[:40]})

    def save(self, record: str | NotThere, delivery: Delivery, fetched_at: datetime) -> None:
        """There is nothing to mirror: see `ended`."""

    def ended(self, delivery: Delivery, at: datetime) -> None:
        """Done or decided, the message is stopped; undone, nobody ever asked."""
        stopped = TextMessage.objects.filter(stop_delivery=delivery)
        if delivery.outcome == Delivery.Outcome.UNDONE:
            stopped.update(stop_delivery=None)
        elif delivery.outcome not in Delivery.ENDED_BADLY:
            stopped.update(stopped_at=at)


def _with_attribute(client: Alphacomm, names: Iterable[str], value: str) -> list[PayLinkRecord]:
    """The PayLinks with an attribute of this value, under any of the names, each once."""
    return list(
        {
            link.id: link
            for name in names
            for link in _all(client.pay_links(attribute=(name, value)))
        }.values()
    )


def _all(pages: Iterable[Page[R]]) -> list[R]:
    """All records of a list, each once. Raises Unclear when one cannot be read: it may be ours."""
    found: dict[str, R] = {}
    for page in pages:
        if page.bad:
            raise Unclear("A record that cannot be read may be ours")
        found.update((record.id, record) for record in page.records)
    return list(found.values())


def _looks(payload: dict[str, Any]) -> tuple[str, str]:
    """All that a list of mandates tells one from another by."""
    return payload["reference"], payload["person_name"]


def _is_told_apart_badly(delivery: Delivery) -> bool:
    """Whether another mandate of ours looks the same and is not settled either, so that one that
    is found may be the other's."""
    if delivery.state == Delivery.State.SENDING:
        # An answer to our own request is ours.
        return False
    others = Delivery.objects.filter(
        ~Q(state__in=[Delivery.State.CLOSED, Delivery.State.READY]),
        operation=messages.CREATE_MANDATE,
    ).exclude(pk=delivery.pk)
    return any(_looks(other.payload) == _looks(delivery.payload) for other in others)


def _age(record: MandateRecord) -> tuple[str, str]:
    return record.created_on.isoformat() if record.created_on else "", record.id


def _references(delivery: Delivery) -> list[str]:
    """Of the messages that go with it: those in its payload, but for whom was left out since."""
    messages = TextMessage.objects.filter(delivery=delivery)
    return list(messages.order_by("pk").values_list("reference", flat=True))


def _uuid(delivery: Delivery) -> UUID:
    """What a message is about: the second part of its line's name."""
    return UUID(delivery.subject.partition(":")[2])


create_pay_link: Final = CreatePayLink()
create_mandate: Final = CreateMandate()
stop_calling: Final = StopCalling()
