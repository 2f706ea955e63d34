"""A new pledge for a person who asks for one: a supervisor's form in two steps."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from accounts.two_steps import in_two_steps, way_back
from integrations.bar import read_bar
from pledges import actions
from pledges.forms import CANCELLATION_REASONS, NewPledgeForm
from pledges.messages import NewPledgeWish
from pledges.models import NewPledge, Person, Pledge, in_euros, in_words
from pledges.page import Sum, day_in_words, offer_new_pledge
from pledges.views.asking import visible_person
from pledges.views.changing import REFUSALS


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def create_pledge(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    person = visible_person(request, uuid)
    offer = offer_new_pledge(person, user=request.user)
    form = NewPledgeForm(request.POST if request.method == "POST" else None, offer=offer)

    def effect(_cleaned: dict[str, Any]) -> list[str]:
        return [*_in_words(form, person), way_back()]

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        return actions.create_pledge(
            user=request.user,
            person=person,
            wanted=form.wish,
            reason=cleaned["reason"],
            token=cleaned["token"],
            at=at,
        )

    def page_of_it(cleaned: dict[str, Any]) -> str:
        made = NewPledge.objects.get(token=cleaned["token"])
        return reverse("pledge", kwargs={"uuid": made.pk})

    return in_two_steps(
        request,
        form,
        title=_("A new pledge"),
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=page_of_it,
        back=reverse("person", kwargs={"uuid": person.pk}),
        context={"person": person, "bar": read_bar(request.user, at=timezone.now())},
        template="pledges/new_pledge.html",
    )


def _in_words(form: NewPledgeForm, person: Person) -> list[str]:
    """What TapRaise will have, a sentence a line; what was left empty is not told."""
    wish = form.wish
    first = _("A new pledge of %(name)s to %(owner)s: %(sum)s, from %(day)s.") % {
        "name": person.spoken_name,
        "owner": form.chosen("owning_organization"),
        "sum": _sum(Sum.of(wish.initial_donation_amount, wish.initial_donation_interval)),
        "day": day_in_words(wish.starts_at),
    }
    recruited = _("Recruited by %(organization)s, recruiter %(recruiter)s.") % {
        "organization": form.chosen("recruiting_organization"),
        "recruiter": form.chosen("recruiter"),
    }
    lines = [first]
    if wish.ends_at:
        lines.append(_("It ends on %(day)s.") % {"day": day_in_words(wish.ends_at)})
    if wish.preferred_payment_day:
        lines.append(_("Payment day: %(day)s.") % {"day": wish.preferred_payment_day})
    lines.append(recruited)
    if wish.recruitment_type:
        told = in_words(Pledge.RecruitmentType, wish.recruitment_type)
        lines.append(_("Recruited %(where)s.") % {"where": told})
    if wish.recruiting_location_label:
        lines.append(_("Location: %(place)s.") % {"place": wish.recruiting_location_label})
    if wish.focus_area_uuids:
        lines.append(_("Focus: %(areas)s.") % {"areas": form.chosen_focus})
    if wish.external_source_name:
        lines += _elsewhere(wish)
    else:
        lines.append(_("TapRaise manages it, and begins it as a lead."))
    return lines


def _elsewhere(wish: NewPledgeWish) -> list[str]:
    managed = _("It is managed in %(system)s, as %(identifier)s: TapRaise only keeps it.") % {
        "system": wish.external_source_name,
        "identifier": wish.external_source_identifier,
    }
    lines = [managed]
    if wish.status:
        told = in_words(Pledge.Status, wish.status)
        lines.append(_("Its status there: %(status)s.") % {"status": told})
    if wish.donation_amount or wish.donation_interval:
        now = Sum.of(
            wish.donation_amount or wish.initial_donation_amount,
            wish.donation_interval or wish.initial_donation_interval,
        )
        lines.append(_("By now it is %(sum)s.") % {"sum": _sum(now)})
    lines += [
        _("%(name)s there: %(value)s.") % {"name": name, "value": value}
        for name, value in wish.external_metadata.items()
    ]
    moments = (
        (wish.released_at, _("Released on %(day)s.")),
        (wish.dropped_at, _("Dropped on %(day)s.")),
        (wish.cancelled_at, _("Cancelled on %(day)s.")),
    )
    lines += [told % {"day": day_in_words(moment)} for moment, told in moments if moment]
    if wish.cancellation_reason:
        why = str(CANCELLATION_REASONS[wish.cancellation_reason])
        if wish.cancellation_note:
            why = f"{why} – {wish.cancellation_note}"
        lines.append(_("Why it was cancelled: %(why)s.") % {"why": why})
    return lines


def _sum(told: Sum) -> str:
    """€ 7,50 a month, € 90,00 a year."""
    words = f"{in_euros(told.amount)} {told.interval}"
    if told.year is None:
        return words
    return _("%(sum)s (%(year)s a year)") % {"sum": words, "year": in_euros(told.year)}
