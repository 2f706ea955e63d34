"""A form in two steps, as a person goes through it in a browser that may run no scripts."""

from html.parser import HTMLParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import User


def signed_in(user: User) -> Client:
    """A browser of this person, who has the second factor that a supervisor needs."""
    if user.is_supervisor:
        Authenticator.objects.get_or_create(
            user=user, type=Authenticator.Type.TOTP, defaults={"data": {"secret": ""}}
        )
    client = Client()
    client.force_login(user)
    return client


class Inputs(HTMLParser):
    """What a browser would send of a page's hidden fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden":
            self.hidden[str(found["name"])] = found.get("value") or ""


class TwoSteps:
    """One person at the address of such a form."""

    def __init__(self, user: User, address: str) -> None:
        self.client = signed_in(user)
        self.address = address
        self.hidden: dict[str, str] = {}

    def open(self) -> str:
        answer = self.client.get(self.address)
        assert answer.status_code == 200, answer.status_code
        return self._read(answer)

    def fill_in(self, **fields: Any) -> Any:
        """The first step: what will be sent, in words; or what is wrong with it."""
        answer = self.client.post(self.address, {"token": self.hidden["token"], **fields})
        self._read(answer)
        return answer

    def press(self, button: str, **fields: Any) -> Any:
        """The second step, with nothing but what that page holds: send it, or change it."""
        answer = self.client.post(self.address, {**self.hidden, button: "yes", **fields})
        if answer.status_code != 302:
            self._read(answer)
        return answer

    def send(self, **fields: Any) -> Any:
        """Both steps; the answer to the last."""
        self.open()
        words = self.fill_in(**fields)
        assert words.status_code == 200, words.content.decode()
        return self.press("send")

    def _read(self, answer: Any) -> str:
        page: str = answer.content.decode()
        self.hidden = Inputs(page).hidden
        return page
