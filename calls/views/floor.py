"""The floor: what a supervisor sees at a glance, live."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.asking import SignedInRequest, for_supervisors
from calls import insight
from calls.floor import read_floor
from integrations.bar import read_bar


@for_supervisors
@require_safe
def floor(request: SignedInRequest) -> HttpResponse:
    at = timezone.now()
    context = {
        "floor": read_floor(request.user, at=at),
        "health": insight.health(at=at),
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/floor.html", context)


@for_supervisors
@require_safe
def floor_pulse(request: SignedInRequest) -> HttpResponse:
    """All of it that moves, every few seconds."""
    found = read_floor(request.user, at=timezone.now())
    return render(request, "calls/floor.html#floor-live", {"floor": found})


@for_supervisors
@require_safe
def floor_health(request: SignedInRequest) -> HttpResponse:
    """How fresh the data is and what waits to leave, a little less often."""
    health = insight.health(at=timezone.now())
    return render(request, "calls/floor.html#floor-health", {"health": health})
