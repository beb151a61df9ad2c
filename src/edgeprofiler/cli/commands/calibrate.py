"""`edgeprofiler calibrate`: make predictions sure for a user's own board."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking

if TYPE_CHECKING:
    from edgeprofiler.prediction.calibration.board import BoardFit


@asking("device", "runtime")
def calibrate(
    measured: common.MeasuredOption,
    output: Annotated[
        Path,
        common.option(
            "my-board.toml", "Device file to write; use it as --device.", "--output", "-o"
        ),
    ],
    asked: dict[str, Any],
    json: common.JsonOption = None,
) -> None:
    """Fit a board's few numbers on measured totals of networks, five or more.

    The most useful rows are one network at several input sizes, and a small and a large one.
    """
    import edgeprofiler

    out = common.results_console(json, output, markup=False)
    found = edgeprofiler.calibrate(measured, **asked)
    for fit in found.fits:
        _print(out, fit)
    for warning in found.warnings:
        common.note(f"warning: {warning}")
    common.write(output, found.text)
    common.write_json(json, found.document)


def _print(out: object, fit: BoardFit) -> None:
    from math import isfinite
    from typing import cast

    from rich.table import Table

    console = cast("Any", out)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("network", overflow="ellipsis", no_wrap=True)
    for name in ("measured", "before", "fitted", "error", "left out"):
        table.add_column(name, justify="right", no_wrap=True)
    for i, sample in enumerate(fit.samples):
        truth = sample.row.runtime_s
        size = f" {sample.row.shape[-1]}" if sample.row.shape else ""
        table.add_row(
            f"{sample.row.network}{size}",
            f"{truth * 1e3:.3g} ms",
            f"{fit.start_s[i] * 1e3:.3g}",
            f"{fit.predicted_s[i] * 1e3:.3g}",
            f"{100 * (fit.predicted_s[i] / truth - 1):+.1f} %",
            f"{100 * (fit.left_out_s[i] / truth - 1):+.1f} %",
        )
        watts = sample.row.power_above_idle_w
        if isfinite(watts) and isfinite(float(fit.predicted_w[i])):
            table.add_row(
                "  power above idle",
                f"{watts:.3g} W",
                "",
                f"{fit.predicted_w[i]:.3g}",
                f"{100 * (fit.predicted_w[i] / watts - 1):+.1f} %",
                f"{100 * (fit.left_out_w[i] / watts - 1):+.1f} %",
            )
    calibration = fit.calibration
    console.print(f"{calibration.runtime} in mode {calibration.mode}: {calibration.rows} rows")
    console.print(table)
    for name, (factor, deviation, determined) in fit.factors.items():
        known = f"+-{100 * deviation:.0f} %" if determined else "not determined by these rows"
        value = f"{factor * 1e3:.3g} ms" if name == "host_gap_s" else f"x {factor:.2f}"
        console.print(f"  {name:24s} {value:>10s}  {known}")
    before = float(abs(fit.start_s / fit.measured_s - 1).mean())
    console.print(
        f"mean error: before {100 * before:.1f} %, fitted {100 * abs(fit.residuals).mean():.1f} %, "
        f"left out {100 * calibration.errors['loo_mape']:.1f} %"
    )
    for warning in fit.warnings:
        common.note(f"warning: {warning}")
