"""People and the trail, narrowed to the reader's organisations; and people taken in from a file."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.forms import UserChangeForm, UserCreationForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actions import NotTheirs, make_first_password_path
from accounts.admin import AuditEntryAdmin, UserAdmin, confirmed, reader_of
from accounts.models import AlreadySent, AuditEntry, FormChanged, User
from accounts.two_steps import FORM_CHANGED
from pledges import people
from pledges.actions import PeopleChanged, import_people
from pledges.admin import trail
from pledges.admin.donors import organizations_of
from pledges.models import Organization
from pledges.people_file import PersonLine
from pledges.people_forms import PeopleFileForm, PeopleForm

CHANGED_MEANWHILE = _(
    "Somebody changed people meanwhile. Look at what the file does now, and confirm it again."
)
# Two lines to begin with: a header in Dutch, and people who do not exist. Excel reads it as UTF-8.
SAMPLE = (
    "\ufeffgebruikersnaam;naam;e-mail;rol;organisaties;TapRaise user uuid\r\n"
    "alice;Alice Voorbeeld;alice@example.org;agent;{organizations};"
    "11111111-1111-4111-8111-111111111111\r\n"
    "carol;Carol Voorbeeld;;supervisor;{organizations};\r\n"
)


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person and the organisations for which they work."""

    organizations = forms.ModelMultipleChoiceField(
        queryset=Organization.objects.order_by("name"),
        label=_("Organisations"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Whose donors this person may see, and for which call centre they call."),
    )


class ChangeMemberForm(MemberForm, UserChangeForm):  # type: ignore[type-arg]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "organizations" in self.fields:
            self.fields["organizations"].initial = self.instance.organizations.all()


class NewMemberForm(MemberForm, UserCreationForm):  # type: ignore[type-arg]
    pass


@admin.register(User)
class MemberAdmin(UserAdmin):
    form = ChangeMemberForm
    add_form = NewMemberForm
    add_form_template = "admin/person_add_form.html"
    change_list_template = "admin/people_change_list.html"
    actions = (*UserAdmin.actions, "make_password_paths")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        people = super().get_queryset(request)
        if self.has_change_permission(request):
            return people
        return people.filter(
            pk__in=User.objects.filter(organizations__in=organizations_of(request)).values("pk")
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        who, (title, work), *others = super().get_fieldsets(request, obj)
        shown = "organizations" if self._edits(request, obj) else "names_of_organizations"
        return (who, (title, {"fields": (*work["fields"], shown)}), *others)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if self._edits(request, obj) else (*fields, "names_of_organizations")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.organizations.set(form.cleaned_data["organizations"])

    def facts(self, obj: Any) -> dict[str, Any]:
        organizations = obj.organizations.values_list("pk", flat=True)
        return {**super().facts(obj), "organizations": sorted(map(str, organizations))}

    @admin.display(description=_("Organisations"))
    def names_of_organizations(self, obj: User) -> str:
        return ", ".join(map(str, obj.organizations.order_by("name")))

    # ── From a file ───────────────────────────────────────────────────────────────────────────────

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("import/", view(self.import_people), name="accounts_user_import"),
            path("import/sample/", view(self.sample), name="accounts_user_import_sample"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        is_set = self.has_change_permission(request)
        return super().changelist_view(request, {**(extra_context or {}), "is_set": is_set})

    def sample(self, request: HttpRequest) -> HttpResponse:
        """A file to fill in, with the names of organisations as they are here."""
        self._check_manager(request)
        names = organizations_of(request).exclude(name="").order_by("name")[:2]
        content = SAMPLE.format(organizations=" | ".join(one.name for one in names))
        headers = {"Content-Disposition": 'attachment; filename="belbord-people.csv"'}
        return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)

    def import_people(self, request: HttpRequest) -> HttpResponse:
        """Give a file; look at what each line does; confirm it."""
        self._check_manager(request)
        if request.method != "POST":
            return self._page(request, form=PeopleFileForm())
        if "lines" in request.POST:
            return self._confirm(request)
        form = PeopleFileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, form=form, status=422)
        found = form.cleaned_data["found"]
        return self._look(request, found.lines, unknown=found.unknown)

    def _confirm(self, request: HttpRequest) -> HttpResponse:
        form = PeopleForm(request.POST)
        if not form.is_valid():
            problem = _("What came back is not what was sent. Give the file again.")
            return self._page(request, form=PeopleFileForm(), problem=problem, status=422)
        lines = form.cleaned_data["lines"]
        try:
            planned = import_people(
                user=reader_of(request),
                lines=lines,
                given=organizations_of(request),
                seen=form.cleaned_data["seen"],
                token=form.cleaned_data["token"],
                at=timezone.now(),
            )
        except PeopleChanged:
            return self._look(request, lines, problem=CHANGED_MEANWHILE, status=409)
        except FormChanged:
            return self._look(request, lines, problem=FORM_CHANGED, status=409)
        except AlreadySent:
            planned = []
        return self._done(request, lines, planned)

    def _look(
        self,
        request: HttpRequest,
        lines: Sequence[PersonLine],
        *,
        unknown: Sequence[str] = (),
        problem: Any = "",
        status: int = 200,
    ) -> HttpResponse:
        given = organizations_of(request)
        planned = people.plan(lines, by=reader_of(request), given=given)
        kept = {
            "lines": json.dumps([line.as_json() for line in lines], separators=(",", ":")),
            "seen": people.digest(planned),
            "token": uuid4(),
        }
        return self._page(
            request,
            form=PeopleForm(initial=kept),
            status=status,
            planned=planned,
            counts=[(kind.label, sum(one.kind == kind for one in planned)) for kind in people.Kind],
            is_anything=any(one.is_done for one in planned),
            is_refused=any(one.is_refused for one in planned),
            unknown=unknown,
            problem=problem,
        )

    def _done(
        self, request: HttpRequest, lines: Sequence[PersonLine], planned: Sequence[people.Planned]
    ) -> HttpResponse:
        """What was done, and where those who have no password yet choose one."""
        names = [line.username for line in lines]
        waiting = User.objects.filter(username__in=names, is_superuser=False, is_active=True)
        without = [one for one in waiting.order_by("username") if not one.has_usable_password()]
        done = [one for one in planned if one.is_done]
        return self._password_paths(request, without, done=done, is_import=True)

    def _password_paths(
        self, request: HttpRequest, users: Iterable[User], **context: Any
    ) -> HttpResponse:
        by, at = reader_of(request), timezone.now()
        paths = [
            (
                user,
                request.build_absolute_uri(make_first_password_path(user=user, by=by, at=at)),
            )
            for user in users
        ]
        page = {
            **self.admin_site.each_context(request),
            "title": _("Addresses to choose a password at"),
            "opts": self.opts,
            "paths": paths,
            **context,
        }
        return TemplateResponse(request, "admin/password_paths.html", page)

    @admin.action(description=_("Make an address to choose a password at…"), permissions=["manage"])
    def make_password_paths(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponse | None:
        by = reader_of(request)
        rows = queryset if by.is_superuser else queryset.filter(is_superuser=False)
        chosen: list[User] = []
        page = confirmed(
            self,
            request,
            rows,
            action="make_password_paths",
            title=_("Make an address to choose a password at"),
            effect=_(
                "Each of them gets an address of their own, which you hand over yourself. It works "
                "once, for three days; until then the password that they have stays."
            ),
            do=lambda user, _answers: chosen.append(user),
            refusals={NotTheirs: _("Not for somebody who may do everything everywhere.")},
        )
        if page is not None or not chosen:
            return page
        # What was done stands on the page itself.
        list(messages.get_messages(request))
        return self._password_paths(request, chosen)

    def _check_manager(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    def _page(
        self, request: HttpRequest, *, form: forms.Form, status: int = 200, **context: Any
    ) -> HttpResponse:
        page = {
            **self.admin_site.each_context(request),
            "title": _("Take people in from a file"),
            "opts": self.opts,
            "form": form,
            **context,
        }
        return TemplateResponse(request, "admin/import_people.html", page, status=status)

    def _edits(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(AuditEntry)
class OwnAuditEntryAdmin(AuditEntryAdmin):
    list_display = ("at", "user", "action", "about", "person_uuid")
    told: ClassVar = {
        "action": lambda entry: trail.done_in_words(entry.action),
        "subject": lambda entry: trail.subject_in_words(entry.subject),
    }

    @admin.display(description=_("about"), ordering="subject")
    def about(self, obj: Any) -> str:
        return trail.subject_in_words(obj.subject, is_short=True)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        entries = super().get_queryset(request)
        reader = reader_of(request)
        if reader.is_superuser or reader.is_manager:
            return entries
        people = User.objects.filter(organizations__in=reader.organizations.all())
        return entries.filter(user__in=people.values("pk"))
