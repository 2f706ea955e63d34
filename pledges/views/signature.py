"""The signature under a pledge: asked for, waited for, and linked to once.

Its address is in no log, no row and no address of ours: it is shown on one page, which nothing
keeps.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from integrations.bar import read_bar
from pledges import actions
from pledges.models import Pledge, SignatureRequest
from pledges.terms import in_words
from pledges.views.asking import visible_pledge

State = SignatureRequest.State
WAITS = (State.ASKED, State.READY)
SAID = {
    State.ASKED: gettext_lazy("TapRaise is asked…"),
    State.READY: gettext_lazy("TapRaise has answered…"),
    State.TAKEN: gettext_lazy("The link was shown at %(time)s, and is shown once only."),
    State.NONE: gettext_lazy("TapRaise has no signature of this pledge."),
    State.FAILED: gettext_lazy("TapRaise did not answer. Try it again in a moment."),
    State.LAPSED: gettext_lazy("The link came, and nobody took it in time. Ask for it anew."),
}
# How long TapRaise says that an address can be opened.
VALID_FOR = timedelta(hours=1)


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def signature(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """GET says how it stands; POST asks, or with `look` takes what has come."""
    pledge = visible_pledge(request, uuid)
    at = timezone.now()
    if request.method != "POST":
        return _show(request, pledge, _last(request, pledge))
    if "look" in request.POST:
        return _look(request, pledge, at=at)
    try:
        actions.ask_signature(user=request.user, pledge=pledge, at=at)
    except actions.NotChangeable as refusal:
        return _show(request, pledge, None, status=409, problem=in_words(refusal.why))
    return redirect("signature", uuid=pledge.pk)


def _look(request: SignedInRequest, pledge: Pledge, *, at: datetime) -> HttpResponse:
    """Take the address if it has come. What is taken is gone from here, so this is a POST."""
    asked = _last(request, pledge)
    address = None
    if asked is not None and asked.state == State.READY:
        address = actions.take_signature(user=request.user, request=asked, at=at)
        asked.refresh_from_db()
    return _show(request, pledge, asked, address=address)


def _last(request: SignedInRequest, pledge: Pledge) -> SignatureRequest | None:
    """What this person asked last about this pledge."""
    asked = SignatureRequest.objects.filter(pledge=pledge, user=request.user)
    return asked.order_by("-asked_at").first()


def _show(
    request: SignedInRequest,
    pledge: Pledge,
    asked: SignatureRequest | None,
    *,
    status: int = 200,
    address: str | None = None,
    problem: str = "",
) -> HttpResponse:
    waits = asked is not None and asked.state in WAITS and not (address or problem)
    is_part = bool(request.htmx) and request.method == "POST"
    if waits and is_part:
        # Nothing moved: what has the focus keeps it.
        return HttpResponse(status=204)
    context: dict[str, Any] = {
        "pledge": pledge,
        "person": pledge.person,
        "asked": asked,
        "address": address,
        "waits": waits,
        "said": _said(asked),
        "valid_until": asked.fetched_at + VALID_FOR if asked and asked.fetched_at else None,
        "problem": problem,
    }
    if is_part:
        return render(request, "pledges/signature.html#state", context, status=status)
    context["bar"] = read_bar(request.user, at=timezone.now())
    return render(request, "pledges/signature.html", context, status=status)


def _said(asked: SignatureRequest | None) -> str:
    if asked is None:
        return ""
    taken_at = time_format(localtime(asked.taken_at), "H:i") if asked.taken_at else ""
    return str(SAID[State(asked.state)]) % {"time": taken_at}
