"""Rules of an organisation that are in force from a date: what their lists and forms share.

A change is a new row from a date on; the rows before it stay, as proof of what held when.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.previewed import PreviewedAdmin
from pledges.admin.donors import OrganizationFilter, organizations_of


class DateInput(forms.DateInput):
    """A day, as the browser lets people choose one; it works without scripts."""

    input_type = "date"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class TimeInput(forms.TimeInput):
    """A time of day, to the minute."""

    input_type = "time"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs, format="%H:%M")


@dataclass(frozen=True)
class State:
    """Where a dated row stands, in words: in force, to come, or replaced."""

    words: str
    is_now: bool = False
    is_to_come: bool = False

    @classmethod
    def of(cls, row: Any, in_force: Any, *, day: date) -> "State":
        """`in_force` is the row that holds on this day where this one might."""
        begins = date_format(row.from_date, "j F Y")
        if row.from_date > day:
            return cls(gettext("from %(day)s") % {"day": begins}, is_to_come=True)
        if in_force is not None and in_force.pk == row.pk:
            return cls(gettext("in force since %(day)s") % {"day": begins}, is_now=True)
        if in_force is None:
            return cls(gettext("not in force"))
        newer = date_format(in_force.from_date, "j F Y")
        return cls(gettext("replaced by those of %(day)s") % {"day": newer})


class ListedOrganizationFilter(OrganizationFilter):
    lookup = "organization"


class OfOrganizationAdmin(PreviewedAdmin):
    """Rows of the organisations that the reader works for, shown in words before they are saved."""

    list_select_related = ("organization",)
    list_filter: ClassVar[Any] = (ListedOrganizationFilter,)
    search_fields = ("organization__name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        theirs = rows.filter(organization__in=organizations_of(request).values("pk"))
        return theirs.select_related("organization")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "organization":
            kwargs["queryset"] = organizations_of(request).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class DatedAdmin(OfOrganizationAdmin):
    """Whose rules they are does not change once they are there; managers set them."""

    managers_edit = True
    # What says whose rules they are.
    whose: tuple[str, ...] = ("organization",)

    def in_force(self, row: Any, rows: Sequence[Any], *, day: date) -> Any:
        """Of the rows of one organisation, the one that holds on a day for what this row is about,
        by the function that everything else asks."""
        raise NotImplementedError

    def state_of(self, row: Any, rows: Sequence[Any]) -> State:
        """Where a row stands today; `rows` are those of its organisation."""
        today = localdate()
        return State.of(row, self.in_force(row, rows, day=today), day=today)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_list_display(self, request: HttpRequest) -> Any:
        first, *others = super().get_list_display(request)
        # Rules are few, and read once for the whole list.
        rows: dict[Any, list[Any]] = {}

        @admin.display(description=_("state"))
        def state(obj: Any) -> str:
            if not rows:
                for row in self.model._default_manager.all():
                    rows.setdefault(row.organization_id, []).append(row)
            return self.state_of(obj, rows.get(obj.organization_id, [])).words

        return (first, state, *others)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, *self.whose, "state")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        (title, whose), *others = super().get_fieldsets(request, obj)
        if obj is None:
            return ((title, whose), *others)
        return ((title, {**whose, "fields": (*whose["fields"], "state")}), *others)

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """New rules begin as the ones that they replace, tomorrow."""
        given = super().get_changeform_initial_data(request)
        start = {"from_date": localdate() + timedelta(days=1)}
        try:
            uuid.UUID(str(given.get("organization", "")))
        except ValueError:
            return start
        known = self.usual(request, given)
        return {**known, **start, **given}

    def usual(self, request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
        """The values of the row that holds today for what is asked for."""
        return {}

    def facts(self, obj: Any) -> dict[str, Any]:
        return {"organization": str(obj.organization_id), "from_date": str(obj.from_date)}

    @admin.display(description=_("state"))
    def state(self, obj: Any) -> str:
        rows = self.model._default_manager.filter(organization=obj.organization_id)
        return self.state_of(obj, list(rows)).words


def refuse_two_of_a_day(form: "forms.ModelForm[Any]", *whose: str) -> None:
    """One clear sentence, where two rows would begin on the same day."""
    row, day = form.instance, form.cleaned_data.get("from_date")
    same = {name: form.cleaned_data.get(name, getattr(row, name, None)) for name in whose}
    if day is None or any(value is None for value in same.values()):
        return
    rows = type(row)._default_manager.filter(from_date=day, **same)
    if rows.exclude(pk=row.pk).exists():
        words = _("There are rules that begin on this day already: change those, or take another.")
        form.add_error("from_date", words)
