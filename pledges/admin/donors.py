"""What the admin's lists about donors have in common: whose a row is, how it is found by its donor,
and that a look is kept."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit, looked_for
from accounts.admin import RoleAdmin, reader_of
from accounts.models import User
from pledges import finding
from pledges.models import Organization, Person

# Under which the session keeps what was looked for in the admin.
SEARCHES: Final = "admin_searches"
# Of more donors than this with one name, the first are shown.
MOST_DONORS: Final = 200


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


class DonorList(ChangeList):
    """A list whose search is sent as a form, because it may hold a donor's name or number."""

    is_sent = True

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        # What stands in the box: the address has no more than the name under which it is kept.
        self.looked_for = words_looked_for(request, self.query)


class DonorAdmin(RoleAdmin):
    """Rows about donors: those of the reader's organisations, and each look is put on the trail.

    Where `person_lookup` leads from a row to its donor, rows are found by the donor's last name,
    phone number or postcode, too.
    """

    person_lookup: ClassVar[str] = ""

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

    # ── How it is shown ───────────────────────────────────────────────────────────────────────────

    def get_list_display(self, request: HttpRequest) -> Any:
        columns: Any = super().get_list_display(request)
        return [self._donor_of(request) if one == "donor" else one for one in columns]

    def person_of(self, obj: Any) -> Person | None:
        found: Person | None = obj.person
        return found

    @admin.display(description=_("donor"))
    def donor(self, obj: Any) -> str:
        # In a list another takes its place, which knows whose donors the reader may see.
        person = self.person_of(obj)
        return person.form_of_address if person else ""

    @admin.display(description="uuid", ordering="uuid")
    def short_uuid(self, obj: Any) -> str:
        """Its beginning, by which rows of one donor are told apart; the page has it whole."""
        return str(obj.pk)[:8]

    def _donor_of(self, request: HttpRequest) -> Callable[[Any], str]:
        reader = reader_of(request)
        # Read once for the whole list, when the first row asks.
        theirs: list[set[uuid.UUID]] = []

        @admin.display(description=_("donor"))
        def donor(obj: Any) -> str:
            person = self.person_of(obj)
            if person is None:
                return ""
            if not reader.is_superuser:
                if not theirs:
                    theirs.append(set(reader.organizations.values_list("pk", flat=True)))
                if person.owning_organization_id not in theirs[0]:
                    return ""
            return person.form_of_address

        return donor

    # ── How it is found ───────────────────────────────────────────────────────────────────────────

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DonorList if self.person_lookup else super().get_changelist(request, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if self.person_lookup and request.method == "POST" and SEARCH_VAR in request.POST:
            return self._keep_search(request)
        return super().changelist_view(request, extra_context)

    def _keep_search(self, request: HttpRequest) -> HttpResponse:
        """To the address at which it is found; only a uuid stands there as it was written."""
        sent = request.POST.dict()
        sent.pop("csrfmiddlewaretoken", None)
        text = sent.pop(SEARCH_VAR).replace("\0", "").strip()[: finding.LONGEST]
        if text:
            wanted = finding.read(text)
            number = wanted and wanted.number
            sent[SEARCH_VAR] = str(number or looked_for.keep(request, text, of=SEARCHES))
        return redirect(f"{request.path}?{urlencode(sent)}")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = words_looked_for(request, search_term.strip())
        if not self.person_lookup or not text:
            return super().get_search_results(request, queryset, text)
        wanted = finding.read(text)
        if wanted is not None and wanted.number:
            return queryset.filter(self.search_by_uuid(wanted.number)), False
        if wanted is None or wanted.is_part_of_phone or wanted.has_part_of_phone:
            problem = _("Write a whole phone number, or at least two letters of a last name.")
            self.message_user(request, problem, messages.WARNING)
            return queryset.none(), False
        reader = reader_of(request)
        found = finding.find_persons(
            wanted, user=reader, sees_all=reader.is_superuser, most=MOST_DONORS
        )
        if request.method == "GET":
            audit.record("donors.searched", user=reader, at=timezone.now(), found=len(found))
        if len(found) > MOST_DONORS:
            words = gettext(
                "More than %(most)s donors are called so; these are the first by name. Write the "
                "first name in front of it, or search by postcode with house number."
            )
            self.message_user(request, words % {"most": MOST_DONORS}, messages.WARNING)
        persons = [person.pk for person in found[:MOST_DONORS]]
        return queryset.filter(**{f"{self.person_lookup}__in": persons}), False

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


def words_looked_for(request: HttpRequest, name: str) -> str:
    """What somebody wrote, by the name under which it is kept; else the name itself."""
    return looked_for.kept(request, name, of=SEARCHES) or name
