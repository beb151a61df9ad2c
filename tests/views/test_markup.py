"""Messages as HTML: code between backticks, and nothing of a stranger's that acts."""

from edgeprofiler.core.table import Column, tabulate
from edgeprofiler.views.markup import prose
from edgeprofiler.views.tables import page_table


def test_what_stands_between_backticks_is_code_and_still_escaped() -> None:
    assert prose("name `<b>` or `a` & one ` alone") == (
        "name <code>&lt;b&gt;</code> or <code>a</code> &amp; one ` alone"
    )
    assert prose("a\x1b[2J `x\u202ey`") == "a\\x1b[2J <code>x\\u202ey</code>"


def test_notes_of_a_page_are_prose() -> None:
    table = tabulate("t", [1], ((Column("a"), str),), ["more: `rows`"])
    assert "more: <code>rows</code>" in page_table(table, "t")
