"""A supervisor sends many donors a message: each judged as one is, handed over in rows or as one
file, with a result for each where there is one, and never anew by itself."""

import csv
import io
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import AlreadySent, AuditEntry, FormChanged, User
from integrations import actions as deliveries
from integrations import rounds
from integrations.models import Delivery
from pledges import actions, texting
from pledges.actions import Amount, Recipient
from pledges.batches import progress_of, read_batch
from pledges.following import BATCHES
from pledges.models import (
    Batch,
    CallingRules,
    LeftOut,
    Mandate,
    MessageScript,
    PayLink,
    PaymentRules,
    Person,
    TextMessage,
)
from pledges.texting import MessageState
from tests.factories import MandateFactory, PersonFactory, TextMessageFactory
from tests.pledges.paying import Till, outcome_of

Scripts = dict[str, MessageScript]
REASON = LeftOut.Reason
FIXED = Amount(Batch.AmountRule.FIXED, Decimal("10.00"))
PLAIN = "1002"
WITH_LINK = "1001"
BY_MAIL = "1003"
WITH_MANDATE = "1004"


def donors(till: Till, count: int, **columns: Any) -> list[Person]:
    organization = till.person.owning_organization
    made = PersonFactory.build_batch(count, owning_organization=organization, **columns)
    found: list[Person] = Person.objects.bulk_create(made)
    return found


def to(persons: Sequence[Person], **more: Any) -> list[Recipient]:
    return [Recipient(person=person.pk, **more) for person in persons]


def send(
    till: Till, user: User, script: MessageScript, recipients: list[Recipient], **more: Any
) -> Batch:
    return actions.send_batch(
        **{
            "user": user,
            "script": script,
            "recipients": recipients,
            "selection": {"kind": "open"},
            "amount": Amount(),
            "way": Batch.Way.ROWS,
            "token": uuid.uuid4(),
            "at": till.stage.now,
            **more,
        }
    )


def line_of(batch: Batch) -> list[Delivery]:
    return list(Delivery.objects.filter(subject=batch.subject).order_by("seq"))


def states(till: Till, batch: Batch) -> dict[str, int]:
    batch.refresh_from_db()
    progress = progress_of([batch], at=till.stage.now)[batch.pk]
    return {state: count for state, _label, count in progress.states}


def reasons(batch: Batch) -> dict[str, int]:
    return dict(Counter(LeftOut.objects.filter(batch=batch).values_list("reason", flat=True)))


class TestInRows:
    def test_2500_leave_by_the_hundred_and_those_that_are_rejected_say_why(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        # An address that is one here and none at Alphacomm.
        persons = donors(till, 2_490) + donors(till, 10, email="donor@localhost")
        batch = send(till, carol, scripts[BY_MAIL], to(persons), amount=FIXED)
        assert (batch.size, len(line_of(batch))) == (2_500, 25)
        till.stage.sweep()
        assert till.stage.effects("add-rows") == []
        till.stage.pass_time(10)
        till.stage.sweep()

        sent = [row for one in till.stage.effects("add-rows") for row in one["body"]["rows"]]
        assert len(sent) == len({row["reference"] for row in sent}) == 2_500
        assert [len(one["body"]["rows"]) for one in till.stage.effects("add-rows")] == [100] * 25
        assert {outcome_of(delivery) for delivery in line_of(batch)} == {"done"}
        assert states(till, batch) == {MessageState.HANDED_OVER: 2_490, MessageState.REFUSED: 10}
        refused = TextMessage.objects.filter(batch=batch, ended_badly_at__isnull=False)
        assert {message.record_status for message in refused} == {"rejected"}
        assert "no e-mail address" in refused[0].record_messages[0]["message"]
        # Of what is not sent no link is waited for.
        assert PayLink.objects.living().filter(message__batch=batch).count() == 2_490

    def test_the_same_form_twice_is_one_batch(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        token, recipients = uuid.uuid4(), to(donors(till, 3))
        send(till, carol, scripts[PLAIN], recipients, token=token)
        with pytest.raises(AlreadySent):
            send(till, carol, scripts[PLAIN], recipients, token=token)
        with pytest.raises(FormChanged):
            send(till, carol, scripts[PLAIN], recipients, token=token, selection={"kind": "x"})
        assert (Batch.objects.count(), TextMessage.objects.count()) == (1, 3)

    def test_somebody_who_was_selected_twice_gets_one(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        first, second = donors(till, 2)
        call = uuid.uuid4()
        recipients = [*to([first], call=call), *to([second]), *to([first], call=uuid.uuid4())]
        batch = send(till, carol, scripts[PLAIN], recipients)
        assert batch.size == 2
        assert batch.messages.get(person=first).call_uuid == call
        assert AuditEntry.objects.get(action="batch.sent").facts["doubles"] == 1

    def test_amounts_come_from_where_they_were_said_to(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        one, other, third = donors(till, 3)
        recipients = [
            *to([one], link_amount=Decimal("12.50"), pledge_amount=Decimal(3)),
            *to([other], link_amount=Decimal(1000)),
            *to([third]),
        ]
        amount = Amount(Batch.AmountRule.LINK)
        batch = send(till, carol, scripts[WITH_LINK], recipients, amount=amount)
        assert [link.amount for link in PayLink.objects.all()] == [Decimal("12.50")]
        assert batch.messages.get().fields["invoice_amount"] == 1250
        assert reasons(batch) == {REASON.AMOUNT_OUT_OF_BOUNDS: 1, REASON.AMOUNT_UNKNOWN: 1}

    def test_a_refused_request_ends_its_part_and_keeps_the_rest_for_a_person(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        batch = send(till, carol, scripts[PLAIN], to(donors(till, 250)))
        till.stage.fault("status", "add-rows", status=403, times=1)
        till.stage.sweep_until_settled()
        assert [one.state for one in line_of(batch)] == ["needs_decision", "ready", "ready"]
        assert till.stage.effects("add-rows") == []


class TestLostAnswers:
    def test_a_part_whose_links_are_found_is_proven(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        batch = send(till, carol, scripts[WITH_LINK], to(donors(till, 120)), amount=FIXED)
        till.stage.fault("reset_after", "add-rows", times=1)
        till.stage.sweep_until_settled()
        assert [outcome_of(one) for one in line_of(batch)] == ["done", "done"]
        assert len(till.stage.effects("add-rows")) == 2
        assert PayLink.objects.filter(message__batch=batch, links__isnull=False).count() >= 100

    def test_without_a_link_a_person_decides_and_nothing_is_sent_by_itself(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        batch = send(till, carol, scripts[PLAIN], to(donors(till, 120)))
        till.stage.fault("reset_after", "add-rows", times=1)
        till.stage.sweep_until_settled()
        first, second = line_of(batch)
        assert (first.state, first.reason) == ("needs_decision", "nothing_to_read")
        assert second.state == "ready"
        assert len(till.stage.effects("add-rows")) == 1
        page = read_batch(batch, user=carol, at=till.stage.now)
        assert [part.needs_decision for part in page.open_parts] == [True, False]
        # Nothing moves until somebody decides, so nobody needs to ask for it.
        assert not page.progress.is_moving

    def test_a_file_whose_answer_is_lost_goes_to_a_person_and_never_leaves_again(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        batch = send(till, carol, scripts[PLAIN], to(donors(till, 1_000)), way=Batch.Way.FILE)
        till.stage.fault("reset_after", "add-file", times=1)
        till.stage.sweep_until_settled()
        (delivery,) = line_of(batch)
        assert (delivery.state, delivery.tries) == ("needs_decision", 1)
        assert states(till, batch) == {MessageState.UNSURE: 1_000}
        till.stage.sweep_for(3_600, every=300)
        assert len(till.stage.effects("add-file")) == 1

    def test_a_file_that_a_person_gives_up_ends_all_of_it(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        batch = send(
            till,
            carol,
            scripts[WITH_LINK],
            to(donors(till, 1_000)),
            way=Batch.Way.FILE,
            amount=FIXED,
        )
        till.stage.fault("reset_before", "add-file", times=1)
        till.stage.sweep_until_settled()
        (delivery,) = line_of(batch)
        deliveries.drop(
            delivery_id=delivery.pk,
            version=delivery.version,
            reason=deliveries.DropReason.CANNOT_BE_DONE,
            user=carol,
            at=till.stage.now,
        )
        assert states(till, batch) == {MessageState.REFUSED: 1_000}
        assert not PayLink.objects.living().exists()


class TestAsAFile:
    def test_a_thousand_go_as_one_file_and_the_batch_is_followed_to_its_end(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        persons = donors(till, 999) + donors(till, 1, last_name='De "Wit", junior\nx')
        batch = send(
            till,
            carol,
            scripts[WITH_LINK],
            to(persons),
            way=Batch.Way.FILE,
            amount=FIXED,
        )
        till.stage.pass_time(10)
        till.stage.sweep()
        batch.refresh_from_db()
        assert (outcome_of(batch.delivery), batch.status) == ("done", "queued")
        assert progress_of([batch], at=till.stage.now)[batch.pk].is_moving
        seen = [batch.status]
        for _ in range(3):
            till.stage.pass_time(8)
            rounds.go(BATCHES, clock=till.stage.clock)
            batch.refresh_from_db()
            seen.append(batch.status)
        assert list(dict.fromkeys(seen)) == ["queued", "running", "done"]
        progress = progress_of([batch], at=till.stage.now)[batch.pk]
        assert (progress.is_moving, progress.is_over) == (False, True)

        # What left is what Alphacomm read: names with anything in them too.
        (there,) = till.stage.world.alphacomm.records["batches"].values()
        assert {record["status"] for record in there["records"]} == {"accepted"}
        assert {record["reference"] for record in there["records"]} == set(
            batch.messages.values_list("reference", flat=True)
        )
        jobs = till.stage.world.alphacomm.records["jobs"].values()
        assert 'van der De "Wit", junior\nx' in {job["row"]["personFamilyName"] for job in jobs}
        assert {job["row"]["invoiceAmount"] for job in jobs} == {"1000"}
        # Nothing is known of each, so nothing is said.
        assert states(till, batch) == {MessageState.HANDED_OVER: 1_000}

    def test_a_file_that_cannot_be_read_there_is_told(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        batch = send(till, carol, scripts[PLAIN], to(donors(till, 1_000)), way=Batch.Way.FILE)
        till.stage.pass_time(10)
        till.stage.sweep()
        batch.refresh_from_db()
        holdings = till.stage.world.alphacomm
        there = holdings.records["batches"][batch.name]
        holdings.change("batches", there, till.stage.world.now(), status="error")
        till.follow(BATCHES)
        batch.refresh_from_db()
        assert batch.status == "error"
        progress = progress_of([batch], at=till.stage.now)[batch.pk]
        assert (progress.is_moving, progress.is_over) == (False, True)

    def test_columns_have_the_names_of_the_api_and_only_those_that_are_filled(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        batch = send(till, carol, scripts[PLAIN], to(donors(till, 1_000)), way=Batch.Way.FILE)
        payload = batch.delivery.payload
        rows = list(csv.reader(io.StringIO(payload["contents"])))
        assert rows[0] == ["reference", "script", "toPhoneNumbers"]
        assert len(rows) == 1_001
        assert rows[1][1] == PLAIN
        assert rows[1][2].startswith("+31657")

    def test_a_file_is_for_many(self, till: Till, carol: User, scripts: Scripts) -> None:
        with pytest.raises(actions.TooFewForFile):
            send(till, carol, scripts[PLAIN], to(donors(till, 999)), way=Batch.Way.FILE)
        assert not TextMessage.objects.exists()


class TestWhoMayNot:
    def test_each_is_judged_by_what_judges_one(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        fine, without, unwilling, cooling, enough = donors(till, 5)
        Person.objects.filter(pk=without.pk).update(mobile_e164=None, phone_e164=None)
        Person.objects.filter(pk=unwilling.pk).update(opt_in_sms=False)
        theirs = PersonFactory(owning_organization__name="Een ander")
        carol.organizations.add(theirs.owning_organization)
        minute = till.stage.now - timedelta(minutes=1)
        TextMessageFactory(person=cooling, script=scripts[PLAIN], at=minute)
        for number in (WITH_LINK, WITH_MANDATE):
            TextMessageFactory(person=enough, script=scripts[number], at=minute)
        persons = [fine, without, unwilling, cooling, enough, theirs]
        batch = send(till, carol, scripts[PLAIN], to(persons))
        assert [message.person for message in batch.messages.all()] == [fine]
        assert reasons(batch) == {
            REASON.NO_ADDRESS: 1,
            REASON.REFUSED: 1,
            REASON.COOLING_DOWN: 1,
            REASON.ENOUGH_FOR_TODAY: 1,
            REASON.OTHER_ORGANIZATION: 1,
        }
        # One by one they are refused just so.
        till.user = carol
        for person, refusal in (
            (without, actions.NoAddressToTextTo),
            (unwilling, actions.MayNotText),
            (cooling, actions.CoolingDown),
            (enough, actions.EnoughForToday),
            (theirs, actions.ScriptNotInUse),
        ):
            till.person = Person.objects.get(pk=person.pk)
            with pytest.raises(refusal):
                till.send(scripts[PLAIN], to=till.person.mobile_e164 or "")

    def test_a_second_batch_right_after_the_first_finds_all_of_them_cooling_down(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        persons = donors(till, 3)
        send(till, carol, scripts[PLAIN], to(persons))
        with pytest.raises(actions.NobodyToWriteTo):
            send(till, carol, scripts[PLAIN], to(persons))
        late = till.stage.now + timedelta(minutes=61)
        assert send(till, carol, scripts[PLAIN], to(persons), at=late).size == 3
        later = late + timedelta(minutes=61)
        with pytest.raises(actions.NobodyToWriteTo):
            # Two a day.
            send(till, carol, scripts[PLAIN], to(persons), at=later)
        tomorrow = till.stage.now + timedelta(days=1)
        assert send(till, carol, scripts[PLAIN], to(persons), at=tomorrow).size == 3

    def test_outside_the_window_nobody_gets_one_and_it_counts_when_it_leaves(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        CallingRules.objects.update(weekdays_open=time(9), weekdays_close=time(17))
        persons = donors(till, 2)
        night = till.stage.now.replace(hour=22)
        with pytest.raises(actions.NobodyToWriteTo):
            send(till, carol, scripts[PLAIN], to(persons), at=night)
        # The schedule takes them up in the morning, when they may come.
        PaymentRules.objects.update(import_times=["09:30"])
        batch = send(till, carol, scripts[PLAIN], to(persons), at=night)
        message = batch.messages.first()
        assert message is not None
        assert message.leaves_at == datetime.fromisoformat("2026-11-04T09:30:00+01:00")
        assert texting.standing(message, at=night).leaves_at == message.leaves_at

    def test_who_has_an_emandate_to_give_gets_no_second_one(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        waiting, fine = donors(till, 2)
        MandateFactory(person=waiting, at=till.stage.now - timedelta(days=1))
        batch = send(till, carol, scripts[WITH_MANDATE], to([waiting, fine]))
        assert reasons(batch) == {REASON.MANDATE_OPEN: 1}
        assert Mandate.objects.get(message__batch=batch).person == fine

    def test_who_changed_their_mind_after_the_form_was_shown_gets_none(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        willing, unwilling = donors(till, 2)
        recipients, token = to([willing, unwilling]), uuid.uuid4()
        shown = actions.weigh_batch(
            user=carol,
            script=scripts[PLAIN],
            recipients=recipients,
            amount=Amount(),
            token=token,
            at=till.stage.now,
        )
        assert len(shown.prepared) == 2
        assert not TextMessage.objects.exists()
        Person.objects.filter(pk=unwilling.pk).update(opt_in_sms=False)
        batch = send(till, carol, scripts[PLAIN], recipients, token=token, shown=2)
        assert (batch.size, reasons(batch)) == (1, {REASON.REFUSED: 1})

    def test_more_than_the_form_said_are_not_sent_to(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        with pytest.raises(actions.MoreThanShown) as refused:
            send(till, carol, scripts[PLAIN], to(donors(till, 3)), shown=2)
        assert refused.value.size == 3
        assert not Delivery.objects.exists()

    def test_only_a_supervisor_of_that_organisation(
        self, till: Till, alice: User, carol: User, dirk: User, scripts: Scripts
    ) -> None:
        recipients = to(donors(till, 1))
        with pytest.raises(actions.NotAllowed):
            send(till, alice, scripts[PLAIN], recipients)
        dirk.role = User.Role.SUPERVISOR
        with pytest.raises(actions.NotOurs):
            send(till, dirk, scripts[PLAIN], recipients)
        MessageScript.objects.update(is_active=False)
        with pytest.raises(actions.ScriptNotInUse):
            send(till, carol, scripts[PLAIN], recipients)

    def test_a_batch_of_links_waits_until_an_amount_was_seen(
        self, till: Till, carol: User, scripts: Scripts, settings: Settings
    ) -> None:
        settings.ALPHACOMM_URL = "https://alphacomm.example"
        PaymentRules.objects.update(amounts_agreed_at=None)
        with pytest.raises(actions.AmountsUnproven):
            send(till, carol, scripts[WITH_LINK], to(donors(till, 2)), amount=FIXED)
        # What asks for no amount may go.
        assert send(till, carol, scripts[PLAIN], to(donors(till, 2))).size == 2

    @pytest.mark.parametrize("euros", ["0.50", "250.01", "10.005"])
    def test_an_amount_for_everybody_is_refused_once(
        self, till: Till, carol: User, scripts: Scripts, euros: str
    ) -> None:
        amount = Amount(Batch.AmountRule.FIXED, Decimal(euros))
        with pytest.raises(actions.AmountOutOfBounds):
            send(till, carol, scripts[WITH_LINK], to(donors(till, 2)), amount=amount)


class TestUndo:
    def test_within_the_window_all_of_it_is_taken_back(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        persons = donors(till, 250)
        batch = send(till, carol, scripts[WITH_LINK], to(persons), amount=FIXED)
        assert read_batch(batch, user=carol, at=till.stage.now).undoable is not None
        assert actions.undo_batch(user=carol, batch=batch, at=till.stage.now) == 250
        till.stage.sweep_until_settled()
        assert till.stage.effects("add-rows") == []
        assert not Batch.objects.exists()
        assert not TextMessage.objects.exists()
        assert not PayLink.objects.exists()
        # Nobody was written to, so they can be.
        assert send(till, carol, scripts[WITH_LINK], to(persons), amount=FIXED).size == 250

    def test_once_a_part_has_left_nothing_is_taken_back(
        self, till: Till, carol: User, scripts: Scripts
    ) -> None:
        batch = send(till, carol, scripts[PLAIN], to(donors(till, 250)))
        till.stage.pass_time(10)
        till.stage.sweep()
        assert read_batch(batch, user=carol, at=till.stage.now).undoable is None
        with pytest.raises(actions.TooLate):
            actions.undo_batch(user=carol, batch=batch, at=till.stage.now)
        assert batch.messages.count() == 250

    def test_another_ones_batch_is_not_taken_back(
        self, till: Till, carol: User, bob: User, scripts: Scripts
    ) -> None:
        batch = send(till, carol, scripts[PLAIN], to(donors(till, 2)))
        bob.role = User.Role.SUPERVISOR
        with pytest.raises(actions.NotOurs):
            actions.undo_batch(user=bob, batch=batch, at=till.stage.now)


class TestThousands:
    @pytest.mark.parametrize("count", [20, 2_000])
    def test_judging_takes_the_same_questions_for_many_as_for_few(
        self, till: Till, carol: User, scripts: Scripts, count: int, django_assert_num_queries: Any
    ) -> None:
        recipients = to(donors(till, count))
        with django_assert_num_queries(9):
            actions.weigh_batch(
                user=carol,
                script=scripts[WITH_LINK],
                recipients=recipients,
                amount=FIXED,
                token=uuid.uuid4(),
                at=till.stage.now,
            )

    def test_sending_and_reading_take_a_handful_of_statements(
        self, till: Till, carol: User, scripts: Scripts, django_assert_max_num_queries: Any
    ) -> None:
        recipients = to(donors(till, 2_000))
        # SQLite takes a thousand values a statement, so it needs more of them.
        with django_assert_max_num_queries(120):
            batch = send(till, carol, scripts[WITH_LINK], recipients, amount=FIXED)
        with django_assert_max_num_queries(5):
            read_batch(batch, user=carol, at=till.stage.now)
