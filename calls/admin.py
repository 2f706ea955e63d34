"""The admin of calls, of what people here did with them, and of the messages that tell TapRaise.

Every action calls a verb of `calls.actions` or `integrations.actions`, after a page that says what
it will do.
"""

import uuid
from operator import attrgetter
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin import RecordInline, choice_filter, confirmed, reader_of
from accounts.admin_site import Part
from accounts.models import AlreadySent, FormChanged, User
from calls import rules_admin, script_admin, target_admin
from calls.actions import (
    CallEnded,
    NotAllowed,
    NotOurs,
    cancel_call,
    cancel_callback,
    expire_call,
    lift_objection,
)
from calls.deliveries import seen_by
from calls.messages import NoTapRaiseUser
from calls.models import (
    Attempt,
    Call,
    Callback,
    Completion,
    Ending,
    NewCall,
    ResultCode,
    TakenAway,
)
from integrations.admin import DeliveryAdmin
from integrations.models import Delivery
from pledges.admin import DonorAdmin, PersonOrganizationFilter
from pledges.models import (
    Objection,
    Person,
    PledgeChange,
)

__all__ = ["rules_admin", "script_admin", "target_admin"]

REFUSALS = {
    CallEnded: _("This call is already over."),
    NotOurs: _("This call is not ours to make, or it is managed elsewhere."),
    NotAllowed: _("Only a supervisor may do this."),
    AlreadySent: _("This was done before."),
    NoTapRaiseUser: _("You have no TapRaise user yet: a manager sets it."),
    FormChanged: _("This form was sent before with another reason."),
}


def _reason() -> forms.Field:
    return forms.CharField(label=_("Reason"), max_length=300)


class AttemptInline(RecordInline):
    model = Attempt
    fields = ("at", "user", "outcome", "outcome_at")
    ordering = ("at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "call")


class CompletionInline(RecordInline):
    model = Completion
    fields = ("completed_at", "user", "result_code", "retention_rating", "ended_badly_at")
    ordering = ("completed_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "call")


class EndingInline(RecordInline):
    model = Ending
    fields = ("at", "user", "kind", "reason", "ended_badly_at")
    ordering = ("at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "call")


@admin.register(Call)
class CallAdmin(DonorAdmin):
    part = Part.TOLD
    list_display = (
        "donor",
        "status",
        "type",
        "requested_at",
        "result_code",
        "short_uuid",
        "charity",
        "attempts_count",
        "calling_organization",
    )
    list_select_related = ("person__owning_organization", "calling_organization")
    list_filter = (
        choice_filter("status", _("status"), Call.Status.choices),
        choice_filter("type", _("type"), Call.Type.choices),
        PersonOrganizationFilter,
    )
    told: ClassVar = {
        "status": attrgetter("status_words"),
        "type": attrgetter("type_words"),
        "result_code": attrgetter("result_words"),
    }
    uuid_lookups = ("pk", "person", "pledge")
    person_lookup = "person"
    search_help_text = _(
        "Last name, phone number or postcode of a donor, or the uuid of a call, a person or a "
        "pledge."
    )
    ordering = ("-requested_at", "-uuid")
    hidden_fields = ("external_additional",)
    left_out = ("digest", "lease", "tried_in")
    inlines = (AttemptInline, CompletionInline, EndingInline)
    actions = ("cancel", "expire")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Beside the name no more of the donor is shown than a uuid.
        return super().get_queryset(request).defer("person__iban")

    @admin.display(description=_("organisation"))
    def charity(self, obj: Call) -> str:
        return str(obj.person.owning_organization or "")

    @admin.action(description=_("Cancel…"), permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Call]) -> HttpResponse | None:
        def cancel_one(call: Call, answers: dict[str, Any]) -> None:
            cancel_call(
                user=reader_of(request),
                call=call,
                reason=answers["reason"],
                token=answers["token"],
                at=timezone.now(),
            )

        return confirmed(
            self,
            request,
            queryset,
            action="cancel",
            title=_("Cancel at TapRaise"),
            effect=_(
                "TapRaise is told that these calls are cancelled: nobody makes them any more, here "
                "or elsewhere. TapRaise has no way back from this."
            ),
            reason=_reason(),
            do=cancel_one,
            refusals=REFUSALS,
        )

    @admin.action(description=_("Let expire…"), permissions=["act"])
    def expire(self, request: HttpRequest, queryset: QuerySet[Call]) -> HttpResponse | None:
        def expire_one(call: Call, answers: dict[str, Any]) -> None:
            expire_call(
                user=reader_of(request),
                call=call,
                expired_at=None,
                reason=answers["reason"],
                token=answers["token"],
                at=timezone.now(),
            )

        return confirmed(
            self,
            request,
            queryset,
            action="expire",
            title=_("Let expire at TapRaise"),
            effect=_(
                "TapRaise is told that these calls have expired, as of now: the donor was not "
                "reached in time. TapRaise has no way back from this."
            ),
            reason=_reason(),
            do=expire_one,
            refusals=REFUSALS,
        )


class OfCallAdmin(DonorAdmin):
    """What people here did with a call."""

    uuid_lookups = ("call",)
    search_help_text = _("The uuid of a call.")
    left_out = ("token", "outcome_token", "delivery")

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        calls = Call.objects.visible_to(reader)
        visible: QuerySet[Any] = rows.filter(Exists(calls.filter(pk=OuterRef("call"))))
        return visible

    def person_uuid(self, obj: Any) -> uuid.UUID | None:
        found: uuid.UUID = obj.call.person_id
        return found


@admin.register(Attempt)
class AttemptAdmin(OfCallAdmin):
    list_display = ("at", "user", "outcome", "call")
    list_select_related = ("user", "call")
    list_filter = (choice_filter("outcome", _("outcome"), Attempt.Outcome.choices[1:]),)
    ordering = ("-pk",)


@admin.register(Completion)
class CompletionAdmin(OfCallAdmin):
    list_display = ("completed_at", "user", "result_code", "retention_rating", "call")
    list_select_related = ("user", "call")
    list_filter = (choice_filter("result_code", _("result"), ResultCode.choices),)
    ordering = ("-pk",)


@admin.register(Ending)
class EndingAdmin(OfCallAdmin):
    list_display = ("at", "user", "kind", "reason", "call")
    list_select_related = ("user", "call")
    list_filter = (choice_filter("kind", _("kind"), Ending.Kind.choices),)
    ordering = ("-pk",)


@admin.register(TakenAway)
class TakenAwayAdmin(OfCallAdmin):
    """Calls that a supervisor took out of somebody's hands."""

    list_display = ("at", "user", "by", "reason", "call")
    list_select_related = ("user", "by", "call")
    list_filter = (choice_filter("reason", _("reason"), TakenAway.Reason.choices),)
    ordering = ("-pk",)


@admin.register(Callback)
class CallbackAdmin(OfCallAdmin):
    """Moments that were agreed on; the page of the call is where another one is."""

    list_display = ("due_at", "whose", "user", "state", "call", "made_at", "ended_at")
    list_select_related = ("user", "call")
    list_filter = (
        choice_filter("state", _("state"), Callback.State.choices),
        choice_filter("whose", _("whose"), Callback.Whose.choices),
    )
    ordering = ("-pk",)
    actions = ("cancel",)

    @admin.action(description=_("Cancel…"), permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Callback]) -> HttpResponse | None:
        return confirmed(
            self,
            request,
            queryset.filter(state=Callback.State.OPEN).select_related("call"),
            action="cancel",
            title=_("Cancel the callback"),
            effect=_(
                "Nobody is reminded of these moments any more; the calls wait in the queue as any "
                "other. What is over already stays as it is."
            ),
            do=lambda callback, _answers: cancel_callback(
                user=reader_of(request), call=callback.call, at=timezone.now()
            ),
            refusals=REFUSALS,
        )


class LiftedFilter(admin.SimpleListFilter):
    """Whether an objection still stands."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("stands", _("stands")), ("lifted", _("lifted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(lifted_at__isnull=self.value() == "stands")


@admin.register(Objection)
class ObjectionAdmin(DonorAdmin):
    """Who is not to be reached any more; of who was erased nobody knows whose donor it was."""

    list_display = (
        "at",
        "channel",
        "reason",
        "source",
        "user",
        "person_uuid",
        "calls_stopped",
        "lifted_at",
    )
    list_select_related = ("user",)
    list_filter = (
        choice_filter("channel", _("wants to"), Objection.Channel.choices),
        choice_filter("reason", _("reason"), Objection.Reason.choices),
        choice_filter("source", _("how it came in"), Objection.Source.choices),
        LiftedFilter,
    )
    uuid_lookups = ("person_uuid",)
    search_help_text = _("The uuid of a person.")
    ordering = ("-pk",)
    left_out = ("token",)
    actions = ("lift",)

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        seen = Person.objects.visible_to(reader).filter(pk=OuterRef("person_uuid"))
        visible: QuerySet[Any] = rows.filter(Exists(seen))
        return visible

    def person_uuid(self, obj: Any) -> uuid.UUID | None:
        found: uuid.UUID = obj.person_uuid
        return found

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """A supervisor looks on: only a manager lifts one."""
        return reader_of(request).is_manager

    @admin.action(description=_("Lift…"), permissions=["manage"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Objection]) -> HttpResponse | None:
        def lift_one(objection: Objection, answers: dict[str, Any]) -> None:
            lift_objection(
                user=reader_of(request),
                objection=objection,
                reason=answers["reason"],
                token=answers["token"],
                at=timezone.now(),
            )

        return confirmed(
            self,
            request,
            queryset.filter(lifted_at=None),
            action="lift",
            title=_("Lift an objection"),
            effect=_(
                "Calls to these donors may be served again, and messages sent. The objections stay "
                "on record, with your name and the reason."
            ),
            reason=_reason(),
            do=lift_one,
            refusals=REFUSALS,
        )


@admin.register(NewCall)
class NewCallAdmin(DonorAdmin):
    """Calls that people here asked for; the mirror has what came of them."""

    list_display = ("requested_at", "user", "uuid", "type", "managed_in")
    list_select_related = ("user",)
    list_filter = (PersonOrganizationFilter,)
    uuid_lookups = ("pk", "person", "pledge")
    person_lookup = "person"
    search_help_text = _(
        "Last name, phone number or postcode of a donor, or the uuid of a call, a person or a "
        "pledge."
    )
    ordering = ("-requested_at", "-pk")
    left_out = ("token", "delivery")

    def visible_rows(self, rows: Any, reader: User) -> QuerySet[Any]:
        return _of_seen_persons(rows, reader)


def _of_seen_persons(rows: Any, reader: User) -> QuerySet[Any]:
    seen = Person.objects.visible_to(reader).filter(pk=OuterRef("person"))
    visible: QuerySet[Any] = rows.filter(Exists(seen))
    return visible


@admin.register(Delivery)
class CallDeliveryAdmin(DeliveryAdmin):
    """The messages about calls and pledges that the reader may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        reader = reader_of(request)
        return seen_by(reader, super().get_queryset(request), sees_all=reader.is_superuser)

    def search_by_uuid(self, wanted: uuid.UUID) -> Q:
        # What an agent changed about a pledge leaves on the line of the call.
        changes = PledgeChange.objects.filter(pledge=wanted, delivery=OuterRef("pk"))
        return super().search_by_uuid(wanted) | Q(Exists(changes))
