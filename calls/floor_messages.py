"""Messages to the floor as they are read: the one that an agent is shown now, and all of them with
who has seen each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import JSONField, Prefetch, Subquery, Value
from django.db.models.functions import Cast, JSONObject
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.keyset import Page, page_of
from accounts.models import User, spoken_name_of
from calls.models import FloorMessage, Receipt
from pledges.models import Organization

ORDER: Final = ("-at", "-id")
# So few fit on a page with the names of who has seen each.
SIZE: Final = 20
# Names told of those who have not seen it yet.
MOST_NAMES: Final = 12


@dataclass(frozen=True)
class Shown:
    """What an agent is shown: one message at a time."""

    pk: int
    text: str
    is_urgent: bool
    by: str
    at: datetime

    @property
    def key(self) -> str:
        """What a poll says that stands on the page."""
        return str(self.pk)

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> "Shown | None":
        """As `column_for` brings it."""
        if not told:
            return None
        at = datetime.fromisoformat(told["at"])
        return cls(
            pk=told["pk"],
            text=told["text"],
            # SQLite has no truth of its own, and no time zones: what it keeps is UTC.
            is_urgent=bool(told["is_urgent"]),
            by=told["by"],
            at=at if at.tzinfo else at.replace(tzinfo=UTC),
        )


def column_for(user: Any, *, at: Any, is_supervisor: bool) -> Any:
    """The message that this user is shown now, as a column of whatever else is asked: pages ask
    for it every few seconds. None for a supervisor: they have a page of it. User and moment may be
    slots."""
    if is_supervisor:
        return Cast(Value(None), JSONField())
    by = spoken_name_of("user")
    told = JSONObject(pk="pk", text="text", is_urgent="is_urgent", by=by, at="at")
    unseen = FloorMessage.objects.unseen_by(user, at=at).annotate(told=told)
    return Subquery(unseen.values("told")[:1], output_field=JSONField())


def read_shown(user: User, *, at: datetime) -> Shown | None:
    """The message that this user is shown now: one query, and none for a supervisor."""
    if user.is_supervisor:
        return None
    found = User.objects.filter(pk=user.pk).values_list(
        column_for(user, at=at, is_supervisor=False), flat=True
    )
    return Shown.of(found.first())


def is_other(shown: Shown | None, key: str) -> bool:
    """Whether another message is to be shown than the one that stands on a page by this key."""
    return key != (shown.key if shown else "")


@dataclass(frozen=True)
class Line:
    """One message with who has seen it, as far as the reader knows those people."""

    message: FloorMessage
    is_running: bool
    organizations: Sequence[Organization]
    seen: Sequence[Receipt]
    # Names, and how many more there are.
    unseen: Sequence[str]
    more: int
    can_be_withdrawn: bool

    @property
    def unseen_in_words(self) -> str:
        names = list(self.unseen)
        if self.more:
            names.append(ngettext("%(n)s more", "%(n)s more", self.more) % {"n": self.more})
        return get_text_list(names, _("and"))


def read_messages(
    user: User, *, asked: Mapping[str, Any], at: datetime
) -> "tuple[Page[FloorMessage], list[Line]]":
    """A page of the messages to this supervisor's people, the newest first: five queries,
    however many messages and people there are."""
    receipts = Receipt.objects.select_related("user").order_by("at", "pk")
    rows = (
        FloorMessage.objects.visible_to(user)
        .select_related("user", "withdrawn_by")
        .prefetch_related("organizations", Prefetch("receipts", queryset=receipts))
    )
    page = page_of(rows, order=ORDER, asked=asked, size=SIZE)
    agents = User.objects.filter(is_active=True, role=User.Role.AGENT)
    members = Prefetch("members", queryset=agents.order_by("first_name", "username"))
    mine = {one.pk: one for one in user.organizations.prefetch_related(members)}
    return page, [_line(one, mine, user=user, at=at) for one in page.rows]


def _line(
    message: FloorMessage,
    mine: Mapping[Any, Organization],
    *,
    user: User,
    at: datetime,
) -> Line:
    addressed = list(message.organizations.all())
    known = [mine[one.pk] for one in addressed if one.pk in mine]
    people = {agent.pk: agent.spoken_name for one in known for agent in one.members.all()}
    seen = [one for one in message.receipts.all() if one.user_id in people]
    have = {one.user_id for one in seen}
    unseen = [name for pk, name in people.items() if pk not in have]
    is_running = message.is_running(at=at)
    may = message.user_id == user.pk or len(known) == len(addressed)
    return Line(
        message=message,
        is_running=is_running,
        organizations=known,
        seen=seen,
        unseen=unseen[:MOST_NAMES],
        more=max(len(unseen) - MOST_NAMES, 0),
        can_be_withdrawn=is_running and may,
    )
