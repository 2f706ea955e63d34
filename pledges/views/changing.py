"""Changing a pledge, and bringing it to another status: a supervisor's forms in two steps."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from accounts.two_steps import in_two_steps, way_back
from integrations.bar import read_bar
from pledges import actions
from pledges.forms import ChangePledgeForm, StatusForm
from pledges.models import Pledge, in_euros, in_words
from pledges.page import (
    LABELS,
    FieldChange,
    facts_of,
    fields_in_words,
    read_changes,
    recruiters_of,
)
from pledges.terms import Terms, a_year, why_not_changeable
from pledges.terms import in_words as why_in_words
from pledges.views.asking import EVERYWHERE, visible_pledge

# As they are said when one of them is emptied.
IS_EMPTIED = {
    "ends_at": gettext_lazy(
        "The end is emptied: the pledge has no end any more. It was %(before)s."
    ),
    "recruiting_location_label": gettext_lazy("The location is emptied. It was %(before)s."),
}
UNDER_WAY = gettext_lazy(
    "A change of this pledge is still on its way to TapRaise, or waits for a decision. Wait until "
    "it has arrived, and send yours again."
)
REFUSALS: dict[type[Exception], Any] = {
    actions.NothingChanged: gettext_lazy("Nothing was changed: there is nothing to send."),
    actions.ChangeUnderWay: UNDER_WAY,
    actions.NotChangeable: lambda refusal: why_in_words(refusal.why),
    actions.NotOurs: gettext_lazy("This pledge is not of an organisation that you work for."),
    actions.NotAllowed: gettext_lazy("Only a supervisor may do this."),
    actions.NotOffered: gettext_lazy("No action of TapRaise's is set up for this status."),
    actions.NotSendable: gettext_lazy("TapRaise would not take this. Look at each field again."),
}

two_steps = require_http_methods(["GET", "HEAD", "POST"])


@for_supervisors
@two_steps
def update_pledge(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Amount, interval, start, end, recruiter and location: what was touched is sent, no more."""
    pledge = visible_pledge(request, uuid)
    title = _("Change this pledge")
    why_not = why_not_changeable(pledge, fields=EVERYWHERE)
    if why_not is not None:
        return _not_offered(request, pledge, title=title, why_not=why_in_words(why_not))
    recruiters = recruiters_of([pledge.owning_organization_id])
    form = ChangePledgeForm(_typed(request), pledge=pledge, recruiters=recruiters)

    def effect(_cleaned: dict[str, Any]) -> list[str]:
        if not form.changes:
            raise actions.NothingChanged
        changes = read_changes(pledge, user=request.user, at=timezone.now())
        if changes.coming_status or not changes.coming.keys().isdisjoint(form.changes):
            raise actions.ChangeUnderWay
        fields = fields_in_words(form.shown, form.changes, recruiters)
        words = map(_in_a_sentence(form.changes), fields)
        return [*words, *_in_a_year(pledge, form), way_back()]

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        return actions.update_pledge(
            user=request.user,
            pledge=pledge,
            changes=form.changes,
            shown=form.shown,
            reason=cleaned["reason"],
            token=cleaned["token"],
            at=at,
        )

    def changed_meanwhile(refusal: actions.ChangedMeanwhile) -> str:
        pledge.refresh_from_db(fields=refusal.fields)
        form.show_anew(refusal.fields)
        now = fields_in_words(
            {}, {name: getattr(pledge, name) for name in refusal.fields}, recruiters
        )
        return _(
            "TapRaise has changed this pledge since you opened the form. It says now: %(fields)s. "
            "Look whether your change still fits, and send it again."
        ) % {"fields": ", ".join(f"{field.label} {field.after}" for field in now)}

    lesser = why_not_changeable(pledge)
    return in_two_steps(
        request,
        form,
        title=title,
        effect=effect,
        do=do,
        refusals={**REFUSALS, actions.ChangedMeanwhile: changed_meanwhile},
        done=_address(pledge),
        back=_address(pledge),
        context=_about(request, pledge, why_not=why_in_words(lesser) if lesser else ""),
        template="pledges/change.html",
    )


@for_supervisors
@two_steps
def take_status_action(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Bring the pledge to a status, by the name that settings have for TapRaise's action."""
    pledge = visible_pledge(request, uuid)
    title = _("Change the status of this pledge")
    if not settings.TAPRAISE_PLEDGE_ACTIONS:
        return _not_offered(request, pledge, title=title, has_no_actions=True)
    why_not = why_not_changeable(pledge)
    if why_not is not None:
        return _not_offered(request, pledge, title=title, why_not=why_in_words(why_not))
    statuses = [
        (status, in_words(Pledge.Status, status).capitalize())
        for status in Pledge.Status.values
        if status in settings.TAPRAISE_PLEDGE_ACTIONS and status != pledge.status
    ]
    form = StatusForm(_typed(request), statuses=statuses)

    def effect(cleaned: dict[str, Any]) -> list[str]:
        changes = read_changes(pledge, user=request.user, at=timezone.now())
        if changes.coming or changes.coming_status:
            raise actions.ChangeUnderWay
        asked = _("TapRaise is asked to bring this pledge from %(before)s to %(after)s.") % {
            "before": pledge.status_words,
            "after": in_words(Pledge.Status, cleaned["status"]),
        }
        return [asked, _("TapRaise has no way back from this."), way_back()]

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        return actions.take_status_action(user=request.user, pledge=pledge, at=at, **cleaned)

    return in_two_steps(
        request,
        form,
        title=title,
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=_address(pledge),
        back=_address(pledge),
        context=_about(request, pledge),
        template="pledges/status.html",
    )


def _not_offered(
    request: SignedInRequest, pledge: Pledge, *, title: str, **why: Any
) -> HttpResponse:
    """The page of a form that would only be refused: why, in a sentence."""
    context = {**_about(request, pledge, **why), "title": title, "back": _address(pledge)}
    return render(request, "pledges/not_offered.html", context)


def _about(request: SignedInRequest, pledge: Pledge, **more: Any) -> dict[str, Any]:
    context = {"pledge": pledge, "person": pledge.person, "facts": facts_of(pledge)}
    return {**context, "bar": read_bar(request.user, at=timezone.now()), **more}


def _typed(request: SignedInRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _address(pledge: Pledge) -> str:
    return reverse("pledge", kwargs={"uuid": pledge.pk})


def _in_a_sentence(changes: Mapping[str, Any]) -> Any:
    def told(field: FieldChange) -> str:
        if changes[field.column] is None:
            return str(IS_EMPTIED[field.column] % {"before": field.before})
        return _("%(field)s: %(before)s → %(after)s") % {
            "field": LABELS[field.column],
            "before": field.before,
            "after": field.after,
        }

    return told


def _in_a_year(pledge: Pledge, form: ChangePledgeForm) -> list[str]:
    """What another amount or interval comes to, where both can be told by the year."""
    if form.changes.keys().isdisjoint({"donation_amount", "donation_interval"}):
        return []
    before = a_year(Terms(pledge.donation_amount, pledge.donation_interval))
    after = a_year(
        Terms(
            form.changes.get("donation_amount", pledge.donation_amount),
            form.changes.get("donation_interval", pledge.donation_interval),
        )
    )
    if before is None or after is None:
        return []
    told = _("In a year: %(before)s → %(after)s")
    return [told % {"before": in_euros(before), "after": in_euros(after)}]
