"""The page of one pledge: what TapRaise says of it, and over it what people here changed."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.asking import SignedInRequest, for_supervisors
from integrations.bar import read_bar
from pledges import actions
from pledges.forms import UndoForm
from pledges.models import NewPledge, Pledge
from pledges.page import facts_of, read_changes, read_new_pledge, read_page
from pledges.terms import in_words, why_not_changeable
from pledges.views.asking import EVERYWHERE, is_hidden, visible_pledge


@require_safe
def pledge(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    try:
        found = visible_pledge(request, uuid)
    except Http404:
        return _show_new(request, _own_new_pledge(request, uuid))
    return _show(request, found)


@require_safe
def pulse(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The chips anew, asked every few seconds while one moves; at rest, what they brought.

    A page of a new pledge asks with `new`: once TapRaise told of it, it is another page.
    """
    at = timezone.now()
    try:
        found = visible_pledge(request, uuid)
    except Http404:
        made = _own_new_pledge(request, uuid)
        if is_hidden(made, user=request.user, at=at):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        new_page = read_new_pledge(made, user=request.user, at=at)
        return render(request, "pledges/new.html#pulse", {"page": new_page, "made": made})
    if is_hidden(found, user=request.user, at=at) or "new" in request.GET:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    context = {
        "pledge": found,
        "facts": facts_of(found),
        "changes": read_changes(found, user=request.user, at=at),
        "is_part": True,
    }
    return render(request, "pledges/pledge.html#pulse", context)


@for_supervisors
@require_POST
def undo_change(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Take back the last change, while it has not left."""
    form = UndoForm(request.POST)
    at = timezone.now()
    try:
        found: Pledge | NewPledge = visible_pledge(request, uuid)
    except Http404:
        found = _own_new_pledge(request, uuid)
    if not form.is_valid():
        return redirect("pledge", uuid=uuid)
    try:
        actions.undo_change(user=request.user, token=form.cleaned_data["undo"], at=at)
    except actions.TooLate:
        problem = _("It is too late to undo this: it has been sent.")
        if isinstance(found, NewPledge):
            return _show_new(request, found, status=409, problem=problem)
        return _show(request, found, status=409, problem=problem)
    messages.success(request, _("Undone. Nothing was sent to TapRaise."))
    if isinstance(found, NewPledge):
        return redirect("person", uuid=found.person_id)
    return redirect("pledge", uuid=uuid)


def _own_new_pledge(request: SignedInRequest, uuid: uuid.UUID) -> NewPledge:
    made = NewPledge.objects.visible_to(request.user).select_related(
        "person", "owning_organization", "user", "delivery"
    )
    return get_object_or_404(made, pk=uuid)


def _show(
    request: SignedInRequest, pledge: Pledge, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    at = timezone.now()
    if is_hidden(pledge, user=request.user, at=at):
        return _show_hidden(request, pledge)
    audit.record(
        "pledge.read",
        user=request.user,
        at=at,
        subject=f"pledge:{pledge.pk}",
        person_uuid=pledge.person_id,
    )
    page = read_page(pledge, user=request.user, at=at)
    # Either nothing can be changed, or perhaps only some of it.
    nothing = why_not_changeable(pledge, fields=EVERYWHERE)
    why_not = nothing or why_not_changeable(pledge)
    context = {
        "page": page,
        "pledge": pledge,
        "person": pledge.person,
        "facts": page.facts,
        "changes": page.changes,
        "can_change": nothing is None,
        "can_change_status": why_not is None,
        "why_not": in_words(why_not) if why_not else "",
        "problem": problem,
        "bar": read_bar(request.user, at=timezone.now()),
    }
    return render(request, "pledges/pledge.html", context, status=status)


def _show_hidden(request: SignedInRequest, pledge: Pledge | NewPledge) -> HttpResponse:
    context = {"person": pledge.person, "bar": read_bar(request.user, at=timezone.now())}
    return render(request, "hidden_person.html", context)


def _show_new(
    request: SignedInRequest, made: NewPledge, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    at = timezone.now()
    if is_hidden(made, user=request.user, at=at):
        return _show_hidden(request, made)
    context = {
        "page": read_new_pledge(made, user=request.user, at=at),
        "made": made,
        "person": made.person,
        "problem": problem,
        "bar": read_bar(request.user, at=timezone.now()),
    }
    return render(request, "pledges/new.html", context, status=status)
