"""What a donor is offered to pay with: a PayLink, a message, an e-Mandate.

The panel stands on the desk, and on a page of its own for a browser that runs no scripts. htmx gets
the form that was sent and, beside it, how everything stands; nothing else is touched, because
somebody may be typing there.
"""

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.asking import SignedInRequest
from accounts.models import AlreadySent, FormChanged
from calls import actions
from calls.forms import TokenForm
from calls.models import Call
from calls.payment_forms import MandateForm, MessageForm, PanelForm, PayLinkForm
from calls.payments import Payments, again_in_words, read_offered, read_payments
from calls.views.asking import in_a_sentence, visible_call
from pledges import actions as pledges

# Every way to pay, in the order in which they are shown.
FORMS: Final[dict[str, type[PanelForm]]] = {
    "paylink": PayLinkForm,
    "message": MessageForm,
    "mandate": MandateForm,
}
REFUSALS: Final = (
    FormChanged,
    actions.HoldLost,
    actions.NotSendable,
    actions.Stranger,
    pledges.NotOurs,
    pledges.PaymentRefusal,
)
Verb = Callable[[Any, datetime], object]


@require_safe
def payments(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The panel; or, asked every few seconds with what was seen, how everything stands if that is
    something else."""
    at = timezone.now()
    call = visible_call(request, uuid)
    seen = request.GET.get("seen")
    if request.htmx and seen is not None:
        offers_links = "offers" in request.GET
        offered = read_offered(call, user=request.user, at=at, seen=seen, offers_links=offers_links)
        if offered is None:
            return HttpResponse(status=204)
        context = {"payments": offered, "call": call}
        return _moved(render(request, "calls/payments.html#payments-live", context))
    panel = read_payments(call, user=request.user, at=at)
    context = {**_context(panel), **_forms(panel)}
    if request.htmx:
        return render(request, "calls/payments.html#payments-body", context)
    return render(request, "calls/payments.html", context)


@require_POST
def create_pay_link(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)

    def create(form: Any, at: datetime) -> object:
        return actions.create_pay_link(user=request.user, call=call, at=at, **form.cleaned_data)

    return _act(request, call, "paylink", create)


@require_POST
def send_message(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)

    def send(form: Any, at: datetime) -> object:
        return actions.send_message(
            user=request.user,
            call=call,
            script=form.offer.script,
            to=form.cleaned_data["to"],
            amount=form.cleaned_data["amount"],
            token=form.cleaned_data["token"],
            at=at,
        )

    return _act(request, call, "message", send)


@require_POST
def create_mandate(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)

    def create(form: Any, at: datetime) -> object:
        return actions.create_mandate(user=request.user, call=call, at=at, **form.cleaned_data)

    return _act(request, call, "mandate", create)


@require_POST
def undo_message(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Take back a message that has not left, with the PayLink or e-Mandate that it was to carry."""
    call = visible_call(request, uuid)
    at = timezone.now()
    # Not the token of a form that is shown, but of the one that is taken back.
    form = TokenForm({"token": request.POST.get("undo", "")})
    problem = _("It is too late to undo this: it has been handed over.")
    if form.is_valid():
        with suppress(actions.TooLate):
            pledges.undo_message(user=request.user, at=at, **form.cleaned_data)
            problem = ""
    panel = read_payments(call, user=request.user, at=at)
    # What may be sent is another now; what was typed stays.
    forms = _forms(panel, request.POST)
    context = {**_context(panel), **forms, "live_problem": problem}
    status = 409 if problem else 200
    if request.htmx:
        return _moved(
            render(request, "calls/payments.html#payments-undone", context, status=status)
        )
    if problem:
        return render(request, "calls/payments.html", context, status=status)
    return redirect("payments", uuid=call.pk)


def _act(request: SignedInRequest, call: Call, way: str, verb: Verb) -> HttpResponse:
    """Do it and show how everything stands then, or say why not and keep what was typed."""
    at = timezone.now()
    panel = read_payments(call, user=request.user, at=at)
    form = FORMS[way](request.POST, payments=panel)
    if not form.is_valid():
        return _refused(request, panel, way, form, status=422)
    try:
        verb(form, at)
    except AlreadySent:
        # The first one did it: show what it did.
        pass
    except REFUSALS as refusal:
        form.refuse(refusal, refused_in_words(refusal, at=at))
        return _refused(request, panel, way, form, status=409)
    if not request.htmx:
        return redirect("payments", uuid=call.pk)
    panel = read_payments(visible_call(request, call.pk), user=request.user, at=at)
    done = {"is_done": True} if way == "message" else {}
    fresh = FORMS[way](payments=panel, **done)
    context = {**_context(panel), f"{way}_form": fresh, "is_part": True}
    return _moved(render(request, f"calls/payments.html#{way}-done", context))


def _moved(answer: HttpResponse) -> HttpResponse:
    """The story on the desk is another one now: it asks for itself anew."""
    answer["HX-Trigger-After-Settle"] = "payments-moved"
    return answer


def _refused(
    request: SignedInRequest, panel: Payments, way: str, form: PanelForm, *, status: int
) -> HttpResponse:
    context = {**_context(panel), "form": form}
    if request.htmx:
        return render(request, f"calls/payments.html#{way}-form", context, status=status)
    context |= {**_forms(panel, request.POST), f"{way}_form": form}
    return render(request, "calls/payments.html", {**context, "way": way}, status=status)


def _forms(panel: Payments, typed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The forms of all ways, with what somebody typed in them."""
    forms = {way: form(payments=panel) for way, form in FORMS.items()}
    for form in forms.values():
        form.begin_with(typed or {})
    return {f"{way}_form": form for way, form in forms.items()}


def _context(panel: Payments) -> dict[str, Any]:
    call = panel.call
    return {"payments": panel, "call": call, "person": call.person}


def refused_in_words(refusal: Exception, *, at: datetime) -> str:
    """What was refused and when it is possible, in one sentence."""
    match refusal:
        case pledges.MayNotText(ground=ground):
            return again_in_words(ground.words, ground.next_at, at=at)
        case pledges.PaymentRefusal(words=words):
            return words
        case actions.NotSendable():
            return _("Alphacomm would not take this. Look at each field again.")
    return in_a_sentence(refusal)
