"""What the search takes in: one box. Says what its words may mean, and never looks anything up."""

from django import forms
from django.utils.translation import gettext_lazy as _

from pledges.finding import LONGEST, Wanted, read


class SearchForm(forms.Form):
    """A phone number, a name, a postcode, a number of TapRaise's or a reference of elsewhere."""

    use_required_attribute = False

    query = forms.CharField(
        label=_("Phone number, name, postcode or number"),
        max_length=LONGEST,
        error_messages={"required": _("Write what you are looking for.")},
        help_text=_(
            "06 12 34 56 78 · Van der Berg · 1234 AB 12 · the number of a call or a pledge · the "
            "reference of another application"
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "type": "search"}
        ),
    )

    def clean_query(self) -> Wanted:
        typed: str = self.cleaned_data["query"]
        if "@" in typed:
            raise forms.ValidationError(
                _("No donor is found by e-mail address: use a last name, phone number or postcode.")
            )
        wanted = read(typed)
        if wanted is None:
            raise forms.ValidationError(_("Write at least two letters or digits."))
        return wanted
