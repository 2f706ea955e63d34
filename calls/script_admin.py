"""The admin of what agents say: written in versions, tried on an invented donor, put in force."""

import uuid
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import RoleAdmin, confirmed, reader_of
from accounts.admin_site import Part
from calls.actions import NotAllowed, NotOurs, put_in_force, write_script
from calls.checklist import scripts_in_force
from calls.models import Call, Script
from calls.script import FIELDS, LONGEST, filled, invented, parse
from pledges.admin.dated import ListedOrganizationFilter, State
from pledges.admin.donors import organizations_of
from pledges.models import Organization, Person

WRITTEN = _("not in force: agents do not read it")
REFUSALS = {
    NotAllowed: _("Only a supervisor may do this."),
    NotOurs: _("This is not one of your organisations."),
}
FORM = _(
    "Each block begins with # and its title; what follows is said. A question begins with ?, below "
    "it each answer with -, and behind a colon the title of the block that it opens, further down."
)


class ScriptForm(forms.ModelForm):  # type: ignore[type-arg]
    text = forms.CharField(
        label=_("Text"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 24, "cols": 90}),
        help_text=FORM,
    )

    class Meta:
        model = Script
        fields = ("organization", "call_type", "text")

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        parse(text)
        return text


@dataclass(frozen=True)
class Reading:
    """Which script is read in calls of which organisation and type: what the desk asks first."""

    read: Mapping[tuple[uuid.UUID, str], Script]
    # Those with donors: a script of another organisation is never read.
    with_donors: Container[uuid.UUID]

    @classmethod
    def of(cls, scripts: QuerySet[Script]) -> "Reading":
        """Of these scripts' organisations, in two queries."""
        put = list(scripts_in_force(pk__in=scripts.values("pk")).defer("text"))
        read: dict[tuple[uuid.UUID, str], Script] = {}
        # The one that the desk would read comes first.
        for one in put:
            for call_type in [one.call_type] if one.call_type else ["", *Call.Type.values]:
                read.setdefault((one.organization_id, call_type), one)
        owning = Person.objects.filter(owning_organization=OuterRef("pk"))
        theirs = Organization.objects.filter(Exists(owning), pk__in=scripts.values("organization"))
        return cls(read, set(theirs.values_list("pk", flat=True)))

    def state_of(self, script: Script) -> State:
        """Whether agents read this version, and else why not."""
        organization, call_type = script.organization_id, script.call_type
        if script.in_force_at is None:
            return State(str(WRITTEN))
        if organization not in self.with_donors:
            return State(gettext("never read: this organisation has no donors"))
        since = date_format(localtime(script.in_force_at), "j F Y H:i")
        newest = self.read[organization, call_type]
        if newest.pk != script.pk:
            words = gettext("replaced by version %(n)s") % {"n": newest.version}
            return State(words)
        in_force = gettext("in force since %(moment)s") % {"moment": since}
        if call_type:
            return State(in_force, is_now=True)
        others = [
            str(kind.label)
            for kind in Call.Type
            if self.read[organization, kind.value].pk != script.pk
        ]
        if len(others) == len(Call.Type):
            return State(gettext("not read: every type of call has a script of its own"))
        if others:
            words = gettext("but for %(types)s, which has its own") % {"types": ", ".join(others)}
            return State(f"{in_force}, {words}", is_now=True)
        return State(in_force, is_now=True)


def script_state(script: Script) -> State:
    """The same of one script."""
    theirs = Script.objects.filter(organization=script.organization_id)
    return Reading.of(theirs).state_of(script)


@admin.register(Script)
class ScriptAdmin(RoleAdmin):
    """Versions of what agents say: written, looked at with an invented donor, put in force."""

    part = Part.SET
    form = ScriptForm
    change_form_template = "admin/script_change_form.html"
    list_display = ("organization", "call_type", "version", "state", "user", "at")
    list_select_related = ("organization", "user")
    list_filter = (ListedOrganizationFilter, "call_type")
    ordering = ("organization__name", "call_type", "-version")
    search_fields = ("organization__name",)
    actions = ("put_in_force",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.filter(organization__in=organizations_of(request).values("pk"))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "organization":
            kwargs["queryset"] = organizations_of(request).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_list_display(self, request: HttpRequest) -> Any:
        # Read once for the whole list, when the first row asks.
        read: list[Reading] = []

        @admin.display(description=_("state"))
        def state(obj: Script) -> str:
            if not read:
                read.append(Reading.of(Script.objects.all()))
            return read[0].state_of(obj).words

        columns = super().get_list_display(request)
        return [state if one == "state" else one for one in columns]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("organization", "call_type", "text", "fields_there_are")
        return ("organization", "call_type", "version", "state", "user", "at", "preview", "text")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("fields_there_are",) if obj is None else ("state", "preview")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What an empty form begins with: a version that is to be written anew, if one is named."""
        named = request.GET.get("from", "")
        written = self.get_queryset(request).filter(pk=named) if named.isdecimal() else None
        found = written.first() if written is not None else None
        if found is None:
            return {}
        return {
            "organization": found.organization_id,
            "call_type": found.call_type,
            "text": found.text,
        }

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = write_script(
            user=reader_of(request),
            organization=obj.organization,
            call_type=obj.call_type,
            text=obj.text,
            at=timezone.now(),
        )
        # What the site goes on with.
        obj.pk, obj.version = made.pk, made.version

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """To its page, which says whether anybody reads it and where to put it in force."""
        words = _("%(script)s is written. Agents read it once you put it in force.")
        self.message_user(request, words % {"script": obj}, messages.SUCCESS)
        return redirect("admin:calls_script_change", obj.pk)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            context = {**context, "is_read": script_state(obj).is_now}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("state"))
    def state(self, obj: Script) -> str:
        return script_state(obj).words

    @admin.display(description=_("preview, with an invented donor"))
    def preview(self, obj: Script) -> SafeString:
        agent = obj.user.spoken_name if obj.user else "Alice"
        values = invented(agent=agent, charity=str(obj.organization))
        blocks = filled(obj.text, values)
        return SafeString(render_to_string("calls/_script.html", {"blocks": blocks}))

    @admin.display(description=_("fields"))
    def fields_there_are(self, obj: Any) -> SafeString:
        pairs = [("{" + name + "}", words) for name, words in FIELDS.items()]
        return format_html_join("", "<div><code>{}</code> {}</div>", pairs)

    @admin.action(description=_("Put in force…"), permissions=["act"])
    def put_in_force(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        return confirmed(
            self,
            request,
            rows.select_related("organization"),
            action="put_in_force",
            title=_("Put in force"),
            effect=_(
                "From now on this is what agents read in calls of this type for this organisation. "
                "The version that was in force stays, and can be put back in the same way."
            ),
            do=lambda script, _answers: put_in_force(
                user=reader_of(request), script=script, at=timezone.now()
            ),
            refusals=REFUSALS,
        )
