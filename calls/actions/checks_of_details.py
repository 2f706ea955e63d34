"""Going through the details with the donor: what was said of each, kept as it is chosen."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate

from accounts.models import FormToken, User
from calls.actions.checks import check_open, keep_hold, locked, record
from calls.actions.refusals import NotAllowed, NotOnTheLine, NotSaid, Stranger
from calls.checklist import (
    LAST,
    OF_THE_PLEDGE,
    Checklist,
    as_said,
    read_checklist,
    rules_of,
    with_checks,
)
from calls.models import MASKED, Attempt, Call, Check, Item, Saying
from pledges.actions import take_back_correction
from pledges.flagging import raise_again
from pledges.models import Correction


def check_details(*, user: User, call: Call, answers: Mapping[str, str], at: datetime) -> None:
    """Keep what the donor said of these details, an answer for each.

    'Different' counts once the correction itself is kept, but for amount and start, which the
    pledge's own form changes. Any other answer takes a correction back that nobody has seen yet.
    Raises NotSaid (a masked detail is right only by what the donor says), NotOnTheLine, CallTaken,
    HoldLost, CallEnded, NotOurs.
    """
    with transaction.atomic():
        call, attempt = on_the_line(call, user=user, at=at)
        for item, answer in answers.items():
            if item in MASKED and answer == Check.Answer.CONFIRMED:
                _check_was_said(call, item)
            if answer == Check.Answer.CORRECTED and item not in OF_THE_PLEDGE:
                _wait_for_correction(call, item)
                continue
            if answer != Check.Answer.CORRECTED:
                _take_back(call, item)
            keep_answer(call, item, answer, user=user, attempt=attempt, at=at)


def confirm_rest(*, user: User, call: Call, at: datetime) -> Checklist:
    """The rest is right: what was not gone through yet and may be shown counts as confirmed.

    What the quality gates doubt stays open: that is to be asked by itself. What is masked, and what
    TapRaise does not tell, was not asked. Raises what check_details raises; Stranger.
    """
    with transaction.atomic():
        call, attempt = on_the_line(call, user=user, at=at)
        checklist = _checklist(call, at=at)
        if checklist.is_stranger:
            raise Stranger
        for line in checklist.lines:
            if line.answer or line.question:
                continue
            is_right = line.is_known and not line.is_masked
            answer = Check.Answer.CONFIRMED if is_right else Check.Answer.NOT_ASKED
            keep_answer(call, line.item, answer, user=user, attempt=attempt, at=at)
        return checklist


def say_detail(
    *, user: User, call: Call, item: str, said: str, token: uuid.UUID, at: datetime
) -> bool:
    """What the donor says of a masked detail; returns whether it is right, and tells nothing else.

    Of an account the last four characters, of a date of birth day and month. What was said is not
    kept. Raises Stranger (too many wrong answers, this one's turn did not come), and what
    check_details raises; AlreadySent.
    """
    with transaction.atomic():
        # Without what was said: four characters are guessed from any hash of them.
        content = {"say": str(call.pk), "item": item}
        FormToken.spend(token, user=user, content=content, at=at)
        call, attempt = on_the_line(call, user=user, at=at)
        check_is_donor(call, at=at)
        is_right = _is_right(call, item, said)
        Saying.objects.create(call=call, item=item, is_right=is_right, user=user, at=at)
        if is_right:
            _take_back(call, item)
            keep_answer(call, item, Check.Answer.CONFIRMED, user=user, attempt=attempt, at=at)
        record("detail.said", call, user=user, at=at, item=item, is_right=is_right)
        return is_right


def trust_donor(*, user: User, call: Call, at: datetime) -> None:
    """A supervisor is sure of the donor: wrong answers so far no longer count. Raises NotAllowed,
    CallEnded, NotOurs."""
    if not user.is_supervisor:
        raise NotAllowed
    with transaction.atomic():
        call = locked(call)
        check_open(call, user=user)
        wrong = Saying.objects.filter(call=call, is_right=False, forgiven_at=None)
        forgiven = wrong.update(forgiven_at=at, forgiven_by=user)
        record("donor.trusted", call, user=user, at=at, answers=forgiven)


def on_the_line(call: Call, *, user: User, at: datetime) -> tuple[Call, Attempt | None]:
    """The call with its row locked, and this user's dial that the donor answered; none where the
    donor rang us."""
    call = locked(call)
    check_open(call, user=user)
    hold = keep_hold(call, user=user, at=at)
    attempt = call.our_attempts.filter(user=user, outcome="", answered_at__isnull=False).first()
    if attempt is None and not hold.rang_back:
        raise NotOnTheLine
    return call, attempt


def keep_answer(
    call: Call,
    item: str,
    answer: str,
    *,
    user: User,
    attempt: Attempt | None,
    at: datetime,
    correction: Correction | None = None,
) -> None:
    told: dict[str, Any] = {"answer": answer, "user": user, "at": at, "attempt": attempt}
    if correction is not None or answer != Check.Answer.CORRECTED:
        told["correction"] = correction
    if answer == Check.Answer.CORRECTED:
        _tell_who_doubts(call, item, at=at)
    Check.objects.update_or_create(call=call, item=item, defaults=told)


def _tell_who_doubts(call: Call, item: str, *, at: datetime) -> None:
    """That a detail is different is news once, to a supervisor who saw the recruiter doubted."""
    said_before = Check.objects.filter(call=call, item=item, answer=Check.Answer.CORRECTED)
    if not said_before.exists():
        raise_again(call.person_id, item, at=at)


def check_is_donor(call: Call, *, at: datetime) -> None:
    """Raises Stranger after too many wrong answers."""
    _needed, most_wrong = rules_of(call, at=at)
    if Saying.objects.filter(call=call, is_right=False, forgiven_at=None).count() >= most_wrong:
        raise Stranger


def _checklist(call: Call, *, at: datetime) -> Checklist:
    rows = with_checks(Call.objects.filter(pk=call.pk), today=localdate(at))
    found = rows.select_related("person__quality", "pledge").get()
    return read_checklist(found, is_hidden=False)


def _check_was_said(call: Call, item: str) -> None:
    if not Saying.objects.filter(call=call, item=item, is_right=True).exists():
        raise NotSaid


def _take_back(call: Call, item: str) -> None:
    # The payment day stands on the line of the start.
    of = Correction.Item.PAYMENT_DAY.value if item == Item.START else item
    take_back_correction(call_uuid=call.pk, item=of)


def _wait_for_correction(call: Call, item: str) -> None:
    """What was said before no longer stands; the correction itself says what does."""
    if not Correction.objects.filter(call_uuid=call.pk, item=item).exists():
        Check.objects.filter(call=call, item=item).delete()


def _is_right(call: Call, item: str, said: str) -> bool:
    person, typed = call.person, as_said(item, said)
    if item == Item.ACCOUNT and person.iban:
        return bool(typed == person.iban.replace(" ", "").upper()[-LAST:])
    if item == Item.DATE_OF_BIRTH and person.date_of_birth:
        return typed == f"{person.date_of_birth.day}-{person.date_of_birth.month}"
    return False
