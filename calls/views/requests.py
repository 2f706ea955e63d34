"""What a supervisor asks of TapRaise about calls: a new one, and the end of one.

Each in two steps: filled in, then shown in words, then sent. To an agent these pages are not there.
"""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from accounts.two_steps import in_two_steps, way_back
from calls import actions, queue
from calls.actions import NewCallWish
from calls.models import Call, ResultCode
from calls.request_forms import CallElsewhereForm, EndingForm, ExpiryForm, NewCallForm
from calls.views.asking import visible_call
from calls.views.person import visible_person
from integrations.bar import read_bar
from pledges.contact import ground
from pledges.models import Organization, Person, Pledge, in_euros, in_words

REFUSALS = {
    actions.CallEnded: gettext_lazy("This call has ended. There is nothing left to end."),
    actions.NotOurs: gettext_lazy("This is not ours, or it is managed elsewhere."),
    actions.NotAllowed: gettext_lazy("Only a supervisor may do this."),
    actions.NoTapRaiseUser: gettext_lazy(
        "Your TapRaise user is not known, and TapRaise keeps who asked. Ask your manager to fill "
        "it in."
    ),
    actions.AlreadyRequested: gettext_lazy(
        "There is such a call already: an open one of this type, or one with this reference."
    ),
}
# Codes of a ground that are of the clock alone: they pass by themselves.
PASSES_BY_ITSELF = ("ok", "closed")

two_steps = require_http_methods(["GET", "HEAD", "POST"])


# ── The end of a call ─────────────────────────────────────────────────────────────────────────────


@for_supervisors
@two_steps
def cancel_call(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """A call that is not to be made."""
    call = visible_call(request, uuid)

    def effect(_cleaned: dict[str, Any]) -> list[str]:
        actions.check_open(call, user=request.user)
        told = _(
            "TapRaise is told that this call to %(name)s is cancelled: nobody makes it any more, "
            "here or elsewhere."
        )
        return [told % _names(call), *_about_hands(call), way_back()]

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        return actions.cancel_call(user=request.user, call=call, at=at, **cleaned)

    form = EndingForm(request.POST if request.method == "POST" else None)
    return _end(request, call, form, title=_("Cancel this call"), effect=effect, do=do)


@for_supervisors
@two_steps
def expire_call(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """A call that is given up: the donor was not reached in time."""
    call = visible_call(request, uuid)

    def effect(cleaned: dict[str, Any]) -> list[str]:
        actions.check_open(call, user=request.user)
        told = _words_of_expiry(call, cleaned["expired_at"], at=timezone.now())
        return [*told, *_about_hands(call), way_back()]

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        return actions.expire_call(user=request.user, call=call, at=at, **cleaned)

    form = ExpiryForm(request.POST if request.method == "POST" else None, call=call)
    return _end(request, call, form, title=_("Let this call expire"), effect=effect, do=do)


def _end(
    request: SignedInRequest, call: Call, form: EndingForm, *, title: str, effect: Any, do: Any
) -> HttpResponse:
    page = reverse("desk", args=[call.pk])
    bar = read_bar(request.user, at=timezone.now())
    context = {"call": call, "person": call.person, "bar": bar}
    why_not = "" if form.is_bound else _why_not(request, call)
    if why_not:
        # Asked only before the form is filled in: a form sent twice shows what the first one did.
        context |= {"title": title, "back": page, "why_not": why_not}
        return render(request, "calls/no_ending.html", context)
    return in_two_steps(
        request,
        form,
        title=title,
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=page,
        back=page,
        context=context,
        template="calls/ending.html",
    )


def _why_not(request: SignedInRequest, call: Call) -> str:
    """Why this call cannot be ended from here; nothing when it can."""
    if call.is_managed_elsewhere:
        managed = _(
            "This call is managed in %(application)s. It can only be changed there; TapRaise and "
            "Belbord show it."
        )
        return managed % {"application": call.external_application}
    try:
        actions.check_open(call, user=request.user)
    except actions.CallEnded:
        return _("This call is over. TapRaise has no way to end it again, or to open it.")
    except actions.NotOurs:
        return _("This call is not ours to make, so it is not ours to end.")
    return ""


def _words_of_expiry(call: Call, moment: datetime | None, *, at: datetime) -> list[str]:
    if moment is None:
        told = _(
            "TapRaise is told that this call to %(name)s has expired, as of now: the donor was not "
            "reached in time. Nobody calls any more, here or elsewhere."
        )
        return [told % _names(call)]
    names = {**_names(call), "moment": _moment(moment)}
    if moment <= at:
        told = _(
            "TapRaise is told that this call to %(name)s expired at %(moment)s: the donor was not "
            "reached in time. Nobody calls any more, here or elsewhere."
        )
        return [told % names]
    return [
        _("TapRaise is told that this call to %(name)s expires at %(moment)s.") % names,
        _("Nobody knows whether TapRaise waits until then, or lets it expire at once."),
        _("Here it leaves the queue at once."),
    ]


def _about_hands(call: Call) -> list[str]:
    hold = queue.holder_of(call, at=timezone.now())
    if hold is None:
        return []
    words = _("%(name)s has this donor in hand now, and is told that the call has ended.")
    return [words % {"name": hold.user.spoken_name}]


# ── A new call ────────────────────────────────────────────────────────────────────────────────────


@for_supervisors
@two_steps
def create_call(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """A call to this person: one to be made, or one that another application manages."""
    person = visible_person(request, uuid)
    is_elsewhere = request.GET.get("managed") == "elsewhere"
    form = (CallElsewhereForm if is_elsewhere else NewCallForm)(
        request.POST if request.method == "POST" else None,
        user=request.user,
        person=person,
        at=timezone.now(),
    )

    def effect(cleaned: dict[str, Any]) -> list[str]:
        words = _words_of_call_elsewhere if is_elsewhere else _words_of_new_call
        return [*words(person, cleaned), way_back()]

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        wanted = _wish_elsewhere(cleaned) if is_elsewhere else _wish(cleaned)
        return actions.create_call(
            user=request.user, person=person, wanted=wanted, token=cleaned["token"], at=at
        )

    page = reverse("person", args=[person.pk])
    return in_two_steps(
        request,
        form,
        title=_("Request a call"),
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=page,
        back=page,
        context={
            "person": person,
            "is_elsewhere": is_elsewhere,
            "bar": read_bar(request.user, at=timezone.now()),
        },
        template="calls/request.html",
    )


def _wish(cleaned: dict[str, Any]) -> NewCallWish:
    return NewCallWish(type=cleaned["type"], **_shared(cleaned))


def _wish_elsewhere(cleaned: dict[str, Any]) -> NewCallWish:
    status, ended_at = cleaned["status"], cleaned["ended_at"]
    is_completed = status == Call.Status.COMPLETED
    return NewCallWish(
        **_shared(cleaned),
        application_name=cleaned["application_name"],
        reference_id=cleaned["reference_id"],
        agent_reference_id=cleaned["agent_reference_id"],
        status_code=cleaned["status_code"],
        status_description=cleaned["status_description"],
        additional_properties=cleaned["additional_properties"],
        requested_at=cleaned["requested_at"],
        status=status,
        # Who dialled there is nobody that TapRaise knows.
        attempts=tuple((moment, None) for moment in cleaned["attempts"]),
        result_code=cleaned["result_code"],
        result_completed_at=ended_at if is_completed else None,
        result_notes=cleaned["result_notes"],
        result_rating=cleaned["result_rating"],
        completed_at=ended_at if is_completed else None,
        cancelled_at=ended_at if status == Call.Status.CANCELLED else None,
    )


def _shared(cleaned: dict[str, Any]) -> dict[str, Any]:
    pledge: Pledge | None = cleaned["pledge"]
    caller: Organization | None = cleaned["calling_organization"]
    return {
        "pledge": pledge.pk if pledge else None,
        "calling_organization": caller.pk if caller else None,
        "notes": cleaned["notes"],
    }


def _words_of_new_call(person: Person, cleaned: dict[str, Any]) -> list[str]:
    caller: Organization | None = cleaned["calling_organization"]
    kind = in_words(Call.Type, cleaned["type"])
    first = _("TapRaise gets a new call to %(name)s: %(kind)s%(about)s.")
    lines = [
        first % {"name": person.spoken_name, "kind": kind, "about": _about(cleaned["pledge"])},
        _words_of_caller(caller),
    ]
    owner = person.owning_organization
    is_ours = caller.is_ours if caller else bool(owner and owner.serves_unassigned_calls)
    found = ground(person, cleaned["type"], at=timezone.now())
    if not is_ours:
        lines.append(_("It does not come into our queue."))
    elif found.code in PASSES_BY_ITSELF:
        lines.append(_("It comes into our queue as soon as TapRaise has confirmed it."))
    else:
        lines.append(_("%(why)s Our queue will not serve it.") % {"why": found.words})
    return [*lines, *_words_of_notes(cleaned["notes"])]


def _words_of_call_elsewhere(person: Person, cleaned: dict[str, Any]) -> list[str]:
    first = _("TapRaise keeps a call to %(name)s that %(application)s manages%(about)s.")
    return [
        first
        % {
            "name": person.spoken_name,
            "application": cleaned["application_name"],
            "about": _about(cleaned["pledge"]),
        },
        _("Its reference there: %(reference)s.") % {"reference": cleaned["reference_id"]},
        _("The agent there: %(agent)s.") % {"agent": cleaned["agent_reference_id"]},
        _("Its status there: %(code)s, %(words)s.")
        % {"code": cleaned["status_code"], "words": cleaned["status_description"]},
        *_words_of_request(cleaned["requested_at"]),
        _words_of_caller(cleaned["calling_organization"]),
        *_words_of_what_happened(cleaned),
        *_words_of_notes(cleaned["notes"]),
        _("Nobody can change it afterwards, here or at TapRaise."),
    ]


def _words_of_request(moment: datetime | None) -> list[str]:
    return [_("Requested at %(moment)s.") % {"moment": _moment(moment)}] if moment else []


def _words_of_what_happened(cleaned: dict[str, Any]) -> list[str]:
    stands = _("How it stands: %(status)s.") % {
        "status": in_words(Call.Status, cleaned["status"]),
    }
    if cleaned["ended_at"]:
        stands = _("How it stands: %(status)s, at %(moment)s.") % {
            "status": in_words(Call.Status, cleaned["status"]),
            "moment": _moment(cleaned["ended_at"]),
        }
    lines = [stands]
    if cleaned["attempts"]:
        count = len(cleaned["attempts"])
        words = ngettext(
            "%(count)s attempt: %(moments)s.", "%(count)s attempts: %(moments)s.", count
        )
        moments = ", ".join(map(_moment, cleaned["attempts"]))
        lines.append(words % {"count": count, "moments": moments})
    if cleaned["result_code"]:
        rating = cleaned["result_rating"]
        words = _("Result: %(result)s, rating %(rating)s. Notes: %(notes)s")
        lines.append(
            words
            % {
                "result": in_words(ResultCode, cleaned["result_code"]),
                "rating": _("not asked") if rating is None else rating,
                "notes": cleaned["result_notes"],
            }
        )
    lines += [f"{name}: {value}" for name, value in cleaned["additional_properties"].items()]
    return lines


# ── Words that these pages share ──────────────────────────────────────────────────────────────────


def _about(pledge: Pledge | None) -> str:
    if pledge is None:
        return ""
    return _(", about the pledge of %(amount)s %(interval)s") % {
        "amount": in_euros(pledge.donation_amount),
        "interval": pledge.interval_words,
    }


def _words_of_caller(caller: Organization | None) -> str:
    if caller is None:
        return _("Nobody is named as the one who calls.")
    return _("%(organization)s calls.") % {"organization": caller}


def _words_of_notes(notes: str) -> list[str]:
    return [_("With these notes: %(notes)s") % {"notes": notes}] if notes else []


def _names(call: Call) -> dict[str, str]:
    return {"name": call.person.spoken_name}


def _moment(moment: datetime) -> str:
    return str(date_format(localtime(moment), "DATETIME_FORMAT"))
