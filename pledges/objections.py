"""Who objected, to being called or written to: found by keyed hashes of person, number and address.

One question for one person or for thousands. Hashes of every key in use are looked for, so that an
objection still holds while keys are being replaced.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from integrations.encryption import lookup_hash, lookup_hashes
from pledges.models import ObjectedPerson, Objection, ObjectionKey, Person

Channel = Objection.Channel
# How many persons one statement asks about.
AT_ONCE: Final = 2_000


class Objections:
    """What stands against reaching some persons; of anybody else it knows nothing."""

    def __init__(self, found: Mapping[uuid.UUID, Sequence[tuple[str, Objection]]]) -> None:
        self._found = found

    @classmethod
    def read(cls, persons: Iterable[Person]) -> "Objections":
        found: dict[uuid.UUID, list[tuple[str, Objection]]] = defaultdict(list)
        everybody = list(persons)
        for start in range(0, len(everybody), AT_ONCE):
            holders: dict[str, list[tuple[str, uuid.UUID]]] = defaultdict(list)
            for person in everybody[start : start + AT_ONCE]:
                for kind, text in texts_of(person):
                    for key in lookup_hashes(text):
                        holders[key].append((kind, person.pk))
            keys = ObjectionKey.objects.filter(key__in=holders, objection__lifted_at=None)
            for row in keys.select_related("objection__user").order_by("-objection__at"):
                for kind, pk in holders[row.key]:
                    found[pk].append((kind, row.objection))
        return cls(found)

    def against(self, person: Person, channel: str) -> Objection | None:
        """The newest that stands against reaching this person in this way."""
        of_the_way = {"person", "email" if channel == Channel.EMAIL else "phone"}
        for kind, objection in self._found.get(person.pk, ()):
            if kind in of_the_way and objection.channel in (channel, Channel.ALL):
                return objection
        return None


def texts_of(person: Person) -> list[tuple[str, str]]:
    """What an objection of this person holds for: its kind, and the text that is hashed."""
    mail = (person.email or "").strip().lower()
    return [
        ("person", f"person:{person.pk}"),
        *(("phone", f"phone:{number}") for number in person.phone_keys),
        *([("email", f"email:{mail}")] if mail else []),
    ]


def keep(objection: Objection, person: Person) -> None:
    """Store what an objection of this person holds for. In the caller's transaction."""
    ObjectionKey.objects.bulk_create(
        ObjectionKey(objection=objection, key=lookup_hash(text)) for _kind, text in texts_of(person)
    )


def mark(persons: Iterable[Person]) -> Objections:
    """Have the queue know for whom of these an objection stands; what was found.

    In the transaction that saves them: who comes in again, or with a number that somebody objected
    by, is marked before any call of theirs can be served.
    """
    everybody = list(persons)
    found = Objections.read(everybody)
    marks = [
        ObjectedPerson(person=person, objection=objection)
        for person in everybody
        if (objection := found.against(person, Channel.PHONE)) is not None
    ]
    ObjectedPerson.objects.bulk_create(marks, ignore_conflicts=True)
    return found
