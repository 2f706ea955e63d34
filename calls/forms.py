"""What the desk's forms take in. A form validates and never saves."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, cast

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from calls.actions import NEEDS_REASON, HandOverReason
from calls.models import Attempt, Callback, Completion, ResultCode, Skip
from integrations.actions import DropReason, SeenReason
from pledges.contact import AMSTERDAM
from pledges.forms import DayField, EuroField
from pledges.messages import plain, restored
from pledges.models import Objection, Pledge, PledgeChange, RecruiterFlag

NOT_ASKED = "not_asked"
RATINGS = [*((str(n), str(n)) for n in range(1, 11)), (NOT_ASKED, _("not asked"))]
LONGEST_NOTES = 10_000


class TokenForm(forms.Form):
    """Any form that does something: it carries the token that was made when it was shown."""

    token = forms.UUIDField()


class ObjectionForm(TokenForm):
    """Do not call again."""

    objection_channel = forms.ChoiceField(choices=Objection.Channel.choices)
    objection_reason = forms.ChoiceField(choices=Objection.Reason.choices)


class CallbackForm(TokenForm):
    """A moment to call again: one of those that were offered, or a day and a time."""

    TYPED: Final = ("callback_day", "callback_time")

    callback_pick = forms.CharField(required=False)
    callback_day = DayField(required=False)
    callback_time = forms.TimeField(
        required=False,
        input_formats=["%H:%M", "%H.%M", "%H%M", "%H"],
        error_messages={"invalid": _("Write the time as 19:30.")},
    )
    # The day and time that stood there when the page was shown: what was refused, mostly.
    callback_shown = forms.CharField(required=False)
    callback_whose = forms.ChoiceField(choices=Callback.Whose.choices)
    callback_note = forms.CharField(required=False, max_length=300)

    @property
    def problem(self) -> str:
        """What is wrong with the moment, told beside it."""
        fields = ("callback_pick", "callback_day", "callback_time", "callback_note")
        return next((str(self.errors[name][0]) for name in fields if name in self.errors), "")

    @property
    def typed_moment(self) -> str:
        """Day and time as they were typed; empty: neither was."""
        typed = (self.data.get(name, "").strip() for name in self.TYPED)
        return " ".join(typed).strip()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        pick = cleaned.get("callback_pick", "")
        if pick and self.typed_moment and self.typed_moment == cleaned.get("callback_shown"):
            # It was chosen after that had been typed: what stands there still is meant no longer.
            for name in self.TYPED:
                self.errors.pop(name, None)
                cleaned[name] = None
        day, clock = (cleaned.get(name) for name in self.TYPED)
        if pick and day and clock:
            words = _(
                "You chose one moment and typed another. Press again for the one you typed, or "
                "choose once more."
            )
            self.add_error("callback_pick", words)
        elif day and clock:
            cleaned["due_at"] = datetime.combine(day, clock, AMSTERDAM)
        elif not self.errors:
            picked = parse_datetime(pick) if pick else None
            if day or clock or picked is None or picked.tzinfo is None:
                self.add_error("callback_pick", _("Choose a moment, or give a day and a time."))
            else:
                cleaned["due_at"] = picked
        return cleaned


class AttemptForm(TokenForm):
    outcome = forms.ChoiceField(
        choices=[(outcome.value, outcome.label) for outcome in Attempt.MISSED],
        error_messages={"required": _("Choose how the dial ended.")},
    )


class TermsForm(forms.Form):
    """What the donor wants to change about the pledge: beside each field, hidden, what it
    showed, so that what TapRaise tells in the meantime is not taken for something typed.

    Once it was asked whether it is valid, `changes` and `shown` go by the mirror's columns. A field
    that was not on the page is in neither.
    """

    donation_amount = EuroField(label=_("Amount (€)"), required=False)
    donation_interval = forms.ChoiceField(
        label=_("Interval"),
        required=False,
        error_messages={"invalid_choice": _("Choose an interval from the list.")},
    )
    starts_at = DayField(label=_("Start"), required=False)
    shown_donation_amount = forms.CharField(widget=forms.HiddenInput, required=False)
    shown_donation_interval = forms.CharField(widget=forms.HiddenInput, required=False)
    shown_starts_at = forms.CharField(widget=forms.HiddenInput, required=False)

    COLUMNS: Final = ("donation_amount", "donation_interval", "starts_at")

    def __init__(self, *args: Any, pledge: Pledge | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changes: dict[str, Any] = {}
        self.shown: dict[str, Any] = {}
        interval = cast("forms.ChoiceField", self.fields["donation_interval"])
        interval.choices = _intervals(pledge.donation_interval if pledge else None)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for column in self.COLUMNS:
            if f"shown_{column}" not in self.data:
                continue
            self.shown[column] = shown = _read_back(column, cleaned.get(f"shown_{column}", ""))
            wanted = cleaned.get(column) or None
            if column in self.errors or _is_as_shown(wanted, shown):
                continue
            if wanted is None:
                self.add_error(column, _("Fill this in: TapRaise cannot be without it."))
            else:
                self.changes[column] = wanted
        return cleaned


def terms_beside(pledge: Pledge | None, typed: Mapping[str, Any]) -> TermsForm:
    """The fields as they are shown now: what TapRaise says, and over it what was typed and differs
    from what had been shown."""
    before = TermsForm(typed, pledge=pledge)
    before.is_valid()
    values: dict[str, Any] = {}
    for column in TermsForm.COLUMNS:
        stored = getattr(pledge, column, None)
        is_typed = column in before.changes or column in before.errors
        values[column] = typed[column] if is_typed else _on_a_form(stored)
        values[f"shown_{column}"] = plain(stored) or ""
    form = TermsForm(values, pledge=pledge)
    form.is_valid()
    return form


def as_typed(changes: Iterable[PledgeChange]) -> dict[str, str]:
    """What had been typed to make these changes, to be put right."""
    typed: dict[str, str] = {}
    for change in changes:
        for column in change.wanted.keys() & set(TermsForm.COLUMNS):
            typed[column] = _on_a_form(restored(column, change.wanted[column]))
            typed[f"shown_{column}"] = change.before[column] or ""
    return typed


def finish_of(completion: Completion, changes: Iterable[PledgeChange]) -> dict[str, str]:
    """What had been chosen and typed to complete a call so, its notes aside, to be put right."""
    rating = completion.retention_rating
    return {
        "result_code": completion.result_code,
        "retention_rating": NOT_ASKED if rating is None else str(rating),
        **as_typed(changes),
    }


def _intervals(current: str | None) -> list[tuple[str, Any]]:
    """TapRaise's intervals, and the one that stands there if it is none of them."""
    choices = [(interval.value, interval.label) for interval in Pledge.Interval]
    known = current in Pledge.Interval.values
    return choices if known else [(current or "", current or _("not known")), *choices]


def _on_a_form(stored: Any) -> str:
    if isinstance(stored, datetime):
        return date_format(localtime(stored), "d-m-Y")
    if stored is None or isinstance(stored, str):
        return stored or ""
    return str(number_format(stored, 2, use_l10n=True, force_grouping=False))


def _read_back(column: str, text: str) -> Any:
    """What a hidden field says of the mirror; none where it is empty, or was meddled with."""
    try:
        return restored(column, text) or None
    except (ArithmeticError, ValueError):
        return None


def _is_as_shown(wanted: Any, shown: Any) -> bool:
    if isinstance(wanted, datetime) and isinstance(shown, datetime):
        return wanted.date() == localtime(shown).date()  # a form shows days
    return bool(wanted == shown)


class CompletionForm(TermsForm, TokenForm):
    result_code = forms.ChoiceField(
        choices=ResultCode.choices, error_messages={"required": _("Choose a result.")}
    )
    retention_rating = forms.ChoiceField(
        choices=RATINGS,
        error_messages={"required": _("Choose a rating, or 'not asked'.")},
    )
    notes = forms.CharField(required=False, max_length=LONGEST_NOTES)

    def clean_retention_rating(self) -> int | None:
        chosen = self.cleaned_data["retention_rating"]
        return None if chosen == NOT_ASKED else int(chosen)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("result_code") in NEEDS_REASON and not cleaned.get("notes", "").strip():
            self.add_error("notes", _("This result needs a reason. Write it in the notes."))
        return cleaned


# What is kept of that form as it was typed, right or wrong, and how long it may be. An account
# number is in none of these, and does not fit.
_KEPT: Final = {
    "result_code": 20,
    "retention_rating": 10,
    "donation_amount": 14,
    "donation_interval": 20,
    "starts_at": 10,
    "shown_donation_amount": 14,
    "shown_donation_interval": 20,
    "shown_starts_at": 32,
}


def kept_of(typed: Mapping[str, Any]) -> dict[str, str]:
    """What of this may be kept of the form that ends a call, or was kept and may stand in it again:
    its own fields alone, and no result or rating that there is not."""
    choices = {
        "result_code": ResultCode.values,
        "retention_rating": [code for code, _label in RATINGS],
    }
    kept = {name: str(typed[name]) for name in _KEPT if name in typed}
    return {
        name: value
        for name, value in kept.items()
        if len(value) <= _KEPT[name] and value in choices.get(name, [value])
    }


class SettlingForm(TokenForm):
    """How a dial ended that somebody left open."""

    CHOICES = (Attempt.Outcome.REACHED, *Attempt.MISSED)

    outcome = forms.ChoiceField(choices=[(one.value, one.label) for one in CHOICES])


class SkipForm(TokenForm):
    reason = forms.ChoiceField(
        choices=Skip.Reason.choices,
        error_messages={"required": _("Choose why you pass this call by.")},
    )
    note = forms.CharField(required=False, max_length=300)


class NotesForm(forms.Form):
    notes = forms.CharField(required=False, max_length=LONGEST_NOTES, strip=False)
    version = forms.IntegerField(min_value=0, required=False)
    # Sent by a page that is left while another one of these is under way.
    follows_own = forms.BooleanField(required=False)


class HandOverForm(forms.Form):
    """Who is to make a callback instead, or the whole team."""

    TEAM: Final = "team"

    to = forms.ChoiceField(
        label=_("To whom"), error_messages={"required": _("Choose who is to call.")}
    )
    reason = forms.ChoiceField(
        label=_("Why (may be left open)"),
        choices=[("", _("no reason")), *HandOverReason.choices],
        required=False,
    )

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for one in people}
        named = [(key, one.spoken_name) for key, one in self.people.items()]
        to = cast("forms.ChoiceField", self.fields["to"])
        to.choices = [("", _("choose")), (self.TEAM, _("the team")), *named]

    @property
    def chosen(self) -> User | None:
        """None: the team."""
        return self.people.get(self.cleaned_data["to"])


class DecisionForm(forms.Form):
    """What a supervisor does with a message that waits for a person, on the version they saw."""

    HAPPENED, AGAIN, DROP, READ, SEEN = "happened", "again", "drop", "read", "seen"

    version = forms.IntegerField(min_value=1)
    verb = forms.ChoiceField(choices=[(one, one) for one in (HAPPENED, AGAIN, DROP, READ, SEEN)])
    reason = forms.ChoiceField(
        label=_("Why it is dropped"),
        choices=DropReason.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    seen_reason = forms.ChoiceField(
        label=_("What is done about it (may be left open)"),
        choices=SeenReason.choices,
        widget=forms.RadioSelect,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("verb") == self.DROP and not cleaned.get("reason"):
            self.add_error("reason", _("Choose why it is dropped."))
        return cleaned


class _RemarkForm(forms.Form):
    use_required_attribute = False

    remark = forms.CharField(
        label=_("Remark (may be left open)"),
        help_text=_("What was done about it. Other supervisors read it."),
        max_length=RecruiterFlag.REMARK_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class SeenForm(_RemarkForm):
    """A supervisor has seen what was found about a recruiter, in the version that was shown."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class SeenTogetherForm(_RemarkForm):
    """The same of all that a page shows of one recruiter: each as `donor:version`, with spaces
    between them."""

    shown = forms.CharField(widget=forms.HiddenInput)

    def clean_shown(self) -> dict[uuid.UUID, int]:
        try:
            told = [one.split(":") for one in self.cleaned_data["shown"].split()]
            return {uuid.UUID(donor): int(version) for donor, version in told}
        except ValueError as error:
            raise forms.ValidationError(
                _("Nobody can tell what this page showed: open it anew.")
            ) from error
