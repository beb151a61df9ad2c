"""A table says the same in every form, and no stranger's name acts in any of them."""

import csv
import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.quantity import Difference, Estimate, Quantity
from edgeprofiler.core.table import Column, Table, Words, csv_text, row, tabulate

SAME = Difference(Estimate(0.0, 0.0, 0.0), 1.0, "J")
NAME = Column("layer", kind="name")
ENERGY = Column("energy", "mJ", "estimate")


@pytest.mark.parametrize(
    ("column", "value", "text", "key"),
    [
        (Column("a", "ms", "number"), 0.0021, "2.10", "0.0021"),
        (Column("a", "W", "number"), 8.0, "8.00", "8"),
        (Column("a", "%", "number"), 0.123, "12.3", "0.123"),
        (Column("a", "%", "signed"), 0.0432, "+4.32", "0.0432"),
        (Column("a", "%", "signed"), -0.0432, "-4.32", "-0.0432"),
        (Column("a", "B", "amount"), 2.5e6, "2.5 MB", "2.5e+06"),
        (Column("a", kind="count"), 12345, "12,345", "12345"),
        (Column("a", kind="shape"), (1, 3, 8, 8), "1x3x8x8", "192"),
        (Column("a", kind="shape"), (), "scalar", "1"),
        (Column("a", "mJ", "interval"), Estimate(2.0, 1e-3, 3e-3), "1.00 to 3.00", "0.003"),
        (Column("a", "mJ", "interval"), Estimate(2.0), "-", ""),
        (Column("a", "mJ", "number"), math.nan, "-", ""),
        (Column("a", kind="count"), None, "-", ""),
        (Column("a"), None, "", ""),
        (Column("a", kind="quantity"), Quantity(Estimate(0.05), "mJ"), "50.0 mJ", "0.05"),
        (Column("a", kind="quantity"), SAME, "the same", "0"),
        (Column("a", kind="interval"), SAME, "-", "0"),
    ],
)  # fmt: skip
def test_a_column_words_its_values(column: Column, value: object, text: str, key: str) -> None:
    cell = column.cell(value)  # type: ignore[arg-type]
    assert (cell.text, cell.key) == (text, key)


def test_a_file_holds_si_numbers_with_their_unit_in_the_name() -> None:
    columns = (
        NAME,
        ENERGY,
        Column("low to high", "mJ", "interval"),
        Column("bandwidth", "GB/s", "number"),
        Column("share", "%", "number"),
        Column("limit", kind="quantity"),
    )
    energy = Estimate(0.0372, 0.033, math.nan)
    cells = ("a,b", energy, energy, 68e9, 0.5, Quantity(Estimate(0.05, 0.04, 0.06), "mJ"))
    text = Table("t", columns, (row(*cells),)).to_csv()
    assert list(csv.DictReader(io.StringIO(text))) == [{
        "layer": "a,b", "energy_j": "0.0372", "energy_j_low": "0.033", "energy_j_high": "",
        "bandwidth_bytes_per_s": "68000000000.0", "share": "0.5",
        "limit": "0.05", "limit_low": "0.04", "limit_high": "0.06", "limit_unit": "j",
    }]  # fmt: skip


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_names_survive_in_csv(names: list[str]) -> None:
    text = csv_text(["name", "n"], [[name, n] for n, name in enumerate(names)])
    found = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [line[0] for line in found] == [name.replace("\0", r"\x00") for name in names]


@given(st.lists(st.text(max_size=90), min_size=1, max_size=5))
def test_no_name_leaves_its_cell_or_acts(names: list[str]) -> None:
    table = tabulate(
        "\x1b[2J", names, [(NAME, lambda name: name), (Column("it"), lambda name: name)]
    )
    markdown = table.to_markdown()
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(names)
    assert all(line.replace("\\|", "").count("|") == 3 for line in rows)
    assert all(c.isprintable() or c == "\n" for c in markdown + table.to_latex())


def test_latex_takes_every_special_character_as_text() -> None:
    text = Table("50 % & more", (NAME,), (row(r"a_b#{c}$^~\x"),)).to_latex()
    assert r"\caption{50 \% \& more}" in text
    assert r"\texttt{a\_b\#\{c\}\$\textasciicircum{}\textasciitilde{}\textbackslash{}x}" in text


def test_a_row_has_the_cells_of_its_columns() -> None:
    with pytest.raises(ValueError, match="other cells"):
        Table("t", (NAME,), (row("a", "b"),))


def test_columns_and_rows_can_be_chosen() -> None:
    table = tabulate("t", ("a", "b"), [(NAME, lambda x: x), (Column("it"), lambda x: x * 2)])
    assert [c.label for c in table.only("it").columns] == ["it"]
    assert [c.label for c in table.without("it").columns] == ["layer"]
    assert table.top(1).rows[0].cells == ("a", "aa")


def test_what_a_short_text_stands_for_is_kept() -> None:
    cell = Column("op").cell(Words("conv +1", whole="conv + relu"))
    assert (cell.text, cell.whole) == ("conv +1", "conv + relu")
    long = "block/" * 20
    shown = Table("t", (NAME,), (row(long),))
    assert shown.cells(shown.rows[0])[0].whole == long
