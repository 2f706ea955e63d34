"""What a supervisor writes to the floor: it validates and never saves."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django import forms
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.two_steps import TwoStepForm
from calls.models.floor import LONGEST_MESSAGE
from calls.ordering import midnight_after
from pledges.models import Organization


class FloorMessageForm(TwoStepForm):
    """A short message, for whom, and until when; `until_at` is what that comes to."""

    ALL: Final = "all"
    HOUR, TODAY, TIME = "hour", "today", "time"
    CALM, URGENT = "calm", "urgent"

    text = forms.CharField(
        label=_("Message"),
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Two sentences at most. Name no donors in it."),
        error_messages={"required": _("Write what you want to tell.")},
    )
    organization = forms.ChoiceField(label=_("For the agents of"))
    until = forms.ChoiceField(
        label=pgettext_lazy("a message is shown", "Until"),
        choices=[
            (HOUR, _("an hour from now")),
            (TODAY, _("the end of today")),
            (TIME, _("a time of today")),
        ],
        widget=forms.RadioSelect,
        initial=HOUR,
        error_messages={"required": _("Choose until when it holds.")},
    )
    time = forms.TimeField(
        label=_("Which time today"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    tone = forms.ChoiceField(
        label=_("How"),
        choices=[(CALM, _("calm")), (URGENT, _("urgent"))],
        widget=forms.RadioSelect,
        initial=CALM,
        error_messages={"required": _("Choose how it is shown.")},
    )

    def __init__(
        self, *args: Any, organizations: Iterable[Organization], at: datetime, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.organizations = {str(one.pk): one for one in organizations}
        self.at = at
        named = [(key, str(one)) for key, one in self.organizations.items()]
        everybody = [(self.ALL, _("all your organisations"))]
        choice = cast("forms.ChoiceField", self.fields["organization"])
        choice.choices = named if len(named) == 1 else [*everybody, *named]

    @property
    def addressed(self) -> Sequence[Organization]:
        chosen = self.cleaned_data["organization"]
        everybody = list(self.organizations.values())
        return everybody if chosen == self.ALL else [self.organizations[chosen]]

    @property
    def chosen(self) -> str:
        """How the moment was asked for."""
        until, time = self.cleaned_data["until"], self.cleaned_data.get("time")
        return f"{until} {time:%H:%M}" if until == self.TIME else str(until)

    @property
    def is_urgent(self) -> bool:
        return bool(self.cleaned_data["tone"] == self.URGENT)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        until, time = cleaned.get("until"), cleaned.get("time")
        if until == self.HOUR:
            cleaned["until_at"] = self.at + timedelta(hours=1)
        elif until == self.TODAY:
            cleaned["until_at"] = midnight_after(self.at, days=1)
        elif until == self.TIME and time is None and "time" not in self.errors:
            self.add_error("time", _("Fill in a time, as 14:30."))
        elif until == self.TIME and time is not None:
            moment = localtime(self.at).replace(
                hour=time.hour, minute=time.minute, second=0, microsecond=0
            )
            if moment <= self.at:
                self.add_error("time", _("That time is over today. Choose one that is to come."))
            cleaned["until_at"] = moment
        return cleaned
