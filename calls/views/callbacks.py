"""Callbacks of everybody, for supervisors: what is too late, what is to come, and who makes it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.asking import SignedInRequest, for_supervisors
from calls import actions
from calls.callbacks import Which, read_callbacks, seen_by, who_may_make
from calls.forms import HandOverForm
from integrations.bar import read_bar

REFUSALS = {
    actions.CallbackOver: gettext_lazy("It was made, cancelled or agreed on anew meanwhile."),
    actions.CallEnded: gettext_lazy("This call is already over."),
    actions.NotOurs: gettext_lazy("Whom you chose cannot make this call."),
}


@for_supervisors
@require_safe
def callbacks(request: SignedInRequest) -> HttpResponse:
    at = timezone.now()
    asked = request.GET.get("which", "")
    which = Which(asked) if asked in Which.values else Which.OVERDUE
    page, lines = read_callbacks(request.user, which=which, asked=request.GET, at=at)
    context = {
        "which": which,
        "kinds": Which.choices,
        "page": page,
        "lines": lines,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/callbacks.html", context)


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give one to somebody else, or to the team."""
    at = timezone.now()
    callback = get_object_or_404(seen_by(request.user), pk=pk)
    is_sent = request.method == "POST"
    form = HandOverForm(request.POST if is_sent else None, people=who_may_make(callback))
    status = 200
    if is_sent:
        status = 422
        if form.is_valid():
            try:
                actions.hand_over_callback(
                    user=request.user,
                    callback_id=callback.pk,
                    to=form.chosen,
                    reason=form.cleaned_data["reason"],
                    at=at,
                )
            except tuple(REFUSALS) as refusal:
                form.add_error(None, REFUSALS[type(refusal)])
                status = 409
            else:
                messages.success(request, _("Handed over."))
                return redirect("callbacks")
    context = {"callback": callback, "form": form, "bar": read_bar(request.user, at=at)}
    return render(request, "calls/hand_over.html", context, status=status)
