"""`edgeprofiler sweep`: every combination of batch, resolution, precision and device."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking
from edgeprofiler.core.choices import DEFAULT_CONFIDENCE

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.decision.sweep import Sweep


@asking(several=True)
def sweep(
    model: common.ModelArgument,
    asked: dict[str, Any],
    rows: Annotated[
        int,
        common.option(
            "N", "Rows to show where there are more; the best first.", shows_default=True, min=0
        ),
    ] = 20,
    parquet: Annotated[Path | None, common.option("FILE", "Write all rows as Parquet.")] = None,
    csv: common.CsvOption = None,
    json: common.JsonOption = None,
    plot: common.PictureOption = None,
) -> None:
    """Predict every combination, and which of them are best in energy and latency."""
    import edgeprofiler

    screen = common.results_console(csv, json)
    found = edgeprofiler.sweep(model, **asked)
    common.save(parquet, found.write_parquet)
    common.write(csv, found.to_csv)
    if plot is not None:
        from edgeprofiler.views.plots.sweep import save_sweep

        common.save(plot, partial(save_sweep, found))
    common.write_json(json, found.document)
    _print(screen, found, rows, asked.get("confidence", DEFAULT_CONFIDENCE))


def _print(screen: Console, result: Sweep, count: int, confidence: float) -> None:
    import numpy as np
    from rich.markup import escape
    from rich.table import Table

    # The front first, by energy an image; then the rest.
    order = np.lexsort((result.energy_per_image_j, ~result.pareto))
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    several = len(set(result.device)) > 1
    if several:
        table.add_column("device", no_wrap=True)
    table.add_column("input", no_wrap=True)
    table.add_column("type", no_wrap=True)
    for heading in ("batch", "ms", "interval", "mJ/image"):
        table.add_column(heading, justify="right", no_wrap=True)
    for i in order[:count]:
        low, high = 1e3 * result.end_to_end_s_low[i], 1e3 * result.end_to_end_s_high[i]
        table.add_row(
            "*" if result.pareto[i] else "",
            *([result.device[i]] if several else []),
            result.resolution[i],
            result.precision[i],
            str(int(result.batch[i])),
            f"{1e3 * result.end_to_end_s[i]:.3g}",
            f"{low:.3g}-{high:.3g}" if low <= high else "unknown",
            f"{1e3 * result.energy_per_image_j[i]:.3g}",
        )
    where = "" if several else f" on {result.device[0]}"
    screen.print(f"[bold]{escape(result.network)}[/bold]{where}: {len(result):,} combinations")
    screen.print(table)
    if count < len(result):
        screen.print(f"... {len(result) - count:,} more (--rows, --csv, --parquet)", style="dim")
    screen.print(
        f"* on the Pareto front of energy an image (idle included) and latency: "
        f"{int(result.pareto.sum())} of them. ms: end to end, with {confidence:.0%} intervals.",
        style="dim",
    )
