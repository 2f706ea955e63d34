"""PayLinks as supervisors see them: which ones are to be followed up, and the story of one."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.asking import SignedInRequest, for_supervisors
from integrations.bar import read_bar
from pledges.filter_forms import PayLinkFilterForm
from pledges.follow_up import (
    NONE_OF,
    Which,
    alarms,
    lines_of,
    read_list,
    read_story,
    rules_to_agree,
)
from pledges.models import PayLink
from pledges.payments import with_links


@for_supervisors
@require_safe
def pay_links(request: SignedInRequest) -> HttpResponse:
    """What was not paid, most urgent first; what was paid in a way that nobody expects, on top."""
    at = timezone.now()
    organizations = list(request.user.organizations.order_by("name"))
    form = PayLinkFilterForm(request.GET, organizations=organizations)
    filters = form.filters
    page = read_list(request.user, filters, asked=request.GET, at=at)
    context = {
        "form": form,
        "which": filters.which,
        "kinds": Which.choices,
        "none": NONE_OF[filters.which],
        "is_narrowed": filters.is_narrowed,
        "page": page,
        "lines": lines_of(page.rows, user=request.user, at=at),
        "alarms": alarms(request.user, at=at),
        "to_agree": rules_to_agree(organizations, at=at),
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "pledges/pay_links.html", context)


@for_supervisors
@require_safe
def pay_link(request: SignedInRequest, uuid: uuid.UUID) -> HttpResponse:
    """All that is known of one."""
    mine = with_links(PayLink.objects.visible_to(request.user)).select_related(
        "person__owning_organization", "user", "message__script"
    )
    found = get_object_or_404(mine, pk=uuid)
    at = timezone.now()
    audit.record(
        "paylink.read",
        user=request.user,
        at=at,
        subject=found.subject,
        person_uuid=found.person_id,
    )
    context = {
        "story": read_story(found, user=request.user, at=at),
        "pay_link": found,
        "person": found.person,
        "at": at,
        "bar": read_bar(request.user, at=at),
    }
    return render(request, "pledges/pay_link.html", context)
