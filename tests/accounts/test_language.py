"""Every page speaks the language that a person chose; the sign-in page remembers it."""

import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db
PAGE = "/accounts/password/change/"


def language_of(client: Client, path: str) -> str:
    return str(client.get(path)["Content-Language"])


def test_the_chosen_language_is_kept_with_the_person(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert language_of(client, PAGE) == "en"
    answer = client.post("/accounts/language/", {"language": "nl", "next": PAGE})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert language_of(client, PAGE) == "nl"
    elsewhere = Client()
    elsewhere.force_login(alice)
    assert language_of(elsewhere, PAGE) == "nl"


def test_the_sign_in_page_remembers_it_too(client: Client) -> None:
    assert language_of(client, "/accounts/login/") == "nl"
    client.post("/accounts/language/", {"language": "en"})
    assert language_of(client, "/accounts/login/") == "en"


def test_who_chooses_on_the_sign_in_page_is_spoken_to_in_it_afterwards(
    client: Client, alice: User
) -> None:
    alice.set_password("een lang wachtwoord dat niemand raadt")
    alice.save()
    client.post("/accounts/language/", {"language": "nl", "next": "/accounts/login/"})

    client.post(
        "/accounts/login/",
        {"login": alice.username, "password": "een lang wachtwoord dat niemand raadt"},
    )

    assert language_of(client, PAGE) == "nl"
    # The next person at this computer is spoken to as before.
    client.post("/accounts/logout/")
    assert "chosen_language" not in client.session


@pytest.mark.parametrize("page", ["https://example.org/", "//example.org", "javascript:x", ""])
def test_it_leads_to_no_address_of_others(client: Client, page: str) -> None:
    answer = client.post("/accounts/language/", {"language": "en", "next": page})
    assert answer["Location"] == "/"


def test_an_unknown_language_is_refused(client: Client) -> None:
    assert client.post("/accounts/language/", {"language": "xx"}).status_code == 400


def test_a_link_changes_nothing(client: Client) -> None:
    assert client.get("/accounts/language/?language=en").status_code == 405
