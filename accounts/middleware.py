"""What holds for every page: how long a session lives, where an ended one goes, who still needs a
second factor, which language is spoken, and that nobody keeps a copy.

A request that a page makes by itself (a polled fragment, the renewal of a lease) says so with the
header `Belbord-Poll: true`. It is answered like any other, but it is no activity: a page left open
does not keep its session alive.
"""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts.actions import choose_language

GetResponse = Callable[[HttpRequest], HttpResponse]

POLL = "Belbord-Poll"
IDLE = int(timedelta(minutes=30).total_seconds())
LONGEST = int(timedelta(hours=10).total_seconds())
# In the session: the language that somebody chose before signing in.
CHOSEN = "chosen_language"
# Activity is noted once a minute, so that most requests write no session.
NOTED_EVERY = 60

# What a person without a second factor may open: what it takes to set one up, or to leave.
WITHOUT_SECOND_FACTOR = (
    "mfa_activate_totp",
    "account_reauthenticate",
    "account_logout",
    "account_language",
)


def htmx_sign_in(get_response: GetResponse) -> GetResponse:
    """After signing in anew, a person is back on the page they were on.

    A fragment sends the whole page to sign-in, never a sign-in form into the fragment. A form that
    was sent too late leads back to its page, because its own address cannot be opened.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        sign_in = reverse(settings.LOGIN_URL)
        goes_to = response.headers.get("Location", "")
        if _is_fragment(request) and goes_to.startswith(sign_in):
            page = _own_path(request, request.headers.get("HX-Current-URL", ""))
        elif request.method != "GET" and goes_to.startswith(f"{sign_in}?"):
            page = _own_path(request, request.headers.get("Referer", ""))
        else:
            return response
        return _go_to(request, f"{sign_in}?{urlencode({'next': page})}")

    return middleware


def session_limits(get_response: GetResponse) -> GetResponse:
    """End a session that was idle for half an hour, and any session after ten hours."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session:
            at = int(timezone.now().timestamp())
            began_at = request.session.setdefault("began_at", at)
            active_at = request.session.setdefault("active_at", at)
            if at - began_at >= LONGEST or at - active_at >= IDLE:
                logout(request)
            elif at - active_at >= NOTED_EVERY and request.headers.get(POLL) != "true":
                request.session["active_at"] = at
        return get_response(request)

    return middleware


def second_factor(get_response: GetResponse) -> GetResponse:
    """Supervisors and managers set up a second factor before anything else.

    Where DEBUG is true they are only told: `request.lacks_second_factor` is for a banner.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        lacks = SimpleLazyObject(lambda: _lacks_second_factor(request))
        request.lacks_second_factor = lacks  # type: ignore[attr-defined]
        if settings.DEBUG or not lacks:
            return get_response(request)
        if request.path in {reverse(name) for name in WITHOUT_SECOND_FACTOR}:
            return get_response(request)
        return _go_to(request, reverse("mfa_activate_totp"))

    return middleware


def chosen_language(get_response: GetResponse) -> GetResponse:
    """Show pages in the language that the signed-in person chose, perhaps on the way in."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
        response = get_response(request)
        if CHOSEN in request.session and request.user.is_authenticated:
            choose_language(user=request.user, language=request.session.pop(CHOSEN))
        return response

    return middleware


def private_pages(get_response: GetResponse) -> GetResponse:
    """No browser or proxy keeps a page that a signed-in person saw."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # Asked before the view runs: who signs out is nobody afterwards.
        is_private = request.user.is_authenticated
        response = get_response(request)
        if is_private or request.user.is_authenticated:
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store"
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"
        )
        return response

    return middleware


def _is_fragment(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _go_to(request: HttpRequest, address: str) -> HttpResponse:
    if _is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def _own_path(request: HttpRequest, page: str) -> str:
    """The path of an address of ours, or the start page for any other."""
    if not url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(page)
    path = parts.path if parts.path.startswith("/") else "/"
    return f"{path}?{parts.query}" if parts.query else path


def _lacks_second_factor(request: HttpRequest) -> bool:
    user = request.user
    return user.is_authenticated and user.is_supervisor and not is_mfa_enabled(user)
