"""What a donor says that a detail is, checked as far as it can be checked without asking anybody.

Each form cleans to texts by field, as `Correction.now` keeps them, and has a remark for the eye:
how the number is written, which bank the account is at. A form validates and never saves.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from pledges.corrections import as_it_was
from pledges.models import Correction, Person, Pledge
from pledges.phone import as_spoken, e164

# Four digits of which the first is no nought, and two letters that are not these three pairs.
POSTCODE: Final = re.compile(r"([1-9]\d{3})\s*(?!SA|SD|SS)([A-Z]{2})", re.ASCII)
NUMBER: Final = re.compile(r"[1-9]\d{0,4}", re.ASCII)
DAYS: Final = range(1, 29)
OLDEST: Final = 1900
HOME: Final = "NL"


class CorrectionForm(forms.Form):
    """One detail. Its fields are named after the detail on the page: address-street."""

    item: ClassVar[str]
    use_required_attribute = False

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, person: Person, pledge: Pledge | None
    ) -> None:
        super().__init__(data, prefix=self.item)
        self.person = person
        # What is read out anyway is there to be put right; the masked is typed from nothing.
        self.was = as_it_was(self.item, person, pledge)
        if self.item not in (Correction.Item.ACCOUNT, Correction.Item.DATE_OF_BIRTH):
            self.initial = dict(self.was)

    @property
    def is_filled(self) -> bool:
        """Whether anything was typed that did not stand there."""
        return self.is_bound and self.has_changed()

    @property
    def now(self) -> dict[str, str]:
        """Once it is valid: what the donor says, by field."""
        return {name: str(value or "") for name, value in self.cleaned_data.items()}

    @property
    def remark(self) -> str:
        """Once it is valid: what it comes to, for the eye."""
        return ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and {n: str(v or "") for n, v in cleaned.items()} == self.was:
            raise ValidationError(_("This is what stands there already."))
        return cleaned


class NameForm(CorrectionForm):
    item = Correction.Item.NAME
    initials = forms.CharField(label=gettext_lazy("Initials"), max_length=30, required=False)
    last_name_prefix = forms.CharField(label=gettext_lazy("Prefix"), max_length=30, required=False)
    last_name = forms.CharField(
        label=gettext_lazy("Last name"),
        max_length=100,
        error_messages={"required": gettext_lazy("Write the last name.")},
    )


class DateOfBirthForm(CorrectionForm):
    item = Correction.Item.DATE_OF_BIRTH
    date_of_birth = forms.DateField(
        label=gettext_lazy("Date of birth"),
        input_formats=["%d-%m-%Y", "%d/%m/%Y"],
        widget=forms.TextInput(attrs={"inputmode": "numeric", "placeholder": "31-12-1980"}),
        error_messages={
            "required": gettext_lazy("Write the date of birth."),
            "invalid": gettext_lazy("Write the day as day-month-year, such as 31-12-1980."),
        },
    )

    def clean_date_of_birth(self) -> date:
        day: date = self.cleaned_data["date_of_birth"]
        if day.year < OLDEST or day > localdate():
            raise ValidationError(_("Look at the year: nobody was born then."))
        return day


class AddressForm(CorrectionForm):
    item = Correction.Item.ADDRESS
    zip_code = forms.CharField(
        label=gettext_lazy("Postcode"),
        max_length=12,
        error_messages={"required": gettext_lazy("Write the postcode.")},
    )
    house_number = forms.CharField(
        label=gettext_lazy("Number"),
        max_length=10,
        error_messages={"required": gettext_lazy("Write the house number.")},
    )
    house_number_extension = forms.CharField(
        label=gettext_lazy("Extension"), max_length=10, required=False
    )
    street = forms.CharField(
        label=gettext_lazy("Street"),
        max_length=100,
        error_messages={"required": gettext_lazy("Write the street.")},
    )
    city = forms.CharField(
        label=gettext_lazy("City"),
        max_length=100,
        error_messages={"required": gettext_lazy("Write the city.")},
    )

    def clean_zip_code(self) -> str:
        typed: str = self.cleaned_data["zip_code"].upper()
        if (self.person.country or HOME) != HOME:
            return typed
        found = POSTCODE.fullmatch(typed)
        if found is None:
            raise ValidationError(_("A Dutch postcode is four digits and two letters: 1234 AB."))
        return f"{found[1]} {found[2]}"

    def clean_house_number(self) -> str:
        typed: str = self.cleaned_data["house_number"]
        if (self.person.country or HOME) == HOME and NUMBER.fullmatch(typed) is None:
            raise ValidationError(
                _("A house number is a number; what follows it goes under extension.")
            )
        return typed


class PhoneForm(CorrectionForm):
    item = Correction.Item.PHONE
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Write the phone number.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # There may be two, and the donor names one: it is typed from nothing.
        self.initial = {}

    def clean_phone(self) -> str:
        number = e164(self.cleaned_data["phone"], self.person.country)
        if number is None:
            raise ValidationError(_("This is no phone number. A foreign one begins with +."))
        if number in self.person.phone_keys:
            raise ValidationError(_("This is what stands there already."))
        return number

    @property
    def remark(self) -> str:
        return as_spoken(self.cleaned_data["phone"])


class EmailForm(CorrectionForm):
    item = Correction.Item.EMAIL
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off"}),
        error_messages={
            "required": gettext_lazy("Write the e-mail address."),
            "invalid": gettext_lazy("This is no e-mail address: it needs a name, an @ and a dot."),
        },
    )


class PaymentDayForm(CorrectionForm):
    item = Correction.Item.PAYMENT_DAY
    preferred_payment_day = forms.TypedChoiceField(
        label=gettext_lazy("Payment day"),
        choices=[("", gettext_lazy("choose")), *((str(n), str(n)) for n in DAYS)],
        error_messages={"required": gettext_lazy("Choose the day of the month.")},
    )


class AccountForm(CorrectionForm):
    item = Correction.Item.ACCOUNT
    iban = forms.CharField(
        label=gettext_lazy("Account number (IBAN)"),
        max_length=42,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Write the account number.")},
    )

    def clean_iban(self) -> str:
        try:
            found = IBAN(self.cleaned_data["iban"], validate_bban=True)
        except SchwiftyException:
            raise ValidationError(
                _("This account number is not right. Have the donor say it once more.")
            ) from None
        return str(found.compact)

    @property
    def remark(self) -> str:
        found = IBAN(self.cleaned_data["iban"])
        return " · ".join(filter(None, (found.formatted, found.bank_name)))


FORMS: Final[Mapping[str, type[CorrectionForm]]] = {
    form.item: form
    for form in (
        NameForm,
        DateOfBirthForm,
        AddressForm,
        PhoneForm,
        EmailForm,
        PaymentDayForm,
        AccountForm,
    )
}
