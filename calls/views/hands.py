"""A call in somebody's hands, and a supervisor who takes it out of them."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from accounts.two_steps import in_two_steps
from calls import actions
from calls.models import Hold
from calls.request_forms import TakingAwayForm
from calls.views.asking import visible_call
from integrations.bar import read_bar


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
            _("The call goes back to the queue. The notes are kept; no attempt is counted."),
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
