"""Forms of this room: they validate and never save."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme


class BackForm(forms.Form):
    """Leads back to a page of ours."""

    next = forms.CharField(required=False)

    def clean_next(self) -> Any:
        page = self.cleaned_data["next"]
        is_ours = page.startswith("/") and url_has_allowed_host_and_scheme(page, allowed_hosts=None)
        return page if is_ours else "/"


class LanguageForm(BackForm):
    language = forms.ChoiceField(choices=settings.LANGUAGES)


class KeysForm(BackForm):
    has_single_keys = forms.ChoiceField(choices=[("on", "on"), ("off", "off")])
