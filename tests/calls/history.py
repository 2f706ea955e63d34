"""Everything that can happen with a donor, made to happen; and what a story says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import localtime

from accounts import audit
from accounts.models import User
from calls.models import Call, RingBack, Saying, Skip, TakenAway
from integrations.models import Delivery
from pledges.models import Person, Transaction
from tests.factories import (
    AlphacommLinkFactory,
    AttemptFactory,
    BatchFactory,
    CallbackFactory,
    CheckFactory,
    CompletionFactory,
    CorrectionFactory,
    EndingFactory,
    LeftOutFactory,
    MandateFactory,
    MessageScriptFactory,
    NewCallFactory,
    NewPledgeFactory,
    ObjectionFactory,
    PayLinkFactory,
    PledgeChangeFactory,
    SkipFactory,
    TakenAwayFactory,
    TextMessageFactory,
    TransactionFactory,
    VoiceResultFactory,
    WebhookEventFactory,
)

Moment = Callable[[int], datetime]


def clock(at: datetime) -> str:
    return localtime(at).strftime("%H:%M")


def proven(at: datetime) -> dict[str, Any]:
    """A message that left ten seconds later, and was proven ten seconds after that."""
    return {
        "delivery__state": Delivery.State.CLOSED,
        "delivery__outcome": Delivery.Outcome.DONE,
        "delivery__tries": 1,
        "delivery__created_at": at,
        "delivery__first_sent_at": at + timedelta(seconds=10),
        "delivery__last_sent_at": at + timedelta(seconds=10),
        "delivery__closed_at": at + timedelta(seconds=20),
    }


@dataclass
class History:
    """Everything that can happen with a donor, a minute apart."""

    donor: Person
    call: Call
    alice: User
    bob: User
    carol: User
    minute: Moment

    def tell(self) -> list[str]:
        """Make it happen; what the story says of it, the newest first."""
        parts = (self._before_the_talk(), self._talk(), self._offers(), self._endings())
        return [line for part in parts for line in part][::-1]

    def _record(self, action: str, user: User | None, n: int, **facts: Any) -> None:
        audit.record(
            action,
            user=user,
            at=self.minute(n),
            subject=self.call.subject,
            person_uuid=self.donor.pk,
            **facts,
        )

    def _before_the_talk(self) -> list[str]:
        call, minute = self.call, self.minute
        SkipFactory(call=call, user=self.bob, reason=Skip.Reason.LANGUAGE, at=minute(3))
        AttemptFactory(call=call, user=self.alice, at=minute(4), **proven(minute(4)))
        due_at = minute(60)
        CallbackFactory(call=call, user=self.bob, made_at=minute(5), due_at=due_at)
        self._record("callback.made", self.alice, 5, due_at=due_at.isoformat(), whose="mine")
        self._record("callback.handed_over", self.carol, 6, to=self.bob.pk, reason="busy")
        self._record("callback.cancelled", self.bob, 7)
        TakenAwayFactory(
            call=call, user=self.alice, by=self.carol, reason=TakenAway.Reason.LEFT, at=minute(8)
        )
        due = localtime(due_at).strftime("%-d-%-m-%Y %H:%M")
        return [
            "Pledge made – TapRaise",
            "Call requested – TapRaise",
            "Attempt, not made here – TapRaise",
            "Skipped: other language needed – Bob",
            "Attempt: no answer – Alice",
            "Sent to TapRaise: Log an attempt – Belbord itself",
            f"Log an attempt: Attempt confirmed by TapRaise {clock(minute(4))} – TapRaise",
            f"To be called back {due} (mine) – Alice",
            "Callback handed over to Bob – Carol",
            "Callback cancelled – Bob",
            "Taken out of the hands of Alice: left lying – Carol",
        ]

    def _talk(self) -> list[str]:
        call, minute = self.call, self.minute
        RingBack.objects.create(call=call, user=self.bob, at=minute(9))
        CheckFactory(call=call, user=self.bob, at=minute(10))
        Saying.objects.create(
            call=call, item="account", is_right=False, user=self.bob, at=minute(11)
        )
        self._record("donor.trusted", self.carol, 12, answers=1)
        self._record("detail.revealed", self.bob, 13, item="account", reason="donor_asks")
        CorrectionFactory(person=self.donor, call_uuid=call.pk, user=self.bob, at=minute(14))
        return [
            "The donor rang back – Bob",
            "Check of name: right – Bob",
            "The donor said account number: that is not right – Bob",
            "Is sure of the donor: wrong answers no longer count – Carol",
            "Looked at what is masked: account number – Bob",
            "Different, for the charity: e-mail – Bob",
        ]

    def _offers(self) -> list[str]:
        donor, call, minute = self.donor, self.call, self.minute
        asked = {"person": donor, "call_uuid": call.pk, "user": self.bob}
        link = AlphacommLinkFactory(
            pay_link=PayLinkFactory(**asked, at=minute(20), delivery__first_sent_at=None,
                                    delivery__closed_at=minute(21)),
            visited_at=minute(22), status="paid", paid_at=minute(24),
        )  # fmt: skip
        WebhookEventFactory(
            service_id=link.pk, is_worked=True, received_at=minute(23), event="PayLinkPaid"
        )
        script = MessageScriptFactory(
            organization=donor.owning_organization, name="Dank u wel", medium="sms"
        )
        TextMessageFactory(
            **asked, script=script, at=minute(25), evidence={"status": "delivered"},
            evidence_at=minute(26), delivery__first_sent_at=None, delivery__closed_at=minute(25),
            delivery__outcome="decided",
        )  # fmt: skip
        MandateFactory(
            **asked, at=minute(27), status="success", signed_at=minute(28),
            delivery__first_sent_at=minute(27), delivery__closed_at=minute(27),
            delivery__outcome="decided",
        )  # fmt: skip
        batch = BatchFactory(script=script, user=self.carol, at=minute(29))
        LeftOutFactory(batch=batch, person=donor)
        voice = MessageScriptFactory(
            organization=donor.owning_organization, name="Bedankt", medium="voice"
        )
        rung = TextMessageFactory(
            **asked, script=voice, at=minute(30), delivery__first_sent_at=None,
            delivery__outcome="decided", delivery__closed_at=minute(30),
        )  # fmt: skip
        VoiceResultFactory(message=rung, at=minute(31))
        amount = "€ 10,00"
        return [
            f"PayLink of {amount}: asked for – Bob",
            f"Make a PayLink: Confirmed by Alphacomm {clock(minute(21))} – Alphacomm",
            f"PayLink of {amount}: opened – the donor",
            "Told by itself: a payment of a PayLink came through – Alphacomm",
            f"PayLink of {amount}: paid – the donor",
            "Text message 'Dank u wel': reported back: delivered – Bob",
            "Text message 'Dank u wel': reported back: delivered – Alphacomm",
            "E-Mandate: asked for – Bob",
            "Sent to Alphacomm: Make an e-Mandate – Belbord itself",
            "E-Mandate: given – the donor",
            "Left out of the batch 'Dank u wel': the same message a short while ago – Carol",
            "Voice message 'Bedankt': handed over – Bob",
            "Voice message: finished, success point reached – Alphacomm",
        ]

    def _endings(self) -> list[str]:
        donor, call, minute = self.donor, self.call, self.minute
        PledgeChangeFactory(
            pledge=call.pledge, user=self.bob, at=minute(40), reason="minder te besteden"
        )
        refused = CompletionFactory(
            call=call, user=self.bob, completed_at=minute(40), ended_badly_at=minute(42),
            delivery__state="closed", delivery__outcome="rejected", delivery__tries=1,
            delivery__reason="refused", delivery__refusal="Bad Request",
            delivery__payload={"result_code": "confirmed", "retention_rating": 8},
            delivery__first_sent_at=minute(41), delivery__closed_at=minute(42),
        )  # fmt: skip
        audit.record(
            "delivery.acknowledged", user=self.carol, at=minute(43), subject=call.subject,
            delivery=str(refused.delivery_id), operation="tapraise.complete_call",
        )  # fmt: skip
        EndingFactory(call=call, user=self.carol, at=minute(44), reason="dubbel gevraagd")
        ObjectionFactory(
            person_uuid=donor.pk, call_uuid=call.pk, user=self.alice, at=minute(45),
            lifted_at=minute(46), lifted_by=self.carol, lift_reason="op verzoek",
        )  # fmt: skip
        TransactionFactory(person=donor, created_at=minute(47), status=Transaction.Status.PAID)
        NewCallFactory(person=donor, user=self.carol, requested_at=minute(48))
        NewPledgeFactory(person=donor, user=self.carol, at=minute(49))
        return [
            "Pledge changed: amount from € 12,50 to € 5,00 – Bob",
            "Completed: confirmed, rating 8 – Bob",
            "Sent to TapRaise: Complete a call – Belbord itself",
            "Complete a call: Refused by TapRaise – TapRaise",
            "Saw that it was refused: Complete a call – Carol",
            "Cancelled – Carol",
            "Objection: wants to not be called (the donor asked for it, on the phone) – Alice",
            "Objection lifted: wants to not be called – Carol",
            "Payment of € 12,50: paid – TapRaise",
            "Call requested – Carol",
            "Pledge made: € 12,50 a month – Carol",
        ]
