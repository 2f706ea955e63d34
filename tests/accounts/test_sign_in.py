"""Signing in and out: with one's own words only, throttled, for a while."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from tests.factories import PASSWORD

SIGN_IN = "/accounts/login/"
# A page of every signed-in person that needs no room above accounts.
PAGE = "/accounts/password/change/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_throttle_of_other_stories() -> None:
    cache.clear()


def sign_in(name: str, password: str = PASSWORD, **headers: str) -> Client:
    client = Client(headers=headers)
    client.post(SIGN_IN, {"login": name, "password": password})
    return client


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


class TestSignIn:
    def test_a_name_and_its_password_open_the_start_page(self, alice: User) -> None:
        answer = Client().post(SIGN_IN, {"login": "alice", "password": PASSWORD})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert AuditEntry.objects.get().action == "user.signed_in"

    def test_it_leads_back_to_the_page_that_was_asked_for(self, alice: User) -> None:
        answer = Client().get(PAGE)
        assert answer["Location"] == f"{SIGN_IN}?next={PAGE}"
        answer = Client().post(
            answer["Location"], {"login": "alice", "password": PASSWORD, "next": PAGE}
        )
        assert answer["Location"] == PAGE

    @pytest.mark.parametrize(
        "elsewhere", ["https://example.org/", "//example.org/", "http://testserver/"]
    )
    def test_it_never_leads_to_an_address_that_was_brought_along(
        self, alice: User, elsewhere: str
    ) -> None:
        form = {"login": "alice", "password": PASSWORD, "next": elsewhere}
        assert Client().post(SIGN_IN, form)["Location"] == "/"

    def test_signing_out_ends_the_session(self, alice: User) -> None:
        client = sign_in("alice")
        assert is_signed_in(client)
        assert client.get("/accounts/logout/").status_code == 200
        assert is_signed_in(client)
        client.post("/accounts/logout/")
        assert not is_signed_in(client)
        assert client.get(PAGE).status_code == 302

    @pytest.mark.parametrize(
        "path",
        [
            "/accounts/signup/",
            "/accounts/password/reset/",
            "/accounts/email/",
            "/accounts/login/code/confirm/",
            "/accounts/confirm-email/",
            "/accounts/2fa/webauthn/",
        ],
    )
    def test_nobody_signs_up_or_gets_a_password_by_mail(self, alice: User, path: str) -> None:
        assert sign_in("alice").get(path).status_code == 404


class TestThrottle:
    def test_an_unknown_name_gets_the_same_answer_as_a_wrong_password(self, alice: User) -> None:
        known = Client().post(SIGN_IN, {"login": "alice", "password": "wrong"})
        unknown = Client().post(SIGN_IN, {"login": "nobody", "password": "wrong"})
        assert known.status_code == unknown.status_code == 200
        assert known.context["form"].errors == unknown.context["form"].errors

    def test_an_unknown_name_takes_as_long(self, alice: User) -> None:
        def seconds(name: str) -> float:
            cache.clear()
            began = time.process_time()
            Client().post(SIGN_IN, {"login": name, "password": "wrong"})
            return time.process_time() - began

        seconds("alice")  # the first one loads templates
        known, unknown = (min(seconds(name) for _ in range(4)) for name in ("alice", "nobody"))
        # Each costs the same hashing; without it an unknown name would be many times quicker.
        assert 0.6 < known / unknown < 1.7

    def test_a_hundred_guesses_at_one_name_are_cut_off(self, alice: User) -> None:
        client = Client()
        for number in range(100):
            client.post(SIGN_IN, {"login": "alice", "password": f"guess {number}"})
        client.post(SIGN_IN, {"login": "alice", "password": PASSWORD})
        assert not is_signed_in(client)

    def test_from_another_address_the_name_is_still_cut_off(self, alice: User) -> None:
        for number in range(10):
            form = {"login": "alice", "password": f"guess {number}"}
            Client(REMOTE_ADDR=f"203.0.113.{number}").post(SIGN_IN, form)
        client = Client(REMOTE_ADDR="203.0.113.200")
        client.post(SIGN_IN, {"login": "alice", "password": PASSWORD})
        assert not is_signed_in(client)

    def test_one_address_is_cut_off_over_many_names(self, alice: User) -> None:
        for number in range(12):
            Client().post(SIGN_IN, {"login": f"name{number}", "password": "guess"})
        assert not is_signed_in(sign_in("alice"))

    def test_after_a_while_the_right_password_works_again(self, alice: User) -> None:
        at = timezone.now()
        with time_machine.travel(at) as clock:
            for number in range(20):
                sign_in("alice", f"guess {number}")
            assert not is_signed_in(sign_in("alice"))
            clock.shift(timedelta(minutes=6))
            assert is_signed_in(sign_in("alice"))


class TestSession:
    def test_it_ends_after_half_an_hour_of_nothing(self, alice: User) -> None:
        with time_machine.travel(timezone.now()) as clock:
            client = sign_in("alice")
            assert client.get(PAGE).status_code == 200
            clock.shift(timedelta(minutes=29))
            assert client.get(PAGE).status_code == 200
            clock.shift(timedelta(minutes=29))
            assert client.get(PAGE).status_code == 200
            clock.shift(timedelta(minutes=31))
            assert client.get(PAGE)["Location"] == f"{SIGN_IN}?next={PAGE}"

    def test_a_page_that_polls_does_not_keep_it_alive(self, alice: User) -> None:
        with time_machine.travel(timezone.now()) as clock:
            client = sign_in("alice")
            assert client.get(PAGE).status_code == 200
            for _ in range(29):
                clock.shift(timedelta(minutes=1))
                poll = client.get(PAGE, headers={"Belbord-Poll": "true", "HX-Request": "true"})
                assert poll.status_code == 200
            clock.shift(timedelta(minutes=2))
            assert client.get(PAGE).status_code == 302

    def test_it_ends_after_ten_hours_of_work(self, alice: User) -> None:
        with time_machine.travel(timezone.now()) as clock:
            client = sign_in("alice")
            for _ in range(30):
                assert client.get(PAGE).status_code == 200
                clock.shift(timedelta(minutes=20))
            assert client.get(PAGE).status_code == 302

    def test_a_new_password_ends_the_other_sessions(self, alice: User) -> None:
        here, there = sign_in("alice"), sign_in("alice")
        assert there.get(PAGE).status_code == 200
        new = "een-heel-ander-lang-woord"
        form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        assert here.post(PAGE, form).status_code == 302
        assert here.get(PAGE).status_code == 200
        assert there.get(PAGE).status_code == 302

    def test_a_disabled_person_is_out_at_once_and_stays_out(self, alice: User) -> None:
        client = sign_in("alice")
        assert client.get(PAGE).status_code == 200
        User.objects.filter(pk=alice.pk).update(is_active=False)
        assert client.get(PAGE).status_code == 302
        assert not is_signed_in(sign_in("alice"))

    def test_an_ended_session_sends_the_whole_page_to_sign_in(self, client: Client) -> None:
        answer = client.get(
            "/accounts/2fa/",
            headers={
                "HX-Request": "true",
                "HX-Current-URL": "http://testserver/calls/abc/?tab=notes",
            },
        )
        assert answer.status_code == 204
        assert answer["HX-Redirect"] == f"{SIGN_IN}?next=%2Fcalls%2Fabc%2F%3Ftab%3Dnotes"

    def test_a_fragment_leads_back_to_no_address_of_others(self, client: Client) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": "https://example.org/calls/"}
        answer = client.get("/accounts/2fa/", headers=headers)
        assert answer["HX-Redirect"] == f"{SIGN_IN}?next=%2F"

    def test_a_form_that_was_sent_too_late_leads_back_to_its_page(self, client: Client) -> None:
        answer = client.post(
            "/accounts/password/change/", headers={"Referer": "http://testserver/calls/abc/"}
        )
        assert answer["Location"] == f"{SIGN_IN}?next=%2Fcalls%2Fabc%2F"
