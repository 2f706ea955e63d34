"""Asking for a call that is not there yet."""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import FormToken, User
from calls import messages
from calls.actions.checks import record
from calls.actions.refusals import AlreadyRequested, NotAllowed, NotOurs
from calls.messages import NewCallWish
from calls.models import Call, NewCall
from integrations.clients import accounts
from pledges.models import Organization, Person, Pledge


def create_call(
    *, user: User, person: Person, wanted: NewCallWish, token: uuid.UUID, at: datetime
) -> NewCall:
    """A supervisor asks TapRaise for a call to this person, or tells it of one made elsewhere.

    It appears among the calls once TapRaise has told it back. Raises NotAllowed, NotOurs (a person,
    pledge or caller that this user has nothing to do with), AlreadyRequested, NoTapRaiseUser,
    NotSendable (what TapRaise would refuse); AlreadySent or FormChanged.
    """
    if not user.is_supervisor:
        raise NotAllowed
    content = {"request": str(person.pk), "wanted": repr(wanted)}
    with transaction.atomic():
        FormToken.spend(token, user=user, content=content, at=at)
        # One request for a person at a time: the second one finds what the first one made.
        visible = Person.objects.visible_to(user).select_for_update(of=("self",))
        locked = visible.filter(pk=person.pk).first()
        if locked is None:
            raise NotOurs
        pledge = _pledge(locked, wanted, user=user)
        caller = _caller(wanted)
        _check_is_new(locked, wanted)
        new_uuid = uuid.uuid4()
        requested_at = (wanted.requested_at or at).replace(microsecond=0)
        delivery = messages.enqueue_create_call(
            new_uuid,
            person=locked,
            wanted=wanted,
            account=_account(locked),
            requested_at=requested_at,
            user=user,
            token=token,
            at=at,
        )
        made = NewCall.objects.create(
            uuid=new_uuid,
            person=locked,
            pledge=pledge,
            calling_organization=caller,
            type=wanted.type,
            managed_in=wanted.application_name,
            requested_at=requested_at,
            notes=wanted.notes,
            user=user,
            token=token,
            delivery=delivery,
        )
        record("call.requested", made, user=user, at=at, type=made.type, managed_in=made.managed_in)
        return made


def _pledge(person: Person, wanted: NewCallWish, *, user: User) -> Pledge | None:
    if wanted.pledge is None:
        return None
    # A pledge that only came along with a call has no person until it is read itself.
    is_own = Q(person=person) | Q(person=None, calls__person=person)
    visible = Pledge.objects.visible_to(user).filter(is_own, gone_at=None)
    pledge = visible.filter(pk=wanted.pledge).first()
    if pledge is None:
        raise NotOurs
    return pledge


def _caller(wanted: NewCallWish) -> Organization | None:
    if wanted.calling_organization is None:
        return None
    caller = Organization.objects.filter(pk=wanted.calling_organization).first()
    if caller is None:
        raise NotOurs
    return caller


def _check_is_new(person: Person, wanted: NewCallWish) -> None:
    """One open call of a type for a person, and one call for a reference of an application."""
    if wanted.is_managed_elsewhere:
        same = Call.objects.filter(
            external_application=wanted.application_name, external_reference=wanted.reference_id
        )
        if same.exists():
            raise AlreadyRequested
        return
    if Call.objects.open().filter(person=person, type=wanted.type).exists():
        raise AlreadyRequested
    known = Call.objects.filter(pk=OuterRef("pk"), fetched_at__isnull=False)
    under_way = NewCall.objects.living().filter(~Exists(known), person=person, type=wanted.type)
    if under_way.exists():
        raise AlreadyRequested


def _account(person: Person) -> str:
    """The service account that knows this person: of the newest call, else of the newest pledge."""
    calls = Call.objects.filter(person=person, fetched_at__isnull=False).order_by("-requested_at")
    pledges = Pledge.objects.filter(person=person, fetched_at__isnull=False).order_by("-created_at")
    for account in (
        calls.values_list("account", flat=True).first(),
        pledges.values_list("account", flat=True).first(),
    ):
        if account:
            return account
    return accounts()[0]
