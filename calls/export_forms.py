"""Which list a supervisor wants as a file. Checks, never saves."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.sheets import Format
from accounts.two_steps import TwoStepForm
from calls.insight.asked import usual_days
from calls.models import Export
from pledges.forms import DayField
from pledges.models import Organization

NONE_OF_THESE = {
    "required": _("Choose one of these."),
    "invalid_choice": _("Choose one from this list."),
}


class ExportForm(TwoStepForm):
    """Which list, of whose donors, of which days, as what kind of file."""

    what = forms.ChoiceField(
        label=_("Which list?"),
        choices=Export.What.choices,
        initial=Export.What.CALLS,
        widget=forms.RadioSelect,
        error_messages=NONE_OF_THESE,
    )
    organization = forms.ChoiceField(
        label=_("Organisation"), required=False, error_messages=NONE_OF_THESE
    )
    since = DayField(label=_("From"), required=False)
    until = DayField(
        label=_("Up to and including"), required=False, help_text=_("Empty: without an end.")
    )
    kind = forms.ChoiceField(
        label=_("Kind of file"),
        choices=Format.choices,
        widget=forms.RadioSelect,
        error_messages=NONE_OF_THESE,
    )

    def __init__(
        self,
        *args: Any,
        organizations: Sequence[Organization],
        today: date,
        kind: str | None,
        **kwargs: Any,
    ) -> None:
        """`kind`: of the file that was asked for last, None without one."""
        super().__init__(*args, **kwargs)
        self.fields["kind"].initial = kind or Format.XLSX
        self.organizations = {str(one.pk): one for one in organizations}
        field = cast("forms.ChoiceField", self.fields["organization"])
        mine = [(pk, str(one)) for pk, one in self.organizations.items()]
        field.choices = [("", _("all")), *mine]
        for name, day in zip(("since", "until"), usual_days(today), strict=True):
            self.fields[name].initial = day

    def clean_since(self) -> date | None:
        return self._day("since")

    def clean_until(self) -> date | None:
        return self._day("until")

    def _day(self, name: str) -> date | None:
        midnight = self.cleaned_data[name]
        return midnight.date() if midnight else None

    def clean_organization(self) -> Organization | None:
        return self.organizations.get(self.cleaned_data["organization"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", ValidationError(_("This day is before the first one.")))
        return cleaned
