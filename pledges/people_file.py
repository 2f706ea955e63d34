"""A file with people, read: one line a person, under names of columns in Dutch or in English.

Nothing is saved by reading. What a line would do is worked out in `pledges/people.py`.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from pledges.results import UnreadableFile

MOST_BYTES: Final = 512 * 1024
MOST_LINES: Final = 1_000
LONGEST_CELL: Final = 1_000
DELIMITERS: Final = ";,\t"

# What each column may be called, without capitals and signs.
HEADINGS: Final[Mapping[str, Sequence[str]]] = {
    "username": ("username", "gebruikersnaam", "gebruiker", "user", "login"),
    "name": ("name", "naam", "volledigenaam", "fullname"),
    "first_name": ("firstname", "voornaam", "givenname", "roepnaam"),
    "last_name": ("lastname", "achternaam", "surname", "familyname", "familienaam"),
    "email": ("email", "mail", "emailadres", "emailaddress"),
    "role": ("role", "rol", "functie"),
    "organizations": (
        "organisations",
        "organizations",
        "organisaties",
        "organisation",
        "organization",
        "organisatie",
    ),
    "tapraise": (
        "tapraiseuseruuid",
        "tapraiseuuid",
        "tapraisegebruiker",
        "tapraisegebruikeruuid",
        "gebruikersuuidbijtapraise",
        "useruuid",
        "uuid",
    ),
}


@dataclass(frozen=True)
class PersonLine:
    """What a file says of one person. An empty cell or a column that is not there says nothing."""

    # Where it stands in the file: the first line, with the names of the columns, is 1.
    number: int
    username: str = ""
    # Whole, or in two columns.
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    role: str = ""
    organizations: str = ""
    tapraise: str = ""

    def as_json(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]

    @classmethod
    def from_json(cls, kept: Any) -> "PersonLine":
        """Raises ValueError where it was not made by `as_json`."""
        if not isinstance(kept, list) or len(kept) != len(fields(cls)):
            raise ValueError("no line")
        number, *cells = kept
        if not isinstance(number, int) or not all(isinstance(cell, str) for cell in cells):
            raise ValueError("no line")
        return cls(number, *cells)


@dataclass(frozen=True)
class ReadPeople:
    """What was read of a file, and the columns that it has and nobody asked for."""

    lines: tuple[PersonLine, ...]
    unknown: tuple[str, ...]


def read(contents: bytes) -> ReadPeople:
    """Read a file: UTF-8 or Windows-1252, with commas, semicolons or tabs. Raises
    UnreadableFile."""
    text = _text(contents)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise UnreadableFile(_("There is nothing in this file."))
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((begins, row))
            begins = reader.line_num + 1
            if len(rows) > MOST_LINES + 1:
                raise UnreadableFile(
                    _("This file has more than %(most)s lines. Split it.")
                    % {"most": number_format(MOST_LINES, use_l10n=True, force_grouping=True)}
                )
    except csv.Error:
        words = _("This is no CSV file: in line %(n)s a quote is not closed, or not needed.")
        raise UnreadableFile(words % {"n": begins}) from None
    (_number, head), *others = rows
    places, unknown = _places(head)
    if not others:
        raise UnreadableFile(_("There is nobody in this file: only the names of the columns."))
    lines = (_line(number, row, places) for number, row in others)
    return ReadPeople(tuple(lines), unknown)


def _text(contents: bytes) -> str:
    if len(contents) > MOST_BYTES:
        words = _("This file is larger than %(most)s KB. Split it.")
        raise UnreadableFile(words % {"most": MOST_BYTES // 1024})
    if b"\0" in contents:
        raise UnreadableFile(_("This is no text. Save it as CSV, and send that."))
    try:
        return contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return contents.decode("cp1252")
    except UnicodeDecodeError:
        words = _("The letters of this file cannot be read. Save it as CSV UTF-8.")
        raise UnreadableFile(words) from None


def _places(head: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    places: dict[str, int] = {}
    unknown = []
    for place, heading in enumerate(head):
        bare = re.sub(r"[\W_]", "", heading.casefold())
        column = next((name for name, known in HEADINGS.items() if bare in known), None)
        if column is None:
            unknown += [heading.strip()] if bare else []
        elif column in places:
            words = _("Two columns of this file mean the same: %(one)s and %(other)s.")
            pair = {"one": head[places[column]].strip(), "other": heading.strip()}
            raise UnreadableFile(words % pair)
        else:
            places[column] = place
    halves = [name for name in ("first_name", "last_name") if name in places]
    if halves and "name" in places:
        words = _("Two columns of this file mean the same: %(one)s and %(other)s.")
        pair = {"one": head[places["name"]].strip(), "other": head[places[halves[0]]].strip()}
        raise UnreadableFile(words % pair)
    if "username" not in places:
        words = _("The first line of this file names no column %(names)s.")
        raise UnreadableFile(words % {"names": _(" or ").join(HEADINGS["username"][:2])})
    return places, tuple(unknown)


def _line(number: int, row: Sequence[str], places: Mapping[str, int]) -> PersonLine:
    cells = {
        column: " ".join(row[place].split())[:LONGEST_CELL]
        for column, place in places.items()
        if place < len(row)
    }
    return PersonLine(number, **cells)
