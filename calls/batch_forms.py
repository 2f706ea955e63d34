"""What a supervisor fills in to send something in bulk. Checks and never looks donors up."""

import re
import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, cast

from django import forms
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.two_steps import TwoStepForm
from calls.models import Call
from calls.selections import MOST, Kind, Selection
from pledges.actions import Amount
from pledges.forms import DayField, EuroField
from pledges.models import Batch, MessageScript, RowField

_UUID: Final = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE)
# As long as so many numbers are with something between them.
LONGEST: Final = MOST * 50
MOST_ATTEMPTS: Final = 50
AmountRule = Batch.AmountRule


_FIELDS_OF: Final = {
    Kind.UNPAID: ("from_date", "until_date"),
    Kind.NOT_REACHED: ("attempts", "call_type"),
    Kind.OPEN: ("call_type",),
    Kind.NUMBERS: (),
}


class ScriptField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} – {obj.get_medium_display()}, {obj.organization}"


class BatchForm(TwoStepForm):
    """A message, for whom, with which amount, and how it is handed over."""

    script = ScriptField(
        label=_("Which message?"),
        queryset=MessageScript.objects.none(),
        empty_label=_("choose"),
        error_messages={
            "required": _("Choose a message."),
            "invalid_choice": _("Choose one of these messages."),
        },
    )
    kind = forms.ChoiceField(
        label=_("To whom?"),
        choices=Kind.choices,
        initial=Kind.UNPAID,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of these.")},
    )
    from_date = DayField(label=_("PayLinks made from"), required=False)
    until_date = DayField(
        label=_("PayLinks made until"),
        required=False,
        help_text=_("Yesterday: whoever got a link today may still be about to pay it."),
    )
    attempts = forms.IntegerField(
        label=_("After how many attempts"),
        required=False,
        min_value=1,
        max_value=MOST_ATTEMPTS,
        initial=3,
        help_text=_("As TapRaise counts them."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    call_type = forms.ChoiceField(
        label=_("Type of call"), choices=[("", _("all types")), *Call.Type.choices], required=False
    )
    numbers = forms.CharField(
        label=_("Numbers of calls"),
        required=False,
        max_length=LONGEST,
        help_text=_("As TapRaise writes them, with anything between them."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    amount_rule = forms.ChoiceField(
        label=_("Amount"),
        choices=AmountRule.choices,
        initial=AmountRule.NONE,
        help_text=_("Only for a message that asks for one."),
    )
    amount = EuroField(label=_("The one amount"), required=False)
    way = forms.ChoiceField(
        label=_("How is it handed over?"),
        choices=Batch.Way.choices,
        initial=Batch.Way.ROWS,
        widget=forms.RadioSelect,
    )
    # How many the second step said that would get it.
    shown = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, scripts: Any, today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        cast("forms.ModelChoiceField[MessageScript]", self.fields["script"]).queryset = scripts
        self.fields["from_date"].initial = today - timedelta(days=7)
        self.fields["until_date"].initial = today - timedelta(days=1)
        as_file = _("As one file, from %(least)s donors on: how far it is, no result of each")
        cast("forms.ChoiceField", self.fields["way"]).choices = [
            (Batch.Way.ROWS, _("In rows: each donor's result is known")),
            (Batch.Way.FILE, as_file % {"least": intcomma(settings.LEAST_FOR_FILE)}),
        ]

    def names_that_count(self) -> list[str]:
        """Which fields say something of what was chosen, but for the numbers of calls."""
        names = ["script", "kind", *_FIELDS_OF[self.cleaned_data["kind"]], "amount_rule"]
        if self.cleaned_data["amount_rule"] == AmountRule.FIXED:
            names.append("amount")
        return [*names, "way"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._forget_what_does_not_count(cleaned)
        if self.errors:
            return cleaned
        self._clean_amount(cleaned)
        kind = cleaned["kind"]
        if kind == Kind.UNPAID:
            self._clean_days(cleaned)
        elif kind == Kind.NOT_REACHED and cleaned["attempts"] is None:
            self.add_error("attempts", _("Write after how many attempts."))
        elif kind == Kind.NUMBERS:
            self._clean_numbers(cleaned)
        return cleaned

    def _forget_what_does_not_count(self, cleaned: dict[str, Any]) -> None:
        """What was typed for another choice is not seen any more: nothing about it is wrong."""
        if "kind" not in cleaned:
            return
        counts = set(_FIELDS_OF[cleaned["kind"]])
        if cleaned.get("amount_rule") == AmountRule.FIXED:
            counts.add("amount")
        for name in ("from_date", "until_date", "attempts", "call_type", "amount"):
            if name in self.errors and name not in counts:
                del self.errors[name]
                cleaned[name] = "" if name == "call_type" else None

    def _clean_amount(self, cleaned: dict[str, Any]) -> None:
        rule = cleaned["amount_rule"]
        if not asks_for_amount(cleaned["script"]):
            # Whatever was chosen, none of it is sent.
            cleaned |= {"amount_rule": AmountRule.NONE, "amount": None}
        elif rule == AmountRule.NONE:
            self.add_error("amount_rule", _("This message asks for an amount: choose which."))
        elif rule == AmountRule.FIXED and cleaned["amount"] is None:
            self.add_error("amount", _("Write the amount in euros, such as 7,50."))
        elif rule == AmountRule.LINK and cleaned["kind"] != Kind.UNPAID:
            self.add_error("amount_rule", _("Only donors with an unpaid PayLink have that amount."))

    def _clean_days(self, cleaned: dict[str, Any]) -> None:
        begins, ends = cleaned["from_date"], cleaned["until_date"]
        if begins is None:
            self.add_error("from_date", _("Write from which day."))
        elif ends is None:
            self.add_error("until_date", _("Write until which day."))
        elif ends < begins:
            self.add_error("until_date", _("The last day comes before the first."))

    def _clean_numbers(self, cleaned: dict[str, Any]) -> None:
        found = list(dict.fromkeys(map(uuid.UUID, _UUID.findall(cleaned["numbers"]))))
        if not found and "list" in self.data:
            self.add_error("numbers", _("These numbers are kept for a week: give them again."))
        elif not found:
            self.add_error("numbers", _("There is no number of a call in this."))
        elif len(found) > MOST:
            problem = ValidationError(
                _("These are more than %(most)s numbers."), params={"most": MOST}
            )
            self.add_error("numbers", problem)
        cleaned["calls"] = tuple(found)


def asks_for_amount(script: MessageScript) -> bool:
    """Whether a message needs an amount, in words or for the link that it makes."""
    return (
        script.carries == MessageScript.Carries.PAYLINK or RowField.AMOUNT in script.required_fields
    )


def selection_of(cleaned: dict[str, Any]) -> Selection:
    begins, ends = cleaned["from_date"], cleaned["until_date"]
    return Selection(
        kind=cleaned["kind"],
        organization=cleaned["script"].organization_id,
        from_date=begins.date() if begins else None,
        until_date=ends.date() if ends else None,
        attempts=cleaned["attempts"] or 1,
        call_type=cleaned["call_type"],
        calls=cast("Sequence[uuid.UUID]", cleaned.get("calls", ())),  # type: ignore[arg-type]
        is_about_paying=asks_for_amount(cleaned["script"]),
    )


def amount_of(cleaned: dict[str, Any]) -> Amount:
    is_fixed = cleaned["amount_rule"] == AmountRule.FIXED
    return Amount(cleaned["amount_rule"], cleaned["amount"] if is_fixed else None)
