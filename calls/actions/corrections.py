"""What the donor says is different: kept for the charity, with the check of that detail."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.models import User
from calls.actions.checks import record
from calls.actions.checks_of_details import check_is_donor, keep_answer, on_the_line
from calls.actions.refusals import NotOurs
from calls.models import Call, Check, Item
from pledges.actions import add_correction
from pledges.models import Correction


def correct_detail(
    *, user: User, call: Call, item: str, now: Mapping[str, str], at: datetime
) -> Correction:
    """Keep a detail as the donor says it is. Once more for the same call: the newer one stands.

    `now` is what a form of `pledges.correction_forms` cleaned. Raises Stranger, NotOnTheLine,
    CallTaken, HoldLost, CallEnded, NotOurs.
    """
    with transaction.atomic():
        call, attempt = on_the_line(call, user=user, at=at)
        if call.person.owning_organization_id is None:
            raise NotOurs
        check_is_donor(call, at=at)
        correction = add_correction(
            person=call.person,
            pledge=call.pledge,
            organization=call.person.owning_organization_id,
            item=item,
            now=now,
            call_uuid=call.pk,
            user=user,
            at=at,
        )
        # The payment day stands on the line of the start.
        keep_answer(
            call,
            item if item in Item.values else Item.START,
            Check.Answer.CORRECTED,
            user=user,
            attempt=attempt,
            at=at,
            correction=correction,
        )
        record("detail.corrected", call, user=user, at=at, item=item)
        return correction
