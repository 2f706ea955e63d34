"""What the checklist takes in, and its lines with the form that puts each right.

A form validates and never saves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.actions import RevealReason
from calls.checklist import Checklist, Line, as_said
from calls.models import MASKED, Call, Check, Item
from pledges.correction_forms import FORMS, CorrectionForm
from pledges.models import Correction

# The form that opens on each line; amount and start are changed where the result is.
FORM_OF: Final[Mapping[str, str]] = {
    **{item: item for item in Item.values if item in FORMS},
    Item.START.value: Correction.Item.PAYMENT_DAY.value,
}


# What is told where what was typed cannot be what the donor is asked for.
NO_ANSWER: Final = {
    Item.DATE_OF_BIRTH.value: _("Write day and month as 31-12."),
    Item.ACCOUNT.value: _("Write the last four figures or letters of the account number."),
}


@dataclass(frozen=True)
class OpenLine:
    """One line of the checklist while the donor is on the line."""

    line: Line
    form: CorrectionForm | None = None
    # What is chosen on the page, kept or not.
    chosen: str = ""
    # A masked detail, shown on this page alone.
    revealed: str = ""
    # What is wrong with what was sent for this line.
    problem: str = ""

    @property
    def form_item(self) -> str:
        return self.form.item if self.form else ""


def open_lines(
    call: Call,
    checklist: Checklist,
    typed: Mapping[str, Any],
    *,
    sent: CorrectionForm | None = None,
    revealed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Sequence[OpenLine]:
    """The lines with what was typed in them so far. Only the form that was sent shows errors."""
    return [
        OpenLine(
            line=line,
            form=_form(call, line.item, typed, sent),
            chosen=line.answer or _waiting(typed.get(f"check_{line.item}", "")),
            revealed=(revealed or {}).get(line.item, ""),
            problem=(problems or {}).get(line.item, ""),
        )
        for line in checklist.asked_first
    ]


def _waiting(chosen: str) -> str:
    """'Different' is not kept before the correction is, but it stays chosen."""
    return chosen if chosen == Check.Answer.CORRECTED else ""


def _form(
    call: Call, item: str, typed: Mapping[str, Any], sent: CorrectionForm | None
) -> CorrectionForm | None:
    kind = FORMS.get(FORM_OF.get(item, ""))
    if kind is None:
        return None
    if sent is not None and sent.item == kind.item:
        return sent
    form = kind(person=call.person, pledge=call.pledge)
    for name in form.fields:
        if (field := form.add_prefix(name)) in typed:
            form.initial[name] = typed[field]
    return form


def answers_of(post: Mapping[str, Any]) -> dict[str, str]:
    """What was chosen: of the line that was touched, or of the whole list without scripts."""
    items = [post["item"]] if post.get("item") in Item.values else Item.values
    chosen = {item: post.get(f"check_{item}") for item in items}
    return {item: said for item, said in chosen.items() if said in Check.Answer.values}


class SayForm(forms.Form):
    """What the donor says of a masked detail."""

    item = forms.ChoiceField(choices=[(item.value, item.label) for item in MASKED])
    said_token = forms.UUIDField()

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        name = f"said_{data.get('item', '')}"
        self.fields["said"] = forms.CharField(
            max_length=10, error_messages={"required": _("Type what the donor says.")}
        )
        self.data = {**self.data.dict(), "said": data.get(name, "")}  # type: ignore[attr-defined]

    def clean_said(self) -> str:
        """What cannot be an answer is a slip of the keys, and not one that was wrong."""
        said: str = self.cleaned_data["said"]
        item = self.cleaned_data.get("item", "")
        if item and as_said(item, said) is None:
            raise forms.ValidationError(NO_ANSWER[item])
        return said


class RevealForm(forms.Form):
    item = forms.ChoiceField(choices=[(item.value, item.label) for item in MASKED])

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        # A reason of its own for each detail, in the one form of the page.
        self.fields["reason"] = forms.ChoiceField(
            choices=RevealReason.choices,
            error_messages={"required": _("Choose why you have to see it.")},
        )
        name = f"reason_{data.get('item', '')}"
        self.data = {**self.data.dict(), "reason": data.get(name, "")}  # type: ignore[attr-defined]
