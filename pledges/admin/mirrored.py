"""What TapRaise tells of donors and pledges, and what people here did about it."""

import uuid
from operator import attrgetter
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin import HIDDEN, RecordInline, RoleAdmin, choice_filter
from accounts.admin_site import Part
from accounts.models import User
from pledges.admin.donors import (
    DonorAdmin,
    OrganizationFilter,
    PersonOrganizationFilter,
    PledgeOrganizationFilter,
)
from pledges.models import (
    NewPledge,
    Person,
    Pledge,
    PledgeChange,
    QualityResult,
    SignatureRequest,
    Transaction,
    in_words,
)


class QualityInline(RecordInline):
    model = QualityResult
    exclude = ("digest",)
    show_change_link = False


@admin.register(Person)
class PersonAdmin(DonorAdmin):
    part = Part.TOLD
    list_display = ("donor", "owning_organization", "language", "created_at", "short_uuid")
    list_select_related = ("owning_organization",)
    list_filter = (OrganizationFilter,)
    person_lookup = "pk"
    search_help_text = _("Last name, phone number or postcode, or the uuid of a person.")
    ordering = ("-pk",)
    hidden_fields = ("iban",)
    left_out = (*RoleAdmin.left_out, "iban_hash", "name_key", "first_key", "postcode_key")
    readonly_fields = ("account_number",)
    inlines = (QualityInline,)

    def person_of(self, obj: Any) -> Person | None:
        found: Person = obj
        return found

    def person_uuid(self, obj: Any) -> uuid.UUID | None:
        found: uuid.UUID = obj.pk
        return found

    @admin.display(description=_("account number"))
    def account_number(self, obj: Any) -> str | None:
        return HIDDEN if obj.iban_hash else None


@admin.register(Pledge)
class PledgeAdmin(DonorAdmin):
    part = Part.TOLD
    list_display = (
        "donor",
        "status",
        "owning_organization",
        "donation_amount",
        "donation_interval",
        "created_at",
        "short_uuid",
    )
    list_select_related = ("owning_organization", "person")
    list_filter = (choice_filter("status", _("status"), Pledge.Status.choices), OrganizationFilter)
    told: ClassVar = {
        "status": attrgetter("status_words"),
        "donation_interval": attrgetter("interval_words"),
        "initial_donation_interval": lambda pledge: in_words(
            Pledge.Interval, pledge.initial_donation_interval
        ),
        "recruitment_type": attrgetter("recruitment_words"),
    }
    uuid_lookups = ("pk", "person")
    person_lookup = "person"
    search_help_text = _(
        "Last name, phone number or postcode of a donor, or the uuid of a pledge or a person."
    )
    ordering = ("-created_at", "-pk")
    hidden_fields = ("external_metadata",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Beside the name no more of the donor is shown than a uuid.
        return super().get_queryset(request).defer("person__iban")


@admin.register(Transaction)
class TransactionAdmin(DonorAdmin):
    part = Part.TOLD
    list_display = ("donor", "status", "amount", "method", "created_at", "short_uuid")
    list_select_related = ("person",)
    list_filter = (
        choice_filter("status", _("status"), Transaction.Status.choices),
        PersonOrganizationFilter,
    )
    told: ClassVar = {"status": lambda one: in_words(Transaction.Status, one.status)}
    uuid_lookups = ("pk", "person", "pledge")
    person_lookup = "person"
    search_help_text = _(
        "Last name, phone number or postcode of a donor, or the uuid of a transaction, a person or "
        "a pledge."
    )
    ordering = ("-pk",)
    hidden_fields = ("iban", "name", "provider_metadata")
    left_out = (*RoleAdmin.left_out, "iban_hash")
    readonly_fields = ("account_number",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("person__iban")

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        transactions: QuerySet[Any] = rows.filter(
            person__owning_organization__in=reader.organizations.values("pk")
        )
        return transactions

    @admin.display(description=_("account number"))
    def account_number(self, obj: Any) -> str | None:
        return HIDDEN if obj.iban_hash else None


# ── What people here did ──────────────────────────────────────────────────────────────────────────


@admin.register(NewPledge)
class NewPledgeAdmin(DonorAdmin):
    """Pledges that people here made, as they wanted them; the mirror has what came of them."""

    list_display = ("at", "user", "uuid", "donation_amount", "donation_interval", "managed_in")
    list_select_related = ("user",)
    told: ClassVar = {
        "donation_interval": lambda made: in_words(Pledge.Interval, made.donation_interval)
    }
    list_filter = (OrganizationFilter,)
    uuid_lookups = ("pk", "person")
    person_lookup = "person"
    search_help_text = _(
        "Last name, phone number or postcode of a donor, or the uuid of a pledge or a person."
    )
    ordering = ("-at", "-pk")
    left_out = ("token", "delivery")

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        made: QuerySet[Any] = rows.filter(owning_organization__in=reader.organizations.values("pk"))
        return made


class OfPledgeAdmin(DonorAdmin):
    """What people here did with a pledge."""

    uuid_lookups = ("pledge",)
    search_help_text = _("The uuid of a pledge.")

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        pledges = Pledge.objects.visible_to(reader)
        visible: QuerySet[Any] = rows.filter(Exists(pledges.filter(pk=OuterRef("pledge"))))
        return visible

    def person_uuid(self, obj: Any) -> uuid.UUID | None:
        found: uuid.UUID | None = obj.pledge.person_id
        return found


@admin.register(PledgeChange)
class PledgeChangeAdmin(OfPledgeAdmin):
    list_display = ("at", "user", "pledge", "__str__", "ended_badly_at")
    list_select_related = ("user", "pledge")
    list_filter = (PledgeOrganizationFilter,)
    ordering = ("-pk",)
    left_out = ("token", "delivery")


@admin.register(SignatureRequest)
class SignatureRequestAdmin(OfPledgeAdmin):
    """Who looked at which signature. The address is for who asked, and never on this page."""

    list_display = ("asked_at", "user", "pledge", "state", "taken_at")
    list_select_related = ("user", "pledge")
    list_filter = (
        choice_filter("state", _("state"), SignatureRequest.State.choices),
        PledgeOrganizationFilter,
    )
    ordering = ("-asked_at", "-pk")
    hidden_fields = ("address",)
