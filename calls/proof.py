"""On what ground a person was called and written to: what the code asks proof of, within days.

Rows as they were stored when it happened. No number, no address and no text of a message: those are
not part of the ground.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.sheets import Cell, Format, as_bytes
from calls.models import Attempt, Call
from pledges.models import Objection, Person, TextMessage


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
    # With the zone: proof of an hour may not leave open which one.
    rows = ([localtime(at).strftime("%Y-%m-%d %H:%M:%S%z"), *cells] for at, cells in told)
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
    for objection in Objection.objects.filter(person_uuid=person.pk).select_related("user"):
        what = _("Objection: %(channel)s") % {"channel": objection.get_channel_display()}
        ground = f"{objection.get_reason_display()} ({objection.get_source_display()})"
        yield objection.at, (what, objection.user.spoken_name, ground)
        if objection.lifted_at:
            yield objection.lifted_at, (_("Objection lifted"), "", objection.lift_reason)


def _ground(ground: dict[str, Any], opt_in: str) -> list[str]:
    names = ("code", "call_type", opt_in, "donor_since", "until")
    rules = ("rules_from", "rules_source", "rules_looked_up")
    return ["" if ground.get(name) is None else str(ground[name]) for name in (*names, *rules)]
