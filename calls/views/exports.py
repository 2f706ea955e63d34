"""Long lists as files: asked for here, written by a worker, and fetched while they last."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.asking import SignedInRequest, for_supervisors
from accounts.keyset import page_of
from accounts.models import AlreadySent, FormChanged
from accounts.sheets import Format
from accounts.two_steps import FORM_CHANGED
from calls import actions
from calls.export_forms import ExportForm
from calls.exports.lists import LISTS
from calls.exports.writing import KEPT
from calls.models import Export
from integrations.bar import read_bar
from pledges.actions import may_read_accounts
from pledges.contact import AMSTERDAM

NEWEST_FIRST: Final = ("-made_at", "-uuid")
# Of what lies so long nobody seems to write.
UNTOUCHED: Final = timedelta(minutes=2)
REFUSALS: Final = {
    FormChanged: FORM_CHANGED,
    actions.NotOurs: gettext_lazy("This organisation is not one of yours."),
    actions.TooManyExports: gettext_lazy(
        "Three of your exports are still to be written. Wait for one, or remove it."
    ),
}


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def exports(request: SignedInRequest) -> HttpResponse:
    """Own exports, the newest first, and a form to ask for another."""
    at = timezone.now()
    is_sent = request.method == "POST"
    form = _form(request, request.POST if is_sent else None, at=at)
    status = 200
    if is_sent:
        status = 422
        if form.is_valid():
            try:
                actions.request_export(user=request.user, at=at, **form.cleaned_data)
            except AlreadySent:
                return redirect("exports")
            except tuple(REFUSALS) as refusal:
                form.renew()
                form.add_error(None, REFUSALS[type(refusal)])
                status = 409
            else:
                return redirect("exports")
    context = {
        **_list(request, at=at),
        "form": form,
        "most": settings.EXPORT_MOST_ROWS,
        "hours": KEPT // timedelta(hours=1),
        "may_read_accounts": may_read_accounts(request.user),
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/exports.html", context, status=status)


@for_supervisors
@require_safe
def pulse(request: SignedInRequest) -> HttpResponse:
    """How far they are: polled while one of them is on its way."""
    return render(request, "calls/exports.html#exports-list", _list(request, at=timezone.now()))


@for_supervisors
@require_safe
def export_file(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The file itself, to who asked for it."""
    export = _own(request, uuid)
    try:
        file = actions.fetch_export(user=request.user, export=export, at=timezone.now())
    except actions.NotAllowed:
        raise Http404 from None
    except FileNotFoundError:
        messages.error(
            request,
            _("The file is not on this machine. Tell whoever runs Belbord: see EXPORTS_DIR."),
        )
        return redirect("exports")
    # Django's two kinds of answer share their base alone.
    answer = FileResponse(
        file,
        as_attachment=True,
        filename=export.name,
        content_type=Format(export.format).content_type,
    )
    return cast("HttpResponse", answer)


@for_supervisors
@require_POST
def remove_export(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    actions.remove_export(user=request.user, export=_own(request, uuid), at=timezone.now())
    return redirect("exports")


def _own(request: SignedInRequest, uuid: uuid.UUID) -> Export:
    return get_object_or_404(Export.objects.visible_to(request.user), pk=uuid)


def _form(request: SignedInRequest, data: Any, *, at: datetime) -> ExportForm:
    mine = Export.objects.visible_to(request.user)
    return ExportForm(
        data,
        organizations=list(request.user.organizations.order_by("name")),
        today=at.astimezone(AMSTERDAM).date(),
        kind=mine.order_by(*NEWEST_FIRST).values_list("format", flat=True).first(),
    )


def _list(request: SignedInRequest, *, at: datetime) -> dict[str, Any]:
    mine = Export.objects.visible_to(request.user).select_related("organization")
    page = page_of(mine, order=NEWEST_FIRST, asked=request.GET)
    return {
        "page": page,
        "lines": [(one, LISTS[one.what].moment_words) for one in page.rows],
        "is_moving": any(one.is_moving for one in page.rows),
        "is_untouched": any(
            one.state == Export.State.WAITING and one.made_at < at - UNTOUCHED for one in page.rows
        ),
    }
