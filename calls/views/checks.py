"""The checklist of the desk: what the donor says of each detail, and what is put right.

Each of these answers htmx with the checklist, or the one line of it that counts, and anybody else
with the whole page. What was typed in other lines stays.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from accounts.asking import SignedInRequest, for_supervisors
from accounts.models import AlreadySent
from calls import actions
from calls.check_forms import RevealForm, SayForm, answers_of, open_lines
from calls.checklist import Checklist, read_checklist
from calls.models import Call
from calls.strangers import is_hidden
from calls.views.asking import REFUSALS, in_a_sentence, visible_call
from calls.views.desk import show
from calls.views.keeping import keep_along
from pledges.correction_forms import FORMS, CorrectionForm

# The preview of the result is asked anew: what is missing for it may have changed.
MOVED = "checks-moved"


@require_POST
def check_details(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Keep answers as they are chosen; without scripts, all of them by a button."""
    call = visible_call(request, uuid)
    problem = ""
    try:
        actions.check_details(
            user=request.user, call=call, answers=answers_of(request.POST), at=timezone.now()
        )
    except REFUSALS as refusal:
        problem = in_a_sentence(refusal)
    if not request.htmx:
        return _answer(request, call, problem=problem)
    context = {"checklist": _checklist(request, visible_call(request, uuid)), "problem": problem}
    answer = render(
        request,
        "calls/_checklist.html#checks-count",
        context,
        status=409 if problem else 200,
    )
    return trigger_client_event(answer, MOVED)


@require_POST
def confirm_rest(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    problem = ""
    try:
        actions.confirm_rest(user=request.user, call=call, at=timezone.now())
    except REFUSALS as refusal:
        problem = in_a_sentence(refusal)
    return _answer(request, call, problem=problem)


@require_POST
def say_detail(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """What the donor says of what is masked: the answer is right or wrong, and nothing else."""
    call = visible_call(request, uuid)
    form = SayForm(request.POST)
    if not form.is_valid():
        item = request.POST.get("item", "")
        words = form.errors.get("said") or [_("Load the page again, and ask once more.")]
        return _answer(request, call, status=422, problems={item: str(words[0])})
    item = form.cleaned_data["item"]
    try:
        is_right = actions.say_detail(
            user=request.user,
            call=call,
            item=item,
            said=form.cleaned_data["said"],
            token=form.cleaned_data["said_token"],
            at=timezone.now(),
        )
    except AlreadySent:
        return _answer(request, call)
    except REFUSALS as refusal:
        return _answer(request, call, problem=in_a_sentence(refusal))
    if is_right:
        return _answer(request, call)
    checklist = _checklist(request, visible_call(request, uuid))
    left = checklist.most_wrong - checklist.wrong_answers
    if left <= 0:
        # The list itself says what that means.
        answer = _answer(request, call, status=422)
        if checklist.is_hidden:
            # The whole page anew, for what it showed before is to be seen no longer.
            answer["HX-Refresh"] = "true"
        return answer
    wrong = ngettext(
        "Not right. %(n)s more time, then it counts as somebody else.",
        "Not right. %(n)s more times, then it counts as somebody else.",
        left,
    ) % {"n": left}
    return _answer(request, call, status=422, problems={item: wrong})


@for_supervisors
@require_POST
def trust_donor(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    problem = ""
    try:
        actions.trust_donor(user=request.user, call=call, at=timezone.now())
    except REFUSALS as refusal:
        problem = in_a_sentence(refusal)
    return _answer(request, call, problem=problem)


@require_POST
def reveal_detail(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Show what is masked, on the page that answers and on no other."""
    call = visible_call(request, uuid)
    form = RevealForm(request.POST)
    item = request.POST.get("item", "")
    if not form.is_valid():
        words = form.errors.get("reason") or [_("Load the page again, and ask once more.")]
        return _answer(request, call, status=422, problems={item: str(words[0])})
    try:
        value = actions.reveal_detail(
            user=request.user,
            call=call,
            item=item,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
        )
    except REFUSALS as refusal:
        return _answer(request, call, problem=in_a_sentence(refusal))
    return _answer(request, call, revealed={item: value})


@require_POST
def correct_detail(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    form = _correction(request, call)
    if form is None or not form.is_valid():
        return _answer(request, call, status=422, sent=form)
    try:
        actions.correct_detail(
            user=request.user, call=call, item=form.item, now=form.now, at=timezone.now()
        )
    except REFUSALS as refusal:
        return _answer(request, call, problem=in_a_sentence(refusal), sent=form)
    return _answer(request, call)


@require_POST
def look_at_correction(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """What a correction comes to, as it is typed: asked without effect.

    A POST, because what is typed about a donor is for no address.
    """
    form = _correction(request, visible_call(request, uuid))
    if form is None:
        return HttpResponse(status=422)
    is_right = form.is_valid()
    # What is still empty is not wrong yet.
    empty = {"required"}
    wrong = [
        error.messages[0]
        for errors in form.errors.as_data().values()
        for error in errors
        if error.code not in empty
    ]
    context = {
        "form_item": form.item,
        "remark": form.remark if is_right else "",
        "wrong": wrong[0] if wrong else "",
    }
    return render(request, "calls/_checklist.html#remark", context)


def _correction(request: SignedInRequest, call: Call) -> CorrectionForm | None:
    """What was sent; None where it names no detail that can be corrected."""
    kind = FORMS.get(request.POST.get("correction", ""))
    if kind is None:
        return None
    return kind(request.POST, person=call.person, pledge=call.pledge)


def _checklist(request: SignedInRequest, call: Call) -> Checklist:
    hidden = is_hidden(call, user=request.user, at=timezone.now())
    return read_checklist(call, is_hidden=hidden)


def _answer(
    request: SignedInRequest,
    call: Call,
    *,
    status: int = 200,
    problem: str = "",
    problems: Mapping[str, str] | None = None,
    revealed: Mapping[str, str] | None = None,
    sent: CorrectionForm | None = None,
) -> HttpResponse:
    """The checklist anew, or without scripts the page that it stands on."""
    if problem:
        status = 409
    lines: dict[str, Any] = {"problems": problems, "revealed": revealed, "sent": sent}
    if not request.htmx:
        kept = keep_along(request, call)
        if not kept.is_kept:
            problem = problem or kept.says.get("problem", "")
            status = kept.status
        elif status == 200 and not revealed:
            return redirect("desk", uuid=call.pk)
        typed = request.POST.dict()
        return show(
            request, call, status=status, typed=typed, **{**kept.says, "problem": problem}, **lines
        )
    call = visible_call(request, call.pk)
    checklist = _checklist(request, call)
    context = {
        "call": call,
        "pledge": call.pledge,
        "person": call.person,
        "checklist": checklist,
        "check_lines": open_lines(call, checklist, request.POST, **lines),
        "reasons": actions.RevealReason.choices,
        "is_talking": True,
        "problem": problem,
    }
    answer = render(request, "calls/_checklist.html#checklist", context, status=status)
    return trigger_client_event(answer, MOVED)
