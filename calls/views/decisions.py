"""Messages that the rules alone cannot settle: a list, and a page on which somebody decides."""

import uuid
from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.asking import SignedInRequest, for_supervisors
from calls.decisions import Decision, Which, find, read_decision, read_decisions, read_moving
from calls.forms import DecisionForm
from integrations import actions
from integrations.bar import read_bar
from integrations.decisions import REFUSALS
from integrations.models import Delivery

VERBS: Final[dict[str, Callable[..., Delivery]]] = {
    DecisionForm.HAPPENED: actions.decide_it_happened,
    DecisionForm.AGAIN: actions.send_once_more,
    DecisionForm.DROP: actions.drop,
    DecisionForm.READ: actions.read_again_now,
    DecisionForm.SEEN: actions.acknowledge,
}
DONE: Final = {
    DecisionForm.HAPPENED: _("Decided: it happened."),
    DecisionForm.AGAIN: _("It is sent once more."),
    DecisionForm.DROP: _("It is dropped."),
    DecisionForm.SEEN: _("It is off the list."),
    DecisionForm.READ: _("A worker looks again now: what is found appears below."),
}


@for_supervisors
@require_safe
def decisions(request: SignedInRequest) -> HttpResponse:
    """What waits for a person, the oldest first."""
    at = timezone.now()
    asked = request.GET.get("which", "")
    which = Which(asked) if asked in Which.values else Which.UNDECIDED
    page, lines = read_decisions(request.user, which=which, asked=request.GET, at=at)
    context = {
        "which": which,
        "kinds": Which.choices,
        "page": page,
        "lines": lines,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/decisions.html", context)


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """One of them; sent, it is decided on what was shown, or shown anew with why not."""
    form, problem, status = DecisionForm(), "", 200
    if request.method == "POST":
        _found(request, uuid)
        form = DecisionForm(request.POST)
        if form.is_valid():
            try:
                return _decide(request, uuid, **form.cleaned_data)
            except tuple(REFUSALS) as refusal:
                problem, status = str(REFUSALS[type(refusal)]), 409
        else:
            status = 422
    shown = _found(request, uuid)
    at = timezone.now()
    context = {
        "decision": read_decision(shown, user=request.user, at=at),
        "form": form,
        "problem": problem,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/decision.html", context, status=status)


@for_supervisors
@require_safe
def decision_pulse(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """How it stands, if that is something else than what was seen; the ways to decide go with it
    only where there are others now, for somebody may be choosing."""
    found = _found(request, uuid)
    now: Decision = read_moving(found, at=timezone.now())
    seen = request.GET.get("seen", "")
    if seen == now.seen:
        return HttpResponse(status=204)
    context: dict[str, Any] = {"decision": now, "is_part": True}
    if seen.partition(" ")[0] != found.state:
        context |= {
            "decision": read_decision(found, user=request.user, at=timezone.now()),
            "form": DecisionForm(),
            "is_other": True,
        }
    return render(request, "calls/decision.html#decision-moved", context)


def _found(request: SignedInRequest, uuid: uuid.UUID) -> Delivery:
    """The message as it is now, if this person may see it."""
    found = find(request.user, uuid)
    if found is None:
        raise Http404
    return found


def _decide(
    request: SignedInRequest,
    uuid: uuid.UUID,
    *,
    verb: str,
    version: int,
    reason: str,
    seen_reason: str,
) -> HttpResponse:
    reasons = {DecisionForm.DROP: reason, DecisionForm.SEEN: seen_reason}
    chosen = {"reason": reasons[verb]} if verb in reasons else {}
    VERBS[verb](delivery_id=uuid, version=version, user=request.user, at=timezone.now(), **chosen)
    messages.success(request, DONE[verb])
    if verb == DecisionForm.READ:
        return redirect("decision", uuid=uuid)
    which = f"?which={Which.REFUSED}" if verb == DecisionForm.SEEN else ""
    return redirect(reverse("decisions") + which)
