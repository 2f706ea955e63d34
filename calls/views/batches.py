"""Messages in bulk, for supervisors: the list of them, and how far one is.

To an agent these pages are not there.
"""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.asking import SignedInRequest, for_supervisors
from calls.models import Call
from calls.selections import Kind
from integrations.bar import read_bar
from pledges import actions
from pledges.batches import (
    BatchPage,
    Show,
    batches_of,
    lines_of,
    list_of,
    progress_of,
    read_batch,
    reasons_of,
    status_of_file,
    with_counts,
)
from pledges.models import Batch, MessageScript, in_words


@for_supervisors
@require_safe
def batches(request: SignedInRequest) -> HttpResponse:
    at = timezone.now()
    page = batches_of(request.user, asked=request.GET)
    progress = progress_of(page.rows, at=at)
    context = {
        "page": page,
        "lines": [(batch, progress[batch.pk]) for batch in page.rows],
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/batches.html", context)


# ── One of them ───────────────────────────────────────────────────────────────────────────────────


@for_supervisors
@require_safe
def batch(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    return _show(request, _own(request, uuid))


@for_supervisors
@require_safe
def batch_pulse(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """How far it is by now, asked every few seconds while it moves; with its last answer the list
    as it is then."""
    at = timezone.now()
    found = _own(request, uuid)
    page = read_batch(found, user=request.user, at=at)
    context = {"is_part": True, **_numbers(request, found, page)}
    if not page.progress.is_moving:
        context |= _list(request, found, show=context["show"], at=at)
    return render(request, "calls/batch.html#pulse", context)


@for_supervisors
@require_POST
def undo_batch(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    found = _own(request, uuid)
    try:
        actions.undo_batch(user=request.user, batch=found, at=timezone.now())
    except (actions.TooLate, actions.NotOurs):
        problem = _("It is too late to undo this: it has been sent.")
        return _show(request, found, status=409, problem=problem)
    messages.success(request, _("Undone. Nothing was sent to Alphacomm."))
    return redirect("batches")


def _own(request: SignedInRequest, uuid: uuid.UUID) -> Batch:
    mine = Batch.objects.visible_to(request.user).select_related(
        "script__organization", "user", "delivery"
    )
    return get_object_or_404(with_counts(mine), pk=uuid)


def _show(
    request: SignedInRequest, batch: Batch, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    at = timezone.now()
    page = read_batch(batch, user=request.user, at=at)
    numbers = _numbers(request, batch, page)
    leaves_at = batch.messages.order_by("uuid").values_list("leaves_at", flat=True).first()
    context = {
        **numbers,
        **_list(request, batch, show=numbers["show"], at=at),
        "selected": _words_of_selection(batch),
        "leaves_at": leaves_at,
        "problem": problem,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/batch.html", context, status=status)


def _numbers(request: SignedInRequest, batch: Any, page: BatchPage) -> dict[str, Any]:
    """What changes while a batch moves."""
    counts = {
        Show.REFUSED: page.progress.refused,
        Show.LEFT_OUT: batch.left_out_count,
        Show.ALL: batch.size,
    }
    show = request.GET.get("show")
    if show not in Show.values:
        has_refused = page.progress.refused or not batch.left_out_count
        show = Show.REFUSED if has_refused else Show.LEFT_OUT
    return {
        "batch": batch,
        "page": page,
        "show": show,
        "shows": [(show.value, str(show.label), counts[show]) for show in Show],
        "carries_link": batch.script.carries == MessageScript.Carries.PAYLINK,
        "told": status_of_file(batch),
    }


def _list(request: SignedInRequest, batch: Batch, *, show: str, at: datetime) -> dict[str, Any]:
    listed = list_of(batch, show, asked=request.GET)
    is_left_out = show == Show.LEFT_OUT
    return {
        "listed": listed,
        "lines": [] if is_left_out else lines_of(listed.rows, at=at),
        "reasons": reasons_of(batch) if is_left_out else [],
    }


def _words_of_selection(batch: Batch) -> str:
    """Whom it was for, in words."""
    asked = batch.selection
    match asked.get("kind"):
        case Kind.UNPAID:
            words = _("PayLinks made from %(from)s until %(until)s that were not paid")
            days = {name: _day(asked.get(name)) for name in ("from", "until")}
            return words % days
        case Kind.NOT_REACHED:
            words = ngettext(
                "not reached in %(count)s attempt, %(type)s",
                "not reached in %(count)s attempts, %(type)s",
                asked["attempts"],
            )
            return words % {"count": asked["attempts"], "type": _type(asked)}
        case Kind.OPEN:
            return _("calls to be made, %(type)s") % {"type": _type(asked)}
        case Kind.NUMBERS:
            count = len(asked["calls"])
            words = ngettext("%(count)s call by its number", "%(count)s calls by number", count)
            return words % {"count": number_in_words(count)}
    return ""


def _type(asked: dict[str, Any]) -> str:
    return in_words(Call.Type, asked.get("type")) or _("all types")


def _day(text: str | None) -> str:
    return str(date_format(datetime.fromisoformat(text), "SHORT_DATE_FORMAT")) if text else ""


def number_in_words(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))
