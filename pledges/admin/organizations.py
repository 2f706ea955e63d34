"""Organisations and their closed days. What a change of them does is known by the room that knows
calls, which registers these: see calls/rules_admin.py."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.previewed import PreviewedAdmin
from pledges.admin.dated import DateInput, ListedOrganizationFilter, TimeInput
from pledges.admin.donors import organizations_of
from pledges.models import ClosedDay, Organization


class OrganizationAdmin(PreviewedAdmin):
    """Charities, agencies and call centres: TapRaise brings them, managers set what is ours."""

    managers_edit = True
    list_display = ("name", "is_ours", "serves_unassigned_calls")
    list_filter = ("is_ours",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "uuid", "is_ours", "serves_unassigned_calls", "people")
    readonly_fields = ("name", "uuid", "people")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.filter(pk__in=organizations_of(request).values("pk"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def facts(self, obj: Any) -> dict[str, Any]:
        return {
            "is_ours": obj.is_ours,
            "serves_unassigned_calls": obj.serves_unassigned_calls,
        }

    @admin.display(description=_("people"))
    def people(self, obj: Organization) -> str:
        names = obj.members.order_by("username").values_list("username", flat=True)
        return ", ".join(names) or "–"


class ClosedDayForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ClosedDay
        fields = ("date", "name", "closes_at", "organization", "source", "checked_at")
        widgets = {"date": DateInput, "closes_at": TimeInput, "checked_at": DateInput}  # noqa: RUF012
        help_texts = {  # noqa: RUF012
            "name": _("What agents read on the day itself."),
            "source": _("Where you found it: a law, a code, what a charity asked."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        day, organization = cleaned.get("date"), cleaned.get("organization")
        if day is not None:
            same = ClosedDay.objects.filter(date=day, organization=organization)
            if same.exclude(pk=self.instance.pk).exists():
                self.add_error("date", _("This day is on the list already: change it there."))
        return cleaned


class ClosedDayAdmin(PreviewedAdmin):
    """Holidays and days of remembrance. `manage.py closed_days` adds what is usual here."""

    managers_edit = True
    form = ClosedDayForm
    list_display = ("date", "name", "closes_at", "organization", "source", "checked_at")
    list_filter = (ListedOrganizationFilter,)
    list_select_related = ("organization",)
    search_fields = ("name",)
    ordering = ("-date",)
    date_hierarchy = "date"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        mine = Q(organization=None) | Q(organization__in=organizations_of(request).values("pk"))
        return super().get_queryset(request).filter(mine)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)
