"""A power log by its path, whichever of the known forms it is in."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import head_of, read_text
from edgeprofiler.core.values.dialect import lines_of
from edgeprofiler.measurement.power_logs import reference, tegrastats
from edgeprofiler.measurement.power_logs.asked import LogOptions
from edgeprofiler.measurement.power_logs.log import ForeignLog
from edgeprofiler.measurement.power_logs.sheet import is_sheet, read_sheet
from edgeprofiler.measurement.power_logs.stamps import Reading, zone_named

_LOOKED_AT = 200
"""Lines among which one of tegrastats is looked for."""
_SAME_STEP = 0.1
"""Relative difference of the steps that are there from those that were said, to be told."""


def read_log(path: Path, asked: LogOptions | None = None) -> ForeignLog:
    """Return the power log in a file of any known form.

    Args:
        path: a log of tegrastats, of the reference's layout, or a table (nvidia-smi, jtop, Zeus,
            Joulescope, Otii, or any whose columns `asked` names).
        asked: what the file does not say itself.

    Raises:
        InvalidInput: the file is none of them, or a line is malformed (its number is said).
        UsageError: what the file leaves open was not said.
    """
    asked = asked or LogOptions()
    how = Reading(zone_named(asked.zone), path.stat().st_mtime if path.exists() else 0.0)
    first = head_of(path).decode("utf-8", "replace")
    if reference.is_reference(first.lstrip()) and not asked.columns:
        return _checked(reference.read_reference_log(path, how), path, asked)
    text = read_text(path)
    if text.count("\n") + text.count("\r") - text.count("\r\n") > limits.LOG_LINES:
        problem = f"is a log of more than {limits.LOG_LINES} lines"
        raise InvalidInput(path, problem, "split it, or keep every tenth line")
    head = [*islice((line for line in lines_of(text[:400_000]) if line.strip()), _LOOKED_AT)]
    if tegrastats.is_tegrastats(head) and not asked.columns:
        found = tegrastats.read_tegrastats(text, path, asked, how)
    elif is_sheet(text) or (head and asked.columns):
        found = read_sheet(text, path, asked, how)
    else:
        raise InvalidInput(
            path, "is no power log",
            "expected output of tegrastats, stamp,<mV>,<mA> lines, or a table such as nvidia-smi's",
        )  # fmt: skip
    return _checked(found, path, asked)


def _checked(found: ForeignLog, path: Path, asked: LogOptions) -> ForeignLog:
    """Return a log whose time goes on, with a note where its steps are not those that were said."""
    back = np.diff(found.trace.time_s) < 0
    if back.any():
        line = int(np.argmax(back)) + 2
        raise InvalidInput(path, f"time goes back at sample {line}", "sort it, or cut it there")
    if asked.interval_s and abs(found.step_s - asked.interval_s) > _SAME_STEP * found.step_s:
        note = f"{path.name}: its lines are {found.step_s:.3g} s apart, not {asked.interval_s:.3g}"
        return replace(found, notes=(*found.notes, note))
    return found
