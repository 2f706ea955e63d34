"""The start page: Next, my numbers, my last calls."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.asking import SignedInRequest, for_supervisors
from accounts.models import AlreadySent, FormChanged
from calls import actions, insight
from calls.callbacks import read_promises
from calls.floor_messages import is_other, read_shown
from calls.forms import SettlingForm
from calls.my_day import read_day, read_my_day
from calls.views.asking import in_a_sentence, visible_call
from integrations.bar import read_bar
from pledges.follow_up import alarms


@require_safe
def start(request: SignedInRequest) -> HttpResponse:
    return _page(request)


@require_safe
def pulse(request: SignedInRequest) -> HttpResponse:
    """The last calls anew, for as long as a chip among them can still change; and what a supervisor
    tells the floor."""
    at = timezone.now()
    my_day = None if "still" in request.GET else read_my_day(request.user, at=at)
    shown = my_day.shown if my_day else read_shown(request.user, at=at)
    context = {
        "my_day": my_day,
        "shown": shown,
        "is_other_message": is_other(shown, request.GET.get("message", "")),
    }
    part = "moved" if my_day else "told"
    return render(request, f"calls/start.html#{part}", context)


@require_POST
def claim_next(request: SignedInRequest) -> HttpResponse:
    """Put the next call of the queue in hand, and open it."""
    try:
        hold = actions.claim_next(user=request.user, at=timezone.now())
    except actions.AlreadyHolding as already:
        hold = already.hold
    except actions.OnPause:
        return _page(request, wants_next=True)
    except actions.NothingToCall as nothing:
        return _page(request, nothing=nothing)
    return redirect("desk", uuid=hold.call_id)


@for_supervisors
@require_POST
def settle_attempt(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Say how a dial ended that its agent left open."""
    call = visible_call(request, uuid)
    form = SettlingForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose how it ended."))
        return redirect("start")
    try:
        actions.settle_attempt(user=request.user, call=call, at=timezone.now(), **form.cleaned_data)
    except AlreadySent:
        pass
    except actions.NothingLeftOpen:
        messages.error(request, _("Somebody said how it ended meanwhile."))
    except (actions.CallTaken, FormChanged) as refusal:
        messages.error(request, in_a_sentence(refusal))
    else:
        messages.success(request, _("Written down. The call can go on."))
    return redirect("start")


def _page(request: SignedInRequest, **more: Any) -> HttpResponse:
    at = timezone.now()
    my_day = read_my_day(request.user, at=at)
    context = {
        "my_day": my_day,
        "day": read_day(request.user, at=at),
        "unfinished": insight.unfinished(request.user, at=at) if request.user.is_supervisor else (),
        "promises": read_promises(request.user, at=at),
        "outcomes": [(one.value, one.label) for one in SettlingForm.CHOICES],
        "alarms": alarms(request.user, at=at) if request.user.is_supervisor else (),
        "bar": read_bar(request.user, at=timezone.now()),
        "shown": my_day.shown,
        "at": at,
        **more,
    }
    return render(request, "calls/start.html", context)
