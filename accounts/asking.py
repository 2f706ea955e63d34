"""Who asks: somebody who is signed in; and pages that are there for supervisors alone."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from accounts.models import User

P = ParamSpec("P")


class SignedInRequest(HttpRequest):
    """A request of a person who is signed in, perhaps made by htmx."""

    user: User
    htmx: HtmxDetails


View = Callable[Concatenate[SignedInRequest, P], HttpResponse]


def for_supervisors(view: View[P]) -> View[P]:
    """A page of supervisors: to an agent it is not there, whatever the method."""

    def guarded(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_supervisor:
            raise Http404
        return view(request, *args, **kwargs)

    return wraps(view)(guarded)
