"""A call in somebody's hands, and a supervisor who takes it out of them."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from accounts.two_steps import in_two_steps
from calls import actions, queue
from calls.models import Attempt, Call, Hold, TakenAway
from calls.request_forms import TakingAwayForm
from calls.views.asking import visible_call
from integrations.bar import read_bar
from pledges.contact import Rulebook


def _on_the_line(refusal: Any) -> str:
    return _(
        "The donor is on the line with %(name)s. Wait until the conversation is over, or until "
        "%(name)s is away."
    ) % {"name": refusal.by.spoken_name}


REFUSALS = {
    actions.HoldLost: gettext_lazy("Nobody has this call in hand any more."),
    actions.OnTheLine: _on_the_line,
    actions.NotAllowed: gettext_lazy("Only a supervisor may do this."),
}


def _what_follows(call: Call, hold: Hold, *, reason: str, at: datetime) -> list[str]:
    """What becomes of the call. An attempt counts from the dial on, whoever says how it ended."""
    ours = list(call.our_attempts.select_related("user", "delivery"))
    if not any(one.outcome == Attempt.Outcome.OPEN and one.user_id == hold.user_id for one in ours):
        lines = [
            _("The call goes back to the queue, and whoever presses Next may get it."),
            _("No attempt is counted. The notes are kept."),
        ]
        if reason == TakenAway.Reason.COLLEAGUE:
            lines.insert(1, _("Who is to make it opens the page of this call and takes it up."))
        return lines
    follows = queue.follows(call, at=at, rulebook=Rulebook.read(), ours=ours)
    if follows.is_last:
        counts = _(
            "%(name)s dialled. That attempt counts and was the last one: Next serves "
            "this call to nobody any more."
        )
    elif follows.max_attempts is None:
        counts = _("%(name)s dialled: that attempt counts.")
    else:
        counts = ngettext(
            "%(name)s dialled. That attempt counts; %(n)s more is left.",
            "%(name)s dialled. That attempt counts; %(n)s more are left.",
            follows.max_attempts - follows.attempt,
        )
    left = (follows.max_attempts or 0) - follows.attempt
    return [
        counts % {"name": hold.user.spoken_name, "n": left},
        _(
            "Somebody has to say how it ended: from now on it stands on your start page under Not "
            "finished. Until then nobody can dial this call."
        ),
        _("The notes are kept."),
    ]


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def take_away(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """Take the call out of somebody's hands, with a reason that they see."""
    call = visible_call(request, uuid)
    at = timezone.now()
    hold = Hold.objects.select_related("user").filter(call=call).first()

    def effect(cleaned: dict[str, Any]) -> list[str]:
        found = actions.hold_to_take(call, hold_id=cleaned["hold"] or 0, at=timezone.now())
        return [
            _("%(name)s no longer has %(donor)s in hand, and sees who did this and why.")
            % {"name": found.user.spoken_name, "donor": call.person.spoken_name},
            *_what_follows(call, found, reason=cleaned["reason"], at=timezone.now()),
        ]

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        return actions.take_away(
            user=request.user,
            call=call,
            hold_id=cleaned["hold"] or 0,
            reason=cleaned["reason"],
            token=cleaned["token"],
            at=at,
        )

    floor = reverse("floor") + "#agents"
    return in_two_steps(
        request,
        TakingAwayForm(
            request.POST if request.method == "POST" else None,
            initial={"hold": hold.pk if hold else None},
        ),
        title=_("Take a call out of somebody's hands"),
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=floor,
        back=floor,
        context={"call": call, "hold": hold, "bar": read_bar(request.user, at=at)},
        template="calls/taking_away.html",
    )
