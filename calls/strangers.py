"""Of whom a user is shown nothing: too many answers were wrong, so whoever is on the line may be
somebody else, and what is on the screen is soon said.

Asked by every page that shows something of a donor. A supervisor sees everything, and once one is
sure of the donor everybody does again.
"""

import uuid
from datetime import datetime

from django.utils.timezone import localdate

from accounts.models import User
from calls.checklist import is_stranger, with_checks, wrong_answers
from calls.models import Call, Hold


def hidden_persons(user: User, *, at: datetime) -> frozenset[uuid.UUID]:
    """The donors of whom nothing may be shown to this user: of the call in hand, and of every call
    in which this user heard too many wrong answers. A small query, one more where it finds any
    such call, and none for a supervisor."""
    if user.is_supervisor:
        return frozenset()
    in_hand = Hold.objects.filter(user=user).values_list("call", flat=True)
    heard = wrong_answers().filter(user=user).order_by().values_list("call", flat=True)
    # One list of calls, not one condition or the other: that would look at every call there is.
    calls = list(in_hand.union(heard))
    if not calls:
        return frozenset()
    found = with_checks(Call.objects.filter(pk__in=calls), today=localdate(at))
    return frozenset(call.person_id for call in found if is_stranger(call))


def is_hidden(call: Call, *, user: User, at: datetime) -> bool:
    """Whether nothing may be shown to this user of the donor of a call, which comes `with_ends`:
    by the answers in this call, or by those in another one to this donor."""
    if user.is_supervisor:
        return False
    if is_stranger(call):
        return True
    # Asked only where it can be: another call to this donor is in hand, or had wrong answers.
    is_other = call.is_donor_in_hand and not call.is_in_hand
    may_be = is_other or call.had_wrong_answers
    return may_be and call.person_id in hidden_persons(user, at=at)
