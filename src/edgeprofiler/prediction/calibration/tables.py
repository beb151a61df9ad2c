"""What a calibration made of a board's rows, as a table."""

from __future__ import annotations

import math

from edgeprofiler.core.quantity import Estimate, Quantity
from edgeprofiler.core.table import Column, Line, Table, row
from edgeprofiler.prediction.calibration.board import BoardFit
from edgeprofiler.prediction.calibration.power import power_above_idle


def fit_table(fit: BoardFit) -> Table:
    """Return each measured row beside its fit; the notes tell the factors and the mean errors."""
    columns = (
        Column("network", kind="name"),
        Column("measured", kind="quantity"),
        Column("before", kind="quantity"),
        Column("fitted", kind="quantity"),
        Column("error", "%", "signed"),
        Column("left out", "%", "signed"),
    )
    rows: list[Line] = []
    for i, sample in enumerate(fit.samples):
        size = f" {sample.row.shape[-1]}" if sample.row.shape else ""
        times = (sample.row.runtime_s, fit.start_s[i], fit.predicted_s[i], fit.left_out_s[i])
        rows.append(_row(f"{sample.row.network}{size}", "ms", *map(float, times)))
        watts = power_above_idle(sample)
        if math.isfinite(watts) and math.isfinite(float(fit.predicted_w[i])):
            powers = (watts, math.nan, fit.predicted_w[i], fit.left_out_w[i])
            rows.append(_row("power above idle", "W", *map(float, powers)))
    calibration = fit.calibration
    title = f"{calibration.runtime} in mode {calibration.mode.name}: {calibration.rows} rows"
    before = float(abs(fit.start_s / fit.measured_s - 1).mean())
    errors = (
        f"mean error: before {100 * before:.1f} %, fitted {100 * abs(fit.residuals).mean():.1f} %, "
        f"left out {100 * calibration.errors['loo_mape']:.1f} %"
    )
    return Table(title, columns, tuple(rows), (errors,))


def factor_table(fit: BoardFit) -> Table:
    """Return the factors that were fitted, and how well the rows determine each."""
    columns = (Column("number"), Column("factor", kind="quantity"), Column("known to"))
    rows = []
    for name, (factor, deviation, determined) in fit.factors.items():
        known = f"+-{100 * deviation:.0f} %" if determined else "not determined by these rows"
        unit = "ms" if name == "host_fixed_s" else "times"
        rows.append(row(name, Quantity(Estimate(factor), unit), known))
    return Table("", columns, tuple(rows))


def _row(
    name: str, unit: str, measured: float, before: float, fitted: float, left_out: float
) -> Line:
    amounts = (Quantity(Estimate(value), unit) for value in (measured, before, fitted))
    return row(name, *amounts, fitted / measured - 1, left_out / measured - 1)
