"""What a change of an organisation's rules would do, told before it is saved.

The rules that are proposed are put in a rulebook of their own, and the questions are those that the
queue asks: which hours are open, what is in the way of a call. No answer here is worked out anew.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from django.db.models import Sum
from django.utils.formats import date_format, number_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from calls import counting
from calls.models import Call, QueueCount, QueueCounting
from pledges.contact import AMSTERDAM, Rulebook
from pledges.models import CallingRules, ClosedDay, Organization
from pledges.models.organizations import LAST_MINUTE

# A look counts so many open calls at most, so that a page with it costs the same at any size: with
# twice as many PostgreSQL reads all persons instead of these.
MOST: Final = 1_000
# How many names stand in a sentence.
SOME: Final = 3
# Monday, Saturday and Sunday of a week: the days that have hours of their own.
KINDS_OF_DAY: Final = ("weekdays", "saturday", "sunday")


def of_calling_rules(
    *, before: CallingRules | None, after: CallingRules | None, at: datetime
) -> list[str]:
    """What it does when `after` takes the place of `before`; either may be None."""
    rules, days = list(CallingRules.objects.all()), list(ClosedDay.objects.all())
    kept = [one for one in rules if before is None or one.pk != before.pk]
    now, then = Rulebook(rules, days), Rulebook([*kept, *([after] if after else [])], days)
    lines: list[str] = []
    for organization in organizations(before, after):
        for day in first_days(before, after, at=at):
            lines += _of_calling_rules(organization, now, then, day=day, at=at)
    if lines:
        return lines
    if after is not None:
        return [_("Nothing changes: newer rules for this type of call are in force already.")]
    return [_("Nothing changes: these rules are not in force, and were not to be.")]


def _of_calling_rules(
    organization: Organization, now: Rulebook, then: Rulebook, *, day: date, at: datetime
) -> list[str]:
    lines: list[str] = []
    alike: dict[tuple[Any, Any], list[str]] = {}
    for call_type in Call.Type.values:
        pair = now.on(organization.pk, call_type, day), then.on(organization.pk, call_type, day)
        alike.setdefault(tuple(_content(one) for one in pair), []).append(call_type)
    for (old_content, new_content), call_types in alike.items():
        if old_content == new_content:
            continue
        old = now.on(organization.pk, call_types[0], day)
        new = then.on(organization.pk, call_types[0], day)
        lines.append(heading(organization, call_types, day=day, at=at))
        if new is None:
            lines.append(_("Nobody is called: no calling hours are set."))
        else:
            lines.append(_hours_of_day(organization, call_types[0], now, then, day=day, at=at))
            lines += _what_is_different(old, new, day=day)
        lines.append(_callable(organization, call_types, now, then, day=day, at=at))
    return lines


def _content(rules: CallingRules | None) -> Any:
    """What of a row changes something for a call."""
    if rules is None:
        return None
    return (
        *(hours(rules, kind) for kind in KINDS_OF_DAY),
        rules.max_attempts,
        rules.gap_minutes,
        rules.cooling_off_days,
    )


def heading(
    organization: Organization, call_types: Sequence[str], *, day: date, at: datetime
) -> str:
    types = [str(Call.Type(one).label) for one in call_types]
    words = {
        "organization": organization,
        "types": _("calls of every type")
        if len(types) == len(Call.Type.values)
        else ", ".join(types),
        "day": date_format(day, "l j F"),
    }
    if day == localdate(at):
        return _("From now on, for %(organization)s, %(types)s:") % words
    return _("From %(day)s on, for %(organization)s, %(types)s:") % words


def _hours_of_day(
    organization: Organization,
    call_type: str,
    now: Rulebook,
    then: Rulebook,
    *,
    day: date,
    at: datetime,
) -> str:
    """The first day as the one function of calling windows has it, with closed days."""
    is_today = day == localdate(at)
    old, new = (open_on(book, organization.pk, call_type, day) for book in (now, then))
    words = {"new": new, "day": date_format(day, "l j F")}
    if new is None:
        text = _("Today nobody is called") if is_today else _("On %(day)s nobody is called")
    elif is_today:
        text = _("Today calls may be made %(new)s")
    else:
        text = _("On %(day)s calls may be made %(new)s")
    if old == new:
        # In no f-string: what stands in one is not collected for translation.
        return _("%(text)s, as before.") % {"text": text % words}
    if new is None:
        return _("%(text)s; until now calls may be made then: %(old)s.") % {
            "text": text % words,
            "old": old,
        }
    return _with_old(text % words, old or closed())


def open_on(
    book: Rulebook, organization: uuid.UUID | None, call_type: str, day: date
) -> str | None:
    """From when to when calling is open on a day, as '09:00–20:00'; None: it is closed."""
    midnight = datetime.combine(day, time(), AMSTERDAM)
    for opens, closes in book.openings(organization, call_type, at=midnight):
        if localtime(opens).date() != day:
            return None
        until = localtime(closes)
        return in_hours(localtime(opens).time(), until.time() if until.date() == day else None)
    return None


def closed() -> str:
    """What stands in the place of the hours of a day without any; a call that is closed is another
    word in other languages."""
    return pgettext("calling hours", "closed")


def in_hours(opens: time, closes: time | None) -> str:
    """A window in words; closes None: at midnight."""
    if closes is None or closes >= LAST_MINUTE:
        return _("all day") if opens == time() else f"{opens:%H:%M}–24:00"
    return f"{opens:%H:%M}–{closes:%H:%M}"


def hours(rules: CallingRules, kind: str) -> str | None:
    """The hours that rules give a kind of day; None: closed."""
    opens, closes = getattr(rules, f"{kind}_open"), getattr(rules, f"{kind}_close")
    return in_hours(opens, closes) if opens is not None and closes is not None else None


def _what_is_different(old: CallingRules | None, new: CallingRules, *, day: date) -> list[str]:
    """Sentences about what is not told of the first day; all of them where there were no rules."""
    lines = []
    for kind, name in names_of_days().items():
        is_told = kind == _kind_of(day)
        was, is_now = (hours(one, kind) if one else None for one in (old, new))
        if (was != is_now or old is None) and not is_told:
            words = f"{name}: {is_now or closed()}"
            lines.append(f"{words}." if old is None else _with_old(words, was or closed()))
    pairs = zip(figures(new), figures(old) if old else figures(new), strict=True)
    for one, before in pairs:
        if old is None:
            lines.append(f"{one}.")
        elif one != before:
            lines.append(_with_old(one, before))
    return lines


def _with_old(words: str, was: str) -> str:
    # The old one as a sentence of its own reads better than half of one.
    return _("%(new)s (was: %(old)s).") % {"new": words, "old": was[:1].lower() + was[1:]}


def names_of_days() -> dict[str, str]:
    # In a context of their own: without it they would be the names of days in every date.
    return {
        "weekdays": _("Monday to Friday"),
        "saturday": pgettext("beginning of a line", "Saturday"),
        "sunday": pgettext("beginning of a line", "Sunday"),
    }


def figures(rules: CallingRules) -> list[str]:
    """What rules say beside hours: attempts, the gap, the release. No full stop."""
    most, days = rules.max_attempts, rules.cooling_off_days
    return [
        _("As many attempts as it takes")
        if most is None
        else ngettext("%(n)s attempt at most", "%(n)s attempts at most", most) % {"n": most},
        _("After a dial that missed, at least %(gap)s until the next one")
        % {"gap": in_time(rules.gap_minutes)},
        _("It is not known when a pledge is released")
        if days is None
        else ngettext(
            "A pledge is released %(n)s day after it was made",
            "A pledge is released %(n)s days after it was made",
            days,
        )
        % {"n": days},
    ]


def in_time(minutes: int) -> str:
    """So many minutes as people say them: 4 hours, 90 minutes."""
    if minutes and minutes % 60 == 0:
        return ngettext("%(n)s hour", "%(n)s hours", minutes // 60) % {"n": minutes // 60}
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}


def _kind_of(day: date) -> str:
    return {5: "saturday", 6: "sunday"}.get(day.weekday(), "weekdays")


# ── How many calls ────────────────────────────────────────────────────────────────────────────────


def _callable(
    organization: Organization,
    call_types: Sequence[str],
    now: Rulebook,
    then: Rulebook,
    *,
    day: date,
    at: datetime,
) -> str:
    """How many of the calls that are open can be made, at the first moment that it matters."""
    moment = _moment(organization, call_types[0], (now, then), day=day, at=at)
    if moment is None:
        return _("There is no moment in the coming month at which these calls can be made.")
    calls = open_calls([organization.pk], call_types)
    found = [
        _how_many(calls[:MOST], organization, at=moment, rulebook=book) for book in (now, then)
    ]
    words = {
        "old": _number(found[0]),
        "new": _number(found[1]),
        "all": _number(min(len(calls), MOST)),
        "moment": date_format(localtime(moment), "l j F H:i"),
    }
    if not calls:
        return _("There are no open calls that this is about.")
    is_now, is_all = moment == at, len(calls) <= MOST
    if is_now and is_all:
        return _("%(new)s of %(all)s open calls can be called now (was: %(old)s).") % words
    if is_now:
        return (
            _(
                "At least %(new)s open calls can be called now (was: at least %(old)s): %(all)s "
                "were looked at."
            )
            % words
        )
    if is_all:
        return (
            _(
                "Of %(all)s calls that are open today, %(new)s can be called on %(moment)s (was: "
                "%(old)s)."
            )
            % words
        )
    return (
        _(
            "Of the calls that are open today, at least %(new)s can be called on %(moment)s (was: "
            "at least %(old)s): %(all)s were looked at."
        )
        % words
    )


def _moment(
    organization: Organization,
    call_type: str,
    books: Iterable[Rulebook],
    *,
    day: date,
    at: datetime,
) -> datetime | None:
    """Now, where it holds today and either has it open; else the first opening of either."""
    start = max(at, datetime.combine(day, time(), AMSTERDAM))
    found = [book.next_opening(organization.pk, call_type, at=start) for book in books]
    return min((one for one in found if one is not None), default=None)


def open_calls(organizations: Sequence[uuid.UUID], call_types: Sequence[str]) -> list[uuid.UUID]:
    """Of those that are ours to make, one more than is counted at most. In no order: an order
    would read all of them."""
    calls = Call.objects.open().ours().managed_in_tapraise()
    found = calls.filter(person__owning_organization__in=organizations, type__in=call_types)
    return list(found.order_by().values_list("pk", flat=True)[: MOST + 1])


def _how_many(
    calls: Sequence[uuid.UUID], organization: Organization, *, at: datetime, rulebook: Rulebook
) -> int:
    """How many of these the queue would serve to somebody, as the floor counts it."""
    why = counting.why([organization], at=at, rulebook=rulebook)
    rows = Call.objects.filter(pk__in=calls).annotate(why=why)
    return rows.filter(why=QueueCount.Why.NOW).count()


def _number(value: int) -> str:
    return str(number_format(value, use_l10n=True, force_grouping=True))


def organizations(*rows: Any) -> list[Organization]:
    """Of both rows, each once: a change may move rules to another organisation."""
    found = {row.organization.pk: row.organization for row in rows if row is not None}
    return list(found.values())


def first_days(*rows: Any, at: datetime) -> list[date]:
    """The days, today or later, on which each was to be in force."""
    return sorted({max(localdate(at), row.from_date) for row in rows if row is not None})


# ── Closed days, and whose calls are ours ─────────────────────────────────────────────────────────


def of_closed_day(*, before: ClosedDay | None, after: ClosedDay | None, at: datetime) -> list[str]:
    """Which hours of the day are lost or won, for each organisation that has hours on it."""
    rules, days = list(CallingRules.objects.all()), list(ClosedDay.objects.all())
    kept = [one for one in days if before is None or one.pk != before.pk]
    now, then = Rulebook(rules, days), Rulebook(rules, [*kept, *([after] if after else [])])
    lines = []
    for day in sorted({row.date for row in (before, after) if row is not None}):
        if day < localdate(at):
            lines.append(_("%(day)s is over: it changes nothing.") % {"day": _long(day)})
            continue
        alike: dict[tuple[str | None, str | None], list[Organization]] = {}
        for organization in _with_hours(before, after):
            pair = tuple(_usual_hours(book, organization, day) for book in (now, then))
            alike.setdefault((pair[0], pair[1]), []).append(organization)
        for (old, new), those in alike.items():
            words = {"day": _long(day), "new": new, "old": old or closed()}
            words["names"] = _some([str(one) for one in those])
            if old == new:
                text = _("%(names)s: %(day)s stays as it was, %(old)s.")
            elif new is None:
                text = _(
                    "%(names)s: nobody is called any more on %(day)s; until now calls may be made "
                    "then: %(old)s."
                )
            else:
                text = _("%(names)s: on %(day)s calls may be made %(new)s (was: %(old)s).")
            lines.append(text % words)
            if day == localdate(at) and old is not None and new != old:
                lines += _open_calls_of(those)
    return lines or [_("No organisation has calling hours that this is about.")]


def _open_calls_of(organizations: Iterable[Organization]) -> list[str]:
    """How many calls could be made when the queue was counted last, as the floor shows it; nothing
    while it was never counted."""
    last = QueueCounting.objects.order_by("-at").first()
    if last is None:
        return []
    can_be_called = last.counts.filter(organization__in=organizations, why=QueueCount.Why.NOW)
    calls = can_be_called.aggregate(calls=Sum("calls"))["calls"] or 0
    text = ngettext(
        "That is about %(n)s open call that could be made at %(time)s.",
        "That is about %(n)s open calls that could be made at %(time)s.",
        calls,
    )
    return [text % {"n": _number(calls), "time": date_format(localtime(last.at), "H:i")}]


def _with_hours(*rows: ClosedDay | None) -> list[Organization]:
    found = Organization.objects.filter(calling_rules__isnull=False).distinct().order_by("name")
    of = {row.organization_id for row in rows if row is not None}
    return [one for one in found if None in of or one.pk in of]


def _usual_hours(book: Rulebook, organization: Organization, day: date) -> str | None:
    return open_on(book, organization.pk, Call.Type.VERIFICATION, day)


def _some(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    few = ", ".join(names[:SOME])
    if len(names) <= SOME:
        return few
    more = len(names) - SOME
    return ngettext("%(few)s and %(more)s more", "%(few)s and %(more)s more", more) % {
        "few": few,
        "more": more,
    }


def _long(day: date) -> str:
    return date_format(day, "l j F Y")


def of_organization(*, before: Organization, after: Organization) -> list[str]:
    """Which open calls are ours from now on, and which no longer."""
    lines = []
    named = Call.objects.open().filter(calling_organization=before.pk)
    unnamed = Call.objects.open().filter(
        calling_organization=None, person__owning_organization=before.pk
    )
    for column, calls in (("is_ours", named), ("serves_unassigned_calls", unnamed)):
        was, is_now = getattr(before, column), getattr(after, column)
        if was == is_now:
            continue
        found = len(calls.order_by().values_list("pk", flat=True)[: MOST + 1])
        words = {"n": _number(min(found, MOST)), "name": before}
        if found > MOST:
            words["n"] = _("at least %(n)s") % words
        text = {
            ("is_ours", True): _(
                "We make the calls that name %(name)s as the caller; open now: %(n)s."
            ),
            ("is_ours", False): _(
                "We no longer make the calls that name %(name)s as the caller; open now, and "
                "served to nobody any more: %(n)s."
            ),
            ("serves_unassigned_calls", True): _(
                "We make the calls to donors of %(name)s that name no caller; open now: %(n)s."
            ),
            ("serves_unassigned_calls", False): _(
                "We no longer make the calls to donors of %(name)s that name no caller; open now, "
                "and served to nobody any more: %(n)s."
            ),
        }[column, is_now]
        lines.append(text % words)
    return lines
