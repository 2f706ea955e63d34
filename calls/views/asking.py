"""What the views of this room share: who asks, which call, and how a refusal is told."""

import uuid
from datetime import timedelta
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    DateField,
    DateTimeField,
    Exists,
    QuerySet,
    UUIDField,
)
from django.http import Http404
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from accounts.asking import SignedInRequest
from accounts.models import FormChanged
from accounts.prepared import Prepared
from calls import actions
from calls.desk import with_ends
from calls.floor_messages import Shown, column_for
from calls.models import Call
from pledges import actions as pledges
from pledges.contact import Ground
from pledges.models import ClosedDay
from pledges.terms import in_words

# What an action may answer instead of doing it.
REFUSALS = (
    FormChanged,
    actions.AlreadyDialling,
    actions.AlreadyHolding,
    actions.CallEnded,
    actions.CallTaken,
    actions.HoldLost,
    actions.NotNow,
    actions.NotOnTheLine,
    actions.NotOurs,
    actions.NotSaid,
    actions.NothingToCall,
    actions.PledgeChanged,
    actions.ReasonMissing,
    actions.Stranger,
    actions.TooLate,
    pledges.ChangeUnderWay,
    pledges.NotChangeable,
    pledges.NotOurs,
)


def visible_call(request: SignedInRequest, uuid: uuid.UUID) -> Call:
    """The call, if this person may see it; to anybody else it does not exist."""
    today = localdate()
    found = _CALL.ask(
        pk=uuid,
        user=request.user.pk,
        is_supervisor=request.user.is_supervisor,
        today=today,
        in_a_week=today + timedelta(days=7),
        at=timezone.now(),
    )
    if not found:
        raise Http404
    (call,) = found
    call.shown = Shown.of(call.floor_message)
    return call


def _call(
    *, pk: Any, user: Any, is_supervisor: bool, today: Any, in_a_week: Any, at: Any
) -> QuerySet[Call]:
    beside = {
        "has_closed_days": Exists(ClosedDay.objects.filter(date__range=(today, in_a_week))),
        "floor_message": column_for(user, at=at, is_supervisor=is_supervisor),
    }
    return (
        with_ends(Call.objects.visible_to(user), user, today=today)
        .select_related(
            "person__owning_organization", "person__quality", "pledge", "calling_organization"
        )
        .annotate(**beside)
        .filter(pk=pk)
    )


# Every page, action and poll of the desk begins with it.
_CALL: Final = Prepared(
    _call,
    pk=UUIDField(),
    user=BigIntegerField(),
    today=DateField(),
    in_a_week=DateField(),
    at=DateTimeField(),
)


def why_then(ground: Ground) -> str:
    """What closes a moment that is to come: its day, or its hour."""
    return _("it is %(day)s.") % {"day": ground.day.name} if ground.day else _("calling is closed.")


def in_a_sentence(refusal: Exception) -> str:
    """What was refused and what to do now, in one sentence for the person at the desk."""
    match refusal:
        case actions.CallTaken(by=by, since=since):
            time = date_format(localtime(since), "TIME_FORMAT")
            return _("%(name)s has this donor in hand since %(time)s.") % {
                "name": by.spoken_name,
                "time": time,
            }
        case actions.AlreadyHolding():
            return _("You have another call in hand. Finish it or give it back first.")
        case actions.NotThen(is_past=True):
            return _("That moment is over. Choose one that is to come.")
        case actions.TooFarAhead():
            return _("A callback is agreed on for the coming 30 days. Choose a moment sooner.")
        case actions.NotThen(ground=ground):
            if ground.next_at:
                moment = date_format(localtime(ground.next_at), "DATETIME_FORMAT")
                return _(
                    "No calls are made then: %(why)s The next possible moment is %(moment)s."
                ) % {
                    "why": why_then(ground),
                    "moment": moment,
                }
            return ground.words
        case actions.NotNow(ground=ground):
            if ground.next_at:
                moment = date_format(localtime(ground.next_at), "DATETIME_FORMAT")
                return _("%(why)s The next possible moment is %(moment)s.") % {
                    "why": ground.words,
                    "moment": moment,
                }
            return ground.words
        case actions.NothingToCall(reason="no_uuid"):
            return _(
                "You cannot work calls yet: your TapRaise user is not known. Ask your manager."
            )
        case FormChanged():
            return _(
                "This form was already sent with something else in it. "
                "Look at what stands here now, and save again."
            )
        case actions.TooLate():
            return _("It is too late to undo this: it has been sent, or you went on.")
        case actions.CallEnded():
            return _("This call has ended. Nothing was sent; your notes are kept.")
        case actions.HoldLost():
            return _("This call is no longer in your hands. Take it up again to go on.")
        case actions.AlreadyDialling():
            return _("You are on the line. Say first how the dial ended.")
        case actions.NotOurs():
            return _("This call is not ours to make.")
        case actions.PledgeChanged(now=now):
            return _(
                "TapRaise says %(now)s since you opened this page. Ask the donor again and save; "
                "what you typed is kept."
            ) % {"now": now}
        case pledges.ChangeUnderWay():
            return _(
                "Another change of this pledge is on its way to TapRaise. Wait until its chip is "
                "green, or save without the change and tell it in the notes."
            )
        case pledges.NotChangeable(why=why):
            return _("%(why)s Put amount, interval and start back, and tell it in the notes.") % {
                "why": in_words(why)
            }
        case pledges.NotOurs():
            return _("This pledge is not to one of your organisations: it cannot be changed here.")
        case actions.NotSaid():
            return _("Type first what the donor says of this, and have it compared.")
        case actions.NotOnTheLine():
            return _("The donor is not on the line: call first.")
        case actions.Stranger():
            return _("It is not sure that this is the donor. A supervisor can help.")
        case actions.ReasonMissing():
            return _("This result needs a reason. Write it in the notes.")
    return _("This was refused. Load the page again to see how things stand.")
