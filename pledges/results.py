"""Result files of Alphacomm's, read: which message became what, and when.

Their format is in a document that is not ours to see, so nothing is presumed: a first line names
the columns, and whoever reads a file in says how the three that count are called. What a status
means is not known either: it is kept and shown in the file's own word.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from pledges.models import TextMessage
from pledges.models.messaging import TextMessageQuerySet
from pledges.payments import AMSTERDAM

MOST_BYTES: Final = 5 * 1024 * 1024
MOST_LINES: Final = 50_000
LONGEST_REFERENCE: Final = 35
LONGEST_STATUS: Final = 60
# How many references one question is about.
AT_ONCE: Final = 5_000

_DELIMITERS: Final = ";,\t|"
_TIMES: Final = ("%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M")
_DAYS: Final = ("%d-%m-%Y", "%d/%m/%Y", "%Y%m%d")


class UnreadableFile(Exception):
    """Nothing can be made of this file; `words` says why in one sentence."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Columns:
    """How the columns that count may be called: the first name that is there counts."""

    reference: Sequence[str] = ("reference", "identification_identifier")
    status: Sequence[str] = ("status", "result")
    # It may be missing: then it is not known when.
    time: Sequence[str] = ("datetime", "time", "date")


@dataclass(frozen=True)
class Line:
    """What became of one message."""

    reference: str
    status: str
    # Aware, in UTC.
    at: datetime | None

    def as_json(self) -> list[str | None]:
        return [self.reference, self.status, self.at.isoformat() if self.at else None]

    @classmethod
    def from_json(cls, kept: Sequence[str | None]) -> "Line":
        reference, status, at = kept
        return cls(str(reference), str(status), datetime.fromisoformat(at) if at else None)


@dataclass(frozen=True)
class Read:
    """What was read of a file: one line a reference, the latest; and how many were none."""

    lines: tuple[Line, ...]
    unreadable: int


def read(contents: bytes, columns: Columns) -> Read:
    """Read a file. Raises UnreadableFile.

    UTF-8 or Latin-1; comma, semicolon, tab or bar. A time without a zone is Dutch time.
    """
    text = _text(contents)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise UnreadableFile(_("There is nothing in this file."))
    delimiter = max(_DELIMITERS, key=first.count)
    # Typed and never raised by ours: a field that is too long, a quote that never ends.
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(row)]
    except csv.Error:
        raise UnreadableFile(
            _("This is no CSV file: a field in it does not end. Export it again.")
        ) from None
    if len(rows) - 1 > MOST_LINES:
        raise UnreadableFile(
            _("This file has more than %(most)s lines. Split it.")
            % {"most": number_format(MOST_LINES, use_l10n=True, force_grouping=True)}
        )
    places = _places(rows[0], columns)
    latest: dict[str, Line] = {}
    unreadable = 0
    for row in rows[1:]:
        line = _line(row, *places)
        if line is None:
            unreadable += 1
        elif _is_later(line, latest.get(line.reference)):
            latest[line.reference] = line
    if not latest:
        raise UnreadableFile(_("No line of this file has a reference and a status."))
    return Read(tuple(latest.values()), unreadable)


def _text(contents: bytes) -> str:
    if len(contents) > MOST_BYTES:
        most = MOST_BYTES // 1024 // 1024
        raise UnreadableFile(_("This file is larger than %(most)s MB. Split it.") % {"most": most})
    if b"\0" in contents:
        raise UnreadableFile(_("This is no text. Save it as CSV, and send that."))
    try:
        return contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        return contents.decode("latin-1")


def _places(head: Sequence[str], columns: Columns) -> tuple[int, int, int | None]:
    """Where the reference, the status and, if it is there, the time stand in a row."""
    named = [_bare(name) for name in head]
    reference = _place(named, columns.reference)
    status = _place(named, columns.status)
    missing = next(
        (
            names
            for place, names in ((reference, columns.reference), (status, columns.status))
            if place is None
        ),
        None,
    )
    if reference is None or status is None:
        assert missing is not None  # noqa: S101  (one of the two is)
        words = _("The first line of this file names no column %(names)s.")
        raise UnreadableFile(words % {"names": _(" or ").join(missing)})
    return reference, status, _place(named, columns.time)


def _place(named: Sequence[str], wanted: Iterable[str]) -> int | None:
    return next((named.index(_bare(name)) for name in wanted if _bare(name) in named), None)


def _bare(name: str) -> str:
    """A name as it is compared: without capitals and signs."""
    return re.sub(r"[\W_]", "", name.casefold())


def _line(row: Sequence[str], reference: int, status: int, time: int | None) -> Line | None:
    def cell(place: int) -> str:
        return row[place].strip() if place < len(row) else ""

    found = cell(reference), cell(status)
    if not all(found) or len(found[0]) > LONGEST_REFERENCE:
        return None
    at = _moment(cell(time)) if time is not None else None
    return Line(found[0], found[1][:LONGEST_STATUS], at)


def _moment(text: str) -> datetime | None:
    """A time as files write it; None when it is none, or of another age."""
    moment = _parsed(text)
    if moment is None or not 2000 <= moment.year < 2100:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=AMSTERDAM)
    return moment.astimezone(UTC)


def _parsed(text: str) -> datetime | None:
    # A date as 20261103 is for the last of them, whatever else ISO 8601 allows.
    if not re.fullmatch(r"\d{8}", text, re.ASCII):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    for form in (*_TIMES, *_DAYS):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  (it gets its zone next)
        except ValueError:
            continue
    return None


def _is_later(line: Line, other: Line | None) -> bool:
    """Whether a line tells more than what was read of the same reference; later in the file
    wins."""
    if other is None or other.at is None:
        return True
    return line.at is not None and line.at >= other.at


# ── What a file says of our messages ──────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Told:
    """A message of ours and the line about it."""

    message: Any
    reference: str
    line: Line
    # What is known of it already: that line or a later one.
    is_known: bool


@dataclass(frozen=True)
class Matched:
    """What a file says of our messages, and what it says of others."""

    told: tuple[Told, ...]
    unknown: tuple[Line, ...]

    @property
    def news(self) -> list[Told]:
        return [one for one in self.told if not one.is_known]


def match(lines: Iterable[Line], messages: TextMessageQuerySet) -> Matched:
    """Hold lines against messages, by reference: a question for every few thousand of them."""
    by_reference = {line.reference: line for line in lines}
    told: dict[str, Told] = {}
    for references in _some(list(by_reference)):
        rows = messages.filter(reference__in=references)
        for pk, reference, evidence, at in rows.values_list(
            "pk", "reference", "evidence", "evidence_at"
        ):
            line = by_reference[reference]
            told[reference] = Told(pk, reference, line, _is_known(line, evidence, at))
    return Matched(
        told=tuple(told[reference] for reference in by_reference if reference in told),
        unknown=tuple(line for line in by_reference.values() if line.reference not in told),
    )


def evidence(line: Line) -> dict[str, str]:
    """What a message keeps of a line."""
    return {"status": line.status}


def _is_known(line: Line, known: dict[str, str] | None, known_at: datetime | None) -> bool:
    if known is None:
        return False
    if known_at is not None and (line.at is None or line.at < known_at):
        return True
    return known == evidence(line) and known_at == line.at


def _some(references: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(references), AT_ONCE):
        yield references[start : start + AT_ONCE]


def write(news: Sequence[Told]) -> None:
    """Put evidence on messages, in the caller's transaction."""
    rows = [
        TextMessage(pk=one.message, evidence=evidence(one.line), evidence_at=one.line.at)
        for one in news
    ]
    TextMessage.objects.bulk_update(rows, ["evidence", "evidence_at"], batch_size=1_000)
