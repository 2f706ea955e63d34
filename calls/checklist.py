"""The details that an agent goes through with the donor: what may be shown of each, what was said
of it, and whether a result fits that.

What is masked is never among it: date of birth and account are asked for, not told.
"""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from calls.models import MASKED, Call, Check, CheckRules, Item, ResultCode, Saying, Script
from pledges.corrections import in_words as correction_in_words
from pledges.models import Correction, Pledge, in_euros
from pledges.phone import as_spoken
from pledges.quality import questions

# Without rules of the organisation's own.
USUALLY_NEEDED: Final = (Item.NAME.value, Item.AMOUNT.value)
WRONG_ANSWERS: Final = 3
# How many digits and letters of an account the donor is asked for.
LAST: Final = 4
# What the pledge's own form changes, at TapRaise itself.
OF_THE_PLEDGE: Final = (Item.AMOUNT.value, Item.START.value)
# These say that the donor stands by the pledge, so it has to be the donor.
SAYS_PLEDGED: Final = (ResultCode.CONFIRMED, ResultCode.DOWNGRADED, ResultCode.CONVERTED)


@dataclass(frozen=True)
class Line:
    """One detail: what may be shown of it, and what the donor said."""

    item: str
    label: str
    value: str
    is_masked: bool = False
    # Whether TapRaise tells anything at all, masked or not.
    is_known: bool = True
    is_needed: bool = False
    # What the quality gates want asked; empty: nothing.
    question: str = ""
    check: Check | None = None
    is_hidden: bool = False

    @property
    def answer(self) -> str:
        return self.check.answer if self.check else ""

    @property
    def correction(self) -> str:
        """What the donor says it is instead, where that is for the charity to put right."""
        if self.check is None or self.check.correction is None or self.is_hidden:
            return ""
        return correction_in_words(self.check.correction, is_masked=True)

    @property
    def can_be_right(self) -> bool:
        """Whether it can be said to be right without hearing it from the donor first."""
        if self.is_masked:
            return self.answer == Check.Answer.CONFIRMED
        return self.is_known and not self.is_hidden


@dataclass(frozen=True)
class Checklist:
    lines: Sequence[Line]
    # Too many wrong answers: this may be somebody else.
    is_stranger: bool = False
    # So nothing is shown to whoever looks on now.
    is_hidden: bool = False
    wrong_answers: int = 0
    most_wrong: int = WRONG_ANSWERS
    token: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def answered(self) -> int:
        return sum(bool(line.answer) for line in self.lines)

    @property
    def asked_first(self) -> Sequence[Line]:
        """What is in doubt stands on top, the rest in the order of a conversation."""
        return sorted(self.lines, key=lambda line: not line.question)

    @property
    def corrected(self) -> Sequence[str]:
        """The names of the details that go to the charity."""
        made = (line.check.correction for line in self.lines if line.check)
        return [str(Correction.Item(one.item).label) for one in made if one]


def as_said(item: str, said: str) -> str | None:
    """What a donor says of a masked detail, however it was typed: day and month as 31-12, of an
    account the last four characters. None: it cannot be such a detail at all."""
    if item == Item.ACCOUNT:
        typed = "".join(said.split()).upper()
        return typed if re.fullmatch(rf"[A-Z0-9]{{{LAST}}}", typed) else None
    found = re.fullmatch(r"([0-9]{1,2})[-/. ]+([0-9]{1,2})[-/. ]*", said.strip())
    if item != Item.DATE_OF_BIRTH or found is None:
        return None
    try:
        # A leap year: who is born on 29 February may say so.
        day = date(2000, int(found[2]), int(found[1]))
    except ValueError:
        return None
    return f"{day.day}-{day.month}"


def wrong_answers() -> "QuerySet[Saying]":
    """Those that count: no supervisor was sure of the donor all the same."""
    return Saying.objects.filter(is_right=False, forgiven_at=None)


def with_checks(calls: QuerySet[Call], *, today: Any) -> QuerySet[Call]:
    """Calls that know whether anything was checked, how often what was said was wrong, and what
    the organisation wants said and checked: what `read_checklist` wants."""
    wrong = (
        wrong_answers()
        .filter(call=OuterRef("pk"))
        .order_by()
        .values("call")
        .annotate(n=Count("pk"))
        .values("n")
    )
    rules = _in_force(
        Q(organization=OuterRef("person__owning_organization")),
        Q(call_type="") | Q(call_type=OuterRef("type")),
        today=today,
    )
    script = scripts_in_force(
        Q(call_type="") | Q(call_type=OuterRef("type")),
        organization=OuterRef("person__owning_organization"),
    )
    found: dict[str, Any] = {
        "has_checks": Exists(Check.objects.filter(call=OuterRef("pk"))),
        "wrong_answers": Coalesce(Subquery(wrong, output_field=IntegerField()), 0),
        # What is said stands beside what is checked.
        "script_text": Subquery(script.values("text")[:1]),
        "needed_checks": Subquery(rules.values("needed")[:1]),
        "most_wrong_answers": Subquery(rules.values("wrong_answers")[:1]),
    }
    return calls.annotate(**found)


def scripts_in_force(*conditions: Q, **also: Any) -> QuerySet[Script]:
    """What is read comes first: that of the type of call before that of every type, then what was
    put in force last."""
    put = Script.objects.filter(*conditions, in_force_at__isnull=False, **also)
    return put.order_by("-call_type", "-in_force_at", "-pk")


def _in_force(*conditions: Q, today: Any) -> QuerySet[CheckRules]:
    """Those of the type of call before those of every type, then the newest."""
    rules = CheckRules.objects.filter(*conditions, from_date__lte=today)
    return rules.order_by("-call_type", "-from_date")


def rules_of(call: Call, *, at: datetime) -> tuple[Collection[str], int]:
    """What must be right before this call is confirmed, and how many answers may be wrong."""
    theirs = CheckRules.objects.filter(organization=call.person.owning_organization_id)
    return asked_by(check_rules_on(theirs, call.type, localdate(at)), call.type)


def check_rules_on(
    rules: Iterable[CheckRules], call_type: str | None, day: date
) -> CheckRules | None:
    """Of the rules of one organisation, those that are in force on a day: as `_in_force`, of rows
    that were read, or that are only proposed."""
    kinds = (call_type or "", "")
    found = [one for one in rules if one.from_date <= day and one.call_type in kinds]
    return max(found, key=lambda one: (one.call_type, one.from_date), default=None)


def asked_by(rules: CheckRules | None, call_type: str | None) -> tuple[Collection[str], int]:
    """What these rules ask of a call of this type, or what is usual without any."""
    if rules is None:
        return _or_usual(call_type, None, None)
    return _or_usual(call_type, rules.needed, rules.wrong_answers)


def _or_usual(
    call_type: str | None, needed: Collection[str] | None, most_wrong: int | None
) -> tuple[Collection[str], int]:
    if most_wrong is None:
        is_verification = call_type == Call.Type.VERIFICATION
        return USUALLY_NEEDED if is_verification else (), WRONG_ANSWERS
    return needed or (), most_wrong


def is_stranger(call: Call) -> bool:
    """Whether too many answers were wrong, of a call that comes `with_checks`."""
    _needed, most_wrong = _or_usual(call.type, call.needed_checks, call.most_wrong_answers)
    return call.wrong_answers >= most_wrong


def read_checklist(call: Call, *, is_hidden: bool) -> Checklist:
    """Of a call that comes `with_checks`, with its person, organisation and pledge. `is_hidden`:
    see `strangers`."""
    checks: dict[str, Check] = {}
    if call.has_checks:
        checks = {one.item: one for one in call.checks.select_related("user", "correction")}
    needed, most_wrong = _or_usual(call.type, call.needed_checks, call.most_wrong_answers)
    asked = questions(call.person)
    lines = [
        Line(
            item=item,
            label=str(Item(item).label),
            value="" if is_hidden else value or "",
            is_masked=item in MASKED and value is not None,
            is_known=value is not None,
            is_needed=item in needed,
            # What is in doubt tells what we have.
            question="" if is_hidden else asked.get(item, ""),
            check=checks.get(item),
            is_hidden=is_hidden,
        )
        for item, value in _values(call).items()
    ]
    return Checklist(
        lines=lines,
        is_stranger=is_stranger(call),
        is_hidden=is_hidden,
        wrong_answers=call.wrong_answers,
        most_wrong=most_wrong,
    )


def _values(call: Call) -> dict[str, str | None]:
    """What may be shown of each detail; None where TapRaise tells none."""
    person, pledge = call.person, call.pledge
    born = person.date_of_birth
    values = {
        Item.NAME.value: person.form_of_address if person.full_name else None,
        Item.DATE_OF_BIRTH.value: f"•• - •• - {born.year}" if born else None,
        Item.ADDRESS.value: ", ".join(person.address_lines) or None,
        Item.PHONE.value: ", ".join(map(as_spoken, person.phone_keys))
        or person.mobile_phone_number
        or person.phone_number,
        Item.EMAIL.value: person.email or None,
    }
    if pledge is not None and pledge.fetched_at:
        values[Item.AMOUNT] = _amount(pledge)
        starts_at = pledge.starts_at
        values[Item.START] = (
            date_format(localtime(starts_at), "SHORT_DATE_FORMAT") if starts_at else None
        )
    values[Item.ACCOUNT] = "•••• •••• ••••" if person.has_account_number else None
    return values


def _amount(pledge: Pledge) -> str | None:
    if pledge.donation_amount is None:
        return None
    return f"{in_euros(pledge.donation_amount)} {pledge.interval_words}"


# ── Whether a result fits ─────────────────────────────────────────────────────────────────────────


class Gap(StrEnum):
    """Why a result does not fit what the donor said of the details."""

    STRANGER = "stranger"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Checked:
    """What decides whether a result fits: the answers, and what the organisation wants."""

    answers: Mapping[str, str]
    needed: Collection[str]
    is_stranger: bool = False

    def gap(self, result_code: str, *, changes: Collection[str] = ()) -> "Missing | None":
        """What is missing for this result, if anything. `changes`: columns of the pledge that the
        same form changes, which shows that they were spoken about."""
        if self.is_stranger and result_code in SAYS_PLEDGED:
            return Missing(Gap.STRANGER, (), result_code)
        if result_code != ResultCode.CONFIRMED:
            return None
        answers = dict(self.answers) | dict.fromkeys(_spoken_of(changes), "corrected")
        # Without an account nothing can be collected, whatever else is right.
        wanted = [one for one in Item.values if one in {*self.needed, Item.ACCOUNT}]
        refused = [one for one in wanted if answers.get(one) == Check.Answer.REFUSED]
        if refused:
            return Missing(Gap.REFUSED, tuple(refused), result_code)
        settled = (Check.Answer.CONFIRMED, Check.Answer.CORRECTED)
        missing = [one for one in wanted if one in self.needed and answers.get(one) not in settled]
        return Missing(Gap.NOT_ASKED, tuple(missing), result_code) if missing else None


@dataclass(frozen=True)
class Missing:
    """In what a result does not fit the details."""

    why: Gap
    items: Sequence[str]
    result_code: str

    @property
    def words(self) -> str:
        """One sentence that says what does not fit, and what to do."""
        return str(GAPS[self.why]) % {
            "result": ResultCode(self.result_code).label,
            "details": ", ".join(str(Item(one).label) for one in self.items),
            "dropped": ResultCode.DROPPED.label,
            "other": ResultCode.OTHER.label,
        }


GAPS: Final = {
    Gap.STRANGER: gettext_lazy(
        "'%(result)s' is not possible: it is not sure that this is the donor. Choose '%(other)s', "
        "or ask a supervisor."
    ),
    Gap.REFUSED: gettext_lazy(
        "'%(result)s' is not possible: the donor refuses this: %(details)s. Choose '%(dropped)s' "
        "or '%(other)s'."
    ),
    Gap.NOT_ASKED: gettext_lazy(
        "'%(result)s' is not possible yet. Ask the donor first: %(details)s."
    ),
}


def read_checked(call: Call, *, at: datetime) -> Checked:
    """What the rows say at this moment, for a call that is about to be completed."""
    needed, most_wrong = rules_of(call, at=at)
    wrong = Saying.objects.filter(call=call, is_right=False, forgiven_at=None).count()
    has_pledge = call.pledge is not None and call.pledge.fetched_at is not None
    return Checked(
        answers=dict(Check.objects.filter(call=call).values_list("item", "answer")),
        needed=[one for one in needed if has_pledge or one not in OF_THE_PLEDGE],
        is_stranger=wrong >= most_wrong,
    )


def checked_of(checklist: Checklist) -> Checked:
    """The same, of what was read for the page."""
    return Checked(
        answers={line.item: line.answer for line in checklist.lines},
        needed=[line.item for line in checklist.lines if line.is_needed],
        is_stranger=checklist.is_stranger,
    )


def _spoken_of(changes: Collection[str]) -> list[str]:
    found = []
    if not {"donation_amount", "donation_interval"}.isdisjoint(changes):
        found.append(Item.AMOUNT.value)
    if "starts_at" in changes:
        found.append(Item.START.value)
    return found


def corrected_names(call: Call) -> list[str]:
    """The names of the details that were corrected in this call."""
    rows = Correction.objects.filter(call_uuid=call.pk).order_by("at", "pk")
    return [str(Correction.Item(item).label) for item in rows.values_list("item", flat=True)]


def with_corrections(notes: str, call: Call) -> str:
    """The notes with one line more, which tells TapRaise that something was corrected and for whom
    it is kept: in Dutch, as the charity reads it, and without the corrections themselves."""
    with override(settings.LANGUAGE_CODE):
        names = ", ".join(corrected_names(call))
        begins = _("Corrected, kept for %(charity)s:") % {
            "charity": call.person.owning_organization
        }
    # Undone and saved once more, an earlier line is there already.
    kept = [line for line in notes.splitlines() if not line.startswith(begins)]
    if names:
        kept.append(f"{begins} {names}.")
    return "\n".join(kept).strip()
