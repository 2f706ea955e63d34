"""Whether amounts arrive at Alphacomm as they are meant: a supervisor looks, once for each
organisation, and says what stood there."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from accounts.two_steps import in_two_steps
from integrations.bar import read_bar
from pledges import actions
from pledges.filter_forms import AgreeAmountsForm
from pledges.follow_up import links_to_look_at
from pledges.models import PaymentRules, in_euros
from pledges.payments import are_amounts_agreed, is_real_account

REFUSALS: dict[type[Exception], Any] = {
    actions.NotAllowed: gettext_lazy("Only a supervisor may do this."),
    actions.NotOurs: gettext_lazy("These are not the rules of an organisation of yours."),
}


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def agree_amounts(request: SignedInRequest, pk: int) -> HttpResponse:
    """'I saw € 1,54 on the page of a link that was made for € 1,54.'"""
    theirs = PaymentRules.objects.filter(organization__in=request.user.organizations.all())
    rules = get_object_or_404(theirs.select_related("organization", "amounts_agreed_by"), pk=pk)
    pay_links = links_to_look_at(rules)
    form = AgreeAmountsForm(request.POST if request.method == "POST" else None, pay_links=pay_links)

    def effect(cleaned: dict[str, Any]) -> list[str]:
        saw = _("You saw %(seen)s on the page of a PayLink that was made for %(amount)s.")
        agents = _("From now on agents make PayLinks for donors of %(organization)s.")
        return [
            saw % {"seen": in_euros(cleaned["seen"]), "amount": form.chosen.amount_words},
            agents % {"organization": rules.organization},
            _("It is kept that it was you who looked, and when."),
        ]

    def do(_cleaned: dict[str, Any], at: datetime) -> None:
        actions.agree_amounts(user=request.user, rules=rules, at=at)

    page = reverse("pay_links")
    return in_two_steps(
        request,
        form,
        title=_("Do amounts arrive as they are meant?"),
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=page,
        back=page,
        context={
            "rules": rules,
            "pay_links": pay_links,
            "is_agreed": are_amounts_agreed(rules),
            "is_real": is_real_account(),
            "bar": read_bar(request.user, at=timezone.now()),
        },
        template="pledges/agree_amounts.html",
    )
