"""Messages to the floor: a supervisor writes one, agents put it away, and who has seen it."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.asking import SignedInRequest, for_supervisors
from accounts.forms import BackForm
from accounts.models import AlreadySent, FormChanged
from accounts.two_steps import FORM_CHANGED
from calls import actions
from calls.floor_forms import FloorMessageForm
from calls.floor_messages import read_messages, read_shown
from calls.models import FloorMessage
from integrations.bar import read_bar

REFUSALS = {
    actions.NotOurs: gettext_lazy("You no longer work for this organisation. Choose another one."),
    actions.MomentOver: gettext_lazy("That moment is over. Choose one that is to come."),
    FormChanged: FORM_CHANGED,
}


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def floor_messages(request: SignedInRequest) -> HttpResponse:
    """The messages, with who has seen each; sent, another one is written."""
    at = timezone.now()
    is_sent = request.method == "POST"
    form = FloorMessageForm(
        request.POST if is_sent else None,
        organizations=request.user.organizations.order_by("name", "pk"),
        at=at,
    )
    status = 200
    if is_sent:
        status = 422
        if form.is_valid():
            try:
                actions.write_floor_message(
                    user=request.user,
                    organizations=form.addressed,
                    text=form.cleaned_data["text"],
                    is_urgent=form.is_urgent,
                    until_at=form.cleaned_data["until_at"],
                    chosen=form.chosen,
                    token=form.cleaned_data["token"],
                    at=at,
                )
            except AlreadySent:
                return redirect("floor_messages")
            except tuple(REFUSALS) as refusal:
                form.renew()
                form.add_error(None, REFUSALS[type(refusal)])
                status = 409
            else:
                messages.success(request, _("Your people see it within ten seconds."))
                return redirect("floor_messages")
    page, lines = read_messages(request.user, asked=request.GET, at=at)
    context = {
        "form": form,
        "page": page,
        "lines": lines,
        "at": at,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/floor_messages.html", context, status=status)


@for_supervisors
@require_POST
def withdraw_floor_message(request: SignedInRequest, pk: int) -> HttpResponse:
    """Nobody is shown it any more."""
    found = get_object_or_404(FloorMessage.objects.visible_to(request.user), pk=pk)
    try:
        actions.withdraw_floor_message(user=request.user, message=found, at=timezone.now())
    except actions.NotAllowed:
        messages.error(
            request, _("It is for more organisations than yours: whoever wrote it takes it back.")
        )
    else:
        messages.success(request, _("Taken back: nobody is shown it any more."))
    return redirect("floor_messages")


@require_POST
def put_away_floor_message(request: SignedInRequest, pk: int) -> HttpResponse:
    """Seen: it is not shown to this person again, and the next one is."""
    at = timezone.now()
    found = get_object_or_404(FloorMessage.objects.visible_to(request.user), pk=pk)
    actions.put_away_floor_message(user=request.user, message=found, at=at)
    if request.htmx:
        shown = read_shown(request.user, at=at)
        return render(request, "calls/_floor_message.html#shown-message", {"shown": shown})
    form = BackForm(request.POST)
    form.is_valid()
    return HttpResponseRedirect(form.cleaned_data.get("next", "/"))
