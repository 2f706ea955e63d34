"""Supervisors and managers see nothing without a second factor; in development a banner."""

import base64
import hashlib
import hmac
import struct
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
SET_UP = "/accounts/2fa/totp/activate/"


@pytest.fixture
def production(settings: Any) -> None:
    """The one thing that tells production apart here; DEBUG false is what pytest-django sets."""
    settings.DEBUG = False
    cache.clear()


def sign_in(name: str) -> Client:
    client = Client()
    answer = client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def code_of(secret: str) -> str:
    """What an authenticator app shows now for this secret (RFC 6238: SHA-1, 30 s, 6 digits)."""
    key = base64.b32decode(secret)
    mac = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    offset = mac[-1] & 15
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


@pytest.mark.parametrize("path", ["/", "/admin/", "/accounts/password/change/", "/nowhere/"])
@pytest.mark.parametrize("role", [User.Role.SUPERVISOR, User.Role.MANAGER])
def test_a_password_alone_opens_nothing(production: None, path: str, role: str) -> None:
    UserFactory(username="carol", role=role, is_staff=True)
    answer = sign_in("carol").get(path)
    assert (answer.status_code, answer["Location"]) == (302, SET_UP)


def test_a_fragment_sends_the_whole_page_there(production: None, carol: User) -> None:
    answer = sign_in("carol").get("/accounts/password/change/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, SET_UP)


def test_an_agent_needs_none(production: None, alice: User) -> None:
    assert sign_in("alice").get("/accounts/password/change/").status_code == 200


def test_setting_one_up_opens_the_door_and_is_asked_for_at_the_next_sign_in(
    production: None, carol: User
) -> None:
    client = sign_in("carol")
    password_again = client.get(SET_UP)["Location"]
    page = client.post(password_again, {"password": PASSWORD}, follow=True)
    assert page.redirect_chain == [(SET_UP, 302)]
    secret = page.context["form"].secret
    client.post(SET_UP, {"code": code_of(secret)})
    assert Authenticator.objects.filter(user=carol).exists()
    assert client.get("/accounts/password/change/").status_code == 200

    again = Client()
    answer = again.post("/accounts/login/", {"login": "carol", "password": PASSWORD})
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert again.get("/accounts/password/change/").status_code == 302
    again.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "_auth_user_id" not in again.session


def test_leaving_is_always_possible(production: None, carol: User) -> None:
    client = sign_in("carol")
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


def test_in_development_she_is_only_told(settings: Any, carol: User) -> None:
    settings.DEBUG = True
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    answer = sign_in("carol").get("/admin/")
    assert answer.status_code == 200
    assert SET_UP in answer.content.decode()
