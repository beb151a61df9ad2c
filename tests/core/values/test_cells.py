"""A wrong cell is refused with its line and column."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.table.writers import csv_text
from edgeprofiler.core.values import parse_csv, read_csv

TEXT = 'network, batch ,runtime_ms\nvgg16,1,8.4\n\n"a\nb",,1e3\n'


def test_cells_are_texts_and_numbers() -> None:
    sheet = parse_csv(TEXT, "m.csv")
    assert sheet.columns == ("network", "batch", "runtime_ms")
    first, second = sheet.rows
    assert (first["network"].text(), first["batch"].integer(), first["runtime_ms"].number()) == (
        "vgg16", 1, 8.4,
    )  # fmt: skip
    assert (second["network"].text(), second["batch"].null) == ("a\nb", True)
    assert second["runtime_ms"].whole() == 1000
    assert second["nothing"].default(1).whole() == 1
    assert (first.line, second.line) == (2, 4)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("fast", "is 'fast', where a number is expected"),
        ("", "is empty, where a number is expected"),
        ("  ", "is empty, where a number is expected"),
        ("nan", "is not a finite number"),
        ("1e999", "is not a finite number"),
        ("1_000", "is '1_000', where a number"),
        ("9" * 5000, "is not a finite number"),
        ("-1", "is -1; it must be above zero"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(cell: str, said: str) -> None:
    (row,) = parse_csv(f"a,time_ms\nx,{cell}\n", "m.csv").rows
    with pytest.raises(InvalidInput, match=rf"^m\.csv: line 2, column time_ms {said}"):
        row["time_ms"].number(above=0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1\n", "line 2 has 1 cells, the header 2"),
        ("a,b\n1,2,3\n", "line 2 has 3 cells, the header 2"),
        ("a,a\n1,2\n", "two columns named 'a'"),
        ("a\n" + "x" * 200_000, r"is no CSV \(line 2: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        list(parse_csv(text, "m.csv").rows)


def test_a_column_may_have_several_names() -> None:
    sheet = parse_csv("power_uw\n3\n", "m.csv")
    assert sheet.column("power", "power_uw") == "power_uw"
    assert next(sheet.rows).first("power", "power_uw").number() == 3
    with pytest.raises(InvalidInput, match="has no column 'time'; it has power_uw"):
        sheet.column("time", "time_ms")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"a,b\n\xff,1\n")
    with pytest.raises(InvalidInput, match=r"m\.csv: is not UTF-8 text \(byte 4\)"):
        read_csv(path)


@given(st.text())
def test_any_text_is_a_table_or_refused(text: str) -> None:
    try:
        for row in parse_csv(text, "m.csv").rows:
            assert row.cells
    except InvalidInput as error:
        said = str(error)
    else:
        return
    assert said.startswith("m.csv: ")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a;b\n8,4;8,5\n", 8.4),
        ("a;b\n8.4;8.5\n", 8.4),
        ("a\tb\n8,4\tx, y\n", 8.4),
        ("a|b\n-8.4e0|\n", -8.4),
        ("sep=;\na;b\n0,125;1.5\n", 0.125),
        ('a;b\n"8,4";x\n', 8.4),
    ],
)
def test_a_table_is_read_as_the_programs_of_other_countries_write_it(text: str, number: float):
    (row,) = parse_csv(text, "m.csv").rows
    assert row["a"].number() == number
    assert row.line == 2 + text.startswith("sep")


@pytest.mark.parametrize("cell", ["1,234", "1.234,5", "1,2,3", ","])
def test_a_comma_that_may_part_thousands_is_no_fraction(cell: str):
    row = next(parse_csv(f"a;b\n{cell};1.5\n", "m.csv").rows)
    with pytest.raises(InvalidInput, match="where a number is expected"):
        row["a"].number()


def test_rows_of_empty_cells_are_blank_lines():
    rows = list(parse_csv("a,b\n1,2\n,,\n , \n3,4\n", "m.csv").rows)
    assert [row.line for row in rows] == [2, 5]


def test_a_row_s_line_is_the_one_that_it_begins_on():
    """As an editor counts: cells in quotes go on over lines, and a form feed ends none."""
    text = 'a,b\r\n\r\n"one\ntwo\n",1\n\n"x\x0c\u2028",2\r"\n",3\n'
    rows = list(parse_csv(text, "m.csv", before=7).rows)
    assert [row.line for row in rows] == [10, 14, 15]
    with pytest.raises(InvalidInput, match="line 11 has 3 cells, the header 2"):
        list(parse_csv('a,b\n"1\n2",3\n"4\n5",6,7\n', "m.csv", before=7).rows)
    with pytest.raises(InvalidInput, match=r"is no CSV \(line 9: "):
        list(parse_csv('a,b\n"' + "x\n" * 70_000 + '",3\n', "m.csv", before=7).rows)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_spreadsheet_s_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, encoding: str):
    path = tmp_path / "m.csv"
    path.write_text("a;b\n1;2\n", encoding=encoding)
    assert read_csv(path).columns == ("a", "b")


def test_a_table_of_a_hundred_thousand_columns_is_refused_at_once() -> None:
    header = ",".join(f"c{number}" for number in range(100_000))
    with pytest.raises(InvalidInput, match="has 100000 columns; the limit is 4096"):
        parse_csv(header, "m.csv")


def test_a_line_and_a_table_have_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeprofiler.core.limits.CSV_LINE", 8)
    monkeypatch.setattr("edgeprofiler.core.limits.CSV_CELLS", 16)
    with pytest.raises(InvalidInput, match="line 2 begins a row of more than 8 characters"):
        [*parse_csv('a,b\n"123\n4567",0\n', "m.csv").rows]
    sheet = parse_csv("a,b\n1,2\n3,4\n5,6\n", "m.csv")
    with pytest.raises(InvalidInput, match=r"too long a table \(line 4\)"):
        list(sheet.rows)


@given(st.lists(st.lists(st.text('ab\r\n", \x0b\u2028'), min_size=2, max_size=2), min_size=1))
def test_rows_are_those_of_the_csv_module(rows: list[list[str]]) -> None:
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    found = parse_csv(csv_text(["x", "y"], rows), "m.csv").rows
    assert [[*row.cells.values()] for row in found] == kept
