"""Recruiter flags: a list, and a page on which a supervisor says that they have seen one."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from calls import actions
from calls.forms import SeenForm, SeenTogetherForm
from calls.recruiters import Flag, Which, name_of, read_flag, read_flags
from integrations.bar import read_bar

REFUSALS: Final = {
    actions.FlagChanged: _(
        "It changed while you looked: somebody has seen it, or something else was found. This is "
        "how it stands now."
    ),
}


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def recruiters(request: SignedInRequest) -> HttpResponse:
    """What no supervisor has seen, the longest waiting first; of one recruiter it is seen at once,
    each as it was shown."""
    at, recruiter = timezone.now(), _recruiter(request)
    form, status = SeenTogetherForm(), 200
    if request.method == "POST":
        form, status = SeenTogetherForm(request.POST), 422
        if recruiter and form.is_valid():
            return _see_together(request, at=at, **form.cleaned_data)
    asked = request.GET.get("which", "")
    which = Which(asked) if asked in Which.values else Which.UNSEEN
    page, lines = read_flags(request.user, which=which, asked=request.GET, recruiter=recruiter)
    context = {
        "which": which,
        "is_seen": which == Which.SEEN,
        "kinds": Which.choices,
        "recruiter": recruiter,
        "recruiter_name": name_of(recruiter, lines),
        "page": page,
        "lines": lines,
        "form": form,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/recruiters.html", context, status=status)


def _recruiter(request: SignedInRequest) -> uuid.UUID | None:
    """Of which recruiter alone; None: of all of them."""
    asked = request.GET.get("recruiter", "")
    try:
        return uuid.UUID(asked) if asked else None
    except ValueError:
        raise Http404 from None


def _see_together(
    request: SignedInRequest, *, shown: Mapping[uuid.UUID, int], remark: str, at: datetime
) -> HttpResponse:
    seen = actions.see_flags(user=request.user, shown=shown, remark=remark, at=at)
    if seen:
        words = ngettext("Seen: %(n)s is off the list.", "Seen: %(n)s are off the list.", seen)
        messages.success(request, words % {"n": seen})
    if left := len(shown) - seen:
        words = ngettext(
            "%(n)s changed while you looked, and was not marked.",
            "%(n)s changed while you looked, and were not marked.",
            left,
        )
        messages.warning(request, words % {"n": left})
    return redirect("recruiters")


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def see_flag(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """One of them; sent, it was seen as it was shown, or is shown anew with why not."""
    at, shown = timezone.now(), _found(request, uuid)
    form, problem, status = SeenForm(initial={"remark": shown.flag.remark}), "", 200
    if request.method == "POST":
        form, status = SeenForm(request.POST), 422
        if form.is_valid():
            try:
                actions.see_flag(user=request.user, person=uuid, at=at, **form.cleaned_data)
            except tuple(REFUSALS) as refusal:
                problem, status = str(REFUSALS[type(refusal)]), 409
                shown = _found(request, uuid)
            else:
                messages.success(request, _("Seen: it is off the list."))
                return redirect("recruiters")
    context = {
        "flag": shown,
        "form": form,
        "problem": problem,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/recruiter.html", context, status=status)


def _found(request: SignedInRequest, uuid: uuid.UUID) -> Flag:
    found = read_flag(request.user, uuid)
    if found is None:
        raise Http404
    return found
