"""Do not call again: what supervisors still have to cancel, and how a manager lifts one."""

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.asking import SignedInRequest, for_supervisors
from accounts.keyset import page_of
from accounts.two_steps import in_two_steps
from calls import actions
from calls.proof import proof_of
from calls.queue import stopped
from calls.request_forms import LiftingForm, ObjectionForm
from calls.views.person import visible_person
from integrations.bar import read_bar
from pledges.models import BARS_CALLS, Objection

REFUSALS = {
    actions.NotAllowed: gettext_lazy("Only a manager may do this."),
    actions.NotOurs: gettext_lazy("This is not ours."),
    actions.ReasonMissing: gettext_lazy("Write why it is lifted."),
}


@for_supervisors
@require_safe
def objections(request: SignedInRequest) -> HttpResponse:
    """Calls that are stopped here by an objection and still open at TapRaise."""
    page = page_of(
        stopped(request.user).select_related("person__owning_organization"),
        order=("requested_at", "uuid"),
        asked=request.GET,
    )
    context = {"page": page, "bar": read_bar(request.user, at=timezone.now())}
    return render(request, "calls/objections.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add_objection(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The donor wrote, or told somebody else, that they do not want to be reached any more."""
    person = visible_person(request, uuid)

    def effect(cleaned: dict[str, Any]) -> list[str]:
        lines = [
            _("From now on this holds for %(name)s, and for everybody with the same number.")
            % {"name": person.spoken_name}
        ]
        if cleaned["channel"] in BARS_CALLS:
            lines.append(_("Every open call stops here at once, and callbacks are cancelled."))
        lines += [
            _("Messages that wait to be handed over and may not go any more are taken back."),
            _("It is for good: only a manager can lift it."),
        ]
        return lines

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        return actions.add_objection(user=request.user, person=person, at=at, **cleaned)

    page = reverse("person", args=[person.pk])
    return in_two_steps(
        request,
        ObjectionForm(request.POST if request.method == "POST" else None),
        title=_("Record an objection"),
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=page,
        back=page,
        context={"person": person, "bar": read_bar(request.user, at=timezone.now())},
        template="calls/objecting.html",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def lift_objection(request: SignedInRequest, uuid: uuid.UUID, number: int) -> HttpResponse:
    """The donor may be reached again after all."""
    if not request.user.is_manager:
        raise Http404
    person = visible_person(request, uuid)
    objection = get_object_or_404(Objection, pk=number, person_uuid=person.pk)

    def effect(_cleaned: dict[str, Any]) -> list[str]:
        return [
            _("The objection is lifted: calls to %(name)s may be served again.")
            % {"name": person.spoken_name},
            _("It stays on record, with your name and the reason."),
        ]

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        return actions.lift_objection(user=request.user, objection=objection, at=at, **cleaned)

    page = reverse("person", args=[person.pk])
    return in_two_steps(
        request,
        LiftingForm(request.POST if request.method == "POST" else None),
        title=_("Lift an objection"),
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=page,
        back=page,
        context={
            "person": person,
            "objection": objection,
            "bar": read_bar(request.user, at=timezone.now()),
        },
        template="calls/lifting.html",
    )


@for_supervisors
@require_safe
def proof(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """On what ground this person was called and written to, as a file."""
    person = visible_person(request, uuid)
    audit.record(
        "proof.exported",
        user=request.user,
        at=timezone.now(),
        subject=f"person:{person.pk}",
        person_uuid=person.pk,
    )
    answer = HttpResponse(
        proof_of(person, user=request.user), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="proof-{person.pk}.csv"'
    return answer
