"""On what ground a person was called and written to: what the code asks proof of, within days.

Rows as they were stored when it happened. No number, no address and no text of a message: those are
not part of the ground.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.sheets import Cell, Format, as_bytes
from calls.models import Attempt, Call
from pledges.contact import Ground
from pledges.models import Objection, Person, TextMessage, in_words

# It says so in the past: it may be read years later.
ALLOWED: Final = gettext_lazy("It was within calling hours, and nothing was against it.")
OPT_IN: Final[Mapping[bool | None, Any]] = {
    True: gettext_lazy("yes"),
    False: gettext_lazy("no"),
    None: gettext_lazy("not asked"),
}


def proof_of(person: Person, *, user: User) -> bytes:
    """Everything that was done to reach this person, oldest first, as a CSV file."""
    names = [
        _("When"),
        _("What"),
        _("By"),
        _("Ground"),
        _("Type of call"),
        _("Opt-in"),
        _("Donor since"),
        _("Window until"),
        _("Rules in force from"),
        _("Source of the rules"),
        _("Looked up on"),
    ]
    told = sorted(_rows(person, user), key=lambda row: row[0])
    rows = ([_moment(at), *cells] for at, cells in told)
    return as_bytes(Format.CSV, names, rows)


def _rows(person: Person, user: User) -> Iterator[tuple[datetime, Iterable[Cell]]]:
    seen = Call.objects.visible_to(user).filter(person=person)
    for attempt in Attempt.objects.filter(call__in=seen).select_related("user"):
        label = Attempt.Outcome(attempt.outcome).label
        what = _("Attempt: %(outcome)s") % {"outcome": label}
        yield attempt.at, (what, attempt.user.spoken_name, *_ground(attempt.ground, "opt_in_phone"))
    messages = TextMessage.objects.visible_to(user).filter(person=person)
    for message in messages.select_related("user", "script"):
        what = str(message.script)
        yield message.at, (what, message.user.spoken_name, *_ground(message.ground, "opt_in"))
    for objection in Objection.objects.filter(person_uuid=person.pk).select_related(
        "user", "lifted_by"
    ):
        what = _("Objection: %(channel)s") % {"channel": objection.get_channel_display()}
        ground = f"{objection.get_reason_display()} ({objection.get_source_display()})"
        yield objection.at, (what, objection.user.spoken_name, ground)
        if objection.lifted_at:
            by = objection.lifted_by.spoken_name if objection.lifted_by else ""
            yield objection.lifted_at, (_("Objection lifted"), by, objection.lift_reason)


def _ground(ground: Mapping[str, Any], opt_in: str) -> list[str]:
    code, call_type = ground.get("code", ""), ground.get("call_type")
    return [
        str(ALLOWED) if code == "ok" else Ground(False, code).words,
        in_words(Call.Type, call_type),
        str(OPT_IN[ground.get(opt_in)]),
        _kept_moment(ground.get("donor_since")),
        _kept_moment(ground.get("until")),
        # Days, as they were given.
        *(ground.get(name) or "" for name in ("rules_from", "rules_source", "rules_looked_up")),
    ]


def _kept_moment(kept: str | None) -> str:
    """A moment that was kept as ISO 8601, whatever zone that was in."""
    return _moment(datetime.fromisoformat(kept)) if kept else ""


def _moment(at: datetime) -> str:
    """On a Dutch clock, and with what it differs from UTC: proof of an hour may not leave open
    which one, and one hour a year comes twice."""
    return f"{localtime(at):%Y-%m-%d %H:%M:%S%z}"
