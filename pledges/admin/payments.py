"""PayLinks, messages and e-Mandates: on what terms, with which scripts, and what came of them.

What people here asked for and what Alphacomm tells of it can be looked at by supervisors and
changed by nobody. Where a message went to, what it said and addresses to pay at are on no page of
the admin.
"""

import uuid
from contextlib import suppress
from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin import HIDDEN, RoleAdmin, choice_filter, reader_of
from accounts.admin_site import Part
from accounts.models import User
from pledges.admin.donors import (
    DonorAdmin,
    OrganizationFilter,
    PersonOrganizationFilter,
    organizations_of,
)
from pledges.models import (
    AlphacommLink,
    Batch,
    LeftOut,
    Mandate,
    MessageScript,
    PayLink,
    ResultFile,
    RowField,
    TextMessage,
    VoiceResult,
)

# ── What managers set ─────────────────────────────────────────────────────────────────────────────


class MessageScriptForm(forms.ModelForm):  # type: ignore[type-arg]
    """A script, with what it asks for as ticks."""

    required_fields = forms.MultipleChoiceField(
        label=_("asks for"),
        choices=RowField.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_(
            "As Alphacomm set the script up. Where one of these is not known of a donor, the "
            "message is not offered."
        ),
    )

    class Meta:
        model = MessageScript
        fields = (
            "organization",
            "script_id",
            "name",
            "medium",
            "carries",
            "required_fields",
            "cooldown_minutes",
            "is_active",
        )


@admin.register(MessageScript)
class MessageScriptAdmin(RoleAdmin):
    """What can be sent to donors: the messages that Alphacomm set up, by their numbers there."""

    part = Part.SET
    managers_edit = True
    form = MessageScriptForm
    list_display = ("name", "organization", "script_id", "medium", "carries", "is_active")
    list_select_related = ("organization",)
    list_filter = (
        choice_filter("medium", _("medium"), MessageScript.Medium.choices),
        choice_filter("carries", _("carries"), MessageScript.Carries.choices),
        type("ScriptOrganizationFilter", (OrganizationFilter,), {"lookup": "organization"}),
    )
    search_fields = ("name", "script_id__exact")
    ordering = ("organization__name", "name", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.filter(organization__in=organizations_of(request).values("pk"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = MessageScriptForm.Meta.fields
        if self.has_change_permission(request, obj):
            return fields
        return tuple("asks_for" if name == "required_fields" else name for name in fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if self.has_change_permission(request, obj) else ("asks_for",)

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> "forms.ModelChoiceField[Any] | None":
        if db_field.name == "organization":
            kwargs["queryset"] = organizations_of(request).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def facts(self, obj: Any) -> dict[str, Any]:
        return {
            "organization": str(obj.organization_id),
            "script": obj.script_id,
            "medium": obj.medium,
            "carries": obj.carries,
            "is_active": obj.is_active,
        }

    @admin.display(description=_("asks for"))
    def asks_for(self, obj: MessageScript) -> str:
        return ", ".join(str(RowField(name).label) for name in obj.required_fields) or "–"


# ── What people here asked for, and what Alphacomm tells of it ────────────────────────────────────


class ReferencedAdmin(DonorAdmin):
    """Rows that Alphacomm knows by a reference or an id: found by that too, whole."""

    reference_lookups: ClassVar[tuple[str, ...]] = ()
    # Where the donor and their organisation are found from the row.
    owner = "person__owning_organization"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        wanted = search_term.strip().replace("\0", "")
        if not wanted:
            return queryset, False
        found = Q(pk__in=[])
        for lookup in self.reference_lookups:
            found |= Q(**{lookup: wanted})
        with suppress(ValueError):
            found |= self.search_by_uuid(uuid.UUID(wanted))
        return queryset.filter(found), False

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        theirs = reader.organizations.values("pk")
        visible: QuerySet[Any] = rows.filter(**{f"{self.owner}__in": theirs})
        return visible


@admin.register(PayLink)
class PayLinkAdmin(ReferencedAdmin):
    list_display = ("at", "user", "invoice_reference", "amount", "visible_until", "ended_badly_at")
    list_select_related = ("user",)
    list_filter = (PersonOrganizationFilter,)
    uuid_lookups = ("pk", "person", "pledge", "call_uuid")
    reference_lookups = ("invoice_reference",)
    search_help_text = _("A reference, or the uuid of a PayLink, a person, a pledge or a call.")
    ordering = ("-at", "-pk")
    left_out = ("token", "delivery")


@admin.register(AlphacommLink)
class AlphacommLinkAdmin(ReferencedAdmin):
    """What Alphacomm has: several may be of one PayLink of ours, of which the oldest counts."""

    part = Part.TOLD
    list_display = (
        "created_on",
        "id",
        "pay_link",
        "status",
        "amount_paid",
        "visited_at",
        "paid_at",
        "fetched_at",
    )
    list_select_related = ("pay_link",)
    told: ClassVar = {"status": attrgetter("status_words")}
    list_filter = (
        choice_filter("status", _("status"), AlphacommLink.Status.choices),
        type(
            "LinkOrganizationFilter",
            (OrganizationFilter,),
            {"lookup": "pay_link__person__owning_organization"},
        ),
    )
    uuid_lookups = ("pay_link",)
    reference_lookups = ("pk", "pay_link__invoice_reference")
    search_help_text = _("The id of a PayLink at Alphacomm, or its reference or uuid here.")
    ordering = ("-created_on", "-pk")
    left_out = ("short_url", "long_url")
    owner = "pay_link__person__owning_organization"

    def person_uuid(self, obj: Any) -> uuid.UUID | None:
        found: uuid.UUID = obj.pay_link.person_id
        return found


@admin.register(TextMessage)
class TextMessageAdmin(ReferencedAdmin):
    list_display = (
        "at",
        "user",
        "reference",
        "script",
        "medium",
        "record_status",
        "leaves_at",
        "ended_badly_at",
    )
    list_select_related = ("user", "script")
    told: ClassVar = {"record_status": attrgetter("status_words")}
    list_filter = (
        choice_filter("medium", _("medium"), TextMessage.Medium.choices),
        choice_filter("record_status", _("status"), TextMessage.RecordStatus.choices),
        PersonOrganizationFilter,
    )
    uuid_lookups = ("pk", "person", "pledge", "call_uuid", "batch")
    reference_lookups = ("reference", "import_name")
    search_help_text = _(
        "A reference, or the uuid of a message, a person, a pledge, a call or a batch."
    )
    ordering = ("-at", "-pk")
    hidden_fields = ("to", "fields", "record_messages")
    left_out = ("token", "delivery", "stop_delivery")
    readonly_fields = ("hidden_to", "hidden_content")

    @admin.display(description=_("to"))
    def hidden_to(self, obj: Any) -> str:
        return HIDDEN

    @admin.display(description=_("fields"))
    def hidden_content(self, obj: Any) -> str:
        return HIDDEN


@admin.register(VoiceResult)
class VoiceResultAdmin(ReferencedAdmin):
    part = Part.TOLD
    list_display = ("at", "message", "status", "is_reached", "answered_on")
    list_select_related = ("message",)
    told: ClassVar = {"status": attrgetter("status_words")}
    list_filter = (choice_filter("status", _("status"), VoiceResult.Status.choices),)
    uuid_lookups = ("message", "message__person")
    reference_lookups = ("voice_call_id", "message__reference")
    search_help_text = _("The id of a phone call, or the reference or uuid of its message.")
    ordering = ("-pk",)
    owner = "message__person__owning_organization"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # No more of the message than its reference: the rest is about the donor.
        return super().get_queryset(request).defer("message__to", "message__fields")

    def person_uuid(self, obj: Any) -> uuid.UUID | None:
        found: uuid.UUID = obj.message.person_id
        return found


@admin.register(Mandate)
class MandateAdmin(ReferencedAdmin):
    list_display = ("at", "user", "debtor_reference", "status", "signed_at", "ended_badly_at")
    list_select_related = ("user",)
    told: ClassVar = {"status": attrgetter("status_words")}
    list_filter = (
        choice_filter("status", _("status"), Mandate.Status.choices),
        PersonOrganizationFilter,
    )
    uuid_lookups = ("pk", "person", "pledge", "call_uuid")
    reference_lookups = ("debtor_reference", "alphacomm_id")
    search_help_text = _("A reference, or the uuid of an e-Mandate, a person, a pledge or a call.")
    ordering = ("-at", "-pk")
    left_out = ("token", "delivery", "short_url", "long_url")


@admin.register(Batch)
class BatchAdmin(ReferencedAdmin):
    list_display = ("at", "user", "name", "script", "size", "action", "status", "fetched_at")
    list_select_related = ("user", "script")
    told: ClassVar = {"status": attrgetter("status_words")}
    list_filter = (choice_filter("status", _("status"), Batch.Status.choices),)
    reference_lookups = ("name",)
    search_help_text = _("The name of a batch at Alphacomm, or its uuid here.")
    ordering = ("-at", "-pk")
    left_out = ("token", "delivery")
    owner = "script__organization"

    def person_uuid(self, obj: Any) -> uuid.UUID | None:
        return None


@admin.register(LeftOut)
class LeftOutAdmin(ReferencedAdmin):
    """Who was selected for a batch and got no message of it, and why."""

    list_display = ("batch_at", "batch", "donor", "reason")
    list_select_related = ("batch", "person")
    list_filter = (
        choice_filter("reason", _("reason"), LeftOut.Reason.choices),
        PersonOrganizationFilter,
    )
    uuid_lookups = ("batch", "person")
    reference_lookups = ("batch__name",)
    search_help_text = _("The uuid of a batch or a person, or a batch's name at Alphacomm.")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("person__iban")

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        visible: QuerySet[Any] = rows.filter(
            person__owning_organization__in=reader.organizations.values("pk")
        )
        return visible

    @admin.display(description=_("made at"))
    def batch_at(self, obj: Any) -> Any:
        return obj.batch.at


class WrittenFilter(admin.SimpleListFilter):
    """Whether what a file says was written to the messages."""

    title = _("written to the messages")
    parameter_name = "written"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("written")), ("no", _("not written"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(written_at__isnull=self.value() == "no")


@admin.register(ResultFile)
class ResultFileAdmin(RoleAdmin):
    """The result files that people of the reader's organisations gave. What stands in one is only
    seen by who gave it, and goes once it is written."""

    list_display = (
        "at",
        "user",
        "name",
        "references",
        "matched",
        "changed",
        "unreadable",
        "written_at",
    )
    list_select_related = ("user",)
    list_filter = (WrittenFilter,)
    search_fields = ("name__exact", "user__username__exact")
    search_help_text = _("The whole name of a file, or the name under which somebody signs in.")
    ordering = ("-at", "-pk")
    hidden_fields = ("lines",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        files = super().get_queryset(request)
        reader = reader_of(request)
        if reader.is_superuser or reader.is_manager:
            return files
        people = User.objects.filter(organizations__in=reader.organizations.all())
        return files.filter(user__in=people.values("pk"))
