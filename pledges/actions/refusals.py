"""Why an action on a pledge was refused: losing a race, or asking what may not be done, has a
name."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pledges.contact import Ground
from pledges.models import Mandate, Medium, PledgeChange, ResultFile, RowField, in_euros
from pledges.payments import WHY_IN_WORDS, WhyNotOffered
from pledges.terms import WhyNot


class NotAllowed(Exception):
    """Only a supervisor may do this."""


class PeopleChanged(Exception):
    """Somebody changed people since a file with them was looked at: look again first."""


class NotOurs(Exception):
    """This pledge or person is of an organisation for which this user does not work."""


@dataclass
class NotChangeable(Exception):
    """This cannot be changed from here, by anybody; `terms.in_words(why)` says it."""

    why: WhyNot


class NothingChanged(Exception):
    """All of it is as it was: there is nothing to tell TapRaise."""


class ChangeUnderWay(Exception):
    """Something of this pledge is still on its way to TapRaise, or waits for a decision there.

    `change` is what is on its way; None when it was somebody else's, see ChangedMeanwhile.
    """

    def __init__(self, change: PledgeChange | None = None) -> None:
        super().__init__()
        self.change = change


class ChangedMeanwhile(ChangeUnderWay):
    """TapRaise told something else of these fields since the form was shown: look again first."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__()
        self.fields = fields


@dataclass
class ReadBefore(Exception):
    """The same result file was given before; `words` is one sentence for the screen."""

    file: ResultFile
    # What is still to be written of it.
    has_news: bool

    @property
    def words(self) -> str:
        if self.has_news:
            words = _("You gave this file before, at %(moment)s: it is still to be written.")
        else:
            words = _("This file was read in before, at %(moment)s: it tells nothing new since.")
        moment = date_format(
            timezone.localtime(self.file.written_at or self.file.at), "DATETIME_FORMAT"
        )
        return words % {"moment": moment}


class NotOffered(Exception):
    """Settings name no action of TapRaise's that leads to this status."""


# ── PayLinks, messages and e-Mandates ─────────────────────────────────────────────────────────────


class PaymentRefusal(Exception):
    """Why a donor is not offered this; `words` is one sentence for the screen."""

    @property
    def words(self) -> str:
        raise NotImplementedError


@dataclass
class PaymentsNotOffered(PaymentRefusal):
    """It is not offered for this donor, or not by this user."""

    why: WhyNotOffered

    @property
    def words(self) -> str:
        return str(WHY_IN_WORDS[self.why])


@dataclass
class AmountOutOfBounds(PaymentRefusal):
    """Less or more than the organisation's rules allow, or no whole cents. Euros."""

    smallest: Decimal
    largest: Decimal

    @property
    def words(self) -> str:
        bounds = {"smallest": in_euros(self.smallest), "largest": in_euros(self.largest)}
        return _("The amount is between %(smallest)s and %(largest)s, in whole cents.") % bounds


class DescriptionMissing(PaymentRefusal):
    """A donor reads what a PayLink is for."""

    @property
    def words(self) -> str:
        return _("Say what the payment is for: the donor reads it.")


@dataclass
class TooLongVisible(PaymentRefusal):
    """A PayLink can be paid for one day at least, and for so many days at most."""

    most: int

    @property
    def words(self) -> str:
        return _("A PayLink can be paid for 1 to %(most)s days.") % {"most": self.most}


class ScriptNotInUse(PaymentRefusal):
    """This message is of another organisation, or is not sent any more."""

    @property
    def words(self) -> str:
        return _("This message is not in use for this donor's organisation.")


@dataclass
class MayNotText(PaymentRefusal):
    """The donor may not be sent this when it would leave."""

    ground: Ground

    @property
    def words(self) -> str:
        return self.ground.words


@dataclass
class CoolingDown(PaymentRefusal):
    """The same message went to this donor a short while ago."""

    until: datetime

    @property
    def words(self) -> str:
        time = date_format(timezone.localtime(self.until), "TIME_FORMAT")
        return _("This donor got the same message a short while ago: again from %(time)s.") % {
            "time": time
        }


@dataclass
class EnoughForToday(PaymentRefusal):
    """This donor was sent as many messages today as the organisation's rules allow."""

    most: int

    @property
    def words(self) -> str:
        return ngettext(
            "This donor was sent %(most)s message today, and no more a day is allowed.",
            "This donor was sent %(most)s messages today, and no more a day is allowed.",
            self.most,
        ) % {"most": self.most}


@dataclass
class NoAddressToTextTo(PaymentRefusal):
    """What was given is no number, or no address, that this message can be sent to."""

    medium: str
    # It is a number, and no text can be read on it.
    is_landline: bool = False

    @property
    def words(self) -> str:
        if self.is_landline:
            return _("This is not a mobile number: a text cannot be read on it.")
        if self.medium == Medium.EMAIL:
            return _("This is no e-mail address.")
        return _("This is no phone number that a message can be sent to.")


@dataclass
class FieldMissing(PaymentRefusal):
    """The script asks for something that is not known of this donor."""

    field: RowField

    @property
    def words(self) -> str:
        return _("This message cannot be sent without this, which is not known: %(field)s.") % {
            "field": self.field.label
        }


@dataclass
class MandateOpen(PaymentRefusal):
    """The donor has one to give already."""

    mandate: Mandate

    @property
    def words(self) -> str:
        day = date_format(timezone.localtime(self.mandate.at), "SHORT_DATE_FORMAT")
        return _("An e-Mandate of %(day)s waits for this donor already.") % {"day": day}


# ── Batches ───────────────────────────────────────────────────────────────────────────────────────


class BatchRefusal(PaymentRefusal):
    """Why a batch as a whole is not sent."""


class AmountsUnproven(BatchRefusal):
    """Nobody saw yet that the amount of a PayLink arrives as it was meant."""

    @property
    def words(self) -> str:
        return _(
            "Nobody has seen yet that a PayLink of this organisation asks for the right amount. "
            "Send one first, and look at it."
        )


class NobodyToWriteTo(BatchRefusal):
    """None of those who were selected may get it."""

    @property
    def words(self) -> str:
        return _("None of these donors may get this message now.")


@dataclass
class MoreThanShown(BatchRefusal):
    """More donors would get it than the form said."""

    size: int

    @property
    def words(self) -> str:
        return ngettext(
            "By now %(size)s donor would get it, more than stood here. Look again.",
            "By now %(size)s donors would get it, more than stood here. Look again.",
            self.size,
        ) % {"size": self.size}


@dataclass
class TooFewForFile(BatchRefusal):
    """A file is for many."""

    least: int

    @property
    def words(self) -> str:
        words = _("One file is for %(least)s donors and more. Send these in rows.")
        return words % {"least": _grouped(self.least)}


@dataclass
class TooManyAtOnce(BatchRefusal):
    """More were selected than one batch takes."""

    most: int

    @property
    def words(self) -> str:
        words = _("These are more than %(most)s. Choose fewer days, or one type of call.")
        return words % {"most": _grouped(self.most)}


def _grouped(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))
