"""The admin of an organisation's rules: in plain words, and with what a change does to the calls
that are open before it is saved."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calls import check_foresight, foresight
from calls.checklist import check_rules_on
from calls.models import CheckRules, Item, Script
from calls.script_admin import Reading
from pledges.admin.dated import DatedAdmin, DateInput, State, TimeInput, refuse_two_of_a_day
from pledges.admin.organizations import ClosedDayAdmin, OrganizationAdmin
from pledges.admin.payment_rules import terms_in_words
from pledges.contact import Rulebook
from pledges.models import CallingRules, ClosedDay, Organization, PaymentRules
from pledges.payments import terms_on

MOST_MINUTES = 31 * 24 * 60
# How many closed days to come the page of an organisation shows.
DAYS_SHOWN = 6

CALL_TYPE = {
    "call_type": _("Rules for one type of call go before those for every type."),
    "from_date": _("From the beginning of this day; until then nothing changes."),
    "source": _("Where this was agreed: a contract, a letter, a law."),
}


class CallingRulesForm(forms.ModelForm):  # type: ignore[type-arg]
    """Calling rules, with what is wrong with them in words."""

    class Meta:
        model = CallingRules
        fields = (
            "organization",
            "call_type",
            "from_date",
            "weekdays_open",
            "weekdays_close",
            "saturday_open",
            "saturday_close",
            "sunday_open",
            "sunday_close",
            "max_attempts",
            "gap_minutes",
            "cooling_off_days",
            "source",
            "checked_at",
        )
        widgets: ClassVar = {
            "from_date": DateInput,
            "checked_at": DateInput,
            **{
                f"{kind}_{end}": TimeInput
                for kind in foresight.KINDS_OF_DAY
                for end in ("open", "close")
            },
        }
        help_texts: ClassVar = {
            **CALL_TYPE,
            "max_attempts": _(
                "After so many a call is not served any more. Empty: as many as it takes."
            ),
            "gap_minutes": _("How long a donor is left alone after a dial that missed."),
            "cooling_off_days": _(
                "Counted from the day on which the pledge was made; what is released soon is "
                "called first. Empty: not known."
            ),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for kind in foresight.KINDS_OF_DAY:
            opens, closes = cleaned.get(f"{kind}_open"), cleaned.get(f"{kind}_close")
            if self.errors.keys() & {f"{kind}_open", f"{kind}_close"}:
                continue
            if (opens is None) != (closes is None):
                missing = "open" if opens is None else "close"
                words = _("Give both times, or neither: without them nobody is called that day.")
                self.add_error(f"{kind}_{missing}", words)
            elif opens is not None and closes is not None and closes <= opens:
                self.add_error(f"{kind}_close", _("Calling cannot end before it begins."))
        if (cleaned.get("gap_minutes") or 0) > MOST_MINUTES:
            self.add_error("gap_minutes", _("More than a month: give it in minutes."))
        if cleaned.get("max_attempts") == 0:
            self.add_error("max_attempts", _("Give 1 or more; without attempts nobody is called."))
        refuse_two_of_a_day(self, "organization", "call_type")
        return cleaned


@admin.register(CallingRules)
class CallingRulesAdmin(DatedAdmin):
    """When an organisation's donors are called, and how often: in force from a date."""

    form = CallingRulesForm
    list_display = ("organization", "call_type", "hours_in_words", "max_attempts", "gap_minutes")
    list_filter: ClassVar[Any] = (*DatedAdmin.list_filter, "call_type")
    ordering = ("organization__name", "call_type", "-from_date", "pk")
    whose = ("organization", "call_type")
    radio_fields: ClassVar = {"call_type": admin.VERTICAL}
    fieldsets = (
        (None, {"fields": ("organization", "call_type", "from_date")}),
        (
            _("Calling hours"),
            {
                "fields": (
                    ("weekdays_open", "weekdays_close"),
                    ("saturday_open", "saturday_close"),
                    ("sunday_open", "sunday_close"),
                ),
                "description": _(
                    "Dutch time. Without times nobody is called that day; 23:59 stands for the "
                    "end of the day."
                ),
            },
        ),
        (
            _("Attempts and release"),
            {"fields": ("max_attempts", "gap_minutes", "cooling_off_days")},
        ),
        (_("Where this comes from"), {"fields": ("source", "checked_at")}),
    )

    def in_force(self, row: CallingRules, rows: Sequence[Any], *, day: date) -> Any:
        return Rulebook(rows).on(row.organization_id, row.call_type, day)

    def effect(self, request: HttpRequest, *, before: Any, after: Any) -> Sequence[str]:
        return foresight.of_calling_rules(before=before, after=after, at=timezone.now())

    def usual(self, request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
        rows = list(self.get_queryset(request).filter(organization=given["organization"]))
        of = rows[0].organization_id if rows else None
        now = Rulebook(rows).on(of, given.get("call_type", ""), localdate())
        names = set(CallingRulesForm.Meta.fields) - {"call_type", "source", "checked_at"}
        return model_to_dict(now, names) if now else {}

    @admin.display(description=_("Calling hours"))
    def hours_in_words(self, obj: CallingRules) -> str:
        return hours_in_words(obj)


class CheckRulesForm(forms.ModelForm):  # type: ignore[type-arg]
    """What must be right before a pledge is confirmed, as ticks."""

    needed = forms.MultipleChoiceField(
        label=_("Must be right before 'confirmed'"),
        choices=Item.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_(
            "The donor says that it is right, or puts it right. What is not ticked may be skipped."
        ),
    )
    wrong_answers = forms.IntegerField(
        label=_("Wrong answers at most"),
        min_value=1,
        max_value=20,
        initial=3,
        help_text=_(
            "After so many wrong answers about date of birth or account number it may be somebody "
            "else: nothing of the donor is shown any more until a supervisor is sure."
        ),
        error_messages={
            "min_value": _("Give 1 or more: after none at all nobody could be called."),
            "max_value": _("Give 20 or fewer: a donor who is asked more often is annoyed."),
        },
    )

    class Meta:
        model = CheckRules
        fields = ("organization", "call_type", "from_date", "needed", "wrong_answers", "source")
        widgets: ClassVar = {"from_date": DateInput}
        help_texts: ClassVar = CALL_TYPE

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        refuse_two_of_a_day(self, "organization", "call_type")
        return cleaned

    def clean_needed(self) -> list[str]:
        # In the order of a conversation, whatever the order in which they came.
        return [one for one in Item.values if one in self.cleaned_data["needed"]]


@admin.register(CheckRules)
class CheckRulesAdmin(DatedAdmin):
    """What must be right before a pledge is confirmed: managers set it, from a date on."""

    form = CheckRulesForm
    list_display = ("organization", "call_type", "needs_in_words", "wrong_answers")
    list_filter: ClassVar[Any] = (*DatedAdmin.list_filter, "call_type")
    ordering = ("organization__name", "call_type", "-from_date", "pk")
    whose = ("organization", "call_type")
    radio_fields: ClassVar = {"call_type": admin.VERTICAL}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        needed = "needed" if self.has_change_permission(request, obj) else "needs_in_words"
        whose, what = ("organization", "call_type", "from_date"), (needed, "wrong_answers")
        state = () if obj is None else ("state",)
        return (
            (None, {"fields": (*whose, *state)}),
            (_("Details of the donor"), {"fields": what}),
            (_("Where this comes from"), {"fields": ("source",)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "needs_in_words")

    def in_force(self, row: CheckRules, rows: Sequence[Any], *, day: date) -> Any:
        return check_rules_on(rows, row.call_type, day)

    def effect(self, request: HttpRequest, *, before: Any, after: Any) -> Sequence[str]:
        return check_foresight.of_check_rules(before=before, after=after, at=timezone.now())

    def usual(self, request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
        rows = self.get_queryset(request).filter(organization=given["organization"])
        now = check_rules_on(rows, given.get("call_type", ""), localdate())
        return {"needed": now.needed, "wrong_answers": now.wrong_answers} if now else {}

    @admin.display(description=_("must be right"))
    def needs_in_words(self, obj: CheckRules) -> str:
        return check_foresight.names_of(obj.needed)


def hours_in_words(rules: CallingRules) -> str:
    """The hours of a week in one line."""
    days = foresight.names_of_days()
    parts = [(name, foresight.hours(rules, kind)) for kind, name in days.items()]
    return " · ".join(f"{name} {times or foresight.closed()}" for name, times in parts)


# ── The page of an organisation: everything that is set for it ────────────────────────────────────


@dataclass(frozen=True)
class Row:
    """A row of rules as the page shows it."""

    state: State
    title: str
    lines: Sequence[str]
    url: str


@dataclass(frozen=True)
class Group:
    """The rules of one kind: those that hold or are to come, and how to set others."""

    title: str
    empty: str
    rows: Sequence[Row]
    all_url: str
    # Empty: this reader sets none.
    add_url: str
    add: str


@admin.register(Organization)
class SetOrganizationAdmin(OrganizationAdmin):
    change_form_template = "admin/organization_change_form.html"

    def effect(self, request: HttpRequest, *, before: Any, after: Any) -> Sequence[str]:
        return foresight.of_organization(before=before, after=after)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        organization = kwargs.get("obj")
        if organization is not None:
            is_set = self.has_change_permission(request, organization)
            context = {**context, "groups": groups_of(organization, is_set=is_set)}
        return super().render_change_form(request, context, *args, **kwargs)


def groups_of(organization: Organization, *, is_set: bool) -> list[Group]:
    """Everything that is set for an organisation. `is_set`: whether the reader sets it."""
    today = localdate()
    calling = list(organization.calling_rules.order_by("call_type", "-from_date"))
    checks = list(organization.check_rules.order_by("call_type", "-from_date"))
    terms = list(organization.payment_rules.order_by("-from_date"))
    book = Rulebook(calling)
    return [
        _group(
            organization,
            CallingRules,
            title=gettext("When donors are called"),
            empty=gettext("Nobody is called: no calling hours are set."),
            add=gettext("Set other calling hours"),
            rows=_rows(
                calling,
                lambda row: book.on(row.organization_id, row.call_type, today),
                lambda row: [hours_in_words(row), *foresight.figures(row)],
            ),
            is_set=is_set,
        ),
        _group(
            organization,
            CheckRules,
            title=gettext("What is gone through with the donor"),
            empty=gettext("What is usual: of a verification call name and amount must be right."),
            add=gettext("Set what must be right"),
            rows=_rows(
                checks,
                lambda row: check_rules_on(checks, row.call_type, today),
                lambda row: [check_foresight.needs(row.needed)],
            ),
            is_set=is_set,
        ),
        _group(
            organization,
            PaymentRules,
            title=gettext("What donors are offered to pay"),
            empty=gettext("Nothing of paying is offered to donors."),
            add=gettext("Set other terms"),
            rows=_rows(
                terms, lambda row: terms_on(terms, today), lambda row: [terms_in_words(row)]
            ),
            is_set=is_set,
        ),
        _scripts(organization),
        _days(organization, today=today, is_set=is_set),
    ]


def _rows(
    found: Iterable[Any], in_force: Callable[[Any], Any], words: Callable[[Any], Sequence[str]]
) -> list[Row]:
    """Those that hold and those to come; what was replaced stays in the list of all."""
    rows = []
    for one in found:
        state = State.of(one, in_force(one), day=localdate())
        if state.is_now or state.is_to_come:
            title = one.get_call_type_display() if hasattr(one, "call_type") else ""
            rows.append(Row(state, title, words(one), _page("change", one, one.pk)))
    return rows


def _group(
    organization: Organization,
    model: Any,
    *,
    title: str,
    empty: str,
    add: str,
    rows: Sequence[Row],
    is_set: bool,
) -> Group:
    theirs = urlencode({"organization": str(organization.pk)})
    return Group(
        title=title,
        empty=empty,
        rows=rows,
        all_url=f"{_page('changelist', model)}?{theirs}",
        add_url=f"{_page('add', model)}?{theirs}" if is_set else "",
        add=add,
    )


def _scripts(organization: Organization) -> Group:
    """What agents say: written by supervisors too."""
    scripts = Script.objects.filter(organization=organization).defer("text")
    reading = Reading.of(scripts)
    states = [(one, reading.state_of(one)) for one in scripts.order_by("call_type", "-version")]
    rows = [
        Row(
            state,
            gettext("%(type)s · version %(n)s")
            % {"type": one.get_call_type_display(), "n": one.version},
            (),
            _page("change", one, one.pk),
        )
        for one, state in states
        if state.is_now
    ]
    return _group(
        organization,
        Script,
        title=gettext("What agents say"),
        empty=gettext("No script is in force: agents see none."),
        add=gettext("Write a version"),
        rows=rows,
        is_set=True,
    )


def _days(organization: Organization, *, today: date, is_set: bool) -> Group:
    days = ClosedDay.objects.filter(
        Q(organization=None) | Q(organization=organization), date__gte=today
    ).order_by("date", "pk")
    rows = [
        Row(
            State(date_format(one.date, "l j F Y"), is_now=one.date == today),
            one.name,
            [
                gettext("closes at %(time)s") % {"time": f"{one.closes_at:%H:%M}"}
                if one.closes_at
                else gettext("closed all day")
            ],
            _page("change", one, one.pk),
        )
        for one in days[:DAYS_SHOWN]
    ]
    return Group(
        title=gettext("Closed days to come"),
        empty=gettext("None: donors are called on every day of the rules."),
        rows=rows,
        all_url=_page("changelist", ClosedDay),
        add_url=_page("add", ClosedDay) if is_set else "",
        add=gettext("Add a day"),
    )


def _page(name: str, model: Any, *args: Any) -> str:
    options = model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_{name}", args=args)


@admin.register(ClosedDay)
class SetClosedDayAdmin(ClosedDayAdmin):
    def effect(self, request: HttpRequest, *, before: Any, after: Any) -> Sequence[str]:
        return foresight.of_closed_day(before=before, after=after, at=timezone.now())
