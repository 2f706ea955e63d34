"""Fields that take several lines. They check and never save."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST = 10_000
MOST_LINES = 100


class LinesField(forms.CharField):
    """One thing a line. Cleans to the lines that hold something, each with its number from 1."""

    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST, **options)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        lines = enumerate(typed.splitlines(), start=1)
        filled = [(number, line.strip()) for number, line in lines if line.strip()]
        if len(filled) > MOST_LINES:
            raise ValidationError(_("These are more than %(most)s lines.") % {"most": MOST_LINES})
        return filled


class FactsField(LinesField):
    """What another system says beside the documented fields. Cleans to names and their values."""

    def __init__(self, **options: Any) -> None:
        told = _("One a line, as name: value. No account numbers.")
        super().__init__(**{"help_text": told, **options})

    def clean(self, value: Any) -> dict[str, str]:
        facts: dict[str, str] = {}
        for number, line in super().clean(value):
            name, colon, fact = (part.strip() for part in line.partition(":"))
            if not (name and colon):
                raise ValidationError(
                    _("Line %(number)s is no name: value."), params={"number": number}
                )
            if name in facts:
                raise ValidationError(
                    _("Line %(number)s has a name that stands above it already."),
                    params={"number": number},
                )
            facts[name] = fact
        return facts
