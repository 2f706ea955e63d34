"""What a change of the details that must be right would do, told before it is saved: as
`calls/foresight.py` does for the other rules of an organisation."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from calls.checklist import asked_by, check_rules_on
from calls.foresight import first_days, heading, organizations
from calls.models import Call, CheckRules, Item
from pledges.models import Organization


def of_check_rules(
    *, before: CheckRules | None, after: CheckRules | None, at: datetime
) -> list[str]:
    """What it does when `after` takes the place of `before`; either may be None."""
    lines: list[str] = []
    for organization in organizations(before, after):
        rules = list(CheckRules.objects.filter(organization=organization))
        kept = [one for one in rules if before is None or one.pk != before.pk]
        is_theirs = after is not None and after.organization_id == organization.pk
        proposed = [*kept, *([after] if after is not None and is_theirs else [])]
        for day in first_days(before, after, at=at):
            lines += _of_check_rules(organization, rules, proposed, day=day, at=at)
    return lines or [_("Nothing changes: other rules for this type of call are in force.")]


def _of_check_rules(
    organization: Organization,
    rules: Sequence[CheckRules],
    proposed: Sequence[CheckRules],
    *,
    day: date,
    at: datetime,
) -> list[str]:
    alike: dict[tuple[Any, Any], list[str]] = {}
    for call_type in Call.Type.values:
        old, new = (
            asked_by(check_rules_on(rows, call_type, day), call_type) for rows in (rules, proposed)
        )
        pair = (tuple(old[0]), old[1]), (tuple(new[0]), new[1])
        alike.setdefault(pair, []).append(call_type)
    lines: list[str] = []
    for ((old_needed, old_wrong), (needed, wrong)), call_types in alike.items():
        if (set(old_needed), old_wrong) == (set(needed), wrong):
            continue
        lines.append(heading(organization, call_types, day=day, at=at))
        if set(needed) != set(old_needed):
            old_words = _("was: %(items)s") % {"items": names_of(old_needed)}
            lines.append(f"{needs(needed)} ({old_words}).")
        else:
            lines.append(f"{needs(needed)}.")
        if skipped := [one for one in Item.values if one not in needed]:
            lines.append(_("May be skipped: %(items)s.") % {"items": names_of(skipped)})
        if wrong != old_wrong:
            words = _("After %(n)s wrong answers it counts as somebody else (was: %(old)s).")
            lines.append(words % {"n": wrong, "old": old_wrong})
    return lines


def needs(items: Iterable[str]) -> str:
    """What 'confirmed' needs, without a full stop."""
    wanted = list(items)
    if not wanted:
        return _("'Confirmed' needs nothing to be gone through")
    return _("'Confirmed' needs: %(items)s") % {"items": names_of(wanted)}


def names_of(items: Iterable[str]) -> str:
    """Details by name, in the order of a conversation."""
    wanted = set(items)
    return ", ".join(str(Item(one).label) for one in Item.values if one in wanted) or _("nothing")
