"""A donor writes, or the charity tells, that they want to hear nothing more: recorded on the page
of the person, without a call. What waits to be handed over to them is taken back, whichever way it
came in."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.audit import AuditEntry
from accounts.models import User
from calls import queue
from calls.models import Call, Callback
from integrations.models import Delivery
from pledges.contact import Rulebook
from pledges.models import (
    MessageScript,
    Objection,
    Organization,
    PayLink,
    PaymentRules,
    Person,
    TextMessage,
)
from tests.calls.conftest import Desk
from tests.calls.offering import Counter
from tests.calls.two_steps import TwoSteps, signed_in
from tests.factories import (
    CallbackFactory,
    CallFactory,
    HoldFactory,
    PersonFactory,
    TextMessageFactory,
    now,
)

pytestmark = pytest.mark.django_db

Scripts = dict[str, MessageScript]
BY_LETTER = {"channel": "all", "reason": "asked", "source": "letter"}


def objects(user: User, person: Person, **fields: str) -> None:
    """Both steps of the form on the page of the person."""
    form = TwoSteps(user, f"/persons/{person.pk}/objections/")
    assert form.send(**{**BY_LETTER, **fields})["Location"] == f"/persons/{person.pk}/"


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_who_answers_a_letter_records_it_without_a_call(
    who: str, call: Call, bob: User, request: pytest.FixtureRequest
) -> None:
    user: User = request.getfixturevalue(who)
    callback = CallbackFactory(call=call, user=bob)
    page = signed_in(user).get(f"/persons/{call.person_id}/").content.decode()
    assert f'href="/persons/{call.person_id}/objections/"' in page
    form = TwoSteps(user, f"/persons/{call.person_id}/objections/")
    form.open()
    words = form.fill_in(**BY_LETTER).content.decode()
    assert "Every open call stops here at once" in words
    assert not Objection.objects.exists()

    form.press("send")

    objection = Objection.objects.get()
    assert (objection.source, objection.call_uuid, objection.calls_stopped) == ("letter", None, 1)
    assert not queue.due(bob, at=now(), rulebook=Rulebook.read()).exists()
    callback.refresh_from_db()
    assert callback.state == Callback.State.CANCELLED
    page = signed_in(user).get(f"/persons/{call.person_id}/").content.decode()
    assert "the donor asked for it · by letter" in page
    entry = AuditEntry.objects.get(action="objection.recorded")
    assert (entry.subject, entry.facts["source"]) == (f"person:{call.person_id}", "letter")


def test_who_wants_no_texts_is_still_called(call: Call, alice: User) -> None:
    objects(alice, call.person, channel="text", source="email")

    assert queue.due(alice, at=now(), rulebook=Rulebook.read()).exists()


def test_a_form_that_is_sent_twice_is_one_objection(call: Call, alice: User) -> None:
    form = TwoSteps(alice, f"/persons/{call.person_id}/objections/")
    form.open()
    form.fill_in(**BY_LETTER)

    for _ in range(2):
        assert form.press("send").status_code == 302

    assert Objection.objects.count() == 1


def test_the_proof_says_how_it_came_in(call: Call, alice: User, carol: User) -> None:
    objects(alice, call.person)

    told = signed_in(carol).get(f"/persons/{call.person_id}/proof.csv").content.decode()

    assert "the donor asked for it (by letter)" in told


def test_a_donor_of_another_organisation_does_not_exist(call: Call, dirk: User) -> None:
    address = f"/persons/{call.person_id}/objections/"

    assert signed_in(dirk).get(address).status_code == 404
    assert signed_in(dirk).post(address, BY_LETTER | {"send": "yes"}).status_code == 404
    assert not Objection.objects.exists()


# ── What waits to be handed over ──────────────────────────────────────────────────────────────────


@pytest.fixture
def sends(
    alice: User, terms: PaymentRules, scripts: Scripts, at_counter: Callable[..., Counter]
) -> Callable[..., Counter]:
    """Alice sends the donor a text or a mail from the desk, and no worker has come by yet."""

    def send(script: str, **fields: Any) -> Counter:
        counter = at_counter(alice)
        counter.look()
        typed = {"script": scripts[script].pk, "number": "06-12345678", "amount": "10,00"}
        assert counter.press("messages", **{**typed, **fields}).status_code == 200
        return counter

    return send


def _there(counter: Counter) -> list[dict[str, Any]]:
    counter.deliver()
    return [one for one in counter.sandbox.effects() if "add" in one["operation"].lower()]


def test_a_text_that_has_not_left_is_taken_back_with_its_link(
    sends: Callable[..., Counter], call: Call, bob: User
) -> None:
    counter = sends("1001")
    assert PayLink.objects.filter(ended_badly_at=None).count() == 1

    objects(bob, call.person)

    assert _there(counter) == []
    assert Delivery.objects.get().reason == "objected"
    assert not PayLink.objects.filter(ended_badly_at=None).exists()
    assert "Taken away" in counter.look()
    assert AuditEntry.objects.filter(action="message.withdrawn", user=bob).count() == 1


def test_from_the_desk_too(
    sends: Callable[..., Counter], call: Call, alice: User, at_desk: Callable[[User], Desk]
) -> None:
    counter = sends("1002")
    desk = at_desk(alice)
    desk.look(call)

    desk.press(call, "objection", objection_channel="all", objection_reason="complaint")

    assert _there(counter) == []


def test_what_left_has_left(sends: Callable[..., Counter], call: Call, bob: User) -> None:
    counter = sends("1002")
    assert len(_there(counter)) == 1

    objects(bob, call.person)

    assert TextMessage.objects.get().ended_badly_at is None
    assert "Handed over" in counter.look()


def test_who_is_not_to_be_called_still_gets_the_text(
    sends: Callable[..., Counter], call: Call, bob: User
) -> None:
    counter = sends("1002")

    objects(bob, call.person, channel="phone")

    assert len(_there(counter)) == 1


@pytest.mark.parametrize(
    ("column", "medium", "is_withdrawn"),
    [
        ("mobile_e164", "sms", True),
        ("mobile_e164", "email", False),
        ("email", "email", True),
        ("email", "sms", False),
    ],
)
def test_it_holds_for_others_with_that_number_or_address(
    call: Call, helder_water: Organization, bob: User, column: str, medium: str, is_withdrawn: bool
) -> None:
    shared = getattr(call.person, column)
    other = PersonFactory(owning_organization=helder_water, **{column: shared})
    message = TextMessageFactory(person=other, medium=medium, delivery__is_done=False)

    objects(bob, call.person)

    message.refresh_from_db()
    assert (message.ended_badly_at is not None) == is_withdrawn


@pytest.mark.parametrize(
    ("state", "reason", "is_withdrawn"),
    [
        ("ready", "not_sent", True),
        ("ready", "restored", False),
        ("unknown", "unclear", False),
    ],
)
def test_only_what_surely_has_not_left_is_taken_back(
    call: Call, bob: User, state: str, reason: str, is_withdrawn: bool
) -> None:
    waiting = {"is_done": False, "state": state, "reason": reason, "tries": 1}
    message = TextMessageFactory(
        person=call.person, **{f"delivery__{name}": value for name, value in waiting.items()}
    )

    objects(bob, call.person)

    message.refresh_from_db()
    assert (message.ended_badly_at is not None) == is_withdrawn


def test_a_colleague_in_conversation_is_told(
    call: Call, alice: User, bob: User, at_desk: Callable[[User], Desk]
) -> None:
    HoldFactory(call=call, user=bob)
    other = CallFactory(
        person=call.person, calling_organization=call.calling_organization, pledge=None
    )

    objects(alice, call.person)

    pulse = at_desk(bob).client.get(f"/calls/{call.pk}/pulse/").content.decode()
    assert "It was just recorded" in pulse
    assert at_desk(bob).press(other, "hold").status_code == 409
