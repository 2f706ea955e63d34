"""Callbacks and objections in the admin: looked at by supervisors, and undone by the verbs that
undo them elsewhere."""

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from calls.models import Call, Callback
from pledges.models import Objection
from tests.admin.rows import client_of, confirm, list_of
from tests.factories import CallbackFactory, ObjectionFactory, PersonFactory, now

pytestmark = pytest.mark.django_db


@pytest.fixture
def objection(call: Call, alice: User) -> Objection:
    made: Objection = ObjectionFactory(person_uuid=call.person_id, user=alice)
    return made


def test_a_supervisor_cancels_a_callback(supervisor: Client, call: Call, bob: User) -> None:
    callback = CallbackFactory(call=call, user=bob)
    chosen = {"action": "cancel", "_selected_action": [str(callback.pk)]}
    page = supervisor.post(list_of(Callback), chosen)
    assert "wait in the queue as any other" in page.content.decode()

    assert confirm(supervisor, Callback, page, confirmed="yes").status_code in (200, 302)

    callback.refresh_from_db()
    assert callback.state == Callback.State.CANCELLED
    entry = AuditEntry.objects.get(action="callback.cancelled")
    assert entry.user is not None
    assert entry.user.username == "carol"


def test_only_a_manager_lifts_an_objection(carol: User, objection: Objection) -> None:
    carol.is_staff = True
    carol.save()
    assert 'value="lift"' not in client_of(carol).get(list_of(Objection)).content.decode()
    carol.role = User.Role.MANAGER
    carol.save()
    manager = client_of(carol)
    chosen = {"action": "lift", "_selected_action": [str(objection.pk)]}
    page = manager.post(list_of(Objection), chosen)
    assert "may be served again" in page.content.decode()

    confirm(manager, Objection, page, confirmed="yes", reason="verkeerd begrepen")

    objection.refresh_from_db()
    assert (objection.lifted_by, objection.lift_reason) == (carol, "verkeerd begrepen")


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("state=stands", True),
        ("state=lifted", False),
        ("channel=phone", True),
        ("channel=email", False),
        ("source=phone", True),
        ("source=letter", False),
        ("reason=deceased", False),
    ],
)
def test_objections_are_filtered(
    supervisor: Client, objection: Objection, query: str, is_there: bool
) -> None:
    page = supervisor.get(f"{list_of(Objection)}?{query}").content.decode()

    assert (str(objection.person_uuid) in page) == is_there


def test_an_objection_is_found_by_the_donor(supervisor: Client, objection: Objection) -> None:
    other = ObjectionFactory(person_uuid=PersonFactory().pk)
    shown = f'field-person_uuid">{objection.person_uuid}'

    def page(words: object) -> str:
        return supervisor.get(list_of(Objection), {"q": str(words)}).content.decode()

    assert shown in page(objection.person_uuid)
    assert shown not in page(other.person_uuid)
    # Of another organisation.
    assert str(other.person_uuid) not in supervisor.get(list_of(Objection)).content.decode()


def test_callbacks_are_filtered_by_state(supervisor: Client, call: Call, bob: User) -> None:
    callback = CallbackFactory(call=call, user=bob)
    Callback.objects.update(state="done", ended_at=now())

    for state, is_there in (("done", True), ("open", False)):
        page = supervisor.get(f"{list_of(Callback)}?state={state}").content.decode()
        assert (f'value="{callback.pk}"' in page) == is_there
