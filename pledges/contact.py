"""May we call or text this person at a moment, and on what ground: the one function that serving,
dialling, scheduling and texting ask.

Calling windows are wall-clock times in the Netherlands, so 09:00 stays 09:00 on the nights when the
clock changes. Without rules nobody is called, and who objected is not called whatever they say.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from pledges.models import CallingRules, ClosedDay, Medium, Objection, Person
from pledges.models.organizations import LAST_MINUTE
from pledges.objections import Objections

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
# How far ahead the next opening is looked for.
HORIZON_DAYS = 30


@dataclass(frozen=True)
class Ground:
    """Whether a person may be called at a moment, and why. Stored with the attempt as proof."""

    is_allowed: bool
    # ok, no_rules, closed, closed_day, no_phone, opt_in_refused, objected, no_attempts_left; of a
    # text also text_ok, text_ok_not_asked, text_closed, text_refused, text_objected, no_address
    code: str
    # Since and until when, if allowed; from when, if it is only closed now.
    since: datetime | None = None
    until: datetime | None = None
    next_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    # What it is refused for, to be named on the screen.
    objection: Objection | None = None
    day: ClosedDay | None = None
    # The rules that were asked: their source is shown.
    rules: CallingRules | None = None

    def as_proof(self) -> dict[str, Any]:
        """For the row of the attempt: codes, dates and times only."""
        return {
            "code": self.code,
            "until": self.until.isoformat() if self.until else None,
            **self.facts,
        }

    @property
    def is_all_day(self) -> bool:
        """Whether it is allowed from midnight to midnight, in Dutch time."""
        ends = [
            moment.astimezone(AMSTERDAM).time() for moment in (self.since, self.until) if moment
        ]
        return ends == [time(), time()]

    @property
    def is_always(self) -> bool:
        """Whether the rules never close but for a closed day, as those of the demo."""
        return self.is_all_day and self.rules is not None and self.rules.is_always_open

    @property
    def words(self) -> str:
        """One sentence for the screen."""
        if self.objection is not None:
            return _not_any_more(self.objection)
        if self.day is not None:
            return _("Calling is closed today: %(day)s.") % {"day": self.day.name}
        return {
            "ok": _("You may call."),
            "no_rules": _("Calling is closed: no calling hours are set for this organisation."),
            "closed": _("Calling is closed now."),
            "no_phone": _("There is no phone number that can be called."),
            "opt_in_refused": _("This donor does not want to be called for this."),
            "no_attempts_left": _("No attempts are left for this call."),
            "text_ok": _("This donor wants to be written to in this way."),
            "text_ok_not_asked": _("This donor was not asked about being written to in this way."),
            "text_closed": _("Nothing is sent to donors at this hour."),
            "text_refused": _("This donor does not want to be written to in this way."),
            "no_address": _("There is no number or address that this can be sent to."),
        }.get(self.code, self.code)


def _not_any_more(objection: Objection) -> str:
    words = {
        Objection.Channel.PHONE: _("This donor is not to be called any more (recorded %(day)s)."),
        Objection.Channel.TEXT: _("This donor is not to be texted any more (recorded %(day)s)."),
        Objection.Channel.EMAIL: _("This donor is not to be e-mailed any more (recorded %(day)s)."),
        Objection.Channel.ALL: _(
            "This donor is not to be called, texted or e-mailed any more (recorded %(day)s)."
        ),
    }
    day = date_format(localtime(objection.at), "SHORT_DATE_FORMAT")
    return words[Objection.Channel(objection.channel)] % {"day": day}


class Rulebook:
    """All calling rules and closed days: who may be called when, and how often. Two queries."""

    def __init__(self, rules: Iterable[CallingRules], days: Iterable[ClosedDay] = ()) -> None:
        self._rules: dict[tuple[uuid.UUID, str], list[CallingRules]] = {}
        for rule in sorted(rules, key=lambda rule: rule.from_date):
            self._rules.setdefault((rule.organization_id, rule.call_type), []).append(rule)
        self._days: dict[date, list[ClosedDay]] = {}
        for day in days:
            self._days.setdefault(day.date, []).append(day)

    @classmethod
    def read(cls, *, has_days: bool = True) -> "Rulebook":
        """`has_days` is false where it is known that no closed day is near."""
        days = ClosedDay.objects.all() if has_days else ()
        return cls(CallingRules.objects.all(), days)

    def on(
        self, organization: uuid.UUID | None, call_type: str | None, day: date
    ) -> CallingRules | None:
        """The rules in force on a day: those of the type of call before those of every type."""
        if organization is None:
            return None
        for kind in (call_type or "", ""):
            in_force = [r for r in self._rules.get((organization, kind), []) if r.from_date <= day]
            if in_force:
                return in_force[-1]
        return None

    def now(
        self, organization: uuid.UUID | None, call_type: str | None, *, at: datetime
    ) -> CallingRules | None:
        return self.on(organization, call_type, at.astimezone(AMSTERDAM).date())

    def openings(
        self, organization: uuid.UUID | None, call_type: str | None, *, at: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        """Each window that has not closed yet, soonest first: from and until."""
        today = at.astimezone(AMSTERDAM).date()
        for offset in range(HORIZON_DAYS):
            day = today + timedelta(days=offset)
            rules = self.on(organization, call_type, day)
            window = rules and _window(rules, day, self.closed_day(organization, day))
            if not window:
                continue
            opens, closes = window
            if closes > at:
                yield opens, closes

    def closed_day(self, organization: uuid.UUID | None, day: date) -> ClosedDay | None:
        """What closes this day, or ends it early; of several, what closes first."""
        found = [
            one for one in self._days.get(day, ()) if one.organization_id in (None, organization)
        ]
        return min(found, key=lambda one: one.closes_at or time.min, default=None)

    def day_that_closes(
        self, organization: uuid.UUID | None, call_type: str | None, *, at: datetime
    ) -> ClosedDay | None:
        """The closed day for which calling is closed at a moment when the rules alone would not."""
        day = at.astimezone(AMSTERDAM).date()
        rules, closed = self.now(organization, call_type, at=at), self.closed_day(organization, day)
        usual = rules and _window(rules, day, None)
        if closed is None or not usual or not usual[0] <= at < usual[1]:
            return None
        shorter = _window(rules, day, closed) if rules else None
        return closed if shorter is None or at >= shorter[1] else None

    def next_opening(
        self, organization: uuid.UUID | None, call_type: str | None, *, at: datetime
    ) -> datetime | None:
        """The first moment from `at` on when calling is open; `at` itself when it is open now."""
        for opens, _closes in self.openings(organization, call_type, at=at):
            return max(opens, at)
        return None


def _window(
    rules: CallingRules, day: date, closed: ClosedDay | None
) -> tuple[datetime, datetime] | None:
    opens, closes = {
        5: (rules.saturday_open, rules.saturday_close),
        6: (rules.sunday_open, rules.sunday_close),
    }.get(day.weekday(), (rules.weekdays_open, rules.weekdays_close))
    if opens is None or closes is None:
        return None
    if closed is not None:
        if closed.closes_at is None or closed.closes_at <= opens:
            return None
        closes = min(closes, closed.closes_at)
    until = (
        datetime.combine(day + timedelta(days=1), time(), AMSTERDAM)
        if closes >= LAST_MINUTE
        else datetime.combine(day, closes, AMSTERDAM)
    )
    # In UTC: two moments of one zone are compared by their wall clocks, and one hour comes twice.
    return datetime.combine(day, opens, AMSTERDAM).astimezone(UTC), until.astimezone(UTC)


def asks_for_support(call_type: str | None) -> bool:
    """Whether a call of this type asks the donor for something.

    A verification call carries out what was agreed at the door; a happy call or a winback is one
    that a donor can refuse beforehand. A type we do not know is taken for one that asks.
    """
    return call_type != CallingRules.CallType.VERIFICATION


def ground(
    person: Person,
    call_type: str | None,
    *,
    at: datetime,
    rulebook: Rulebook | None = None,
    objections: Objections | None = None,
) -> Ground:
    """Whether this person may be called at this moment for this type of call, and why.

    `objections` and `rulebook` for who has read them already.
    """
    book = rulebook or Rulebook.read()
    organization = person.owning_organization_id
    rules = book.now(organization, call_type, at=at)
    facts = {
        "call_type": call_type,
        "opt_in_phone": person.opt_in_phone,
        "donor_since": person.created_at.isoformat() if person.created_at else None,
        **_facts_of(rules),
    }
    against = (objections or Objections.read([person])).against(person, Objection.Channel.PHONE)
    if against is not None:
        return Ground(False, "objected", facts=facts, objection=against, rules=rules)
    if not person.phone_keys:
        return Ground(False, "no_phone", facts=facts, rules=rules)
    if person.opt_in_phone is False and asks_for_support(call_type):
        return Ground(False, "opt_in_refused", facts=facts, rules=rules)
    if rules is None:
        return Ground(False, "no_rules", facts=facts)
    day = book.day_that_closes(organization, call_type, at=at)
    code = "closed_day" if day else "closed"
    for opens, closes in book.openings(organization, call_type, at=at):
        if opens <= at:
            return Ground(True, "ok", opens, closes, facts=facts, rules=rules)
        return Ground(False, code, next_at=opens, facts=facts, day=day, rules=rules)
    return Ground(False, code, facts=facts, day=day, rules=rules)


def _facts_of(rules: CallingRules | None) -> dict[str, Any]:
    """Which rules were asked: they are dated, so this says what they were."""
    if rules is None:
        return {}
    looked_up = rules.checked_at.isoformat() if rules.checked_at else None
    return {
        "rules_from": rules.from_date.isoformat(),
        "rules_source": rules.source,
        "rules_looked_up": looked_up,
    }


def may_text(
    person: Person,
    medium: str,
    *,
    at: datetime,
    call_type: str | None = None,
    rulebook: Rulebook | None = None,
    objections: Objections | None = None,
) -> Ground:
    """Whether this person may be sent a text, an e-mail or a voice message that arrives at this
    moment, and why. Whether there is an address is another question.

    The hours are those of calling. An opt-in of null is neither yes nor no: it may be sent, and
    the ground says that nobody asked. A voice message is a call, and is refused where a call is.
    """
    book = rulebook or Rulebook.read()
    organization = person.owning_organization_id
    opt_in = _opt_in(person, medium)
    rules = book.now(organization, call_type, at=at)
    facts = {"medium": medium, "call_type": call_type, "opt_in": opt_in, **_facts_of(rules)}
    against = (objections or Objections.read([person])).against(person, channel_of(medium))
    if against is not None:
        return Ground(False, "text_objected", facts=facts, objection=against, rules=rules)
    is_call = medium == Medium.VOICE
    if opt_in is False and not (is_call and not asks_for_support(call_type)):
        return Ground(False, "text_refused", facts=facts, rules=rules)
    if rules is None:
        return Ground(False, "no_rules", facts=facts)
    for opens, closes in book.openings(organization, call_type, at=at):
        if opens > at:
            return Ground(False, "text_closed", next_at=opens, facts=facts, rules=rules)
        code = "text_ok" if opt_in else "text_ok_not_asked"
        return Ground(True, code, until=closes, facts=facts, rules=rules)
    return Ground(False, "text_closed", facts=facts, rules=rules)


_CHANNELS = {
    Medium.SMS: Objection.Channel.TEXT,
    Medium.EMAIL: Objection.Channel.EMAIL,
    Medium.VOICE: Objection.Channel.PHONE,
}


def channel_of(medium: str) -> str:
    """What a donor objects to who does not want to be reached by this medium."""
    return _CHANNELS[Medium(medium)]


def _opt_in(person: Person, medium: str) -> bool | None:
    return {
        Medium.SMS: person.opt_in_sms,
        Medium.EMAIL: person.opt_in_email,
        Medium.VOICE: person.opt_in_phone,
    }[Medium(medium)]
