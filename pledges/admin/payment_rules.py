"""On what terms an organisation's donors are offered to pay, in words before it is saved."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pledges.admin.dated import DatedAdmin, DateInput, refuse_two_of_a_day
from pledges.models import PaymentRules, in_euros
from pledges.payments import are_amounts_agreed, is_real_account, terms_on


class TimesField(forms.CharField):
    """Times of day as people write them: 9:30, 13:00. Cleans to the list that a row keeps."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        times = str(value or "").replace(",", " ").replace(";", " ").split()
        return sorted({f"0{time}" if time[1:2] == ":" else time for time in times})

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(self.prepare_value(initial)) != self.to_python(data))


class PaymentRulesForm(forms.ModelForm):  # type: ignore[type-arg]
    """Payment rules, with what is wrong with them in words."""

    mandate_type = forms.RegexField(
        r"\A[A-Z]{4}\Z",
        label=_("type of e-Mandates"),
        initial="RCUR",
        max_length=4,
        help_text=_(
            "In Alphacomm's own word, as it set your e-Mandates up: RCUR is for a donor who gives "
            "time and again."
        ),
        error_messages={"invalid": _("Write four capital letters, such as RCUR.")},
    )
    import_times = TimesField(
        label=_("texts leave at"),
        required=False,
        help_text=_(
            "The account's import schedule, in Dutch time, such as 9:30, 13:00. Empty: not known."
        ),
    )

    class Meta:
        model = PaymentRules
        fields = (
            "organization",
            "from_date",
            "smallest_amount",
            "largest_amount",
            "description",
            "days_visible",
            "mandate_reference",
            "mandate_type",
            "mandate_reason",
            "texts_a_day",
            "import_times",
        )
        widgets = {"from_date": DateInput}  # noqa: RUF012
        help_texts = {  # noqa: RUF012
            "from_date": _("From the beginning of this day; until then nothing changes."),
            "days_visible": _("How many days a PayLink can be paid after it was made."),
            "mandate_reference": _(
                "What an e-Mandate begins with at the bank. Empty: no e-Mandate is offered."
            ),
            "mandate_reason": _("What the donor reads at the bank."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        smallest, largest = cleaned.get("smallest_amount"), cleaned.get("largest_amount")
        if smallest is not None and largest is not None and largest < smallest:
            self.add_error(
                "largest_amount", _("The largest amount cannot be less than the smallest one.")
            )
        if cleaned.get("mandate_reference") and not cleaned.get("mandate_reason"):
            self.add_error(
                "mandate_reason", _("An e-Mandate needs a reason: the donor reads it at the bank.")
            )
        refuse_two_of_a_day(self, "organization")
        return cleaned


def terms_in_words(rules: PaymentRules) -> str:
    """What these terms come to for a donor."""
    words = gettext(
        "Donors are offered PayLinks of %(smallest)s to %(largest)s, to be paid within %(days)s "
        "days, and get at most %(texts)s messages a day."
    ) % {
        "smallest": in_euros(rules.smallest_amount),
        "largest": in_euros(rules.largest_amount),
        "days": rules.days_visible,
        "texts": rules.texts_a_day,
    }
    if rules.mandate_reference:
        return words
    none = gettext("No e-Mandate is offered.")
    return f"{words} {none}"


def agreed_in_words(rules: PaymentRules) -> str:
    """Whether anybody saw that a link asks for the amount that was wanted."""
    if rules.amounts_agreed_at is not None:
        return gettext("Seen to agree at %(moment)s, by %(who)s.") % {
            "moment": date_format(localtime(rules.amounts_agreed_at), "DATETIME_FORMAT"),
            "who": rules.amounts_agreed_by or gettext("a payment itself"),
        }
    if not is_real_account():
        return gettext("Nobody pays here with real money, so nothing has to be seen.")
    if are_amounts_agreed(rules):
        return gettext("Seen to agree under other rules of this organisation.")
    return gettext("Nobody has seen yet that they agree: until then only supervisors make links.")


@admin.register(PaymentRules)
class PaymentRulesAdmin(DatedAdmin):
    """Terms of paying, in force from a date."""

    form = PaymentRulesForm
    list_display = ("organization", "smallest_amount", "largest_amount", "texts_a_day")
    ordering = ("organization__name", "-from_date", "pk")
    fieldsets = (
        (None, {"fields": ("organization", "from_date")}),
        (
            "PayLinks",
            {"fields": ("smallest_amount", "largest_amount", "description", "days_visible")},
        ),
        (_("Messages"), {"fields": ("texts_a_day", "import_times")}),
        (
            _("e-Mandates"),
            {"fields": ("mandate_reference", "mandate_type", "mandate_reason")},
        ),
    )
    readonly_fields = ("agreed",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("amounts_agreed_by")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        groups = super().get_fieldsets(request, obj)
        return groups if obj is None else (*groups, (_("amounts"), {"fields": ("agreed",)}))

    def in_force(self, row: PaymentRules, rows: Sequence[Any], *, day: date) -> Any:
        return terms_on(rows, day)

    def effect(self, request: HttpRequest, *, before: Any, after: Any) -> Sequence[str]:
        today = localdate()
        both = [one for one in (before, after) if one is not None]
        rows = list(PaymentRules.objects.filter(organization=both[0].organization_id))
        kept = [one for one in rows if before is None or one.pk != before.pk]
        proposed = [*kept, *([after] if after is not None else [])]
        lines = []
        for day in sorted({max(today, one.from_date) for one in both}):
            now, then = terms_on(rows, day), terms_on(proposed, day)
            lines += self._difference(now, then, day=day, today=today)
        return lines or [gettext("Nothing changes for donors.")]

    def usual(self, request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
        rows = self.get_queryset(request).filter(organization=given["organization"])
        now = terms_on(rows, localdate())
        names = [name for name in PaymentRulesForm.Meta.fields if name not in given]
        return model_to_dict(now, names) if now else {}

    def _difference(self, now: Any, then: Any, *, day: date, today: date) -> list[str]:
        old, new = (terms_in_words(one) if one else None for one in (now, then))
        extra = [] if then is None else self._words_of_mandates(then)
        if (old, [] if now is None else self._words_of_mandates(now)) == (new, extra):
            return []
        when = (
            gettext("From now on:")
            if day == today
            else gettext("From %(day)s on:") % {"day": date_format(day, "l j F Y")}
        )
        lines = [when, new or gettext("Nothing of paying is offered to donors."), *extra]
        if old is not None and old != new:
            lines.append(gettext("Until then: %(words)s") % {"words": old})
        return lines

    def _words_of_mandates(self, rules: PaymentRules) -> list[str]:
        lines = [gettext("Beside the amount they read: %(words)s.") % {"words": rules.description}]
        if rules.mandate_reference:
            lines.append(
                gettext("An e-Mandate of type %(type)s is offered for: %(reason)s.")
                % {"type": rules.mandate_type, "reason": rules.mandate_reason}
            )
        if rules.import_times:
            lines.append(
                gettext("Texts leave at %(times)s.") % {"times": ", ".join(rules.import_times)}
            )
        return lines

    def facts(self, obj: Any) -> dict[str, Any]:
        return {
            **super().facts(obj),
            "smallest_amount": str(obj.smallest_amount),
            "largest_amount": str(obj.largest_amount),
            "texts_a_day": obj.texts_a_day,
        }

    @admin.display(description=_("amounts"))
    def agreed(self, obj: PaymentRules) -> Any:
        return format_html(
            '{} <a href="{}">{}</a>',
            agreed_in_words(obj),
            reverse("agree_amounts", args=[obj.pk]),
            gettext("Look at the amount"),
        )
