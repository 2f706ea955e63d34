"""What a supervisor fills in about calls: a new one, and the end of one. Checks and never saves.

Times are typed as people here write them and read as Amsterdam's; they clean to aware UTC.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.two_steps import TwoStepForm
from calls.forms import LONGEST_NOTES, NOT_ASKED, RATINGS
from calls.models import Call, ResultCode, TakenAway
from pledges.fields import FactsField, LinesField
from pledges.models import Objection, Organization, Person, Pledge, in_euros

# The applications in which TapRaise's documents say that a call may be managed, itself left out.
APPLICATIONS = [(name, name) for name in ("4dmc", "basicall", "kalff", "twilio")]


class MomentField(forms.DateTimeField):
    """A moment on the Dutch clock, typed as 22-11-2026 14:03. Cleans to UTC."""

    widget = forms.DateTimeInput(format="%d-%m-%Y %H:%M", attrs={"autocomplete": "off"})
    default_error_messages = {  # noqa: RUF012 (Django's own way to add messages to a field)
        "invalid": _("Write a date and a time, such as 22-11-2026 14:03."),
        "ambiguous_timezone": _(
            "The clock changes that night: this time does not exist, or exists twice. Choose "
            "another."
        ),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%d-%m-%Y %H:%M"], **options)

    def to_python(self, value: Any) -> datetime | None:
        try:
            moment = super().to_python(value)
        except ValidationError as problem:
            code = problem.code if problem.code in self.error_messages else "invalid"
            raise ValidationError(self.error_messages[str(code)], code=code) from None
        return None if moment is None else moment.astimezone(UTC)


# ── The end of a call ─────────────────────────────────────────────────────────────────────────────


class ObjectionForm(TwoStepForm):
    """What a donor does not want any more, told outside a call."""

    channel = forms.ChoiceField(
        label=_("The donor wants to"), choices=Objection.Channel.choices, widget=forms.RadioSelect
    )
    reason = forms.ChoiceField(label=_("Why?"), choices=Objection.Reason.choices)
    source = forms.ChoiceField(
        label=_("How did it come in?"),
        choices=Objection.Source.choices,
        initial=Objection.Source.LETTER,
    )


class LiftingForm(TwoStepForm):
    """Why a donor may be reached again after all."""

    reason = forms.CharField(
        label=_("Why it is lifted"),
        max_length=300,
        help_text=_("Stays on record with your name. Name no donor here."),
        error_messages={"required": _("Write why it is lifted.")},
    )


class TakingAwayForm(TwoStepForm):
    """Why a call is taken out of somebody's hands. `hold` is the one that was shown."""

    hold = forms.IntegerField(widget=forms.HiddenInput, min_value=1, required=False)
    reason = forms.ChoiceField(
        label=_("Why"),
        choices=TakenAway.Reason.choices,
        widget=forms.RadioSelect,
        help_text=_("Whoever has the call now sees this, with your name."),
        error_messages={"required": _("Choose why.")},
    )


class EndingForm(TwoStepForm):
    """Why a call is ended. The reason stays here: TapRaise takes none."""

    reason = forms.CharField(
        label=_("Why?"),
        max_length=300,
        help_text=_("Colleagues read this on the page of the call. TapRaise does not get it."),
        error_messages={"required": _("Write why, in a few words.")},
    )


class ExpiryForm(EndingForm):
    """From when a call counts as expired; empty is now."""

    expired_at = MomentField(
        label=_("Expires at"),
        required=False,
        help_text=_("As dd-mm-yyyy hh:mm. Leave it empty for now."),
    )
    field_order = ("token", "expired_at", "reason")

    def __init__(self, *args: Any, call: Call, **options: Any) -> None:
        super().__init__(*args, **options)
        self.call = call

    def clean_expired_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["expired_at"]
        if moment is not None and moment < self.call.requested_at:
            requested = date_format(localtime(self.call.requested_at), "DATETIME_FORMAT")
            raise ValidationError(
                _("This call was requested at %(moment)s: it cannot expire before that."),
                params={"moment": requested},
            )
        return moment


# ── A new call ────────────────────────────────────────────────────────────────────────────────────


class PledgeChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        words = f"{in_euros(obj.donation_amount)} {obj.interval_words}, {obj.status_words}"
        if obj.external_source_name:
            managed = _("managed in %(source)s") % {"source": obj.external_source_name}
            words = f"{words}, {managed}"
        return words


class CallForm(TwoStepForm):
    """What every new call has, wherever it is managed. Offers what this user may see."""

    pledge = PledgeChoice(
        label=_("About which pledge?"),
        queryset=Pledge.objects.none(),
        required=False,
        empty_label=_("None: it is about the donor"),
        error_messages={"invalid_choice": _("Choose one of the pledges of this donor.")},
    )
    calling_organization = forms.ModelChoiceField(
        label=_("Who calls?"),
        queryset=Organization.objects.none(),
        required=False,
        empty_label=_("Nobody is named yet"),
        error_messages={"invalid_choice": _("Choose one of these organisations.")},
    )
    notes = forms.CharField(
        label=_("Notes for who calls"),
        required=False,
        max_length=LONGEST_NOTES,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self, *args: Any, user: User, person: Person, at: datetime, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.at = at
        self.person = person
        self._field("pledge").queryset = (
            Pledge.objects.visible_to(user)
            .filter(person=person, fetched_at__isnull=False, gone_at=None)
            .order_by("-created_at", "-pk")
        )
        self._field("calling_organization").queryset = _callers(user)

    @property
    def is_sent(self) -> bool:
        """Then the action has the last word, which knows a form that was sent before."""
        return "send" in self.data

    def _field(self, name: str) -> forms.ModelChoiceField:  # type: ignore[type-arg]
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 (declared so above)
        return field


class NewCallForm(CallForm):
    """A call that is managed in TapRaise, and made by who is named."""

    type = forms.ChoiceField(
        label=_("What is it for?"),
        choices=Call.Type.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the type of call.")},
    )
    field_order = ("token", "type", "pledge", "calling_organization", "notes")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        caller = self._field("calling_organization")
        caller.initial = _callers(options["user"]).filter(is_ours=True).first()

    def clean_type(self) -> str:
        kind: str = self.cleaned_data["type"]
        known = Call.objects.open().filter(person=self.person, type=kind)
        if not self.is_sent and known.exists():
            raise ValidationError(_("This donor has an open call of this type already."))
        return kind


class CallElsewhereForm(CallForm):
    """A call that another application manages: TapRaise keeps it, and nobody here changes it."""

    application_name = forms.ChoiceField(
        label=_("Managed in"),
        choices=[("", _("Choose an application")), *APPLICATIONS],
        error_messages={"required": _("Choose the application that manages this call.")},
    )
    reference_id = forms.CharField(
        label=_("Reference there"),
        max_length=200,
        error_messages={"required": _("Write the reference of this call in that application.")},
    )
    agent_reference_id = forms.CharField(
        label=_("Reference of the agent there"),
        max_length=200,
        error_messages={"required": _("Write the reference of the agent in that application.")},
    )
    status_code = forms.CharField(
        label=_("Status code there"),
        max_length=200,
        error_messages={"required": _("Write the status code of that application.")},
    )
    status_description = forms.CharField(
        label=_("Status there, in words"),
        max_length=1000,
        error_messages={"required": _("Write what that status code means.")},
    )
    additional_properties = FactsField(label=_("Other facts from there"), required=False)
    status = forms.ChoiceField(
        label=_("How does the call stand?"),
        choices=Call.Status.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how the call stands.")},
    )
    requested_at = MomentField(
        label=_("Requested at"),
        required=False,
        help_text=_("As dd-mm-yyyy hh:mm. Leave it empty for now."),
    )
    ended_at = MomentField(
        label=_("Ended at"),
        required=False,
        help_text=_("As dd-mm-yyyy hh:mm, for a completed or a cancelled call."),
    )
    attempts = LinesField(
        label=_("Attempts"),
        required=False,
        help_text=_("One a line, as dd-mm-yyyy hh:mm."),
    )
    result_code = forms.ChoiceField(
        label=_("Result"),
        required=False,
        choices=[("", _("No result")), *ResultCode.choices],
    )
    result_rating = forms.ChoiceField(
        label=_("Retention rating"), required=False, choices=[("", _("No rating")), *RATINGS]
    )
    result_notes = forms.CharField(
        label=_("Notes of the result"),
        required=False,
        max_length=LONGEST_NOTES,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_attempts(self) -> list[datetime]:
        return sorted(self._moments(self.cleaned_data["attempts"]))

    def clean_requested_at(self) -> datetime | None:
        return self._past("requested_at")

    def clean_ended_at(self) -> datetime | None:
        return self._past("ended_at")

    def _past(self, name: str) -> datetime | None:
        moment: datetime | None = self.cleaned_data[name]
        if moment is not None and moment > self.at:
            raise ValidationError(_("This moment has not come yet."))
        return moment

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._check_is_new(cleaned)
        status = cleaned.get("status")
        if status == Call.Status.COMPLETED:
            self._ask_for_result(cleaned)
        elif status:
            self._refuse_result(cleaned)
        self._check_end(status, cleaned)
        rating = cleaned.get("result_rating")
        # From here on a number; None says 'not asked' of a completed call.
        cleaned["result_rating"] = int(rating) if rating not in ("", None, NOT_ASKED) else None
        return cleaned

    def _check_is_new(self, cleaned: dict[str, Any]) -> None:
        if self.is_sent:
            return
        known = Call.objects.filter(
            external_application=cleaned.get("application_name"),
            external_reference=cleaned.get("reference_id"),
        )
        if cleaned.get("application_name") and cleaned.get("reference_id") and known.exists():
            self.add_error("reference_id", _("TapRaise has a call with this reference already."))

    def _moments(self, lines: list[tuple[int, str]]) -> Iterator[datetime]:
        field = MomentField()
        for number, line in lines:
            try:
                moment = field.to_python(line)
            except ValidationError as problem:
                raise ValidationError(
                    _("Line %(number)s: %(why)s"),
                    params={"number": number, "why": problem.messages[0]},
                ) from None
            if moment is not None and moment > self.at:
                raise ValidationError(
                    _("Line %(number)s: this moment has not come yet."), params={"number": number}
                )
            if moment is not None:
                yield moment

    def _ask_for_result(self, cleaned: dict[str, Any]) -> None:
        missing = {
            "result_code": _("A completed call has a result. Choose it."),
            "result_rating": _("Choose a rating, or 'not asked'."),
            "result_notes": _("A completed call has notes of its result. Write them."),
        }
        for name, sentence in missing.items():
            if name in cleaned and not cleaned[name]:
                self.add_error(name, sentence)

    def _refuse_result(self, cleaned: dict[str, Any]) -> None:
        for name in ("result_code", "result_rating", "result_notes"):
            if cleaned.get(name):
                self.add_error(name, _("Only a completed call has a result. Empty this."))

    def _check_end(self, status: str | None, cleaned: dict[str, Any]) -> None:
        if status is None or "ended_at" not in cleaned:
            return
        ended_at = cleaned["ended_at"]
        has_end = status in (Call.Status.COMPLETED, Call.Status.CANCELLED)
        if has_end and ended_at is None:
            self.add_error("ended_at", _("Write when the call ended."))
        elif ended_at and status == Call.Status.EXPIRED:
            self.add_error("ended_at", _("TapRaise takes no moment for this. Empty it."))
        elif ended_at and not has_end:
            self.add_error("ended_at", _("A call that is still to be made has not ended."))
        elif (
            ended_at
            and "requested_at" in cleaned
            and ended_at < (cleaned["requested_at"] or self.at)
        ):
            self.add_error("requested_at", _("Write when the call was requested: before it ended."))
        elif ended_at and any(moment > ended_at for moment in cleaned.get("attempts", ())):
            self.add_error("attempts", _("One of these attempts comes after the end of the call."))


def _callers(user: User) -> "QuerySet[Organization]":
    """Who may be named as the caller: only those whose calls this user sees afterwards."""
    return user.organizations.order_by("-is_ours", "name", "pk")
