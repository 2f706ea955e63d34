"""The admin's manners, for every room, and the admin of accounts.

Who may what follows from the person's role: supervisors look and decide within their
organisations, managers also set up people, organisations and rules. What TapRaise owns, and what is
a record of something that happened, can be changed here by nobody.

A room below does not know whose a row is. `UserAdmin` and `AuditEntryAdmin` are registered by the
room that knows organisations, which narrows them: see pledges/admin/.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.actions import remove_second_factor
from accounts.admin_site import Part
from accounts.models import User

HIDDEN = "••••"

# Mail addresses and permission groups play no part here, and nobody looks at second factors.
admin.site.unregister([Group, EmailAddress, Authenticator])
admin.site.site_header = admin.site.site_title = "Belbord"
admin.site.index_title = _("Overview")


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than people turn pages: an exact count of a million rows is slow.

    What lies beyond is found by filter or by uuid.
    """

    CAP = 2_000

    @property
    def count(self) -> int:
        return min(self._counted, self.CAP)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than pages lead to."""
        return self._counted > self.CAP

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.CAP + 1].count())


class ByRole:
    """Rights by role. `managers_edit` opens a form to managers; else it can only be looked at."""

    managers_edit = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        reader = reader_of(request)
        return reader.is_superuser or reader.is_supervisor

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        reader = reader_of(request)
        return self.managers_edit and (reader.is_superuser or reader.is_manager)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Who may start the admin actions that are marked `permissions=["act"]`."""
        return self.has_view_permission(request)


class RoleAdmin(ByRole, admin.ModelAdmin):  # type: ignore[type-arg]
    """A list that stays quick: capped count, search by whole uuid, 50 rows a page.

    `uuid_lookups` are the columns that such a search compares. `hidden_fields` are never read from
    the database, and the page only says that there is something. `told` has, by the name of a
    column, what is shown of a row in its place: words for a code. Changes are put on the trail.
    """

    uuid_lookups: ClassVar[tuple[str, ...]] = ("pk",)
    hidden_fields: ClassVar[tuple[str, ...]] = ()
    # Where the list stands on the overview.
    part: ClassVar[Part] = Part.DONE
    told: ClassVar[Mapping[str, Callable[[Any], str]]] = {}
    # Columns that are for the program and tell a reader nothing.
    left_out: ClassVar[tuple[str, ...]] = ("digest", "lease")
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self._told = {name: _told(model, name, words) for name, words in self.told.items()}

    def _get_obj_does_not_exist_redirect(self, *args: Any) -> HttpResponse:
        # Django would go to the list and say there that the uuid does not exist.
        raise Http404

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self.search_fields or self.uuid_lookups

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if self.search_fields or not search_term.strip():
            return super().get_search_results(request, queryset, search_term)
        try:
            wanted = uuid.UUID(search_term.strip())
        except ValueError:
            return queryset.none(), False
        return queryset.filter(self.search_by_uuid(wanted)), False

    def search_by_uuid(self, wanted: uuid.UUID) -> Q:
        query = Q()
        for lookup in self.uuid_lookups:
            query |= Q(**{lookup: wanted})
        return query

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*self.hidden_fields)

    def get_list_display(self, request: HttpRequest) -> Any:
        columns: Any = super().get_list_display(request)
        return [self._told.get(one, one) for one in columns]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.fields or self.has_change_permission(request, obj):
            return super().get_fields(request, obj)
        columns = [
            field.name
            for field in self.opts.fields
            if field.name not in (*self.left_out, *self.hidden_fields)
        ]
        told = (self._told.get(one, one) for one in columns)
        return [*told, *self.get_readonly_fields(request, obj)]

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record("added", request, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record("changed", request, obj, message=message)
        return super().log_change(request, obj, message)

    def facts(self, obj: Any) -> dict[str, Any]:
        """What the trail keeps of a row that was added or changed here: ids and codes only."""
        return {}

    def _record(self, verb: str, request: HttpRequest, obj: Model, **facts: Any) -> None:
        audit.record(
            f"{self.opts.model_name}.{verb}",
            user=reader_of(request),
            at=timezone.now(),
            subject=f"{self.opts.model_name}:{obj.pk}",
            **facts,
            **self.facts(obj),
        )


def _told(model: type[Model], column: str, words: Callable[[Any], str]) -> Callable[[Any], str]:
    """A column of the admin that is called and ordered as the model's own, and told in words."""
    field: Any = model._meta.get_field(column)

    @admin.display(description=field.verbose_name, ordering=column)
    def told(obj: Any) -> str:
        return words(obj)

    told.__name__ = column
    return told


class RecordInline(ByRole, admin.StackedInline):  # type: ignore[type-arg]
    """Rows that belong to the row that is shown: looked at, not changed."""

    extra = 0
    can_delete = False
    show_change_link = True


class ChoiceFilter(admin.SimpleListFilter):
    """A filter by documented values: asking the table which values occur would read all of it."""

    choices_of: ClassVar[Iterable[tuple[str, Any]]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(self.choices_of)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(**{str(self.parameter_name): self.value()})


def choice_filter(column: str, label: Any, options: Iterable[tuple[str, Any]]) -> type:
    """A filter of a list by one column and its documented values."""
    attributes = {"parameter_name": column, "title": label, "choices_of": options}
    return type(f"{column.title()}Filter", (ChoiceFilter,), attributes)


class ConfirmForm(forms.Form):
    """What a person says on the page that tells the effect of an action, before it happens."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, reason: forms.Field | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if reason is not None:
            self.fields["reason"] = reason


def confirmed(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    action: str,
    title: Any,
    effect: Any,
    reason: forms.Field | None = None,
    do: Callable[[Any, dict[str, Any]], object],
    refusals: dict[type[Exception], Any],
) -> HttpResponse | None:
    """Show what an admin action will do; once that is confirmed, `do` it to each row by itself.

    `do` gets the row and the answers: `token` (one for each row), `reason` where a field for it was
    given, `version` of the row as it was shown. `refusals` puts its exceptions into words.
    """
    form = ConfirmForm(request.POST if "confirmed" in request.POST else None, reason=reason)
    if not form.is_valid():
        context = {
            **model_admin.admin_site.each_context(request),
            "title": title,
            "effect": effect,
            "form": form,
            "rows": rows,
            "action": action,
            "checkbox": ACTION_CHECKBOX_NAME,
            "opts": model_admin.opts,
            "media": model_admin.media,
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "admin/confirm_action.html", context, status=status)
    for row in rows:
        answers = {
            **form.cleaned_data,
            "token": uuid.uuid5(form.cleaned_data["token"], str(row.pk)),
            "version": int(request.POST.get(f"version_{row.pk}") or 0),
        }
        try:
            do(row, answers)
        except tuple(refusals) as refusal:
            words = next(refusals[kind] for kind in type(refusal).__mro__ if kind in refusals)
            model_admin.message_user(request, f"{row}: {words}", messages.ERROR)
        else:
            model_admin.message_user(request, f"{row}: {title}", messages.SUCCESS)
    return None


def reader_of(request: HttpRequest) -> User:
    """The person who asks; the admin site lets nobody in who is not signed in."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("The admin is for people who are signed in.")
    return user


class UserAdmin(RoleAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """People: who they are, their role, and the TapRaise user under whose name they call.

    A first password is told by word of mouth: nothing is sent by mail.
    """

    part = Part.SET
    managers_edit = True
    list_display = ("username", "first_name", "last_name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    actions: tuple[str, ...] = ("remove_second_factor",)

    who = (None, {"fields": ("username", "first_name", "last_name", "email", "language")})
    work = (_("Work"), {"fields": ("role", "tapraise_user_uuid")})
    access = (_("Access"), {"fields": ("is_active", "last_login", "date_joined")})
    first_password = (_("Password"), {"fields": ("password1", "password2")})
    password = (_("Password"), {"fields": ("password",)})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return (self.who, self.work, self.first_password)
        if self.has_change_permission(request, obj):
            return (self.who, self.work, self.password, self.access)
        return (self.who, self.work, self.access)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Who may sign in everywhere is not for a manager to take over.
        if obj is not None and obj.is_superuser and not reader_of(request).is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        # The admin's gate follows the role.
        obj.is_staff = obj.is_supervisor or obj.is_superuser
        super().save_model(request, obj, form, change)

    def facts(self, obj: Any) -> dict[str, Any]:
        return {"role": obj.role, "is_active": obj.is_active}

    @admin.action(description=_("Remove the second factor…"), permissions=["manage"])
    def remove_second_factor(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponse | None:
        by = reader_of(request)
        rows = queryset if by.is_superuser else queryset.filter(is_superuser=False)
        return confirmed(
            self,
            request,
            rows,
            action="remove_second_factor",
            title=_("Remove the second factor"),
            effect=_(
                "They sign in with their password alone, once. A supervisor or manager then sets "
                "up a new second factor before anything else."
            ),
            do=lambda user, answers: remove_second_factor(user=user, by=by, at=timezone.now()),
            refusals={},
        )


class AuditEntryAdmin(RoleAdmin):
    """The trail: read only, and kept whole by its seals."""

    part = Part.KEPT
    list_display = ("at", "user", "action", "subject", "person_uuid")
    list_select_related = ("user",)
    ordering = ("-at", "-pk")
    uuid_lookups = ("person_uuid",)
    search_help_text = _("The uuid of a person, or of a call.")

    def search_by_uuid(self, wanted: uuid.UUID) -> Q:
        return super().search_by_uuid(wanted) | Q(subject=f"call:{wanted}")
