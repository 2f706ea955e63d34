"""What a supervisor has to look into, the most urgent first: each line leads to where it is solved,
and goes when it is solved."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models
from django.db.models import Min, OuterRef, Q, Subquery
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from calls import deliveries, queue
from calls.insight.people import left_dials, left_talks
from calls.insight.tallies import Tally, branch
from calls.models import Attempt, Call, Callback, Hold
from integrations.models import Quarantine, WebhookEvent
from pledges.follow_up import ALARM_FOR
from pledges.models import AlphacommLink, ObjectedPerson, PayLink, RecruiterFlag

# A link that runs out this soon and is not paid yet.
RUNS_OUT: Final = timedelta(days=2)


class Kind(models.TextChoices):
    """Why something needs attention, the most urgent first."""

    DECIDE = "decide", _("Decision needed")
    REFUSED = "refused", _("Refused there")
    ORPHANS = "orphans", _("Paid by another address")
    OVERDUE = "overdue", _("Callback too late")
    UNKEEPABLE = "unkeepable", _("Callback cannot be made")
    UNFINISHED = "unfinished", _("Not finished")
    STUCK = "stuck", _("Put down without a word")
    RECRUITERS = "recruiters", _("Recruiter doubted")
    QUARANTINE = "quarantine", _("Records not believed")
    EVENTS = "events", _("Events given up")
    STOPPED = "stopped", _("To cancel at TapRaise")
    UNPAID = "unpaid", _("PayLinks running out")


# By the value, as a question answers it.
_RANKS: Final = {kind.value: rank for rank, kind in enumerate(Kind)}

TONES: Final = {
    Kind.DECIDE: "stop",
    Kind.REFUSED: "stop",
    Kind.ORPHANS: "stop",
    Kind.OVERDUE: "doubt",
    Kind.UNKEEPABLE: "doubt",
    Kind.UNFINISHED: "doubt",
    Kind.STUCK: "doubt",
    Kind.RECRUITERS: "doubt",
    Kind.QUARANTINE: "doubt",
    Kind.EVENTS: "doubt",
    Kind.STOPPED: "",
    Kind.UNPAID: "",
}
WORDS: Final = {
    Kind.DECIDE: ngettext_lazy(
        "%(n)s message waits for somebody to decide",
        "%(n)s messages wait for somebody to decide",
        "n",
    ),
    Kind.REFUSED: ngettext_lazy(
        "%(n)s message was refused and counts no longer",
        "%(n)s messages were refused and count no longer",
        "n",
    ),
    Kind.ORPHANS: ngettext_lazy(
        "%(n)s payment came by an address that nobody shows",
        "%(n)s payments came by an address that nobody shows",
        "n",
    ),
    Kind.OVERDUE: ngettext_lazy(
        "%(n)s donor was promised a call that nobody made",
        "%(n)s donors were promised a call that nobody made",
        "n",
    ),
    Kind.UNKEEPABLE: ngettext_lazy(
        "%(n)s donor was promised a call that can no longer be made",
        "%(n)s donors were promised a call that can no longer be made",
        "n",
    ),
    Kind.UNFINISHED: ngettext_lazy(
        "of %(n)s conversation nobody said what came of it",
        "of %(n)s conversations nobody said what came of them",
        "n",
    ),
    Kind.STUCK: ngettext_lazy(
        "%(n)s donor is still in the hands of somebody who went away",
        "%(n)s donors are still in the hands of somebody who went away",
        "n",
    ),
    Kind.RECRUITERS: ngettext_lazy(
        "%(n)s donor has an account, address or number that is the recruiter's",
        "%(n)s donors have an account, address or number that is the recruiter's",
        "n",
    ),
    Kind.QUARANTINE: ngettext_lazy(
        "%(n)s record of TapRaise's could not be read",
        "%(n)s records of TapRaise's could not be read",
        "n",
    ),
    Kind.EVENTS: ngettext_lazy(
        "%(n)s event of Alphacomm's could not be worked off",
        "%(n)s events of Alphacomm's could not be worked off",
        "n",
    ),
    Kind.STOPPED: ngettext_lazy(
        "%(n)s call is stopped here and still open there",
        "%(n)s calls are stopped here and still open there",
        "n",
    ),
    Kind.UNPAID: ngettext_lazy(
        "%(n)s PayLink runs out within two days",
        "%(n)s PayLinks run out within two days",
        "n",
    ),
}


@dataclass(frozen=True)
class Line:
    """So many things of one kind that somebody has to look into."""

    kind: Kind
    n: int
    # Since when the oldest of them lies; of a PayLink, when the first one runs out.
    oldest: datetime | None

    @property
    def title(self) -> str:
        return str(self.kind.label)

    @property
    def words(self) -> str:
        return str(WORDS[self.kind] % {"n": self.n})

    @property
    def tone(self) -> str:
        return TONES[self.kind]

    @property
    def address(self) -> str:
        match self.kind:
            case Kind.DECIDE:
                return reverse("decisions")
            case Kind.REFUSED:
                return reverse("decisions") + "?which=refused"
            case Kind.ORPHANS:
                return reverse("pay_links") + "?state=orphans"
            case Kind.UNPAID:
                return reverse("pay_links")
            case Kind.STOPPED:
                return reverse("objections")
            case Kind.EVENTS:
                return reverse("webhooks") + "?state=failed"
            case Kind.QUARANTINE:
                return reverse("admin:integrations_quarantine_changelist")
            case Kind.OVERDUE:
                return reverse("callbacks")
            case Kind.UNKEEPABLE:
                return reverse("callbacks") + "?which=unkeepable"
            case Kind.RECRUITERS:
                return reverse("recruiters")
            case Kind.STUCK:
                return reverse("floor") + "#agents"
        return reverse("start") + "#unfinished-title"


def branches(user: Any, *, sees_all: bool, at: Any, today: Any) -> list[Any]:
    """What this supervisor may see and has to look into, counted."""
    calls = Call.objects.visible_to(user)
    orphans = AlphacommLink.objects.orphans_paid().filter(
        orphan_told_at__gt=at - ALARM_FOR,
        pay_link__in=PayLink.objects.visible_to(user).values("pk"),
    )
    promised = Callback.objects.open().filter(call__in=calls.values("pk"))
    unkeepable = queue.unkeepable(promised, today=today)
    overdue = promised.overdue(at=at).exclude(pk__in=unkeepable.values("pk"))
    on_the_line = Q(user__attempts__outcome=Attempt.Outcome.OPEN)
    stuck = Hold.objects.filter(
        lease_until__lte=at, wrapping_up_at=None, call__in=calls.values("pk")
    ).exclude(on_the_line | Q(why__code=Hold.RANG_BACK))
    unpaid = (
        PayLink.objects.visible_to(user)
        .living()
        .unpaid()
        .filter(visible_until__gt=at, visible_until__lte=at + RUNS_OUT)
    )
    # A call that came in after the objection was stopped from its first moment on.
    objections = ObjectedPerson.objects.not_to_be_called().filter(person=OuterRef("person"))
    first = objections.order_by("objection__at").values("objection__at")[:1]
    stopped = queue.stopped(user).annotate(stopped_at=Greatest("requested_at", Subquery(first)))
    return [
        branch(
            deliveries.undecided(user, sees_all=sees_all), Kind.DECIDE, oldest=Min("created_at")
        ),
        branch(
            deliveries.refused(user, sees_all=sees_all, at=at),
            Kind.REFUSED,
            oldest=Min("closed_at"),
        ),
        branch(orphans, Kind.ORPHANS, oldest=Min("orphan_told_at")),
        branch(overdue, Kind.OVERDUE, oldest=Min("due_at")),
        branch(unkeepable, Kind.UNKEEPABLE, oldest=Min("made_at")),
        branch(left_dials(user, at=at), Kind.UNFINISHED, oldest=Min("at")),
        branch(left_talks(user, at=at), Kind.UNFINISHED, oldest=Min("taken_at")),
        branch(stuck, Kind.STUCK, oldest=Min("taken_at")),
        branch(
            RecruiterFlag.objects.visible_to(user).unseen(),
            Kind.RECRUITERS,
            oldest=Min("raised_at"),
        ),
        branch(
            Quarantine.objects.filter(solved_at=None), Kind.QUARANTINE, oldest=Min("first_seen_at")
        ),
        branch(
            WebhookEvent.objects.filter(state=WebhookEvent.State.FAILED),
            Kind.EVENTS,
            oldest=Min("received_at"),
        ),
        branch(stopped, Kind.STOPPED, oldest=Min("stopped_at")),
        branch(unpaid, Kind.UNPAID, oldest=Min("visible_until")),
    ]


def lines(tallies: Iterable[Tally]) -> list[Line]:
    """What needs attention, the most urgent kind first."""
    found: dict[Kind, Line] = {}
    for tally in tallies:
        if tally.kind not in _RANKS:
            continue
        kind = Kind(tally.kind)
        before = found.get(kind)
        moments = [one for one in (tally.oldest, before and before.oldest) if one]
        found[kind] = Line(kind, tally.n + (before.n if before else 0), min(moments, default=None))
    return sorted(found.values(), key=lambda line: _RANKS[line.kind.value])
