"""What stands in the desk's one form, kept before anything else: without scripts nothing is kept as
it is typed, and every button sends all of it."""

from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from accounts.asking import SignedInRequest
from calls import actions
from calls.forms import NotesForm, kept_of
from calls.models import Call


@dataclass(frozen=True)
class Kept:
    """How that went: a status, and what the notes have to say of it."""

    status: int = 200
    says: dict[str, Any] = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        return self.status == 200


def keep_typed(request: SignedInRequest, call: Call) -> Kept:
    """Keep the notes and what is chosen of the result, or say why not and what stands there now."""
    if "notes" not in request.POST:
        return Kept()
    form = NotesForm(request.POST)
    if not form.is_valid():
        return Kept(422, {"problem": form.errors["notes"][0]})
    try:
        draft = actions.save_notes(
            user=request.user,
            call=call,
            text=form.cleaned_data["notes"],
            version=form.cleaned_data["version"] or 0,
            finish=kept_of(request.POST),
            follows_own=form.cleaned_data["follows_own"],
            at=timezone.now(),
        )
    except actions.NotesChanged as changed:
        return Kept(409, {"draft": changed.draft, "is_changed": True})
    return Kept(says={"draft": draft})


def keep_along(request: SignedInRequest, call: Call) -> Kept:
    """The same for a button that does something else: only without scripts, and where there is
    anything to keep."""
    typed = request.POST
    is_new = typed.get("notes", "").strip() or kept_of(typed) or call.has_drafts
    if request.htmx or not is_new:
        return Kept()
    return keep_typed(request, call)
