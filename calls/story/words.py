"""A moment of the story in words: when, who, what, and what went to and fro with it."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from calls.models import Attempt, Call, Callback, Check, Ending, Item, ResultCode, Skip, TakenAway
from calls.story.places import DEEDS, EVENTS, KINDS, Place, Which
from calls.story.rows import Row
from integrations.chips import Chip, chip
from integrations.decisions import wish
from integrations.models import Delivery, WebhookEvent
from pledges import texting
from pledges.models import (
    Correction,
    LeftOut,
    Mandate,
    Medium,
    Objection,
    Pledge,
    Transaction,
    VoiceResult,
    in_euros,
    in_words,
)
from pledges.page import fields_in_words, status_in_words
from pledges.payments import LinkState


class By(StrEnum):
    """Who or what did something."""

    PERSON = "person"
    DONOR = "donor"
    TAPRAISE = "TapRaise"
    ALPHACOMM = "Alphacomm"
    # Nobody: a worker of ours.
    BELBORD = "Belbord"


_BY: Final[Mapping[Place, By]] = {
    Place.PLEDGE_MADE: By.TAPRAISE,
    Place.PLEDGE_RELEASED: By.TAPRAISE,
    Place.CALL_REQUESTED: By.TAPRAISE,
    Place.ATTEMPT_ELSEWHERE: By.TAPRAISE,
    Place.COMPLETED_THERE: By.TAPRAISE,
    Place.CANCELLED_THERE: By.TAPRAISE,
    Place.EXPIRED_THERE: By.TAPRAISE,
    Place.GONE: By.TAPRAISE,
    Place.TRANSACTION: By.TAPRAISE,
    Place.LINK_OPENED: By.DONOR,
    Place.LINK_PAID: By.DONOR,
    Place.MANDATE_GIVEN: By.DONOR,
    Place.RUNG: By.ALPHACOMM,
    Place.REPORTED: By.ALPHACOMM,
    Place.EVENT: By.ALPHACOMM,
    Place.EVENT_OF_MESSAGE: By.ALPHACOMM,
    Place.SENT: By.BELBORD,
}
# Of these the desk shows how far the system outside knows of it.
_WITH_CHIP: Final = frozenset(
    {Place.NEW_CALL, Place.ATTEMPT, Place.CHANGED, Place.COMPLETED, Place.ENDED}
)


@dataclass(frozen=True)
class Entry:
    """One thing that happened, here or at a system outside."""

    at: datetime
    text: str
    which: Which
    by: By
    # The person who did it; or a place, where no name is known.
    who: str = ""
    note: str = ""
    # The call that it happened with, where there is one that the reader may see.
    call: Call | None = None
    delivery: Delivery | None = None
    chip: Chip | None = None

    @property
    def day(self) -> date:
        return localdate(self.at)

    @property
    def source(self) -> str:
        """Who did it, also where it was nobody here."""
        if self.by is By.PERSON:
            return self.who
        return {By.DONOR: _("the donor"), By.BELBORD: _("Belbord itself")}.get(self.by, self.by)


@dataclass(frozen=True)
class Telling:
    """What moments are put into words with."""

    at: datetime
    calls: Mapping[uuid.UUID, Call] = field(default_factory=dict)
    deliveries: Mapping[uuid.UUID, Delivery] = field(default_factory=dict)
    # Who recruits, by uuid.
    recruiters: Mapping[str, str] = field(default_factory=dict)

    def entry(self, row: Row) -> Entry:
        place = Place(row.place)
        text, note = _WORDS[place](row, self)
        delivery = self.deliveries.get(row.delivery) if row.delivery else None
        # What was offered to the donor has its chip where it is looked after.
        return Entry(
            at=row.at,
            text=text,
            which=_which(row, place),
            by=self._by(row, place, delivery),
            who=_who(row, place),
            note=note or "",
            call=self._call(row, place),
            delivery=delivery,
            chip=chip(delivery, at=self.at) if delivery and place in _WITH_CHIP else None,
        )

    def _call(self, row: Row, place: Place) -> Call | None:
        key = row.call
        kind, _colon, subject = (row.d or "").partition(":")
        if place == Place.DEED and kind == "call":
            key = uuid.UUID(subject)
        return self.calls.get(key) if key else None

    def _by(self, row: Row, place: Place, delivery: Delivery | None) -> By:
        if place == Place.CAME_BACK and delivery is not None:
            return By.ALPHACOMM if delivery.system == By.ALPHACOMM else By.TAPRAISE
        if place == Place.DEED and not row.who:
            return By.BELBORD
        return _BY.get(place, By.PERSON)


def _which(row: Row, place: Place) -> Which:
    return DEEDS[row.a or ""].which if place == Place.DEED else KINDS[place]


def _who(row: Row, place: Place) -> str:
    if place == Place.PLEDGE_MADE:
        # Where it was made, because who made it is of the recruiters.
        return row.thing.recruiting_location_label or ""
    return row.who


Words = tuple[str, str | None]


def _new_call(row: Row, telling: Telling) -> Words:
    return _("Call requested"), row.b


def _call_requested(row: Row, telling: Telling) -> Words:
    return _("Call requested"), row.thing.notes


def attempt_text(attempt: Attempt) -> str:
    """The chip beside it is about the attempt: how it ended is known here alone."""
    return _("Attempt: %(outcome)s") % {"outcome": Attempt.Outcome(attempt.outcome).label}


def _completed(row: Row, telling: Telling) -> Words:
    text = _("Completed: %(result)s") % {"result": in_words(ResultCode, row.a)}
    if row.b:
        text = _("%(text)s, rating %(rating)s") % {"text": text, "rating": row.b}
    return text, row.c


def _ended(row: Row, telling: Telling) -> Words:
    # An expiry may be asked for ahead of time.
    is_to_come = row.at > telling.at
    text = _("Expires") if is_to_come else in_words(Ending.Kind, row.a).capitalize()
    return text, row.b


def _completed_there(row: Row, telling: Telling) -> Words:
    code = in_words(ResultCode, row.thing.result_code)
    return _("Completed at TapRaise: %(result)s") % {"result": code}, row.thing.result_notes


def _skipped(row: Row, telling: Telling) -> Words:
    return _("Skipped: %(reason)s") % {"reason": in_words(Skip.Reason, row.a)}, row.b


def _taken_away(row: Row, telling: Telling) -> Words:
    words = {"name": row.b, "reason": in_words(TakenAway.Reason, row.a)}
    return _("Taken out of the hands of %(name)s: %(reason)s") % words, ""


def _checked(row: Row, telling: Telling) -> Words:
    words = {"item": in_words(Item, row.a), "answer": in_words(Check.Answer, row.b)}
    return _("Check of %(item)s: %(answer)s") % words, ""


def _said(row: Row, telling: Telling) -> Words:
    if row.b == "right":
        text = _("The donor said %(item)s: that is right")
    else:
        text = _("The donor said %(item)s: that is not right")
    return text % {"item": in_words(Item, row.a)}, ""


def _corrected(row: Row, telling: Telling) -> Words:
    return _("Different, for the charity: %(item)s") % {
        "item": in_words(Correction.Item, row.a)
    }, ""


def _objected(row: Row, telling: Telling) -> Words:
    words = {
        "what": in_words(Objection.Channel, row.a),
        "reason": in_words(Objection.Reason, row.b),
        "source": in_words(Objection.Source, row.c),
    }
    return _("Objection: wants to %(what)s (%(reason)s, %(source)s)") % words, ""


def _lifted(row: Row, telling: Telling) -> Words:
    words = {"what": in_words(Objection.Channel, row.a)}
    return _("Objection lifted: wants to %(what)s") % words, row.b


def _deed(row: Row, telling: Telling) -> Words:
    deed, facts = DEEDS[row.a or ""], row.facts
    item = facts.get("item")
    due_at = parse_datetime(facts.get("due_at") or "")
    text = str(deed.words) % {
        "item": in_words(Item, item) if item in Item.values else in_words(Correction.Item, item),
        "outcome": in_words(Attempt.Outcome, facts.get("outcome")),
        "whose": in_words(Callback.Whose, facts.get("whose")),
        "moment": date_format(localtime(due_at), "j-n-Y H:i") if due_at else "",
        "to": row.b or str(Callback.Whose.TEAM.label),
        "wish": _wish_of(facts, telling),
    }
    return text, ""


def _wish_of(facts: Mapping[str, Any], telling: Telling) -> str:
    delivery = telling.deliveries.get(_uuid(facts.get("delivery")))  # type: ignore[arg-type]
    return wish(delivery) if delivery else ""


def _uuid(text: str | None) -> uuid.UUID | None:
    return uuid.UUID(text) if text else None


def _pledge_made(row: Row, telling: Telling) -> Words:
    return _("Pledge made"), ""


def _new_pledge(row: Row, telling: Telling) -> Words:
    words = {"amount": in_euros(row.amount), "interval": in_words(Pledge.Interval, row.a)}
    return _("Pledge made: %(amount)s %(interval)s") % words, row.b


def _changed(row: Row, telling: Telling) -> Words:
    wanted, before = json.loads(row.c or "{}"), json.loads(row.d or "{}")
    fields = fields_in_words(before, wanted, telling.recruiters)
    if row.a:
        fields = [status_in_words(before.get("status"), row.a), *fields]
    parts = [
        _("%(field)s from %(before)s to %(after)s")
        % {"field": one.label.lower(), "before": one.before, "after": one.after}
        for one in fields
    ]
    return _("Pledge changed: %(parts)s") % {"parts": ", ".join(parts)}, row.b


def _transaction(row: Row, telling: Telling) -> Words:
    words = {"amount": in_euros(row.amount), "status": in_words(Transaction.Status, row.a)}
    return _("Payment of %(amount)s: %(status)s") % words, ""


def _link(row: Row) -> str:
    return _("PayLink of %(amount)s") % {"amount": in_euros(row.amount)}


def _pay_link(row: Row, telling: Telling) -> Words:
    return _("%(what)s: asked for") % {"what": _link(row)}, ""


def _link_opened(row: Row, telling: Telling) -> Words:
    return f"{_link(row)}: {LinkState.OPENED.label}", ""


def _link_paid(row: Row, telling: Telling) -> Words:
    return f"{_link(row)}: {LinkState.PAID.label}", ""


def _mandate(row: Row, telling: Telling) -> Words:
    return _("e-Mandate: asked for"), ""


def _mandate_given(row: Row, telling: Telling) -> Words:
    return _("e-Mandate: %(what)s") % {"what": Mandate.Status.SUCCESS.label}, ""


def _message(row: Row, telling: Telling) -> Words:
    mark, state, reason, record_status = (row.c or "|||").split("|")
    stands = texting.state_of(
        is_refused=mark == "refused",
        is_withdrawn=reason == texting.OBJECTED,
        is_told=mark == "told",
        is_stopped=mark == "stopped",
        delivery_state=state,
        record_status=record_status,
    )
    came_to = texting.in_words(stands, row.d or "")
    return f"{in_words(Medium, row.a)} '{row.b}': {came_to}", ""


def _reported(row: Row, telling: Telling) -> Words:
    came_to = texting.in_words(texting.MessageState.REPORTED, row.c or "")
    return f"{in_words(Medium, row.a)} '{row.b}': {came_to}", ""


def _rung(row: Row, telling: Telling) -> Words:
    reached = _("success point reached") if row.b == "reached" else _("success point not reached")
    words = {"status": in_words(VoiceResult.Status, row.a), "reached": reached}
    return _("Voice message: %(status)s, %(reached)s") % words, ""


def _left_out(row: Row, telling: Telling) -> Words:
    words = {"name": row.b, "reason": in_words(LeftOut.Reason, row.a)}
    return _("Left out of the batch '%(name)s': %(reason)s") % words, ""


def _event(row: Row, telling: Telling) -> Words:
    known = EVENTS.get(row.a or "")
    text = str(known) if known else _("Told by itself: %(event)s") % {"event": row.a}
    if row.b == WebhookEvent.State.WORKED:
        return text, ""
    return f"{text} ({in_words(WebhookEvent.State, row.b)})", ""


def _sent(row: Row, telling: Telling) -> Words:
    words = {"system": row.thing.system, "wish": wish(row.thing)}
    return _("Sent to %(system)s: %(wish)s") % words, ""


def _came_back(row: Row, telling: Telling) -> Words:
    words = {"wish": wish(row.thing), "chip": chip(row.thing, at=telling.at).text}
    return "%(wish)s: %(chip)s" % words, ""  # noqa: UP031


def _plain(words: Callable[[], str]) -> Callable[[Row, Telling], Words]:
    return lambda _row, _telling: (words(), "")


_WORDS: Final[Mapping[Place, Callable[[Row, Telling], Words]]] = {
    Place.PLEDGE_MADE: _pledge_made,
    Place.PLEDGE_RELEASED: _plain(lambda: _("Pledge released")),
    Place.NEW_PLEDGE: _new_pledge,
    Place.NEW_CALL: _new_call,
    Place.CALL_REQUESTED: _call_requested,
    Place.SKIPPED: _skipped,
    Place.RANG_BACK: _plain(lambda: _("The donor rang back")),
    Place.ATTEMPT: lambda row, _telling: (attempt_text(row.thing), ""),
    Place.ATTEMPT_ELSEWHERE: _plain(lambda: _("Attempt, not made here")),
    Place.CHECKED: _checked,
    Place.SAID: _said,
    Place.CORRECTED: _corrected,
    Place.OBJECTED: _objected,
    Place.LIFTED: _lifted,
    Place.DEED: _deed,
    Place.TAKEN_AWAY: _taken_away,
    Place.PAY_LINK: _pay_link,
    Place.MANDATE: _mandate,
    Place.MESSAGE: _message,
    Place.LEFT_OUT: _left_out,
    Place.CHANGED: _changed,
    Place.COMPLETED: _completed,
    Place.ENDED: _ended,
    Place.COMPLETED_THERE: _completed_there,
    Place.CANCELLED_THERE: _plain(lambda: _("Cancelled at TapRaise")),
    Place.EXPIRED_THERE: _plain(lambda: _("Expired at TapRaise")),
    Place.GONE: _plain(lambda: _("Gone at TapRaise")),
    Place.TRANSACTION: _transaction,
    Place.EVENT: _event,
    Place.EVENT_OF_MESSAGE: _event,
    Place.LINK_OPENED: _link_opened,
    Place.LINK_PAID: _link_paid,
    Place.MANDATE_GIVEN: _mandate_given,
    Place.RUNG: _rung,
    Place.REPORTED: _reported,
    Place.SENT: _sent,
    Place.CAME_BACK: _came_back,
}
