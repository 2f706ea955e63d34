"""The admin of what is to be reached in a day: managers set it, from a date on."""

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.timezone import localdate

from calls.models import DayTarget
from calls.models.targets import target_on
from pledges.admin.dated import DatedAdmin, DateInput, refuse_two_of_a_day


class DayTargetForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = DayTarget
        fields = ("organization", "from_date", "completed", "reached")
        widgets: ClassVar = {"from_date": DateInput}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        refuse_two_of_a_day(self, "organization")
        return cleaned


@admin.register(DayTarget)
class DayTargetAdmin(DatedAdmin):
    """Targets stand beside the other dated settings of an organisation, and on the floor."""

    form = DayTargetForm
    # It changes a bar on the floor, and nobody's work.
    has_effect = False
    fieldsets = ((None, {"fields": DayTargetForm.Meta.fields}),)
    list_display = ("organization", "from_date", "completed", "reached")
    ordering = ("organization__name", "-from_date")

    def in_force(self, row: DayTarget, rows: Sequence[Any], *, day: date) -> Any:
        return target_on(rows, day)

    def effect(self, request: HttpRequest, *, before: Any, after: Any) -> Sequence[str]:
        return ()

    def usual(self, request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
        rows = self.get_queryset(request).filter(organization=given["organization"])
        now = target_on(rows, localdate())
        return {"completed": now.completed, "reached": now.reached} if now else {}

    def facts(self, obj: Any) -> dict[str, Any]:
        return {**super().facts(obj), "completed": obj.completed, "reached": obj.reached}
