"""Do not call again: one button in every state, and from then on nobody can."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from django.test import Client

from accounts.audit import AuditEntry
from accounts.models import User
from calls import actions, queue
from calls.models import Attempt, Call, Callback, Hold
from pledges.contact import Rulebook, ground, may_text
from pledges.models import (
    Medium,
    ObjectedPerson,
    Objection,
    ObjectionKey,
    Organization,
    Person,
    Pledge,
)
from pledges.sync import Mentioned
from tests.calls.conftest import Desk
from tests.calls.two_steps import signed_in
from tests.factories import (
    CallbackFactory,
    HoldFactory,
    PersonFactory,
    UserFactory,
    now,
)
from tests.integrations.feeds import Feeds

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
AtDesk = Callable[[User], Desk]

NO_MORE = {"objection_channel": "phone", "objection_reason": "asked"}


@pytest.fixture
def object_to(at_desk: AtDesk) -> Callable[..., Desk]:
    """Somebody opens a call and records that its donor is not to be called again."""

    def record(user: User, call: Call, **fields: str) -> Desk:
        desk = at_desk(user)
        desk.look(call)
        assert desk.press(call, "objection", **{**NO_MORE, **fields}).status_code == 302
        return desk

    return record


def test_every_open_call_of_the_person_is_unclaimable_at_once(
    alice: User, bob: User, call: Call, new_call: NewCall, at_desk: AtDesk, object_to: Desk
) -> None:
    other = new_call(person=call.person)
    housemate = PersonFactory(
        owning_organization=call.person.owning_organization, phone_e164=call.person.mobile_e164
    )
    of_the_house = new_call(person=housemate)

    desk = object_to(alice, call)  # type: ignore[operator]

    page = desk.look(call)
    assert "There are no more calls; 3 open calls were stopped." in page
    assert not queue.due(bob, at=now(), rulebook=Rulebook.read()).exists()
    colleague = at_desk(bob)
    assert "in somebody's hands" in colleague.take_next().content.decode()
    for one in (call, other, of_the_house):
        colleague.look(one)
        answer = colleague.press(one, "hold")
        assert answer.status_code == 409
        assert "not to be called any more" in answer.content.decode()
    assert not Hold.objects.exists()


def test_a_call_in_hand_is_not_dialled_any_more_and_its_holder_is_told(
    alice: User, bob: User, call: Call, at_desk: AtDesk, object_to: Callable[..., Desk]
) -> None:
    HoldFactory(call=call, user=bob)
    colleague = at_desk(bob)
    assert "not to be called" not in colleague.look(call)

    object_to(alice, call)

    pulse = colleague.client.get(f"/calls/{call.pk}/pulse/").content.decode()
    assert "It was just recorded that this donor, or this number" in pulse
    # Said once: what asks next says that it was told.
    assert "?told=objection" in pulse
    again = colleague.client.get(f"/calls/{call.pk}/pulse/?told=objection").content.decode()
    assert "It was just recorded" not in again
    colleague.look(call)
    assert colleague.press(call, "dial").status_code == 409
    assert not Attempt.objects.exists()


def test_who_is_speaking_with_the_donor_finishes_the_conversation(
    alice: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    desk.look(call)

    assert desk.press(call, "objection", **NO_MORE).status_code == 302

    desk.look(call)
    saved = desk.press(
        call, "completion", result_code="dropped", retention_rating="not_asked", notes="verzet"
    )
    assert saved.status_code == 302
    assert call.completions.get().result_code == "dropped"


@pytest.mark.parametrize("over", ["completed", "cancelled"])
def test_it_may_be_told_of_a_call_that_is_over(
    alice: User, call: Call, object_to: Callable[..., Desk], over: str
) -> None:
    Call.objects.update(status=over)

    object_to(alice, call)

    assert Objection.objects.get().calls_stopped == 0


def test_open_callbacks_are_cancelled(
    alice: User, call: Call, object_to: Callable[..., Desk]
) -> None:
    callback = CallbackFactory(call=call, user=alice)

    object_to(alice, call)

    callback.refresh_from_db()
    assert callback.state == Callback.State.CANCELLED


def test_it_survives_the_erasure_of_the_person(
    alice: User, call: Call, new_call: NewCall, object_to: Callable[..., Desk]
) -> None:
    number = call.person.mobile_e164
    object_to(alice, call)
    assert number not in str(list(ObjectionKey.objects.values_list("key", flat=True)))
    # As an erasure does it: nothing of the person stays but the objection.
    Call.objects.all().delete()
    Pledge.objects.all().delete()
    Person.objects.all().delete()
    assert not ObjectedPerson.objects.exists()

    again = PersonFactory(owning_organization=alice.organizations.first(), mobile_e164=number)

    assert ground(again, "verification", at=now()).code == "objected"


def test_a_new_call_that_arrives_later_is_never_served(
    alice: User, bob: User, call: Call, new_call: NewCall, at_desk: AtDesk, object_to: Desk
) -> None:
    object_to(alice, call)  # type: ignore[operator]
    # Saved by hand, so that nothing marked it: the hashes alone know.
    housemate = PersonFactory(
        owning_organization=call.person.owning_organization, mobile_e164=call.person.mobile_e164
    )
    new_call(person=housemate)
    new_call(person=call.person)

    at_desk(bob).take_next()

    assert not Hold.objects.exists()
    # Found out once, so that the queue passes it over from now on.
    assert ObjectedPerson.objects.filter(person=housemate).exists()


def test_a_form_sent_twice_is_one_objection(alice: User, call: Call, at_desk: AtDesk) -> None:
    desk = at_desk(alice)
    desk.look(call)

    for _ in range(2):
        desk.press(call, "objection", **NO_MORE)

    assert Objection.objects.count() == 1
    assert AuditEntry.objects.filter(action="objection.recorded").count() == 1


def test_no_text_and_no_mail_where_the_donor_wants_nothing(
    alice: User, call: Call, rules: object, object_to: Callable[..., Desk]
) -> None:
    object_to(alice, call, objection_channel="all")

    for medium in Medium.values:
        assert may_text(call.person, medium, at=now()).code == "text_objected"


def test_who_is_not_to_be_called_may_be_texted(
    alice: User, call: Call, rules: object, object_to: Callable[..., Desk]
) -> None:
    object_to(alice, call)

    assert may_text(call.person, Medium.SMS, at=now()).is_allowed
    assert may_text(call.person, Medium.VOICE, at=now()).code == "text_objected"


def test_somebody_else_with_the_same_mail_is_called(
    alice: User, call: Call, rules: object, object_to: Callable[..., Desk]
) -> None:
    object_to(alice, call)
    other = PersonFactory(
        owning_organization=call.person.owning_organization, email=call.person.email
    )

    assert ground(other, "verification", at=now()).is_allowed


def test_supervisors_see_what_is_to_be_cancelled_at_tapraise(
    alice: User, carol: User, call: Call, at_desk: AtDesk, object_to: Callable[..., Desk]
) -> None:
    supervisor = signed_in(carol)
    assert f"/calls/{call.pk}/cancellation/" not in _objections(supervisor)

    object_to(alice, call)

    assert f"/calls/{call.pk}/cancellation/" in _objections(supervisor)
    assert signed_in(alice).get("/objections/").status_code == 404


def _objections(supervisor: Client) -> str:
    return supervisor.get("/objections/").content.decode()


def test_only_a_manager_lifts_one_and_says_why(
    alice: User,
    carol: User,
    call: Call,
    helder_water: Organization,
    at_desk: AtDesk,
    object_to: Callable[..., Desk],
) -> None:
    object_to(alice, call)
    objection = Objection.objects.get()
    address = f"/persons/{call.person_id}/objections/{objection.pk}/lifting/"
    assert signed_in(carol).post(address).status_code == 404
    mo = UserFactory(role=User.Role.MANAGER, organizations=list(carol.organizations.all()))
    manager = signed_in(mo)
    form = {"token": str(uuid4()), "reason": ""}
    assert manager.post(address, form | {"send": "yes"}).status_code == 422

    form["reason"] = "verkeerd begrepen"
    assert "may be served again" in manager.post(address, form).content.decode()
    assert manager.post(address, form | {"send": "yes"}).status_code == 302

    objection.refresh_from_db()
    assert objection.lifted_by == mo
    assert ground(call.person, "verification", at=now()).is_allowed
    page = manager.get(f"/persons/{call.person_id}/").content.decode()
    assert "verkeerd begrepen" in page
    assert AuditEntry.objects.filter(action="objection.lifted", user=mo).count() == 1


def test_the_proof_of_a_person_tells_on_what_ground_they_were_called(
    alice: User, carol: User, call: Call, at_desk: AtDesk, object_to: Callable[..., Desk]
) -> None:
    at_desk(alice).dial(call)
    object_to(alice, call)
    address = f"/persons/{call.person_id}/proof.csv"

    told = signed_in(carol).get(address).content.decode()

    ground = '"It was within calling hours, and nothing was against it.";"verification";"yes"'
    assert ground in told
    assert "made for a test" in told
    assert "not be called" in told
    assert call.person.mobile_e164 not in told
    assert AuditEntry.objects.filter(action="proof.exported", user=carol).count() == 1
    assert signed_in(alice).get(address).status_code == 404


def test_the_proof_has_words_in_the_readers_language_and_dutch_moments_in_one_form(
    alice: User, carol: User, call: Call, at_desk: AtDesk
) -> None:
    at_desk(alice).dial(call)
    # Kept in UTC: a quarter past eleven at night in the Netherlands.
    until = "2026-11-27T22:15:00+00:00"
    attempt = Attempt.objects.get()
    attempt.at = datetime(2026, 7, 1, 12, 8, 23, tzinfo=UTC)
    attempt.ground |= {"call_type": "happy_call", "opt_in_phone": None, "until": until}
    attempt.ground |= {"donor_since": "2025-01-31T09:00:00+01:00"}
    attempt.save()
    User.objects.filter(pk=carol.pk).update(language="nl")

    told = signed_in(carol).get(f"/persons/{call.person_id}/proof.csv").content.decode()

    assert '"2026-07-01 14:08:23+0200"' in told
    assert '"2026-11-27 23:15:00+0100"' in told
    assert '"2025-01-31 09:00:00+0100"' in told
    assert '"niet gevraagd"' in told
    for raw in ('"ok"', "happy_call", "True", "None", "T22:15"):
        assert raw not in told


def test_a_donor_of_another_organisation_does_not_exist(
    dirk: User, call: Call, at_desk: AtDesk
) -> None:
    desk = at_desk(dirk)
    desk.token = str(UUID(int=4))

    assert desk.press(call, "objection", **NO_MORE).status_code == 404
    with pytest.raises(actions.NotOurs):
        actions.add_objection(
            user=dirk,
            person=call.person,
            call=call,
            channel="phone",
            reason="asked",
            token=uuid4(),
            at=now(),
        )


def test_a_walk_marks_who_comes_in_with_such_a_number(call: Call, alice: User) -> None:
    call.person.mobile_e164 = "+31612345678"
    call.person.save()
    actions.add_objection(
        user=alice, person=call.person, channel="phone", reason="asked", token=uuid4(), at=now()
    )
    records = [record for page in Feeds(calls=5).client.pledges() for record in page.records]
    newcomer = next(record.person for record in records if record.person is not None)
    mentioned = Mentioned()
    mentioned.add_person(
        msgspec.structs.replace(newcomer, mobile_phone_number="06 - 1234 5678"), newcomer.uuid
    )

    mentioned.save(account="default", include=(), fetched_at=now())

    assert ObjectedPerson.objects.filter(person=newcomer.uuid).count() == 1


def test_a_call_that_is_put_away_after_it_goes_to_nobody_and_says_so(
    alice: User, call: Call, object_to: Callable[..., Desk]
) -> None:
    HoldFactory(call=call, user=alice, why={"code": "rang_back"})
    desk = object_to(alice, call)

    answer = desk.client.post(f"/calls/{call.pk}/release/", {"token": desk.token}, follow=True)

    said = answer.content.decode()
    assert "Nobody gets this call: the donor is not to be called any more." in said
    assert "whoever presses Next" not in said
