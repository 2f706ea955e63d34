"""A form in two steps: filled in, then shown as what it will do, then done.

For what a person causes outside and cannot take back: the effect stands there in words before it
is sent. It works without scripts; nothing that was typed is lost on the way, and the same form sent
twice does one thing.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import AlreadySent, FormChanged

FORM_CHANGED = _(
    "This form was already sent with something else in it. Look at what stands here now, and send "
    "it again."
)


class TwoStepForm(forms.Form):
    """A form of its own token: made when it is shown, spent by what it does."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    use_required_attribute = False

    def renew(self) -> None:
        """Under a new token, for the old one may be spent; what was typed stays."""
        data = cast("QueryDict", self.data).copy()
        data[self.add_prefix("token")] = str(uuid.uuid4())
        self.data = data


def in_two_steps(
    request: HttpRequest,
    form: TwoStepForm,
    *,
    title: Any,
    effect: Callable[[dict[str, Any]], Sequence[Any]],
    do: Callable[[dict[str, Any], datetime], object],
    refusals: Mapping[type[Exception], Any],
    done: str | Callable[[dict[str, Any]], str],
    back: str,
    context: dict[str, Any],
    template: str = "two_steps.html",
) -> HttpResponse:
    """Show the form; once it is valid, show `effect` in words; once that is confirmed, `do` it.

    `form` is bound when the request is a POST. `effect` gets its cleaned data and returns a
    sentence a line; it may raise a refusal as `do` may, which gets the data and the moment.
    `refusals` puts exceptions into words, or is a callable on them. Both steps answer at the same
    address; `done` and `back` are addresses; `done` may be made of the data, for
    what has an address only afterwards. A form that was sent before is done, not done twice.
    """
    page = {**context, "form": form, "title": title, "back": back, "effect": ()}
    if not form.is_bound:
        return render(request, template, page)
    if not form.is_valid() or "edit" in request.POST:
        status = 200 if form.is_valid() else 422
        return render(request, template, page, status=status)
    try:
        if "send" in request.POST:
            do(form.cleaned_data, timezone.now())
            return redirect(done(form.cleaned_data) if callable(done) else done)
        page["effect"] = effect(form.cleaned_data)
    except AlreadySent:
        return redirect(done(form.cleaned_data) if callable(done) else done)
    except FormChanged:
        return _refused(request, form, FORM_CHANGED, page, template)
    except tuple(refusals) as refusal:
        words = next(refusals[kind] for kind in type(refusal).__mro__ if kind in refusals)
        said = words(refusal) if callable(words) else words
        return _refused(request, form, said, page, template)
    return render(request, template, page)


def _refused(
    request: HttpRequest, form: TwoStepForm, words: Any, page: dict[str, Any], template: str
) -> HttpResponse:
    """The form as it was typed, with why not."""
    form.renew()
    form.add_error(None, words)
    return render(request, template, {**page, "form": form}, status=409)


def way_back() -> str:
    """How long what is sent can be taken back: the last line of an effect."""
    seconds = settings.UNDO_SECONDS
    if not seconds:
        return str(_("There is no way back."))
    words = ngettext(
        "For %(seconds)s second you can undo this. After that there is no way back.",
        "For %(seconds)s seconds you can undo this. After that there is no way back.",
        seconds,
    )
    return words % {"seconds": seconds}
