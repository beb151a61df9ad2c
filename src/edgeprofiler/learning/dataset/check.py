"""What no row of a data set may hold. Every refusal names the row (from 1) and the column."""

from __future__ import annotations

import numpy as np

from edgeprofiler.core.errors import InsufficientData, InvalidInput
from edgeprofiler.core.network import KINDS, OPS, BoolArray, FloatArray
from edgeprofiler.learning.dataset.rows import NO_POWER
from edgeprofiler.learning.dataset.table import COLUMNS, Dataset, Fact

_MIN_ROWS_FOR_UNITS = 12
_FAR = 2.0
_BETWEEN_UNITS = 4.5
"""Decades: three lie between s and ms, six between s and us."""


def check(data: Dataset, source: object) -> Dataset:
    """Return `data` if every row can be what it claims to be.

    Raises:
        InvalidInput: a value is missing, not finite, negative, zero or too large, a name is
            unknown, or single rows are in another unit than the rest.
        InsufficientData: there are no rows.
    """
    if not len(data):
        raise InsufficientData(f"{source}: holds no rows")
    for column in COLUMNS:
        if column.type == "text":
            if column.key and column.name != "input_shapes":
                _refuse(data, source, column.name, data.text(column.name) == "", "is empty")
        else:
            _check_numbers(data, column, source)
    _refuse(
        data, source, "kind", ~np.isin(data.text("kind"), KINDS), "is none of " + ", ".join(KINDS)
    )
    _refuse(data, source, "op", ~np.isin(data.text("op"), list(OPS)), "is no known operation")
    _check_power(data, source)
    _check_units(data, source)
    return data


def _check_numbers(data: Dataset, column: Fact, source: object) -> None:
    values = data.columns[column.name].astype(np.float64)
    if not column.unknown:
        _refuse(data, source, column.name, np.isnan(values), "is NaN")
    _refuse(data, source, column.name, np.isinf(values), "is infinite")
    _refuse(data, source, column.name, values < column.minimum, f"is below {column.minimum:g}")
    _refuse(data, source, column.name, values <= column.above, f"is not above {column.above:g}")
    _refuse(
        data, source, column.name, values > column.maximum,
        f"is above {column.maximum:g}: is it in another unit?",
    )  # fmt: skip


def _check_power(data: Dataset, source: object) -> None:
    power, above = data.number("power_w"), data.number("power_above_idle_w")
    unknown = np.isnan(above)
    excused = data.marked(NO_POWER)
    for network in data.networks:
        own = data.text("network") == network
        if unknown[own].all():  # measured without a power sensor
            excused = excused | own
    _refuse(data, source, "power_above_idle_w", unknown & ~excused, "is NaN")
    difference = power - data.number("idle_power_w") - above
    wrong = np.abs(difference) > 1e-6 + 0.02 * np.abs(power)
    _refuse(
        data, source, "power_above_idle_w", wrong & np.isfinite(difference),
        "is not power_w less idle_power_w: are they in one unit?",
    )  # fmt: skip


def _check_units(data: Dataset, source: object) -> None:
    """Refuse rows that lie a thousand or a million times off the rest of their device.

    What a layer should take is a line in the logarithms of its work, fitted to the device's own
    rows without the most distant tenth. Rows in another unit stand apart, with a gap of more
    than a decade; slow layers do not.
    """
    moved, macs = data.number("bytes_moved"), np.nan_to_num(data.number("macs"))
    for device in np.unique(data.text("device")).tolist():
        own = np.flatnonzero((data.text("device") == device) & np.isfinite(moved))
        if len(own) < _MIN_ROWS_FOR_UNITS:
            continue
        work = np.log10(np.column_stack((moved[own] + 1e5, macs[own] + 1e6)))
        table = np.column_stack((np.ones(len(own)), work))
        time = np.log10(data.number("runtime_s")[own])
        offset = _residual(table, time)
        for sign in (1, -1):
            apart = own[_beyond_gap(sign * offset)]
            if len(apart) and len(apart) <= len(own) // 2:
                far = float(np.median(sign * offset[np.isin(own, apart)]))
                factor, unit = (1e6, "us") if far > _BETWEEN_UNITS else (1e3, "ms")
                wrong = np.zeros(len(data), np.bool_)
                wrong[apart] = True
                place = "above" if sign > 0 else "below"
                _refuse(
                    data, source, "runtime_s", wrong,
                    f"is about {factor:g} times {place} the rest: are s and {unit} mixed?",
                )  # fmt: skip


def _residual(table: FloatArray, time: FloatArray) -> FloatArray:
    kept = np.ones(len(time), np.bool_)
    for _ in range(3):
        line, *_ = np.linalg.lstsq(table[kept], time[kept], rcond=None)
        offset = time - table @ line
        kept = np.abs(offset) <= np.quantile(np.abs(offset), 0.9)
    return np.asarray(offset - np.median(offset))


def _beyond_gap(offset: FloatArray) -> BoolArray:
    """Return which rows lie above a gap of a decade, at least two decades from the middle."""
    order = np.sort(offset)
    gaps = np.flatnonzero(np.diff(order) > 1.0)
    for at in gaps.tolist():
        if order[at + 1] > _FAR:
            return np.asarray(offset > order[at])
    return np.zeros(len(offset), np.bool_)


def _refuse(data: Dataset, source: object, column: str, wrong: BoolArray, problem: str) -> None:
    rows = np.flatnonzero(wrong)
    if not rows.size:
        return
    row = int(rows[0])
    value = data.columns[column][row]
    shown = f"{value:.6g}" if isinstance(value, (float, np.floating)) else repr(str(value))[:40]
    more = f" (and {rows.size - 1} more rows)" if rows.size > 1 else ""
    network, layer = data.text("network")[row], data.text("name")[row]
    raise InvalidInput(
        source, f"row {row + 1}, column {column!r}: {shown} {problem}{more}",
        f"it is layer {str(layer)[:60]!r} of {network}: correct or remove it",
    )  # fmt: skip
