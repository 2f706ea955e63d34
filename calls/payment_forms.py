"""What the payment panel takes in. A form validates and never saves.

The three stand on one page with the desk's own form, so each has a prefix, and a token of its own.
"""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.payments import Payments, ScriptOffer, usual_address, usual_amount
from pledges.actions import AmountOutOfBounds, NoAddressToTextTo, checked_address
from pledges.forms import EuroField, EuroInput
from pledges.models import MessageScript, in_euros
from pledges.models.payments import MOST_DAYS
from pledges.phone import as_spoken

SMS: Final = MessageScript.Medium.SMS
EMAIL: Final = MessageScript.Medium.EMAIL


class PanelForm(forms.Form):
    """One way to pay, of a panel that has several."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    use_required_attribute = False

    def __init__(self, typed: Any = None, *, payments: Payments, **kwargs: Any) -> None:
        super().__init__(typed, prefix=self.prefix, **kwargs)
        self.payments = payments
        self.initial.setdefault("token", uuid.uuid4())
        if self.is_bound:
            for field in self.fields.values():
                field.widget.attrs.pop("data-follows", None)
        # Words of a refusal that is about no field of its own.
        self.problem = ""

    def refuse(self, refusal: Exception, words: str) -> None:
        """Say what the action refused: beside the field that it is about, if there is one."""
        if isinstance(refusal, AmountOutOfBounds) and "amount" in self.fields:
            self.add_error("amount", words)
        else:
            self.problem = words

    def begin_with(self, typed: Mapping[str, Any]) -> None:
        """Show what somebody typed here while another form of the page was sent."""
        for name in self.fields.keys() - {"token"}:
            if self.add_prefix(name) in typed:
                self.initial[name] = typed[self.add_prefix(name)]

    def bounds(self) -> str:
        """Between which amounts, said before somebody tries."""
        return str(_("from %(smallest)s to %(largest)s")) % {
            "smallest": in_euros(self.payments.smallest),
            "largest": in_euros(self.payments.largest),
        }

    def check_bounds(self, amount: Decimal) -> Decimal:
        smallest, largest = self.payments.smallest, self.payments.largest
        if smallest is not None and largest is not None and not smallest <= amount <= largest:
            raise forms.ValidationError(
                _("The amount has to be %(bounds)s.") % {"bounds": self.bounds()}
            )
        return amount


class PayLinkForm(PanelForm):
    """A PayLink to show to the donor, or to read out."""

    prefix = "paylink"

    amount = EuroField(label=_("Amount (€)"), widget=EuroInput({"data-follows": "donation_amount"}))
    description = forms.CharField(
        label=_("Description"),
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": _("Say what the donor pays for.")},
    )
    days_visible = forms.IntegerField(
        label=_("Days to pay"),
        min_value=1,
        max_value=MOST_DAYS,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = self.payments.link_offer.rules
        if rules is not None:
            self.initial.update(
                amount=usual_amount(self.payments.call, rules),
                description=rules.description,
                days_visible=rules.days_visible,
            )

    def clean_amount(self) -> Decimal:
        return self.check_bounds(self.cleaned_data["amount"])


class MessageForm(PanelForm):
    """A text or an e-mail by a script of the organisation's; `to` is of the script's own kind."""

    prefix = "message"

    script = forms.ChoiceField(
        label=_("Message"),
        error_messages={
            "required": _("Choose a message."),
            "invalid_choice": _("This message cannot be sent now. Choose another one."),
        },
    )
    number = forms.CharField(
        label=_("To number"),
        required=False,
        max_length=40,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )
    address = forms.CharField(
        label=_("To address"),
        required=False,
        max_length=254,
        widget=forms.TextInput({"inputmode": "email", "autocomplete": "off"}),
    )
    amount = EuroField(
        label=_("Amount (€)"),
        required=False,
        widget=EuroInput({"data-follows": "donation_amount"}),
    )

    def __init__(self, *args: Any, is_done: bool = False, **kwargs: Any) -> None:
        """`is_done`: one was just sent, so that none is chosen: a second press sends nothing."""
        super().__init__(*args, **kwargs)
        person = self.payments.call.person
        self.offers = {one.key: one for one in self.payments.scripts}
        script: Any = self.fields["script"]
        reachable = [
            one for one in self.payments.sendable if usual_address(person, one.script.medium)
        ]
        first = next(iter(reachable or self.payments.sendable), None)
        # All of them: a form that was sent before is told so, whatever may be sent now.
        script.choices = [(pk, one.script.name) for pk, one in self.offers.items()]
        number = usual_address(person, SMS)
        self.initial.update(
            script=first.key if first and not is_done else "",
            number=as_spoken(number) if number else "",
            address=usual_address(person, EMAIL),
            amount=usual_amount(self.payments.call, self.payments.link_offer.rules),
        )

    @property
    def chosen(self) -> str:
        """The script that is shown as chosen."""
        return str(self["script"].value() or "")

    @property
    def not_sendable(self) -> list[tuple[str, str]]:
        """What may not be sent and why, but for what this form was refused for and says itself."""
        return [one for one in self.payments.not_sendable if one[1] != self.problem]

    @property
    def offer(self) -> ScriptOffer:
        """The chosen one, of a valid form."""
        return self.offers[self.cleaned_data["script"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        offer = self.offers.get(cleaned.get("script", ""))
        if offer is None:
            return cleaned
        field = "number" if offer.is_text else "address"
        cleaned["to"] = cleaned.get(field, "")
        if field not in self.errors:
            self._check_to(field, cleaned["to"], offer)
        if not offer.asks_amount:
            # What stands in a field that is not shown is not meant.
            self.errors.pop("amount", None)
            cleaned["amount"] = None
        elif "amount" not in self.errors:
            if cleaned.get("amount") is None:
                self.add_error("amount", _("Say which amount the donor is asked for."))
            else:
                try:
                    self.check_bounds(cleaned["amount"])
                except forms.ValidationError as refused:
                    self.add_error("amount", refused)
        return cleaned

    def _check_to(self, field: str, to: str, offer: ScriptOffer) -> None:
        if not to:
            self.add_error(field, _("Say to whom it goes."))
            return
        try:
            checked_address(offer.script.medium, to, person=self.payments.call.person)
        except NoAddressToTextTo as refused:
            self.add_error(field, refused.words)


class MandateForm(PanelForm):
    """An e-Mandate to show to the donor: there is nothing to fill in."""

    prefix = "mandate"
