"""What the search takes in: one box. Says what its words may mean, and never looks anything up."""

import re
import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.search import Wanted
from pledges.names import read_name, read_postcode, words_of
from pledges.phone import e164

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_HAS_LETTERS = re.compile(r"[^\W\d_]")
# What a phone puts before a number that is copied from it.
_TEL = re.compile(r"^\s*tel:", re.IGNORECASE)
# How a phone number begins: not how a name does.
_PART_OF_PHONE = re.compile(r"(?:\+|0)[\d().\-/]*", re.ASCII)
SHORTEST = 2


class SearchForm(forms.Form):
    """A phone number, a name, a postcode, a number of TapRaise's or a reference of elsewhere."""

    use_required_attribute = False

    query = forms.CharField(
        label=_("Phone number, name, postcode or number"),
        max_length=100,
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
        # Copied from somewhere, it may have braces, quotes or an address around it.
        numbers = set(_UUID.findall(typed))
        if len(numbers) == 1:
            return Wanted(typed, number=uuid.UUID(numbers.pop()))
        dialled = _TEL.sub("", typed)
        phone = None if _HAS_LETTERS.search(dialled) else e164(dialled, None)
        if phone:
            return Wanted(typed, phone=phone)
        if address := read_postcode(typed):
            return Wanted(typed, postcode=address[0], house_number=address[1])
        if "@" in typed:
            raise forms.ValidationError(
                _("No donor is found by e-mail address: use a last name, phone number or postcode.")
            )
        if len("".join(words_of(typed))) < SHORTEST:
            raise forms.ValidationError(_("Write at least two letters or digits."))
        parts = [bool(_PART_OF_PHONE.fullmatch(word)) for word in dialled.split()]
        if parts[0] and not _HAS_LETTERS.search(dialled):
            # It may still be what another application calls something.
            return Wanted(typed, is_part_of_phone=True)
        return Wanted(typed, names=read_name(typed), has_part_of_phone=any(parts))
