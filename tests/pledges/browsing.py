"""A browser that runs no scripts: it sends all that a form holds, touched or not, as they do."""

import re
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse

from accounts.models import User
from tests.calls.two_steps import signed_in


class Fields(HTMLParser):
    """What a browser would send of a page's one form in `main`, before anything is typed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self._select = ""
        self._textarea = ""
        self.feed(page.partition("<main")[2].partition("</main>")[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea, self.values[name] = name, ""
        elif tag == "option" and (self._select not in self.values or "selected" in found):
            self.values[self._select] = found.get("value") or ""
        elif tag == "input" and name and name != "csrfmiddlewaretoken":
            if found.get("type") in {"radio", "checkbox"}:
                if "checked" in found:
                    self.values.setdefault(name, []).append(found.get("value"))
            elif found.get("type") == "hidden" and name in self.values:
                before = self.values[name]
                many = before if isinstance(before, list) else [before]
                self.values[name] = [*many, found.get("value") or ""]
            else:
                self.values[name] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            # A browser leaves out the line break right behind the tag.
            self.values[self._textarea] = data.removeprefix("\n")


class Page:
    """One person at one address."""

    def __init__(self, user: User, address: str) -> None:
        self.client = signed_in(user)
        self.address = address
        self.fields: dict[str, Any] = {}

    def open(self) -> str:
        """What the page says, as it is read: words with single spaces."""
        answer = self.client.get(self.address)
        assert answer.status_code == 200, answer.status_code
        return self.read(answer)

    def send(self, **typed: Any) -> HttpResponse:
        """Press a button of the form, over which something may have been typed."""
        answer = self.client.post(self.address, {**self.fields, **typed})
        if answer.status_code != 302:
            self.read(answer)
        return answer

    def through(self, **typed: Any) -> HttpResponse:
        """Open it, type, look at what will be sent, and send it."""
        self.open()
        words = self.send(**typed)
        assert words.status_code == 200, words_of(words)
        return self.send(send="yes")

    def read(self, answer: HttpResponse) -> str:
        self.fields = Fields(answer.content.decode()).values
        return words_of(answer)


def words_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))
