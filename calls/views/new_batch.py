"""A message in bulk: whom and what is filled in, then looked at, then sent.

What was filled in stands in the address of the look at it, so that it can be gone back to, read
again and given to somebody else; each look judges everybody anew. Only sending changes anything.
"""

import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from django.conf import settings
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.asking import SignedInRequest, for_supervisors
from accounts.two_steps import in_two_steps, way_back
from calls import queue
from calls.batch_forms import BatchForm, amount_of, asks_for_amount, selection_of
from calls.selections import Kind, select
from calls.views.batches import number_in_words
from integrations.bar import read_bar
from pledges import actions
from pledges.models import Batch, LeftOut, MessageScript, in_euros
from pledges.payments import AMSTERDAM

# How many of those who may not get it stand on a page.
A_PAGE: Final = 50
NOT_ASKED: Final = "text_ok_not_asked"
# How many numbers of calls an address can hold; more are kept beside it, for so many seconds.
MOST_IN_ADDRESS: Final = 40
NUMBERS_KEPT_FOR: Final = 7 * 24 * 60 * 60
NAME: Final = re.compile(r"[0-9a-f]{32}")


@dataclass
class Preview:
    """What the second step shows beside its sentences; filled in when it is known."""

    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)
    left_out: Any = None
    reasons: Sequence[tuple[str, str]] = field(default_factory=tuple)
    # Where it is filled in, as it is now.
    change: str = ""
    # Where the other pages of those who may not get it are.
    address: str = ""


@for_supervisors
@require_http_methods(["GET", "HEAD", "POST"])
def new_batch(request: SignedInRequest) -> HttpResponse:
    """Choose whom and what; see who may get it and who may not; send it."""
    at = timezone.now()
    scripts = MessageScript.objects.filter(
        organization__in=request.user.organizations.all(), is_active=True
    )
    form = BatchForm(
        request.POST if request.method == "POST" else _from_address(request.GET),
        scripts=scripts.select_related("organization").order_by("organization__name", "name"),
        today=at.astimezone(AMSTERDAM).date(),
        initial=_asked(request.GET),
    )
    is_looked_at = request.method == "POST" and "send" not in request.POST
    if is_looked_at and form.is_valid():
        return redirect(f"{reverse('new_batch')}?{_address(form).urlencode()}")
    preview = Preview()

    def effect(cleaned: dict[str, Any]) -> list[str]:
        selection = selection_of(cleaned)
        selected = select(selection, user=request.user)
        moment = timezone.now()
        weighed = actions.weigh_batch(
            user=request.user,
            script=cleaned["script"],
            recipients=selected.recipients,
            amount=amount_of(cleaned),
            in_hand=queue.donors_in_hand(at=moment),
            token=cleaned["token"],
            at=moment,
        )
        _fill(preview, form, weighed, page=request.GET.get("page"))
        if not weighed.prepared:
            raise NobodyMay(preview)
        least = settings.LEAST_FOR_FILE
        if cleaned["way"] == Batch.Way.FILE and len(weighed.prepared) < least:
            raise actions.TooFewForFile(least)
        # What the form says is what it is held to.
        data = cast("QueryDict", form.data).copy()
        data["shown"] = str(len(weighed.prepared))
        form.data = data
        return _words(cleaned, weighed, missing=len(selected.missing))

    def do(cleaned: dict[str, Any], at: datetime) -> object:
        selection = selection_of(cleaned)
        return actions.send_batch(
            user=request.user,
            script=cleaned["script"],
            recipients=select(selection, user=request.user).recipients,
            selection=selection.as_json(),
            amount=amount_of(cleaned),
            way=cleaned["way"],
            shown=cleaned["shown"],
            in_hand=queue.donors_in_hand(at=at),
            token=cleaned["token"],
            at=at,
        )

    return in_two_steps(
        request,
        form,
        title=_("Send in bulk"),
        effect=effect,
        do=do,
        refusals=REFUSALS,
        done=lambda cleaned: _page_of(cleaned["token"]),
        back=reverse("batches"),
        context={
            "preview": preview,
            # Asked only where it is said.
            "has_scripts": scripts.exists,
            "bar": read_bar(request.user, at=timezone.now()),
        },
        template="calls/new_batch.html",
    )


# ── What was filled in, as an address ─────────────────────────────────────────────────────────────


def _from_address(asked: QueryDict) -> QueryDict | None:
    """What an address says, as the form that it was; None: it is still to be filled in."""
    if "script" not in asked or "edit" in asked:
        return None
    data = asked.copy()
    # Each look is a form of its own: what was sent from another one does not spend it.
    data["token"] = str(uuid.uuid4())
    if "list" in data:
        data["numbers"] = _kept(str(data["list"]))
    return data


def _asked(asked: QueryDict) -> dict[str, Any]:
    """What stands in the form from the start: what was filled in before, or what another page asks
    for (`?kind=unpaid` for those who did not pay)."""
    found: dict[str, Any] = {name: asked[name] for name in asked if name in BatchForm.base_fields}
    if "list" in asked:
        found["numbers"] = _kept(str(asked["list"]))
    return {name: value for name, value in found.items() if name not in ("token", "shown")}


def _address(form: BatchForm) -> QueryDict:
    """What counts of a form. Long lists of numbers are kept beside it, and only their name stands
    there: no browser or proxy takes them all."""
    asked = QueryDict(mutable=True)
    for name in form.names_that_count():
        asked[name] = form.data.get(name, "")
    calls = form.cleaned_data.get("calls", ())
    if form.cleaned_data["kind"] == Kind.NUMBERS:
        numbers = " ".join(map(str, calls))
        if len(calls) > MOST_IN_ADDRESS:
            name = hashlib.sha256(numbers.encode()).hexdigest()[:32]
            cache.set(_place(name), numbers, NUMBERS_KEPT_FOR)
            asked["list"] = name
        else:
            asked["numbers"] = numbers
    return asked


def _kept(name: str) -> str:
    """The numbers that are kept under a name; none where there are none, or no more."""
    return cache.get(_place(name), "") if NAME.fullmatch(name) else ""


def _place(name: str) -> str:
    return f"numbers-of-calls:{name}"


# ── Refusals ──────────────────────────────────────────────────────────────────────────────────────


class NobodyMay(actions.BatchRefusal):
    """Nobody who was selected may get it; the page says why of each."""

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview

    @property
    def words(self) -> str:
        if self.preview.reasons:
            return _("None of these donors may get this message now. Below it says why.")
        return _("Nobody fits this. Choose other days, another type, or other calls.")


def _said(refusal: actions.PaymentRefusal) -> str:
    return refusal.words


REFUSALS: Final = {
    actions.PaymentRefusal: _said,
    actions.NotOurs: lambda _refusal: _("This message is of another organisation."),
    actions.NotSendable: lambda _refusal: _(
        "Alphacomm would refuse what stands in this message. Nothing was sent."
    ),
}


def _page_of(token: uuid.UUID) -> str:
    """The page of what a form made; the list when that was taken back."""
    made = Batch.objects.filter(token=token).first()
    return reverse("batch", args=[made.pk]) if made else reverse("batches")


# ── What the look says ────────────────────────────────────────────────────────────────────────────


def _fill(preview: Preview, form: BatchForm, weighed: actions.Weighed, *, page: str | None) -> None:
    known, script = LeftOut.Reason, form.cleaned_data["script"]
    asked = _address(form)
    preview.address = asked.urlencode()
    asked["edit"] = "yes"
    preview.change = asked.urlencode()
    preview.reasons = [
        (str(known(reason).label), number_in_words(count))
        for reason, count in weighed.reasons.items()
    ]
    # Those of one reason stand together.
    in_order = sorted(weighed.left_out, key=lambda one: list(weighed.reasons).index(one.reason))
    preview.left_out = Paginator(in_order, A_PAGE).get_page(page)
    facts = [
        (_("organisation"), str(script.organization)),
        (_("messages"), number_in_words(len(weighed.prepared))),
    ]
    amounts = [one.amount for one in weighed.prepared if one.amount is not None]
    if amounts and asks_for_amount(script):
        if min(amounts) < max(amounts):
            facts += [(_("lowest"), in_euros(min(amounts))), (_("highest"), in_euros(max(amounts)))]
        else:
            facts.append((_("each"), in_euros(amounts[0])))
        facts.append((_("together"), in_euros(sum(amounts, start=Decimal()))))
    preview.facts = facts


def _words(cleaned: dict[str, Any], weighed: actions.Weighed, *, missing: int) -> list[str]:
    script, count = cleaned["script"], len(weighed.prepared)
    first = ngettext(
        "%(count)s donor of %(organization)s gets “%(name)s” (%(medium)s).",
        "%(count)s donors of %(organization)s get “%(name)s” (%(medium)s).",
        count,
    )
    names = {
        "count": number_in_words(count),
        "organization": script.organization,
        "name": script.name,
        "medium": script.get_medium_display(),
    }
    lines = [first % names, _words_of_amount(cleaned), *_words_of_link(script)]
    not_asked = sum(one.message.ground["code"] == NOT_ASKED for one in weighed.prepared)
    if not_asked:
        words = ngettext(
            "%(count)s of them was never asked whether this is allowed.",
            "%(count)s of them were never asked whether this is allowed.",
            not_asked,
        )
        lines.append(words % {"count": number_in_words(not_asked)})
    if weighed.doubles:
        words = ngettext(
            "%(count)s was selected more than once, and gets one message.",
            "%(count)s were selected more than once; each donor gets one message.",
            weighed.doubles,
        )
        lines.append(words % {"count": number_in_words(weighed.doubles)})
    if missing:
        words = ngettext(
            "%(count)s number is of no call that you may see in this organisation.",
            "%(count)s numbers are of no call that you may see in this organisation.",
            missing,
        )
        lines.append(words % {"count": number_in_words(missing)})
    lines += [_words_of_way(cleaned["way"]), _words_of_time(weighed.grounds.leaves_at)]
    return [*filter(None, lines), way_back()]


def _words_of_amount(cleaned: dict[str, Any]) -> str:
    return {
        Batch.AmountRule.NONE: "",
        Batch.AmountRule.FIXED: _("Each is asked for %(amount)s.")
        % {"amount": in_euros(cleaned["amount"])},
        Batch.AmountRule.PLEDGE: _("Each is asked for the amount of the pledge."),
        Batch.AmountRule.LINK: _("Each is asked for the amount that was not paid."),
    }[Batch.AmountRule(cleaned["amount_rule"])]


def _words_of_link(script: MessageScript) -> list[str]:
    return {
        MessageScript.Carries.NOTHING: [],
        MessageScript.Carries.PAYLINK: [_("In it is a PayLink of its own, a new one.")],
        MessageScript.Carries.MANDATE: [_("In it is an e-Mandate of its own, a new one.")],
    }[MessageScript.Carries(script.carries)]


def _words_of_way(way: str) -> str:
    if way == Batch.Way.FILE:
        return _(
            "It goes to Alphacomm as one file. What becomes of each message is only told in the "
            "result files."
        )
    return _("It goes to Alphacomm in rows, some at a time; each has an answer of its own.")


def _words_of_time(leaves_at: datetime | None) -> str:
    if leaves_at is None:
        return _("When the messages leave is up to Alphacomm's import schedule, not known here.")
    moment = date_format(timezone.localtime(leaves_at), "DATETIME_FORMAT")
    return _("By Alphacomm's import schedule the messages leave at %(moment)s.") % {
        "moment": moment
    }
