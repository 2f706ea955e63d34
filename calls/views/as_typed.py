"""What the desk keeps and tells while somebody types in it: nothing here ends or sends anything."""

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.asking import SignedInRequest
from calls.checklist import corrected_names, is_stranger, read_checked
from calls.forms import terms_beside
from calls.models import ResultCode
from calls.script import agreed_words
from calls.strangers import is_hidden
from calls.views.asking import visible_call
from calls.views.desk import preview_of, script_values, show
from calls.views.keeping import keep_typed
from pledges.page import read_changes


@require_POST
def preview(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """What saving would send, as the form stands, and what the script says with it: asked while it
    is filled in, and without effect.

    A POST, because what is typed about a donor is for no address.
    """
    call = visible_call(request, uuid)
    at = timezone.now()
    terms = terms_beside(call.pledge, request.POST)
    context = {
        "call": call,
        "terms": terms,
        "preview": preview_of(call, terms, request.POST, read_checked(call, at=at)),
        "corrected": corrected_names(call),
        "results": ResultCode.choices,
        "is_preview": True,
    }
    if not (is_stranger(call) or is_hidden(call, user=request.user, at=at)):
        changes = None
        if call.pledge is not None and call.has_changes:
            changes = read_changes(call.pledge, user=request.user, at=at)
        values = script_values(request, call, terms, changes)
        context["agreed"] = agreed_words(call.script_text or "", values)
    # Before a result is asked for, only what is read out follows.
    part = "agreed" if request.htmx.target == "agreed" else "preview-of-result"
    return render(request, f"calls/desk.html#{part}", context)


@require_POST
def save_notes(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Keep the notes as they are typed, and what is chosen of the result; without scripts, by a
    button."""
    call = visible_call(request, uuid)
    kept = keep_typed(request, call)
    if request.htmx:
        return render(request, "calls/desk.html#notes-state", kept.says, status=kept.status)
    if kept.is_kept:
        return redirect("desk", uuid=call.pk)
    return show(request, call, status=kept.status, typed=request.POST.dict(), **kept.says)
