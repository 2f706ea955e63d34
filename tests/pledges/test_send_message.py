"""An agent has a text sent: handed over once, never anew by itself, and only to those who may get
one now."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from accounts.models import AlreadySent, AuditEntry, User
from calls.operations import add_rows
from integrations.alphacomm.wire import BatchRecord, ImportedRecord
from integrations.models import Delivery
from pledges import actions, texting
from pledges.following import ALL_LINKS, LINKS_OF_NOW
from pledges.models import (
    CallingRules,
    MessageScript,
    PayLink,
    PaymentRules,
    Person,
    RowField,
    TextMessage,
)
from pledges.payments import LinkState
from pledges.texting import MessageState
from tests.factories import PersonFactory, TextMessageFactory
from tests.pledges.paying import EURO, Till, links_of, outcome_of

Scripts = dict[str, MessageScript]


def state(till: Till, message: TextMessage) -> MessageState:
    message.refresh_from_db()
    return texting.standing(message, at=till.stage.now).state


def rows_sent(till: Till) -> list[dict[str, Any]]:
    return [row for effect in till.stage.effects("add-rows") for row in effect["body"]["rows"]]


class TestHandingOver:
    def test_a_text_leaves_once_the_undo_window_is_over(self, till: Till, scripts: Scripts) -> None:
        message = till.send(scripts["1002"])
        till.stage.sweep()
        assert till.stage.writes() == []
        assert state(till, message) == MessageState.SAVED
        till.stage.pass_time(10)
        till.stage.sweep()

        assert outcome_of(message.delivery) == Delivery.Outcome.DONE
        assert rows_sent(till) == [
            {
                "reference": message.reference,
                "script": "1002",
                "toPhoneNumbers": ["+31612345678"],
            }
        ]
        # Accepted, and that is not sent.
        assert state(till, message) == MessageState.HANDED_OVER
        assert (message.record_status, message.import_name) == (
            TextMessage.RecordStatus.ACCEPTED,
            next(iter(till.stage.world.alphacomm.records["batches"])),
        )
        assert AuditEntry.objects.get(action="message.sent").facts["script"] == "1002"

    def test_a_script_gets_what_it_asks_for_and_no_more(self, till: Till, scripts: Scripts) -> None:
        message = till.send(scripts["1001"], amount=Decimal("12.50"))
        till.stage.sweep_until_settled()
        (row,) = rows_sent(till)
        assert row == {
            "reference": message.reference,
            "script": "1001",
            "personFamilyName": till.person.surname,
            "toPhoneNumbers": ["+31612345678"],
            "invoiceDescription": "Uw donatie",
            "invoiceDate": "2026-11-03",
            "invoiceDueDate": "2026-11-17",
            "invoiceReference": message.reference,
            "invoiceCurrency": "EUR",
            "invoiceAmount": "1250",
        }

    def test_when_it_leaves_is_told_by_the_import_schedule(
        self, till: Till, scripts: Scripts
    ) -> None:
        PaymentRules.objects.update(import_times=["09:30", "11:30", "14:00"])
        message = till.send(scripts["1002"])
        assert message.leaves_at is not None
        # 10:00 in London is 11:00 here.
        assert message.leaves_at.isoformat() == "2026-11-03T11:30:00+01:00"
        till.stage.sweep_until_settled()
        message.refresh_from_db()
        shown = texting.standing(message, at=till.stage.now)
        assert (shown.state, shown.leaves_at) == (MessageState.HANDED_OVER, message.leaves_at)
        later = texting.standing(message, at=message.leaves_at)
        assert (later.state, later.leaves_at) == (MessageState.HANDED_OVER, None)

    def test_after_the_last_time_of_a_day_it_leaves_the_next(
        self, till: Till, scripts: Scripts
    ) -> None:
        PaymentRules.objects.update(import_times=["09:30"])
        message = till.send(scripts["1002"])
        assert message.leaves_at is not None
        assert message.leaves_at.isoformat() == "2026-11-04T09:30:00+01:00"

    def test_the_same_form_twice_is_one_message(self, till: Till, scripts: Scripts) -> None:
        token = uuid.uuid4()
        till.send(scripts["1002"], token=token)
        with pytest.raises(AlreadySent):
            till.send(scripts["1002"], token=token)
        till.stage.sweep_until_settled()
        assert len(rows_sent(till)) == 1

    def test_an_e_mail_goes_to_an_address(self, till: Till, scripts: Scripts) -> None:
        message = till.send(scripts["1003"], to=" fenna@example.org ", amount=EURO)
        till.stage.sweep_until_settled()
        assert rows_sent(till)[0]["toMailAddress"] == "fenna@example.org"
        assert state(till, message) == MessageState.HANDED_OVER

    def test_what_the_row_holds_is_not_in_the_trail(self, till: Till, scripts: Scripts) -> None:
        till.send(scripts["1001"], amount=EURO)
        trail = str(list(AuditEntry.objects.values()))
        assert "612345678" not in trail
        assert till.person.surname not in trail


class TestWhatBecameOfIt:
    @pytest.mark.parametrize("field", ["invoiceAmount", "personFamilyName"])
    def test_a_row_that_is_rejected_ends_badly_with_the_link_it_was_to_carry(
        self, till: Till, scripts: Scripts, field: str
    ) -> None:
        script = scripts["1002"]
        script.required_fields = ["to_phone_numbers"]
        script.save()
        till.stage.world.alphacomm.put(
            "scripts",
            {**till.stage.world.alphacomm.records["scripts"]["1002"], "required": [field]},
            till.stage.world.now(),
        )
        message = till.send(script)
        till.stage.sweep_until_settled()

        assert outcome_of(message.delivery) == Delivery.Outcome.DONE
        assert state(till, message) == MessageState.REFUSED
        assert message.record_status == TextMessage.RecordStatus.REJECTED
        assert message.record_messages[0]["context"] == field
        # What was refused costs nobody a turn.
        till.send(script)

    def test_a_link_of_a_rejected_row_is_refused_too(self, till: Till, scripts: Scripts) -> None:
        till.stage.world.alphacomm.records["scripts"].pop("1001")
        message = till.send(scripts["1001"], amount=EURO)
        till.stage.sweep_until_settled()
        assert state(till, message) == MessageState.REFUSED
        assert till.state(PayLink.objects.get()) == LinkState.REFUSED

    @pytest.mark.parametrize("status", TextMessage.RecordStatus.values)
    def test_each_status_of_a_record_is_told_apart(
        self, till: Till, scripts: Scripts, status: str
    ) -> None:
        message = till.send(scripts["1002"])
        till.stage.sweep_until_settled()
        became = ImportedRecord(script_id="1002", status=status, reference=message.reference)
        answer = BatchRecord(name="20261103-1", records=(became,))
        message.refresh_from_db()
        add_rows.save(answer, message.delivery, till.stage.now)
        add_rows.ended(message.delivery, till.stage.now)
        wanted = MessageState.HANDED_OVER
        if status in ("notLoaded", "rejected", "dropped"):
            wanted = MessageState.REFUSED
        if status == "updated":
            wanted = MessageState.NOTHING_NEW
        assert state(till, message) == wanted
        with translation.override("en"):
            assert message.status_words != status or status in ("accepted", "rejected", "loaded")

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "reset_after"},
            {"kind": "cut_body"},
            {"kind": "status", "status": 503, "after_effect": True},
            {"kind": "late_effect", "seconds": 100},
            {"kind": "reset_after", "without_effect": True},
            {"kind": "null_required", "field": "records"},
        ],
        ids=str,
    )
    def test_a_lost_answer_to_a_plain_text_goes_to_a_person_and_never_out_again(
        self, till: Till, scripts: Scripts, fault: dict[str, Any]
    ) -> None:
        message = till.send(scripts["1002"])
        till.stage.fault(operation="add-rows", times=1, **fault)
        till.stage.sweep_until_settled()
        assert outcome_of(message.delivery) == Delivery.State.NEEDS_DECISION
        assert state(till, message) == MessageState.UNSURE
        assert len([one for one in till.stage.writes() if one["operation"] == "add-rows"]) == 1
        assert len(till.messages_there()) <= 1

    def test_a_lost_answer_is_proven_by_the_link_that_the_script_made(
        self, till: Till, scripts: Scripts
    ) -> None:
        message = till.send(scripts["1001"], amount=EURO)
        till.stage.fault("reset_after", "add-rows", times=1)
        till.stage.sweep_until_settled()
        assert outcome_of(message.delivery) == Delivery.Outcome.DONE
        assert len(till.messages_there()) == 1
        assert till.state(PayLink.objects.get()) == LinkState.READY

    def test_a_link_that_comes_later_settles_what_waits_for_a_person(
        self, till: Till, scripts: Scripts
    ) -> None:
        switches = till.stage.world.alphacomm.switches
        till.stage.world.alphacomm.switches = switches.changed({"import_every_seconds": 4 * 3600})
        message = till.send(scripts["1001"], amount=EURO)
        till.stage.fault("reset_after", "add-rows", times=1)
        till.stage.sweep_until_settled()
        assert outcome_of(message.delivery) == Delivery.State.NEEDS_DECISION
        till.stage.pass_time(4 * 3600)
        till.follow(ALL_LINKS)
        till.stage.sweep_until_settled()
        assert outcome_of(message.delivery) == Delivery.Outcome.DONE

    def test_refused_before_it_began_is_rejected_with_their_words(
        self, till: Till, scripts: Scripts
    ) -> None:
        message = till.send(scripts["1001"], amount=EURO)
        till.stage.fault("graphql_errors", "add-rows", data="absent")
        till.stage.sweep_until_settled()
        assert outcome_of(message.delivery) == Delivery.Outcome.REJECTED
        assert state(till, message) == MessageState.REFUSED
        assert till.state(PayLink.objects.get()) == LinkState.REFUSED


class TestWhoMayGetOne:
    def test_an_opt_in_of_no_refuses_and_of_nothing_does_not(
        self, till: Till, scripts: Scripts
    ) -> None:
        Person.objects.update(opt_in_sms=False)
        with pytest.raises(actions.MayNotText) as refused:
            till.send(scripts["1002"])
        assert refused.value.ground.code == "text_refused"
        Person.objects.update(opt_in_sms=None)
        assert till.send(scripts["1002"]).ground["code"] == "text_ok_not_asked"
        Person.objects.update(opt_in_email=True)
        mailed = till.send(scripts["1003"], to="fenna@example.org", amount=EURO)
        assert mailed.ground["code"] == "text_ok"

    def test_outside_the_hours_of_calling_nothing_is_sent(
        self, till: Till, scripts: Scripts
    ) -> None:
        CallingRules.objects.update(weekdays_open="12:00", weekdays_close="20:00")
        with pytest.raises(actions.MayNotText) as refused:
            till.send(scripts["1002"])
        assert refused.value.ground.code == "text_closed"
        assert refused.value.ground.next_at is not None
        # It would only leave when they are open.
        PaymentRules.objects.update(import_times=["12:30"])
        till.send(scripts["1002"])

    def test_a_text_that_would_leave_outside_them_is_not_handed_over(
        self, till: Till, scripts: Scripts
    ) -> None:
        CallingRules.objects.update(weekdays_open="09:00", weekdays_close="20:00")
        PaymentRules.objects.update(import_times=["20:30"])
        with pytest.raises(actions.MayNotText):
            till.send(scripts["1002"])

    def test_the_same_message_cools_down_first(self, till: Till, scripts: Scripts) -> None:
        PaymentRules.objects.update(texts_a_day=10)
        first = till.send(scripts["1002"])
        with pytest.raises(actions.CoolingDown) as refused:
            till.send(scripts["1002"])
        assert refused.value.until == first.at + timedelta(minutes=60)
        till.send(scripts["1001"], amount=EURO)
        till.stage.pass_time(3600)
        till.send(scripts["1002"])

    def test_a_donor_gets_no_more_a_day_than_the_rules_say(
        self, till: Till, scripts: Scripts
    ) -> None:
        TextMessageFactory(person=till.person, at=till.stage.now - timedelta(hours=12))
        TextMessageFactory(person=till.person, at=till.stage.now - timedelta(hours=2))
        TextMessageFactory(
            person=till.person,
            at=till.stage.now - timedelta(hours=2),
            ended_badly_at=till.stage.now,
        )
        till.send(scripts["1002"])
        with pytest.raises(actions.EnoughForToday) as refused:
            till.send(scripts["1001"], amount=EURO)
        assert "2" in refused.value.words

    @pytest.mark.parametrize("to", ["", "12", "geen nummer", "06-1234567"])
    def test_what_is_no_number_gets_nothing(self, till: Till, scripts: Scripts, to: str) -> None:
        with pytest.raises(actions.NoAddressToTextTo):
            till.send(scripts["1002"], to=to)

    @pytest.mark.parametrize("to", ["", "fenna", "fenna@", "0612345678"])
    def test_what_is_no_address_gets_no_mail(self, till: Till, scripts: Scripts, to: str) -> None:
        with pytest.raises(actions.NoAddressToTextTo):
            till.send(scripts["1003"], to=to, amount=EURO)

    def test_a_field_that_is_not_known_is_named(self, till: Till, scripts: Scripts) -> None:
        Person.objects.update(last_name=None, last_name_prefix=None)
        with (
            translation.override("en"),
            pytest.raises(actions.FieldMissing) as refused,
        ):
            till.send(scripts["1001"], amount=EURO)
        assert refused.value.field == RowField.FAMILY_NAME
        with translation.override("en"):
            assert "last name" in refused.value.words
        with pytest.raises(actions.FieldMissing) as refused:
            till.send(scripts["18301"])

    def test_an_amount_is_within_the_bounds(self, till: Till, scripts: Scripts) -> None:
        with pytest.raises(actions.AmountOutOfBounds):
            till.send(scripts["1001"], amount=Decimal(251))
        with pytest.raises(actions.FieldMissing) as refused:
            till.send(scripts["1001"])
        assert refused.value.field == RowField.AMOUNT

    def test_a_script_of_another_or_out_of_use_is_refused(
        self, till: Till, scripts: Scripts, dirk: User
    ) -> None:
        scripts["1002"].is_active = False
        with pytest.raises(actions.ScriptNotInUse):
            till.send(scripts["1002"])
        other = TextMessageFactory(person=PersonFactory()).script
        with pytest.raises(actions.ScriptNotInUse):
            till.send(other)
        with pytest.raises(actions.NotOurs):
            till.send(scripts["1001"], amount=EURO, user=dirk)

    def test_every_refusal_is_a_sentence(self, till: Till, scripts: Scripts) -> None:
        Person.objects.update(opt_in_sms=False)
        with translation.override("en"), pytest.raises(actions.PaymentRefusal) as refused:
            till.send(scripts["1002"])
        assert refused.value.words.endswith(".")


class TestUndo:
    def test_nothing_leaves_and_nothing_is_left(self, till: Till, scripts: Scripts) -> None:
        message = till.send(scripts["1001"], amount=EURO)
        undone = actions.undo_message(user=till.user, token=message.token, at=till.stage.now)
        assert undone == message
        till.stage.pass_time(60)
        till.stage.sweep_until_settled()
        assert till.stage.writes() == []
        assert not TextMessage.objects.exists()
        assert not PayLink.objects.exists()
        # And it may be sent again at once.
        till.send(scripts["1001"], amount=EURO)

    def test_what_has_left_cannot_be_taken_back(self, till: Till, scripts: Scripts) -> None:
        message = till.send(scripts["1002"])
        till.stage.sweep_until_settled()
        with pytest.raises(actions.TooLate):
            actions.undo_message(user=till.user, token=message.token, at=till.stage.now)
        assert TextMessage.objects.get() == message

    def test_nobody_takes_back_what_another_sent(
        self, till: Till, scripts: Scripts, bob: User
    ) -> None:
        message = till.send(scripts["1002"])
        with pytest.raises(actions.TooLate):
            actions.undo_message(user=bob, token=message.token, at=till.stage.now)


def test_a_link_by_text_that_leaves_much_later_is_found_then(till: Till, scripts: Scripts) -> None:
    PaymentRules.objects.update(import_times=["16:00"])
    switches = till.stage.world.alphacomm.switches
    till.stage.world.alphacomm.switches = switches.changed({"import_every_seconds": 5 * 3600})
    message = till.send(scripts["1001"], amount=EURO)
    till.stage.sweep_until_settled()
    assert message.leaves_at is not None
    till.stage.now = message.leaves_at + timedelta(minutes=1)
    till.follow(LINKS_OF_NOW)
    assert len(links_of(message.pay_link)) == 1
