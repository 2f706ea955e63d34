"""Tables as files: what a sheet reads of them, and that no text in them reckons."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from accounts.sheets import FORMULA, Cell, Format, as_answer, as_bytes, defused, write

NAMES = ("Moment", "Day", "Amount", "Number", "Text", "Nothing")
# In winter Amsterdam is an hour ahead of UTC, in summer two.
WINTER = datetime(2026, 11, 27, 22, 30, 5, 999_999, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
ROWS: list[list[Cell]] = [
    [WINTER, date(2026, 11, 27), Decimal("1234.50"), -7, "Zoë; van 't Hof", None],
    [SUMMER, date(2026, 7, 1), Decimal("-0.05"), 0, "twee\nregels", ""],
]


def in_csv(contents: bytes) -> list[list[str]]:
    text = io.StringIO(contents.decode("utf-8-sig"), newline="")
    return list(csv.reader(text, delimiter=";"))


def in_xlsx(contents: bytes) -> list[Sequence[Any]]:
    sheet = load_workbook(io.BytesIO(contents)).active
    assert sheet is not None
    return list(sheet.iter_rows())


def test_csv_is_what_excel_opens_in_dutch() -> None:
    contents = as_bytes(Format.CSV, NAMES, ROWS)

    assert contents.startswith(b"\xef\xbb\xbf")
    assert in_csv(contents) == [
        list(NAMES),
        ["2026-11-27 23:30:05", "2026-11-27", "1234,50", "-7", "Zoë; van 't Hof", ""],
        ["2026-07-02 00:30:00", "2026-07-01", "-0,05", "0", "twee\nregels", ""],
    ]


def test_in_xlsx_everything_is_what_it_is() -> None:
    head, first, second = in_xlsx(as_bytes(Format.XLSX, NAMES, ROWS))

    assert [cell.value for cell in head] == list(NAMES)
    assert first[0].value == datetime(2026, 11, 27, 23, 30, 5)
    assert second[0].value == datetime(2026, 7, 2, 0, 30)
    assert [first[0].number_format, first[1].number_format, first[2].number_format] == [
        "yyyy-mm-dd hh:mm:ss",
        "yyyy-mm-dd",
        "#,##0.00",
    ]
    assert first[1].value == datetime(2026, 11, 27)
    assert [one[2].value for one in (first, second)] == [1234.5, -0.05]
    assert [one[3].value for one in (first, second)] == [-7, 0]
    assert {first[2].data_type, first[3].data_type} == {"n"}
    assert [one[4].value for one in (first, second)] == ["Zoë; van 't Hof", "twee\nregels"]
    assert first[5].value is None


def test_a_file_has_a_name_and_says_what_it_is() -> None:
    answer = as_answer("lijst", Format.XLSX, NAMES, [], title="Lijst")

    assert answer["Content-Disposition"] == 'attachment; filename="lijst.xlsx"'
    assert "spreadsheetml" in answer["Content-Type"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Gesprekken", "Gesprekken"),
        ("Belpogingen: 1/2 [oud]?", "Belpogingen  1 2  oud"),
        ("x" * 40, "x" * 31),
        ("'", "Sheet"),
    ],
)
def test_a_sheet_is_called_after_its_list(title: str, name: str) -> None:
    contents = as_bytes(Format.XLSX, NAMES, [], title=title)

    assert load_workbook(io.BytesIO(contents)).sheetnames == [name]


BEFORE = ["", " ", "\u00a0", "\u200b", "'", '"', " '\u200b\" ", "\x00", "\x85"]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("sign", FORMULA)
def test_what_begins_like_a_formula_is_text(sign: str, before: str) -> None:
    assert defused(f"{before}{sign}1+1").startswith("'")


@pytest.mark.parametrize("text", ["", "a=1", "'t Hof", "1-2", "€ 5", "12,50", "é+", "(=1)"])
def test_what_does_not_is_left_as_it_is(text: str) -> None:
    assert defused(text) == text


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
@example(["=1+1", " @SUM(A1)", '"+1', "x,=1", 'a";=1', "\x0b=1", "\ud800=1", "\ufeff-1", "\x85=1"])
def test_no_text_in_any_file_begins_a_formula(texts: list[str]) -> None:
    rows: list[list[Cell]] = [list(texts)]
    told = in_csv(as_bytes(Format.CSV, texts, rows))
    assert {len(line) for line in told} == {len(texts)}
    for line in told:
        assert not [cell for cell in line if cell.lstrip().startswith(FORMULA)]
    for cells in in_xlsx(as_bytes(Format.XLSX, texts, rows)):
        assert not [cell for cell in cells if cell.data_type == "f"]
        begun = [str(cell.value or "").lstrip().startswith(FORMULA) for cell in cells]
        assert not any(begun)


def test_a_text_longer_than_a_cell_is_cut_and_the_rest_stays() -> None:
    [_, row] = in_xlsx(as_bytes(Format.XLSX, ["a", "b"], [["x" * 40_000, "rest"]]))

    assert [len(row[0].value), row[1].value] == [32_767, "rest"]


def test_what_goes_wrong_halfway_leaves_the_file_open_to_be_closed_by_its_owner() -> None:
    def rows() -> Any:
        yield ["een"]
        raise RuntimeError

    out = io.BytesIO()
    with pytest.raises(RuntimeError):
        write(out, Format.CSV, ["a"], rows())
    assert not out.closed
