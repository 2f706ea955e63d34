"""Quality gates, by who recruited and where: which pledges fail them, and how their calls ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import models
from django.db.models import Max, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from accounts.sheets import Cell
from calls.insight.asked import Asked, Share
from calls.insight.pictures import Bar, bars
from calls.insight.tables import Table, share_cells, share_names
from calls.models import GateCount
from calls.models.days import GateCountQuerySet
from pledges.quality import GATES, gate_in_words

WHOLE: Final = GateCount.WHOLE
# So many are drawn, the worst first; and so many stand in the table, the others in one line.
DRAWN: Final = 20
MOST: Final = 150


class Per(models.TextChoices):
    """What a line is about."""

    RECRUITER = "recruiter", gettext_lazy("recruiter")
    LOCATION = "location", gettext_lazy("location")
    GATE = "gate", gettext_lazy("quality gate")


@dataclass(frozen=True)
class AskedOfGates(Asked):
    """The days are those on which pledges were recruited."""

    per: Per = Per.RECRUITER
    # One gate alone; empty: any of them.
    gate: str = WHOLE
    # Of whom each gate is told, where a line is a gate; neither: of everybody.
    recruiter: str = ""
    location: str = ""


@dataclass
class Line:
    """Pledges of one recruiter or location, or about one gate."""

    key: str
    name: str
    # Pledges that were judged, and those that failed.
    judged: int = 0
    failed: int = 0
    # Those that have no quality result.
    unknown: int = 0
    # Their verification calls that were completed here, and how many ended so.
    called: int = 0
    downgraded: int = 0
    dropped: int = 0
    # Whether a view of it can be asked for.
    leads_on: bool = True

    def add(self, other: "Line") -> None:
        self.judged += other.judged
        self.failed += other.failed
        self.unknown += other.unknown
        self.called += other.called
        self.downgraded += other.downgraded
        self.dropped += other.dropped

    @property
    def failing(self) -> Share:
        return Share(self.failed, self.judged)

    @property
    def ending(self) -> Share:
        """The verification calls that lowered the pledge or dropped it."""
        return Share(self.downgraded + self.dropped, self.called)


@dataclass(frozen=True)
class Gates:
    """By the share that failed, the highest first, where there are cases enough; `few` are the
    others, by name. `rest`: those for whom there is no room, together."""

    per: Per
    gate: str
    ranked: Sequence[Line]
    few: Sequence[Line]
    together: Line
    rest: Line | None = None
    # How many recruiters or locations are in that line.
    n_rest: int = 0
    # How many lines have too few cases to be drawn, those in that line among them.
    n_few: int = 0
    # Whose gates these are, where they are one recruiter's or of one location.
    whose: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.together.judged or self.together.unknown)

    @property
    def is_by_gate(self) -> bool:
        return self.per == Per.GATE

    @property
    def is_by_recruiter(self) -> bool:
        return self.per == Per.RECRUITER

    @property
    def gate_words(self) -> str:
        return gate_in_words(self.gate)

    @property
    def picture(self) -> Sequence[Bar]:
        return bars([(line.name, line.failing) for line in self.ranked[:DRAWN]])

    @property
    def table(self) -> Table:
        names = [capfirst(str(self.per.label)), *share_names(_("Failed"), _("Judged"))]
        if not self.is_by_gate:
            names += [
                _("Not judged"),
                *share_names(_("Lowered or dropped"), _("Verification calls")),
                _("Lowered"),
                _("Dropped"),
            ]
        rows = [(line.name, line) for line in (*self.ranked, *self.few)]
        if self.rest:
            others = ngettext("%(n)s other", "%(n)s others, together", self.n_rest)
            rows.append((others % {"n": self.n_rest}, self.rest))
        whole = _("One gate or more") if self.is_by_gate else _("Together")
        rows.append((whole, self.together))
        return Table(names, [[name, *self._cells(line)] for name, line in rows])

    def _cells(self, line: Line) -> list[Cell]:
        failing = share_cells(line.failing)
        if self.is_by_gate:
            return failing
        ending = share_cells(line.ending)
        return [*failing, line.unknown, *ending, line.downgraded, line.dropped]

    @property
    def n_drawn(self) -> int:
        return min(len(self.ranked), DRAWN)


def by_recruiting(user: User, asked: AskedOfGates) -> Gates:
    """Which pledges failed the quality gates: two queries at most."""
    if asked.per == Per.GATE:
        return _by_gate(user, asked)
    found: dict[str, Line] = {}
    rows = _counts(user, asked).filter(by=asked.per.value, gate__in={WHOLE, asked.gate})
    for key, gate, name, judged, failed, unknown, *ended in _sums(rows.values_list("key", "gate")):
        line = found.setdefault(key, Line(key, ""))
        if gate == WHOLE:
            line.name = name or key or _not_told(asked.per)
            line.leads_on = key != ""
            line.add(Line("", "", judged, 0, unknown, *ended))
        else:
            # A gate's own row tells of whom it says nothing.
            line.judged -= unknown
            line.unknown += unknown
        if gate == asked.gate:
            line.failed += failed
    ranked, few = _in_order(found.values())
    together = _together(found.values())
    shown_few = few[: max(0, MOST - len(ranked))]
    left_out = [*ranked[MOST:], *few[len(shown_few) :]]
    return Gates(
        asked.per,
        asked.gate,
        ranked[:MOST],
        shown_few,
        together,
        rest=_together(left_out) if left_out else None,
        n_rest=len(left_out),
        n_few=len(few),
    )


def _by_gate(user: User, asked: AskedOfGates) -> Gates:
    by, key = GateCount.By.ALL, ""
    if asked.recruiter:
        by, key = GateCount.By.RECRUITER, asked.recruiter
    elif asked.location:
        by, key = GateCount.By.LOCATION, asked.location
    rows = _counts(user, asked).filter(by=by.value, key=key)
    sums = {
        gate: (name, Line(gate, gate_in_words(gate), *told))
        for _key, gate, name, *told in _sums(rows.values_list("key", "gate"))
    }
    name, whole = sums.pop(WHOLE, ("", Line(WHOLE, "")))
    # A gate that found nothing has no row of its own.
    for gate in GATES:
        sums.setdefault(gate, ("", Line(gate, gate_in_words(gate))))
    lines = [line for _name, line in sums.values()]
    for line in lines:
        line.judged = whole.judged - line.unknown
        line.leads_on = line.key in GATES
    ranked, few = _in_order(lines)
    return Gates(asked.per, WHOLE, ranked, few, whole, n_few=len(few), whose=name or key)


def _counts(user: User, asked: AskedOfGates) -> GateCountQuerySet:
    found = GateCount.objects.visible_to(user).filter(day__range=(asked.since, asked.until))
    if asked.organization is not None:
        found = found.filter(organization=asked.organization)
    return found.order_by()


def _sums(rows: Any) -> Any:
    # A name with a number where any day tells both, else what there is.
    whole_name = Max("name", filter=Q(name__contains=GateCount.BEFORE_NUMBER))
    return rows.annotate(
        told_name=Coalesce(whole_name, Max("name")),
        judged=Sum("pledges"),
        failing=Sum("failed"),
        not_judged=Sum("unknown"),
        ended=Sum("called"),
        lowered=Sum("downgraded"),
        lost=Sum("dropped"),
    )


def _not_told(per: Per) -> str:
    return _("no recruiter told") if per == Per.RECRUITER else _("no location told")


def _in_order(found: Iterable[Line]) -> tuple[list[Line], list[Line]]:
    by_name = sorted(found, key=lambda line: line.name.casefold())
    enough = [line for line in by_name if not line.failing.is_few]
    few = [line for line in by_name if line.failing.is_few]
    return sorted(enough, key=lambda line: -line.failed / line.judged), few


def _together(found: Iterable[Line]) -> Line:
    total = Line("", "")
    for line in found:
        total.add(line)
    return total
