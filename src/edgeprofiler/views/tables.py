"""A table as HTML: for pages, where it sorts and filters, and for notebooks, which have no style.

Every text passes `Table.cells`, which shows characters that would act, and is escaped here.
"""

from __future__ import annotations

from edgeprofiler.core.table import Table, Words
from edgeprofiler.views.markup import escaped, prose

_NOTEBOOK_CELL = "padding:2px 8px;white-space:nowrap"


def page_table(table: Table, name: str, *, filtered: bool = False) -> str:
    """Return a table of a page, in a region that scrolls; `tables.js` makes it sort and filter.

    Args:
        name: the table's id on its page.
        filtered: offer a text field, and a list where rows have groups, to choose rows by.
    """
    caption = escaped(table.title)
    sortable = " data-sortable" if table.sortable else ""
    heads = "".join(
        f'<th scope="col"{_classes("n" if column.numeric else "")}>{escaped(column.heading)}</th>'
        for column in table.columns
    )
    return (
        '<div class="table-block">\n'
        + (_filter(table, name) if filtered else "")
        + f'<div class="scroller" tabindex="0" role="region" aria-label="{caption}">\n'
        f'<table id="{escaped(name)}"{sortable}>\n<caption>{caption}</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{_rows(table)}</tbody>\n</table>\n</div>\n"
        f"{_notes(table)}</div>\n"
    )


def notebook_table(table: Table) -> str:
    """Return a table that carries its style in each cell, since a notebook has none for it."""

    def cell(tag: str, place: int, text: str) -> str:
        side = "right" if table.columns[place].numeric else "left"
        return f'<{tag} style="{_NOTEBOOK_CELL};text-align:{side}">{escaped(text)}</{tag}>'

    heads = "".join(cell("th", i, column.heading) for i, column in enumerate(table.columns))
    rows = "".join(
        f"<tr>{''.join(cell('td', i, found.text) for i, found in enumerate(table.cells(row)))}</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{_notes(table)}"


def _rows(table: Table) -> str:
    lines = []
    for row in table.rows:
        group = f' data-g="{escaped(row.group)}"' if row.group else ""
        cells = "".join(
            f"<td{_classes('n' if column.numeric else '', _tone(cell.tone))}"
            + (f' data-v="{escaped(cell.key)}"' if cell.key else "")
            + (f' title="{escaped(cell.whole)}"' if cell.whole else "")
            + f">{escaped(cell.text)}</td>"
            for cell, column in zip(table.cells(row), table.columns, strict=True)
        )
        lines.append(f"<tr{group}{_classes(_tone(row.tone))}>{cells}</tr>\n")
    return "".join(lines)


def _filter(table: Table, name: str) -> str:
    groups = table.groups
    options = "".join(f"<option>{escaped(group)}</option>" for group in groups)
    kinds = f'<label>Kind <select><option value="">all</option>{options}</select></label>\n'
    return (
        f'<form class="filter" data-filter-for="{escaped(name)}" role="search" '
        f'aria-label="Filter: {escaped(table.title)}" hidden>\n'
        '<label>Find <input type="search" autocomplete="off" spellcheck="false"></label>\n'
        f'{kinds if len(groups) > 1 else ""}<output aria-live="polite"></output>\n</form>\n'
    )


def _notes(table: Table) -> str:
    texts = (note.text if isinstance(note, Words) else note for note in table.notes)
    return "".join(f'<p class="remark">{prose(text)}</p>\n' for text in texts)


def _classes(*names: str) -> str:
    found = " ".join(filter(None, names))
    return f' class="{found}"' if found else ""


def _tone(tone: str) -> str:
    return f"tone-{tone}" if tone else ""
