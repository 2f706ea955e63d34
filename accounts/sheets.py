"""Tables as files, row by row: CSV and XLSX that a sheet in the Netherlands opens without asking.

CSV is UTF-8 with its mark, semicolons between, a comma before the cents: what Excel expects where
it speaks Dutch, and what it would put into one column or misread otherwise. Days and moments are
written 2026-11-27 14:05:09, which Excel reads as such in every language. In XLSX numbers, amounts,
days and moments are what they are. Moments are in the zone of settings, without saying so.

Text stays text: what a sheet would take for a formula gets an apostrophe in front, in both. Nothing
here holds more than one row at a time, so a file may be as long as a sheet can be.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any, Final, Generic, TypeVar

from django.db import models
from django.http import HttpResponse
from django.utils.timezone import localtime
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._writer import ALL_TEMP_FILES, WorksheetWriter

Cell = str | int | Decimal | date | datetime | None
Row = Sequence[Cell]
T = TypeVar("T")

# What begins a formula: OWASP's list, with the wide forms that some sheets take for the same.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# What may stand before it and is looked through.
_THROUGH: Final = "'\"’‘`"
# Spaces of every kind, and marks that nobody sees.
_UNSEEN: Final = {"Zs", "Zl", "Zp", "Cf", "Cc"}
# No sheet can hold these: they are no characters.
_NOT_TEXT: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")

# What one sheet of Excel holds, the line of names among them.
MOST_ROWS: Final = 1_048_576
LONGEST_TEXT: Final = 32_767
# What the name of a sheet may not hold, and how long it may be.
_NO_TITLE: Final = re.compile(r"[\[\]:*?/\\]")
LONGEST_TITLE: Final = 31
_WIDTH: Final = 18


class Format(models.TextChoices):
    """How a file is written."""

    CSV = "csv", "CSV"
    XLSX = "xlsx", "XLSX"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]

    @property
    def most_rows(self) -> int | None:
        """So many rows fit below the line of names; None: as many as there are."""
        return MOST_ROWS - 1 if self == Format.XLSX else None


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column of a table: its name, in the language of the moment, and its cell of each row."""

    name: Any
    cell: Callable[[T], Cell]


def names_of(columns: Iterable[Column[Any]]) -> list[str]:
    return [str(column.name) for column in columns]


def rows_of(columns: Sequence[Column[T]], things: Iterable[T]) -> Iterator[Row]:
    """A row for each thing, made when it is asked for."""
    return ([column.cell(thing) for column in columns] for thing in things)


_CONTENT_TYPES: Final = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write(
    out: IO[bytes],
    kind: Format,
    names: Sequence[str],
    rows: Iterable[Row],
    *,
    title: str = "",
    draft: Path | None = None,
) -> None:
    """A whole file: a line of names, then the rows as they come. `out` stays open.

    `title` is what the sheet of an XLSX is called; a CSV has no place for it.
    The rows of an XLSX wait in a file of their own until it is packed: in `draft`, which is removed
    when that went well; unset: where this machine keeps such files.
    """
    if kind == Format.CSV:
        _write_csv(out, names, rows)
    else:
        _write_xlsx(out, names, rows, title, draft)


def as_bytes(kind: Format, names: Sequence[str], rows: Iterable[Row], *, title: str = "") -> bytes:
    """The same for a table that is small enough to hold."""
    out = BytesIO()
    write(out, kind, names, rows, title=title)
    return out.getvalue()


def as_answer(
    stem: str, kind: Format, names: Sequence[str], rows: Iterable[Row], *, title: str
) -> HttpResponse:
    """A small table as a file that a browser keeps, under this name."""
    return HttpResponse(
        as_bytes(kind, names, rows, title=title),
        content_type=kind.content_type,
        headers={"Content-Disposition": f'attachment; filename="{stem}.{kind}"'},
    )


def defused(text: str) -> str:
    """The same text, so that no sheet reckons with it; what no sheet can hold is left out."""
    clean = _NOT_TEXT.sub("", ILLEGAL_CHARACTERS_RE.sub("", text))
    return f"'{clean}" if _begins_formula(clean) else clean


def _begins_formula(text: str) -> bool:
    for sign in text:
        if sign in FORMULA:
            return True
        if sign not in _THROUGH and unicodedata.category(sign) not in _UNSEEN:
            return False
    return False


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────


def _write_csv(out: IO[bytes], names: Sequence[str], rows: Iterable[Row]) -> None:
    # Every cell between quotes, so that nothing in a text is taken for the end of its cell.
    text = TextIOWrapper(out, encoding="utf-8-sig", newline="")
    try:
        sheet = csv.writer(text, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        sheet.writerow([defused(name) for name in names])
        sheet.writerows([_in_csv(cell) for cell in row] for row in rows)
    finally:
        text.detach()


def _in_csv(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return defused(cell)
        case datetime():
            return f"{_local(cell):%Y-%m-%d %H:%M:%S}"
        case date():
            return cell.isoformat()
        case Decimal():
            return f"{cell:f}".replace(".", ",")
    return str(cell)


# ── XLSX ──────────────────────────────────────────────────────────────────────────────────────────


def _write_xlsx(
    out: IO[bytes], names: Sequence[str], rows: Iterable[Row], title: str, draft: Path | None
) -> None:
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(_titled(title))
    # Before the first row, or they are not written at all.
    sheet.freeze_panes = "A2"
    for place in range(1, len(names) + 1):
        sheet.column_dimensions[get_column_letter(place)].width = _WIDTH
    if draft is not None:
        # As the library does with a file of its own choice.
        ALL_TEMP_FILES.append(str(draft))
        sheet._writer = WorksheetWriter(sheet, out=str(draft))
        sheet._writer.write_top()
    head = [WriteOnlyCell(sheet, defused(name)) for name in names]
    for cell in head:
        cell.font = Font(bold=True)
    sheet.append(head)
    make = _cells(sheet)
    last = 1
    try:
        for row in rows:
            sheet.append([make(cell) for cell in row])
            last += 1
    except BaseException:
        # No half sheet is left behind on the disk.
        sheet.close()
        sheet._writer.cleanup()
        raise
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{last}"
    book.save(out)


def _titled(title: str) -> str | None:
    """As a sheet may be called; None: as the library calls it."""
    clean = _NO_TITLE.sub(" ", ILLEGAL_CHARACTERS_RE.sub("", title))
    return clean[:LONGEST_TITLE].strip(" '") or None


def _cells(sheet: Any) -> Callable[[Cell], Any]:
    """Makes the cells of a sheet."""

    def formed(value: Any, form: str) -> Any:
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = form
        return cell

    def make(cell: Cell) -> Any:
        match cell:
            case str():
                return defused(cell)[:LONGEST_TEXT]
            case datetime():
                return formed(_local(cell), "yyyy-mm-dd hh:mm:ss")
            case date():
                return formed(cell, "yyyy-mm-dd")
            case Decimal():
                return formed(cell, "#,##0.00" if _is_money(cell) else "General")
        return cell

    return make


def _is_money(amount: Decimal) -> bool:
    return amount.as_tuple().exponent == -2


def _local(moment: datetime) -> datetime:
    """As a clock on the wall showed it: no sheet knows of zones."""
    return localtime(moment).replace(microsecond=0, tzinfo=None)
