"""Why an action was refused: losing a race, or asking what may not be done, has a name."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Presence, User
from calls.checklist import Missing
from calls.models import Draft, Hold
from calls.results import Agreed, Clash
from pledges.contact import Ground


class NothingToCall(Exception):
    """The queue has nothing for this user now: why, and when it may have."""

    def __init__(self, reason: str, next_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason = reason  # no_uuid, empty, closed, later
        self.next_at = next_at


@dataclass
class OnPause(Exception):
    """This user is on a pause, and takes the next call when it is over."""

    presence: Presence


@dataclass
class AlreadyHolding(Exception):
    """This user has another call in hand; one at a time."""

    hold: Hold


@dataclass
class CallTaken(Exception):
    """Somebody else has this call, its person or one of the numbers in hand."""

    by: User
    since: datetime


class HoldLost(Exception):
    """This call is not in this user's hands (any more)."""


class CallEnded(Exception):
    """The call is over: completed, cancelled or expired, here or at TapRaise."""


class NotOurs(Exception):
    """This call is not ours to make, or another application manages it."""


@dataclass
class NotNow(Exception):
    """This person may not be called at this moment."""

    ground: Ground


@dataclass
class NotThen(Exception):
    """This person may not be called at the moment that was asked for; `ground` is of that moment.

    `is_past`: that moment is over.
    """

    ground: Ground
    is_past: bool = False

    @property
    def is_for_good(self) -> bool:
        """Whether another moment would not do either."""
        return not self.is_past and self.ground.next_at is None


class CallbackOver(Exception):
    """It was made, cancelled or agreed on anew: nobody waits for that moment."""


class TooFarAhead(Exception):
    """A callback is agreed on for the coming weeks."""


class NothingLeftOpen(Exception):
    """No dial of this call was left open: somebody said how it ended."""


class AlreadyDialling(Exception):
    """A dial of this call is on the line."""


@dataclass
class OnTheLine(Exception):
    """The donor is on the line with this person, whose page is open."""

    by: User


class ReasonMissing(Exception):
    """This result wants a reason in the notes."""


@dataclass
class Contradiction(Exception):
    """The result says something else than what was changed about the pledge."""

    code: Clash
    agreed: Agreed


@dataclass
class NotChecked(Exception):
    """The result wants something else of the details than what the donor said: `missing`."""

    missing: Missing


class NotSaid(Exception):
    """This detail is right only by what the donor says of it."""


class NotOnTheLine(Exception):
    """The donor is not on the line with this user, so nobody can have said anything."""


class Stranger(Exception):
    """Too many wrong answers: this may be somebody else."""


@dataclass
class PledgeChanged(Exception):
    """TapRaise tells something else about the pledge than the form showed: `now`, in words."""

    now: str


@dataclass
class NotesChanged(Exception):
    """The notes were changed in another window since they were read there."""

    draft: Draft


class AlreadyRequested(Exception):
    """This person has such a call already: open, or asked for and on its way."""


class NotAllowed(Exception):
    """Only a supervisor may do this."""


class FlagChanged(Exception):
    """Somebody has seen it meanwhile, or something else was found: look at what stands there."""


class TooManyExports(Exception):
    """This person's exports wait to be written already: one after another is soon enough."""


class MomentOver(Exception):
    """The moment until which something was to hold is over already."""
