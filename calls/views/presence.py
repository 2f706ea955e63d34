"""Being there or not: pauses, and that a page is still open."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.actions import end_pause as end
from accounts.actions import note_seen
from accounts.asking import SignedInRequest
from accounts.models import Presence
from calls import actions
from integrations.bar import Bar


class PauseForm(forms.Form):
    """Which pause; none takes back the one that was to come."""

    pause = forms.ChoiceField(choices=Presence.Pause.choices, required=False)


@require_POST
def take_pause(request: SignedInRequest) -> HttpResponse:
    form = PauseForm(request.POST)
    if not form.is_valid():
        return redirect("start")
    presence = actions.take_pause(
        user=request.user, pause=form.cleaned_data["pause"], at=timezone.now()
    )
    if not request.htmx:
        return redirect("start")
    if presence.is_paused:
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("start")})
    # Nothing but this moves: somebody may be typing below it.
    bar = Bar(synced_at=None, under_way=0, presence=presence)
    return render(request, "_bar.html#pause", {"bar": bar, "is_anew": True})


@require_POST
def end_pause(request: SignedInRequest) -> HttpResponse:
    end(user=request.user, at=timezone.now())
    return redirect("start")


@require_POST
def presence(request: SignedInRequest) -> HttpResponse:
    """The page is still open. Sent by the page itself."""
    note_seen(user=request.user, at=timezone.now())
    return HttpResponse(status=204)
