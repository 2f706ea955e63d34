"""Finding a donor who rings back, a call or a pledge: only what the one who asks may see.

One box takes everything; pledges/finding.py says what the words in it may mean, and has the ways to
a donor. Of what fits, nobody gets more than a page. Nothing is written.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any, Final

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, UUIDField

from accounts.models import User
from accounts.prepared import Prepared
from calls.models import Call, Completion, Ending, Hold, HoldKey, NewCall, ResultCode
from calls.strangers import hidden_persons
from pledges.finding import Wanted, find_persons
from pledges.models import NewPledge, Person, Pledge, in_words

# Donors on a page; of each the open calls, and the newest ones that are over.
MOST = 20
MOST_OPEN, MOST_ENDED = 3, 2
MOST_CALLS = 400


@dataclass(frozen=True)
class Found:
    """What one number names: at most one of these is there."""

    call: Call | None = None
    pledge: Pledge | NewPledge | None = None
    # A call that was asked for here is found on the page of its person.
    person: Person | None = None


@dataclass(frozen=True)
class FoundCall:
    """One call on a donor's card: how it stands, and whether it is ours to take up."""

    call: Call
    is_open: bool
    status: str
    result: str
    can_take_up: bool


@dataclass(frozen=True)
class FoundDonor:
    """One donor on a card. `hold`: in whose hands the donor is now."""

    person: Person
    calls: Sequence[FoundCall] = ()
    # Where another application's reference named it.
    pledge: Pledge | None = None
    hold: Hold | None = None
    # Nothing of this donor may be shown to who looks.
    is_hidden: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether there is a call to be made."""
        return any(line.is_open for line in self.calls)


@dataclass(frozen=True)
class FoundDonors:
    donors: Sequence[FoundDonor] = field(default_factory=list)
    # Whether there are more than a page.
    is_cut: bool = False

    def __bool__(self) -> bool:
        return bool(self.donors)


def find_number(number: uuid.UUID, *, user: User) -> Found:
    """What TapRaise knows by this uuid, or will: a call, a pledge, a person."""
    call = Call.objects.visible_to(user).filter(pk=number).first()
    if call:
        return Found(call=call)
    pledge = Pledge.objects.visible_to(user).filter(pk=number).first()
    new_pledge = NewPledge.objects.visible_to(user).filter(pk=number).first()
    if pledge or new_pledge:
        return Found(pledge=pledge or new_pledge)
    persons = Person.objects.visible_to(user)
    asked_for = NewCall.objects.filter(pk=number).values("person")
    return Found(
        person=persons.filter(pk=number).first() or persons.filter(pk__in=asked_for).first()
    )


def find_donors(wanted: Wanted, *, user: User, at: datetime) -> FoundDonors:
    """The donors that the words may mean, with their calls: those that another application knows
    under exactly these words come first, then by name."""
    elsewhere = _elsewhere(wanted.text, user) if wanted.may_be_reference else []
    persons = {person.pk: person for person, _pledge in elsewhere}
    for found in find_persons(wanted, user=user, most=MOST):
        persons.setdefault(found.pk, found)
    shown = list(persons.values())[:MOST]
    pledges = {person.pk: pledge for person, pledge in elsewhere if pledge is not None}
    calls = _calls(shown, user)
    holds = _holds(shown, at=at)
    hidden = hidden_persons(user, at=at) if shown else frozenset()
    return FoundDonors(
        donors=[
            FoundDonor(
                person=person,
                calls=_shown(calls.get(person.pk, ()), wanted),
                pledge=pledges.get(person.pk),
                hold=holds.get(person.pk),
                is_hidden=person.pk in hidden,
            )
            for person in shown
        ],
        is_cut=len(persons) > MOST,
    )


# ── Ways to a donor ───────────────────────────────────────────────────────────────────────────────


def _elsewhere(reference: str, user: User) -> list[tuple[Person, Pledge | None]]:
    """Whom another application knows under exactly this reference, newest first."""
    owner = "person__owning_organization"
    calls = Call.objects.visible_to(user).filter(external_reference=reference)
    pledges = Pledge.objects.visible_to(user).filter(
        external_source_identifier=reference, person__isnull=False
    )
    found = pledges.select_related(owner).order_by("-created_at")[:MOST]
    return [
        *((one.person, one) for one in found if one.person is not None),
        *(
            (one.person, None)
            for one in calls.select_related(owner).order_by("-requested_at")[:MOST]
        ),
    ]


# ── What is known of them ─────────────────────────────────────────────────────────────────────────


def _calls(persons: Sequence[Person], user: User) -> Mapping[uuid.UUID, Sequence[FoundCall]]:
    """Each person's calls, the newest first: as TapRaise tells them, unless somebody here ended
    one."""
    known = {person.pk: person for person in persons}
    # A page has so many places; the ones that stay empty are nobody's.
    places: Any = dict(zip_longest(PLACES, known))
    by_person: dict[uuid.UUID, list[FoundCall]] = {}
    for call in _CALLS.ask(user=user.pk, **places):
        # Read already, and an account number costs time to decipher.
        call.person = known[call.person_id]
        line = _line(call, call.our_code, call.our_ending)
        by_person.setdefault(call.person_id, []).append(line)
    return by_person


def _of_persons(*, user: Any, **persons: Any) -> QuerySet[Call]:
    of_call = {"call": OuterRef("pk")}
    completions = Completion.objects.living().filter(**of_call).values("result_code")
    endings = Ending.objects.living().filter(**of_call).values("kind")
    ours: dict[str, Any] = {
        "our_code": Subquery(completions[:1]),
        "our_ending": Subquery(endings[:1]),
    }
    return (
        Call.objects.visible_to(user)
        .filter(person__uuid__in=list(persons.values()), gone_at=None)
        .select_related("calling_organization")
        .annotate(**ours)
        .order_by("-requested_at", "-uuid")[:MOST_CALLS]
    )


PLACES: Final = [f"person_{place}" for place in range(MOST)]
_CALLS: Final = Prepared(
    _of_persons, user=BigIntegerField(), **{place: UUIDField() for place in PLACES}
)


def _line(call: Call, our_code: str | None, our_ending: str | None) -> FoundCall:
    """`our_code`, `our_ending`: what we completed or ended it with; None: we did not."""
    status, code = call.status_words, call.result_code
    if not call.has_ended and our_code is not None:
        status, code = str(Call.Status.COMPLETED.label), our_code
    elif not call.has_ended and our_ending is not None:
        status = str(Ending.Kind(our_ending).label)
    is_open = not call.has_ended and our_code is None and our_ending is None
    return FoundCall(
        call=call,
        is_open=is_open,
        status=status,
        result=in_words(ResultCode, code),
        can_take_up=is_open and call.is_ours and not call.is_managed_elsewhere,
    )


def _shown(lines: Sequence[FoundCall], wanted: Wanted) -> list[FoundCall]:
    """What fits on a card: the call that was named, some that wait, and how the last ones ended."""
    named = [line for line in lines if line.call.external_reference == wanted.text]
    others = [line for line in lines if line not in named]
    waiting = [line for line in others if line.is_open]
    ended = [line for line in others if not line.is_open]
    return [*named, *waiting[:MOST_OPEN], *ended[:MOST_ENDED]]


def _holds(persons: Sequence[Person], *, at: datetime) -> Mapping[uuid.UUID, Hold]:
    """In whose hands each person is: by the person, or by a number of theirs."""
    keys = {person.pk: _keys(person) for person in persons}
    held = HoldKey.objects.filter(key__in=chain(*keys.values()), hold__lease_until__gt=at)
    found = {key.key: key.hold for key in held.select_related("hold__user", "hold__call")}
    return {pk: found[key] for pk, of_one in keys.items() for key in of_one if key in found}


def _keys(person: Person) -> list[str]:
    """What a hold keeps of this person; the person itself last, because it says most."""
    return [*(f"phone:{number}" for number in person.phone_keys), f"person:{person.pk}"]
