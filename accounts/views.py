"""Pages of this room that allauth does not bring."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.actions import choose_first_password, choose_language, choose_single_keys
from accounts.forms import KeysForm, LanguageForm
from accounts.middleware import CHOSEN


@login_not_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Speak another language: kept with the person, and in a cookie for the sign-in page.

    Who chooses before signing in is kept in mind until then.
    """
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest()
    chosen = form.cleaned_data["language"]
    if request.user.is_authenticated:
        choose_language(user=request.user, language=chosen)
    else:
        request.session[CHOSEN] = chosen
    response = HttpResponseRedirect(form.cleaned_data["next"])
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=365 * 24 * 60 * 60,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@require_POST
def keys(request: HttpRequest) -> HttpResponse:
    """Whether digits choose from a list: kept with the person."""
    form = KeysForm(request.POST)
    if not form.is_valid() or not request.user.is_authenticated:
        return HttpResponseRedirect("/")
    is_on = form.cleaned_data["has_single_keys"] == "on"
    choose_single_keys(user=request.user, has_single_keys=is_on)
    if request.headers.get("HX-Request") == "true":
        return render(request, "_keys.html#single-keys", {"is_anew": True})
    return HttpResponseRedirect(form.cleaned_data["next"])


class FirstPasswordView(PasswordResetConfirmView):
    """Choose a password at an address that a manager handed over. Django checks the token, and
    keeps it in the session, so that it leaks by no link of the page."""

    template_name = "account/first_password.html"
    success_url = reverse_lazy("account_login")

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.user
        choose_first_password(
            user=user, password=form.cleaned_data["new_password1"], at=timezone.now()
        )
        del self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return HttpResponseRedirect(str(self.success_url))

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


first_password = login_not_required(FirstPasswordView.as_view())
