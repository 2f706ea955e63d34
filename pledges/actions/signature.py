"""Looking at a signature: asked for here, fetched by a worker, handed out once."""

from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.models import User
from pledges.actions.checks import check_ours, check_supervisor, record
from pledges.actions.refusals import NotAllowed, NotChangeable
from pledges.models import Pledge, SignatureRequest
from pledges.signatures import KEPT_FOR
from pledges.terms import WhyNot

State: Final = SignatureRequest.State


def ask_signature(*, user: User, pledge: Pledge, at: datetime) -> SignatureRequest:
    """Ask for the address of a pledge's signature: a worker fetches it within seconds.

    Raises NotAllowed, NotOurs; NotChangeable when TapRaise shows no such pledge (any more).
    """
    check_supervisor(user)
    with transaction.atomic():
        check_ours(pledge, user=user)
        if pledge.gone_at is not None:
            raise NotChangeable(WhyNot.GONE)
        asked = SignatureRequest.objects.create(pledge=pledge, user=user, asked_at=at)
        record("pledge.signature_asked", pledge.pk, pledge.person_id, user=user, at=at)
        return asked


def take_signature(*, user: User, request: SignatureRequest, at: datetime) -> str | None:
    """The address, once, for whoever asked; None when it is not there (yet, or any more).

    TapRaise says that an address holds for an hour. It is linked to, and kept nowhere: neither here
    nor by whoever calls this. Raises NotAllowed when somebody else asked, or lost the right since.
    """
    check_supervisor(user)
    if request.user_id != user.pk:
        raise NotAllowed
    with transaction.atomic():
        check_ours(request.pledge, user=user)
        ready = SignatureRequest.objects.filter(
            pk=request.pk, state=State.READY, fetched_at__gt=at - KEPT_FOR
        )
        found = ready.select_for_update().first()
        if found is None or not ready.update(state=State.TAKEN, taken_at=at, address=None):
            return None
        pledge = request.pledge
        record("pledge.signature_shown", pledge.pk, pledge.person_id, user=user, at=at)
        address: str | None = found.address
        return address
