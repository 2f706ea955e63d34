"""Corrections as supervisors see them: what donors said is different, to be handed to the charity
and marked once it has worked them off."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts import sheets
from accounts.asking import SignedInRequest, for_supervisors
from accounts.keyset import page_of
from accounts.sheets import Format
from integrations.bar import read_bar
from pledges import actions
from pledges.correction_file import columns
from pledges.corrections import spelled
from pledges.filter_forms import CorrectionFilterForm
from pledges.models import Correction

ORDER = ("-at", "-id")


@for_supervisors
@require_safe
def corrections(request: SignedInRequest) -> HttpResponse:
    """The newest first; accounts and days of birth only as far as everybody may read them."""
    form = _filters(request, request.GET)
    rows = _found(request, form).select_related("person", "organization", "user")
    page = page_of(rows, order=ORDER, asked=request.GET)
    context = {
        "form": form,
        "state": form.chosen_state or "all",
        "states": [*Correction.State.choices, ("all", _("all"))],
        "is_narrowed": form.chosen_organization is not None,
        "page": page,
        "lines": [
            {
                "correction": one,
                "was": spelled(one.item, one.was, is_masked=True),
                "now": spelled(one.item, one.now, is_masked=True),
            }
            for one in page.rows
        ],
        "formats": Format.choices,
        "may_read_accounts": actions.may_read_accounts(request.user),
        "most": actions.MOST_EXPORTED,
        "bar": read_bar(request.user, at=timezone.now()),
    }
    return render(request, "pledges/corrections.html", context)


@for_supervisors
@require_POST
def export_corrections(request: SignedInRequest) -> HttpResponse:
    """A file of those that were chosen, or of all that the filter shows."""
    kind = Format.XLSX if request.POST.get("format") == Format.XLSX else Format.CSV
    if "all" in request.POST:
        form = _filters(request, request.POST)
        rows = _found(request, form).order_by("at", "id")
        chosen = list(rows.values_list("pk", flat=True)[: actions.MOST_EXPORTED])
    else:
        chosen = _chosen(request)
    at = timezone.now()
    handed = actions.export_corrections(user=request.user, corrections=chosen, at=at)
    if not handed:
        messages.info(request, _("There was nothing among them that you may export."))
        return redirect("corrections")
    # Whose account numbers are not to be read was kept apart by the action.
    told = columns(with_accounts=True)
    stem = f"correcties-{timezone.localtime(at):%Y-%m-%d-%H%M}"
    lines = sheets.rows_of(told, handed)
    return sheets.as_answer(stem, kind, sheets.names_of(told), lines, title=_("Corrections"))


@for_supervisors
@require_POST
def process_corrections(request: SignedInRequest) -> HttpResponse:
    done = actions.process_corrections(
        user=request.user, corrections=_chosen(request), at=timezone.now()
    )
    words = ngettext(
        "%(n)s correction marked as processed.", "%(n)s corrections marked as processed.", done
    )
    messages.success(request, words % {"n": done})
    return redirect("corrections")


def _filters(request: SignedInRequest, asked: Any) -> CorrectionFilterForm:
    organizations = list(request.user.organizations.order_by("name"))
    return CorrectionFilterForm(asked, organizations=organizations)


def _found(request: SignedInRequest, form: CorrectionFilterForm) -> QuerySet[Correction]:
    rows: QuerySet[Correction] = Correction.objects.visible_to(request.user)
    if form.chosen_state:
        rows = rows.filter(state=form.chosen_state)
    if form.chosen_organization is not None:
        rows = rows.filter(organization=UUID(form.chosen_organization))
    return rows


def _chosen(request: SignedInRequest) -> list[int]:
    return [int(pk) for pk in request.POST.getlist("correction") if pk.isascii() and pk.isdigit()]
