"""What the words in a box of a search may mean, and the ways to the donors that they fit.

Every way goes by an index, and stops after as many donors as were asked for, of those that the
reader may see. Nothing is written.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import BigIntegerField, CharField, Q, QuerySet

from accounts.models import User
from accounts.prepared import Prepared
from pledges.models import Person
from pledges.names import TypedName, read_name, read_postcode, words_of
from pledges.phone import e164

# Fewer letters and digits than this fit too many; more than this is no name.
SHORTEST: Final = 2
LONGEST: Final = 100
# A last name shorter than this is looked for as it is, and not as the beginning of one.
SHORT_NAME: Final = 3

_UUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_HAS_LETTERS: Final = re.compile(r"[^\W\d_]")
# What a phone puts before a number that is copied from it.
_TEL: Final = re.compile(r"^\s*tel:", re.IGNORECASE)
# How a phone number begins: not how a name does.
_PART_OF_PHONE: Final = re.compile(r"(?:\+|0)[\d().\-/]*", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """What somebody wrote in the box, and what it may mean."""

    text: str
    # A number of TapRaise's: of a call, a pledge or a person.
    number: uuid.UUID | None = None
    # In E.164.
    phone: str | None = None
    postcode: str = ""
    house_number: str = ""
    names: Sequence[TypedName] = ()
    # Where a phone number begins so, but this is none: all of the words, or one beside a name.
    is_part_of_phone: bool = False
    has_part_of_phone: bool = False

    @property
    def may_be_reference(self) -> bool:
        """Whether another application may call something so: names have no digits."""
        return not self.phone and not self.postcode and any(c.isdigit() for c in self.text)


def read(typed: str) -> Wanted | None:
    """What these words may mean; None: they are too short to mean anything."""
    # Copied from somewhere, it may have braces, quotes or an address around it.
    numbers = set(_UUID.findall(typed))
    if len(numbers) == 1:
        return Wanted(typed, number=uuid.UUID(numbers.pop()))
    dialled = _TEL.sub("", typed)
    phone = None if _HAS_LETTERS.search(dialled) else e164(dialled, None)
    if phone:
        return Wanted(typed, phone=phone)
    if address := read_postcode(typed):
        return Wanted(typed, postcode=address[0], house_number=address[1])
    if len("".join(words_of(typed))) < SHORTEST:
        return None
    parts = [bool(_PART_OF_PHONE.fullmatch(word)) for word in dialled.split()]
    if parts[0] and not _HAS_LETTERS.search(dialled):
        # It may still be what another application calls something.
        return Wanted(typed, is_part_of_phone=True)
    return Wanted(typed, names=read_name(typed), has_part_of_phone=any(parts))


def find_persons(wanted: Wanted, *, user: User, sees_all: bool = False, most: int) -> list[Person]:
    """The donors of this user's organisations, or of all, that a phone number, an address or a name
    fits, by name; one more than `most` if there are more."""
    among: Any = {"user": user.pk, "sees_all": sees_all, "most": most}
    if wanted.phone:
        return list(_some(_by_phone(wanted.phone), **among))
    if wanted.postcode:
        return list(_some(_by_address(wanted.postcode, wanted.house_number), **among))
    # Exactly this name with this prefix, before all that begin so.
    exactly = [_who_is_called(f"{n.last} {n.prefix}", n.first) for n in wanted.names if n.prefix]
    found = list(_some(reduce(or_, exactly), **among)) if exactly else []
    # One after the other: each follows the index, and stops after a page.
    for name in wanted.names:
        if len(found) <= most:
            found += _NAMED.ask(**among, **_range(name.last), **_first(name.first))
    return list({person.pk: person for person in found}.values())


def _some(fits: Q, *, user: Any, sees_all: bool, most: int) -> QuerySet[Person]:
    """So many of them, and one more if there are more."""
    among = Person.objects.all() if sees_all else Person.objects.visible_to(user)
    fitting = among.filter(fits).order_by("name_key", "uuid")
    # Which they are, from an index alone; only what is shown is read.
    shown = Person.objects.filter(pk__in=fitting.values("pk")[: most + 1]).defer("iban")
    in_order = shown.order_by("name_key", "first_key", "uuid")
    return in_order.select_related("owning_organization")


def _by_phone(number: str) -> Q:
    return Q(mobile_e164=number) | Q(phone_e164=number)


def _by_address(postcode: str, house_number: str) -> Q:
    fits = Q(postcode_key=postcode)
    if house_number:
        # What stands behind the digits, if anything, is an extension.
        fits &= Q(house_number=house_number) | Q(house_number__regex=rf"^{house_number}[^0-9]")
    return fits


def _who_is_called(key: str, first: str) -> Q:
    """Whose last name begins so; a short one, or one with its prefix, is the whole last name."""
    return _between(**_range(key), **_first(first))


def _range(key: str) -> dict[str, Any]:
    """From where to where such names stand in the index."""
    is_whole = " " in key or len(key) < SHORT_NAME
    # A space comes before every letter, and what follows it is the prefix.
    until = f"{key}!" if is_whole else f"{key[:-1]}{chr(ord(key[-1]) + 1)}"
    return {"begins": key, "until": until}


def _first(name: str) -> dict[str, Any]:
    return {"has_first": bool(name), "first": name, "initial": f" {name[:1]}"}


def _between(*, begins: Any, until: Any, has_first: bool, first: Any, initial: Any) -> Q:
    fits = Q(name_key__gte=begins, name_key__lt=until)
    if has_first:
        # The name begins so, or stands there as initials only.
        fits &= Q(first_key__startswith=first) | Q(first_key__contains=initial)
    return fits


def _named(*, user: Any, sees_all: bool, most: int, **name: Any) -> QuerySet[Person]:
    return _some(_between(**name), user=user, sees_all=sees_all, most=most)


_NAMED: Final = Prepared(
    _named,
    user=BigIntegerField(),
    begins=CharField(),
    until=CharField(),
    first=CharField(),
    initial=CharField(),
)
