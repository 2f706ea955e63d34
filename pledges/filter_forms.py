"""What narrows a list, and what a supervisor says of an amount that was seen. Checks, never saves.

A filter stands in the address. What is no filter is told beside its field and narrows nothing.
"""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.two_steps import TwoStepForm
from pledges.follow_up import Filters, Which
from pledges.forms import Choices, DayField, EuroField
from pledges.models import Correction, Organization, PayLink, in_euros


class PayLinkFilterForm(forms.Form):
    """Which PayLinks, of which organisation, made when."""

    use_required_attribute = False

    state = forms.ChoiceField(choices=Which.choices, required=False, widget=forms.HiddenInput)
    organization = forms.ChoiceField(label=_("Organisation"), required=False)
    made_from = DayField(label=_("Made from"), required=False)
    made_until = DayField(label=_("Made until"), required=False)

    def __init__(self, data: QueryDict, *, organizations: Sequence[Organization]) -> None:
        super().__init__(data)
        mine = [(str(one.pk), str(one)) for one in organizations]
        _offer(self, "organization", [("", _("all")), *mine])

    @property
    def filters(self) -> Filters:
        """What was asked for, as far as it can be read."""
        self.is_valid()
        asked = self.cleaned_data
        day_from, day_until = asked.get("made_from"), asked.get("made_until")
        return Filters(
            which=Which(asked.get("state") or Which.UNPAID),
            organization=UUID(asked["organization"]) if asked.get("organization") else None,
            made_from=day_from.date() if day_from else None,
            made_until=day_until.date() if day_until else None,
        )


class CorrectionFilterForm(forms.Form):
    """Corrections in which state, of which organisation. Open ones, unless asked otherwise."""

    use_required_attribute = False

    state = forms.ChoiceField(
        choices=[("all", _("all")), *Correction.State.choices],
        required=False,
        widget=forms.HiddenInput,
    )
    organization = forms.ChoiceField(label=_("Organisation"), required=False)

    def __init__(self, data: QueryDict, *, organizations: Sequence[Organization]) -> None:
        super().__init__(data)
        mine = [(str(one.pk), str(one)) for one in organizations]
        _offer(self, "organization", [("", _("all")), *mine])
        self.is_valid()
        chosen = self.cleaned_data.get("state") or Correction.State.OPEN.value
        # Empty: whatever state they are in.
        self.chosen_state = "" if chosen == "all" else chosen
        self.chosen_organization: str | None = self.cleaned_data.get("organization") or None


class AgreeAmountsForm(TwoStepForm):
    """Which PayLink was opened, and the amount that its page asked for."""

    pay_link = forms.ChoiceField(
        label=_("Which PayLink did you open?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the one that you opened.")},
    )
    seen = EuroField(
        label=_("The amount on its page"),
        help_text=_("As it stands there, such as 1,54. Write what you see, not what you expect."),
        error_messages={"required": _("Write the amount that you saw.")},
    )

    def __init__(self, *args: Any, pay_links: Sequence[PayLink], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pay_links = {str(one.pk): one for one in pay_links}
        _offer(self, "pay_link", [(pk, _when(one)) for pk, one in self.pay_links.items()])

    @property
    def chosen(self) -> PayLink:
        """The one that was opened, once the form is valid."""
        return self.pay_links[self.cleaned_data["pay_link"]]

    def clean_seen(self) -> Any:
        seen = self.cleaned_data["seen"]
        made_for = self.pay_links.get(self.cleaned_data.get("pay_link", ""))
        if made_for is not None and seen != made_for.amount:
            raise ValidationError(
                _(
                    "It was made for %(amount)s. If its page really asks for another amount, let "
                    "nobody pay and tell whoever runs Belbord: amounts do not arrive as they are "
                    "meant."
                ),
                params={"amount": in_euros(made_for.amount)},
            )
        return seen


def _when(pay_link: PayLink) -> str:
    """Which one it is, without the amount: that is for who opens it to say."""
    moment = date_format(localtime(pay_link.at), "DATETIME_FORMAT")
    return gettext("%(reference)s, made %(moment)s") % {
        "reference": pay_link.invoice_reference,
        "moment": moment,
    }


def _offer(form: forms.Form, name: str, choices: Choices) -> None:
    cast("forms.ChoiceField", form.fields[name]).choices = choices
