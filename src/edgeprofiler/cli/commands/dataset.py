"""`edgeprofiler dataset`: build a data set of measured layers, and say what is in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.learning.dataset.describe import Description


app = typer.Typer(no_args_is_help=True, help="Measured layers to learn from.")


@app.command()
def build(
    sources: Annotated[
        list[Path],
        common.argument(
            "PROFILES...",
            "Measured profiles (JSON), recordings, folders of either, or folders with "
            "raw_data, preprocessed_data or training_data.",
        ),
    ],
    output: Annotated[Path, common.option("FOLDER", "Where it goes.", "--output", "-o")],
    device: Annotated[
        str | None,
        common.option(
            "NAME", "Board of folders that do not say it. Default: jetson-orin-nano.",
            "--device", "-d",
        ),
    ] = None,
    csv: common.CsvOption = None,
) -> None:  # fmt: skip
    """Build a data set: Parquet, one row a layer, SI units."""
    import edgeprofiler
    from edgeprofiler.learning.dataset.storage import to_csv

    built = edgeprofiler.build_dataset(*sources, output=output, device=device)
    for line in built.notes:
        common.note(line)
    common.write(csv, partial(to_csv, built.data))
    common.note(f"wrote {len(built.data)} rows of {len(built.data.networks)} networks to {output}")


@app.command()
def describe(
    data: Annotated[Path, common.argument("DATA", "Folder, Parquet or CSV file.")],
    min_samples: Annotated[
        int,
        common.option(
            "N", "Sensor conversions that a layer's power should have.",
            shows_default=True, min=0,
        ),
    ] = 10,
    json: common.JsonOption = None,
    plot: common.PictureOption = None,
) -> None:  # fmt: skip
    """Say what a data set holds: counts, ranges, duplicates, and what to doubt."""
    from edgeprofiler.learning.dataset import check
    from edgeprofiler.learning.dataset.describe import describe as describe_dataset
    from edgeprofiler.learning.dataset.storage import load_dataset

    screen = common.results_console(json, markup=False)
    rows = check(load_dataset(data), data)
    found = describe_dataset(rows, min_samples)
    common.write_json(json, found.document)
    if plot is not None:
        from edgeprofiler.views.plots.training import save_coverage

        common.save(plot, partial(save_coverage, rows))
    _print(screen, found)


def _print(screen: Console, found: Description) -> None:
    from rich.table import Table

    from edgeprofiler.core.network import KINDS

    boards = ", ".join(found.devices)
    screen.print(f"{found.rows} layers of {len(found.counts)} networks on {boards}", style="bold")
    table = Table(box=None, pad_edge=False)
    table.add_column("network", no_wrap=True, overflow="ellipsis")
    for kind in KINDS:
        table.add_column(kind, justify="right")
    for name, counts in found.counts.items():
        table.add_row(name, *(str(counts[kind]) for kind in KINDS))
    table.add_section()
    table.add_row("all", *(str(sum(c[kind] for c in found.counts.values())) for kind in KINDS))
    screen.print(table)
    ranges = Table(box=None, pad_edge=False)
    for heading in ("kind", "quantity"):
        ranges.add_column(heading, no_wrap=True)
    for heading in ("least", "median", "largest"):
        ranges.add_column(heading, justify="right", no_wrap=True)
    for layers, quantities in found.ranges.items():
        for name, values in quantities.items():
            cells = ["-" if value != value else f"{value:.3g}" for value in values]
            ranges.add_row(layers, name, *cells)
    screen.print(ranges)
    for line in _doubts(found):
        screen.print(line)


def _doubts(found: Description) -> list[str]:
    twins = (
        f"{found.repeated} rows repeat a configuration within their network; {found.twins} have a "
        "twin in another network, so that a random split would leak them (networks are split "
        "whole)"
    )
    lines = [twins]
    if found.few_samples:
        lines.append(
            f"{found.few_samples} rows rest on fewer than {found.min_samples} sensor conversions: "
            "they train runtime only"
        )
    if found.samples_unknown:
        lines.append(f"{found.samples_unknown} rows do not say how many conversions they rest on")
    if found.constant_power:
        lines.append(
            "one power for the whole network (no layer tells anything): "
            + ", ".join(found.constant_power)
        )
    if found.without_power:
        lines.append("no power measured: " + ", ".join(found.without_power))
    if found.unknown_macs:
        lines.append(f"{found.unknown_macs} rows with unknown MACs: not trained on")
    if found.simulated:
        lines.append(f"{found.simulated} rows are simulated")
    lines.extend(f"marked {mark}: {count} rows" for mark, count in found.marks.items())
    return lines
