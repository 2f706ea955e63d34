"""What the page that takes people in from a file takes in. Checks and never saves."""

import json
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from accounts.two_steps import TwoStepForm
from pledges import people_file
from pledges.results import UnreadableFile


class PeopleFileForm(forms.Form):
    """A file with people. Cleans to what was read of it, as `found`."""

    use_required_attribute = False

    file = forms.FileField(
        label=_("File with people"),
        help_text=_(
            "CSV with the names of the columns on its first line; 1,000 people and 512 KB at most. "
            "In Excel: save as CSV."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        error_messages={
            "required": _("Choose a file."),
            "empty": _("There is nothing in this file: it is empty."),
        },
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        file: UploadedFile[Any] = cleaned["file"]
        try:
            cleaned["found"] = people_file.read(file.read(people_file.MOST_BYTES + 1))
        except UnreadableFile as problem:
            self.add_error("file", problem.words)
        return cleaned


class PeopleForm(TwoStepForm):
    """What was read of a file, as it comes back with the second step, and what was shown of it."""

    lines = forms.CharField(widget=forms.HiddenInput, max_length=2 * people_file.MOST_BYTES)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def clean_lines(self) -> list[people_file.PersonLine]:
        try:
            kept = json.loads(self.cleaned_data["lines"])
            found = [people_file.PersonLine.from_json(one) for one in kept]
        except (ValueError, TypeError, RecursionError):
            raise forms.ValidationError(_("Give the file again.")) from None
        if len(found) > people_file.MOST_LINES:
            raise forms.ValidationError(_("Give the file again."))
        return found
