"""Recruiter flags: a list, and a page on which a supervisor says that they have seen one."""

import uuid
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.asking import SignedInRequest, for_supervisors
from calls import actions
from calls.forms import SeenForm
from calls.recruiters import Flag, Which, read_flag, read_flags
from integrations.bar import read_bar

REFUSALS: Final = {
    actions.FlagChanged: _(
        "It changed while you looked: somebody has seen it, or something else was found. This is "
        "how it stands now."
    ),
}


@for_supervisors
@require_safe
def recruiters(request: SignedInRequest) -> HttpResponse:
    """What no supervisor has seen, the longest waiting first."""
    asked = request.GET.get("which", "")
    which = Which(asked) if asked in Which.values else Which.UNSEEN
    page, lines = read_flags(request.user, which=which, asked=request.GET)
    context = {
        "which": which,
        "is_seen": which == Which.SEEN,
        "kinds": Which.choices,
        "page": page,
        "lines": lines,
        "bar": read_bar(request.user, at=timezone.now()),
    }
    return render(request, "calls/recruiters.html", context)


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
