"""`edgeprofiler dataset`: build a data set of measured layers, and say what is in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.interruption import keeping
from edgeprofiler.cli.progress import shown_workers

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
            "NAME", "Board of rows that do not say it. Default, for folders of others' layouts: "
            "jetson-orin-nano.", "--device", "-d",
        ),
    ] = None,
    mode: Annotated[
        str | None, common.option("MODE", "Power mode of rows that do not say it.")
    ] = None,
    runtime: Annotated[
        str | None, common.option("HOST", "What called networks of rows that do not say it.")
    ] = None,
    precision: Annotated[
        str | None,
        common.option("fp32|fp16|int8", "What networks of rows that do not say it were built for."),
    ] = None,
    jobs: common.JobsOption = None,
    cluster: common.ClusterOption = None,
    csv: common.CsvOption = None,
) -> None:  # fmt: skip
    """Build a data set: Parquet, one row a layer, SI units."""
    import edgeprofiler
    from edgeprofiler.learning.dataset.storage import to_csv

    kept = f"{output} is as it was; the same command begins anew"
    with keeping(kept), shown_workers(jobs, cluster) as workers:
        built = edgeprofiler.build_dataset(
            *sources,
            output=output,
            device=device,
            mode=mode,
            runtime=runtime,
            precision=precision,
            workers=workers,
        )
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
    from edgeprofiler.learning.dataset.tables import count_table, range_table

    screen = common.results_console(json)
    rows = check(load_dataset(data), data)
    found = describe_dataset(rows, min_samples)
    common.write_json(json, found.document)
    if plot is not None:
        from edgeprofiler.views.plots.training import draw_coverage

        common.draw(plot, partial(draw_coverage, rows))
    screen.show(count_table(found), range_table(found))
