"""What the admin's lists about donors have in common: whose a row is, and that a look is kept."""

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin import RoleAdmin, reader_of
from accounts.models import User
from pledges.models import Organization


class OrganizationFilter(admin.SimpleListFilter):
    """The reader's own organisations. `lookup` leads from the row to its organisation."""

    title = _("organisation")
    parameter_name = "organization"
    lookup = "owning_organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        organizations = organizations_of(request).order_by("name")
        return [(str(organization.pk), str(organization)) for organization in organizations]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        try:
            wanted = uuid.UUID(self.value())
        except ValueError:
            return queryset.none()
        return queryset.filter(**{self.lookup: wanted})


class PersonOrganizationFilter(OrganizationFilter):
    lookup = "person__owning_organization"


class PledgeOrganizationFilter(OrganizationFilter):
    lookup = "pledge__owning_organization"


class DonorAdmin(RoleAdmin):
    """Rows about donors: those of the reader's organisations, and each look is put on the trail."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        reader = reader_of(request)
        return rows if reader.is_superuser else self.visible_rows(rows, reader)

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        visible: QuerySet[Any] = rows.visible_to(reader)
        return visible

    def person_uuid(self, obj: Any) -> uuid.UUID | None:
        """The donor that a row speaks of."""
        found: uuid.UUID | None = obj.person_id
        return found

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            audit.record(
                f"{self.opts.model_name}.read",
                user=reader_of(request),
                at=timezone.now(),
                subject=f"{self.opts.model_name}:{obj.pk}",
                person_uuid=self.person_uuid(obj),
            )
        return super().render_change_form(request, context, *args, **kwargs)


def organizations_of(request: HttpRequest) -> QuerySet[Organization]:
    """The organisations whose rows this reader may see; all of them for who sets them up."""
    reader = reader_of(request)
    everywhere = reader.is_superuser or reader.is_manager
    return Organization.objects.all() if everywhere else reader.organizations.all()
