"""The admin: who sees and changes what there, and that nothing secret shows."""

import re
import uuid
from typing import Any, cast

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from calls.models import Attempt, Call, Completion, Ending, NewCall
from integrations.models import Delivery
from pledges.models import (
    AlphacommLink,
    Batch,
    Mandate,
    NewPledge,
    Organization,
    PayLink,
    Person,
    PledgeChange,
    SignatureRequest,
    TextMessage,
    VoiceResult,
)
from tests.admin.rows import (
    ACCOUNT_NUMBER,
    MIRRORED,
    PHONE,
    RECORDS,
    SECRET,
    a_row_of,
    add_page_of,
    client_of,
    confirm,
    list_of,
    looked_at,
    page_of,
)
from tests.factories import (
    PASSWORD,
    AttemptFactory,
    CallFactory,
    PledgeChangeFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


class TestTheGate:
    def test_an_agent_finds_nothing_there(self, alice: User) -> None:
        answer = client_of(alice).get("/admin/", follow=True)
        assert answer.status_code == 404

    def test_a_stranger_signs_in_where_everybody_does(self, client: Client) -> None:
        answer = client.get("/admin/", follow=True)
        assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=/admin/")

    def test_its_own_password_form_is_gone(self, alice: User) -> None:
        form = {"username": "alice", "password": PASSWORD}
        answer = Client().post("/admin/login/?next=/admin/", form)
        assert answer["Location"].startswith("/accounts/login/")

    @pytest.mark.parametrize(
        ("path", "to"),
        [
            ("/admin/logout/", "/accounts/logout/"),
            ("/admin/password_change/", "/accounts/password/change/"),
        ],
    )
    def test_there_is_one_place_to_sign_out_and_to_change_a_password(
        self, supervisor: Client, path: str, to: str
    ) -> None:
        assert supervisor.get(path)["Location"] == to


class TestMirroredRows:
    @pytest.mark.parametrize("model", [*MIRRORED, *RECORDS])
    @pytest.mark.parametrize("who", ["supervisor", "manager", "superuser"])
    def test_nobody_adds_changes_or_deletes(
        self, request: pytest.FixtureRequest, call: Call, model: type[Model], who: str
    ) -> None:
        client = request.getfixturevalue(who)
        row = a_row_of(model, call)
        assert client.get(add_page_of(model)).status_code == 403
        assert client.get(page_of(row)).status_code == 200
        assert client.post(page_of(row), {}).status_code == 403
        assert client.post(f"{page_of(row)[: -len('change/')]}delete/").status_code == 403

    @pytest.mark.parametrize("model", MIRRORED)
    def test_another_organisation_is_not_there(
        self, supervisor: Client, call: Call, model: type[Model]
    ) -> None:
        theirs = a_row_of(model, CallFactory())
        ours = a_row_of(model, call)
        assert supervisor.get(page_of(theirs)).status_code == 404
        shown = supervisor.get(list_of(model)).content.decode()
        assert str(ours.pk) in shown
        assert str(theirs.pk) not in shown

    @pytest.mark.parametrize(
        "model",
        [
            Attempt,
            Completion,
            Ending,
            Delivery,
            NewCall,
            NewPledge,
            PledgeChange,
            SignatureRequest,
            PayLink,
            AlphacommLink,
            TextMessage,
            VoiceResult,
            Mandate,
            Batch,
        ],
    )
    def test_nor_is_what_people_did_with_its_calls_and_pledges(
        self, supervisor: Client, call: Call, model: type[Model]
    ) -> None:
        ours, theirs = a_row_of(model, call), a_row_of(model, CallFactory())
        assert supervisor.get(page_of(ours)).status_code == 200
        assert supervisor.get(page_of(theirs)).status_code == 404

    @pytest.mark.parametrize(
        "model", [NewCall, NewPledge, PledgeChange, PayLink, TextMessage, Mandate, Batch]
    )
    def test_nor_is_a_message_about_what_was_made_or_changed(
        self, supervisor: Client, call: Call, model: type[Model]
    ) -> None:
        ours, theirs = (cast(Any, a_row_of(model, it)) for it in (call, CallFactory()))
        assert supervisor.get(page_of(ours.delivery)).status_code == 200
        assert supervisor.get(page_of(theirs.delivery)).status_code == 404

    def test_a_message_is_found_by_its_pledge(self, supervisor: Client, call: Call) -> None:
        on_the_pledges_line = PledgeChangeFactory(pledge=call.pledge).delivery
        on_the_calls_line = PledgeChangeFactory(
            pledge=call.pledge, delivery__subject=call.subject
        ).delivery
        PledgeChangeFactory()
        shown = supervisor.get(list_of(Delivery), {"q": str(call.pledge_id)}).content.decode()
        found = set(re.findall(r"/delivery/([0-9a-f-]{36})/", shown))
        assert found == {str(on_the_pledges_line.pk), str(on_the_calls_line.pk)}

    @pytest.mark.parametrize("model", [*MIRRORED, *RECORDS])
    @pytest.mark.parametrize("who", ["supervisor", "superuser"])
    def test_account_numbers_and_what_is_encrypted_stay_hidden(
        self, request: pytest.FixtureRequest, call: Call, model: type[Model], who: str
    ) -> None:
        client = request.getfixturevalue(who)
        row = a_row_of(model, call)
        for page in (list_of(model), page_of(row)):
            shown = client.get(page).content.decode()
            assert SECRET not in shown
            assert PHONE not in shown
            assert ACCOUNT_NUMBER not in shown
            assert "gAAAA" not in shown  # what Fernet tokens begin with
            assert not re.search(r"\d{4}6789|6789\b", shown)

    def test_an_account_number_is_masked_whole(self, supervisor: Client, call: Call) -> None:
        assert "••••" in supervisor.get(page_of(call.person)).content.decode()
        assert "••••" in supervisor.get(page_of(call.person.transactions.get())).content.decode()

    def test_a_date_of_birth_is_in_no_list(self, supervisor: Client, call: Call) -> None:
        assert "1980" not in supervisor.get(list_of(Person)).content.decode()

    def test_a_look_at_a_donor_is_put_on_the_trail(self, supervisor: Client, call: Call) -> None:
        supervisor.get(page_of(call.person))
        entry = AuditEntry.objects.get(action="person.read")
        assert (entry.person_uuid, entry.user.username) == (call.person_id, "carol")


class TestPeople:
    def form(self, **changes: Any) -> dict[str, Any]:
        return {
            "username": "erik",
            "first_name": "Erik",
            "last_name": "",
            "language": "nl",
            "role": "agent",
            "tapraise_user_uuid": str(uuid.uuid4()),
            **changes,
        }

    def test_a_manager_makes_an_agent_who_can_sign_in(
        self, manager: Client, helder_water: Organization
    ) -> None:
        secret = {"password1": PASSWORD, "password2": PASSWORD}
        form = self.form(organizations=[str(helder_water.pk)], **secret)
        assert manager.post(add_page_of(User), form).status_code == 302
        erik = User.objects.get(username="erik")
        assert (erik.role, erik.is_staff, erik.is_superuser) == ("agent", False, False)
        assert list(erik.organizations.all()) == [helder_water]
        assert Client().login(username="erik", password=PASSWORD)
        entry = AuditEntry.objects.get(action="user.added")
        assert entry.facts["organizations"] == [str(helder_water.pk)]

    def test_nothing_is_said_of_a_second_form(self, manager: Client) -> None:
        page = manager.get(add_page_of(User)).content.decode()
        assert 'name="password1"' in page
        assert "more user options" not in page

    @pytest.mark.parametrize("weak", ["kort", "123456789012345", "password1234"])
    def test_a_weak_password_is_refused(self, manager: Client, weak: str) -> None:
        form = self.form(password1=weak, password2=weak)
        assert manager.post(add_page_of(User), form).status_code == 200
        assert not User.objects.filter(username="erik").exists()

    @pytest.mark.parametrize(
        ("role", "is_staff"), [("agent", False), ("supervisor", True), ("manager", True)]
    )
    def test_the_gate_to_the_admin_follows_the_role(
        self, manager: Client, bob: User, role: str, is_staff: bool
    ) -> None:
        form = self.form(username="bob", role=role, is_active="on")
        assert manager.post(page_of(bob), form).status_code == 302
        bob.refresh_from_db()
        assert (bob.role, bob.is_staff) == (role, is_staff)
        assert AuditEntry.objects.get(action="user.changed").facts["role"] == role

    def test_a_supervisor_looks_and_changes_nobody(
        self, supervisor: Client, bob: User, dirk: User
    ) -> None:
        shown = supervisor.get(page_of(bob)).content.decode()
        assert "argon2" not in shown
        assert supervisor.post(page_of(bob), self.form()).status_code == 403
        assert supervisor.get(add_page_of(User)).status_code == 403
        assert supervisor.get(page_of(dirk)).status_code == 404

    def test_a_manager_cannot_take_over_a_superuser(self, manager: Client) -> None:
        root = UserFactory(username="root", is_superuser=True, is_staff=True)
        assert manager.post(page_of(root), self.form()).status_code == 403
        password = reverse("admin:auth_user_password_change", args=[root.pk])
        assert manager.get(password).status_code == 403

    def test_nobody_becomes_a_superuser_by_a_form(self, manager: Client, bob: User) -> None:
        form = self.form(username="bob", is_active="on", is_superuser="on", is_staff="on")
        manager.post(page_of(bob), form)
        bob.refresh_from_db()
        assert (bob.is_superuser, bob.is_staff) == (False, False)

    def test_a_manager_removes_a_second_factor_that_was_lost(
        self, manager: Client, bob: User
    ) -> None:
        Authenticator.objects.create(user=bob, type=Authenticator.Type.TOTP, data={})
        chosen = {"action": "remove_second_factor", "_selected_action": [bob.pk]}
        page = manager.post(list_of(User), chosen)
        assert page.status_code == 200
        assert Authenticator.objects.count() == 1
        confirm(manager, User, page)
        assert Authenticator.objects.count() == 0
        assert AuditEntry.objects.get(action="user.second_factor_removed")


class TestOrganisations:
    def test_what_taprise_owns_of_it_stays(
        self, manager: Client, helder_water: Organization
    ) -> None:
        name = helder_water.name
        looked_at(manager, page_of(helder_water), {"name": "other", "is_ours": "on"})
        helder_water.refresh_from_db()
        assert (helder_water.name, helder_water.is_ours) == (name, True)
        assert AuditEntry.objects.get(action="organization.changed").facts["is_ours"] is True


class TestCallActions:
    @pytest.mark.parametrize(
        ("action", "kind"), [("cancel", Ending.Kind.CANCELLED), ("expire", Ending.Kind.EXPIRED)]
    )
    def test_a_supervisor_ends_a_call_after_reading_what_that_does(
        self, supervisor: Client, call: Call, action: str, kind: str
    ) -> None:
        page = supervisor.post(list_of(Call), {"action": action, "_selected_action": [call.pk]})
        assert "no way back" in page.content.decode()
        assert not Ending.objects.exists()
        without = confirm(supervisor, Call, page)
        assert without.status_code == 422
        assert not Ending.objects.exists()
        confirm(supervisor, Call, page, reason="asked by the charity")
        ending = Ending.objects.get()
        assert (ending.kind, ending.call_id, ending.user.username) == (kind, call.pk, "carol")
        assert ending.delivery.operation == f"tapraise.{action}_call"

    def test_sent_twice_it_happens_once(self, supervisor: Client, call: Call) -> None:
        page = supervisor.post(list_of(Call), {"action": "cancel", "_selected_action": [call.pk]})
        confirm(supervisor, Call, page, reason="asked")
        again = confirm(supervisor, Call, page, reason="asked")
        assert Ending.objects.count() == Delivery.objects.count() == 1
        assert "done before" in supervisor.get(again["Location"]).content.decode()

    def test_a_call_of_others_is_not_among_the_chosen(self, supervisor: Client, call: Call) -> None:
        theirs = CallFactory()
        chosen = {"action": "cancel", "_selected_action": [call.pk, theirs.pk]}
        page = supervisor.post(list_of(Call), chosen)
        confirm(supervisor, Call, page, reason="asked", also=theirs)
        assert [ending.call_id for ending in Ending.objects.all()] == [call.pk]

    def test_a_call_that_is_over_says_so(self, supervisor: Client, call: Call) -> None:
        page = supervisor.post(list_of(Call), {"action": "cancel", "_selected_action": [call.pk]})
        Call.objects.filter(pk=call.pk).update(status="completed")
        answer = confirm(supervisor, Call, page, reason="asked")
        assert "already over" in supervisor.get(answer["Location"]).content.decode()


class TestDecisions:
    @pytest.fixture
    def delivery(self, call: Call) -> Delivery:
        attempt = AttemptFactory(call=call, delivery__is_undecided=True)
        found: Delivery = attempt.delivery
        return found

    def ask(self, client: Client, delivery: Delivery, action: str) -> Any:
        chosen = {"action": action, "_selected_action": [delivery.pk]}
        return client.post(list_of(Delivery), chosen)

    @pytest.mark.parametrize(
        ("action", "answers", "state", "outcome"),
        [
            ("it_happened", {}, "closed", "decided"),
            ("send_once_more", {}, "ready", ""),
            ("drop", {"reason": "mistake"}, "closed", "dropped"),
            ("read_again_now", {}, "needs_decision", ""),
        ],
    )
    def test_a_supervisor_decides(
        self,
        supervisor: Client,
        delivery: Delivery,
        action: str,
        answers: dict[str, str],
        state: str,
        outcome: str,
    ) -> None:
        page = self.ask(supervisor, delivery, action)
        before = Delivery.objects.get(pk=delivery.pk)
        assert before.version == delivery.version
        confirm(supervisor, Delivery, page, **answers)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.outcome) == (state, outcome)
        assert delivery.version > before.version
        assert AuditEntry.objects.filter(subject=delivery.subject, user__username="carol").exists()

    def test_what_changed_since_it_was_shown_is_not_decided(
        self, supervisor: Client, delivery: Delivery
    ) -> None:
        page = self.ask(supervisor, delivery, "it_happened")
        Delivery.objects.filter(pk=delivery.pk).update(version=delivery.version + 1)
        answer = confirm(supervisor, Delivery, page)
        assert Delivery.objects.get(pk=delivery.pk).state == Delivery.State.NEEDS_DECISION
        assert "has changed" in supervisor.get(answer["Location"]).content.decode()


def test_no_column_that_is_encrypted_is_left_out_of_the_hidden_ones() -> None:
    for model, model_admin in admin.site._registry.items():
        hidden = set(getattr(model_admin, "hidden_fields", ()))
        for field in model._meta.fields:
            if type(field).__name__.startswith("Encrypted"):
                assert field.name in hidden | {"refusal"}, f"{model.__name__}.{field.name}"
        for name in hidden:
            try:
                model._meta.get_field(name)
            except FieldDoesNotExist:
                pytest.fail(f"{model.__name__} has no {name}")
