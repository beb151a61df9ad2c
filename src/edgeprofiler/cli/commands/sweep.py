"""`edgeprofiler sweep`: every combination of network, batch, resolution, precision and device."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking
from edgeprofiler.cli.progress import shown_workers
from edgeprofiler.core.choices import DEFAULT_CONFIDENCE

_FAILURES = 5
"""Networks that cannot be predicted and are told one by one; the table counts combinations."""


@asking(several=True)
def sweep(
    model: common.ModelArgument,
    asked: dict[str, Any],
    clocks: Annotated[
        list[str] | None,
        common.option(
            "gpu=306:1300:100MHz",
            "Clocks to set each device to: a range, or values as in emc=2133/3199MHz; of gpu, "
            "emc, cpu, cores and sms. Several: repeat it.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        common.option(
            "'fps>=30 and power_w<=10'",
            "Keep rows whose values meet it: fps, latency_ms, energy_mj, energy_per_image_mj, "
            "power_w (at the rate, with --rate), memory_mib, batch, precision, device; and, or, "
            "not.",
        ),
    ] = None,
    rows: Annotated[
        int,
        common.option(
            "N", "Rows to show where there are more; the best first.", shows_default=True, min=0
        ),
    ] = 20,
    variants: Annotated[
        Path | None,
        common.option(
            "FILE.jsonl",
            "Candidate networks, a JSON object each: widths and depths of the zoo's MODEL, or "
            "another `model`.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        common.option(
            "FOLDER", "Write all rows as Parquet in parts; the same call goes on where it was cut."
        ),
    ] = None,
    best: Annotated[
        int | None,
        common.option(
            "K", "Keep the Pareto front and the K rows of least energy an image, not all.", min=0
        ),
    ] = None,
    jobs: common.JobsOption = None,
    cluster: common.ClusterOption = None,
    parquet: Annotated[
        Path | None,
        common.output("FILE", "Write the rows that are kept as Parquet.", ".parquet"),
    ] = None,
    csv: common.CsvOption = None,
    json: common.JsonOption = None,
    plot: common.PictureOption = None,
) -> None:
    """Predict every combination, and which of them are best in energy and latency."""
    import edgeprofiler
    from edgeprofiler.decision.sweep.tables import sweep_table

    screen = common.results_console(csv, json)
    with shown_workers(jobs, cluster) as workers:
        found = edgeprofiler.sweep(
            model, clocks=",".join(clocks or []) or None, where=where,
            variants=variants, output=output, best=best, workers=workers, **asked,
        )  # fmt: skip
    for line in found.failures[:_FAILURES]:
        common.note(f"left out: {line}")
    if output is not None:
        common.note(f"{found.count:,} rows in {output}")
    common.save(parquet, found.write_parquet)
    common.write(csv, found.to_csv)
    if plot is not None:
        from edgeprofiler.views.plots.sweep import draw_sweep

        common.draw(plot, partial(draw_sweep, found))
    common.write_json(json, found.document)
    screen.show(sweep_table(found, rows, asked.get("confidence", DEFAULT_CONFIDENCE)))
