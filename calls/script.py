"""How a script is written, read and filled in.

    # Greeting                          a block: what is said together
    Good day, this is {agent}.          text, with fields of the donor between braces
    ? Is this a good moment?            what the donor is asked
    - Yes                               an answer, and the block that it opens, if any
    - No: Another time
    # Another time
    When may we call again?

A block that an answer opens stands under that answer alone. It has to stand further down than the
question, so nothing opens itself. What is filled in is text, never markup.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls.models import Call
from pledges.models import Person, Pledge, in_euros, in_words

FIELDS: Final = {
    "aanhef": gettext_lazy("how the donor is spoken to: Ms Van der Berg"),
    "agent": gettext_lazy("the first name of who calls"),
    "charity": gettext_lazy("the charity"),
    "amount": gettext_lazy("the amount: € 12,50"),
    "interval": gettext_lazy("how often: a month"),
    "start": gettext_lazy("the day on which the pledge starts"),
    "recruited": gettext_lazy("the day on which the donor was spoken to"),
    "place": gettext_lazy("where that was"),
    "city": gettext_lazy("where the donor lives"),
}
# What the donor may want to be otherwise while it is read out, by the mirror's column.
AGREED: Final = {
    "amount": "donation_amount",
    "interval": "donation_interval",
    "start": "starts_at",
}
# What scripts are written in.
SCRIPT_LANGUAGE: Final = settings.LANGUAGE_CODE
LONGEST: Final = 20_000

_AMOUNT: Final = Decimal("12.50")
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_ANSWER: Final = re.compile(r"-\s*([^:]+?)\s*(?::\s*(.+?)\s*)?$")


@dataclass(frozen=True)
class Answer:
    """What the donor may say, and what is said then."""

    text: str
    opens: "Block | None" = None


@dataclass(frozen=True)
class Block:
    title: str
    paragraphs: Sequence[str]
    question: str = ""
    answers: Sequence[Answer] = ()


@dataclass
class _Draft:
    """A block while it is read: its answers still name what they open."""

    title: str
    line: int
    paragraphs: list[str]
    question: str
    answers: list[tuple[int, str, str]]


@lru_cache(maxsize=200)
def parse(text: str) -> Sequence[Block]:
    """The blocks that are said in any case, in order. Raises ValidationError, naming the line."""
    drafts = _read(text)
    if not drafts:
        raise ValidationError(_("Begin with a line such as: # Greeting"))
    places = {draft.title.casefold(): n for n, draft in enumerate(drafts)}
    made: dict[int, Block] = {}
    opened: set[int] = set()
    # From the bottom up: what an answer opens stands below it, so it is made already.
    for n in reversed(range(len(drafts))):
        draft = drafts[n]
        answers = []
        for line, said, title in draft.answers:
            place = places.get(title.casefold()) if title else None
            if title and (place is None or place <= n):
                raise _wrong(
                    line, _("there is no block '%(title)s' further down.") % {"title": title}
                )
            if place is not None:
                opened.add(place)
            answers.append(Answer(said, made[place] if place is not None else None))
        made[n] = Block(draft.title, tuple(draft.paragraphs), draft.question, tuple(answers))
    return tuple(made[n] for n in range(len(drafts)) if n not in opened)


def _read(text: str) -> list[_Draft]:
    drafts: list[_Draft] = []
    is_new_paragraph = True
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        _check_fields(number, line)
        if not line:
            is_new_paragraph = True
            continue
        if line.startswith("#"):
            _begin(drafts, number, line.lstrip("#").strip())
            is_new_paragraph = True
        elif not drafts:
            raise _wrong(number, _("a block begins with # and its title."))
        elif line.startswith("?"):
            if drafts[-1].question:
                raise _wrong(number, _("a block asks one question."))
            drafts[-1].question = line[1:].strip()
        elif line.startswith("-"):
            _answer(drafts[-1], number, line)
        elif drafts[-1].question:
            raise _wrong(number, _("text stands before the question of its block."))
        elif is_new_paragraph or not drafts[-1].paragraphs:
            drafts[-1].paragraphs.append(line)
            is_new_paragraph = False
        else:
            drafts[-1].paragraphs[-1] += f" {line}"
    return drafts


def _begin(drafts: list[_Draft], number: int, title: str) -> None:
    if not title:
        raise _wrong(number, _("a block needs a title."))
    if any(title.casefold() == draft.title.casefold() for draft in drafts):
        raise _wrong(number, _("a block of this title stands above."))
    drafts.append(_Draft(title, number, [], "", []))


def _answer(draft: _Draft, number: int, line: str) -> None:
    found = _ANSWER.fullmatch(line)
    if not draft.question or found is None:
        raise _wrong(number, _("an answer stands below a question, as: - Yes, or - No: Title"))
    draft.answers.append((number, found[1], found[2] or ""))


def _check_fields(number: int, line: str) -> None:
    for name in _FIELD.findall(line):
        if name not in FIELDS:
            raise _wrong(number, _("there is no field {%(name)s}.") % {"name": name})
    if set("{}") & set(_FIELD.sub("", line)):
        raise _wrong(number, _("a field is written as {agent}."))


def _wrong(number: int, words: str) -> ValidationError:
    return ValidationError(_("Line %(number)s: %(words)s") % {"number": number, "words": words})


# ── Filled in ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Said:
    """A block as it is said to this donor."""

    title: SafeString
    paragraphs: Sequence[SafeString]
    question: SafeString
    answers: Sequence["SaidAnswer"]


@dataclass(frozen=True)
class SaidAnswer:
    text: SafeString
    opens: Said | None


def filled(text: str, values: Mapping[str, str]) -> Sequence[Said]:
    """The blocks with their fields filled in; nothing where the text is no script."""
    try:
        blocks = parse(text)
    except ValidationError:
        return ()
    return [_said(block, values) for block in blocks]


def values_of(call: Call, *, agent: str, agreed: Mapping[str, Any]) -> dict[str, str]:
    """What the fields stand for in this call, in the language that donors are spoken to in.

    Whatever language the agent reads the pages in: a script is written in one. `agreed` is what the
    donor wants instead of what TapRaise tells, by the mirror's columns: what is read out is that.
    """
    with translation.override(SCRIPT_LANGUAGE):
        return _values(call.person, call.pledge, agent=agent, agreed=agreed)


def unknown() -> str:
    """What stands where TapRaise does not tell a field: for the agent, so in the agent's language,
    and seen to be nothing that is read out."""
    return f"[{_('not known')}]"


def agreed_words(text: str, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each field of this script that may become another while it is read out, and its words."""
    read_out = set(_FIELD.findall(text))
    return [(name, values.get(name) or unknown()) for name in AGREED if name in read_out]


def invented(*, agent: str, charity: str) -> dict[str, str]:
    """The fields of a donor who does not exist, to try a script on."""
    with translation.override(SCRIPT_LANGUAGE):
        return {
            "aanhef": "mevrouw Van der Verzonnen",
            "agent": agent,
            "charity": charity,
            "amount": in_euros(_AMOUNT),
            "interval": str(Pledge.Interval.MONTHLY.label),
            "start": "01-12-2026",
            "recruited": "20-11-2026",
            "place": "Bedachteplein",
            "city": "Nergenshuizen",
        }


def _values(
    person: Person, pledge: Pledge | None, *, agent: str, agreed: Mapping[str, Any]
) -> dict[str, str]:
    values = {
        "aanhef": person.spoken_name,
        "agent": agent,
        "charity": str(person.owning_organization or ""),
        "city": person.city or "",
    }
    if pledge is not None and pledge.fetched_at:
        amount = agreed.get("donation_amount", pledge.donation_amount)
        interval = agreed.get("donation_interval", pledge.donation_interval)
        starts_at = agreed.get("starts_at", pledge.starts_at)
        created_at = pledge.created_at
        values |= {
            "amount": in_euros(amount) if amount else "",
            "interval": in_words(Pledge.Interval, interval),
            "start": date_format(localtime(starts_at), "SHORT_DATE_FORMAT") if starts_at else "",
            "recruited": date_format(localtime(created_at), "SHORT_DATE_FORMAT")
            if created_at
            else "",
            "place": pledge.recruiting_location_label or "",
        }
    return values


def _said(block: Block, values: Mapping[str, str]) -> Said:
    return Said(
        title=_fill(block.title, values),
        paragraphs=[_fill(one, values) for one in block.paragraphs],
        question=_fill(block.question, values),
        answers=[
            SaidAnswer(_fill(one.text, values), _said(one.opens, values) if one.opens else None)
            for one in block.answers
        ],
    )


def _fill(text: str, values: Mapping[str, str]) -> SafeString:
    parts = _FIELD.split(text)
    # Every other part is the name of a field.
    return mark_safe(  # noqa: S308  (each part is escaped by itself)
        "".join(
            format_html(
                '<b data-agreed="{}">{}</b>' if part in AGREED else "<b>{1}</b>",
                part,
                values.get(part) or unknown(),
            )
            if n % 2
            else conditional_escape(part)
            for n, part in enumerate(parts)
        )
    )
