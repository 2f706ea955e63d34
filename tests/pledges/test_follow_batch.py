"""A file of messages, followed to its end; one whose answer was lost is decided by a person."""

import uuid

import pytest
from django.db import transaction

from integrations import clients, outbox
from integrations.models import Delivery
from integrations.streams import Outcome
from pledges import messages
from pledges.following import BATCHES
from pledges.models import Batch, MessageScript, TextMessage
from tests.factories import BatchFactory, TextMessageFactory
from tests.pledges.paying import Till, outcome_of

FILE = "reference,script,toPhoneNumbers\n20261103-a,1002,+31612345678\n"


@pytest.fixture
def batch(till: Till, scripts: dict[str, MessageScript]) -> Batch:
    """One that is to leave now."""
    made = Batch(
        script=scripts["1002"], size=1, user=till.user, at=till.stage.now, token=uuid.uuid4()
    )
    with transaction.atomic():
        made.delivery = outbox.enqueue(
            messages.ADD_FILE,
            subject=made.subject,
            account=clients.ALPHACOMM,
            payload={"contents": FILE, "extension": "csv"},
            fingerprint=str(made.pk),
            token=made.token,
            by=till.user,
            at=till.stage.now,
            undo=False,
        )
        made.save(force_insert=True)
        TextMessageFactory(
            person=till.person, delivery=made.delivery, batch=made, reference="20261103-a"
        )
    return made


def test_a_file_is_followed_from_its_answer_to_its_end(till: Till, batch: Batch) -> None:
    till.stage.sweep()
    batch.refresh_from_db()
    assert outcome_of(batch.delivery) == Delivery.Outcome.DONE
    assert batch.name is not None
    assert batch.status == Batch.Status.QUEUED
    assert till.follow(BATCHES).records == 1
    batch.refresh_from_db()
    assert (batch.status, batch.action) == (Batch.Status.DONE, "IMPORT")
    # What has ended is asked for no more.
    assert till.follow(BATCHES).records == 0
    till.stage.pass_time(60)
    assert len(till.messages_there()) == 1


def test_each_state_on_the_way_is_seen(till: Till, batch: Batch) -> None:
    switches = till.stage.world.alphacomm.switches
    till.stage.world.alphacomm.switches = switches.changed(
        {"file_queued_seconds": 90, "file_running_seconds": 60}
    )
    till.stage.sweep()
    seen = []
    for _ in range(3):
        till.follow(BATCHES)
        batch.refresh_from_db()
        seen.append(batch.status)
    assert seen == [Batch.Status.QUEUED, Batch.Status.RUNNING, Batch.Status.DONE]


@pytest.mark.parametrize("kind", ["reset_after", "cut_body", "not_json"])
def test_a_lost_answer_goes_to_a_person_and_the_file_never_out_again(
    till: Till, batch: Batch, kind: str
) -> None:
    till.stage.fault(kind, "add-file", times=1)
    till.stage.sweep_until_settled()
    assert outcome_of(batch.delivery) == Delivery.State.NEEDS_DECISION
    assert len(till.stage.effects("add-file")) == 1


def test_a_file_that_is_refused_takes_its_messages_along(till: Till, batch: Batch) -> None:
    message = TextMessageFactory(person=till.person, delivery=batch.delivery, batch=batch)
    till.stage.fault("graphql_errors", "add-file", data="absent")
    till.stage.sweep_until_settled()
    batch.refresh_from_db()
    assert outcome_of(batch.delivery) == Delivery.Outcome.REJECTED
    assert batch.ended_badly_at is not None
    assert TextMessage.objects.get(pk=message.pk).ended_badly_at is not None


def test_a_batch_that_is_not_there_is_counted_as_absent(till: Till) -> None:
    BatchFactory()
    turn = till.follow(BATCHES)
    assert (turn.outcome, turn.records, turn.absent) == (Outcome.FINISHED, 0, 1)
