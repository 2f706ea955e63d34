"""What the page of result files takes in. Checks and never saves."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from pledges import results

LONGEST_NAMES = 200


class NamesField(forms.CharField):
    """Names of a column, with commas between them. Cleans to a tuple."""

    def __init__(self, names: tuple[str, ...], **options: Any) -> None:
        super().__init__(
            max_length=LONGEST_NAMES,
            initial=", ".join(names),
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            **options,
        )

    def clean(self, value: Any) -> tuple[str, ...]:
        typed = super().clean(value)
        return tuple(name.strip() for name in typed.split(",") if name.strip())


class ResultFileForm(forms.Form):
    """A result file, and how its columns are called. Cleans to what was read of it, as `found`."""

    use_required_attribute = False
    usual = results.Columns()

    file = forms.FileField(
        label=_("Result file"),
        help_text=_("CSV with the names of the columns on its first line; 5 MB at most."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        error_messages={
            "required": _("Choose a file."),
            "empty": _("There is nothing in this file: it is empty."),
        },
    )
    reference = NamesField(
        tuple(usual.reference),
        label=_("Column of the reference"),
        help_text=_("The reference that we gave with each message."),
        error_messages={"required": _("Write how this column is called.")},
    )
    status = NamesField(
        tuple(usual.status),
        label=_("Column of the status"),
        help_text=_("What became of it. Shown as it stands there."),
        error_messages={"required": _("Write how this column is called.")},
    )
    time = NamesField(
        tuple(usual.time),
        label=_("Column of the time"),
        required=False,
        help_text=_("May be missing. Without a zone it is Dutch time."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        file: UploadedFile[Any] = cleaned["file"]
        columns = results.Columns(
            reference=cleaned["reference"], status=cleaned["status"], time=cleaned["time"]
        )
        try:
            cleaned["found"] = results.read(file.read(results.MOST_BYTES + 1), columns)
        except results.UnreadableFile as problem:
            self.add_error("file", problem.words)
        return cleaned
