"""Insight: what a charity asks, each question a picture and a table with the same numbers.

Each is at its own address as a page, and below that as a file: `table.csv`, `table.xlsx`. Whoever
answers gives the answer a `table`; nothing else is needed for a question to be downloaded.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts import audit, sheets
from accounts.asking import SignedInRequest, for_supervisors
from accounts.kept import Kept
from accounts.models import User
from accounts.sheets import Format
from calls import daybook
from calls.insight.amounts import before_and_after
from calls.insight.asked import FEW, in_words
from calls.insight.by_agent import by_agent
from calls.insight.gates import by_recruiting
from calls.insight.pay_links import made_to_paid
from calls.insight.people import colleagues
from calls.insight.ratings import what_became
from calls.insight.reach import by_dial, by_hour
from calls.insight.results import over_time
from calls.insight_forms import GatesForm, InsightForm
from integrations.bar import read_bar
from pledges.contact import AMSTERDAM

# Each question by its address: in a word, and in full.
QUESTIONS: Final = {
    "insight": (_("Reach"), _("When are donors reached?")),
    "insight_dials": (_("Attempts"), _("How many attempts does it take to reach a donor?")),
    "insight_results": (_("Results"), _("How do calls end?")),
    "insight_amounts": (_("Amounts"), _("What becomes of the amounts of pledges?")),
    "insight_ratings": (_("Ratings"), _("What became of pledges, by retention rating?")),
    "insight_pay_links": (_("PayLinks"), _("What becomes of PayLinks?")),
    "insight_agents": (_("Agents"), _("What does each agent do?")),
    "insight_gates": (_("Quality"), _("Whose pledges fail the quality gates?")),
}

# What a question is called as a file, below its own address.
FILES: Final = {f"table.{kind}": kind for kind in Format}

# A page says the same until a day is counted anew, which today is every minute.
WRITTEN: Final = Kept[SafeString](most=100, seconds=60)


@for_supervisors
@require_safe
def insight(request: SignedInRequest) -> HttpResponse:
    """When donors are reached, by weekday and hour."""
    return _answer(request, "insight", "calls/insight/hours.html", by_hour)


@for_supervisors
@require_safe
def results(request: SignedInRequest) -> HttpResponse:
    """Results by code, over time."""
    return _answer(request, "insight_results", "calls/insight/results.html", over_time)


@for_supervisors
@require_safe
def dials(request: SignedInRequest) -> HttpResponse:
    """How many dials it takes to reach a donor."""
    return _answer(request, "insight_dials", "calls/insight/dials.html", by_dial)


@for_supervisors
@require_safe
def amounts(request: SignedInRequest) -> HttpResponse:
    """What became of the amounts of pledges, before and after."""
    return _answer(request, "insight_amounts", "calls/insight/amounts.html", before_and_after)


@for_supervisors
@require_safe
def ratings(request: SignedInRequest) -> HttpResponse:
    """Ratings, and what became of those pledges after 30 and 90 days."""
    return _answer(request, "insight_ratings", "calls/insight/ratings.html", what_became)


@for_supervisors
@require_safe
def pay_links(request: SignedInRequest) -> HttpResponse:
    """PayLinks, from made to opened to paid."""
    return _answer(request, "insight_pay_links", "calls/insight/pay_links.html", made_to_paid)


@for_supervisors
@require_safe
def agents(request: SignedInRequest) -> HttpResponse:
    """What each agent did, and how sure that is."""
    return _answer(request, "insight_agents", "calls/insight/agents.html", by_agent)


@for_supervisors
@require_safe
def gates(request: SignedInRequest) -> HttpResponse:
    """What the quality gates found, by recruiter and by location."""
    return _answer(
        request, "insight_gates", "calls/insight/gates.html", by_recruiting, form_of=GatesForm
    )


def _answer(
    request: SignedInRequest,
    here: str,
    template: str,
    question: Callable[[User, Any], Any],
    *,
    form_of: type[InsightForm] = InsightForm,
) -> HttpResponse:
    at: datetime = timezone.now()
    organizations = list(request.user.organizations.order_by("name"))

    def asked_for() -> InsightForm:
        today = at.astimezone(AMSTERDAM).date()
        agents = list(colleagues(request.user))
        return form_of(request.GET, organizations=organizations, agents=agents, today=today)

    kind = FILES.get(request.path.rpartition("/")[2])
    if kind:
        return _file(request, here, kind, asked_for(), question, at=at)

    def written() -> SafeString:
        return render_to_string(
            template, _told(request, here, asked_for(), question, at=at), request
        )

    # All that the page is made of; names that were changed are seen with the next count.
    key = (
        request.build_absolute_uri(),
        get_language(),
        timezone.localdate(at),
        tuple((one.pk, one.name) for one in organizations),
        daybook.newest_count(),
    )
    context = {
        "title": QUESTIONS[here][1],
        "written": WRITTEN.get(key, written),
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "calls/insight/page.html", context)


def _told(
    request: SignedInRequest,
    here: str,
    form: InsightForm,
    question: Callable[[User, Any], Any],
    *,
    at: datetime,
) -> dict[str, Any]:
    """What a page of insight tells, and how it was asked."""
    asked = form.asked
    # An answer to what nobody asked would be taken for the one that was.
    answer = None if form.errors else question(request.user, asked)
    return {
        "here": here,
        "title": QUESTIONS[here][1],
        "questions": [(name, reverse(name), word) for name, (word, _full) in QUESTIONS.items()],
        "few": FEW,
        "form": form,
        "asked": asked,
        "days": in_words(asked),
        "answer": answer,
        "files": [(name, kind.label) for name, kind in FILES.items()],
        "as_it_is": request.build_absolute_uri(f"{request.path}?{form.as_it_is}"),
        "counted": answer and daybook.read_counted(asked.since, asked.until, at=at),
    }


def _file(
    request: SignedInRequest,
    here: str,
    kind: Format,
    form: InsightForm,
    question: Callable[[User, Any], Any],
    *,
    at: datetime,
) -> HttpResponse:
    """The table of a page as a file, and on the trail who took it with what filters."""
    asked = form.asked
    if form.errors:
        # A file has no place beside a field: nobody would see that a filter was left out of it.
        return HttpResponseBadRequest(form.refusal, content_type="text/plain; charset=utf-8")
    table = getattr(question(request.user, asked), "table", None)
    if table is None:
        raise Http404
    audit.record(
        "insight.exported",
        user=request.user,
        at=at,
        question=here,
        format=str(kind),
        rows=len(table.rows),
        asked={name: str(value) for name, value in asdict(asked).items() if value is not None},
    )
    stem = f"{here}-{asked.since:%Y-%m-%d}-{asked.until:%Y-%m-%d}".replace("_", "-")
    return sheets.as_answer(stem, kind, table.names, table.rows, title=str(QUESTIONS[here][0]))
