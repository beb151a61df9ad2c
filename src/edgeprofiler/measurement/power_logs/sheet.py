"""Power logs that are tables: CSV of any tool, with the units of its headings."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timezone
from itertools import islice
from pathlib import Path

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.units import measured_in
from edgeprofiler.core.values import Heading, Row, Sheet, Value, parse_csv, split_quantity
from edgeprofiler.core.values.dialect import SEPARATORS, dialect_of, lines_of
from edgeprofiler.measurement.power_logs.asked import PARTS, LogOptions, Role, roles_of
from edgeprofiler.measurement.power_logs.forms import FORMS, Form, form_of, says_utc
from edgeprofiler.measurement.power_logs.log import ForeignLog
from edgeprofiler.measurement.power_logs.rails import rails_of
from edgeprofiler.measurement.power_logs.stamps import NO_TIME, Reading, Stamps, read_stamps
from edgeprofiler.measurement.recording import PowerTrace

_HEADER_WITHIN = 60
"""Lines within which a table's header is looked for, below what a tool says of itself."""
_NOTHING = re.compile(
    r"(?i)\[?(?:n/?a|nan|not supported|unknown error|none|null|[+-]?inf(?:inity)?|err(?:or)?|-+)\]?"
)
_IMPOSSIBLE_W = 2000.0
"""Above what any board or accelerator draws, below what a small board does in milliwatts."""
_NAME_THEM = "name them: columns=time:NAME,power:NAME (or current: and voltage:)"


def is_sheet(text: str) -> bool:
    """Say whether a text may be a table: its first lines have separators, or one is its heading."""
    head = _head(text)
    return any(separator in line for line in head for separator in SEPARATORS) or any(
        form_of(_words(line)) or form_of([line.strip()]) for line in head
    )


def _head(text: str) -> list[str]:
    return [*islice(lines_of(text[:4096]), _HEADER_WITHIN)]


def _words(line: str) -> list[str]:
    return line.lstrip("# ").split()


def _with_tabs(text: str) -> str:
    """Return a table whose cells are separated by blanks with tabs in their place."""
    head = _head(text)
    if any(separator in line for line in head for separator in SEPARATORS):
        return text
    header = next((n for n, line in enumerate(head) if len(_words(line)) > 1), None)
    if header is None or form_of(_words(head[header])) is None:
        return text
    lines = [*lines_of(text)]
    rows = (
        "\t".join(line.split()) if not line.startswith("#") else "" for line in lines[header + 1 :]
    )
    ends = "\n" if text.endswith("\n") else ""
    return "\n" * header + "\n".join(["\t".join(_words(head[header])), *rows]) + ends


def read_sheet(text: str, path: Path, asked: LogOptions, how: Reading) -> ForeignLog:
    """Return the power log that a table holds.

    Raises:
        InvalidInput: its columns are not understood, or a cell is none; its line is said.
        UsageError: `columns` names what is not there, or lines have no times.
    """
    text, notes = _without_torn_end(_with_tabs(text), path)
    sheet, form, roles = _opened(text, path, asked)
    most = limits.LOG_CELLS // max(len(sheet.columns), 1)
    rows = [*islice(sheet.rows, most + 1)]
    if len(rows) > most:
        problem = f"is a table of more than {limits.LOG_CELLS} cells"
        raise InvalidInput(path, problem, "leave columns out, or keep every tenth line")
    if not rows:
        raise InvalidInput(path, "has a header but no samples")
    times = _times(rows, [r for r in roles if r.part == "time"], path, asked, how)
    series = {
        role: _numbers(rows, role) if role.constant is None else np.full(len(rows), role.constant)
        for role in roles
        if role.part != "time"
    }
    device = next((name for name in form.device if name in sheet.columns), "")
    labels = [row[device].text().strip() for row in rows] if device else [""] * len(rows)
    rails, place = rails_of(series, labels, path)
    _check_unit(rails, [role for role in series if role.part == "power"], rows, path)
    total = (form.total,) if form.total in rails else tuple(rails) if len(rails) == 1 else ()
    moments = times.time_s[place]
    return ForeignLog(
        form.name,
        PowerTrace(moments - moments[0], rails, total),
        times.first_s + float(moments[0]),
        times.wall,
        tuple(notes),
    )


def _without_torn_end(text: str, path: Path) -> tuple[str, list[str]]:
    """Leave out a last line that has no end and fewer cells, as a killed logger leaves it."""
    body, mark, last = text.rpartition("\n")
    separator = dialect_of(text).separator
    before = body.rpartition("\n")[2]
    if mark and last.strip() and last.count(separator) < before.count(separator):
        return body + mark, [f"{path.name}: the last line has no end and is left out"]
    return text, []


def _opened(text: str, path: Path, asked: LogOptions) -> tuple[Sheet, Form, list[Role]]:
    """Return the table from its header on, its form and what its columns hold."""
    wanted = roles_of(asked.columns) if asked.columns else []
    names = [role.column for role in wanted if role.constant is None]
    by_number = bool(names) and all(name.isdigit() for name in names)
    seen: Sequence[str] = ()
    at = 0
    for number, line in enumerate(islice(lines_of(text), _HEADER_WITHIN)):
        cells = _cells(line, text[at : at + 4096])
        seen = seen or (cells if len(cells) > 1 else ())
        if names and set(names) <= {*cells}:
            sheet = parse_csv(text[at:], path, number)
            return sheet, FORMS[-1], [_scaled(role) for role in wanted]
        if (by_number and len(cells) >= max(map(int, names))) or (not names and _is_bare(cells)):
            sheet = parse_csv(text[at:], path, number, header=False)
            return sheet, FORMS[-1], wanted or _bare_roles(cells)
        form = None if names else form_of(cells)
        if form is not None:
            columns = tuple(cell.lstrip("# ") if not i else cell for i, cell in enumerate(cells))
            form = form_of(columns) or form
            sheet = parse_csv(text[at:].lstrip("# "), path, number)
            return sheet, form, form.roles(sheet.columns)
        at += len(line)
    if names:
        lacks = next((name for name in names if name not in seen), names[0])
        raise UsageError(f"{path} has no column {lacks!r}; it has {', '.join(seen)[:200]}")
    if any(role.part == "current" for role in FORMS[-1].roles(seen)):
        raise InvalidInput(
            path,
            "has a column of current and none of voltage",
            "say the voltage: columns=time:NAME,current:NAME,voltage:5V",
        )
    raise InvalidInput(path, "has no column of time and power", _NAME_THEM)


def _cells(line: str, text: str) -> list[str]:
    """Return the cells of a line, separated as those of the text from there on."""
    rows = csv.reader([line], delimiter=dialect_of(text).separator)
    try:
        return [cell.strip() for cell in next(rows, [])]
    except csv.Error:
        return []


def _scaled(role: Role) -> Role:
    """Return a role that the user named with the unit of its heading, unless he named that too."""
    heading = Heading.of(role.column)
    unit = heading.scale if heading.quantity == PARTS[role.part] else 1.0
    if role.part == "time" and not heading.quantity:
        unit = 0.0
    return Role(role.part, role.column, role.scale or unit, role.rail, role.constant)


def _is_bare(cells: Sequence[str]) -> bool:
    """Say whether a line is data without a header that speak for themselves: a stamp and watts."""
    return len(cells) > 1 and len(_bare_roles(cells)) > 1 and ":" in cells[0]


def _bare_roles(cells: Sequence[str]) -> list[Role]:
    watts = [
        Role("power", str(place), 1.0, "power")
        for place, cell in enumerate(cells, 1)
        if (measured_in(split_quantity(cell)[1]) or (0, ""))[1] == "w"
    ]
    return [Role("time", "1"), *watts[:1]]


def _times(
    rows: Sequence[Row], roles: Sequence[Role], path: Path, asked: LogOptions, how: Reading
) -> Stamps:
    if not roles:
        if not asked.interval_s:
            raise UsageError(
                f"{path} has no column of time; say the seconds between its lines with "
                "interval=0.1, or the column with columns=time:NAME,power:NAME"
            )
        return Stamps.every(asked.interval_s, len(rows))
    scale = roles[0].scale
    if scale:  # the heading names a unit: numbers since the log's own start, or since 1970
        values = np.array([row[roles[0].column].number(-NO_TIME, NO_TIME) for row in rows])
        return Stamps.of_numbers(values, scale).apart()
    if how.zone is None and says_utc(roles[-1].column):
        how = replace(how, zone=timezone.utc)
    cells = [[row[role.column] for role in roles] for row in rows]
    texts = [" ".join(_stamp(cell) for cell in line) for line in cells]
    try:
        return read_stamps(texts, how).apart()
    except ValueError as error:
        raise cells[error.args[0]][-1].wrong("a time") from None


def _check_unit(
    rails: Mapping[str, FloatArray], roles: Sequence[Role], rows: Sequence[Row], path: Path
) -> None:
    """Raise `InvalidInput` where powers without a unit are no watts that a board draws."""
    bare = [role for role in roles if not _says_unit(role, rows[0])]
    highest = max((np.nanmedian(w) for w in rails.values() if np.isfinite(w).any()), default=0.0)
    if bare and highest > _IMPOSSIBLE_W:
        raise InvalidInput(
            path,
            f"column {bare[0].column} says no unit, and {highest:.4g} W is more than a board draws",
            f"did you mean milliwatts? say so: columns=time:NAME,power_mw:{bare[0].column}",
        )


def _says_unit(role: Role, row: Row) -> bool:
    heading = Heading.of(role.column)
    return bool(heading.quantity or split_quantity(str(row.cells[role.column]))[1]) or (
        role.scale not in (0.0, 1.0)
    )


def _stamp(cell: Value) -> str:
    if cell.null:
        raise cell.wrong("a time")
    return cell.text().strip()


def _numbers(rows: Sequence[Row], role: Role) -> FloatArray:
    return np.array([_number(row[role.column], role) for row in rows])


def _number(cell: Value, role: Role) -> float:
    """Return a cell in SI; NaN where a tool says that it knows nothing."""
    if cell.null or _NOTHING.fullmatch(cell.text().strip()):
        return math.nan
    number, unit = split_quantity(cell.text())
    if not unit:
        return cell.number() * (role.scale or 1.0)
    scale, quantity = measured_in(unit) or (1.0, "")
    if quantity != PARTS[role.part]:
        raise cell.wrong(f"a {role.part}")
    return cell.of(number).number() * scale
