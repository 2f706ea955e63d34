"""What people look for, kept in their session under a name that says nothing.

Addresses are kept in logs and histories, and what people look for may be a donor's name or number:
so it is sent as a form, and the address of what was found has the name alone.
"""

from typing import Any, Final

from django.http import HttpRequest
from django.utils.crypto import get_random_string

MOST_KEPT: Final = 10


def keep(request: HttpRequest, text: str, *, of: str) -> str:
    """The name under which this is kept, for as long as the session lasts. `of` says where it was
    looked for: each place keeps its own last few."""
    before = [(name, one) for name, one in _kept(request, of) if one != text]
    name = get_random_string(8)
    request.session[of] = [*before, (name, text)][-MOST_KEPT:]
    return name


def kept(request: HttpRequest, name: str, *, of: str) -> str | None:
    """What was kept under a name; None: nothing, it is of another session or of long ago."""
    return dict(_kept(request, of)).get(name)


def last_kept(request: HttpRequest, *, of: str) -> str | None:
    """The name of what was looked for last; None: nothing since they signed in."""
    found = _kept(request, of)
    return found[-1][0] if found else None


def _kept(request: HttpRequest, of: str) -> list[Any]:
    return list(request.session.get(of, ()))
