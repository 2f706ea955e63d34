"""The page of one person: who it is, what they pledged, and every call to them; and their story."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.asking import SignedInRequest
from calls import actions
from calls.forms import TokenForm
from calls.persons import read_chips, read_person
from calls.story import Which, read_story
from calls.strangers import hidden_persons
from calls.views.search import last_search
from integrations.bar import read_bar
from pledges.models import Person

# The lists that may be longer than the page shows at first.
LISTS = ("calls", "pledges", "payments", "offers")


def visible_person(request: SignedInRequest, uuid: uuid.UUID) -> Person:
    """The person, if this reader works for their organisation; to anybody else there is none."""
    persons = Person.objects.visible_to(request.user)
    return get_object_or_404(persons.select_related("owning_organization", "quality"), pk=uuid)


@require_safe
def person(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    return _show(request, visible_person(request, uuid))


@require_safe
def story(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """All that happened with this donor, a page at a time."""
    found = visible_person(request, uuid)
    at = timezone.now()
    hidden = _nothing_of(request, found, at=at)
    if hidden is not None:
        return hidden
    _note_read(request, found, at=at)
    asked = request.GET.get("kind", "")
    which = Which(asked) if asked in Which.values else Which.ALL
    context = {
        "page": read_story(found, user=request.user, which=which, asked=request.GET, at=at),
        "kinds": Which.choices,
        "person": found,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/person_story.html", context)


@require_safe
def pulse(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The chips anew, for as long as one of them can still change."""
    found = visible_person(request, uuid)
    chips = read_chips(found, user=request.user, at=timezone.now(), limits=_limits(request.GET))
    context = {
        "person": found,
        "chips": chips,
        "is_moving": any(not chip.is_settled for _delivery, chip in chips),
    }
    return render(request, "calls/person.html#pulse", context)


@require_POST
def undo_new_call(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Take back a call that was asked for here, while nothing of it has left."""
    found = visible_person(request, uuid)
    form = TokenForm({"token": request.POST.get("undo", "")})
    if not form.is_valid():
        return redirect("person", uuid=found.pk)
    try:
        actions.undo(user=request.user, at=timezone.now(), **form.cleaned_data)
    except actions.TooLate:
        return _show(
            request, found, status=409, problem=_("It is too late to undo this: it has been sent.")
        )
    messages.success(request, _("Undone. Nothing was sent to TapRaise."))
    return redirect("person", uuid=found.pk)


def _show(
    request: SignedInRequest, found: Person, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    at = timezone.now()
    hidden = _nothing_of(request, found, at=at, status=status)
    if hidden is not None:
        return hidden
    _note_read(request, found, at=at)
    context = {
        "page": read_person(found, user=request.user, at=at, limits=_limits(request.GET)),
        "person": found,
        "last_search": last_search(request),
        "problem": problem,
        "bar": read_bar(request.user, at=timezone.now()),
    }
    return render(request, "calls/person.html", context, status=status)


def _nothing_of(
    request: SignedInRequest, found: Person, *, at: datetime, status: int = 200
) -> HttpResponse | None:
    """The page without anything of a donor who may not be shown to this reader now."""
    if found.pk not in hidden_persons(request.user, at=at):
        return None
    context = {"person": found, "bar": read_bar(request.user, at=at)}
    return render(request, "hidden_person.html", context, status=status)


def _note_read(request: SignedInRequest, found: Person, *, at: datetime) -> None:
    audit.record(
        "person.read",
        user=request.user,
        at=at,
        subject=f"person:{found.pk}",
        person_uuid=found.pk,
    )


def _limits(asked: Mapping[str, Any]) -> dict[str, int]:
    """How long the reader wants each list; anything that is no such number is not asked for."""
    wanted = {name: str(asked.get(name, "")) for name in LISTS}
    return {name: int(text) for name, text in wanted.items() if text.isdecimal() and len(text) <= 4}
