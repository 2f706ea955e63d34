"""What a file with people would do: who is new, what changes of whom, and which line is refused.

Asked twice: for the page that shows it, and once more by the action that does it.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from accounts.models import User
from pledges.models import Organization
from pledges.people_file import PersonLine

LONGEST_NAME: Final = 150
LONGEST_EMAIL: Final = 254


class Kind(TextChoices):
    """What becomes of a line."""

    NEW = "new", gettext_lazy("new")
    CHANGED = "changed", gettext_lazy("changed")
    SAME = "same", gettext_lazy("the same")
    REFUSED = "refused", gettext_lazy("refused")


@dataclass(frozen=True)
class Planned:
    """What a line would do."""

    number: int
    username: str
    kind: Kind
    # A sentence a change, or a sentence for everything that is wrong with it.
    words: Sequence[str] = ()
    # Columns of User that get another value.
    columns: Mapping[str, Any] = field(default_factory=dict)
    # All organisations that the person has afterwards; None: they stay.
    organizations: frozenset[uuid.UUID] | None = None

    @property
    def is_done(self) -> bool:
        """Whether it is saved at all."""
        return self.kind in {Kind.NEW, Kind.CHANGED}

    @property
    def is_refused(self) -> bool:
        return self.kind == Kind.REFUSED


class Refused(Exception):
    """A line cannot be; `args` has the sentence."""


class _Known:
    """What lines are held against, read once: people, uuids and organisations."""

    def __init__(self, lines: Sequence[PersonLine], given: Iterable[Organization]) -> None:
        people = list(User.objects.prefetch_related("organizations"))
        self.people = {one.username.casefold(): one for one in people}
        self.uuids = {one.tapraise_user_uuid: one for one in people if one.tapraise_user_uuid}
        self.given = list(given)
        self.by_name = {one.name.casefold(): one for one in self.given if one.name}
        self.by_uuid = {str(one.pk): one for one in self.given}
        self.first: dict[str, int] = {}
        self.first_uuid: dict[uuid.UUID, int] = {}


def plan(lines: Sequence[PersonLine], *, by: User, given: Iterable[Organization]) -> list[Planned]:
    """What each line would do. `given` are the organisations that this manager may give."""
    known = _Known(lines, given)
    return [_planned(line, by, known) for line in lines]


def digest(planned: Sequence[Planned]) -> str:
    """Of all that would be done and is told of it: what was shown is done, or it is shown anew."""
    content = [
        [
            one.number,
            one.username,
            one.kind.value,
            list(one.words),
            dict(one.columns),
            None if one.organizations is None else sorted(map(str, one.organizations)),
        ]
        for one in planned
    ]
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()


def _planned(line: PersonLine, by: User, known: _Known) -> Planned:
    try:
        person = _person(line, known)
    except Refused as refusal:
        return Planned(line.number, line.username, Kind.REFUSED, refusal.args)
    columns, wrong = _columns(line, person, by, known)
    try:
        organizations = _organizations(line, known)
    except Refused as refusal:
        wrong.extend(refusal.args)
    if wrong:
        return Planned(line.number, line.username, Kind.REFUSED, tuple(wrong))
    if person is None:
        columns.setdefault("role", User.Role.AGENT.value)
        words = _words(columns, {})
        if organizations:
            words.append(_line(_("Organisations"), _names(organizations, known), ""))
        return Planned(line.number, line.username, Kind.NEW, words, columns, organizations)
    # Of a name both parts are told, also where one of them changes.
    before = {name: getattr(person, name) for name in (*columns, *NAMES)}
    changes = {name: value for name, value in columns.items() if value != before[name]}
    theirs = frozenset(one.pk for one in person.organizations.all())
    may_be_given = frozenset(one.pk for one in known.given)
    after = theirs if organizations is None else (theirs - may_be_given) | organizations
    if not changes and after == theirs:
        return Planned(line.number, person.username, Kind.SAME)
    words = _words(changes, before)
    if after != theirs:
        new, old = (_names(one & may_be_given, known) or _("none") for one in (after, theirs))
        words.append(_line(_("Organisations"), new, old))
    return Planned(
        line.number,
        person.username,
        Kind.CHANGED,
        words,
        changes,
        None if after == theirs else after,
    )


def _person(line: PersonLine, known: _Known) -> User | None:
    """Whom a line is about; None: somebody new."""
    if not line.username:
        raise Refused(_("There is no username."))
    key = line.username.casefold()
    if (before := known.first.setdefault(key, line.number)) != line.number:
        raise Refused(_("This username stands in line %(n)s too.") % {"n": before})
    person = known.people.get(key)
    if person is None:
        try:
            User._meta.get_field("username").run_validators(line.username)
        except ValidationError:
            raise Refused(
                _("A username has letters, digits and @ . + - _ only, 150 of them at most.")
            ) from None
        return None
    if person.username != line.username:
        raise Refused(
            _("There is '%(username)s' already: write it with the same capitals.")
            % {"username": person.username}
        )
    if person.is_superuser:
        raise Refused(_("This person may do everything everywhere: no file changes them."))
    return person


def _columns(
    line: PersonLine, person: User | None, by: User, known: _Known
) -> tuple[dict[str, Any], list[str]]:
    """The columns that a line gives a value, and what is wrong with the others, a sentence each."""
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for read in (_full_name, _email, _role, _uuid):
        try:
            found |= read(line, person, by, known)
        except Refused as refusal:
            wrong.extend(refusal.args)
    return found, wrong


def _full_name(line: PersonLine, _person: User | None, _by: User, _known: _Known) -> dict[str, Any]:
    first, last = line.first_name, line.last_name
    if line.name:
        first, _space, last = line.name.partition(" ")
    if max(len(first), len(last)) > LONGEST_NAME:
        raise Refused(_("This name is too long."))
    # A whole name says of both what they are; an empty cell of one of two columns says nothing.
    found = {"first_name": first, "last_name": last}
    return found if line.name else {name: value for name, value in found.items() if value}


def _email(line: PersonLine, _person: User | None, _by: User, _known: _Known) -> dict[str, Any]:
    text = line.email
    if not text:
        return {}
    try:
        validate_email(text)
    except ValidationError:
        raise Refused(_("'%(text)s' is no e-mail address.") % {"text": text}) from None
    if len(text) > LONGEST_EMAIL:
        raise Refused(_("This e-mail address is too long."))
    return {"email": text}


def _role(line: PersonLine, person: User | None, by: User, _known: _Known) -> dict[str, Any]:
    if not line.role:
        return {}
    role = _named_role(line.role)
    if person is not None and person.pk == by.pk and role != by.role:
        raise Refused(_("You cannot change your own role."))
    return {"role": role}


def _named_role(text: str) -> str:
    for value, names in roles().items():
        if text.casefold() in names:
            return value
    raise Refused(
        _("There is no role '%(text)s': write %(roles)s.")
        % {"text": text, "roles": _(" or ").join(str(role.label) for role in User.Role)}
    )


def roles() -> dict[str, set[str]]:
    """What each role may be called, in every language of ours."""
    found = {role.value: {role.value} for role in User.Role}
    for language, _name in settings.LANGUAGES:
        with override(language):
            for role in User.Role:
                found[role.value].add(str(role.label).casefold())
    return found


def _uuid(line: PersonLine, person: User | None, _by: User, known: _Known) -> dict[str, Any]:
    if not line.tapraise:
        return {}
    try:
        found = uuid.UUID(line.tapraise)
    except ValueError:
        words = _("'%(text)s' is no uuid: copy it from TapRaise, whole.")
        raise Refused(words % {"text": line.tapraise}) from None
    if (before := known.first_uuid.setdefault(found, line.number)) != line.number:
        raise Refused(_("This TapRaise user uuid stands in line %(n)s too.") % {"n": before})
    holder = known.uuids.get(found)
    if holder is not None and (person is None or holder.pk != person.pk):
        raise Refused(
            _("%(username)s has this TapRaise user uuid already.") % {"username": holder.username}
        )
    return {"tapraise_user_uuid": found}


def _organizations(line: PersonLine, known: _Known) -> frozenset[uuid.UUID] | None:
    """Those that a line names; None: it names none, so they stay."""
    if not line.organizations:
        return None
    # A name may have a comma of its own.
    whole = known.by_name.get(line.organizations.casefold())
    if whole is not None:
        return frozenset([whole.pk])
    found = set()
    for name in filter(None, map(str.strip, re.split(r"[|;,]", line.organizations))):
        one = known.by_name.get(name.casefold()) or known.by_uuid.get(name.casefold())
        if one is None:
            words = _("There is no organisation '%(name)s' that you may give.")
            raise Refused(words % {"name": name})
        found.add(one.pk)
    return frozenset(found)


def _names(organizations: Iterable[uuid.UUID], known: _Known) -> str:
    wanted = set(organizations)
    return ", ".join(sorted(str(one) for one in known.given if one.pk in wanted))


def _words(columns: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """What is set, one line each; with what it was, where there was something."""
    labels = {
        "role": _("role"),
        "email": _("e-mail"),
        "tapraise_user_uuid": _("TapRaise user uuid"),
    }
    lines = []
    if "first_name" in columns or "last_name" in columns:
        values = {name: columns.get(name, before.get(name, "")) for name in NAMES}
        old = " ".join(str(before.get(name, "")) for name in NAMES).strip()
        lines.append(_line(_("name"), " ".join(values.values()).strip(), old))
    for name, label in labels.items():
        if name in columns:
            lines.append(_line(label, _shown(name, columns[name]), _shown(name, before.get(name))))
    return lines


NAMES: Final = ("first_name", "last_name")


def _shown(name: str, value: Any) -> str:
    if name == "role" and value:
        return str(User.Role(value).label)
    return str(value or "")


def _line(label: str, new: str, old: str) -> str:
    if old and old != new:
        return _("%(label)s: %(new)s (was: %(old)s)") % {"label": label, "new": new, "old": old}
    return f"{label}: {new}"
