"""`edgeprofiler evaluate`: errors of a recipe on networks that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.learning import DataArgument, telling

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.learning.training.evaluation import Evaluation, Metrics


@telling
def evaluate(
    data: DataArgument,
    told: dict[str, Any],
    plots: Annotated[
        Path | None, common.option("FOLDER", "Draw pictures, with a learning curve.")
    ] = None,
    json: common.JsonOption = None,
) -> None:
    """Leave networks out, predict them, and compare with simpler ways."""
    import edgeprofiler

    screen = common.results_console(json, markup=False)
    found = edgeprofiler.evaluate(data, curve=plots is not None, **told)
    common.write_json(json, found.document)
    if plots is not None:
        from edgeprofiler.views.plots.training import save_evaluation

        for path in save_evaluation(found, plots, found.test_networks):
            common.note(f"wrote {path}")
    _print(screen, found)


def _print(screen: Console, result: Evaluation) -> None:
    from rich.table import Table

    from edgeprofiler.learning.training.evaluation import SHOWN
    from edgeprofiler.learning.training.options import KINDS

    count = len(result.table.data)
    screen.print(f"{count} layers, {result.scheme}", style="bold")
    table = Table(box=None, pad_edge=False)
    for heading in ("", "by"):
        table.add_column(heading, no_wrap=True)
    for heading in ("n", "RMSPE %", "MAPE %", "in 10 %", "MAE", "R2"):
        table.add_column(heading, justify="right", no_wrap=True)
    units = {"runtime_s": (1e6, "µs"), "power_above_idle_w": (1.0, "W"), "power_w": (1.0, "W")}
    for quantity, title in SHOWN.items():
        for way in result.ways:
            errors = result.errors(way, "all", quantity)
            if errors["count"]:
                table.add_row(title, way.name, *_cells(errors, *units[quantity]))
        for kind in KINDS:
            errors = result.errors(result.ways[0], kind, quantity)
            if errors["count"]:
                table.add_row(f"  {kind}", result.ways[0].name, *_cells(errors, *units[quantity]))
        table.add_section()
    screen.print(table)
    totals = Table(box=None, pad_edge=False)
    for heading in ("networks", "by "):
        totals.add_column(heading, no_wrap=True)
    for heading in ("n", "RMSPE %", "MAPE %", "in 10 %"):
        totals.add_column(heading, justify="right", no_wrap=True)
    names = {"runtime_s": "runtime", "energy_j": "energy", "power_above_idle_w": "mean power"}
    for name, title in names.items():
        for way in result.ways:
            errors = way.totals.metrics[name]
            if errors["count"]:
                totals.add_row(title, way.name, *_cells(errors, 1.0, "")[:4])
    screen.print(totals)
    for name, held in result.coverage.items():
        screen.print(f"layers inside the 90 % interval of {SHOWN[name]}: {held}")
    for line in result.notes:
        screen.print(line)


def _cells(errors: Metrics, factor: float, unit: str) -> list[str]:
    def percent(name: str) -> str:
        value = errors[name]
        return "-" if value is None else f"{100 * value:.1f}"

    mae, r2 = errors["mae"], errors["r2"]
    return [
        str(errors["count"]),
        percent("rmspe"),
        percent("mape"),
        percent("within_10"),
        "-" if mae is None else f"{mae * factor:.3g} {unit}",
        "-" if r2 is None else f"{r2:.3f}",
    ]
