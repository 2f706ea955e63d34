"""Notes, and what is chosen beside them of how the call ends, kept as they are typed."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.models import User
from calls.actions.refusals import NotesChanged
from calls.models import Call, Draft, Hold
from integrations.national_number import masked


def save_notes(
    *,
    user: User,
    call: Call,
    text: str,
    version: int,
    at: datetime,
    finish: Mapping[str, str] | None = None,
    follows_own: bool = False,
) -> Draft:
    """Keep the notes as they are typed. `version` is what the page was shown; 0 for none yet.

    `finish` is what stands in the form that ends the call, by field; what is not among it stays as
    it was. It is kept with the hold, so while the call is in hand only, and nothing sends it. What
    looks like a national number is masked in the notes: nobody here may hold one. `follows_own`:
    the page was left while it was saving, so what it just saved counts as shown. Raises
    NotesChanged with what stands there now when another window saved something else since.
    """
    shown = (version, version + 1) if follows_own else (version,)
    text = masked(text)
    with transaction.atomic():
        hold = Hold.objects.select_for_update().filter(call=call, user=user).first()
        before = hold.finish if hold else {}
        kept = {**before, **(finish or {})} if hold else {}
        draft, is_new = Draft.objects.select_for_update().get_or_create(
            call=call, user=user, defaults={"text": text, "saved_at": at}
        )
        if not is_new:
            if draft.version not in shown and (draft.text, before) != (text, kept):
                raise NotesChanged(draft)
            draft.text = text
            draft.version += 1
            draft.saved_at = at
            draft.save(update_fields=["text", "version", "saved_at"])
        if hold and before != kept:
            hold.finish = kept
            hold.save(update_fields=["finish"])
        return draft
