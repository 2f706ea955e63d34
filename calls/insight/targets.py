"""What is to be done today, and how far it is. Nothing is computed here that today is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F, Max
from django.utils.translation import gettext as _

from calls.insight.tallies import Tally, branch
from calls.insight.today import by_organization, share
from calls.models import DayTarget

TARGETS: Final = "targets"


@dataclass(frozen=True)
class Goal:
    """One number that is to be reached today for one organisation."""

    name: str
    organization: str
    done: int
    target: int

    @property
    def is_met(self) -> bool:
        return self.done >= self.target

    @property
    def to_go(self) -> int:
        return max(self.target - self.done, 0)

    @property
    def hundredths(self) -> int:
        return share(self.done, self.target) or 0

    @property
    def width(self) -> int:
        """Of a bar a hundred wide; what is more than the target is no longer drawn."""
        return min(100 * self.done // self.target, 100)


def branches(user: Any, *, today: Any) -> list[Any]:
    """The targets that hold today for this user's organisations."""
    rows = DayTarget.objects.visible_to(user).in_force(today)
    return [
        branch(
            rows,
            TARGETS,
            organization=F("organization_id"),
            code=F("organization__name"),
            a=Max("completed"),
            b=Max("reached"),
        )
    ]


def goals(tallies: Sequence[Tally]) -> list[Goal]:
    """Each target with what is done of it, by organisation."""
    days = by_organization(tallies)
    found: list[Goal] = []
    for tally in tallies:
        if tally.kind != TARGETS or tally.organization is None:
            continue
        day = days.get(tally.organization)
        done = (day.completed, day.reached) if day else (0, 0)
        named = zip((_("Completed"), _("Reached")), done, (tally.a, tally.b), strict=True)
        found += [
            Goal(what, tally.code or str(tally.organization), n, wanted)
            for what, n, wanted in named
            if wanted
        ]
    return sorted(found, key=lambda goal: goal.organization.casefold())
