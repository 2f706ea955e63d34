"""A form of the admin in two steps: filled in, then shown as what it will do, then saved.

It works without scripts. What was looked at is what is saved: whoever changes something after the
look, or comes after somebody else did, looks once more.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.db.models import Model
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from accounts.admin import RoleAdmin
from accounts.admin_site import Part


class PreviewedAdmin(RoleAdmin):
    """Rows of which a person reads what saving or removing them does, before it happens."""

    part = Part.SET
    change_form_template = "admin/previewed_change_form.html"
    delete_confirmation_template = "admin/previewed_delete_confirmation.html"
    # Whether saving does anything to look at first: without it the button says Save at once.
    has_effect = True

    def effect(self, request: HttpRequest, *, before: Any, after: Any) -> Sequence[str]:
        """What it does when `after`, which is not saved, takes the place of `before`: a sentence a
        line. Before is None for a new row, after for one that goes."""
        raise NotImplementedError

    def get_actions(self, request: HttpRequest) -> Any:
        # Many at once would go without anybody reading what that does.
        actions = super().get_actions(request)
        return {name: one for name, one in actions.items() if name != "delete_selected"}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = None
        if request.method == "POST":
            shown = self._preview(request, object_id, form_url)
        return shown or super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context = {**context, "has_effect": self.has_effect}
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is not None and self.has_delete_permission(request, row):
            effect = self.effect(request, before=row, after=None)
            extra_context = {**(extra_context or {}), "effect": effect}
        return super().delete_view(request, object_id, extra_context)

    def _preview(
        self, request: HttpRequest, object_id: str | None, form_url: str
    ) -> HttpResponse | None:
        """The form with what it does; None where it was looked at, or there is nothing to see."""
        before = row = None
        if object_id is not None:
            # The form writes into its row.
            before, row = (self.get_object(request, unquote(object_id)) for _ in range(2))
            if row is None or not self.has_change_permission(request, row):
                return None
        elif not self.has_add_permission(request):
            return None
        fieldsets: Any = self.get_fieldsets(request, row)
        made = self.get_form(
            request, row, change=row is not None, fields=flatten_fieldsets(fieldsets)
        )
        form = made(request.POST, request.FILES, instance=row)
        if not form.is_valid() or not form.has_changed():
            return None
        seen = _digest(before, form.cleaned_data)
        if request.POST.get("looked_at") == seen:
            return None
        effect = self.effect(request, before=before, after=form.instance)
        if not effect:
            return None
        adminform = AdminForm(
            form,
            list(fieldsets),
            self.get_prepopulated_fields(request, row),
            self.get_readonly_fields(request, row),
            model_admin=self,
        )
        words = gettext("Change %s") if row else gettext("Add %s")
        context = {
            **self.admin_site.each_context(request),
            "title": words % self.opts.verbose_name,
            "subtitle": str(before) if before else None,
            "adminform": adminform,
            "object_id": object_id,
            "original": before,
            "is_popup": False,
            "to_field": None,
            "media": self.media + adminform.media,
            "inline_admin_formsets": [],
            "errors": AdminErrorList(form, []),
            "preserved_filters": self.get_preserved_filters(request),
            "effect": effect,
            "looked_at": seen,
        }
        return self.render_change_form(
            request, context, add=row is None, change=row is not None, form_url=form_url, obj=row
        )


def _digest(before: Model | None, cleaned: dict[str, Any]) -> str:
    """Of what stood there and what is to stand there."""
    content = [model_to_dict(before) if before else None, cleaned]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
