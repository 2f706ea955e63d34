"""What narrows the pages of insight: it stands in the address. Checks, never saves.

What is no filter is told beside its field, and no number and no file is made of it: a link that
somebody broke off must not read as an answer.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from calls.insight.asked import MOST, Asked, usual_days
from calls.insight.gates import AskedOfGates, Per
from calls.models import Call, GateCount
from pledges.forms import DayField
from pledges.models import Organization
from pledges.quality import GATES, gate_in_words

NONE_OF_THESE = {"invalid_choice": _("Choose one from this list.")}


class InsightForm(forms.Form):
    """Which days, of which organisation, what type, by whom."""

    use_required_attribute = False

    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("Up to and including"), required=False)
    organization = forms.ChoiceField(
        label=_("Organisation"), required=False, error_messages=NONE_OF_THESE
    )
    type = forms.ChoiceField(label=_("Type"), required=False, error_messages=NONE_OF_THESE)
    agent = forms.ChoiceField(label=_("Agent"), required=False, error_messages=NONE_OF_THESE)

    def __init__(
        self,
        data: QueryDict,
        *,
        organizations: Sequence[Organization],
        agents: Sequence[User],
        today: date,
    ) -> None:
        self.usual = usual_days(today)
        # The fields show the days that are meant where none are given.
        shown = data.copy()
        for name, day in zip(("since", "until"), self.usual, strict=True):
            if not data.get("since") and not data.get("until"):
                shown[name] = f"{day:%d-%m-%Y}"
        super().__init__(shown)
        _offer(self, "organization", [(str(one.pk), str(one)) for one in organizations])
        _offer(self, "type", Call.Type.choices)
        _offer(self, "agent", [(str(one.pk), one.spoken_name) for one in agents])

    def clean(self) -> None:
        since, until = (self.cleaned_data.get(name) for name in ("since", "until"))
        if since is None or until is None:
            return
        if since > until:
            self.add_error("until", ValidationError(_("This day is before the first one.")))
        elif (until - since).days >= MOST:
            self.add_error("since", ValidationError(_("Choose two years at most.")))

    @property
    def refusal(self) -> str:
        """The first thing that is no filter, with the name of its field, as one sentence."""
        name, [words, *_others] = next(iter(self.errors.items()))
        return f"{self.fields[name].label or name}: {words}"

    @property
    def as_it_is(self) -> str:
        """This view as a query that says its days too, so that it is the same one tomorrow."""
        asked = self.asked
        told = {name: self.cleaned_data.get(name) for name in self.fields}
        told |= {"since": f"{asked.since:%d-%m-%Y}", "until": f"{asked.until:%d-%m-%Y}"}
        return urlencode({name: value for name, value in told.items() if value})

    @property
    def asked(self) -> Asked:
        """What was asked for, as far as it can be read."""
        self.is_valid()
        told = self.cleaned_data
        since, until = (
            told[name].date() if told.get(name) else None for name in ("since", "until")
        )
        if since is None and until is not None:
            since, until = usual_days(until)
        elif since is not None and until is None:
            until = max(since, self.usual[1])
        if since is None or until is None or self.errors.keys() & {"since", "until"}:
            since, until = self.usual
        return Asked(
            since=since,
            until=until,
            today=self.usual[1],
            organization=UUID(told["organization"]) if told.get("organization") else None,
            call_type=told.get("type") or None,
            agent=int(told["agent"]) if told.get("agent") else None,
        )


class GatesForm(InsightForm):
    """Which days pledges were recruited on, for which organisation; and what a line is about.

    Type and agent are not among them: neither has a part in what the gates find.
    """

    per = forms.ChoiceField(label=_("Each line"), required=False, error_messages=NONE_OF_THESE)
    gate = forms.ChoiceField(label=_("Quality gate"), required=False, error_messages=NONE_OF_THESE)
    recruiter = forms.CharField(
        required=False, max_length=GateCount.LONGEST, widget=forms.HiddenInput
    )
    location = forms.CharField(
        required=False, max_length=GateCount.LONGEST, widget=forms.HiddenInput
    )

    def __init__(self, data: QueryDict, **choices: Any) -> None:
        super().__init__(data, **choices)
        for name in ("type", "agent"):
            del self.fields[name]
        cast("forms.ChoiceField", self.fields["per"]).choices = [
            (value, label.capitalize()) for value, label in Per.choices
        ]
        named = [(gate, gate_in_words(gate).capitalize()) for gate in GATES]
        cast("forms.ChoiceField", self.fields["gate"]).choices = [("", _("any")), *named]

    @property
    def asked(self) -> AskedOfGates:
        asked = super().asked
        told = self.cleaned_data
        return AskedOfGates(
            since=asked.since,
            until=asked.until,
            today=asked.today,
            organization=asked.organization,
            per=Per(told.get("per") or Per.RECRUITER),
            gate=told.get("gate") or GateCount.WHOLE,
            recruiter=told.get("recruiter") or "",
            location=told.get("location") or "",
        )


def _offer(form: forms.Form, name: str, choices: Sequence[tuple[Any, Any]]) -> None:
    field = cast("forms.ChoiceField", form.fields[name])
    field.choices = [("", _("all")), *choices]
