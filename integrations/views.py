"""What a supervisor does about the systems outside: from the banner that says what is wrong, and on
the page of what came in."""

from typing import ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.asking import SignedInRequest, for_supervisors
from integrations import actions
from integrations.bar import read_bar
from integrations.inbox_page import lines_of, read_events, unknown_kinds
from integrations.models import WebhookEvent

P = ParamSpec("P")

LONGEST_ID = 200


@for_supervisors
@require_POST
def try_again_now(request: SignedInRequest, key: str) -> HttpResponse:
    """Let one message through an open breaker, and go on where the person was."""
    try:
        actions.try_again_now(key=key, user=request.user, at=timezone.now())
    except actions.BreakerClosed:
        messages.info(request, _("They are taken again: there is nothing to try."))
    else:
        messages.success(request, _("The next one is tried in a moment. Its answer decides."))
    return redirect(_where_from(request))


@for_supervisors
@require_safe
def webhooks(request: SignedInRequest) -> HttpResponse:
    """What Alphacomm told us of its own accord, newest first."""
    asked = request.GET.get("state", "")
    state = asked if asked in WebhookEvent.State.values else ""
    about = request.GET.get("about", "").strip()[:LONGEST_ID].replace("\0", "")
    page = read_events(state=state, about=about, asked=request.GET, user=request.user)
    context = {
        "state": state,
        "states": WebhookEvent.State.choices,
        "about": about,
        "page": page,
        "lines": lines_of(page.rows, user=request.user),
        "unknown": unknown_kinds(),
        "bar": read_bar(request.user, at=timezone.now()),
    }
    return render(request, "integrations/webhooks.html", context)


@for_supervisors
@require_POST
def work_again(request: SignedInRequest, pk: int) -> HttpResponse:
    """Have one event worked off once more."""
    event = get_object_or_404(WebhookEvent, pk=pk)
    try:
        actions.work_again(event, user=request.user, at=timezone.now())
    except actions.EventAtWork:
        messages.info(request, _("A worker has it in hand right now."))
    except actions.EventNotKnown:
        messages.error(request, _("Belbord does not know what an event of this kind means."))
    else:
        messages.success(request, _("A worker looks again in a moment at what it speaks of."))
    return redirect(_where_from(request))


def _where_from(request: HttpRequest) -> str:
    """The page on which the button stood, if it is one of ours."""
    address = request.POST.get("next", "")
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts=None) else "/"
