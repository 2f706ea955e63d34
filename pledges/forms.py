"""What the pages of this room take in. A form checks and never saves."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundWidget
from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.two_steps import TwoStepForm
from pledges import messages
from pledges.fields import FactsField
from pledges.models import Pledge
from pledges.page import LABELS, NewPledgeOffer, recruiter_label
from pledges.terms import ONLY_MANAGED_HERE, in_words, why_not_changeable

Choices = Sequence[tuple[Any, Any]]

LONGEST_LABEL: Final = 200
YEARS: Final = range(1990, 2101)
PAYMENT_DAYS: Final = range(1, 29)
CHOOSE: Final = ("", _("choose"))
NOT_TOLD: Final = ("", _("not told"))
# TapRaise's identifiers, in words.
CANCELLATION_REASONS: Final = {
    "cancelled_by_email_or_phone": _("cancelled by e-mail or phone"),
    "incorrect_bank_account_number": _("account number is not right"),
    "incorrect_email_or_phone_number": _("e-mail or phone number is not right"),
    "chargeback": _("payment was reversed"),
    "one_time_only": _("wanted to give once"),
    "no_long_term_support": _("wants no long-term support"),
    "too_old_or_too_young": _("too old or too young"),
    "invalid_agreement": _("agreement is not valid"),
    "invalid_recording": _("recording is not valid"),
    "external_quality_check": _("quality check elsewhere"),
    "external_blacklist": _("on a list elsewhere of people not to ask"),
    "external_factor": _("something outside"),
    "unknown": _("not known"),
    "other": _("other"),
}
WISHED: Final = frozenset(field.name for field in fields(messages.NewPledgeWish))

# 7 · 7,50 · 7.50 · 1.234,50. A point before three digits alone is no thousand: it would be a guess.
_EUROS = re.compile(r"(?:\d{1,10}|\d{1,3}(?:\.\d{3}){1,2}(?=,))(?:[.,](\d+))?", re.ASCII)


class EuroInput(forms.TextInput):
    """A box for an amount; a phone shows its digits and the comma."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        """An amount as it is written here, 7,50; what was typed stays as it was typed."""
        if isinstance(value, Decimal):
            return str(number_format(value, 2, use_l10n=True, force_grouping=False))
        return None if value is None else str(value)


class EuroField(forms.Field):
    """An amount in euros, typed as people write it: 7,50 or 7.50 or € 7,50. Never a float.

    Cleans to a Decimal of two decimals, above zero and below ten billion; to None where it is not
    required and left empty. More than two decimals, zero and anything else that is no amount are
    refused in a sentence. `initial` is a Decimal, shown with a comma. Ours for every form that asks
    for an amount: the desk's and the pages of a pledge.
    """

    widget = EuroInput
    default_error_messages = {  # noqa: RUF012 (Django's own way to add messages to a field)
        "invalid": _("Write the amount in euros, such as 7,50."),
        "decimals": _("An amount has at most two decimals, such as 7,50."),
        "zero": _("The amount has to be more than zero."),
    }

    def to_python(self, value: Any) -> Decimal | None:
        if value in self.empty_values:
            return None
        if isinstance(value, Decimal):
            return value
        text = str(value).strip().removeprefix("€").strip().removesuffix(",-")
        found = _EUROS.fullmatch(text)
        if found is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        if len(found[1] or "") > 2:
            raise ValidationError(self.error_messages["decimals"], code="decimals")
        if "," in text:
            text = text.replace(".", "").replace(",", ".")
        return Decimal(text).quantize(Decimal("0.01"))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and value <= 0:
            raise ValidationError(self.error_messages["zero"], code="zero")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another amount was typed: 7,5 and € 7,50 are the same."""
        if self.disabled:
            return False
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


class DayField(forms.DateField):
    """A day, typed as the Netherlands write it: 31-12-2027. Cleans to that day's midnight in UTC,
    which is how TapRaise's documents write a day; to None where it is left empty."""

    widget = forms.DateInput(format="%d-%m-%Y", attrs={"autocomplete": "off"})
    default_error_messages = {  # noqa: RUF012
        "invalid": _("Write the day as day-month-year, such as 31-12-2027."),
        "far": _("Look at the year: this day is too far away."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%d-%m-%Y", "%d/%m/%Y", "%Y-%m-%d"], **kwargs)

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day is None:
            return None
        if day.year not in YEARS:
            raise ValidationError(self.error_messages["far"], code="far")
        return datetime(day.year, day.month, day.day, tzinfo=UTC)


class ReasonedForm(TwoStepForm):
    """What a supervisor does outside is done for a reason, which stays here."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("For your colleagues: it stays in Belbord."),
        error_messages={"required": _("Write why.")},
    )


class UndoForm(forms.Form):
    undo = forms.UUIDField()


# ── A pledge that TapRaise has ────────────────────────────────────────────────────────────────────


class ChangePledgeForm(ReasonedForm):
    """Some of a pledge's terms. `changes` holds what was touched, by the mirror's columns, and None
    where a field was emptied; what nobody touched is not in it.

    Each field has a hidden one beside it with the value that was shown, so that what TapRaise tells
    in the meantime is not taken for something that a person typed.
    """

    donation_amount = EuroField(label=_("Amount in euros"), required=False)
    donation_interval = forms.ChoiceField(label=_("Interval"), required=False)
    starts_at = DayField(label=_("Start"), required=False)
    ends_at = DayField(
        label=_("End"), required=False, help_text=_("Leave it empty for a pledge without an end.")
    )
    recruiter_uuid = forms.ChoiceField(label=_("Recruiter"), required=False)
    recruiting_location_label = forms.CharField(
        label=_("Location"), required=False, max_length=LONGEST_LABEL
    )

    # Those that TapRaise cannot be without: emptied is refused here.
    NEVER_EMPTY = ("donation_amount", "donation_interval", "starts_at")

    field_order = (*LABELS, "reason")

    def __init__(
        self, *args: Any, pledge: Pledge, recruiters: Mapping[str, str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.pledge = pledge
        self.why_not = why_not_changeable(pledge)
        if self.why_not is not None:
            for column in ONLY_MANAGED_HERE:
                del self.fields[column]
        self.columns = [column for column in LABELS if column in self.fields]
        if "donation_interval" in self.fields:
            _offer(self, "donation_interval", _intervals(pledge.donation_interval))
        _offer(self, "recruiter_uuid", _recruiters(pledge, recruiters))
        for column in self.columns:
            stored = getattr(pledge, column)
            if column != "recruiter_uuid":
                self.fields[column].initial = _on_a_form(stored)
            self.fields[f"shown_{column}"] = forms.CharField(
                widget=forms.HiddenInput, required=False, initial=messages.plain(stored)
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.shown: dict[str, Any] = {}
        self.changes: dict[str, Any] = {}
        for column in self.columns:
            if column not in cleaned:
                continue
            shown = _read_back(column, cleaned.get(f"shown_{column}", ""))
            wanted = _read_back(column, cleaned[column])
            if _is_as_shown(column, wanted, shown):
                continue
            if wanted is None and column in self.NEVER_EMPTY:
                self.add_error(column, _("TapRaise does not let this be emptied."))
                continue
            self.shown[column], self.changes[column] = shown, wanted
        self._check_order(cleaned)
        if self.why_not and any(column in self.data for column in ONLY_MANAGED_HERE):
            # Offered when the form was shown, and not any more: never left out in silence.
            raise ValidationError(in_words(self.why_not))
        return cleaned

    @property
    def term_fields(self) -> list[forms.BoundField]:
        return [self[column] for column in self.columns]

    def show_anew(self, columns: Iterable[str]) -> None:
        """Take over what TapRaise says of these by now, and keep what was typed."""
        data = cast("QueryDict", self.data).copy()
        for column in columns:
            data[f"shown_{column}"] = messages.plain(getattr(self.pledge, column)) or ""
        self.data = data

    def _check_order(self, cleaned: dict[str, Any]) -> None:
        starts_at = cleaned.get("starts_at") or self.pledge.starts_at
        ends_at = cleaned.get("ends_at")
        if "ends_at" in self.changes and starts_at and ends_at and ends_at < starts_at:
            self.add_error("ends_at", _("The end lies before the start."))


def _offer(form: forms.Form, name: str, choices: Choices) -> None:
    cast("forms.ChoiceField", form.fields[name]).choices = choices


def _intervals(current: str | None) -> Choices:
    """TapRaise's intervals, and the one that stands there if it is none of them."""
    choices = [(interval.value, interval.label) for interval in Pledge.Interval]
    if current in Pledge.Interval.values:
        return choices
    return [(current or "", current or _("not known")), *choices]


def _recruiters(pledge: Pledge, recruiters: Mapping[str, str]) -> Choices:
    current = recruiter_label(
        pledge.recruiter_uuid, pledge.recruiter_name, pledge.recruiter_identifier
    )
    keep = _("Keep: %(name)s") % {"name": current or _("not known")}
    others = dict(recruiters)
    others.pop(str(pledge.recruiter_uuid), None)
    return [("", keep), *others.items()]


def _on_a_form(stored: Any) -> Any:
    return localtime(stored).date() if isinstance(stored, datetime) else stored


def _read_back(column: str, value: Any) -> Any:
    """A value from the form as the mirror has it; none where it is empty, or was meddled with."""
    try:
        return messages.restored(column, value) or None
    except (ArithmeticError, ValueError):
        return None


def _is_as_shown(column: str, wanted: Any, shown: Any) -> bool:
    if column == "recruiter_uuid" and wanted is None:
        return True  # 'keep'
    if isinstance(wanted, datetime) and isinstance(shown, datetime):
        return wanted.date() == localtime(shown).date()  # a form shows days
    return bool(wanted == (shown.strip() if isinstance(shown, str) else shown))


class StatusForm(ReasonedForm):
    """Which status a pledge is to get: those for which settings name an action of TapRaise's."""

    status = forms.ChoiceField(
        label=_("New status"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the new status.")},
    )

    field_order = ("status", "reason")

    def __init__(self, *args: Any, statuses: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "status", statuses)


# ── A new pledge ──────────────────────────────────────────────────────────────────────────────────


class NewPledgeForm(ReasonedForm):
    """A new pledge for a person who asks for it, managed in TapRaise, or as it is elsewhere.

    `wish` holds it once the form is valid.
    """

    owning_organization = forms.ChoiceField(label=_("To"))
    initial_donation_amount = EuroField(
        label=_("Amount in euros"), error_messages={"required": _("Write the amount.")}
    )
    initial_donation_interval = forms.ChoiceField(
        label=_("Interval"), error_messages={"required": _("Choose how often.")}
    )
    starts_at = DayField(label=_("Start"), error_messages={"required": _("Write the first day.")})
    ends_at = DayField(label=_("End"), required=False, help_text=_("Empty: without an end."))
    preferred_payment_day = forms.TypedChoiceField(
        label=_("Payment day"), required=False, coerce=int, empty_value=None
    )
    recruiting_organization = forms.ChoiceField(
        label=_("Recruited by"), error_messages={"required": _("Choose who recruited.")}
    )
    recruiter = forms.TypedChoiceField(
        label=_("Recruiter"),
        coerce=uuid.UUID,
        error_messages={"required": _("Choose a recruiter.")},
    )
    recruitment_type = forms.ChoiceField(label=_("Recruited where"), required=False)
    recruiting_location_label = forms.CharField(
        label=_("Location"), required=False, max_length=LONGEST_LABEL
    )
    focus_areas = forms.MultipleChoiceField(
        label=_("Focus"), required=False, widget=forms.CheckboxSelectMultiple
    )

    external_source_name = forms.CharField(
        label=_("Managed in"), required=False, max_length=LONGEST_LABEL
    )
    external_source_identifier = forms.CharField(
        label=_("Identifier there"), required=False, max_length=LONGEST_LABEL
    )
    status = forms.ChoiceField(label=_("Status"), required=False)
    donation_amount = EuroField(label=_("Amount now, in euros"), required=False)
    donation_interval = forms.ChoiceField(label=_("Interval now"), required=False)
    external_metadata = FactsField(label=_("Other facts from there"), required=False)
    released_at = DayField(label=_("Released"), required=False)
    dropped_at = DayField(label=_("Dropped"), required=False)
    cancelled_at = DayField(label=_("Cancelled"), required=False)
    cancellation_reason = forms.ChoiceField(label=_("Why cancelled"), required=False)
    cancellation_note = forms.CharField(label=_("Note about it"), required=False, max_length=300)

    # Each with its two parts on a page of its own making.
    MAIN = (
        "initial_donation_amount",
        "initial_donation_interval",
        "starts_at",
        "ends_at",
        "preferred_payment_day",
        "recruitment_type",
        "recruiting_organization",
        "recruiter",
        "recruiting_location_label",
    )
    SOURCE = ("external_source_name", "external_source_identifier")
    ONLY_ELSEWHERE = (
        "status",
        "donation_amount",
        "donation_interval",
        "external_metadata",
        "released_at",
        "dropped_at",
        "cancelled_at",
        "cancellation_reason",
        "cancellation_note",
    )

    def __init__(self, *args: Any, offer: NewPledgeOffer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer = offer
        intervals = [(interval.value, interval.label) for interval in Pledge.Interval]
        _offer(self, "owning_organization", offer.owners)
        _offer(self, "recruiting_organization", [CHOOSE, *offer.recruiting_organizations])
        _offer(self, "recruiter", [CHOOSE, *offer.recruiters])
        self.fields["recruiter"].initial = offer.own_recruiter
        _offer(self, "initial_donation_interval", [CHOOSE, *intervals])
        _offer(self, "donation_interval", [NOT_TOLD, *intervals])
        _offer(self, "preferred_payment_day", [NOT_TOLD, *((n, str(n)) for n in PAYMENT_DAYS)])
        _offer(self, "recruitment_type", [NOT_TOLD, *Pledge.RecruitmentType.choices])
        _offer(self, "status", [NOT_TOLD, *Pledge.Status.choices])
        _offer(self, "cancellation_reason", [NOT_TOLD, *CANCELLATION_REASONS.items()])
        if offer.focus_areas:
            _offer(self, "focus_areas", offer.focus_choices)
        else:
            del self.fields["focus_areas"]

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.MAIN]

    @property
    def focus_groups(self) -> list[tuple[str, list[BoundWidget]]]:
        """The ticks, each under its organisation, which is named where there is more than one."""
        ticks = iter(self["focus_areas"])
        names = dict(self.offer.owners) if len(self.offer.focus_areas) > 1 else {}
        return [
            (names.get(owner, ""), [next(ticks) for _area in areas])
            for owner, areas in self.offer.focus_areas.items()
        ]

    @property
    def source_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in (*self.SOURCE, *self.ONLY_ELSEWHERE)]

    @property
    def is_elsewhere(self) -> bool:
        """Whether anything was filled in that is about another system."""
        return any(field.data for field in self.source_fields)

    def chosen(self, name: str) -> str:
        """The words of what was chosen, once the form is valid."""
        words = dict(cast("Choices", cast("forms.ChoiceField", self.fields[name]).choices))
        return str(words[str(self.cleaned_data[name])])

    @property
    def chosen_focus(self) -> str:
        known = self.offer.focus_areas.get(self.cleaned_data["owning_organization"], {})
        return ", ".join(known[area] for area in self.cleaned_data.get("focus_areas", ()))

    def clean_focus_areas(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["focus_areas"]
        known = self.offer.focus_areas.get(self.cleaned_data.get("owning_organization", ""), {})
        if any(area not in known for area in chosen):
            raise ValidationError(_("Choose a focus of the organisation that the pledge is to."))
        return chosen

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_at, ends_at = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts_at and ends_at and ends_at < starts_at:
            self.add_error("ends_at", _("The end lies before the start."))
        told = [name for name in self.SOURCE if cleaned.get(name)]
        if len(told) == 1:
            missing = next(name for name in self.SOURCE if name not in told)
            self.add_error(missing, _("System and identifier go together."))
        if not told:
            for name in self.ONLY_ELSEWHERE:
                if cleaned.get(name):
                    self.add_error(name, _("Only for a pledge that another system manages."))
        if cleaned.get("cancellation_note") and not cleaned.get("cancellation_reason"):
            self.add_error("cancellation_reason", _("Choose the reason that the note is about."))
        return cleaned

    @property
    def wish(self) -> messages.NewPledgeWish:
        cleaned = self.cleaned_data
        return messages.NewPledgeWish(
            owning_organization_uuid=uuid.UUID(cleaned["owning_organization"]),
            recruiting_organization_uuid=uuid.UUID(cleaned["recruiting_organization"]),
            recruiter_user_uuid=cleaned["recruiter"],
            focus_area_uuids=tuple(uuid.UUID(area) for area in cleaned.get("focus_areas", ())),
            **{
                name: cleaned[name]
                for name in (*self.MAIN, *self.SOURCE, *self.ONLY_ELSEWHERE)
                if name in WISHED
            },
        )
