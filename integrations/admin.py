"""The admin of what leaves and what comes in.

Whose a delivery is, only a room above knows: it registers `DeliveryAdmin` (calls/admin.py).
"""

import json
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import get_text_list
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import HIDDEN, RoleAdmin, choice_filter, confirmed, reader_of
from accounts.admin_site import Part
from integrations import actions, decisions, drift
from integrations.models import (
    Breaker,
    Delivery,
    Drift,
    Heartbeat,
    Quarantine,
    Stream,
    WebhookEvent,
)
from integrations.outline import outline
from integrations.wishes import SUBJECTS, about_in_words

# The kinds that Alphacomm's document names.
KINDS = ("PayLinkVisited", "PayLinkPaid", "VoiceCallCompleted")


def _systems(deliveries: QuerySet[Delivery]) -> str:
    """Whom these messages are for, as it is said in a sentence."""
    return str(get_text_list(sorted({one.system for one in deliveries}), gettext("and")))


class DeliveryAdmin(RoleAdmin):
    """Messages to the systems outside: what was wanted, and what came of it."""

    part = Part.KEPT
    list_display = ("created_at", "operation", "about", "seq", "state", "outcome", "reason", "by")
    list_select_related = ("by",)
    told: ClassVar = {
        "operation": decisions.wish,
        "subject": lambda delivery: about_in_words(delivery.subject),
        "reason": decisions.why,
    }
    list_filter = (
        choice_filter("state", _("state"), Delivery.State.choices),
        choice_filter("outcome", _("outcome"), Delivery.Outcome.choices),
    )
    search_help_text = _("The uuid of a delivery, or of what it is about.")
    ordering = ("-created_at", "-pk")
    hidden_fields = ("payload",)
    readonly_fields = ("hidden_payload",)
    actions = ("it_happened", "send_once_more", "drop", "read_again_now")

    def search_by_uuid(self, wanted: uuid.UUID) -> Q:
        return super().search_by_uuid(wanted) | Q(
            subject__in=[f"{kind}:{wanted}" for kind in SUBJECTS]
        )

    @admin.display(description=_("subject"), ordering="subject")
    def about(self, obj: Any) -> str:
        return about_in_words(obj.subject, is_short=True)

    @admin.action(description=_("It happened…"), permissions=["act"])
    def it_happened(
        self, request: HttpRequest, queryset: QuerySet[Delivery]
    ) -> HttpResponse | None:
        return self._decide(
            request,
            queryset,
            action="it_happened",
            title=_("It happened"),
            effect=decisions.if_it_happened(_systems(queryset)),
            decide=actions.decide_it_happened,
        )

    @admin.action(description=_("Send once more…"), permissions=["act"])
    def send_once_more(
        self, request: HttpRequest, queryset: QuerySet[Delivery]
    ) -> HttpResponse | None:
        return self._decide(
            request,
            queryset,
            action="send_once_more",
            title=_("Send once more"),
            effect=decisions.if_sent_again(one.operation for one in queryset),
            decide=actions.send_once_more,
        )

    @admin.action(description=_("Drop it…"), permissions=["act"])
    def drop(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        return self._decide(
            request,
            queryset,
            action="drop",
            title=_("Drop it"),
            effect=decisions.if_dropped(_systems(queryset)),
            decide=actions.drop,
            reason=forms.ChoiceField(label=_("Reason"), choices=actions.DropReason.choices),
        )

    @admin.action(description=_("Read again now…"), permissions=["act"])
    def read_again_now(
        self, request: HttpRequest, queryset: QuerySet[Delivery]
    ) -> HttpResponse | None:
        return self._decide(
            request,
            queryset,
            action="read_again_now",
            title=_("Read again now"),
            effect=decisions.if_read_again(_systems(queryset)),
            decide=actions.read_again_now,
        )

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[Delivery],
        *,
        decide: Callable[..., Delivery],
        **page: Any,
    ) -> HttpResponse | None:
        def decide_one(delivery: Delivery, answers: dict[str, Any]) -> None:
            chosen = {"reason": answers["reason"]} if "reason" in answers else {}
            decide(
                delivery_id=delivery.pk,
                version=answers["version"],
                user=reader_of(request),
                at=timezone.now(),
                **chosen,
            )

        return confirmed(
            self, request, queryset, do=decide_one, refusals=decisions.REFUSALS, **page
        )

    @admin.display(description=_("payload"))
    def hidden_payload(self, obj: Any) -> str:
        return HIDDEN


@admin.register(Stream)
class StreamAdmin(RoleAdmin):
    part = Part.KEPT
    list_display = (
        "account",
        "feed",
        "filter",
        "state",
        "watermark",
        "last_finished_at",
        "last_full_at",
        "discrepancies",
        "failures",
        "last_error",
    )
    ordering = ("account", "feed", "filter")
    search_fields = ("feed",)
    left_out = (*RoleAdmin.left_out, "cursor")


@admin.register(Quarantine)
class QuarantineAdmin(RoleAdmin):
    part = Part.KEPT
    list_display = ("last_seen_at", "feed", "record_uuid", "path", "reason", "times", "solved_at")
    list_filter = (("solved_at", admin.EmptyFieldListFilter),)
    uuid_lookups = ("record_uuid",)
    search_help_text = _("The uuid of a record.")
    ordering = ("-last_seen_at", "-pk")
    hidden_fields = ("raw",)
    readonly_fields = ("hidden_raw",)

    @admin.display(description=_("record as received"))
    def hidden_raw(self, obj: Any) -> str:
        return HIDDEN


@admin.register(WebhookEvent)
class WebhookEventAdmin(RoleAdmin):
    """The inbox: what came in, and what became of it."""

    part = Part.KEPT
    list_display = (
        "received_at",
        "event",
        "state",
        "reference",
        "service_id",
        "times",
        "tries",
        "reason",
        "worked_at",
    )
    list_filter = (
        choice_filter("state", _("state"), WebhookEvent.State.choices),
        choice_filter("event", _("event"), [(name, name) for name in KINDS]),
    )
    search_fields = ("reference__exact", "service_id__exact", "event_id__exact")
    search_help_text = _("A reference, or the id of a PayLink, a call or an event.")
    ordering = ("-received_at", "-pk")
    left_out = (*RoleAdmin.left_out, "key")
    hidden_fields = ("payload",)
    readonly_fields = ("outlined_payload",)
    actions = ("work_again",)

    @admin.action(description=_("Work off again…"), permissions=["act"])
    def work_again(
        self, request: HttpRequest, queryset: QuerySet[WebhookEvent]
    ) -> HttpResponse | None:
        def work_one(event: WebhookEvent, answers: dict[str, Any]) -> None:
            actions.work_again(event, user=reader_of(request), at=timezone.now())

        return confirmed(
            self,
            request,
            queryset,
            action="work_again",
            title=_("Work off again"),
            effect=_(
                "A worker looks again, in a moment, at what the event speaks of. Nothing is sent, "
                "and what was saved before stays."
            ),
            do=work_one,
            refusals={
                actions.EventAtWork: _("A worker has it in hand right now."),
                actions.EventNotKnown: _("Belbord does not know what an event of this kind means."),
            },
        )

    @admin.display(description=_("event as received"))
    def outlined_payload(self, obj: Any) -> str:
        return format_html("<pre>{}</pre>", json.dumps(outline(obj.payload), indent=2))


@admin.register(Breaker)
class BreakerAdmin(RoleAdmin):
    part = Part.KEPT
    list_display = ("key", "opened_at", "try_after", "failures", "reason")
    search_fields = ("key",)
    ordering = ("key",)
    actions = ("try_again_now",)

    @admin.action(description=_("Try again now…"), permissions=["act"])
    def try_again_now(
        self, request: HttpRequest, queryset: QuerySet[Breaker]
    ) -> HttpResponse | None:
        def try_one(breaker: Breaker, answers: dict[str, Any]) -> None:
            actions.try_again_now(key=breaker.pk, user=reader_of(request), at=timezone.now())

        return confirmed(
            self,
            request,
            queryset,
            action="try_again_now",
            title=_("Try again now"),
            effect=_(
                "The next message behind it is tried in a moment. If it is taken, all that waits "
                "leaves; if it is refused, all goes on waiting."
            ),
            do=try_one,
            refusals={actions.BreakerClosed: _("It is not open: nothing waits behind it.")},
        )


@admin.register(Drift)
class DriftAdmin(RoleAdmin):
    """What TapRaise sends otherwise than documented: for whoever keeps Belbord up to date."""

    part = Part.KEPT
    list_display = ("in_words", "record", "first_seen_at", "last_seen_at", "times")
    list_filter = (choice_filter("kind", _("kind"), Drift.Kind.choices),)
    search_fields = ("path",)
    ordering = ("-last_seen_at", "-pk")

    @admin.display(description=_("what"), ordering="path")
    def in_words(self, obj: Any) -> str:
        return drift.in_words(obj)


@admin.register(Heartbeat)
class HeartbeatAdmin(RoleAdmin):
    part = Part.KEPT
    list_display = ("name", "seen_at")
    search_fields = ("name",)
    ordering = ("name",)
