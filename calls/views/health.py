"""Is Belbord up? For probes and for the person on duty.

A stranger hears up or down and nothing else: 200 or 503. `live` asks whether this process answers,
`ready` whether the product is at work: database, worker and feeds. A supervisor who is signed in
hears which of them it is.
"""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from calls import insight
from integrations.breakers import open_now
from integrations.clients import token_ends


@login_not_required
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """This process answers. Nothing else is asked: a slow database restarts no web server."""
    return JsonResponse({"status": "up"})


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """The database answers, a worker is alive and no feed is stale."""
    return _answer(_pulse())


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """As ready; with the reasons, for a supervisor who is signed in."""
    pulse = _pulse()
    if pulse is None or not (request.user.is_authenticated and request.user.is_supervisor):
        return _answer(pulse)
    return _answer(
        pulse,
        database="up",
        worker={"status": _word(pulse.is_worker_alive), "seen_at": pulse.worker_seen_at},
        streams={
            name: {
                "status": _word(name not in pulse.stale),
                "watermark": feed.watermark,
                "last_finished_at": feed.last_finished_at,
                "walking": feed.walking,
            }
            for name, feed in pulse.streams.items()
        },
        breakers=[
            {"key": breaker.key, "opened_at": breaker.opened_at, "reason": breaker.reason}
            for breaker in open_now()
        ],
        tokens=[
            {"account": token.account, "ends_at": token.ends_at}
            for token in token_ends(at=timezone.now())
            if token.is_soon
        ],
    )


def _pulse() -> insight.Pulse | None:
    """None when the database does not answer."""
    try:
        return insight.pulse(at=timezone.now())
    except Error:
        return None


def _answer(pulse: insight.Pulse | None, **details: Any) -> JsonResponse:
    is_up = pulse is not None and pulse.is_ready
    return JsonResponse({"status": _word(is_up), **details}, status=200 if is_up else 503)


def _word(is_up: bool) -> str:
    return "up" if is_up else "down"
