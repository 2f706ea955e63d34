"""The search: a number opens what it names; anything else shows the donors that it fits.

What is looked for is kept out of the address, see accounts/looked_for.py: the results stand at an
address with a name that says nothing, so they can be gone back to, and nobody is asked to send a
form again.
"""

import uuid
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import audit, looked_for
from accounts.asking import SignedInRequest
from calls.search import MOST, find_donors, find_number
from calls.search_forms import SearchForm
from integrations.bar import read_bar

# Under which the session keeps what was looked for here.
SEARCHES: Final = "searches"


@require_http_methods(["GET", "HEAD", "POST"])
def search(request: SignedInRequest) -> HttpResponse:
    if request.method == "POST":
        form = SearchForm(request.POST)
        if not form.is_valid():
            return _show(request, form, status=422)
        wanted = form.cleaned_data["query"]
        page = _page_of(request, wanted.number) if wanted.number else None
        return page or redirect(_address(looked_for.keep(request, wanted.text, of=SEARCHES)))
    text = looked_for.kept(request, request.GET.get("search", ""), of=SEARCHES)
    # Of another session, or of long ago: there is an empty box.
    form = SearchForm(None if text is None else {"query": text})
    return _show(request, form)


def last_search(request: SignedInRequest) -> str:
    """The address of what this person looked for last; empty: nothing since they signed in."""
    name = looked_for.last_kept(request, of=SEARCHES)
    return _address(name) if name else ""


def _show(request: SignedInRequest, form: SearchForm, *, status: int = 200) -> HttpResponse:
    at = timezone.now()
    context: dict[str, Any] = {"form": form, "bar": read_bar(request.user, at=at), "most": MOST}
    if form.is_valid():
        context["wanted"] = wanted = form.cleaned_data["query"]
        if wanted.number is None:
            found = find_donors(wanted, user=request.user, at=at)
            audit.record("donors.searched", user=request.user, at=at, found=len(found.donors))
            context["found"] = found
        elif page := _page_of(request, wanted.number):
            # It came in since it was looked for.
            return page
    return render(request, "calls/search.html", context, status=status)


def _page_of(request: SignedInRequest, number: uuid.UUID) -> HttpResponse | None:
    """Where to go for what a number names; None: it names nothing that this person may see."""
    found = find_number(number, user=request.user)
    if found.call:
        return redirect("desk", uuid=found.call.pk)
    if found.pledge:
        return redirect("pledge", uuid=found.pledge.pk)
    if found.person:
        return redirect("person", uuid=found.person.pk)
    return None


def _address(name: str) -> str:
    return f"{reverse('search')}?search={name}"
