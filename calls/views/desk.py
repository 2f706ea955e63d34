"""The desk: one call on one page, and what an agent does with it.

Every action is a form that works without scripts; htmx gets only the parts that moved. What an
action refuses is told in place, with what was typed still there.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.asking import SignedInRequest
from accounts.models import AlreadySent
from calls import actions, moments, results
from calls.check_forms import open_lines
from calls.checklist import Checked, checked_of, read_checked
from calls.desk import read_desk, read_ended, read_pulse, read_taken
from calls.floor_messages import is_other
from calls.forms import (
    RATINGS,
    AttemptForm,
    CallbackForm,
    CompletionForm,
    ObjectionForm,
    SkipForm,
    TermsForm,
    TokenForm,
    finish_of,
    kept_of,
    terms_beside,
)
from calls.models import Attempt, Call, Callback, ResultCode, Skip
from calls.queue import SKIPPED_FOR
from calls.results import Clash
from calls.script import SCRIPT_LANGUAGE, agreed_words, filled, values_of
from calls.views.asking import REFUSALS, in_a_sentence, visible_call
from calls.views.keeping import Kept, keep_along
from integrations.bar import read_bar
from pledges.correction_forms import CorrectionForm
from pledges.models import Objection
from pledges.objections import Objections
from pledges.page import Changes

Verb = Callable[[datetime], Any]


@require_safe
def desk(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    return _show(request, visible_call(request, uuid))


@require_safe
def pulse(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The chips anew, and whether the call ended elsewhere: asked every few seconds."""
    call = visible_call(request, uuid)
    at = timezone.now()
    pulse = read_pulse(call, user=request.user, at=at)
    context = {
        "call": call,
        "pledge": call.pledge,
        "pulse": pulse,
        "changes": pulse.changes,
        "taken": read_taken(call, at=at),
        "ended": read_ended(call),
        # What a reader was told before is not said again.
        "told": request.GET.get("told", ""),
        "is_other_message": is_other(call.shown, request.GET.get("message", "")),
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/desk.html#pulse", context)


@require_safe
def story(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The story anew: asked by the page when something of it was told elsewhere on it."""
    call = visible_call(request, uuid)
    context = {"call": call, "desk": read_desk(call, user=request.user, at=timezone.now())}
    return render(request, "calls/desk.html#story", context)


@require_POST
def claim_call(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Take up a call that the agent chose."""
    call = visible_call(request, uuid)
    return _act(
        request,
        call,
        lambda at: actions.claim_call(
            user=request.user, call=call, at=at, rings_back=bool(request.POST.get("rings_back"))
        ),
        moves_notes=True,
        moves_hold=True,
    )


@require_POST
def renew_lease(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The page is still open. Sent by the page itself."""
    call = visible_call(request, uuid)
    try:
        actions.renew_lease(user=request.user, call=call, at=timezone.now())
    except actions.CallEnded:
        # The next poll says so, and what now.
        return HttpResponse(status=204)
    except actions.HoldLost as lost:
        taken = read_taken(call, at=timezone.now())
        problem = "" if taken else in_a_sentence(lost)
        context = {"problem": problem, "taken": taken, "call": call, "is_part": True}
        return render(request, "calls/desk.html#banner", context, status=409)
    return HttpResponse(status=204)


@require_POST
def dial(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    form = TokenForm(request.POST)
    return _act(
        request,
        call,
        lambda at: actions.dial(user=request.user, call=call, at=at, **form.cleaned_data),
        form=form,
    )


@require_POST
def answer(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    form = TokenForm(request.POST)
    return _act(
        request,
        call,
        lambda at: actions.answer(user=request.user, call=call, at=at, **form.cleaned_data),
        form=form,
        moves_checks=True,
    )


@require_POST
def wrap_up(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The conversation is done: the result comes next, beside what was agreed meanwhile."""
    call = visible_call(request, uuid)
    form = TokenForm(request.POST)
    return _act(
        request,
        call,
        lambda at: actions.wrap_up(user=request.user, call=call, at=at, **form.cleaned_data),
        form=form,
        typed=request.POST.dict(),
    )


@require_POST
def log_attempt(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    form = AttemptForm(request.POST)
    return _act(
        request,
        call,
        lambda at: actions.log_attempt(user=request.user, call=call, at=at, **form.cleaned_data),
        form=form,
        moves_hold=True,
        moves_checks=True,
    )


@require_POST
def complete_call(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    form = CompletionForm(request.POST, pledge=call.pledge)
    if not form.is_valid() and "result_code" in form.cleaned_data:
        # What is not possible at all is told with what is still to be filled in, not after it.
        checked = read_checked(call, at=timezone.now())
        gap = checked.gap(form.cleaned_data["result_code"], changes=form.changes)
        if gap:
            form.add_error("result_code", gap.words)

    def complete(at: datetime) -> None:
        actions.complete_call(
            user=request.user,
            call=call,
            result_code=form.cleaned_data["result_code"],
            retention_rating=form.cleaned_data["retention_rating"],
            notes=form.cleaned_data["notes"],
            changes=form.changes,
            shown=form.shown,
            token=form.cleaned_data["token"],
            at=at,
        )

    try:
        return _act(
            request, call, complete, form=form, moves_notes=True, moves_hold=True, moves_checks=True
        )
    except actions.Contradiction as clash:
        # Told beside the field that is to be put right.
        field = "notes" if clash.code == Clash.NOT_TOLD else "result_code"
        form.add_error(field, results.clash_in_words(clash.code, clash.agreed))
        return _show(request, call, status=422, form=form)
    except actions.NotChecked as gap:
        form.add_error("result_code", gap.missing.words)
        return _show(request, call, status=422, form=form)


@require_POST
def add_objection(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The donor is not to be called again."""
    call = visible_call(request, uuid)
    form = ObjectionForm(request.POST)

    def record(at: datetime) -> None:
        actions.add_objection(
            user=request.user,
            person=call.person,
            call=call,
            channel=form.cleaned_data["objection_channel"],
            reason=form.cleaned_data["objection_reason"],
            token=form.cleaned_data["token"],
            at=at,
        )

    return _act(request, call, record, form=form, moves_hold=True)


@require_POST
def create_callback(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Agree on a moment to call again."""
    call = visible_call(request, uuid)
    form = CallbackForm(request.POST)

    def agree(at: datetime) -> None:
        actions.create_callback(
            user=request.user,
            call=call,
            due_at=form.cleaned_data["due_at"],
            whose=form.cleaned_data["callback_whose"],
            note=form.cleaned_data["callback_note"],
            token=form.cleaned_data["token"],
            at=at,
        )

    try:
        return _act(request, call, agree, form=form, moves_hold=True)
    except (actions.NotThen, actions.TooFarAhead) as refusal:
        words = in_a_sentence(refusal)
        if isinstance(refusal, actions.NotThen) and refusal.is_for_good:
            return _show(request, call, status=409, form=form, problem=words)
        # Told beside the moment that is to be another.
        form.add_error("callback_pick", words)
        return _show(request, call, status=422, form=form)


@require_POST
def cancel_callback(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """The moment that was agreed on is not needed."""
    call = visible_call(request, uuid)
    return _act(
        request, call, lambda at: actions.cancel_callback(user=request.user, call=call, at=at)
    )


@require_POST
def skip_call(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    form = SkipForm(request.POST)

    def skip(at: datetime) -> None:
        actions.skip_call(
            user=request.user,
            call=call,
            reason=form.cleaned_data["reason"],
            note=form.cleaned_data["note"],
            at=at,
        )
        until = moments.in_words(at + SKIPPED_FOR, at=at)
        words = _("Passed by. A colleague may get it now; you do not get it before %(moment)s.")
        messages.success(request, words % {"moment": until})

    return _act(request, call, skip, form=form, then="start")


@require_POST
def release_call(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)

    def release(at: datetime) -> None:
        actions.release_call(user=request.user, call=call, at=at)
        if not Call.objects.open().filter(pk=call.pk).exists():
            words = _("Put away. The call is over; your notes are kept with it.")
        elif Objections.read([call.person]).against(call.person, Objection.Channel.PHONE):
            words = _("Put away. Nobody gets this call: the donor is not to be called any more.")
        else:
            words = _(
                "Given back to the queue. No attempt was counted; whoever presses Next may get it."
            )
        messages.success(request, words)

    return _act(request, call, release, then="start")


@require_POST
def undo(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    call = visible_call(request, uuid)
    # Not the token of the form that is shown, but of the one that is taken back.
    form = TokenForm({"token": request.POST.get("undo", "")})

    def take_back(at: datetime) -> None:
        actions.undo(user=request.user, at=at, as_chosen=finish_of, **form.cleaned_data)

    return _act(
        request,
        call,
        take_back,
        form=form,
        moves_notes=True,
        moves_hold=True,
        moves_checks=True,
    )


def _act(
    request: SignedInRequest,
    call: Call,
    verb: Verb,
    *,
    form: forms.Form | None = None,
    then: str | None = None,
    moves_notes: bool = False,
    moves_hold: bool = False,
    moves_checks: bool = False,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Do it and show what became of the call, or say why not and keep what was typed.

    `moves_notes`: when it is done, the field of the notes is another. Any other action leaves it
    alone, because somebody may be typing there. `moves_hold`: the donor comes into these hands, or
    leaves them, so that more or less may be offered. `moves_checks`: details can be checked from
    now on, or no longer. `typed`: what its form begins with.
    """
    if form is not None and not form.is_valid():
        return _show(request, call, status=422, form=form)
    # With a completion the notes go themselves.
    kept = Kept() if isinstance(form, CompletionForm) else keep_along(request, call)
    if not kept.is_kept:
        return _show(request, call, status=kept.status, typed=request.POST.dict(), **kept.says)
    problem = ""
    try:
        verb(timezone.now())
    except AlreadySent:
        # The first one did it: show what it did.
        then = None
    except actions.HoldLost as lost:
        # Who took it away is told by the page itself, once.
        taken = read_taken(visible_call(request, call.pk), at=timezone.now())
        problem = "" if taken else in_a_sentence(lost)
        return _show(request, call, status=409, form=form, problem=problem)
    except REFUSALS as refusal:
        problem = in_a_sentence(refusal)
    if problem:
        return _show(request, call, status=409, form=form, problem=problem)
    if then is not None:
        if request.htmx:
            return HttpResponse(status=204, headers={"HX-Redirect": redirect(then).url})
        return redirect(then)
    # What was typed would be lost on the way to another address.
    if request.htmx or typed:
        return _show(
            request,
            call,
            moves_notes=moves_notes,
            moves_hold=moves_hold,
            moves_checks=moves_checks,
            typed=typed or {},
        )
    return redirect("desk", uuid=call.pk)


def _show(
    request: SignedInRequest,
    call: Call,
    *,
    status: int = 200,
    form: forms.Form | None = None,
    sent: CorrectionForm | None = None,
    revealed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    """The desk, or for htmx the parts of it that an action can move.

    `sent`, `revealed` and `problems` are of the checklist: see `check_forms.open_lines`.
    """
    at = timezone.now()
    if request.method == "POST":
        # As it is after the action.
        call = visible_call(request, call.pk)
    is_part = bool(request.htmx) and request.method == "POST"
    desk = read_desk(call, user=request.user, at=at)
    typed = more.pop("typed", None) or (request.POST if form is not None else {})
    if not typed and desk.state.is_mine and desk.state.hold:
        # As it stood when the page was left, or crashed.
        typed = kept_of(desk.state.hold.finish)
    terms = terms_beside(call.pledge, typed)
    script = call.script_text or ""
    values = script_values(request, call, terms, desk.changes)
    is_unsure = desk.checklist.is_hidden or desk.checklist.is_stranger
    context = {
        "desk": desk,
        "taken": read_taken(call, at=at),
        "ended": read_ended(call),
        "changes": desk.changes,
        "terms": terms,
        "preview": preview_of(call, terms, typed, checked_of(desk.checklist)),
        "corrected": desk.checklist.corrected,
        "script": filled(script, values),
        "agreed": () if is_unsure else agreed_words(script, values),
        "script_language": SCRIPT_LANGUAGE,
        "checklist": desk.checklist,
        "check_lines": open_lines(
            call, desk.checklist, request.POST, sent=sent, revealed=revealed, problems=problems
        ),
        "is_talking": desk.state.code in ("talking", "wrapping_up"),
        "reasons": actions.RevealReason.choices,
        "call": call,
        "person": call.person,
        "pledge": call.pledge,
        "at": at,
        "form": form,
        # Also where a result was sent before the conversation was said to be done.
        "asks_result": desk.state.code == "wrapping_up" or isinstance(form, CompletionForm),
        "typed": typed,
        "is_hidden": desk.checklist.is_hidden,
        "outcomes": [(outcome.value, outcome.label) for outcome in Attempt.MISSED],
        "results": ResultCode.choices,
        "ratings": RATINGS,
        "skip_reasons": Skip.Reason.choices,
        "objection_channels": Objection.Channel.choices,
        "objection_reasons": Objection.Reason.choices,
        "whose_choices": Callback.Whose.choices,
        "is_part": is_part,
        "bar": read_bar(request.user, at=at),
        **more,
    }
    if is_part:
        return render(request, "calls/desk.html#moved", context, status=status)
    return render(request, "calls/desk.html", context, status=status)


# The checklist and what is kept as it is typed show the same page.
show = _show


def script_values(
    request: SignedInRequest, call: Call, terms: TermsForm, changes: Changes | None
) -> Mapping[str, str]:
    """What a script reads out: what was just agreed, over what is on its way, over the mirror."""
    agreed = {**(changes.values if changes else {}), **terms.changes}
    return values_of(call, agent=request.user.spoken_name, agreed=agreed)


def preview_of(
    call: Call, terms: TermsForm, typed: Mapping[str, Any], checked: Checked
) -> results.Preview:
    result_code = typed.get("result_code", "")
    preview = results.preview(
        call.pledge,
        terms.changes,
        result_code=result_code,
        notes=typed.get("notes", ""),
    )
    missing = checked.gap(result_code, changes=terms.changes)
    return replace(preview, clash=preview.clash or (missing.words if missing else ""))
