"""Whose a message to the systems outside is: told by what it was made for; and what it says."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import BooleanField, Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calls.models import Attempt, Call, Completion, Ending, NewCall, ResultCode
from integrations.decisions import in_time
from integrations.models import Delivery
from pledges.models import (
    Batch,
    Mandate,
    NewPledge,
    Organization,
    PayLink,
    Person,
    Pledge,
    PledgeChange,
    TextMessage,
    in_euros,
    in_words,
)
from pledges.page import fields_in_words, status_in_words

# What was refused longer ago than this asks for nobody's attention any more.
REFUSED_FOR: Final = timedelta(days=30)


def seen_by(
    reader: Any, rows: "QuerySet[Delivery] | None" = None, *, sees_all: bool
) -> "QuerySet[Delivery]":
    """The messages that this user may see, of all or of some. `sees_all`: a superuser."""
    rows = Delivery.objects.all() if rows is None else rows
    return rows if sees_all else rows.filter(_is_about_what_is_seen(reader))


def undecided(reader: Any, *, sees_all: bool) -> "QuerySet[Delivery]":
    """Those of them that wait for a person."""
    return seen_by(reader, sees_all=sees_all).filter(state=Delivery.State.NEEDS_DECISION)


def refused(reader: Any, *, sees_all: bool, at: Any) -> "QuerySet[Delivery]":
    """Those of them that were refused of late, and that no supervisor has looked at. What a person
    dropped is not among them: they knew."""
    return seen_by(reader, sees_all=sees_all).filter(
        outcome=Delivery.Outcome.REJECTED, seen_at=None, closed_at__gt=at - REFUSED_FOR
    )


def _is_about_what_is_seen(reader: Any) -> Coalesce:
    """Whether a delivery is about a call, pledge, person or payment that this user may see.

    Asked one after the other until there is one. Several `Exists` would say the same, but of those
    PostgreSQL takes it that reading all attempts there are, once, is cheaper than looking up a few
    dozen: the floor of a small centre took 80 ms for it.
    """
    seen_call = Call.objects.visible_to(reader).filter(pk=OuterRef("call"))
    seen_person = Person.objects.visible_to(reader).filter(pk=OuterRef("person"))
    seen_pledge = Pledge.objects.visible_to(reader).filter(pk=OuterRef("pledge"))
    theirs = Organization.objects.of(reader).values("pk")
    made = [
        *(
            model._default_manager.filter(Exists(seen_call), delivery=OuterRef("pk"))
            for model in (Attempt, Completion, Ending)
        ),
        NewCall.objects.filter(Exists(seen_person), delivery=OuterRef("pk")),
        PledgeChange.objects.filter(Exists(seen_pledge), delivery=OuterRef("pk")),
        NewPledge.objects.filter(owning_organization__in=theirs, delivery=OuterRef("pk")),
        *(
            model.objects.visible_to(reader).filter(delivery=OuterRef("pk"))
            for model in (PayLink, TextMessage, Mandate, Batch)
        ),
        TextMessage.objects.visible_to(reader).filter(stop_delivery=OuterRef("pk")),
    ]
    yes, no = (Value(word, output_field=BooleanField()) for word in (True, False))
    seen = (Subquery(rows.order_by().values_list(yes)[:1]) for rows in made)
    return Coalesce(*seen, no)


def wanted(delivery: Delivery) -> list[tuple[str, str]]:
    """What the message says, in words: nothing that tells who the donor is or where they are, and
    nobody's notes."""
    told = delivery.payload
    lines: list[tuple[str, str]] = []
    match delivery.operation:
        case "tapraise.add_attempt":
            lines = [(_("dialled"), in_time(told.get("attempt_at")))]
        case "tapraise.complete_call":
            rating = told.get("retention_rating")
            lines = [
                (_("completed"), in_time(told.get("completed_at"))),
                (_("result"), in_words(ResultCode, told.get("result_code"))),
                (_("rating"), _("not asked") if rating is None else str(rating)),
            ]
        case "tapraise.cancel_call":
            lines = [(_("cancelled"), in_time(told.get("cancelled_at")))]
        case "tapraise.expire_call":
            lines = [(_("expired"), in_time(told.get("expired_at")))]
        case "tapraise.create_call":
            lines = [
                (_("type"), in_words(Call.Type, told.get("type"))),
                (_("requested"), in_time(told.get("requested_at"))),
            ]
        case "tapraise.update_pledge":
            fields = fields_in_words(told.get("before", {}), told.get("wanted", {}), {})
            lines = [(one.label, f"{one.before} → {one.after}") for one in fields]
        case "tapraise.update_pledge_status" if told.get("status"):
            change = status_in_words(told.get("before"), told["status"])
            lines = [(change.label, f"{change.before} → {change.after}")]
        case "tapraise.create_pledge" if told.get("initial_donation_amount"):
            lines = [
                (_("amount"), in_euros(Decimal(told["initial_donation_amount"]))),
                (_("interval"), in_words(Pledge.Interval, told.get("initial_donation_interval"))),
            ]
        case "alphacomm.create_pay_link" if told.get("amount") is not None:
            lines = [
                (_("amount"), in_euros(Decimal(told["amount"]) / 100)),
                (_("reference"), str(told.get("reference", ""))),
                (_("until"), in_time(told.get("visible_until"))),
            ]
        case "alphacomm.create_mandate" | "alphacomm.stop_calling":
            lines = [(_("reference"), str(told.get("reference", "")))]
        case "alphacomm.add_rows":
            n = len(told.get("rows", ()))
            lines = [(_("messages"), ngettext("%(n)s message", "%(n)s messages", n) % {"n": n})]
    return [(label, value) for label, value in lines if value]
