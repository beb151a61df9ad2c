"""A table as HTML: escaped, sortable, and the same words as elsewhere."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.quantity import Estimate, Quantity
from edgeprofiler.core.table import Column, Table, Words, row, tabulate
from edgeprofiler.views.tables import notebook_table, page_table

COLUMNS = (Column("layer", kind="name"), Column("energy", "mJ", "number"))


class _Cells(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag in ("td", "th"):
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags[-1] in ("td", "th") and data.strip():
            self.texts[-1] += data


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_becomes_markup_or_acts(name: str, title: str) -> None:
    table = Table(title, COLUMNS, (row(name, 0.1, group=name),), (title,))
    for text in (page_table(table, "t", filtered=True), notebook_table(table)):
        assert _Cells(text).tags.count("td") == 2
        assert all(c.isprintable() or c == "\n" for c in text)


def test_a_cell_sorts_by_its_number_and_tells_the_whole_name() -> None:
    text = page_table(Table("t", COLUMNS, (row("a/" * 40, 0.0125),)), "t")
    assert 'data-v="0.0125">12.5<' in text
    assert f'title="{"a/" * 40}"' in text
    assert "data-sortable" in text


def test_rows_of_different_units_are_not_sorted() -> None:
    columns = (Column("what"), Column("value", kind="quantity"))
    table = Table("t", columns, (row("energy", Quantity(Estimate(0.01), "J")),))
    assert "data-sortable" not in page_table(table, "t")


def test_tones_are_classes() -> None:
    table = Table("t", (Column("a"),), (row(Words("bad", "bad"), tone="doubt"),))
    assert '<tr class="tone-doubt"><td class="tone-bad">bad</td></tr>' in page_table(table, "t")


def test_only_what_differs_can_be_chosen() -> None:
    fields = [(Column("a"), str)]
    one = tabulate("t", ("x", "y"), fields, group=lambda _: "same")
    two = tabulate("t", ("x", "y"), fields, group=str)
    assert "<select>" not in page_table(one, "t", filtered=True)
    assert "<option>y</option>" in page_table(two, "t", filtered=True)
