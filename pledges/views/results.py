"""Result files, for supervisors: given, looked at, then written to the messages they are about."""

import uuid
from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from integrations.bar import read_bar
from pledges import actions, results
from pledges.models import ResultFile
from pledges.result_forms import ResultFileForm

# How many lines are shown of each kind, and how many files.
SHOWN: Final = 20
LATEST: Final = 10

looked_at_or_sent = require_http_methods(["GET", "HEAD", "POST"])


@for_supervisors
@looked_at_or_sent
def import_results(request: SignedInRequest) -> HttpResponse:
    """Give a file. Nothing is written by that."""
    at = timezone.now()
    is_sent = request.method == "POST"
    form = ResultFileForm(request.POST, request.FILES) if is_sent else ResultFileForm()
    if is_sent and form.is_valid():
        try:
            kept = actions.keep_result_file(
                user=request.user,
                name=form.cleaned_data["file"].name[:200],
                found=form.cleaned_data["found"],
                at=at,
            )
        except actions.ReadBefore as before:
            messages.info(request, before.words)
            kept = before.file
        return redirect("result_file", uuid=kept.pk)
    files = ResultFile.objects.filter(user=request.user).defer("lines").order_by("-at")
    context = {
        "form": form,
        "files": files[:LATEST],
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "pledges/results.html", context, status=422 if is_sent else 200)


@for_supervisors
@looked_at_or_sent
def result_file(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """What a file says; sent, it is written."""
    kept = get_object_or_404(ResultFile, pk=uuid, user=request.user)
    at = timezone.now()
    status = 200
    if request.method == "POST":
        try:
            actions.write_results(user=request.user, result_file=kept, at=at)
        except actions.NotOurs:
            status = 409
        else:
            return redirect("result_file", uuid=uuid)
    context = {"file": kept, "bar": read_bar(request.user, at=at)}
    if kept.lines is not None:
        lines = map(results.Line.from_json, kept.lines)
        found = results.match(lines, actions.messages_for(request.user))
        context |= {
            "matched": len(found.told),
            "changed": len(found.news),
            "unknown": len(found.unknown),
            "first_news": found.news[:SHOWN],
            "first_unknown": found.unknown[:SHOWN],
        }
    return render(request, "pledges/result_file.html", context, status=status)
